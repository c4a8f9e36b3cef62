"""Coming appointments as a calendar."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import icalendar
import pytest

SOON = "a-2xwr5jqm"
"""Ada's booking of tomorrow."""


def read(ending):
    assert ending.code == 0, ending
    return icalendar.Calendar.from_ical(ending.out)


def events(ending):
    return read(ending).walk("VEVENT")


def stands(ending):
    """Per event: when it begins, and its status."""
    return [(one.decoded("DTSTART").isoformat(), one["STATUS"]) for one in events(ending)]


def timed(shell, flags=""):
    return [one for one in shell.json(f"gpcli appointments list{flags}") if one["start"]]


def test_what_is_to_come_is_exported_and_nothing_else(shell_of):
    ada = shell_of("ada")

    exported = stands(ada("gpcli appointments export"))

    assert [start for start, _ in exported] == [one["start"] for one in timed(ada)]
    assert len(exported) >= 1


def test_all_exports_the_past_as_well(shell_of):
    ada = shell_of("ada")

    exported = stands(ada("gpcli appointments export --all"))

    assert [start for start, _ in exported] == [one["start"] for one in timed(ada, " --all")]
    assert len(exported) > len(timed(ada))


def test_titles_say_nothing_unless_details_are_asked_for(shell_of):
    ada = shell_of("ada")
    names = {one["practitioner"] for one in timed(ada)}

    neutral, detailed = (events(ada(f"gpcli appointments export{f}")) for f in ("", " --details"))

    assert {str(one["SUMMARY"]) for one in neutral} == {"Appointment"}
    assert not any("LOCATION" in one for one in neutral)
    assert {str(one["SUMMARY"]) for one in detailed} == {f"Appointment with {n}" for n in names}


def test_details_tell_the_street_of_where_one_goes_and_no_place_for_a_call(world):
    ada = world.shell("ada")
    street = ada.json("gpcli gp")[0]["addresses"][0]
    visits = placed(events(ada("gpcli appointments export --details --all")))
    coding = [{"system": "urn:gpcli:channel", "code": "phone"}]
    world.change(f"Appointment/{SOON}", appointmentType={"coding": coding})

    left = placed(events(ada("gpcli appointments export --details --all")))

    assert [str(one["LOCATION"])[-len(street) :] for one in visits] == [street] * len(visits)
    assert len(left) == len(visits) - 1


def placed(found):
    return [one for one in found if "LOCATION" in one]


def test_a_cancelled_booking_stays_as_cancelled_under_its_uid_with_a_higher_sequence(world):
    ada = world.shell("ada")
    made = ada.json("gpcli book --first --another --yes")["id"]
    before = {one["UID"]: one["SEQUENCE"] for one in events(ada("gpcli appointments export"))}

    ada.json(f"gpcli cancel {made} --yes")

    [gone] = [
        one for one in events(ada("gpcli appointments export")) if one["STATUS"] == "CANCELLED"
    ]
    assert gone["SEQUENCE"] > before[gone["UID"]]


def test_a_booking_that_waits_for_the_surgery_is_tentative(world):
    world.sandbox.set_delay(timedelta(hours=2))
    ada = world.shell("ada")
    start = ada.json("gpcli book --first --another --yes")["start"]

    assert dict(stands(ada("gpcli appointments export")))[start] == "TENTATIVE"


def test_an_enquiry_without_a_time_is_left_out_and_counted(world):
    world.sandbox.set_delay(timedelta(hours=2))
    bo = world.shell("bo")
    before = stands(bo("gpcli appointments export"))
    waiting = len(bo.json("gpcli appointments list")) - len(timed(bo))
    bo.json("gpcli book --enquiry --another --yes")

    ending = bo("gpcli appointments export")

    assert stands(ending) == before
    assert f"{waiting + 1} without a time yet left out." in ending.err.splitlines()


def test_an_export_with_nothing_in_it_is_a_calendar_and_says_so(shell_of):
    ending = shell_of("eva")("gpcli appointments export")

    assert [part.name for part in read(ending).subcomponents] == ["VTIMEZONE"]
    assert "There are none." in ending.err.splitlines()


def test_exporting_twice_gives_the_same_events(shell_of):
    ada = shell_of("ada")
    first, again = (ada("gpcli appointments export") for _ in range(2))

    assert first.out == again.out


@pytest.mark.parametrize("way", ["--json", "--ndjson", "--plain", "--fields id", "--fields ''"])
def test_a_calendar_comes_in_no_other_format(shell_of, way):
    ending = shell_of("ada")(f"gpcli appointments export {way}")

    assert (ending.code, ending.out) == (2, "")
    assert "The answer is a calendar (text/calendar)" in ending.err


def test_a_gp_s_name_leaves_that_gp_s_appointments(world):
    finn = world.shell("finn")
    ids = {one["id"]: one["start"] for one in timed(finn, " --gp Bakke")}

    exported = stands(finn("gpcli appointments export --gp Bakke"))

    assert [start for start, _ in exported] == list(ids.values())


@pytest.mark.parametrize("name", ["\x1b[2J\r\nATTACH:file:///etc/passwd", "x\nEND:VCALENDAR\n"])
def test_a_hostile_name_adds_nothing_to_the_calendar(world, name):
    there = world.sandbox.store.get("Appointment", SOON)
    hostile = [{**one, "actor": {**one["actor"], "display": name}} for one in there["participant"]]
    world.change(f"Appointment/{SOON}", participant=hostile)
    ada = world.shell("ada")

    ending = ada("gpcli appointments export --details")

    assert len(events(ending)) == len(timed(ada))
    assert "\x1b" not in ending.out
    assert not [line for line in ending.out.splitlines() if line.startswith("ATTACH")]


def test_hundreds_of_appointments_are_all_there(shell_of):
    hans = shell_of("hans")

    assert len(events(hans("gpcli appointments export --all"))) == len(timed(hans, " --all"))


def test_a_real_process_writes_crlf_and_utf_8_whatever_the_locale(world, tmp_path):
    """The test's own streams are text; a program's have bytes below."""
    shell = world.shell("ada")
    env = {**shell.env, "PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONPATH": str(Path.cwd())}
    there = world.sandbox.store.get("Appointment", SOON)
    named = [
        {**one, "actor": {**one["actor"], "display": "Dr. Åse"}} for one in there["participant"]
    ]
    world.change(f"Appointment/{SOON}", participant=named)

    done = subprocess.run(
        [sys.executable, "-m", "gpcli", "appointments", "export", "--details", "--all"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout.count(b"\n")) == (0, done.stdout.count(b"\r\n"))
    assert "SUMMARY:Appointment with Dr. Åse".encode() in done.stdout
