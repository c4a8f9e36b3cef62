"""Free times: finding those that a person wants, and saying why there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from gpcli.care.filters import Wanted
from gpcli.care.offers import at_gp, require
from gpcli.care.portal import Portal
from gpcli.model.appointment import Slot
from gpcli.model.service import ServiceName


@dataclass
class Search:
    """A search for free times, which remembers what its filters took out."""

    wanted: Wanted
    zone: ZoneInfo
    now: datetime
    begun: bool = False
    removed: Counter[str] = field(default_factory=Counter)

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day searched."""
        return self.wanted.first, self.wanted.last

    def pick(self, free: Iterable[Slot], limit: int | None = None) -> Iterator[Slot]:
        """The slots among `free` that are wanted, at most `limit`, in the order given."""
        return islice(self._wanted(free), limit)

    def _wanted(self, free: Iterable[Slot]) -> Iterator[Slot]:
        self.begun = True
        for slot in free:
            missed = self._past(slot) or self.wanted.misses(slot, self.zone)
            if missed:
                self.removed[missed] += 1
            else:
                yield slot

    def _past(self, slot: Slot) -> str | None:
        return "being in the past" if slot.start <= self.now else None

    def why_none(self, what: str) -> str:
        """A sentence on what was searched and what the filters removed."""
        span = f"from {self.wanted.first:%a %d %b %Y} to {self.wanted.last:%a %d %b %Y}"
        if not self.removed:
            return f"No {what} {span}."
        parts = ", ".join(f"{number} by {name}" for name, number in self.removed.most_common())
        total = self.removed.total()
        return f"No {what} {span} fits: {total} free, all left out ({parts})."


def find(
    portal: Portal,
    name: ServiceName,
    search: Search,
    *,
    gp: str | None = None,
    limit: int | None = None,
) -> Iterator[Slot]:
    """Wanted free times for a service at the patient's GPs, or at the one named `gp`.

    Raises NotOffered and its like when no GP lets this patient book the service, NotFound when
    no GP is called `gp`.
    """
    offers = at_gp(portal.offers(), gp)
    rows = require(offers, name, search.now)
    free = portal.slots([row.offer for row in rows if row.offer], *search.days)
    return search.pick(free, limit)
