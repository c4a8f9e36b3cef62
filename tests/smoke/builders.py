"""Reports of checks, as a run makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gpcli.model.account import Verdict
from gpcli.model.smoke import CheckReport, Latency, SmokeReport
from gpcli.smoke.contract import build_coverage
from gpcli.smoke.runner import CHECKS


def report_of(name: str, status: Verdict = Verdict.OK, **changes: Any) -> CheckReport:
    """The report of a check that there is, or of another one of the tag `search`."""
    known = {check.name: check for check in CHECKS}.get(name)
    values: dict[str, Any] = {
        "seen": f"{name} was seen",
        "cause": None if status in (Verdict.OK, Verdict.SKIPPED) else "contract",
        "proves": known.proves if known else (),
        "tags": known.tags if known else ("search",),
        "ms": 12,
        "requests": 1,
        "trace_id": f"trace-{name}",
        "excerpt": "404 text/html no JSON" if status is Verdict.FAILED else None,
    }
    return CheckReport(name, status, **{**values, **changes})


def run_of(*checks: CheckReport, **changes: Any) -> SmokeReport:
    """The report of a run that made `checks`."""
    values: dict[str, Any] = {
        "gpcli": "1.2.3",
        "portal": "https://portal.example/fhir",
        "profile": "staging",
        "environment": "staging",
        "started": datetime(2027, 3, 1, 8, 0, 5, tzinfo=UTC),
        "ms": 1234,
        "write": "none",
        "checks": checks,
        "coverage": build_coverage(checks),
        "latency": Latency(3, 10, 20, 30, 40),
    }
    return SmokeReport(**{**values, **changes})
