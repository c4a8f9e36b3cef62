"""Holding a proposed time before it is booked, and booking it by a reference alone.

What the portal holds ends by itself, so that the answer to `$hold` decides nothing but a refusal:
`$book` tells. Source: IHE ITI Scheduling 1.0, ITI-116 and ITI-117.
"""

from __future__ import annotations

from functools import partial
from uuid import uuid5

from gpcli.errors import Conflict, GpcliError, NotFound, Rejected
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Malformed, read_resource
from gpcli.http.client import HttpResponse
from gpcli.model.appointment import CONFIRMED
from gpcli.portal import queries
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.scheduling_operations import (
    BOOK,
    HOLD,
    build_slot_taken,
    is_form_refused,
    read_write_response,
)
from gpcli.portal.write.outcome import (
    PriorWrite,
    Seen,
    WriteOutcome,
    build_list_hint,
    judge,
    refusal_in,
)
from gpcli.portal.write.requests import WritePart, build_reference_request
from gpcli.portal.write.slot_booking import APPOINTMENT, SlotBooking

_GONE = frozenset({Conflict, NotFound, Rejected})
"""Errors with which portals answer that they no longer offer a proposed time."""

_NOT_HELD = "The portal no longer offers this time."


def send_hold(booking: SlotBooking) -> str | None:
    """Have the portal hold the proposed time, if it can; return the id to book it by.

    That is the id of the held Appointment; where it holds nothing or no answer came, that of the
    proposed one, if the time has no Slot; else `None`.
    Raises: SlotTaken where the portal no longer offers the time, or another refusal.
    """
    proposed = None if booking.has_slot else booking.proposal
    can = booking.dependencies.search.fetch_capabilities()
    if booking.proposal is None or not can.has_operation("hold", APPOINTMENT):
        return proposed
    intent = uuid5(booking.intent, "held")
    proposed_reference = f"{APPOINTMENT}/{booking.proposal}"
    part = WritePart(intent, {"resourceType": APPOINTMENT}, proposed_reference, effect={})
    response = booking.kernel.send(build_reference_request(part, HOLD))
    answer = read_write_response(response) if response else None
    refusal = refusal_in(answer)
    is_held = answer is not None and judge(answer).is_done
    booking.kernel.record_state(intent, "done" if is_held else "refused" if refusal else "unknown")
    if answer is None or (refusal and is_form_refused(answer)):
        return proposed
    if refusal:
        raise _explain(answer, refusal)
    return (_find_id(answer) if is_held else None) or proposed


def _explain(answer: HttpResponse, refusal: GpcliError) -> GpcliError:
    if type(refusal) not in _GONE:
        return refusal
    return error_from_response(build_slot_taken(answer, _NOT_HELD))


def can_refer(booking: SlotBooking, answer: HttpResponse | None) -> bool:
    """Return whether `$book` is to be called by reference: it refused to take an Appointment."""
    is_refused = answer is not None and refusal_in(answer) is not None
    return bool(booking.proposal and answer and is_refused and is_form_refused(answer))


def send_by_reference(booking: SlotBooking, prior: PriorWrite, held: str | None) -> WriteOutcome:
    """Book the proposed time with `$book` and its reference alone.

    The Appointment then has neither the intent's identifier nor the reason: it is looked for by its
    id, which the journal keeps as the target.
    """
    reference = f"{APPOINTMENT}/{held or booking.proposal}"
    part = booking.part._replace(target=reference, effect={"status": [*CONFIRMED]})
    response = booking.kernel.send(build_reference_request(part, BOOK))
    answer = read_write_response(response) if response else None
    made = (_find_id(answer) if answer and judge(answer).is_done else None) or held
    look = partial(look_by_id, booking, made or str(booking.proposal))
    return booking.kernel.settle([prior], judge(booking.explain(answer) if answer else None), look)


def find_referred(booking: SlotBooking) -> str | None:
    """Return the id by which an earlier run with this intent booked, `None` = it did not."""
    entry = booking.kernel.find_entry(booking.intent)
    is_sent = entry is not None and entry.target and entry.state not in {"refused", "not_sent"}
    return str(entry.target).partition("/")[2] if entry and is_sent else None


def accept_referred(booking: SlotBooking, prior: PriorWrite, appointment: str) -> WriteOutcome:
    """Return the booking that an earlier run made by reference.

    Raises: Conflict where the portal does not show it as booked: it may have another id.
    """
    seen = look_by_id(booking, appointment)
    if seen.of(booking.intent).matches:
        return booking.kernel.accept_earlier([prior], seen)
    raise Conflict(
        f"This --request-id was sent before, to book {appointment}, and this portal does not show "
        "what became of that.",
        hint=f"{build_list_hint(APPOINTMENT)} Use a new --request-id for a new request.",
        request_id=str(prior.request_id),
    )


def look_by_id(booking: SlotBooking, appointment: str) -> Seen:
    """Fetch the Appointment with this id, if it is booked, and what holds the slot besides."""
    search = booking.dependencies.search
    result, *others = search.fetch_many(
        queries.appointment(appointment), *booking.holders_queries, *booking.slot_queries
    )
    extra = Bundle()
    for each in others:
        extra.merge(each if isinstance(each, Bundle) else Bundle())
    if not isinstance(result, Bundle):
        return Seen({booking.intent: result}, extra)
    reference = f"{APPOINTMENT}/{appointment}"
    result.matches = [
        each
        for each in result.matches
        if each.relative_reference == reference and each.json.get("status") in CONFIRMED
    ]
    return Seen({booking.intent: result}, extra)


def _find_id(answer: HttpResponse | None) -> str | None:
    try:
        return read_resource(answer.body).string("id") if answer else None
    except Malformed:
        return None
