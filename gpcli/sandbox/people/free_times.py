"""Build Schedules and Slots by rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice

from gpcli.sandbox.people.element_builders import (
    CHANNEL_SYSTEM,
    DAY,
    SERVICE_SYSTEM,
    WEEKDAYS,
    Element,
    concept,
    instant_text,
    local_day,
    nth_working_day,
    pseudo_random,
    reference,
    short_id,
    times_between,
)
from gpcli.sandbox.people.healthcare_services import service_reference
from gpcli.sandbox.people.surgeries import Gp, Hours

EVERY_WORKING_DAY = tuple(range(len(WEEKDAYS)))


@dataclass(frozen=True)
class SlotPattern:
    """The times of one doctor for one service.

    `hours` apply to each of the `weekdays` (0 is Monday); `minutes` is the length of a time.
    `taken`, `phone` and `video` are shares of all times; the rest is free and in person. `owner` is
    the GP whose HealthcareService it is. The first `past` times of the last working day are there,
    and those from `first_day` to `last_day` days after today.
    """

    key: str
    doctor: Gp
    owner: Gp
    service: str
    hours: tuple[Hours, ...]
    weekdays: tuple[int, ...] = EVERY_WORKING_DAY
    minutes: int = 20
    taken: float = 0
    phone: float = 0
    video: float = 0
    first_day: int = 2
    last_day: int = 42
    past: int = 3

    def schedule(self, now: datetime) -> Element:
        """Return the Schedule."""
        today = local_day(now)
        return {
            "resourceType": "Schedule",
            "id": self.key,
            "active": True,
            "serviceType": [concept(SERVICE_SYSTEM, self.service)],
            "actor": [
                service_reference(self.service, self.owner),
                self.doctor.role,
                self.doctor.surgery.location,
            ],
            "planningHorizon": {
                "start": today.isoformat(),
                "end": (today + self.last_day * DAY).isoformat(),
            },
        }

    def slots(self, now: datetime) -> Iterator[Element]:
        """Yield the Slots."""
        today = local_day(now)
        yield from islice(self._day_slots(nth_working_day(today, -1)), self.past)
        for ahead in range(self.first_day, self.last_day + 1):
            yield from self._day_slots(today + ahead * DAY)

    def _day_slots(self, day: date) -> Iterator[Element]:
        if day.weekday() not in self.weekdays:
            return
        for first, last in self.hours:
            for start in times_between(day, first, last, self.minutes):
                yield self._slot(start)

    def _slot(self, start: datetime) -> Element:
        start_text = instant_text(start)
        end = start.astimezone(UTC) + timedelta(minutes=self.minutes)
        return {
            "resourceType": "Slot",
            "id": short_id("s", self.key, start_text),
            "schedule": reference(f"Schedule/{self.key}"),
            "status": "busy" if self._is_taken(start_text) else "free",
            "start": start_text,
            "end": instant_text(end),
            "serviceType": [concept(SERVICE_SYSTEM, self.service)],
            "appointmentType": concept(CHANNEL_SYSTEM, self._channel(start_text)),
        }

    def _is_taken(self, start_text: str) -> bool:
        return bool(self.taken) and pseudo_random(self.key, start_text, "busy") < self.taken

    def _channel(self, start_text: str) -> str:
        if not (self.phone or self.video):
            return "in-person"
        draw = pseudo_random(self.key, start_text, "channel")
        if draw < self.phone:
            return "phone"
        return "video" if draw < self.phone + self.video else "in-person"


@dataclass(frozen=True)
class FreeTimes:
    """The times of one rule: of one doctor, or of several together.

    `at_most` is how many there are of the doctors together, the nearest ones; None for all.
    """

    patterns: tuple[SlotPattern, ...]
    at_most: int | None = None

    def resources(self, now: datetime) -> Iterator[Element]:
        """Yield the Schedules and the Slots."""
        if self.at_most is None:
            for pattern in self.patterns:
                yield pattern.schedule(now)
                yield from pattern.slots(now)
            return
        for pattern in self.patterns:
            yield pattern.schedule(now)
        every_slot = chain.from_iterable(pattern.slots(now) for pattern in self.patterns)
        yield from sorted(every_slot, key=_instant_of)[: self.at_most]


def _instant_of(slot: Element) -> datetime:
    return datetime.fromisoformat(slot["start"])
