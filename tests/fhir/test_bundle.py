"""Bundles: matches, what came along, flaws, and where there is more."""

from __future__ import annotations

from typing import Any

import pytest

from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Malformed
from tests.portal.builders import (
    a_patient,
    a_practitioner,
    a_searchset,
    a_slot,
    an_organization,
    an_outcome,
)

PART = "part of what was asked for. The portal says:"


def shape(bundle: Bundle) -> tuple[list[str], list[str], list[str]]:
    return (
        [each.relative_reference for each in bundle.matches],
        list(bundle.resources),
        bundle.flaws,
    )


def test_matches_and_what_came_along_are_told_apart_by_mode():
    bundle = read_bundle(a_searchset(a_slot("1"), a_slot("2"), included=[an_organization()]))
    assert shape(bundle) == (
        ["Slot/1", "Slot/2"],
        ["Slot/1", "Slot/2", "Organization/elvebakken"],
        [],
    )


@pytest.mark.parametrize("search", [{}, {"search": {}}, {"search": {"score": 1}}])
def test_an_entry_without_a_mode_counts_as_a_match(search: dict):
    bundle = read_bundle(a_searchset() | {"entry": [{"resource": a_slot("1"), **search}]})
    assert shape(bundle) == (["Slot/1"], ["Slot/1"], [])


def test_a_resource_that_comes_twice_counts_once_and_the_first_stays():
    bundle = read_bundle(a_searchset(a_slot("1", status="busy"), a_slot("1", status="free")))
    assert [each.string("status") for each in bundle.matches] == ["busy"]


def test_a_match_that_was_included_before_is_still_a_match():
    entries = [
        {"resource": a_slot("1"), "search": {"mode": "include"}},
        {"resource": a_slot("1"), "search": {"mode": "match"}},
    ]
    assert shape(read_bundle(a_searchset() | {"entry": entries})) == (["Slot/1"], ["Slot/1"], [])


def test_pages_are_put_together_in_order_without_doubles():
    first = read_bundle(a_searchset(a_slot("1"), included=[an_organization()], next="urn:2"))
    second = read_bundle(a_searchset(a_slot("1"), a_slot("2"), included=[a_practitioner()]))
    first.merge(second)
    assert shape(first) == (
        ["Slot/1", "Slot/2"],
        ["Slot/1", "Organization/elvebakken", "Slot/2", "Practitioner/lege"],
        [],
    )
    assert first.next_url is None


def test_an_outcome_inside_a_searchset_is_a_flaw_in_its_own_words():
    outcomes = [
        an_outcome(text="Some times are hidden"),
        an_outcome(severity="fatal", diagnostics="no index"),
        an_outcome(severity="error"),
    ]
    bundle = read_bundle(a_searchset(a_slot("1"), included=outcomes))
    assert shape(bundle) == (
        ["Slot/1"],
        ["Slot/1"],
        [f"{PART} {each}" for each in ("Some times are hidden", "no index", "processing")],
    )
    assert bundle.failure is None


def test_an_outcome_without_any_reason_is_still_a_flaw():
    issue = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    assert read_bundle(a_searchset(included=[issue])).flaws == [
        "part of what was asked for. The portal does not say why."
    ]


@pytest.mark.parametrize("code", ["forbidden", "incomplete", "security", "suppressed", "throttled"])
def test_a_warning_that_data_is_left_out_is_a_flaw(code: str):
    warning = an_outcome(text="Not all", severity="warning", code=code)
    assert read_bundle(a_searchset(included=[warning])).flaws == [f"{PART} Not all"]


@pytest.mark.parametrize(
    ("severity", "remarks"), [("warning", ["The portal says: Slow"]), ("information", [])]
)
def test_an_outcome_that_only_warns_is_a_remark_and_one_that_informs_is_nothing(
    severity: str, remarks: list[str]
):
    bundle = read_bundle(a_searchset(included=[an_outcome(severity=severity, text="Slow")]))
    assert (bundle.flaws, bundle.remarks, bundle.failure) == ([], remarks, None)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (an_outcome(text="No index"), "The portal says: No index"),
        (an_outcome(severity="information", text="No data"), "The portal says: No data"),
        ({"resourceType": "OperationOutcome"}, "The portal does not say why."),
    ],
)
def test_an_outcome_in_the_place_of_a_list_is_no_empty_list(outcome: Any, said: str):
    bundle = read_bundle(outcome)
    assert shape(bundle) == ([], [], [f"a list, which the portal did not send. {said}"])
    assert bundle.failure == said


def test_an_error_without_a_match_is_a_failure():
    bundle = read_bundle(a_searchset(included=[an_outcome(text="No index"), a_practitioner()]))
    assert bundle.failure == "The portal says: No index"


@pytest.mark.parametrize(
    ("entry", "flaw"),
    [
        ({"resource": {"resourceType": "Slot"}}, "Slot.id is missing"),
        ({"resource": {"resourceType": "Slot", "id": 7}}, "Slot.id is not what R4 says"),
        ({"resource": ["Slot"]}, "Bundle.entry.resource is not what R4 says"),
        ({"resource": None}, "Bundle.entry has no resource"),
        (None, "Bundle.entry is not what R4 says"),
        ("Slot/2", "Bundle.entry is not what R4 says"),
        ([], "Bundle.entry is not what R4 says"),
        ({"fullUrl": "urn:x"}, "Bundle.entry has no resource"),
        ({"resource": a_slot("2"), "search": []}, "Bundle.entry.search is not what R4 says"),
    ],
)
@pytest.mark.parametrize("bases", [(), ("https://p.example",)])
def test_a_broken_entry_is_named_and_skipped_and_the_rest_is_kept(
    entry: Any, flaw: str, bases: tuple[str, ...]
):
    if isinstance(entry, dict):
        entry = {"fullUrl": "https://p.example/Slot/2", **entry}
    page = a_searchset(a_slot("1"))
    bundle = read_bundle(page | {"entry": [entry, *page["entry"]]}, bases=bases)
    assert shape(bundle) == (["Slot/1"], ["Slot/1"], [flaw])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "not a FHIR resource"),
        (a_patient(), "sent Patient where a Bundle was due"),
        ({"resourceType": "Bundle", "entry": {}}, "Bundle.entry is not what R4 says"),
    ],
)
def test_what_is_no_searchset_is_malformed(body: Any, why: str):
    with pytest.raises(Malformed, match=why):
        read_bundle(body)


def test_a_searchset_without_entries_links_or_total_is_just_empty():
    bundle = read_bundle({"resourceType": "Bundle", "type": "searchset"})
    assert (shape(bundle), bundle.next_url) == (([], [], []), None)


@pytest.mark.parametrize(
    "link", [[{"relation": "next", "url": 1}], [{"relation": "next"}], "next", [None]]
)
def test_a_next_link_that_can_not_be_read_spoils_no_page(link: Any):
    bundle = read_bundle(a_searchset(a_slot("1"), link=link))
    assert shape(bundle) == (["Slot/1"], ["Slot/1"], [])
    assert (bundle.next_url, "Bundle.link" in str(bundle.broken_next)) == (None, True)


def test_the_next_link_is_found_among_the_others():
    links = [{"relation": "self", "url": "urn:1"}, {"relation": "next", "url": "urn:2"}]
    assert read_bundle(a_searchset(link=links)).next_url == "urn:2"


def test_resources_are_found_by_reference_and_by_type():
    bundle = read_bundle(a_searchset(a_slot("1"), included=[an_organization()]))
    assert [each.relative_reference for each in bundle.of_type("Organization")] == [
        "Organization/elvebakken"
    ]
    assert bundle.get("Slot/1") is bundle.matches[0]
    assert (bundle.get("Slot/2"), bundle.get(None)) == (None, None)


def test_what_refers_to_many_records_is_looked_through_once(monkeypatch):
    looked = []
    monkeypatch.setattr(
        Bundle, "of_type", lambda self, kind: looked.append(kind) or iter(self.resources.values())
    )
    slots = [a_slot(id=f"s-{number}") for number in range(50)]
    bundle = read_bundle(a_searchset(*slots))
    schedule = slots[0]["schedule"]["reference"]

    found = [bundle.find_referring("Slot", "schedule", schedule) for _ in range(50)]

    assert looked == ["Slot"]
    assert [len(each) for each in found] == [50] * 50
    assert bundle.find_referring("Slot", "schedule", "Schedule/other") == ()


def test_what_is_added_later_is_found_as_well():
    first, second = a_slot(id="s-1"), a_slot(id="s-2")
    bundle, page = read_bundle(a_searchset(first)), read_bundle(a_searchset(second))
    schedule = first["schedule"]["reference"]
    assert len(bundle.find_referring("Slot", "schedule", schedule)) == 1
    bundle.merge(page)
    assert len(bundle.find_referring("Slot", "schedule", schedule)) == 2
