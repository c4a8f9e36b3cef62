"""A thread's header and its first message: two parts of one transaction, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid5

from gpcli.journal import Journal
from gpcli.portal.write.outcome import WriteOutcome
from gpcli.portal.write.requests import WritePart
from tests.portal.builders import a_searchset, an_outcome, with_identifier
from tests.portal.communications import a_header, a_message
from tests.portal.scripted import INTENT, Reply, Server

HEADER, MESSAGE = (uuid5(INTENT, part) for part in ("header", "message"))
BEGUN = with_identifier(a_header(), HEADER.urn)
SAID = with_identifier(a_message(), MESSAGE.urn)
WRITTEN = [WritePart(HEADER, {**BEGUN, "id": None}), WritePart(MESSAGE, {**SAID, "id": None})]
BOTH = ["Communication/thread-1", "Communication/message-1"]
ALL_DONE = {"header": "done", "message": "done"}
TRANSACTION = "POST "
LOOK = "GET Communication?identifier"
CREATE = "POST Communication"
REFUSED = Reply(an_outcome("already-answered", "It is closed."), 422)


def a_transaction_response(*statuses: str) -> dict[str, Any]:
    entries = [{"response": {"status": status}} for status in statuses]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


def shows(server: Server, *there: Mapping[str, Any]) -> None:
    """Every look finds `there`; what does not carry the identifier is left out by the client."""
    server.on(LOOK, a_searchset(*(dict(each) for each in there)))


def states(journal: Journal) -> dict[str, str]:
    """What the journal says of each part."""
    names = {HEADER: "header", MESSAGE: "message"}
    return {names[entry.intent]: entry.state for entry in journal.read_entries()}


def refs(made: WriteOutcome) -> list[str]:
    """Where each part is kept."""
    return [each.relative_reference for each in made.records]
