"""A mailbox on a scripted portal, and what the client reads from it."""

from __future__ import annotations

from gpcli.portal.fhir_portal import FhirPortal
from tests.portal.builders import a_patient, a_practitioner, a_role, an_organization
from tests.portal.scripted import NOTHING, Server
from tests.portal.world import ids

INCLUDED = (a_role(), a_practitioner(), an_organization(), a_patient())
HEADER_LIST = "GET Communication?_elements"
UNREAD_LIST = "GET Communication?received:missing"
ALL = "GET Communication"
BY_ID = "GET Communication?_id"
BY_PART_OF = "GET Communication?part-of"


def script_empty_mailbox(server: Server) -> None:
    """A portal where nobody has written."""
    for question in ("GET Patient", HEADER_LIST, UNREAD_LIST, BY_ID, BY_PART_OF):
        server.on(question, NOTHING)


def fetch_counts(portal: FhirPortal) -> list[tuple[str, int, int]]:
    return [
        (str(one.id), one.message_count, one.unread_count) for one in portal.mailbox.fetch_threads()
    ]


def fetch_message_ids(portal: FhirPortal, thread: str = "thread-1") -> list[str]:
    return ids(portal.mailbox.fetch_conversation(thread).messages)
