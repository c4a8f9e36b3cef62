"""Communication: what the patient writes, and that a message was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gpcli.model.thread import Draft, ThreadKind
from gpcli.portal.fhir.appointment import UUID_SYSTEM
from gpcli.portal.fhir.attachment import write_attachment
from gpcli.portal.fhir.communication import THREAD
from gpcli.portal.fhir.element import Element

_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


@dataclass(frozen=True)
class Letter:
    """From whom to whom: `author` and `recipient` as references, `patient` as an id.

    `kind` is a thread's; one that is not of `ThreadKind` is not sent.
    """

    kind: str | None
    patient: str
    author: str
    recipient: str | None
    sent: datetime


def write_header(letter: Letter, subject: str, intent: UUID) -> dict[str, Any]:
    """The header of a new thread; its `sent` is its first message's."""
    return {
        **_written(letter, intent, "in-progress"),
        "topic": {"text": subject},
        "medium": [{"coding": [{"system": _MODE, "code": "WRITTEN"}]}],
    }


def write_message(
    letter: Letter, draft: Draft, header: str, intent: UUID, *, answers: str | None = None
) -> dict[str, Any]:
    """A message in the thread whose header is at `header`; `answers` is a message's id."""
    message = {**_written(letter, intent, "completed"), "partOf": [{"reference": header}]}
    if answers:
        message["inResponseTo"] = [{"reference": f"Communication/{answers}"}]
    words = [{"contentString": draft.text}] if draft.text else []
    files = [{"contentAttachment": write_attachment(each)} for each in draft.enclosures]
    return {**message, "payload": [*words, *files]}


def write_read(message: Element, now: datetime) -> dict[str, Any]:
    """The same message, received now; everything else stays as it was."""
    return {**message.json, "received": now.isoformat(timespec="seconds")}


def _written(letter: Letter, intent: UUID, status: str) -> dict[str, Any]:
    written: dict[str, Any] = {
        "resourceType": "Communication",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": status,
        "subject": {"reference": f"Patient/{letter.patient}"},
        "sender": {"reference": letter.author},
        "sent": letter.sent.isoformat(timespec="seconds"),
    }
    if letter.kind in set(ThreadKind):
        written["category"] = [{"coding": [{"system": THREAD, "code": str(letter.kind)}]}]
    if letter.recipient:
        written["recipient"] = [{"reference": letter.recipient}]
    return written
