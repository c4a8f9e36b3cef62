"""Processes killed with SIGKILL at any moment of a write or a token refresh, and what was left.

`python -m bench.kills ROUND` plays one round again and tells all of it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from signal import SIGKILL
from statistics import median
from typing import Any

from bench.faults import FakeTime
from bench.file_vault import FileVault
from bench.journal_truth import find_untrue, read_lasting
from bench.left_files import age_drafts, count_drafts, find_broken, find_texts, is_draft
from bench.portals import (
    LATER,
    MONDAY,
    TEXTS_KEPT,
    Portal,
    TimedShell,
    build_environment,
    write_people,
)
from bench.rounds import keep_files_in, play_rounds
from bench.row import Report, Row, Scale
from bench.staged_portal import MOMENTS, PAUSE, Stage, StagedSandbox
from bench.write_kinds import KINDS, count_effects
from gpcli.auth.session import StoredSession, parse_item
from gpcli.cli.demo import open_sign_in_page
from tests.journeys.shell import CommandResult, Shell

ROOT = Path(__file__).parents[1]
KILLED = ("contact", "book by post", "rx renew three", "cancel")
WRITES = {kind.name: kind for kind in KINDS if kind.name in KILLED}
REFRESH = "refresh"
REFRESH_EVERY = 4
"""Every so manieth round kills a refresh; the others kill writes."""
MEASURED_RUNS = 3
PROBLEMS = (
    *("doubled", "lost", "never done", "untracked", "not settled", "settled untruly"),
    *("half-written file", "text left", "session lost"),
)


@dataclass(frozen=True)
class Round:
    """What one kill left. `moment` is when it came; `is_killed` is false where it came too late."""

    number: int
    what: str
    moment: str
    is_killed: bool
    drafts: int
    problems: tuple[str, ...]
    log: tuple[str, ...]

    @property
    def trouble(self) -> str | None:
        """What did not go as it should; `None` = nothing."""
        problems = ", ".join(self.problems)
        return f"round {self.number}, {self.what} {self.moment}: {problems}" if problems else None


def measure_kills(scale: Scale, report: Report) -> Row:
    """Kill processes at random moments, and count what is doubled, lost or half-written."""
    return _build_row(play_rounds(play, scale.pick(1_060, 40), report))


def _build_row(rounds: list[Round]) -> Row:
    found = Counter(problem for each in rounds for problem in each.problems)
    killed = [each for each in rounds if each.is_killed]
    refreshes = [each for each in killed if each.what == REFRESH]
    return Row(
        figure="kill -9 at random points in writes and refreshes",
        to_reach="0 duplicates, 0 half-written files, sessions lost 0 with a 30 s grace",
        measured=(
            f"{found['doubled']} duplicates, {found['lost'] + found['never done']} lost, "
            f"{found['untracked']} that gpcli knows nothing of, "
            f"{found['not settled'] + found['settled untruly']} not settled truly, "
            f"{found['half-written file']} half-written files, {found['text left']} texts left, "
            f"{found['session lost']} sessions lost"
        ),
        holds=not found.total(),
        rounds=f"{len(killed):,} killed, {len(refreshes):,} of them while refreshing",
        details={
            "problems": {problem: found[problem] for problem in PROBLEMS},
            "too_late": len(rounds) - len(killed),
            "moments": dict(Counter(each.moment.partition(" ")[0] for each in killed)),
            "drafts_left": sum(each.drafts for each in rounds),
            "bad_rounds": [asdict(each) for each in rounds if each.problems][:50],
        },
    )


class _Victim:
    """A process to be killed; below are what it does, and what is looked at afterwards."""

    what: str
    sandbox: StagedSandbox
    home: Path

    def __init__(self, random: Random) -> None:
        self.random = random
        self.problems: set[str] = set()
        self.log: list[str] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Have everything ready, and start the process."""
        raise NotImplementedError

    def look(self) -> None:
        """Look at what is left."""
        raise NotImplementedError

    def enter(self, shell: Shell, line: str) -> CommandResult:
        """Have a shell in this process run a line."""
        ending = shell(f"{line} --json")
        said = [*ending.out.splitlines(), *ending.err.splitlines()]
        self.log.append(f"$ {line}: exit {ending.code}: {said[-1] if said else ''}")
        return ending


class _Writer(_Victim):
    """A process that writes."""

    def __init__(self, random: Random, name: str) -> None:
        super().__init__(random)
        self.what = name
        self.kind = WRITES[name]
        self.sandbox, self.portal = _open_portal()
        self.time = FakeTime(MONDAY)
        self.home = Path(tempfile.mkdtemp())
        self.env = {**_environment(self.kind.person), "GPCLI_CONFIG_DIR": str(self.home)}
        self.shell = TimedShell(self.env, self.time.now, transport=self.portal.way, time=self.time)

    def start(self) -> subprocess.Popen[bytes]:
        self.portal.put_back()
        words = self.kind.prepare(self.shell, self.random)
        self.line = f"gpcli {self.kind.line.format(**words)}"
        named = " --request-id killed" if self.random.random() < 0.3 else ""
        self.before = self.portal.read_versions()
        self.known = {each["request_id"] for each in self.read_outbox()}
        self.pass_time(60)
        offset = (self.time.now() - datetime.now(UTC)).total_seconds()
        env = {**self.env, "GPCLI_CLOCK_OFFSET": str(offset)}
        return _start(shlex.split(f"{self.line}{named}"), env)

    def look(self) -> None:
        effects = self.judge_at_most_once()
        self.pass_time(60)
        new = [each for each in self.read_outbox() if each["request_id"] not in self.known]
        again = self.line
        if new:
            again = new[0]["repeat"] or f"{self.line} --request-id {new[0]['request_id']}"
            if self.random.random() < 0.5:
                self.settle()
        elif effects:
            self.problems.add("untracked")
        if self.enter(self.shell, again).code != 0:
            self.problems.add("never done")
        if self.judge_at_most_once().keys() != self.kind.intended.keys():
            self.problems.add("lost")
        self.pass_time(TEXTS_KEPT)
        self.enter(self.shell, "gpcli gp")
        if texts := find_texts(self.home):
            self.log.append(f"left: {texts}")
            self.problems.add("text left")

    def pass_time(self, seconds: float) -> None:
        """Let time pass for gpcli, for the portal and for the files that were begun."""
        self.time.sleep(seconds)
        self.sandbox.set_clock(self.time.now())
        age_drafts(self.home, seconds)

    def settle(self) -> None:
        """Have the outbox find out what became of the write, now and later."""
        for is_late in (False, True):
            self.pass_time(LATER * is_late)
            ending = self.enter(self.shell, "gpcli outbox settle")
            if is_late and ending.code != 0:
                self.problems.add("not settled")
            entries = read_lasting(self.home, (MONDAY + timedelta(seconds=30)).isoformat())
            for untrue in find_untrue(entries, self.portal, self.kind):
                self.log.append(f"untrue: {untrue}")
                self.problems.add("settled untruly")

    def read_outbox(self) -> list[Any]:
        """Return what the outbox knows of."""
        listed: list[Any] = self.enter(self.shell, "gpcli outbox list --all").json
        return listed

    def judge_at_most_once(self) -> Counter[str]:
        """Return what the portal has of the write; anything twice is a problem."""
        effects = count_effects(self.kind, self.portal.find_changed(self.before))
        self.log.append(f"the portal has {dict(effects)}")
        if any(count > self.kind.intended.get(effect, 0) for effect, count in effects.items()):
            self.problems.add("doubled")
        return effects


class _Refresher(_Victim):
    """A process that reads, and has to renew its access first."""

    what = REFRESH

    def __init__(self, random: Random, name: str = REFRESH) -> None:
        super().__init__(random)
        self.sandbox = _open_signing_in()
        self.home, self.vault = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
        self.env = {"GPCLI_CONFIG_DIR": str(self.home)}
        self.shell = Shell(
            self.env,
            lambda: datetime.now(UTC),
            vault=FileVault(self.vault),
            browse=open_sign_in_page,
        )

    def start(self) -> subprocess.Popen[bytes]:
        base = self.sandbox.fhir_base
        ending = self.shell(f"gpcli login {base} --hint ada")
        if ending.code != 0:
            raise RuntimeError(ending.err)
        [(name, session)] = self.read_sessions()
        session = replace(session, expires_at=0.0)
        (self.vault / name).write_text(session.format_item(), encoding="utf-8")
        return _start(["bench.file_vault", str(self.vault), "gp"], self.env)

    def look(self) -> None:
        if len(self.read_sessions()) != 1 or self.enter(self.shell, "gpcli gp").code != 0:
            self.problems.add("session lost")

    def read_sessions(self) -> list[tuple[str, StoredSession]]:
        """Return the sessions in the vault that can be read, with the names of their files."""
        files = [path for path in self.vault.iterdir() if not is_draft(path)]
        read = [(path.name, parse_item(path.read_text(encoding="utf-8"))) for path in files]
        return [(name, session) for name, session in read if session]


def _start(words: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a module of Python with its arguments."""
    minimal = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": env["GPCLI_CONFIG_DIR"]}
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**minimal, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@cache
def _open_portal() -> tuple[StagedSandbox, Portal]:
    """Start a portal for writes, for the life of the process."""
    sandbox = StagedSandbox(clock=MONDAY, seed=1, people=write_people())
    sandbox.start()
    return sandbox, Portal.of(sandbox)


@cache
def _environment(person: str) -> dict[str, str]:
    return build_environment(_open_portal()[0], person)


@cache
def _open_signing_in() -> StagedSandbox:
    """Start a portal by the real clock that signs in whoever asks, for the life of the process."""
    sandbox = StagedSandbox(people=write_people(), auto_sign_in=True)
    sandbox.start()
    return sandbox


@cache
def _measure(what: str) -> tuple[float, int]:
    """Return how many seconds and requests the process takes that is not killed."""
    seconds, requests = [], 0
    for number in range(MEASURED_RUNS):
        victim = _choose_victim(Random(number), what)
        process = victim.start()
        began = time.monotonic()
        victim.sandbox.stages.watch(process)
        if process.wait(60) != 0:
            raise RuntimeError(f"{what} fails")
        seconds.append(time.monotonic() - began)
        requests = victim.sandbox.stages.end()
    return median(seconds), requests


def _choose_victim(random: Random, what: str) -> _Victim:
    return _Refresher(random) if what == REFRESH else _Writer(random, what)


def play(number: int) -> Round:
    """Kill a process at a random moment, and look at what is left."""
    random = Random(number)
    what = random.choice(KILLED) if number % REFRESH_EVERY else REFRESH
    seconds, requests = _measure(what)
    victim = _choose_victim(random, what)
    process, stages = victim.start(), victim.sandbox.stages
    if random.random() < 0.5:
        delay = random.uniform(0, seconds)
        moment = f"after {delay:.3f} of {seconds:.3f} s"
        stages.watch(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        process.kill()
    else:
        lag = random.uniform(0, PAUSE)
        stage = Stage(random.randint(1, requests), random.choice(MOMENTS), lag)
        moment = f"{stage.moment} {stage.number} of {requests}, {lag:.3f} s later"
        stages.watch(process, stage)
    is_killed = process.wait(60) == -SIGKILL
    stages.end()
    victim.log.append(f"killed: {is_killed}")
    drafts = count_drafts(victim.home)
    if broken := find_broken(victim.home):
        victim.problems.add("half-written file")
        victim.log.append(f"broken: {broken}")
    victim.look()
    shutil.rmtree(victim.home)
    problems, log = tuple(sorted(victim.problems)), tuple(victim.log)
    return Round(number, what, moment, is_killed, drafts, problems, log)


def main() -> None:
    """Play one round again."""
    with tempfile.TemporaryDirectory(prefix="gpcli-bench-") as home:
        keep_files_in(home)
        played = play(int(sys.argv[1]))
        for sandbox in (_open_portal()[0], _open_signing_in()):
            sandbox.stop()
    print(played, *played.log, sep="\n")


if __name__ == "__main__":
    main()
