"""Portals that are put back before each round, and shells whose time passes without waiting."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from bench.faults import FakeTime
from gpcli.app_context import AppContext
from gpcli.config.settings import Options
from gpcli.http.client import Bearer, HttpClient
from gpcli.sandbox.people import build_resources
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import AN_HOUR, Shell, shell_for

Resource = Mapping[str, Any]

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=ZoneInfo("Europe/Oslo"))
"""The present at a portal when a round begins."""
SLOW_SURGERY = timedelta(days=1)
"""How long the surgery takes: nobody but patients writes during a round."""
LATER = timedelta(minutes=15).total_seconds()
"""After so many seconds no portal carries out a request whose answer was lost."""
TEXTS_KEPT = timedelta(minutes=61).total_seconds()
"""For so many seconds gpcli may keep what somebody wrote and nothing came of."""
_CROWDED = ("hans", "aasheim", "kvam", "lunde")
"""The patient with thousands of records, and the doctors of that surgery."""
_SINCE_START = "FROM resource WHERE (version > 1 OR rid > ?)"


class _Network(httpx.HTTPTransport):
    """Connections that many commands use, and no command closes."""

    def close(self) -> None:
        """Leave them open."""


@dataclass(frozen=True)
class Portal:
    """A running portal; `way` is the network to it.

    `last` is the row of the last record that it has at the start.
    """

    sandbox: Sandbox
    way: httpx.BaseTransport
    last: int

    @classmethod
    def of(cls, sandbox: Sandbox) -> Portal:
        """Return a portal that has just started."""
        [[last]] = sandbox.store.execute("SELECT max(rid) FROM resource")
        return cls(sandbox, _Network(trust_env=False), last)

    def put_back(self) -> None:
        """Have it as at the start, with a surgery that does not answer."""
        self.sandbox.reset()
        self.sandbox.set_delay(SLOW_SURGERY)

    def read_versions(self) -> dict[tuple[str, str], int]:
        """Return the versions of the records that are not as at the start."""
        rows = self.sandbox.store.execute(f"SELECT type, id, version {_SINCE_START}", [self.last])
        return {(kind, name): version for kind, name, version in rows}

    def find_changed(self, since: Mapping[tuple[str, str], int]) -> list[Resource]:
        """Return the records that are new or changed since `read_versions`."""
        sql = f"SELECT type, id, version, body {_SINCE_START} AND NOT deleted"
        return [
            json.loads(body)
            for kind, name, version, body in self.sandbox.store.execute(sql, [self.last])
            if version > since.get((kind, name), 0)
        ]


def write_people(people: Iterable[Resource] | None = None) -> Path:
    """Write a file of people for a Sandbox: those given, else the built-in ones but for a crowd."""
    chosen = people or _without_crowd()
    bundle = {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in chosen]}
    path = Path(tempfile.mkdtemp()) / "people.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    return path


def _without_crowd() -> Iterator[Resource]:
    for resource in build_resources(MONDAY):
        text = json.dumps(resource)
        if not any(name in text for name in _CROWDED):
            yield resource


class _TimedContext(AppContext):
    """A command whose time limit goes by the clock that its pauses move."""

    time: FakeTime

    def open_client(
        self, bearer: Bearer | None, *, doing: str = "Waiting for the portal"
    ) -> HttpClient:
        client = super().open_client(bearer, doing=doing)
        client.deadline.clock = self.time.monotonic
        client.deadline.restart()
        return client


@dataclass(frozen=True)
class TimedShell(Shell):
    """A shell whose commands live by `time`; `booking` is that of the profile."""

    time: FakeTime = field(default_factory=partial(FakeTime, MONDAY))
    booking: str = "auto"

    def _session(self, options: Options, env: Mapping[str, str], *streams: Any) -> AppContext:
        context = _TimedContext(
            options,
            env,
            *streams,
            now=self.time.now,
            vault=self.vault,
            terminal=self.terminal,
            sleep=self.time.sleep,
            transport=self.transport,
            patience=AN_HOUR,
        )
        context.time = self.time
        if self.booking != "auto":
            settings = context.settings
            profile = replace(settings.profile, booking=self.booking)
            context.use_settings(replace(settings, profile=profile))
        return context


def build_environment(sandbox: Sandbox, person: str) -> dict[str, str]:
    """Return the variables with a token for `person`; GPCLI_CONFIG_DIR is a new directory."""
    return dict(shell_for(sandbox, Path(tempfile.mkdtemp()), person, lambda: MONDAY).env)
