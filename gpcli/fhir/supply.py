"""MedicationDispense: how long what was handed out of a prescription lasts (R4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from gpcli.fhir.daily_dose import UCUM, DailyDose, is_structured, read_amount, read_daily_dose
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.medication import Dispense
from gpcli.fhir.medication_request import can_last
from gpcli.model.prescription import Supply, SupplyBasis

_DAY_NAMES = frozenset({"d", "day", "days", "dag", "dager"})
_MOST_DAYS = 3660
"""Ten years: what would last longer is a mistake in the record."""


def read_supply(
    requests: Sequence[Element], dispenses: Sequence[Dispense] | None, zone: tzinfo, now: datetime
) -> Supply | None:
    """Return how long what was handed out lasts; `None` where nothing tells it.

    `requests` are MedicationRequests of one medicine with one dose: the one in force first, then
    those that it replaced. `dispenses` are those of all prescriptions; `None` means that they are
    not all known. `zone` is the surgery's; `now` is aware.

    What was fetched before the last amounts were used up comes on top of them; what was left when
    nothing was there any more is not known. It counts from the last dispense on that does not tell
    its days. Nothing is told where the last one does not, where a dispense has no day, or where it
    is unknown if it was handed out.

    Raises:
        Malformed: it can't be told if the first one is in force.

    Source: R4 MedicationDispense.
    """
    if dispenses is None or not can_last(requests[0]):
        return None
    own = [each for each in dispenses if any(each.is_for(request) for request in requests)]
    if any(each.completed is None for each in own):
        return None
    today = now.astimezone(zone).date()
    dose = _read_dose_now(requests[0], zone, today)
    references = {each.relative_reference for each in requests}
    fills = [
        _read_fill(each, dose if references.issuperset(each.prescriptions) else None, zone)
        for each in own
        if each.completed
    ]
    told = [each for each in fills if each]
    return _add_up(told, today) if len(told) == len(fills) else None


class _Fill(NamedTuple):
    """An amount that was handed out: when, for how many days, and by what; `None` = not told.

    `first` and `last` are the days between which the dose is told that the days rest on.
    """

    handed_over: date
    days: int | None
    basis: SupplyBasis = SupplyBasis.DOSE
    first: date | None = None
    last: date | None = None

    @property
    def order(self) -> tuple[date, bool]:
        """The order in which fills count: of those of one day, what tells no days comes last."""
        return self.handed_over, self.days is None


def _add_up(fills: Iterable[_Fill], today: date) -> Supply | None:
    supply: Supply | None = None
    for fill in sorted(fills, key=lambda each: each.order):
        if fill.handed_over > today:
            return None
        supply = _add_fill(supply, fill)
        if supply and (supply.until - today).days > _MOST_DAYS:
            return None
    if supply is None:
        return None
    left = max((supply.until - today).days, 0)
    return Supply(supply.until, left, supply.basis, supply.handed_over)


def _add_fill(before: Supply | None, fill: _Fill) -> Supply | None:
    """Return how long a fill lasts, after what was there before it; `None` = it does not tell."""
    if not fill.days:
        return None
    start, bases = fill.handed_over, {fill.basis}
    if before and before.until >= start:
        start, bases = before.until + timedelta(days=1), {fill.basis, before.basis}
    until = start + timedelta(days=fill.days - 1)
    if (fill.first and start < fill.first) or (fill.last and fill.last < until):
        return None
    basis = SupplyBasis.DOSE if SupplyBasis.DOSE in bases else SupplyBasis.DAYS_SUPPLY
    return Supply(until, 0, basis, fill.handed_over)


def _read_fill(dispense: Dispense, dose: DailyDose | None, zone: tzinfo) -> _Fill | None:
    """Return what a completed dispense handed out; `None` where it does not tell when."""
    if dispense.record is None:
        return None
    record = dispense.record.strictly()
    with suppress(Malformed):
        handed_over = _read_day(record, "whenHandedOver", zone)
        return _read_days(record, handed_over, dose, zone) if handed_over else None
    return None


def _read_days(record: Element, handed_over: date, dose: DailyDose | None, zone: tzinfo) -> _Fill:
    with suppress(Malformed):
        if record.json.get("daysSupply") is not None:
            return _Fill(handed_over, _read_days_supply(record), SupplyBasis.DAYS_SUPPLY)
        told = _read_own_dose(record, dose, zone)
        quantity = record.child("quantity")
        amount = read_amount(quantity) if quantity else None
        if told and amount and amount.unit.is_same(told.amount.unit):
            days = amount.value // told.amount.value
            return _Fill(handed_over, _within_measure(days), first=told.first, last=told.last)
    return _Fill(handed_over, None)


def _read_days_supply(record: Element) -> int | None:
    """Return the days that a dispense says that it lasts; raise Malformed."""
    quantity = record.child("daysSupply")
    amount = read_amount(quantity) if quantity else None
    if amount is None:
        return None
    _, system, code = amount.unit
    in_days = (
        code == "d" and system in {"", UCUM} if code else amount.unit.name.casefold() in _DAY_NAMES
    )
    return _within_measure(amount.value // 1) if in_days else None


def _within_measure(days: int) -> int | None:
    return days if 0 < days <= _MOST_DAYS else None


def _read_own_dose(record: Element, prescribed: DailyDose | None, zone: tzinfo) -> DailyDose | None:
    """Return the dose by which a dispense is taken: its own, else the prescribed one.

    Of what was handed out in place of what was prescribed only its own counts. Raises Malformed.
    """
    dosages = record.children("dosageInstruction")
    if is_structured(dosages):
        return read_daily_dose(dosages, zone)
    substitution = record.child("substitution")
    is_another = substitution is not None and substitution.boolean("wasSubstituted") is not False
    return None if is_another else prescribed


def _read_dose_now(request: Element, zone: tzinfo, today: date) -> DailyDose | None:
    """Return the prescribed dose; `None` also for one of another time than today."""
    with suppress(Malformed):
        dose = read_daily_dose(request.strictly().children("dosageInstruction"), zone)
        return None if dose and dose.last and dose.last < today else dose
    return None


def _read_day(record: Element, name: str, zone: tzinfo) -> date | None:
    """Return the day of a dateTime, in `zone`; `None` for a year or a month. Raises Malformed."""
    written = record.written_time(name) or ""
    instant = record.date_time(name)
    if instant:
        return instant.astimezone(zone).date()
    return date.fromisoformat(written) if len(written) == len("2027-03-01") else None
