"""Codes and amounts in words for people."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from gpcli.model.money import Price
from gpcli.model.person import Person
from gpcli.render.times import Surroundings

UNKNOWN = "unknown"


class OnBehalf(Protocol):
    """Whatever names a patient and who acts for them."""

    @property
    def patient(self) -> Person:
        """Whom it is about."""

    @property
    def acting_user(self) -> Person | None:
        """Who acts, `None` where nobody said."""


STATUS = {
    "proposed": "waiting for the surgery",
    "pending": "waiting for the surgery",
    "waitlist": "on the waiting list",
    "booked": "booked",
    "arrived": "arrived",
    "checked-in": "arrived",
    "fulfilled": "took place",
    "cancelled": "cancelled",
    "noshow": "missed",
    "entered-in-error": "entered in error",
}
"""R4 AppointmentStatus in a patient's words; an unknown code is shown as written."""

STATUS_STYLE = {"booked": "green", "proposed": "yellow", "pending": "yellow", "cancelled": "dim"}


def status_words(status: str) -> str:
    """An appointment's status for people."""
    return STATUS.get(status, status)


def acting_words(sent: OnBehalf, around: Surroundings) -> str:
    """Who acts, where it is not the patient; nothing otherwise."""
    return "" if sent.acting_user in {None, sent.patient} else acting_name(sent) or ""


def acting_name(sent: OnBehalf) -> str | None:
    """Who acts, `None` where nobody said."""
    return sent.acting_user.name if sent.acting_user else None


def price_words(price: Price | None) -> str:
    """`NOK 180–392`, `free`, or `unknown`: never 0 for what nobody knows."""
    if price is None:
        return UNKNOWN
    if price.high == 0:
        return "free"
    if price.low == price.high:
        return f"{price.currency} {_amount(price.low)}"
    return f"{price.currency} {_amount(price.low)}–{_amount(price.high)}"


def price_cell(price: Price | None) -> str | None:
    """`180-392 NOK` for scripts, `None` when unknown."""
    if price is None:
        return None
    amounts = dict.fromkeys((_amount(price.low), _amount(price.high)))
    return f"{'-'.join(amounts)} {price.currency}"


def _amount(amount: Decimal) -> str:
    return format(amount, "f")
