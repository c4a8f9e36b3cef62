"""Which times a script looks for or asks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from gpcli.care.dates import MAX_DAYS_AWAY
from gpcli.care.slots import DAYS_AHEAD, SlotFilters, SlotSearch
from gpcli.errors import InvalidUsage
from gpcli.scripting.calls import check_types


@dataclass(frozen=True, kw_only=True)
class TimeFilter:
    """Times that pass all that is given, in the surgery's zone.

    `first` and `last` are days, both inclusive: today, and 28 days later, unless given. `between`
    begins at its first time and ends before its second. `weekdays` are numbers as `date.weekday()`
    gives them, 0 for Monday; empty = all. `practitioner` is part of a name. `notice` is how long
    before it starts a time must be taken; `None` = 2 hours where a plan takes the first time that
    fits, else none.

    Raises: TypeError; InvalidUsage for days in the wrong order, more than ten years away, hours
    that end before they begin, and what is no weekday or an empty name.
    """

    first: date | None = None
    last: date | None = None
    between: tuple[time, time] | None = None
    weekdays: Collection[int] = ()
    practitioner: str | None = None
    channel: Literal["in-person", "phone", "video"] | None = None
    notice: timedelta | None = None

    def __post_init__(self) -> None:
        check_types(type(self), **vars(self))
        object.__setattr__(self, "weekdays", frozenset(self.weekdays))  # the caller's may change
        if self.between and any(each.tzinfo for each in self.between):
            raise InvalidUsage(
                "between has times of the surgery's zone: they need none of their own."
            )
        if self.notice is not None and not timedelta() <= self.notice <= timedelta(MAX_DAYS_AWAY):
            raise InvalidUsage("notice is from none to ten years.")
        if self.between and self.between[0] >= self.between[1]:
            raise InvalidUsage("between ends before it begins.")
        if not all(0 <= day < 7 for day in self.weekdays):
            raise InvalidUsage("weekdays are numbers from 0 for Monday to 6 for Sunday.")
        if self.practitioner is not None and not self.practitioner.strip():
            raise InvalidUsage("practitioner needs a name that is not empty.")
        if self.first and self.last and self.first > self.last:
            raise InvalidUsage(f"first ({self.first}) is after last ({self.last}).")

    def build_search(
        self, now: datetime, zone: ZoneInfo, usual_notice: timedelta = timedelta()
    ) -> SlotSearch:
        """Return the search for these times at the aware time `now`.

        Raises: InvalidUsage where no day is left, or one is too far away.
        """
        today = now.astimezone(zone).date()
        for name, day in (("first", self.first), ("last", self.last)):
            if day is not None and abs(day - today) > timedelta(MAX_DAYS_AWAY):
                raise InvalidUsage(f"{name} ({day}) is more than ten years away.")
        first = self.first or today
        last = self.last or max(first, today) + timedelta(DAYS_AHEAD)
        if first > last:
            raise InvalidUsage(f"last ({last}) is in the past.", hint="Give an earlier first.")
        notice = usual_notice if self.notice is None else self.notice
        filters = SlotFilters(
            first=first,
            last=last,
            between=self.between,
            weekdays=frozenset(self.weekdays),
            practitioner=self.practitioner,
            channel=self.channel,
            not_before=(now.astimezone(UTC) + notice).astimezone(zone) if notice else None,
        )
        return SlotSearch(filters, zone, now)
