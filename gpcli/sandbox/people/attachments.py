"""Attachments of messages: small files that are what they say, sent in the three ways of R4."""

import base64
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gpcli.sandbox.people.elements import Element, instant, reference
from gpcli.sandbox.people.timetable import short_id

Way = Literal["inline", "binary", "document"]


@dataclass(frozen=True)
class Enclosure:
    """A file in a message.

    `inline`, its bytes are in the message; by `binary` at a URL that the message gives, by
    `document` at one that a DocumentReference gives.
    """

    title: str
    media_type: str
    content: bytes
    way: Way = "inline"

    def payload(self, message: str) -> Element:
        """How the message of that id holds it, or leads to it (Communication.payload)."""
        if self.way == "document":
            return {"contentReference": reference(f"DocumentReference/{self._id('doc', message)}")}
        return {"contentAttachment": self._attachment(message)}

    def resources(self, message: str, subject: Element, sent: datetime) -> Iterator[Element]:
        """What lies outside of the message: nothing, a Binary, or a DocumentReference as well."""
        if self.way == "inline":
            return
        if self.way == "document":
            yield self._document(message, subject, sent)
        yield {
            "resourceType": "Binary",
            "id": self._id("b", message),
            "contentType": self.media_type,
            "securityContext": subject,
            "data": _base64(self.content),
        }

    def _document(self, message: str, subject: Element, sent: datetime) -> Element:
        return {
            "resourceType": "DocumentReference",
            "id": self._id("doc", message),
            "status": "current",
            "subject": subject,
            "date": instant(sent),
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
        if self.way == "inline":
            return {**about, "data": _base64(self.content)}
        return {**about, "url": f"Binary/{self._id('b', message)}"}

    def _id(self, prefix: str, message: str) -> str:
        return short_id(prefix, message, self.title)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def plain_text(*lines: str) -> bytes:
    """A text file in UTF-8."""
    return "".join(f"{line}\n" for line in lines).encode()


def picture(size: int = 24) -> bytes:
    """A PNG of a reddish spot on a light ground, `size` pixels wide and high."""
    rows = (b"\0" + b"".join(_pixel(x, y, size) for x in range(size)) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"".join(rows), 0)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _pixel(x: int, y: int, size: int) -> bytes:
    middle = (size - 1) / 2
    from_middle = ((x - middle) ** 2 + (y - middle) ** 2) ** 0.5
    return b"\xb5\x6a\x5a" if from_middle < size / 4 else b"\xf0\xd5\xc4"


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def leaflet(line: str) -> bytes:
    """A PDF of one page that says one line (ISO 32000-1); Latin-1, no brackets or backslashes."""
    shown = f"BT /F1 14 Tf 60 780 Td ({line}) Tj ET".encode("latin-1")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
        b" /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>"
    )
    stream = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown)
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return _pdf(catalog, pages, page, stream, font)


def _pdf(*objects: bytes) -> bytes:
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
