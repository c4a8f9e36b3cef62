"""Appointments: booked, waiting, past, and one by video."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from gpcli.sandbox.people.directory import AASHEIM, ESPELAND, HAUGLAND, MYRVOLD, SOLEM, Gp
from gpcli.sandbox.people.elements import CHANNEL, SERVICE, Element, concept, instant, reference
from gpcli.sandbox.people.offers import OFFERS, Service, service_id
from gpcli.sandbox.people.patients import ADA, BO, DAVID, EMIL, FINN, HANS, Someone
from gpcli.sandbox.people.timetable import at, every, local_day, short_id, working_day, working_days

CANCEL_FLAG = "http://helsenorge.no/fhir/CodeSystem/hn-appointment-flag-code-cs"
VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
NOTICE = timedelta(hours=24)
_OFFERED = {(offers.gp, service) for offers in OFFERS for service in offers.services}
_ANSWERS = {"proposed": "needs-action", "cancelled": "declined"}


@dataclass(frozen=True)
class Visit:
    """An Appointment of `patient` with `gp` at `start`; `more` are further elements."""

    patient: Someone
    gp: Gp
    start: datetime
    reason: str
    status: str = "booked"
    service: Service = "booking"
    channel: str = "in-person"
    minutes: int = 20
    booked_before: timedelta = timedelta(days=9)
    more: Element = field(default_factory=dict)

    def resource(self) -> Element:
        """The Appointment; a booked one says until when it may be cancelled."""
        begins = instant(self.start)
        appointment = {
            "resourceType": "Appointment",
            "id": short_id("a", self.patient.key, self.service, begins),
            "status": self.status,
            "serviceType": [concept(SERVICE, self.service)],
            "appointmentType": concept(CHANNEL, self.channel),
            "description": self.reason,
            "start": begins,
            "end": instant(self.start + timedelta(minutes=self.minutes)),
            "created": instant(self.start - self.booked_before),
            "participant": self._participants(),
        }
        if self.status == "booked":
            appointment |= self._cancel_flag()
        return appointment | self.more

    def _participants(self) -> list[Element]:
        surgery = self.gp.surgery
        theirs = _ANSWERS.get(self.status, "accepted")
        others = [
            self.gp.role,
            reference(f"Location/{surgery.key}", surgery.name),
        ]
        if (self.gp, self.service) in _OFFERED:
            others.append(reference(f"HealthcareService/{service_id(self.service, self.gp)}"))
        return [
            {"actor": self.patient.subject, "status": "accepted"},
            *({"actor": other, "status": theirs} for other in others),
        ]

    def _cancel_flag(self) -> Element:
        flag = {
            "resourceType": "Flag",
            "id": "cancel",
            "status": "active",
            "code": concept(CANCEL_FLAG, "cancel"),
            "subject": self.patient.subject,
            "period": {"end": instant(self.start.astimezone(UTC) - NOTICE)},
        }
        return {"contained": [flag], "supportingInformation": [reference("#cancel")]}


def visits(now: datetime) -> Iterator[Element]:
    """Everybody's appointments."""
    for visit in (*_small(now), *_hans_past(now), *_hans_coming(now)):
        yield visit.resource()


def _small(now: datetime) -> tuple[Visit, ...]:
    by_phone = {"comment": "Booked by phone."}
    return (
        Visit(ADA, HAUGLAND, too_late_to_cancel(now), "Blood pressure check", more=by_phone),
        Visit(ADA, HAUGLAND, at(working_day(now, -15), "10:20"), "Knee pain", "fulfilled"),
        Visit(BO, ESPELAND, at(working_day(now, 6), "10:00"), "Årskontroll", more=by_phone),
        Visit(DAVID, HAUGLAND, at(working_day(now, 9), "13:20"), "Sore shoulder", more=by_phone),
        Visit(
            FINN,
            MYRVOLD,
            at(working_day(now, 1), "14:40"),
            "Follow-up of sleep problems",
            service="e-consultation",
            channel="video",
            more=_asked_for(now) | {"extension": [_video("finn")]},
        ),
        Visit(EMIL, SOLEM, at(working_day(now, 4), "09:00"), "Ørebetennelse, kontroll"),
    )


def too_late_to_cancel(now: datetime) -> datetime:
    """The last time of day at a surgery that is less than a day away: usually tomorrow's."""
    today = local_day(now)
    coming = (
        start
        for day in (today, today + timedelta(days=1))
        for start in every(day, "08:00", "15:00")
        if start < now + NOTICE
    )
    return max(coming)


def _asked_for(now: datetime) -> Element:
    """What Finn wished for, in his words, before the surgery gave him the time."""
    first, last = at(working_day(now, 1), "08:00"), at(working_day(now, 5), "15:00")
    return {
        "comment": "I have kept a sleep diary and would like to go through it with you.",
        "requestedPeriod": [{"start": instant(first), "end": instant(last)}],
    }


def _video(room: str) -> Element:
    """Where to join, as R5's Appointment.virtualService says it in R4."""
    link = {"url": "addressUrl", "valueUrl": f"https://video.example/room/{room}"}
    return {"url": VIRTUAL_SERVICE, "extension": [link]}


_PAST = ("fulfilled", "fulfilled", "cancelled", "fulfilled", "noshow", "fulfilled")
_REASONS = ("Blodtrykk", "Wound care", "Blood test", "Diabetes, follow-up", "Medication review")
HANS_PAST, HANS_COMING = 270, 30


def _hans_past(now: datetime) -> Iterator[Visit]:
    days = islice(working_days(local_day(now), -1), HANS_PAST)
    for number, day in enumerate(days):
        status = _PAST[number % len(_PAST)]
        why = {"cancelationReason": _by_patient()} if status == "cancelled" else {}
        yield Visit(HANS, AASHEIM, at(day, "15:20"), _reason(number), status, more=why)


def _hans_coming(now: datetime) -> Iterator[Visit]:
    days = islice(working_days(local_day(now)), 1, HANS_COMING + 1)
    for number, day in enumerate(days):
        yield Visit(HANS, AASHEIM, at(day, "15:40"), _reason(number))


def _reason(number: int) -> str:
    return _REASONS[number % len(_REASONS)]


def _by_patient() -> Element:
    return concept("http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason", "pat")
