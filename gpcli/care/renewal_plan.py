"""The plan of a renewal: what goes to whom, what is left of it, and what it may cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gpcli.care.agreement import Charge
from gpcli.care.renewal_request import Line, Renewing, Wanted
from gpcli.errors import Usage
from gpcli.model.money import Price
from gpcli.model.person import Parties
from gpcli.model.plan import PlanValue
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.service import Service

PlanRows = tuple[tuple[str, PlanValue], ...]

Rows = Mapping[str, Service]
"""Where renewal stands at each of the patient's GPs, by the GP's id."""


def row_of(line: Line, rows: Rows) -> Service | None:
    """Where renewal stands at the prescriber, if that is one of the patient's GPs."""
    surgery = line.prescription.surgery_id if line.prescription else None
    return rows.get(surgery or "")


def plan_rows(
    renewing: Renewing,
    rows: Rows,
    asked: Sequence[Service],
    parties: Parties,
    note: str | None,
    price: Price | None,
) -> PlanRows:
    """The plan's rows; `asked` is where renewal stands at those who are asked."""
    due = [line for line in renewing.lines if line.due]
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    return (
        *_to_whom(due, rows),
        *(("Asked for already", line.label) for line in renewing.lines if line.renewal),
        ("For", parties.patient.name),
        ("By", by),
        ("Note", note),
        *(("Answer", row.answer_time) for row in asked),
        *_prices(price, len(due)),
    )


def warnings(renewing: Renewing) -> Iterator[str]:
    """What to know before agreeing, each with what it is about."""
    for line in renewing.lines:
        if line.error:
            yield f"{line.id} can't be asked for: {line.error.message}"
        for warning in line.warnings:
            yield f"{line.label}: {warning}"


def charge(price: Price | None, count: int, *, capped: bool) -> Charge | None:
    """What must be agreed to: every request is one; `None` where the price is only shown.

    That is so where the portal does not charge for sending, unless the person set a cap.
    """
    if not capped and not (price and price.at_sending):
        return None
    what = "Asking for this" if count == 1 else f"Asking for {count} prescriptions"
    return Charge(what, _times(price, count) if price else None)


def check_note(note: str | None, asked: Sequence[Service]) -> None:
    """Raise Usage for a note that is longer than one of those asked takes."""
    limits = [row.offer.limits.text for row in asked if row.offer and row.offer.limits.text]
    most = min(limits, default=None)
    if note is not None and most is not None and len(note) > most:
        raise Usage(
            f"--note has {len(note)} characters; the surgery takes {most}.",
            hint="Make it shorter.",
        )


def rehearsed(line: Line, wanted: Wanted) -> Line:
    """The line as a dry run shows it: a request that has no id yet."""
    one = line.prescription
    if one is None or not line.due:
        return line
    renewal = Renewal(
        id=None,
        status="requested",
        prescription_id=one.id,
        prescription=one.label,
        asked=None,
        updated=None,
        note=wanted.note,
        answer=None,
        zone=one.zone,
    )
    return replace(line, renewal=renewal)


def _to_whom(due: Sequence[Line], rows: Rows) -> Iterator[tuple[str, PlanValue]]:
    """The prescriptions under the GP that each goes to."""
    by_gp: dict[str | None, list[Line]] = {}
    for line in due:
        row = row_of(line, rows)
        prescriber = line.prescription.prescriber if line.prescription else None
        by_gp.setdefault(row.surgery.label if row else prescriber, []).append(line)
    for gp, lines in by_gp.items():
        yield "To", gp
        for line in lines:
            yield "Prescription", f"{line.label} ({line.id}){_left(line.prescription)}"


def _left(one: Prescription | None) -> str:
    """What is left, as the end of a row; nothing where nobody knows."""
    if one is None or one.remaining is None or one.expired:
        return ""
    return f", {one.remaining.fills or 'none'} left"


def _prices(price: Price | None, count: int) -> PlanRows:
    if price is None or count == 1 or price.high == 0:
        return (("Price", price),)
    return (("Price each", price), ("Price in all", _times(price, count)))


def _times(price: Price, count: int) -> Price:
    """What `count` requests cost together; the rates are those of one."""
    rates = price.rates if count == 1 else ()
    return replace(price, low=price.low * count, high=price.high * count, rates=rates)
