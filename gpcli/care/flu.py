"""Flu vaccination: who may have it, what it costs, the last one, and free times."""

from __future__ import annotations

from datetime import date, datetime

from gpcli.care.agreement import Asker
from gpcli.care.offers import choose
from gpcli.care.portal import Portal
from gpcli.care.slots import Search
from gpcli.model.appointment import Vaccination
from gpcli.model.flu import FluAnswer
from gpcli.model.service import ServiceName

SEASON_BEGINS = 7
"""The month in which one influenza season ends and the next begins (northern hemisphere)."""


def ask(portal: Portal, search: Search, gp: str | None, asker: Asker, limit: int) -> FluAnswer:
    """All about flu vaccination at the one GP that offers it, with at most `limit` free times.

    Raises NotOffered and its like, or InputNeeded when several GPs offer it.
    """
    row = choose(portal.offers(), ServiceName.FLU_VACCINATION, search.now, gp, asker)
    free = portal.slots([row.offer] if row.offer else [], *search.days)
    slots = tuple(search.pick(free, limit))
    vaccinations = portal.vaccinations()
    return FluAnswer(
        surgery=row.surgery,
        eligibility=row.eligibility,
        price=row.price,
        last_vaccination=vaccinations[0] if vaccinations else None,
        this_season=had_this_season(vaccinations, search.now),
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
