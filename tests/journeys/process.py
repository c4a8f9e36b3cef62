"""gpcli as a process of its own: for pipes, signals and terminals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Timer

from gpcli.cli.sandbox_env import build_variables
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import CommandResult

ROOT = Path(__file__).parents[2]
PYTHON = f"'{sys.executable}' -m gpcli"
"""gpcli in a shell's line."""


def minimal_env(home: Path, **more: str) -> dict[str, str]:
    """The variables of somebody who has nothing but this gpcli."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {
        "PATH": path,
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "GPCLI_CONFIG_DIR": str(home),
        "COLUMNS": "200",
        **more,
    }


def as_person(sandbox: Sandbox, home: Path, person: str, **more: str) -> dict[str, str]:
    """The same with a token for `person`."""
    token = sandbox.issue_token(person)
    values = build_variables(sandbox.fhir_base, token.access_token, token.patient, token.fhir_user)
    return minimal_env(home, **values, **more)


def start_gpcli(*argv: str, env: Mapping[str, str]) -> subprocess.Popen[str]:
    """gpcli, running."""
    return subprocess.Popen(
        [sys.executable, "-m", "gpcli", *argv],
        env=env,
        cwd=env["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_end(process: subprocess.Popen[str]) -> CommandResult:
    """How it ended; if it does not end in a minute, it is ended."""
    overdue = Timer(60, process.kill)
    overdue.start()
    try:
        out, err = process.communicate()
    finally:
        overdue.cancel()
    return CommandResult(process.returncode, out, err)


def wait_until(is_so: Callable[[], object], otherwise: str) -> None:
    """Returns when it is so; fails with `otherwise` after half a minute."""
    pause = Event()
    for _ in range(6000):  # of 5 ms
        if is_so():
            return
        pause.wait(0.005)
    raise AssertionError(otherwise)


def gpcli(*argv: str, env: Mapping[str, str]) -> CommandResult:
    """gpcli from start to end."""
    return wait_for_end(start_gpcli(*argv, env=env))


def shell(line: str, env: Mapping[str, str]) -> CommandResult:
    """A line of bash."""
    done = subprocess.run(
        ["bash", "-c", line],
        env=env,
        cwd=env["HOME"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)
