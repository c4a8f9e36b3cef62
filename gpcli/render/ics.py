"""Appointments as an iCalendar (RFC 5545), for calendars that other people may see.

`icalendar` is imported by the functions, since only the export needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from gpcli.model.appointment import Appointment
from gpcli.render.sanitise import safe_line

if TYPE_CHECKING:
    from icalendar import Calendar, Component, Event, Timezone


PRODUCT = "-//gpcli//gpcli//EN"

TITLE = "Appointment"
"""What every event is called unless details are asked for: it says nothing about health."""

STATUS = {
    "booked": "CONFIRMED",
    "arrived": "CONFIRMED",
    "checked-in": "CONFIRMED",
    "fulfilled": "CONFIRMED",
    "noshow": "CONFIRMED",
    "cancelled": "CANCELLED",
    "entered-in-error": "CANCELLED",
}
"""R4 AppointmentStatus -> RFC 5545 STATUS; whatever else is TENTATIVE."""

_WAYS = {"phone": "By phone", "video": "By video", "text": "In writing"}
_AWAY = frozenset({"phone", "video", "text"})
"""Ways for which nobody goes anywhere."""

_EVENTS = UUID("5c1f7d0e-9a33-5f0b-8c55-6d2b0f9e4a12")
"""The namespace of events: their UIDs tell nothing of the portal or of the booking."""

_DAY = timedelta(days=1)
_FAR = 30 * 365 * _DAY
_SECOND = timedelta(seconds=1)


def calendar(
    appointments: Sequence[Appointment],
    *,
    portal: str,
    zone: str,
    now: datetime,
    details: bool,
    addresses: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The appointments that have a time, as one calendar in UTF-8 with CRLF.

    `portal` and a booking's id make its UID, the same at every export; `details` adds with whom,
    where and how, with the street `addresses` of surgeries by their ids. Other people's text can't
    add lines, properties or control characters.
    """
    from icalendar import Calendar  # noqa: PLC0415  (100 ms that only the export needs)

    made = Calendar()
    for name, value in (("PRODID", PRODUCT), ("VERSION", "2.0"), ("METHOD", "PUBLISH")):
        made.add(name, value)
    _add_zones(made, appointments, zone, now)
    for one in appointments:
        if one.start is not None:
            words = _words(one, addresses) if details else [("SUMMARY", TITLE)]
            made.add_component(_event(one, one.start, portal, now, words))
    document: bytes = made.to_ical()
    return document


def _event(
    one: Appointment, start: datetime, portal: str, now: datetime, words: Iterable[tuple[str, str]]
) -> Event:
    from icalendar import Event  # noqa: PLC0415  (as above)

    event = Event()
    event.add("UID", str(uuid5(_EVENTS, f"{portal} {one.id}")))
    event.add("DTSTAMP", now.astimezone(UTC))
    event.add("DTSTART", _by_the_wall(start, one.zone, now))
    if one.end is not None and one.end > start:
        event.add("DTEND", _by_the_wall(one.end, one.zone, now))
    if one.version is not None:
        event.add("SEQUENCE", one.version)
    event.add("STATUS", STATUS.get(one.status, "TENTATIVE"))
    event.add("CLASS", "PRIVATE")
    for name, value in words:
        event.add(name, value)
    return event


def _words(one: Appointment, addresses: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    who = one.practitioner or one.surgery
    yield "SUMMARY", safe_line(f"{TITLE} with {who}" if who else TITLE)
    address = addresses.get(one.surgery_id or "")
    places = ", ".join(dict.fromkeys(filter(None, (one.location, one.surgery, address))))
    if places and one.channel not in _AWAY:
        yield "LOCATION", safe_line(places)
    if one.channel in _WAYS:
        yield "DESCRIPTION", _WAYS[one.channel]
    if one.join_url and _is_link(one.join_url):
        yield "URL", one.join_url


def _is_link(url: str) -> bool:
    """Whether a calendar may offer it to be followed."""
    try:
        plain = url.isascii() and url.isprintable() and " " not in url
        return plain and urlsplit(url).scheme == "https"
    except ValueError:
        return False


def _by_the_wall(when: datetime, zone: str, now: datetime) -> datetime:
    """The time by the surgery's clock; in UTC where that would be mistaken.

    A local time stands for its first occurrence (RFC 5545, 3.3.5), and of the clocks of far years
    the calendar does not tell.
    """
    local = when.astimezone(ZoneInfo(zone))
    return local if _is_near(when, now) and not local.fold else when.astimezone(UTC)


def _is_near(when: datetime, now: datetime) -> bool:
    return abs(when - now) < _FAR


def _add_zones(
    made: Calendar, appointments: Iterable[Appointment], zone: str, now: datetime
) -> None:
    """A VTIMEZONE for each zone in use, over the time that the appointments span."""
    timed = [one for one in appointments if one.start]
    ends = [when for one in timed for when in (one.start, one.end) if when and _is_near(when, now)]
    first, last = min([*ends, now]).astimezone(UTC), max([*ends, now]).astimezone(UTC)
    for name in dict.fromkeys((zone, *(one.zone for one in timed))):
        made.add_component(_zone(name, first - _DAY, last + _DAY))


def _zone(name: str, first: datetime, last: datetime) -> Timezone:
    """How the clocks of a zone go from `first` to `last`: one part for every turn of the clock.

    icalendar's own Timezone.from_tzinfo dates a spring turn an hour late.
    """
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard  # noqa: PLC0415  (as above)

    zone, made = ZoneInfo(name), Timezone()
    made.add("TZID", name)
    for turn in (first, *_turns(zone, first, last)):
        after = turn.astimezone(zone)
        before = (turn - _SECOND).astimezone(zone)
        part: Component = TimezoneDaylight() if after.dst() else TimezoneStandard()
        part.add("DTSTART", turn.replace(tzinfo=None) + (before.utcoffset() or timedelta()))
        part.add("TZOFFSETFROM", before.utcoffset())
        part.add("TZOFFSETTO", after.utcoffset())
        part.add("TZNAME", after.tzname())
        made.add_component(part)
    return made


def _turns(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The instants between `first` and `last` at which the clock is turned, in UTC."""
    day = first
    while day < last:
        if _offset(day, zone) != _offset(day + _DAY, zone):
            yield _turn(zone, day, day + _DAY)
        day += _DAY


def _turn(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """The first second between `early` and `late` that goes by the later clock."""
    old = _offset(early, zone)
    while late - early > _SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        early, late = (middle, late) if _offset(middle, zone) == old else (early, middle)
    return late


def _offset(when: datetime, zone: ZoneInfo) -> timedelta | None:
    return when.astimezone(zone).utcoffset()
