"""Times as a patient reads them: in the surgery's zone, the date always beside "tomorrow"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNTIL = "\N{EN DASH}"
"""What stands between the two ends of a period."""

_NEAR = {-1: "yesterday", 0: "today", 1: "tomorrow"}


@dataclass(frozen=True)
class TimeFormat:
    """What human wording depends on: the time now, the machine's zone, the terminal's letters.

    `machine_zone` `None` is the zone that the operating system is set to.
    """

    now: datetime
    machine_zone: tzinfo | None = None
    unicode: bool = True

    def time(self, when: datetime | None, zone: str) -> str:
        """Say when, in the surgery's zone; nothing for `None`."""
        if when is None:
            return ""
        return surgery_time(when, zone, now=self.now, machine_zone=self.machine_zone)

    def period(self, start: datetime | None, end: datetime | None, zone: str) -> str:
        """Say from when to when, in the surgery's zone; nothing without a start."""
        if start is None:
            return ""
        return surgery_period(start, end, zone, now=self.now, machine_zone=self.machine_zone)

    def day(self, day: date | None) -> str:
        """Say which day; nothing for `None`."""
        return "" if day is None else day_words(day)


def surgery_time(when: datetime, zone: str, *, now: datetime, machine_zone: tzinfo | None) -> str:
    """Say when: `tomorrow, Tue 24 Nov 2026 09:00`, by the clock of the surgery's `zone`.

    Where the machine's clock shows another time then, both are said:
    `Tue 24 Nov 2026 09:00 Europe/Oslo (08:00 here)`. `zone` is an IANA name; with an unknown one
    the time's own offset is used and said. An hour that the clock shows twice gets the zone's
    abbreviation.
    """
    return surgery_period(when, None, zone, now=now, machine_zone=machine_zone)


def surgery_period(
    start: datetime,
    end: datetime | None,
    zone: str,
    *,
    now: datetime,
    machine_zone: tzinfo | None,
) -> str:
    """Say from when to when: `Tue 24 Nov 2026 09:00` to `09:20`; otherwise as `surgery_time`."""
    there = _zone(zone)
    begins = _by_clock(start, there or start.tzinfo)
    ends = None if end is None else _by_clock(end, begins.tzinfo)
    said = _near_day(begins, _by_clock(now, begins.tzinfo)) + clock_period(begins, ends)
    here = _by_clock(start, machine_zone)
    differs = here.utcoffset() != begins.utcoffset()
    if there is None:
        said += f" UTC{begins.isoformat()[-6:]}"
    elif differs:
        said += f" {zone}"
    return f"{said} ({_here(here, begins)} here)" if differs else said


def clock_period(begins: datetime, ends: datetime | None) -> str:
    """Say day and clock of two times in one zone, the second day only if it differs."""
    marked = _shows_twice(begins) or (ends is not None and begins.utcoffset() != ends.utcoffset())
    first = f"{day_words(begins)} {_clock(begins, marked=marked)}"
    if ends is None or ends == begins:
        return first
    if ends.date() == begins.date():
        return f"{first}{UNTIL}{_clock(ends, marked=marked)}"
    return f"{first} {UNTIL} {day_words(ends)} {_clock(ends, marked=marked)}"


def day_words(day: date) -> str:
    """Say a day with its weekday: `Tue 24 Nov 2026`."""
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def _clock(when: datetime, *, marked: bool) -> str:
    return f"{when:%H:%M} {when.tzname()}" if marked else f"{when:%H:%M}"


def _near_day(when: datetime, now: datetime) -> str:
    near = _NEAR.get((when.date() - now.date()) // timedelta(days=1))
    return f"{near}, " if near else ""


def _here(here: datetime, there: datetime) -> str:
    if here.date() == there.date():
        return f"{here:%H:%M}"
    return f"{DAYS[here.weekday()]} {here.day} {MONTHS[here.month - 1]} {here:%H:%M}"


def _by_clock(when: datetime, zone: tzinfo | None) -> datetime:
    """Turn the clock to `zone`; at the ends of the calendar, where that fails, leave it."""
    try:
        return when.astimezone(zone)
    except (OverflowError, OSError, ValueError):
        return when


def _shows_twice(when: datetime) -> bool:
    return when.replace(fold=0).utcoffset() > when.replace(fold=1).utcoffset()  # type: ignore[operator]  # aware


def _zone(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415  (10 ms that only words for people need)

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
