"""What a response, or its absence, says about a write: done, refused, or unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from typing import NamedTuple, TypeVar
from uuid import UUID

from gpcli.errors import Conflict, GpcliError, OutcomeUnknown, SlotTaken
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import HttpResponse
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.mapping import SearchResult, unwrap
from gpcli.portal.search import read_entry_response

Value = TypeVar("Value")

_UNKNOWN = "The request went out, but no answer came: it may or may not have been done."

_LISTS = {
    "Appointment": "gpcli appointments list",
    "Communication": "gpcli messages list",
    "Consent": "gpcli consent show",
    "Task": "gpcli rx requests",
}
"""Resource type -> the command that lists such records."""

_MAY_BE_DONE = frozenset({408, 423, 424})
"""Statuses below 500 that leave open whether a write was done."""

_NOT_IMPLEMENTED = 501
"""The one status above that which does not."""

_EXISTED = frozenset({200, 409, 412})
"""Statuses with which portals answer a conditional create of what they have."""


class WriteOutcome(NamedTuple):
    """What a write left at the portal.

    `records` has the record of each part, in order; `along` those with all that came with them;
    `extra` what the write's extra query found, empty where the portal does not answer it.
    `changed` is false where it was so before.
    """

    records: tuple[Element, ...]
    along: Bundle
    extra: Bundle
    changed: bool

    @property
    def record(self) -> Element:
        """The record of the first part."""
        return self.records[0]


@dataclass(frozen=True)
class PriorWrite:
    """What is known of a part before it is sent.

    `request_id` is what the person can repeat. `wait` is how long a repetition only looks, at a
    portal that does not recognise what it gets again; `None` = it recognises it. `known` says that
    an earlier run has begun it; `pending`, that the earlier run's request may still be on its way.
    """

    kind: str
    intent: UUID
    request_id: UUID
    wait: timedelta | None = None
    pending: bool = False
    known: bool = False


@dataclass(frozen=True)
class Seen:
    """The records that the portal shows for each intent of a write, or the error of its query.

    `extra` is what else was asked, empty where that failed.
    """

    found: Mapping[UUID, SearchResult]
    extra: Bundle

    def of(self, intent: UUID) -> Bundle:
        """Return the records for an intent; raises the query's error."""
        return unwrap(self.found[intent])


class Judgement(NamedTuple):
    """What the response to a write says.

    `responses` has the response to each part, for a write that is `done`. `refusal` is the error of
    a response that says for sure that nothing was done; `is_echo`, that this may come of an earlier
    try of the same write. `is_new` tells whether this request made the records.
    """

    is_done: bool
    refusal: GpcliError | None
    is_echo: bool
    is_new: bool
    responses: Sequence[HttpResponse] = ()


class NotChanged(Conflict):
    """The portal took a change and kept the record as it was."""


def judge(response: HttpResponse | None) -> Judgement:
    """Return what the response to one part says; `None` = it may have arrived, no answer came."""
    refusal = refusal_in(response)
    is_new = response is None or response.repeated or response.status not in _EXISTED
    if response and is_success(response):
        return Judgement(True, None, False, is_new, (response,))
    is_echo = isinstance(refusal, SlotTaken) or bool(response and response.status in {409, 412})
    return Judgement(False, refusal, is_echo, is_new)


def judge_transaction(response: HttpResponse | None, parts: int) -> Judgement:
    """Return what the response to a transaction of `parts` entries says.

    A portal that takes a transaction for a batch, or does not roll back, may have kept some parts:
    a refusal is always looked into.
    """
    responses = read_entry_responses(response)
    repeated = response is not None and response.repeated
    is_new = repeated or {each.status for each in responses} != {200}
    if len(responses) == parts and all(map(is_success, responses)):
        return Judgement(True, None, False, is_new, responses)
    refused = (error_from_response(each) for each in responses if refusal_in(each))
    return Judgement(False, refusal_in(response) or next(refused, None), True, is_new)


def read_entry_responses(response: HttpResponse | None) -> list[HttpResponse]:
    """Return the responses inside a Bundle's response; empty where there is none to be read."""
    if response is None or not is_success(response):
        return []
    try:
        entries = read_resource(response.body).children("entry")
        return [read_entry_response(entry, response) for entry in entries]
    except Malformed:
        return []


def is_success(response: HttpResponse) -> bool:
    """Return whether the response says that it was done."""
    return 200 <= response.status < 300


def is_final(response: HttpResponse) -> bool:
    """Return whether the response says for sure that nothing was done.

    No refusal does where an earlier try of the same request may have been done.
    """
    refused = response.status < 500 or response.status == _NOT_IMPLEMENTED
    return refused and not response.repeated and response.status not in _MAY_BE_DONE


def refusal_in(response: HttpResponse | None) -> GpcliError | None:
    """Return the error of a response that says for sure that nothing was done, else `None`."""
    if response is None or is_success(response) or not is_final(response):
        return None
    return error_from_response(response)


def with_identifier(bundle: Bundle, kind: str, intent: UUID) -> Bundle:
    """Return the bundle with those matches alone that carry the intent's identifier.

    Lenient portals send others as well. A record whose identifiers can't be read is left out.
    """
    ours = [
        one for one in bundle.matches if one.resource_type == kind and _has_identifier(one, intent)
    ]
    return replace(bundle, matches=ours)


def _has_identifier(one: Element, intent: UUID) -> bool:
    try:
        return any(each.string("value") == intent.urn for each in one.children("identifier"))
    except Malformed:
        return False


def unknown_outcome(priors: Sequence[PriorWrite]) -> OutcomeUnknown:
    """Return the error for a write that went out and whose outcome nobody knows.

    It names the longest wait of the parts whose request may be on its way.
    """
    pending = [prior for prior in priors if prior.pending] or priors
    prior = max(pending, key=lambda each: each.wait or timedelta())
    again = f"Or repeat it with --request-id {prior.request_id}: that never does it twice."
    if prior.wait is not None:
        minutes = max(1, ceil(prior.wait / timedelta(minutes=1)))
        again = (
            f"Or repeat it with --request-id {prior.request_id}: for the next {minutes} min that "
            "only looks; after that it is sent again."
        )
    hint = f"{where_to_look(prior.kind)} {again}"
    return OutcomeUnknown(_UNKNOWN, hint=hint, request_id=str(prior.request_id))


def require_one(records: Bundle, request_id: UUID, kind: str) -> Element:
    """Return the one record of a write; raises Conflict where the portal shows another number."""
    if len(records.matches) == 1:
        return records.matches[0]
    raise Conflict(
        f"The portal took the request but shows {len(records.matches)} records for it.",
        hint=where_to_look(kind),
        request_id=str(request_id),
    )


def require_recognisable(seen: Bundle, response: HttpResponse, prior: PriorWrite) -> None:
    """Raise Conflict where the portal did it and changed the identifier that it came with.

    It was done; a repetition could not be recognised and would be done again.
    """
    created = _read_created(response)
    if seen.matches or created is None or _has_identifier(created, prior.intent):
        return
    reference = created.relative_reference
    raise Conflict(
        f"It is done ({reference}), but the portal changed the identifier it came with.",
        hint=f"Do not repeat it: that would do it again. {where_to_look(created.resource_type)}",
        request_id=str(prior.request_id),
    )


def _read_created(response: HttpResponse) -> Element | None:
    """Return the record in the response to a create, if the portal sent it along."""
    try:
        created = read_resource(response.body)
        return created if created.resource_type in _LISTS and created.relative_reference else None
    except Malformed:
        return None


def where_to_look(kind: str) -> str:
    """Return the sentence on which command lists the records of a resource type."""
    return f"{_LISTS.get(kind, 'gpcli services')} shows what is there."


def read_back(look: Callable[[], Value], request_id: UUID, kind: str) -> Value:
    """Return what `look` finds; raises OutcomeUnknown, since its failure is none of the write."""
    try:
        return look()
    except GpcliError as error:
        raise OutcomeUnknown(
            f"The portal took the request, but it can't be read back: {error.message}",
            hint=where_to_look(kind),
            request_id=str(request_id),
        ) from error


def matches(record: Element, is_done: Callable[[Element], bool]) -> bool:
    """Return whether a record shows that it was done; one that can't be understood does not."""
    try:
        return is_done(record)
    except Malformed:
        return False


def try_ask(question: Callable[[], Value | None]) -> Value | None:
    """Return the answer to a question, or `None` where it can't be had."""
    try:
        return question()
    except GpcliError:
        return None


def with_remains(error: GpcliError, references: Sequence[str], request_id: UUID) -> GpcliError:
    """Return the error with the hint that only the beginning, `references`, is at the portal."""
    remains = ", ".join(each.partition("/")[2] for each in references)
    beginning = f"Only the beginning is at the portal ({remains}), without your words. "
    error.replace_hint(
        f"{beginning}The same command with --request-id {request_id} goes on with it."
    )
    return error
