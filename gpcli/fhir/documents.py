"""Attachment, DocumentReference and Binary: files at messages."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.model.thread import AttachedFile, Attachment

DOCUMENT = "DocumentReference"


def read_attachments(message: Element, bundle: Bundle) -> tuple[Attachment, ...]:
    """The files of a Communication, numbered in their order.

    One behind a DocumentReference that did not come along has that as its `source`.
    """
    files = [each for each in message.children("payload") if "contentString" not in each.json]
    identity = message.need("id")
    return tuple(
        _read_payload(payload, f"{identity}.{number}", message, bundle)
        for number, payload in enumerate(files, 1)
    )


def read_attachment(attachment: Element, identity: str, title: str | None = None) -> Attachment:
    """One Attachment; its bytes where they came along. Raises Malformed.

    What stands inline and is no base64 has neither content nor source.
    """
    written = attachment.text("data")
    return Attachment(
        id=identity,
        title=attachment.text("title") or title,
        content_type=attachment.text("contentType"),
        size=_size(attachment),
        content=None if written is None else decoded(written),
        source=attachment.text("url") if written is None else None,
    )


def read_document(document: Element, identity: str) -> Attachment:
    """The first content of a DocumentReference. Raises Malformed when there is none."""
    for content in document.children("content"):
        if attachment := content.child("attachment"):
            return read_attachment(attachment, identity, document.text("description"))
    raise Malformed(f"{document.path} has no content")


def documents_of(message: Element) -> Iterator[str]:
    """The DocumentReferences that a Communication points to, as `DocumentReference/id`."""
    for payload in message.children("payload"):
        reference = payload.reference("contentReference") or ""
        if reference.startswith(f"{DOCUMENT}/"):
            yield reference


def decoded(written: str) -> bytes | None:
    """The bytes of a base64Binary (R4: blanks may stand anywhere), `None` if it is none."""
    try:
        return b64decode("".join(written.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def write_attachment(enclosure: AttachedFile) -> dict[str, Any]:
    """A file as an Attachment with its bytes."""
    return {
        "contentType": enclosure.content_type,
        "title": enclosure.name,
        "size": len(enclosure.content),
        "data": b64encode(enclosure.content).decode("ascii"),
    }


def _read_payload(payload: Element, identity: str, message: Element, bundle: Bundle) -> Attachment:
    if attachment := payload.child("contentAttachment"):
        return read_attachment(attachment, identity)
    target = payload.child("contentReference")
    reference = payload.reference("contentReference")
    if target is None or reference is None:
        raise Malformed(f"{payload.path} has no content")
    document = bundle.get(reference) or _contained(message, reference)
    if document and document.kind == DOCUMENT:
        return read_document(document, identity)
    return Attachment(identity, target.text("display"), None, None, source=reference)


def _contained(message: Element, reference: str) -> Element | None:
    inside = message.children("contained")
    return next((each for each in inside if f"#{each.text('id')}" == reference), None)


def _size(attachment: Element) -> int | None:
    size = attachment.decimal("size")
    if size is None:
        return None
    if size < 0 or size != size.to_integral_value():
        raise attachment.bad("size")
    return int(size)
