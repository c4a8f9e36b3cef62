"""Communication: threads and their messages, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.documents import read_content, write_attachment
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, Reference
from gpcli.fhir.linked_record import read_linked_name, read_own_name, read_role_holder
from gpcli.fhir.patient import Owner
from gpcli.model.thread import (
    Draft,
    Message,
    MessageId,
    MessageNote,
    Thread,
    ThreadId,
    ThreadKind,
)

THREAD_SYSTEM = "urn:gpcli:thread"
UNKNOWN_STATUS = "unknown"

_PARTIAL_DATE = re.compile(r"\d{4}(-\d\d){0,2}", re.ASCII)
_PATIENT_SIDE = frozenset({"Patient", "RelatedPerson"})
_NO_SURGERY = _PATIENT_SIDE | {"Device"}


@dataclass(frozen=True)
class Reader:
    """For whom messages are read.

    `author` is the reference of who is signed in. `find_party` tells whether a reference is to the
    patient. `is_read` tells by the id of a message whether this computer has it marked as read.
    """

    author: str | None
    find_party: Callable[[Reference], Owner]
    is_read: Callable[[str], bool]


def header_reference(communication: Element) -> str | None:
    """Return the header that a message is part of, as `Communication/id`; `None` for a header."""
    return _first_communication(communication, "partOf")


def answered_reference(communication: Element) -> str | None:
    """Return the message that it answers, as `Communication/id`; `None` where it names none."""
    return _first_communication(communication, "inResponseTo")


def is_thread_header(communication: Element) -> bool:
    """Return whether it has a category of ours, as the header of a thread has."""
    return any(each.system == THREAD_SYSTEM for each in communication.codings("category"))


def is_received(communication: Element) -> bool:
    """Return whether it says when it was received; a time that can't be read is a flaw."""
    return communication.written_time("received") is not None


def has_content(communication: Element) -> bool:
    """Return whether it says something itself, as a message does and a header does not."""
    return bool(communication.json.get("payload"))


def read_message(message: Element, bundle: Bundle, reader: Reader, thread: str) -> Message:
    """Return a message of the thread whose header has the id `thread`. Raises Malformed.

    `bundle` holds its sender and documents.
    """
    message_id = message.require_string("id")
    sender = message.link("sender")
    sender_type = _type_of(sender, bundle, message)
    is_to_patient = _is_to_patient(message, bundle, reader)
    mine = _is_mine(sender, sender_type, reader, is_to_patient=is_to_patient)
    status = message.expected_string("status") or UNKNOWN_STATUS
    read = Message(
        id=MessageId(message_id),
        thread_id=ThreadId(thread),
        sent=_read_sent(message),
        sender=_party_name(sender, bundle, message),
        mine=mine,
        unread=False,
        text="",
        attachments=(),
        in_response_to=_id_of(answered_reference(message)),
        status=status,
        sender_type=sender_type,
        sent_date=_read_sent_date(message),
        priority=message.string("priority"),
        status_reason=message.concept_label("statusReason"),
        reasons=message.concept_labels("reasonCode"),
        about=read_about(message, bundle),
        medium=message.concept_labels("medium"),
        notes=read_notes(message, bundle),
        known_since=_read_known_since(message),
    )
    if read.is_withdrawn:
        return read
    received = is_received(message) or reader.is_read(message_id)
    to_be_read = _is_for_patient(message, mine=mine, is_to_patient=is_to_patient)
    unread = to_be_read if read.stands and not received else False
    return replace(read, unread=unread, **read_content(message, bundle)._asdict())


def read_thread(header: Element, messages: Sequence[Message], bundle: Bundle, zone: str) -> Thread:
    """Return the thread of a header and its messages. Raises Malformed.

    `bundle` holds the surgery; `zone` is its time zone, as an IANA name.
    """
    surgery = find_surgery(header, bundle)
    standing = [message for message in messages if message.stands]
    sent = [message.sent for message in standing if message.sent]
    known = [message.known_since for message in standing if message.known_since]
    newest = max(standing, key=_newest_last, default=None)
    is_dated = _read_sent_date(header) is not None
    started = _read_sent(header) or (None if is_dated else min(sent, default=None))
    thread_id = header.require_string("id")
    return Thread(
        id=ThreadId(thread_id),
        kind=_read_kind(header),
        subject=header.concept_label("topic"),
        status=header.expected_string("status") or UNKNOWN_STATUS,
        closed_because=header.concept_label("statusReason"),
        surgery=_none_if_malformed(lambda: _surgery_name(surgery, bundle, header)),
        practitioner=_none_if_malformed(lambda: _practitioner_name(surgery, bundle, header)),
        started=started,
        last=newest.sent if newest else started,
        message_count=len(messages),
        unread_count=_count_unread(messages),
        zone=zone,
        surgery_id=_id_of(_record_target(surgery)),
        identifiers=header.identifiers(),
        priority=header.string("priority"),
        surgery_reference=_record_target(surgery),
        last_date=newest.sent_date if newest else _read_sent_date(header),
        is_message=any(message.id == thread_id for message in messages),
        known_since=max(known, default=_read_known_since(header)),
    )


def find_surgery(header: Element, bundle: Bundle) -> Reference | None:
    """Return the reference to the surgery, a recipient or the sender; `None` without one.

    One to a record of the portal comes before one by a name or an identifier alone.
    """
    parties = (*header.links("recipient"), header.link("sender"))
    others = [
        each
        for each in parties
        if each
        and _type_of(each, bundle, header) not in _NO_SURGERY
        and (each.target or each.display)
    ]
    return next((each for each in others if each.target), next(iter(others), None))


def read_notes(communication: Element, bundle: Bundle) -> tuple[MessageNote, ...]:
    """Return the remarks at a Communication that have a text."""
    notes = ((note, note.string("text")) for note in communication.children("note"))
    return tuple(
        MessageNote(
            text,
            note.string("authorString")
            or _party_name(note.link("authorReference"), bundle, communication),
            note.written_time("time"),
        )
        for note, text in notes
        if text
    )


def read_about(communication: Element, bundle: Bundle) -> tuple[str, ...]:
    """Return what a Communication is about besides its topic, as far as it is named."""
    names = (_party_name(link, bundle, communication) for link in communication.links("about"))
    return tuple(filter(None, names))


def _newest_last(message: Message) -> float:
    return message.known_since.timestamp() if message.known_since else 0.0


def _first_communication(communication: Element, name: str) -> str | None:
    targets = communication.references(name)
    return next((each for each in targets if each.startswith("Communication/")), None)


def _count_unread(messages: Sequence[Message]) -> int | None:
    """Return how many are unread, at least; `None` where none is known to be, and some may be."""
    known = sum(message.unread is True for message in messages)
    return known or (None if any(message.unread is None for message in messages) else 0)


def _is_mine(
    sender: Reference | None, sender_type: str | None, reader: Reader, *, is_to_patient: bool | None
) -> bool | None:
    """Return whether it is from the patient, or from somebody for them; `None` = not told."""
    if sender and (sender_type in _PATIENT_SIDE or _is_reader(sender, reader)):
        return True
    return False if sender_type or is_to_patient else None


def _is_reader(party: Reference, reader: Reader) -> bool:
    """Return whether it is known to be the patient, or who is signed in for them."""
    is_author = party.target is not None and party.target == reader.author
    return is_author or reader.find_party(party) is Owner.PATIENT


def _is_to_patient(message: Element, bundle: Bundle, reader: Reader) -> bool | None:
    """Return whether the patient is a recipient; `None` where it names none, or may name them."""
    recipients = message.links("recipient")
    if any(_is_reader(link, reader) for link in recipients):
        return True
    doubtful = (_is_perhaps_patient(link, bundle, message, reader) for link in recipients)
    return None if not recipients or any(doubtful) else False


def _is_perhaps_patient(party: Reference, bundle: Bundle, message: Element, reader: Reader) -> bool:
    kind = _type_of(party, bundle, message)
    is_contained = (party.target or "").startswith("#")
    is_open = is_contained or reader.find_party(party) is Owner.UNKNOWN
    return kind == "Group" or (kind in {"Patient", None} and is_open)


def _is_for_patient(
    message: Element, *, mine: bool | None, is_to_patient: bool | None
) -> bool | None:
    """Return whether it came to the patient; `None` = not told.

    What somebody else has sent and addressed to nobody is for the patient, in whose mailbox it is.
    """
    if mine:
        return False
    is_unaddressed = not message.links("recipient")
    return True if mine is False and is_unaddressed else is_to_patient


def _none_if_malformed(read: Callable[[], str | None]) -> str | None:
    """Return the name that `read` returns; a flaw in another record must not hide a message."""
    try:
        return read()
    except Malformed:
        return None


def _read_kind(header: Element) -> str | None:
    """Return the category's code in our system, else the first one in the portal's words."""
    ours = (each.code for each in header.codings("category") if each.system == THREAD_SYSTEM)
    return next(filter(None, ours), None) or header.concept_label("category")


def _read_sent(communication: Element) -> datetime | None:
    """Return when it was sent; `None` also for a date without a time (R4 dateTime)."""
    return None if _read_sent_date(communication) else communication.instant("sent")


def _read_sent_date(communication: Element) -> str | None:
    """Return the year, month or day on which it was sent, where it tells no time."""
    sent = communication.string("sent") or ""
    return sent if _PARTIAL_DATE.fullmatch(sent) and _start_of(sent) else None


def _read_known_since(communication: Element) -> datetime | None:
    """Return a time by which it was sent, to order it by: for want of that, received or stored."""
    meta = communication.child("meta")
    return (
        _read_sent(communication)
        or _start_of(_read_sent_date(communication))
        or communication.date_time("received")
        or (meta.date_time("lastUpdated") if meta else None)
    )


def _start_of(partial_date: str | None) -> datetime | None:
    if partial_date is None:
        return None
    try:
        return datetime.fromisoformat(f"{partial_date}-01-01"[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _party_name(link: Reference | None, bundle: Bundle, holder: Element) -> str | None:
    """Return the name of whom a reference of `holder` is to; a broken record has none."""
    return _none_if_malformed(lambda: read_linked_name(link, bundle, holder))


def _surgery_name(surgery: Reference | None, bundle: Bundle, header: Element) -> str | None:
    record = bundle.resolve(surgery, header)
    if record and record.resource_type == "PractitionerRole":
        return _party_name(record.link("organization"), bundle, header)
    if surgery is None or _type_of(surgery, bundle, header) in {"PractitionerRole", "Practitioner"}:
        return None
    return (read_own_name(record) if record else None) or surgery.display


def _practitioner_name(surgery: Reference | None, bundle: Bundle, header: Element) -> str | None:
    if surgery is None:
        return None
    if _type_of(surgery, bundle, header) not in {"PractitionerRole", "Practitioner"}:
        return None
    own = surgery._replace(display=None)
    return read_role_holder(own, bundle, header) or surgery.display


def _type_of(link: Reference | None, bundle: Bundle, holder: Element) -> str | None:
    """Return the type of the record that a reference is to; `None` = not told."""
    if link is None or link.type:
        return link.type if link else None
    record = bundle.resolve(link, holder)
    if record:
        return record.resource_type
    before, _, _ = (link.target or "").rpartition("/")
    return before.rpartition("/")[2] or None


def _record_target(link: Reference | None) -> str | None:
    """Return the target of a reference that can be written in another record as well."""
    target = link.target if link else None
    return None if target is None or target.startswith("#") else target


def _id_of(reference: str | None) -> str | None:
    return reference.rpartition("/")[2] if reference else None


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
