"""Period and dateTime (R4): from when until when, also where only days are written."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import MAXYEAR, date, datetime, time, tzinfo

from gpcli.portal.fhir.element import Element

_DAYS = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_DAY_END = time(23, 59, 59)


def read_period(period: Element, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Start and end of a Period; `None` = open. Raises Malformed.

    A day without a time, a month or a year is meant by the clock of `zone`, an end to its last
    second (R4 Period: the end is inclusive). An end in the year 9999 is how some write an open
    one.
    """
    return _bound(period, "start", zone, last=False), _bound(period, "end", zone, last=True)


def _bound(period: Element, name: str, zone: tzinfo, *, last: bool) -> datetime | None:
    written = period.text(name) or ""
    if last and written.startswith(f"{MAXYEAR}"):
        return None
    days = _DAYS.fullmatch(written)
    if days is None:
        return period.instant(name)
    try:
        day = _day(*(int(part) if part else None for part in days.groups()), last=last)
    except ValueError:
        raise period.bad(name) from None
    return datetime.combine(day, _DAY_END if last else time.min, zone)


def _day(year: int | None, month: int | None, day: int | None, *, last: bool) -> date:
    year, month = year or 0, month or (12 if last else 1)
    return date(year, month, day or (monthrange(year, month)[1] if last else 1))
