"""What a check is, and how checks are run: in order, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gpcli.auth.unattended import hint_for
from gpcli.errors import GpcliError, NoToken
from gpcli.model.finding import Finding, Verdict
from gpcli.troubleshoot.check_context import CheckContext


@dataclass(frozen=True)
class CheckResult:
    """What one look gave: the rest of a Finding."""

    status: Verdict
    seen: str
    cause: str | None = None
    cure: str | None = None


@dataclass(frozen=True)
class Check:
    """A check: its name, which is interface, the checks it builds on, and the look itself.

    `run` raises GpcliError for what has failed.
    """

    name: str
    run: Callable[[CheckContext], CheckResult]
    needs: tuple[str, ...] = ()


def passed(seen: str) -> CheckResult:
    """All is well."""
    return CheckResult(Verdict.OK, seen)


def warning(seen: str, cause: str, cure: str) -> CheckResult:
    """It works, but not all of it, or perhaps not."""
    return CheckResult(Verdict.WARNING, seen, cause, cure)


def skipped(why: str) -> CheckResult:
    """There was nothing to look at."""
    return CheckResult(Verdict.SKIPPED, f"not checked: {why}")


def run_checks(checks: Iterable[Check], context: CheckContext) -> Iterator[Finding]:
    """The finding of each of `checks`, as it comes; its words name nobody and hold no secret.

    A check is skipped if one that it needs has failed, or was skipped for that reason itself; it
    names the one that failed.
    """
    blocked_by: dict[str, str] = {}
    for check in checks:
        failed = next((blocked_by[need] for need in check.needs if need in blocked_by), None)
        result = skipped(f"{failed} failed") if failed else _run_check(check, context)
        if failed or result.status is Verdict.FAILED:
            blocked_by[check.name] = failed or check.name
        yield _build_finding(check.name, result, context.redact)


def _run_check(check: Check, context: CheckContext) -> CheckResult:
    try:
        return check.run(context)
    except GpcliError as error:
        return CheckResult(
            Verdict.FAILED, error.message, error.code, _find_cure(error, context) or _TRY_AGAIN
        )
    except Exception as error:
        kind = type(error).__name__
        return CheckResult(
            Verdict.FAILED, f"This check broke down ({kind}).", "unexpected", _REPORT
        )


def _find_cure(error: GpcliError, context: CheckContext) -> str:
    if isinstance(error, NoToken):
        return _RUN_TOKEN_COMMAND
    machine = context.unattended
    return hint_for(error, machine) if machine else error.hint


_RUN_TOKEN_COMMAND = (
    "Run the command by itself, as gpcli does without anything to type on: it must print a token."
)
_TRY_AGAIN = "Put it right, then run gpcli troubleshoot again."
_REPORT = "A fault of gpcli: report it with these lines; they name nobody."


def _build_finding(name: str, result: CheckResult, redact: Callable[[str], str]) -> Finding:
    cure = None if result.cure is None else redact(result.cure)
    return Finding(name, result.status, redact(result.seen), result.cause, cure)
