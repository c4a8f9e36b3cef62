"""Which proxy a request goes through: HTTPS_PROXY and NO_PROXY, in either case.

HTTP_PROXY is ignored: plain http goes to loopback only, and loopback is never proxied, as a number
or as `localhost` (RFC 6761, 6.3): seen from the proxy, it would be the proxy itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

from gpcli.errors import ConfigTrouble
from gpcli.net.lean import httpx
from gpcli.net.origin import is_here


def proxy_for(url: httpx.URL, env: Mapping[str, str]) -> httpx.Proxy | None:
    """The proxy for `url`, or None for a direct connection; raises ConfigTrouble."""
    written = env.get("https_proxy") or env.get("HTTPS_PROXY")
    if not written or url.scheme != "https" or is_here(url.host):
        return None
    if _bypassed(url, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    if ":" in url.host:  # the library writes such an address in a way that proxies can't read
        raise ConfigTrouble(
            f"No proxy is asked for the way to an address like {url.host}.",
            hint=f"Use the portal's name, or set NO_PROXY={url.host} to go around the proxy.",
        )
    return _proxy(written)


def named(proxy: httpx.Proxy) -> str:
    """The proxy's host and port, without the name and password to use there."""
    return proxy.url.netloc.decode("ascii")


def _bypassed(url: httpx.URL, no_proxy: str) -> bool:
    written = (url.host, f"[{url.host}]")  # an IPv6 address is seen either way
    hosts = (f"{host}:{url.port or 443}" for host in written)
    return any(proxy_bypass_environment(host, {"no": no_proxy}) for host in hosts)


def _proxy(written: str) -> httpx.Proxy:
    wanted = "HTTPS_PROXY must be a URL such as http://proxy.example:3128."
    try:
        proxy = httpx.Proxy(written if "://" in written else f"http://{written}")
    except (httpx.InvalidURL, ValueError):
        raise ConfigTrouble(wanted) from None
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        raise ConfigTrouble(wanted)
    return proxy
