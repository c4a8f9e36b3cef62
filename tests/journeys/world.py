"""A portal, and shells that live by its clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell, shell_for

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=ZoneInfo("Europe/Oslo"))
"""The present at the portal when a test begins: a Monday in term time."""


@contextmanager
def machine_in(zone: str) -> Iterator[None]:
    """Have this computer's clock be that of `zone`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


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
