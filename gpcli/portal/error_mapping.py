"""A portal's refusal as one of our errors: one table each for reasons and for statuses.

HTTP status first, then `urn:gpcli:problem` codes; never the text (docs/portal.md, Answers).
"""

from __future__ import annotations

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

PROBLEM = "urn:gpcli:problem"

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

_BY_PROBLEM: dict[str, type[GpcliError]] = {
    "consent-needed": ConsentNeeded,
    "service-off": OffForNow,
    "slot-taken": SlotTaken,
    "too-late": TooLate,
    "already-answered": AlreadyAnswered,
    "fee-changed": FeeNotAccepted,
    "not-renewable": Rejected,
}

_BY_STATUS: tuple[tuple[Callable[[int], bool], type[GpcliError], str], ...] = (
    (lambda status: status == 401, Expired, "The portal does not accept this sign-in."),
    (lambda status: status == 403, NotPermitted, "The portal does not permit this."),
    (lambda status: status in {404, 410}, NotFound, "The portal has no such record."),
    (lambda status: status in {409, 412}, Conflict, "The record has changed at the portal."),
    (lambda status: status == 429, RateLimited, "The portal asks to slow down."),
    (lambda status: status in {408, 423, 424}, PortalError, "The portal can't answer now."),
    (lambda status: status == 501, Rejected, "The portal does not know how to do this."),
    (lambda status: status >= 500, PortalError, "The portal has a fault."),
    (lambda status: status >= 400, Rejected, "The portal refused the request."),
)


def error_from_response(answer: HttpResponse) -> GpcliError:
    """The error for an answer that is not a success."""
    kind, sentence = _by_status(answer.status)
    said = ""
    for coding, text in _issues(answer.body):
        said = said or text
        if coding.system == PROBLEM and coding.code in _BY_PROBLEM and answer.status < 500:
            kind, sentence, said = _BY_PROBLEM[coding.code], text or sentence, ""
            break
    return kind(
        f"{sentence} It says: {said}" if said else sentence,
        hint=_HINTS.get(kind, ""),
        cure=_CURES.get(kind),
        request_id=answer.request_id,
        retry_after=read_retry_after(answer.headers),
    )


def _by_status(status: int) -> tuple[type[GpcliError], str]:
    for applies, kind, sentence in _BY_STATUS:
        if applies(status):
            return kind, sentence
    return BadResponse, f"The portal answered with status {status}, which is not FHIR."


def _issues(body: object) -> list[tuple[Coding, str]]:
    try:
        outcome = read_resource(body)
        return [pair for issue in outcome.children("issue") for pair in _issue(issue)]
    except Malformed:
        return []


def _issue(issue: Element) -> list[tuple[Coding, str]]:
    text = issue.concept_text("details") or issue.string("diagnostics") or ""
    return [(coding, text) for coding in issue.codings("details")] or [(Coding("", ""), text)]
