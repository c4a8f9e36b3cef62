"""What the patients of the contract's world have been prescribed, in plain FHIR R4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.practice import Resource

if TYPE_CHECKING:
    from tests.contract.world import Patient

ATC = "http://www.whocc.no/atc"
RENEWAL = {"coding": [{"system": "http://snomed.info/sct", "code": "103742009"}]}


@dataclass(frozen=True)
class Prescribed:
    """One prescription: written so many days ago and good for `lasts`.

    It can be handed out again `repeats` times; it was so many `times` already.
    """

    key: str
    name: str
    atc: str
    written: int
    lasts: int = 365
    repeats: int | None = None
    times: int = 0

    def id(self, patient: Patient) -> str:
        return f"{self.key}-{patient.number}"


PLENTY = Prescribed("rx-plenty", "Metformin 500 mg", "A10BA02", 60, repeats=3, times=1)
USED_UP = Prescribed("rx-used-up", "Amlodipine 5 mg", "C08CA01", 90, repeats=1, times=2)
SILENT = Prescribed("rx-silent", "Omeprazole 20 mg", "A02BC01", 30)
EXPIRED = Prescribed("rx-expired", "Cetirizine 10 mg", "R06AE07", 500, repeats=1, times=1)
WAITING = Prescribed("rx-waiting", "Candesartan 8 mg", "C09CA06", 200, repeats=2, times=2)
EVERYTHING = (PLENTY, USED_UP, SILENT, EXPIRED, WAITING)


def medicines() -> Iterator[Resource]:
    """The Medications, which all patients share."""
    for each in EVERYTHING:
        yield {
            "resourceType": "Medication",
            "id": f"medicine-{each.key}",
            "status": "active",
            "code": {"coding": [{"system": ATC, "code": each.atc}], "text": each.name},
            "form": {"text": "Tablet"},
        }


def prescriptions(patient: Patient) -> Iterator[Resource]:
    """What was prescribed and handed out to a patient, and a request to renew that waits."""
    for each in EVERYTHING:
        yield _request(patient, each)
        yield from (_dispense(patient, each, number) for number in range(each.times))
    yield _renewal(patient)


def _request(patient: Patient, one: Prescribed) -> Resource:
    handing_out: Resource = {
        "validityPeriod": {
            "start": patient.at(-one.written, "00:00")[:10],
            "end": patient.at(one.lasts - one.written, "00:00")[:10],
        },
        "quantity": {"value": 100, "unit": "tablets"},
    }
    if one.repeats is not None:
        handing_out["numberOfRepeatsAllowed"] = one.repeats
    return {
        "resourceType": "MedicationRequest",
        "id": one.id(patient),
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": f"Medication/medicine-{one.key}"},
        "subject": patient.reference,
        "authoredOn": patient.at(-one.written, "10:12"),
        "requester": patient.practice.reference,
        "dosageInstruction": [{"text": "1 tablet daily."}],
        "dispenseRequest": handing_out,
    }


def _dispense(patient: Patient, one: Prescribed, number: int) -> Resource:
    return {
        "resourceType": "MedicationDispense",
        "id": f"{one.key}-fetched-{patient.number}-{number}",
        "status": "completed",
        "medicationReference": {"reference": f"Medication/medicine-{one.key}"},
        "subject": patient.reference,
        "authorizingPrescription": [{"reference": f"MedicationRequest/{one.id(patient)}"}],
        "quantity": {"value": 100, "unit": "tablets"},
        "whenHandedOver": patient.at(number - one.written, "16:25"),
    }


def _renewal(patient: Patient) -> Resource:
    asked = patient.at(-1, "19:05")
    return {
        "resourceType": "Task",
        "id": f"renewal-{patient.number}",
        "status": "requested",
        "intent": "order",
        "code": RENEWAL,
        "focus": {"reference": f"MedicationRequest/{WAITING.id(patient)}"},
        "for": patient.reference,
        "authoredOn": asked,
        "lastModified": asked,
        "requester": patient.reference,
        "owner": patient.practice.reference,
    }
