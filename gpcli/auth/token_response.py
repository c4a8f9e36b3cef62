"""Responses of the token endpoint.

Source: RFC 6749, 5; SMART App Launch 2.2, "Obtain access token".
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gpcli.errors import BadResponse, PortalError, RateLimited
from gpcli.http.client import HttpResponse
from gpcli.http.url_policy import read_local_reference

DEFAULT_LIFETIME = 300.0
"""Seconds that a token is taken to be valid where the portal doesn't say."""

MAX_LIFETIME = 10 * 365 * 86400.0
"""The most seconds that a token is taken to be valid, whatever the portal says."""

MOVED_STATUSES = frozenset({404, 405, 410})
"""Statuses of an address at which there is no token endpoint any more."""

_MAX_TYPE = 40  # characters
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # https://hl7.org/fhir/R4/datatypes.html#id
_SECONDS = re.compile(r"-?\d{1,18}(\.\d+)?", re.ASCII)
_REFRESH_LIFETIME_KEYS = ("refresh_expires_in", "refresh_token_expires_in")


@dataclass(frozen=True)
class TokenResponse:
    """The content of one token response. Times are in Unix seconds; None = it doesn't say.

    Where it doesn't say when the access token ends, `expires_at` is by `DEFAULT_LIFETIME`.
    """

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: float | None
    scope: str | None
    patient: str | None
    fhir_user: str | None
    id_token: str | None = field(repr=False)


def parse_token_response(response: HttpResponse, now: float, portal: str) -> TokenResponse:
    """Return the content of a success that came at `now` (Unix seconds).

    `portal` is the FHIR base. A token without a type is taken for a Bearer token.
    Raises: BadResponse for anything else.
    """
    body = response.body
    if response.status not in {200, 201} or not isinstance(body, dict):
        raise _bad_response_error("is not a token answer")
    _check_type(body.get("token_type"))
    lifetime = _parse_lifetime(body.get("expires_in"))
    refresh_lifetime = next(
        (_parse_lifetime(body[key]) for key in _REFRESH_LIFETIME_KEYS if key in body), None
    )
    return TokenResponse(
        access_token=_read_token(body, "access_token"),
        expires_at=now + (DEFAULT_LIFETIME if lifetime is None else lifetime),
        refresh_token=_read_token(body, "refresh_token") if body.get("refresh_token") else None,
        refresh_expires_at=now + refresh_lifetime if refresh_lifetime else None,
        scope=_read_scope(body),
        patient=_read_patient(body, portal),
        fhir_user=user if isinstance(user := body.get("fhirUser"), str) else None,
        id_token=_read_text(body, "id_token"),
    )


def check_available(response: HttpResponse) -> None:
    """Raise RateLimited or PortalError if the endpoint is busy or failing."""
    if response.status == 429:
        raise RateLimited("The portal's sign-in asks to slow down.", hint="Try again in a minute.")
    if response.status >= 500 or response.status == 408:
        raise PortalError(
            f"The portal's sign-in failed (status {response.status}).", hint="Try again later."
        )


def _read_token(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if isinstance(value, str) and _VISIBLE.fullmatch(value):
        return value
    raise _bad_response_error(f"has no usable {key}")


def _check_type(token_type: object) -> None:
    if token_type is None or token_type == "":
        return
    name = token_type if isinstance(token_type, str) else ""
    if not name:
        raise _bad_response_error("has a token_type that is not text")
    if name.casefold() != "bearer":
        raise _bad_response_error(
            f"holds a token of the type '{name[:_MAX_TYPE]}', and gpcli can use Bearer tokens only"
        )


def _read_patient(body: dict[str, Any], portal: str) -> str | None:
    """Return the patient's id; some portals give a reference to it, or a number."""
    number = body.get("patient")
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    patient = str(number) if is_whole else _read_text(body, "patient")
    if patient is None or _FHIR_ID.fullmatch(patient):
        return patient
    reference = read_local_reference(patient, portal)
    if reference is not None and reference.startswith("Patient/"):
        return reference.removeprefix("Patient/")
    raise _bad_response_error("has a patient that is no FHIR id of this portal")


def _read_text(body: dict[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise _bad_response_error(f"has a {key} that is not text")


def _read_scope(body: dict[str, Any]) -> str | None:
    """Return the granted scopes, separated by spaces (RFC 6749, 3.3); some send them as a list."""
    scope = body.get("scope")
    if isinstance(scope, list) and all(isinstance(each, str) for each in scope):
        return " ".join(scope) or None
    return _read_text(body, "scope")


def _parse_lifetime(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    if isinstance(value, str) and not _SECONDS.fullmatch(value):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), MAX_LIFETIME) if math.isfinite(seconds) else None


def _bad_response_error(why: str) -> BadResponse:
    return BadResponse(f"The answer of the portal's sign-in {why}.")
