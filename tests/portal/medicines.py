"""Builders of prescriptions and related resources, and a portal that has some."""

from __future__ import annotations

from typing import Any

from gpcli.journal import Journal
from gpcli.model.prescription import Prescription, PrescriptionId
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import Json, concept, ref
from tests.portal.scripted import ALL_ON, Server, client_to, portal_through

ATC = "http://www.whocc.no/atc"
GROUPS = "urn:oid:2.16.578.1.12.4.1.1.7421"
KINDS = "urn:gpcli:prescription-kind"
GROUP = "http://hl7.no/fhir/StructureDefinition/no-basis-prescriptiongroup"
FIGURE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
SNOMED = "http://snomed.info/sct"

SEARCHED = ("MedicationRequest", "MedicationDispense", "Medication", "Task")


def capabilities_with(**more: Any) -> Capabilities:
    """What a portal can do that knows prescriptions; `more` says otherwise."""
    fields = {"creates": ("Task",), "conditional_creates": ("Task",), "updates": ("Task",)}
    everything = vars(ALL_ON) | {"batch": True} | fields | {"searches": SEARCHED} | more
    return Capabilities(**everything)


def portal_at(
    server: Server, journal: Journal, can: Capabilities | None = None, **identity: Any
) -> FhirPortal:
    """The client of a scripted portal."""
    search = FhirSearch(client_to(server), lambda: can or capabilities_with())
    return portal_through(search, journal, **identity)


def a_request(id: str = "rx-1", **more: Any) -> Json:
    """A MedicationRequest that is good for long."""
    request = {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "subject": ref("Patient/kari"),
        "medicationReference": ref("Medication/metformin"),
        "authoredOn": "2026-12-01T10:00:00+01:00",
        "requester": ref("PractitionerRole/role-1", display="Ola Berg"),
        "dispenseRequest": a_dispense_request(),
    }
    return request | more


def a_dispense_request(repeats: Any = 3, end: str | None = "2027-12-01", **more: Any) -> Json:
    said = {"validityPeriod": {"end": end}} if end else {}
    allowed = {"numberOfRepeatsAllowed": repeats} if repeats is not None else {}
    return said | allowed | more


def a_medication(id: str = "metformin", **more: Any) -> Json:
    code = {"coding": [{"system": ATC, "code": "A10BA02"}], "text": "Metformin 500 mg tablets"}
    return {"resourceType": "Medication", "id": id, "code": code} | more


def a_dispense(id: str = "d-1", of: str = "rx-1", **more: Any) -> Json:
    dispense = {
        "resourceType": "MedicationDispense",
        "id": id,
        "status": "completed",
        "subject": ref("Patient/kari"),
        "authorizingPrescription": [ref(f"MedicationRequest/{of}")],
    }
    return dispense | more


def a_task(id: str = "task-1", of: str = "rx-1", **more: Any) -> Json:
    task = {
        "resourceType": "Task",
        "id": id,
        "status": "requested",
        "intent": "order",
        "code": concept("103742009", SNOMED),
        "focus": ref(f"MedicationRequest/{of}"),
        "for": ref("Patient/kari"),
        "authoredOn": "2027-02-26T19:05:00+01:00",
    }
    return task | more


def a_figure(**counts: Any) -> Json:
    """The portal's own figure: inner extensions by name, as unsignedInt."""
    inner = [{"url": name, "valueUnsignedInt": count} for name, count in counts.items()]
    return {"url": FIGURE, "extension": inner}


def a_group(code: str = "B", system: str = GROUPS) -> Json:
    """The prescription group as in HL7 Norway's no-basis-Medication."""
    inner = {"url": "prescriptiongroup", "valueCodeableConcept": concept(code, system)}
    return {"url": GROUP, "extension": [inner]}


def a_prescription(id: str = "rx-1", **more: Any) -> Prescription:
    """A prescription as care hands it back to be renewed."""
    fields: dict[str, Any] = {
        "id": PrescriptionId(id),
        "name": "Metformin 500 mg tablets",
        "strength": None,
        "form": None,
        "dose": None,
        "kind": None,
        "group": None,
        "status": "active",
        "prescriber": "Ola Berg",
        "issued": "2026-12-01T10:00:00+01:00",
        "valid_until": "2027-12-01",
        "expired": False,
        "remaining": None,
        "low": False,
        "renewal": None,
        "zone": "Europe/Oslo",
        "surgery_id": "role-1",
        "prescriber_ref": "PractitionerRole/role-1",
    }
    return Prescription(**fields | more)
