"""A small world in plain FHIR R4, the same at every portal that the contract is tried on.

Some patients who share nothing but a surgery and its prices: each test has one of its own. Each
has a GP who offers everything, a visit, prescriptions, threads, a vaccination and a consent.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.contract.medicines import medicines, prescriptions
from tests.contract.practice import (
    CHANNEL,
    GP_SERVICE,
    LASTS,
    Practice,
    Resource,
    at,
    concept,
    surgery,
)
from tests.contract.threads import CLOSED, OPEN, threads

VISIT_DAY = 10
"""Days from now to the visit."""
VISIT_REASON = "Blood pressure"
FLU_SHOT_DAYS_AGO = 400
FLU_SHOT = "Vaxigrip"
VISIT_ANSWER = "Please bring a list of your medicines."
NOTES = b"May: about 4 mm\nAugust: about 5 mm\n"
"""What is attached to a message of the GP, as a Binary."""
MADE_UP = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
"""The label of a patient who is not real."""


@dataclass(frozen=True)
class Patient:
    """One patient in a world that began `now`, and the ids of what belongs to them.

    `neighbour` is the number of a patient whose GP is theirs too; otherwise they have their own.
    """

    number: int
    now: datetime
    neighbour: int | None = None

    @property
    def id(self) -> str:
        return f"pat-{self.number}"

    @property
    def name(self) -> str:
        return f"Kari Testnes {self.number}"

    @property
    def practice(self) -> Practice:
        """Their GP."""
        return Practice(self.number if self.neighbour is None else self.neighbour, self.now)

    @property
    def visit(self) -> str:
        """The booked appointment."""
        return f"visit-{self.number}"

    @property
    def open_thread(self) -> str:
        """An e-consultation with an unread answer that has two files."""
        return f"{OPEN}-{self.number}"

    @property
    def closed_thread(self) -> str:
        """A question to the reception that was answered and read."""
        return f"{CLOSED}-{self.number}"

    @property
    def reference(self) -> Resource:
        return {"reference": f"Patient/{self.id}", "display": self.name}

    def at(self, days: int, clock: str) -> str:
        """A time of day so many days from now, with its offset."""
        return at(self.now, days, clock).isoformat()

    def resources(self) -> Iterator[Resource]:
        """All that is this patient's alone, what is referred to first."""
        if self.neighbour is None:
            yield from self.practice.resources()
        yield self.record
        yield self._consent()
        yield self._flu_shot()
        yield self._visit()
        yield self._answer()
        yield from prescriptions(self)
        yield self._file()
        yield from threads(self)

    @property
    def record(self) -> Resource:
        """The Patient."""
        return {
            "resourceType": "Patient",
            "meta": {"tag": [MADE_UP]},
            "id": self.id,
            "active": True,
            "name": [{"text": self.name, "family": f"Testnes {self.number}", "given": ["Kari"]}],
            "gender": "female",
            "birthDate": "1961-03-14",
            "generalPractitioner": [self.practice.reference],
        }

    def _consent(self) -> Resource:
        return {
            "resourceType": "Consent",
            "id": f"consent-{self.number}",
            "status": "active",
            "scope": concept(
                "http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"
            ),
            "category": [concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "INFA")],
            "patient": self.reference,
            "dateTime": self.at(-400, "12:00"),
            "policyRule": concept("urn:gpcli:consent-level", "full-access"),
            "provision": {"type": "permit"},
        }

    def _flu_shot(self) -> Resource:
        vaccine = concept("http://www.whocc.no/atc", "J07BB02")
        return {
            "resourceType": "Immunization",
            "id": f"flu-shot-{self.number}",
            "status": "completed",
            "vaccineCode": {**vaccine, "text": FLU_SHOT},
            "patient": self.reference,
            "occurrenceDateTime": self.at(-FLU_SHOT_DAYS_AGO, "12:00")[:10],
        }

    def _visit(self) -> Resource:
        start = at(self.now, VISIT_DAY, "09:00")
        return {
            "resourceType": "Appointment",
            "id": self.visit,
            "status": "booked",
            "serviceType": [concept(GP_SERVICE, "booking")],
            "appointmentType": concept(CHANNEL, "in-person"),
            "start": start.isoformat(),
            "end": (start + LASTS).isoformat(),
            "comment": VISIT_REASON,
            "participant": [
                {"actor": self.reference, "status": "accepted"},
                {"actor": self.practice.reference, "status": "accepted"},
            ],
        }

    def _answer(self) -> Resource:
        """What the surgery wrote about the visit."""
        return {
            "resourceType": "AppointmentResponse",
            "id": f"answer-{self.number}",
            "appointment": {"reference": f"Appointment/{self.visit}"},
            "actor": self.practice.reference,
            "participantStatus": "accepted",
            "comment": VISIT_ANSWER,
        }

    def _file(self) -> Resource:
        return {
            "resourceType": "Binary",
            "id": f"notes-{self.number}",
            "contentType": "text/plain",
            "securityContext": {"reference": f"Patient/{self.id}"},
            "data": base64.b64encode(NOTES).decode(),
        }


def shared() -> list[Resource]:
    """What all patients share: the surgery, its prices, and medicines."""
    return [*surgery(), *medicines()]
