"""`gpcli watch`: each change is told once, whatever befalls it; free times are told, or booked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gpcli.errors import Exit
from gpcli.render.json_schema import find_schema
from tests.journeys.shell import CommandResult, Shell, at_once
from tests.journeys.waits import SleepClock
from tests.journeys.world import World

Event = dict[str, Any]
AN_HOUR = 3600.0


@pytest.fixture
def slow(world: World) -> Iterator[World]:
    """A portal whose surgery takes a day, unless a test has it answer."""
    world.sandbox.set_delay(timedelta(days=1))
    yield world
    world.sandbox.clear_faults()


def stop() -> None:
    """What Ctrl-C does."""
    raise KeyboardInterrupt


def watch(
    shell: Shell,
    options: str = "--details",
    events: dict[float, Callable[[], object]] | None = None,
    stops: float = 1000.0,
) -> CommandResult:
    """The watch, with what happens after so many seconds, ended by Ctrl-C."""
    clock = SleepClock({**(events or {}), stops: stop})
    ending = clock.shell(shell)(f"gpcli watch --ndjson --every 5m {options}")
    for event in told(ending):
        jsonschema.Draft202012Validator(find_schema("watch")).validate(event)
    return ending


def told(ending: CommandResult) -> list[Event]:
    return [json.loads(line) for line in ending.out.splitlines()]


def changes_of(ending: CommandResult) -> list[tuple[str, str, bool]]:
    """Word, id and whether it may have been told before, of each change."""
    found = [change for event in told(ending) for change in event["changes"] or ()]
    return [(each["change"], each["id"], each["again"]) for each in found]


def ask_for_a_time(shell: Shell) -> str:
    return str(shell.json("gpcli book --enquiry --yes --another")["id"])


HOOK = """
import json, sys
with open(sys.argv[1], "a") as kept:
    kept.write(sys.stdin.read())
"""


@pytest.fixture
def hook(tmp_path: Path) -> tuple[str, Path]:
    """A program that keeps what it is given, and where."""
    program, kept = tmp_path / "hook.py", tmp_path / "kept"
    program.write_text(HOOK)
    return f"{sys.executable} {program} {kept}", kept


def test_the_surgerys_answer_reaches_a_program_within_the_time_between_two_questions(slow, hook):
    command, kept = hook
    ada = slow.shell("ada")
    asked: list[str] = []
    clock = SleepClock(
        {
            90: lambda: asked.append(ask_for_a_time(ada)),
            600: slow.sandbox.answer,
            600 + 1.1 * 60 + 15: stop,
        }
    )
    ending = clock.shell(ada)(
        ["gpcli", "watch", "--every", "1m", "--exec", command, "--details", "--plain"]
    )
    assert ending.code == Exit.INTERRUPTED
    [event] = [json.loads(line) for line in kept.read_text().splitlines()]
    [change] = event["changes"]
    assert (event["event"], change["change"], change["id"]) == ("changes", "confirmed", asked[0])


def test_without_details_a_program_is_told_that_something_is_new_and_no_more(slow, hook):
    command, kept = hook
    ada = slow.shell("ada")
    ada("gpcli watch --once")
    asked = ask_for_a_time(ada)
    slow.sandbox.answer()
    ada(["gpcli", "watch", "--once", "--exec", command])
    [event] = [json.loads(line) for line in kept.read_text().splitlines()]
    assert event["message"] == "Something new at your GP's."
    assert [event[key] for key in ("patient", "changes", "times", "appointment")] == [None] * 4
    assert asked not in kept.read_text()


def test_a_watch_goes_on_where_it_was_and_tells_nothing_twice(slow):
    ada = slow.shell("ada")
    assert changes_of(watch(ada)) == []
    first = ask_for_a_time(ada)
    slow.sandbox.answer()
    assert changes_of(watch(ada)) == [("confirmed", first, False)]
    assert changes_of(watch(ada)) == []


def test_several_watches_are_told_each_once(slow):
    ada = slow.shell("ada")
    watch(ada)
    watch(ada, "--details --name other")
    asked = ask_for_a_time(ada)
    slow.sandbox.answer()
    assert changes_of(watch(ada)) == [("confirmed", asked, False)]
    assert changes_of(watch(ada, "--details --name other")) == [("confirmed", asked, False)]
    assert [each["id"] for each in ada.json("gpcli changes")] == [asked]


def test_a_second_watch_of_the_same_name_is_refused(slow):
    ada = slow.shell("ada")
    second: list[CommandResult] = []
    watch(ada, events={100: lambda: second.append(ada("gpcli watch --once --json"))})
    assert second[0].refused == (Exit.REJECTED, "conflict", "")
    assert "runs for this person" in second[0].error["message"]


def test_what_is_undone_between_two_questions_is_not_told(slow):
    ada = slow.shell("ada")
    visit = ada.json("gpcli next")["id"]

    def cancel_and_restore() -> None:
        slow.change(f"Appointment/{visit}", status="cancelled")
        slow.change(f"Appointment/{visit}", status="booked")

    assert changes_of(watch(ada, events={100: cancel_and_restore})) == []


def test_a_watch_outlives_a_portal_that_is_away_and_says_so_once(slow):
    ada = slow.shell("ada")

    def come_back() -> None:
        slow.sandbox.clear_faults()
        slow.sandbox.answer()

    asked: list[str] = []
    events = {
        100.0: lambda: asked.append(ask_for_a_time(ada)),
        200.0: lambda: slow.sandbox.add_fault("* *: 503"),
        1000.0: come_back,
    }
    ending = watch(ada, events=events, stops=AN_HOUR)
    assert changes_of(ending) == [("confirmed", asked[0], False)]
    said = [each["notice"]["message"] for each in ending.stderr_json if "notice" in each]
    assert sum(each.endswith("It is asked again.") for each in said) == 1


def test_the_end_of_the_sign_in_is_told_once_and_is_exit_4(slow):
    ada = slow.shell("ada")
    ended = watch(ada, events={100: lambda: slow.sandbox.add_fault("* *: revoked-session")})
    assert (ended.code, ended.error["code"]) == (Exit.SIGN_IN, "expired")
    assert [each["event"] for each in told(ended)] == ["signed_out"]
    slow.sandbox.clear_faults()
    again = watch(ada)
    assert (again.code, told(again)) == (Exit.SIGN_IN, [])
    assert [each["state"] for each in ada.json("gpcli watch status")] == ["signed_out"]
    assert told(watch(slow.shell("ada"))) == []
    assert [each["state"] for each in slow.shell("ada").json("gpcli watch status")] == ["stopped"]


def test_the_status_tells_whether_it_runs_and_when_the_portal_answered(slow):
    ada = slow.shell("ada")
    seen: list[Any] = []
    watch(ada, events={100: lambda: seen.append(ada.json("gpcli watch status --exit-code"))})
    [status] = seen[0]
    assert (status["name"], status["state"], status["every"]) == ("default", "running", 300.0)
    assert status["last_success"] is not None
    after = ada("gpcli watch status --exit-code --json")
    assert (after.code, after.json[0]["state"]) == (Exit.NOT_FOUND, "stopped")


def states_of(shell: Shell, options: str = "") -> list[tuple[str, str]]:
    return [(each["name"], each["state"]) for each in shell.json(f"gpcli watch status {options}")]


def test_the_status_of_one_watch_is_about_that_one_alone(slow):
    ada = slow.shell("ada")
    ada("gpcli watch --once --name other")
    seen: list[Any] = []

    def look() -> None:
        seen.append(states_of(ada))
        codes = [
            ada(f"gpcli watch status --exit-code --name {name} --json").code
            for name in ("default", "other", "unknown")
        ]
        seen.extend([states_of(ada, "--name other"), states_of(ada, "--name unknown"), codes])

    watch(ada, events={100: look})
    everything = [("default", "running"), ("other", "stopped")]
    assert seen[:3] == [everything, [("other", "stopped")], []]
    assert seen[3] == [Exit.OK, Exit.NOT_FOUND, Exit.NOT_FOUND]


def later(shell: Shell, passed: timedelta) -> Shell:
    """The same shell, whose clock is ahead by so much."""
    return shell.at(lambda: shell.now() + passed)


def test_what_was_alive_last_is_first_and_what_is_long_over_is_left_out(slow):
    ada = slow.shell("ada")
    ada("gpcli watch --once --name a")
    later(ada, timedelta(days=1))("gpcli watch --once --name b")
    assert states_of(later(ada, timedelta(days=2))) == [("b", "stopped"), ("a", "stopped")]
    assert states_of(later(ada, timedelta(days=30, hours=1))) == [("b", "stopped")]


@pytest.mark.parametrize(
    ("every", "passed", "state"),
    [
        ("5m", timedelta(minutes=29), "running"),
        ("5m", timedelta(minutes=31), "stale"),
        ("1h", timedelta(minutes=179), "running"),
        ("1h", timedelta(minutes=181), "stale"),
    ],
)
def test_a_watch_that_gives_no_sign_of_life_does_not_count_as_running(slow, every, passed, state):
    ada = slow.shell("ada")
    seen: list[CommandResult] = []

    def look() -> None:
        seen.append(later(ada, passed)("gpcli watch status --exit-code --json"))

    SleepClock({100: look, 200: stop}).shell(ada)(f"gpcli watch --every {every} --plain")
    code = Exit.OK if state == "running" else Exit.NOT_FOUND
    assert [(each.code, each.json[0]["state"]) for each in seen] == [(code, state)]


def test_at_the_start_it_is_said_how_long_the_sign_in_lasts(ada, live):
    clock = SleepClock({100: stop})
    ending = clock.shell(ada)("gpcli watch --plain")
    assert "The sign-in lets it run until " in ending.err


FREE = "--from +1d --to +4d --between morning"


def take_all(world: World, ada: Shell, options: str = FREE) -> list[str]:
    """Have all these times be taken; return their ids."""
    found = [each["id"] for each in ada.json(f"gpcli slots {options}")]
    for slot in found:
        world.change(f"Slot/{slot}", status="busy")
    return found


def times_of(ending: CommandResult) -> list[str]:
    return [slot["id"] for event in told(ending) for slot in event["times"] or ()]


def test_a_free_time_that_fits_is_told_once_and_again_after_it_vanished(slow):
    ada = slow.shell("ada")
    first, second, *_ = take_all(slow, ada)

    def free(slot: str) -> Callable[[], object]:
        return lambda: slow.change(f"Slot/{slot}", status="free")

    def take(slot: str) -> Callable[[], object]:
        return lambda: slow.change(f"Slot/{slot}", status="busy")

    events = {100.0: free(first), 700.0: free(second), 1400.0: take(first), 2100.0: free(first)}
    assert times_of(watch(ada, f"--details {FREE}", events, 3000)) == [first, second, first]
    assert times_of(watch(ada, f"--details {FREE}")) == []


def test_times_are_strictly_earlier_than_the_visit(slow):
    ada = slow.shell("ada")
    first, second, third, *_ = ada.json("gpcli slots --from +7d")
    visit = ada.json(f"gpcli book {third['id']} --yes --another")["id"]
    slow.sandbox.answer()
    ending = watch(ada, f"--details --from +7d --earlier-than {visit}")
    assert times_of(ending) == [first["id"], second["id"]]


@pytest.mark.parametrize(
    ("elements", "code", "word"),
    [
        ({"status": "cancelled"}, Exit.REJECTED, "conflict"),
        ({"start": "2027-03-01T08:00:00+01:00"}, Exit.REJECTED, "too_late"),
        (None, Exit.NOT_FOUND, "not_found"),
    ],
)
def test_a_wish_that_can_not_be_met_any_more_ends_the_watch_and_is_told_once(
    slow, elements, code, word
):
    ada = slow.shell("ada")
    visit = ada.json("gpcli next")["id"]

    def spoil() -> None:
        if elements is None:
            slow.sandbox.store.delete("Appointment", visit)
        else:
            slow.change(f"Appointment/{visit}", **elements)

    ending = watch(ada, f"--details --earlier-than {visit} --between 23-24", {100: spoil})
    assert (ending.code, ending.error["code"]) == (code, word)
    assert [each["event"] for each in told(ending)].count("ended") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--replace next", "Add --auto-book"),
        ("--accept-fee 300", "Add --auto-book"),
        ("--auto-book --accept-fee much", "is not an amount"),
        ("--between noon", "--between"),
        ("--name 'a b'", "is no name for a watch"),
        ("--every 1ms", "is too often"),
        ("statuz", "means nothing to gpcli watch"),
        ("status --every 5m", "takes --name and --exit-code alone"),
        ("status --once", "takes --name and --exit-code alone"),
        ("status --weekday mon", "takes --name and --exit-code alone"),
        ("status --name 'a b'", "is no name for a watch"),
        ("--exit-code", "is for gpcli watch status"),
        ("--every 5m --once", "exclude each other"),
        ("--earlier-than nobody", "nobody"),
    ],
)
def test_a_wrong_line_is_refused_before_it_begins(slow, options, said):
    ending = slow.shell("ada")(f"gpcli watch {options} --json")
    assert (ending.code in {Exit.USAGE, Exit.NOT_FOUND}, ending.out) == (True, "")
    assert said in f"{ending.error['message']} {ending.error['hint']}"


@pytest.mark.parametrize(
    "options",
    [
        "--json --fields nothing",
        "--plain --fields nothing",
        "--plain --details --times --fields kind",
    ],
)
def test_fields_that_are_none_are_refused_before_the_portal_is_asked_what_is_new(slow, options):
    ending = slow.shell("ada")(f"gpcli watch --once {options}")
    assert (ending.code, ending.out) == (Exit.USAGE, "")
    assert "From now on" not in ending.err


def test_the_fields_of_a_watch_are_named(slow):
    named = slow.shell("ada")("gpcli watch --json --fields ''")
    assert (named.code, "message" in named.out) == (Exit.OK, True)


def test_where_the_gp_gives_no_times_a_wish_is_refused(slow):
    ending = watch(slow.shell("bo"), "--times")
    assert (ending.code, ending.error["code"]) == (Exit.NOT_ALLOWED, "not_offered")


class EarlierVisit:
    """Ada's visit in a week, and one earlier morning time that is yet to become free."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ada = world.shell("ada")
        world.sandbox.set_delay(timedelta())
        for each in self.ada.json("gpcli appointments list"):
            if each["status"] == "booked":
                world.change(f"Appointment/{each['id']}", status="cancelled")
        self.old = self.ada.json("gpcli book --first --from +8d --yes")["id"]
        mornings = "--from +1d --to +7d --between morning --via in-person"
        self.slots = take_all(world, self.ada, mornings)
        self.wish = (
            f"--details --from +1d --between morning --via in-person --earlier-than {self.old} "
            f"--auto-book --replace {self.old}"
        )

    def free(self) -> None:
        """Have the first time become free."""
        self.world.change(f"Slot/{self.slots[0]}", status="free")

    def visits(self) -> dict[str, str]:
        """The status of each visit that stands or was given up here, by its slot."""
        found = self.world.sandbox.store.find("Appointment", patient="Patient/ada")
        made = [each for each in found if each.get("identifier")]
        return {each["slot"][0]["reference"].removeprefix("Slot/"): each["status"] for each in made}


def test_an_earlier_time_is_booked_and_the_old_visit_given_up(slow):
    earlier = EarlierVisit(slow)
    ending = watch(earlier.ada, f"{earlier.wish} --accept-fee 500", {300: earlier.free})
    assert ending.code == Exit.OK
    booked = next(each for each in told(ending) if each["event"] == "booked")
    assert booked["appointment"]["slot_id"] == earlier.slots[0]
    assert sorted(earlier.visits().values()) == ["booked", "cancelled"]
    assert earlier.visits()[earlier.slots[0]] == "booked"
    again = watch(earlier.ada, f"{earlier.wish} --accept-fee 500")
    assert (again.code, told(again)) == (Exit.OK, [])
    assert sorted(earlier.visits().values()) == ["booked", "cancelled"]


LOST = (
    "POST Appointment: lost-reply once",
    "POST Appointment: lost-request once",
    "PUT Appointment/*: lost-reply once",
    "PUT Appointment/*: lost-request once",
    "GET Appointment*: lost-reply once",
    "POST Appointment: 503 once",
    "PUT Appointment/*: 503 once",
    "* *: lost-reply x3",
    "POST Appointment: late-commit=30s once",
)


@pytest.mark.parametrize("fault", LOST)
def test_with_a_lost_reply_at_each_step_one_visit_stands_and_it_is_told(slow, fault):
    earlier = EarlierVisit(slow)

    def free() -> None:
        earlier.free()
        slow.sandbox.add_fault(fault)

    def later() -> None:
        slow.sandbox.advance(timedelta(minutes=1))

    ending = watch(
        earlier.ada, f"{earlier.wish} --accept-fee 500", {300: free, 1000: later}, stops=4 * AN_HOUR
    )
    assert ending.code == Exit.OK
    assert sorted(earlier.visits().values()) == ["booked", "cancelled"]
    assert earlier.visits()[earlier.slots[0]] == "booked"
    assert [each["event"] for each in told(ending)].count("booked") == 1
    assert all(rule.used for rule in slow.sandbox.faults)


def test_a_time_that_costs_more_than_was_agreed_to_is_told_and_not_booked(slow):
    earlier = EarlierVisit(slow)
    make_late(slow, earlier.old)
    ending = watch(earlier.ada, earlier.wish, {300: earlier.free})
    assert ending.code == Exit.INTERRUPTED
    assert times_of(ending) == [earlier.slots[0]]
    assert list(earlier.visits().values()) == ["booked"]
    warned = [each["warning"] for each in ending.stderr_json if "warning" in each]
    assert any("that was not accepted" in each["message"] for each in warned)


def test_a_time_that_somebody_else_takes_first_is_let_go(slow):
    earlier = EarlierVisit(slow)
    slow.sandbox.add_fault("POST Appointment: slot-taken once")
    ending = watch(
        earlier.ada,
        f"{earlier.wish} --accept-fee 500",
        {
            300: earlier.free,
            1500: lambda: slow.change(f"Slot/{earlier.slots[1]}", status="free"),
        },
        AN_HOUR,
    )
    assert ending.code == Exit.OK
    assert earlier.visits()[earlier.slots[1]] == "booked"


def test_without_replace_nothing_is_booked_beside_a_coming_visit(slow):
    ada = slow.shell("ada")
    ending = watch(ada, "--times --auto-book")
    assert (ending.code, ending.error["code"]) == (Exit.REJECTED, "already_booked")
    assert slow.appointments("ada") == []


def test_a_watch_that_was_killed_while_it_booked_finishes_it(slow):
    earlier = EarlierVisit(slow)
    earlier.free()
    slow.sandbox.add_fault("PUT Appointment/*: lost-request")
    killed = watch(earlier.ada, f"{earlier.wish} --accept-fee 500", stops=400)
    assert killed.code == Exit.INTERRUPTED
    assert sorted(earlier.visits().values()) == ["booked", "booked"]
    slow.sandbox.clear_faults()
    ending = watch(replace(earlier.ada), f"{earlier.wish} --accept-fee 500")
    assert ending.code == Exit.OK
    assert sorted(earlier.visits().values()) == ["booked", "cancelled"]


def test_a_wish_that_is_changed_while_its_booking_waits_books_no_second_time(slow):
    earlier = EarlierVisit(slow)
    slow.sandbox.set_delay(timedelta(days=1))
    earlier.free()
    waiting = watch(earlier.ada, earlier.wish, stops=400)
    assert [each["event"] for each in told(waiting)] == ["requested"]
    slow.change(f"Slot/{earlier.slots[1]}", status="free")
    changed = earlier.wish.replace("--between morning", "--between 7-13")
    assert told(watch(earlier.ada, f"{changed} --accept-fee 400", stops=400)) == []
    slow.sandbox.answer()
    ending = watch(earlier.ada, f"{changed} --accept-fee 400")
    assert ending.code == Exit.OK
    assert earlier.visits() == {
        earlier.slots[0]: "booked",
        **{slot: status for slot, status in earlier.visits().items() if status == "cancelled"},
    }


def test_times_that_were_told_before_are_booked_once_that_is_asked_for(slow):
    earlier = EarlierVisit(slow)
    earlier.free()
    filters = f"--details --between morning --via in-person --earlier-than {earlier.old}"
    assert times_of(watch(earlier.ada, filters, stops=400)) == [earlier.slots[0]]
    assert watch(earlier.ada, earlier.wish).code == Exit.OK
    assert earlier.visits()[earlier.slots[0]] == "booked"


def make_late(world: World, appointment: str) -> None:
    """Have the time for cancelling a visit free of charge be over."""
    visit = world.sandbox.store.get("Appointment", appointment)
    assert visit is not None
    flag = {**visit["contained"][0], "period": {"end": "2027-03-01T08:00:00+01:00"}}
    world.change(f"Appointment/{appointment}", contained=[flag])


def test_what_is_too_dear_is_told_and_warned_of_once_for_all_times(slow):
    earlier = EarlierVisit(slow)
    make_late(slow, earlier.old)
    for slot in earlier.slots[:5]:
        slow.change(f"Slot/{slot}", status="free")
    ending = watch(earlier.ada, earlier.wish)
    [event] = told(ending)
    assert (event["event"], event["count"]) == ("times", 5)
    assert len([each for each in ending.stderr_json if "warning" in each]) == 1
    dearer = watch(earlier.ada, f"{earlier.wish} --accept-fee 1000")
    assert dearer.code == Exit.OK
    [booked] = [each for each in told(dearer) if each["event"] == "booked"]
    assert booked["replaced"]["id"] == earlier.old
    assert booked["fee"]


def failing_first(home: Path) -> str:
    """A program that fails when it is run for the first time; the others keep what they get."""
    program = home / "fails-first"
    lines = ('test -e "$0.tried" || { touch "$0.tried"; exit 3; }', 'cat >> "$0.kept"')
    program.write_text("\n".join(("#!/bin/sh", *lines, "")))
    program.chmod(0o700)
    return str(program)


def kept_by(program: str) -> list[Event]:
    path = Path(f"{program}.kept")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_booking_is_told_though_the_way_failed_at_first(slow, tmp_path):
    earlier = EarlierVisit(slow)
    earlier.free()
    program = failing_first(tmp_path)
    clock = SleepClock({AN_HOUR: stop})
    words = f"gpcli watch --every 5m {earlier.wish} --exec {program} --plain"
    assert clock.shell(earlier.ada)(words).code == Exit.OK
    assert [each["event"] for each in kept_by(program)] == ["booked"]


def test_the_end_of_the_sign_in_is_told_though_the_way_failed_at_first(slow, tmp_path):
    ada = slow.shell("ada")
    ada("gpcli watch --once")
    slow.sandbox.add_fault("* *: revoked-session")
    program = failing_first(tmp_path)
    for _ in range(3):
        ending = ada(f"gpcli watch --exec {program}")
        assert ending.code == Exit.SIGN_IN
    assert [each["event"] for each in kept_by(program)] == ["signed_out"]


def test_an_answer_that_somebody_waited_for_is_told_by_a_watch_all_the_same(slow):
    ada = slow.shell("ada")
    watch(ada, stops=400)
    clock = SleepClock({100: slow.sandbox.answer})
    asked = clock.shell(ada).json("gpcli book --enquiry --yes --another --wait 1h")["id"]
    assert changes_of(watch(ada, stops=400)) == [("confirmed", asked, False)]
    assert ada.json("gpcli changes") == []


def test_two_watches_do_not_move_the_same_visit(slow):
    earlier = EarlierVisit(slow)
    slow.sandbox.set_delay(timedelta(days=1))
    for slot in earlier.slots[:2]:
        slow.change(f"Slot/{slot}", status="free")
    watch(earlier.ada, earlier.wish, stops=400)
    second = watch(earlier.ada, f"{earlier.wish} --name second")
    assert (second.code, second.error["code"]) == (Exit.REJECTED, "conflict")
    assert "The watch 'default' has asked for another time" in second.error["message"]
    assert sorted(earlier.visits().values()) == ["booked", "pending"]


def test_who_cancels_what_was_booked_for_the_wish_ends_it(slow):
    ada = slow.shell("ada")
    wish = "--details --auto-book --another --from +2d"
    waiting = watch(ada, wish, stops=400)
    [asked] = [each for each in told(waiting) if each["event"] == "requested"]
    assert ada(f"gpcli cancel {asked['appointment']['id']} --yes").code == Exit.OK
    ending = watch(ada, wish)
    assert (ending.code, ending.error["code"]) == (Exit.REJECTED, "conflict")
    assert "You have cancelled" in ending.error["message"]
    assert [each["status"] for each in slow.appointments("ada")] == ["cancelled"]


def test_one_that_the_surgery_declines_is_let_go_for_another(slow):
    ada = slow.shell("ada")
    wish = "--details --auto-book --another --from +2d"
    [first] = told(watch(ada, wish, stops=400))
    slow.sandbox.answer(first["appointment"]["id"], decline=True)
    ending = watch(ada, wish, stops=400)
    assert [each["event"] for each in told(ending)].count("requested") == 1
    assert sorted(each["status"] for each in slow.appointments("ada")) == ["cancelled", "pending"]


def test_once_ends_with_why_the_portal_does_not_answer(slow):
    ada = replace(slow.shell("ada"), sleep=at_once)
    ada("gpcli watch --once")
    slow.sandbox.add_fault("* *: 503")
    ending = ada("gpcli watch --once --json")
    assert (ending.code, ending.error["code"]) == (Exit.UNAVAILABLE, "portal_error")


def test_once_is_silent_where_nothing_is_new_and_partial_where_nobody_could_be_told(slow, tmp_path):
    ada = slow.shell("ada")
    program = failing_first(tmp_path)
    assert ada(f"gpcli watch --once --exec {program}") == CommandResult(0, "", "")
    ask_for_a_time(ada)
    slow.sandbox.answer()
    assert ada(f"gpcli watch --once --exec {program} --json").code == Exit.PARTIAL
    assert ada(f"gpcli watch --once --exec {program}").code == Exit.OK
    assert len(kept_by(program)) == 1


@pytest.mark.parametrize(
    "options",
    [
        "--auto-book --replace next --another",
        "--earlier-than next --auto-book",
    ],
)
def test_what_is_to_become_of_the_old_visit_has_to_be_said(slow, options):
    ending = slow.shell("ada")(f"gpcli watch {options} --json")
    assert ending.refused == (Exit.USAGE, "usage", "")


def test_what_a_watch_has_told_is_there_for_changes_as_well(slow):
    ada = slow.shell("ada")
    watch(ada, stops=400)
    asked = ask_for_a_time(ada)
    slow.sandbox.answer()
    watch(ada, stops=400)
    assert [each["id"] for each in ada.json("gpcli changes")] == [asked]
