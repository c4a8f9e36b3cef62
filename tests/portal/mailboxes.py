"""A mailbox that answers by script, and what it shows."""

from __future__ import annotations

from gpcli.portal.fhir_portal import FhirPortal
from tests.portal.builders import a_patient, a_practitioner, a_role, an_organization
from tests.portal.scripted import NOTHING, Server
from tests.portal.world import ids

ALONG = (a_role(), a_practitioner(), an_organization(), a_patient())
LISTED = "GET Communication?_elements"
UNREAD = "GET Communication?received:missing"
ALL = "GET Communication"
ONE = "GET Communication?_id"
PARTS = "GET Communication?part-of"


def empty(server: Server) -> None:
    """A portal where nobody has written."""
    for question in ("GET Patient", LISTED, UNREAD, ONE, PARTS):
        server.on(question, NOTHING)


def listing(portal: FhirPortal) -> list[tuple[str, int, int]]:
    return [
        (str(one.id), one.message_count, one.unread_count) for one in portal.mailbox.fetch_threads()
    ]


def messages_of(portal: FhirPortal, thread: str = "thread-1") -> list[str]:
    return ids(portal.mailbox.fetch_conversation(thread).messages)
