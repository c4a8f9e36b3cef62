"""Our own portal, graded by software that nobody here wrote; the report stays in artifacts/."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from gpcli.sandbox.server import Sandbox
from tests.contract.places import SCENARIO, scenario_settings, sekmet
from tests.loopback import NO_CERTIFICATES

pytestmark = pytest.mark.real

SMOKE = "conformance_smoke"
"""SEKMET's own scenario, for any server; it writes Patients and Observations."""
NOT_ADVERTISED = {
    "Instance history": "history-instance on Patient",
    "Answers FHIR XML when asked (Accept application/fhir+xml)": "format xml",
    "Delete": "delete on Patient",
    "Read after delete is 410 Gone (or 404)": "delete on Patient",
}
"""Steps that do not apply: no app may do that at our portal, and it speaks JSON."""
MACHINE = "my-machine"
HEADER = {"alg": "ES384", "kid": "grader", "typ": "JWT"}

Graded = list[dict[str, Any]]


@pytest.fixture
def grade(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Graded]:
    """`grade(scenario, base, token)` gives the steps of a run; its report is kept."""

    def run(scenario: str | Path, base: str, token: str, **variables: object) -> Graded:
        settings = tmp_path / "settings.yaml"
        settings.write_text(json.dumps(scenario_settings(tmp_path, base, token)))
        name = Path(scenario).stem
        reports = request.config.rootpath / "artifacts" / "sekmet" / name
        shutil.rmtree(reports, ignore_errors=True)
        graded = subprocess.run(
            [sekmet(), "scenario", "run", scenario, "--peer", "ours", "--no-serve",
             "--config", settings, "--report-dir", reports,
             *(f"--var={key}={value}" for key, value in variables.items())],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )  # fmt: skip
        assert graded.returncode == 0, graded.stdout
        [report] = reports.glob("*-ours/results.json")
        [result] = json.loads(report.read_text(encoding="utf-8"))
        return list(result["steps"])

    return run


@pytest.fixture(scope="module")
def key() -> ECKey:
    """The key of a machine."""
    return ECKey.generate_key("P-384", {"kid": "grader", "use": "sig", "alg": "ES384"})


@pytest.fixture
def sandbox(key: ECKey, tmp_path: Path) -> Iterator[Sandbox]:
    """Our portal, which lets the machine with that key in."""
    written = tmp_path / "machine.json"
    written.write_text(json.dumps(key.as_dict(private=False)))
    with Sandbox(machine=written) as sandbox:
        yield sandbox


def token_for_a_machine(sandbox: Sandbox, key: ECKey) -> str:
    """A token that lets a system do everything, as no sign-in of a patient gives."""
    endpoint = f"{sandbox.url}/token"
    claims = {
        "iss": MACHINE,
        "sub": MACHINE,
        "aud": endpoint,
        "exp": int(time.time()) + 60,
        "jti": secrets.token_urlsafe(),
    }
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.cruds",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(HEADER, claims, key, algorithms=["ES384"]),
    }
    answer = httpx.post(endpoint, data=form, trust_env=False, verify=NO_CERTIFICATES)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def test_sekmets_own_scenario_finds_no_fault_with_our_portal(grade, sandbox, key):
    steps = grade(SMOKE, sandbox.fhir_base, token_for_a_machine(sandbox, key))

    assert Counter(step["status"] for step in steps) == {"passed": 14, "skipped": 4}
    assert {step["name"]: step["message"] for step in steps if step["status"] == "skipped"} == {
        name: f"peer does not advertise {lacking}" for name, lacking in NOT_ADVERTISED.items()
    }


def test_sekmet_finds_no_fault_with_our_portal_as_a_patients_app(embedded, grade):
    patient, stranger = embedded.somebody(), embedded.somebody()
    variables = {
        "patient": patient.id,
        "number": patient.number,
        "role": patient.practice.role,
        "service": f"booking-enquiry-{patient.number}",
        "stranger": stranger.id,
    }

    steps = grade(SCENARIO, embedded.base, embedded.token_of(patient.id), **variables)

    assert len(steps) == 15
    assert {step["name"]: step["status"] for step in steps} == {
        step["name"]: "passed" for step in steps
    }
