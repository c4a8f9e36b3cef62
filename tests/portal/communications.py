"""Builders of thread headers, messages and attachments."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from gpcli.model.service import Offer, ServiceName
from gpcli.model.thread import AttachedFile, Draft
from gpcli.portal.capabilities import Capabilities
from tests.portal.builders import Json, concept, ref, with_identifier
from tests.portal.scripted import TYPES
from tests.portal.world import GP

THREAD = "urn:gpcli:thread"
GP_ROLE = "PractitionerRole/role-1"
CONTACT = Offer("contact-1", ServiceName.CONTACT, GP, active=True)

ALL_AT_ONCE = Capabilities(False, TYPES, TYPES, TYPES, TYPES, transaction=True)
"""A portal with transactions; it has no batches, so that a script can tell the two apart."""

FORGETFUL = Capabilities(False, TYPES, (), TYPES, TYPES, transaction=True)
"""The same without conditional creates."""

NOTE = AttachedFile("note.txt", "text/plain", b"7 mm")
DRAFT = Draft("Where can I park?", (NOTE,))


def a_header(id: str = "thread-1", **more: Any) -> Json:
    header = {
        "resourceType": "Communication",
        "id": id,
        "status": "in-progress",
        "category": [concept("administrative", THREAD)],
        "topic": {"text": "Parking"},
        "subject": ref("Patient/kari"),
        "sender": ref("Patient/kari"),
        "recipient": [ref(GP_ROLE)],
        "sent": "2027-02-01T10:00:00+01:00",
    }
    return header | more


def a_message(id: str = "message-1", thread: str = "thread-1", **more: Any) -> Json:
    """From the patient to the surgery."""
    message = {
        "resourceType": "Communication",
        "id": id,
        "status": "completed",
        "partOf": [ref(f"Communication/{thread}")],
        "subject": ref("Patient/kari"),
        "sender": ref("Patient/kari"),
        "recipient": [ref(GP_ROLE)],
        "sent": "2027-02-01T10:00:00+01:00",
        "payload": [{"contentString": "Where can I park?"}],
    }
    return message | more


def an_answer(id: str = "answer-1", thread: str = "thread-1", **more: Any) -> Json:
    """From the surgery to the patient, unread."""
    answer = {
        "sender": ref(GP_ROLE),
        "recipient": [ref("Patient/kari")],
        "inResponseTo": [ref("Communication/message-1")],
        "sent": "2027-02-02T09:30:00+01:00",
        "payload": [{"contentString": "Behind the house."}],
    }
    return a_message(id, thread) | answer | more


def a_file(content: bytes | None = b"7 mm", **more: Any) -> Json:
    attachment: Json = {"contentType": "text/plain", "title": "note.txt"}
    if content is not None:
        attachment |= {"data": b64encode(content).decode(), "size": len(content)}
    return {"contentAttachment": attachment | more}


def a_document(id: str = "doc-1", **more: Any) -> Json:
    attachment = {"contentType": "image/png", "size": 3, "url": "Binary/b-1"}
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "description": "Picture",
        "content": [{"attachment": attachment}],
        **more,
    }


def sent_as(resource: Json, urn: str) -> Json:
    """The resource with the identifier that gpcli gave it."""
    return with_identifier(resource, urn)
