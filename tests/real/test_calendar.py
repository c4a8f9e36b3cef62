"""The export, read by a calendar program that people use: khal, found on PATH."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell, shell_for
from tests.journeys.world import MONDAY

CONFIG = """[calendars]
[[gp]]
path = {place}/events
[locale]
local_timezone = Europe/Oslo
default_timezone = Europe/Oslo
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[default]
default_calendar = gp
[sqlite]
path = {place}/khal.db
"""
SHOWN = "{start-long-full}|{end-time}|{title}|{location}|{status}"


class Khal:
    """A calendar program with one empty calendar."""

    def __init__(self, place: Path) -> None:
        (place / "events").mkdir()
        self._place = place
        self._config = place / "khal.conf"
        self._config.write_text(CONFIG.format(place=place), encoding="utf-8")

    def read(self, calendar: str) -> None:
        """Import an exported calendar."""
        file = self._place / "gp.ics"
        file.write_bytes(calendar.encode())
        self._run("import", "--batch", str(file))

    @property
    def events(self) -> list[list[str]]:
        """What it shows of 2027: begin, end, title, place and status of each event."""
        shown = self._run("list", "--format", SHOWN, "--day-format", "", "2027-01-01", "2027-12-31")
        lines = [line for line in shown.splitlines() if "|" in line]
        return [[cell.strip() for cell in line.split("|")] for line in lines]

    def _run(self, *words: str) -> str:
        env = {"HOME": str(self._place), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            ["khal", "-c", str(self._config), *words],
            env=env,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert (done.returncode, "warning" in done.stderr) == (0, False), done
        return done.stdout


@pytest.fixture
def khal(tmp_path: Path) -> Khal:
    place = tmp_path / "khal"
    place.mkdir()
    return Khal(place)


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[Shell]:
    with Sandbox(clock=MONDAY, seed=1) as sandbox:
        yield shell_for(sandbox, tmp_path, "ada", lambda: MONDAY)


def listed(ada: Shell) -> list[list[str]]:
    """What gpcli shows of the coming times: begin, end and status."""
    status = {"booked": "CONFIRMED", "cancelled": "CANCELLED"}
    coming = [one for one in ada.json("gpcli appointments list") if one["start"]]
    return [
        [one["start"][:16].replace("T", " "), one["end"][11:16], status[one["status"]]]
        for one in coming
    ]


def times(khal: Khal) -> list[list[str]]:
    return [[begin, end, status] for begin, end, _, _, status in khal.events]


def export(ada: Shell, flags: str = "") -> str:
    ending = ada(f"gpcli appointments export{flags}")
    assert ending.code == 0, ending
    return ending.out


def test_the_calendar_shows_each_booking_at_its_time_with_a_neutral_title(ada, khal):
    khal.read(export(ada))

    assert times(khal) == listed(ada)
    assert {(title, place) for _, _, title, place, _ in khal.events} == {("Appointment", "")}


def test_details_reach_the_calendar_when_asked_for(ada, khal):
    names = {one["practitioner"] for one in ada.json("gpcli appointments list") if one["start"]}

    khal.read(export(ada, " --details"))

    assert {title for _, _, title, _, _ in khal.events} == {
        f"Appointment with {name}" for name in names
    }


def test_reading_it_again_doubles_nothing(ada, khal):
    for _ in range(2):
        khal.read(export(ada))

    assert times(khal) == listed(ada)


def test_a_cancelled_booking_is_cancelled_in_the_calendar_too(ada, khal):
    made = ada.json("gpcli book --first --another --yes")
    khal.read(export(ada))
    before = times(khal)

    ada.json(f"gpcli cancel {made['id']} --yes")
    khal.read(export(ada))

    begin = made["start"][:16].replace("T", " ")
    after = [[*one[:2], "CANCELLED"] if one[0] == begin else one for one in before]
    assert times(khal) == after == listed(ada)


@pytest.mark.parametrize("day", ["2027-03-28", "2027-10-31"])
def test_times_after_the_clock_was_turned_are_shown_as_the_surgery_has_them(khal, tmp_path, day):
    """A surgery that is open on the Sunday itself."""
    with Sandbox(clock=MONDAY, seed=1) as sandbox:
        ada = shell_for(sandbox, tmp_path, "ada", lambda: MONDAY)
        [booked, *_] = sandbox.store.find("Appointment", patient="Patient/ada", status="booked")
        offset = "+02:00" if day < "2027-10" else "+01:00"
        times_of = {"start": f"{day}T08:20:00{offset}", "end": f"{day}T08:40:00{offset}"}
        sandbox.store.put({**booked, **times_of})

        khal.read(export(ada))

        assert [f"{day} 08:20", "08:40", "CONFIRMED"] in times(khal)
