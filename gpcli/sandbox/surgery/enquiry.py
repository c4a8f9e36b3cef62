"""How a surgery answers an enquiry: with a time that suits, or with the reason why not."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import product

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.dates import Span, at, instant, microseconds, period, span
from gpcli.sandbox.fhir.deadline import with_deadline
from gpcli.sandbox.fhir.elements import Resource, codes, reference_to, references
from gpcli.sandbox.fhir.services import CHANNEL, GP, gps_of, kinds
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.confirm import confirm, decline
from gpcli.sandbox.surgery.reply import AS_IT_SEES_FIT, Reply, asks_to_decline

_VISITING = [time(hour, minute) for hour in range(8, 15) for minute in (0, 20, 40)]
_OPENS = _VISITING[0]
_VISIT = timedelta(minutes=20)
_VISIT_LASTS = _VISIT // timedelta(microseconds=1)
_FURTHEST = timedelta(days=90)
_TAKING = ("pending", "booked", "arrived", "checked-in")
_KINDS = {"e-consultation": ("e-consultation", "booking")}
_ANY_VISIT = ("booking", "booking-enquiry")
_SORRY = "We have no time for you then. Please suggest other days, or call us."
_ASKED = "We can't offer this. Please call us."
_GIVEN = "You have been given a time. Please tell us if it does not suit."


def answer_enquiry(
    store: Store, appointment: Resource, now: datetime, reply: Reply = AS_IT_SEES_FIT
) -> Resource:
    """Book the first time that suits, or decline; returns the appointment as it is then."""
    if reply.decline or asks_to_decline(appointment.get("comment", "")):
        return decline(store, appointment, reply.text or _ASKED)
    for gp in _asked_gps(store, appointment):
        times = next(_times(store, gp, appointment, now), None)
        if times:
            return _give(store, gp, appointment, times, reply.text or _GIVEN)
    return decline(store, appointment, reply.text or _SORRY)


def _asked_gps(store: Store, appointment: Resource) -> list[GP]:
    """The GPs whom the enquiry names, or else all of the patient's."""
    patient = references(appointment, "participant.actor", "Patient")[0]
    gps = gps_of(store, patient.partition("/")[2])
    named = set(references(appointment, "participant.actor"))
    return [gp for gp in gps if named & _names(gp)] or gps


def _names(gp: GP) -> set[str]:
    return {gp.reference, *(reference_to(service) for service in gp.services)}


def _give(store: Store, gp: GP, appointment: Resource, times: Resource, words: str) -> Resource:
    roles = references(appointment, "participant.actor", "PractitionerRole")
    doctor = {"actor": {"reference": gp.reference}, "status": "accepted"}
    participants = appointment["participant"] + ([] if gp.reference in roles else [doctor])
    timed = appointment | times | {"participant": participants}
    return confirm(store, with_deadline(timed, gp), words)


def _times(store: Store, gp: GP, appointment: Resource, now: datetime) -> Iterator[Resource]:
    """Times that suit, earliest first: `start`, `end`, and `slot` where it has one.

    A surgery that shows no times in the portal looks in its own calendar.
    """
    wishes = [_from_now(period(each), now) for each in appointment.get("requestedPeriod", ())]
    schedules = _schedules(store, gp, appointment)
    slots = [slot for schedule in schedules for slot in _free(store, schedule, appointment)]
    if schedules:
        yield from (_on(slot) for slot in sorted(slots, key=_start) if _fits(slot, wishes))
    else:
        yield from _own_calendar(store, gp, wishes, now)


def _from_now(wish: Span, now: datetime) -> Span:
    return Span(max(wish.low, microseconds(now)), wish.high)


def _schedules(store: Store, gp: GP, appointment: Resource) -> list[Resource]:
    kind = next(iter(kinds(appointment, "serviceType")), "booking-enquiry")
    wanted = _KINDS.get(kind, _ANY_VISIT if kind in _ANY_VISIT else (kind,))
    services = [each for each in gp.services if set(kinds(each)) & set(wanted)]
    found = (store.find("Schedule", actor=reference_to(each)) for each in services)
    return [schedule for schedules in found for schedule in schedules]


def _free(store: Store, schedule: Resource, appointment: Resource) -> list[Resource]:
    """The free slots of a schedule, by the channel asked for where slots name one."""
    slots = store.find("Slot", schedule=reference_to(schedule), status="free")
    wanted = codes(appointment.get("appointmentType"), CHANNEL)
    return [slot for slot in slots if _through(slot, wanted)]


def _through(slot: Resource, wanted: list[str]) -> bool:
    offered = codes(slot.get("appointmentType"), CHANNEL)
    return not wanted or not offered or bool(set(wanted) & set(offered))


def _start(slot: Resource) -> datetime:
    return instant(slot["start"])


def _fits(slot: Resource, wishes: list[Span]) -> bool:
    low, high = span(slot["start"]).low, span(slot["end"]).low
    return any(wish.low <= low and high <= wish.high for wish in wishes)


def _on(slot: Resource) -> Resource:
    return {
        "start": slot["start"],
        "end": slot["end"],
        "slot": [{"reference": reference_to(slot)}],
    }


def _own_calendar(store: Store, gp: GP, wishes: list[Span], now: datetime) -> Iterator[Resource]:
    """The visiting times within each wish that the GP has free, by the surgery's clock."""
    furthest = microseconds(now + _FURTHEST)
    taken = _taken(store, gp)
    for low, high in wishes:
        for start in _visits(low, min(high, furthest)):
            if not _meets_any(start, taken):
                yield {"start": start.isoformat(), "end": (start + _VISIT).isoformat()}


def _taken(store: Store, gp: GP) -> list[Span]:
    """When somebody has a time with the GP; one that names no GP is with each of the service's."""
    found = (
        appointment
        for name, status in product(sorted(_names(gp)), _TAKING)
        for appointment in store.find("Appointment", actor=name, status=status)
    )
    return [_lasts(each) for each in found if "start" in each and _is_with(gp, each)]


def _is_with(gp: GP, appointment: Resource) -> bool:
    roles = references(appointment, "participant.actor", "PractitionerRole")
    return not roles or gp.reference in roles


def _lasts(appointment: Resource) -> Span:
    return Span(span(appointment["start"]).low, span(appointment["end"]).low)


def _meets_any(start: datetime, taken: list[Span]) -> bool:
    low = microseconds(start)
    return any(each.low < low + _VISIT_LASTS and low < each.high for each in taken)


def _visits(low: int, high: int) -> Iterator[datetime]:
    day = at(low).astimezone(ZONE).date()
    while microseconds(datetime.combine(day, _OPENS, ZONE)) < high:
        starts = (datetime.combine(day, each, ZONE) for each in _VISITING if day.weekday() < 5)
        yield from (each for each in starts if low <= microseconds(each) <= high - _VISIT_LASTS)
        day += timedelta(days=1)
