"""Prescriptions, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpcli.model.prescription import REFUSED, Basis, Prescription, Remaining
from gpcli.render.phrasing import MARKS, Phrasing
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, Entry, View, dataclass_view
from gpcli.render.views.renewal_views import RENEWAL_STYLES, format_renewal_status
from gpcli.render.views.supply_views import SUPPLY_UNTIL, word_supply

BASIS_TEXTS = {
    Basis.PORTAL: "the portal tells it",
    Basis.DISPENSES: "counted from what was handed out",
    Basis.EXPIRED: "it has expired",
}
"""Where the number of remaining fills is from."""

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

EXPIRED = "expired"
"""The status in words of what is past its end."""

_YES_NO = {True: "yes", False: "no"}

_NOT_KNOWN = "not known"

_NOTED_GROUPS = frozenset({"A", "B"})
"""The prescription groups that are shown in lists: a consultation may be needed first."""


def format_remaining(remaining: Remaining | None) -> str:
    """Format how many fills remain: `3 more times`, `nothing left`, `not known`."""
    return remaining.times if remaining else _NOT_KNOWN


def prescription_label(prescription: Prescription, phrasing: Phrasing = MARKS) -> str:
    """Return the line for a prescription in a list of choices."""
    parts = (
        prescription.label,
        _format_unusual_status(prescription),
        "" if prescription.do_not_take else prescription.left_to_fetch,
        _word_group(prescription.group),
        format_renewal_status(prescription.renewal),
        prescription.prescriber,
    )
    return phrasing.join(parts)


def describe_prescription(prescription: Prescription, time_format: TimeFormat) -> Entry:
    """Return a prescription as it stands in a list: how to take it, what is left, what to heed."""
    left = "" if prescription.do_not_take else prescription.left_to_fetch
    until = time_format.recorded_day(prescription.valid_until, prescription.zone)
    validity = "expired" if prescription.expired else "valid until"
    return Entry(
        prescription.label,
        str(prescription.id),
        (
            (
                (_word_status(prescription), _status_style(prescription)),
                (prescription.dose or "", ""),
                (prescription.instructions or "", ""),
            ),
            (
                (word_supply(prescription, time_format), ""),
                (left, _remaining_style(prescription)),
                (until and f"{validity} {until}", ""),
                *_word_renewal(prescription),
                (_word_group(prescription.group), "yellow"),
                (_format_report(prescription), ""),
            ),
        ),
    )


def _word_status(prescription: Prescription) -> str:
    """Return a phrase on what is unusual of its status, and why it is so."""
    reasons = (prescription.status_reason, prescription.reason)
    because = "; ".join(filter(None, reasons if prescription.do_not_take else reasons[:1]))
    status = _format_unusual_status(prescription)
    is_told = status == EXPIRED and prescription.valid_until  # the end of validity tells it
    return ": ".join(filter(None, ("" if is_told else status, because)))


def _word_renewal(prescription: Prescription) -> Iterator[tuple[str, str]]:
    renewal = prescription.renewal
    if renewal:
        words = f"renewal {format_renewal_status(renewal)}"
        answer = renewal.answer if renewal.status in REFUSED else None
        yield ": ".join(filter(None, (words, answer))), RENEWAL_STYLES.get(renewal.status, "")


def _word_group(group: str | None) -> str:
    """Return what a prescription group means for a renewal; empty where that is nothing unusual."""
    if group not in _NOTED_GROUPS:
        return ""
    return f"group {group}: renewing it usually takes a consultation"


def _format_report(prescription: Prescription) -> str:
    if not prescription.reported:
        return ""
    by = f" by {prescription.reported_by}" if prescription.reported_by else ""
    return f"on record as reported{by}, not as prescribed"


def _format_left(prescription: Prescription) -> str:
    return "" if prescription.do_not_take else format_remaining(prescription.remaining)


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
    words = EXPIRED if prescription.expired else words
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


def _format_low(prescription: Prescription) -> str:
    """Format whether it runs out; empty for what is not in force, and for what not to take."""
    if not prescription.is_current or prescription.do_not_take:
        return ""
    return _NOT_KNOWN if prescription.low is None else _YES_NO[prescription.low]


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
    ),
    Column(
        "reason",
        "Reason",
        lambda prescription: prescription.reason,
        in_table=lambda prescription: prescription.do_not_take,
    ),
    Column(
        "instructions",
        "Instructions",
        lambda prescription: prescription.instructions,
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
    ),
    Column(
        "reported_by",
        "Reported by",
        lambda prescription: prescription.reported_by,
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
            "To fetch",
            lambda prescription: prescription.remaining.fills if prescription.remaining else None,
            lambda prescription, _: _format_left(prescription),
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
            "Amount to fetch",
            _format_quantity,
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
            "Prescription runs out",
            lambda prescription: prescription.low,
            lambda prescription, _: _format_low(prescription),
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
    entry=describe_prescription,
)
"""Prescriptions in a list: an entry for each, or, in words, the columns of a table with its facts.

Both show the status and the group only where they are unusual."""

_DETAIL_COLUMNS = {
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
