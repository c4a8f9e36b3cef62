"""Flu vaccination: who may have it, what it costs, the last one, and free times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from gpcli.model.appointment import Slot, Vaccination
from gpcli.model.money import Price
from gpcli.model.service import Service
from gpcli.model.surgery import Surgery

SEASON_BEGINS = 7
"""The month in which one influenza season ends and the next begins (northern hemisphere)."""


@dataclass(frozen=True)
class FluAnswer:
    """All about flu vaccination at one GP. `price` `None` = unknown.

    `last_vaccination` is the newest on record; `this_season` whether it is of the season that
    runs now. `deep_link` is where the portal books it instead, if it does so elsewhere.
    """

    surgery: Surgery
    eligibility: tuple[str, ...]
    price: Price | None
    last_vaccination: Vaccination | None
    this_season: bool
    deep_link: str | None
    slots: tuple[Slot, ...]


def answer(
    row: Service, vaccinations: tuple[Vaccination, ...], slots: tuple[Slot, ...], now: datetime
) -> FluAnswer:
    """Put the facts together."""
    return FluAnswer(
        surgery=row.surgery,
        eligibility=row.eligibility,
        price=row.price,
        last_vaccination=vaccinations[0] if vaccinations else None,
        this_season=had_this_season(vaccinations, now),
        deep_link=row.offer.deep_link if row.offer else None,
        slots=slots,
    )


def had_this_season(vaccinations: tuple[Vaccination, ...], now: datetime) -> bool:
    """Whether one of `vaccinations` is of the present season.

    Dates may be partial; a year alone proves nothing and does not count.
    """
    begins = date(now.year - (now.month < SEASON_BEGINS), SEASON_BEGINS, 1).isoformat()
    return any(
        len(each.date) >= 7 and each.date >= begins[: len(each.date)] for each in vaccinations
    )
