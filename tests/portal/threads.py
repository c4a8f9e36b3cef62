"""A portal with one GP and a thread, and what gpcli writes in it."""

from __future__ import annotations

from uuid import uuid5

from gpcli.model.thread import Conversation
from gpcli.portal.fhir_portal import FhirPortal
from tests.portal.builders import a_consent, a_searchset, ref, with_identifier
from tests.portal.communications import a_file, a_header, a_message, an_answer
from tests.portal.scripted import INTENT, NOTHING, Server
from tests.portal.world import GPS

HEADER, MESSAGE = (uuid5(INTENT, part) for part in ("header", "message"))
MESSAGE_CONTENT = {"payload": [{"contentString": "Where can I park?"}, a_file()]}
SENT_HEADER = with_identifier(a_header(), HEADER.urn)
SENT_MESSAGE = with_identifier(a_message(**MESSAGE_CONTENT), MESSAGE.urn)
BY_IDENTIFIER = "GET Communication?identifier"
BY_ID = "GET Communication?_id"
BY_PART_OF = "GET Communication?part-of"
CREATE_COMMUNICATION = "POST Communication"
OF_ANOTHER_PATIENT = {"subject": ref("Patient/ola")}


def a_thread(server: Server) -> None:
    """A portal with one GP and a thread of two messages."""
    server.on("GET Patient", GPS).on("GET ChargeItemDefinition", NOTHING)
    server.on("GET Consent", a_searchset(a_consent()))
    server.on(BY_IDENTIFIER, NOTHING).on(BY_ID, a_searchset(a_header()))
    server.on(BY_PART_OF, a_searchset(a_message(), an_answer()))


def fetch_thread(portal: FhirPortal) -> Conversation:
    return portal.mailbox.fetch_conversation("thread-1")
