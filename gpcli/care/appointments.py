"""Bookings and enquiries: which to show, and cancelling one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from gpcli.care.confirmation import Asker, Charge, Decision, Outcome, Proposal
from gpcli.care.offers import find_surgeries, build_refusal, require_service, list_services
from gpcli.care.portal_protocol import Portal
from gpcli.care.revalidate import check_price_not_risen
from gpcli.errors import FeeNotAccepted, InputNeeded, InvalidUsage, NotFound, TooLate
from gpcli.model.appointment import Appointment, Window
from gpcli.model.receipt import PlanValue, WriteResult
from gpcli.model.service import Offers, Service, ServiceName, Standing


def fetch_appointments(
    portal: Portal, now: datetime, *, past: bool, everything: bool, waiting: bool
) -> list[Appointment]:
    """What is to come and what waits; or the past, newest first; or all in order of time."""
    found = portal.fetch_appointments(None if past or everything else now.date())
    if waiting:
        found = [one for one in found if one.waiting]
    if past:
        return [one for one in reversed(found) if _has_begun(one, now)]
    return found if everything else [one for one in found if not _has_ended(one, now)]


@dataclass(frozen=True)
class ChoicePrompt:
    """What can be picked from a list, the question, and what to say when there is none."""

    fits: Callable[[Appointment, datetime], bool]
    question: str
    none: str


def choose_appointment(
    portal: Portal,
    appointment: str | None,
    now: datetime,
    asker: Asker,
    label: Callable[[Appointment], str],
    picking: ChoicePrompt | None = None,
) -> str:
    """The id given, or one picked from a list; of what is to come, unless `picking` says else.

    Raises InputNeeded.
    """
    picking = picking or COMING_APPOINTMENT
    if appointment is not None and appointment.strip():
        return appointment
    hint = "gpcli appointments list shows the ids."
    if appointment is not None or not asker.allowed:
        raise InputNeeded("An appointment's id is needed.", hint=hint)
    found = portal.fetch_appointments(now.date())
    fitting = [one for one in found if not one.over and picking.fits(one, now)]
    if not fitting:
        raise InputNeeded(picking.none, hint=hint)
    choices = [(str(one.id), label(one)) for one in fitting]
    return asker.choose(picking.question, choices, flag="ID")


def _has_begun(one: Appointment, now: datetime) -> bool:
    return one.start is not None and one.start <= now


def _has_ended(one: Appointment, now: datetime) -> bool:
    return one.end is not None and one.end <= now


COMING_APPOINTMENT = ChoicePrompt(
    lambda one, now: not _has_ended(one, now),
    "Which appointment?",
    "There is no coming appointment to choose from.",
)


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
    """Cancel; already cancelled counts as done. `gp` says at which GP it must be.

    Raises NotFound; Usage when it is at another GP; TooLate when it has begun, or the surgery
    takes no late cancelling; NotOffered, OffForNow, ConsentNeeded or NotPermitted. Times in
    messages are in the zone of `clock`, which is looked at again when the person has agreed.
    An enquiry that waits for its answer can always be withdrawn: what is under way is never
    gated by what the GP offers now.
    """
    now = clock()
    desk = portal.fetch_cancellation_facts(appointment_id)
    there = desk.appointment
    if there is None:
        require_service(desk.offers, ServiceName.CANCELLATION, now)
        raise no_such_appointment(appointment_id)
    if gp and there.surgery_id not in {None, *_gp_ids(desk.offers, gp)}:
        raise InvalidUsage(f"{there.id} is not at '{gp}'.", hint="Leave --gp out.")
    if (outcome := check_cancellable(there, now)) is not None:
        return outcome
    if there.waiting and there.start is None:
        return build_cancellation(portal, there, intent, action="Withdraw this enquiry")
    row = _find_service(desk.offers, there, now)
    charge = _check_late_charge(row, there, desk.offers, now)

    def again() -> Decision[Appointment]:
        return propose_cancellation(portal, appointment_id, intent, clock, gp=gp)

    return build_cancellation(portal, there, intent, charge=charge, again=again)


def no_such_appointment(appointment_id: str) -> NotFound:
    """The error for an id that the portal does not know, or that is not the patient's."""
    return NotFound(
        f"There is no appointment '{appointment_id}'.",
        hint="gpcli appointments list shows yours.",
    )


def check_cancellable(there: Appointment, now: datetime) -> Outcome[Appointment] | None:
    """The outcome where it is cancelled already, `None` where it can be; raises TooLate."""
    if there.status == "cancelled":
        return Outcome(there, changed=False)
    if there.over or (there.start and there.start <= now):
        raise TooLate(
            f"{there.id} has begun or is past; it can't be cancelled.",
            hint="gpcli appointments list shows what is to come.",
        )
    return None


def late_cancellation_charge(there: Appointment, offers: Offers, now: datetime) -> Charge | None:
    """What giving it back costs at `now`: `None` until the time for doing so free has passed."""
    if there.cancel_until is None or now <= there.cancel_until:
        return None
    return Charge("Cancelling this late", offers.prices.get(LATE_CANCELLATION))


def _gp_ids(offers: Offers, gp: str) -> set[str]:
    return {one.id for one in find_surgeries(offers.surgeries, gp)}


def _find_service(offers: Offers, there: Appointment, now: datetime) -> Service:
    rows = [each for each in list_services(offers, now) if each.service == ServiceName.CANCELLATION]
    ours = [each for each in rows if there.surgery_id in {None, each.surgery.id}] or rows
    for row in ours:
        if row.status is Standing.OFFERED:
            return row
    raise build_refusal(offers, ours, ServiceName.CANCELLATION)


def _check_late_charge(row: Service, there: Appointment, offers: Offers, now: datetime) -> Charge | None:
    charge = late_cancellation_charge(there, offers, now)
    if charge and there.cancel_until and row.offer and row.offer.late_cancelling == "refused":
        phone = row.surgery.phone
        until = there.cancel_until.astimezone(now.tzinfo)
        raise TooLate(
            f"{row.surgery.label} took cancellations of this time until {until:%a %d %b %Y %H:%M}.",
            hint=f"Call the surgery: {phone}." if phone else "",
        )
    return charge


def build_cancellation(
    portal: Portal,
    there: Appointment,
    intent: UUID,
    *,
    action: str = "Cancel this booking",
    charge: Charge | None = None,
    again: Callable[[], Decision[Appointment]] | None = None,
) -> Proposal[Appointment]:
    """The proposal to cancel `there`; `again` decides anew when the person has agreed."""
    parties = portal.fetch_parties()
    rows: tuple[tuple[str, PlanValue], ...] = (
        (_kind_label(there), there.id),
        ("When", Window(there.start, there.end) if there.start and there.end else None),
        *(("Wished", window) for window in there.requested),
        ("Subject", there.subject),
        ("With", there.practitioner),
        ("Surgery", there.surgery),
        ("For", parties.patient.name),
        ("By", parties.on_behalf_by.name if parties.on_behalf_by else None),
        ("Free of charge until", there.cancel_until),
        ("Fee for cancelling late", (charge.price or "unknown") if charge else None),
    )
    return Proposal(
        action=action,
        rows=rows,
        preview=there,
        send=lambda: _send_cancellation(portal, there, intent),
        charge=charge,
        still_so=(lambda: _check_same_charge(again(), charge)) if again else None,
    )


def _kind_label(there: Appointment) -> str:
    """What a plan calls it."""
    if there.service == ServiceName.E_CONSULTATION:
        return "E-consultation"
    return "Booking" if there.start else "Enquiry"


def _check_same_charge(decision: Decision[Appointment], charge: Charge | None) -> None:
    """Raise FeeNotAccepted when it costs by now what the plan did not show."""
    if isinstance(decision, Outcome) or decision.charge is None:
        return
    if charge is None:
        raise FeeNotAccepted(
            "The time for cancelling free of charge has passed meanwhile. Nothing was sent.",
            hint="Run it again to see what it costs now.",
        )
    check_price_not_risen(charge.what.lower(), charge.price, decision.charge.price)


def _send_cancellation(portal: Portal, there: Appointment, intent: UUID) -> WriteResult[Appointment]:
    """Cancel; names and places are kept from what was read before, which came with them."""
    written = portal.send_cancellation(str(there.id), intent)
    return WriteResult(replace(there, status=written.record.status), written.changed)
