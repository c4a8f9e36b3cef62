"""Build message threads and their attachments, as `docs/portal.md` specifies them."""

import base64
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gpcli.sandbox.people.element_builders import (
    THREAD_SYSTEM,
    Element,
    concept,
    instant_text,
    reference,
    short_id,
    uuid_identifier,
)
from gpcli.sandbox.people.healthcare_services import MONTHS
from gpcli.sandbox.people.patients import GpOfPatient, SyntheticPatient
from gpcli.sandbox.people.relative_times import RelativeTime

TRANSPORTS = ("inline", "binary", "document")
THREAD_KINDS = ("e-consultation", "administrative")
WRITTEN_MEDIUM = concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "WRITTEN")
READ_AFTER = timedelta(minutes=35)
"""The time from sending to reading, for messages that were read."""
_NORWEGIAN_MONTHS = (
    *("januar", "februar", "mars", "april", "mai", "juni"),
    *("juli", "august", "september", "oktober", "november", "desember"),
)


@dataclass(frozen=True)
class MessageAttachment:
    """A file in a message.

    `transport` is where R4 holds its bytes: `inline` in the message, `binary` in a Binary at the
    attachment's URL, or `document` in a Binary at the URL of a DocumentReference's attachment.
    """

    title: str
    media_type: str
    content: bytes
    transport: str = "inline"

    def payload(self, message: str) -> Element:
        """Return the Communication.payload for the message with that id."""
        if self.transport == "document":
            return {"contentReference": reference(f"DocumentReference/{self._id('doc', message)}")}
        return {"contentAttachment": self._attachment(message)}

    def resources(self, message: str, subject: Element, sent: datetime) -> Iterator[Element]:
        """Yield the resources outside of the message: Binary and DocumentReference, if any."""
        if self.transport == "inline":
            return
        if self.transport == "document":
            yield self._document_reference(message, subject, sent)
        yield {
            "resourceType": "Binary",
            "id": self._id("b", message),
            "contentType": self.media_type,
            "securityContext": subject,
            "data": _encode_base64(self.content),
        }

    def _document_reference(self, message: str, subject: Element, sent: datetime) -> Element:
        return {
            "resourceType": "DocumentReference",
            "id": self._id("doc", message),
            "status": "current",
            "subject": subject,
            "date": instant_text(sent),
            "description": self.title,
            "content": [{"attachment": self._attachment(message)}],
            "context": {"related": [reference(f"Communication/{message}")]},
        }

    def _attachment(self, message: str) -> Element:
        about = {
            "contentType": self.media_type,
            "title": self.title,
            "size": len(self.content),
        }
        if self.transport == "inline":
            return {**about, "data": _encode_base64(self.content)}
        return {**about, "url": f"Binary/{self._id('b', message)}"}

    def _id(self, prefix: str, message: str) -> str:
        return short_id(prefix, message, self.title)


def _encode_base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def encode_text(text: str) -> bytes:
    """Return a text file in UTF-8, whose last line ends as the others do."""
    return f"{text}\n".encode()


def build_png(size: int = 24) -> bytes:
    """Return a PNG of a reddish spot on a light ground, `size` pixels wide and high."""
    rows = (b"\0" + b"".join(_png_pixel(x, y, size) for x in range(size)) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"".join(rows), 0)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, content) for kind, content in chunks)


def _png_pixel(x: int, y: int, size: int) -> bytes:
    middle = (size - 1) / 2
    from_middle = ((x - middle) ** 2 + (y - middle) ** 2) ** 0.5
    return b"\xb5\x6a\x5a" if from_middle < size / 4 else b"\xf0\xd5\xc4"


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def build_pdf(line: str) -> bytes:
    """Return a PDF of one page with one line of text.

    The line is in Latin-1, without brackets or backslashes.

    Source: ISO 32000-1.
    """
    shown = f"BT /F1 14 Tf 60 780 Td ({line}) Tj ET".encode("latin-1")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
        b" /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>"
    )
    stream = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown)
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return _assemble_pdf(catalog, pages, page, stream, font)


def _assemble_pdf(*objects: bytes) -> bytes:
    written = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    return (
        written
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(written))
    )


@dataclass(frozen=True)
class Message:
    """A message by the `patient`, the `gp` or the `reception`.

    `unread` has a meaning only for messages of the surgery.
    """

    by: str
    when: RelativeTime
    text: str
    attachments: tuple[MessageAttachment, ...] = ()
    unread: bool = False

    def sent(self, now: datetime) -> datetime:
        """Return when it was sent."""
        return self.when.at(now)


@dataclass(frozen=True)
class Thread:
    """A thread: its header and messages, oldest first.

    `subject` may name the month in which it begins: `{month}`, or `{month_nb}` in Norwegian.
    `reason` is the surgery's reason for `status`; `writer` is a Reference to who writes on behalf
    of the patient, None for the patient.
    """

    id: str
    patient: SyntheticPatient
    gp: GpOfPatient
    kind: str
    subject: str
    messages: tuple[Message, ...]
    status: str = "in-progress"
    reason: str = ""
    writer: Element | None = None

    def resources(self, now: datetime) -> Iterator[Element]:
        """Yield the header, the messages, and the resources of their attachments."""
        yield self._header(now)
        for number, message in enumerate(self.messages):
            yield self._message(number, message, now)
            for attachment in message.attachments:
                yield from attachment.resources(
                    self._message_id(number), self.patient.subject, message.sent(now)
                )

    def _header(self, now: datetime) -> Element:
        began = self.messages[0].sent(now)
        header: Element = {
            "resourceType": "Communication",
            "id": self.id,
            "identifier": [uuid_identifier("Communication", self.id)],
            "status": self.status,
            "category": [concept(THREAD_SYSTEM, self.kind)],
            "medium": [WRITTEN_MEDIUM],
            "subject": self.patient.subject,
            "topic": {"text": self._topic(began.month)},
            "sent": instant_text(began),
            "sender": self._author("patient"),
            "recipient": [self._author("gp")],
        }
        return {**header, "statusReason": {"text": self.reason}} if self.reason else header

    def _topic(self, month: int) -> str:
        named = self.subject.replace("{month}", MONTHS[month - 1])
        return named.replace("{month_nb}", _NORWEGIAN_MONTHS[month - 1])

    def _message(self, number: int, message: Message, now: datetime) -> Element:
        id_ = self._message_id(number)
        sent = message.sent(now)
        from_patient = message.by == "patient"
        written: Element = {
            "resourceType": "Communication",
            "id": id_,
            "identifier": [uuid_identifier("Communication", id_)],
            "partOf": [reference(f"Communication/{self.id}")],
            "status": "completed",
            "category": [concept(THREAD_SYSTEM, self.kind)],
            "subject": self.patient.subject,
            "sent": instant_text(sent),
            "sender": self._author(message.by),
            "recipient": [self._author("gp") if from_patient else self.patient.subject],
            "payload": [
                {"contentString": message.text},
                *(each.payload(id_) for each in message.attachments),
            ],
        }
        if number:
            answered = reference(f"Communication/{self._message_id(number - 1)}")
            written["inResponseTo"] = [answered]
        if not from_patient and not message.unread:
            written["received"] = instant_text(sent + READ_AFTER)
        return written

    def _author(self, by: str) -> Element:
        if by == "patient":
            return self.writer or self.patient.subject
        return self.gp.role if by == "gp" else self.gp.gp.surgery.organization

    def _message_id(self, number: int) -> str:
        return short_id("m", self.id, str(number))
