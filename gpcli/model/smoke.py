"""What a run of `gpcli smoke` found at a portal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gpcli.model.account import Environment, Verdict

REPORT_FORMAT = 1
"""The number of the report's form: it rises when a key changes its meaning or goes."""

Proof = Literal["proved", "failed", "not_tried"]
"""What a run says of a line of the contract."""

Writing = Literal["none", "reversible", "all"]
"""What a run may write: nothing, what can be undone, or messages as well."""


@dataclass(frozen=True)
class CheckReport:
    """How one check came out.

    `status` `warning` = what was found limits or will fail later; `skipped` = it could not or need
    not be made, and `seen` says why. `seen` is a sentence on what was found. `cause` is an
    `error.code`, or one of the words of `gpcli help smoke`; `None` = nothing failed. `proves` are
    the lines of the contract that it is about. `ms` is how long it took in milliseconds, `requests`
    how many requests it made, tries included. `trace_id` is the `X-Request-ID` of the last of them,
    and `excerpt` what the portal answered to it, without what could be about a person: only for a
    check that failed.
    """

    name: str
    status: Verdict
    seen: str
    cause: str | None
    proves: tuple[str, ...]
    tags: tuple[str, ...]
    ms: int
    requests: int
    trace_id: str | None
    excerpt: str | None

    @property
    def has_failed(self) -> bool:
        """Whether the check failed."""
        return self.status is Verdict.FAILED


@dataclass(frozen=True)
class ContractLine:
    """A line of the contract (docs/portal.md), and what the run says of it.

    `section` and `line` are the heading and the first cell there; `checks` are the names of those
    that were made for it; `why` says why it was not tried, `None` = it was.
    """

    section: str
    line: str
    status: Proof
    checks: tuple[str, ...]
    why: str | None


@dataclass(frozen=True)
class Coverage:
    """How many lines of the contract were proved, failed, and not tried; `lines` are all."""

    proved: int
    failed: int
    not_tried: int
    lines: tuple[ContractLine, ...]


@dataclass(frozen=True)
class Latency:
    """How long the answers took that came, in milliseconds: percentiles of `requests` of them.

    `None` = none came.
    """

    requests: int
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    max_ms: int | None


@dataclass(frozen=True)
class Change:
    """A check that comes out otherwise than in an earlier report; `None` = it was not in one."""

    check: str
    before: Verdict | None
    now: Verdict | None


@dataclass(frozen=True)
class SmokeReport:
    """What a run found.

    `report` is `REPORT_FORMAT`. `gpcli` is the version that ran. `ms` is how long all took. `write`
    is what it was allowed to write; `left` names what it made and could not undo, `undone` counts
    what it undid of earlier runs. `changes` are what is new since the report of `--compare`, and
    `not_compared` how many of its checks were not chosen now; `None` = none was given.
    """

    gpcli: str
    portal: str
    profile: str
    environment: Environment
    started: datetime
    ms: int
    write: Writing
    checks: tuple[CheckReport, ...]
    coverage: Coverage
    latency: Latency
    undone: int = 0
    left: tuple[str, ...] = ()
    changes: tuple[Change, ...] | None = None
    not_compared: int | None = None
    report: int = field(default=REPORT_FORMAT)

    def count(self, status: Verdict) -> int:
        """Return how many checks came out with `status`."""
        return sum(check.status is status for check in self.checks)
