"""Read times that are relative to the portal's present: `+10d 09:00`, `-3wd evening`, `-2h`."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.people.element_builders import (
    DAY,
    local_datetime,
    local_day,
    nth_working_day,
    times_between,
)

EVENING, DAYTIME = "evening", "daytime"
EXAMPLES = "'+10d 09:00', '-3wd 14:30', 'tomorrow 09:00', '-2h' or '2027-03-28 09:00'"
_WORDS = {"today": 0, "tomorrow": 1, "yesterday": -1}
_DAY_PATTERN = re.compile(
    r"(?:(?P<word>today|tomorrow|yesterday)|(?P<fixed>\d{4}-\d\d-\d\d)"
    r"|(?P<number>[+-]\d{1,5})(?P<unit>d|wd|w|mo|y))"
    r"(?:[ T]+(?P<clock>\d{1,2}:\d\d|evening|daytime))?",
    re.ASCII,
)
_CLOCK_PATTERN = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d", re.ASCII)
_STEP_PATTERN = re.compile(r"(?P<number>[+-]?\d{1,5})(?P<unit>d|wd|w|mo|y)", re.ASCII)
_FROM_NOW_PATTERN = re.compile(r"(?P<number>[+-]\d{1,5})(?P<unit>[hm])", re.ASCII)
_WITHIN_PATTERN = re.compile(r"within (?P<hours>[1-9]\d{0,2})h", re.ASCII)
_FROM_NOW_UNITS = {"h": timedelta(hours=1), "m": timedelta(minutes=1)}
_MOST_YEARS = 120
"""How far a time may be from the present."""
_DAYS_IN = {"d": 1, "wd": 1.4, "w": 7, "mo": 30.5, "y": 365.25}
_FIRST_YEAR, _LAST_YEAR = 1800, 8999

Step = tuple[int, str]
"""A number of days (`d`), working days (`wd`), weeks (`w`), months (`mo`) or years (`y`)."""


@dataclass(frozen=True)
class RelativeTime:
    """A day, and perhaps a time of day.

    The day is `fixed`, or that of the present; then `steps` are taken from it. `clock` is a time of
    day: `09:00`, or EVENING or DAYTIME for one that differs from day to day; empty if there is
    none. `from_now` is counted from the very present instead. `within` means the last time in the
    surgeries' hours that is less than that away.
    """

    steps: tuple[Step, ...] = ()
    fixed: date | None = None
    clock: str = ""
    from_now: timedelta | None = None
    within: timedelta | None = None

    @property
    def is_instant(self) -> bool:
        """Whether it is more than a day."""
        return bool(self.clock) or self.from_now is not None or self.within is not None

    @property
    def key(self) -> str:
        """A text for ids, which no other time has: of days before the present their number."""
        if len(self.steps) == 1 and self.steps[0][1] == "d" and not (self.fixed or self.clock):
            return str(-self.steps[0][0])
        steps = "".join(f"{number:+}{unit}" for number, unit in self.steps)
        others = (self.fixed, self.from_now, self.within)
        ends = (str(each) for each in others if each is not None)
        return " ".join((steps, self.clock, *ends)).strip()

    def moved(self, *further: Step) -> "RelativeTime":
        """Return the time as many steps later; steps of one unit are added up."""
        total = dict[str, int]()
        for number, unit in (*((n, u) for n, u in self.steps), *further):
            total[unit] = total.get(unit, 0) + number
        return replace(self, steps=tuple((number, unit) for unit, number in total.items()))

    def day(self, now: datetime) -> date:
        """Return the day at the surgeries."""
        if self.within is not None:
            return self.at(now).date()
        start = now + (self.from_now or timedelta())
        day = self.fixed or local_day(start)
        for number, unit in self.steps:
            day = _STEPPERS[unit](day, number)
        return day

    def at(self, now: datetime, clock: str = "") -> datetime:
        """Return the instant, in the surgeries' time zone.

        `clock` is the time of day where there is none. A time that the clocks skip is the one that
        they show instead.
        """
        if self.within is not None:
            return last_start_within(now, self.within)
        day = self.day(now)
        if self.from_now is not None:
            local = (now + self.from_now).astimezone(ZONE)
            if local.date() == day:
                return local
            return _existing(datetime.combine(day, local.timetz()))
        return _existing(local_datetime(day, self._clock_text() or clock))

    def _clock_text(self) -> str:
        """Return the time of day; EVENING and DAYTIME vary with the number of steps."""
        if self.clock not in (EVENING, DAYTIME):
            return self.clock
        number = sum(abs(number) for number, _ in self.steps)
        earliest = 17 if self.clock == EVENING else 9
        return f"{earliest + number % 5:02}:{7 * number % 60:02}"


def _existing(moment: datetime) -> datetime:
    return moment.astimezone(UTC).astimezone(ZONE)


def _step_months(day: date, number: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 + number, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(day.day, last))


_STEPPERS: dict[str, Callable[[date, int], date]] = {
    "d": lambda day, number: day + number * DAY,
    "w": lambda day, number: day + 7 * number * DAY,
    "wd": nth_working_day,
    "mo": _step_months,
    "y": lambda day, number: _step_months(day, 12 * number),
}


def parse_when(text: str) -> RelativeTime:
    """Parse a time as people write it.

    Raises:
        ValueError: It is none; the message says why.
    """
    written = " ".join(text.split())
    if written == "now":
        return RelativeTime(from_now=timedelta())
    if match := _FROM_NOW_PATTERN.fullmatch(written):
        return RelativeTime(from_now=int(match["number"]) * _FROM_NOW_UNITS[match["unit"]])
    if match := _WITHIN_PATTERN.fullmatch(written):
        return RelativeTime(within=timedelta(hours=int(match["hours"])))
    match = _DAY_PATTERN.fullmatch(written)
    if not match:
        raise ValueError(f"'{text}' is no time: write it like {EXAMPLES}")
    clock = _parse_clock_or_word(match["clock"])
    if match["fixed"]:
        return RelativeTime(fixed=parse_day(match["fixed"]), clock=clock)
    if match["word"]:
        return RelativeTime(((_WORDS[match["word"]], "d"),), clock=clock)
    return RelativeTime((parse_step(match["number"] + match["unit"]),), clock=clock)


def _parse_clock_or_word(text: str | None) -> str:
    return text or "" if text in (EVENING, DAYTIME, None) else parse_clock(text)


def parse_clock(text: str) -> str:
    """Parse a time of day, `9:00` or `09:00`, and return the latter.

    Raises:
        ValueError: It is none.
    """
    if not _CLOCK_PATTERN.fullmatch(text):
        raise ValueError(f"'{text}' is no time of day: write it like 09:00")
    return text.rjust(5, "0")


def parse_day(text: str) -> date:
    """Parse a day, `2027-03-28`.

    Raises:
        ValueError: It is none.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no day of the calendar") from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"'{text}' is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return day


def parse_step(text: str) -> Step:
    """Parse a number of days, working days, weeks, months or years: `-3wd`.

    Raises:
        ValueError: It is none, or too far.
    """
    match = _STEP_PATTERN.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is no step: write it like 1d, -3wd, 2w, 1mo or 1y")
    number, unit = int(match["number"]), match["unit"]
    if abs(number) * _DAYS_IN[unit] > _MOST_YEARS * 366:
        raise ValueError(f"'{text}' is more than {_MOST_YEARS} years away")
    return number, unit


def last_start_within(now: datetime, span: timedelta) -> datetime:
    """Return the last start from 08:00 until before 15:00 that is less than `span` away."""
    today = local_day(now)
    coming = (
        start
        for ahead in range(-1, span.days + 2)
        for start in times_between(today + ahead * DAY, "08:00", "15:00")
        if start < now + span
    )
    return max(coming)
