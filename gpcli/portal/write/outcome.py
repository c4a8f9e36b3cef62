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
from gpcli.http.retry import read_retry_after
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

_MAY_BE_DONE = frozenset({300, 301, 302, 303, 408, 423, 424})
"""Statuses below 500 that leave open whether a write was done: 303, and by custom those before it,
may lead from what was done to what shows it (RFC 9110, 15.4)."""

_NOT_IMPLEMENTED = 501
"""The status from 500 on that says that nothing was done."""

_FOUND = 200
"""The status of a conditional create of a record that the portal has (R4 3.1.0.8.1)."""

_EXISTED = frozenset({409, 412})
"""Statuses with which portals answer any create of a record that they have."""


class WriteOutcome(NamedTuple):
    """What a write left at the portal.

    `records` has the record of each part, in order. `along` has these with the resources included
    in their searches; it is empty after an update. `extra` is the result of the extra queries,
    empty where there are none or they failed. `changed` is False where the portal had the records,
    or the change, before this run.
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

    `request_id` is the `--request-id` with which the person can repeat the command. `conditional`
    says that it is sent with If-None-Exist, which the portal may or may not heed. `wait` is for
    how long a repetition only looks and sends nothing, at a portal that does not recognise a
    repeated request; `None` means that the portal does. `known` says that the journal has it from
    an earlier run; `pending`, that the request of that run may still be on its way.
    """

    resource_type: str
    intent: UUID
    request_id: UUID
    conditional: bool = False
    wait: timedelta | None = None
    pending: bool = False
    known: bool = False


@dataclass(frozen=True)
class Seen:
    """What the portal has of a write: for each intent, its records or the error of its query.

    `extra` merges the results of the other queries, without those that failed.
    """

    found: Mapping[UUID, SearchResult]
    extra: Bundle

    def of(self, intent: UUID) -> Bundle:
        """Return the records for an intent, as matches; raise the query's error."""
        return unwrap(self.found[intent])


class Judgement(NamedTuple):
    """What the response to a write says.

    `is_done` says that it is a success for every part; `responses` then has the response to each,
    and is empty otherwise. `refusal` is the error of a response that says for sure that nothing was
    done; `is_echo` says that the refusal may come of an earlier try, which was done. `is_new` says
    that the records are not known to have been there before. `retry_after` is for how many seconds
    the portal asks to wait, `None` where it does not say.
    """

    is_done: bool
    refusal: GpcliError | None
    is_echo: bool
    is_new: bool
    responses: Sequence[HttpResponse] = ()
    retry_after: float | None = None


class NotChanged(Conflict):
    """The portal took a change and kept the record as it was."""


def judge(response: HttpResponse | None, *, conditional: bool = False) -> Judgement:
    """Return what the response to one part says; `None` means that none came after sending.

    `conditional` says that the part was sent with If-None-Exist.
    """
    refusal = refusal_in(response)
    existed = _EXISTED | {_FOUND} if conditional else _EXISTED
    is_new = response is None or response.repeated or response.status not in existed
    if response and response.is_success:
        return Judgement(
            is_done=True, refusal=None, is_echo=False, is_new=is_new, responses=(response,)
        )
    is_echo = isinstance(refusal, SlotTaken) or bool(response and response.status in {409, 412})
    wait = read_retry_after(response.headers) if response else None
    return Judgement(
        is_done=False, refusal=refusal, is_echo=is_echo, is_new=is_new, retry_after=wait
    )


def judge_transaction(response: HttpResponse | None, parts: int, *, conditional: bool) -> Judgement:
    """Return what the response to a transaction of `parts` entries says; the rest as for `judge`.

    A portal that takes a transaction for a batch, or does not roll back, may have kept some parts:
    `is_echo` is True for all that is no success.
    """
    responses = read_entry_responses(response)
    repeated = response is not None and response.repeated
    is_new = repeated or not conditional or {each.status for each in responses} != {_FOUND}
    if len(responses) == parts and all(each.is_success for each in responses):
        return Judgement(
            is_done=True, refusal=None, is_echo=False, is_new=is_new, responses=responses
        )
    refused = (error_from_response(each) for each in responses if refusal_in(each))
    refusal = refusal_in(response) or next(refused, None)
    wait = read_retry_after(response.headers) if response else None
    return Judgement(is_done=False, refusal=refusal, is_echo=True, is_new=is_new, retry_after=wait)


def read_entry_responses(response: HttpResponse | None) -> list[HttpResponse]:
    """Return the responses in a batch or transaction response; empty where they can't be read."""
    if response is None or not response.is_success:
        return []
    try:
        entries = read_resource(response.body).children("entry")
        return [read_entry_response(entry, response) for entry in entries]
    except Malformed:
        return []


def is_certain_refusal(response: HttpResponse) -> bool:
    """Return whether a response that is no success says for sure that nothing was done.

    No response does where an earlier try of the same request may have been done.
    """
    refused = response.status < 500 or response.status == _NOT_IMPLEMENTED
    return refused and not response.repeated and response.status not in _MAY_BE_DONE


def refusal_in(response: HttpResponse | None) -> GpcliError | None:
    """Return the error of a response that says for sure that nothing was done, else `None`."""
    if response is None or response.is_success or not is_certain_refusal(response):
        return None
    return error_from_response(response)


def with_identifier(bundle: Bundle, resource_type: str, intent: UUID) -> Bundle:
    """Return the bundle with those matches alone that carry the intent's identifier.

    Lenient portals send others as well. A record whose identifiers can't be read is left out.
    """
    records = bundle.matches_of_type(resource_type)
    ours = [record for record in records if _has_identifier(record, intent)]
    return replace(bundle, matches=ours)


def _has_identifier(record: Element, intent: UUID) -> bool:
    try:
        return any(each.string("value") == intent.urn for each in record.children("identifier"))
    except Malformed:
        return False


def unknown_outcome(
    priors: Sequence[PriorWrite],
    trace_id: str | None = None,
    retry_after: float | None = None,
) -> OutcomeUnknown:
    """Return the error for a write that went out and whose outcome nobody knows.

    `trace_id` is the `X-Request-ID` that it had, `None` where it was not sent in this run;
    `retry_after` is as in Judgement.
    Its hint names the longest `wait` of the pending parts; where none is pending, of all parts.
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
    settle = "gpcli outbox settle asks the portal again."
    hint = f"{build_list_hint(prior.resource_type)} {settle} {again}"
    request_id = str(prior.request_id)
    return OutcomeUnknown(
        _UNKNOWN,
        hint=hint,
        request_id=request_id,
        trace_id=trace_id,
        retry_after=retry_after,
    )


def require_one(records: Bundle, request_id: UUID, resource_type: str) -> Element:
    """Return the one match of `records`.

    Raises: Conflict where there are several, OutcomeUnknown where there is none.
    """
    if len(records.matches) == 1:
        return records.matches[0]
    if not records.matches:
        raise OutcomeUnknown(
            "The portal took the request, but does not show what it made.",
            hint=build_list_hint(resource_type),
            request_id=str(request_id),
        )
    raise Conflict(
        f"The portal took the request but shows {len(records.matches)} records for it.",
        hint=build_list_hint(resource_type),
        request_id=str(request_id),
    )


def require_recognisable(seen: Bundle, response: HttpResponse, prior: PriorWrite) -> None:
    """Raise Conflict where the portal created the record with another identifier than was sent.

    A repetition of such a write would not be recognised, and would be done again.
    """
    created = _read_created(response)
    if seen.matches or created is None or _has_identifier(created, prior.intent):
        return
    reference = created.relative_reference
    raise Conflict(
        f"It is done ({reference}), but the portal changed the identifier it came with.",
        hint=f"Do not repeat it: that would do it again. {build_list_hint(created.resource_type)}",
        request_id=str(prior.request_id),
    )


def created_reference(response: HttpResponse) -> str | None:
    """Return the reference of the record that a create made, from the record or `Location`.

    `None` where the response names none (R4 3.1.0.8).
    """
    created = _read_created(response)
    if created:
        return created.relative_reference
    location = response.headers.get("Location", "").partition("/_history/")[0].split("/")[-2:]
    return "/".join(location) if len(location) == 2 and location[0] in _LISTS else None


def _read_created(response: HttpResponse) -> Element | None:
    """Return the record in the response to a create, if the portal sent it along."""
    try:
        created = read_resource(response.body)
        return created if created.resource_type in _LISTS and created.relative_reference else None
    except Malformed:
        return None


def build_list_hint(resource_type: str) -> str:
    """Return the hint that names the command which lists the records of a resource type."""
    return f"{_LISTS.get(resource_type, 'gpcli services')} shows what is there."


def read_back(look: Callable[[], Value], request_id: UUID, resource_type: str) -> Value:
    """Return what `look` finds after a write that was done; its failure becomes OutcomeUnknown."""
    try:
        return look()
    except GpcliError as error:
        raise OutcomeUnknown(
            f"The portal took the request, but it can't be read back: {error.message}",
            hint=build_list_hint(resource_type),
            request_id=str(request_id),
        ) from error


def has_taken_effect(record: Element, is_done: Callable[[Element], bool]) -> bool:
    """Return whether `is_done` holds for a record; False where that raises Malformed."""
    try:
        return is_done(record)
    except Malformed:
        return False


def fetch_or_none(fetch: Callable[[], Value]) -> Value | None:
    """Return what `fetch` returns; `None` where it raises a GpcliError."""
    try:
        return fetch()
    except GpcliError:
        return None


def with_partial_write_hint(
    error: GpcliError, references: Sequence[str], request_id: UUID
) -> GpcliError:
    """Return `error` for a write of which only the records `references` (`Type/id`) were made.

    Its hint is replaced, and it has the request id.
    """
    ids = ", ".join(each.partition("/")[2] for each in references)
    beginning = f"Only the beginning is at the portal ({ids}), without your words. "
    error.request_id = str(request_id)
    error.replace_hint(
        f"{beginning}The same command with --request-id {request_id} goes on with it."
    )
    return error
