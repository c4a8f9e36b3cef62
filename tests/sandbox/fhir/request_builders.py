"""Build threads, messages, attachments and renewal requests, and services that accept them."""

import base64
from typing import Any

from tests.sandbox.fhir.portal import concept, ref, role, service

MESSAGE = "urn:uuid:0a4f3f0e-0d55-4b0e-8a3a-2b5a7a5d1c02"
HEADER = "urn:uuid:0a4f3f0e-0d55-4b0e-8a3a-2b5a7a5d1c01"
REQUEST = "urn:uuid:0a4f3f0e-0d55-4b0e-8a3a-2b5a7a5d1c03"
PNG = b"\x89PNG not really"
LIMITS = [
    {"url": "urn:gpcli:max-attachment-bytes", "valueInteger": 20},
    {"url": "urn:gpcli:attachment-types", "valueString": "image/png text/plain"},
    {"url": "urn:gpcli:max-text", "valueInteger": 40},
]
EVERYTHING = ("e-consultation", "contact", "prescription-renewal", "booking-enquiry")


def written_services() -> list[dict[str, Any]]:
    """The services of a GP who offers everything in writing; e-consultations have limits."""
    return [
        service("contact"),
        service("prescription-renewal", extension=LIMITS[2:]),
        service("e-consultation", extension=LIMITS),
        role(*EVERYTHING, "booking", "cancellation"),
    ]


def thread_header(kind: str = "e-consultation", who: str = "ada", **more: Any) -> dict[str, Any]:
    """The header of a thread."""
    return {
        "resourceType": "Communication",
        "status": "in-progress",
        "category": [concept(kind, "urn:gpcli:thread")],
        "topic": {"text": "A cough"},
        "medium": [
            concept("WRITTEN", "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode")
        ],
        "subject": ref(f"Patient/{who}"),
        "sender": ref(f"Patient/{who}"),
        "recipient": [ref("PractitionerRole/gp")],
        "sent": "2027-03-01T12:00:00+01:00",
    } | more


def message(
    header: str, text: str = "I cough.", kind: str = "e-consultation", who: str = "ada", **more: Any
) -> dict[str, Any]:
    """A message of the patient's in the thread whose header has the reference `header`."""
    header = thread_header(kind, who, partOf=[ref(header)], status="completed")
    kept = {name: each for name, each in header.items() if name not in ("topic", "medium")}
    return kept | {"payload": [{"contentString": text}]} | more


def attachment_payload(
    holding: bytes = PNG, type_: str = "image/png", **more: Any
) -> dict[str, Any]:
    """A payload with an attachment inline."""
    content = {"contentType": type_, "data": base64.b64encode(holding).decode()}
    return {"contentAttachment": {"title": "cough.png"} | content | more}


def with_attachment(header: str, *attachments: dict[str, Any]) -> dict[str, Any]:
    """A message with a text and these payloads."""
    return message(header, payload=[{"contentString": "See here."}, *attachments])


def surgery_message(header: str, id_: str, who: str = "ada", **more: Any) -> dict[str, Any]:
    """An unread message of the surgery's."""
    told = message(header, "How long?", who=who, sender=ref("PractitionerRole/gp"), **more)
    return told | {"id": id_, "recipient": [ref(f"Patient/{who}")]}


def prescription(id_: str = "rx", who: str = "ada", **more: Any) -> dict[str, Any]:
    """An active prescription with two repeats, good until the end of June."""
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "medicationReference": ref("Medication/metformin"),
        "subject": ref(f"Patient/{who}"),
        "authoredOn": "2026-07-01T09:00:00+02:00",
        "requester": ref("PractitionerRole/gp"),
        "dosageInstruction": [{"text": "1 tablet twice a day"}],
        "dispenseRequest": {
            "validityPeriod": {"start": "2026-07-01", "end": "2027-06-30"},
            "numberOfRepeatsAllowed": 2,
        },
    } | more


def medicine(id_: str = "metformin", group: str = "C") -> dict[str, Any]:
    """A Medication in a prescription group."""
    told = concept(group, "urn:oid:2.16.578.1.12.4.1.1.7421")
    url = "http://hl7.no/fhir/StructureDefinition/no-basis-prescription-group"
    return {
        "resourceType": "Medication",
        "id": id_,
        "extension": [{"url": url, "valueCodeableConcept": told}],
        "code": {"text": "Metformin 500 mg tablet"},
    }


def renewal(of: str = "rx", who: str = "ada", **more: Any) -> dict[str, Any]:
    """A request to renew a prescription."""
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": concept("103742009", "http://snomed.info/sct"),
        "focus": ref(f"MedicationRequest/{of}"),
        "for": ref(f"Patient/{who}"),
        "requester": ref(f"Patient/{who}"),
        "authoredOn": "2027-03-01T12:00:00+01:00",
    } | more


def created(answer: Any) -> Any:
    """The resource that was created."""
    assert answer.status_code == 201, answer.text
    return answer.json


def create_thread(ask: Any, **more: Any) -> str:
    """Create a thread as `ask`, and return the reference of its header."""
    return f"Communication/{created(ask('POST', '/Communication', thread_header(**more)))['id']}"


def create_message(ask: Any, header: str, text: str = "I cough.", **more: Any) -> Any:
    """Create a message in a thread as `ask`, and return it."""
    return created(ask("POST", "/Communication", message(header, text, **more)))
