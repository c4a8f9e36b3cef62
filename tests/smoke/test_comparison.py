"""What is new since an earlier report."""

import json

import pytest

from gpcli.errors import InvalidUsage
from gpcli.model.account import Verdict
from gpcli.model.smoke import REPORT_FORMAT, Change
from gpcli.render.view import to_json_object
from gpcli.smoke.comparison import compare_reports, parse_report, select_comparable
from gpcli.smoke.runner import choose_checks
from tests.smoke.builders import report_of, run_of

OK, FAILED, SKIPPED = Verdict.OK, Verdict.FAILED, Verdict.SKIPPED


def refusal(content):
    with pytest.raises(InvalidUsage) as wrong:
        parse_report(content, "old.json")
    assert wrong.value.hint
    return wrong.value.message


def test_a_report_of_this_version_is_read_back():
    run = run_of(report_of("gp"), report_of("batch", FAILED))
    content = json.dumps(to_json_object(run)).encode()

    assert parse_report(content, "old.json") == {"gp": OK, "batch": FAILED}


def test_failures_passes_and_checks_that_come_and_go_are_new_and_nothing_else():
    before = {"gp": OK, "batch": FAILED, "paging": OK, "gone": OK, "same": SKIPPED}
    now = [
        report_of("new"),
        report_of("same", SKIPPED),
        report_of("gp", FAILED),
        report_of("batch"),
        report_of("paging"),
    ]

    assert compare_reports(before, now) == (
        Change("new", None, OK),
        Change("gp", OK, FAILED),
        Change("batch", FAILED, OK),
        Change("gone", OK, None),
    )


def test_nothing_is_new_in_the_same_report():
    assert compare_reports({"gp": OK}, [report_of("gp")]) == ()


def test_what_was_not_chosen_now_is_not_compared_but_what_is_gone_is():
    before = {"gp": OK, "paging": OK, "gone": OK, "service-coverage": FAILED}

    assert select_comparable(before, choose_checks(["gp"])) == {"gp": OK, "gone": OK}
    assert "service-coverage" in select_comparable(before, choose_checks(["booking"]))


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_file_says_that_nothing_was_checked(content):
    assert refusal(content).startswith("--compare: 'old.json' is empty: ")


def test_what_is_no_json_says_where():
    assert refusal(b"<html>").startswith("--compare: 'old.json' is not JSON: ")
    assert refusal(b"\xff").startswith("--compare: 'old.json' is not JSON: ")
    assert refusal(b"[" * 100_000).startswith("--compare: 'old.json' is not JSON: ")


@pytest.mark.parametrize("content", [b"[]", b"{}", b'"x"', b'{"checks": []}'])
def test_other_json_is_no_report(content):
    assert refusal(content) == "--compare: 'old.json' is no report of gpcli smoke."


@pytest.mark.parametrize("form", [0, REPORT_FORMAT + 1, "1", None, True])
def test_a_report_of_another_form_is_not_compared(form):
    content = json.dumps({"report": form, "checks": []}).encode()

    assert refusal(content).startswith("--compare: 'old.json' is a report of the form ")


@pytest.mark.parametrize(
    "checks",
    [None, 7, [7], [{}], [{"name": "gp"}], [{"name": "gp", "status": "broken"}], [["gp", "ok"]]],
)
def test_checks_that_are_none_are_not_compared(checks):
    content = json.dumps({"report": REPORT_FORMAT, "checks": checks}).encode()

    assert refusal(content) == "--compare: the checks in 'old.json' can't be read."
