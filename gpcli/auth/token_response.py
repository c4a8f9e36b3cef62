"""Answers of the token endpoint (RFC 6749, 5; SMART App Launch 2.2, "Obtain access token")."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gpcli import errors
from gpcli.http.client import HttpResponse

DEFAULT_LIFETIME = 300.0
"""Seconds that a token is taken to live where the portal doesn't say."""

MAX_LIFETIME = 10 * 365 * 86400.0
"""Seconds that a token is taken to live at most, whatever the portal says."""

MOVED_STATUSES = frozenset({404, 405, 410})
"""What an address answers where no token endpoint is any more."""

_ERROR_WORD = re.compile(r"[a-z_]{1,60}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # https://hl7.org/fhir/R4/datatypes.html#id
_REFRESH_LIFE = ("refresh_expires_in", "refresh_token_expires_in")


@dataclass(frozen=True)
class TokenResponse:
    """What one token answer holds. Times are Unix seconds; None = the answer doesn't say."""

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: float | None
    scope: str | None
    patient: str | None
    fhir_user: str | None
    id_token: str | None = field(repr=False)


def parse_token_response(answer: HttpResponse, now: float) -> TokenResponse:
    """The tokens in a good answer that came at `now`; raises errors.BadResponse."""
    said = answer.body
    if answer.status != 200 or not isinstance(said, dict):
        raise _bad("is not a token answer")
    if str(said.get("token_type", "")).lower() != "bearer":
        raise _bad("holds a token that is not of the Bearer type")
    life = _seconds(said.get("expires_in"))
    refresh_life = next((_seconds(said[key]) for key in _REFRESH_LIFE if key in said), None)
    return TokenResponse(
        access_token=_token(said, "access_token"),
        expires_at=now + (DEFAULT_LIFETIME if life is None else life),
        refresh_token=_token(said, "refresh_token") if said.get("refresh_token") else None,
        refresh_expires_at=now + refresh_life if refresh_life else None,
        scope=_text(said, "scope"),
        patient=_patient(said),
        fhir_user=_text(said, "fhirUser"),
        id_token=_text(said, "id_token"),
    )


def read_oauth_error(answer: HttpResponse) -> str | None:
    """The `error` word of a refusal (RFC 6749, 5.2), None if there is none that is one."""
    word = answer.body.get("error") if isinstance(answer.body, dict) else None
    return word if isinstance(word, str) and _ERROR_WORD.fullmatch(word) else None


def check_available(answer: HttpResponse) -> None:
    """Raise errors.RateLimited or errors.PortalTrouble if the endpoint is busy or failing."""
    if answer.status == 429:
        raise errors.RateLimited(
            "The portal's sign-in asks to slow down.", hint="Try again in a minute."
        )
    if answer.status >= 500 or answer.status == 408:
        raise errors.PortalError(
            f"The portal's sign-in failed (status {answer.status}).", hint="Try again later."
        )


def is_valid_token(text: str) -> bool:
    """Whether `text` can stand in an Authorization header (RFC 6750, 2.1)."""
    return _VISIBLE.fullmatch(text) is not None


def _token(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    if isinstance(value, str) and is_valid_token(value):
        return value
    raise _bad(f"has no usable {key}")


def _patient(said: dict[str, Any]) -> str | None:
    patient = _text(said, "patient")
    if patient is None or _FHIR_ID.fullmatch(patient):
        return patient
    raise _bad("has a patient that is no FHIR id")


def _text(said: dict[str, Any], key: str) -> str | None:
    value = said.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise _bad(f"has a {key} that is not text")


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        life = float(value)
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, life), MAX_LIFETIME) if math.isfinite(life) else None


def _bad(why: str) -> errors.BadResponse:
    return errors.BadResponse(f"The answer of the portal's sign-in {why}.")
