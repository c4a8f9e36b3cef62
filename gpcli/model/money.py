"""Prices: ranges, with the record's own digits."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Surcharge:
    """A part of an amount that comes on top, such as the invoice fee; `name` as written."""

    name: str | None
    amount: Decimal


@dataclass(frozen=True)
class Rate:
    """One rate of a price: `applies` says when, `amount` is base plus `surcharges`."""

    applies: str | None
    amount: Decimal
    surcharges: tuple[Surcharge, ...] = ()


@dataclass(frozen=True)
class Price:
    """From the least to the most that a service may cost; `currency` as ISO 4217.

    `at_sending` tells that the portal charges for sending the request, whatever comes of it.
    """

    low: Decimal
    high: Decimal
    currency: str
    rates: tuple[Rate, ...] = ()
    at_sending: bool = False
