"""When a place, a GP or a service is there: opening hours, absences and exceptions in words.

Source: R4 Location.hoursOfOperation; PractitionerRole and HealthcareService `availableTime`,
`notAvailable`; `availabilityExceptions` of all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo

from gpcli.fhir.element import Element, Malformed, read_period
from gpcli.model.service import Absence, HoursField, OpeningHours

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:([0-5]\d|60)(\.\d+)?)?|24:00(:00(\.0+)?)?", re.ASCII)
_NO_FRACTION = re.compile(r"\.0+$", re.ASCII)


def read_place_hours(location: Element, place: str | None = None) -> tuple[OpeningHours, ...]:
    """Return the opening hours of a Location; `place` is as in OpeningHours."""
    lines = location.children("hoursOfOperation")
    read = (_read_hours(line, "openingTime", "closingTime", place) for line in lines)
    return tuple(filter(None, read))


def read_available_hours(record: Element) -> tuple[OpeningHours, ...]:
    """Return when a PractitionerRole or a HealthcareService is available."""
    lines = record.children("availableTime")
    read = (_read_hours(line, "availableStartTime", "availableEndTime", None) for line in lines)
    return tuple(filter(None, read))


def _read_hours(line: Element, opens: str, closes: str, place: str | None) -> OpeningHours | None:
    """Return one line; `None` where it says nothing."""
    days, all_day = line.strings("daysOfWeek"), line.boolean("allDay")
    read: list[tuple[HoursField, str, object]] = [("days", "daysOfWeek", days)]
    start = end = None
    if not all_day:  # else R4 has the times ignored
        start, end = _read_time(line, opens), _read_time(line, closes)
        read += [("opens", opens, start), ("closes", closes, end), ("all_day", "allDay", all_day)]
    unreadable = tuple(
        field
        for field, name, value in read
        if value in (None, ()) and line.json.get(name) not in (None, "", [])
    )
    if days or all_day or start or end or unreadable:
        return OpeningHours(days, start, end, bool(all_day), place, unreadable)
    return None


def _read_time(line: Element, name: str) -> str | None:
    """Return a time as `HH:MM`, as written where its seconds are not 0.

    The end of the day may be `24:00`, which R4 does not allow and portals send.
    """
    time = line.string(name)
    if time is None:
        return None
    if not _TIME.fullmatch(time):
        line.reject(name, "is not a time")
        return None
    time = _NO_FRACTION.sub("", time)
    return time[:5] if time.endswith(":00") else time


def read_absences(record: Element, zone: tzinfo) -> tuple[Absence, ...]:
    """Return the entries of `notAvailable` that say when; a date is taken in `zone`.

    Those that do not say so, or so that it can't be read, are in `read_exceptions`.
    """
    absences = []
    for rule in record.children("notAvailable"):
        during = _read_during(rule, zone)
        if during:
            absences.append(Absence(rule.string("description"), *during))
    return tuple(absences)


def read_exceptions(record: Element, zone: tzinfo) -> tuple[str, ...]:
    """Return when a record is not available, as far as it says so in words alone."""
    return tuple(dict.fromkeys(_iterate_exceptions(record, zone)))


def _iterate_exceptions(record: Element, zone: tzinfo) -> Iterator[str]:
    if text := record.string("availabilityExceptions"):
        yield text
    for rule in record.children("notAvailable"):
        if _read_during(rule, zone) is None and (text := rule.string("description")):
            yield text


def _read_during(rule: Element, zone: tzinfo) -> tuple[datetime | None, datetime | None] | None:
    """Return start and end; `None` where there is neither, or they can't be read (a flaw)."""
    during = rule.child("during")
    if during is None:
        return None
    try:
        start, end = read_period(during.strictly(), zone)
    except Malformed:
        read_period(during, zone)
        return None
    if start and end and end < start:
        rule.reject("during", "ends before it begins")
        return None
    return (start, end) if start or end else None


def is_over(absence: Absence, now: datetime) -> bool:
    """Return whether an absence has ended by `now`."""
    return absence.end is not None and absence.end < now
