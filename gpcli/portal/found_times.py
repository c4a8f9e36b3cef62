"""Free times at a portal that finds them itself: `Appointment/$find` (docs/portal.md, Booking)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from gpcli.errors import (
    BadResponse,
    Conflict,
    GpcliError,
    NotFound,
    NotPermitted,
    PortalError,
    Rejected,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.healthcare_service import SERVICE_SYSTEM
from gpcli.fhir.modifiers import require_understood
from gpcli.fhir.proposal import names_patient, read_proposal
from gpcli.model.appointment import Slot
from gpcli.model.service import Offer
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.scheduling_operations import (
    ACTOR_PARAMETERS,
    FIND,
    build_find_body,
    read_find_response,
)
from gpcli.portal.slot_owners import is_for, is_of, is_of_service

Value = TypeVar("Value")

LOOK_AHEAD = timedelta(days=28)
"""How far ahead a time is looked for by its id, as far as `gpcli slots` lists them unasked."""

_REFUSALS = frozenset({BadResponse, Conflict, NotFound, NotPermitted, PortalError, Rejected})
"""Errors of a portal that may answer another question."""


class FreeTimes(NamedTuple):
    """Whose times are wanted: `offers`, and the references (`Type/id`) of who offers them."""

    offers: Sequence[Offer]
    actors: Collection[str]


class TimeFinder:
    """Asks a portal for free times with `$find`."""

    def __init__(self, dependencies: PortalDependencies) -> None:
        self._search = dependencies.search
        self._mapper = dependencies.mapper
        self._patient = dependencies.patient
        self._zone = ZoneInfo(dependencies.portal_profile.zone)
        self._now = dependencies.now

    def fetch(self, wanted: FreeTimes, first: date, last: date) -> Iterator[Slot] | None:
        """Fetch free times from the day `first` to `last`, page by page.

        The portal is asked by the GP and the service; where it refuses that, or has nothing, once
        more by the patient alone. What of its answer is not wanted is left out. `None` means that
        it refuses both, and that Slots can be searched instead.
        Raises: the refusal where they can't, and errors that end every question, or a later page.
        """
        question = partial(build_find_body, *self._period(first, last), self._patient)
        actors = _narrowest(wanted.actors)
        narrow = question(actors=actors, visit_types=_visit_types(wanted.offers))
        questions = [(narrow, _sole(actors)), (question(), "")]
        outcomes = []
        for body, assumed in questions[1:] if narrow == question() else questions:
            times = self._iterate_times(body, wanted, assumed)
            slots = (slot for slot in times if first <= self._day(slot) <= last)
            outcome: list[Slot] | GpcliError = _unless_refused(partial(list, islice(slots, 1)))
            if outcome and not isinstance(outcome, GpcliError):
                return chain(outcome, slots)
            outcomes.append(outcome)
        refusals = [each for each in outcomes if isinstance(each, GpcliError)]
        if len(refusals) < len(outcomes):
            return iter(())
        if not self._search.fetch_capabilities().can_search("Slot"):
            raise refusals[-1]
        return None

    def fetch_one(self, time_id: str, wanted: FreeTimes) -> Slot | None:
        """Fetch a free time of the next days by its id, `None` where there is none any more."""
        today = self._now().astimezone(self._zone).date()
        found = self._fetch_proposed(time_id, wanted)
        times = found or self.fetch(wanted, today, today + LOOK_AHEAD) or ()
        return next((slot for slot in times if time_id in {slot.id, slot.proposal}), None)

    def _fetch_proposed(self, time_id: str, wanted: FreeTimes) -> list[Slot]:
        """Return the time of a proposed Appointment that the portal shows by its id."""
        if not self._search.fetch_capabilities().can_read("Appointment"):
            return []
        reference = f"Appointment/{time_id}"
        found = _unless_refused(lambda: self._search.fetch_resource(reference))
        if isinstance(found, GpcliError):
            return []
        record, _ = found
        if record.json.get("status") != "proposed" or "start" not in record.json:
            return []
        page = Bundle(matches=[record], resources={reference: record})
        return self._read_page(page, wanted, _sole(_narrowest(wanted.actors)))

    def _period(self, first: date, last: date) -> tuple[datetime, datetime]:
        """Return when the days begin and end; what is past of them is left out."""
        start = datetime.combine(first, time.min, self._zone)
        end = datetime.combine(last + timedelta(1), time.min, self._zone)
        now = self._now().astimezone(self._zone)
        return (now if start < now < end else start), end

    def _day(self, slot: Slot) -> date:
        return slot.start.astimezone(self._zone).date()

    def _iterate_times(
        self, body: Mapping[str, Any], wanted: FreeTimes, assumed: str
    ) -> Iterator[Slot]:
        """Yield the wanted times of all pages of an answer; `assumed` is as for `_read_page`.

        They are in order of time: where the portal's first page is not, all pages are read first.
        """
        read = partial(self._read_page, wanted=wanted, assumed=assumed)
        pages = self._search.fetch_operation_pages(FIND, body, read_find_response)
        first = next(pages)
        slots = chain.from_iterable(map(read, chain([first], pages)))
        yield from slots if _is_in_order(first) else sorted(slots, key=_start_of)

    def _read_page(self, page: Bundle, wanted: FreeTimes, assumed: str) -> list[Slot]:
        """Return the wanted times of a page, in order of time.

        `assumed` is the actor (`Type/id`) of times that name none; where it is empty, such a time
        is a flaw.
        """
        read = partial(self._read_proposal, page=page, wanted=wanted, assumed=assumed)
        proposals = page.matches_of_type("Appointment")
        readings: list[tuple[Element, Callable[[], Slot | None]]] = [
            (each, partial(read, each)) for each in proposals
        ]
        slots = self._mapper.read_each(readings)
        return sorted((slot for slot in slots if _is_wanted(slot, wanted)), key=_start_of)

    def _read_proposal(
        self, proposal: Element, page: Bundle, wanted: FreeTimes, assumed: str
    ) -> Slot | None:
        mapper = self._mapper
        require_understood(proposal)
        if names_patient(proposal) and not mapper.is_own(proposal):
            return None
        code_map, zone = mapper.profile.code_map, mapper.profile.zone
        slot = read_proposal(proposal, page, mapper.offers_by_service, code_map, zone)
        if not slot.actors and not assumed:
            raise Malformed("it does not say with whom it is")
        return mapper.owners.claim(slot, [assumed] if assumed else wanted.actors)


def _narrowest(actors: Collection[str]) -> list[str]:
    """Return those of the actors that are of the narrowest type that `$find` knows."""
    for resource_type in ACTOR_PARAMETERS:
        of_type = sorted(each for each in actors if each.startswith(f"{resource_type}/"))
        if of_type:
            return of_type
    return []


def _sole(actors: Sequence[str]) -> str:
    return actors[0] if len(actors) == 1 else ""


def _unless_refused(fetch: Callable[[], Value]) -> Value | GpcliError:
    """Return what `fetch` returns, or the error where the portal refuses this question alone."""
    try:
        return fetch()
    except GpcliError as error:
        if type(error) not in _REFUSALS:
            raise
        return error


def _visit_types(offers: Iterable[Offer]) -> list[str]:
    """Return the tokens (`system|code`) of the services for which the portal has codes."""
    own = {offer.coding or (SERVICE_SYSTEM, str(offer.name)): None for offer in offers if offer.id}
    return [f"{system}|{code}" for system, code in own if system]


def _is_wanted(slot: Slot, wanted: FreeTimes) -> bool:
    """Return whether a time is free, and of whom and for what is wanted, as far as it says."""
    if slot.status != "free" or not is_of_service(slot, wanted.offers):
        return False
    services = {offer.name for offer in wanted.offers}
    return is_for(slot, services) and (not slot.actors or is_of(slot, wanted.actors))


def _is_in_order(page: Bundle) -> bool:
    """Return whether a page's Appointments are in order of time, or all there are."""
    starts = [str(each.json.get("start")) for each in page.matches_of_type("Appointment")]
    return page.next_url is None or starts == sorted(starts)


def _start_of(slot: Slot) -> datetime:
    return slot.start
