"""Quantity, Range, Ratio and units of time (R4), with the record's own digits."""

from __future__ import annotations

from decimal import Decimal

from gpcli.fhir.element import Element
from gpcli.model.prescription import Quantity
from gpcli.model.service import format_decimal

_COMPARATORS = {"<": "less than ", "<=": "at most ", ">=": "at least ", ">": "more than "}
"""R4 QuantityComparator, a modifier: with one, the value is not the amount itself."""

TIME_UNITS = {
    "s": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "d": ("day", "days"),
    "wk": ("week", "weeks"),
    "mo": ("month", "months"),
    "a": ("year", "years"),
}
"""UCUM codes of UnitsOfTime, for one and for several."""


def read_quantity(element: Element, name: str) -> Quantity | None:
    """Return an exact Quantity with the name of its unit, else its code.

    `None` without a value, and where a comparator says that the amount is another.
    """
    quantity = element.child(name)
    value = quantity.decimal("value") if quantity else None
    if quantity is None or value is None or quantity.json.get("comparator"):
        return None
    return Quantity(value, quantity.string("unit") or quantity.string("code"))


def word_quantity(quantity: Element) -> str | None:
    """Return a Quantity in words, such as `at most 5 mg`; `None` where it can't be worded.

    That is without a value, or with a comparator that R4 does not have.
    """
    amount = _word_amount(quantity)
    comparator = quantity.json.get("comparator")
    if amount is None or not comparator:
        return amount
    words = _COMPARATORS.get(comparator) if isinstance(comparator, str) else None
    return f"{words}{amount}" if words else None


def word_range(limits: Element) -> str | None:
    """Return a Range in words, such as `1 to 2 tablets`; `None` where it can't be worded."""
    low, high = limits.child("low"), limits.child("high")
    if low is None or high is None:
        return _word_half(low, "at least") or _word_half(high, "at most")
    if low.json.get("comparator") or high.json.get("comparator"):
        return None
    first, last = _word_amount(low), _word_amount(high)
    if first is None or last is None:
        return None
    value = low.decimal("value")
    if value is not None and _read_unit(low, value) == _read_unit(high, value):
        return f"{format_decimal(value)} to {last}"
    return f"{first} to {last}"


def word_ratio(ratio: Element) -> str | None:
    """Return a Ratio in words, such as `4 g per day`; `None` where it can't be worded."""
    numerator, denominator = ratio.child("numerator"), ratio.child("denominator")
    amount = word_quantity(numerator) if numerator else None
    value = denominator.decimal("value") if denominator else None
    if amount is None or denominator is None or value is None or denominator.json.get("comparator"):
        return None
    if value == 1:
        return " per ".join(filter(None, (amount, _read_unit(denominator, value))))
    per = _word_amount(denominator) if value else None
    return f"{amount} per {per}" if per else None


def _word_half(quantity: Element | None, words: str) -> str | None:
    """Return the one end that a Range has; `None` where it can't be worded."""
    if quantity is None or quantity.json.get("comparator"):
        return None
    amount = _word_amount(quantity)
    return f"{words} {amount}" if amount else None


def _word_amount(quantity: Element) -> str | None:
    """Return value and unit, without the comparator; `None` without a value from zero up."""
    value = quantity.decimal("value")
    if value is None or value < 0:
        return None
    return " ".join(filter(None, (format_decimal(value), _read_unit(quantity, value))))


def _read_unit(quantity: Element, value: Decimal) -> str:
    """Return the unit for people; empty where there is none, or it is the number itself."""
    unit = quantity.string("unit") or quantity.string("code") or ""
    if unit in TIME_UNITS:
        return TIME_UNITS[unit][value != 1]
    if unit.startswith("{") and unit.endswith("}"):  # an annotation of UCUM
        return unit[1:-1]
    return "" if unit == "1" else unit
