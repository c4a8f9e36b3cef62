"""The bytes of an attachment, wherever the portal keeps them."""

from __future__ import annotations

from gpcli.errors import BadResponse
from gpcli.model.thread import Attachment
from gpcli.net.door import Answer
from gpcli.net.strict_json import NotStrict, decode
from gpcli.portal.exchange import Exchange
from gpcli.portal.fhir.attachment import DOCUMENT, decoded, read_document
from gpcli.portal.fhir.element import Element, Malformed, resource
from gpcli.portal.outcome import error_of
from gpcli.portal.reading import must

_FHIR = frozenset({"application/fhir+json", "application/json+fhir"})
_JSON = _FHIR | {"application/json"}
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


def content_of(exchange: Exchange, attachment: Attachment) -> bytes:
    """The bytes; raises BadResponse, WrongHost for a link out of the portal, NotFound."""
    if attachment.content is not None:
        return attachment.content
    if attachment.source is None:
        raise BadResponse(f"The attachment {attachment.id} can't be read: it holds no bytes.")
    if attachment.source.startswith(f"{DOCUMENT}/"):
        record, _ = exchange.read(attachment.source)
        inside = must(lambda: read_document(record, attachment.id))
        return _fetched(exchange, inside) if inside.content is None else inside.content
    return _fetched(exchange, attachment)


def _fetched(exchange: Exchange, attachment: Attachment) -> bytes:
    if attachment.source is None:
        raise BadResponse(f"The attachment {attachment.id} can't be read: it holds no bytes.")
    answer = exchange.door.get_file(attachment.source)
    if not 200 <= answer.status < 300:
        raise error_of(answer)
    media_type = _media_type(answer)
    if media_type in _PAGES and attachment.content_type not in _PAGES:
        raise BadResponse("The portal sent a web page where an attachment was due.")
    return _unwrapped(answer, media_type) if media_type in _JSON else answer.body


def _unwrapped(answer: Answer, media_type: str) -> bytes:
    """The bytes in a Binary (R4); a file that is JSON itself is no Binary."""
    try:
        there: object = decode(answer.body)
    except NotStrict as refused:
        if media_type in _FHIR:
            raise BadResponse(f"An attachment can't be read: its answer {refused}.") from None
        return bytes(answer.body)
    wrapped = isinstance(there, dict) and "resourceType" in there
    if media_type in _FHIR or wrapped:
        return must(lambda: _in_binary(resource(there)))
    return bytes(answer.body)


def _in_binary(binary: Element) -> bytes:
    if binary.kind != "Binary":
        raise Malformed(f"the portal sent a {binary.kind} where a Binary was due")
    if binary.json.get("data") == "":
        return b""
    content = decoded(binary.need("data"))
    if content is None:
        raise binary.bad("data")
    return content


def _media_type(answer: Answer) -> str:
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
