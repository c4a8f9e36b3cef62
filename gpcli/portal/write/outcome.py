"""Was it done? What an answer, or its absence, says about a write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any, TypeVar
from uuid import UUID, uuid5

from gpcli.errors import BadResponse, Conflict, GpcliError, OutcomeUnknown, SlotTaken
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, resource
from gpcli.http.client import HttpResponse
from gpcli.portal.error_mapping import error_of
from gpcli.portal.mapping import require

Found = TypeVar("Found")

_UNKNOWN = "The request went out, but no answer came: it may or may not have been done."

_LISTS = {
    "Appointment": "gpcli appointments list",
    "Communication": "gpcli messages list",
    "Consent": "gpcli consent show",
    "Task": "gpcli rx requests",
}
"""Resource type -> the command that shows what is there."""

_MAY_BE_DONE = frozenset({408, 423, 424})
"""Statuses below 500 that leave open whether a write was done."""

_NOT_IMPLEMENTED = 501
"""The one status above that which does not."""


_THERE_BEFORE = frozenset({200, 409, 412})
"""How portals answer a conditional create of what they have."""


class Unmoved(Conflict):
    """The portal took a change and kept the record as it was."""


def only_once(intent: UUID) -> str:
    """The condition on which a portal creates what carries this intent's identifier."""
    return f"identifier={UUID_SYSTEM}|{intent.urn}"


def entry_url(intent: UUID) -> str:
    """How entries of a transaction refer to what another one creates (R4 Bundle.entry.fullUrl).

    A UUID of its own: where it is that of the identifier, some portals put the new id there, too.
    """
    return uuid5(intent, "entry").urn


def create_entry(intent: UUID, resource: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a batch or a transaction that creates `resource` once."""
    request = {
        "method": "POST",
        "url": str(resource["resourceType"]),
        "ifNoneExist": only_once(intent),
    }
    return {"resource": resource, "request": request}


def used_otherwise() -> Conflict:
    """The error for a request id under which the portal, or the journal, knows something else."""
    return Conflict(
        "This --request-id was used for something else.",
        hint="Use a new --request-id for a new request.",
    )


def bearing(bundle: Bundle, kind: str, intent: UUID) -> Bundle:
    """Of the resources found, those that carry the intent's identifier: lenient servers send all.

    One with identifiers that can't be read is not ours.
    """
    ours = [one for one in bundle.matches if one.kind == kind and _bears(one, intent)]
    return replace(bundle, matches=ours)


def _bears(one: Element, intent: UUID) -> bool:
    try:
        return any(each.text("value") == intent.urn for each in one.children("identifier"))
    except Malformed:
        return False


def is_success(answer: HttpResponse) -> bool:
    """Whether the answer says that it was done."""
    return 200 <= answer.status < 300


def is_final(answer: HttpResponse) -> bool:
    """Whether the answer says for sure that nothing was done.

    No refusal does where an earlier try of the same request may have been done.
    """
    refused = answer.status < 500 or answer.status == _NOT_IMPLEMENTED
    return refused and not answer.repeated and answer.status not in _MAY_BE_DONE


def refusal_in(answer: HttpResponse | None) -> GpcliError | None:
    """The error of an answer that says for sure that nothing was done, else `None`."""
    if answer is None or is_success(answer) or not is_final(answer):
        return None
    return error_of(answer)


def may_be_echo(answer: HttpResponse | None, refusal: GpcliError) -> bool:
    """Whether a refusal may come of an earlier run's try of the same write."""
    return isinstance(refusal, SlotTaken) or (answer is not None and answer.status in {409, 412})


def is_new(answer: HttpResponse | None) -> bool:
    """Whether this made the record.

    A 200 to the only try says that it was there before; so does a 409 or a 412 of a portal that
    shows it.
    """
    return answer is None or answer.repeated or answer.status not in _THERE_BEFORE


def unknown(kind: str, request: UUID, wait: timedelta | None = None) -> OutcomeUnknown:
    """The error for a write that went out and whose outcome nobody knows.

    `wait` is how long a repetition only looks, at a portal that can't recognise what it gets again;
    `None` = it recognises it.
    """
    again = f"Or repeat it with --request-id {request}: that never does it twice."
    if wait is not None:
        minutes = max(1, ceil(wait / timedelta(minutes=1)))
        again = (
            f"Or repeat it with --request-id {request}: for the next {minutes} min that only "
            "looks; after that it is sent again."
        )
    return OutcomeUnknown(_UNKNOWN, hint=f"{where(kind)} {again}", request_id=str(request))


def require_one(there: Bundle, request: UUID, kind: str) -> None:
    """Raise Conflict unless the portal shows exactly one record for a write."""
    if len(there.matches) != 1:
        raise Conflict(
            f"The portal took the request but shows {len(there.matches)} records for it.",
            hint=where(kind),
            request_id=str(request),
        )


def require_recognised(there: Bundle, answer: HttpResponse, intent: UUID, request: UUID) -> None:
    """Raise Conflict where the portal did it but changed the identifier that it came with.

    It was done; a repetition could not be recognised and would be done again.
    """
    made = _made(answer)
    if there.matches or made is None or _bears(made, intent):
        return
    raise Conflict(
        f"It is done ({made.ref}), but the portal changed the identifier it came with.",
        hint=f"Do not repeat it: that would do it again. {where(made.kind)}",
        request_id=str(request),
    )


def _made(answer: HttpResponse) -> Element | None:
    """The record in the answer to a create, if the portal sent it along."""
    try:
        made = resource(answer.body)
        return made if made.kind in _LISTS and made.ref else None
    except Malformed:
        return None


def where(kind: str) -> str:
    """Where to look for what a write of this kind left."""
    return f"{_LISTS.get(kind, 'gpcli services')} shows what is there."


def read_back(look: Callable[[], Found], intent: UUID, kind: str) -> Found:
    """What is there now; raises OutcomeUnknown, since a failure here is none of the write."""
    try:
        return look()
    except GpcliError as trouble:
        raise OutcomeUnknown(
            f"The portal took the request, but it can't be read back: {trouble.message}",
            hint=where(kind),
            request_id=str(intent),
        ) from trouble


def really(there: Element, is_done: Callable[[Element], bool], intent: UUID) -> Element:
    """`there`, unless the portal kept it as it was; raises Unmoved."""
    if seems(there, is_done):
        return there
    raise Unmoved(
        f"The portal took the request, but shows {there.ref} as it was.",
        hint=where(there.kind),
        request_id=str(intent),
    )


def seems(there: Element, is_done: Callable[[Element], bool]) -> bool:
    """Whether a record shows that it was done; one that can't be understood does not."""
    try:
        return is_done(there)
    except Malformed:
        return False


def tried(question: Callable[[], Found | None]) -> Found | None:
    """The answer to a question, or `None` where it can't be had."""
    try:
        return question()
    except GpcliError:
        return None


def if_match(record: Element, etag: str | None) -> dict[str, str]:
    """The ETag, or where a server sends none, one made of `meta.versionId` (R4 3.1.0.5).

    Nothing for a server that keeps no versions. Raises BadResponse for one that can't be sent.
    """
    meta = require(lambda: record.child("meta"))
    version = require(lambda: meta.text("versionId") if meta else None)
    etag = etag or (f'W/"{version}"' if version else "")
    if not (etag.isascii() and etag.isprintable()):
        raise BadResponse("The portal names a version that can't be sent back; nothing was sent.")
    return {"If-Match": etag} if etag else {}
