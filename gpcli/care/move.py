"""Moving a visit: book its new time, and give the old one back once the portal has confirmed it.

So there is never none. Where there are two, because the surgery has still to confirm the new time
or the old one could not be cancelled, the person is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

from gpcli.care.appointments import (
    ChoicePrompt,
    check_same_charge,
    choose_appointment,
    find_cancellation_charge,
    is_open_enquiry,
    no_such_appointment,
    require_appointment,
)
from gpcli.care.booking import propose_booking
from gpcli.care.coming_visits import BOOKINGS
from gpcli.care.confirmation import Decision, Outcome, PlanRows, Proposal
from gpcli.care.portal_protocol import Portal
from gpcli.care.service_request import BookingChoice, BookingContext, ServiceRequest
from gpcli.errors import (
    AlreadyAnswered,
    Conflict,
    Failure,
    GpcliError,
    InputNeeded,
    InvalidUsage,
    OutcomeUnknown,
    Partial,
    Rejected,
    TlsError,
    TooLate,
)
from gpcli.model.appointment import (
    IN_ERROR,
    Appointment,
    AppointmentId,
    Window,
    describe_practitioner,
    describe_topic,
    name_other_service,
)
from gpcli.model.receipt import MoveReceipt, Receipt, ReplacedAppointment, WriteResult, field_values
from gpcli.model.service import Charge, Offers, ServiceName

_SEE_LIST = "gpcli appointments list shows what is to come."


@dataclass(frozen=True)
class Move:
    """A visit at its new time (`appointment`), and the one that it replaces, as they are now.

    `was_cancelled` tells whether this run cancelled the latter; `trouble` is why it did not, though
    the new time is confirmed, `None` = nothing went wrong.
    """

    appointment: Appointment
    replaced: Appointment
    was_cancelled: bool = False
    trouble: GpcliError | None = None

    @property
    def written(self) -> tuple[Appointment, ...]:
        """The records that it makes or changes."""
        return (self.appointment, self.replaced)

    @property
    def slot_id(self) -> str | None:
        """The id of the new time."""
        return self.appointment.slot_id

    def to_receipt(self, receipt: Receipt) -> MoveReceipt:
        """Return the receipt of the move."""
        replaced = ReplacedAppointment(
            AppointmentId(str(self.replaced.id)), self.replaced.status, self.was_cancelled
        )
        return MoveReceipt(
            **field_values(self.appointment), **field_values(receipt), replaced=replaced
        )

    def find_error(self, request_id: str) -> GpcliError | None:
        """Return the error that ends a move after which both may stand, `None` = none.

        `request_id` repeats it.
        """
        if self.trouble is None:
            return None
        new, old = self.appointment.id, self.replaced.id
        if _is_unsure(self.trouble):
            return OutcomeUnknown(
                f"{new} is booked, but whether {old} is cancelled is not known: both may stand.",
                hint=f"gpcli cancel {old} cancels it if it stands, and never twice.",
                request_id=request_id,
                trace_id=self.trouble.trace_id,
            )
        return Partial(
            f"{new} is booked, but {old} stands beside it, for it could not be cancelled: "
            f"{self.trouble.message}",
            hint=f"gpcli cancel {old} cancels it. {self.trouble.hint}".strip(),
            request_id=request_id,
            trace_id=self.trouble.trace_id,
        )


def _is_unsure(error: GpcliError) -> bool:
    """Return whether a cancellation that ended with `error` may be done all the same."""
    says_nothing = isinstance(error, OutcomeUnknown | Failure)
    return says_nothing and not isinstance(error, TlsError)


def _is_movable(appointment: Appointment, now: datetime) -> bool:
    is_to_come = appointment.start is not None and appointment.start > now
    return is_to_come and _find_service(appointment) is not None


TO_MOVE = ChoicePrompt(
    _is_movable, "Which visit?", "There is no coming visit to move.", takes_only=True
)

choose_to_move = partial(choose_appointment, prompt=TO_MOVE)
"""Choose one of the visits to come, as `choose_appointment`; the only one is taken at once."""


def propose_move(
    context: BookingContext,
    request: ServiceRequest,
    choice: BookingChoice,
    appointment_id: str,
    clock: Callable[[], datetime],
) -> Decision[Move]:
    """Propose to book the time of `choice`, and to cancel the appointment `appointment_id` then.

    It stays with the service of that appointment; the reason stays too, unless `request` has one.
    An open enquiry can be replaced by a visit. Where an earlier try has booked the new time, what
    is left to do is proposed. `clock` is read again once the person has agreed.
    Raises: NotFound, Rejected, TooLate or AlreadyAnswered for an appointment that is not there, is
    cancelled, has begun, or was entered in error; InvalidUsage for one that can't be moved, or is
    at that time already; whatever booking the one, and cancelling the other, raises.
    """
    if choice.enquiry:
        raise InvalidUsage("A visit is moved to a time, not to an enquiry: leave --enquiry out.")
    if not appointment_id.strip():
        raise InputNeeded("The id of the visit to move is empty.", hint=_SEE_LIST)
    facts = context.portal.fetch_cancellation_facts(appointment_id)
    old = require_appointment(facts, appointment_id, context.search.now)
    own = _build_request(request, choice, old, facts.offers)
    if old.status == "cancelled":
        return _find_moved(context, own, choice, old)
    check_movable(old, context.search.now)
    if choice.slot is not None and choice.slot == old.slot_id:
        raise InvalidUsage(f"{old.id} is at that time already.", hint="Choose another time.")
    charge = find_cancellation_charge(old, facts.offers, context.search.now)
    booking = _propose_new_time(context, own, choice, old)
    if isinstance(booking, Outcome) and not booking.record.is_confirmed:
        return Outcome(Move(booking.record, old), changed=False)
    _require_same_service(booking, own, old)
    proposal = (
        _build_move(context.portal, booking, old, charge, own.intent)
        if isinstance(booking, Proposal)
        else _build_rest(context.portal, booking.record, old, charge, own.intent)
    )
    check = partial(_check_unchanged, context.portal, old, charge, clock)
    return replace(proposal, revalidate=check)


def _propose_new_time(
    context: BookingContext, own: ServiceRequest, choice: BookingChoice, old: Appointment
) -> Decision[Appointment]:
    """Propose to book the new time; where that was declined, the old one is not to follow it."""
    try:
        return propose_booking(context, own, choice)
    except Conflict as error:
        context.portal.forget_cancellation(_cancellation_intent(own.intent))
        error.add_hint(f"{old.id} was not cancelled.")
        raise


def check_movable(appointment: Appointment, now: datetime) -> None:
    """Raise TooLate if it has begun or is past, AlreadyAnswered if it was entered in error."""
    if appointment.status == IN_ERROR:
        raise AlreadyAnswered(
            f"{appointment.id} was entered in error: there is nothing to move.", hint=_SEE_LIST
        )
    if appointment.is_over or (appointment.start and appointment.start <= now):
        raise TooLate(f"{appointment.id} has begun or is past; it can't be moved.", hint=_SEE_LIST)


def _build_request(
    request: ServiceRequest, choice: BookingChoice, old: Appointment, offers: Offers
) -> ServiceRequest:
    """Return the request for the new time.

    Its intent is derived from the old one as well, so that a request id which was used to move one
    visit never gives another one back. Unless a time is named, it is with the same GP.
    """
    service = _find_service(old)
    if service is None:
        raise InvalidUsage(
            f"{old.id} is for '{old.service}', whose times gpcli does not book: it can't be moved.",
            hint=f"gpcli cancel {old.id} cancels it.",
        )
    ours = {surgery.id for surgery in offers.surgeries}
    same_gp = old.surgery_id if choice.slot is None and old.surgery_id in ours else None
    reason = _find_own_reason(old) if request.reason is None else request.reason
    return replace(
        request,
        service=service,
        intent=uuid5(request.intent, str(old.id)),
        reason=reason or None,
        gp=request.gp or same_gp,
        replaces=str(old.id),
    )


def _find_own_reason(old: Appointment) -> str | None:
    """Return the reason that was sent for a visit; `None` = none, or it may be the surgery's."""
    is_ours = any(each.startswith("urn:uuid:") for each in old.identifiers)
    return old.reason if is_ours else None


def _find_service(appointment: Appointment) -> ServiceName | None:
    """Return the service whose times are for such a visit, `None` = it has none to book."""
    if appointment.service in BOOKINGS:
        return ServiceName.BOOKING
    is_flu = appointment.service == ServiceName.FLU_VACCINATION
    return ServiceName.FLU_VACCINATION if is_flu else None


def _find_moved(
    context: BookingContext, own: ServiceRequest, choice: BookingChoice, old: Appointment
) -> Outcome[Move]:
    """Return the Outcome of a move that an earlier try has done; raise Rejected if none has."""
    if own.lookup and context.portal.fetch_booking_facts(slot=None, intent=own.lookup).earlier:
        booking = propose_booking(context, own, choice)
        if isinstance(booking, Outcome):
            return Outcome(Move(booking.record, old), changed=False)
    raise Rejected(
        f"{old.id} is cancelled: there is nothing to move.", hint="gpcli book books a time."
    )


def _require_same_service(
    booking: Decision[Appointment], own: ServiceRequest, old: Appointment
) -> None:
    if isinstance(booking, Proposal) and booking.preview.service != own.service:
        raise InvalidUsage(
            f"{booking.preview.slot_id} is a time for another service than {old.id}.",
            hint=f"To have both, book it without {old.id}.",
        )


def _build_move(
    portal: Portal,
    booking: Proposal[Appointment],
    old: Appointment,
    charge: Charge | None,
    intent: UUID,
) -> Proposal[Move]:
    new_rows = tuple((_name_new(label), value) for label, value in booking.rows)
    return Proposal(
        action="Move this visit",
        rows=(
            *_old_rows(old),
            *_difference_rows(old, booking.preview),
            *new_rows,
            *_fee_rows(old, charge),
        ),
        preview=Move(booking.preview, old),
        send=lambda: _send_move(portal, booking.send, old, intent),
        charge=charge,
        warnings=(*booking.warnings, *_warn_of_loss(old, booking.preview)),
        content=tuple((_name_new(label), value) for label, value in booking.content),
    )


def _name_new(label: str) -> str:
    """Return the label that a part of the booking has in the plan of a move."""
    return "New time" if label == "When" else label


def _warn_of_loss(old: Appointment, new: Appointment) -> Iterator[str]:
    """Yield a sentence where what the old visit is about is not sent with the new time."""
    if not new.reason and (old.subject or old.reason):
        yield "What the visit is about is not sent along: --reason TEXT tells the surgery."


def _build_rest(
    portal: Portal, booked: Appointment, old: Appointment, charge: Charge | None, intent: UUID
) -> Proposal[Move]:
    """Build the proposal to cancel the old one, which is all that an earlier try has left to do."""
    unchanged = WriteResult(booked, changed=False)
    return Proposal(
        action="Cancel the old time of this visit",
        rows=(
            *_old_rows(old),
            ("New time", _when(booked)),
            *_fee_rows(old, charge),
        ),
        preview=Move(booked, old),
        send=lambda: _send_cancellation(portal, old, _cancellation_intent(intent), unchanged),
        charge=charge,
        warnings=(f"The new time is booked already: {booked.id}.",),
    )


def _old_rows(old: Appointment) -> PlanRows:
    wished = old.requested if is_open_enquiry(old) else ()
    is_said = old.subject or _find_own_reason(old)  # which is the reason of the new time
    return (
        ("Visit", old.id),
        ("Service", name_other_service(old)),
        ("Subject", old.subject),
        ("Reason", None if is_said else describe_topic(old)),
        *(("Wished", window) for window in wished),
        ("Old time", _when(old)),
    )


def _when(appointment: Appointment) -> Window | datetime | None:
    start, end = appointment.start, appointment.end
    return Window(start, end) if start and end else start


def _difference_rows(old: Appointment, new: Appointment) -> PlanRows:
    """Return the plan's rows on with whom, where and how the old one was, where the new differs."""
    compared = (
        ("With before", describe_practitioner(old), describe_practitioner(new)),
        ("Where before", old.location or old.surgery, new.location or new.surgery),
        ("Way before", old.channel, new.channel),
    )
    return tuple((label, before) for label, before, after in compared if before != after)


def _fee_rows(old: Appointment, charge: Charge | None) -> PlanRows:
    fee = (charge.price or "unknown") if charge else None
    return (
        ("Old one free until", old.cancel_until),
        ("Fee for cancelling late", fee),
    )


def _check_unchanged(
    portal: Portal, shown: Appointment, charge: Charge | None, clock: Callable[[], datetime]
) -> None:
    """Raise unless the old appointment still is as the plan showed it, and costs no more."""
    facts = portal.fetch_cancellation_facts(str(shown.id))
    current = facts.appointment
    if current is None:
        raise no_such_appointment(str(shown.id))
    if current.status == "cancelled":
        raise Conflict(f"{shown.id} was cancelled meanwhile. Nothing was sent.", hint=_SEE_LIST)
    if (current.start, current.end) != (shown.start, shown.end):
        raise Conflict(
            f"{shown.id} has got another time meanwhile. Nothing was sent.",
            hint=f"gpcli appointments show {shown.id}",
        )
    now = clock()
    check_movable(current, now)
    check_same_charge(find_cancellation_charge(current, facts.offers, now), charge)


def _send_move(
    portal: Portal,
    book: Callable[[], WriteResult[Appointment]],
    old: Appointment,
    book_intent: UUID,
) -> WriteResult[Move]:
    """Book the new time; cancel the old one where the portal says that the new one is confirmed."""
    cancel_intent = _cancellation_intent(book_intent)
    portal.expect_cancellation(str(old.id), cancel_intent, book_intent)
    try:
        booked = book()
    except GpcliError as error:
        is_open = isinstance(error, OutcomeUnknown)
        portal.drop_cancellation(cancel_intent, alone=not is_open)
        error.add_hint(f"{old.id} was not cancelled.")
        raise
    if not booked.record.is_confirmed:
        portal.drop_cancellation(cancel_intent, alone=False)
        return WriteResult(Move(booked.record, old), booked.changed)
    return _send_cancellation(portal, old, cancel_intent, booked)


def _cancellation_intent(booking: UUID) -> UUID:
    return uuid5(booking, "replaced")


def _send_cancellation(
    portal: Portal, old: Appointment, intent: UUID, booked: WriteResult[Appointment]
) -> WriteResult[Move]:
    """Cancel the old appointment; what goes wrong with it is the `trouble` of the Move."""
    try:
        written = portal.send_cancellation(str(old.id), intent)
    except GpcliError as error:
        return WriteResult(Move(booked.record, old, trouble=error), booked.changed)
    cancelled = replace(old, status=written.record.status)
    move = Move(booked.record, cancelled, was_cancelled=written.changed)
    return WriteResult(move, booked.changed or written.changed)
