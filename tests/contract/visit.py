"""One patient at one portal, with a token: gpcli as a library, as a command, and the portal's own
word."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gpcli.app_context import AppContext
from gpcli.care.portal_protocol import Portal
from gpcli.cli.sandbox_env import build_variables
from gpcli.config.settings import Options
from tests.contract.places import Place
from tests.contract.practice import Resource
from tests.contract.world import Patient
from tests.journeys.shell import PIPED, Shell


@dataclass(frozen=True)
class Visit:
    """`portal` is what the care part of gpcli sees; `shell` plays command lines."""

    place: Place
    patient: Patient
    token: str
    portal: Portal
    shell: Shell

    def found(self, kind: str, **params: str) -> list[Resource]:
        """What the portal itself has, asked past gpcli."""
        bundle = self.place.get(kind, self.token, **params)
        return [each["resource"] for each in bundle.get("entry", ()) if _is_match(each)]

    def read(self, reference: str) -> Resource:
        """One resource, asked past gpcli."""
        there: Resource = self.place.get(reference, self.token)
        return there

    def made(self, kind: str, **params: str) -> list[Resource]:
        """What gpcli made: it gives each resource a UUID of its own."""
        found = self.found(kind, **{"patient": f"Patient/{self.patient.id}", **params})
        return [each for each in found if each.get("identifier")]


@contextmanager
def begin(place: Place, home: Path, patient: Patient) -> Iterator[Visit]:
    """A visit of `patient`, whose configuration is in `home`."""
    token = place.token_of(patient.id)
    env = {
        **build_variables(place.base, token, patient.id, f"Patient/{patient.id}"),
        "GPCLI_CONFIG_DIR": str(home),
    }
    streams = (io.StringIO(), io.StringIO(), io.StringIO())
    options = Options(no_input=True, timeout=60.0)
    session = AppContext(options, env, *streams, now=now, terminal=PIPED, transport=place.transport)
    shell = Shell(env, now, transport=place.transport)
    with closing(session):
        yield Visit(place, patient, token, session.portal, shell)


def now() -> datetime:
    """The present, by the machine's clock: these portals have no other."""
    return datetime.now(UTC)


def _is_match(entry: Resource) -> bool:
    return bool(entry.get("search", {}).get("mode", "match") == "match")
