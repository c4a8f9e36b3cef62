"""Times for people: in the surgery's zone, with the weekday, and the date beside "tomorrow"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from gpcli.model.day_names import DAYS, MONTH_NAMES, MONTHS, WEEKDAY_NAMES, format_day
from gpcli.render.phrasing import MARKS, Phrasing

_WHOLE_NAMES = {name[:3]: name for name in (*WEEKDAY_NAMES, *MONTH_NAMES)}
_DAY = re.compile(rf"\b({'|'.join(DAYS)}) \d{{1,2}} ({'|'.join(MONTHS)})\b", re.ASCII)

_RELATIVE_DAYS = {-1: "yesterday", 0: "today", 1: "tomorrow"}


@dataclass(frozen=True)
class TimeFormat:
    """What the wording of times depends on, and that wording.

    `now` decides what is "tomorrow" and which year goes without saying; `machine_zone` is this
    computer's (`None` = the operating system's). `told_zone` is the zone of which is said already
    that times are in it; `None` = none. `phrasing` is how periods are put together, and all else
    that is worded beside times.
    """

    now: datetime
    machine_zone: tzinfo | None = None
    told_zone: str | None = None
    phrasing: Phrasing = MARKS

    def time(self, when: datetime | None, zone: str) -> str:
        """Return a time in the surgery's `zone`; empty for `None`."""
        return self.period(when, None, zone)

    def period(self, start: datetime | None, end: datetime | None, zone: str) -> str:
        """Return a period in the surgery's `zone`: `tomorrow, Tue 24 Nov 09:00–09:20`.

        It is empty without a start. The year is left out where it is the current one. Where the
        period ends on the same day, only the clock of its end is given; `end` `None` = none. Where
        this computer's clock shows another time then, both are given, unless the zone was told:
        `Tue 24 Nov 09:00 Europe/Oslo (08:00 here)`. `zone` is an IANA name; with an unknown one the
        time's own offset is used and shown. A time that a day has twice gets the zone's
        abbreviation.
        """
        if start is None:
            return ""
        begins, now = self._enter(start, zone)
        ends = None if end is None else _to_zone(end, begins.tzinfo)
        text = _format_relative_day(begins, now) + self._format_period(begins, ends, now)
        if zone == self.told_zone:
            return text
        here = self.here(start, zone)
        if _find_zone(zone) is None:
            text += f" UTC{begins.isoformat()[-6:]}"
        elif here:
            text += f" {zone}"
        return f"{text} ({here} here)" if here else text

    def day(self, day: date) -> str:
        """Return a day with its weekday, without the year if that is the current one."""
        return format_day(day, self.now)

    def surgery_day(self, when: datetime, zone: str) -> str:
        """Return the day of a time in the surgery's `zone`: `tomorrow, Tue 24 Nov`."""
        begins, now = self._enter(when, zone)
        return f"{_format_relative_day(begins, now)}{format_day(begins, now)}"

    def surgery_clock(self, start: datetime, end: datetime | None, zone: str) -> str:
        """Return the clock of a period in the surgery's `zone`, for use beside its day."""
        begins, now = self._enter(start, zone)
        ends = None if end is None else _to_zone(end, begins.tzinfo)
        period = self._format_period(begins, ends, now)
        return period.removeprefix(f"{format_day(begins, now)} ")

    def here(self, when: datetime | None, zone: str) -> str:
        """Return what this computer's clock shows then; empty where it agrees with `zone`."""
        if when is None:
            return ""
        begins, _ = self._enter(when, zone)
        here = _to_zone(when, self.machine_zone)
        if here.utcoffset() == begins.utcoffset():
            return ""
        return _format_machine_time(here, begins)

    def now_here(self) -> str:
        """Return the present by this computer's clock: `Tue 13:02`."""
        now = _to_zone(self.now, self.machine_zone)
        return f"{DAYS[now.weekday()]} {now:%H:%M}"

    def goes_without_saying(self, when: datetime | None, zone: str) -> bool:
        """Return whether a time needs no zone beside it: that was told, or it is this computer's.

        An unknown zone never does: what is shown then is the time's own offset.
        """
        if when is None:
            return True
        return zone == self.told_zone or (is_known_zone(zone) and not self.here(when, zone))

    def _format_period(self, begins: datetime, ends: datetime | None, now: datetime) -> str:
        return format_period(begins, ends, now, self.phrasing)

    def _enter(self, when: datetime, zone: str) -> tuple[datetime, datetime]:
        """Return a time and the present in `zone`; with an unknown one, in the time's own."""
        inside = _to_zone(when, _find_zone(zone) or when.tzinfo)
        return inside, _to_zone(self.now, inside.tzinfo)

    def recorded_day(self, recorded: str | None, zone: str) -> str:
        """Return the day of a dateTime as a portal writes it (R4), that of a time in `zone`.

        What is no whole date, such as a year, stays as it is.
        """
        try:
            when = datetime.fromisoformat(recorded or "")
        except ValueError:
            return recorded or ""
        if when.tzinfo is None:
            return self.day(when)
        return format_day(*self._enter(when, zone))

    def has_passed(self, day: date, zone: str) -> bool:
        """Return whether `day` is over in the surgery's `zone`."""
        return day < _to_zone(self.now, _find_zone(zone)).date()


def format_period(
    begins: datetime, ends: datetime | None, now: datetime, phrasing: Phrasing = MARKS
) -> str:
    """Format two times of one zone, the second day only if it differs; `ends` `None` = only one.

    The year of `now` is left out.
    """
    with_zone = _is_ambiguous(begins) or (
        ends is not None and begins.utcoffset() != ends.utcoffset()
    )
    first = f"{format_day(begins, now)} {_format_clock(begins, with_zone=with_zone)}"
    if ends is None or ends == begins:
        return first
    if ends.date() == begins.date():
        return phrasing.range(first, _format_clock(ends, with_zone=with_zone))
    last = f"{format_day(ends, now)} {_format_clock(ends, with_zone=with_zone)}"
    return phrasing.wide_range(first, last)


def name_days(text: str) -> str:
    """Return the whole names of the weekdays and months in the days that a text has."""
    return " ".join(_WHOLE_NAMES[name] for names in _DAY.findall(text) for name in names)


def _format_clock(when: datetime, *, with_zone: bool) -> str:
    return f"{when:%H:%M} {when.tzname()}" if with_zone else f"{when:%H:%M}"


def _format_relative_day(when: datetime, now: datetime) -> str:
    name = _RELATIVE_DAYS.get((when.date() - now.date()).days)
    return f"{name}, " if name else ""


def _format_machine_time(here: datetime, at_surgery: datetime) -> str:
    if here.date() == at_surgery.date():
        return f"{here:%H:%M}"
    return f"{format_day(here, here)} {here:%H:%M}"


def is_known_zone(name: str) -> bool:
    """Return whether this computer knows the time zone `name` (IANA)."""
    return _find_zone(name) is not None


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
