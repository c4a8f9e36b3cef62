"""Codes and amounts in words for people."""

from __future__ import annotations

from decimal import Decimal

from gpcli.model.money import Price

UNKNOWN = "unknown"

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
