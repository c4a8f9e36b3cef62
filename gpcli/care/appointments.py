"""Appointments: list them, choose one, and propose its cancellation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from gpcli.care.confirmation import Asker, Decision, Outcome, PlanRows, Proposal, word_minute
from gpcli.care.offers import build_refusal, is_at_gp, list_services, require_service
from gpcli.care.portal_protocol import Portal
from gpcli.care.revalidate import check_price_not_risen
from gpcli.errors import (
    AlreadyAnswered,
    FeeNotAccepted,
    InputNeeded,
    InvalidUsage,
    NotFound,
    Partial,
    TooLate,
)
from gpcli.model.appointment import (
    IN_ERROR,
    Appointment,
    Window,
    describe_topic,
    name_other_service,
)
from gpcli.model.receipt import CancellationFacts, WriteResult
from gpcli.model.service import Charge, Offers, Service, ServiceName, Surgery


def fetch_appointments(
    portal: Portal, now: datetime, *, past: bool, everything: bool, waiting: bool
) -> list[Appointment]:
    """Fetch the appointments to come and the enquiries under way.

    With `past`, those that have begun, newest first; with `everything`, all in order of time.
    `waiting` keeps only those that the surgery has not confirmed.
    """
    found = portal.fetch_appointments(None if past or everything else now.date())
    if waiting:
        found = [appointment for appointment in found if appointment.is_waiting]
    if past:
        return [appointment for appointment in reversed(found) if _has_begun(appointment, now)]
    if everything:
        return found
    return [appointment for appointment in found if not _has_ended(appointment, now)]


def is_any(appointment: Appointment) -> bool:
    """Return True: a name may stand for any appointment."""
    return True


@dataclass(frozen=True)
class ChoicePrompt:
    """A question to choose an appointment by.

    `accepts` tells which appointments are offered (at a time), `none_message` what to say if there
    are none. With `takes_only`, the only one there is is taken without a question. `is_kind` tells
    which a name may stand for, whether they are offered or not.
    """

    accepts: Callable[[Appointment, datetime], bool]
    question: str
    none_message: str
    takes_only: bool = False
    is_kind: Callable[[Appointment], bool] = is_any


COMING_APPOINTMENT = ChoicePrompt(
    lambda appointment, now: not _has_ended(appointment, now),
    "Which appointment?",
    "There is no coming appointment to choose from.",
)


def choose_appointment(
    portal: Portal,
    appointment_id: str | None,
    now: datetime,
    asker: Asker,
    label: Callable[[Appointment], str],
    prompt: ChoicePrompt = COMING_APPOINTMENT,
) -> str:
    """Return the id given, or let the person choose an appointment by `prompt`.

    `label` words an appointment for the list.
    Raises: InputNeeded if nobody can be asked, or there is nothing to choose from.
    """
    if appointment_id is not None and appointment_id.strip():
        return appointment_id
    hint = "gpcli appointments list shows the ids."
    if appointment_id is not None or not asker.can_ask:
        raise InputNeeded("An appointment's id is needed.", hint=hint)
    found = portal.fetch_appointments(now.date())
    choosable = [
        appointment
        for appointment in found
        if prompt.is_kind(appointment)
        and not appointment.is_over
        and prompt.accepts(appointment, now)
    ]
    if not choosable:
        raise InputNeeded(prompt.none_message, hint=hint)
    if prompt.takes_only and len(choosable) == 1:
        return str(choosable[0].id)
    choices = [(str(appointment.id), label(appointment)) for appointment in choosable]
    return asker.choose(prompt.question, choices, flag="ID")


def _has_begun(appointment: Appointment, now: datetime) -> bool:
    return appointment.start is not None and appointment.start <= now


def _has_ended(appointment: Appointment, now: datetime) -> bool:
    return appointment.end is not None and appointment.end <= now


def find_next_visit(coming: list[Appointment], now: datetime) -> Appointment | None:
    """Return the next visit that is confirmed and has not ended; `None` = there is none."""
    confirmed = (
        (each.start, each)
        for each in coming
        if each.start and not (each.is_over or each.is_waiting) and (each.end or each.start) > now
    )
    return min(confirmed, key=lambda pair: pair[0], default=(None, None))[1]


LATE_CANCELLATION = "late-cancellation"
"""The price code for cancelling after the deadline (docs/portal.md)."""


def propose_cancellation(
    portal: Portal,
    appointment_id: str,
    intent: UUID,
    clock: Callable[[], datetime],
    *,
    gp: str | None = None,
) -> Decision[Appointment]:
    """Propose to cancel an appointment; one that is cancelled already is an Outcome.

    `gp` names the GP that it has to be at. `clock` is read again once the person has agreed; its
    zone is that of times in messages. An enquiry that the surgery has not answered can always be
    withdrawn, whatever the GP offers now.
    Raises: NotFound; InvalidUsage if it is at another GP; TooLate if it has begun, or the surgery
    takes no late cancellation; NotOffered, OffForNow, ConsentNeeded or NotPermitted.
    """
    now = clock()
    facts = portal.fetch_cancellation_facts(appointment_id)
    appointment = require_appointment(facts, appointment_id, now)
    if gp and not is_at_gp(appointment.surgery_id, facts.offers.surgeries, gp):
        raise InvalidUsage(f"{appointment.id} is not at '{gp}'.", hint="Leave --gp out.")
    if (outcome := check_cancellable(appointment, now)) is not None:
        return outcome
    if is_open_enquiry(appointment):
        return build_cancellation(portal, appointment, intent, action="Withdraw this enquiry")
    charge = find_cancellation_charge(appointment, facts.offers, now)

    def decide_again() -> Decision[Appointment]:
        return propose_cancellation(portal, appointment_id, intent, clock, gp=gp)

    return build_cancellation(portal, appointment, intent, charge=charge, decide_again=decide_again)


def require_appointment(
    facts: CancellationFacts, appointment_id: str, now: datetime
) -> Appointment:
    """Return the appointment of `facts`.

    Raises: NotFound if there is none; NotOffered, OffForNow, ConsentNeeded or NotPermitted if it
    can't be seen because nothing can be cancelled.
    """
    if facts.appointment is None:
        require_service(facts.offers, ServiceName.CANCELLATION, now)
        raise no_such_appointment(appointment_id)
    return facts.appointment


def require_all_appointments(portal: Portal, hint: str = "") -> None:
    """Raise Partial where appointments were kept back: that there is none can't be told then."""
    if not portal.has_all_appointments:
        raise Partial(
            "The portal did not send all appointments: whether there is one can't be told.",
            hint=hint or "Try again, or call the surgery.",
        )


def is_open_enquiry(appointment: Appointment) -> bool:
    """Return whether the surgery has not answered it, so that it can always be withdrawn."""
    return appointment.is_waiting and appointment.start is None


def no_such_appointment(appointment_id: str) -> NotFound:
    """Return the error for an id that the portal does not know, or that is not the patient's."""
    return NotFound(
        f"There is no appointment '{appointment_id}'.",
        hint="gpcli appointments list shows yours.",
    )


def check_cancellable(appointment: Appointment, now: datetime) -> Outcome[Appointment] | None:
    """Return the Outcome if the appointment is cancelled already, `None` if it can be cancelled.

    Raises: TooLate if it has begun or is over; AlreadyAnswered if it was entered in error.
    """
    if appointment.status == "cancelled":
        return Outcome(appointment, changed=False)
    if appointment.status == IN_ERROR:
        raise AlreadyAnswered(
            f"{appointment.id} was entered in error: there is nothing to cancel.",
            hint="gpcli appointments list shows what is to come.",
        )
    if appointment.is_over or (appointment.start and appointment.start <= now):
        raise TooLate(
            f"{appointment.id} has begun or is past; it can't be cancelled.",
            hint="gpcli appointments list shows what is to come.",
        )
    return None


def late_cancellation_charge(
    appointment: Appointment, offers: Offers, now: datetime
) -> Charge | None:
    """Return what cancelling costs at `now`; `None` = nothing, it is not late yet.

    Where the portal says until when it is free, and that can't be read, it may be late.
    """
    is_late = appointment.cancel_until is not None and now > appointment.cancel_until
    if not is_late and not appointment.deadline_unreadable:
        return None
    surgery_id = appointment.surgery_id
    at_gp = [each for each in offers.surgeries if each.id == surgery_id]
    if surgery_id and not at_gp:  # then no price of the patient's GPs is that surgery's
        at_gp = [Surgery(surgery_id, None, None)]
    price = offers.price_of(LATE_CANCELLATION, *at_gp)
    if is_late:
        return Charge("Cancelling this late", price, free_until=appointment.cancel_until)
    return Charge("Cancelling, if it is late,", price, is_certain=False)


def find_cancellation_charge(
    appointment: Appointment, offers: Offers, now: datetime
) -> Charge | None:
    """Return what cancelling costs at `now`, `None` = nothing, where the GP lets patients cancel.

    Raises: TooLate if the surgery takes no late cancellation; NotOffered, OffForNow, ConsentNeeded
    or NotPermitted.
    """
    if is_open_enquiry(appointment):
        return None
    service = _find_service(offers, appointment, now)
    return _check_late_charge(service, appointment, offers, now)


def _find_service(offers: Offers, appointment: Appointment, now: datetime) -> Service:
    name, surgery_id = ServiceName.CANCELLATION, appointment.surgery_id
    services = [service for service in list_services(offers, now) if service.service == name]
    at_gp = [service for service in services if surgery_id in {None, service.surgery.id}]
    candidates = at_gp or services
    for service in candidates:
        if service.is_usable:
            return service
    raise build_refusal(offers, candidates, name)


def _check_late_charge(
    service: Service, appointment: Appointment, offers: Offers, now: datetime
) -> Charge | None:
    """Return the charge for cancelling late, if any.

    Raises: TooLate if the surgery refuses late cancellations.
    """
    charge = late_cancellation_charge(appointment, offers, now)
    is_refused = service.offer is not None and service.offer.late_cancelling == "refused"
    if charge and appointment.cancel_until and is_refused:
        label, phone = service.surgery.label, service.phone
        until = appointment.cancel_until.astimezone(now.tzinfo)
        raise TooLate(
            f"{label} took cancellations of this time until {word_minute(until)}.",
            hint=f"Call the surgery: {phone}." if phone else "",
        )
    return charge


def build_cancellation(
    portal: Portal,
    appointment: Appointment,
    intent: UUID,
    *,
    action: str = "Cancel this booking",
    charge: Charge | None = None,
    decide_again: Callable[[], Decision[Appointment]] | None = None,
) -> Proposal[Appointment]:
    """Build the proposal to cancel `appointment`.

    `decide_again` makes the decision anew once the person has agreed, to see whether the charge
    is still the same; `None` = nothing can have changed.
    """
    parties = portal.fetch_parties()
    start, end = appointment.start, appointment.end
    rows: PlanRows = (
        (_kind_label(appointment), appointment.id),
        ("When", Window(start, end) if start and end else None),
        *(("Wished", window) for window in appointment.requested),
        *_topic_rows(appointment),
        ("With", appointment.practitioner),
        ("Surgery", appointment.surgery),
        ("For", parties.patient.name),
        ("By", parties.on_behalf_by.name if parties.on_behalf_by else None),
        ("Free of charge until", appointment.cancel_until),
        ("Fee for cancelling late", (charge.price or "unknown") if charge else None),
    )
    return Proposal(
        action=action,
        rows=rows,
        preview=appointment,
        send=lambda: _send_cancellation(portal, appointment, intent),
        charge=charge,
        revalidate=(lambda: _check_same_decision(decide_again(), charge)) if decide_again else None,
    )


def _topic_rows(appointment: Appointment) -> PlanRows:
    """Return the plan's rows on what an appointment is for, and how it takes place."""
    says_service = _kind_label(appointment) != "Booking"
    return (
        ("Service", None if says_service else name_other_service(appointment)),
        ("Way", appointment.channel),
        ("Subject", appointment.subject),
        ("Reason", None if appointment.subject else describe_topic(appointment)),
    )


def _kind_label(appointment: Appointment) -> str:
    if appointment.service == ServiceName.E_CONSULTATION:
        return "E-consultation"
    return "Booking" if appointment.start else "Enquiry"


def _check_same_decision(decision: Decision[Appointment], charge: Charge | None) -> None:
    if not isinstance(decision, Outcome):
        check_same_charge(decision.charge, charge)


def check_same_charge(current: Charge | None, shown: Charge | None) -> None:
    """Raise FeeNotAccepted if cancelling has a charge now that the plan did not show."""
    if current is None:
        return
    if shown is None:
        raise FeeNotAccepted(
            "The time for cancelling free of charge has passed meanwhile. Nothing was sent.",
            hint="Run it again to see what it costs now.",
        )
    check_price_not_risen(shown.what.lower(), shown.price, current.price)


def _send_cancellation(
    portal: Portal, appointment: Appointment, intent: UUID
) -> WriteResult[Appointment]:
    """Cancel it; names and places stay as read before, because the reply does not include them."""
    written = portal.send_cancellation(str(appointment.id), intent)
    return WriteResult(replace(appointment, status=written.record.status), written.changed)
