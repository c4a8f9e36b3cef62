"""What the browser shows at the end of a sign-in: a page of our own that loads nothing."""

from __future__ import annotations

_WORDS = {
    "done": (
        "Go back to the terminal",
        "The portal has answered, and gpcli goes on there. You can close this window.",
    ),
    "refused": (
        "You are not signed in",
        "The terminal says why, and what to do. You can close this window.",
    ),
    "older": (
        "This page is from an earlier try",
        "Nothing was changed by it. Use the page that gpcli opened last, or run gpcli login again.",
    ),
    "used": (
        "This is done already",
        "gpcli has its answer and goes on in the terminal. You can close this window.",
    ),
    "none": ("There is nothing here", "gpcli waits for the end of a sign-in, at another address."),
}
_STYLE = """
:root { color-scheme: light dark; --page: #f3f5f4; --card: #fff; --ink: #17211f; --soft: #51605c;
  --line: #cfd8d5; --accent: #0b5d52; }
@media (prefers-color-scheme: dark) { :root { --page: #101615; --card: #18211f; --ink: #e8efed;
  --soft: #a8b7b3; --line: #33413e; --accent: #6fd3c1; } }
body { margin: 0; padding: 12vh 1rem 2rem; background: var(--page); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { box-sizing: border-box; max-width: 34rem; margin: 0 auto; padding: 2rem;
  background: var(--card); border: 1px solid var(--line); border-top: .3rem solid var(--accent);
  border-radius: .8rem; }
h1 { margin: 0 0 .5rem; font-size: 1.625rem; line-height: 1.25; text-wrap: balance; }
p { margin: 0; color: var(--soft); }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – gpcli</title>
<style>{style}</style>
</head>
<body><main id="{kind}"><h1>{title}</h1><p>{text}</p></main></body>
</html>
"""


def last_page(kind: str) -> str:
    """The page for `kind`: `done`, `refused`, `older` (try), `used` (before), `none` (of these)."""
    title, text = _WORDS[kind]
    return _PAGE.format(kind=kind, title=title, text=text, style=_STYLE)
