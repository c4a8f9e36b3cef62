"""Threads of messages between patients and surgeries, as `docs/portal.md` lays them out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gpcli.sandbox.people.attachments import Enclosure
from gpcli.sandbox.people.directory import Gp
from gpcli.sandbox.people.elements import THREAD, Element, concept, instant, own_uuid, reference
from gpcli.sandbox.people.patients import Someone
from gpcli.sandbox.people.timetable import at, short_id, working_day

Kind = Literal["e-consultation", "administrative"]
WRITTEN = concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "WRITTEN")
READ_AFTER = timedelta(minutes=35)
"""How long after it was sent a message was read, if it was."""


@dataclass(frozen=True)
class Message:
    """What one side wrote, `ago` working days before today, at `clock`.

    `unread` only matters for what the surgery wrote.
    """

    by: Literal["patient", "gp", "reception"]
    ago: int
    clock: str
    text: str
    enclosures: tuple[Enclosure, ...] = ()
    unread: bool = False


@dataclass(frozen=True)
class Thread:
    """A header and its messages, oldest first; the patient writes the first one.

    `key` tells the patient's threads apart, `why` is the surgery's reason for `status`, `writer`
    who writes for the patient, if it is somebody else.
    """

    patient: Someone
    gp: Gp
    kind: Kind
    key: str
    subject: str
    messages: tuple[Message, ...]
    status: str = "in-progress"
    why: str = ""
    writer: Element | None = None

    @property
    def id(self) -> str:
        """The header's id: the same at any time."""
        return short_id("t", self.patient.key, self.key)

    def resources(self, now: datetime) -> Iterator[Element]:
        """The header, the messages, and what is attached to them."""
        yield self._header(now)
        for number, message in enumerate(self.messages):
            yield self._message(number, message, now)
            for enclosure in message.enclosures:
                sent = _sent(message, now)
                yield from enclosure.resources(self._id_of(number), self.patient.subject, sent)

    def _header(self, now: datetime) -> Element:
        header: Element = {
            "resourceType": "Communication",
            "id": self.id,
            "identifier": [own_uuid("Communication", self.id)],
            "status": self.status,
            "category": [concept(THREAD, self.kind)],
            "medium": [WRITTEN],
            "subject": self.patient.subject,
            "topic": {"text": self.subject},
            "sent": instant(_sent(self.messages[0], now)),
            "sender": self._author("patient"),
            "recipient": [self._author("gp")],
        }
        return {**header, "statusReason": {"text": self.why}} if self.why else header

    def _message(self, number: int, message: Message, now: datetime) -> Element:
        id_ = self._id_of(number)
        sent = _sent(message, now)
        from_patient = message.by == "patient"
        written: Element = {
            "resourceType": "Communication",
            "id": id_,
            "identifier": [own_uuid("Communication", id_)],
            "partOf": [reference(f"Communication/{self.id}")],
            "status": "completed",
            "category": [concept(THREAD, self.kind)],
            "subject": self.patient.subject,
            "sent": instant(sent),
            "sender": self._author(message.by),
            "recipient": [self._author("gp") if from_patient else self.patient.subject],
            "payload": [
                {"contentString": message.text},
                *(each.payload(id_) for each in message.enclosures),
            ],
        }
        if number:
            answered = reference(f"Communication/{self._id_of(number - 1)}")
            written["inResponseTo"] = [answered]
        if not from_patient and not message.unread:
            written["received"] = instant(sent + READ_AFTER)
        return written

    def _author(self, by: str) -> Element:
        surgery = self.gp.surgery
        role = f"PractitionerRole/gp-{self.gp.key}{self.patient.role_suffix}"
        authors = {
            "patient": self.writer or self.patient.subject,
            "gp": reference(role, self.gp.name),
            "reception": reference(f"Organization/{surgery.key}", surgery.name),
        }
        return authors[by]

    def _id_of(self, number: int) -> str:
        return short_id("m", self.id, str(number))


def _sent(message: Message, now: datetime) -> datetime:
    return at(working_day(now, -message.ago), message.clock)
