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
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from bench.faults import FakeTime, FaultyTransport, PortalKind
from bench.journal_truth import find_untrue, read_lasting
from bench.left_files import find_texts
from bench.portals import (
    LATER,
    MONDAY,
    TEXTS_KEPT,
    Portal,
    TimedShell,
    build_environment,
    write_people,
)
from bench.rounds import format_share, keep_files_in, play_rounds, wilson
from bench.row import Report, Row, Scale
from bench.write_kinds import KINDS, Kind, count_effects
from gpcli.journal import JournalEntry
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import CommandResult

RATE = 0.2
SEED = 1
FAULTY_TRIES = 3
"""How often a write of unknown outcome is repeated, or settled, while there are faults."""
PARTIAL, UNKNOWN, BUG = 8, 10, 70
WORLDS = ("with conditional create", "without conditional create")
PROBLEMS = (
    *("doubled", "lost", "untrue", "crashed"),
    *("untracked", "not settled", "settled untruly", "never done", "text left"),
)

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

    @property
    def trouble(self) -> str | None:
        """What did not go as it should; `None` = nothing."""
        problems = ", ".join(self.problems)
        return f"round {self.number}, {self.kind} {self.world}: {problems}" if problems else None


def measure_writes(scale: Scale, report: Report) -> Row:
    """Count what is doubled, lost or told untruly among writes with faults before and after."""
    return _build_row(play_rounds(play, scale.pick(10_000, 2 * 3 * len(KINDS)), report))


def _build_row(rounds: Sequence[Round]) -> Row:
    found = Counter(problem for each in rounds for problem in each.problems)
    unknown = {
        world: [each.code == UNKNOWN for each in rounds if each.world == world] for world in WORLDS
    }
    shares = "; ".join(f"{format_share(seen)} {world}" for world, seen in unknown.items())
    total = sum(map(sum, unknown.values()))
    bad = [each for each in rounds if each.problems]
    wrong = [found[problem] for problem in ("doubled", "lost", "untrue")]
    measured = (
        f"{wrong[0]} doubled, {wrong[1]} lost, {wrong[2]} told untruly "
        f"(each below {wilson(max(wrong), len(rounds))[1]:.2%} with 95 %); unknown: {shares}; "
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
    failures = {"untracked", "not settled", "settled untruly", "never done"}
    return sum(bool(failures & set(each.problems)) for each in rounds if each.code == UNKNOWN)


def _count_endings(rounds: Sequence[Round]) -> dict[str, int]:
    return dict(Counter(f"{each.code} {each.word}".strip() for each in rounds).most_common())


def _count_unknown(rounds: Sequence[Round], kind: str) -> dict[str, str]:
    of_kind = [each for each in rounds if each.kind == kind]
    return {
        world: format_share([each.code == UNKNOWN for each in of_kind if each.world == world])
        for world in WORLDS
    }


@cache
def open_portal(booking: str) -> Portal:
    """Start a portal that keeps its times in the way `booking`, for the life of the process."""
    sandbox = Sandbox(clock=MONDAY, seed=1, booking=booking, people=write_people())
    sandbox.start()
    return Portal.of(sandbox)


@cache
def _environment(booking: str, person: str) -> dict[str, str]:
    return build_environment(open_portal(booking).sandbox, person)


class Play:
    """One round: a write with faults, what it says, and what the portal has."""

    def __init__(self, number: int, seed: int, home: Path) -> None:
        self.kind = KINDS[number % len(KINDS)]
        self.world = WORLDS[number // len(KINDS) % len(WORLDS)]
        self.random = Random(f"{seed} {number}")
        random_numbers.seed(f"{seed} {number}")  # of the client's pauses
        self.portal = open_portal(self.kind.booking)
        self.time = FakeTime(MONDAY)
        self.home = home
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
        named = " --request-id bench" if self.random.random() < 0.5 else ""
        self.log.clear()
        self.time.sleep(60)
        self.began = self.time.now().isoformat(timespec="seconds")
        self.before = self.portal.read_versions()
        self.transport.rate = RATE
        first = self.enter(f"{line}{named}")
        self.judge(first)
        listed = self.read_outbox()
        if first.code == UNKNOWN or listed:
            self.settle(line, first.error["request_id"], listed)
        if find_texts(self.home):
            self.transport.rate = 0
            self.time.sleep(TEXTS_KEPT)
            self.enter("gpcli gp")
        if texts := find_texts(self.home):
            self.log.append(f"left: {texts}")
            self.problems.add("text left")
        return first

    def enter(self, line: str) -> CommandResult:
        """Have the shell run a line."""
        self.log.append(f"$ {line}")
        ending = self.shell(f"{line} --json")
        said = [ending.out.strip(), *ending.err.splitlines()]
        self.log.append(f"exit {ending.code}: {said[0]} {said[-1]}")
        if ending.code == BUG:
            self.problems.add("crashed")
        return ending

    def judge(self, ending: CommandResult) -> None:
        """Compare what a command says with what the portal has.

        Where it says anything for certain, all that is late arrives before.
        """
        claims = read_claims(self.kind, ending)
        if any(claim is not None for claim in claims.values()):
            self.transport.deliver_late()
        effects = self.count_effects()
        for effect, claim in claims.items():
            if claim is True and not effects[effect]:
                self.problems.add("lost")
            if claim is False and effects[effect]:
                self.problems.add("untrue")

    def count_effects(self) -> Counter[str]:
        """Return what the portal has of the write; anything twice is a problem."""
        effects = count_effects(self.kind, self.portal.find_changed(self.before))
        self.log.append(f"the portal has {dict(effects)}")
        if any(count > self.kind.intended.get(effect, 0) for effect, count in effects.items()):
            self.problems.add("doubled")
        return effects

    def settle(self, line: str, request_id: str | None, listed: list[Any]) -> None:
        """Find out what became of a write, while there are faults and after; then finish it.

        `request_id` is the one that the error named, `listed` what the outbox has.
        """
        states = {entry.state for entry in self.read_journal()}
        if request_id is None or not states & {"sending", "unknown", "done"}:
            self.problems.add("untracked")
        again = f"{line} --request-id {request_id or listed[0]['request_id']}"
        if self.random.random() < 0.5:
            self.repeat(again)
            self.let_time_pass()
        else:
            self.try_settling()
            self.let_time_pass()
            if self.enter("gpcli outbox settle").code != 0:
                self.problems.add("not settled")
            self.check_journal()
        if self.enter(again).code != 0:
            self.problems.add("never done")
        if self.count_effects().keys() != self.kind.intended.keys():
            self.problems.add("lost")
        if self.read_outbox():
            self.problems.add("not settled")

    def repeat(self, line: str) -> None:
        """Repeat a line with faults, until it succeeds or they have been enough."""
        for _ in range(FAULTY_TRIES):
            self.time.sleep(self.random.uniform(0, 60))
            ending = self.enter(line)
            self.judge(ending)
            if ending.code == 0:
                return

    def try_settling(self) -> None:
        """Have the outbox settle what it can, with faults."""
        for _ in range(FAULTY_TRIES):
            self.time.sleep(self.random.uniform(0, 60))
            self.enter("gpcli outbox settle")
            self.check_journal()

    def let_time_pass(self) -> None:
        """Have all arrive that is late, and the faults end, after which more time passes."""
        self.transport.rate = 0
        self.transport.deliver_late()
        self.time.sleep(LATER)
        self.portal.sandbox.set_clock(self.time.now())

    def check_journal(self) -> None:
        """Compare what the journal says of each record with what the portal has."""
        for untrue in find_untrue(self.read_journal(), self.portal, self.kind):
            self.log.append(f"untrue: {untrue}")
            self.problems.add("settled untruly")

    def read_journal(self) -> list[JournalEntry]:
        """Return what the journal has of the write."""
        return read_lasting(self.home, self.began)

    def read_outbox(self) -> list[Any]:
        """Return what the outbox lists as unsettled."""
        listed: list[Any] = self.enter("gpcli outbox list").json
        return listed


def read_claims(kind: Kind, ending: CommandResult) -> Claims:
    """Return what a command says of each effect that it was to have."""
    if ending.code in {0, PARTIAL, UNKNOWN} and kind.rows:
        rows = json.loads(ending.out) if ending.out.strip() else []
        missing = False if ending.code == PARTIAL else None
        return dict.fromkeys(kind.intended, missing) | {
            row[kind.rows]: _read_row(row) for row in rows
        }
    if ending.code == 0:
        return dict.fromkeys(kind.intended, True)
    if ending.code in {UNKNOWN, BUG}:
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
    home = Path(tempfile.mkdtemp())
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
        keep_files_in(home)
        played = play(*map(int, sys.argv[1:]))
        open_portal(KINDS[played.number % len(KINDS)].booking).sandbox.stop()
    print(played, *played.log, sep="\n")


if __name__ == "__main__":
    main()
