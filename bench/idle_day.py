"""A day on which nothing happens: what a watch asks of the portal, and of this computer.

The portal is real, and its clock and the watch's are moved by as much as the watch would sleep.
`python -m bench.idle_day VAULT WORDS…` is the watch: it asks on standard output for each sleep.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, TextIO

from bench.file_vault import FileVault
from bench.row import Report, Row, Scale
from gpcli.app_context import AppContext
from gpcli.cli.demo import open_sign_in_page
from gpcli.cli.run import run_command_line
from gpcli.config.settings import Options
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell

ROOT = Path(__file__).parents[1]
PERSON = "ada"
POLLS_PER_HOUR = 60
MOST_GROWTH = 8_000
"""The most kilobytes by which the memory may grow between the first hour and the last."""


def measure_idle_day(scale: Scale, report: Report) -> Row:
    """Have a watch sleep through a day, and count requests, CPU seconds and memory."""
    hours = scale.pick(24, 2)
    portal = Sandbox(clock=datetime.now(UTC), seed=1, auto_sign_in=True)
    with portal as sandbox, tempfile.TemporaryDirectory() as home:
        figures = _watch_day(sandbox, Path(home), hours, report)
    polls = hours * POLLS_PER_HOUR
    growth = figures["memory_end"] - figures["memory_start"]
    holds = figures["requests"] <= polls * 1.15 + 20 and growth <= MOST_GROWTH
    return Row(
        figure="A day on which nothing happens, asked once a minute",
        to_reach="one request a minute and those that renew the session; memory that does not grow",
        measured=(
            f"{figures['requests']:,} requests, {figures['cpu']:.0f} s of CPU, memory "
            f"{figures['memory_start'] / 1000:.0f} MB after the first hour and "
            f"{figures['memory_end'] / 1000:.0f} MB at the end"
        ),
        holds=holds,
        rounds=f"{hours} h by the portal's clock, {figures['naps']:,} naps",
        details=figures,
    )


def _watch_day(sandbox: Sandbox, home: Path, hours: int, report: Report) -> dict[str, Any]:
    """Return the figures of a watch that is stopped after so many hours."""
    vault = home / "vault"
    vault.mkdir()
    env = {"GPCLI_CONFIG_DIR": str(home)}
    shell = Shell(env, lambda: datetime.now(UTC), vault=FileVault(vault), browse=open_sign_in_page)
    ending = shell(f"gpcli login {sandbox.fhir_base} --hint {PERSON}")
    if ending.code != 0:
        raise RuntimeError(ending.err)
    counted = sandbox.add_fault("* *: clock=+0s")
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.idle_day", str(vault), "watch", "--every", "1m", "-q"],
        env={**env, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    figures = _let_sleep(process, sandbox, timedelta(hours=hours), report)
    [rule] = [each for each in sandbox.faults if each.id == counted.id]
    return {**figures, "requests": rule.used}


def _let_sleep(
    process: subprocess.Popen[str], sandbox: Sandbox, length: timedelta, report: Report
) -> dict[str, Any]:
    """Move the portal's clock with each sleep of the watch; return its figures at the end."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the watch has no pipes")
    slept, naps = timedelta(), 0
    first: dict[str, Any] = {}
    for line in process.stdout:
        figures = json.loads(line)
        step = timedelta(seconds=figures.pop("sleep"))
        slept, naps = slept + step, naps + 1
        if slept >= timedelta(hours=1) and not first:
            first = figures
            report(f"an hour: {figures}")
        if slept >= length:
            process.kill()
            process.wait(60)
            return {
                "cpu": figures["cpu"],
                "memory_start": first["memory"],
                "memory_end": figures["memory"],
                "naps": naps,
            }
        sandbox.advance(step)
        process.stdin.write("\n")
        process.stdin.flush()
    raise RuntimeError(f"the watch ended with {process.wait(60)}")


class _Sleeper:
    """A clock that only sleeping moves; each sleep is asked for, with the figures so far."""

    def __init__(self, asked: IO[str], answers: IO[str]) -> None:
        self._asked, self._answers = asked, answers
        self.passed = 0.0
        self._began = datetime.now(UTC)
        self._sleeping = 0.0

    def sleep(self, seconds: float) -> None:
        """Ask for the time to pass."""
        cpu = time.process_time() - self._sleeping
        figures = {"sleep": seconds, "cpu": cpu, "memory": _read_memory()}
        self._asked.write(f"{json.dumps(figures)}\n")
        self._asked.flush()
        self._answers.readline()
        self._sleeping = time.process_time() - cpu
        self.passed += seconds

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) + timedelta(seconds=self.passed)

    def read_elapsed(self) -> float:
        """Return the seconds that have passed."""
        return self.passed


def _read_memory() -> int:
    """Return the memory that this process has, in kilobytes (VmRSS)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [memory] = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(memory)


def main() -> int:
    """Run gpcli with the sessions of a directory, whose sleep is asked for."""
    directory, *words = sys.argv[1:]
    sleeper = _Sleeper(sys.stdout, sys.stdin)

    def build_context(
        options: Options, env: Mapping[str, str], stdin: TextIO, stdout: TextIO, stderr: TextIO
    ) -> AppContext:
        return AppContext(
            options,
            env,
            stdin,
            sys.stderr,
            stderr,
            now=sleeper.now,
            vault=FileVault(Path(directory)),
            sleep=sleeper.sleep,
            elapsed=sleeper.read_elapsed,
        )

    streams = sys.stdin, sys.stderr, sys.stderr
    return run_command_line(words, dict(os.environ), *streams, build_context)


if __name__ == "__main__":
    sys.exit(main())
