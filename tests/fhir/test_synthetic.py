"""Which patients are made up. All numbers here are."""

from datetime import UTC, datetime

import pytest

from gpcli.config.profiles import Profile
from gpcli.fhir.element import Element, Origin
from gpcli.fhir.patient import is_synthetic
from gpcli.sandbox.people import PEOPLE, build_resources

NATIONAL, D_NUMBER = "urn:oid:2.16.578.1.12.4.1.4.1", "urn:oid:2.16.578.1.12.4.1.4.2"
HTEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}


def a_patient(**properties):
    return {"resourceType": "Patient", "id": "pat-1", **properties}


def with_number(value, system=NATIONAL, **properties):
    return a_patient(identifier=[{"system": system, "value": value, **properties}])


def judge(resource, **synthetic):
    profile = Profile("home", "https://portal.example", "staging")
    own = Profile(profile.name, profile.portal, profile.environment, synthetic=synthetic)
    rules = (own if synthetic else profile).synthetic_rules
    return is_synthetic(Element(resource, "Patient", Origin("Patient/pat-1", [])), rules)


@pytest.mark.parametrize(
    "resource",
    [
        with_number("14836100100"),
        with_number("31929999999"),
        with_number("54836100100", D_NUMBER),
        a_patient(meta={"tag": [HTEST]}),
        a_patient(meta={"security": [{"code": "R"}, HTEST]}),
    ],
)
def test_a_patient_of_the_national_test_population_or_with_the_label_is_made_up(resource):
    assert judge(resource)


@pytest.mark.parametrize(
    "resource",
    [
        a_patient(),
        with_number("14036100100"),  # a month that there is
        with_number("14806100100"),
        with_number("14936100100"),
        with_number("1483610010"),
        with_number("148361001000"),
        with_number("14836100100\n"),
        with_number("١٤٨٣٦١٠٠١٠٠"),
        with_number("14836100100", D_NUMBER),
        with_number("14836100100", "urn:oid:9.9"),  # a record number can look like that
        with_number("14836100100", use="old"),
        with_number(14836100100),
        a_patient(identifier={"system": NATIONAL, "value": "14836100100"}),
        a_patient(meta={"tag": [{**HTEST, "system": "urn:other"}]}),
        a_patient(meta={"tag": [{"display": "HTEST"}]}),
        a_patient(meta={"profile": ["HTEST"]}),
        {**with_number("14836100100"), "resourceType": "RelatedPerson"},
    ],
)
def test_nobody_else_is_by_the_usual_rules(resource):
    assert not judge(resource)


@pytest.mark.parametrize(
    ("rules", "resource"),
    [
        ({"patients": ["pat-1"]}, a_patient()),
        ({"labels": ["urn:a|b|made-up"]}, a_patient(meta={"tag": [{"system": "urn:a|b"}]})),
        ({"identifiers": [r"TEST-\d+"]}, with_number("TEST-7", "urn:any")),
        ({"identifiers": [r"urn:mine|TEST-\d+"]}, with_number("TEST-7", "urn:mine")),
    ],
)
def test_the_profiles_own_rules_count(rules, resource):
    if "labels" in rules:
        resource["meta"]["tag"][0]["code"] = "made-up"

    assert judge(resource, **rules)


@pytest.mark.parametrize(
    ("rules", "resource"),
    [
        ({"patients": ["pat-2"]}, a_patient()),
        ({"identifiers": [r"TEST-\d+"]}, with_number("MY-TEST-7")),
        ({"identifiers": [r"urn:mine|TEST-\d+"]}, with_number("TEST-7", "urn:other")),
        ({"patients": ["pat-2"]}, with_number("14836100100")),
        ({"labels": []}, a_patient(meta={"tag": [HTEST]})),
    ],
)
def test_the_profiles_own_rules_are_all_that_counts(rules, resource):
    assert not judge(resource, **rules)


def test_everybody_in_the_sandbox_is_made_up():
    resources = build_resources(datetime(2026, 11, 2, 9, tzinfo=UTC))
    patients = [each for each in resources if each["resourceType"] == "Patient"]

    assert {each.patient for each in PEOPLE} <= {each["id"] for each in patients}
    assert [each["id"] for each in patients if not judge(each)] == []
