"""Appointments as an iCalendar document (RFC 5545), which other people may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from gpcli.model.appointment import Appointment
from gpcli.render.sanitise import safe_line
from gpcli.web_url import InvalidUrl, split_web_url

if TYPE_CHECKING:
    from icalendar import Calendar, Component, Event, Timezone


PRODUCT = "-//gpcli//gpcli//EN"

TITLE = "Appointment"
"""The title of every event unless details are requested: it reveals nothing about health."""

STATUS = {
    "booked": "CONFIRMED",
    "arrived": "CONFIRMED",
    "checked-in": "CONFIRMED",
    "fulfilled": "CONFIRMED",
    "noshow": "CONFIRMED",
    "cancelled": "CANCELLED",
    "entered-in-error": "CANCELLED",
}
"""R4 AppointmentStatus -> RFC 5545 STATUS; every other status is TENTATIVE."""

_CHANNEL_TEXTS = {"phone": "By phone", "video": "By video", "text": "In writing"}
_REMOTE_CHANNELS = frozenset({"phone", "video", "text"})
"""Channels for which the patient travels nowhere."""

_EVENT_NAMESPACE = UUID("5c1f7d0e-9a33-5f0b-8c55-6d2b0f9e4a12")
"""The namespace of event UIDs, which reveal neither the portal nor the booking."""

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_HORIZON = 30 * 365 * _DAY
"""How far from the present the calendar describes its time zones."""


def build_calendar(
    appointments: Sequence[Appointment],
    *,
    portal: str,
    zone: str,
    now: datetime,
    details: bool,
    addresses: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Return the appointments that have a time as one calendar, in UTF-8 with CRLF.

    An event's UID is made of the address `portal` and the appointment's id, so that it is the same
    at every export. `zone` is the name of a time zone to describe besides those of the
    appointments. `details` adds the practitioner, the place and the channel; `addresses` has the
    street addresses of surgeries by their ids. Text of the portal can't add lines, properties or
    control characters.
    """
    from icalendar import Calendar  # noqa: PLC0415  (start-up: 100 ms, only the export needs it)

    calendar = Calendar()
    for name, value in (("PRODID", PRODUCT), ("VERSION", "2.0"), ("METHOD", "PUBLISH")):
        calendar.add(name, value)
    _add_timezones(calendar, appointments, zone, now)
    for appointment in appointments:
        if appointment.start is not None:
            properties = _list_details(appointment, addresses) if details else [("SUMMARY", TITLE)]
            calendar.add_component(
                _build_event(appointment, appointment.start, portal, now, properties)
            )
    document: bytes = calendar.to_ical()
    return document


def _build_event(
    appointment: Appointment,
    start: datetime,
    portal: str,
    now: datetime,
    properties: Iterable[tuple[str, str]],
) -> Event:
    from icalendar import Event  # noqa: PLC0415  (start-up: as above)

    event = Event()
    event.add("UID", str(uuid5(_EVENT_NAMESPACE, f"{portal} {appointment.id}")))
    event.add("DTSTAMP", now.astimezone(UTC))
    event.add("DTSTART", _local_or_utc(start, appointment.zone, now))
    if appointment.end is not None and appointment.end > start:
        event.add("DTEND", _local_or_utc(appointment.end, appointment.zone, now))
    elif appointment.end is None and appointment.minutes:
        event.add("DURATION", timedelta(minutes=appointment.minutes))
    if appointment.version is not None:
        event.add("SEQUENCE", appointment.version)
    event.add("STATUS", STATUS.get(appointment.status, "TENTATIVE"))
    event.add("CLASS", "PRIVATE")
    for name, value in properties:
        event.add(name, value)
    return event


def _list_details(
    appointment: Appointment, addresses: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the properties that say with whom, where and how."""
    counterpart = appointment.practitioner or appointment.surgery
    yield "SUMMARY", safe_line(f"{TITLE} with {counterpart}" if counterpart else TITLE)
    address = addresses.get(appointment.surgery_id or "")
    places = ", ".join(
        dict.fromkeys(filter(None, (appointment.location, appointment.surgery, address)))
    )
    if places and appointment.channel not in _REMOTE_CHANNELS:
        yield "LOCATION", safe_line(places)
    if appointment.channel in _CHANNEL_TEXTS:
        yield "DESCRIPTION", _CHANNEL_TEXTS[appointment.channel]
    if appointment.join_url and _is_link(appointment.join_url):
        yield "URL", appointment.join_url


def _is_link(url: str) -> bool:
    """Return whether a calendar may offer `url` as a link."""
    try:
        return url.isascii() and " " not in url and split_web_url(url).scheme == "https"
    except InvalidUrl:
        return False


def _local_or_utc(when: datetime, zone: str, now: datetime) -> datetime:
    """Return `when` in the surgery's zone, or in UTC where a local time would be misread.

    Of a local time that a day has twice, readers take the first; and the calendar describes its
    zones only within the horizon. Source: RFC 5545, 3.3.5.
    """
    local = when.astimezone(ZoneInfo(zone))
    return local if _is_within_horizon(when, now) and not local.fold else when.astimezone(UTC)


def _is_within_horizon(when: datetime, now: datetime) -> bool:
    return abs(when - now) < _HORIZON


def _add_timezones(
    calendar: Calendar, appointments: Iterable[Appointment], zone: str, now: datetime
) -> None:
    """Add a VTIMEZONE for `zone` and each of the appointments, for the time that these span."""
    timed = [appointment for appointment in appointments if appointment.start]
    ends = [
        when
        for appointment in timed
        for when in (appointment.start, appointment.end)
        if when and _is_within_horizon(when, now)
    ]
    first, last = min([*ends, now]).astimezone(UTC), max([*ends, now]).astimezone(UTC)
    for name in dict.fromkeys((zone, *(appointment.zone for appointment in timed))):
        calendar.add_component(_build_timezone(name, first - _DAY, last + _DAY))


def _build_timezone(name: str, first: datetime, last: datetime) -> Timezone:
    """Return the VTIMEZONE of a zone from `first` to `last`, a part for each transition.

    Timezone.from_tzinfo of icalendar dates a spring transition an hour late.
    """
    from icalendar import (  # noqa: PLC0415  (start-up: as above)
        Timezone,
        TimezoneDaylight,
        TimezoneStandard,
    )

    zone, timezone = ZoneInfo(name), Timezone()
    timezone.add("TZID", name)
    for transition in (first, *_find_transitions(zone, first, last)):
        after = transition.astimezone(zone)
        before = (transition - _SECOND).astimezone(zone)
        part: Component = TimezoneDaylight() if after.dst() else TimezoneStandard()
        part.add("DTSTART", transition.replace(tzinfo=None) + (before.utcoffset() or timedelta()))
        part.add("TZOFFSETFROM", before.utcoffset())
        part.add("TZOFFSETTO", after.utcoffset())
        part.add("TZNAME", after.tzname())
        timezone.add_component(part)
    return timezone


def _find_transitions(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield the instants between `first` and `last` at which the UTC offset changes."""
    day = first
    while day < last:
        if _utc_offset(day, zone) != _utc_offset(day + _DAY, zone):
            yield _find_transition(zone, day, day + _DAY)
        day += _DAY


def _find_transition(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """Return the first second between `early` and `late` that has the offset of `late`."""
    old = _utc_offset(early, zone)
    while late - early > _SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        early, late = (middle, late) if _utc_offset(middle, zone) == old else (early, middle)
    return late


def _utc_offset(when: datetime, zone: ZoneInfo) -> timedelta | None:
    return when.astimezone(zone).utcoffset()
