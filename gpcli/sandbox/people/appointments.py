"""Build Schedules, Slots and Appointments."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice

from gpcli.sandbox.people.element_builders import (
    CHANNEL_SYSTEM,
    SERVICE_SYSTEM,
    Element,
    concept,
    instant_text,
    is_working_day,
    local_datetime,
    local_day,
    nth_working_day,
    pseudo_random,
    reference,
    short_id,
    times_between,
    working_days,
)
from gpcli.sandbox.people.healthcare_services import OFFERED_SERVICES, Service, service_id
from gpcli.sandbox.people.patients import ADA, BO, DAVID, EMIL, FINN, HANS, SyntheticPatient
from gpcli.sandbox.people.surgeries import (
    AASHEIM,
    BAKKE,
    ESPELAND,
    HAUGLAND,
    KVAM,
    LUNDE,
    MYRVOLD,
    SOLEM,
    Gp,
)

HORIZON_DAYS = 42
"""The number of days for which slots exist."""
LARGE_SURGERY_SLOTS = 2000
ALL_DAY = (("08:00", "11:20"), ("12:00", "15:00"))
CANCEL_FLAG_SYSTEM = "http://helsenorge.no/fhir/CodeSystem/hn-appointment-flag-code-cs"
VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
CANCEL_NOTICE = timedelta(hours=24)
_OFFERED_BY_GP = {
    (offers.gp, service) for offers in OFFERED_SERVICES for service in offers.services
}
_PARTICIPANT_STATUSES = {"proposed": "needs-action", "cancelled": "declined"}
_HANS_PAST_STATUSES = ("fulfilled", "fulfilled", "cancelled", "fulfilled", "noshow", "fulfilled")
_HANS_REASONS = (
    "Blodtrykk",
    "Wound care",
    "Blood test",
    "Diabetes, follow-up",
    "Medication review",
)
HANS_PAST_APPOINTMENTS, HANS_FUTURE_APPOINTMENTS = 270, 30


@dataclass(frozen=True)
class SlotPattern:
    """The slots of one doctor for one service.

    `opening_hours` apply to each of the `weekdays` (0 is Monday); `minutes` is the length of a
    slot. `busy_share`, `phone_share` and `video_share` are fractions of all slots; the rest is free
    and in person. `service_owner` is the GP whose HealthcareService it is, None for the doctor.
    """

    doctor: Gp
    service: Service
    opening_hours: tuple[tuple[str, str], ...]
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    minutes: int = 20
    busy_share: float = 0.4
    phone_share: float = 0.15
    video_share: float = 0.15
    service_owner: Gp | None = None

    @property
    def key(self) -> str:
        """The id of the Schedule."""
        return f"{self.service}-{self.doctor.key}"

    def schedule(self, now: datetime) -> Element:
        """Return the Schedule."""
        service = service_id(self.service, self.service_owner or self.doctor)
        surgery = self.doctor.surgery
        return {
            "resourceType": "Schedule",
            "id": self.key,
            "active": True,
            "serviceType": [concept(SERVICE_SYSTEM, self.service)],
            "actor": [
                reference(f"HealthcareService/{service}"),
                self.doctor.role,
                reference(f"Location/{surgery.key}", surgery.name),
            ],
            "planningHorizon": {
                "start": local_day(now).isoformat(),
                "end": (local_day(now) + timedelta(days=HORIZON_DAYS)).isoformat(),
            },
        }

    def slots(self, now: datetime) -> Iterator[Element]:
        """Yield three slots of the last working day, then those from the day after tomorrow on.

        None is sooner, so that every new booking can still be cancelled in time.
        """
        yield from islice(self._day_slots(nth_working_day(now, -1)), 3)
        for ahead in range(2, HORIZON_DAYS + 1):
            yield from self._day_slots(local_day(now) + timedelta(days=ahead))

    def _day_slots(self, day: date) -> Iterator[Element]:
        if not is_working_day(day) or day.weekday() not in self.weekdays:
            return
        for first, last in self.opening_hours:
            for start in times_between(day, first, last, self.minutes):
                yield self._slot(start)

    def _slot(self, start: datetime) -> Element:
        start_text = instant_text(start)
        return {
            "resourceType": "Slot",
            "id": short_id("s", self.key, start_text),
            "schedule": reference(f"Schedule/{self.key}"),
            "status": "busy"
            if pseudo_random(self.key, start_text, "busy") < self.busy_share
            else "free",
            "start": start_text,
            "end": instant_text(start + timedelta(minutes=self.minutes)),
            "serviceType": [concept(SERVICE_SYSTEM, self.service)],
            "appointmentType": concept(CHANNEL_SYSTEM, self._channel(start_text)),
        }

    def _channel(self, start_text: str) -> str:
        draw = pseudo_random(self.key, start_text, "channel")
        if draw < self.phone_share:
            return "phone"
        return "video" if draw < self.phone_share + self.video_share else "in-person"


SLOT_PATTERNS = (
    SlotPattern(HAUGLAND, "booking", ALL_DAY),
    SlotPattern(
        HAUGLAND, "flu-vaccination", (("14:00", "15:00"),), (1, 3), 10, phone_share=0, video_share=0
    ),
    SlotPattern(MYRVOLD, "booking", (("08:00", "11:00"),)),
    SlotPattern(
        MYRVOLD, "flu-vaccination", (("12:00", "13:00"),), (2,), 10, phone_share=0, video_share=0
    ),
    SlotPattern(BAKKE, "booking", (("12:00", "15:00"),), busy_share=0.6),
    SlotPattern(SOLEM, "booking", (("08:00", "11:20"),)),
    SlotPattern(
        SOLEM, "flu-vaccination", (("13:00", "15:00"),), (1, 3), 10, phone_share=0, video_share=0
    ),
)
LARGE_SURGERY_PATTERNS = tuple(
    SlotPattern(doctor, "booking", (("08:00", "15:40"),), busy_share=0, service_owner=AASHEIM)
    for doctor in (AASHEIM, KVAM, LUNDE)
)


def build_schedules(now: datetime) -> Iterator[Element]:
    """Yield every Schedule and Slot."""
    for pattern in SLOT_PATTERNS:
        yield pattern.schedule(now)
        yield from pattern.slots(now)
    for pattern in LARGE_SURGERY_PATTERNS:
        yield pattern.schedule(now)
    yield from _nearest_slots(now)


def _nearest_slots(now: datetime) -> Iterator[Element]:
    """Yield the LARGE_SURGERY_SLOTS nearest slots of the large surgery."""
    every_slot = chain.from_iterable(pattern.slots(now) for pattern in LARGE_SURGERY_PATTERNS)
    yield from sorted(every_slot, key=lambda slot: slot["start"])[:LARGE_SURGERY_SLOTS]


@dataclass(frozen=True)
class SyntheticAppointment:
    """An Appointment of `patient` with `gp`.

    `minutes` is its length, `booked_ahead` how long before its start it was booked;
    `extra_elements` are added to the resource.
    """

    patient: SyntheticPatient
    gp: Gp
    start: datetime
    reason: str
    status: str = "booked"
    service: Service = "booking"
    channel: str = "in-person"
    minutes: int = 20
    booked_ahead: timedelta = timedelta(days=9)
    extra_elements: Element = field(default_factory=dict)

    def resource(self) -> Element:
        """Return the Appointment; a booked one has a cancellation deadline."""
        start_text = instant_text(self.start)
        appointment = {
            "resourceType": "Appointment",
            "id": short_id("a", self.patient.key, self.service, start_text),
            "status": self.status,
            "serviceType": [concept(SERVICE_SYSTEM, self.service)],
            "appointmentType": concept(CHANNEL_SYSTEM, self.channel),
            "description": self.reason,
            "start": start_text,
            "end": instant_text(self.start + timedelta(minutes=self.minutes)),
            "created": instant_text(self.start - self.booked_ahead),
            "participant": self._participants(),
        }
        if self.status == "booked":
            appointment |= self._cancel_flag()
        return appointment | self.extra_elements

    def _participants(self) -> list[Element]:
        surgery = self.gp.surgery
        participant_status = _PARTICIPANT_STATUSES.get(self.status, "accepted")
        others = [
            self.gp.role,
            reference(f"Location/{surgery.key}", surgery.name),
        ]
        if (self.gp, self.service) in _OFFERED_BY_GP:
            others.append(reference(f"HealthcareService/{service_id(self.service, self.gp)}"))
        return [
            {"actor": self.patient.subject, "status": "accepted"},
            *({"actor": other, "status": participant_status} for other in others),
        ]

    def _cancel_flag(self) -> Element:
        flag = {
            "resourceType": "Flag",
            "id": "cancel",
            "status": "active",
            "code": concept(CANCEL_FLAG_SYSTEM, "cancel"),
            "subject": self.patient.subject,
            "period": {"end": instant_text(self.start.astimezone(UTC) - CANCEL_NOTICE)},
        }
        return {"contained": [flag], "supportingInformation": [reference("#cancel")]}


def build_appointments(now: datetime) -> Iterator[Element]:
    """Yield every Appointment."""
    for appointment in (
        *_small_population(now),
        *_hans_past_appointments(now),
        *_hans_future_appointments(now),
    ):
        yield appointment.resource()


def _small_population(now: datetime) -> tuple[SyntheticAppointment, ...]:
    by_phone = {"comment": "Booked by phone."}
    return (
        SyntheticAppointment(
            ADA,
            HAUGLAND,
            last_start_within_notice(now),
            "Blood pressure check",
            extra_elements=by_phone,
        ),
        SyntheticAppointment(
            ADA,
            HAUGLAND,
            local_datetime(nth_working_day(now, -15), "10:20"),
            "Knee pain",
            "fulfilled",
        ),
        SyntheticAppointment(
            BO,
            ESPELAND,
            local_datetime(nth_working_day(now, 6), "10:00"),
            "Årskontroll",
            extra_elements=by_phone,
        ),
        SyntheticAppointment(
            DAVID,
            HAUGLAND,
            local_datetime(nth_working_day(now, 9), "13:20"),
            "Sore shoulder",
            extra_elements=by_phone,
        ),
        _finn_video_appointment(now),
        SyntheticAppointment(
            EMIL, SOLEM, local_datetime(nth_working_day(now, 4), "09:00"), "Ørebetennelse, kontroll"
        ),
    )


def _finn_video_appointment(now: datetime) -> SyntheticAppointment:
    return SyntheticAppointment(
        FINN,
        MYRVOLD,
        local_datetime(nth_working_day(now, 1), "14:40"),
        "Follow-up of sleep problems",
        service="e-consultation",
        channel="video",
        extra_elements=_enquiry_elements(now) | {"extension": [_join_link("finn")]},
    )


def last_start_within_notice(now: datetime) -> datetime:
    """Return the last start at a surgery that is less than CANCEL_NOTICE away."""
    today = local_day(now)
    coming = (
        start
        for day in (today, today + timedelta(days=1))
        for start in times_between(day, "08:00", "15:00")
        if start < now + CANCEL_NOTICE
    )
    return max(coming)


def _enquiry_elements(now: datetime) -> Element:
    """Return the elements left from the enquiry that led to Finn's appointment."""
    first, last = (
        local_datetime(nth_working_day(now, 1), "08:00"),
        local_datetime(nth_working_day(now, 5), "15:00"),
    )
    return {
        "comment": "I have kept a sleep diary and would like to go through it with you.",
        "requestedPeriod": [{"start": instant_text(first), "end": instant_text(last)}],
    }


def _join_link(room: str) -> Element:
    """Return where to join: R5's Appointment.virtualService as an R4 extension."""
    link = {"url": "addressUrl", "valueUrl": f"https://video.example/room/{room}"}
    return {"url": VIRTUAL_SERVICE, "extension": [link]}


def _hans_past_appointments(now: datetime) -> Iterator[SyntheticAppointment]:
    days = islice(working_days(local_day(now), -1), HANS_PAST_APPOINTMENTS)
    for number, day in enumerate(days):
        status = _HANS_PAST_STATUSES[number % len(_HANS_PAST_STATUSES)]
        why = {"cancelationReason": _cancelled_by_patient()} if status == "cancelled" else {}
        yield SyntheticAppointment(
            HANS,
            AASHEIM,
            local_datetime(day, "15:20"),
            _hans_reason(number),
            status,
            extra_elements=why,
        )


def _hans_future_appointments(now: datetime) -> Iterator[SyntheticAppointment]:
    days = islice(working_days(local_day(now)), 1, HANS_FUTURE_APPOINTMENTS + 1)
    for number, day in enumerate(days):
        yield SyntheticAppointment(
            HANS, AASHEIM, local_datetime(day, "15:40"), _hans_reason(number)
        )


def _hans_reason(number: int) -> str:
    return _HANS_REASONS[number % len(_HANS_REASONS)]


def _cancelled_by_patient() -> Element:
    return concept("http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason", "pat")
