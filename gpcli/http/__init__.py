"""The only network: TLS, proxies, URL policy, deadline, retry, size limits, strict JSON.

`import httpx` loads `httpx._main`, and with it rich and pygments, wherever click is installed.
A `None` in `sys.modules` makes that import fail, for which httpx has its own fallback. Modules
that need httpx take it from here: `from gpcli.http import httpx`.
"""

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # the language's own "absent"

import httpx  # noqa: E402  (after the line above, or it has no effect)

if sys.modules.get("httpx._main", httpx) is None:
    del sys.modules["httpx._main"]

__all__ = ["httpx"]
