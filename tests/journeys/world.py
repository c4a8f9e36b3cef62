"""A portal that is started once, and put back to how it was when a test has changed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell, shell_for

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=ZoneInfo("Europe/Oslo"))
"""The present at the portal when a test begins: a Monday in term time."""


@dataclass(frozen=True)
class World:
    """A portal, and shells that live by its clock."""

    sandbox: Sandbox
    home: Path

    def shell(self, person: str, acting_for: str | None = None) -> Shell:
        """A shell with a token for `person`."""
        return shell_for(self.sandbox, self.home, person, self.now, acting_for)

    def now(self) -> datetime:
        """The portal's present."""
        return self.sandbox.advance(timedelta())

    def appointments(self, patient: str) -> list[dict[str, Any]]:
        """What gpcli made for `patient`, as the portal itself has it."""
        made = self.sandbox.store.find("Appointment", patient=f"Patient/{patient}")
        return [one for one in made if one.get("identifier")]

    def change(self, reference: str, **elements: Any) -> None:
        """Write elements into a resource, behind the API."""
        kind, _, name = reference.partition("/")
        there = self.sandbox.store.get(kind, name)
        assert there is not None, reference
        self.sandbox.store.put({**there, **elements})


_FORGET = ("DELETE FROM waiting", "DELETE FROM page", "DELETE FROM held")
_DELETE_SINCE = (
    "DELETE FROM resource WHERE rid > ?",
    "DELETE FROM former WHERE rid > ?",
    "DELETE FROM found_by WHERE rid > ?",
)


class Snapshot:
    """The state of a portal that has just started, to go back to: faster than filling it anew.

    `begin` gives what the clock is set to.
    """

    def __init__(self, sandbox: Sandbox, begin: Callable[[], datetime]) -> None:
        self._sandbox = sandbox
        self._begin = begin
        self._store = sandbox.store
        [[self._last]] = self._store.execute("SELECT max(rid) FROM resource")

    def put_back(self) -> None:
        """Undo what was written since, and set clock and delay as at the start."""
        self._sandbox.set_delay(timedelta())
        with self._store.transaction():
            for forget in _FORGET:
                self._store.execute(forget)
            for delete in _DELETE_SINCE:
                self._store.execute(delete, (self._last,))
            self._undo_changes()
        self._sandbox.set_clock(self._begin())

    def _undo_changes(self) -> None:
        changed = self._store.execute("SELECT type, id FROM resource WHERE version > 1 OR deleted")
        for kind, name in changed:
            original = self._store.get_version(kind, name, 1)
            assert original is not None
            self._store.put(original)
        self._store.execute("UPDATE resource SET version = 1 WHERE version > 1")
        self._store.execute("DELETE FROM former")
