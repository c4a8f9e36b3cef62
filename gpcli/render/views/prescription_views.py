"""Prescriptions, what is left of them, and requests to renew them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date

from gpcli.model.prescription import Basis, Prescription, Remaining, Renewal, RenewalReceipt
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, record_view
from gpcli.render.views.wording import UNKNOWN, sending_columns

RENEWAL_STATUS = {
    "requested": "asked for",
    "received": "seen by the surgery",
    "accepted": "taken up by the surgery",
    "in-progress": "taken up by the surgery",
    "on-hold": "on hold",
    "completed": "renewed",
    "rejected": "refused",
    "failed": "failed",
    "cancelled": "withdrawn",
}
"""R4 TaskStatus in a patient's words; an unknown code is shown as written."""

STYLES = {
    "completed": "green",
    "rejected": "red",
    "failed": "red",
    "cancelled": "dim",
    "requested": "yellow",
    "received": "yellow",
    "accepted": "yellow",
    "in-progress": "yellow",
}
"""How a table paints each status."""


def renewal_words(renewal: Renewal | None) -> str:
    """How a request to renew stands, for people; nothing where there is none."""
    return RENEWAL_STATUS.get(renewal.status, renewal.status) if renewal else ""


def renewal_label(one: Renewal, time_format: TimeFormat) -> str:
    """A request to renew as one line to pick from."""
    asked = time_format.time(one.asked, one.zone)
    return " · ".join(filter(None, (one.prescription, asked, renewal_words(one))))


REQUESTS: View[Renewal] = record_view(
    Renewal,
    "renewals",
    (
        Column("id", "ID", lambda one: one.id),
        Column("prescription", "Prescription", lambda one: one.prescription),
        Column("prescription_id", "Its ID", lambda one: one.prescription_id, in_table=False),
        Column(
            "status",
            "Status",
            lambda one: one.status,
            lambda one, _: renewal_words(one),
            style=lambda one: STYLES.get(one.status, ""),
        ),
        Column(
            "asked",
            "Asked",
            lambda one: one.asked,
            lambda one, time_format: time_format.time(one.asked, one.zone),
        ),
        Column(
            "updated",
            "Last change",
            lambda one: one.updated,
            lambda one, time_format: time_format.time(one.updated, one.zone),
            in_table=False,
        ),
        Column("answer", "Answer", lambda one: one.answer),
        Column("note", "Your note", lambda one: one.note, in_table=False),
        Column("zone", "Zone", lambda one: one.zone, for_people=False),
    ),
)


def _result(one: RenewalReceipt, time_format: TimeFormat) -> str:
    if one.error:
        return f"not asked: {one.error.message}"
    if one.dry_run and one.id is None:
        return "not sent"
    words = RENEWAL_STATUS.get(one.status or "", one.status or UNKNOWN)
    return words if one.changed else f"{words} before"


def _result_style(one: RenewalReceipt) -> str:
    return "red" if one.error else STYLES.get(one.status or "", "")


RENEWAL_RECEIPTS: View[RenewalReceipt] = record_view(
    RenewalReceipt,
    "renewal-receipts",
    (
        Column("prescription_id", "ID", lambda one: one.prescription_id),
        Column("prescription", "Prescription", lambda one: one.prescription),
        Column("id", "Request", lambda one: one.id),
        Column("status", "Result", lambda one: one.status, _result, style=_result_style),
        Column("answer", "Answer", lambda one: one.answer),
        Column("warning", "Warning", lambda one: one.warning),
        Column(
            "error",
            "Error",
            lambda one: one.error.code if one.error else None,
            for_people=False,
        ),
        Column(
            "asked",
            "Asked",
            lambda one: one.asked,
            lambda one, time_format: time_format.time(one.asked, one.zone),
            in_table=False,
        ),
        Column("zone", "Zone", lambda one: one.zone, for_people=False),
        *sending_columns(RenewalReceipt),
    ),
)

WITHDRAWALS: View[RenewalReceipt] = replace(
    RENEWAL_RECEIPTS,
    name="withdrawal-receipts",
    columns=(
        Column("id", "ID", lambda one: one.id),
        Column("prescription", "Prescription", lambda one: one.prescription),
        Column("prescription_id", "Its ID", lambda one: one.prescription_id),
        *(
            column
            for column in RENEWAL_RECEIPTS.columns
            if column.name not in {"id", "prescription", "prescription_id"}
        ),
    ),
)
"""A request that was taken back, under its own id as in the list of requests."""


BASIS = {
    Basis.PORTAL: "by the portal",
    Basis.DISPENSES: "counted",
    Basis.EXPIRED: "expired",
}
"""What a figure of what is left rests on, in words; counted is what was handed out."""

_STATUS = {"active": "in use", "completed": "ended", "stopped": "stopped"}
"""R4 medicationrequest-status in a patient's words."""

_STRICT = frozenset({"A", "B"})
"""The prescription groups that matter to a patient: a consultation may be needed first."""


def left_words(remaining: Remaining | None) -> str:
    """How often it can be fetched still: `3 times`, `none left`, `unknown`."""
    if remaining is None:
        return UNKNOWN
    if remaining.fills <= 0:
        return "none left"
    return "once" if remaining.fills == 1 else f"{remaining.fills} times"


def prescription_label(one: Prescription) -> str:
    """A prescription as one line to pick from."""
    group = f"group {one.group}" if one.group in _STRICT else ""
    left, renewal = left_words(one.remaining), renewal_words(one.renewal)
    parts = (one.label, left, group, renewal, one.prescriber)
    return " · ".join(filter(None, parts))


def _left_and_why(one: Prescription, time_format: TimeFormat) -> str:
    return ", ".join(filter(None, (left_words(one.remaining), _basis_words(one, time_format))))


def _left_style(one: Prescription) -> str:
    if one.low:
        return "yellow"
    return "dim" if one.remaining is None or one.expired else ""


def _status(one: Prescription) -> str:
    """How it stands; of one that can be fetched no longer, why."""
    if one.expired:
        return "expired"
    return _STATUS.get(one.status, one.status)


def _unusual_status(one: Prescription) -> str:
    return "" if _status(one) == _STATUS["active"] else _status(one)


def _basis(one: Prescription) -> str | None:
    return one.remaining.basis.value if one.remaining else None


def _basis_words(one: Prescription, time_format: TimeFormat) -> str:
    return BASIS[one.remaining.basis] if one.remaining else ""


def _quantity(one: Prescription) -> str | None:
    quantity = one.remaining.quantity if one.remaining else None
    return f"{quantity.value:f} {quantity.unit or ''}".strip() if quantity else None


def _day(written: str | None, time_format: TimeFormat) -> str:
    """A date as written in words; a partial one stays as it is."""
    with suppress(ValueError):
        return time_format.day(date.fromisoformat((written or "")[:10]))
    return written or ""


PRESCRIPTIONS: View[Prescription] = record_view(
    Prescription,
    "prescriptions",
    (
        Column("id", "ID", lambda one: one.id),
        Column("name", "Name", lambda one: one.name, lambda one, _: one.label),
        Column("strength", "Strength", lambda one: one.strength, in_table=False),
        Column("form", "Form", lambda one: one.form, in_table=False),
        Column("dose", "Dose", lambda one: one.dose, spare=True),
        Column(
            "remaining",
            "Left",
            lambda one: one.remaining.fills if one.remaining else None,
            _left_and_why,
            style=_left_style,
        ),
        Column("basis", "Basis", _basis, _basis_words, in_table=False, inside="remaining.basis"),
        Column("quantity", "Amount left", _quantity, in_table=False, inside="remaining.quantity"),
        Column(
            "valid_until",
            "Valid until",
            lambda one: one.valid_until,
            lambda one, time_format: _day(one.valid_until, time_format),
        ),
        Column("expired", "Expired", lambda one: one.expired, in_table=False),
        Column("low", "Runs out", lambda one: one.low, in_table=False),
        Column(
            "renewal",
            "Renewal",
            lambda one: one.renewal.status if one.renewal else None,
            lambda one, _: renewal_words(one.renewal),
            style=lambda one: STYLES.get(one.renewal.status, "") if one.renewal else "",
        ),
        Column(
            "renewal_id",
            "Request",
            lambda one: one.renewal.id if one.renewal else None,
            in_table=False,
            inside="renewal.id",
        ),
        Column("prescriber", "Prescriber", lambda one: one.prescriber, in_table=False),
        Column("kind", "Kind", lambda one: one.kind, in_table=False),
        Column(
            "group",
            "Group",
            lambda one: one.group,
            lambda one, _: one.group or "" if one.group in _STRICT else "",
        ),
        Column(
            "status",
            "Status",
            lambda one: one.status,
            lambda one, _: _unusual_status(one),
            style="dim",
        ),
        Column(
            "issued",
            "Issued",
            lambda one: one.issued,
            lambda one, time_format: _day(one.issued, time_format),
            in_table=False,
        ),
        Column("zone", "Zone", lambda one: one.zone, for_people=False),
        Column(
            "renewal_answer",
            "Answer",
            lambda one: one.renewal.answer if one.renewal else None,
            in_table=False,
        ),
        Column("predecessors", "Replaces", lambda one: one.predecessors, in_table=False),
    ),
)
"""A list; it tells the status and the group only of those where they are out of the ordinary."""

_SAID_OF_ONE = {
    "remaining": Column[Prescription](
        "remaining",
        "Left",
        lambda one: one.remaining.fills if one.remaining else None,
        lambda one, _: left_words(one.remaining),
        style=_left_style,
    ),
    "group": Column[Prescription]("group", "Group", lambda one: one.group),
    "status": Column[Prescription](
        "status", "Status", lambda one: one.status, lambda one, _: _status(one)
    ),
}

PRESCRIPTION: View[Prescription] = replace(
    PRESCRIPTIONS,
    name="prescription",
    columns=tuple(_SAID_OF_ONE.get(column.name, column) for column in PRESCRIPTIONS.columns),
)
"""One prescription, with everything that is known of it."""
