"""What `troubleshoot` found: a line for each check, and the cures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpcli.model.finding import Finding, Verdict
from gpcli.render.view import Column, View, record_view

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
