"""The part of a URL that may stand in a log: never an id, a query or anything unknown."""

from __future__ import annotations

import re

from gpcli.net.lean import httpx

_WORDS = frozenset(
    {
        *("_search", "_history", "metadata", ".well-known", "smart-configuration"),
        *("oauth", "oauth2", "auth", "token", "revoke", "par", "jwks", "jwks.json", "device"),
    }
)
_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}")
_OPERATION = re.compile(r"\$[a-z-]{1,40}")


def route_of(url: httpx.URL, base: httpx.URL) -> str:
    """`/Appointment/{id}` for a URL under `base`; elsewhere only well-known words are kept."""
    home = base.path.rstrip("/")
    if url.host == base.host and url.port == base.port and f"{url.path}/".startswith(f"{home}/"):
        return _template(url.path[len(home) :], starts_with_type=True)
    return _template(url.path, starts_with_type=False)


def _template(path: str, *, starts_with_type: bool) -> str:
    segments = [segment for segment in path.split("/") if segment]
    if starts_with_type and segments and _TYPE.fullmatch(segments[0]):
        return "/" + "/".join([segments[0], *map(_kept, segments[1:])])
    return "/" + "/".join(map(_kept, segments))


def _kept(segment: str) -> str:
    return segment if segment in _WORDS or _OPERATION.fullmatch(segment) else "{id}"
