"""Schedules and their slots."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, islice

from gpcli.sandbox.people.directory import (
    AASHEIM,
    BAKKE,
    HAUGLAND,
    KVAM,
    LUNDE,
    MYRVOLD,
    SOLEM,
    Gp,
)
from gpcli.sandbox.people.elements import CHANNEL, SERVICE, Element, concept, instant, reference
from gpcli.sandbox.people.offers import Service, service_id
from gpcli.sandbox.people.timetable import (
    every,
    is_working_day,
    local_day,
    share,
    short_id,
    working_day,
)

HORIZON = 42
"""Days for which times are given out."""
FREE_AT_THE_BIG_SURGERY = 2000


@dataclass(frozen=True)
class Calendar:
    """One doctor's times for one service: `stretches` of each day in `weekdays` (0 is Monday).

    `busy`, `phone` and `video` are shares of all times; the rest is free and in person.
    `offered_by` is whose HealthcareService it is, if not the doctor's own.
    """

    doctor: Gp
    service: Service
    stretches: tuple[tuple[str, str], ...]
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    minutes: int = 20
    busy: float = 0.4
    phone: float = 0.15
    video: float = 0.15
    offered_by: Gp | None = None

    @property
    def key(self) -> str:
        """The Schedule's id."""
        return f"{self.service}-{self.doctor.key}"

    def schedule(self, now: datetime) -> Element:
        """The Schedule."""
        service = service_id(self.service, self.offered_by or self.doctor)
        surgery = self.doctor.surgery
        return {
            "resourceType": "Schedule",
            "id": self.key,
            "active": True,
            "serviceType": [concept(SERVICE, self.service)],
            "actor": [
                reference(f"HealthcareService/{service}"),
                self.doctor.role,
                reference(f"Location/{surgery.key}", surgery.name),
            ],
            "planningHorizon": {
                "start": local_day(now).isoformat(),
                "end": (local_day(now) + timedelta(days=HORIZON)).isoformat(),
            },
        }

    def slots(self, now: datetime) -> Iterator[Element]:
        """A few free times of the last working day, then those from the day after tomorrow on.

        Nothing sooner is free: whoever books here can still cancel in time, at any hour of the day.
        """
        yield from islice(self._slots_of(working_day(now, -1)), 3)
        for ahead in range(2, HORIZON + 1):
            yield from self._slots_of(local_day(now) + timedelta(days=ahead))

    def _slots_of(self, day: date) -> Iterator[Element]:
        if not is_working_day(day) or day.weekday() not in self.weekdays:
            return
        for first, last in self.stretches:
            for start in every(day, first, last, self.minutes):
                yield self._slot(start)

    def _slot(self, start: datetime) -> Element:
        begins = instant(start)
        return {
            "resourceType": "Slot",
            "id": short_id("s", self.key, begins),
            "schedule": reference(f"Schedule/{self.key}"),
            "status": "busy" if share(self.key, begins, "busy") < self.busy else "free",
            "start": begins,
            "end": instant(start + timedelta(minutes=self.minutes)),
            "serviceType": [concept(SERVICE, self.service)],
            "appointmentType": concept(CHANNEL, self._channel(begins)),
        }

    def _channel(self, begins: str) -> str:
        drawn = share(self.key, begins, "channel")
        if drawn < self.phone:
            return "phone"
        return "video" if drawn < self.phone + self.video else "in-person"


ALL_DAY = (("08:00", "11:20"), ("12:00", "15:00"))
CALENDARS = (
    Calendar(HAUGLAND, "booking", ALL_DAY),
    Calendar(HAUGLAND, "flu-vaccination", (("14:00", "15:00"),), (1, 3), 10, phone=0, video=0),
    Calendar(MYRVOLD, "booking", (("08:00", "11:00"),)),
    Calendar(MYRVOLD, "flu-vaccination", (("12:00", "13:00"),), (2,), 10, phone=0, video=0),
    Calendar(BAKKE, "booking", (("12:00", "15:00"),), busy=0.6),
    Calendar(SOLEM, "booking", (("08:00", "11:20"),)),
    Calendar(SOLEM, "flu-vaccination", (("13:00", "15:00"),), (1, 3), 10, phone=0, video=0),
)
BIG_SURGERY = tuple(
    Calendar(doctor, "booking", (("08:00", "15:40"),), busy=0, offered_by=AASHEIM)
    for doctor in (AASHEIM, KVAM, LUNDE)
)


def calendars(now: datetime) -> Iterator[Element]:
    """Every Schedule and Slot."""
    for calendar in CALENDARS:
        yield calendar.schedule(now)
        yield from calendar.slots(now)
    for calendar in BIG_SURGERY:
        yield calendar.schedule(now)
    yield from _first_free(now)


def _first_free(now: datetime) -> Iterator[Element]:
    """The big surgery's free times: as many as it is known for, the nearest ones."""
    every_slot = chain.from_iterable(calendar.slots(now) for calendar in BIG_SURGERY)
    yield from sorted(every_slot, key=lambda slot: slot["start"])[:FREE_AT_THE_BIG_SURGERY]
