"""An answer of the portal as a report may quote it: its shape and codes, nobody's health data."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from gpcli.errors import (
    AlreadyAnswered,
    ConsentNeeded,
    FeeNotAccepted,
    GpcliError,
    OffForNow,
    Rejected,
    SignInError,
    SlotTaken,
    TooLate,
    Unavailable,
)
from gpcli.http.client import HttpResponse

MAX_LENGTH = 800
"""The most characters of an excerpt."""

_MAX_ITEMS = 3
"""How many members of a list are quoted."""

_SHOWN = frozenset(
    {
        *("resourceType", "type", "total", "severity", "status", "mode"),
        *("relation", "versionId", "kind", "fhirVersion", "error"),
    }
)
"""The keys whose values are words or counts; all other texts and numbers are hidden."""

_SHOWN_OF_OUTCOME = _SHOWN | {"code", "system"}
"""Those of an OperationOutcome: in any other record a code can be that of an illness."""

_WORD = re.compile(r"(?!.*\d{6})[\w.:/|+-]{1,80}", re.ASCII)
"""What is no sentence, and no number that somebody could be known by."""

_PORTALS_WORDS = (
    ConsentNeeded,
    OffForNow,
    SlotTaken,
    TooLate,
    AlreadyAnswered,
    FeeNotAccepted,
    Rejected,
)
"""The errors whose message may be the portal's own."""

_DESCRIPTION = re.compile(r"(\([\w.-]+\)): .*", re.DOTALL | re.ASCII)
"""In what a sign-in's error says: its word or status, and what the portal adds."""

_QUOTATION = re.compile(r"\s*(It|The portal) says: .*", re.DOTALL)

HIDDEN = "[hidden]"


def word_error(error: GpcliError) -> str:
    """Return what an error says, without the portal's own words: they may be about a person."""
    if isinstance(error, _PORTALS_WORDS):
        return f"the portal refuses it: {error.code}"
    if isinstance(error, SignInError | Unavailable):
        return _DESCRIPTION.sub(r"\1.", hide_quotation(error.message))
    return hide_quotation(error.message)


def hide_quotation(text: str) -> str:
    """Return a sentence of gpcli's without what it quotes of the portal."""
    return _QUOTATION.sub("", text)


def build_excerpt(response: HttpResponse) -> str:
    """Return the status and media type of a response, and its body without what may be personal."""
    media_type = response.headers.get("Content-Type", "no media type").partition(";")[0]
    shape = "no JSON" if response.body is None else json.dumps(_redact(response.body, "", _SHOWN))
    return f"{response.status} {media_type} {shape}"[:MAX_LENGTH]


def _redact(value: Any, key: str, shown: Collection[str]) -> Any:
    if isinstance(value, dict):
        if "resourceType" in value:
            is_outcome = value["resourceType"] == "OperationOutcome"
            shown = _SHOWN_OF_OUTCOME if is_outcome else _SHOWN
        return {_redact_name(name): _redact(each, name, shown) for name, each in value.items()}
    if isinstance(value, list):
        more = [f"and {len(value) - _MAX_ITEMS} more"] if len(value) > _MAX_ITEMS else []
        return [_redact(each, key, shown) for each in value[:_MAX_ITEMS]] + more
    if value is None or isinstance(value, bool):
        return value
    if key not in shown or not _WORD.fullmatch(str(value)):
        return HIDDEN
    return value if isinstance(value, int) else str(value)


def _redact_name(name: str) -> str:
    return name if _WORD.fullmatch(name) else HIDDEN
