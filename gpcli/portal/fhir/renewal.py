"""Task: a request to renew one prescription (SNOMED CT 103742009, docs/portal.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gpcli.errors import AlreadyAnswered
from gpcli.model.prescription import (
    WITHDRAWABLE,
    Prescription,
    PrescriptionId,
    Renewal,
    RenewalId,
)
from gpcli.portal.fhir.appointment import UUID_SYSTEM
from gpcli.portal.fhir.element import Element

SNOMED = "http://snomed.info/sct"
RENEWING = "103742009"

_SURGERYS = ("Practitioner", "Organization")
"""How references to those who answer begin."""


def is_renewal(task: Element) -> bool:
    """Whether a Task asks to renew a prescription; raises Malformed."""
    coded = any(coding.code == RENEWING for coding in task.codings("code"))
    return coded and task.text("status") != "entered-in-error"


def read_renewal(task: Element, labels: Mapping[str, str], zone: str) -> Renewal:
    """One request; raises Malformed.

    `labels` are the names of prescriptions by their ids, for one whose name the Task doesn't give.
    """
    focus, identity = task.child("focus"), _prescription(task)
    return Renewal(
        id=RenewalId(task.need("id")),
        status=task.need("status"),
        prescription_id=PrescriptionId(identity) if identity else None,
        prescription=labels.get(identity or "") or (focus.text("display") if focus else None),
        asked=_instant(task, "authoredOn"),
        updated=_instant(task, "lastModified"),
        note=next(_notes(task, by_surgery=False), None),
        answer=task.phrase("statusReason") or next(_notes(task, by_surgery=True), None),
        zone=zone,
        identifiers=tuple(filter(None, (i.text("value") for i in task.children("identifier")))),
    )


def write_renewal(
    prescription: Prescription,
    patient: str,
    author: str,
    note: str | None,
    intent: UUID,
    now: datetime,
) -> dict[str, Any]:
    """A Task that asks the prescriber to renew; `author` is the reference of who asks."""
    focus = {"reference": f"MedicationRequest/{prescription.id}", "display": prescription.label}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": SNOMED, "code": RENEWING}]},
        "focus": focus,
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": now.isoformat(timespec="seconds"),
        "requester": {"reference": author},
    }
    prescriber = prescription.prescriber_ref or ""
    if prescriber.startswith("Practitioner"):
        task["owner"] = {"reference": prescriber}
    return {**task, "note": [{"text": note}]} if note else task


def write_withdrawn(task: Element) -> dict[str, Any]:
    """The same Task, cancelled; everything else stays as it was.

    Raises AlreadyAnswered for one that the surgery has begun to handle.
    """
    if task.text("status") not in WITHDRAWABLE:
        raise AlreadyAnswered(
            "The surgery has handled this request already: it can't be withdrawn any more.",
            hint="gpcli rx requests shows the answer.",
        )
    return {**task.json, "status": "cancelled"}


def _prescription(task: Element) -> str | None:
    kind, _, identity = (task.reference("focus") or "").partition("/")
    return identity if kind == "MedicationRequest" else None


def _notes(task: Element, *, by_surgery: bool) -> Iterator[str]:
    """What one side has written: the patient's first words, the surgery's last."""
    notes = task.children("note")
    for note in reversed(notes) if by_surgery else notes:
        text = note.text("text")
        author = note.reference("authorReference") or ""
        if text and author.startswith(_SURGERYS) is by_surgery:
            yield text


def _instant(task: Element, name: str) -> datetime | None:
    """A dateTime that has a time; R4 also allows a day, a month or a year alone."""
    return task.instant(name) if "T" in (task.text(name) or "") else None
