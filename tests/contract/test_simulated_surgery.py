"""A surgery that SEKMET simulates: it books what is asked for, in its own way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.places import Place, Provider, sekmet_behind
from tests.contract.visit import Visit, begin

pytestmark = pytest.mark.real

TRIES = 500  # of 20 ms


@pytest.fixture(scope="module")
def busy(oidc: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """SEKMET, whose surgery answers at once."""
    simulator = {"enabled": True, "delay_seconds": 0.0}
    directory = tmp_path_factory.mktemp("busy")
    with sekmet_behind(oidc, directory, "busy SEKMET", simulator=simulator) as place:
        yield place


@pytest.fixture
def visit(busy: Place, tmp_path: Path) -> Iterator[Visit]:
    with begin(busy, tmp_path, busy.somebody()) as visit:
        yield visit


def is_booked(visit: Visit, appointment: str) -> bool:
    """Whether the surgery books what was asked for, while we wait a little."""
    pause = threading.Event()
    for _ in range(TRIES):
        if visit.read(f"Appointment/{appointment}")["status"] == "booked":
            return True
        pause.wait(0.02)
    return False


def test_an_enquiry_that_was_booked_without_a_time_is_shown(visit):
    asked = visit.shell.json("gpcli book --enquiry --another --yes")["id"]
    assert is_booked(visit, asked)

    shown = visit.shell.json(f"gpcli appointments show {asked}")

    assert (shown["status"], shown["start"]) == ("booked", None)
    assert asked in [one["id"] for one in visit.shell.json("gpcli appointments list")]


def test_a_time_that_was_confirmed_at_once_is_a_booking_all_the_same(visit):
    slot = visit.patient.practice.slots[0]

    booked = visit.shell.json(f"gpcli book {slot} --another --yes")

    assert is_booked(visit, booked["id"])
    shown = visit.shell.json(f"gpcli appointments show {booked['id']}")
    assert (shown["status"], shown["slot_id"]) == ("booked", slot)


def test_an_enquiry_that_was_booked_without_a_time_can_be_cancelled(visit):
    asked = visit.shell.json("gpcli book --enquiry --another --yes")["id"]
    assert is_booked(visit, asked)

    assert visit.shell.json(f"gpcli cancel {asked} --yes")["changed"]
    assert visit.read(f"Appointment/{asked}")["status"] == "cancelled"
