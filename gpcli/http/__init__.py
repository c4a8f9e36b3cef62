"""The only network: TLS, proxies, URL policy, deadline, retry, size limits, strict JSON.

Modules that need httpx take it from here: `from gpcli.http import httpx`.
"""

import sys

# `import httpx` also loads httpx's own command line, `httpx._main`, wherever click is installed:
# click, rich and pygments with it, about 100 modules, by which the import takes 1.7 times as long
# (210 instead of 120 ms where it was measured). httpx has no switch for this, but does without
# when that import fails, and `None` in `sys.modules` makes an import fail (Python's language
# reference, "The module cache"). Where httpx has no such module, this does nothing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # typeshed allows no None

import httpx  # noqa: E402  (after the line above, or it has no effect)

if sys.modules.get("httpx._main", httpx) is None:
    del sys.modules["httpx._main"]  # whoever imports it on purpose gets it

__all__ = ["httpx"]
