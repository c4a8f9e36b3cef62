"""Free times: finding those that a person wants, and saying why there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from gpcli.care.agreement import Asker
from gpcli.care.filters import Wanted
from gpcli.care.offers import at_gp, named, pick_one, refusal, require, standings
from gpcli.care.portal import Portal
from gpcli.errors import NotOffered, Usage
from gpcli.model.appointment import Slot
from gpcli.model.service import Offers, Service, ServiceName, Standing

TIMES = frozenset({ServiceName.BOOKING, ServiceName.FLU_VACCINATION})
"""The services whose times can be booked; others may charge for it, or have no times."""


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


def owner(
    slot: Slot, offers: Offers, wanted: ServiceName, now: datetime, gp: str | None, asker: Asker
) -> Service:
    """The service that `slot` is a time for, at the GP whose time it is.

    Raises Usage when it is a time for another service than `wanted` can take, or at another GP
    than `gp`; NotOffered when it is at none of the person's GPs, and when the service can't be
    used there, with its like; InputNeeded when several GPs may be meant and nobody can be asked.
    """
    name = _service_of(slot, wanted)
    rows = [row for row in standings(offers, now) if row.service is name]
    ours = [row for row in rows if _is_at(slot, row, offers)]
    if rows and not ours:
        raise NotOffered(f"{slot.id} is not a time at your GP.", hint="gpcli slots lists yours.")
    meant = [row for row in ours if gp is None or named(row.surgery, gp)]
    if ours and not meant:
        raise Usage(f"{slot.id} is not a time at '{gp}'.", hint="Leave --gp out.")
    usable = [row for row in meant if row.status is Standing.OFFERED]
    if not usable:
        raise refusal(offers, meant, name)
    return pick_one(usable, name, asker)


def _service_of(slot: Slot, wanted: ServiceName) -> ServiceName:
    written = slot.service or ServiceName.BOOKING
    if wanted is ServiceName.FLU_VACCINATION and written != wanted:
        raise Usage(f"{slot.id} is not a time for flu vaccination.", hint="gpcli flu lists those.")
    if written not in TIMES:
        raise Usage(
            f"{slot.id} is a time for '{written}', which gpcli does not book.",
            hint="gpcli slots lists the free times.",
        )
    return ServiceName(written)


def _is_at(slot: Slot, row: Service, offers: Offers) -> bool:
    """Whether the time is at this row's GP, as far as the portal says whose it is."""
    ids = {offer.id for offer in offers.offers if offer.surgery.id == row.surgery.id}
    return slot.surgery_id in {None, row.surgery.id} and slot.healthcare_service in {None, *ids}
