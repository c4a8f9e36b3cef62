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

    `look` raises GpcliError for what has failed.
    """

    name: str
    look: Callable[[CheckContext], CheckResult]
    needs: tuple[str, ...] = ()


def fine(seen: str) -> CheckResult:
    """All is well."""
    return CheckResult(Verdict.OK, seen)


def doubtful(seen: str, cause: str, cure: str) -> CheckResult:
    """It works, but not all of it, or perhaps not."""
    return CheckResult(Verdict.WARNING, seen, cause, cure)


def not_checked(why: str) -> CheckResult:
    """There was nothing to look at."""
    return CheckResult(Verdict.SKIPPED, f"not checked: {why}")


def run_checks(checks: Iterable[Check], context: CheckContext) -> Iterator[Finding]:
    """The finding of each of `checks`, as it comes; its words name nobody and hold no secret.

    A check is skipped if one that it needs has failed, or was skipped for that reason itself; it
    names the one that failed.
    """
    in_the_way: dict[str, str] = {}
    for check in checks:
        failed = next((in_the_way[need] for need in check.needs if need in in_the_way), None)
        result = not_checked(f"{failed} failed") if failed else _sight(check, context)
        if failed or result.status is Verdict.FAILED:
            in_the_way[check.name] = failed or check.name
        yield _finding(check.name, result, context.hide)


def _sight(check: Check, context: CheckContext) -> CheckResult:
    try:
        return check.look(context)
    except GpcliError as trouble:
        return CheckResult(
            Verdict.FAILED, trouble.message, trouble.code, _cure(trouble, context) or _ANEW
        )
    except Exception as trouble:
        kind = type(trouble).__name__
        return CheckResult(
            Verdict.FAILED, f"This check broke down ({kind}).", "unexpected", _REPORT
        )


def _cure(trouble: GpcliError, context: CheckContext) -> str:
    if isinstance(trouble, NoToken):
        return _ITS_OWN_WORDS
    machine = context.unattended
    return hint_for(trouble, machine) if machine else trouble.hint


_ITS_OWN_WORDS = (
    "Run the command by itself, as gpcli does without anything to type on: it must print a token."
)
_ANEW = "Put it right, then run gpcli troubleshoot again."
_REPORT = "A fault of gpcli: report it with these lines; they name nobody."


def _finding(name: str, result: CheckResult, hide: Callable[[str], str]) -> Finding:
    cure = None if result.cure is None else hide(result.cure)
    return Finding(name, result.status, hide(result.seen), result.cause, cure)
