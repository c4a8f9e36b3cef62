"""Moving a visit: whatever is lost on the way, there is never none, and never two unsaid."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell, at_once
from tests.journeys.test_booking_ways import configured
from tests.journeys.world import MONDAY, World

SOON, PAST = "a-2xwr5jqm", "a-td555mhb"
"""Ada's booking of tomorrow, less than a day away, and her visit of three weeks ago."""

WAYS = ("post", "operation", "transaction")


@pytest.fixture(scope="module")
def portals() -> Iterator[dict[str, Sandbox]]:
    """Tests take `portal_of`, which is as it was at the start."""
    with (
        Sandbox(clock=MONDAY, booking="post") as posting,
        Sandbox(clock=MONDAY, booking="operation") as asking,
        Sandbox(clock=MONDAY, booking="transaction") as trusting,
    ):
        yield {"post": posting, "operation": asking, "transaction": trusting}


@contextmanager
def as_new(sandbox: Sandbox, home) -> Iterator[World]:
    yield World(sandbox, home)
    sandbox.clear_faults()
    sandbox.reset()


@pytest.fixture(params=WAYS)
def moved(request, portals, tmp_path) -> Iterator[Visit]:
    """A visit of Ada's, ten days ahead, at a portal of each way of booking."""
    with as_new(portals[request.param], tmp_path) as world:
        env = configured(world.sandbox, tmp_path, request.param)
        yield Visit(world, replace(Shell(env, world.now), sleep=at_once), request.param)


@pytest.fixture
def visit(world) -> Visit:
    """The same at the portal that all journeys share."""
    return Visit(world, replace(world.shell("ada"), sleep=at_once), "post")


class Visit:
    """A visit that is booked, another time that is free, and what the portal has of the person."""

    def __init__(self, world: World, shell: Shell, way: str) -> None:
        self.world, self.shell, self.way = world, shell, way
        self.old = shell.json("gpcli book --first --another --yes --from +10d --reason Knee")["id"]
        self.slot = shell.json("gpcli slots --limit 1 --from +5d")[0]["id"]
        self.line = f"gpcli move {self.old} {self.slot} --yes --request-id m1"

    def status(self, appointment: str | None = None) -> str:
        there = self.world.sandbox.store.get("Appointment", appointment or self.old)
        assert there
        return there["status"]

    def standing(self) -> list[str]:
        """The ids of what gpcli made that is not cancelled: the old visit, or a new one."""
        made = self.world.appointments("ada")
        return [one["id"] for one in made if one["status"] != "cancelled"]

    def fault(self, rule: str) -> None:
        self.world.sandbox.add_fault(rule)

    @property
    def booking_request(self) -> str:
        """What a rule calls the request that books."""
        return {
            "post": "POST Appointment",
            "operation": "POST Appointment/$book",
            "transaction": "POST transaction",
        }[self.way]

    @property
    def cancelling_request(self) -> str:
        return "POST transaction" if self.way == "transaction" else "PUT Appointment/*"

    def lose(self, fault: str, *, cancelling: bool, always: bool) -> None:
        """Have the one of the two requests end so: once, or however often it is tried."""
        if not cancelling:
            self.fault(f"{self.booking_request}: {fault}{'' if always else ' once'}")
        elif self.way != "transaction":
            self.fault(f"{self.cancelling_request}: {fault}{'' if always else ' once'}")
        else:  # the first transaction is the booking; a rule does not count what another acts on
            for _ in range(20 if always else 1):
                self.fault(f"{self.cancelling_request}: {fault} nth=2")


def test_a_visit_is_moved_and_both_times_are_told(moved):
    ending = moved.shell(f"{moved.line} --json")

    receipt = ending.json
    assert ending.code == 0
    assert receipt["replaced"] == {"id": moved.old, "status": "cancelled", "changed": True}
    assert (receipt["slot_id"], receipt["status"], receipt["changed"]) == (
        moved.slot,
        "booked",
        True,
    )
    assert receipt["reason"] == "Knee"
    assert moved.standing() == [receipt["id"]]
    assert ending.stderr_json[-1] == {
        "notice": {"message": f"It is moved: {receipt['id']} is booked, {moved.old} is cancelled."}
    }


def test_book_with_replace_does_the_same(moved):
    receipt = moved.shell.json(f"gpcli book {moved.slot} --replace {moved.old} --yes")
    assert receipt["replaced"] == {"id": moved.old, "status": "cancelled", "changed": True}
    assert moved.standing() == [receipt["id"]]


def test_the_same_request_again_changes_nothing(moved):
    first, second = moved.shell.json(moved.line), moved.shell.json(moved.line)
    assert (second["id"], second["changed"]) == (first["id"], False)
    assert second["replaced"] == {"id": moved.old, "status": "cancelled", "changed": False}
    assert moved.standing() == [first["id"]]


LOST = ("lost-request", "lost-reply", "late-commit=2m", "503")
STEPS = pytest.mark.parametrize("cancelling", [False, True], ids=["booking", "cancelling"])


@pytest.mark.parametrize("fault", LOST)
@STEPS
def test_what_is_lost_once_is_tried_again_or_told_to_be_unknown(moved, fault, cancelling):
    moved.lose(fault, cancelling=cancelling, always=False)

    ending = moved.shell(f"{moved.line} --json")

    assert moved.world.sandbox.unused_faults() == []
    if ending.code == 0:
        assert moved.standing() == [ending.json["id"]]
    else:
        assert (ending.code, ending.out, moved.status()) == (10, "", "booked")
        assert f"{moved.old} was not cancelled." in ending.error["hint"]


@pytest.mark.parametrize("fault", LOST)
@STEPS
def test_whatever_is_lost_there_is_never_none_and_never_two_unsaid(moved, fault, cancelling):
    moved.lose(fault, cancelling=cancelling, always=True)

    ending = moved.shell(f"{moved.line} --json")

    standing = moved.standing()
    if fault == "lost-reply":  # it was done, and the portal shows it
        assert (ending.code, standing) == (0, [ending.json["id"]])
        return
    assert (ending.code, ending.error["request_id"], moved.status()) == (10, "m1", "booked")
    assert (len(standing), moved.old in standing) == (2 if cancelling else 1, True)
    if cancelling:
        new = ending.json["id"]
        assert ending.error["message"] == (
            f"{new} is booked, but whether {moved.old} is cancelled is not known: both may stand."
        )
        assert f"gpcli cancel {moved.old}" in ending.error["hint"]
    else:
        assert (ending.out, ending.error["code"]) == ("", "outcome_unknown")
        assert f"{moved.old} was not cancelled." in ending.error["hint"]
    [listed] = moved.shell.json("gpcli outbox list")
    assert (listed["command"], listed["state"]) == ("move", "unknown")


@pytest.mark.parametrize("fault", LOST)
@STEPS
def test_the_same_request_later_leaves_the_new_visit_alone(moved, fault, cancelling):
    moved.lose(fault, cancelling=cancelling, always=True)
    moved.shell(moved.line)
    moved.world.sandbox.clear_faults()
    moved.world.sandbox.advance(timedelta(minutes=11))

    receipt = moved.shell.json(moved.line)

    assert (receipt["slot_id"], receipt["replaced"]["status"]) == (moved.slot, "cancelled")
    assert moved.standing() == [receipt["id"]]
    assert moved.shell.json("gpcli outbox list") == []


@pytest.mark.parametrize("problem", ["", " problem=too-late"])
def test_a_cancellation_that_is_refused_names_both_visits_and_ends_with_8(visit, problem):
    visit.fault(f"PUT Appointment/*: refuse=422{problem}")

    ending = visit.shell(f"{visit.line} --json")

    new = ending.json["id"]
    assert (ending.code, ending.error["code"]) == (8, "partial")
    assert ending.json["replaced"] == {"id": visit.old, "status": "booked", "changed": False}
    assert sorted(visit.standing()) == sorted([visit.old, new])
    assert ending.error["message"].startswith(
        f"{new} is booked, but {visit.old} stands beside it, for it could not be cancelled: "
    )
    assert ending.error["hint"].startswith(f"gpcli cancel {visit.old} cancels it.")
    visit.world.sandbox.clear_faults()
    assert visit.shell(f"gpcli cancel {visit.old} --yes").code == 0
    assert visit.standing() == [new]


def test_a_cancellation_without_a_known_outcome_names_both_visits_and_ends_with_10(visit):
    visit.fault("PUT Appointment/*: lost-request")
    visit.fault("GET Appointment/*: 503")

    ending = visit.shell(f"{visit.line} --json")

    new = ending.json["id"]
    assert (ending.code, ending.error["message"]) == (
        10,
        f"{new} is booked, but whether {visit.old} is cancelled is not known: both may stand.",
    )
    assert ending.error["hint"] == (
        f"gpcli cancel {visit.old} cancels it if it stands, and never twice."
    )
    [listed] = visit.shell.json("gpcli outbox list")
    assert (listed["command"], listed["state"]) == ("move", "unknown")
    assert {(part["id"], part["state"]) for part in listed["parts"]} == {
        (None, "done"),
        (visit.old, "unknown"),
    }


def test_a_booking_that_is_refused_leaves_the_old_visit_alone(visit):
    visit.fault("POST Appointment: slot-taken once")
    assert visit.shell(f"{visit.line} --json").refused == (7, "slot_taken", "")
    assert visit.standing() == [visit.old]
    assert visit.shell.json("gpcli outbox list") == []


def test_a_move_whose_booking_came_late_is_listed_until_the_old_visit_is_given_back(visit):
    visit.fault("POST Appointment: late-commit=2m")
    assert visit.shell(visit.line).code == 10
    visit.world.sandbox.clear_faults()
    visit.world.sandbox.advance(timedelta(minutes=11))

    [settled] = visit.shell.json("gpcli outbox settle")

    assert (settled["state"], settled["needs_settling"]) == ("partly_done", True)
    assert len(visit.standing()) == 2
    assert "1 request is unsettled" in visit.shell("gpcli gp").err
    repeat = shlex.split(settled["repeat"].partition(" && ")[2] or settled["repeat"])
    rest = visit.shell([*repeat, "--json"])
    assert (rest.code, rest.json["replaced"]["changed"]) == (0, True)
    [plan] = [line["plan"] for line in rest.stderr_json if "plan" in line]
    assert plan["action"] == "Cancel the old time of this visit"
    assert plan["warnings"] == [f"The new time is booked already: {rest.json['id']}."]
    assert visit.standing() == [rest.json["id"]]
    assert visit.shell.json("gpcli outbox list") == []


def test_cancelling_the_old_visit_by_hand_settles_a_move_that_was_half_done(visit):
    visit.fault("POST Appointment: late-commit=2m")
    assert visit.shell(visit.line).code == 10
    visit.world.sandbox.clear_faults()
    visit.world.sandbox.advance(timedelta(minutes=11))
    visit.shell("gpcli outbox settle")

    assert visit.shell(f"gpcli cancel {visit.old} --yes").code == 0

    visit.shell("gpcli appointments list --all")
    assert visit.shell.json("gpcli outbox list") == []
