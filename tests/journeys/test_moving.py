"""Moving a visit: whatever is lost on the way, there is never none, and never two unsaid."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest

from gpcli.sandbox.server import Sandbox
from tests.journeys.process import start_gpcli, wait_for_end
from tests.journeys.shell import Shell, at_once
from tests.journeys.test_booking_ways import configured
from tests.journeys.world import MONDAY, World
from tests.loopback import PlainTransport

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


@pytest.fixture(params=["post", *(pytest.param(way, marks=pytest.mark.real) for way in WAYS[1:])])
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
    said = ending.stderr_json[-1]["notice"]["message"]
    assert said.startswith("Moved: ")
    assert said.endswith(f" ({receipt['id']}) is booked, {moved.old} is cancelled.")


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


@pytest.fixture
def slow(visit) -> Visit:
    """The same, where the surgery takes an hour to confirm."""
    visit.world.sandbox.set_delay(timedelta(hours=1))
    return visit


def test_a_new_time_that_waits_for_the_surgery_leaves_the_old_visit_alone(slow):
    ending = slow.shell(f"{slow.line} --json")

    new = ending.json["id"]
    assert (ending.code, ending.json["status"], ending.json["changed"]) == (0, "pending", True)
    assert ending.json["replaced"] == {"id": slow.old, "status": "booked", "changed": False}
    assert sorted(slow.standing()) == sorted([slow.old, new])
    assert ending.stderr_json[-1]["notice"]["message"] == (
        f"The surgery has not confirmed the new time ({new}) yet, and {slow.old} stays until it "
        f"has. Then gpcli move {slow.old} {slow.slot} --request-id m1 cancels {slow.old}."
    )
    [sent] = slow.shell.json("gpcli outbox list")
    assert (sent["command"], sent["state"], sent["needs_settling"]) == ("move", "partly_done", True)


def test_the_same_request_cancels_the_old_visit_once_the_new_one_is_confirmed(slow):
    new = slow.shell.json(slow.line)["id"]
    early = slow.shell.json(slow.line)
    slow.world.sandbox.advance(timedelta(hours=2))

    [sent] = [each for each in slow.shell.json("gpcli outbox list --all") if each["repeat"]]
    later = slow.shell.json(slow.line)

    assert (early["id"], early["changed"], early["status"]) == (new, False, "pending")
    assert (sent["state"], sent["command"]) == ("partly_done", "move")
    line = f"move {slow.old} {slow.slot} --yes --json --request-id {sent['request_id']}"
    assert sent["repeat"].endswith(line)
    assert (later["id"], later["changed"], later["status"]) == (new, True, "booked")
    assert later["replaced"] == {"id": slow.old, "status": "cancelled", "changed": True}
    assert slow.standing() == [new]
    assert slow.shell.json("gpcli outbox list") == []


def test_a_move_is_settled_where_the_old_visit_was_cancelled_otherwise(slow):
    slow.shell.json(slow.line)
    slow.world.sandbox.advance(timedelta(hours=2))
    slow.shell.json(f"gpcli cancel {slow.old} --yes")
    assert slow.shell.json("gpcli outbox list") == []


def test_a_new_time_that_the_surgery_declines_is_a_conflict_for_the_repeat(slow):
    new = slow.shell.json(slow.line)["id"]
    slow.shell.json(f"gpcli cancel {new} --yes")

    repeated = slow.shell(f"{slow.line} --json")

    assert repeated.refused == (7, "conflict", "")
    assert repeated.error["hint"].endswith(f"{slow.old} was not cancelled.")
    assert slow.standing() == [slow.old]
    assert slow.shell.json("gpcli outbox list") == []


@pytest.mark.parametrize(
    ("rule", "code", "listed"),
    [
        ("GET Appointment: lost-entry nth=3", 10, ["partly_done"]),
        ("POST Appointment: lost-identifier once", 7, []),
    ],
)
def test_a_new_time_that_is_booked_and_not_shown_leaves_the_old_and_says_so(
    visit, rule, code, listed
):
    visit.fault(rule)
    ending = visit.shell(f"{visit.line} --json")
    assert ending.code == code
    assert f"{visit.old} was not cancelled." in ending.error["hint"]
    assert visit.status() == "booked"
    assert [each["state"] for each in visit.shell.json("gpcli outbox list")] == listed


def of_hans(world):
    return world.shell("hans").json("gpcli book --first --another --yes")["id"]


WRONG = {
    "nobody's": (lambda visit: "nope", 3, "not_found"),
    "somebody else's": (lambda visit: of_hans(visit.world), 3, "not_found"),
    "another kind of record": (lambda visit: visit.slot, 3, "not_found"),
    "a path": (lambda visit: "../Patient/ada", 3, "not_found"),
    "empty": (lambda visit: "", 2, "input_needed"),
    "past": (lambda visit: PAST, 7, "too_late"),
    "cancelled": (lambda visit: cancelled(visit), 7, "rejected"),
    "in error": (lambda visit: in_error(visit), 7, "already_answered"),
    "an e-consultation": (lambda visit: econsult(visit), 2, "usage"),
}
"""What can't be moved: the id, the exit code and the word."""


def cancelled(visit):
    visit.shell.json(f"gpcli cancel {visit.old} --yes")
    return visit.old


def in_error(visit):
    visit.world.change(f"Appointment/{visit.old}", status="entered-in-error")
    return visit.old


def econsult(visit):
    line = "gpcli econsult start --via video --to +7d --subject Rash --message Hei --can-wait"
    return visit.shell.json(f"{line} --yes --accept-fee any")["id"]


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("by", ["move {} {} --yes", "book {1} --replace {0} --yes"])
def test_what_can_not_be_moved_is_refused_and_nothing_is_sent(visit, name, by):
    find, code, word = WRONG[name]
    wanted = find(visit)
    before = visit.standing()

    ending = visit.shell(f"gpcli {by.format(shlex.quote(wanted), visit.slot)} --json")

    assert ending.refused == (code, word, "")
    assert visit.standing() == before


class Meanwhile(io.StringIO):
    """A person who says yes, after something has happened."""

    def __init__(self, happens) -> None:
        super().__init__()
        self._happens = happens

    def readline(self, *_) -> str:
        self._happens()
        return "y\n"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"status": "cancelled"}, 7, "was cancelled meanwhile. Nothing was sent."),
        (
            {"start": "2027-03-12T08:00:00+01:00", "end": "2027-03-12T08:20:00+01:00"},
            7,
            "has got another time meanwhile. Nothing was sent.",
        ),
    ],
)
def test_an_old_visit_that_changes_at_the_question_stops_it(visit, change, code, words):
    happens = lambda: visit.world.change(f"Appointment/{visit.old}", **change)  # noqa: E731
    ending = visit.shell.at_a_screen(Meanwhile(happens))(f"gpcli move {visit.old} {visit.slot}")
    assert (ending.code, f"{visit.old} {words}" in ending.err) == (code, True)
    assert len(visit.world.appointments("ada")) == 1


def test_a_deadline_that_passes_at_the_question_stops_it(visit):
    there = visit.world.sandbox.store.get("Appointment", visit.old)
    [flag] = there["contained"]
    over = [{**flag, "period": {"end": "2027-03-01T08:59:00+01:00"}}]
    passes = partial(visit.world.change, f"Appointment/{visit.old}", contained=over)
    ending = visit.shell.at_a_screen(Meanwhile(passes))(f"gpcli move {visit.old} {visit.slot}")
    assert (ending.code, "has passed meanwhile" in ending.err) == (9, True)
    assert visit.standing() == [visit.old]


def test_late_cancelling_is_said_first_asked_for_and_needs_the_fee_to_be_accepted(visit):
    line = f"gpcli move {SOON} {visit.slot}"
    assert visit.shell(f"{line} --yes --json").refused == (9, "fee_not_accepted", "")
    ending = visit.shell.at_a_screen("n\n")(line)
    lines = ending.err.splitlines()
    assert lines[0] == "Move this visit [sandbox]"
    assert lines[1].startswith("! The free deadline was ")
    assert "Move this visit, for NOK 449? [y/N] " in ending.err
    assert ending.code == 9
    done = visit.shell(f"{line} --yes --accept-fee 449")
    assert (done.code, visit.status(SOON)) == (0, "cancelled")
    assert done.err.endswith(" is cancelled. The surgery charges NOK 449 for cancelling late.\n")


def test_the_plan_shows_both_times_and_a_rehearsal_sends_nothing(visit):
    ending = visit.shell(f"gpcli move {visit.old} {visit.slot} --dry-run")
    title, *rows, _ = ending.err.splitlines()
    assert (ending.code, title) == (0, "Move this visit [sandbox]")
    assert [row[2:].split("  ")[0] for row in rows] == [
        "Visit",
        "Old time",
        "Way before",
        "New time",
        "With",
        "Way",
        "Surgery",
        "For",
        "Reason",
        "Price at the visit",
        "Old one free until",
    ]
    assert ("Thu 11 Mar" in rows[1], "Mon 8 Mar" in rows[3]) == (True, True)
    assert rows[2].split() == ["Way", "before", "video"]
    assert visit.standing() == [visit.old]


def test_a_time_that_overlaps_the_old_visit_alone_needs_no_warning(visit):
    there = visit.world.sandbox.store.get("Appointment", visit.old)
    visit.world.change(f"Slot/{visit.slot}", start=there["start"], end=there["end"])
    line = f"gpcli move {visit.old} {visit.slot} --dry-run --json"
    assert visit.shell(line).stderr_json[0]["plan"]["warnings"] == []


def test_the_time_that_it_has_already_is_a_usage_error(visit):
    slot = visit.shell.json(f"gpcli appointments show {visit.old}")["slot_id"]
    ending = visit.shell(f"gpcli move {visit.old} {slot} --yes --json")
    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == f"{visit.old} is at that time already."


def test_an_enquiry_is_no_time_to_move_to(visit):
    ending = visit.shell(f"gpcli book --enquiry --replace {visit.old} --yes --json")
    assert ending.refused == (2, "usage", "")


def test_the_first_time_is_not_taken_beside_a_third_visit(visit):
    line = f"gpcli move {visit.old} --first --yes --json"
    refused = visit.shell(line)
    assert refused.refused == (7, "already_booked", "")
    assert SOON in refused.error["message"]
    assert visit.standing() == [visit.old]
    visit.world.change(f"Appointment/{SOON}", status="cancelled")
    assert visit.shell(line).code == 0
    assert len(visit.standing()) == 1


@pytest.mark.parametrize(("reason", "kept"), [("", "Knee"), ("--reason Hip", "Hip")])
def test_the_reason_stays_unless_there_is_another(visit, reason, kept):
    assert visit.shell.json(f"{visit.line} {reason}")["reason"] == kept


def test_a_reason_can_be_left_out(visit):
    assert visit.shell.json(f"{visit.line} --reason ''")["reason"] is None


def test_off_a_terminal_the_visit_has_to_be_named(visit):
    assert visit.shell("gpcli move --first --yes --json").refused == (2, "input_needed", "")


def test_at_a_terminal_the_only_visit_is_taken_and_its_new_time_picked(visit):
    visit.world.change(f"Appointment/{SOON}", status="cancelled")
    ending = visit.shell.at_a_screen("1\ny\n")("gpcli move")
    assert (
        ending.code,
        "Which visit?" in ending.err,
        "Which of the first 200 times?" in ending.err,
    ) == (
        0,
        False,
        True,
    )
    assert visit.status() == "cancelled"


def test_at_a_terminal_one_of_several_visits_is_picked(visit):
    ending = visit.shell.at_a_screen("2\n1\ny\n")("gpcli move --from +5d")
    assert (ending.code, "Which visit?" in ending.err) == (0, True)
    assert (visit.status(SOON), visit.status()) == ("booked", "cancelled")


def test_an_open_enquiry_is_withdrawn_once_a_time_is_booked_in_its_place(visit):
    visit.world.sandbox.set_delay(timedelta(days=1))
    bo = visit.world.shell("ada")
    asked = bo.json("gpcli book --enquiry --another --yes")["id"]
    visit.world.sandbox.set_delay(timedelta())
    receipt = bo.json(f"gpcli book {visit.slot} --replace {asked} --yes")
    assert receipt["replaced"] == {"id": asked, "status": "cancelled", "changed": True}
    assert sorted(visit.standing()) == sorted([visit.old, receipt["id"]])


@pytest.mark.parametrize(
    ("service", "words"), [("booking", "booking of times"), ("cancellation", "cancelling")]
)
def test_a_gp_who_lacks_one_of_both_services_is_named_with_it(visit, service, words):
    visit.world.change(f"HealthcareService/{service}-haugland", active=False)
    ending = visit.shell(f"gpcli move {visit.old} {visit.slot} --yes --json")
    assert ending.refused == (5, "not_offered", "")
    assert words in ending.error["message"]
    assert visit.standing() == [visit.old]


def test_a_flu_time_is_moved_to_a_flu_time_alone(visit):
    guro = visit.world.shell("guro")
    booked = guro.json("gpcli flu --first --yes")["id"]
    flu, other = guro.json("gpcli flu --limit 1")["slots"][0]["id"], guro.json("gpcli slots")[0]
    assert guro(f"gpcli move {booked} {other['id']} --yes --json").refused == (2, "usage", "")
    planned = guro(f"gpcli move {booked} {flu} --dry-run").err
    assert "  Service             flu-vaccination\n" in planned
    receipt = guro.json(f"gpcli move {booked} {flu} --yes")
    assert (receipt["service"], receipt["replaced"]["status"]) == ("flu-vaccination", "cancelled")


def test_a_visit_is_not_moved_to_a_flu_time(visit):
    flu = visit.shell.json("gpcli flu --limit 1")["slots"][0]["id"]
    ending = visit.shell(f"gpcli move {visit.old} {flu} --yes --json")
    assert ending.refused == (2, "usage", "")
    assert visit.standing() == [visit.old]


def test_one_request_id_for_two_visits_never_takes_both(visit):
    second = visit.shell.json("gpcli book --first --another --yes --from +12d")["id"]
    first = visit.shell.json(visit.line)["id"]
    ending = visit.shell(f"gpcli move {second} --first --from +6d --another --yes --request-id m1")
    assert ending.code == 0
    assert first in visit.standing()
    assert len(visit.standing()) == 2


def test_the_same_request_while_the_first_waits_at_its_question_makes_one_visit(moved):
    asked = moved.line.replace(" --yes", "")
    meanwhile = Meanwhile(lambda: moved.shell.json(moved.line))
    ending = moved.shell.at_a_screen(meanwhile)(asked)
    assert len(moved.standing()) == 1
    assert moved.status() == "cancelled"
    assert ending.code in {0, 7}


@pytest.mark.real
@pytest.mark.parametrize("way", WAYS)
def test_two_runs_of_one_request_at_once_leave_one_visit(tmp_path, way):
    with Sandbox(clock=datetime.now(UTC), booking=way) as sandbox:
        env = configured(sandbox, tmp_path, way)
        shell = Shell(env, lambda: datetime.now(UTC))
        old = shell.json("gpcli book --first --another --yes --from +10d")["id"]
        slot = shell.json("gpcli slots --limit 1 --from +5d")[0]["id"]
        line = ("move", old, slot, "--yes", "--request-id", "m1", "--json")

        endings = [wait_for_end(each) for each in [start_gpcli(*line, env=env) for _ in range(2)]]

        made = World(sandbox, tmp_path).appointments("ada")
        standing = [one["id"] for one in made if one["status"] != "cancelled"]
        assert {json.loads(each.out)["id"] for each in endings} == set(standing)
        assert ([each.code for each in endings], len(standing)) == ([0, 0], 1)


class Killed(PlainTransport):
    """A way to the portal on which gpcli is ended before the old visit is cancelled."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            raise KeyboardInterrupt
        return super().handle_request(request)


def test_a_run_that_is_ended_between_both_is_listed_and_its_line_finishes_it(visit):
    line = visit.line.removesuffix(" --request-id m1")
    ending = replace(visit.shell, transport=Killed())(line)

    assert (ending.code, len(visit.standing())) == (130, 2)
    [listed] = visit.shell.json("gpcli outbox list")
    assert (listed["command"], listed["state"]) == ("move", "unknown")
    assert f"under the request id {listed['request_id']}" in ending.err
    assert visit.shell([*shlex.split(listed["repeat"])]).code == 0
    assert visit.status() == "cancelled"
    assert len(visit.standing()) == 1


def test_both_ways_to_move_are_one_request(visit):
    visit.shell(f"gpcli book {visit.slot} --replace {visit.old} --yes --request-id m1")
    again = visit.shell(f"gpcli move {visit.old} {visit.slot} --yes --request-id m1 --json")

    assert (again.code, again.json["changed"], again.json["slot_id"]) == (0, False, visit.slot)


def test_words_of_the_surgery_are_not_sent_as_the_patients_reason(visit):
    there = visit.world.sandbox.store.get("Appointment", SOON)
    planned = visit.shell.json(f"gpcli move {SOON} {visit.slot} --dry-run")

    assert (there["comment"], planned["reason"]) == ("Booked by phone.", None)
