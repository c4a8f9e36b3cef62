"""How long what was fetched lasts, as a column of prescriptions."""

from __future__ import annotations

from gpcli.model.prescription import Prescription
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column


def format_supply(prescription: Prescription, time_format: TimeFormat) -> str:
    """Format how long it lasts: `about 12 days, until Thu 10 Dec`; empty where untold.

    The day that is given is always the last one that it covers or covered.
    """
    supply = prescription.supply
    if supply is None:
        return ""
    day = time_format.day(supply.until)
    if supply.days > 0:
        return f"about {supply.days} {'day' if supply.days == 1 else 'days'}, until {day}"
    is_over = time_format.has_passed(supply.until, prescription.zone)
    return f"{day}, which is over" if is_over else f"today, {day}"


def word_supply(prescription: Prescription, time_format: TimeFormat) -> str:
    """Return a phrase on how long what was fetched lasts; empty where that is untold."""
    supply = prescription.supply
    if supply is None:
        return ""
    is_over = time_format.has_passed(supply.until, prescription.zone)
    if is_over:
        return f"lasted until {time_format.day(supply.until)}"
    if supply.days == 0:
        return f"lasts until today, {time_format.day(supply.until)}"
    return f"lasts {format_supply(prescription, time_format)}"


SUPPLY_UNTIL: Column[Prescription] = Column(
    "supply_until",
    "Lasts until",
    lambda prescription: prescription.supply.until if prescription.supply else None,
    format_supply,
    in_table=False,
    json_path="supply.until",
)
