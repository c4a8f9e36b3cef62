"""Portals that never heard of gpcli: SEKMET with a plain world, and fronts before it.

Each world's outcomes are asserted errand by errand, and printed at the end of the run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.contract.places import FHIR_JSON, sekmet
from tests.contract.practice import Resource
from tests.contract.programs import Program
from tests.gathering import gathered
from tests.journeys.shell import Shell
from tests.real.worlds.errands import Visitor
from tests.real.worlds.outcomes import Table
from tests.real.worlds.plain_world import PlainPatient, surgery
from tests.real.worlds.reporting import TABLES
from tests.real.worlds.strict_front import strict_front

TOKEN = "of-a-machine"


@dataclass
class Server:
    """SEKMET, at the FHIR base `base`; its world began at `began`."""

    base: str
    began: datetime

    def fill(self, resources: Iterable[Resource]) -> None:
        """Put resources into it, each under the id that it has."""
        entries = [_put(each) for each in resources]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        with self._client() as client:
            answered = client.post(self.base, json=bundle).json()["entry"]
        refused = [each for each in answered if each["response"]["status"][:1] != "2"]
        assert not refused, refused

    def read(self, reference: str) -> Resource:
        """One record, past gpcli."""
        with self._client() as client:
            found: Resource = client.get(f"{self.base}/{reference}").raise_for_status().json()
        return found

    def visitor(
        self, patient: PlainPatient, home: Path, base: str = "", profile: str = ""
    ) -> Visitor:
        """The patient, who has nothing but the address, a token, and whose it is.

        With a `profile`, the address and the token are from that, by `{portal}` and `{token}`.
        """
        machine = {
            "GPCLI_PORTAL": base or self.base,
            "GPCLI_TOKEN": TOKEN,
            "GPCLI_ENVIRONMENT": "staging",
        }
        if profile:
            written = profile.format(portal=machine["GPCLI_PORTAL"], token=TOKEN)
            (home / "config.toml").write_text(written, encoding="utf-8")
        env = {
            **({} if profile else machine),
            "GPCLI_PATIENT": patient.id,
            "GPCLI_CONFIG_DIR": str(home),
            "PATH": os.environ["PATH"],
        }
        shell = Shell(env, lambda: datetime.now(UTC), sleep=lambda _: None)
        ids = {
            "by_phone": patient.by_phone,
            "from_gp": patient.message,
            "medicine": patient.medicine,
        }
        return Visitor(patient.id, shell, self.read, ids)

    def patient(self, id_: str, *named: str) -> PlainPatient:
        """Somebody new here, whose record names the GP so, as keys of `NAMED_AS`."""
        patient = PlainPatient(id_, self.began, named)
        self.fill(patient.resources())
        return patient

    def _client(self) -> httpx.Client:
        headers = {**FHIR_JSON, "Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(headers=headers, timeout=60, trust_env=False)


@contextmanager
def plain_sekmet(directory: Path) -> Iterator[Server]:
    """SEKMET with the surgery in it; it takes one token, and checks strictly what it is sent."""
    with strict_front("") as front:
        settings = {
            "base_url": front.base,
            "host": "127.0.0.1",
            "port": 0,
            "data_dir": str(directory),
            "validation": {"inbound": "strict", "tx_server": "n/a"},
            "simulator": {"enabled": False},
            "log_inbound": False,
            "server_auth": {"types": ["bearer"], "tokens": [TOKEN]},
        }
        config = directory / "sekmet.yaml"
        config.write_text(json.dumps(settings), encoding="utf-8")  # which is YAML too
        with Program([sekmet(), "serve", "--config", config], cwd=directory) as program:
            root = program.wait_for(r"running on (http://127\.0\.0\.1:\d+)")
            front.behind = f"{root}/fhir"
            server = Server(front.base, datetime.now(UTC).replace(microsecond=0))
            server.fill(surgery(server.began))
            yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for each file: a heedless portal tells of the people of another."""
    with plain_sekmet(tmp_path_factory.mktemp("plain")) as server:
        yield server


@pytest.fixture(scope="session")
def keep(request: pytest.FixtureRequest) -> Callable[[str, Table], Table]:
    """Keeps a table, by its name, for the end of the run."""

    def keep_table(name: str, table: Table) -> Table:
        gathered(request.config, TABLES)[name] = table
        return table

    return keep_table


def _put(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}
