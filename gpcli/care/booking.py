"""Booking a time: by its id, the first that fits, or by asking the surgery for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.care.agreement import Asker, Outcome, PlanValue, Proposal, Step
from gpcli.care.filters import Wanted
from gpcli.care.offers import choose, named, refusal, standings
from gpcli.care.portal import Portal
from gpcli.care.slots import Search
from gpcli.errors import AlreadyBooked, Conflict, NoSlot, NotFound, SlotTaken, TooLate, Usage
from gpcli.model.appointment import Appointment, Slot, Window
from gpcli.model.desk import BookingDesk
from gpcli.model.person import Parties
from gpcli.model.service import Offer, Service, ServiceName, Standing

BOOKINGS = frozenset({ServiceName.BOOKING, ServiceName.BOOKING_ENQUIRY, None})
"""What counts as seeing the GP: a booking without a service code was made by the surgery."""

_SAME: dict[ServiceName, frozenset[str | None]] = {
    ServiceName.BOOKING: BOOKINGS,
    ServiceName.BOOKING_ENQUIRY: BOOKINGS,
    ServiceName.FLU_VACCINATION: frozenset({ServiceName.FLU_VACCINATION}),
}


@dataclass(frozen=True)
class Request:
    """What stays the same however a time is found.

    `intent` identifies this write at the portal; `repeated` says that it was given by
    `--request-id`, so that an earlier try may have been done already.
    """

    service: ServiceName
    intent: UUID
    repeated: bool
    reason: str | None = None
    gp: str | None = None
    another: bool = False

    @property
    def lookup(self) -> UUID | None:
        """The intent to look for before anything is sent."""
        return self.intent if self.repeated else None


def propose_slot(
    portal: Portal, request: Request, slot_id: str, now: datetime
) -> Step[Appointment]:
    """Book the slot called `slot_id`.

    Raises NotFound, SlotTaken, TooLate for the slot; NotOffered and its like for the service;
    Usage for a slot of another service; Conflict when the request id was used for another slot.
    """
    desk = portal.booking_desk(slot=slot_id, intent=request.lookup)
    if desk.earlier:
        return _done(desk.earlier, same=desk.earlier.slot_id == slot_id)
    slot = desk.slot
    if slot is None:
        raise NotFound(f"There is no time '{slot_id}'.", hint="gpcli slots lists the free times.")
    row = _row_of(slot, desk, request, now)
    if slot.start <= now:
        raise TooLate("That time has begun or is past.", hint="gpcli slots lists the free times.")
    if slot.status != "free":
        raise _taken(slot)
    return _booking(portal, request, desk, row, slot)


def propose_first(
    portal: Portal,
    request: Request,
    wanted: Wanted,
    zone: ZoneInfo,
    now: datetime,
    asker: Asker,
) -> Step[Appointment]:
    """Book the first free time that is wanted; raises NoSlot, AlreadyBooked, NotOffered…"""
    desk = portal.booking_desk(slot=None, intent=request.lookup)
    if desk.earlier:
        return _done(desk.earlier, same=desk.earlier.service in _SAME[request.service])
    row = choose(desk.offers, request.service, now, request.gp, asker)
    if not request.another:
        _refuse_double(desk.coming, row)
    search = Search(wanted, zone, now)
    free = portal.slots(_offers(row), wanted.first, wanted.last)
    slot = next(search.pick(free, limit=1), None)
    if slot is None:
        raise NoSlot(search.why_none("free time"), hint="Widen --from, --to or the filters.")
    return _booking(portal, request, desk, row, slot)


def propose_enquiry(
    portal: Portal,
    request: Request,
    wished: Sequence[Window],
    zone: ZoneInfo,
    now: datetime,
    asker: Asker,
) -> Step[Appointment]:
    """Ask the surgery for a time within `wished`; raises AlreadyBooked, NotOffered…"""
    desk = portal.booking_desk(slot=None, intent=request.lookup)
    if desk.earlier:
        return _done(desk.earlier, same=bool(desk.earlier.requested))
    row = choose(desk.offers, ServiceName.BOOKING_ENQUIRY, now, request.gp, asker)
    if not request.another:
        _refuse_double([each for each in desk.coming if each.start is None], row)
    offer = _offers(row)[0]
    rows: tuple[tuple[str, PlanValue], ...] = (
        *_whom(portal.parties, row),
        *(("Wished", window) for window in wished),
        ("Reason", request.reason),
        ("Answer", row.answer_time),
        ("Price at a visit", desk.offers.prices.get(ServiceName.BOOKING)),
    )
    return Proposal(
        action="Ask the surgery for a time",
        rows=rows,
        preview=_enquiry_preview(row, wished, zone, request),
        send=lambda: portal.enquire(offer, wished, request.reason, request.intent),
    )


def coming_for(coming: Sequence[Appointment], row: Service) -> Appointment | None:
    """The coming booking or open enquiry for the same service at the same GP, if any."""
    for each in coming:
        same_gp = each.surgery_id in {None, row.surgery.id}
        if same_gp and not each.over and each.service in _SAME[row.service]:
            return each
    return None


def _refuse_double(coming: Sequence[Appointment], row: Service) -> None:
    there = coming_for(coming, row)
    if there is None:
        return
    what = "an open enquiry" if there.start is None else "a coming booking"
    raise AlreadyBooked(
        f"There is already {what} for this: {there.id}.",
        hint=f"gpcli appointments show {there.id}; to book one more, add --another.",
    )


def _row_of(slot: Slot, desk: BookingDesk, request: Request, now: datetime) -> Service:
    service = slot.service or ServiceName.BOOKING
    if request.service is ServiceName.FLU_VACCINATION and service != request.service:
        raise Usage(f"{slot.id} is not a time for flu vaccination.", hint="gpcli flu lists those.")
    rows = [row for row in standings(desk.offers, now) if row.service == service]
    ours = [row for row in rows if slot.surgery_id in {None, row.surgery.id}]
    if request.gp and not any(named(row.surgery, request.gp) for row in ours):
        raise Usage(f"{slot.id} is not a time at '{request.gp}'.", hint="Leave --gp out.")
    usable = [row for row in ours if row.status is Standing.OFFERED]
    if usable:
        return usable[0]
    raise refusal(desk.offers, ours or rows, request.service)


def _booking(
    portal: Portal, request: Request, desk: BookingDesk, row: Service, slot: Slot
) -> Proposal[Appointment]:
    offer = _offers(row)[0]
    rows: tuple[tuple[str, PlanValue], ...] = (
        ("When", Window(slot.start, slot.end)),
        ("With", slot.practitioner),
        ("Way", slot.channel),
        ("Where", slot.location),
        *_whom(portal.parties, row),
        ("Reason", request.reason),
        ("Price at the visit", row.price),
    )
    return Proposal(
        action=_ACTIONS.get(row.service, "Book this time"),
        rows=rows,
        preview=_slot_preview(slot, row, request),
        send=lambda: portal.book(slot, offer, request.reason, request.intent),
        warnings=tuple(_overlaps(desk.coming, slot)),
    )


_ACTIONS = {ServiceName.FLU_VACCINATION: "Book this time for flu vaccination"}


def _whom(parties: Parties, row: Service) -> tuple[tuple[str, PlanValue], ...]:
    by = parties.acting_user.name if parties.on_behalf else None
    return (("Surgery", row.surgery.label), ("For", parties.patient.name), ("By", by))


def _overlaps(coming: Sequence[Appointment], slot: Slot) -> list[str]:
    return [
        f"It overlaps your booking {each.id}."
        for each in coming
        if each.start
        and each.end
        and not each.over
        and each.start < slot.end
        and slot.start < each.end
    ]


def _done(earlier: Appointment, *, same: bool) -> Outcome[Appointment]:
    if same:
        return Outcome(earlier, changed=False)
    raise Conflict(
        f"This --request-id was used for something else: {earlier.id}.",
        hint="Use a new --request-id for a new request.",
    )


def _taken(slot: Slot) -> SlotTaken:
    return SlotTaken(f"The time {slot.id} is taken.", hint="gpcli slots lists the free times.")


def _offers(row: Service) -> list[Offer]:
    return [row.offer] if row.offer else []


def _slot_preview(slot: Slot, row: Service, request: Request) -> Appointment:
    return Appointment(
        id=None,
        status="proposed",
        start=slot.start,
        end=slot.end,
        zone=slot.zone,
        requested=(),
        service=row.service,
        channel=slot.channel,
        practitioner=slot.practitioner,
        surgery=row.surgery.name,
        location=slot.location,
        reason=request.reason,
        answer=None,
        cancel_until=None,
        created=None,
        slot_id=slot.id,
    )


def _enquiry_preview(
    row: Service, wished: Sequence[Window], zone: ZoneInfo, request: Request
) -> Appointment:
    return Appointment(
        id=None,
        status="proposed",
        start=None,
        end=None,
        zone=zone.key,
        requested=tuple(wished),
        service=row.service,
        channel=None,
        practitioner=row.surgery.gp,
        surgery=row.surgery.name,
        location=None,
        reason=request.reason,
        answer=None,
        cancel_until=None,
        created=None,
        slot_id=None,
    )
