"""httpx without its own command line.

`import httpx` loads `httpx._main`, and with it rich and pygments, wherever click is installed.
A `None` in `sys.modules` makes that import fail, for which httpx has its own fallback. Whoever
needs httpx takes it from here: `from gpcli.net.lean import httpx`.
"""

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # the language's own "absent"

import httpx  # noqa: E402  (after the line above, or it has no effect)

if sys.modules.get("httpx._main", httpx) is None:
    del sys.modules["httpx._main"]

__all__ = ["httpx"]
