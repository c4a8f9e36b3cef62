"""`gpcli watch` and `--wait` as processes of their own: programs, signals, kills, two of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gpcli.errors import Exit
from gpcli.sandbox.server import Sandbox
from tests.journeys.process import as_person, gpcli, start_gpcli, wait_for_end, wait_until

pytestmark = pytest.mark.real


@pytest.fixture
def slow(live: Sandbox) -> Sandbox:
    """A portal whose surgery takes a day, unless a test has it answer."""
    live.set_delay(timedelta(days=1))
    return live


@pytest.fixture
def env(slow: Sandbox, tmp_path: Path) -> dict[str, str]:
    variables = as_person(slow, tmp_path, "ada", KEPT=str(tmp_path / "kept"))
    (tmp_path / "kept").touch()
    assert gpcli("watch", "--once", env=variables).code == Exit.OK
    return variables


def write_hook(home: Path, *lines: str) -> str:
    """A program of these lines of sh; returns its path."""
    program = home / "hook"
    program.write_text("\n".join(("#!/bin/sh", *lines, "")))
    program.chmod(0o700)
    return str(program)


def kept(env: dict[str, str]) -> list[dict[str, Any]]:
    """What a program has kept."""
    return [json.loads(line) for line in Path(env["KEPT"]).read_text().splitlines()]


def told(env: dict[str, str]) -> int:
    """How many changes the watch has told, as far as it has noted."""
    [status] = gpcli("watch", "status", "--json", env=env).json
    return int(status["told"])


def ask_for_a_time(env: dict[str, str]) -> str:
    asked = gpcli("book", "--enquiry", "--yes", "--another", "--json", env=env)
    return str(asked.json["id"])


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return wait_for_end(process).code


WATCH = ("watch", "--every", "200ms", "--details", "--exec")


def test_an_answer_reaches_a_program_and_sigterm_ends_the_watch(slow, env, tmp_path):
    process = start_gpcli(*WATCH, write_hook(tmp_path, 'cat >> "$KEPT"'), env=env)
    asked = ask_for_a_time(env)
    slow.answer()
    wait_until(lambda: told(env), "that it was told is not noted")
    assert end(process) == Exit.TERMINATED
    [event] = kept(env)
    assert [(each["change"], each["id"]) for each in event["changes"]] == [("confirmed", asked)]
    [status] = gpcli("watch", "status", "--json", env=env).json
    assert (status["state"], status["told"]) == ("stopped", 1)


def test_killed_between_telling_and_noting_it_tells_again_and_says_so(slow, env, tmp_path):
    ask_for_a_time(env)
    slow.answer()
    killer = write_hook(tmp_path, 'cat >> "$KEPT"', 'kill -9 "$PPID"')
    assert wait_for_end(start_gpcli(*WATCH, killer, env=env)).code == -signal.SIGKILL
    harmless = write_hook(tmp_path, 'cat >> "$KEPT"')
    assert gpcli("watch", "--once", "--details", "--exec", harmless, env=env).code == Exit.OK
    assert [event["again"] for event in kept(env)] == [False, True]
    assert gpcli("watch", "--once", "--details", "--exec", harmless, env=env).code == Exit.OK
    assert len(kept(env)) == 2


def test_a_second_watch_is_refused_while_the_first_lives_and_not_after_it_was_killed(env):
    first = start_gpcli("watch", "--every", "200ms", "--json", env=env)
    wait_until(
        lambda: gpcli("watch", "status", "--exit-code", env=env).code == Exit.OK,
        "it does not run",
    )
    assert gpcli("watch", "--once", "--json", env=env).refused == (Exit.REJECTED, "conflict", "")
    assert end(first, signal.SIGKILL) == -signal.SIGKILL
    assert gpcli("watch", "--once", env=env).code == Exit.OK


def test_a_program_that_fails_at_first_is_told_by_the_next_try(slow, env, tmp_path):
    ask_for_a_time(env)
    slow.answer()
    fails_once = write_hook(
        tmp_path, 'test -e "$KEPT.tried" || { touch "$KEPT.tried"; exit 3; }', 'cat >> "$KEPT"'
    )
    process = start_gpcli(*WATCH, fails_once, env=env)
    wait_until(lambda: kept(env), "the program is not told")
    process.send_signal(signal.SIGTERM)
    ending = wait_for_end(process)
    assert "failed (exit status 3)" in ending.err
    assert [event["again"] for event in kept(env)] == [False]


def test_a_stopped_process_goes_on_when_it_is_continued(slow, env, tmp_path):
    process = start_gpcli(*WATCH, write_hook(tmp_path, 'cat >> "$KEPT"'), env=env)
    process.send_signal(signal.SIGSTOP)
    ask_for_a_time(env)
    slow.answer()
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: kept(env), "the program is not told")
    assert end(process) == Exit.TERMINATED


@pytest.mark.parametrize(
    "line",
    [
        "book --enquiry --yes --another",
        "rx renew Naproxen --yes --accept-fee any",
        "econsult start --via text --subject Rash --message Itch --yes --another --accept-fee any",
    ],
)
def test_a_write_waits_until_the_surgery_has_answered(slow, env, line):
    process = start_gpcli(*line.split(), "--wait", "1m", "--every", "200ms", "--json", env=env)
    wait_until(lambda: slow.answer(), "nothing waits for an answer")
    ending = wait_for_end(process)
    assert ending.code == Exit.OK
    [answer] = ending.json if isinstance(ending.json, list) else [ending.json]
    assert answer["changed"]
    assert answer["status"] in {"booked", "completed", "in-progress"}


def test_ctrl_c_ends_the_waiting_and_says_what_was_sent(slow, env):
    process = start_gpcli(
        *("book", "--enquiry", "--yes", "--another"),
        *("--wait", "1m", "--every", "200ms", "--json"),
        env=env,
    )
    wait_until(lambda: slow.store.execute("SELECT 1 FROM waiting"), "it is not sent")
    wait_until(lambda: _is_waiting(process), "it does not wait")
    process.send_signal(signal.SIGINT)
    ending = wait_for_end(process)
    assert (ending.code, ending.json["status"]) == (Exit.INTERRUPTED, "proposed")


def _is_waiting(process: subprocess.Popen[str]) -> bool:
    """Whether it says that it waits, on standard error."""
    assert process.stderr
    os.set_blocking(process.stderr.fileno(), True)
    return "Waiting for the surgery" in process.stderr.readline()
