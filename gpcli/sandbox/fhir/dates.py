"""Read FHIR dates as time spans.

A date of lower precision covers a longer span. A span is `[low, high)` in whole microseconds
since 1970, UTC.

Source: FHIR R4, search.html#date.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.elements import Resource

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DATE_PATTERN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<time>\d\d:\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""The first and the last instant that can be converted to every time zone."""
MIN_MICROSECONDS, MAX_MICROSECONDS = -(2**62), 2**62


class Span(NamedTuple):
    """A span of time in microseconds since 1970; `high` is exclusive."""

    low: int
    high: int


def to_microseconds(instant: datetime) -> int:
    """Convert an aware instant to microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def parse_instant(text: str) -> datetime:
    """Return the start of a FHIR date, dateTime or instant, in UTC.

    Raises:
        ValueError: The text is none of these.
    """
    return from_microseconds(date_span(text).low)


def from_microseconds(microseconds: int) -> datetime:
    """Convert microseconds since 1970 to an instant in UTC, the nearest that there is."""
    possible = min(max(microseconds, to_microseconds(_FIRST)), to_microseconds(_LAST))
    return _EPOCH + possible * _MICROSECOND


def date_span(text: str) -> Span:
    """Return the span that a FHIR date, dateTime or instant covers.

    Without an offset, it is in the surgeries' time zone.

    Raises:
        ValueError: The text is none of these, or not a date of the calendar.
    """
    match = _DATE_PATTERN.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a date: write it like 2027-03-28T09:00:00+02:00.")
    return _time_span(match) if match["time"] else _day_span(match)


def period_span(element: Resource) -> Span:
    """Return the span of a Period; an absent start or end is unbounded."""
    low = date_span(element["start"]).low if "start" in element else MIN_MICROSECONDS
    high = date_span(element["end"]).high if "end" in element else MAX_MICROSECONDS
    return Span(low, high)


def _time_span(match: re.Match[str]) -> Span:
    second = match["second"] or "00"
    day = f"{match['year']}-{match['month']}-{match['day']}"
    start = datetime.fromisoformat(f"{day}T{match['time']}:{second}{match['zone'] or ''}")
    low = to_microseconds(start if start.tzinfo else start.replace(tzinfo=ZONE))
    fraction = match["fraction"] or ""
    low += int(fraction[:6].ljust(6, "0"))
    return Span(low, low + _precision_width(match["second"], fraction))


def _precision_width(second: str | None, fraction: str) -> int:
    """Return how long a time of that precision lasts, in microseconds: at least one."""
    if second is None:
        return 60_000_000
    return max(1, int(10 ** (6 - len(fraction))))


def _day_span(match: re.Match[str]) -> Span:
    year, month, day = (match[part] for part in ("year", "month", "day"))
    first = datetime(int(year), int(month or 1), int(day or 1), tzinfo=ZONE)
    try:
        return Span(to_microseconds(first), to_microseconds(_following(first, month, day)))
    except (ValueError, OverflowError):  # nothing follows 9999-12-31
        return Span(to_microseconds(first), MAX_MICROSECONDS)


def _following(first: datetime, month: str | None, day: str | None) -> datetime:
    """Return the start of the next day, month or year, whichever was written last."""
    if day:
        return first + timedelta(days=1)
    if month and first.month < 12:
        return first.replace(month=first.month + 1)
    return first.replace(year=first.year + 1, month=1)


def format_instant(instant: datetime) -> str:
    """Format an instant as FHIR does, in UTC with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
