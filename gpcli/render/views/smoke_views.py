"""The report of `gpcli smoke`: its checks as a table, what it says in a few lines, Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gpcli.errors import GpcliError
from gpcli.model.account import Verdict
from gpcli.model.smoke import CheckReport, ContractLine, SmokeReport
from gpcli.render.sanitise import json_escape_hidden, safe_line
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.account_views import VERDICT_STYLES

SMOKE_CHECKS: View[CheckReport] = dataclass_view(
    CheckReport,
    "smoke",
    (
        Column("name", "Check", lambda check: check.name),
        Column(
            "status",
            "Status",
            lambda check: check.status.value,
            style=lambda check: VERDICT_STYLES[check.status],
        ),
        Column("ms", "ms", lambda check: check.ms, right=True),
        Column("seen", "Seen", lambda check: check.seen),
        Column("cause", "Cause", lambda check: check.cause, in_table=False),
        Column("trace_id", "Request", lambda check: check.trace_id, in_table=False),
    ),
)

SMOKE_REPORT: View[SmokeReport] = dataclass_view(SmokeReport, "smoke", ())
"""The whole report, for JSON."""

_MAX_NAMED = 12
"""The most lines of the contract that a sentence names."""


def summarise(report: SmokeReport) -> Iterator[str]:
    """Yield sentences on what a run found; what failed comes last."""
    counts = [f"{report.count(each)} {each.value}" for each in Verdict if report.count(each)]
    noun = "check" if len(report.checks) == 1 else "checks"
    yield f"{len(report.checks)} {noun}: {', '.join(counts)}; {report.ms / 1000:.1f} s."
    coverage = report.coverage
    yield (
        f"Of {len(coverage.lines)} lines of the contract {coverage.proved} were proved, "
        f"{coverage.failed} failed, {coverage.not_tried} were not tried."
    )
    yield from _summarise_untried(coverage.lines)
    if report.undone:
        yield f"Left by earlier runs and undone: {report.undone}."
    for what in report.left:
        yield f"Left at the portal: {what.removesuffix('.')}."
    yield from _summarise_changes(report)
    for status in (Verdict.WARNING, Verdict.FAILED):
        for check in report.checks:
            if check.status is status:
                yield _summarise_check(check)


def _summarise_untried(lines: Sequence[ContractLine]) -> Iterator[str]:
    """Yield a sentence for each reason why lines were not tried."""
    untried: dict[str | None, list[str]] = {}
    for line in lines:
        if line.status == "not_tried":
            untried.setdefault(line.why, []).append(line.line)
    for why, names in untried.items():
        named = "; ".join(names) if len(names) <= _MAX_NAMED else f"{len(names)} lines"
        yield f"Not tried, since {why}: {named}."


def _summarise_changes(report: SmokeReport) -> Iterator[str]:
    """Yield what is new since the earlier report; what was not in one of both is counted."""
    added = 0
    for change in report.changes or ():
        if change.before is None and change.now is not Verdict.FAILED:
            added += 1
            continue
        before = change.before.value if change.before else "not made"
        now = change.now.value if change.now else "not made"
        yield f"New since the earlier report: {change.check} was {before} and is {now}."
    if added:
        yield f"Not in the earlier report, and not failed now: {added} of the checks."
    if report.not_compared:
        yield f"Not chosen now, so not compared: {report.not_compared} of the earlier checks."


def _summarise_check(check: CheckReport) -> str:
    request = f" X-Request-ID: {check.trace_id}." if check.trace_id else ""
    label = check.status.value.capitalize()
    return f"{label}: {check.name} ({check.cause}): {check.seen.removesuffix('.')}.{request}"


def format_report_json(report: SmokeReport) -> bytes:
    """Return the report as a line of JSON, as `--json` writes it."""
    document = json.dumps(SMOKE_REPORT.record(report), ensure_ascii=False, allow_nan=False)
    return f"{json_escape_hidden(document)}\n".encode()


def format_markdown_error(error: GpcliError) -> str:
    """Return, as Markdown, why a run has no report."""
    sentences = [f"- {_escape_markdown(each)}" for each in (error.message, error.hint) if each]
    return "\n".join(["## gpcli smoke: no report", "", *sentences, "", ""])


def format_markdown(report: SmokeReport) -> str:
    """Return the report as Markdown, for the summary of a CI job."""
    title = f"gpcli smoke: {report.environment} {'failed' if _has_failed(report) else 'passed'}"
    sentences = [f"- {_escape_markdown(each)}" for each in summarise(report)]
    lines = [f"## {title}", "", *sentences, ""]
    lines += ["| Check | Status | ms | Seen |", "| --- | --- | ---: | --- |"]
    for check in report.checks:
        cells = (check.name, check.status.value, str(check.ms), check.seen)
        lines.append(f"| {' | '.join(map(_escape_markdown, cells))} |")
    return "\n".join([*lines, "", ""])


def _has_failed(report: SmokeReport) -> bool:
    return any(check.has_failed for check in report.checks)


_ACTIVE_IN_MARKDOWN = {ord(each): f"\\{each}" for each in "\\`*_{}[]<>#|!&@~"}


def _escape_markdown(text: str) -> str:
    """Return text of which Markdown makes nothing but that text, on one line."""
    return safe_line(text).translate(_ACTIVE_IN_MARKDOWN)
