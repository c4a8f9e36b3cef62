"""Checks run in order, each by itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gpcli.cli.troubleshoot_command import CHECKS
from gpcli.errors import Cure, Expired, NoKeyring, Unreachable
from gpcli.http.network_errors import ConnectionFailed
from gpcli.model.account import Finding, Verdict
from gpcli.troubleshoot.diagnosis import Check, build_error, passed, run_checks, skipped, warning

CONTEXT = SimpleNamespace(
    redact=lambda text: text.replace("Ada", "[hidden]"), credential_source=None
)
MACHINE = SimpleNamespace(redact=CONTEXT.redact, credential_source="GPCLI_TOKEN")


def build_failing_check(error: Exception):
    def run(context):
        raise error

    return run


def collect_findings(*checks: Check) -> list[Finding]:
    return list(run_checks(checks, CONTEXT))


def test_findings_come_in_the_order_of_the_checks():
    found = collect_findings(
        Check("one", lambda _: passed("well")),
        Check("two", lambda _: warning("odd", "clock", "set it")),
        Check("three", lambda _: skipped("no need")),
    )
    assert found == [
        Finding("one", Verdict.OK, "well", None, None),
        Finding("two", Verdict.WARNING, "odd", "clock", "set it"),
        Finding("three", Verdict.SKIPPED, "not checked: no need", None, None),
    ]


def test_what_is_raised_is_the_finding_with_its_word_and_hint():
    [found] = collect_findings(Check("one", build_failing_check(NoKeyring("no", hint="unlock it"))))
    assert found == Finding("one", Verdict.FAILED, "no", "no_keyring", "unlock it")


def test_a_machine_is_not_told_to_log_in():
    [found] = run_checks(
        [Check("one", build_failing_check(Expired("no", hint="gpcli login", cure=Cure.SIGN_IN)))],
        MACHINE,
    )
    assert found.cure == "Set a token of this portal that has not ended."


def test_a_failure_without_a_hint_still_has_a_cure():
    [found] = collect_findings(Check("one", build_failing_check(Unreachable("no"))))
    assert found.cure == "Put it right, then run gpcli troubleshoot again."


def test_a_check_that_breaks_down_stops_no_other_and_tells_nothing_of_why():
    broken, other = collect_findings(
        Check("one", build_failing_check(KeyError("Ada's secret"))),
        Check("two", lambda _: passed("well")),
    )
    assert (broken.status, broken.cause) == (Verdict.FAILED, "unexpected")
    assert broken.seen == "This check broke down (KeyError)."
    assert other.status is Verdict.OK


def test_a_check_names_the_one_that_failed_also_when_others_lie_between():
    asked = []
    found = collect_findings(
        Check("one", build_failing_check(Unreachable("no"))),
        Check("two", asked.append, ("one",)),
        Check("three", asked.append, ("two",)),
    )
    assert [one.seen for one in found[1:]] == ["not checked: one failed"] * 2
    assert asked == []


@pytest.mark.parametrize("first", [warning("odd", "clock", "x"), skipped("no need"), passed("")])
def test_only_a_failure_stands_in_the_way(first):
    found = collect_findings(
        Check("one", lambda _: first), Check("two", lambda _: passed("well"), ("one",))
    )
    assert found[1].status is Verdict.OK


def test_words_pass_through_discretion():
    [found] = collect_findings(
        Check("one", build_failing_check(Unreachable("Ada is", hint="ask Ada")))
    )
    assert (found.seen, found.cure) == ("[hidden] is", "ask [hidden]")


def test_every_check_needs_only_what_comes_before_it():
    seen: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= seen, check.name
        seen.add(check.name)
    assert len(seen) == len(CHECKS)


def finding(name, status, cause=None):
    return Finding(name, status, "", cause, None)


@pytest.mark.parametrize("status", [Verdict.OK, Verdict.WARNING, Verdict.SKIPPED])
def test_without_a_failure_there_is_no_error(status):
    assert build_error([finding("one", status, "clock")]) is None


@pytest.mark.parametrize(
    ("cause", "exit_code"),
    [("config", 2), ("no_keyring", 4), ("unreachable", 6), ("failure", 1), ("unexpected", 70)],
)
def test_the_first_failure_decides_the_exit_code(cause, exit_code):
    found = [
        finding("one", Verdict.WARNING, "clock"),
        finding("two", Verdict.FAILED, cause),
        finding("three", Verdict.FAILED, "rejected"),
    ]
    error = build_error(found)
    assert (error.code, error.exit) == (cause, exit_code)
    assert error.message == "2 of 3 checks failed: two, three."


def test_an_error_of_the_network_is_raised_as_the_kind_that_it_is():
    assert ConnectionFailed.code == "unreachable"
    assert type(build_error([finding("one", Verdict.FAILED, "unreachable")])) is Unreachable
