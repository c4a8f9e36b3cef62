"""Codes and amounts in words for people, the columns of receipts, and plans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from gpcli.model.appointment import Window
from gpcli.model.person import Person
from gpcli.model.receipt import PlanValue, Receipt
from gpcli.model.service import Price
from gpcli.render.stderr import Plan
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column

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


def acting_words(sent: OnBehalf, time_format: TimeFormat) -> str:
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


Kind = TypeVar("Kind", bound=Receipt)


def sending_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """The columns for a receipt of `kind`."""
    return (
        Column("changed", "Changed", lambda one: one.changed, for_people=False),
        Column("dry_run", "Dry run", lambda one: one.dry_run, for_people=False),
        Column("request_id", "Request", lambda one: one.request_id, for_people=False),
        Column("patient", "For", lambda one: one.patient.name),
        Column("acting_user", "By", acting_name, acting_words),
    )


def plan_of(
    action: str,
    rows: Iterable[tuple[str, PlanValue]],
    warnings: tuple[str, ...],
    *,
    environment: str,
    zone: str,
    now: datetime,
) -> Plan:
    """Word each value; rows without one are left out, an unknown price is said to be so."""
    time_format = TimeFormat(now)
    worded = tuple((label, _words(label, value, zone, time_format)) for label, value in rows)
    return Plan(action, tuple(row for row in worded if row[1]), environment, warnings)


def _words(label: str, value: PlanValue, zone: str, time_format: TimeFormat) -> str:
    if isinstance(value, Window):
        return time_format.period(value.start, value.end, zone)
    if isinstance(value, datetime):
        return time_format.time(value, zone)
    if isinstance(value, Price) or label.startswith("Price"):
        return price_words(value if isinstance(value, Price) else None)
    return value or ""
