"""Status codes and prices as text, the columns of receipts, and plans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from gpcli.model.account import Environment
from gpcli.model.appointment import Window
from gpcli.model.person import Person
from gpcli.model.receipt import PlanValue, Receipt
from gpcli.model.service import Charge, Price, format_decimal
from gpcli.render.phrasing import MARKS, Phrasing
from gpcli.render.stderr import WordedPlan
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column

UNKNOWN = "unknown"


class ActingParties(Protocol):
    """A record that names a patient and who acts for them."""

    @property
    def patient(self) -> Person:
        """The patient."""

    @property
    def acting_user(self) -> Person | None:
        """Who acts; `None` = not known."""


APPOINTMENT_STATUSES = {
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
"""R4 AppointmentStatus in a patient's words; an unknown code is shown as recorded."""

STATUS_STYLES = {"booked": "green", "proposed": "yellow", "pending": "yellow", "cancelled": "dim"}


def format_appointment_status(status: str) -> str:
    """Format the status of an appointment."""
    return APPOINTMENT_STATUSES.get(status, status)


def format_acting_user(record: ActingParties, time_format: TimeFormat) -> str:
    """Return the name of who acts; empty where that is the patient or not known."""
    return "" if record.acting_user in {None, record.patient} else acting_name(record) or ""


def acting_name(record: ActingParties) -> str | None:
    """Return the name of who acts; `None` = not known."""
    return record.acting_user.name if record.acting_user else None


def format_price(price: Price | None, phrasing: Phrasing = MARKS) -> str:
    """Format a price for people: `NOK 180–392`, `free`, or `unknown` for `None`."""
    if price is None:
        return UNKNOWN
    if price.high == 0:
        return "free"
    if price.low == price.high:
        return f"{price.currency} {format_decimal(price.low)}"
    low, high = format_decimal(price.low), format_decimal(price.high)
    return f"{price.currency} {phrasing.range(low, high)}"


def format_plain_price(price: Price | None) -> str | None:
    """Format a price for plain lines: `180-392 NOK`; `None` = unknown."""
    if price is None:
        return None
    amounts = dict.fromkeys((format_decimal(price.low), format_decimal(price.high)))
    return f"{'-'.join(amounts)} {price.currency}"


Kind = TypeVar("Kind", bound=Receipt)


def receipt_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """Return the columns that every receipt has, for receipts of `kind`."""
    return (
        Column("changed", "Changed", lambda receipt: receipt.changed, for_people=False),
        Column("dry_run", "Dry run", lambda receipt: receipt.dry_run, for_people=False),
        Column("request_id", "Request", lambda receipt: receipt.request_id, for_people=False),
        Column("patient", "For", lambda receipt: receipt.patient.name),
        Column("acting_user", "By", acting_name, format_acting_user),
    )


def plan_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """Return the last columns that every receipt has: what a dry run's plan is agreed to by."""
    return (
        Column("plan_id", "Plan", lambda receipt: receipt.plan_id, for_people=False),
        Column("plan_until", "Good until", lambda receipt: receipt.plan_until, for_people=False),
    )


def build_plan(
    action: str,
    rows: Iterable[tuple[str, PlanValue]],
    warnings: tuple[str, ...],
    charge: Charge | None,
    *,
    environment: Environment,
    zone: str,
    time_format: TimeFormat,
) -> WordedPlan:
    """Return a plan with its values formatted.

    Rows without a value are left out, except for prices: an unknown one is shown as such.
    """
    formatted = tuple(
        (label, _format_plan_value(label, value, zone, time_format)) for label, value in rows
    )
    shown = tuple(row for row in formatted if row[1])
    if charge is None or charge.is_free:
        return WordedPlan(action, shown, environment, warnings)
    amount = _format_amount(charge, time_format.phrasing)
    cost = f"{charge.what} costs {amount}."
    if charge.free_until:
        until = time_format.time(charge.free_until, zone)
        cost = f"The free deadline was {until}: {_lower_first(charge.what)} costs {amount}."
    return WordedPlan(action, shown, environment, warnings, cost, amount)


def _format_amount(charge: Charge, phrasing: Phrasing) -> str:
    """Format what sending costs, as the object of a sentence."""
    if charge.price is None:
        return "an unknown amount"
    price = format_price(charge.price, phrasing)
    return price if charge.is_certain else f"up to {price}"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _format_plan_value(label: str, value: PlanValue, zone: str, time_format: TimeFormat) -> str:
    """Format a value of a plan; `None` with a label that begins with Price = an unknown price."""
    if isinstance(value, Window):
        return time_format.period(value.start, value.end, zone)
    if isinstance(value, datetime):
        return time_format.time(value, zone)
    if isinstance(value, Price) or label.startswith("Price"):
        return format_price(value if isinstance(value, Price) else None, time_format.phrasing)
    return value or ""
