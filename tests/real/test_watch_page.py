"""docs/watch.md and the files that have a watch run: read by what will read them, and run."""

from __future__ import annotations

import json
import os
import plistlib
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from gpcli.changes.sinks import ExecSink
from gpcli.render.views.event_views import encode_event
from tests.changes.events import AS_JSON, BLANK, CHANGE, an_event, find_leaks
from tests.real.building import ROOT

PAGE = (ROOT / "docs" / "watch.md").read_text(encoding="utf-8")
FILES = ROOT / "examples" / "watch"
UNIT = (FILES / "gpcli-watch.service").read_text(encoding="utf-8")
PLIST = plistlib.loads((FILES / "gpcli-watch.plist").read_bytes())
CRON = (FILES / "crontab").read_text(encoding="utf-8")
TASK = ET.parse(FILES / "gpcli-watch.xml").getroot()  # noqa: S314  (our own file)
NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
FINAL = {2, 3, 4, 5, 7}
"""Exit codes of what waiting does not mend."""


@pytest.fixture
def program(tmp_path):
    """A program in the place of gpcli, which notes its arguments and ends as it is told."""
    place = tmp_path / ".local" / "bin" / "gpcli"
    place.parent.mkdir(parents=True)
    place.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/argv\nexit ${{CODE:-0}}\n')
    place.chmod(0o755)
    return place


def option_lines() -> list[str]:
    """The lines of the page that begin a watch."""
    shell = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return re.findall(r"gpcli watch[^#\n]*", "\n".join(shell))


def test_the_page_shows_every_way_and_links_every_file():
    shown = " ".join(option_lines())
    ways = ("--exec", "--desktop", "--ntfy", "--webhook", "--once", "gpcli watch status")
    assert [way for way in ways if way not in shown] == []
    linked = set(re.findall(r"\(\.\./examples/watch/([\w.-]+)\)", PAGE))
    assert linked == {path.name for path in FILES.iterdir() if path.is_file()}


def test_the_json_of_the_page_is_what_a_program_gets():
    [shown] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(shown) == AS_JSON == json.loads(encode_event(BLANK))


def test_the_program_of_the_page_notes_what_is_new(tmp_path):
    noted = tmp_path / "news"
    words = [sys.executable, str(FILES / "note_it.py"), str(noted)]
    for event, details in ((BLANK, False), (an_event(CHANGE), True)):
        ExecSink(words, {**os.environ}, encode_event, has_details=details).tell(event)
    blank, whole = noted.read_text(encoding="utf-8").splitlines()
    assert blank == "Something new at your GP's."
    assert find_leaks(whole) == {"Røde øyne", "confirmed"}
    assert os.access(FILES / "note_it.py", os.X_OK)


# --- systemd


def verify(unit: str, tmp_path: Path) -> str:
    """What systemd finds wrong with a unit."""
    place = tmp_path / "gpcli-watch.service"
    place.write_text(unit)
    runtime = tmp_path / "run"
    runtime.mkdir(exist_ok=True)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", "--recursive-errors=no", str(place)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stderr


def settings(unit: str) -> dict[str, str]:
    lines = (line for line in unit.splitlines() if re.match(r"\w+=", line))
    return dict(line.split("=", 1) for line in lines)


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path, program):
    assert verify(UNIT, tmp_path) == ""
    assert "RestartSecs" in verify(UNIT.replace("RestartSec=", "RestartSecs="), tmp_path)


def test_systemd_starts_it_again_only_where_that_helps():
    found = settings(UNIT)
    assert found["Restart"] == "on-failure"
    assert {int(code) for code in found["RestartPreventExitStatus"].split()} == FINAL
    assert (found["SuccessExitStatus"], found["Type"]) == ("143", "simple")
    assert int(found["RestartSec"]) >= 30
    assert shlex.split(found["ExecStart"])[:2] == ["%h/.local/bin/gpcli", "watch"]


# --- launchd


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 7, 70, 143])
def test_launchd_sees_a_failure_only_where_starting_again_helps(tmp_path, program, code):
    words = [
        str(program) if word.endswith("/gpcli") else word for word in PLIST["ProgramArguments"]
    ]
    done = subprocess.run(words, env={"CODE": str(code)}, check=False)
    assert done.returncode == (0 if code in FINAL else code)
    assert (tmp_path / "argv").read_text() == "watch --every 5m --desktop\n"


def test_launchd_gets_what_it_knows():
    assert PLIST["KeepAlive"] == {"SuccessfulExit": False}
    assert (PLIST["Label"], PLIST["Umask"], PLIST["RunAtLoad"]) == ("gpcli-watch", 0o077, True)
    assert PLIST["ThrottleInterval"] >= 30


# --- Windows


def find(path: str) -> str:
    found = TASK.find("/".join(f"{NAMESPACE}{name}" for name in path.split("/")))
    assert found is not None, path
    return str(found.text)


def test_the_task_is_one_and_runs_as_who_made_it():
    """Source: [MS-TSCH], 2.5: the order of the parts, and of those of a trigger."""
    assert (TASK.tag, TASK.get("version")) == (f"{NAMESPACE}Task", "1.2")
    parts = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    assert [part.tag.removeprefix(NAMESPACE) for part in TASK] == parts
    trigger = TASK.find(f"{NAMESPACE}Triggers/{NAMESPACE}TimeTrigger")
    names = [part.tag.removeprefix(NAMESPACE) for part in trigger]
    assert names == ["Repetition", "StartBoundary", "Enabled"]
    assert find("Principals/Principal/RunLevel") == "LeastPrivilege"
    assert find("Principals/Principal/LogonType") == "InteractiveToken"
    assert find("Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert re.fullmatch(r"PT\d+M", find("Triggers/TimeTrigger/Repetition/Interval"))
    assert find("Actions/Exec/Arguments") == "watch --once --ntfy TOPIC"
    [context] = {TASK.find(f"{NAMESPACE}Actions").get("Context")}
    assert context == TASK.find(f"{NAMESPACE}Principals/{NAMESPACE}Principal").get("id")


def test_the_task_can_be_read_whatever_the_encoding():
    assert (FILES / "gpcli-watch.xml").read_bytes().isascii()


# --- cron


def test_the_line_of_cron_is_run_by_its_shell(tmp_path, program):
    [line] = [each for each in CRON.splitlines() if re.match(r"[*\d]", each)]
    *when, command = line.split(" ", 5)
    assert when == ["*/5", "*", "*", "*", "*"]
    assert "%" not in command  # which ends the command in a crontab
    subprocess.run(["/bin/sh", "-c", command], env={"HOME": str(tmp_path)}, check=True)
    assert (tmp_path / "argv").read_text() == "watch --once\n"
