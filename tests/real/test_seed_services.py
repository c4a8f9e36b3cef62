"""docs/seed_services.py at plain R4 servers that nobody here wrote, and what gpcli says then."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpcli.cli.sandbox_env import build_variables
from tests.contract.places import Place, medplum_behind, oidc_provider, sekmet_behind
from tests.contract.practice import Resource, concept
from tests.contract.visit import now
from tests.journeys.shell import Shell

SCRIPT = Path(__file__).parents[2] / "docs" / "seed_services.py"
EXAMPLE = SCRIPT.with_name("services.example.toml")
ROLE = "role-plain"
ROLE_IDENTIFIER = {"system": "https://portal.example/roles", "value": "77"}
FILE = """
identifier-system = "https://portal.example/fhir/sid/gp-services"
currency = "NOK"

[[role]]
role = "https://portal.example/roles|77"

[role.services.e-consultation]
channels = ["text", "video"]
answer-time = "Within five working days."
max-text = 8000
off-from = {off_from}
off-until = {off_until}
off-reason = "Leave"

[role.services.booking]
channels = ["in-person"]

[role.services.flu-vaccination]
eligibility = ["65 or older"]
"""
PRICE = """
[[role.prices.flu-vaccination]]
who = "Vaccine and injection"
base = 150
invoice-fee = 69
"""


def plain_world() -> Iterator[Resource]:
    """A GP with a surgery and one patient, in R4 that never heard of gpcli."""
    yield {"resourceType": "Practitioner", "id": "gp-plain", "name": [{"family": "Prøve"}]}
    yield {
        "resourceType": "PractitionerRole",
        "id": ROLE,
        "active": True,
        "identifier": [ROLE_IDENTIFIER],
        "practitioner": {"reference": "Practitioner/gp-plain"},
        "organization": {"reference": "Organization/surgery"},
        "location": [{"reference": "Location/surgery"}],
        "specialty": [{"text": "General practice"}],
    }
    yield {
        "resourceType": "Patient",
        "id": "pat-plain",
        "name": [{"text": "Kari Testnes"}],
        "generalPractitioner": [{"reference": f"PractitionerRole/{ROLE}"}],
    }


def full_access() -> Resource:
    category = concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "INFA")
    scope = concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy")
    return {
        "resourceType": "Consent",
        "id": "consent-plain",
        "status": "active",
        "scope": scope,
        "category": [category],
        "patient": {"reference": "Patient/pat-plain"},
        "policyRule": concept("urn:gpcli:consent-level", "full-access"),
    }


@dataclass(frozen=True)
class Plain:
    """A plain server, with the owner's file and a patient's shell."""

    place: Place
    file: Path
    shell: Shell

    def seed(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the script as an owner does, past the gateway."""
        return subprocess.run(
            [sys.executable, SCRIPT, self.place.behind, self.file, *words],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "*", "PYTHONUTF8": "1"},
        )

    def write(self, text: str) -> None:
        times = {"off_from": now() - timedelta(days=1), "off_until": now() + timedelta(days=9)}
        written = {name: f"{time:%Y-%m-%d}" for name, time in times.items()}
        self.file.write_text(text.format(**written), encoding="utf-8")

    def services(self) -> dict[str, dict[str, Any]]:
        """What `gpcli services` says, by service."""
        return {each["service"]: each for each in self.shell.json("gpcli services")}

    def statuses(self) -> dict[str, str]:
        return {name: each["status"] for name, each in self.services().items()}

    def role(self) -> Resource:
        url = f"{self.place.behind}/PractitionerRole/{ROLE}"
        return dict(httpx.get(url, trust_env=False).json())


@pytest.fixture(params=["sekmet", "absolute", "medplum"])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plain]:
    absolute = {"server_behaviour": {"absolute_references": True}}
    with oidc_provider() as provider:
        portals = {
            "sekmet": lambda: sekmet_behind(provider, tmp_path),
            "absolute": lambda: sekmet_behind(provider, tmp_path, "absolute SEKMET", **absolute),
            "medplum": lambda: medplum_behind(provider),
        }
        with portals[request.param]() as place:
            place.fill(plain_world())
            token = place.token_of("pat-plain")
            env = build_variables(place.base, token, "pat-plain", "Patient/pat-plain")
            shell = Shell({**env, "GPCLI_CONFIG_DIR": str(tmp_path / "home")}, now)
            plain = Plain(place, tmp_path / "services.toml", shell)
            plain.write(FILE)
            yield plain


def test_a_plain_portal_tells_of_its_services_after_the_script_and_the_second_run_changes_nothing(
    plain: Plain,
) -> None:
    assert set(plain.statuses().values()) == {"not_told"}

    dry = plain.seed("--dry-run")
    assert dry.returncode == 0, dry
    assert "would be created: HealthcareService" in dry.stdout
    assert set(plain.statuses().values()) == {"not_told"}

    first = plain.seed()
    assert (first.returncode, first.stderr) == (0, ""), first
    assert "3 created, 1 changed, 0 unchanged." in first.stdout
    assert plain.statuses()["booking"] == "consent_needed"
    plain.place.fill([full_access()])
    said = plain.services()
    assert {name: each["status"] for name, each in said.items()} == {
        "e-consultation": "off_for_now",
        "contact": "not_offered",
        "prescription-renewal": "not_offered",
        "booking": "offered",
        "booking-enquiry": "not_offered",
        "cancellation": "not_offered",
        "flu-vaccination": "offered",
    }
    off = said["e-consultation"]
    assert off["off_from"][:10] == f"{now() - timedelta(days=1):%Y-%m-%d}"
    assert off["off_until"][:10] >= f"{now() + timedelta(days=9):%Y-%m-%d}"
    assert (off["channels"], off["answer_time"]) == (
        ["text", "video"],
        "Within five working days.",
    )
    assert said["flu-vaccination"]["eligibility"] == ["65 or older"]
    assert plain.role()["specialty"] == [{"text": "General practice"}]

    version = plain.role()["meta"]["versionId"]
    second = plain.seed()
    assert second.returncode == 0, second
    assert "0 created, 0 changed, 4 unchanged." in second.stdout
    assert plain.role()["meta"]["versionId"] == version


def test_a_service_that_leaves_the_file_is_not_offered_and_comes_back_with_it(
    plain: Plain,
) -> None:
    plain.place.fill([full_access()])
    assert plain.seed().returncode == 0
    plain.write(FILE.replace('[role.services.booking]\nchannels = ["in-person"]\n', ""))
    without = plain.seed()
    assert without.returncode == 0, without
    assert "0 created, 1 changed, 3 unchanged." in without.stdout
    assert plain.statuses()["booking"] == "not_offered"
    assert "0 created, 0 changed, 4 unchanged." in plain.seed().stdout

    plain.write(FILE)
    assert "0 created, 1 changed, 3 unchanged." in plain.seed().stdout
    assert plain.statuses()["booking"] == "offered"


def test_prices_are_shown_where_the_server_has_them_and_else_said_to_be_left_out(
    plain: Plain,
) -> None:
    plain.place.fill([full_access()])
    plain.write(FILE + PRICE)
    run = plain.seed()
    price = plain.services()["flu-vaccination"]["price"]
    if "ChargeItemDefinition:create" not in plain.place.interactions():
        assert run.returncode == 1, run
        assert "Left out: prices" in run.stderr
        assert price is None
        return
    assert run.returncode == 0, run
    assert (price["low"], price["currency"]) == ("219", "NOK")
    assert "0 created, 0 changed, 5 unchanged." in plain.seed().stdout

    plain.write(FILE)
    assert "0 created, 1 changed, 4 unchanged." in plain.seed().stdout
    assert plain.services()["flu-vaccination"]["price"] is None


def test_the_example_is_taken_by_servers_that_check_what_is_written(plain: Plain) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('"role-1"', f'"{ROLE}"')
    plain.file.write_text(text, encoding="utf-8")
    has_prices = "ChargeItemDefinition:create" in plain.place.interactions()
    assert f"{8 if has_prices else 5} created, 1 changed, 0 unchanged." in plain.seed().stdout
    assert "0 created, 0 changed" in plain.seed().stdout
