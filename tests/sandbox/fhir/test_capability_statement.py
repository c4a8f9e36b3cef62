"""Test that the CapabilityStatement lists what is served, and nothing else."""

import pytest

from gpcli.sandbox.fhir.capability_statement import capability_statement
from gpcli.sandbox.fhir.resource_types import RESOURCE_TYPES
from tests.sandbox.fhir.portal import BASE, NOON


@pytest.fixture
def statement(portal):
    answer = portal.app_client().get("/metadata")
    assert answer.status_code == 200
    return answer.json


def resource(statement, type_):
    return next(each for each in statement["rest"][0]["resource"] if each["type"] == type_)


def test_it_has_what_r4_requires_and_needs_no_token(statement):
    top = {name: value for name, value in statement.items() if name not in ("rest", "date")}

    assert top == {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "kind": "instance",
        "software": {"name": "The embedded GP portal of gpcli"},
        "implementation": {
            "description": "The embedded GP portal of gpcli, with made-up people",
            "url": BASE,
        },
        "fhirVersion": "4.0.1",
        "implementationGuide": ["urn:gpcli:portal"],
        "format": ["application/fhir+json", "json"],
    }
    assert statement["date"].startswith("2027-03-01T11:00:00")
    assert statement["rest"][0]["mode"] == "server"


def test_it_lists_transactions_and_batches(statement):
    assert statement["rest"][0]["interaction"] == [{"code": "transaction"}, {"code": "batch"}]


def test_it_describes_appointments_as_they_are_served(statement):
    appointment = resource(statement, "Appointment")

    assert [each["code"] for each in appointment["interaction"]] == [
        "create",
        "read",
        "vread",
        "update",
        "search-type",
    ]
    assert appointment["conditionalCreate"] is True
    assert appointment["updateCreate"] is False
    assert {"name": "date", "type": "date"} in appointment["searchParam"]
    assert "Appointment:actor" in appointment["searchInclude"]
    assert appointment["searchRevInclude"] == [
        "AppointmentResponse:appointment",
        "Communication:based-on",
        "Communication:part-of",
        "DocumentReference:related",
        "Task:based-on",
        "Task:focus",
    ]


def test_it_says_that_directories_are_only_read(statement):
    organization = resource(statement, "Organization")

    assert [each["code"] for each in organization["interaction"]] == [
        "read",
        "vread",
        "search-type",
    ]
    assert organization["conditionalCreate"] is False


def test_slots_have_no_search_by_end_since_r4_has_none(statement):
    names = [each["name"] for each in resource(statement, "Slot")["searchParam"]]

    assert "start" in names
    assert "end" not in names


@pytest.mark.parametrize("type_", sorted(RESOURCE_TYPES))
def test_every_parameter_and_include_it_lists_is_taken_strictly(portal, statement, type_):
    ada = portal.sign_in("ada")
    listed = resource(statement, type_)
    asked = [f"{each['name']}:missing=false" for each in listed.get("searchParam", ())]
    asked += [f"_include={each}" for each in listed.get("searchInclude", ())]
    asked += [f"_revinclude={each}" for each in listed.get("searchRevInclude", ())]

    refused = [
        each
        for each in asked
        if ada.get(f"/{type_}?{each}", Prefer="handling=strict").status_code != 200
    ]

    assert refused == []


def test_the_addresses_for_signing_in_are_named_where_they_are_known():
    uris = {"authorize": "http://localhost/authorize", "token": "http://localhost/token"}

    statement = capability_statement(BASE, NOON, uris)

    assert statement["rest"][0]["security"] == {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [
                    {"url": "authorize", "valueUri": "http://localhost/authorize"},
                    {"url": "token", "valueUri": "http://localhost/token"},
                ],
            }
        ],
        "cors": False,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ],
                "text": "SMART App Launch",
            }
        ],
    }


def test_without_them_there_is_no_such_extension(statement):
    assert "extension" not in statement["rest"][0]["security"]
