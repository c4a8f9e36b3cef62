"""A patient's day: processes of gpcli, a keyring, Chromium, oidc-provider and SEKMET."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.medicines import USED_UP
from tests.contract.places import Place
from tests.contract.world import Patient
from tests.journeys.process import gpcli, minimal_env, start_gpcli, wait_for_end
from tests.journeys.shell import CommandResult
from tests.loopback import NO_CERTIFICATES
from tests.real.conftest import CHROMIUM, CHROMIUM_OPTIONS, Desktop

pytestmark = pytest.mark.real

PROFILE = """
[profiles.theirs]
portal = "{base}"
environment = "sandbox"
prompt = "consent"
"""
SIGNING_IN = ("login", "--no-browser", "--limit", "60", "--json")


@pytest.fixture
def env(sekmet: Place, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A desktop with an unlocked keyring, and a profile for SEKMET behind oidc-provider."""
    desktop = Desktop(tmp_path)
    desktop.start_keyring()
    (desktop.home / "config.toml").write_text(PROFILE.format(base=sekmet.base))
    yield minimal_env(desktop.home, **{**desktop.env, "PYTHONWARNINGS": "error"})
    desktop.close()


def sign_in_with_chromium(patient: Patient, env: dict[str, str]) -> CommandResult:
    """`gpcli login --no-browser`: the address that it prints, opened by somebody else."""
    process = start_gpcli(*SIGNING_IN, env=env)
    assert process.stderr is not None
    said = json.loads(process.stderr.readline())
    assert "notice" in said, said
    fill_in(said["notice"]["url"], patient.id)
    return wait_for_end(process)


def fill_in(url: str, login: str) -> None:
    """Sign in at oidc-provider's pages and allow what is asked for, until gpcli's own page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        page = chromium.new_context(java_script_enabled=False).new_page()
        page.set_default_timeout(20_000)
        page.goto(url)
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", "any")
        page.click("button[type=submit]")
        page.click("button:has-text('Continue')")
        page.wait_for_selector("#done")
        chromium.close()


def stored(place: Place, kind: str, **params: str) -> list[dict[str, Any]]:
    """What SEKMET has, by its own API: no gateway, no token."""
    answer = httpx.get(
        f"{place.behind}/{kind}", params=params, trust_env=False, verify=NO_CERTIFICATES
    )
    answer.raise_for_status()
    return [entry["resource"] for entry in answer.json().get("entry", ())]


def test_a_patient_does_everything_at_a_portal_that_nobody_here_wrote(sekmet, env):
    patient = sekmet.somebody()
    slot, prescription = patient.practice.slots[0], USED_UP.id(patient)
    lines = (
        "services",
        "slots",
        f"book {slot} --reason Cough --another --yes",
        "appointments list",
        "rx list --all",
        f"rx renew {prescription} --yes",
        "messages list",
        f"cancel {patient.visit} --yes",
    )

    signed_in = sign_in_with_chromium(patient, env)
    endings = {line: gpcli(*line.split(), "--json", env=env) for line in lines}

    assert signed_in.code == 0, signed_in
    assert signed_in.json["patient"] == {"id": patient.id, "name": patient.name}
    assert {line: ending.code for line, ending in endings.items()} == dict.fromkeys(lines, 0), (
        endings
    )
    answers = [ending.json for ending in endings.values()]
    _, slots, booked, appointments, medicines, [renewal], threads, cancelled = answers
    assert slot in [each["id"] for each in slots]
    assert [each["id"] for each in appointments] == [booked["id"], patient.visit]
    assert prescription in [each["id"] for each in medicines]
    assert [each["id"] for each in threads] == [patient.open_thread, patient.closed_thread]
    assert (cancelled["id"], cancelled["status"]) == (patient.visit, "cancelled")

    reference = f"Patient/{patient.id}"
    there = {each["id"]: each for each in stored(sekmet, "Appointment", patient=reference)}
    assert there.keys() == {booked["id"], patient.visit}
    assert there[patient.visit]["status"] == "cancelled"
    assert there[booked["id"]]["comment"] == "Cough"
    assert there[booked["id"]]["slot"][0]["reference"].endswith(f"Slot/{slot}")
    tasks = {each["id"]: each for each in stored(sekmet, "Task", patient=reference)}
    assert tasks.keys() == {renewal["id"], f"renewal-{patient.number}"}
    focus = tasks[renewal["id"]]["focus"]["reference"]
    assert focus.endswith(f"MedicationRequest/{prescription}")
