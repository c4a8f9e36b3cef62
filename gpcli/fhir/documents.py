"""Attachment and DocumentReference: the files of messages."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.model.thread import AttachedFile, Attachment

DOCUMENT_REFERENCE = "DocumentReference"


def read_attachments(message: Element, bundle: Bundle) -> tuple[Attachment, ...]:
    """Return the files of a Communication; their ids are its id and their number (`MESSAGE.1`).

    A file in a DocumentReference that is not in `bundle` has that reference as its `source`. Raises
    Malformed.
    """
    payloads = [each for each in message.children("payload") if "contentString" not in each.json]
    message_id = message.require_string("id")
    return tuple(
        _read_payload(payload, f"{message_id}.{number}", message, bundle)
        for number, payload in enumerate(payloads, 1)
    )


def read_attachment(
    attachment: Element, attachment_id: str, title: str | None = None
) -> Attachment:
    """Return an Attachment, with its bytes if they are inline. Raises Malformed.

    `title` stands in for a missing one. Inline data that is no base64 gives neither content nor
    source.
    """
    encoded = attachment.string("data")
    return Attachment(
        id=attachment_id,
        title=attachment.string("title") or title,
        content_type=attachment.string("contentType"),
        size=_read_size(attachment),
        content=None if encoded is None else decode_base64(encoded),
        source=attachment.string("url") if encoded is None else None,
    )


def read_document(document: Element, attachment_id: str) -> Attachment:
    """Return the first Attachment of a DocumentReference; raise Malformed when it has none."""
    for content in document.children("content"):
        if attachment := content.child("attachment"):
            return read_attachment(attachment, attachment_id, document.string("description"))
    raise Malformed(f"{document.path} has no content")


def document_references(message: Element) -> Iterator[str]:
    """Yield the references of a Communication to documents, as `DocumentReference/id`."""
    for payload in message.children("payload"):
        reference = payload.reference("contentReference") or ""
        if reference.startswith(f"{DOCUMENT_REFERENCE}/"):
            yield reference


def decode_base64(encoded: str) -> bytes | None:
    """Return the bytes of a base64Binary, which may hold blanks; `None` if it is malformed."""
    try:
        return b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def write_attachment(file: AttachedFile) -> dict[str, Any]:
    """Return a file as an Attachment with its bytes inline."""
    return {
        "contentType": file.content_type,
        "title": file.name,
        "size": len(file.content),
        "data": b64encode(file.content).decode("ascii"),
    }


def _read_payload(
    payload: Element, attachment_id: str, message: Element, bundle: Bundle
) -> Attachment:
    if attachment := payload.child("contentAttachment"):
        return read_attachment(attachment, attachment_id)
    target = payload.child("contentReference")
    reference = payload.reference("contentReference")
    if target is None or reference is None:
        raise Malformed(f"{payload.path} has no content")
    document = bundle.get(reference) or message.contained(reference)
    if document and document.resource_type == DOCUMENT_REFERENCE:
        return read_document(document, attachment_id)
    return Attachment(attachment_id, target.string("display"), None, None, source=reference)


def _read_size(attachment: Element) -> int | None:
    size = attachment.decimal("size")
    if size is None:
        return None
    if size < 0 or size != size.to_integral_value():
        raise attachment.malformed("size")
    return int(size)
