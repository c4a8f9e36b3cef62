"""Writes of every kind over a network that loses requests and answers, and what became of each.

`python -m bench.writes ROUND [SEED]` plays one round again and tells all of it.
"""

from __future__ import annotations

import json
import random as random_numbers
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from bench.faults import FakeTime, FaultyTransport, PortalKind
from bench.row import Report, Row, Scale
from bench.write_kinds import KINDS, Kind, Resource, count_effects
from gpcli.app_context import AppContext
from gpcli.config.settings import Options
from gpcli.http.client import Bearer, HttpClient
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import AN_HOUR, CommandResult, Shell, shell_for
from tests.journeys.world import Snapshot

RATE = 0.2
SEED = 1
PROCESSES = 2
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=ZoneInfo("Europe/Oslo"))
SLOW_SURGERY = timedelta(days=1)
"""How long the surgery takes: nobody but the patient writes during a round."""
LATER = timedelta(minutes=15).total_seconds()
"""After so many seconds no portal carries out a request whose answer was lost."""
FAULTY_REPEATS, SOUND_REPEATS = 3, 2
UNKNOWN = 10
WORLDS = ("with conditional create", "without conditional create")
PROBLEMS = ("doubled", "lost", "untrue", "crashed", "never done", "not settled", "settled untruly")

Problems = set[str]
Claims = Mapping[str, bool | None]
"""For each effect: whether the command says that it is there, `None` = it says it can't tell."""


@dataclass(frozen=True)
class Round:
    """What one write came to.

    `code` and `word` are exit code and error word of the first run, `problems` some of PROBLEMS.
    `log` tells every command and request.
    """

    number: int
    world: str
    kind: str
    code: int
    word: str
    problems: tuple[str, ...]
    log: tuple[str, ...] = field(repr=False)


def measure_writes(scale: Scale, report: Report) -> Row:
    """Count what is doubled, lost or told untruly among writes with faults before and after."""
    count = scale.pick(10_000, 400)
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="gpcli-bench-") as home:
        context = get_context("spawn")
        with context.Pool(PROCESSES, initializer=_keep_in, initargs=(home,)) as pool:
            for played in pool.imap_unordered(play, range(count), chunksize=10):
                rounds.append(played)
                if played.problems:
                    report(f"round {played.number}, {played.kind}: {', '.join(played.problems)}")
                if len(rounds) % max(1, count // 20) == 0:
                    report(f"{len(rounds)} of {count} writes")
    return _build_row(rounds)


def _build_row(rounds: Sequence[Round]) -> Row:
    found = Counter(problem for each in rounds for problem in each.problems)
    unknown = {
        world: [each.code == UNKNOWN for each in rounds if each.world == world] for world in WORLDS
    }
    shares = "; ".join(f"{_format_share(seen)} {world}" for world, seen in unknown.items())
    total = sum(map(sum, unknown.values()))
    bad = [each for each in rounds if each.problems]
    measured = (
        f"{found['doubled']} doubled, {found['lost']} lost, {found['untrue']} told untruly "
        f"(each below {_wilson(0, len(rounds))[1]:.2%} with 95 %); unknown: {shares}; "
        f"{total - _count_unsettled(rounds)} of {total} of them settled"
    )
    return Row(
        figure="Writes with 20 % faults, before and after commit",
        to_reach='0 duplicates, 0 lost, 0 "failed" that were done; all unknowns settled',
        measured=measured,
        holds=not bad,
        rounds=f"{len(rounds):,} writes of {len(KINDS)} kinds",
        details={
            "problems": {problem: found[problem] for problem in PROBLEMS},
            "endings": _count_endings(rounds),
            "unknown": {kind: _count_unknown(rounds, kind) for kind in (k.name for k in KINDS)},
            "bad_rounds": [asdict(each) for each in bad[:50]],
        },
    )


def _count_unsettled(rounds: Sequence[Round]) -> int:
    failures = {"never done", "not settled", "settled untruly"}
    return sum(bool(failures & set(each.problems)) for each in rounds if each.code == UNKNOWN)


def _count_endings(rounds: Sequence[Round]) -> dict[str, int]:
    return dict(Counter(f"{each.code} {each.word}".strip() for each in rounds).most_common())


def _count_unknown(rounds: Sequence[Round], kind: str) -> dict[str, str]:
    of_kind = [each for each in rounds if each.kind == kind]
    return {
        world: _format_share([each.code == UNKNOWN for each in of_kind if each.world == world])
        for world in WORLDS
    }


def _format_share(seen: Sequence[bool]) -> str:
    low, high = _wilson(sum(seen), len(seen))
    return f"{sum(seen) / max(1, len(seen)):.1%} ({low:.1%}–{high:.1%})"


def _wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    below = 1 + z * z / count
    return max(0.0, (middle - spread) / below), min(1.0, (middle + spread) / below)


_HOME: list[Path] = []


def _keep_in(home: str) -> None:
    """Keep what a process of the measurement writes in `home`."""
    _HOME[:] = [Path(home)]


@dataclass(frozen=True)
class Portal:
    """A portal that is put back before each round; `way` is the network to it.

    `last` is the row of the last record that it has at the start.
    """

    sandbox: Sandbox
    snapshot: Snapshot
    way: httpx.BaseTransport
    last: int

    def put_back(self) -> None:
        """Have it as at the start, with a surgery that does not answer."""
        self.snapshot.put_back()
        self.sandbox.set_delay(SLOW_SURGERY)

    def read_versions(self) -> dict[tuple[str, str], int]:
        """Return the versions of the records that are not as at the start."""
        rows = self.sandbox.store.execute(f"SELECT type, id, version {_SINCE_START}", [self.last])
        return {(kind, name): version for kind, name, version in rows}

    def find_changed(self, since: Mapping[tuple[str, str], int]) -> list[Resource]:
        """Return the records that are new or changed since `read_versions`."""
        sql = f"SELECT type, id, version, body {_SINCE_START} AND NOT deleted"
        return [
            json.loads(body)
            for kind, name, version, body in self.sandbox.store.execute(sql, [self.last])
            if version > since.get((kind, name), 0)
        ]


_SINCE_START = "FROM resource WHERE (version > 1 OR rid > ?)"


@cache
def open_portal(booking: str) -> Portal:
    """Start a portal that keeps its times in the way `booking`, for the life of the process."""
    state = Path(tempfile.mkdtemp(prefix=f"{booking}-", dir=_HOME[0]))
    sandbox = Sandbox(state=state, clock=MONDAY, seed=1, booking=booking)
    sandbox.start()
    [[last]] = sandbox.store.execute("SELECT max(rid) FROM resource")
    network = httpx.HTTPTransport(trust_env=False)
    return Portal(sandbox, Snapshot(sandbox, lambda: MONDAY), network, last)


@cache
def _environment(booking: str, person: str) -> dict[str, str]:
    portal = open_portal(booking)
    return dict(shell_for(portal.sandbox, _HOME[0], person, lambda: MONDAY).env)


class _TimedContext(AppContext):
    """A command whose time limit goes by another clock."""

    monotonic = staticmethod(FakeTime(MONDAY).monotonic)

    def open_client(self, bearer: Bearer | None) -> HttpClient:
        client = super().open_client(bearer)
        client.deadline.clock = self.monotonic
        client.deadline.restart()
        return client


@dataclass(frozen=True)
class TimedShell(Shell):
    """A shell whose commands live by `time`; `booking` is that of the profile."""

    time: FakeTime = field(default_factory=partial(FakeTime, MONDAY))
    booking: str = "auto"

    def _session(self, options: Options, env: Mapping[str, str], *streams: Any) -> AppContext:
        context = _TimedContext(
            options,
            env,
            *streams,
            now=self.time.now,
            terminal=self.terminal,
            sleep=self.time.sleep,
            transport=self.transport,
            patience=AN_HOUR,
        )
        context.monotonic = self.time.monotonic
        if self.booking != "auto":
            settings = context.settings
            profile = replace(settings.profile, booking=self.booking)
            context.use_settings(replace(settings, profile=profile))
        return context


class Play:
    """One round: a write with faults, what it says, and what the portal has."""

    def __init__(self, number: int, seed: int, home: Path) -> None:
        self.kind = KINDS[number % len(KINDS)]
        self.world = WORLDS[number // len(KINDS) % len(WORLDS)]
        self.random = Random(f"{seed} {number}")
        random_numbers.seed(f"{seed} {number}")  # of the client's pauses
        self.portal = open_portal(self.kind.booking)
        self.time = FakeTime(MONDAY)
        self.problems: Problems = set()
        bent = PortalKind(conditional=self.world == WORLDS[0], transactions=self.kind.transactions)
        self.transport = FaultyTransport(self.portal.way, bent, self.time, self.random)
        env = {
            **_environment(self.kind.booking, self.kind.person),
            "GPCLI_CONFIG_DIR": str(home),
        }
        self.shell = TimedShell(
            env,
            self.time.now,
            transport=self.transport,
            time=self.time,
            booking=self.kind.profile,
        )

    @property
    def log(self) -> list[str]:
        """What was done and what came of it, in order."""
        return self.transport.log

    def run(self) -> CommandResult:
        """Play the round; return how the first run of the line ended."""
        self.portal.put_back()
        words = self.kind.prepare(self.shell, self.random)
        line = f"gpcli {self.kind.line.format(**words)}"
        named = f"bench-{self.random.random()}" if self.random.random() < 0.5 else None
        self.log.clear()
        before = self.portal.read_versions()
        self.transport.rate = RATE
        first = self.enter(f"{line} --request-id {named}" if named else line)
        claims = read_claims(self.kind, first)
        if first.code != UNKNOWN or any(claim is not None for claim in claims.values()):
            self.transport.deliver_late()
        self.judge(claims, before)
        if first.code == 70:
            self.problems.add("crashed")
        if first.code == UNKNOWN:
            self.repeat(f"{line} --request-id {named or first.error['request_id']}", before)
        return first

    def enter(self, line: str) -> CommandResult:
        """Have the shell run a line."""
        self.log.append(f"$ {line}")
        ending = self.shell(f"{line} --json")
        said = [ending.out.strip(), *ending.err.splitlines()]
        self.log.append(f"exit {ending.code}: {said[0]} {said[-1]}")
        return ending

    def judge(self, claims: Claims, before: Mapping[tuple[str, str], int]) -> None:
        """Compare what a command says with what the portal has."""
        effects = count_effects(self.kind, self.portal.find_changed(before))
        self.log.append(f"the portal has {dict(effects)}")
        if any(count > self.kind.intended.get(effect, 0) for effect, count in effects.items()):
            self.problems.add("doubled")
        for effect, claim in claims.items():
            if claim is True and not effects[effect]:
                self.problems.add("lost")
            if claim is False and effects[effect]:
                self.problems.add("untrue")

    def repeat(self, line: str, before: Mapping[tuple[str, str], int]) -> None:
        """Repeat a line of unknown outcome until it succeeds: with faults, later without."""
        ending = None
        for _ in range(FAULTY_REPEATS):
            self.time.sleep(self.random.uniform(0, 60))
            ending = self.enter(line)
            if ending.code == 0:
                break
        self.transport.rate = 0
        self.transport.deliver_late()
        self.time.sleep(LATER)
        self.portal.sandbox.set_clock(self.time.now())
        for _ in range(SOUND_REPEATS):
            if ending is not None and ending.code == 0:
                break
            ending = self.enter(line)
        if ending is None or ending.code != 0:
            self.problems.add("never done")
        self.judge(dict.fromkeys(self.kind.intended, True), before)


def read_claims(kind: Kind, ending: CommandResult) -> Claims:
    """Return what a command says of each effect that it was to have."""
    if ending.code in {0, 8, UNKNOWN} and kind.rows:
        rows = json.loads(ending.out) if ending.out.strip() else []
        missing = None if ending.code == UNKNOWN else False
        return dict.fromkeys(kind.intended, missing) | {
            row[kind.rows]: _read_row(row) for row in rows
        }
    if ending.code == 0:
        return dict.fromkeys(kind.intended, True)
    if ending.code in {UNKNOWN, 70}:
        return dict.fromkeys(kind.intended)
    hint = ending.error["hint"] or ""
    said_begun = {"header": True} if "Only the beginning is at the portal" in hint else {}
    return dict.fromkeys(kind.intended, False) | said_begun


def _read_row(row: Mapping[str, Any]) -> bool | None:
    error = row.get("error")
    if error is None:
        return True
    return None if error["code"] == "outcome_unknown" else False


@contextmanager
def _new_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="home-", dir=_HOME[0]))
    try:
        yield home
    finally:
        shutil.rmtree(home)


def play(number: int, seed: int = SEED) -> Round:
    """Play the round of this number."""
    with _new_home() as home:
        played = Play(number, seed, home)
        first = played.run()
    word = first.error["code"] if first.code else ""
    problems = tuple(sorted(played.problems))
    return Round(
        number, played.world, played.kind.name, first.code, word, problems, tuple(played.log)
    )


def main() -> None:
    """Play one round again."""
    with tempfile.TemporaryDirectory(prefix="gpcli-bench-") as home:
        _keep_in(home)
        played = play(*map(int, sys.argv[1:]))
        open_portal(KINDS[played.number % len(KINDS)].booking).sandbox.stop()
    print(played, *played.log, sep="\n")


if __name__ == "__main__":
    main()
