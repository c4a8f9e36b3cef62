"""An answer of the portal as a report may quote it: its shape and codes, nobody's health data."""

from __future__ import annotations

import json
from typing import Any

from gpcli.http.client import HttpResponse

MAX_LENGTH = 800
"""The most characters of an excerpt."""

_MAX_ITEMS = 3
"""How many members of a list are quoted."""

_SHOWN = frozenset(
    {
        *("resourceType", "type", "total", "severity", "code", "system", "status", "mode"),
        *("relation", "versionId", "kind", "fhirVersion", "error"),
    }
)
"""The keys whose values are codes or counts; all other texts and numbers are hidden."""

HIDDEN = "[hidden]"


def build_excerpt(response: HttpResponse) -> str:
    """Return the status and media type of a response, and its body without what may be personal."""
    media_type = response.headers.get("Content-Type", "no media type").partition(";")[0]
    shape = "no JSON" if response.body is None else json.dumps(_redact(response.body, ""))
    return f"{response.status} {media_type} {shape}"[:MAX_LENGTH]


def _redact(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _redact(each, name) for name, each in value.items()}
    if isinstance(value, list):
        more = [f"and {len(value) - _MAX_ITEMS} more"] if len(value) > _MAX_ITEMS else []
        return [_redact(each, key) for each in value[:_MAX_ITEMS]] + more
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value if value is None or isinstance(value, bool) or key in _SHOWN else HIDDEN
