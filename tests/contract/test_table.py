"""The table of the contract: what it says of a run, and when a run with all portals has failed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.contract.offers import LACKS, contradictions, reasons
from tests.contract.table import PORTALS, cases, shortcomings, table

LOOKING = "tests/contract/test_looking.py::test_a_price_has_its_invoice_fee"
WRITING = "tests/contract/test_writing.py::test_a_thread_is_started"


def reports(**by_outcome):
    return {
        outcome: [SimpleNamespace(nodeid=each) for each in tests]
        for outcome, tests in by_outcome.items()
    }


def test_each_case_has_a_line_and_each_portal_that_was_tried_a_column():
    left_out = {f"{LOOKING}[sekmet]": ["SEKMET serves no prices"]}
    found = cases(reports(passed=[f"{LOOKING}[embedded]", f"{WRITING}[sekmet-contact]"]), left_out)

    rungs = {"a thread is started": "Writes", "a price has its invoice fee": "Service list"}
    assert list(table(found, left_out, rungs)) == [
        "                             embedded     sekmet",
        "WRITES",
        "a thread is started          -            yes",
        "SERVICE LIST",
        "a price has its invoice fee  yes          not offered",
        "-: not a case for this portal: it is about others, or about signing in",
        "not offered at sekmet: a price has its invoice fee: SEKMET serves no prices",
    ]


@pytest.mark.parametrize("outcome", ["failed", "error"])
def test_a_case_that_failed_once_at_a_portal_has_failed_there(outcome):
    bad, good = f"{WRITING}[bare-econsult]", f"{WRITING}[bare-contact]"

    found = cases(reports(**{"passed": [good], outcome: [bad]}), {})

    assert found == {"a_thread_is_started": {"bare": "NO"}}


def test_what_is_no_case_has_no_line():
    others = ["tests/http/test_client.py::test_it[bare]", "tests/contract/test_table.py::test_this"]

    assert cases(reports(passed=others), {}) == {}
    assert list(table({}, {}, {})) == []


def test_a_run_that_tried_every_portal_and_skipped_nothing_lacks_nothing():
    found = {"a_case": dict.fromkeys(PORTALS, "yes")}

    assert shortcomings(found, []) == []


def test_a_portal_that_was_not_tried_and_a_skipped_test_are_named():
    tried = {each: "yes" for each in PORTALS if each not in {"sekmet", "medplum"}}
    found = {"a_case": {**tried, "sekmet": "not offered"}, "other": {"embedded": "NO"}}

    assert shortcomings(found, ["tests/real/test_x.py::test_y"]) == [
        "sekmet was not tried",
        "medplum was not tried",
        "tests/real/test_x.py::test_y was skipped",
    ]


def test_what_is_left_out_has_a_reason_once():
    needs = ("Slot:search-type", "Binary:read")

    assert reasons("sekmet", needs) == ["SEKMET serves no Binary"]
    assert reasons("embedded", needs) == []


def test_what_a_portal_offers_is_not_left_out_there():
    assert contradictions("sekmet", {"Task:create", "Binary:read"}) == ["Binary:read"]
    assert contradictions("sekmet", {"Task:create"}) == []


def test_every_portal_says_what_it_lacks():
    assert LACKS.keys() == set(PORTALS)
