"""A watch that is killed with SIGKILL at any moment, while the surgery changes many things.

Each change has to reach the program of `--exec`, once; twice only where it says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any

from bench.portals import build_environment
from bench.row import Report, Row, Scale
from gpcli.sandbox.server import Sandbox

ROOT = Path(__file__).parents[1]
PERSON = "ada"
HOOK = '#!/bin/sh\nexec cat >> "$KEPT"\n'
PATIENCE = 300.0
"""Seconds for which one round of changes may take to be told."""

_LINE = ("watch", "--details", "--plain", "--exec")

Told = list[tuple[str, str, bool]]
"""Of each change that was told: the visit, its new time, and if it may have been told before."""


def measure_watch_kills(scale: Scale, report: Report) -> Row:
    """Kill a watch over and over, and count what is missed or told twice without saying so."""
    visits, rounds = scale.pick(500, 50), scale.pick(20, 4)
    kills = scale.pick(200, 12)
    random = Random(7)
    with Sandbox(clock=datetime.now(UTC), seed=1) as sandbox, tempfile.TemporaryDirectory() as home:
        bench = _Watched(sandbox, Path(home), visits)
        bench.begin()
        for number in range(rounds):
            due = kills * (number + 1) // rounds - kills * number // rounds
            bench.play(number, due, random)
            report(f"{(number + 1) * visits:,} changes, {bench.killed} kills")
        return bench.judge(rounds)


class _Watched:
    """A portal with many visits of one person, and a watch that is killed and started again."""

    def __init__(self, sandbox: Sandbox, home: Path, visits: int) -> None:
        self.sandbox = sandbox
        self.kept = home / "kept"
        program = home / "hook"
        program.write_text(HOOK, encoding="utf-8")
        program.chmod(0o700)
        self.kept.touch()
        self.env = {
            **build_environment(sandbox, PERSON),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "GPCLI_CONFIG_DIR": str(home),
            "KEPT": str(self.kept),
        }
        self.words = [sys.executable, "-m", "gpcli", *_LINE, str(program)]
        template = self._find_template()
        self.visits = [{**template, "id": f"w-{number}"} for number in range(visits)]
        self.first = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
        self.expected: set[tuple[str, str]] = set()
        self.killed = 0
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Have the visits be there, and be noted as they are by a first look."""
        for visit in self.visits:
            self._put(visit, self.first)
        subprocess.run([*self.words, "--once"], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def play(self, number: int, kills: int, random: Random) -> None:
        """Move every visit, and kill the watch so often until all of that is told."""
        moved = self.first + timedelta(hours=number + 1)
        for visit in random.sample(self.visits, len(self.visits)):
            self._put(visit, moved)
            self.expected.add((visit["id"], _write(moved)))
        for _ in range(kills):
            process = self._start()
            with suppress(subprocess.TimeoutExpired):
                process.wait(random.uniform(0.05, 2.5))
            process.kill()
            self.killed += process.wait(60) == -SIGKILL
        self._start()
        self._wait_until_told()
        self.end()

    def end(self) -> None:
        """End the watch that still runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def judge(self, rounds: int) -> Row:
        """Return what was missed, and what was told twice."""
        told = self._read()
        counts = Counter((visit, start) for visit, start, _ in told)
        silent = Counter((visit, start) for visit, start, again in told if not again)
        missed = len(self.expected - counts.keys())
        twice = sum(count > 1 for count in silent.values())
        said = sum(again for _, _, again in told)
        unfounded = len(counts.keys() - self.expected)
        return Row(
            figure="Changes at the surgery, `watch` killed over and over",
            to_reach="0 missed, 0 told twice but where it was killed between telling and noting",
            measured=(
                f"{missed} missed, {twice} told twice unsaid, {unfounded} that there were not; "
                f"{said} told once more, which was said"
            ),
            holds=not (missed or twice or unfounded),
            rounds=f"{len(self.expected):,} changes in {rounds} rounds, {self.killed} kills",
            details={"missed": missed, "twice": twice, "again": said, "unfounded": unfounded},
        )

    def _find_template(self) -> dict[str, Any]:
        found = self.sandbox.store.find("Appointment", patient=f"Patient/{PERSON}")
        return next(each for each in found if each["status"] == "booked" and each.get("start"))

    def _put(self, visit: Mapping[str, Any], start: datetime) -> None:
        end = start + timedelta(minutes=20)
        self.sandbox.store.put({**visit, "start": _write(start), "end": _write(end)})

    def _start(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(
            [*self.words, "--every", "100ms"],
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self.process

    def _wait_until_told(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.expected <= {(visit, start) for visit, start, _ in self._read()}:
                return
            time.sleep(0.2)

    def _read(self) -> Told:
        """Return what the program was told, one line an event."""
        lines = self.kept.read_text(encoding="utf-8").splitlines()
        events = [event for line in lines if (event := _parse(line))]
        return [
            (
                change["id"],
                _write(datetime.fromisoformat(change["after"]["start"])),
                change["again"],
            )
            for event in events
            for change in event["changes"] or ()
        ]


def _parse(line: str) -> dict[str, Any] | None:
    """Return an event, `None` for one that is being written."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event


def _write(when: datetime) -> str:
    return when.astimezone(UTC).isoformat()
