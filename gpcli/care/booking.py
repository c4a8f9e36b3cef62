"""Book a time: by its id, the first that fits, or by asking the surgery; and the flu vaccine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice

from gpcli.care.confirmation import Asker, Decision, Outcome, Proposal
from gpcli.care.offers import filter_by_gp, find_surgeries, choose_service, require_service, list_services
from gpcli.care.portal_protocol import Portal
from gpcli.care.service_request import (
    BookingChoice,
    BookingContext,
    ServiceRequest,
    require_offer,
    preview_appointment,
    check_not_undone,
    request_id_conflict,
    party_rows,
)
from gpcli.care.slots import SlotSearch, find_slot_service
from gpcli.errors import (
    AlreadyBooked,
    InputNeeded,
    InvalidUsage,
    NoSlot,
    NotFound,
    NotOffered,
    SlotTaken,
    TooLate,
)
from gpcli.model.appointment import Appointment, FluAnswer, Slot, Vaccination, Window
from gpcli.model.receipt import BookingFacts, PlanValue, WriteResult
from gpcli.model.service import Offer, Offers, Service, ServiceName, Standing

BOOKINGS = frozenset({ServiceName.BOOKING, ServiceName.BOOKING_ENQUIRY, None})
"""What counts as seeing the GP: a booking without a service code was made by the surgery."""

MAX_CHOICES = 30
"""Times in the list to pick from."""

_SEE_SLOTS = "gpcli slots lists the free times."

_SAME_VISIT: dict[ServiceName, frozenset[str | None]] = {
    ServiceName.BOOKING: BOOKINGS,
    ServiceName.BOOKING_ENQUIRY: BOOKINGS,
    ServiceName.FLU_VACCINATION: frozenset({ServiceName.FLU_VACCINATION}),
}


def propose_booking(
    desk: BookingContext, request: ServiceRequest, choice: BookingChoice
) -> Decision[Appointment]:
    """Decide on a booking or an enquiry.

    Raises Usage for a contradictory choice; NotFound, SlotTaken, TooLate for the slot; NotFound
    for the GP; NoSlot when none fits; AlreadyBooked; Conflict when the request id was used for
    something else; InputNeeded when nothing is chosen and nobody can be asked; NotOffered and
    its like.
    """
    if (choice.slot is not None) + choice.first + choice.enquiry > 1:
        raise InvalidUsage("Name a time, or --first, or --enquiry: only one of them.")
    if choice.slot is not None:
        return _propose_by_id(desk, request, choice.slot)
    if choice.enquiry:
        return _propose_enquiry(desk, request)
    return _propose_found(desk, request, _take_first if choice.first else _choose_slot)


def _propose_by_id(desk: BookingContext, request: ServiceRequest, slot_id: str) -> Decision[Appointment]:
    if not slot_id.strip():
        raise InputNeeded("The time's id is empty.", hint=_SEE_SLOTS)
    facts = desk.portal.fetch_booking_facts(slot=slot_id, intent=request.lookup)
    if facts.earlier:
        return _resolve_repeat(facts.earlier, request, facts, same=facts.earlier.slot_id == slot_id)
    slot = facts.slot
    if slot is None:
        require_service(facts.offers, request.service, desk.search.now)
        raise NotFound(f"There is no time '{slot_id}'.", hint=_SEE_SLOTS)
    row = find_slot_service(slot, facts.offers, request.service, desk.search.now, request.gp, desk.asker)
    if slot.start <= desk.search.now:
        raise TooLate("That time has begun or is past.", hint=_SEE_SLOTS)
    _check_not_own(facts.coming, slot)
    if slot.status != "free":
        raise SlotTaken(f"The time {slot.id} is taken.", hint=_SEE_SLOTS)
    return _build_booking(desk, request, facts, row, slot)


def _propose_found(
    desk: BookingContext,
    request: ServiceRequest,
    find: Callable[[BookingContext, Iterator[Slot]], Slot],
) -> Decision[Appointment]:
    facts = desk.portal.fetch_booking_facts(slot=None, intent=request.lookup)
    if facts.earlier:
        a_time = facts.earlier.service in _SAME_VISIT[request.service] and not _is_enquiry(facts.earlier)
        return _resolve_repeat(facts.earlier, request, facts, same=a_time)
    row = _choose_gp(desk, request, facts)
    if find is _take_first and not request.another:
        _check_not_booked(facts.coming, row, desk.search.now)
    if find is _choose_slot and not desk.asker.allowed:
        raise InputNeeded("Which time?", hint="Give its id (gpcli slots lists them), or --first.")
    ours = {each.slot_id for each in facts.coming if not each.over}
    free = desk.portal.fetch_slots([require_offer(row)], *desk.search.days)
    slot = find(desk, desk.search.pick(each for each in free if each.id not in ours))
    return _build_booking(desk, request, facts, row, slot)


def _take_first(desk: BookingContext, free: Iterator[Slot]) -> Slot:
    for slot in free:
        return slot
    raise NoSlot(desk.search.why_none("free time"), hint="Widen --from, --to or the filters.")


def _choose_slot(desk: BookingContext, free: Iterator[Slot]) -> Slot:
    listed = list(islice(free, MAX_CHOICES))
    if not listed:
        return _take_first(desk, iter(listed))
    choices = [(str(slot.id), desk.label(slot)) for slot in listed]
    chosen = desk.asker.choose("Which time?", choices, flag="--first")
    return next(slot for slot in listed if slot.id == chosen)


def _propose_enquiry(desk: BookingContext, request: ServiceRequest) -> Decision[Appointment]:
    portal, search = desk.portal, desk.search
    facts = portal.fetch_booking_facts(slot=None, intent=request.lookup)
    if facts.earlier:
        return _resolve_repeat(facts.earlier, request, facts, same=_is_enquiry(facts.earlier))
    wished = _wished(search)
    enquiry = ServiceName.BOOKING_ENQUIRY
    row = choose_service(facts.offers, enquiry, search.now, request.gp, desk.asker)
    if not request.another:
        _check_not_booked([each for each in facts.coming if each.start is None], row, search.now)
    rows: tuple[tuple[str, PlanValue], ...] = (
        *party_rows(portal.fetch_parties(), row),
        *(("Wished", window) for window in wished),
        ("Reason", request.reason),
        ("Answer", row.answer_time),
        ("Price at a visit", facts.offers.prices.get(ServiceName.BOOKING)),
    )
    return Proposal(
        action="Ask the surgery for a time",
        rows=rows,
        preview=preview_appointment(row, request, zone=search.zone.key, requested=tuple(wished)),
        send=lambda: portal.send_enquiry(require_offer(row), wished, request.reason, request.intent),
    )


def _wished(search: SlotSearch) -> list[Window]:
    """The wish as periods that are not over yet; the surgery reads nothing else of it."""
    if search.wanted.practitioner or search.wanted.channel:
        raise InvalidUsage("--enquiry takes no --with or --via.", hint="Say it in --reason.")
    wished = search.wanted.yet_to_come(search.zone, search.now)
    if not wished:
        raise InvalidUsage("All of the wished time is past.", hint="Give a later --from or --to.")
    return wished


def _is_enquiry(earlier: Appointment) -> bool:
    """Whether this began as an enquiry, answered or not."""
    return earlier.service == ServiceName.BOOKING_ENQUIRY or bool(earlier.requested)


def _choose_gp(desk: BookingContext, request: ServiceRequest, facts: BookingFacts) -> Service:
    now = desk.search.now
    try:
        return choose_service(facts.offers, request.service, now, request.gp, desk.asker)
    except NotOffered as refused:
        ours = filter_by_gp(facts.offers, request.gp)
        if request.service is not ServiceName.BOOKING or not _can_enquire(ours, now):
            raise
        raise NotOffered(
            f"{refused.message} It takes enquiries.", hint="gpcli book --enquiry"
        ) from refused


def _can_enquire(offers: Offers, now: datetime) -> bool:
    rows = [row for row in list_services(offers, now) if row.service is ServiceName.BOOKING_ENQUIRY]
    return any(row.status is not Standing.NOT_OFFERED for row in rows)


def find_coming(coming: Sequence[Appointment], row: Service, now: datetime) -> Appointment | None:
    """The coming booking or open enquiry for the same service at the same GP, if any."""
    for each in coming:
        same_gp = each.surgery_id in {None, row.surgery.id}
        to_come = not each.over and (each.start is None or each.start > now)
        if same_gp and to_come and each.service in _SAME_VISIT[row.service]:
            return each
    return None


def _check_not_booked(coming: Sequence[Appointment], row: Service, now: datetime) -> None:
    there = find_coming(coming, row, now)
    if there is None:
        return
    what = "an open enquiry" if there.start is None else "a coming booking"
    raise AlreadyBooked(
        f"There is already {what} for this: {there.id}.",
        hint=f"gpcli appointments show {there.id}; to book one more, add --another.",
    )


def _check_not_own(coming: Sequence[Appointment], slot: Slot) -> None:
    """Raise SlotTaken for a time that the person has; some portals show it free for a while."""
    for each in coming:
        if each.slot_id == slot.id and not each.over:
            raise SlotTaken(
                f"The time {slot.id} is taken, by your own booking {each.id}.",
                hint=f"gpcli appointments show {each.id}",
            )


def _build_booking(
    desk: BookingContext, request: ServiceRequest, facts: BookingFacts, row: Service, slot: Slot
) -> Proposal[Appointment]:
    portal = desk.portal
    offer = require_offer(row)
    rows: tuple[tuple[str, PlanValue], ...] = (
        ("When", Window(slot.start, slot.end)),
        ("With", slot.practitioner),
        ("Way", slot.channel),
        ("Where", slot.location),
        *party_rows(portal.fetch_parties(), row),
        ("Reason", request.reason),
        ("Price at the visit", row.price),
    )
    flu = row.service is ServiceName.FLU_VACCINATION
    return Proposal(
        action="Book this time for flu vaccination" if flu else "Book this time",
        rows=rows,
        preview=preview_appointment(
            row,
            request,
            zone=slot.zone,
            start=slot.start,
            end=slot.end,
            channel=slot.channel,
            practitioner=slot.practitioner,
            location=slot.location,
            slot_id=slot.id,
        ),
        send=lambda: _send_booking(portal, slot, offer, request),
        warnings=(*_overlap_warnings(facts.coming, slot), *(_flu_warnings(desk, row) if flu else ())),
    )


def _send_booking(
    portal: Portal, slot: Slot, offer: Offer, request: ServiceRequest
) -> WriteResult[Appointment]:
    """Book; until the surgery has said with whom and where, the slot's own words stand."""
    written = portal.send_booking(slot, offer, request.reason, request.intent)
    made = written.record
    filled = replace(
        made,
        practitioner=made.practitioner or slot.practitioner,
        location=made.location or slot.location,
    )
    return WriteResult(filled, written.changed)


def _flu_warnings(desk: BookingContext, row: Service) -> Iterator[str]:
    if is_vaccinated_this_season(desk.portal.fetch_vaccinations(), desk.search.now):
        yield "The record shows a flu vaccination this season already."
    if link := require_offer(row).deep_link:
        yield f"The portal books this at {link}."


def _overlap_warnings(coming: Sequence[Appointment], slot: Slot) -> list[str]:
    return [
        f"It overlaps your booking {each.id}."
        for each in coming
        if each.start
        and each.end
        and not each.over
        and each.start < slot.end
        and slot.start < each.end
    ]


def _resolve_repeat(
    earlier: Appointment, request: ServiceRequest, facts: BookingFacts, *, same: bool
) -> Outcome[Appointment]:
    ids = {one.id for one in find_surgeries(facts.offers.surgeries, request.gp)}
    same = same and (request.gp is None or earlier.surgery_id in {None, *ids})
    reasons = {(words or "").strip() for words in (earlier.reason, request.reason)}
    if same and len(reasons) == 1:
        check_not_undone(earlier)
        return Outcome(earlier, changed=False)
    raise request_id_conflict(str(earlier.id))


SEASON_START_MONTH = 7
"""The month in which one influenza season ends and the next begins (northern hemisphere)."""


def fetch_flu_answer(portal: Portal, search: SlotSearch, gp: str | None, asker: Asker, limit: int) -> FluAnswer:
    """All about flu vaccination at the one GP that offers it, with at most `limit` free times.

    Raises NotOffered and its like, or InputNeeded when several GPs offer it.
    """
    row = choose_service(portal.fetch_offers(), ServiceName.FLU_VACCINATION, search.now, gp, asker)
    free = portal.fetch_slots([row.offer] if row.offer else [], *search.days)
    slots = tuple(search.pick(free, limit))
    vaccinations = portal.fetch_vaccinations()
    return FluAnswer(
        surgery=row.surgery,
        eligibility=row.eligibility,
        price=row.price,
        last_vaccination=vaccinations[0] if vaccinations else None,
        this_season=is_vaccinated_this_season(vaccinations, search.now),
        deep_link=row.offer.deep_link if row.offer else None,
        slots=slots,
    )


def is_vaccinated_this_season(vaccinations: tuple[Vaccination, ...], now: datetime) -> bool:
    """Whether one of `vaccinations` is of the present season.

    Dates may be partial; a year alone proves nothing and does not count.
    """
    begins = date(now.year - (now.month < SEASON_START_MONTH), SEASON_START_MONTH, 1).isoformat()
    return any(
        len(each.date) >= 7 and each.date >= begins[: len(each.date)] for each in vaccinations
    )
