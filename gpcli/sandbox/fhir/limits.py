"""How much a service lets a patient write: characters of text, bytes and types of attachments."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from gpcli.sandbox.fhir.elements import Resource, extension
from gpcli.sandbox.fhir.outcome import Problem, broken_rule

MAX_TEXT = "urn:gpcli:max-text"
MAX_BYTES = "urn:gpcli:max-attachment-bytes"
TYPES = "urn:gpcli:attachment-types"


@dataclass(frozen=True)
class Limits:
    """The most characters of a text, and bytes of an attachment; the media types. None = any."""

    text: int | None = None
    attachment_bytes: int | None = None
    types: tuple[str, ...] | None = None

    def require_text(self, text: str, where: str) -> None:
        """Raise 422 if the text is too long."""
        if self.text is not None and len(text) > self.text:
            raise broken_rule(f"A text has at most {self.text} characters here.", where)

    def require_attachment(self, media_type: str, data: bytes, where: str) -> None:
        """Raise 422 if the attachment is too big or of another type."""
        if self.attachment_bytes is not None and len(data) > self.attachment_bytes:
            text = f"An attachment has at most {self.attachment_bytes} bytes here."
            raise broken_rule(text, where)
        if self.types is not None and _bare(media_type) not in self.types:
            raise broken_rule(f"Attachments are {', '.join(self.types)} here.", where)


def limits_of(services: Iterable[Resource]) -> Limits:
    """The limits that the first of the HealthcareServices states."""
    service = next(iter(services), {})
    types = extension(service, TYPES).get("valueString")
    return Limits(
        extension(service, MAX_TEXT).get("valueInteger"),
        extension(service, MAX_BYTES).get("valueInteger"),
        None if types is None else tuple(types.casefold().split()),
    )


def decoded(element: Resource, where: str) -> bytes:
    """The bytes of an Attachment's or a Binary's `data`; raises 422 if they are not base64."""
    try:
        data = base64.b64decode("".join(element.get("data", "").split()), validate=True)
    except binascii.Error as error:
        raise Problem(422, "value", "The data is not base64.", expression=[where]) from error
    if element.get("size", len(data)) != len(data):
        text = f"The size says {element['size']} bytes, and there are {len(data)}."
        raise Problem(422, "value", text, expression=[where])
    return data


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().casefold()
