"""Which checks a run makes, in which order, and how it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from types import MappingProxyType

from gpcli.config.profile_keys import format_suggestion
from gpcli.config.profiles import Profile
from gpcli.errors import (
    ConfigError,
    Expired,
    GpcliError,
    InvalidUsage,
    SignInError,
    SmokeFailed,
    Unavailable,
    UsageError,
    list_coded_errors,
)
from gpcli.model.account import Verdict
from gpcli.model.service import Standing
from gpcli.model.smoke import CheckReport, Writing
from gpcli.smoke.check import SmokeCheck, SmokeRun, run_check, skip
from gpcli.smoke.portal_checks import PORTAL_CHECKS, SESSION
from gpcli.smoke.record_checks import EXPECTED, RECORD_CHECKS, SERVICE, SERVICE_CHECKS
from gpcli.smoke.search_checks import LATENCY_CHECK, SEARCH_CHECKS
from gpcli.smoke.write_checks import WRITE_CHECKS

CHECKS: tuple[SmokeCheck, ...] = (
    *PORTAL_CHECKS,
    *RECORD_CHECKS,
    *SERVICE_CHECKS,
    *SEARCH_CHECKS,
    LATENCY_CHECK,
    *WRITE_CHECKS,
)
"""Every check, in the order of the report; those that another needs come before it."""

SERVICE_COVERAGE = "service-coverage"
"""The name of what fails where no check of a service was made."""

_FRONT = frozenset({"capability-statement", "session"})
"""The checks without which nothing can be told of the portal: their cause is the run's."""

_ENDED = "the sign-in has ended"
_OF_SIGN_IN = frozenset(each.code for each in list_coded_errors() if issubclass(each, SignInError))
_UNANSWERED = frozenset({"timeout", "unreachable"})
_MAX_UNANSWERED = 3
"""After so many checks in a row without an answer none is begun: each takes its full time."""

_LEFT_OUT = "the profile leaves it out"

_WRITE_FLAGS: Mapping[Writing, str] = {
    "none": "",
    "reversible": "--write",
    "all": "--write=all",
}
"""What is written -> the flag that allows it; each allows what comes before it, too."""

Notify = Callable[[CheckReport], None]


def list_known_words() -> list[str]:
    """Return the names and the tags of all checks, sorted."""
    return sorted({each.name for each in CHECKS} | {tag for each in CHECKS for tag in each.tags})


def choose_checks(words: Sequence[str], expected: Collection[str] = ()) -> tuple[SmokeCheck, ...]:
    """Return the checks that have one of `words` as name or tag, and those that they need.

    Without words that is all of them. What is `expected` is looked at in any case, and only then.
    Raises: InvalidUsage for a word that is neither.
    """
    known = list_known_words()
    for word in words:
        if word not in known:
            tags = ", ".join(sorted({tag for each in CHECKS for tag in each.tags}))
            raise InvalidUsage(
                f"--checks: there is no check or tag '{word}'{format_suggestion(word, known)}",
                hint=f"Tags: {tags}. gpcli help smoke lists the checks.",
            )
    wanted = {*words} or {each.name for each in CHECKS}
    chosen = {each.name for each in CHECKS if {each.name, *each.tags} & wanted}
    if expected:
        chosen.add(EXPECTED)
    elif EXPECTED not in words:
        chosen.discard(EXPECTED)
    for check in reversed(CHECKS):
        if check.name in chosen:
            chosen.update(check.needs)
    return tuple(each for each in CHECKS if each.name in chosen)


def find_missing_flag(writes: Collection[Writing], given: Writing) -> str | None:
    """Return the flag without which nothing of what `writes` so is tried; `None` = `given` will do.

    Where it is about several checks, the one that writes least counts.
    """
    order = [*_WRITE_FLAGS]
    least = min(writes, key=order.index)
    return _WRITE_FLAGS[least] if order.index(least) > order.index(given) else None


def require_known_checks(profile: Profile) -> None:
    """Raise ConfigError where the profile leaves out a check that there is not."""
    known = [*(each.name for each in CHECKS), SERVICE_COVERAGE]
    for name in profile.smoke.get("skip", ()):
        if name not in known:
            raise ConfigError(
                f"smoke.skip of the profile '{profile.name}': there is no check "
                f"'{name}'{format_suggestion(name, known)}",
                hint="Nothing was checked. gpcli help smoke lists the checks.",
            )


def run_checks_in_order(
    checks: Sequence[SmokeCheck],
    run: SmokeRun,
    notify: Notify,
    *,
    parallel: int = 1,
    fail_fast: bool = False,
) -> tuple[CheckReport, ...]:
    """Make the checks, and return their reports in the order of `checks`.

    Those that only read are made `parallel` at a time, those that write one after another after
    them, and `latency` last of those that read. `notify` is called with each report when it and
    those before it are there. With `fail_fast` none is begun after one has failed.
    """
    schedule = _Schedule(checks, run, notify, fail_fast)
    readers = [each for each in checks if each.writes == "none" and each is not LATENCY_CHECK]
    schedule.run_together(readers, parallel)
    for check in checks:
        if check not in readers:
            schedule.run_alone(check)
    made = [schedule.reports[check.name] for check in checks]
    if SERVICE_COVERAGE not in run.left_out and (failure := _judge_services(made, run)):
        made.append(failure)
        notify(failure)
    return tuple(made)


class _Schedule:
    """The reports so far, and what may still be begun."""

    def __init__(
        self, checks: Sequence[SmokeCheck], run: SmokeRun, notify: Notify, fail_fast: bool
    ) -> None:
        self.reports: dict[str, CheckReport] = {}
        self._untold = deque(check.name for check in checks)
        self._run, self._notify, self._fail_fast = run, notify, fail_fast
        self._blocked_by: dict[str, str] = {}
        self._stopped_by: str | None = None
        self._unanswered = 0
        self._has_ended = False

    def run_alone(self, check: SmokeCheck) -> None:
        """Make a check, or report why it is not made."""
        reason = self._find_obstacle(check)
        with self._run.context.output.progress(f"Checking {check.name}"):
            report = skip(check, reason) if reason else run_check(check, self._run.probe)
        self._note(check, report)

    def run_together(self, checks: Sequence[SmokeCheck], workers: int) -> None:
        """Make checks, `workers` at a time, each after those that it needs."""
        if workers == 1:
            for check in checks:
                self.run_alone(check)
            return
        waiting, running = list(checks), dict[Future[CheckReport], SmokeCheck]()
        with ThreadPoolExecutor(workers, thread_name_prefix="gpcli-smoke") as pool:
            while waiting or running:
                for check in self._find_ready(waiting, running.values()):
                    waiting.remove(check)
                    reason = self._find_obstacle(check)
                    if reason:
                        self._note(check, skip(check, reason))
                    else:
                        running[pool.submit(self._make, check)] = check
                names = ", ".join(each.name for each in running.values())
                with self._run.context.output.progress(f"Checking {names}"):
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    self._note(running.pop(future), future.result())

    def _make(self, check: SmokeCheck) -> CheckReport:
        return run_check(check, self._run.probe)

    def _find_ready(
        self, waiting: Sequence[SmokeCheck], running: Iterable[SmokeCheck]
    ) -> list[SmokeCheck]:
        unfinished = {each.name for each in (*waiting, *running)}
        return [each for each in waiting if not unfinished & {*each.needs, *each.after}]

    def _find_obstacle(self, check: SmokeCheck) -> str | None:
        """Return why a check is not made; `None` = nothing is in its way."""
        if check.name in self._run.left_out:
            return _LEFT_OUT
        if flag := find_missing_flag({check.writes}, self._run.write):
            return f"it writes, and {flag} was not given"
        if self._unanswered >= _MAX_UNANSWERED:
            return "the portal no longer answers"
        if self._has_ended:
            return _ENDED
        if self._stopped_by:
            return f"{self._stopped_by} failed, and --fail-fast ends the run there"
        failed = next((self._blocked_by[n] for n in check.needs if n in self._blocked_by), None)
        if failed:
            self._blocked_by[check.name] = failed
            return f"{failed} failed"
        return None

    def _note(self, check: SmokeCheck, report: CheckReport) -> None:
        if report.cause in _OF_SIGN_IN and check.name != SESSION.name:
            self._has_ended = self._has_ended or run_check(SESSION, self._run.probe).has_failed
            if self._has_ended:
                report = replace(report, seen=f"{_ENDED}: {report.seen}")
        self.reports[check.name] = report
        if report.cause in _UNANSWERED:
            self._unanswered += 1
        elif report.status is not Verdict.SKIPPED:
            self._unanswered = 0
        if report.has_failed:
            self._blocked_by[check.name] = check.name
            if self._fail_fast and self._stopped_by is None:
                self._stopped_by = check.name
        while self._untold and self._untold[0] in self.reports:
            self._notify(self.reports[self._untold.popleft()])


def _judge_services(reports: Sequence[CheckReport], run: SmokeRun) -> CheckReport | None:
    """Return a failure where checks of services were wanted, and none of them was made."""
    of_services = [each for each in reports if SERVICE in each.tags]
    if not of_services or any(each.status is not Verdict.SKIPPED for each in of_services):
        return None
    if any(each.has_failed for each in reports):
        return None  # which says more
    needs_consent = Standing.CONSENT_NEEDED in {each.status for each in run.facts.services}
    return CheckReport(
        SERVICE_COVERAGE,
        Verdict.FAILED,
        f"no check of a service was made: {of_services[0].seen}",
        (Standing.CONSENT_NEEDED if needs_consent else Standing.NOT_OFFERED).value,
        (),
        (SERVICE,),
        0,
        0,
        None,
        None,
    )


def build_smoke_error(
    reports: Sequence[CheckReport], hints: Mapping[str, str] = MappingProxyType({})
) -> GpcliError | None:
    """Return the error with which the run ends; `None` = no check failed.

    `hints` has what to do about some checks, by name.

    Where the portal can't be asked at all, it is the error that says why, not SmokeFailed: it can't
    be reached, it takes no sign-in, or the configuration is wrong. So it is where nothing failed
    but the sign-in, which ended on the way.
    """
    failed = [each for each in reports if each.has_failed]
    if not failed:
        return None
    if all(each.seen.startswith(_ENDED) for each in failed):
        return Expired(
            "The sign-in ended during the run: what comes after that was not checked.",
            hint="Use a token that lives longer, or one that is renewed.",
        )
    names = ", ".join(each.name for each in failed)
    message = f"{len(failed)} of {len(reports)} checks failed: {names}."
    first = failed[0]
    kinds = {kind.code: kind for kind in list_coded_errors()}
    kind = kinds.get(first.cause or "", SmokeFailed)
    if first.name in _FRONT and issubclass(kind, (SignInError, Unavailable, UsageError)):
        hint = hints.get(first.name) or "gpcli troubleshoot looks for the cause."
        return kind(first.seen, hint=hint)
    return SmokeFailed(message, hint=_choose_hint(failed), trace_id=first.trace_id)


def _choose_hint(failed: Sequence[CheckReport]) -> str:
    again = ",".join(each.name for each in failed if each.name != SERVICE_COVERAGE)
    if again:
        return f"gpcli smoke --checks {again} --debug tells each request."
    return "Use a patient for whom a service can be used; gpcli help smoke tells more."
