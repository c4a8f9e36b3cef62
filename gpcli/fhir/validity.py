"""Whether a part of a record holds now: `use`, `period`, and how its end is said (R4 datatypes)."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

from gpcli.fhir.element import Element, read_period


class Validity(Enum):
    """Whether something holds now."""

    CURRENT = "current"
    ENDED = "ended"
    TO_COME = "to come"


def read_validity(element: Element, now: datetime) -> Validity:
    """Return whether an element with `use` and `period` holds at `now`.

    A date without a time is taken in the zone of `now`. A bound that can't be read counts as open.

    Source: R4 ContactPoint, Address, HumanName, Identifier, all of which have both; Period.
    """
    start, end = _read_bounds(element, now)
    if element.string("use") == "old" or (end and end < now):
        return Validity.ENDED
    return Validity.TO_COME if start and now < start else Validity.CURRENT


def is_current(element: Element, now: datetime) -> bool:
    """Return whether an element with `use` and `period` holds at `now`, as `read_validity` does."""
    return read_validity(element, now) is Validity.CURRENT


def is_within(period: Element, now: datetime) -> bool:
    """Return whether `now` is within a Period. Raises Malformed if it is read strictly."""
    start, end = read_period(period, now.tzinfo or UTC)
    return (start is None or start <= now) and (end is None or now <= end)


def describe_period(element: Element, now: datetime) -> str:
    """Return the `period` of an element in words, `from 1 Apr 2027 until 3 May 2027`, or empty."""
    start, end = _read_bounds(element, now)
    since = f"from {format_day_of(start, now)}" if start else ""
    until = f"until {format_day_of(end, now)}" if end else ""
    return " ".join(filter(None, (since, until)))


def format_day_of(instant: datetime, now: datetime) -> str:
    """Format the day of `instant` in the zone of `now`: `1 Apr 2027`."""
    day = instant.astimezone(now.tzinfo)
    return f"{day.day} {day:%b %Y}"


def _read_bounds(element: Element, now: datetime) -> tuple[datetime | None, datetime | None]:
    period = element.child("period")
    return read_period(period, now.tzinfo or UTC) if period else (None, None)
