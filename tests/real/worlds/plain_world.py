"""A surgery and its patients in plain R4: standard codes, and nothing that gpcli made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.contract.practice import Resource, at, concept

GP, NURSE = "Dr. Ida Nordli", "Nurse Berit Sand"
SURGERY = "Solvik Clinic"
PHONE = "+47 00 12 34 90"
GENERAL_PRACTICE = ("http://terminology.hl7.org/CodeSystem/service-type", "124")
NAMED_AS: dict[str, Resource] = {
    "practitioner": {"reference": "Practitioner/gp", "display": GP},
    "organization": {"reference": "Organization/surgery", "display": SURGERY},
    "role": {"reference": "PractitionerRole/gp-role"},
    "talker": {"reference": "PractitionerRole/talker-role"},
}
"""How a patient's record names the GP."""
ACTORS: dict[str, list[Resource]] = {
    "practitioner": [{"reference": "Practitioner/gp"}],
    "role": [{"reference": "PractitionerRole/gp-role"}],
    "service": [{"reference": "HealthcareService/general"}],
    "location": [{"reference": "Location/room"}],
    "organization": [{"type": "Organization", "display": SURGERY}],
    "nurse": [{"reference": "Practitioner/nurse"}],
}
"""Whom a Schedule is for, by its id; each has one free time, a day after the one before."""
FIRST_DAY = 3
LASTS = timedelta(minutes=20)
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_CVX = "http://hl7.org/fhir/sid/cvx"
_CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_CONSENT_CATEGORY = "http://loinc.org"
_CANCELLED = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"


def surgery(now: datetime) -> Iterator[Resource]:
    """The clinic, the GP, a nurse, and their free times in a world that begins `now`."""
    phone = [{"system": "phone", "value": PHONE}]
    yield {"resourceType": "Organization", "id": "surgery", "name": SURGERY, "telecom": phone}
    yield {
        "resourceType": "Location",
        "id": "room",
        "name": "Room 2",
        "managingOrganization": {"reference": "Organization/surgery"},
    }
    yield _practitioner("gp", GP)
    yield _practitioner("nurse", NURSE)
    yield {
        "resourceType": "HealthcareService",
        "id": "general",
        "active": True,
        "name": "General practice",
        "type": [concept(*GENERAL_PRACTICE)],
        "providedBy": {"reference": "Organization/surgery"},
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": "gp-role",
        "active": True,
        "practitioner": {"reference": "Practitioner/gp", "display": GP},
        "organization": {"reference": "Organization/surgery", "display": SURGERY},
        "location": [{"reference": "Location/room"}],
    }
    for ahead, (of, actors) in enumerate(ACTORS.items(), FIRST_DAY):
        yield from times(of, actors, at(now, ahead, "09:00"))


def times(of: str, actors: list[Resource], *starts: datetime) -> Iterator[Resource]:
    """The Schedule called `of` and its free times, `of-1` and so on."""
    yield {"resourceType": "Schedule", "id": of, "active": True, "actor": actors}
    for number, start in enumerate(starts, 1):
        yield {
            "resourceType": "Slot",
            "id": f"{of}-{number}",
            "schedule": {"reference": f"Schedule/{of}"},
            "status": "free",
            "start": start.isoformat(),
            "end": (start + LASTS).isoformat(),
        }


@dataclass(frozen=True)
class PlainPatient:
    """A patient in a world that began `now`; `id` is part of all ids.

    `named` are the ways in which the record names GPs, keys of `NAMED_AS`.
    """

    id: str
    now: datetime
    named: tuple[str, ...] = ()

    @property
    def reference(self) -> Resource:
        return {"reference": f"Patient/{self.id}"}

    @property
    def by_phone(self) -> str:
        """The id of the visit that was booked by telephone."""
        return f"by-phone-{self.id}"

    @property
    def message(self) -> str:
        """The id of the GP's message to the patient."""
        return f"message-{self.id}"

    @property
    def medicine(self) -> str:
        """The id of the prescription that is in use."""
        return f"medicine-{self.id}"

    def resources(self) -> Iterator[Resource]:
        """The patient and all that is theirs."""
        gps = [NAMED_AS[each] for each in self.named]
        yield {
            "resourceType": "Patient",
            "id": self.id,
            "name": [{"text": "Kari Prøve", "family": "Prøve", "given": ["Kari"]}],
            "birthDate": "1981-02-03",
            **({"generalPractitioner": gps} if gps else {}),
        }
        yield from self._appointments()
        yield from self._prescriptions()
        yield from self._messages()
        yield self._research_consent()
        yield self._flu_shot()

    def _appointments(self) -> Iterator[Resource]:
        lasting = {"end": (at(self.now, 40, "10:00") + LASTS).isoformat()}
        yield self._visit(self.by_phone, "booked", 40, lasting)
        yield self._visit(f"no-end-{self.id}", "booked", 45, {"minutesDuration": 15})
        over = {"cancelationReason": concept(_CANCELLED, "prov")}
        ended = {"end": (at(self.now, 50, "10:00") + LASTS).isoformat()}
        yield self._visit(f"called-off-{self.id}", "cancelled", 50, {**ended, **over})

    def _visit(self, id_: str, status: str, ahead: int, more: Resource) -> Resource:
        return {
            "resourceType": "Appointment",
            "id": id_,
            "status": status,
            "serviceType": [{"text": "Follow-up"}],
            "start": at(self.now, ahead, "10:00").isoformat(),
            **more,
            "participant": [
                {"actor": self.reference, "status": "accepted"},
                {"actor": {"reference": "Practitioner/gp"}, "status": "accepted"},
            ],
        }

    def _prescriptions(self) -> Iterator[Resource]:
        daily = {
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
        }
        yield self._prescription(self.medicine, "Metoprolol 50 mg", dosageInstruction=[daily])
        yield self._prescription(f"never-{self.id}", "Penicillin", doNotPerform=True)
        yield self._prescription(f"paused-{self.id}", "Simvastatin 20 mg", status="on-hold")
        yield self._prescription(
            f"original-{self.id}", "Levothyroxine 75 ug", intent="original-order"
        )

    def _prescription(self, id_: str, name: str, **more: object) -> Resource:
        return {
            "resourceType": "MedicationRequest",
            "id": id_,
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {**concept(_RXNORM, "0"), "text": name},
            "subject": self.reference,
            "authoredOn": at(self.now, -20, "12:00").isoformat(),
            "requester": {"reference": "Practitioner/gp"},
            **more,
        }

    def _messages(self) -> Iterator[Resource]:
        mine, gps = self.reference, {"reference": "Practitioner/gp"}
        yield self._written(self.message, gps, mine, -5, "Your test results are fine.")
        yield self._written(f"asked-{self.id}", mine, gps, -6, "Are my results there?")

    def _written(self, id_: str, sender: Resource, to: Resource, ahead: int, text: str) -> Resource:
        return {
            "resourceType": "Communication",
            "id": id_,
            "status": "completed",
            "category": [{"text": "Clinical message"}],
            "subject": self.reference,
            "sender": sender,
            "recipient": [to],
            "sent": at(self.now, ahead, "12:00").isoformat(),
            "payload": [{"contentString": text}],
        }

    def _research_consent(self) -> Resource:
        return {
            "resourceType": "Consent",
            "id": f"research-{self.id}",
            "status": "active",
            "scope": concept(_CONSENT_SCOPE, "research"),
            "category": [concept(_CONSENT_CATEGORY, "59284-0")],
            "patient": self.reference,
            "dateTime": at(self.now, -400, "12:00").isoformat(),
            "policy": [{"uri": "https://registry.example/study"}],
            "provision": {"type": "permit"},
        }

    def _flu_shot(self) -> Resource:
        return {
            "resourceType": "Immunization",
            "id": f"flu-shot-{self.id}",
            "status": "completed",
            "vaccineCode": {**concept(_CVX, "140"), "text": "Influenza vaccine"},
            "patient": self.reference,
            "occurrenceDateTime": at(self.now, -700, "12:00").date().isoformat(),
        }


def _practitioner(id_: str, name: str) -> Resource:
    return {"resourceType": "Practitioner", "id": id_, "name": [{"text": name}]}
