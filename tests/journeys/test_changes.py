"""What is new at the surgery: told once, in whatever way it came about."""

from __future__ import annotations

import errno
import io
import json
import os
import sqlite3
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gpcli.errors import Exit
from gpcli.render.json_schema import find_schema
from tests.journeys.shell import Shell, at_once
from tests.journeys.world import MONDAY, World

LATER = ("2027-03-04T10:00:00+01:00", "2027-03-04T10:20:00+01:00")
FIRST = "From now on gpcli changes shows what is new.\n"


@pytest.fixture
def bo(world: World) -> Shell:
    """Bo, whose surgery takes a day to answer, and who has asked for changes before."""
    world.sandbox.set_delay(timedelta(days=1))
    shell = world.shell("bo")
    first = shell("gpcli changes")
    assert (first.code, first.out, first.err) == (0, "", FIRST)
    return shell


class FullDisk(io.StringIO):
    """Takes nothing."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def told(shell: Shell, options: str = "") -> list[tuple[str, str, str]]:
    """Kind, word and id of each change that is told."""
    return [(each["kind"], each["change"], each["id"]) for each in changes(shell, options)]


def changes(shell: Shell, options: str = "") -> list[dict[str, Any]]:
    found = shell.json(f"gpcli changes {options}".rstrip())
    jsonschema.Draft202012Validator(find_schema("changes")).validate(found)
    return list(found)


def ask_for_a_time(shell: Shell) -> str:
    return str(shell.json("gpcli book --enquiry --yes --another")["id"])


def answer(world: World, reference: str, **options: Any) -> None:
    world.sandbox.answer(reference, **options)


def test_what_one_sends_is_no_news_and_the_answer_to_it_is(world, bo):
    asked = ask_for_a_time(bo)
    assert told(bo) == []
    answer(world, asked)
    [change] = changes(bo)
    assert (change["kind"], change["change"], change["id"]) == ("appointment", "confirmed", asked)
    assert change["before"] == {"status": "proposed", "start": None, "end": None}
    assert (change["after"]["status"], change["again"]) == ("booked", False)
    assert change["after"]["start"] == bo.json(f"gpcli appointments show {asked}")["start"]
    assert told(bo) == []


def test_an_enquiry_that_is_declined_is_told_with_the_surgerys_words(world, bo):
    asked = ask_for_a_time(bo)
    answer(world, asked, decline=True, text="We are full.")
    [change] = changes(bo)
    assert (change["change"], change["after"]["status"]) == ("declined", "cancelled")
    assert "We are full." in change["answer"]


def booked_by(world: World, patient: str) -> dict[str, Any]:
    found = world.sandbox.store.find("Appointment", patient=f"Patient/{patient}")
    return next(each for each in found if each["status"] == "booked")


@pytest.mark.parametrize(
    ("elements", "word"),
    [
        ({"start": "2027-03-04T10:00:00+01:00", "end": "2027-03-04T10:20:00+01:00"}, "moved"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "noshow"}, "changed"),
        ({"patientInstruction": "Please come on an empty stomach."}, "answered"),
        ({"status": "arrived"}, None),
        ({"minutesDuration": 21}, None),
        ({"priority": 3}, None),
    ],
)
def test_what_the_surgery_does_to_a_visit_is_told_once(world, elements, word):
    ada = world.shell("ada")
    ada("gpcli changes")
    visit = booked_by(world, "ada")["id"]
    world.change(f"Appointment/{visit}", **elements)
    expected = [] if word is None else [("appointment", word, visit)]
    assert told(ada, "--peek") == expected
    assert told(ada) == expected
    assert told(ada) == []


def test_a_visit_that_was_moved_has_the_time_that_it_had_where_the_portal_keeps_it(world):
    ada = world.shell("ada")
    ada("gpcli changes")
    visit = booked_by(world, "ada")
    was = ada.json(f"gpcli appointments show {visit['id']}")
    world.change(f"Appointment/{visit['id']}", start=LATER[0], end=LATER[1])
    [change] = changes(ada)
    assert change["before"] == {"status": "booked", "start": was["start"], "end": was["end"]}
    assert (change["after"]["start"], change["after"]["end"]) == LATER


def test_where_the_portal_keeps_no_versions_the_time_that_was_is_not_known(world):
    ada = world.shell("ada")
    world.sandbox.add_fault("GET Appointment/*: 404")
    ada("gpcli changes")
    world.change(f"Appointment/{booked_by(world, 'ada')['id']}", start=LATER[0], end=LATER[1])
    [change] = changes(ada)
    world.sandbox.clear_faults()
    assert change["before"] == {"status": "booked", "start": None, "end": None}


def test_a_visit_that_is_made_by_phone_is_new(world):
    ada = world.shell("ada")
    ada("gpcli changes")
    visit = booked_by(world, "ada")
    world.sandbox.store.put({**visit, "id": "by-phone"})
    [change] = changes(ada)
    assert (change["change"], change["id"], change["before"]) == ("new", "by-phone", None)


def test_a_change_that_is_undone_before_it_is_told_is_not_told(world):
    ada = world.shell("ada")
    ada("gpcli changes")
    visit = booked_by(world, "ada")
    world.change(f"Appointment/{visit['id']}", status="cancelled")
    world.change(f"Appointment/{visit['id']}", status="booked")
    assert told(ada) == []


def test_a_message_a_granted_and_a_refused_renewal_are_told(world):
    world.sandbox.set_delay(timedelta(days=1))
    ada = world.shell("ada")
    ada("gpcli changes")
    thread = ada.json("gpcli contact --subject Ramp --message Where? --yes")["id"]
    asked = [each for each in ada.json("gpcli rx renew --low --yes") if each["changed"]]
    granted, refused = asked[0]["id"], asked[1]["id"]
    assert told(ada) == []
    answer(world, thread)
    answer(world, granted)
    answer(world, refused, decline=True)
    [message, *renewals] = sorted(changes(ada), key=lambda each: str(each["kind"]))
    assert (message["kind"], message["change"], message["title"]) == ("message", "new", "Ramp")
    assert message["thread_id"] == thread
    words = {each["id"]: each["change"] for each in renewals}
    assert words == {granted: "granted", refused: "refused"}


def test_a_visit_that_vanishes_is_told_and_one_that_is_past_is_not(world):
    ada = world.shell("ada")
    ada("gpcli changes")
    visits = [each["id"] for each in ada.json("gpcli appointments list")]
    gone = visits[-1]
    world.sandbox.store.delete("Appointment", gone)
    assert told(ada) == [("appointment", "gone", gone)]
    world.sandbox.advance(timedelta(days=60))
    later = world.shell("ada")
    assert [each for each in told(later) if each[0] == "appointment"] == []
    assert told(later) == []


def test_with_exit_code_nothing_new_is_3_and_something_is_0(world, bo):
    assert bo("gpcli changes --exit-code").code == Exit.NOT_FOUND
    answer(world, ask_for_a_time(bo))
    assert bo("gpcli changes --exit-code --peek").code == Exit.OK
    assert bo("gpcli changes --exit-code").code == Exit.OK
    assert bo("gpcli changes --exit-code --json").out == "[]\n"


def test_what_could_not_be_written_is_told_again(world, bo):
    answer(world, ask_for_a_time(bo))
    assert replace(bo, stdout=FullDisk())("gpcli changes").code == Exit.FAILURE
    assert len(told(bo)) == 1


def test_two_people_of_one_computer_are_told_each_their_own(world):
    world.sandbox.set_delay(timedelta(days=1))
    bo, ada = world.shell("bo"), world.shell("ada")
    bo("gpcli changes")
    ada("gpcli changes")
    answer(world, ask_for_a_time(bo))
    assert told(ada) == []
    assert len(told(bo)) == 1


def state_file(home: Path) -> Path:
    [path] = (home / "state" / "changes").glob("*.sqlite3")
    return path


def test_on_disk_is_nothing_that_can_be_read(world, bo):
    asked = bo.json("gpcli book --enquiry --yes --reason Haemorrhoids")["id"]
    answer(world, asked, text="Bring a sample of urine.")
    bo("gpcli changes")
    path = state_file(world.home)
    content = b"".join(each.read_bytes() for each in path.parent.iterdir())
    visit = bo.json(f"gpcli appointments show {asked}")
    for secret in ("Haemorrhoids", "urine", "Bo ", visit["start"], visit["practitioner"]):
        assert secret.encode() not in content
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("broken", [b"", b"SQLite format 3\0", b"{}" * 999])
def test_a_broken_state_is_set_aside_and_said(world, bo, broken):
    path = state_file(world.home)
    whole = path.read_bytes()
    path.write_bytes(broken or whole[: len(whole) // 3])
    ending = bo("gpcli changes")
    assert (ending.code, ending.out) == (0, "")
    assert "was set aside: what is new since it was written is not known" in ending.err
    assert ending.err.endswith(FIRST)
    answer(world, ask_for_a_time(bo))
    assert len(told(bo)) == 1


def test_the_state_of_a_later_gpcli_is_left_alone(world, bo):
    path = state_file(world.home)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    ending = bo("gpcli changes --json")
    assert (ending.code, ending.error["code"]) == (Exit.USAGE, "config")
    assert "a later gpcli" in ending.error["message"]
    assert "user_version" not in json.dumps(ending.error)


def test_somebody_elses_state_is_refused(world, bo, monkeypatch):
    path = state_file(world.home)
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)
    ending = bo("gpcli changes --json")
    assert (ending.code, ending.error["code"]) == (Exit.USAGE, "config")
    assert "symbolic link" in ending.error["message"]


def test_what_the_portal_does_not_show_is_said_and_the_rest_told(world):
    ending = world.shell("david")("gpcli changes --json")
    assert ending.refused == (Exit.NOT_ALLOWED, "consent_needed", "")


def test_a_portal_that_fails_for_one_kind_costs_that_kind(world, bo):
    asked = ask_for_a_time(bo)
    answer(world, asked)
    world.sandbox.add_fault("GET Task: wrong-status=500")
    ending = replace(bo, sleep=at_once)("gpcli changes --json")
    assert (ending.code, [each["id"] for each in ending.json]) == (Exit.PARTIAL, [asked])


@pytest.mark.real
def test_of_ten_thousand_records_the_one_that_changed_is_told(world):
    ada = world.shell("ada")
    visit = booked_by(world, "ada")
    for number in range(10_000):
        start = MONDAY.astimezone(UTC) + timedelta(days=1, minutes=20 * number)
        end = start + timedelta(minutes=20)
        times = {"start": start.isoformat(), "end": end.isoformat()}
        world.sandbox.store.put({**visit, "id": f"v-{number}", **times})
    ada("gpcli changes")
    world.change("Appointment/v-7000", status="cancelled")
    assert told(ada) == [("appointment", "cancelled", "v-7000")]
    assert told(ada) == []


def test_signing_out_forgets_what_was_told(ada, live, tmp_path):
    ada("gpcli changes")
    assert state_file(tmp_path).exists()
    assert ada("gpcli logout").code == Exit.OK
    assert [*(tmp_path / "state" / "changes").glob("*.sqlite3*")] == []


def test_withdrawing_consent_forgets_what_was_told(world):
    ada = world.shell("ada")
    ada("gpcli changes")
    assert ada("gpcli consent withdraw --confirm withdraw").code == Exit.OK
    assert [*(world.home / "state" / "changes").glob("*.sqlite3*")] == []


@pytest.mark.usefixtures("in_oslo")
def test_the_day_begins_with_what_is_new_until_it_was_asked_for(world):
    ada = world.shell("ada")
    first = ada.json("gpcli today")
    visit = booked_by(world, "ada")["id"]
    world.change(f"Appointment/{visit}", status="cancelled")
    screen = replace(ada.at_a_screen(), stdout=None)
    lines = [line.strip() for line in screen("gpcli today").out.splitlines()]
    assert lines[0].startswith("New ")
    assert "Visit cancelled" in lines[0]
    assert lines[1] == "gpcli changes"
    for _ in range(2):
        assert [each["id"] for each in ada.json("gpcli today")["changes"]] == [visit]
    assert told(ada) == [("appointment", "cancelled", visit)]
    assert (first["changes"], ada.json("gpcli today")["changes"]) == ([], [])


def test_where_what_was_told_can_not_be_read_the_day_says_so_and_shows_the_rest(world, bo):
    path = state_file(world.home)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    ending = bo("gpcli today --json")
    assert (ending.code, ending.json["changes"]) == (Exit.OK, None)
    [warning] = [each["warning"]["message"] for each in ending.stderr_json if "warning" in each]
    assert warning.startswith("What is new is not known: ")
