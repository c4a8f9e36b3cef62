"""The part of a URL that may stand in a log: never an id, a query or anything unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gpcli.net.lean import httpx

_FHIR_WORDS = frozenset(
    ("_search", "_history", "metadata", ".well-known", "smart-configuration"),
)
_SIGN_IN_WORDS = frozenset(
    (
        "oauth",
        "oauth2",
        "auth",
        "token",
        "revoke",
        "par",
        "jwks",
        "jwks.json",
        "device_authorization",
    ),
)
_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}")
_OPERATION = re.compile(r"\$[a-z-]{1,40}")


def route_of(url: httpx.URL, base: httpx.URL) -> str:
    """`/Appointment/{id}` for a URL under `base`; elsewhere only words of sign-in are kept."""
    home = base.path.rstrip("/")
    if url.host == base.host and url.port == base.port and f"{url.path}/".startswith(f"{home}/"):
        return _below_base(_segments(url.path[len(home) :]))
    return _joined(_kept(segment, _SIGN_IN_WORDS) for segment in _segments(url.path))


def _below_base(segments: list[str]) -> str:
    if not segments:
        return "/"
    first, *rest = segments
    kept = first if _TYPE.fullmatch(first) else _kept(first, _FHIR_WORDS)
    return _joined([kept, *(_kept(segment, _FHIR_WORDS) for segment in rest)])


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _kept(segment: str, words: frozenset[str]) -> str:
    return segment if segment in words or _OPERATION.fullmatch(segment) else "{id}"


def _joined(segments: Iterable[str]) -> str:
    return "/" + "/".join(segments)
