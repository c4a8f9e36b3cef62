"""Every hostile response to every command: when it ends, how, and with how much memory.

One again, by the words of `--json`: `python -m bench.responses RESPONSE 'LINE' TURN`.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.request import ProxyHandler, build_opener

from bench.front import Bend, Front, FrontedSandbox, open_front, pass_on
from bench.hostile_responses import BIG, RESPONSES, bend_from
from bench.lines import Line, list_lines
from bench.row import Report, Row, Scale
from gpcli.auth.vault import MemoryVault
from gpcli.cli.sandbox_env import build_variables
from gpcli.errors import Exit
from tests.journeys.shell import Shell, shell_for

TIMEOUT = 1.0
"""Seconds that a command is given."""

SPARE = 0.5
"""Seconds by which it may end later, besides what it takes with an honest portal."""

MOST_MEMORY = 64 * 1024
"""Kilobytes over what it takes with an honest portal."""

TRIES = 3
"""How often a command that ended late is tried again: other work may have delayed it."""

_ROOT = Path(__file__).parents[1]


def measure_responses(scale: Scale, report: Report) -> Row:
    """Give every command every hostile response, and look at how it ends."""
    jobs = [*_list_jobs(quick=scale.quick)]
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for outcome in pool.map(play, jobs, chunksize=4):
            outcomes.append(outcome)
            if len(outcomes) % 250 == 0:
                report(f"{len(outcomes):,} of {len(jobs):,}")
    found = Found()
    for outcome in play_late_again(outcomes):
        found.add(outcome)
    return Row(
        figure="Hostile responses to every command",
        to_reach=f"each ends within its time limit + {SPARE} s, under {MOST_MEMORY // 1024} MB "
        "over an honest one, with a documented exit code",
        measured=str(found),
        holds=not found.faults,
        rounds=f"{len(jobs):,} runs of {len({job.line for job in jobs})} lines with "
        f"{len({job.name for job in jobs})} kinds of responses",
        details={"faults": found.faults[:200], "exit_codes": dict(found.codes)},
    )


@dataclass(frozen=True)
class Job:
    """A line that is played with a hostile response.

    Of a line that asks n times, the request number `turn` modulo n is the first that is answered
    so. With `measures_memory` it is a process of its own.
    """

    name: str
    line: Line
    turn: int
    measures_memory: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a job ended: its exit code, seconds over the time limit, kilobytes over the base."""

    job: Job
    code: int
    seconds: float = 0.0
    memory: int = 0
    said: str = ""
    requests: int = 0


@dataclass
class Found:
    """What was found: exit codes, the largest excess, and what is not as it has to be."""

    late: int = 0
    over: int = 0
    undocumented: int = 0
    latest: float = 0.0
    largest: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.late} late (latest {self.latest:+.2f} s), "
            f"{self.over} over the memory (most {self.largest / 1024:+.0f} MB), "
            f"{self.undocumented} undocumented exit codes"
        )

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        is_late = outcome.seconds > SPARE
        is_over = outcome.memory > MOST_MEMORY
        is_undocumented = outcome.code not in set(Exit) - {Exit.BUG}
        self.late += is_late
        self.over += is_over
        self.undocumented += is_undocumented
        self.latest = max(self.latest, outcome.seconds)
        self.largest = max(self.largest, outcome.memory)
        self.codes[outcome.code] += 1
        if is_late or is_over or is_undocumented:
            job = outcome.job
            about = {"response": job.name, "line": job.line.words, "turn": job.turn}
            self.faults.append({**about, **vars(outcome), "job": None})


_RENEWING = Line("whoami", "ada", "services")
"""A line of somebody whose token has ended: the first response is the token endpoint's."""


def _list_jobs(*, quick: bool) -> Iterator[Job]:
    """Yield a job for each response and line; in quick, for some responses and any line."""
    lines = [*(line for line in list_lines() if line.asks_the_portal), _RENEWING]
    names = [name for name in RESPONSES if name not in BIG][::6] if quick else [*RESPONSES]
    for number, name in enumerate(names):
        chosen = [lines[number % len(lines)]] if quick else lines
        for place, line in enumerate(chosen):
            yield Job(name, line, number // 3 + place)
    asking = [line for line in lines if not _is_sign_in(line)]
    for number, name in enumerate([*BIG][:: 9 if quick else 1]):
        for line in [asking[number * 7 % len(asking)]] if quick else asking:
            yield Job(name, line, 0, measures_memory=True)


def _is_sign_in(line: Line) -> bool:
    """Return whether it is about a session, not for somebody with a token."""
    return line.path in {"login", "logout"} or line == _RENEWING


def play(job: Job) -> Outcome:
    """Play a job."""
    return _open_world().play(job)


def play_late_again(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Yield the outcomes; of a job that ended late, its earliest end when little else goes on."""
    with ExitStack() as stack:
        world: World | None = None
        for outcome in outcomes:
            for _ in range(TRIES):
                if outcome.seconds <= SPARE:
                    break
                world = world or stack.enter_context(World())
                outcome = min(outcome, world.play(outcome.job), key=_seconds_of)
            yield outcome


@cache
def _open_world() -> World:
    """Start the portal of this process, which lasts as long as that."""
    return World()


class World:
    """A portal whose responses can be bent, and shells for it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        opened = self._stack.enter_context(open_front(auto_sign_in=True))
        self._sandbox: FrontedSandbox = opened[0]
        self._front: Front = opened[1]
        self._home = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._honest: dict[tuple[Line, bool], Outcome] = {}
        self._run(Job("", _RENEWING, 0), None)  # the first run imports everything

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, job: Job) -> Outcome:
        """Play a job, and compare it with the same line at an honest portal."""
        key = job.line, job.measures_memory
        if key not in self._honest:
            self._honest[key] = self._run(job, None)
        honest = self._honest[key]
        outcome = self._run(job, job.turn % max(1, honest.requests))
        # A sign-in has one before the browser, its own and one after it; smoke ends with the third.
        limits = 3 if job.line.path in {"login", "smoke"} else 1
        return replace(
            outcome,
            seconds=outcome.seconds - honest.seconds - limits * TIMEOUT,
            memory=outcome.memory - honest.memory,
        )

    def _run(self, job: Job, late: int | None) -> Outcome:
        """Run a job's line; `seconds` and `memory` are the whole of it.

        Responses are hostile after `late` honest ones; `None` = never.
        """
        run = self._run_process if job.measures_memory else self._run_here
        bend = pass_on if late is None else bend_from(RESPONSES[job.name], late)
        try:
            return replace(run(job, bend), requests=self._count_requests())
        finally:
            self._front.bend = pass_on
            self._front.asked.clear()
            self._sandbox.reset()

    def _count_requests(self) -> int:
        return sum(not each.target.startswith("/authorize") for each in self._front.asked)

    def _run_here(self, job: Job, bend: Bend) -> Outcome:
        shell = self._build_shell(job.line)
        self._front.asked.clear()
        words = f"gpcli {job.line.fill(self._sandbox, self._home)} --timeout {TIMEOUT:g}"
        if job.line.path == "login":
            words += f" --limit {TIMEOUT:g}"
        self._front.bend = bend
        began = time.monotonic()
        try:
            ending = shell(words)
        except Exception as error:
            return Outcome(job, Exit.BUG, time.monotonic() - began, said=repr(error))
        seconds = time.monotonic() - began
        return Outcome(job, ending.code, seconds, said=ascii(ending.err[-1200:]))

    def _run_process(self, job: Job, bend: Bend) -> Outcome:
        token = self._sandbox.issue_token(job.line.person, job.line.acting_for)
        values = build_variables(
            self._sandbox.fhir_base, token.access_token, token.patient, token.fhir_user
        )
        env = {"PATH": os.environ["PATH"], "HOME": str(self._home), "PYTHONPATH": str(_ROOT)}
        words = job.line.fill(self._sandbox, self._home).split()
        peak = self._home / "peak"
        peak.unlink(missing_ok=True)
        probe = [sys.executable, "-m", "bench.memory_probe", str(peak)]
        self._front.bend = bend
        began = time.monotonic()
        done = subprocess.run(
            [*probe, *words, "--timeout", f"{TIMEOUT:g}"],
            env=env | values,
            capture_output=True,
            check=False,
        )
        seconds = time.monotonic() - began
        memory = int(peak.read_text(encoding="utf-8"))
        return Outcome(job, done.returncode, seconds, memory, ascii(done.stderr[-1200:]))

    def _build_shell(self, line: Line) -> Shell:
        if not _is_sign_in(line):
            person, child = line.person, line.acting_for
            shell = shell_for(self._sandbox, self._home, person, self._sandbox.now, child)
        else:
            shell = self._build_sign_in_shell(line)
        debugging = {**shell.env, "GPCLI_DEBUG": "1"}
        return replace(shell, env=debugging, sleep=time.sleep, stderr=io.StringIO())

    def _build_sign_in_shell(self, line: Line) -> Shell:
        """Return the shell of somebody who has yet to sign in, or whose token has ended."""
        vault = MemoryVault()
        env = {"GPCLI_CONFIG_DIR": tempfile.mkdtemp(dir=self._home)}
        shell = Shell(env, self._sandbox.now, vault=vault, browse=_open_page)
        if line.path != "login":
            base = self._sandbox.fhir_base
            shell(f"gpcli login {base} --profile home --environment sandbox --hint ada")
            for account, session in [*vault._items.items()]:
                vault.save(account, replace(session, expires_at=0.0))
        return shell


def _open_page(url: str) -> bool:
    """Play a browser that signs in at once, whatever the page answers."""

    def get() -> None:
        opener = build_opener(ProxyHandler({}))
        with suppress(OSError), opener.open(url, timeout=10):
            return

    threading.Thread(target=get, daemon=True).start()
    return True


def _seconds_of(outcome: Outcome) -> float:
    return outcome.seconds


def main() -> None:
    """Play a response to a line, in this process and in one of its own."""
    name, words, turn = sys.argv[1:4]
    [line, *_] = [line for line in (*list_lines(), _RENEWING) if line.words == words]
    with World() as world:
        for measures_memory in (False, True):
            print(world.play(Job(name, line, int(turn), measures_memory)))


if __name__ == "__main__":
    main()
