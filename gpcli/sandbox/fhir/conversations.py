"""What the portal knows of a thread: its kind, its header, whether it is closed."""

from collections.abc import Mapping

from gpcli.sandbox.fhir.elements import Resource, codes, id_of, references, values
from gpcli.sandbox.store import Store

THREAD_SYSTEM = "urn:gpcli:thread"
SERVICES: Mapping[str, str] = {"e-consultation": "e-consultation", "administrative": "contact"}
"""The kinds of threads, and the service that each uses."""
CLOSED = ("completed", "stopped", "not-done", "entered-in-error")
"""The states of a header into whose thread nothing more can be written."""


def kind_of(communication: Resource) -> str:
    """`e-consultation` or `administrative`; empty unless it is exactly one."""
    found = codes(communication.get("category"), THREAD_SYSTEM)
    return found[0] if len(found) == 1 else ""


def text_of(message: Resource) -> str:
    """What a message says, its parts on lines of their own."""
    return "\n".join(values(message, "payload.contentString"))


def header_of(store: Store, message: Resource) -> Resource:
    """The header of the thread that the message stands in; empty if there is none."""
    named = references(message, "partOf", "Communication")
    header = store.get("Communication", id_of(named[0])) if len(named) == 1 else None
    return header if header and "partOf" not in header else {}
