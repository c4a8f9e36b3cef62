"""What a client's journal says of its writes, compared with what the portal has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.portals import Portal
from bench.write_kinds import Kind
from gpcli.journal import Journal, JournalEntry

SETTLED = {"done": True, "not_done": False, "refused": False, "not_sent": False}
"""State in the journal -> whether it says that the portal has the record or the change."""


def read_lasting(home: Path, since: str = "") -> list[JournalEntry]:
    """Return the writes that last if they were done; `since` is the time at which the first began.

    `home` is the directory of GPCLI_CONFIG_DIR.
    """
    entries = Journal(home / "state").read_entries()
    return [entry for entry in entries if entry.effect != {} and entry.began >= since]


def find_untrue(entries: list[JournalEntry], portal: Portal, kind: Kind) -> Iterator[str]:
    """Yield what is settled in another way than the portal has it."""
    for entry in entries:
        claim = SETTLED.get(entry.state)
        if claim is not None and claim != _is_there(entry, portal, kind):
            yield f"{entry.state}: {entry.target or entry.resource_type} {entry.intent}"


def _is_there(entry: JournalEntry, portal: Portal, kind: Kind) -> bool:
    store = portal.sandbox.store
    if not entry.target:
        return bool(store.find(entry.resource_type, identifier=entry.intent.urn))
    record = store.get(*entry.target.split("/"))
    return record is not None and kind.effect(record) is not None
