"""Builders: threads, messages, attachments and renewals, and a surgery that takes them."""

import base64
from typing import Any

from tests.sandbox.fhir.world import concept, ref, role, service

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


def one_who_writes() -> list[dict[str, Any]]:
    """The GP offers all that is done in writing; e-consultations within limits."""
    return [
        service("contact"),
        service("prescription-renewal", extension=LIMITS[2:]),
        service("e-consultation", extension=LIMITS),
        role(*EVERYTHING, "booking", "cancellation"),
    ]


def thread(kind: str = "e-consultation", who: str = "ada", **more: Any) -> dict[str, Any]:
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
    started = thread(kind, who, partOf=[ref(header)], status="completed")
    kept = {name: each for name, each in started.items() if name not in ("topic", "medium")}
    return kept | {"payload": [{"contentString": text}]} | more


def attached(holding: bytes = PNG, type_: str = "image/png", **more: Any) -> dict[str, Any]:
    """A payload with an attachment inline."""
    content = {"contentType": type_, "data": base64.b64encode(holding).decode()}
    return {"contentAttachment": {"title": "cough.png"} | content | more}


def with_attachment(header: str, *attachments: dict[str, Any]) -> dict[str, Any]:
    """A message with a text and these payloads."""
    return message(header, payload=[{"contentString": "See here."}, *attachments])


def from_surgery(header: str, id_: str, who: str = "ada", **more: Any) -> dict[str, Any]:
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


def made(answer: Any) -> Any:
    """The resource that was created."""
    assert answer.status_code == 201, answer.text
    return answer.json


def started(ask: Any, **more: Any) -> str:
    """The reference of a thread's header that `ask` has created."""
    return f"Communication/{made(ask('POST', '/Communication', thread(**more)))['id']}"


def written(ask: Any, header: str, text: str = "I cough.", **more: Any) -> Any:
    """The message that `ask` has written into a thread."""
    return made(ask("POST", "/Communication", message(header, text, **more)))
