"""Criteria and order of a search, applied to what a portal sent."""

from __future__ import annotations

from typing import Any

import pytest

from gpcli.fhir.bundle import Bundle
from gpcli.portal.local_search import is_in_order, keep_matching, sort_matches
from gpcli.portal.queries import Query
from tests.portal.builders import a_bundle, a_practitioner, concept, ref

URN = "urn:uuid:4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11"


def a_record(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Task", "id": "1", **more}


def kept(record: dict[str, Any], *params: tuple[str, str]) -> bool:
    kind = record["resourceType"]
    found = keep_matching(a_bundle(record), Query(kind, params))
    assert bool(found.matches) is (f"{kind}/1" in found.resources)
    return bool(found.matches)


MET: list[tuple[tuple[str, str], dict[str, Any]]] = [
    (("_id", "2,1"), {}),
    (("status", "a,b"), {"status": "b"}),
    (("intent", "order"), {"intent": "order"}),
    (("category", "s|c"), {"category": [concept("x"), concept("c", "s")]}),
    (("code", "c"), {"code": concept("c", "s")}),
    (("service-type", "s|,t|x"), {"type": [concept("c", "s")]}),
    (("identifier", f"urn:ietf:rfc:3986|{URN}"), {"identifier": [{"value": URN}]}),
    (("part-of", "Task/9"), {"partOf": [ref("https://p.example/Task/9/_history/2")]}),
    (("recipient", "Patient/k"), {"recipient": [ref("Group/1"), ref("Patient/k")]}),
    (("slot", "Slot/1"), {"slot": [ref("Slot/1")]}),
    (("organization", "1,2"), {"providedBy": ref("Organization/2")}),
    (
        ("organization", "1,2"),
        {"resourceType": "PractitionerRole", "organization": ref("Organization/2")},
    ),
    (
        ("organization", "1,2"),
        {"resourceType": "Location", "managingOrganization": ref("Organization/2")},
    ),
    (("appointment", "Appointment/1"), {"appointment": ref("Appointment/1")}),
    (("service", "HealthcareService/1"), {"healthcareService": [ref("HealthcareService/1")]}),
    (("received:missing", "true"), {}),
    (("date:missing", "true"), {"start": None}),
]
UNMET: list[tuple[tuple[str, str], dict[str, Any]]] = [
    (("_id", "2,3"), {}),
    (("status", "a,requested"), {"status": "completed"}),
    (("intent", "order"), {"intent": "plan"}),
    (("category", "s|c"), {"category": [concept("c", "other")]}),
    (("code", "c"), {"code": concept("d", "s")}),
    (("service-type", "s|,t|x"), {"type": [concept("y", "t")]}),
    (("identifier", f"urn:ietf:rfc:3986|{URN}"), {"identifier": [{"value": "urn:uuid:0"}]}),
    (("identifier", f"urn:ietf:rfc:3986|{URN}"), {}),
    (("part-of", "Task/9"), {"partOf": [ref("Task/8")]}),
    (("part-of", "Task/9"), {}),
    (("recipient", "Patient/k"), {"recipient": [ref("Patient/o")]}),
    (("slot", "Slot/1"), {"slot": [ref("Slot/2")]}),
    (("organization", "1,2"), {"providedBy": ref("Organization/3")}),
    (
        ("organization", "1,2"),
        {"resourceType": "PractitionerRole", "organization": ref("Organization/3")},
    ),
    (("organization", "1,2"), {"resourceType": "Location"}),
    (("appointment", "Appointment/1"), {"appointment": ref("Appointment/2")}),
    (("service", "HealthcareService/1"), {"healthcareService": []}),
    (("received:missing", "true"), {"received": "2027-03-01"}),
    (("date:missing", "true"), {"start": "2027-03-01T09:00:00Z"}),
]
UNCLEAR: list[tuple[tuple[str, str], dict[str, Any]]] = [
    (("status", "a"), {}),
    (("status", "a"), {"status": 7}),
    (("status", "requested"), {"status": "no-such-code"}),
    (("intent", "order"), {}),
    (("category", "s|c"), {"category": [{"text": "Words alone"}]}),
    (("code", "c"), {"code": {"text": "Words alone"}}),
    (("code", "c"), {"code": {"coding": [{"display": "Words alone"}]}}),
    (("code", "c"), {}),
    (("code", "c"), {"code": {"coding": [{"code": [[]]}, {"code": {}, "system": 7}]}}),
    (("identifier", "s|v"), {"identifier": "v"}),
    (("recipient", "Patient/k"), {"recipient": [{"display": "Kari"}]}),
    (("slot", "Slot/1"), {"slot": [{"identifier": {"value": "1"}}]}),
    (("date", "ge2027-01-01"), {"start": "2020-01-01T00:00:00Z"}),
    (("patient", "kari"), {"for": ref("Patient/ola")}),
]


@pytest.mark.parametrize(("param", "more"), [*MET, *UNCLEAR])
def test_what_meets_a_criterion_or_may_meet_it_is_kept(
    param: tuple[str, str], more: dict[str, Any]
):
    assert kept(a_record(**more), param)


@pytest.mark.parametrize(("param", "more"), MET)
@pytest.mark.parametrize("kind", ["Task", "Slot", "ChargeItemDefinition"])
def test_an_element_of_another_type_decides_nothing_and_breaks_nothing(
    param: tuple[str, str], more: dict[str, Any], kind: str
):
    for element in more.keys() - {"resourceType"}:
        for wrong in ([], {}, [[]], [{}], {"a": []}, 7, True, None):
            kept({"resourceType": kind, "id": "1", element: wrong}, param)


@pytest.mark.parametrize(("param", "more"), UNMET)
def test_what_shows_that_it_does_not_meet_a_criterion_is_left_out(
    param: tuple[str, str], more: dict[str, Any]
):
    assert not kept(a_record(**more), param)


def test_every_criterion_has_to_be_met():
    assert not kept(a_record(status="a", intent="plan"), ("status", "a"), ("intent", "order"))


def test_records_of_other_types_are_left_as_they_are():
    page = keep_matching(a_bundle(a_practitioner(status="x")), Query("Task", (("status", "a"),)))
    assert len(page.matches) == 1


def dated(*times: Any) -> Bundle:
    records = (
        {"resourceType": "Appointment", "id": f"{number}", "start": time}
        for number, time in enumerate(times)
    )
    return a_bundle(*records)


TIMES = ["2027-03-02T09:00:00+01:00", "2027-03-02T08:30:00Z", "2027-03-01T09:00:00+01:00", None]


@pytest.mark.parametrize(
    ("sort", "order"), [("date", "3201"), ("-date", "1023"), ("other", "0123")]
)
def test_matches_are_sorted_by_their_instant_as_the_query_says(sort: str, order: str):
    query = Query("Appointment", (("_sort", sort),))
    found = sort_matches(dated(*TIMES), query)
    assert "".join(str(each.json["id"]) for each in found.matches) == order
    assert is_in_order(found, query)


def test_an_order_that_was_not_kept_is_seen():
    assert not is_in_order(dated(*TIMES[:3]), Query("Appointment", (("_sort", "date"),)))
    assert not is_in_order(dated(*TIMES[:2]), Query("Appointment", (("_sort", "-date"),)))
    assert is_in_order(dated(*TIMES), Query("Appointment", ()))
