"""Prescriptions, what is left of them, and requests to renew them."""

from __future__ import annotations

from dataclasses import replace

from gpcli.model.prescription import Basis, Prescription, Remaining, Renewal, RenewalReceipt
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.supply_views import SUPPLY_UNTIL
from gpcli.render.views.wording import UNKNOWN, receipt_columns

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
    return " · ".join(filter(None, (renewal.prescription, asked, format_renewal_status(renewal))))


def renewal_notes(renewal: Renewal) -> tuple[str, ...]:
    """Return the notes on a request that are neither the patient's own words nor the answer."""
    return tuple(note for note in renewal.notes if note not in {renewal.note, renewal.answer})


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
        Column("business_status", "Progress", lambda renewal: renewal.business_status),
        Column("notes", "Notes", lambda renewal: renewal.notes, in_table=False),
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

_PRESCRIPTION_STATUSES = {
    "active": "in use",
    "on-hold": "on hold",
    "completed": "ended",
    "stopped": "stopped",
    "cancelled": "cancelled",
    "draft": "draft",
    "entered-in-error": "entered in error",
    "unknown": "unknown if in use",
}
"""R4 medicationrequest-status in a patient's words; an unknown code is shown as recorded."""

_YES_NO = {True: "yes", False: "no"}

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
        _format_unusual_status(prescription),
        "" if prescription.do_not_take else format_remaining(prescription.remaining),
        group,
        format_renewal_status(prescription.renewal),
        prescription.prescriber,
    )
    return " · ".join(filter(None, parts))


def prescription_notes(prescription: Prescription) -> tuple[str, ...]:
    """Return what a list has no room for: why not to take it, why it is on hold, what to heed.

    Each is a phrase, in the order of its weight.
    """
    status = _format_unusual_status(prescription)
    reasons = (prescription.status_reason, prescription.reason)
    because = (
        "; ".join(filter(None, reasons)) if prescription.do_not_take else prescription.status_reason
    )
    return tuple(
        filter(
            None,
            (
                ": ".join(filter(None, (status, because))) if because else "",
                _format_report(prescription),
                prescription.instructions,
            ),
        )
    )


def _format_report(prescription: Prescription) -> str:
    if not prescription.reported:
        return ""
    by = f" by {prescription.reported_by}" if prescription.reported_by else ""
    return f"on record as reported{by}, not as prescribed"


def _format_left(prescription: Prescription) -> str:
    return "" if prescription.do_not_take else format_remaining(prescription.remaining)


def _format_remaining_with_basis(prescription: Prescription, time_format: TimeFormat) -> str:
    if prescription.do_not_take:
        return ""
    remaining = format_remaining(prescription.remaining)
    return ", ".join(filter(None, (remaining, _format_basis(prescription, time_format))))


def _remaining_style(prescription: Prescription) -> str:
    if prescription.low:
        return "yellow"
    return "dim" if prescription.remaining is None or prescription.expired else ""


def _format_status(prescription: Prescription) -> str:
    """Format the status; a prescription past its end is expired, whatever its status.

    What is no prescription of something to take is called what it is.
    """
    words = _PRESCRIPTION_STATUSES.get(prescription.status, prescription.status)
    if not prescription.is_prescribed:
        return words if prescription.status != "active" else "only proposed"
    words = "expired" if prescription.expired else words
    if not prescription.do_not_take:
        return words
    return "do not take" if prescription.is_current else f"do not take ({words})"


def _format_unusual_status(prescription: Prescription) -> str:
    status = _format_status(prescription)
    return "" if status == _PRESCRIPTION_STATUSES["active"] else status


def _basis_code(prescription: Prescription) -> str | None:
    return prescription.remaining.basis.value if prescription.remaining else None


def _format_basis(prescription: Prescription, time_format: TimeFormat) -> str:
    return BASIS_TEXTS[prescription.remaining.basis] if prescription.remaining else ""


def _format_quantity(prescription: Prescription) -> str | None:
    quantity = prescription.remaining.quantity if prescription.remaining else None
    return quantity.text if quantity else None


def _format_expired(prescription: Prescription) -> str:
    """Format whether it has expired; empty where nothing says when it does."""
    is_told = prescription.expired or prescription.valid_until
    return _YES_NO[prescription.expired] if is_told else ""


def _status_style(prescription: Prescription) -> str:
    if prescription.do_not_take:
        return "bold red"
    return "" if prescription.status == "active" and not prescription.expired else "dim"


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else ""


_FACTS: tuple[Column[Prescription], ...] = (
    Column(
        "do_not_take",
        "Do not take",
        lambda prescription: prescription.do_not_take,
        lambda prescription, _: _yes(is_so=prescription.do_not_take),
        in_table=False,
        style="bold red",
    ),
    Column(
        "intent",
        "Intent",
        lambda prescription: prescription.intent,
        lambda prescription, _: (prescription.intent or "") if prescription.is_proposed else "",
        in_table=False,
    ),
    Column(
        "status_reason",
        "Why so",
        lambda prescription: prescription.status_reason,
        in_table=False,
    ),
    Column("reason", "Reason", lambda prescription: prescription.reason, in_table=False),
    Column(
        "instructions",
        "Instructions",
        lambda prescription: prescription.instructions,
        in_table=False,
    ),
    Column(
        "dose_in_detail",
        "Dose in detail",
        lambda prescription: prescription.dose_in_detail,
        in_table=False,
    ),
    Column("note", "Note", lambda prescription: prescription.note, in_table=False),
    Column(
        "reported",
        "Reported",
        lambda prescription: prescription.reported,
        lambda prescription, _: _yes(is_so=prescription.reported),
        in_table=False,
    ),
    Column(
        "reported_by",
        "Reported by",
        lambda prescription: prescription.reported_by,
        in_table=False,
    ),
    Column("recorder", "Entered by", lambda prescription: prescription.recorder, in_table=False),
)
"""What is told of a prescription besides what it is and what is left; a list says it in notes."""

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
            lambda prescription, time_format: time_format.recorded_day(
                prescription.valid_until, prescription.zone
            ),
        ),
        Column(
            "expired",
            "Expired",
            lambda prescription: prescription.expired,
            lambda prescription, _: _format_expired(prescription),
            in_table=False,
        ),
        Column(
            "low",
            "Runs out",
            lambda prescription: prescription.low,
            lambda prescription, _: (
                UNKNOWN if prescription.low is None else _YES_NO[prescription.low]
            ),
            in_table=False,
        ),
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
            style=_status_style,
        ),
        Column(
            "issued",
            "Issued",
            lambda prescription: prescription.issued,
            lambda prescription, time_format: time_format.recorded_day(
                prescription.issued, prescription.zone
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
        *_FACTS,
        SUPPLY_UNTIL,
    ),
)
"""Prescriptions in a list, which shows the status and the group only where they are unusual."""

_DETAIL_COLUMNS = {
    "remaining": Column[Prescription](
        "remaining",
        "Left",
        lambda prescription: prescription.remaining.fills if prescription.remaining else None,
        lambda prescription, _: _format_left(prescription),
        style=_remaining_style,
    ),
    "group": Column[Prescription]("group", "Group", lambda prescription: prescription.group),
    "status": Column[Prescription](
        "status",
        "Status",
        lambda prescription: prescription.status,
        lambda prescription, _: _format_status(prescription),
        style=_status_style,
    ),
}

PRESCRIPTION: View[Prescription] = replace(
    PRESCRIPTIONS,
    name="prescription",
    columns=tuple(_DETAIL_COLUMNS.get(column.name, column) for column in PRESCRIPTIONS.columns),
)
"""One prescription, with everything that is known about it."""
