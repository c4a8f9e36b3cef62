"""What is to be known before a prescription is asked for, and why `--low` leaves one out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

from gpcli.care.prescription_list import is_in_use
from gpcli.model.day_names import format_day
from gpcli.model.prescription import REFUSED, Prescription

STRICT_GROUPS = frozenset({"A", "B"})
"""Prescription groups (Volven 7421) for which a consultation is usually needed."""

_JUST_RENEWED = timedelta(days=7)
"""How long a prescription counts as just renewed, whatever is left of it: `--low` skips it."""

_ENDED = frozenset({"stopped", "cancelled"})
"""Statuses of a prescription that its prescriber has ended."""


def list_warnings(prescription: Prescription, today: date) -> Iterator[str]:
    """Yield sentences on why it may be refused, or isn't needed yet."""
    if prescription.group in STRICT_GROUPS:
        yield f"Group {prescription.group}: a consultation is usually needed before it is renewed."
    if prescription.expired:
        yield "It has expired: portals usually refuse that, and a new one needs an appointment."
    if prescription.status in _ENDED:
        yield f"It was {prescription.status}: portals usually refuse to renew that."
    if prescription.status == "on-hold":
        yield f"It is on hold{_reason(prescription)}: your GP may not renew it now."
    if prescription.status == "unknown":
        yield "The portal does not know whether it is still in force."
    if prescription.reported:
        yield f"It is on record as reported{_reporter(prescription)}, not as prescribed."
    if _is_refused(prescription):
        yield f"The surgery refused it when you last asked{_answer_ending(prescription)}"
    if phrases := tuple(_list_why_early(prescription, today)):
        yield f"It {'; it '.join(phrases)}."


def find_skip_reason(prescription: Prescription, today: date) -> str | None:
    """Return why asking for it would be in vain, as far as can be told; `None` = it would not."""
    if prescription.low is None:
        return "nothing tells what is left of it."
    if prescription.renewal and prescription.renewal.is_open:
        return None
    if _is_refused(prescription):
        return f"the surgery refused it when you last asked{_answer_ending(prescription)}"
    if prescription.group in STRICT_GROUPS:
        return f"group {prescription.group}, for which a consultation is usually needed first."
    if prescription.reported:
        return f"it is on record as reported{_reporter(prescription)}, not as prescribed."
    if _find_day_renewed(prescription, today):
        return "it was renewed less than a week ago."
    return None


def _list_why_early(prescription: Prescription, today: date) -> Iterator[str]:
    """Yield phrases on why it may not be needed yet: it is new, or several fills are left."""
    if not is_in_use(prescription):
        return
    remaining, renewed = prescription.remaining, _find_day_renewed(prescription, today)
    if renewed:
        yield "was renewed today" if renewed == today else f"was renewed on {format_day(renewed)}"
    is_enough = renewed or prescription.low is False
    if remaining and is_enough and remaining.fills > (0 if renewed else 1):
        yield f"can be fetched {remaining.times}"


def _reason(prescription: Prescription) -> str:
    return f" ({prescription.status_reason})" if prescription.status_reason else ""


def _reporter(prescription: Prescription) -> str:
    return f" by {prescription.reported_by}" if prescription.reported_by else ""


def _is_refused(prescription: Prescription) -> bool:
    return prescription.renewal is not None and prescription.renewal.status in REFUSED


def _answer_ending(prescription: Prescription) -> str:
    answer = prescription.renewal.answer if prescription.renewal else None
    return f": {answer}" if answer else "."


def _find_day_renewed(prescription: Prescription, today: date) -> date | None:
    """Return the day of the renewal that it is from; `None` = it is not told, or not of late."""
    with suppress(ValueError):
        issued = date.fromisoformat((prescription.issued or "")[:10])
        if prescription.predecessors and today - issued < _JUST_RENEWED:
            return issued
    return None
