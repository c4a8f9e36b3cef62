"""Cancelling a booking or withdrawing an enquiry: until when, and what late costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from gpcli.care.agreement import Charge, Outcome, Proposal, Step
from gpcli.care.offers import called, refusal, require, standings
from gpcli.care.portal import Portal
from gpcli.errors import NotFound, TooLate, Usage
from gpcli.model.appointment import Appointment, Window
from gpcli.model.desk import Written
from gpcli.model.plan import PlanValue
from gpcli.model.service import Offers, Service, ServiceName, Standing

LATE = "late-cancellation"
"""The price code for cancelling after the deadline (docs/portal.md)."""


def propose(
    portal: Portal, appointment_id: str, intent: UUID, now: datetime, *, gp: str | None = None
) -> Step[Appointment]:
    """Cancel; already cancelled counts as done. `gp` says at which GP it must be.

    Raises NotFound; Usage when it is at another GP; TooLate when it has begun, or the surgery
    takes no late cancelling; NotOffered, OffForNow, ConsentNeeded or NotPermitted. Times in
    messages are in the zone of `now`.
    An enquiry that waits for its answer can always be withdrawn: what is under way is never
    gated by what the GP offers now.
    """
    desk = portal.cancelling_desk(appointment_id)
    there = desk.appointment
    if there is None:
        require(desk.offers, ServiceName.CANCELLATION, now)
        raise NotFound(
            f"There is no appointment '{appointment_id}'.",
            hint="gpcli appointments list shows yours.",
        )
    if gp and there.surgery_id not in {
        None,
        *(one.id for one in called(desk.offers.surgeries, gp)),
    }:
        raise Usage(f"{there.id} is not at '{gp}'.", hint="Leave --gp out.")
    if there.status == "cancelled":
        return Outcome(there, changed=False)
    if there.over or (there.start and there.start <= now):
        raise TooLate(
            f"{there.id} has begun or is past; it can't be cancelled.",
            hint="gpcli appointments list shows what is to come.",
        )
    if there.waiting and there.start is None:
        return _proposal(portal, there, intent, action="Withdraw this enquiry")
    row = _row(desk.offers, there, now)
    charge = _late_charge(there, row, desk.offers, now)
    return _proposal(portal, there, intent, charge=charge)


def _row(offers: Offers, there: Appointment, now: datetime) -> Service:
    rows = [each for each in standings(offers, now) if each.service == ServiceName.CANCELLATION]
    ours = [each for each in rows if there.surgery_id in {None, each.surgery.id}] or rows
    for row in ours:
        if row.status is Standing.OFFERED:
            return row
    raise refusal(offers, ours, ServiceName.CANCELLATION)


def _late_charge(there: Appointment, row: Service, offers: Offers, now: datetime) -> Charge | None:
    if there.cancel_until is None or now <= there.cancel_until:
        return None
    if row.offer and row.offer.late_cancelling == "refused":
        phone = row.surgery.phone
        until = there.cancel_until.astimezone(now.tzinfo)
        raise TooLate(
            f"{row.surgery.label} took cancellations of this time until {until:%a %d %b %Y %H:%M}.",
            hint=f"Call the surgery: {phone}." if phone else "",
        )
    return Charge("Cancelling this late", offers.prices.get(LATE))


def _proposal(
    portal: Portal,
    there: Appointment,
    intent: UUID,
    *,
    action: str = "Cancel this booking",
    charge: Charge | None = None,
) -> Proposal[Appointment]:
    parties = portal.parties
    rows: tuple[tuple[str, PlanValue], ...] = (
        ("Booking", there.id),
        ("When", Window(there.start, there.end) if there.start and there.end else None),
        *(("Wished", window) for window in there.requested),
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
        send=lambda: _send(portal, there, intent),
        charge=charge,
    )


def _send(portal: Portal, there: Appointment, intent: UUID) -> Written[Appointment]:
    """Cancel; names and places are kept from what was read before, which came with them."""
    written = portal.cancel(str(there.id), intent)
    return Written(replace(there, status=written.record.status), written.changed)
