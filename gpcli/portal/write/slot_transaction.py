"""Booking a slot at a portal that does not guard it: Slot and Appointment in one transaction.

The Slot is put back as busy on the condition that it is as it was read (`ifMatch`; R4 http.html,
transaction). Portals that do not roll back may do only half of it: that half is undone, or the
error names it. The Appointment has a second identifier, of this run alone: it tells this run's
record from that of another run with the same `--request-id`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4, uuid5

from gpcli.errors import Conflict, GpcliError, NotPermitted, SlotTaken
from gpcli.fhir.element import UUID_SYSTEM, Element, read_resource
from gpcli.http.client import HttpResponse
from gpcli.portal import queries
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.mapping import require
from gpcli.portal.search import read_entry_response
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import (
    PriorWrite,
    Seen,
    WriteOutcome,
    fetch_or_none,
    is_certain_refusal,
    judge,
    refusal_in,
    require_one,
)
from gpcli.portal.write.requests import (
    WritePart,
    build_bundle_request,
    build_if_match,
    build_update_request,
)
from gpcli.portal.write.slot_booking import APPOINTMENT, OTHER_WAY, SEE_SLOTS, SlotBooking


class EntryResult(NamedTuple):
    """The response to one entry of a transaction; `etag` is the record's version after it."""

    response: HttpResponse
    etag: str | None


class _SlotRead(NamedTuple):
    """The Slot as it was read; `etag` is its version."""

    record: Element
    etag: str


def send_slot_transaction(booking: SlotBooking) -> WriteOutcome:
    """Mark the slot as busy and create the Appointment; raise as `send_booking` does."""
    kernel, intent = booking.kernel, booking.intent
    prior = kernel.read_prior(booking.part, intent)
    look = partial(_look, booking)
    seen = kernel.look_for_earlier([prior], look)
    if seen and seen.of(intent).matches:
        return _require_slot_taken(booking, kernel.accept_earlier([prior], seen))
    if prior.pending:
        return _require_slot_taken(booking, kernel.settle([prior], judge(None), look))
    slot = _fetch_slot(booking)
    if slot.record.json.get("status") != "free":
        return _read_existing(booking, prior)
    part = _with_run_identifier(booking.part)
    entry = _slot_entry(booking, slot)
    request = build_bundle_request(
        "transaction",
        [part],
        intent,
        conditional=prior.conditional,
        retry=prior.wait is None,
        before=[entry],
    )
    response = _read_response(booking, slot, kernel.send(request))
    if response and refusal_in(response):
        return _settle_refusal(booking, part, prior, response)
    verdict = judge(response, conditional=prior.conditional)
    return _require_slot_taken(booking, kernel.settle([prior], verdict, look))


def _fetch_slot(booking: SlotBooking) -> _SlotRead:
    """Fetch the Slot with its version; raise NotPermitted where the portal lacks what it takes."""
    search = booking.dependencies.search
    if not search.fetch_capabilities().transaction:
        raise NotPermitted(
            "The portal takes no transactions, and this profile books by transaction.",
            hint=OTHER_WAY,
        )
    record, response = search.fetch_resource(f"Slot/{booking.slot}")
    condition = build_if_match(record, response.headers.get("ETag"))
    if not condition:
        raise NotPermitted(
            "The portal keeps no versions of its times, so two people could book the same one; "
            "nothing was sent.",
            hint=OTHER_WAY,
        )
    return _SlotRead(record, condition["If-Match"])


def _with_run_identifier(part: WritePart) -> WritePart:
    """Return the part with an identifier that no other run has."""
    identifier = {"system": UUID_SYSTEM, "value": uuid4().urn}
    identifiers = [*part.resource["identifier"], identifier]
    return part._replace(resource={**part.resource, "identifier": identifiers})


def _find_run(part: WritePart, record: Element) -> Literal["this", "another"] | None:
    """Return which run made `record`, `None` where the portal dropped the run's identifier.

    `another` is one with the same `--request-id`.
    """
    values = {each.json.get("value") for each in record.children("identifier")}
    if part.resource["identifier"][-1]["value"] in values:
        return "this"
    urns = [value for value in values if isinstance(value, str) and value.startswith("urn:uuid:")]
    return "another" if len(urns) > 1 else None


def _slot_entry(booking: SlotBooking, slot: _SlotRead) -> dict[str, Any]:
    """Return the entry that marks the slot as busy."""
    reference = f"Slot/{booking.slot}"
    return {
        "fullUrl": f"{booking.dependencies.search.client.base}/{reference}",
        "resource": {**slot.record.json, "status": "busy"},
        "request": {"method": "PUT", "url": reference, "ifMatch": slot.etag},
    }


def _read_existing(booking: SlotBooking, prior: PriorWrite) -> WriteOutcome:
    """Return the booking by an earlier run with this intent; raise SlotTaken if there is none."""
    seen = _look(booking)
    if seen.of(booking.intent).matches:
        return booking.kernel.accept_earlier([prior], seen)
    raise SlotTaken(f"The time {booking.slot} is taken.", hint=SEE_SLOTS)


def _look(booking: SlotBooking) -> Seen:
    """Fetch what carries the intent's identifier, what holds the slot, and the slot itself."""
    return booking.look(queries.slot(booking.slot))


def _require_slot_taken(booking: SlotBooking, outcome: WriteOutcome) -> WriteOutcome:
    """Return the outcome if the slot is taken; else cancel the booking and raise Conflict."""
    slot = outcome.extra.get(f"Slot/{booking.slot}")
    if slot is None or slot.json.get("status") != "free" or not outcome.changed:
        return outcome
    booking.send_cancellation(require(lambda: outcome.record.require_string("id")))
    raise Conflict(
        "The portal made the booking but left the time free for others, so the booking was "
        "cancelled again.",
        hint=f"Call the surgery. {OTHER_WAY}",
        request_id=str(booking.intent),
    )


def _read_response(
    booking: SlotBooking, slot: _SlotRead, response: HttpResponse | None
) -> HttpResponse | None:
    """Return the response to the transaction as one to the create of the Appointment.

    `None` where it does not tell what was done. Raises: the refusal where only the Slot was
    changed.
    """
    if response is None or not response.is_success:
        return booking.explain(response) if response else None
    slot_result, result = read_entry_results(response)
    if slot_result is None or result is None:
        return None
    if slot_result.response.is_success and result.response.is_success:
        return result.response
    refused = result if slot_result.response.is_success else slot_result
    if not is_certain_refusal(refused.response):
        return None
    if not slot_result.response.is_success:
        return booking.explain(slot_result.response)
    seen = _try_look(booking)
    if seen is None or seen.of(booking.intent).matches:
        return None
    raise _without_appointment(booking, slot, slot_result, result)


def _try_look(booking: SlotBooking) -> Seen | None:
    """Return what `_look` finds, `None` where its query for the intent fails."""

    def look() -> Seen:
        seen = _look(booking)
        seen.of(booking.intent)
        return seen

    return fetch_or_none(look)


def read_entry_results(response: HttpResponse) -> tuple[EntryResult | None, EntryResult | None]:
    """Return the results for the two entries of a transaction; both `None` if unreadable."""
    try:
        entries = read_resource(response.body).children("entry")
        first, second = (_read_entry(each, response) for each in entries)
    except ValueError:  # Malformed, or another number of entries than two
        return None, None
    return first, second


def _read_entry(entry: Element, response: HttpResponse) -> EntryResult:
    inner = entry.child("response")
    return EntryResult(
        read_entry_response(entry, response), inner.string("etag") if inner else None
    )


def _settle_refusal(
    booking: SlotBooking, part: WritePart, prior: PriorWrite, response: HttpResponse
) -> WriteOutcome:
    """Return the booking that another run with this intent made; else raise the refusal.

    An Appointment that this run created although the transaction was refused is cancelled first.
    """
    seen = _try_look(booking)
    records = seen.of(booking.intent) if seen else None
    is_there = records is not None and bool(records.matches)
    booking.kernel.record_state(booking.intent, "done" if is_there else "refused")
    if seen is None or records is None or not is_there:
        raise error_from_response(response)
    record = require_one(records, booking.intent, APPOINTMENT)
    appointment, run = require(lambda: record.require_string("id")), _find_run(part, record)
    if run == "another":
        return booking.kernel.collect([prior], seen, changed=False)
    if run is None:
        raise _refused_but_booked(booking, appointment)
    booking.send_cancellation(appointment)
    raise error_from_response(response)


def _refused_but_booked(booking: SlotBooking, appointment: str) -> Conflict:
    shows = f"gpcli appointments show {appointment} tells how it stands"
    return Conflict(
        f"The portal refused to take the time, but shows a booking of it: {appointment}.",
        hint=f"{shows}, gpcli cancel {appointment} ends it.",
        request_id=str(booking.intent),
    )


def _without_appointment(
    booking: SlotBooking, slot: _SlotRead, slot_result: EntryResult, result: EntryResult
) -> GpcliError:
    """Set the slot free again that was taken without a booking; return the error to raise."""
    booking.kernel.record_state(booking.intent, "refused")
    refusal = error_from_response(result.response)
    intent = uuid5(booking.intent, "set free")
    freed = put_slot_back(booking.kernel, slot.record, slot_result.etag, intent)
    ending = "The time is free again." if freed else "The surgery may have to free the time again."
    refusal.add_hint(ending)
    return refusal


def put_slot_back(kernel: WriteKernel, record: Element, etag: str | None, intent: UUID) -> bool:
    """Put a Slot as `record` has it, if it is still the version `etag`; return whether it worked.

    `etag` `None` means that the version is not known; then nothing is sent.
    """
    if not etag:
        return False
    effect = {"status": (str(record.json.get("status")),)}
    part = WritePart(intent, dict(record.json), record.relative_reference, effect)
    try:
        response = kernel.send(build_update_request(part, {"If-Match": etag}))
    except GpcliError:  # it was not sent
        return False
    refused = refusal_in(response) is not None
    is_done = not refused and _has_status(kernel, part, response)
    kernel.record_state(intent, "done" if is_done else "refused" if refused else "unknown")
    return is_done


def _has_status(kernel: WriteKernel, part: WritePart, response: HttpResponse | None) -> bool:
    """Return whether a Slot has the status that was sent; it is read unless a success says so."""
    if response is not None and response.is_success:
        return True
    found = fetch_or_none(partial(kernel.search.fetch_resource, str(part.target)))
    return found is not None and found[0].json.get("status") == part.resource["status"]
