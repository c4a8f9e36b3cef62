"""The sandbox's people, its surgery's answers, and the findings of `troubleshoot`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gpcli.model.finding import Finding, Verdict
from gpcli.render.view import Column, View, dataclass_view


@dataclass(frozen=True)
class SandboxPerson:
    """Somebody who can sign in at the sandbox; `acts_for` are the names of their children."""

    person: str
    name: str
    shows: str
    acts_for: tuple[str, ...]


PEOPLE: View[SandboxPerson] = dataclass_view(
    SandboxPerson,
    "sandbox-people",
    (
        Column("person", "Person", lambda person: person.person),
        Column("name", "Name", lambda person: person.name),
        Column("shows", "Shows", lambda person: person.shows),
        Column("acts_for", "Acts for", lambda person: person.acts_for),
    ),
)


@dataclass(frozen=True)
class Answer:
    """An answer of the surgery: to what (`id`), of which service, and `booked`, `declined`, ..."""

    id: str
    service: str
    outcome: str


ANSWERS: View[Answer] = dataclass_view(
    Answer,
    "sandbox-answered",
    (
        Column("id", "ID", lambda answer: answer.id),
        Column("service", "Service", lambda answer: answer.service),
        Column("outcome", "Outcome", lambda answer: answer.outcome),
    ),
)


_STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.SKIPPED: "dim",
}

FINDINGS: View[Finding] = dataclass_view(
    Finding,
    "troubleshoot",
    (
        Column("name", "Check", lambda finding: finding.name),
        Column(
            "status",
            "Status",
            lambda finding: finding.status.value,
            style=lambda o: _STYLES[o.status],
        ),
        Column("seen", "Seen", lambda finding: finding.seen),
        Column("cause", "Cause", lambda finding: finding.cause, in_table=False),
        Column("cure", "Cure", lambda finding: finding.cure, in_table=False),
    ),
)


def format_cures(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a line for each check that has a cure."""
    return (f"{finding.name}: {finding.cure}" for finding in findings if finding.cure)
