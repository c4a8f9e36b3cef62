"""A thread's header and its first message: two parts of one errand, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid5

from gpcli.journal import Journal
from gpcli.portal.write.transaction import Made, Part
from tests.portal.builders import a_searchset, an_outcome, identified
from tests.portal.communications import a_header, a_message
from tests.portal.scripted import INTENT, Reply, Server

HEADER, MESSAGE = (uuid5(INTENT, part) for part in ("header", "message"))
BEGUN = identified(a_header(), HEADER.urn)
SAID = identified(a_message(), MESSAGE.urn)
WRITTEN = [Part(HEADER, {**BEGUN, "id": None}), Part(MESSAGE, {**SAID, "id": None})]
BOTH = ["Communication/thread-1", "Communication/message-1"]
ALL_DONE = {"header": "done", "message": "done"}
TRANSACTION = "POST "
LOOK = "GET Communication?identifier"
CREATE = "POST Communication"
REFUSED = Reply(an_outcome("already-answered", "It is closed."), 422)


def shows(server: Server, *there: Mapping[str, Any]) -> None:
    """Every look finds `there`; what does not carry the identifier is left out by the client."""
    server.on(LOOK, a_searchset(*(dict(each) for each in there)))


def states(journal: Journal) -> dict[str, str]:
    """What the journal says of each part."""
    names = {HEADER: "header", MESSAGE: "message"}
    return {names[entry.intent]: entry.state for entry in journal.entries()}


def refs(made: Made) -> list[str]:
    """Where each part is kept."""
    return [each.ref for each in made.parts]
