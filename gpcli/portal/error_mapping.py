"""Error responses of a portal as our errors, by tables of problem codes and HTTP statuses.

A `urn:gpcli:problem` code goes before the HTTP status; the text never decides (docs/portal.md,
Answers).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gpcli.errors import (
    AlreadyAnswered,
    BadResponse,
    Conflict,
    ConsentNeeded,
    Cure,
    Expired,
    FeeNotAccepted,
    GpcliError,
    NotFound,
    NotPermitted,
    OffForNow,
    PortalError,
    RateLimited,
    Rejected,
    SlotTaken,
    TooLate,
)
from gpcli.fhir.element import Coding, Element, Malformed, read_resource
from gpcli.http.client import HttpResponse
from gpcli.http.retry import read_retry_after

PROBLEM_SYSTEM = "urn:gpcli:problem"

_LONG_NUMBER = re.compile(r"\d{11,}", re.ASCII)
"""A number that may tell who somebody is; it is not repeated."""

_HINTS: dict[type[GpcliError], str] = {
    ConsentNeeded: "gpcli consent grant",
    Expired: "gpcli login",
    NotPermitted: "gpcli login asks for what is missing; gpcli services tells what you may use.",
    OffForNow: "gpcli services",
    SlotTaken: "gpcli slots lists the free times.",
    RateLimited: "Try again later.",
    PortalError: "Try again later.",
}

_CURES = {Expired: Cure.SIGN_IN, NotPermitted: Cure.MORE_RIGHTS}

_ERRORS_BY_PROBLEM: dict[str, type[GpcliError]] = {
    "consent-needed": ConsentNeeded,
    "service-off": OffForNow,
    "slot-taken": SlotTaken,
    "too-late": TooLate,
    "already-answered": AlreadyAnswered,
    "fee-changed": FeeNotAccepted,
    "not-renewable": Rejected,
}

_ERRORS_BY_STATUS: tuple[tuple[Callable[[int], bool], type[GpcliError], str], ...] = (
    (lambda status: status == 401, Expired, "The portal does not accept this sign-in."),
    (lambda status: status == 403, NotPermitted, "The portal does not permit this."),
    (lambda status: status in {404, 410}, NotFound, "The portal has no such record."),
    (lambda status: status == 409, Conflict, "It conflicts with what the portal has."),
    (
        lambda status: status == 412,
        Conflict,
        "The portal has it otherwise than expected: it may have changed meanwhile.",
    ),
    (lambda status: status == 429, RateLimited, "The portal asks to slow down."),
    (lambda status: status in {408, 423, 424}, PortalError, "The portal can't answer now."),
    (lambda status: status == 501, Rejected, "The portal does not know how to do this."),
    (lambda status: status >= 500, PortalError, "The portal has a fault."),
    (lambda status: status >= 400, Rejected, "The portal refused the request."),
)


def error_from_response(response: HttpResponse) -> GpcliError:
    """Return the error for a response that is not a success, with the text in the response."""
    error_class, sentence = _find_by_status(response.status)
    quoted = ""
    for coding, text in _read_issues(response.body):
        quoted = quoted or text
        is_problem = coding.system == PROBLEM_SYSTEM and coding.code in _ERRORS_BY_PROBLEM
        if is_problem and response.status < 500:
            error_class, sentence, quoted = _ERRORS_BY_PROBLEM[coding.code], text or sentence, ""
            break
    error = error_class(
        f"{sentence} It says: {quoted}" if quoted else sentence,
        hint=_HINTS.get(error_class, ""),
        cure=_CURES.get(error_class),
        trace_id=response.trace_id,
        retry_after=read_retry_after(response.headers),
    )
    error.http_status = response.status
    return error


def _find_by_status(status: int) -> tuple[type[GpcliError], str]:
    for applies, error_class, sentence in _ERRORS_BY_STATUS:
        if applies(status):
            return error_class, sentence
    return BadResponse, f"The portal answered with status {status}, which is not FHIR."


def _read_issues(body: object) -> list[tuple[Coding, str]]:
    try:
        outcome = read_resource(body)
        return [pair for issue in outcome.children("issue") for pair in _read_issue(issue)]
    except Malformed:
        return []


def _read_issue(issue: Element) -> list[tuple[Coding, str]]:
    text = issue.concept_text("details") or issue.string("diagnostics") or ""
    text = _LONG_NUMBER.sub("[number]", text)
    return [(coding, text) for coding in issue.codings("details")] or [(Coding("", ""), text)]
