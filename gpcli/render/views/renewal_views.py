"""Requests to renew prescriptions, and their receipts."""

from __future__ import annotations

from dataclasses import replace

from gpcli.model.prescription import Renewal, RenewalReceipt
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, Entry, View, dataclass_view
from gpcli.render.views.wording import UNKNOWN, plan_columns, receipt_columns

RENEWAL_STATUSES = {
    "requested": "asked for",
    "received": "seen by the surgery",
    "accepted": "taken up by the surgery",
    "in-progress": "taken up by the surgery",
    "on-hold": "on hold",
    "ready": "taken up by the surgery",
    "entered-in-error": "entered in error",
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
    "entered-in-error": "dim",
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
    return time_format.phrasing.join((renewal.prescription, asked, format_renewal_status(renewal)))


def renewal_notes(renewal: Renewal) -> tuple[str, ...]:
    """Return the notes on a request that are neither the patient's own words nor the answer."""
    return tuple(note for note in renewal.notes if note not in {renewal.note, renewal.answer})


def describe_renewal(renewal: Renewal, time_format: TimeFormat) -> Entry:
    """Return a request as it stands in a list: how it stands, when it was asked, the answer."""
    asked = time_format.time(renewal.asked, renewal.zone)
    return Entry(
        renewal.prescription or str(renewal.id),
        str(renewal.id),
        (
            (
                (format_renewal_status(renewal), RENEWAL_STYLES.get(renewal.status, "")),
                (asked and f"asked {asked}", ""),
                (renewal.business_status or "", ""),
            ),
            ((renewal.answer or "", ""),),
        ),
    )


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
            wraps=False,
            moment=lambda renewal: (renewal.asked, renewal.zone),
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
        Column("business_status", "Progress", lambda renewal: renewal.business_status),
        Column("notes", "Notes", lambda renewal: renewal.notes, in_table=False),
    ),
    entry=describe_renewal,
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
        *plan_columns(RenewalReceipt),
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
