"""Communication: threads and their messages, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gpcli.fhir.actors import practitioner_name
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.documents import read_attachments, write_attachment
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed
from gpcli.fhir.patient import read_name, read_target
from gpcli.model.thread import Draft, Message, MessageId, Thread, ThreadId, ThreadKind

THREAD_SYSTEM = "urn:gpcli:thread"
ENTERED_IN_ERROR = "entered-in-error"

_PARTIAL_DATE = re.compile(r"\d{4}(-\d\d){0,2}", re.ASCII)
_PATIENT_SIDE = frozenset({"Patient", "RelatedPerson"})
_PERSON_TYPES = frozenset({"Patient", "RelatedPerson", "Practitioner"})


def header_reference(communication: Element) -> str | None:
    """Return the header that a message is part of, as `Communication/id`; `None` for a header."""
    part_of = communication.references("partOf")
    return next((target for target in part_of if target.startswith("Communication/")), None)


def read_message(
    message: Element, bundle: Bundle, patient: str, is_read: Callable[[str], bool]
) -> Message:
    """Return a message. Raises Malformed.

    `bundle` holds its sender and documents; `patient` is an id. `is_read` tells by the id of the
    message whether this computer has it marked as read.
    """
    message_id = message.require_string("id")
    author = message.reference("sender")
    mine = _type_of(author) in _PATIENT_SIDE
    to_patient = not mine and f"Patient/{patient}" in message.references("recipient")
    header = header_reference(message) or message.relative_reference
    in_response_to = message.references("inResponseTo")
    return Message(
        id=MessageId(message_id),
        thread_id=ThreadId(_id_of(header)),
        sent=_read_sent(message),
        sender=_sender_name(message, bundle),
        mine=mine,
        unread=to_patient and message.string("received") is None and not is_read(message_id),
        text="\n\n".join(_read_texts(message)),
        attachments=read_attachments(message, bundle),
        in_response_to=_id_of(in_response_to[0]) if in_response_to else None,
    )


def read_thread(header: Element, messages: Sequence[Message], bundle: Bundle, zone: str) -> Thread:
    """Return the thread of a header and its messages. Raises Malformed.

    `bundle` holds the surgery; `zone` is its time zone, as an IANA name.
    """
    surgery = surgery_reference(header)
    sent = [message.sent for message in messages if message.sent]
    started = _read_sent(header) or min(sent, default=None)
    return Thread(
        id=ThreadId(header.require_string("id")),
        kind=_read_kind(header),
        subject=header.concept_text("topic"),
        status=header.require_string("status"),
        closed_because=header.concept_text("statusReason"),
        surgery=_none_if_malformed(lambda: _thread_surgery(surgery, bundle)),
        practitioner=_none_if_malformed(lambda: _thread_practitioner(header, surgery, bundle)),
        started=started,
        last=max(sent, default=started),
        message_count=len(messages),
        unread_count=sum(message.unread for message in messages),
        zone=zone,
        surgery_id=_id_of(surgery) if surgery else None,
        identifiers=header.identifiers(),
    )


def surgery_reference(header: Element) -> str | None:
    """Return the reference of the surgery that is a recipient or the sender; `None` without one."""
    parties = (*header.references("recipient"), header.reference("sender"))
    return next((each for each in parties if each and _type_of(each) not in _PATIENT_SIDE), None)


def _none_if_malformed(read: Callable[[], str | None]) -> str | None:
    """Return the name that `read` returns; a flaw in another record must not hide a message."""
    try:
        return read()
    except Malformed:
        return None


def _read_texts(message: Element) -> list[str]:
    texts = (payload.string("contentString") for payload in message.children("payload"))
    return [text for text in texts if text]


def _read_kind(header: Element) -> str | None:
    """Return the category's code in our system, else the first one as written."""
    categories = header.codings("category")
    ours = [coding.code for coding in categories if coding.system == THREAD_SYSTEM]
    return next(filter(None, (*ours, *(coding.code for coding in categories))), None)


def _read_sent(communication: Element) -> datetime | None:
    """Return when it was sent; `None` also for a date without a time (R4 dateTime)."""
    sent = communication.string("sent") or ""
    return None if _PARTIAL_DATE.fullmatch(sent) else communication.instant("sent")


def _sender_name(message: Element, bundle: Bundle) -> str | None:
    target = message.child("sender")
    reference = message.reference("sender")
    if target is None:
        return None
    return target.string("display") or _none_if_malformed(lambda: _author_name(reference, bundle))


def _author_name(reference: str | None, bundle: Bundle) -> str | None:
    author = bundle.get(reference)
    if author and author.resource_type in _PERSON_TYPES:
        return read_name(author)
    if author and _is_role(author):
        return practitioner_name(reference or "", bundle)
    return _resource_name(author)


def _thread_surgery(reference: str | None, bundle: Bundle) -> str | None:
    surgery = bundle.get(reference)
    if surgery and _is_role(surgery):
        return _resource_name(bundle.get(surgery.reference("organization")))
    return _resource_name(surgery)


def _thread_practitioner(header: Element, reference: str | None, bundle: Bundle) -> str | None:
    if _type_of(reference) not in {"PractitionerRole", "Practitioner"}:
        return None
    return practitioner_name(reference or "", bundle) or _read_display(header, reference)


def _read_display(header: Element, reference: str | None) -> str | None:
    parties = (*header.children("recipient"), header.child("sender"))
    displays = [
        party.string("display") for party in parties if party and read_target(party) == reference
    ]
    return next(filter(None, displays), None)


def _resource_name(resource: Element | None) -> str | None:
    return resource.string("name") if resource else None


def _is_role(resource: Element) -> bool:
    return resource.resource_type == "PractitionerRole"


def _type_of(reference: str | None) -> str:
    return (reference or "").partition("/")[0]


def _id_of(reference: str) -> str:
    return reference.rpartition("/")[2]


_MODE_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


@dataclass(frozen=True)
class Envelope:
    """What a header and its messages have in common.

    `author` and `recipient` are references (`Type/id`), `patient` is an id. `kind` is the kind of
    the thread; it is written only where it is a ThreadKind. A `recipient` of `None` is left out.
    `sent` is aware.
    """

    kind: str | None
    patient: str
    author: str
    recipient: str | None
    sent: datetime


def write_header(envelope: Envelope, subject: str, intent: UUID) -> dict[str, Any]:
    """Return the header of a new thread, sent at the same time as its first message."""
    return {
        **_write_communication(envelope, intent, "in-progress"),
        "topic": {"text": subject},
        "medium": [{"coding": [{"system": _MODE_SYSTEM, "code": "WRITTEN"}]}],
    }


def write_message(
    envelope: Envelope,
    draft: Draft,
    header: str,
    intent: UUID,
    *,
    in_response_to: str | None = None,
) -> dict[str, Any]:
    """Return a message in the thread with the reference `header`.

    `in_response_to` is the id of the message that it answers, `None` for none.
    """
    message = {
        **_write_communication(envelope, intent, "completed"),
        "partOf": [{"reference": header}],
    }
    if in_response_to:
        message["inResponseTo"] = [{"reference": f"Communication/{in_response_to}"}]
    texts = [{"contentString": draft.text}] if draft.text else []
    files = [{"contentAttachment": write_attachment(file)} for file in draft.attachments]
    return {**message, "payload": [*texts, *files]}


def write_received(message: Element, now: datetime) -> dict[str, Any]:
    """Return the message as received at `now`, with everything else unchanged."""
    return {**message.json, "received": now.isoformat(timespec="seconds")}


def _write_communication(envelope: Envelope, intent: UUID, status: str) -> dict[str, Any]:
    communication: dict[str, Any] = {
        "resourceType": "Communication",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": status,
        "subject": {"reference": f"Patient/{envelope.patient}"},
        "sender": {"reference": envelope.author},
        "sent": envelope.sent.isoformat(timespec="seconds"),
    }
    if envelope.kind in set(ThreadKind):
        category = {"coding": [{"system": THREAD_SYSTEM, "code": str(envelope.kind)}]}
        communication["category"] = [category]
    if envelope.recipient:
        communication["recipient"] = [{"reference": envelope.recipient}]
    return communication
