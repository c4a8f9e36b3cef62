"""The checks as data: what they prove, what they need, and the words that they use."""

import ast
import re
from pathlib import Path

import pytest

from gpcli.cli.help_commands import read_topic
from gpcli.config.profiles import Profile
from gpcli.errors import ConfigError, InvalidUsage, list_coded_errors
from gpcli.model.account import Verdict
from gpcli.model.service import ServiceName
from gpcli.smoke import contract
from gpcli.smoke.record_checks import EXPECTED
from gpcli.smoke.runner import (
    CHECKS,
    SERVICE_COVERAGE,
    build_smoke_error,
    choose_checks,
    require_known_checks,
)
from tests.contract.portal_page import read_page, rows, sections
from tests.smoke.builders import report_of

SOURCES = sorted(Path(contract.__file__).parent.glob("*.py"))
TOPIC = read_topic("smoke")
WITHOUT_LINE = {
    "tls": "the contract speaks of FHIR and SMART alone",
    "latency": "the contract has no limits",
    "expected-services": "it is about what the caller expects",
    "test-patient": "it is about the run, not the portal",
    "leftovers": "it is about earlier runs",
    "undone": "it is about the run, not the portal",
}
"""The checks that prove no line of the contract, and why."""


def listed_below(heading):
    """The first words of the lines below a heading of the topic, up to the next one."""
    text = re.split(r"^[A-Z ]+$", TOPIC.partition(f"\n{heading}\n")[2], flags=re.MULTILINE)[0]
    return set(re.findall(r"^  ([a-z_-]+) {2,}", text, flags=re.MULTILINE))


def test_the_topic_names_the_checks_of_each_tag():
    part = TOPIC.partition("\nTAGS AND CHECKS\n")[2].partition("\nIN THE PROFILE\n")[0]
    named = {
        tag: re.findall(r"[a-z-]+", re.sub(r"^.*\n", "", names, count=1))
        for tag, names in re.findall(r"^  (\S+)(.*?)(?=^  \S|\Z)", part, re.MULTILINE | re.DOTALL)
    }

    tags = {tag for check in CHECKS for tag in check.tags}
    assert named == {tag: [each.name for each in CHECKS if tag in each.tags] for tag in tags}


def words_of_causes():
    """The causes that stand in the source of the checks."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in ("CheckFailed", "Doubtful"):
                words = [each for each in node.args[1:] if isinstance(each, ast.Constant)]
                yield from (each.value for each in words)


def test_the_lines_of_the_contract_are_those_of_the_page():
    page = sections(read_page())

    assert {title: list(lines) for title, lines in contract.CONTRACT.items()} == {
        title: [cells[0] for cells in rows(page[title])] for title in contract.CONTRACT
    }


def test_every_table_of_the_page_counts_but_what_a_portal_may_do():
    tables = [title for title, text in sections(read_page()).items() if "tried by" in text]

    assert tables == [*contract.CONTRACT, "May"]


def test_every_line_is_proved_by_a_check_or_says_why_none_does():
    lines = [line for section in contract.CONTRACT.values() for line in section]
    proved = {line for check in CHECKS for line in check.proves}

    assert set(lines) == proved | set(contract.NEVER_TRIED)
    assert not proved & set(contract.NEVER_TRIED)


def test_every_check_proves_a_line_but_those_that_are_about_something_else():
    assert {check.name for check in CHECKS if not check.proves} == set(WITHOUT_LINE)


def test_names_are_there_once_and_are_no_tags():
    names = [check.name for check in CHECKS]
    tags = {tag for check in CHECKS for tag in check.tags}

    assert len(set(names)) == len(names)
    assert not {*names, SERVICE_COVERAGE} & tags


def test_what_a_check_needs_comes_before_it():
    seen = set()
    for check in CHECKS:
        assert set(check.needs) <= seen, check.name
        seen.add(check.name)


def test_every_service_has_a_check_of_its_name():
    of_services = [check.name for check in CHECKS if "service" in check.tags]

    assert sorted(of_services) == sorted(each.value for each in ServiceName)


def test_the_topic_tells_of_every_tag_and_no_other():
    assert listed_below("TAGS AND CHECKS") == {tag for check in CHECKS for tag in check.tags}


def test_the_topic_tells_of_every_cause_that_is_no_error_code():
    known = {kind.code for kind in list_coded_errors()}

    assert listed_below("WHY") - known == {"contract", "should", *words_of_causes()} - known


def test_a_tag_chooses_its_checks_and_what_they_need():
    assert [check.name for check in choose_checks(["speed"])] == [
        "capability-statement",
        "session",
        "latency",
    ]


def test_names_and_tags_choose_together_in_the_order_of_the_report():
    chosen = [check.name for check in choose_checks(["paging", "network"])]

    assert chosen == [
        *("capability-statement", "tls", "clock", "session", "patient", "paging"),
    ]


def test_no_words_choose_everything():
    assert choose_checks([]) == tuple(each for each in CHECKS if each.name != EXPECTED)


def test_what_is_expected_is_looked_at_whatever_else_is_chosen():
    names = [each.name for each in choose_checks(["gp"], {"booking"})]

    assert names == [
        *("capability-statement", "session", "patient", "gp", "services", EXPECTED),
    ]


@pytest.mark.parametrize(
    ("word", "end"), [("pagin", "; did you mean 'paging'?"), ("zzz", "."), ("Paging", "?")]
)
def test_a_word_that_is_neither_names_the_nearest_and_the_tags(word, end):
    with pytest.raises(InvalidUsage) as wrong:
        choose_checks([word])

    assert wrong.value.message.startswith(f"--checks: there is no check or tag '{word}'")
    assert wrong.value.message.endswith(end)
    assert wrong.value.hint.startswith("Tags: access, errors, ")


def test_a_profile_can_leave_out_only_what_there_is():
    def profile(*names):
        return Profile("home", "https://portal.example", "staging", smoke={"skip": list(names)})

    require_known_checks(profile(*(check.name for check in CHECKS), SERVICE_COVERAGE))
    with pytest.raises(ConfigError) as wrong:
        require_known_checks(profile("batch", "bach"))

    assert wrong.value.message == (
        "smoke.skip of the profile 'home': there is no check 'bach'; did you mean 'batch'?"
    )


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ({}, "its checks were not chosen"),
        ({"tls": Verdict.OK}, "its checks were not chosen"),
        ({"batch": Verdict.SKIPPED}, "because"),
        ({"batch": Verdict.OK}, None),
    ],
)
def test_a_line_that_was_not_tried_says_why(statuses, why):
    reports = [report_of(name, status, seen="because") for name, status in statuses.items()]
    [line] = [
        each for each in contract.build_coverage(reports).lines if each.line == contract.BATCH
    ]

    assert (line.status, line.why) == ("not_tried" if why else "proved", why)


def test_one_failed_check_is_enough_for_a_line_to_fail():
    reports = [
        report_of("not-found", Verdict.OK),
        report_of("bad-request", Verdict.FAILED),
        report_of("unknown-type", Verdict.SKIPPED),
        report_of("media-types", Verdict.WARNING),
    ]
    coverage = contract.build_coverage(reports)
    [line] = [each for each in coverage.lines if each.line == contract.OUTCOME]

    assert (line.status, line.checks) == ("failed", ("not-found", "bad-request", "media-types"))
    assert (coverage.proved, coverage.failed) == (0, 1)
    assert coverage.not_tried == len(coverage.lines) - 1


def test_a_run_without_failure_has_no_error():
    assert build_smoke_error([report_of("batch", Verdict.WARNING)]) is None


@pytest.mark.parametrize(
    ("name", "cause", "code"),
    [
        ("capability-statement", "unreachable", "unreachable"),
        ("capability-statement", "portal_error", "portal_error"),
        ("session", "expired", "expired"),
        ("session", "input_needed", "input_needed"),
        ("capability-statement", "config", "config"),
        ("capability-statement", "bad_response", "smoke_failed"),
        ("capability-statement", "contract", "smoke_failed"),
        ("batch", "unreachable", "smoke_failed"),
        ("threads", "expired", "smoke_failed"),
    ],
)
def test_only_a_portal_that_can_not_be_asked_at_all_ends_otherwise(name, cause, code):
    error = build_smoke_error([report_of(name, Verdict.FAILED, cause=cause)])

    assert error.code == code


def test_the_error_names_what_failed_and_how_to_try_it_again():
    error = build_smoke_error(
        [
            report_of("batch", Verdict.FAILED),
            report_of("gp", Verdict.OK),
            report_of("totals", Verdict.FAILED),
        ]
    )

    assert error.message == "2 of 3 checks failed: batch, totals."
    assert error.hint == "gpcli smoke --checks batch,totals --debug tells each request."
    assert error.trace_id == "trace-batch"
