"""Dosage and Timing (R4): how much of a medicine is taken a day, where they tell it fully.

Whatever could make it another amount (a range, `as needed`, a count, what gpcli does not know)
leaves it untold: no amount is ever assumed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from gpcli.fhir.dosage import EVENTS, read_timing_codes
from gpcli.fhir.element import Element, Malformed, read_period

UCUM = "http://unitsofmeasure.org"

_PLAIN = frozenset({"id", "extension"})
_WORDS = _PLAIN | {"text", "_text", "patientInstruction", "_patientInstruction"}
_WORDED = _WORDS | {"sequence", "additionalInstruction", "route", "site", "method"}
"""Properties of a Dosage that say nothing of how much, or how often."""

_HOURS = {"h": 1, "d": 24, "wk": 7 * 24}
_WEEKDAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
_EACH_MEAL = frozenset({"C", "AC", "PC"})
"""Events (R4 EventTiming) of which a day has several."""
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?", re.ASCII)

_TIMES_BY_CODE = {
    "BID": Fraction(2),
    "TID": Fraction(3),
    "QID": Fraction(4),
    "AM": Fraction(1),
    "PM": Fraction(1),
    "QD": Fraction(1),
    "QOD": Fraction(1, 2),
    "Q1H": Fraction(24),
    "Q2H": Fraction(12),
    "Q3H": Fraction(8),
    "Q4H": Fraction(6),
    "Q6H": Fraction(4),
    "Q8H": Fraction(3),
    "BED": Fraction(1),
    "WK": Fraction(1, 7),
}
"""R4 TimingAbbreviation: times a day. `MO` is none, since months differ."""

_MOST_DIGITS = 9
"""More digits than that before or after the point are no amount of a medicine."""


class Unit(NamedTuple):
    """The unit of a Quantity: its name, and its code in a code system. Each may be empty."""

    name: str
    system: str
    code: str

    def is_same(self, other: Unit) -> bool:
        """Return whether two amounts can be compared.

        A code goes before a name, except for `1`, which only says that something is counted. What
        has neither name nor code is nothing that can be compared.
        """
        if self.code and other.code and (self.code != "1" or not (self.name and other.name)):
            return (self.system, self.code) == (other.system, other.code)
        return bool(self.name) and self.name.casefold() == other.name.casefold()


class Amount(NamedTuple):
    """An exact amount above zero."""

    value: Fraction
    unit: Unit


@dataclass(frozen=True)
class DailyDose:
    """How much is taken a day, on an average; and from which day to which, `None` = open."""

    amount: Amount
    first: date | None = None
    last: date | None = None


def read_amount(quantity: Element) -> Amount | None:
    """Return an exact Quantity above zero; `None` for any other. Raises Malformed."""
    if not _has_only(quantity, {"value", "unit", "system", "code"}):
        return None
    value = _read_exact(quantity, "value")
    texts = (quantity.string(name) or "" for name in ("unit", "system", "code"))
    return Amount(value, Unit(*texts)) if value else None


def is_structured(dosages: Sequence[Element]) -> bool:
    """Return whether one of several Dosages says more than words."""
    return any(not _has_only(each, _WORDED) for each in dosages)


def read_daily_dose(dosages: Sequence[Element], zone: tzinfo) -> DailyDose | None:
    """Return what Dosages that hold at the same time say together; `None` where it is not told.

    Those of different sequences follow each other, so that none of them tells it alone. `zone` is
    that of dates without a time. Source: R4 Dosage, Timing.
    """
    with suppress(Malformed):
        strict = [each.strictly() for each in dosages]
        if len({each.decimal("sequence") for each in strict}) == 1:
            return _join_doses([_read_dose(each, zone) for each in strict])
    return None


def _join_doses(doses: Sequence[DailyDose | None]) -> DailyDose | None:
    told = [each for each in doses if each]
    unit = told[0].amount.unit if told else Unit("", "", "")
    if len(told) < len(doses) or not all(unit.is_same(each.amount.unit) for each in told):
        return None
    return DailyDose(
        Amount(sum((each.amount.value for each in told), Fraction(0)), unit),
        max((each.first for each in told if each.first), default=None),
        min((each.last for each in told if each.last), default=None),
    )


def _read_dose(dosage: Element, zone: tzinfo) -> DailyDose | None:
    timing, doses = dosage.child("timing"), dosage.children("doseAndRate")
    if not _has_only(dosage, {*_WORDED, "timing", "doseAndRate", "asNeededBoolean"}):
        return None
    if dosage.boolean("asNeededBoolean") or timing is None or len(doses) != 1:
        return None
    quantity = doses[0].child("doseQuantity")
    is_plain = _has_only(doses[0], {"type", "doseQuantity"})
    amount = read_amount(quantity) if quantity and is_plain else None
    often = _read_times_a_day(timing)
    if amount is None or often is None:
        return None
    first, last = _read_bounds(timing, zone)
    return DailyDose(Amount(amount.value * often, amount.unit), first, last)


def _read_times_a_day(timing: Element) -> Fraction | None:
    """Return how often a day; `None` also where code and structured data contradict each other.

    Either of the two is the whole statement, but for the bounds.
    """
    if not _has_only(timing, {"repeat", "code"}):
        return None
    by_code = {_TIMES_BY_CODE.get(code) for code in read_timing_codes(timing)}
    repeat = timing.child("repeat")
    told = by_code - {None}
    if repeat and not _has_only(repeat, {"boundsPeriod"}):
        by_data = _read_repeat(repeat)
        if by_data is None:
            return None
        told |= {by_data}
    return told.pop() if len(told) == 1 else None


def _read_repeat(repeat: Element) -> Fraction | None:
    """Return how often a day the structured data of a Timing says.

    A time of the day is one of every day; days of the week leave out the others.
    """
    known = {"frequency", "period", "periodUnit", "dayOfWeek", "timeOfDay", "when", "offset"}
    if not _has_only(repeat, {"boundsPeriod", *known}):
        return None
    hours = _read_period_hours(repeat)
    often = _read_exact(repeat, "frequency") if "frequency" in repeat.json else Fraction(1)
    has_period = bool(repeat.json.keys() & {"frequency", "period", "periodUnit"})
    if has_period and not (hours and often and often.denominator == 1):
        return None
    by_period = often * 24 / hours if has_period and often and hours else None
    daily = _heed_moments(repeat, by_period)
    days = repeat.strings("dayOfWeek")
    if not days or daily is None:
        return daily
    if not _are_told_apart(days, _WEEKDAYS):
        return None
    if not has_period or hours == _HOURS["d"]:
        return daily * len(days) / 7
    return daily if hours == _HOURS["wk"] and often == len(days) else None


def _heed_moments(repeat: Element, by_period: Fraction | None) -> Fraction | None:
    """Return how often a day, where the moments of the day that are named do not contradict it."""
    times, events = repeat.strings("timeOfDay"), repeat.strings("when")
    if times and (events or not _are_told_apart(times) or not all(map(_is_time_of_day, times))):
        return None
    if times:
        return Fraction(len(times)) if by_period in {None, Fraction(len(times))} else None
    if not _are_told_apart(events, EVENTS):
        return None
    if len(events) > 1:
        return by_period if by_period == len(events) and not _EACH_MEAL & set(events) else None
    return None if by_period == 1 and _EACH_MEAL & set(events) else by_period


def _is_time_of_day(text: str) -> bool:
    return _TIME_OF_DAY.fullmatch(text) is not None


def _are_told_apart(words: Sequence[str], known: Collection[str] | None = None) -> bool:
    """Return whether no word is there twice, and all are known."""
    return len(set(words)) == len(words) and (known is None or all(each in known for each in words))


def _read_period_hours(repeat: Element) -> Fraction | None:
    period, unit = _read_exact(repeat, "period"), repeat.string("periodUnit")
    return period * _HOURS[unit] if period and unit in _HOURS else None


def _read_bounds(timing: Element, zone: tzinfo) -> tuple[date | None, date | None]:
    """Return the days of the period in which the dose is taken; raise Malformed."""
    repeat = timing.child("repeat")
    bounds = repeat.child("boundsPeriod") if repeat else None
    if bounds is None:
        return None, None
    if not _has_only(bounds, {"start", "end"}):
        raise bounds.malformed("start")
    first, last = (
        each.astimezone(zone).date() if each else None for each in read_period(bounds, zone)
    )
    return first, last


def _read_exact(element: Element, name: str) -> Fraction | None:
    """Return a number above zero as it is written; `None` for one beyond all measure."""
    value = element.decimal(name)
    if value is None or not value.is_finite() or value <= 0:
        return None
    return Fraction(value) if _is_of_measure(value) else None


def _is_of_measure(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return (
        value.adjusted() < _MOST_DIGITS and isinstance(exponent, int) and exponent >= -_MOST_DIGITS
    )


def _has_only(element: Element, names: Collection[str]) -> bool:
    """Return whether an element has no other properties than these, its id and its extensions."""
    return all(name in names or name in _PLAIN for name in element.json)
