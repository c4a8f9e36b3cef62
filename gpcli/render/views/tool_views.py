"""The people of the embedded portal, its surgery's answers, and what `troubleshoot` found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gpcli.model.finding import Finding, Verdict
from gpcli.render.view import Column, View, record_view


@dataclass(frozen=True)
class SandboxPerson:
    """Somebody who can sign in at the sandbox; `acts_for` are the names of their children."""

    person: str
    name: str
    shows: str
    acts_for: tuple[str, ...]


PEOPLE: View[SandboxPerson] = record_view(
    SandboxPerson,
    "sandbox-people",
    (
        Column("person", "Person", lambda one: one.person),
        Column("name", "Name", lambda one: one.name),
        Column("shows", "Shows", lambda one: one.shows),
        Column("acts_for", "Acts for", lambda one: one.acts_for),
    ),
)


@dataclass(frozen=True)
class SurgeryAnswer:
    """An answer of the surgery: to what (`id`), of which service, and `booked`, `declined`, ..."""

    id: str
    service: str
    outcome: str


ANSWERED: View[SurgeryAnswer] = record_view(
    SurgeryAnswer,
    "sandbox-answered",
    (
        Column("id", "ID", lambda one: one.id),
        Column("service", "Service", lambda one: one.service),
        Column("outcome", "Outcome", lambda one: one.outcome),
    ),
)


_STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "bold red",
    Verdict.SKIPPED: "dim",
}

FINDINGS: View[Finding] = record_view(
    Finding,
    "troubleshoot",
    (
        Column("name", "Check", lambda one: one.name),
        Column("status", "Status", lambda one: one.status.value, style=lambda o: _STYLES[o.status]),
        Column("seen", "Seen", lambda one: one.seen),
        Column("cause", "Cause", lambda one: one.cause, in_table=False),
        Column("cure", "Cure", lambda one: one.cure, in_table=False),
    ),
)


def cures(findings: Iterable[Finding]) -> Iterator[str]:
    """What to do, a line for each check that has a cure."""
    return (f"{one.name}: {one.cure}" for one in findings if one.cure)
