"""The sandbox goes wrong by rules: options, commands, and how gpcli ends under each fault."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpcli.cli.served_sandboxes import ServedSandbox, announce
from gpcli.sandbox.faults.kinds import KIND_BY_NAME
from tests.journeys.process import PYTHON, gpcli, minimal_env
from tests.journeys.shell import Shell, at_once
from tests.journeys.world import World

SLOTS, BOOK = "gpcli slots --limit 1", "gpcli book --first --another --yes"
DONE = (0, 0)
ENDINGS = {
    "delay=1ms": DONE,
    "lost-request": (6, 6),
    "status=503": (6, 6),
    "html": (1, 1),
    "refuse": (5, 5),
    "expired-token": (4, 4),
    "revoked-session": (4, 4),
    "any-token": DONE,
    "slot-taken": (0, 7),
    "double-booking": DONE,
    "ignored-parameter=status": DONE,
    "ignored-if-none-exist": DONE,
    "ignored-if-match": DONE,
    "lost-identifier": (0, 7),
    "unsaved": (0, 10),
    "late-commit=1h": (0, 10),
    "wrong-total": (8, 0),
    "lost-entry": (3, 3),
    "lost-next": DONE,
    "repeated-page": DONE,
    "other-patient": DONE,
    "hostile-text": (0, 7),
    "wrong-status=422": (7, 7),
    "lost-etag": DONE,
    "lost-outcome": DONE,
    "clock=+300s": DONE,
    "bad-json": (1, 1),
    "huge-body": (1, 1),
    "slow-drip=100000": DONE,
    "cut-reply": (6, 6),
    "lost-reply": (6, 6),
}
"""A fault of every request -> the exit codes of SLOTS and BOOK."""

MET_ONCE = {
    "POST Appointment: lost-request": 0,
    "POST Appointment: lost-reply": 0,
    "POST Appointment: cut-reply": 0,
    "POST Appointment: status=503": 0,
    "POST Appointment: bad-json": 0,
    "POST Appointment: html": 10,
    "POST Appointment: wrong-status=500": 0,
    "POST Appointment: refuse=409 problem=slot-taken": 7,
}
"""A fault of one request -> the exit code of BOOK."""


@pytest.fixture
def faulty(world: World) -> Iterator[World]:
    """The world, announced as a sandbox that is served, and afterwards without rules."""
    sandbox = world.sandbox
    served = ServedSandbox("default", sandbox.url, sandbox.control_token, 0.0, os.getpid())
    with announce(world.home / "state", served, lambda _: True):
        yield world
    sandbox.clear_faults()


@pytest.fixture
def ada(faulty: World) -> Shell:
    return replace(faulty.shell("ada"), sleep=at_once)


def kind_of(fault: str) -> str:
    return fault.partition("=")[0]


@pytest.mark.real
@pytest.mark.parametrize("fault", ENDINGS)
def test_under_a_fault_of_every_request_gpcli_ends_as_is_documented(faulty, ada, fault):
    faulty.sandbox.add_fault(f"* *: {fault}")
    assert tuple(ada(f"{line} --json").code for line in (SLOTS, BOOK)) == ENDINGS[fault]


def test_every_kind_of_fault_has_an_ending():
    assert {kind_of(fault) for fault in ENDINGS} == set(KIND_BY_NAME)


@pytest.mark.parametrize("rule", MET_ONCE)
def test_a_booking_that_meets_a_fault_once_is_made_once_or_not_at_all(faulty, ada, rule):
    faulty.sandbox.add_fault(f"{rule} once")

    code = ada(f"{BOOK} --json").code

    assert faulty.sandbox.faults[0].used == 1
    assert (code, len(faulty.appointments("ada"))) == (MET_ONCE[rule], int(code == 0))


def test_rules_are_added_listed_and_taken_out_by_commands(faulty, ada):
    added = ada.json("gpcli sandbox fault add 'GET Slot: 503 x2' 'POST Task: lost-reply once'")
    ada(SLOTS)
    listed = ada("gpcli sandbox fault list")
    cleared = ada.json(f"gpcli sandbox fault clear {added[0]['id']}")

    first, second = (each["id"] for each in added)
    assert [each["left"] for each in added] == [2, 1]
    assert listed.rows == [
        [first, "GET Slot: 503 x2", "2", "0"],
        [second, "POST Task: lost-reply once", "0", "1"],
    ]
    assert cleared == [{"id": first, "rule": "GET Slot: 503 x2", "used": 2, "left": 0}]
    assert [each.id for each in faulty.sandbox.faults] == [second]


def test_several_rules_are_taken_out_at_once_or_none(faulty, ada):
    rules = ("GET Slot: 503", "GET Task: 503", "GET Patient: 503")
    first, second, third = (faulty.sandbox.add_fault(each).id for each in rules)

    partly = ada(f"gpcli sandbox fault clear {first} f0 --json")
    all_there = [each.id for each in faulty.sandbox.faults] == [first, second, third]
    cleared = ada.json(f"gpcli sandbox fault clear {third} {first} {third}")

    assert (partly.code, partly.error["message"].partition(";")[0]) == (
        3,
        "The sandbox says: no fault rule is called 'f0'",
    )
    assert all_there
    assert [each["id"] for each in cleared] == [third, first]
    assert [each.id for each in faulty.sandbox.faults] == [second]


def test_without_rules_there_is_nothing_to_list_or_to_take_out(faulty, ada):
    for command in ("list", "clear"):
        ending = ada(f"gpcli sandbox fault {command}")
        assert (ending.code, ending.out) == (0, "")
        assert "fault rules" in ending.err


def test_an_id_that_no_rule_has_is_not_found_and_those_that_are_there_are_named(faulty, ada):
    faulty.sandbox.add_fault("GET Slot: 503")
    (there,) = faulty.sandbox.faults

    ending = ada("gpcli sandbox fault clear f0 --json")

    assert ending.refused == (3, "not_found", "")
    assert ending.error["message"] == (
        f"The sandbox says: no fault rule is called 'f0'; there are: {there.id}."
    )


WRONG = "GET Slot: 503 onec"


@pytest.mark.parametrize(
    "line",
    [
        f"gpcli sandbox run --fault '{WRONG}' -- true",
        f"gpcli sandbox run --fault 'GET Slot: 503' --fault '{WRONG}' -- true",
        f"gpcli sandbox serve --fault '{WRONG}'",
        f"gpcli sandbox fault add 'GET Slot: 503' '{WRONG}'",
    ],
)
def test_what_is_no_rule_is_refused_with_its_place_and_nothing_is_done(faulty, ada, line):
    ending = ada(f"{line} --json" if " -- " not in line else line.replace("run", "--json run"))

    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == (
        f"In the fault rule '{WRONG}', 'onec' at character 15 should be an option or a WHEN. "
        "Nearest: once."
    )
    assert ending.error["hint"] == (
        "Allowed there: once, xN, nth=N, N%, problem=CODE, retry-after=N. "
        "gpcli help faults explains rules."
    )
    assert faulty.sandbox.faults == []


def run(home, *options, command):
    """`sandbox run` as a process of its own, for somebody with a small world."""
    return gpcli("sandbox", "run", *options, "--", "bash", "-c", command, env=minimal_env(home))


@pytest.mark.real
@pytest.mark.parametrize(
    ("options", "command", "code", "said"),
    [
        ("--fault-must-fire", f"{PYTHON} slots --limit 1 >&2", 0, ""),
        ("--fault-must-fire", "exit 0", 3, "No request met the fault: GET Slot: 503 once."),
        ("--fault-must-fire", "exit 42", 42, ""),
        ("", "exit 0", 0, ""),
        (
            "--fault-must-fire",
            f"{PYTHON} slots --limit 1 >&2; {PYTHON} sandbox reset",
            0,
            "",
        ),
        (
            "--fault-must-fire",
            f"{PYTHON} sandbox fault clear f1 >&2",
            3,
            "No request met the fault: GET Slot: 503 once.",
        ),
    ],
    ids=["met", "not met", "failed by itself", "not asked", "met, then reset", "taken out"],
)
def test_a_fault_that_must_be_met_is_exit_3_if_it_was_not(tmp_path, options, command, code, said):
    ending = run(tmp_path, "--fault", "GET Slot: 503 once", *options.split(), command=command)

    assert (ending.code, ending.out) == (code, "")
    assert said in ending.err
    assert ("No request met" in ending.err) is bool(said)


ASK_TWENTY_TIMES = """
import httpx, os
address = os.environ["GPCLI_PORTAL"] + "/Slot/none"
print(*[httpx.get(address).status_code for _ in range(20)])
"""
BOOK_IN_BASH = f"{PYTHON} {BOOK.removeprefix('gpcli ')} --fields id,start"


@pytest.mark.real
def test_the_seed_and_the_clock_make_what_is_drawn_and_written_repeat(tmp_path):
    command = f"{sys.executable} -c '{ASK_TWENTY_TIMES}'; {BOOK_IN_BASH}"
    options = ("--fault", "GET Slot/*: 403 50%", "--clock", "2027-03-01T09:00:00+01:00")

    once, again, other = (
        run(tmp_path, *options, "--seed", seed, command=command).out.split()
        for seed in ("7", "7", "8")
    )

    assert once == again
    assert {*once[:20]} == {*other[:20]} == {"401", "403"}
    assert once[:20] != other[:20]
    assert once[-1] == "2027-03-03T08:40:00+01:00"


@pytest.mark.real
def test_a_script_meets_its_faults_in_a_portal_of_its_own(tmp_path):
    ending = run(
        tmp_path,
        *("--fault", "POST Appointment: lost-reply once", "--fault-must-fire"),
        command=f"{BOOK_IN_BASH}; {PYTHON} sandbox fault list --fields used,left",
    )
    assert (ending.code, ending.out.split()[-2:]) == (0, ["1", "0"])
