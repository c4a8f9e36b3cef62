"""Which of a portal's links may be opened."""

from __future__ import annotations

from urllib.parse import urlsplit

from gpcli.config.keys import is_loopback


def may_open(link: str, environment: str) -> bool:
    """Whether `link` is plain https without a user name; at the sandbox, http on loopback too."""
    if not link.isascii() or not link.isprintable() or set(' \\"<>`') & set(link):
        return False
    try:
        url = urlsplit(link)
        _ = url.port
    except ValueError:
        return False
    if not url.hostname or "@" in url.netloc:
        return False
    if url.scheme == "https":
        return True
    return url.scheme == "http" and environment == "sandbox" and is_loopback(url)
