"""Free times: by a search for Slots, or by the portal's `$find`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from heapq import merge
from typing import TYPE_CHECKING

from gpcli.model.appointment import Slot
from gpcli.model.service import Offer
from gpcli.portal import queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.slot_owners import is_of_service, list_service_references

if TYPE_CHECKING:
    from gpcli.portal.found_times import FreeTimes, TimeFinder


class FreeSlots:
    """The free times of one portal."""

    def __init__(self, dependencies: PortalDependencies) -> None:
        self._dependencies = dependencies
        self._search = dependencies.search
        self._mapper = dependencies.mapper

    def fetch(self, offers: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        """Fetch the free times of these offers from the day `first` to `last`, page by page."""
        proposed = self._fetch_proposed_times(offers, first, last) if offers else None
        if proposed is not None:
            yield from proposed
            return
        services = list_service_references(offers)
        others = self._other_actors(offers, services)
        searches = [services] if services else [others]
        if services and others:  # see docs/portal.md, Free times, for why these come second
            searches.append(others)
        for actors in searches if offers else ():
            found = False
            for slot in self._search_all(offers, actors, first, last):
                found = True
                yield slot
            if found:
                return

    def _search_all(
        self, offers: Sequence[Offer], actors: Sequence[str], first: date, last: date
    ) -> Iterator[Slot]:
        """Search for the free times of actors, as many at once as a URL may name; yield each once.

        They come in order of time. Without actors all free times are searched for.
        """
        names, seen = {offer.name for offer in offers}, set()

        def search(part: Sequence[str]) -> Iterator[Slot]:
            for page in self._search.fetch_pages(queries.free_slots(part, first, last)):
                yield from self._mapper.read_free_slots(page, part, names, first, last)

        parts = [*queries.split_ids(actors)] or [()]
        for slot in merge(*map(search, parts), key=lambda slot: slot.start):
            if slot.id not in seen and is_of_service(slot, offers):
                seen.add(slot.id)
                yield slot

    def _fetch_proposed_times(
        self, offers: Sequence[Offer], first: date, last: date
    ) -> Iterator[Slot] | None:
        """Fetch free times with `$find`; `None` where the portal has it not, or refuses it."""
        if not self.uses_find:
            return None
        return self._time_finder.fetch(self._wanted_times(offers), first, last)

    @property
    def uses_find(self) -> bool:
        """Whether free times are asked for with `$find`: where the portal lists it.

        A profile that books by `post` or by `transaction` needs the Slots themselves.
        """
        may_find = self._dependencies.portal_profile.booking in {"auto", "operation"}
        return may_find and self._search.fetch_capabilities().find_operation

    @cached_property
    def _time_finder(self) -> TimeFinder:
        from gpcli.portal.found_times import TimeFinder  # noqa: PLC0415  (start-up: few portals)

        return TimeFinder(self._dependencies)

    def _wanted_times(self, offers: Sequence[Offer]) -> FreeTimes:
        from gpcli.portal.found_times import FreeTimes  # noqa: PLC0415  (start-up: few portals)

        services = list_service_references(offers)
        return FreeTimes(offers, [*services, *self._other_actors(offers, services)])

    def _other_actors(self, offers: Sequence[Offer], services: Sequence[str]) -> list[str]:
        """Return the references, besides `services`, by which times may be those of the GPs."""
        known = (self._mapper.owners.actors.get(offer.surgery.id, ()) for offer in offers)
        return sorted({actor for actors in known for actor in actors} - set(services))

    def fetch_proposed(self, slot_id: str, offers: Sequence[Offer]) -> Slot | None:
        """Fetch one time with `$find` by its id; `None` = the portal proposes it no more."""
        return self._time_finder.fetch_one(slot_id, self._wanted_times(offers))
