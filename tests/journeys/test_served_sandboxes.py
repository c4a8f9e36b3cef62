"""Several sandboxes on one machine: each is found by its name, and the dead are left out."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import jsonschema
import pytest

from gpcli.cli.served_sandboxes import ServedSandbox, announce
from gpcli.render.json_schema import find_schema
from gpcli.sandbox.server import Sandbox
from tests.journeys.process import minimal_env, start_gpcli, wait_for_end
from tests.journeys.shell import CommandResult, Shell
from tests.journeys.world import MONDAY

NEEDS_ONE = {
    "env": "gpcli sandbox env ada",
    "reset": "gpcli sandbox reset",
    "advance": "gpcli sandbox advance 1h",
    "answer": "gpcli sandbox answer",
    "fault add": "gpcli sandbox fault add 'GET Slot: 503'",
    "fault list": "gpcli sandbox fault list",
    "fault clear": "gpcli sandbox fault clear",
}
"""The commands that are about a sandbox that is served."""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell({"GPCLI_CONFIG_DIR": str(tmp_path)}, lambda: MONDAY)


@pytest.fixture(scope="module")
def pool() -> Iterator[list[Sandbox]]:
    """Two sandboxes to announce: a test that starts its own would wait for it."""
    with Sandbox(clock=MONDAY) as one, Sandbox(clock=MONDAY) as other:
        yield [one, other]


@pytest.fixture
def serve(pool: list[Sandbox], tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """`serve("a", 0.0)` announces a sandbox that began then; all end with the test."""
    with ExitStack() as running:
        unused = iter(pool)

        def start(name: str, began: float) -> Sandbox:
            sandbox = next(unused)
            running.callback(sandbox.reset)
            served = ServedSandbox(name, sandbox.url, sandbox.control_token, began, os.getpid())
            running.enter_context(announce(tmp_path / "state", served, lambda _: True))
            return sandbox

        yield start


def leave_behind(home: Path, name: str, url: str, began: float = 9e9) -> None:
    """What a sandbox leaves that is killed."""
    path = home / "state" / "sandboxes" / f"{name}.json"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(json.dumps(ServedSandbox(name, url, "token", began, 1)._asdict()))


def test_the_newest_is_meant_unless_one_is_named(serve, shell):
    old, new = serve("old", 1.0), serve("new", 2.0)

    def portal(options: str) -> str:
        return shell(f"gpcli sandbox env ada --fields GPCLI_PORTAL {options}").out.strip()

    assert portal("") == portal("--name new") == new.fhir_base
    assert portal("--name old") == old.fhir_base


def test_each_command_is_about_the_one_that_is_named(serve, shell):
    old, new = serve("old", 1.0), serve("new", 2.0)

    assert shell("gpcli sandbox advance 1d --name old").code == 0
    assert round((old.now() - new.now()) / timedelta(hours=1)) == 24
    assert shell("gpcli sandbox reset --name old").code == 0
    assert round((old.now() - new.now()) / timedelta(hours=1)) == 0
    assert shell("gpcli sandbox answer --name old").code == 0
    assert shell("gpcli sandbox people --name old").code == 0


def test_the_clock_goes_by_parts_of_a_unit_and_not_off_the_calendar(serve, shell):
    sandbox = serve("a", 1.0)
    before = sandbox.now()

    short = shell("gpcli sandbox advance 1.5h")
    sandbox.set_clock(datetime(8900, 1, 1, tzinfo=UTC))
    far = shell("gpcli sandbox advance 99999d --json")

    moved = datetime.fromisoformat(short.out.strip()) - before
    assert round(moved / timedelta(minutes=1)) == 90
    assert far.refused == (2, "usage", "")
    assert "goes from the year 1970 to 8999, not to the year 9173" in far.error["message"]


def test_who_acts_for_somebody_is_named_as_for_run(serve, shell):
    serve("a", 1.0)

    taken = [
        shell(f"gpcli sandbox env guro {option} emil --fields GPCLI_PATIENT").out
        for option in ("--as", "--for")
    ]

    assert taken == ["emil\n", "emil\n"]


@pytest.mark.parametrize("command", [*NEEDS_ONE, "people"])
def test_a_name_that_none_has_is_not_found(serve, shell, command):
    serve("new", 2.0)

    line = NEEDS_ONE.get(command, "gpcli sandbox people")
    ending = shell(f"{line} --name old --json")

    assert (ending.code, ending.error["code"], ending.out) == (3, "not_found", "")
    assert ending.error["message"] == "No sandbox called 'old' is being served."
    assert ending.error["hint"] == "gpcli sandbox list shows those that are."


@pytest.mark.parametrize("line", NEEDS_ONE.values(), ids=NEEDS_ONE)
def test_without_any_there_is_a_hint_how_to_start_one(shell, line):
    ending = shell(f"{line} --json")

    assert ending.refused == (3, "not_found", "")
    assert ending.error["hint"] == "Start one with gpcli sandbox serve."


def test_the_list_has_those_that_run_the_newest_first(serve, shell, tmp_path):
    old, new = serve("old", 1.0), serve("new", 2.0)
    leave_behind(tmp_path, "dead", "http://127.0.0.1:1")

    rows = shell.json("gpcli sandbox list")

    jsonschema.validate(rows, find_schema("sandbox list"))
    assert [(row["name"], row["portal"], row["pid"]) for row in rows] == [
        ("new", new.fhir_base, os.getpid()),
        ("old", old.fhir_base, os.getpid()),
    ]
    assert [datetime.fromisoformat(row["started"]).timestamp() for row in rows] == [2.0, 1.0]
    assert [row[0] for row in shell("gpcli sandbox list").rows] == ["new", "old"]


def test_an_empty_list_says_how_to_start_one(shell):
    assert shell("gpcli sandbox list") == CommandResult(
        0, "", "None is being served: gpcli sandbox serve starts one.\n"
    )


def test_of_two_of_which_the_newer_is_dead_the_other_is_found(serve, shell, tmp_path):
    alive = serve("alive", 1.0)
    leave_behind(tmp_path, "dead", "http://127.0.0.1:1")

    assert shell("gpcli sandbox env ada --fields GPCLI_PORTAL").out == f"{alive.fhir_base}\n"
    assert shell("gpcli sandbox reset --name dead").code == 3


def test_another_sandbox_at_the_address_of_a_dead_one_is_not_taken_for_it(serve, shell, tmp_path):
    alive = serve("alive", 1.0)
    leave_behind(tmp_path, "dead", alive.url)

    assert [row[0] for row in shell("gpcli sandbox list").rows] == ["alive"]


def test_a_program_that_speaks_no_http_at_the_address_of_a_dead_one_is_not_taken_for_it(
    shell, tmp_path
):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        leave_behind(tmp_path, "dead", f"http://127.0.0.1:{listener.getsockname()[1]}")

        def greet() -> None:
            with listener.accept()[0] as connection:
                connection.send(b"SSH-2.0")

        greeter = Thread(target=greet)
        greeter.start()
        assert shell("gpcli sandbox list").out == ""
        greeter.join()


def test_one_that_is_too_busy_to_answer_still_runs(shell, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        leave_behind(tmp_path, "busy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert [row[0] for row in shell("gpcli sandbox list").rows] == ["busy"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"url": "x"}', '{"name": "a"}', '"\ud83d"']
)
def test_a_file_that_says_nothing_is_left_out(serve, shell, tmp_path, content):
    serve("alive", 1.0)
    broken = tmp_path / "state" / "sandboxes" / "broken.json"
    broken.write_text(content, errors="surrogatepass")

    assert [row[0] for row in shell("gpcli sandbox list").rows] == ["alive"]


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "../a", "é", "a\n", "x" * 65])
@pytest.mark.parametrize("command", [*NEEDS_ONE, "serve"])
def test_what_can_t_be_a_name_is_refused(shell, command, name):
    line = NEEDS_ONE.get(command, "gpcli sandbox serve")

    ending = shell([*line.split(), "--name", name, "--json"])

    assert (ending.code, ending.error["code"]) == (2, "usage")


@pytest.mark.parametrize("name", ["gw0", "CI_job.42-x", "x" * 64, "..", ".json"])
def test_letters_digits_and_some_signs_are_a_name(serve, shell, name):
    serve(name, 1.0)
    assert [row[0] for row in shell("gpcli sandbox list").rows] == [name]
    assert shell(f"gpcli sandbox people --name {name}").code == 0


def serving(process: subprocess.Popen[str]) -> str:
    """The address that a process serves, once it does."""
    return process.stdout.readline().strip()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`start("--name", "a")` serves a sandbox in a process of its own; all are ended."""
    env = minimal_env(tmp_path)
    processes: list[subprocess.Popen[str]] = []

    def run(*options: str) -> subprocess.Popen[str]:
        processes.append(start_gpcli("sandbox", "serve", *options, env=env))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.real
def test_several_that_start_at_once_are_each_found_and_the_killed_are_not(start, shell, tmp_path):
    names = ["gw0", "gw1", "gw2", "default", "default-2"]
    processes = [start("--name", name) for name in names[:3]] + [start(), start()]
    served = dict(zip(names, map(serving, processes), strict=True))
    unnamed = {served["default"], served["default-2"]}

    def portal(options: str) -> str:
        return shell(f"gpcli sandbox env ada --fields GPCLI_PORTAL {options}").out.strip()

    assert [portal(f"--name {name}") for name in names[:3]] == [served[each] for each in names[:3]]
    assert {portal("--name default"), portal("--name default-2")} == unnamed
    assert sorted(row[0] for row in shell("gpcli sandbox list").rows) == sorted(names)

    processes[1].kill()
    processes[1].wait()
    assert sorted(row[0] for row in shell("gpcli sandbox list").rows) == sorted({*names} - {"gw1"})
    assert shell("gpcli sandbox reset --name gw1").code == 3

    for process in processes:
        process.kill()
        process.wait()
    assert shell("gpcli sandbox reset").code == 3

    assert serving(start("--name", "gw1")) == portal("")
    left = [path.name for path in (tmp_path / "state" / "sandboxes").glob("*.json")]
    assert left == ["gw1.json"]


@pytest.mark.real
def test_a_name_that_is_served_is_not_served_twice(start, shell):
    first = serving(start("--name", "mine"))

    second = start("--name", "mine", "--json")

    ending = wait_for_end(second)
    error = ending.stderr_json[-1]["error"]
    assert (ending.code, ending.out, error["code"]) == (7, "", "conflict")
    assert error["message"] == "A sandbox called 'mine' is being served."
    assert shell("gpcli sandbox env ada --fields GPCLI_PORTAL").out == f"{first}\n"


@pytest.mark.real
def test_a_name_says_how_a_shell_is_pointed_at_it(start):
    assert start("--name", "mine").stderr.readline() == (
        "Serving until Ctrl-C. In another shell: gpcli sandbox env ada --name mine\n"
    )


@pytest.mark.real
def test_a_shell_is_pointed_at_somebody_there_is(start, tmp_path):
    file = tmp_path / "people.yaml"
    file.write_text("people: {per: {name: Per, signs_in: no}, liv: {name: Liv Berg}}\n")
    assert start("--people", str(file)).stderr.readline() == (
        "Serving until Ctrl-C. In another shell: gpcli sandbox env liv\n"
    )
