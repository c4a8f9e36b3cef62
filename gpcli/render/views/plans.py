"""From what care proposes to the plan that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gpcli.model.appointment import Window
from gpcli.model.money import Price
from gpcli.model.plan import PlanValue
from gpcli.render.plan import Plan
from gpcli.render.times import Surroundings
from gpcli.render.views.wording import price_words


def plan_of(
    action: str,
    rows: Iterable[tuple[str, PlanValue]],
    warnings: tuple[str, ...],
    *,
    environment: str,
    zone: str,
    now: datetime,
) -> Plan:
    """Word each value; rows without one are left out, an unknown price is said to be so."""
    around = Surroundings(now)
    worded = tuple((label, _words(label, value, zone, around)) for label, value in rows)
    return Plan(action, tuple(row for row in worded if row[1]), environment, warnings)


def _words(label: str, value: PlanValue, zone: str, around: Surroundings) -> str:
    if isinstance(value, Window):
        return around.period(value.start, value.end, zone)
    if isinstance(value, datetime):
        return around.time(value, zone)
    if isinstance(value, Price) or label.startswith("Price"):
        return price_words(value if isinstance(value, Price) else None)
    return value or ""
