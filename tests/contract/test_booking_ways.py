"""Taking a time where the portal leaves that to its clients: Slot and Appointment together."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.places import Place
from tests.contract.visit import begin
from tests.contract.world import Patient
from tests.journeys.process import minimal_env, start_gpcli, wait_for_end

WHOLE = [pytest.param(each, marks=pytest.mark.real) for each in ("embedded", "sekmet")]
"""Portals that programs can reach and that do a transaction whole or not at all."""
LIVING = {"proposed", "pending", "booked"}


def by_transaction(place: Place, patient: Patient, home: Path) -> dict[str, str]:
    """The variables of a patient whose profile books by transaction."""
    home.mkdir(parents=True, exist_ok=True)
    kept = home / "token"
    kept.write_text(place.token_of(patient.id))
    settings = {
        "portal": place.base,
        "environment": "sandbox",
        "booking": "transaction",
        "token_command": f"cat {kept}",
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (home / "config.toml").write_text("\n".join(["[profiles.theirs]", *lines, ""]))
    return minimal_env(home, GPCLI_PATIENT=patient.id, GPCLI_FHIR_USER=f"Patient/{patient.id}")


@pytest.mark.needs("transaction", "Slot:update", "Appointment:search-type")
def test_a_time_is_taken_by_transaction_and_booked(visit, place, tmp_path):
    slot = visit.patient.practice.slots[0]
    before = visit.read(f"Slot/{slot}")
    shell = replace(visit.shell, env=by_transaction(place, visit.patient, tmp_path / "profile"))

    booked = shell.json(f"gpcli book {slot} --another --yes")

    after = visit.read(f"Slot/{slot}")
    assert [one["id"] for one in visit.made("Appointment")] == [booked["id"]]
    assert after["status"].startswith("busy")
    kept = before.keys() - {"status", "meta"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}

    cancelled = shell.json(f"gpcli cancel {booked['id']} --yes")

    freed = visit.read(f"Slot/{slot}")
    assert (cancelled["status"], freed["status"]) == ("cancelled", "free")
    assert {name: freed[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.parametrize("portal", WHOLE)
def test_of_eight_programs_after_one_time_by_transaction_one_gets_it(portal, request, tmp_path):
    told, left = raced(request.getfixturevalue(portal), tmp_path)

    assert (told, left) == ({"booked": 1, "slot_taken": 7}, 1)


@pytest.mark.parametrize("portal", [pytest.param("medplum", marks=pytest.mark.real)])
def test_what_a_transaction_did_by_half_is_cancelled_again(portal, request, tmp_path):
    told, left = raced(request.getfixturevalue(portal), tmp_path)

    assert told.keys() <= {"booked", "slot_taken"}
    assert told["booked"] == left <= 1


def raced(place: Place, home: Path) -> tuple[Counter[str], int]:
    """What eight patients' programs are told who want one time, and how many bookings stand."""
    first = place.somebody()
    patients = [first, *(place.somebody(first.number) for _ in range(7))]
    line = ("book", first.practice.slots[0], "--another", "--yes", "--json")
    envs = [by_transaction(place, each, home / each.id) for each in patients]
    endings = [wait_for_end(each) for each in [start_gpcli(*line, env=env) for env in envs]]
    told = Counter(each.error["code"] if each.code else "booked" for each in endings)
    with ExitStack() as at_the_end:
        visits = [at_the_end.enter_context(begin(place, home, each)) for each in patients]
        made = [one["status"] for each in visits for one in each.made("Appointment")]
    return told, len([status for status in made if status in LIVING])
