"""Times for people: in the surgery's zone, with the weekday, and the date beside "tomorrow"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
RANGE_DASH = "\N{EN DASH}"
"""What is between the two ends of a period."""

_RELATIVE_DAYS = {-1: "yesterday", 0: "today", 1: "tomorrow"}


@dataclass(frozen=True)
class TimeFormat:
    """What the wording of times depends on, and that wording.

    `now` decides what is "tomorrow"; `machine_zone` is this computer's (`None` = the operating
    system's).
    """

    now: datetime
    machine_zone: tzinfo | None = None

    def time(self, when: datetime | None, zone: str) -> str:
        """Return a time in the surgery's `zone`; empty for `None`."""
        if when is None:
            return ""
        return format_surgery_time(when, zone, now=self.now, machine_zone=self.machine_zone)

    def period(self, start: datetime | None, end: datetime | None, zone: str) -> str:
        """Return a period in the surgery's `zone`; empty without a start."""
        if start is None:
            return ""
        return format_surgery_period(start, end, zone, now=self.now, machine_zone=self.machine_zone)

    def recorded_day(self, recorded: str | None, zone: str) -> str:
        """Return the day of a dateTime as a portal writes it (R4), that of a time in `zone`.

        What is no whole date, such as a year, stays as it is.
        """
        try:
            when = datetime.fromisoformat(recorded or "")
        except ValueError:
            return recorded or ""
        in_zone = _to_zone(when, _find_zone(zone) or when.tzinfo) if when.tzinfo else when
        return format_day(in_zone)

    def has_passed(self, day: date, zone: str) -> bool:
        """Return whether `day` is over in the surgery's `zone`."""
        return day < _to_zone(self.now, _find_zone(zone)).date()


def format_surgery_time(
    when: datetime, zone: str, *, now: datetime, machine_zone: tzinfo | None
) -> str:
    """Format a time in the surgery's `zone`: `tomorrow, Tue 24 Nov 2026 09:00`.

    Where the machine's clock shows another time then, both are given:
    `Tue 24 Nov 2026 09:00 Europe/Oslo (08:00 here)`. `zone` is an IANA name; with an unknown one
    the time's own offset is used and shown. A time that a day has twice gets the zone's
    abbreviation.
    """
    return format_surgery_period(when, None, zone, now=now, machine_zone=machine_zone)


def format_surgery_period(
    start: datetime,
    end: datetime | None,
    zone: str,
    *,
    now: datetime,
    machine_zone: tzinfo | None,
) -> str:
    """Format a period as `format_surgery_time` does a time.

    Where it ends on the same day, only the clock of its end is given; `end` `None` = none.
    """
    known_zone = _find_zone(zone)
    begins = _to_zone(start, known_zone or start.tzinfo)
    ends = None if end is None else _to_zone(end, begins.tzinfo)
    text = _format_relative_day(begins, _to_zone(now, begins.tzinfo)) + format_period(begins, ends)
    here = _to_zone(start, machine_zone)
    differs = here.utcoffset() != begins.utcoffset()
    if known_zone is None:
        text += f" UTC{begins.isoformat()[-6:]}"
    elif differs:
        text += f" {zone}"
    return f"{text} ({_format_machine_time(here, begins)} here)" if differs else text


def format_period(begins: datetime, ends: datetime | None) -> str:
    """Format two times of one zone, the second day only if it differs; `ends` `None` = only one."""
    with_zone = _is_ambiguous(begins) or (
        ends is not None and begins.utcoffset() != ends.utcoffset()
    )
    first = f"{format_day(begins)} {_format_clock(begins, with_zone=with_zone)}"
    if ends is None or ends == begins:
        return first
    if ends.date() == begins.date():
        return f"{first}{RANGE_DASH}{_format_clock(ends, with_zone=with_zone)}"
    return f"{first} {RANGE_DASH} {format_day(ends)} {_format_clock(ends, with_zone=with_zone)}"


def format_day(day: date) -> str:
    """Format a day with its weekday: `Tue 24 Nov 2026`."""
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def _format_clock(when: datetime, *, with_zone: bool) -> str:
    return f"{when:%H:%M} {when.tzname()}" if with_zone else f"{when:%H:%M}"


def _format_relative_day(when: datetime, now: datetime) -> str:
    name = _RELATIVE_DAYS.get((when.date() - now.date()).days)
    return f"{name}, " if name else ""


def _format_machine_time(here: datetime, at_surgery: datetime) -> str:
    if here.date() == at_surgery.date():
        return f"{here:%H:%M}"
    return f"{DAYS[here.weekday()]} {here.day} {MONTHS[here.month - 1]} {here:%H:%M}"


def _to_zone(when: datetime, zone: tzinfo | None) -> datetime:
    """Return `when` in `zone`; as it is at the ends of the calendar, where that fails."""
    try:
        return when.astimezone(zone)
    except (OverflowError, OSError, ValueError):
        return when


def _is_ambiguous(when: datetime) -> bool:
    """Return whether the day has this clock time twice."""
    return when.replace(fold=0).utcoffset() > when.replace(fold=1).utcoffset()  # type: ignore[operator]  # aware


def _find_zone(name: str) -> tzinfo | None:
    """Return the time zone called `name`; `None` = this computer does not know it."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415  (start-up: 10 ms, only text for people needs it)

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
