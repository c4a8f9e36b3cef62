"""The report for CI servers and people: JUnit XML, Markdown, and the sentences below the table."""

from xml.etree import ElementTree

import pytest

from gpcli.model.account import Verdict
from gpcli.model.smoke import Change
from gpcli.render.junit import format_junit
from gpcli.render.views.smoke_views import format_markdown, summarise
from tests.hostile_text import HostileTexts
from tests.smoke.builders import report_of, run_of

CHECKS = (
    report_of("capability-statement"),
    report_of("batch", Verdict.SKIPPED, seen="the portal does not list batch"),
    report_of("booking", Verdict.WARNING, seen="no time is free", cause="no_slot"),
    report_of("paging", Verdict.FAILED, seen="a record stands on two pages of a list"),
)
RUN = run_of(*CHECKS)


def cases(run):
    [suite] = ElementTree.fromstring(format_junit(run))  # noqa: S314  (our own)
    return suite, {case.get("name"): case for case in suite.iter("testcase")}


def test_a_suite_counts_what_its_cases_are():
    suite, found = cases(RUN)

    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == [
        *("4", "1", "0", "1"),
    ]
    assert list(found) == ["capability-statement", "batch", "booking", "paging"]
    assert (suite.get("time"), suite.get("timestamp")) == ("1.234", "2027-03-01T08:00:05")


def test_a_suite_says_which_portal_and_which_gpcli():
    suite, _ = cases(RUN)

    assert {each.get("name"): each.get("value") for each in suite.iter("property")} == {
        "gpcli": "1.2.3",
        "portal": "https://portal.example/fhir",
        "profile": "staging",
        "environment": "staging",
        "write": "none",
    }


def test_a_failure_has_its_cause_the_request_and_what_it_proves():
    _, found = cases(RUN)
    failure = found["paging"].find("failure")

    assert (failure.get("type"), failure.get("message")) == ("contract", CHECKS[3].seen)
    assert failure.text.splitlines() == [
        CHECKS[3].seen,
        f"proves: {CHECKS[3].proves[0]}",
        "X-Request-ID: trace-paging",
        "answer: 404 text/html no JSON",
    ]


def test_what_is_skipped_is_no_failure_and_a_warning_has_passed_with_its_words():
    _, found = cases(RUN)

    assert found["batch"].find("skipped").get("message") == "the portal does not list batch"
    assert [each.tag for each in found["booking"]] == ["system-out"]
    assert found["booking"].find("system-out").text == "warning: no time is free"


def test_a_case_is_named_by_its_tag():
    _, found = cases(RUN)

    assert found["paging"].get("classname") == "gpcli.smoke.search"


@pytest.mark.parametrize("seed", range(6))
def test_hostile_text_leaves_the_xml_well_formed(seed):
    texts = HostileTexts(seed)
    words = "".join(texts.make() for _ in range(40)) + "\x00\x0b\ud800\ufffe\x1b[2J]]>&<"
    hostile = report_of("paging", Verdict.FAILED, seen=words, excerpt=words, trace_id=words)

    _, found = cases(run_of(hostile, portal=words, profile=words))

    assert found["paging"].find("failure").get("message")


def test_what_failed_stands_last():
    assert list(summarise(RUN))[-2:] == [
        "Warning: booking (no_slot): no time is free. X-Request-ID: trace-booking.",
        "Failed: paging (contract): a record stands on two pages of a list. "
        "X-Request-ID: trace-paging.",
    ]


def test_the_first_sentences_count():
    counts, contract, *_ = summarise(RUN)

    assert counts == "4 checks: 1 ok, 1 warning, 1 failed, 1 skipped; 1.2 s."
    assert contract.startswith("Of 34 lines of the contract 2 were proved, 1 failed, 31 were not")


def test_a_reason_why_lines_were_not_tried_is_told_once():
    untried = [each for each in summarise(RUN) if each.startswith("Not tried")]

    assert "Not tried, since the portal does not list batch: `batch` at the base." in untried
    assert len(untried) == len({each.partition(":")[0] for each in untried})
    assert "Not tried, since its checks were not chosen: 27 lines." in untried


def test_what_is_left_and_what_is_new_is_told():
    changes = (
        Change("gp", Verdict.OK, Verdict.FAILED),
        Change("batch", None, Verdict.OK),
        Change("old", Verdict.OK, None),
        Change("paging", None, Verdict.FAILED),
    )
    left = ("Task/7", "Task/8: it stays as it was.")
    found = run_of(*CHECKS, undone=2, left=left, changes=changes, not_compared=50)
    told = list(summarise(found))

    assert "Left by earlier runs and undone: 2." in told
    assert "Left at the portal: Task/7." in told
    assert "Left at the portal: Task/8: it stays as it was." in told
    assert [each for each in told if each.startswith("New")] == [
        "New since the earlier report: gp was ok and is failed.",
        "New since the earlier report: old was ok and is not made.",
        "New since the earlier report: paging was not made and is failed.",
    ]
    assert "Not in the earlier report, and not failed now: 1 of the checks." in told
    assert "Not chosen now, so not compared: 50 of the earlier checks." in told


def test_markdown_says_how_it_went_and_has_a_row_for_each_check():
    lines = format_markdown(RUN).splitlines()

    assert lines[0] == "## gpcli smoke: staging failed"
    assert format_markdown(run_of(CHECKS[0])).startswith("## gpcli smoke: staging passed\n")
    assert lines[-5:-1] == [
        "| capability-statement | ok | 12 | capability-statement was seen |",
        "| batch | skipped | 12 | the portal does not list batch |",
        r"| booking | warning | 12 | no time is free |",
        "| paging | failed | 12 | a record stands on two pages of a list |",
    ]


@pytest.mark.parametrize(
    ("seen", "cell"),
    [
        ("a|b", r"a\|b"),
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("[x](javascript:1)", r"\[x\](javascript:1)"),
        ("![x](http://x)", r"\!\[x\](http://x)"),
        ("`a` **b** __c__ ~~d~~", r"\`a\` \*\*b\*\* \_\_c\_\_ \~\~d\~\~"),
        ("@somebody #12", r"\@somebody \#12"),
        ("a\\|b", r"a\\\|b"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
    ],
)
def test_no_text_becomes_markup(seen, cell):
    text = format_markdown(run_of(report_of("gp", seen=seen)))

    assert f"| gp | ok | 12 | {cell} |\n" in text


@pytest.mark.parametrize("seen", ["a\nb", "a\r\n\r\n# b", "a\u2028b", "a\x0bb"])
def test_no_text_breaks_out_of_its_row(seen):
    row = next(
        each
        for each in format_markdown(run_of(report_of("gp", seen=seen))).split("\n")
        if each.startswith("| gp |")
    )

    assert row.endswith("b |")
