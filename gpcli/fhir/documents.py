"""Attachment, DocumentReference and Media: the files of messages, and the texts in them."""

from __future__ import annotations

import binascii
import codecs
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.modifiers import require_understood
from gpcli.model.thread import AttachedFile, Attachment

DOCUMENT_REFERENCE = "DocumentReference"
MAX_TEXT_BYTES = 64 * 1024
"""A plain text file that is larger is no message, and only attached."""

_PLAIN_TEXT = "text/plain"
_FILES = frozenset({DOCUMENT_REFERENCE, "Binary", None})
"""Types of records, `None` = not told, that may be the file that a message refers to."""


class MessageContent(NamedTuple):
    """What the payload of a Communication holds; the fields are those of a Message."""

    text: str
    text_from: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    unreadable: int


def read_content(message: Element, bundle: Bundle) -> MessageContent:
    """Return the text and the files of a Communication, and how many of its parts can't be read.

    Where it has no text of its own, that of its plain text files stands in, if it came along. The
    ids of the files are the message's and their number (`MESSAGE.1`). A file in a DocumentReference
    that is not in `bundle` has that reference as its `source`. A part that can't be read costs
    itself, as a flaw. Raises Malformed.
    """
    payloads = message.children("payload")
    texts = tuple(filter(None, (payload.string("contentString") for payload in payloads)))
    parts = [payload for payload in payloads if "contentString" not in payload.json]
    message_id = message.require_string("id")
    files = [
        _read_payload_or_reject(part, f"{message_id}.{number}", message, bundle)
        for number, part in enumerate(parts, 1)
    ]
    unreadable = files.count(()) + _count_unreadable_texts(message)
    attachments = tuple(file for group in files for file in group)
    own = "\n\n".join(texts)
    if own.strip():
        return MessageContent(own, (), attachments, unreadable)
    read = ((attachment.id, decode_text(attachment)) for attachment in attachments)
    found = {identity: text for identity, text in read if text}
    return MessageContent("\n\n".join(found.values()), tuple(found), attachments, unreadable)


def _count_unreadable_texts(message: Element) -> int:
    written = message.json.get("payload")
    if isinstance(written, list):
        return sum(map(_is_no_text, written))
    return 0 if written is None else 1


def _is_no_text(payload: object) -> bool:
    """Return whether it is neither a payload nor absent, or its text is no text."""
    if not isinstance(payload, dict):
        return payload is not None
    return not isinstance(payload.get("contentString", ""), str)


def read_attachment(
    attachment: Element, attachment_id: str, title: str | None = None
) -> Attachment:
    """Return an Attachment, with its bytes if they are inline. Raises Malformed.

    `title` stands in for a missing one. Inline data that is no base64 gives no content.
    """
    encoded = attachment.string("data")
    content = None if encoded is None else decode_base64(encoded)
    if encoded is not None and content is None:
        attachment.reject("data")
    return Attachment(
        id=attachment_id,
        title=attachment.string("title") or title,
        content_type=attachment.string("contentType"),
        size=_read_size(attachment),
        content=content,
        source=attachment.string("url") if content is None else None,
        created=attachment.written_time("creation"),
    )


def read_document(document: Element, attachment_id: str) -> Attachment:
    """Return the first Attachment of a DocumentReference; raise Malformed when it has none."""
    return read_document_files(document, attachment_id)[0]


def read_document_files(document: Element, attachment_id: str) -> tuple[Attachment, ...]:
    """Return the Attachments of a DocumentReference, which has at least one. Raises Malformed.

    The first has the id `attachment_id`, the others this and their number.
    """
    require_understood(document)
    title = document.string("description") or document.concept_label("type")
    contents = (content.child("attachment") for content in document.children("content"))
    files = tuple(
        replace(
            read_attachment(each, attachment_id if number == 1 else f"{attachment_id}.{number}"),
            status=document.expected_string("status"),
            document_status=document.string("docStatus"),
            relations=tuple(_read_relations(document)),
        )
        for number, each in enumerate(filter(None, contents), 1)
    )
    if not files:
        raise Malformed(f"{document.path} has no content")
    return tuple(replace(file, title=file.title or title) for file in files)


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


def decode_text(attachment: Attachment) -> str | None:
    """Return the text of a small plain text file whose bytes came along; `None` for any other.

    Without a charset it is taken for UTF-8, or for what its byte order mark says. Bytes that are
    not of the charset are no text, nor is what was withdrawn.
    """
    media_type, *parameters = (attachment.content_type or "").split(";")
    content = attachment.content
    if media_type.strip().casefold() != _PLAIN_TEXT or content is None or attachment.is_withdrawn:
        return None
    if len(content) > MAX_TEXT_BYTES:
        return None
    try:
        return content.decode(_find_charset(parameters, content))
    except (LookupError, ValueError):
        return None


def write_attachment(file: AttachedFile) -> dict[str, Any]:
    """Return a file as an Attachment with its bytes inline."""
    return {
        "contentType": file.content_type,
        "title": file.name,
        "size": len(file.content),
        "data": b64encode(file.content).decode("ascii"),
    }


def _find_charset(parameters: list[str], content: bytes) -> str:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        charset = value.strip().strip("\"'").casefold()
        if name.strip().casefold() == "charset" and charset not in {"", "utf-8", "utf8"}:
            return charset
    has_utf16_mark = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "utf-16" if has_utf16_mark else "utf-8-sig"


def _read_payload_or_reject(
    payload: Element, attachment_id: str, message: Element, bundle: Bundle
) -> tuple[Attachment, ...]:
    """Return the files of a payload; add what can't be read to the flaws of the message."""
    try:
        return _read_payload(payload, attachment_id, message, bundle)
    except Malformed as error:
        if message.origin is None:
            raise
        message.origin.add_flaw(str(error))
        return ()


def _read_payload(
    payload: Element, attachment_id: str, message: Element, bundle: Bundle
) -> tuple[Attachment, ...]:
    if "contentAttachment" in payload.json:
        attachment = payload.child("contentAttachment")
        return (read_attachment(attachment, attachment_id),) if attachment else ()
    link = payload.link("contentReference")
    if link is None or link == (None, None, None, None):
        raise Malformed(f"{payload.path} has no content")
    record = bundle.resolve(link, message)
    if record and record.resource_type == DOCUMENT_REFERENCE:
        return read_document_files(record, attachment_id)
    if record and record.resource_type == "Media" and (media := record.child("content")):
        require_understood(record)
        status = record.expected_string("status")
        return (replace(read_attachment(media, attachment_id), status=status),)
    source = link.target
    if source and source.startswith("#"):
        raise Malformed(f"{payload.path} refers to {source}, which is not in it")
    if link.type in _FILES:
        return (Attachment(attachment_id, link.display, None, None, source=source),)
    return (Attachment(attachment_id, link.display or source, None, None),)


def _read_relations(document: Element) -> Iterator[str]:
    for relation in document.children("relatesTo"):
        link = relation.link("target")
        what = link and (link.target or link.display)
        yield " ".join(filter(None, (relation.string("code") or "relates to", what)))


def _read_size(attachment: Element) -> int | None:
    size = attachment.decimal("size")
    if size is None or (size >= 0 and size == size.to_integral_value()):
        return None if size is None else int(size)
    attachment.reject("size")
    return None
