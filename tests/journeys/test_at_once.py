"""Twelve gpcli at once: each change of a file is kept, and nobody waits for one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass

import pytest

from gpcli.config.index_format import read_facts
from tests.journeys.process import ROOT, minimal_env, start_gpcli, wait_for_end

pytestmark = pytest.mark.real  # many processes

TWELVE = range(12)
URL = "https://portal.example/fhir"


def profiles_in(home):
    return tomllib.loads((home / "config.toml").read_text(encoding="utf-8"))


def indexed(home, kind):
    return [fact[1:] for fact in read_facts(str(home / "state" / "index")) if fact[0] == kind]


def write_twelve(home):
    profiles = [
        f'[profiles.p{each}]\nportal = "{URL}/{each}"\nenvironment = "staging"\n' for each in TWELVE
    ]
    (home / "config.toml").write_text("# mine\n" + "\n".join(profiles), encoding="utf-8")


def at_once(home, *lines):
    """How each line of gpcli ended, all of them started together."""
    env = minimal_env(home)
    started = [start_gpcli(*line.split(), "--json", env=env) for line in lines]
    return [wait_for_end(each) for each in started]


def test_profiles_that_are_added_at_once_are_all_kept_and_one_is_the_default(tmp_path):
    lines = [f"profile add p{each} {URL}/{each} --environment staging" for each in TWELVE]

    ended = at_once(tmp_path, *lines)

    names = {f"p{each}" for each in TWELVE}
    config = profiles_in(tmp_path)
    assert [each.code for each in ended] == [0] * 12
    assert config["profiles"].keys() == names
    assert config["default_profile"] in names
    assert {name for (name,) in indexed(tmp_path, "profile")} == names
    assert indexed(tmp_path, "default") == [[config["default_profile"]]]


def test_of_profiles_of_one_name_that_are_added_at_once_one_is_kept(tmp_path):
    lines = [f"profile add home {URL}/{each} --environment staging" for each in TWELVE]

    ended = at_once(tmp_path, *lines)

    kept = [each for each in ended if each.code == 0]
    refused = [each for each in ended if each.code != 0]
    assert (len(kept), [each.code for each in refused]) == (1, [2] * 11)
    portal = json.loads(kept[0].out)["portal"]
    assert profiles_in(tmp_path)["profiles"]["home"]["portal"] == portal


def test_profiles_that_are_removed_at_once_are_all_gone(tmp_path):
    write_twelve(tmp_path)

    ended = at_once(tmp_path, *(f"profile remove p{each}" for each in TWELVE))

    assert [each.code for each in ended] == [0] * 12
    assert (tmp_path / "config.toml").read_text(encoding="utf-8").startswith("# mine\n")
    assert profiles_in(tmp_path).get("profiles", {}) == {}
    assert indexed(tmp_path, "profile") == []


def test_profiles_that_are_added_while_others_are_made_the_default_are_kept(tmp_path):
    write_twelve(tmp_path)
    adding = [f"profile add new{each} {URL}/new --environment staging" for each in range(6)]
    using = [f"profile use p{each}" for each in range(6)]

    ended = at_once(tmp_path, *(line for pair in zip(adding, using, strict=True) for line in pair))

    config = profiles_in(tmp_path)
    assert [each.code for each in ended] == [0] * 12
    assert config["profiles"].keys() == {f"p{each}" for each in TWELVE} | {
        f"new{each}" for each in range(6)
    }
    assert indexed(tmp_path, "default") == [[config["default_profile"]]]


@dataclass(frozen=True)
class Writer:
    """A program that changes one of gpcli's files, `file`, in the directory `home`.

    It does it for `number`; `list_kept` has what it has kept.
    """

    file: str
    program: str
    list_kept: str


WRITERS = {
    "profiles": Writer(
        "config.toml",
        """
from gpcli.config.profiles import Profile, add_profile, read_config
def change(number): add_profile(home / "config.toml", Profile(f"p{number}", URL, "staging"))
""",
        'read_config(home / "config.toml").profiles',
    ),
    "people": Writer(
        "state/index",
        """
from gpcli.config.offer_index import IndexedPerson, OfferIndex
index = OfferIndex(home / "state" / "index")
def change(number): index.add_person("home", IndexedPerson(f"p{number}", "pat", "Ada", 0.0))
""",
        '[person.account for person in index.read_people("home")]',
    ),
    "sandboxes": Writer(
        "state/sandboxes/x",
        """
from gpcli.cli.served_sandboxes import ServedSandbox, list_served, write_announcement
def change(number):
    served = ServedSandbox(f"p{number}", URL, "token", float(number), os.getpid())
    write_announcement(home / "state", served, lambda _: True)
""",
        '[served.name for served in list_served(home / "state", lambda _: True)]',
    ),
    "sandboxes without a name": Writer(
        "state/sandboxes/x",
        """
from gpcli.cli.served_sandboxes import ServedSandbox, list_served, write_announcement
def change(number):
    served = ServedSandbox("default", URL, f"p{number}", 0.0, os.getpid())
    write_announcement(home / "state", served, lambda _: True, is_named=False)
""",
        '[served.control_token for served in list_served(home / "state", lambda _: True)]',
    ),
    "read marks": Writer(
        "state/read-marks.json",
        """
from gpcli.config.read_marks import ReadMarks
def change(number): ReadMarks(home / "state", "account").add(f"p{number}")
""",
        '[f"p{each}" for each in range(12) if f"p{each}" in ReadMarks(home / "state", "account")]',
    ),
}
WRITTEN = {
    **WRITERS,
    "cache": Writer(
        "cache/x",
        """
from gpcli.config.json_cache import CachedJson
def change(number): CachedJson(home / "cache", "smart", f"{number}").write({}, 0)
""",
        "",
    ),
    "kept lines": Writer(
        "state/outbox/x",
        """
from uuid import UUID
from gpcli.config.kept_requests import KeptRequest, KeptRequests
def change(number):
    KeptRequests(home / "state").write(UUID(int=number), KeptRequest((), "/", None, 0.0))
""",
        "",
    ),
    "saved": Writer(
        "x",
        """
from gpcli.config.private_files import save_new_file
def change(number): save_new_file(home / f"leaflet-{number}.pdf", b"%PDF", replace=False)
""",
        "",
    ),
    "replaced": Writer(
        "leaflet.pdf",
        """
from gpcli.config.private_files import save_new_file
def change(number): save_new_file(home / "leaflet.pdf", b"%PDF", replace=True)
""",
        "",
    ),
}
"""All that is written with a draft first."""

HEAD = f"""
import os, sys, time
from pathlib import Path
home, number, URL = Path(sys.argv[1]), int(sys.argv[2]), "{URL}"
"""
STOP = """
def stop(descriptor):
    print("stopped", flush=True)
    time.sleep(600)
os.fsync = stop
"""


def start(*parts, home, number=0):
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join((HEAD, *parts)), str(home), str(number)],
        env=minimal_env(home),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(*parts, home, number=0):
    """What a process prints that ends well."""
    ended = wait_for_end(start(*parts, home=home, number=number))
    assert ended.code == 0
    return ended.out


def kill_while_writing(writer, home):
    """Kill a process that has written its draft and not put it in the file's place."""
    with start(writer.program, STOP, "change(number)", home=home) as process:
        assert process.stdout.readline() == "stopped\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL


def drafts(directory):
    return sorted(each.name for each in directory.iterdir() if each.name.startswith("."))


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_changes_that_are_made_at_once_are_all_kept(tmp_path, writer):
    waiting = [
        start(writer.program, "input(); change(number)", home=tmp_path, number=each)
        for each in TWELVE
    ]

    for each in waiting:
        each.stdin.write("\n")
        each.stdin.flush()
    ended = [wait_for_end(each) for each in waiting]

    kept = run(writer.program, f"print(sorted({writer.list_kept}))", home=tmp_path)
    assert [each.code for each in ended] == [0] * 12
    assert kept == f"{sorted(f'p{each}' for each in TWELVE)}\n"
    assert drafts((tmp_path / writer.file).parent) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_nobody_waits_for_a_process_that_was_killed_with_the_lock(tmp_path, writer):
    kill_while_writing(writer, tmp_path)

    run(writer.program, "change(number)", home=tmp_path, number=1)

    assert run(writer.program, f"print(*{writer.list_kept})", home=tmp_path) == "p1\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("writer", WRITTEN.values(), ids=WRITTEN)
def test_the_draft_of_a_process_that_was_killed_is_swept_when_it_is_old(tmp_path, writer):
    directory = (tmp_path / writer.file).parent
    kill_while_writing(writer, tmp_path)
    left = drafts(directory)

    run(writer.program, "change(number)", home=tmp_path, number=1)
    young = drafts(directory)
    os.utime(directory / left[0], (0, 0))
    run(writer.program, "change(number)", home=tmp_path, number=2)

    assert (len(left), young, drafts(directory)) == (1, left, [])


@pytest.mark.skipif(os.name == "nt", reason="Windows makes links only for some")
def test_only_drafts_of_gpclis_own_are_swept(tmp_path):
    stem = ".gpcli-0123456789abcde"
    (tmp_path / f"{stem}0.part").write_bytes(b"old draft")
    kept = [".hidden", f"{stem}.part", f"{stem}1.part.bak", f"{stem}2.part", f"{stem}3.part"]
    for name in kept[:3]:
        (tmp_path / name).write_bytes(b"not a draft")
    (tmp_path / f"{stem}2.part").mkdir()
    (tmp_path / f"{stem}3.part").symlink_to(tmp_path / ".hidden")
    for each in tmp_path.iterdir():
        os.utime(each, (0, 0), follow_symlinks=False)

    run(WRITTEN["saved"].program, "change(number)", home=tmp_path)

    assert drafts(tmp_path) == sorted(kept)
