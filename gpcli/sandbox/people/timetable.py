"""Working days, times of day and short ids."""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count, islice

from gpcli.sandbox.clock import ZONE

ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
"""No vowels, so that no id spells a word; nothing that is mistaken for something else."""
ID_LENGTH = 8
DAY = timedelta(days=1)


def short_id(prefix: str, *content: str) -> str:
    """An id that says nothing of its content but is always the same for it: `s-7k2m9qdr`."""
    number = int.from_bytes(hashlib.sha256("|".join(content).encode()).digest())
    letters = []
    for _ in range(ID_LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return f"{prefix}-{''.join(letters)}"


def share(*content: str) -> float:
    """A number in [0, 1) that looks random and is always the same for its content."""
    return int.from_bytes(hashlib.sha256("|".join(content).encode()).digest()[:4]) / 2**32


def local_day(now: datetime) -> date:
    """The date at the surgeries."""
    return now.astimezone(ZONE).date()


def is_working_day(day: date) -> bool:
    """Monday to Friday; holidays are not known here."""
    return day.weekday() < 5


def working_days(after: date, direction: int = 1) -> Iterator[date]:
    """Working days after a date, without end; before it with direction -1."""
    every_day = (after + direction * step * DAY for step in count(1))
    return filter(is_working_day, every_day)


def working_day(now: datetime, number: int) -> date:
    """The first, second, ... working day after today; -1 is the last one before today."""
    direction = 1 if number > 0 else -1
    weeks, further = divmod(abs(number) - 1, 5)
    days = working_days(local_day(now), direction)
    return next(islice(days, further, None)) + direction * timedelta(weeks=weeks)


def at(day: date, clock: str) -> datetime:
    """A time of day at the surgeries, as an aware time: `at(day, "09:20")`."""
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


def every(day: date, first: str, last: str, minutes: int = 20) -> Iterator[datetime]:
    """Times from `first` until before `last`, `minutes` apart on the wall clock."""
    moment, end = at(day, first), at(day, last)
    while moment < end:
        yield moment
        moment += timedelta(minutes=minutes)
