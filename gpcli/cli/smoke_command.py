"""`smoke`."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from gpcli import __version__
from gpcli.app_context import AppContext
from gpcli.auth.backend_service import ServiceBearer
from gpcli.care.dates import parse_duration
from gpcli.care.offers import parse_service
from gpcli.cli.global_options import get_context
from gpcli.cli.smoke_report_files import JUNIT, MARKDOWN, REPORT, ReportFiles
from gpcli.cli.value_parsers import choice, whole_number
from gpcli.errors import (
    Failure,
    InvalidUsage,
    NotFound,
    ProductionGuard,
    Unavailable,
)
from gpcli.model.account import Verdict
from gpcli.model.smoke import CheckReport, SmokeReport, Writing
from gpcli.render.output import Output
from gpcli.render.view import View
from gpcli.render.views.smoke_views import (
    SMOKE_CHECKS,
    SMOKE_REPORT,
    summarise,
)
from gpcli.smoke.check import Probe, SmokeCheck, SmokeRun
from gpcli.smoke.comparison import compare_reports, parse_report, select_comparable
from gpcli.smoke.contract import build_coverage
from gpcli.smoke.leftovers import hold_writing
from gpcli.smoke.runner import (
    build_smoke_error,
    choose_checks,
    find_missing_flag,
    require_known_checks,
    run_checks_in_order,
)
from gpcli.smoke.search_checks import measure_latency

_MAX_WORKERS = 32
_POLL_SECONDS = 1.0
_NOT_FOUND, _SERVER_ERROR = 404, 500


class Write(StrEnum):
    """What a run may write: what it can undo, or messages as well."""

    REVERSIBLE = "reversible"
    ALL = "all"


Checks = Annotated[
    list[str] | None,
    typer.Option("--checks", metavar="TAG,…", help="Only the checks of these tags or names"),
]
WriteOption = Annotated[
    Write | None,
    typer.Option(
        "--write",
        parser=choice(Write),
        metavar="[=all]",
        help="Try errands too, and undo them; --write=all sends a message as well",
    ),
]
Junit = Annotated[Path | None, typer.Option(JUNIT, metavar="FILE", help="Write JUnit XML")]
Markdown = Annotated[
    Path | None, typer.Option(MARKDOWN, metavar="FILE", help="Write the report in Markdown")
]
Report = Annotated[
    Path | None, typer.Option(REPORT, metavar="FILE", help="Write the report in JSON, as --json")
]
WaitReady = Annotated[
    str | None,
    typer.Option("--wait-ready", metavar="TIME", help="Wait so long for the portal to answer"),
]
Parallel = Annotated[
    int,
    typer.Option(
        "--parallel",
        parser=whole_number(1, _MAX_WORKERS),
        metavar="N",
        help="So many checks at a time, of those that only read",
    ),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Begin no check after a failure")]
Expect = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="SERVICE,…",
        help="Fail where one of them is not offered: booking, contact, …",
    ),
]
NoRetry = Annotated[bool, typer.Option("--no-retry", help="Try every request once")]
Compare = Annotated[
    Path | None,
    typer.Option("--compare", metavar="FILE", help="Tell what is new since an earlier report"),
]


def smoke(
    ctx: typer.Context,
    checks: Checks = None,
    write: WriteOption = None,
    junit: Junit = None,
    markdown: Markdown = None,
    report: Report = None,
    wait_ready: WaitReady = None,
    parallel: Parallel = 1,
    fail_fast: FailFast = False,
    expect: Expect = None,
    no_retry: NoRetry = False,
    compare: Compare = None,
) -> None:
    """Check a portal against the contract; read-only unless --write is given."""
    context = get_context(ctx)
    output = context.output
    view: View[Any] = SMOKE_CHECKS if output.is_streamed or output.is_text else SMOKE_REPORT
    if output.answer_field_query(view):
        return
    with ReportFiles(context, {JUNIT: junit, MARKDOWN: markdown, REPORT: report}) as files:
        writing: Writing = write.value if write else "none"
        expected = {parse_service(each).value for each in _split_words("--expect", expect)}
        chosen = _choose_checks(_split_words("--checks", checks), expected, writing)
        patience = parse_duration(wait_ready, "--wait-ready").total_seconds() if wait_ready else 0.0
        earlier = parse_report(_read_file(compare), str(compare)) if compare else None
        _check_profile(context, writing)
        run = SmokeRun(context, write=writing, expected=frozenset(expected), retries=not no_retry)
        files.empty()
        with run.clients:
            _wait_until_ready(run, patience)
            with hold_writing(run):
                found = _make_report(run, chosen, parallel, fail_fast=fail_fast)
        if earlier is not None:
            found = _compare(found, earlier, chosen)
        files.write(found)
    _show(output, found)
    error = files.failure or build_smoke_error(found.checks, run.hints)
    if error:
        raise error


def _check_profile(context: AppContext, writing: Writing) -> None:
    """Raise ConfigError, ProductionGuard for a profile with which nothing can be checked."""
    require_known_checks(context.profile)
    if writing != "none" and context.profile.environment == "production":
        raise ProductionGuard(
            "gpcli smoke --write is never for a production portal: nothing was sent.",
            hint="Without --write it only reads.",
        )
    if context.settings.machine and isinstance(context.bearer, ServiceBearer):
        context.bearer.require_key()


def _split_words(option: str, texts: Sequence[str] | None) -> list[str]:
    words = [word.strip() for text in texts or () for word in text.split(",")]
    if not all(words):
        raise InvalidUsage(f"{option} needs words with commas between, and none that is empty.")
    return words


def _choose_checks(
    words: Sequence[str], expected: Collection[str], writing: Writing
) -> tuple[SmokeCheck, ...]:
    """Return the checks of `words`; raise InvalidUsage for a word of which none would be made."""
    chosen = choose_checks(words, expected)
    for word in words:
        writes = {each.writes for each in chosen if word in (each.name, *each.tags)}
        if flag := find_missing_flag(writes, writing):
            raise InvalidUsage(
                f"--checks {word}: all of that writes, and {flag} was not given.",
                hint=f"Nothing was checked. With {flag} it is tried at a test patient.",
            )
    return chosen


def _compare(
    report: SmokeReport, earlier: Mapping[str, Verdict], chosen: Sequence[SmokeCheck]
) -> SmokeReport:
    comparable = select_comparable(earlier, chosen)
    return replace(
        report,
        changes=compare_reports(comparable, report.checks),
        not_compared=len(earlier) - len(comparable),
    )


def _wait_until_ready(run: SmokeRun, patience: float) -> None:
    """Wait up to `patience` seconds, if any, until the portal answers; it may be starting."""
    if not patience:
        return
    end, output = time.monotonic() + patience, run.context.output
    with output.progress("Waiting for the portal to be ready"):
        while (why := _find_fault(run.probe)) and time.monotonic() + _POLL_SECONDS <= end:
            run.context.sleep(_POLL_SECONDS)
    if why:
        output.notice(f"The portal is not ready after {patience:g} s: {why}")
    run.logs.clear()  # how long it takes to start is none of its latency


def _find_fault(probe: Probe) -> str | None:
    """Return why the portal does not answer yet; `None` = it does."""
    probe.begin()
    try:
        status = probe.get("metadata", token="").status
    except (Unavailable, Failure) as error:
        return error.message
    is_starting = status == _NOT_FOUND or status >= _SERVER_ERROR  # 404: what stands before it
    return f"it answers with {status}." if is_starting else None


def _make_report(
    run: SmokeRun, chosen: Sequence[SmokeCheck], parallel: int, *, fail_fast: bool
) -> SmokeReport:
    context = run.context
    started, began = context.now(), time.monotonic()
    with context.output.progress("Checking the portal"):
        checks = run_checks_in_order(
            chosen, run, partial(_tell, context.output), parallel=parallel, fail_fast=fail_fast
        )
    profile = context.profile
    return SmokeReport(
        gpcli=__version__,
        portal=profile.portal,
        profile=profile.name,
        environment=profile.environment,
        started=started.replace(microsecond=0),
        ms=round((time.monotonic() - began) * 1000),
        write=run.write,
        checks=checks,
        coverage=build_coverage(checks),
        latency=measure_latency(run.logs),
        undone=run.undone,
        left=tuple(run.left),
    )


def _tell(output: Output, report: CheckReport) -> None:
    """Write a check where lines are written as they come; else only that one has failed."""
    if output.is_streamed:
        output.show_list(SMOKE_CHECKS, [report])
    elif output.is_json and report.has_failed:
        output.warning(f"{report.name}: {report.seen}")


def _show(output: Output, report: SmokeReport) -> None:
    """Write what was not written as it came: the report or the table, and what it comes to."""
    if output.is_json and not output.is_streamed:
        output.show_item(SMOKE_REPORT, report)
        return
    if not output.is_streamed:
        output.show_list(SMOKE_CHECKS, report.checks)
    if output.fields is None:
        for sentence in summarise(report):
            output.notice(sentence)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"There is no file '{path}'.") from None
    except OSError as error:
        raise InvalidUsage(f"'{path}' can't be read: {error.strerror}.") from error
