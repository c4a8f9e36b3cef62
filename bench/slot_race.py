"""Eight people after one time, at portals of every way of booking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from random import Random
from threading import Barrier

import httpx

from bench.portals import MONDAY, Portal, Resource, TimedShell, build_environment, write_people
from bench.rounds import play_rounds
from bench.row import Report, Row, Scale
from gpcli.sandbox.people import build_resources
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import CommandResult

PEOPLE = tuple(f"rival-{number}" for number in range(8))
WAYS = ("post", "operation", "transaction")
AS_THEY_SHOULD = {"0": 1, "7 slot_taken": 7}
_OF_SURGERIES = {
    *("Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService"),
    *("ChargeItemDefinition", "Schedule"),
}


@dataclass(frozen=True)
class Race:
    """How one race ended: how often each exit code with its word, and the bookings of the time.

    `is_right` says whether one has it, the one who was told so, and seven were told `slot_taken`.
    """

    number: int
    way: str
    together: bool
    endings: Mapping[str, int]
    bookings: int
    is_right: bool

    @property
    def trouble(self) -> str | None:
        """What did not go as it should; `None` = nothing."""
        if self.is_right:
            return None
        return f"race {self.number} by {self.way}: {dict(self.endings)}, {self.bookings} booked"


def measure_slot_race(scale: Scale, report: Report) -> Row:
    """Have eight people book one time, again and again, and count who got it."""
    return _build_row(play_rounds(run_race, scale.pick(1_000, 8) * len(WAYS), report))


def _build_row(races: list[Race]) -> Row:
    wrong = [race for race in races if not race.is_right]
    right = "; ".join(
        f"{sum(race.is_right for race in races if race.way == way)} of "
        f"{sum(race.way == way for race in races)} by {way}"
        for way in WAYS
    )
    endings: Counter[str] = Counter()
    for race in races:
        endings.update(race.endings)
    return Row(
        figure="8 people after one time",
        to_reach="exactly 1 booked, 7 `slot_taken`",
        measured=f"1 booked and 7 `slot_taken`: {right}",
        holds=not wrong,
        rounds=f"{len(races):,} races of 8",
        details={"endings": dict(endings), "wrong": [asdict(race) for race in wrong[:50]]},
    )


class _StartingLine(httpx.BaseTransport):
    """Leads to a portal; a booking waits until those of all rivals are about to leave."""

    def __init__(self, way: httpx.BaseTransport, barrier: Barrier | None) -> None:
        self._way = way
        self._barrier = barrier

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._barrier is not None and _books(request):
            barrier, self._barrier = self._barrier, None
            barrier.wait(60)
        return self._way.handle_request(request)

    def close(self) -> None:
        """Leave the network open: it is of many commands."""


def _books(request: httpx.Request) -> bool:
    is_create = request.url.path.endswith(("/Appointment", "/$book"))
    return request.method == "POST" and (is_create or b'"transaction"' in request.read())


@dataclass(frozen=True)
class _Course:
    """A portal for races, with a shell for each rival, and its free times."""

    portal: Portal
    shells: tuple[TimedShell, ...]
    slots: tuple[str, ...]


@cache
def _open_course(booking: str) -> _Course:
    people = write_people(_build_rivals())
    sandbox = Sandbox(clock=MONDAY, seed=1, booking=booking, people=people)
    sandbox.start()
    profile = "transaction" if booking == "transaction" else "auto"
    environments = [build_environment(sandbox, name) for name in PEOPLE]
    shells = tuple(TimedShell(env, lambda: MONDAY, booking=profile) for env in environments)
    slots = tuple(slot["id"] for slot in shells[0].json("gpcli slots --from +5d --limit 40"))
    return _Course(Portal.of(sandbox), shells, slots)


def _build_rivals() -> Iterator[Resource]:
    """Yield Ada's surgery, and Ada's own records in the names of the rivals."""
    for resource in build_resources(MONDAY):
        if resource["id"] in {"ada", "consent-ada"}:
            yield from (_rename(resource, name) for name in PEOPLE)
        elif resource["resourceType"] == "Slot":
            if resource["schedule"]["reference"] == "Schedule/booking-haugland":
                yield resource
        elif resource["resourceType"] in _OF_SURGERIES:
            yield resource


def _rename(resource: Resource, name: str) -> Resource:
    if resource["resourceType"] == "Patient":
        return {**resource, "id": name, "identifier": [], "name": [{"text": name}]}
    return {**resource, "id": f"consent-{name}", "patient": {"reference": f"Patient/{name}"}}


def run_race(number: int) -> Race:
    """Have all book one time: at the same moment, in every other race as they come."""
    booking = WAYS[number % len(WAYS)]
    together = number // len(WAYS) % 2 == 0
    course = _open_course(booking)
    course.portal.put_back()
    slot = Random(number).choice(course.slots)
    barrier = Barrier(len(PEOPLE)) if together else None

    def book(shell: TimedShell) -> CommandResult:
        transport = _StartingLine(course.portal.way, barrier)
        return replace(shell, transport=transport)(f"gpcli book {slot} --yes --json")

    with ThreadPoolExecutor(len(PEOPLE)) as threads:
        ended = list(threads.map(book, course.shells))
    endings = Counter(f"{each.code} {each.error['code']}" if each.code else "0" for each in ended)
    found = course.portal.sandbox.store.find("Appointment", slot=f"Slot/{slot}")
    alive = [each["id"] for each in found if each["status"] != "cancelled"]
    told = [each.json["id"] for each in ended if each.code == 0]
    is_right = dict(endings) == AS_THEY_SHOULD and told == alive
    return Race(number, booking, together, dict(endings), len(alive), is_right)
