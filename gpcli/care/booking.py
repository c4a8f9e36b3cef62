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
    context: BookingContext, request: ServiceRequest, choice: BookingChoice
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
        return _propose_by_id(context, request, choice.slot)
    if choice.enquiry:
        return _propose_enquiry(context, request)
    return _propose_found(context, request, _take_first if choice.first else _choose_slot)


def _propose_by_id(context: BookingContext, request: ServiceRequest, slot_id: str) -> Decision[Appointment]:
    if not slot_id.strip():
        raise InputNeeded("The time's id is empty.", hint=_SEE_SLOTS)
    facts = context.portal.fetch_booking_facts(slot=slot_id, intent=request.lookup)
    if facts.earlier:
        return _resolve_repeat(facts.earlier, request, facts, same=facts.earlier.slot_id == slot_id)
    slot = facts.slot
    if slot is None:
        require_service(facts.offers, request.service, context.search.now)
        raise NotFound(f"There is no time '{slot_id}'.", hint=_SEE_SLOTS)
    service = find_slot_service(slot, facts.offers, request.service, context.search.now, request.gp, context.asker)
    if slot.start <= context.search.now:
        raise TooLate("That time has begun or is past.", hint=_SEE_SLOTS)
    _check_not_own(facts.coming, slot)
    if slot.status != "free":
        raise SlotTaken(f"The time {slot.id} is taken.", hint=_SEE_SLOTS)
    return _build_booking(context, request, facts, service, slot)


def _propose_found(
    context: BookingContext,
    request: ServiceRequest,
    take: Callable[[BookingContext, Iterator[Slot]], Slot],
) -> Decision[Appointment]:
    facts = context.portal.fetch_booking_facts(slot=None, intent=request.lookup)
    if facts.earlier:
        is_booking = facts.earlier.service in _SAME_VISIT[request.service] and not _is_enquiry(facts.earlier)
        return _resolve_repeat(facts.earlier, request, facts, same=is_booking)
    service = _choose_gp(context, request, facts)
    if take is _take_first and not request.another:
        _check_not_booked(facts.coming, service, context.search.now)
    if take is _choose_slot and not context.asker.can_ask:
        raise InputNeeded("Which time?", hint="Give its id (gpcli slots lists them), or --first.")
    booked_ids = {each.slot_id for each in facts.coming if not each.over}
    free = context.portal.fetch_slots([require_offer(service)], *context.search.days)
    slot = take(context, context.search.select(each for each in free if each.id not in booked_ids))
    return _build_booking(context, request, facts, service, slot)


def _take_first(context: BookingContext, free: Iterator[Slot]) -> Slot:
    for slot in free:
        return slot
    raise NoSlot(context.search.explain_none("free time"), hint="Widen --from, --to or the filters.")


def _choose_slot(context: BookingContext, free: Iterator[Slot]) -> Slot:
    listed = list(islice(free, MAX_CHOICES))
    if not listed:
        return _take_first(context, iter(listed))
    choices = [(str(slot.id), context.label(slot)) for slot in listed]
    chosen = context.asker.choose("Which time?", choices, flag="--first")
    return next(slot for slot in listed if slot.id == chosen)


def _propose_enquiry(context: BookingContext, request: ServiceRequest) -> Decision[Appointment]:
    portal, search = context.portal, context.search
    facts = portal.fetch_booking_facts(slot=None, intent=request.lookup)
    if facts.earlier:
        return _resolve_repeat(facts.earlier, request, facts, same=_is_enquiry(facts.earlier))
    wished = _wished(search)
    enquiry = ServiceName.BOOKING_ENQUIRY
    service = choose_service(facts.offers, enquiry, search.now, request.gp, context.asker)
    if not request.another:
        _check_not_booked([appointment for appointment in facts.coming if appointment.start is None], service, search.now)
    rows: tuple[tuple[str, PlanValue], ...] = (
        *party_rows(portal.fetch_parties(), service),
        *(("Wished", window) for window in wished),
        ("Reason", request.reason),
        ("Answer", service.answer_time),
        ("Price at a visit", facts.offers.prices.get(ServiceName.BOOKING)),
    )
    return Proposal(
        action="Ask the surgery for a time",
        rows=rows,
        preview=preview_appointment(service, request, zone=search.zone.key, requested=tuple(wished)),
        send=lambda: portal.send_enquiry(require_offer(service), wished, request.reason, request.intent),
    )


def _wished(search: SlotSearch) -> list[Window]:
    """The wish as periods that are not over yet; the surgery reads nothing else of it."""
    if search.filters.practitioner or search.filters.channel:
        raise InvalidUsage("--enquiry takes no --with or --via.", hint="Say it in --reason.")
    wished = search.filters.coming_windows(search.zone, search.now)
    if not wished:
        raise InvalidUsage("All of the wished time is past.", hint="Give a later --from or --to.")
    return wished


def _is_enquiry(earlier: Appointment) -> bool:
    """Whether this began as an enquiry, answered or not."""
    return earlier.service == ServiceName.BOOKING_ENQUIRY or bool(earlier.requested)


def _choose_gp(context: BookingContext, request: ServiceRequest, facts: BookingFacts) -> Service:
    now = context.search.now
    try:
        return choose_service(facts.offers, request.service, now, request.gp, context.asker)
    except NotOffered as refused:
        at_gp = filter_by_gp(facts.offers, request.gp)
        if request.service is not ServiceName.BOOKING or not _can_enquire(at_gp, now):
            raise
        raise NotOffered(
            f"{refused.message} It takes enquiries.", hint="gpcli book --enquiry"
        ) from refused


def _can_enquire(offers: Offers, now: datetime) -> bool:
    services = [service for service in list_services(offers, now) if service.service is ServiceName.BOOKING_ENQUIRY]
    return any(service.status is not Standing.NOT_OFFERED for service in services)


def find_coming(coming: Sequence[Appointment], service: Service, now: datetime) -> Appointment | None:
    """The coming booking or open enquiry for the same service at the same GP, if any."""
    for appointment in coming:
        same_gp = appointment.surgery_id in {None, service.surgery.id}
        to_come = not appointment.over and (appointment.start is None or appointment.start > now)
        if same_gp and to_come and appointment.service in _SAME_VISIT[service.service]:
            return appointment
    return None


def _check_not_booked(coming: Sequence[Appointment], service: Service, now: datetime) -> None:
    booked = find_coming(coming, service, now)
    if booked is None:
        return
    what = "an open enquiry" if booked.start is None else "a coming booking"
    raise AlreadyBooked(
        f"There is already {what} for this: {booked.id}.",
        hint=f"gpcli appointments show {booked.id}; to book one more, add --another.",
    )


def _check_not_own(coming: Sequence[Appointment], slot: Slot) -> None:
    """Raise SlotTaken for a time that the person has; some portals show it free for a while."""
    for appointment in coming:
        if appointment.slot_id == slot.id and not appointment.over:
            raise SlotTaken(
                f"The time {slot.id} is taken, by your own booking {appointment.id}.",
                hint=f"gpcli appointments show {appointment.id}",
            )


def _build_booking(
    context: BookingContext, request: ServiceRequest, facts: BookingFacts, service: Service, slot: Slot
) -> Proposal[Appointment]:
    portal = context.portal
    offer = require_offer(service)
    rows: tuple[tuple[str, PlanValue], ...] = (
        ("When", Window(slot.start, slot.end)),
        ("With", slot.practitioner),
        ("Way", slot.channel),
        ("Where", slot.location),
        *party_rows(portal.fetch_parties(), service),
        ("Reason", request.reason),
        ("Price at the visit", service.price),
    )
    flu = service.service is ServiceName.FLU_VACCINATION
    return Proposal(
        action="Book this time for flu vaccination" if flu else "Book this time",
        rows=rows,
        preview=preview_appointment(
            service,
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
        warnings=(*_overlap_warnings(facts.coming, slot), *(_flu_warnings(context, service) if flu else ())),
    )


def _send_booking(
    portal: Portal, slot: Slot, offer: Offer, request: ServiceRequest
) -> WriteResult[Appointment]:
    """Book; until the surgery has said with whom and where, the slot's own words stand."""
    written = portal.send_booking(slot, offer, request.reason, request.intent)
    booked = written.record
    filled = replace(
        booked,
        practitioner=booked.practitioner or slot.practitioner,
        location=booked.location or slot.location,
    )
    return WriteResult(filled, written.changed)


def _flu_warnings(context: BookingContext, service: Service) -> Iterator[str]:
    if is_vaccinated_this_season(context.portal.fetch_vaccinations(), context.search.now):
        yield "The record shows a flu vaccination this season already."
    if link := require_offer(service).deep_link:
        yield f"The portal books this at {link}."


def _overlap_warnings(coming: Sequence[Appointment], slot: Slot) -> list[str]:
    return [
        f"It overlaps your booking {appointment.id}."
        for appointment in coming
        if appointment.start
        and appointment.end
        and not appointment.over
        and appointment.start < slot.end
        and slot.start < appointment.end
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
    service = choose_service(portal.fetch_offers(), ServiceName.FLU_VACCINATION, search.now, gp, asker)
    free = portal.fetch_slots([service.offer] if service.offer else [], *search.days)
    slots = tuple(search.select(free, limit))
    vaccinations = portal.fetch_vaccinations()
    return FluAnswer(
        surgery=service.surgery,
        eligibility=service.eligibility,
        price=service.price,
        last_vaccination=vaccinations[0] if vaccinations else None,
        this_season=is_vaccinated_this_season(vaccinations, search.now),
        deep_link=service.offer.deep_link if service.offer else None,
        slots=slots,
    )


def is_vaccinated_this_season(vaccinations: tuple[Vaccination, ...], now: datetime) -> bool:
    """Whether one of `vaccinations` is of the present season.

    Dates may be partial; a year alone proves nothing and does not count.
    """
    begins = date(now.year - (now.month < SEASON_START_MONTH), SEASON_START_MONTH, 1).isoformat()
    return any(
        len(vaccination.date) >= 7 and vaccination.date >= begins[: len(vaccination.date)] for vaccination in vaccinations
    )
