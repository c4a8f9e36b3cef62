"""Communication: threads and their messages, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.documents import read_attachments, write_attachment
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed
from gpcli.fhir.patient import name_of
from gpcli.fhir.scheduling import name_behind
from gpcli.model.thread import Draft, Message, MessageId, Thread, ThreadId, ThreadKind

THREAD = "urn:gpcli:thread"
ERRONEOUS = "entered-in-error"

_DAYS = re.compile(r"\d{4}(-\d\d){0,2}", re.ASCII)
_OUR_SIDE = frozenset({"Patient", "RelatedPerson"})
_PEOPLE = frozenset({"Patient", "RelatedPerson", "Practitioner"})


def header_of(communication: Element) -> str | None:
    """The header of the thread that a message is part of; `None` for a header."""
    parts = communication.references("partOf")
    return next((each for each in parts if each.startswith("Communication/")), None)


def read_message(
    message: Element, bundle: Bundle, patient: str, is_read: Callable[[str], bool]
) -> Message:
    """One message. `is_read` tells whether it is known as read here. Raises Malformed."""
    identity = message.need("id")
    author = message.reference("sender")
    mine = _kind(author) in _OUR_SIDE
    to_patient = not mine and f"Patient/{patient}" in message.references("recipient")
    header = header_of(message) or message.ref
    answered = message.references("inResponseTo")
    return Message(
        id=MessageId(identity),
        thread_id=ThreadId(_id(header)),
        sent=_when(message),
        sender=_sender(message, bundle),
        mine=mine,
        unread=to_patient and message.text("received") is None and not is_read(identity),
        text="\n\n".join(_words(message)),
        attachments=read_attachments(message, bundle),
        in_response_to=_id(answered[0]) if answered else None,
    )


def read_thread(header: Element, messages: Sequence[Message], bundle: Bundle, zone: str) -> Thread:
    """One thread by its header and its messages, oldest first. Raises Malformed."""
    surgery = surgery_of(header)
    sent = [each.sent for each in messages if each.sent]
    started = _when(header) or min(sent, default=None)
    return Thread(
        id=ThreadId(header.need("id")),
        kind=_category(header),
        subject=header.phrase("topic"),
        status=header.need("status"),
        closed_because=header.phrase("statusReason"),
        surgery=_known(lambda: _organization(surgery, bundle)),
        practitioner=_known(lambda: _practitioner(header, surgery, bundle)),
        started=started,
        last=max(sent, default=started),
        message_count=len(messages),
        unread_count=sum(each.unread for each in messages),
        zone=zone,
        surgery_id=_id(surgery) if surgery else None,
        identifiers=tuple(
            filter(None, (each.text("value") for each in header.children("identifier")))
        ),
    )


def surgery_of(header: Element) -> str | None:
    """The surgery's side of a thread, as a reference: who got it, or who began it."""
    both = (*header.references("recipient"), header.reference("sender"))
    return next((each for each in both if each and _kind(each) not in _OUR_SIDE), None)


def _known(name: Callable[[], str | None]) -> str | None:
    """A name; what can't be read of somebody else's record must not cost the message."""
    try:
        return name()
    except Malformed:
        return None


def _words(message: Element) -> list[str]:
    texts = (each.text("contentString") for each in message.children("payload"))
    return [each for each in texts if each]


def _category(header: Element) -> str | None:
    written = header.codings("category")
    ours = [coding.code for coding in written if coding.system == THREAD]
    return next(filter(None, (*ours, *(coding.code for coding in written))), None)


def _when(communication: Element) -> datetime | None:
    """When it was sent; a day without a time (R4 dateTime) is no instant, and none is made up."""
    written = communication.text("sent") or ""
    return None if _DAYS.fullmatch(written) else communication.instant("sent")


def _sender(message: Element, bundle: Bundle) -> str | None:
    target = message.child("sender")
    reference = message.reference("sender")
    if target is None:
        return None
    return target.text("display") or _known(lambda: _name(reference, bundle))


def _name(reference: str | None, bundle: Bundle) -> str | None:
    there = bundle.get(reference)
    if there and there.kind in _PEOPLE:
        return name_of(there)
    return name_behind(reference or "", bundle) if there and _is_role(there) else _place(there)


def _organization(reference: str | None, bundle: Bundle) -> str | None:
    there = bundle.get(reference)
    if there and _is_role(there):
        return _place(bundle.get(there.reference("organization")))
    return _place(there)


def _practitioner(header: Element, reference: str | None, bundle: Bundle) -> str | None:
    if _kind(reference) not in {"PractitionerRole", "Practitioner"}:
        return None
    return name_behind(reference or "", bundle) or _display(header, reference)


def _display(header: Element, reference: str | None) -> str | None:
    sides = (*header.children("recipient"), header.child("sender"))
    shown = [
        each.text("display")
        for each in sides
        if each and Element({"to": each.json}, each.path).reference("to") == reference
    ]
    return next(filter(None, shown), None)


def _place(there: Element | None) -> str | None:
    return there.text("name") if there else None


def _is_role(there: Element) -> bool:
    return there.kind == "PractitionerRole"


def _kind(reference: str | None) -> str:
    return (reference or "").partition("/")[0]


def _id(reference: str) -> str:
    return reference.rpartition("/")[2]


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
    files = [{"contentAttachment": write_attachment(each)} for each in draft.attachments]
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
