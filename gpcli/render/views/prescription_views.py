"""Prescriptions, what is left of them, and requests to renew them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date

from gpcli.model.prescription import Basis, Prescription, Remaining, Renewal, RenewalReceipt
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.wording import UNKNOWN, receipt_columns

RENEWAL_STATUSES = {
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
"""R4 TaskStatus in a patient's words; an unknown code is shown as recorded."""

RENEWAL_STYLES = {
    "completed": "green",
    "rejected": "red",
    "failed": "red",
    "cancelled": "dim",
    "requested": "yellow",
    "received": "yellow",
    "accepted": "yellow",
    "in-progress": "yellow",
}
"""The rich style of each status in a table."""


def format_renewal_status(renewal: Renewal | None) -> str:
    """Format the status of a request to renew; empty where there is none."""
    return RENEWAL_STATUSES.get(renewal.status, renewal.status) if renewal else ""


def renewal_label(renewal: Renewal, time_format: TimeFormat) -> str:
    """Return the line for a request to renew in a list of choices."""
    asked = time_format.time(renewal.asked, renewal.zone)
    return " · ".join(filter(None, (renewal.prescription, asked, format_renewal_status(renewal))))


REQUESTS: View[Renewal] = dataclass_view(
    Renewal,
    "renewals",
    (
        Column("id", "ID", lambda renewal: renewal.id),
        Column("prescription", "Prescription", lambda renewal: renewal.prescription),
        Column(
            "prescription_id", "Its ID", lambda renewal: renewal.prescription_id, in_table=False
        ),
        Column(
            "status",
            "Status",
            lambda renewal: renewal.status,
            lambda renewal, _: format_renewal_status(renewal),
            style=lambda renewal: RENEWAL_STYLES.get(renewal.status, ""),
        ),
        Column(
            "asked",
            "Asked",
            lambda renewal: renewal.asked,
            lambda renewal, time_format: time_format.time(renewal.asked, renewal.zone),
        ),
        Column(
            "updated",
            "Last change",
            lambda renewal: renewal.updated,
            lambda renewal, time_format: time_format.time(renewal.updated, renewal.zone),
            in_table=False,
        ),
        Column("answer", "Answer", lambda renewal: renewal.answer),
        Column("note", "Your note", lambda renewal: renewal.note, in_table=False),
        Column("zone", "Zone", lambda renewal: renewal.zone, for_people=False),
    ),
)


def _format_result(receipt: RenewalReceipt, time_format: TimeFormat) -> str:
    if receipt.error:
        return f"not asked: {receipt.error.message}"
    if receipt.dry_run and receipt.id is None:
        return "not sent"
    words = RENEWAL_STATUSES.get(receipt.status or "", receipt.status or UNKNOWN)
    return words if receipt.changed else f"{words} before"


def _result_style(receipt: RenewalReceipt) -> str:
    return "red" if receipt.error else RENEWAL_STYLES.get(receipt.status or "", "")


RENEWAL_RECEIPTS: View[RenewalReceipt] = dataclass_view(
    RenewalReceipt,
    "renewal-receipts",
    (
        Column("prescription_id", "ID", lambda receipt: receipt.prescription_id),
        Column("prescription", "Prescription", lambda receipt: receipt.prescription),
        Column("id", "Request", lambda receipt: receipt.id),
        Column(
            "status", "Result", lambda receipt: receipt.status, _format_result, style=_result_style
        ),
        Column("answer", "Answer", lambda receipt: receipt.answer),
        Column("warning", "Warning", lambda receipt: receipt.warning),
        Column(
            "error",
            "Error",
            lambda receipt: receipt.error.code if receipt.error else None,
            for_people=False,
        ),
        Column(
            "asked",
            "Asked",
            lambda receipt: receipt.asked,
            lambda receipt, time_format: time_format.time(receipt.asked, receipt.zone),
            in_table=False,
        ),
        Column("zone", "Zone", lambda receipt: receipt.zone, for_people=False),
        *receipt_columns(RenewalReceipt),
    ),
)

WITHDRAWALS: View[RenewalReceipt] = replace(
    RENEWAL_RECEIPTS,
    name="withdrawal-receipts",
    columns=(
        Column("id", "ID", lambda receipt: receipt.id),
        Column("prescription", "Prescription", lambda receipt: receipt.prescription),
        Column("prescription_id", "Its ID", lambda receipt: receipt.prescription_id),
        *(
            column
            for column in RENEWAL_RECEIPTS.columns
            if column.name not in {"id", "prescription", "prescription_id"}
        ),
    ),
)
"""The receipt of a withdrawn request, whose id comes first, as in the list of requests."""


BASIS_TEXTS = {
    Basis.PORTAL: "by the portal",
    Basis.DISPENSES: "counted",
    Basis.EXPIRED: "expired",
}
"""Where the number of remaining fills is from; counted = from what was dispensed."""

_PRESCRIPTION_STATUSES = {"active": "in use", "completed": "ended", "stopped": "stopped"}
"""R4 medicationrequest-status in a patient's words; an unknown code is shown as recorded."""

_NOTED_GROUPS = frozenset({"A", "B"})
"""The prescription groups that are shown in lists: a consultation may be needed first."""


def format_remaining(remaining: Remaining | None) -> str:
    """Format how many fills remain: `3 times`, `none left`, `unknown`."""
    if remaining is None:
        return UNKNOWN
    if remaining.fills <= 0:
        return "none left"
    return "once" if remaining.fills == 1 else f"{remaining.fills} times"


def prescription_label(prescription: Prescription) -> str:
    """Return the line for a prescription in a list of choices."""
    group = f"group {prescription.group}" if prescription.group in _NOTED_GROUPS else ""
    parts = (
        prescription.label,
        format_remaining(prescription.remaining),
        group,
        format_renewal_status(prescription.renewal),
        prescription.prescriber,
    )
    return " · ".join(filter(None, parts))


def _format_remaining_with_basis(prescription: Prescription, time_format: TimeFormat) -> str:
    remaining = format_remaining(prescription.remaining)
    return ", ".join(filter(None, (remaining, _format_basis(prescription, time_format))))


def _remaining_style(prescription: Prescription) -> str:
    if prescription.low:
        return "yellow"
    return "dim" if prescription.remaining is None or prescription.expired else ""


def _format_status(prescription: Prescription) -> str:
    """Format the status; a prescription past its end is expired, whatever its status."""
    if prescription.expired:
        return "expired"
    return _PRESCRIPTION_STATUSES.get(prescription.status, prescription.status)


def _format_unusual_status(prescription: Prescription) -> str:
    status = _format_status(prescription)
    return "" if status == _PRESCRIPTION_STATUSES["active"] else status


def _basis_code(prescription: Prescription) -> str | None:
    return prescription.remaining.basis.value if prescription.remaining else None


def _format_basis(prescription: Prescription, time_format: TimeFormat) -> str:
    return BASIS_TEXTS[prescription.remaining.basis] if prescription.remaining else ""


def _format_quantity(prescription: Prescription) -> str | None:
    quantity = prescription.remaining.quantity if prescription.remaining else None
    return f"{quantity.value:f} {quantity.unit or ''}".strip() if quantity else None


def _format_recorded_day(recorded: str | None, time_format: TimeFormat) -> str:
    """Format a recorded date; a partial one, such as a year, stays as it is."""
    with suppress(ValueError):
        return time_format.day(date.fromisoformat((recorded or "")[:10]))
    return recorded or ""


PRESCRIPTIONS: View[Prescription] = dataclass_view(
    Prescription,
    "prescriptions",
    (
        Column("id", "ID", lambda prescription: prescription.id),
        Column(
            "name",
            "Name",
            lambda prescription: prescription.name,
            lambda prescription, _: prescription.label,
        ),
        Column("strength", "Strength", lambda prescription: prescription.strength, in_table=False),
        Column("form", "Form", lambda prescription: prescription.form, in_table=False),
        Column("dose", "Dose", lambda prescription: prescription.dose, droppable=True),
        Column(
            "remaining",
            "Left",
            lambda prescription: prescription.remaining.fills if prescription.remaining else None,
            _format_remaining_with_basis,
            style=_remaining_style,
        ),
        Column(
            "basis",
            "Basis",
            _basis_code,
            _format_basis,
            in_table=False,
            json_path="remaining.basis",
        ),
        Column(
            "quantity",
            "Amount left",
            _format_quantity,
            in_table=False,
            json_path="remaining.quantity",
        ),
        Column(
            "valid_until",
            "Valid until",
            lambda prescription: prescription.valid_until,
            lambda prescription, time_format: _format_recorded_day(
                prescription.valid_until, time_format
            ),
        ),
        Column("expired", "Expired", lambda prescription: prescription.expired, in_table=False),
        Column("low", "Runs out", lambda prescription: prescription.low, in_table=False),
        Column(
            "renewal",
            "Renewal",
            lambda prescription: prescription.renewal.status if prescription.renewal else None,
            lambda prescription, _: format_renewal_status(prescription.renewal),
            style=lambda prescription: (
                RENEWAL_STYLES.get(prescription.renewal.status, "") if prescription.renewal else ""
            ),
        ),
        Column(
            "renewal_id",
            "Request",
            lambda prescription: prescription.renewal.id if prescription.renewal else None,
            in_table=False,
            json_path="renewal.id",
        ),
        Column(
            "prescriber", "Prescriber", lambda prescription: prescription.prescriber, in_table=False
        ),
        Column("kind", "Kind", lambda prescription: prescription.kind, in_table=False),
        Column(
            "group",
            "Group",
            lambda prescription: prescription.group,
            lambda prescription, _: (
                prescription.group or "" if prescription.group in _NOTED_GROUPS else ""
            ),
        ),
        Column(
            "status",
            "Status",
            lambda prescription: prescription.status,
            lambda prescription, _: _format_unusual_status(prescription),
            style="dim",
        ),
        Column(
            "issued",
            "Issued",
            lambda prescription: prescription.issued,
            lambda prescription, time_format: _format_recorded_day(
                prescription.issued, time_format
            ),
            in_table=False,
        ),
        Column("zone", "Zone", lambda prescription: prescription.zone, for_people=False),
        Column(
            "renewal_answer",
            "Answer",
            lambda prescription: prescription.renewal.answer if prescription.renewal else None,
            in_table=False,
        ),
        Column(
            "predecessors",
            "Replaces",
            lambda prescription: prescription.predecessors,
            in_table=False,
        ),
    ),
)
"""Prescriptions in a list, which shows the status and the group only where they are unusual."""

_DETAIL_COLUMNS = {
    "remaining": Column[Prescription](
        "remaining",
        "Left",
        lambda prescription: prescription.remaining.fills if prescription.remaining else None,
        lambda prescription, _: format_remaining(prescription.remaining),
        style=_remaining_style,
    ),
    "group": Column[Prescription]("group", "Group", lambda prescription: prescription.group),
    "status": Column[Prescription](
        "status",
        "Status",
        lambda prescription: prescription.status,
        lambda prescription, _: _format_status(prescription),
    ),
}

PRESCRIPTION: View[Prescription] = replace(
    PRESCRIPTIONS,
    name="prescription",
    columns=tuple(_DETAIL_COLUMNS.get(column.name, column) for column in PRESCRIPTIONS.columns),
)
"""One prescription, with everything that is known about it."""
