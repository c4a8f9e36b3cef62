"""Each defect of a portal is named by the check of `gpcli smoke` that is about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell, shell_for
from tests.journeys.test_smoke_writing import alive

pytestmark = pytest.mark.real

FAULTS = [
    ("GET metadata: bad-json", "capability-statement"),
    ("GET metadata: clock=+300s", "clock"),
    ("GET .well-known/smart-configuration: html", "smart-configuration"),
    ("POST token: html", "token-endpoint"),
    ("GET jwks: status=404", "keys"),
    ("GET Patient: any-token", "wrong-token"),
    ("GET Patient: other-patient", "patient"),
    ("GET Slot: ignored-parameter=start", "booking"),
    ("GET Slot: ignored-parameter=status", "booking"),
    ("GET Appointment: other-patient", "own-records"),
    ("GET Communication: other-patient", "threads"),
    ("GET MedicationRequest: other-patient", "prescriptions"),
    ("GET MedicationDispense: other-patient", "dispenses"),
    ("GET Consent: other-patient", "consent"),
    ("GET Communication: wrong-total", "totals"),
    ("GET Communication: lost-entry", "paging"),
    ("GET Communication: lost-next", "paging"),
    ("GET Communication: repeated-page", "paging"),
    ("GET Appointment: ignored-parameter=identifier", "identifiers"),
    ("GET Appointment: ignored-parameter=date", "dates"),
    ("GET Communication: ignored-parameter=received", "threads"),
    ("GET *: lost-outcome", "not-found"),
    ("GET Appointment/*: wrong-status=200", "not-found"),
    ("POST batch: wrong-status=500", "batch"),
    ("POST Appointment: ignored-if-none-exist", "repeat"),
    ("POST Appointment: double-booking", "one-patient"),
    ("POST Appointment: lost-identifier", "book"),
    ("POST Appointment: unsaved", "book"),
    ("POST Appointment: wrong-status=500", "book"),
    ("PUT Appointment/*: ignored-if-match", "stale-change"),
    ("PUT Appointment/*: unsaved", "cancel"),
    ("POST Task: lost-identifier", "renew"),
    ("PUT Task/*: unsaved", "renew"),
    ("PUT Communication/*: unsaved", "mark-read"),
]
"""A rule by which the portal goes wrong, and the check that is about it."""


def change(kind: str, alter: Callable[[dict[str, Any]], None]) -> Callable[[Sandbox], None]:
    """What alters every resource of a kind, behind the API."""

    def apply(sandbox: Sandbox) -> None:
        for each in sandbox.store.find(kind):
            alter(each)
            sandbox.store.put(each)

    return apply


def without_amount(definition: dict[str, Any]) -> None:
    for group in definition.get("propertyGroup", ()):
        for component in group["priceComponent"]:
            component.pop("amount", None)


RECORDS = {
    "surgeries without a telephone": (
        lambda sandbox: [
            change(kind, lambda each: each.pop("telecom", None))(sandbox)
            for kind in ("Organization", "Location", "PractitionerRole", "Practitioner")
        ],
        "gp",
    ),
    "prices without amounts": (change("ChargeItemDefinition", without_amount), "prices"),
    "times that end before they start": (
        change("Slot", lambda each: each.update(start=each["end"], end=each["start"])),
        "booking",
    ),
    "messages of a status that is none": (
        change("Communication", lambda each: each.update(status="done")),
        "threads",
    ),
    "medicines without a name": (
        change("MedicationRequest", lambda each: each.pop("medicationCodeableConcept", None)),
        "prescriptions",
    ),
}
"""What is wrong with the portal's records, and the check that is about it."""


@pytest.fixture
def ada_in_ci(live: Sandbox, tmp_path: Path) -> Shell:
    shell = shell_for(live, tmp_path, "ada", lambda: datetime.now(UTC))
    return replace(shell, sleep=lambda seconds: None)


def failed(report: dict[str, Any]) -> list[str]:
    return [each["name"] for each in report["checks"] if each["status"] == "failed"]


@pytest.mark.parametrize(("rule", "check"), FAULTS)
def test_a_fault_is_named_by_the_check_that_is_about_it(ada_in_ci, live, rule, check):
    fault = live.add_fault(rule)
    try:
        done = ada_in_ci("gpcli smoke --write --no-retry --json")
        [fault] = live.faults
    finally:
        live.clear_faults()
    assert fault.used
    assert check in failed(done.json)
    assert done.code == 11


@pytest.mark.parametrize("what", list(RECORDS))
def test_a_wrong_record_is_named_by_the_check_that_is_about_it(ada_in_ci, live, what):
    spoil, check = RECORDS[what]
    spoil(live)
    done = ada_in_ci("gpcli smoke --json")
    assert check in failed(done.json)
    assert done.code == 11


def test_nothing_fails_at_a_portal_without_a_defect(ada_in_ci, live):
    for _ in range(20):
        done = ada_in_ci("gpcli smoke --write --json")
        assert failed(done.json) == []
    assert alive(live) == []
