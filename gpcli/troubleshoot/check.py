"""What a check is, and how checks are run: in order, each independent of how others fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gpcli.auth.unattended import word_machine_hint
from gpcli.errors import GpcliError, NoToken
from gpcli.model.finding import Finding, Verdict
from gpcli.troubleshoot.check_context import CheckContext


@dataclass(frozen=True)
class CheckResult:
    """The result of a check: a Finding without its name, and not redacted yet."""

    status: Verdict
    seen: str
    cause: str | None = None
    cure: str | None = None


@dataclass(frozen=True)
class Check:
    """A check.

    `name` is interface. `run` returns the result, or raises GpcliError for a failed check. `needs`
    are the names of the checks without which this one is skipped.
    """

    name: str
    run: Callable[[CheckContext], CheckResult]
    needs: tuple[str, ...] = ()


def passed(seen: str) -> CheckResult:
    """Return the result of a check that found nothing wrong."""
    return CheckResult(Verdict.OK, seen)


def warning(seen: str, cause: str, cure: str) -> CheckResult:
    """Return the result of a check that found something that limits or may fail."""
    return CheckResult(Verdict.WARNING, seen, cause, cure)


def skipped(why: str) -> CheckResult:
    """Return the result of a check that did not apply, and `why`."""
    return CheckResult(Verdict.SKIPPED, f"not checked: {why}")


def run_checks(checks: Iterable[Check], context: CheckContext) -> Iterator[Finding]:
    """Run `checks` in order and yield the finding of each, without names or secrets.

    A check is skipped if one that it needs has failed, or was itself skipped for that reason; its
    finding names the one that failed.
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
        return _TRY_COMMAND_ITSELF
    machine = context.credential_source
    return word_machine_hint(error, machine) if machine else error.hint


_TRY_COMMAND_ITSELF = (
    "Run the command by itself, as gpcli does without anything to type on: it must print a token."
)
_TRY_AGAIN = "Put it right, then run gpcli troubleshoot again."
_REPORT = "A fault of gpcli: report it with these lines; they name nobody."


def _build_finding(name: str, result: CheckResult, redact: Callable[[str], str]) -> Finding:
    cure = None if result.cure is None else redact(result.cure)
    return Finding(name, result.status, redact(result.seen), result.cause, cure)
