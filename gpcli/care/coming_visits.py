"""What is to come beside a booking: visits for the same service, and at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gpcli.care.service_request import BookingContext, ServiceRequest
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.receipt import BookingFacts
from gpcli.model.service import Service, ServiceName

BOOKINGS = frozenset({ServiceName.BOOKING, ServiceName.BOOKING_ENQUIRY, None})
"""What counts as seeing the GP; the surgery's own bookings may have no service code."""

SAME_VISIT: dict[ServiceName, frozenset[str | None]] = {
    ServiceName.BOOKING: BOOKINGS,
    ServiceName.BOOKING_ENQUIRY: BOOKINGS,
    ServiceName.FLU_VACCINATION: frozenset({ServiceName.FLU_VACCINATION}),
    ServiceName.E_CONSULTATION: frozenset({ServiceName.E_CONSULTATION}),
}
"""The services whose appointments count as one and the same visit, for each that has times."""


def find_coming(
    coming: Sequence[Appointment], service: Service, now: datetime
) -> Appointment | None:
    """Return the coming booking or open enquiry for the same service at the same GP, if any."""
    for appointment in coming:
        same_gp = appointment.surgery_id in {None, service.surgery.id}
        to_come = not appointment.is_over and (appointment.start is None or appointment.start > now)
        if same_gp and to_come and appointment.service in SAME_VISIT[service.service]:
            return appointment
    return None


def list_others(coming: Sequence[Appointment], request: ServiceRequest) -> list[Appointment]:
    """Return those of `coming` that stay beside what is requested."""
    return [each for each in coming if each.id != request.replaces]


def find_overlapping(
    facts: BookingFacts, request: ServiceRequest, slot: Slot
) -> Iterator[Appointment]:
    """Yield the coming appointments that a slot overlaps."""
    return (each for each in list_others(facts.coming, request) if _overlaps(each, slot))


def find_one_already(
    context: BookingContext,
    request: ServiceRequest,
    facts: BookingFacts,
    service: Service,
    slot: Slot,
) -> Appointment | None:
    """Return the one for the same service at another time, unless one more was asked for."""
    if request.another or request.replaces:
        return None
    booked = find_coming(facts.coming, service, context.search.now)
    return None if booked is None or _overlaps(booked, slot) else booked


def _overlaps(appointment: Appointment, slot: Slot) -> bool:
    start, end = appointment.start, appointment.end
    if start is None or end is None or appointment.is_over:
        return False
    return start < slot.end and slot.start < end
