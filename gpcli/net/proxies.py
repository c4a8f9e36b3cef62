"""Which proxy a request goes through: HTTPS_PROXY and NO_PROXY, in either case.

HTTP_PROXY is ignored: plain http goes to loopback only, and loopback is never proxied.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

from gpcli.errors import ConfigTrouble
from gpcli.net.lean import httpx
from gpcli.net.origin import is_loopback


def proxy_for(url: httpx.URL, env: Mapping[str, str]) -> httpx.Proxy | None:
    """The proxy for `url`, or None for a direct connection; raises ConfigTrouble."""
    named = env.get("https_proxy") or env.get("HTTPS_PROXY")
    if not named or url.scheme != "https" or is_loopback(url.host):
        return None
    if _bypassed(url, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    return _proxy(named)


def _bypassed(url: httpx.URL, no_proxy: str) -> bool:
    host = f"{url.host}:{url.port or 443}"
    return bool(proxy_bypass_environment(host, {"no": no_proxy}))


def _proxy(named: str) -> httpx.Proxy:
    wanted = "HTTPS_PROXY must be a URL such as http://proxy.example:3128."
    try:
        proxy = httpx.Proxy(named if "://" in named else f"http://{named}")
    except (httpx.InvalidURL, ValueError):
        raise ConfigTrouble(wanted) from None
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        raise ConfigTrouble(wanted)
    return proxy
