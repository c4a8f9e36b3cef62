"""Answer Appointments: confirm or decline bookings, find times for enquiries."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import product

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.dates import (
    Span,
    date_span,
    from_microseconds,
    parse_instant,
    period_span,
    to_microseconds,
)
from gpcli.sandbox.fhir.elements import (
    Resource,
    codes,
    find_extension,
    id_of,
    reference_to,
    references_at,
)
from gpcli.sandbox.fhir.gp_services import (
    CHANNEL_SYSTEM,
    GpRole,
    add_cancellation_deadline,
    read_patient_gps,
    service_codes,
)
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.answer import (
    DEFAULT_OPTIONS,
    AnsweredRequest,
    AnswerOptions,
    Outcome,
    is_decline_requested,
)

_OUTCOMES: dict[str, Outcome] = {"booked": "booked", "cancelled": "declined"}
_BOOKING_DECLINED_TEXT = "This time is not possible after all. Please choose another, or call us."
VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
_ADDED_ACTOR_TYPES = ("PractitionerRole", "Location")
_VISIT_STARTS = [time(hour, minute) for hour in range(8, 15) for minute in (0, 20, 40)]
_FIRST_START = _VISIT_STARTS[0]
_VISIT_LENGTH = timedelta(minutes=20)
_VISIT_MICROSECONDS = _VISIT_LENGTH // timedelta(microseconds=1)
_SEARCH_HORIZON = timedelta(days=90)
_OCCUPYING_STATUSES = ("pending", "booked", "arrived", "checked-in")
_SCHEDULE_SERVICES = {"e-consultation": ("e-consultation", "booking")}
"""Whose schedules hold the times of a service, where its own are not the only ones."""
_VISIT_SERVICES = ("booking", "booking-enquiry")
"""The services of a visit: either finds its time in the schedules of both."""
_NO_TIME_TEXT = "We have no time for you then. Please suggest other days, or call us."
_ENQUIRY_DECLINED_TEXT = "We can't offer this. Please call us."
_TIME_GIVEN_TEXT = "You have been given a time. Please tell us if it does not suit."


def answer_appointment(
    store: Store, appointment: Resource, now: datetime, options: AnswerOptions
) -> AnsweredRequest | None:
    """Confirm a pending Appointment or decide a proposed one; None if it is neither."""
    if appointment["status"] not in ("pending", "proposed"):
        return None
    decide = _confirm_or_decline if appointment["status"] == "pending" else answer_enquiry
    appointment_after = decide(store, appointment, now, options)
    kind = next(iter(service_codes(appointment, "serviceType")), "booking")
    return AnsweredRequest(
        reference_to(appointment_after), kind, _OUTCOMES[appointment_after["status"]]
    )


def _confirm_or_decline(
    store: Store, appointment: Resource, now: datetime, options: AnswerOptions
) -> Resource:
    if options.decline:
        return decline_appointment(store, appointment, options.text or _BOOKING_DECLINED_TEXT)
    return confirm_appointment(store, appointment, options.text)


def confirm_appointment(store: Store, appointment: Resource, comment: str = "") -> Resource:
    """Book the appointment, with the doctor and the place of its slot's schedule."""
    actors = _read_schedule_actors(store, appointment)
    linked = _add_join_link(store, appointment)
    booked = store.put(
        linked | {"status": "booked", "participant": _accept_participants(appointment, actors)}
    )
    for slot in references_at(appointment, "slot", "Slot"):
        store_slot_status(store, slot, "busy")
    store_response(store, booked, "accepted", comment)
    return booked


def decline_appointment(store: Store, appointment: Resource, comment: str) -> Resource:
    """Cancel the appointment with the surgery's reason, and free its slot."""
    reason = {
        "system": "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason",
        "code": "prov",
    }
    declined = store.put(
        appointment | {"status": "cancelled", "cancelationReason": {"coding": [reason]}}
    )
    for slot in references_at(appointment, "slot", "Slot"):
        store_slot_status(store, slot, "free")
    store_response(store, declined, "declined", comment)
    return declined


def store_response(store: Store, appointment: Resource, status: str, comment: str) -> Resource:
    """Store the surgery's AppointmentResponse, `accepted` or `declined`, and return it."""
    response: Resource = {
        "resourceType": "AppointmentResponse",
        "appointment": {"reference": reference_to(appointment)},
        "participantStatus": status,
        **{name: appointment[name] for name in ("start", "end") if name in appointment},
        **_responding_actor(appointment),
    }
    return store.insert(response | ({"comment": comment} if comment else {}))


def store_slot_status(store: Store, slot: str, status: str) -> None:
    """Set the status of a slot, unless it has that status or does not exist."""
    found = store.get("Slot", id_of(slot))
    if found is not None and found["status"] != status:
        store.put(found | {"status": status})


def _add_join_link(store: Store, appointment: Resource) -> Resource:
    """Return the appointment with a link to join, if it is by video and has none."""
    by_video = "video" in codes(appointment.get("appointmentType"), CHANNEL_SYSTEM)
    if not by_video or find_extension(appointment, VIRTUAL_SERVICE):
        return appointment
    address = {"url": "addressUrl", "valueUrl": f"https://video.example/{store.new_id()}"}
    link = {"url": VIRTUAL_SERVICE, "extension": [address]}
    return appointment | {"extension": [*appointment.get("extension", []), link]}


def _responding_actor(appointment: Resource) -> Resource:
    for type_ in ("PractitionerRole", "HealthcareService", "Practitioner"):
        for reference in references_at(appointment, "participant.actor", type_):
            return {"actor": {"reference": reference}}
    reception = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "code": "PRF",
    }
    return {"participantType": [{"coding": [reception]}]}


def _read_schedule_actors(store: Store, appointment: Resource) -> list[str]:
    slots = [store.get("Slot", id_of(each)) for each in references_at(appointment, "slot", "Slot")]
    schedules = [id_of(each["schedule"]["reference"]) for each in slots if each]
    found = [store.get("Schedule", each) for each in schedules]
    return [actor for each in found if each for actor in references_at(each, "actor")]


def _accept_participants(appointment: Resource, actors: list[str]) -> list[Resource]:
    """Return the participants, all accepted, with those of the schedule added."""
    existing = set(references_at(appointment, "participant.actor"))
    added = [
        {"actor": {"reference": actor}, "status": "accepted"}
        for actor in actors
        if actor.partition("/")[0] in _ADDED_ACTOR_TYPES and actor not in existing
    ]
    return [each | {"status": "accepted"} for each in appointment["participant"]] + added


def answer_enquiry(
    store: Store, appointment: Resource, now: datetime, options: AnswerOptions = DEFAULT_OPTIONS
) -> Resource:
    """Book the first suitable time, or decline; returns the Appointment as stored."""
    if options.decline or is_decline_requested(appointment.get("comment", "")):
        return decline_appointment(store, appointment, options.text or _ENQUIRY_DECLINED_TEXT)
    for gp in _read_requested_gps(store, appointment):
        times = next(_find_times(store, gp, appointment, now), None)
        if times:
            return _confirm_time(store, gp, appointment, times, options.text or _TIME_GIVEN_TEXT)
    return decline_appointment(store, appointment, options.text or _NO_TIME_TEXT)


def _read_requested_gps(store: Store, appointment: Resource) -> list[GpRole]:
    """Return the GPs whom the enquiry names, or else all of the patient's."""
    patient = references_at(appointment, "participant.actor", "Patient")[0]
    gps = read_patient_gps(store, patient.partition("/")[2])
    actors = set(references_at(appointment, "participant.actor"))
    return [gp for gp in gps if actors & _gp_references(gp)] or gps


def _gp_references(gp: GpRole) -> set[str]:
    return {gp.reference, *(reference_to(service) for service in gp.services)}


def _confirm_time(
    store: Store, gp: GpRole, appointment: Resource, times: Resource, comment: str
) -> Resource:
    roles = references_at(appointment, "participant.actor", "PractitionerRole")
    doctor = {"actor": {"reference": gp.reference}, "status": "accepted"}
    participants = appointment["participant"] + ([] if gp.reference in roles else [doctor])
    timed = appointment | times | {"participant": participants}
    return confirm_appointment(store, add_cancellation_deadline(timed, gp), comment)


def _find_times(
    store: Store, gp: GpRole, appointment: Resource, now: datetime
) -> Iterator[Resource]:
    """Yield suitable times, earliest first: `start`, `end`, and `slot` if there is one.

    A surgery without schedules in the portal uses its own calendar.
    """
    periods = [
        _clip_to_future(period_span(each), now) for each in appointment.get("requestedPeriod", ())
    ]
    schedules = _read_schedules(store, gp, appointment)
    slots = [
        slot for schedule in schedules for slot in _read_free_slots(store, schedule, appointment)
    ]
    if schedules:
        yield from (
            _slot_times(slot)
            for slot in sorted(slots, key=_slot_start)
            if _is_within(slot, periods)
        )
    else:
        yield from _find_calendar_times(store, gp, periods, now)


def _clip_to_future(period: Span, now: datetime) -> Span:
    return Span(max(period.low, to_microseconds(now)), period.high)


def _read_schedules(store: Store, gp: GpRole, appointment: Resource) -> list[Resource]:
    kind = next(iter(service_codes(appointment, "serviceType")), "booking-enquiry")
    kinds = _SCHEDULE_SERVICES.get(kind, _VISIT_SERVICES if kind in _VISIT_SERVICES else (kind,))
    services = [each for each in gp.services if set(service_codes(each)) & set(kinds)]
    found = (store.find("Schedule", actor=reference_to(each)) for each in services)
    return [schedule for schedules in found for schedule in schedules]


def _read_free_slots(store: Store, schedule: Resource, appointment: Resource) -> list[Resource]:
    """Return the free slots of a schedule that offer the requested channel."""
    slots = store.find("Slot", schedule=reference_to(schedule), status="free")
    channels = codes(appointment.get("appointmentType"), CHANNEL_SYSTEM)
    return [slot for slot in slots if _has_channel(slot, channels)]


def _has_channel(slot: Resource, channels: list[str]) -> bool:
    offered = codes(slot.get("appointmentType"), CHANNEL_SYSTEM)
    return not channels or not offered or bool(set(channels) & set(offered))


def _slot_start(slot: Resource) -> datetime:
    return parse_instant(slot["start"])


def _is_within(slot: Resource, periods: list[Span]) -> bool:
    low, high = date_span(slot["start"]).low, date_span(slot["end"]).low
    return any(period.low <= low and high <= period.high for period in periods)


def _slot_times(slot: Resource) -> Resource:
    return {
        "start": slot["start"],
        "end": slot["end"],
        "slot": [{"reference": reference_to(slot)}],
    }


def _find_calendar_times(
    store: Store, gp: GpRole, periods: list[Span], now: datetime
) -> Iterator[Resource]:
    """Yield the visit times within each period at which the GP is free."""
    latest = to_microseconds(now + _SEARCH_HORIZON)
    occupied = _read_occupied(store, gp)
    for low, high in periods:
        for start in _visit_starts(low, min(high, latest)):
            if not _has_overlap(start, occupied):
                yield {"start": start.isoformat(), "end": (start + _VISIT_LENGTH).isoformat()}


def _read_occupied(store: Store, gp: GpRole) -> list[Span]:
    """Return the spans of the GP's appointments.

    An appointment that names no GP occupies every GP of its service.
    """
    found = (
        appointment
        for name, status in product(sorted(_gp_references(gp)), _OCCUPYING_STATUSES)
        for appointment in store.find("Appointment", actor=name, status=status)
    )
    return [_appointment_span(each) for each in found if "start" in each and _is_with_gp(gp, each)]


def _is_with_gp(gp: GpRole, appointment: Resource) -> bool:
    roles = references_at(appointment, "participant.actor", "PractitionerRole")
    return not roles or gp.reference in roles


def _appointment_span(appointment: Resource) -> Span:
    return Span(date_span(appointment["start"]).low, date_span(appointment["end"]).low)


def _has_overlap(start: datetime, occupied: list[Span]) -> bool:
    low = to_microseconds(start)
    return any(each.low < low + _VISIT_MICROSECONDS and low < each.high for each in occupied)


def _visit_starts(low: int, high: int) -> Iterator[datetime]:
    day = from_microseconds(low).astimezone(ZONE).date()
    while to_microseconds(datetime.combine(day, _FIRST_START, ZONE)) < high:
        starts = (datetime.combine(day, each, ZONE) for each in _VISIT_STARTS if day.weekday() < 5)
        yield from (
            each for each in starts if low <= to_microseconds(each) <= high - _VISIT_MICROSECONDS
        )
        day += timedelta(days=1)
