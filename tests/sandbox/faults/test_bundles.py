"""Test which entries of a Bundle have a fault, and when the Bundle as a whole has it."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.faults.conftest import BY_IDENTIFIER, IDENTIFIER, Caller, Json, entry
from tests.sandbox.fhir.portal import booking, enquiry

READS = (entry("GET", "Patient/ada"), entry("GET", "Slot?_count=2"), entry("GET", "Patient/no"))


def statuses(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["response"]["status"][:3] for each in answer.json()["entry"]]


def to_book(ada: Caller, number: int = 1, **request: str) -> Json:
    wanted = booking(ada.slot(number), identifier=[IDENTIFIER])
    return entry("POST", "Appointment", wanted, **request)


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("GET Slot: 503", 503),
        ("GET Patient/*: 429", 429),
        ("POST batch: 500", 500),
        ("* *: 500", 500),
        ("POST transaction: 500", 200),
        ("POST Slot: 500", 200),
        ("POST *: unsaved", 200),
    ],
)
def test_a_fault_of_a_request_hits_a_bundle_by_its_word_and_by_any_of_its_entries(
    ada, rule, status
):
    ada.sandbox.add_fault(f"{rule} once")

    assert ada.send("batch", *READS).status_code == status

    assert ada.sandbox.faults[0].used == (status != 200)


def test_an_entry_of_a_batch_is_refused_alone_and_in_its_place(ada):
    ada.sandbox.add_fault("GET Slot: refuse=409 problem=slot-taken")

    answer = ada.send("batch", *READS)

    assert statuses(answer) == ["200", "409", "404"]
    (issue,) = answer.json()["entry"][1]["response"]["outcome"]["issue"]
    assert issue["details"]["coding"][0]["code"] == "slot-taken"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("", ["403", "200", "403"]),
        ("once", ["403", "200", "404"]),
        ("nth=2", ["200", "200", "403"]),
        ("x2", ["403", "200", "403"]),
    ],
)
def test_each_entry_that_matches_counts(ada, when, expected):
    ada.sandbox.add_fault(f"GET Patient/*: refuse {when}")
    assert statuses(ada.send("batch", *READS)) == expected


def test_all_entries_of_a_batch_can_be_refused(ada):
    ada.sandbox.add_fault("GET *: refuse")
    assert statuses(ada.send("batch", *READS)) == ["403"] * 3


def test_a_refused_entry_of_a_transaction_refuses_all_of_it(ada):
    ada.sandbox.add_fault("POST Appointment: refuse=422")

    answer = ada.send("transaction", entry("GET", "Patient/ada"), to_book(ada))

    assert (answer.status_code, ada.bookings()) == (422, [])


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_conditions_and_contents_of_entries_are_changed(ada, kind):
    ada.sandbox.add_fault("POST Appointment: ignored-if-none-exist")
    ada.sandbox.add_fault("POST Appointment: lost-identifier nth=2")

    for number in (1, 2):
        made = ada.send(kind, to_book(ada, number, ifNoneExist=BY_IDENTIFIER))
        assert statuses(made) == ["201"]

    assert ["identifier" in each for each in ada.bookings()] == [True, False]


def test_only_the_part_of_the_entry_that_matches_is_changed(ada):
    ada.sandbox.add_fault("GET Slot: wrong-total")
    ada.sandbox.add_fault("GET Patient/*: wrong-status=201 once")
    ada.sandbox.add_fault("GET Patient/*: lost-etag")
    ada.sandbox.add_fault("GET Patient/no: lost-outcome")

    answer = ada.send("batch", *READS)

    patient, slots, missing = answer.json()["entry"]
    assert statuses(answer) == ["201", "200", "404"]
    assert (slots["resource"]["total"], missing["response"].keys()) == (4, {"status"})
    assert "etag" not in patient["response"]


def test_a_search_parameter_of_an_entry_is_ignored(ada):
    ada.sandbox.add_fault("GET Slot: ignored-parameter=status")
    answer = ada.send("batch", entry("GET", "Slot?status=busy"), entry("GET", "Slot?status=busy"))
    assert [each["resource"]["total"] for each in answer.json()["entry"]] == [3, 3]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_slot_is_taken_before_its_entry_is_done(ada, kind):
    ada.sandbox.add_fault("POST Appointment: slot-taken")

    answer = ada.send(kind, to_book(ada))

    assert "slot-taken" in answer.text
    assert (ada.slot()["status"], ada.bookings()) == ("busy", [])


def test_a_whole_batch_is_left_unsaved_for_one_entry(ada):
    ada.sandbox.add_fault("POST Appointment: unsaved")

    answer = ada.send("batch", entry("POST", "Appointment", enquiry()), to_book(ada, 3))

    assert (statuses(answer), ada.bookings()) == (["201", "201"], [])


@pytest.mark.parametrize(
    "bundle",
    [
        {"resourceType": "Bundle", "type": "batch"},
        {"resourceType": "Bundle", "type": "batch", "entry": {}},
        {"resourceType": "Bundle", "type": "batch", "entry": [1]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET"}}]},
        {"resourceType": "Bundle", "type": "history"},
        {"resourceType": "Patient"},
        [],
    ],
)
def test_a_bundle_that_is_none_gets_the_portals_own_answer(ada, bundle):
    without = ada.ask("POST", "", bundle)
    ada.sandbox.add_fault("GET Slot: 503")
    ada.sandbox.add_fault("GET Slot: hostile-text")

    under_rules = ada.ask("POST", "", bundle)

    assert (under_rules.status_code, under_rules.content) == (without.status_code, without.content)
