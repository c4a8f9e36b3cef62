"""Requests to renew prescriptions, and what asking for that came to."""

from __future__ import annotations

from dataclasses import replace

from gpcli.model.prescription import Renewal
from gpcli.model.renewal_receipt import RenewalReceipt
from gpcli.render.times import Surroundings
from gpcli.render.view import Column, View, record_view
from gpcli.render.views.sent import sending_columns
from gpcli.render.views.wording import UNKNOWN

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


def renewal_label(one: Renewal, around: Surroundings) -> str:
    """A request to renew as one line to pick from."""
    asked = around.time(one.asked, one.zone)
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
            lambda one, around: around.time(one.asked, one.zone),
        ),
        Column(
            "updated",
            "Last change",
            lambda one: one.updated,
            lambda one, around: around.time(one.updated, one.zone),
            in_table=False,
        ),
        Column("answer", "Answer", lambda one: one.answer),
        Column("note", "Your note", lambda one: one.note, in_table=False),
        Column("zone", "Zone", lambda one: one.zone, for_people=False),
    ),
)


def _result(one: RenewalReceipt, around: Surroundings) -> str:
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
            lambda one, around: around.time(one.asked, one.zone),
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
