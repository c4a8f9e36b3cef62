"""Which times a person wants: days, hours, weekdays, with whom, in which way.

Everything is meant in the surgery's zone, whatever the machine's is. `+1d` is a calendar day,
`2h` is elapsed time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gpcli.errors import Usage
from gpcli.model.appointment import Slot, Window

DAYS_AHEAD = 28
"""How far ahead is searched unless `--to` says otherwise, in days."""

FARTHEST = 3660
"""How far from today a day may be, in days; ten years and more are a slip of the keyboard."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHANNELS = ("in-person", "phone", "video")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Wanted:
    """A person's wishes; `first` and `last` are inclusive days in the surgery's zone."""

    first: date
    last: date
    between: tuple[time, time] | None = None
    weekdays: frozenset[int] = frozenset()
    practitioner: str | None = None
    channel: str | None = None
    not_before: datetime | None = None

    def misses(self, slot: Slot, zone: ZoneInfo) -> str | None:
        """The name of the first filter that takes `slot` out, or `None` if it stays."""
        start = slot.start.astimezone(zone)
        tests = (
            ("--from and --to", self.first <= start.date() <= self.last),
            ("--weekday", not self.weekdays or start.weekday() in self.weekdays),
            ("--between", self._in_hours(start.time())),
            ("--with", self._with(slot)),
            ("--via", self.channel in {None, slot.channel}),
            ("--notice", self.not_before is None or slot.start >= self.not_before),
        )
        return next((name for name, passed in tests if not passed), None)

    def windows(self, zone: ZoneInfo) -> list[Window]:
        """The same wish as periods, for an enquiry: one a day where hours or weekdays count."""
        if self.between is None and not self.weekdays:
            return [_window(self.first, time.min, self.last, _DAY_END, zone)]
        opens, closes = self.between or (time.min, _DAY_END)
        days = [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]
        wished = [day for day in days if not self.weekdays or day.weekday() in self.weekdays]
        if not wished:
            raise Usage("No day from --from to --to is one of the --weekday days.")
        return [_window(day, opens, day, closes, zone) for day in wished]

    def yet_to_come(self, zone: ZoneInfo, now: datetime) -> list[Window]:
        """The periods that are not over; one that has begun begins at the present."""
        present = now.astimezone(zone).replace(microsecond=0)
        return [
            Window(max(each.start, present), each.end)
            for each in self.windows(zone)
            if each.end > now
        ]

    def _in_hours(self, start: time) -> bool:
        return self.between is None or self.between[0] <= start < self.between[1]

    def _with(self, slot: Slot) -> bool:
        words = (self.practitioner or "").strip().casefold()
        return words in (slot.practitioner or "").casefold()


_DAY_END = time(23, 59, 59)


def wanted(
    now: datetime,
    zone: ZoneInfo,
    *,
    first: str | None = None,
    last: str | None = None,
    between: str | None = None,
    weekdays: Sequence[str] = (),
    practitioner: str | None = None,
    channel: str | None = None,
    notice: str | None = None,
) -> Wanted:
    """Understand what was typed; raises Usage naming the option that can't be understood."""
    if practitioner is not None and not practitioner.strip():
        raise Usage("--with needs a name that is not empty.")
    start, end = _days(first, last, now.astimezone(zone).date())
    return Wanted(
        first=start,
        last=end,
        between=None if between is None else _hours(between),
        weekdays=frozenset(_weekdays(weekdays)),
        practitioner=practitioner,
        channel=None if channel is None else _channel(channel),
        not_before=None if notice is None else _elapsed(now, span(notice, "--notice"), zone),
    )


def _days(first: str | None, last: str | None, today: date) -> tuple[date, date]:
    start = today if first is None else day(first, today, "--from")
    end = max(start, today) + timedelta(DAYS_AHEAD) if last is None else day(last, today, "--to")
    if start <= end:
        return start, end
    if first is None:
        raise Usage(f"--to ({end}) is in the past.", hint="Give an earlier --from as well.")
    raise Usage(f"--from ({start}) is after --to ({end}).", hint="Swap them, or leave one out.")


def _elapsed(now: datetime, length: timedelta, zone: ZoneInfo) -> datetime:
    """Through UTC: arithmetic within a zone counts by the clock on the wall."""
    return (now.astimezone(UTC) + length).astimezone(zone)


def day(text: str, today: date, option: str) -> date:
    """`2026-12-01`, `today`, `tomorrow` or `+14d` as a day in the surgery's zone."""
    try:
        found = _day(text.strip().lower(), today)
    except ValueError:
        raise Usage(
            f"{option} '{text}' is not a day.",
            hint="Write 2026-12-01, today, tomorrow or +14d.",
        ) from None
    if abs(found - today) > timedelta(FARTHEST):
        raise Usage(f"{option} '{text}' is more than ten years away.")
    return found


def _day(word: str, today: date) -> date:
    if word in {"today", "tomorrow"}:
        return today + timedelta(word == "tomorrow")
    ahead = re.fullmatch(r"\+(\d{1,4})d", word)
    return today + timedelta(int(ahead[1])) if ahead else date.fromisoformat(word)


def span(text: str, option: str) -> timedelta:
    """`90s`, `10m`, `2h` or `1d` as elapsed time."""
    found = re.fullmatch(r"(\d{1,5})([smhd])", text.strip().lower())
    if not found:
        raise Usage(f"{option} '{text}' is not a length of time.", hint="Write 10m, 2h or 1d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _hours(text: str) -> tuple[time, time]:
    try:
        opens, closes = (_clock(part) for part in text.split("-"))
    except ValueError:
        raise Usage(f"--between '{text}' is not a range of hours.", hint=_HOURS_HINT) from None
    if opens >= closes:
        raise Usage(f"--between '{text}' ends before it begins.", hint=_HOURS_HINT)
    return opens, closes


_HOURS_HINT = "Write 08:00-10:00."


def _clock(text: str) -> time:
    if text.strip() == "24:00":
        return time.max
    written = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if written is None:
        raise ValueError(text)
    return time(int(written[1]), int(written[2]))


def _weekdays(words: Sequence[str]) -> list[int]:
    return [_weekday(name.strip()) for word in words for name in word.split(",")]


def _weekday(name: str) -> int:
    for number, whole in enumerate(WEEKDAYS):
        if len(name) >= _SHORTEST and whole.startswith(name.lower()):
            return number
    known = ", ".join(whole[:_SHORTEST] for whole in WEEKDAYS)
    raise Usage(f"--weekday '{name}' is not a weekday.", hint=f"The words are {known}.")


_SHORTEST = 3


def _channel(text: str) -> str:
    word = text.strip().lower()
    word = {"audio": "phone"}.get(word, word)
    if word not in CHANNELS:
        known = ", ".join(CHANNELS)
        raise Usage(f"--via '{text}' is not a way to meet.", hint=f"The words are {known}.")
    return word


def _window(first: date, opens: time, last: date, closes: time, zone: ZoneInfo) -> Window:
    return Window(
        datetime.combine(first, opens, zone),
        datetime.combine(last, min(closes, _DAY_END), zone),
    )
