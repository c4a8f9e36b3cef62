"""`--wait`: it ends with the surgery's answer, whatever befalls the way to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gpcli.errors import Exit
from tests.journeys.shell import CommandResult, Shell
from tests.journeys.waits import SleepClock
from tests.journeys.world import World

A_MINUTE = 60


@pytest.fixture
def slow(world: World) -> World:
    """A portal whose surgery takes a day, unless a test has it answer."""
    world.sandbox.set_delay(timedelta(days=1))
    yield world
    world.sandbox.clear_faults()


def answer_all(world: World, **options: Any) -> Any:
    return lambda: world.sandbox.answer(None, **options)


BOOK = "gpcli book --enquiry --yes --another --wait 8h --json"
CONSULT = (
    "gpcli econsult start --via text --subject Rash --message 'It itches.' --yes --another "
    "--accept-fee any --wait 8h --json"
)
CALL = (
    "gpcli econsult start --via phone --subject Rash --yes --another --accept-fee any --wait 8h "
    "--json"
)
RENEW = "gpcli rx renew Naproxen --yes --accept-fee any --wait 8h --json"


def status_of(ending: CommandResult) -> list[str]:
    answers = ending.json if isinstance(ending.json, list) else [ending.json]
    return [each["status"] for each in answers]


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        (BOOK, "proposed", "booked"),
        (CALL, "proposed", "booked"),
        (RENEW, "requested", "completed"),
    ],
)
def test_waiting_ends_with_the_answer_within_the_time_between_two_questions(
    slow, line, before, after
):
    clock = SleepClock({3600: answer_all(slow)})
    ending = clock.shell(slow.shell("ada"))(line)
    assert (ending.code, status_of(ending)) == (Exit.OK, [after])
    assert 3600 <= clock.passed <= 3600 + 1.1 * A_MINUTE
    assert max(clock.naps) <= 15


def test_waiting_for_a_written_consultation_ends_with_a_reply(slow):
    clock = SleepClock({600: answer_all(slow)})
    ending = clock.shell(slow.shell("ada"))(CONSULT)
    assert (ending.code, ending.json["message_count"]) == (Exit.OK, 2)
    assert clock.passed <= 600 + 1.1 * A_MINUTE
    said = [each["notice"]["message"] for each in ending.stderr_json if "notice" in each]
    assert any("has answered" in each for each in said)


@pytest.mark.parametrize("line", [BOOK, CALL, RENEW])
def test_a_refusal_is_exit_7_and_the_receipt_is_there(slow, line):
    clock = SleepClock({600: answer_all(slow, decline=True)})
    ending = clock.shell(slow.shell("ada"))(line)
    assert (ending.code, ending.error["code"]) == (Exit.REJECTED, "rejected")
    assert status_of(ending) in (["cancelled"], ["rejected"])


@pytest.mark.parametrize("line", [BOOK, CALL, RENEW, CONSULT])
def test_when_the_time_is_up_it_is_sent_and_that_is_said(slow, line):
    clock = SleepClock()
    ending = clock.shell(slow.shell("ada"))(line.replace("8h", "10m"))
    assert (ending.code, ending.error["code"]) == (Exit.PARTIAL, "partial")
    assert clock.passed == pytest.approx(600)
    answers = ending.json if isinstance(ending.json, list) else [ending.json]
    assert [each["changed"] for each in answers] == [True]


def test_what_waiting_has_told_is_no_news_for_changes(slow):
    ada = slow.shell("ada")
    ada("gpcli changes")
    SleepClock({600: answer_all(slow)}).shell(ada)(BOOK)
    assert ada.json("gpcli changes") == []


TROUBLES = {
    "a portal that is being restarted": "* *: 503",
    "a lost network": "* *: lost-request",
    "a captive portal's page": "* *: html",
    "a gateway that knows no such place": "* *: 404",
    "too many requests": "* *: 429 retry-after=120",
    "an answer that is cut off": "* *: bad-json",
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_waiting_outlives(slow, trouble):
    def begin() -> None:
        slow.sandbox.add_fault(TROUBLES[trouble])

    def end() -> None:
        slow.sandbox.clear_faults()
        slow.sandbox.answer()

    clock = SleepClock({600: begin, 1800: end})
    ending = clock.shell(slow.shell("ada"))(BOOK)
    assert (ending.code, status_of(ending)) == (Exit.OK, ["booked"])
    said = [each["notice"]["message"] for each in ending.stderr_json if "notice" in each]
    assert sum(each.endswith("It is asked again.") for each in said) == 1
    assert said.count("The portal answers again.") == 1


def test_a_session_that_was_ended_ends_the_waiting_and_the_receipt_is_there(slow):
    clock = SleepClock({600: lambda: slow.sandbox.add_fault("* *: revoked-session")})
    ending = clock.shell(slow.shell("ada"))(BOOK)
    assert (ending.code, ending.error["code"]) == (Exit.SIGN_IN, "expired")
    assert status_of(ending) == ["proposed"]


def test_ctrl_c_ends_the_waiting_and_the_receipt_is_there(slow):
    def interrupt() -> None:
        raise KeyboardInterrupt

    ending = SleepClock({600: interrupt}).shell(slow.shell("ada"))(BOOK)
    assert (ending.code, status_of(ending)) == (Exit.INTERRUPTED, ["proposed"])


def test_a_clock_that_is_set_changes_nothing_of_the_waiting(slow):
    clock = SleepClock(
        {600: lambda: slow.sandbox.advance(timedelta(hours=2)), 1200: answer_all(slow)}
    )
    ending = clock.shell(slow.shell("ada"))(BOOK.replace("8h", "1h"))
    assert (ending.code, status_of(ending)) == (Exit.OK, ["booked"])


def test_after_the_computer_slept_the_portal_is_asked_within_a_nap(slow):
    clock = SleepClock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.naps) == 3:  # the lid was closed for an hour
            clock.passed += 3600
            slow.sandbox.answer()

    ada = replace(slow.shell("ada"), sleep=sleep, elapsed=clock.read)
    ending = ada(BOOK)
    assert (ending.code, status_of(ending)) == (Exit.OK, ["booked"])
    assert len(clock.naps) == 3


def test_a_shown_visit_waits_for_any_change_of_it(slow):
    ada = slow.shell("ada")
    visit = ada.json("gpcli next")["id"]
    time = {"start": "2027-03-04T10:00:00+01:00", "end": "2027-03-04T10:20:00+01:00"}
    clock = SleepClock({300: lambda: slow.change(f"Appointment/{visit}", **time)})
    shown = clock.shell(ada).json(f"gpcli appointments show {visit} --wait 1h")
    assert shown["start"] == time["start"]
    assert clock.passed <= 300 + 1.1 * A_MINUTE


def free_times_on(world: World, ada: Shell, options: str) -> list[str]:
    return [each["id"] for each in ada.json(f"gpcli slots {options}")]


def test_free_times_are_waited_for_until_one_fits(slow):
    ada = slow.shell("ada")
    options = "--from +1d --to +2d --between 8-9"
    taken = free_times_on(slow, ada, options)
    for slot in taken:
        slow.change(f"Slot/{slot}", status="busy")
    clock = SleepClock({300: lambda: slow.change(f"Slot/{taken[0]}", status="free")})
    found = clock.shell(ada).json(f"gpcli slots {options} --wait 2h")
    assert [each["id"] for each in found] == [taken[0]]
    assert clock.passed <= 300 + 1.1 * A_MINUTE


def test_changes_are_waited_for(slow):
    ada = slow.shell("ada")
    ada("gpcli changes")
    asked = ada.json("gpcli book --enquiry --yes --another")["id"]
    found = SleepClock({300: answer_all(slow)}).shell(ada).json("gpcli changes --wait 2h")
    assert [each["id"] for each in found] == [asked]


def test_each_question_is_one_round_trip(slow):
    ada = slow.shell("ada")
    ada("gpcli changes")
    ending = SleepClock().shell(ada)("gpcli changes --wait 10m --debug")
    requests = [line for line in ending.err.splitlines() if " 200 " in line]
    assert {tuple(line.split()[:2]) for line in requests} == {("POST", "/")}
    assert 9 <= len(requests) <= 13


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--wait 0", "--wait needs a time"),
        ("--wait soon", "--wait 'soon' is not a length of time"),
        ("--wait 400d", "--wait needs a time"),
        ("--every 2m", "give --wait TIME as well"),
        ("--wait 1h --every 10ms", "--every 10ms is too often"),
    ],
)
@pytest.mark.parametrize("line", ["changes", "slots", "book --first --yes", "rx renew --low --yes"])
def test_a_wrong_time_is_refused_before_anything_is_sent(slow, line, options, said):
    ending = slow.shell("ada")(f"gpcli {line} {options} --json")
    assert ending.refused == (Exit.USAGE, "usage", "")
    assert said in f"{ending.error['message']} {ending.error['hint']}"


def test_the_surgerys_words_are_told_with_its_refusal(slow):
    clock = SleepClock({600: answer_all(slow, decline=True, text="Please call us.")})
    ending = clock.shell(slow.shell("ada"))(BOOK.replace("--json", "--plain"))
    assert ending.code == Exit.REJECTED
    assert "Declined by the surgery: Please call us." in ending.err


def test_free_times_that_do_not_come_are_exit_3_and_a_visit_that_stays_is_exit_8(slow):
    ada = slow.shell("ada")
    visit = ada.json("gpcli next")["id"]
    slots = SleepClock().shell(ada)("gpcli slots --between 3-4 --wait 10m --json")
    assert (slots.code, slots.error["code"], slots.out) == (Exit.NOT_FOUND, "no_slot", "[]\n")
    shown = SleepClock().shell(ada)(f"gpcli appointments show {visit} --wait 10m --json")
    assert (shown.code, shown.json["id"]) == (Exit.PARTIAL, visit)


def test_what_is_over_is_not_waited_for(slow):
    ada = slow.shell("ada")
    visit = ada.json("gpcli next")["id"]
    slow.change(f"Appointment/{visit}", status="cancelled")
    clock = SleepClock()
    ending = clock.shell(ada)(f"gpcli appointments show {visit} --wait 8h")
    assert (ending.code, clock.passed) == (Exit.OK, 0.0)
    assert "It is over: there is nothing to wait for." in ending.err


@pytest.mark.parametrize("line", ["changes", "slots --between 3-4", "appointments show next"])
def test_whoever_waits_is_told_until_when(slow, line):
    ada = slow.shell("ada")
    ada("gpcli changes")
    ending = SleepClock().shell(ada)(f"gpcli {line} --wait 10m")
    assert ending.err.count("Waiting until today, Mon 1 Mar 09:10") == 1
