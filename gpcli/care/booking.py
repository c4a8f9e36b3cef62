"""Booking: by the id of a slot, the first that fits, or by enquiry; and flu vaccination."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from itertools import islice

from gpcli.care.appointments import require_all_appointments
from gpcli.care.coming_visits import (
    SAME_VISIT,
    find_coming,
    find_one_already,
    find_overlapping,
    list_others,
)
from gpcli.care.confirmation import WARNINGS, Asker, Decision, Outcome, PlanRows, Proposal
from gpcli.care.dates import parse_day
from gpcli.care.offers import (
    choose_service,
    filter_by_gp,
    is_at_gp,
    list_services,
    require_service,
)
from gpcli.care.portal_protocol import Portal
from gpcli.care.service_request import (
    BookingChoice,
    BookingContext,
    ServiceRequest,
    check_not_undone,
    party_rows,
    preview_appointment,
    require_offer,
)
from gpcli.care.slots import SlotSearch, find_slot_service
from gpcli.errors import (
    AlreadyBooked,
    Declined,
    InputNeeded,
    InvalidUsage,
    NoSlot,
    NotAllowed,
    NotFound,
    NotOffered,
    Rejected,
    SlotTaken,
    TooLate,
    request_id_conflict,
)
from gpcli.model.appointment import (
    Appointment,
    FluAnswer,
    Slot,
    Vaccination,
    Window,
    describe_practitioner,
)
from gpcli.model.receipt import BookingFacts, WriteResult
from gpcli.model.service import Offer, Offers, Service, ServiceName, Standing, Surgery

MAX_CHOICES = 200
"""The most slots in the list to choose from."""

SEASON_START_MONTH = 7
"""The month in which one influenza season ends and the next begins (northern hemisphere)."""

_SEE_SLOTS = "gpcli slots lists the free times."


def propose_booking(
    context: BookingContext, request: ServiceRequest, choice: BookingChoice
) -> Decision[Appointment]:
    """Propose a booking or an enquiry, according to `choice`.

    Raises: InvalidUsage for a contradictory choice; NotFound, SlotTaken, TooLate for the slot;
    NotFound for the GP; NoSlot if none fits; AlreadyBooked; Conflict if the request id was used for
    something else; InputNeeded if nothing is chosen and nobody can be asked; NotOffered, OffForNow,
    ConsentNeeded or NotPermitted.
    """
    if (choice.slot is not None) + choice.first + choice.enquiry > 1:
        raise InvalidUsage("Name a time, or --first, or --enquiry: only one of them.")
    if choice.slot is not None:
        return _propose_by_id(context, request, choice, choice.slot)
    if choice.enquiry:
        return _propose_enquiry(context, request, asks_reason=choice.asks_reason)
    return _propose_found(context, request, first=choice.first)


def _propose_by_id(
    context: BookingContext, request: ServiceRequest, choice: BookingChoice, slot_id: str
) -> Decision[Appointment]:
    if not slot_id.strip():
        raise InputNeeded("The time's id is empty.", hint=_SEE_SLOTS)
    facts = context.portal.fetch_booking_facts(slot=slot_id, intent=request.lookup)
    if facts.earlier:
        same = choice.is_slot(facts.earlier.slot_id)
        return _resolve_repeat(facts.earlier, request, facts, same=same)
    slot = facts.slot
    if slot is None:
        require_service(facts.offers, request.service, context.search.now)
        hint = _hint_at_day(slot_id, request, context.search.now) or _SEE_SLOTS
        raise NotFound(f"There is no time '{slot_id}'.", hint=hint)
    service = find_slot_service(
        slot, facts.offers, request.service, context.search.now, request.gp, context.asker
    )
    if slot.start <= context.search.now:
        raise TooLate("That time has begun or is past.", hint=_SEE_SLOTS)
    _check_not_own(facts.coming, slot)
    if choice.unique and not request.another:
        _require_none_coming(context, list_others(facts.coming, request), service)
    if slot.status != "free":
        what = "taken" if slot.status.startswith("busy") else "not free"
        raise SlotTaken(f"The time {slot.id} is {what}.", hint=_SEE_SLOTS)
    return _build_booking(context, request, facts, service, slot)


def _hint_at_day(text: str, request: ServiceRequest, now: datetime) -> str:
    """Return the line that lists the times of a day, where `text` is one; else nothing."""
    try:
        parse_day(text, now.date(), "The day")
    except InvalidUsage:
        return ""
    flu = request.service is ServiceName.FLU_VACCINATION
    command = f"move {request.replaces}" if request.replaces else "flu" if flu else "book"
    day = shlex.quote(text)
    return f"gpcli {command} --from {day} --to {day}"


def _propose_found(
    context: BookingContext, request: ServiceRequest, *, first: bool
) -> Decision[Appointment]:
    """Propose to book the first free slot that fits, or one that the person chooses."""
    facts = context.portal.fetch_booking_facts(slot=None, intent=request.lookup)
    if facts.earlier:
        same_visit = facts.earlier.service in SAME_VISIT[request.service]
        same = same_visit and not _is_enquiry(facts.earlier)
        return _resolve_repeat(facts.earlier, request, facts, same=same)
    service = _choose_gp(context, request, facts)
    if first and not request.another:
        _require_none_coming(context, list_others(facts.coming, request), service)
    if not first and not context.asker.can_ask:
        raise InputNeeded("Which time?", hint="Give its id (gpcli slots lists them), or --first.")
    booked_ids = {appointment.slot_id for appointment in facts.coming if not appointment.is_over}
    context.search.note_asked([service], filter_by_gp(facts.offers, request.gp))
    slots = context.portal.fetch_slots([require_offer(service)], *context.search.days)
    fitting = context.search.select(slot for slot in slots if slot.id not in booked_ids)
    candidates = list(islice(fitting, 1 if first else MAX_CHOICES))
    if not candidates:
        raise NoSlot(
            context.search.explain_none(complete=not context.portal.flaws),
            hint=f"Widen --from, --to or the filters. {context.search.otherwise}".strip(),
        )
    chosen = candidates[0] if first else _choose_slot(context, candidates)
    return _build_booking(context, request, facts, service, chosen, any_slot=first)


def _choose_slot(context: BookingContext, slots: Sequence[Slot]) -> Slot:
    choices = [(str(slot.id), context.label(slot)) for slot in slots]
    is_cut = len(choices) == MAX_CHOICES
    question = f"Which of the first {MAX_CHOICES} times?" if is_cut else "Which time?"
    chosen_id = context.asker.choose(question, choices, flag="--first")
    return next(slot for slot in slots if slot.id == chosen_id)


def _propose_enquiry(
    context: BookingContext, request: ServiceRequest, *, asks_reason: bool
) -> Decision[Appointment]:
    portal, search = context.portal, context.search
    must_ask = asks_reason and request.reason is None and context.asker.can_ask
    facts = portal.fetch_booking_facts(slot=None, intent=request.lookup)
    if facts.earlier:
        if must_ask:  # what was answered then is that of this request
            request = replace(request, reason=facts.earlier.reason)
        return _resolve_repeat(facts.earlier, request, facts, same=_is_enquiry(facts.earlier))
    windows = _require_enquiry_windows(search)
    enquiry = ServiceName.BOOKING_ENQUIRY
    service = choose_service(facts.offers, enquiry, search.now, request.gp, context.asker)
    if not request.another:
        open_enquiries = [coming for coming in facts.coming if coming.start is None]
        _require_none_coming(context, open_enquiries, service)
    if must_ask:
        reason = context.asker.ask_optional("What is it about?", flag="--reason")
        request = replace(request, reason=reason or None)
    offer = require_offer(service)
    rows: PlanRows = (
        *party_rows(portal.fetch_parties(), service),
        *(("Wished", window) for window in windows),
        ("Reason", request.reason),
        ("Answer", service.answer_time),
        ("Price at a visit", facts.offers.price_of(ServiceName.BOOKING, service.surgery)),
    )
    return Proposal(
        action="Ask the surgery for a time",
        rows=rows,
        preview=preview_appointment(
            service, request, zone=search.zone.key, requested=tuple(windows)
        ),
        send=lambda: portal.send_enquiry(offer, windows, request.reason, request.intent),
        content=(("Surgery", offer.id),),
    )


def _require_enquiry_windows(search: SlotSearch) -> list[Window]:
    """Return the windows of an enquiry, which can express no other filters.

    Raises: InvalidUsage for filters by practitioner or channel, and if no window is to come.
    """
    if search.filters.practitioner or search.filters.channel:
        raise InvalidUsage("--enquiry takes no --with or --via.", hint="Say it in --reason.")
    return search.require_windows()


def _is_enquiry(earlier: Appointment) -> bool:
    """Return whether it began as an enquiry, answered or not."""
    return earlier.service == ServiceName.BOOKING_ENQUIRY or bool(earlier.requested)


def _choose_gp(context: BookingContext, request: ServiceRequest, facts: BookingFacts) -> Service:
    now = context.search.now
    try:
        return choose_service(facts.offers, request.service, now, request.gp, context.asker)
    except NotOffered as error:
        offers = filter_by_gp(facts.offers, request.gp)
        if request.service is not ServiceName.BOOKING or not _can_enquire(offers, now):
            raise
        raise NotOffered(
            f"{error.message} It takes enquiries.", hint="gpcli book --enquiry"
        ) from error


def _can_enquire(offers: Offers, now: datetime) -> bool:
    return any(
        service.service is ServiceName.BOOKING_ENQUIRY
        and service.status is not Standing.NOT_OFFERED
        for service in list_services(offers, now)
    )


def _require_none_coming(
    context: BookingContext, coming: Sequence[Appointment], service: Service
) -> None:
    """Have a person say whether to book beside what there is for the same service already.

    Raises: AlreadyBooked if that is not asked, Declined if the person says no, Partial where the
    portal did not send all that is coming.
    """
    booked = find_coming(coming, service, context.search.now)
    if booked is None:
        require_all_appointments(
            context.portal, "Nothing was sent. To book all the same, add --another."
        )
        return
    if context.asks_another and context.asker.can_ask:
        question = f"You have one already: {context.coming_label(booked)}. One more all the same?"
        if context.asker.confirm(question, flag="--another"):
            return
        raise Declined("Nothing was sent.", hint=f"gpcli appointments show {booked.id}")
    what = "an open enquiry" if booked.start is None else "a coming booking"
    raise AlreadyBooked(
        f"There is already {what} for this: {booked.id}.",
        hint=f"gpcli appointments show {booked.id}; to book one more, add --another.",
    )


def _check_not_own(coming: Sequence[Appointment], slot: Slot) -> None:
    """Raise SlotTaken for a slot that the patient has booked; some portals still show it free."""
    for appointment in coming:
        if appointment.slot_id == slot.id and not appointment.is_over:
            raise SlotTaken(
                f"The time {slot.id} is taken, by your own booking {appointment.id}.",
                hint=f"gpcli appointments show {appointment.id}",
            )


def _build_booking(
    context: BookingContext,
    request: ServiceRequest,
    facts: BookingFacts,
    service: Service,
    slot: Slot,
    *,
    any_slot: bool = False,
) -> Proposal[Appointment]:
    portal = context.portal
    offer = require_offer(service)
    flu = service.service is ServiceName.FLU_VACCINATION
    warnings = [
        *(() if any_slot else _warn_of_another(context, request, facts, service, slot)),
        *_warn_of_overlaps(context, request, facts, slot),
        *((text, text) for text in (_flu_warnings(context, service) if flu else ())),
        *((f"Left out: {flaw}.", flaw) for flaw in dict.fromkeys(portal.flaws)),
    ]
    return Proposal(
        action="Book this time for flu vaccination" if flu else "Book this time",
        rows=_booking_rows(portal, request, service, slot),
        preview=_preview_booking(request, service, slot),
        send=lambda: _send_booking(portal, slot, offer, request, any_slot=any_slot),
        warnings=tuple(text for text, _ in warnings),
        content=(
            ("When", slot.id),
            ("Surgery", offer.id),
            (WARNINGS, tuple(about for _, about in warnings)),
        ),
    )


def _preview_booking(request: ServiceRequest, service: Service, slot: Slot) -> Appointment:
    return preview_appointment(
        service,
        request,
        zone=slot.zone,
        start=slot.start,
        end=slot.end,
        channel=slot.channel,
        practitioner=slot.practitioner,
        practitioner_ref=slot.practitioner_ref,
        participants=slot.participants,
        surgery=slot.surgery or service.surgery.name,
        location=slot.location,
        slot_id=slot.id,
    )


def _booking_rows(
    portal: Portal, request: ServiceRequest, service: Service, slot: Slot
) -> PlanRows:
    return (
        ("When", Window(slot.start, slot.end)),
        ("What", None if slot.service in set(ServiceName) else slot.service),
        ("With", describe_practitioner(slot)),
        ("Also", "; ".join(slot.participants) or None),
        ("Way", slot.channel),
        ("Where", None if slot.location == slot.surgery else slot.location),
        ("Note", slot.comment),
        ("On these times", slot.schedule_comment),
        *party_rows(portal.fetch_parties(), service, _name_surgery(slot, service.surgery)),
        ("Reason", request.reason),
        ("Price at the visit", service.price),
    )


def _name_surgery(slot: Slot, surgery: Surgery) -> str | None:
    """Return where a slot is, without the GP's name where it is with somebody else; else `None`."""
    if surgery.id and describe_practitioner(slot) in {None, surgery.gp}:
        return None
    return slot.surgery or surgery.name


def _send_booking(
    portal: Portal, slot: Slot, offer: Offer, request: ServiceRequest, *, any_slot: bool
) -> WriteResult[Appointment]:
    """Book; where the reply does not say with whom or where it is, take that of the slot.

    With `any_slot` another one will do, which the same request id took in the meantime.
    Raises: Conflict if that is so without `any_slot`.
    """
    written = portal.send_booking(slot, offer, request.reason, request.intent)
    booked = written.record
    if booked.slot_id not in {None, slot.id} and slot.has_record:
        if any_slot:
            return written
        raise request_id_conflict(str(booked.id))
    filled = replace(booked, location=booked.location or slot.location)
    if booked.practitioner is None and booked.practitioner_ref in {None, slot.practitioner_ref}:
        filled = replace(
            filled,
            practitioner=slot.practitioner,
            practitioner_ref=slot.practitioner_ref,
            participants=booked.participants or slot.participants,
        )
    return WriteResult(filled, written.changed)


def _warn_of_overlaps(
    context: BookingContext, request: ServiceRequest, facts: BookingFacts, slot: Slot
) -> Iterator[tuple[str, str]]:
    """Yield which coming appointments it overlaps: a sentence and the id."""
    for each in find_overlapping(facts, request, slot):
        what = context.coming_label(each)
        yield f"It overlaps your booking {each.id}: {what}.", str(each.id)


def _warn_of_another(
    context: BookingContext,
    request: ServiceRequest,
    facts: BookingFacts,
    service: Service,
    slot: Slot,
) -> Iterator[tuple[str, str]]:
    """Yield which one there is for the same service already: a sentence and the id."""
    if one := find_one_already(context, request, facts, service, slot):
        yield f"You have one already: {context.coming_label(one)}.", str(one.id)


def _flu_warnings(context: BookingContext, service: Service) -> Iterator[str]:
    vaccinations = context.portal.fetch_vaccinations() or ()
    if is_vaccinated_this_season(vaccinations, context.search.now, is_all=True):
        yield "The record shows a flu vaccination this season already."
    if link := require_offer(service).deep_link:
        yield f"The portal books this at {link}."


def _resolve_repeat(
    earlier: Appointment, request: ServiceRequest, facts: BookingFacts, *, same: bool
) -> Outcome[Appointment]:
    """Return the Outcome of a request that was sent before.

    Raises: Conflict if the earlier one is not the `same`, or at another GP, or has another reason,
    or was undone.
    """
    at_gp = is_at_gp(earlier.surgery_id, facts.offers.surgeries, request.gp)
    same_reason = (earlier.reason or "").strip() == (request.reason or "").strip()
    if same and at_gp and same_reason:
        check_not_undone(earlier)
        return Outcome(earlier, changed=False)
    raise request_id_conflict(str(earlier.id))


def fetch_flu_answer(
    portal: Portal, search: SlotSearch, gp: str | None, asker: Asker, limit: int
) -> FluAnswer:
    """Fetch what is known of flu vaccination at the one GP who offers it, with `limit` free slots.

    Raises: NotOffered, OffForNow, ConsentNeeded or NotPermitted; InputNeeded if several GPs offer
    it and nobody can be asked.
    """
    offers = portal.fetch_offers()
    service = choose_service(offers, ServiceName.FLU_VACCINATION, search.now, gp, asker)
    search.note_asked([service], offers)
    free = portal.fetch_slots([service.offer] if service.offer else [], *search.days)
    slots = tuple(search.select(free, limit))
    flaw_count = len(portal.flaws)
    vaccinations = portal.fetch_vaccinations()
    is_all = vaccinations is not None and len(portal.flaws) == flaw_count
    return FluAnswer(
        surgery=service.surgery,
        eligibility=service.eligibility,
        price=service.price,
        last_vaccination=vaccinations[0] if vaccinations else None,
        this_season=is_vaccinated_this_season(vaccinations or (), search.now, is_all=is_all),
        deep_link=service.offer.deep_link if service.offer else None,
        slots=slots,
        booked=_fetch_booked(portal, service, search.now),
    )


def _fetch_booked(portal: Portal, service: Service, now: datetime) -> Appointment | None:
    """Fetch the coming appointment for the service; `None` = none, or they are not shown."""
    with suppress(NotAllowed, NotFound, Rejected):
        return find_coming(portal.fetch_appointments(now.date()), service, now)
    return None


def is_vaccinated_this_season(
    vaccinations: Sequence[Vaccination], now: datetime, *, is_all: bool
) -> bool | None:
    """Return whether one of `vaccinations` is of the present season; `None` if that can't be told.

    It can't where none is known to be, and one may be, for its date is words, or a year that the
    season has part of; nor where these are not all (`is_all`). A dose that was too weak does not
    count.
    """
    begins = date(now.year - (now.month < SEASON_START_MONTH), SEASON_START_MONTH, 1).isoformat()
    dates = [each.date for each in vaccinations if not each.subpotent]
    late = [each for each in dates if each >= begins[: len(each)]]
    if any(re.match(r"\d{4}-\d\d", each, re.ASCII) for each in late):
        return True
    in_words = any(not re.match(r"\d{4}", each, re.ASCII) for each in dates)
    return None if late or in_words or not is_all else False
