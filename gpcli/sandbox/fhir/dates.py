"""FHIR dates as spans of time: what is written with less precision covers more.

A span is `[low, high)` in whole microseconds since 1970 (FHIR R4, search.html#date).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.elements import Resource

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WRITTEN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<time>\d\d:\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)

BEGINNING, FOREVER = -(2**62), 2**62


class Span(NamedTuple):
    """A stretch of time, `high` excluded."""

    low: int
    high: int


def microseconds(instant: datetime) -> int:
    """An aware instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(text: str) -> datetime:
    """The beginning of a FHIR date, dateTime or instant, aware.

    Raises ValueError if it is none.
    """
    return at(span(text).low)


def at(microseconds_: int) -> datetime:
    """The instant, in UTC, that many microseconds after 1970."""
    return _EPOCH + microseconds_ * _MICROSECOND


def span(text: str) -> Span:
    """The time that a FHIR date, dateTime or instant covers; without a zone, the surgeries' one.

    Raises ValueError if the text is none of these, or no day that ever was.
    """
    written = _WRITTEN.fullmatch(text)
    if not written:
        raise ValueError(f"{text!r} is not a date: write it like 2027-03-28T09:00:00+02:00.")
    return _of_time(written) if written["time"] else _of_day(written)


def period(element: Resource) -> Span:
    """The time that a Period covers; an absent end is open."""
    low = span(element["start"]).low if "start" in element else BEGINNING
    high = span(element["end"]).high if "end" in element else FOREVER
    return Span(low, high)


def _of_time(written: re.Match[str]) -> Span:
    second = written["second"] or "00"
    day = f"{written['year']}-{written['month']}-{written['day']}"
    start = datetime.fromisoformat(f"{day}T{written['time']}:{second}{written['zone'] or ''}")
    low = microseconds(start if start.tzinfo else start.replace(tzinfo=ZONE))
    fraction = written["fraction"] or ""
    low += int(fraction[:6].ljust(6, "0"))
    return Span(low, low + _width(written["second"], fraction))


def _width(second: str | None, fraction: str) -> int:
    if second is None:
        return 60_000_000
    return max(1, int(10 ** (6 - len(fraction))))


def _of_day(written: re.Match[str]) -> Span:
    year, month, day = (written[part] for part in ("year", "month", "day"))
    first = datetime(int(year), int(month or 1), int(day or 1), tzinfo=ZONE)
    try:
        return Span(microseconds(first), microseconds(_next(first, month, day)))
    except (ValueError, OverflowError):
        return Span(microseconds(first), FOREVER)


def _next(first: datetime, month: str | None, day: str | None) -> datetime:
    if day:
        return first + timedelta(days=1)
    if month and first.month < 12:
        return first.replace(month=first.month + 1)
    return first.replace(year=first.year + 1, month=1)


def stamp(instant_: datetime) -> str:
    """An instant as FHIR writes it, in UTC to the millisecond."""
    return instant_.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
