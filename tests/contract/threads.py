"""What the patients of the contract's world and their surgeries wrote, in plain FHIR R4."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.contract.practice import Resource

if TYPE_CHECKING:
    from tests.contract.world import Patient

OPEN = "rash"
CLOSED = "parking"
SUBJECTS = {OPEN: "Rash on my forearm", CLOSED: "Parking at the surgery"}
WHY_CLOSED = "Answered."
QUESTION = "I have had an itching rash for ten days.\n\nWhat can I do?"
ANSWER = "It sounds like eczema. Use a thick moisturiser twice a day."
LEAFLET = b"Moisturise twice a day.\n"
"""What is attached to the GP's answer, inline."""
PLACES = "Two places to the left of the entrance."
_KINDS = {OPEN: "e-consultation", CLOSED: "administrative"}


def threads(patient: Patient) -> Iterator[Resource]:
    """An e-consultation with an unread answer, and a closed thread that was read."""
    yield _header(patient, OPEN, -3, "in-progress")
    yield _asked(patient, OPEN, -3, QUESTION)
    yield {**_answered(patient, OPEN, -1, ANSWER), "payload": _with_files(patient)}
    yield {
        **_header(patient, CLOSED, -9, "completed"),
        "statusReason": {"text": WHY_CLOSED},
    }
    yield _asked(patient, CLOSED, -9, "Where can I park?")
    yield {**_answered(patient, CLOSED, -8, PLACES), "received": patient.at(-8, "12:00")}


def _with_files(patient: Patient) -> list[Resource]:
    inline = {
        "contentType": "text/plain",
        "title": "leaflet.txt",
        "size": len(LEAFLET),
        "data": base64.b64encode(LEAFLET).decode(),
    }
    apart = {
        "contentType": "text/plain",
        "title": "notes.txt",
        "url": f"Binary/notes-{patient.number}",
    }
    files = [{"contentAttachment": each} for each in (inline, apart)]
    return [{"contentString": ANSWER}, *files]


def _header(patient: Patient, thread: str, ago: int, status: str) -> Resource:
    return {
        **_common(patient, thread, status),
        "id": f"{thread}-{patient.number}",
        "topic": {"text": SUBJECTS[thread]},
        "sent": patient.at(ago, "08:15"),
        **_from_patient(patient),
    }


def _asked(patient: Patient, thread: str, ago: int, text: str) -> Resource:
    return {
        **_message(patient, thread, text),
        "id": f"{thread}-asked-{patient.number}",
        "sent": patient.at(ago, "08:15"),
        **_from_patient(patient),
    }


def _answered(patient: Patient, thread: str, ago: int, text: str) -> Resource:
    return {
        **_message(patient, thread, text),
        "id": f"{thread}-answered-{patient.number}",
        "inResponseTo": [{"reference": f"Communication/{thread}-asked-{patient.number}"}],
        "sent": patient.at(ago, "11:02"),
        "sender": patient.practice.reference,
        "recipient": [patient.reference],
    }


def _message(patient: Patient, thread: str, text: str) -> Resource:
    return {
        **_common(patient, thread, "completed"),
        "partOf": [{"reference": f"Communication/{thread}-{patient.number}"}],
        "payload": [{"contentString": text}],
    }


def _common(patient: Patient, thread: str, status: str) -> Resource:
    return {
        "resourceType": "Communication",
        "status": status,
        "category": [{"coding": [{"system": "urn:gpcli:thread", "code": _KINDS[thread]}]}],
        "subject": patient.reference,
    }


def _from_patient(patient: Patient) -> Resource:
    return {"sender": patient.reference, "recipient": [patient.practice.reference]}
