"""gpcli among other programs: help, pipes, races for one time, terminals."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections import Counter

import pexpect
import pytest

from tests.journeys.process import PYTHON, as_person, gpcli, shell, start_gpcli, wait_for_end

pytestmark = pytest.mark.real

STARTING = {"econsult", "contact", "rx", "slots", "book", "move", "cancel", "flu"}


def listed(env):
    """The commands in the root help, and its last line."""
    text = gpcli("--help", env=env).out
    return set(re.findall(r"^  ([a-z]+) ", text, re.MULTILINE)), text.splitlines()[-1]


LAST = "gpcli help commands   All of these. More: gpcli help options, gpcli help TOPIC"


@pytest.mark.parametrize(
    ("person", "shown", "last"),
    [
        ("ada", STARTING, LAST),
        ("bo", {"contact", "book", "cancel"}, "5 not offered by your GP: gpcli services"),
        ("cecilie", set(), "8 not offered by your GP: gpcli services"),
        ("david", STARTING, LAST),
    ],
)
def test_help_lists_what_the_gp_offers_once_that_is_known(live, tmp_path, person, shown, last):
    env = as_person(live, tmp_path, person)
    before, _ = listed(env)
    gpcli("services", env=env)
    after, ending = listed(env)
    assert before >= STARTING
    assert (after & STARTING, ending) == (shown, last)
    assert before - after == STARTING - shown


def test_what_is_hidden_shows_when_all_is_asked_for_and_has_its_own_help(live, tmp_path):
    env = as_person(live, tmp_path, "bo")
    gpcli("services", env=env)
    everything, _ = listed({**env, "GPCLI_SHOW_ALL": "1"})
    page = gpcli("flu", "--help", env=env)
    assert everything >= STARTING
    assert page.code == 0
    assert page.out.startswith(
        "Dr. Tor Espeland, Fjordgløtt legekontor does not offer flu vaccination online. "
        "Call the surgery instead: +47 00 12 34 21.\n\n"
    )


def test_eight_at_one_time_make_one_booking(live, tmp_path):
    env = as_person(live, tmp_path, "hans")
    [slot] = json.loads(gpcli("slots", "--limit", "1", "--json", env=env).out)
    racing = [start_gpcli("book", slot["id"], "--yes", "--json", env=env) for _ in range(8)]
    endings = [wait_for_end(process) for process in racing]
    assert Counter(ending.code for ending in endings) == {0: 1, 7: 7}
    losers = [ending.error["code"] for ending in endings if ending.code]
    assert losers == ["slot_taken"] * 7
    made = live.store.find("Appointment", slot=f"Slot/{slot['id']}")
    assert [one["status"] for one in made] == ["booked"]


def test_three_with_one_request_id_make_one_booking_and_all_end_well(live, tmp_path):
    env = as_person(live, tmp_path, "hans")
    [slot] = json.loads(gpcli("slots", "--limit", "1", "--json", env=env).out)
    line = ("book", slot["id"], "--yes", "--json", "--request-id", "same")
    endings = [wait_for_end(process) for process in [start_gpcli(*line, env=env) for _ in range(3)]]
    assert {ending.code for ending in endings} == {0}
    assert len({json.loads(ending.out)["id"] for ending in endings}) == 1
    assert len(live.store.find("Appointment", slot=f"Slot/{slot['id']}")) == 1


def test_a_reader_that_stops_after_one_line_is_no_reason_to_complain(live, tmp_path):
    env = as_person(live, tmp_path, "hans")
    ending = shell(f"{PYTHON} slots --to +40d | head -1; exit ${{PIPESTATUS[0]}}", env)
    assert ending.code in {0, 141}
    assert (ending.err, ending.out.count("\n")) == ("", 1)
    assert len(ending.rows[0]) == 13


def test_what_is_piped_has_no_header_no_colour_and_no_cut_even_in_a_narrow_window(live, tmp_path):
    env = as_person(live, tmp_path, "hans", COLUMNS="20", TERM="xterm-256color")
    ending = gpcli("slots", "--limit", "3", env=env)
    assert [len(row) for row in ending.rows] == [13, 13, 13]
    assert {row[7] for row in ending.rows} == {"Torgkvartalet legesenter"}
    assert "\x1b" not in ending.out + ending.err


def typing(argv, env):
    """A person at a terminal of their own."""
    return pexpect.spawn(
        sys.executable,
        ["-m", "gpcli", *argv],
        env={**env, "TERM": "xterm"},
        cwd=env["HOME"],
        encoding="utf-8",
        timeout=20,
        dimensions=(40, 120),
    )


def code_of(person):
    person.expect(pexpect.EOF)
    person.close()
    return person.exitstatus


def made_for(live, patient):
    found = live.store.find("Appointment", patient=f"Patient/{patient}")
    return [one for one in found if one.get("identifier")]


def test_a_person_picks_a_time_and_agrees(live, tmp_path):
    person = typing(["book"], as_person(live, tmp_path, "hans"))
    person.expect(r"Number \(1-\d+\), words to filter, Enter for more, q to quit: ")
    person.sendline("2")
    person.expect(r"Book this time\? \[y/N\] ")
    person.sendline("y")
    person.expect("Booked: ")
    assert (code_of(person), len(made_for(live, "hans"))) == (0, 1)


@pytest.mark.parametrize(("answer", "code"), [("n\r", 9), ("\x04", 9), ("\x03", 130)])
def test_no_end_of_input_and_ctrl_c_send_nothing(live, tmp_path, answer, code):
    person = typing(["book", "--first", "--another"], as_person(live, tmp_path, "ada"))
    person.expect(r"Book this time\? \[y/N\] ")
    person.send(answer)
    assert (code_of(person), made_for(live, "ada")) == (code, [])


def test_the_word_that_withdraws_consent_is_typed(live, tmp_path):
    person = typing(["consent", "withdraw"], as_person(live, tmp_path, "ada"))
    person.expect("Type 'withdraw' to go on: ")
    person.sendline("withdraw")
    assert code_of(person) == 0
    assert [one["status"] for one in live.store.find("Consent", patient="Patient/ada")] == [
        "inactive"
    ]


def test_on_a_terminal_with_no_input_nobody_is_asked(live, tmp_path):
    person = typing(["book", "--no-input"], as_person(live, tmp_path, "hans"))
    person.expect(r"gpcli:.* Which time\?")
    assert code_of(person) == 2


def test_a_terminal_gets_a_table_with_colour_and_no_color_takes_it_away(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    assert "\x1b[" in typing(["services"], env).read()
    assert "\x1b[" not in typing(["services"], {**env, "NO_COLOR": "1"}).read()


def test_sigterm_at_a_question_ends_gpcli_and_sends_nothing(live, tmp_path):
    person = typing(["book", "--first", "--another"], as_person(live, tmp_path, "ada"))
    person.expect(r"Book this time\? \[y/N\] ")
    person.kill(signal.SIGTERM)
    assert (code_of(person), made_for(live, "ada")) == (143, [])
