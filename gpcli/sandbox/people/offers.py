"""Which GP offers what: one HealthcareService for each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from gpcli.sandbox.people.directory import (
    AASHEIM,
    BAKKE,
    ESPELAND,
    HAUGLAND,
    MYRVOLD,
    SOLEM,
    Gp,
)
from gpcli.sandbox.people.elements import (
    CHANNEL,
    SERVICE,
    WEEKDAYS,
    Element,
    concept,
    days,
    reference,
    telephone,
)
from gpcli.sandbox.people.timetable import local_day

Service = Literal[
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
]
NAMES: dict[Service, str] = {
    "e-consultation": "E-consultation",
    "contact": "Contact the surgery",
    "prescription-renewal": "Renew prescriptions",
    "booking": "Book an appointment",
    "booking-enquiry": "Ask for an appointment",
    "cancellation": "Cancel an appointment",
    "flu-vaccination": "Flu vaccination",
}
COMMENTS: dict[Service, str] = {
    "e-consultation": "Usually answered within five working days. Not for anything urgent.",
    "contact": "Usually answered within two working days, by the reception.",
    "prescription-renewal": "Usually answered within three working days.",
    "booking": "The surgery confirms each booking.",
    "booking-enquiry": "Usually answered within two working days.",
    "cancellation": "At least 24 hours before, or the fee for late cancelling is due.",
    "flu-vaccination": "Please stay for 20 minutes after the vaccination.",
}
CHANNELS: dict[Service, tuple[str, ...]] = {
    "e-consultation": ("text", "video", "phone"),
    "contact": ("text",),
    "booking": ("in-person", "phone", "video"),
    "flu-vaccination": ("in-person",),
}
ATTACHMENT_TYPES = "application/pdf image/jpeg image/png text/plain"
MOST_TO_SEND: dict[Service, tuple[int, int]] = {
    "e-consultation": (3_000_000, 8000),
    "contact": (1_000_000, 2000),
}
"""The most that goes into one message: bytes of an attachment, characters of text."""
RISK_GROUPS = (
    "65 or older",
    "Chronic heart or lung disease, diabetes, or a weakened immune system",
    "Pregnant after week 12",
)


@dataclass(frozen=True)
class Offers:
    """What a GP offers: `late` is what the surgery does with a late cancelling."""

    gp: Gp
    services: tuple[Service, ...]
    late: Literal["charged", "refused"] = "charged"
    away: tuple[Service, ...] = ()
    comments: dict[Service, str] = field(default_factory=dict)

    def resources(self, now: datetime) -> Iterator[Element]:
        """The HealthcareServices."""
        for service in self.services:
            yield {**self._service(service), **self._particulars(service, now)}

    def _service(self, service: Service) -> Element:
        surgery = self.gp.surgery
        return {
            "resourceType": "HealthcareService",
            "id": service_id(service, self.gp),
            "active": True,
            "providedBy": reference(f"Organization/{surgery.key}", surgery.name),
            "type": [concept(SERVICE, service)],
            "location": [reference(f"Location/{surgery.key}", surgery.name)],
            "name": f"{NAMES[service]}, {self.gp.name}",
            "comment": self.comments.get(service, COMMENTS[service]),
            "telecom": [telephone(self.gp.phone)],
            "availableTime": [{"daysOfWeek": list(WEEKDAYS), "allDay": True}],
        }

    def _particulars(self, service: Service, now: datetime) -> Element:
        found: Element = {}
        if channels := CHANNELS.get(service):
            found["characteristic"] = [concept(CHANNEL, each) for each in channels]
        if service in self.away:
            found["notAvailable"] = [_leave(now)]
        if service == "flu-vaccination":
            found["eligibility"] = [
                {"code": {"text": group}, "comment": "Free of charge."} for group in RISK_GROUPS
            ]
        if limits := MOST_TO_SEND.get(service):
            found["extension"] = _limits(*limits)
        if service == "cancellation":
            found["extension"] = _cancelling(self.late)
        return found


def service_id(service: Service, gp: Gp) -> str:
    """The logical id of a GP's HealthcareService."""
    return f"{service}-{gp.key}"


def _leave(now: datetime) -> Element:
    today = local_day(now)
    until = today + timedelta(days=11)
    return {
        "description": f"Leave until {until.day} {until:%B}. Call the surgery if it can't wait.",
        "during": days(today - timedelta(days=3), until),
    }


def _cancelling(late: str) -> list[Element]:
    notice = {"value": 24, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}
    return [
        {"url": "urn:gpcli:cancel-notice", "valueDuration": notice},
        {"url": "urn:gpcli:late-cancellation", "valueCode": late},
    ]


def _limits(attachment_bytes: int, characters: int) -> list[Element]:
    return [
        {"url": "urn:gpcli:max-attachment-bytes", "valueInteger": attachment_bytes},
        {"url": "urn:gpcli:attachment-types", "valueString": ATTACHMENT_TYPES},
        {"url": "urn:gpcli:max-text", "valueInteger": characters},
    ]


EVERYTHING: tuple[Service, ...] = tuple(NAMES)
OFFERS = (
    Offers(HAUGLAND, EVERYTHING),
    Offers(ESPELAND, ("booking-enquiry", "cancellation", "contact"), late="refused"),
    Offers(
        MYRVOLD,
        (
            "e-consultation",
            "contact",
            "prescription-renewal",
            "booking",
            "cancellation",
            "flu-vaccination",
        ),
        late="refused",
        away=("e-consultation",),
    ),
    Offers(BAKKE, ("contact", "prescription-renewal", "booking", "cancellation")),
    Offers(
        SOLEM,
        EVERYTHING,
        comments={
            "flu-vaccination": "Ikke drop-in: bestill time. Bli sittende i 20 minutter etterpå."
        },
    ),
    Offers(AASHEIM, EVERYTHING),
)
"""Everybody who offers anything; a GP who isn't here has only a telephone."""
CHILDRENS_SERVICES: tuple[Service, ...] = ("contact", "booking", "cancellation")
"""What Dr. Solem offers to children."""
