"""Booking a slot in the way that the portal has for it, and for this patient alone.

A portal guards its slots itself (`post`), has `Appointment/$book` for it (`operation`), or leaves
it to its clients (`transaction`); see docs/portal.md, Booking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid5

from gpcli.errors import Conflict, GpcliError, NotPermitted, Rejected, SlotTaken
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.scheduling import appointments_holding_slot, write_cancellation
from gpcli.http.client import HttpResponse
from gpcli.model.appointment import CONFIRMED, Appointment
from gpcli.model.receipt import WriteResult
from gpcli.portal import queries
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.scheduling_operations import build_slot_taken, read_write_response
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import (
    PriorWrite,
    Seen,
    WriteOutcome,
    fetch_or_none,
    judge,
    refusal_in,
    with_identifier,
)
from gpcli.portal.write.requests import (
    WritePart,
    build_book_request,
    build_cancellation_part,
)

APPOINTMENT = "Appointment"
SEE_SLOTS = "gpcli slots lists the free times."
OTHER_WAY = "Set the profile's booking to auto, or ask the people who run the portal."
_SEE_APPOINTMENTS = "gpcli appointments list shows what is there."
_NO_SUCH_OPERATION = frozenset({400, 404, 405, 501})
"""What portals answer to an operation that they don't have."""
_UNEXPLAINED = frozenset({Conflict, Rejected})
"""Errors of portals that refuse a taken slot without saying that it is taken."""

_STILL_FREE = (
    "The portal still shows this time as free: it may not keep its times by itself, so that "
    "somebody else could book it too. Call the surgery to be sure, or see booking in "
    "gpcli help profiles."
)

_REASON_LOST = (
    "The portal books a time by its id alone, so that it did not get your reason: tell it at the "
    "visit."
)
_SHOWN_AS_TAKEN = "The portal shows this time as taken."


@dataclass(frozen=True)
class SlotBooking:
    """A slot to book: its id, and the Appointment that books it, as a part to create.

    `proposal` is the id of the Appointment by which the portal proposed the time, `None` = none.
    Where it has no Slot, `has_slot` is False, and `slot` the id of that Appointment.
    """

    dependencies: PortalDependencies
    slot: str
    part: WritePart
    proposal: str | None = None
    has_slot: bool = True

    @property
    def kernel(self) -> WriteKernel:
        """The kernel by which the writes are sent."""
        return self.dependencies.kernel

    @property
    def intent(self) -> UUID:
        """The UUID of this booking."""
        return self.part.intent

    @property
    def holders_queries(self) -> tuple[queries.Query, ...]:
        """The query for all Appointments on the slot, as far as this sign-in may see."""
        return (queries.appointments_on_slot(self.slot),) if self.has_slot else ()

    @property
    def slot_queries(self) -> tuple[queries.Query, ...]:
        """The query for the slot."""
        return (queries.slot(self.slot),) if self.has_slot else ()

    def look(self, *extra: queries.Query) -> Seen:
        """Fetch what carries the intent's identifier; `extra` and what holds the slot besides."""
        return self.kernel.look(APPOINTMENT, [self.intent], *self.holders_queries, *extra)

    def explain(self, response: HttpResponse) -> HttpResponse:
        """Return the response; instead of an unexplained refusal one that says "slot taken".

        That is only where the portal shows the slot as taken.
        """
        if type(refusal_in(response)) in _UNEXPLAINED and self._is_taken():
            return build_slot_taken(replace(response, body=None), _SHOWN_AS_TAKEN)
        return response

    def _is_taken(self) -> bool:
        search = self.dependencies.search
        if not self.has_slot:
            return False
        seen = fetch_or_none(lambda: search.fetch_all(queries.slot(self.slot)))
        slot = seen.get(f"Slot/{self.slot}") if seen else None
        return slot is not None and slot.json.get("status") not in ("free", None)

    def send_cancellation(self, appointment: str) -> None:
        """Cancel what was booked; raise Conflict where that does not work.

        The cancellation is in the journal before the record is read, so that no repetition takes
        the booking for a success.
        """
        reference = f"{APPOINTMENT}/{appointment}"
        intent = _cancellation_intent(self.intent)
        try:
            self.kernel.record_sending(build_cancellation_part(appointment, intent))
            self.kernel.update(reference, write_cancellation, _is_cancelled, intent)
        except GpcliError as error:
            how = f"could not be cancelled: {error.message}"
            raise _still_booked(appointment, self.intent, how) from error
        self.kernel.record_state(intent, "done")


def send_booking(
    booking: SlotBooking, read: Callable[[Bundle], Appointment]
) -> WriteResult[Appointment]:
    """Book a slot and read it back with `read`, which raises Conflict for another patient's.

    Where a portal lets several book one slot, a booking that was not the first is cancelled again.
    What the same intent booked before is returned as it is, with `changed` false, also if that is
    another slot.
    Raises: SlotTaken, Conflict, NotPermitted where the portal lacks what the profile's way needs,
    Rejected where it ended the booking at once, OutcomeUnknown, or the portal's refusal.
    """
    dependencies = booking.dependencies
    way = choose_way(dependencies.portal_profile.booking, dependencies.search.fetch_capabilities())
    outcome = _WAYS[way](booking)
    appointment = read(outcome.along)
    is_other = booking.has_slot and appointment.slot_id not in {None, booking.slot}
    if is_other and outcome.changed:
        raise Conflict(
            f"The portal booked another time than {booking.slot}: {appointment.id}.",
            hint=_SEE_APPOINTMENTS,
        )
    if outcome.changed:
        _require_first(booking, outcome)
    if appointment.is_over:
        raise Rejected(
            f"The portal has your booking, but as {appointment.status}: {appointment.id}.",
            hint=SEE_SLOTS,
        )
    is_free = outcome.changed and _is_still_free(outcome.extra.get(f"Slot/{booking.slot}"))
    remarks = [_STILL_FREE] if is_free else []
    remarks += [_REASON_LOST] if _is_reason_lost(booking, outcome) else []
    return WriteResult(appointment, outcome.changed, remark=" ".join(remarks) or None)


def _is_reason_lost(booking: SlotBooking, outcome: WriteOutcome) -> bool:
    """Return whether the portal booked by a reference alone, and so got no reason."""
    found = with_identifier(Bundle(matches=[outcome.record]), APPOINTMENT, booking.intent)
    return "comment" in booking.part.resource and not found.matches


def _is_still_free(slot: Element | None) -> bool:
    return slot is not None and slot.json.get("status") == "free"


def require_no_pending_cancellation(kernel: WriteKernel, intent: UUID, appointment: str) -> None:
    """Raise Conflict where the journal has a cancellation by an earlier run with this intent."""
    cancellation = _cancellation_intent(intent)
    part = WritePart(cancellation, {"resourceType": APPOINTMENT})
    if kernel.read_prior(part, cancellation, conditional=False).known:
        raise _still_booked(appointment, intent, "has still to be cancelled.")


def _cancellation_intent(intent: UUID) -> UUID:
    return uuid5(intent, "given back")


def _still_booked(appointment: str, intent: UUID, how: str) -> Conflict:
    return Conflict(
        f"The time is not yours, and your booking {appointment} of it {how}",
        hint=f"Try gpcli cancel {appointment}, or call the surgery.",
        request_id=str(intent),
    )


def choose_way(booking: str, capabilities: Capabilities) -> str:
    """Return the way to book, a key of `_WAYS`, from a profile's `booking`.

    `auto` becomes `operation` if the portal has it, else `post`.
    """
    if booking != "auto":
        return booking
    return "operation" if capabilities.book_operation else "post"


def _send_create(booking: SlotBooking) -> WriteOutcome:
    """Create the Appointment; the portal guards the slot."""
    extra = (*booking.holders_queries, *booking.slot_queries)
    return booking.kernel.create(booking.part, extra, read=booking.explain)


def _send_operation(booking: SlotBooking) -> WriteOutcome:
    """Book with `$book`, which no portal recognises as a repetition.

    A time that the portal proposed is held before, where it can be.
    """
    kernel = booking.kernel
    prior = kernel.read_prior(booking.part, booking.intent, conditional=False)
    seen = kernel.look_for_earlier([prior], booking.look)
    if seen and seen.of(booking.intent).matches:
        return kernel.accept_earlier([prior], seen)
    if booking.proposal:
        return _send_proposed(booking, prior)
    response = None if prior.pending else kernel.send(build_book_request(booking.part))
    _require_operation(booking, response)
    return _settle_operation(booking, prior, response and read_write_response(response))


def _send_proposed(booking: SlotBooking, prior: PriorWrite) -> WriteOutcome:
    """Book a time that the portal proposed: as `_send_operation`, or by a reference alone."""
    from gpcli.portal.write import (  # noqa: PLC0415  (start-up: few portals)
        proposal_booking as proposed,
    )

    if referred := proposed.find_referred(booking):
        return proposed.accept_referred(booking, prior, referred)
    if prior.pending:
        return _settle_operation(booking, prior, None)
    held = proposed.send_hold(booking)
    response = booking.kernel.send(build_book_request(booking.part, held))
    _require_operation(booking, response)
    answer = read_write_response(response) if response else None
    if proposed.can_refer(booking, answer):
        return proposed.send_by_reference(booking, prior, held)
    return _settle_operation(booking, prior, answer)


def _settle_operation(
    booking: SlotBooking, prior: PriorWrite, answer: HttpResponse | None
) -> WriteOutcome:
    explained = booking.explain(answer) if answer else None
    return booking.kernel.settle([prior], judge(explained), booking.look)


def _require_operation(booking: SlotBooking, response: HttpResponse | None) -> None:
    """Raise NotPermitted where the portal neither knows `$book` nor lists it."""
    if response is None or response.status not in _NO_SUCH_OPERATION:
        return
    if booking.dependencies.search.fetch_capabilities().book_operation:
        return
    booking.kernel.record_state(booking.intent, "refused")
    raise NotPermitted(
        "This profile books by operation, and the portal does not list Appointment/$book. "
        f"{error_from_response(response).message}",
        hint=OTHER_WAY,
    )


def _send_transaction(booking: SlotBooking) -> WriteOutcome:
    from gpcli.portal.write.slot_transaction import (  # noqa: PLC0415  (start-up: few portals)
        send_slot_transaction,
    )

    return send_slot_transaction(booking)


_WAYS: Mapping[str, Callable[[SlotBooking], WriteOutcome]] = {
    "post": _send_create,
    "operation": _send_operation,
    "transaction": _send_transaction,
}


def _require_first(booking: SlotBooking, outcome: WriteOutcome) -> None:
    """Raise SlotTaken, with ours cancelled, where another booking of the slot came before ours.

    It is the portal's own order that counts, so that no two clients find themselves first.
    """
    ours = outcome.record
    rivals = appointments_holding_slot(outcome.extra, booking.slot) - {ours.json["id"]}
    others = (each for each in outcome.extra.matches if each.json.get("id") in [*rivals])
    if not any(map(partial(_is_first, ours=ours), others)):
        return
    booking.send_cancellation(ours.json["id"])
    raise SlotTaken(
        "Another booking of this time came first; the one just made was cancelled again.",
        hint=SEE_SLOTS,
        request_id=str(booking.intent),
    )


def _is_first(rival: Element, ours: Element) -> bool:
    """Return whether `rival` goes before `ours`: a confirmed one does, then the one stored first.

    It does, too, where the portal does not tell when they were stored, or tells the same of both:
    two clients must never both keep the slot.
    """
    theirs, own = _stored_at(rival), _stored_at(ours)
    if theirs is None or own is None:
        return True
    return (_is_waiting(rival), theirs) <= (_is_waiting(ours), own)


def _is_waiting(appointment: Element) -> bool:
    return appointment.json.get("status") not in CONFIRMED


def _stored_at(appointment: Element) -> datetime | None:
    try:
        meta = appointment.child("meta")
        updated = meta.instant("lastUpdated") if meta else None
        return updated.astimezone(UTC) if updated else None
    except Malformed:
        return None


def _is_cancelled(record: Element) -> bool:
    return record.string("status") == "cancelled"
