"""Test searches for threads, prescriptions and requests in one round trip."""

import pytest

from tests.sandbox.fhir.portal import concept, issue, ref
from tests.sandbox.fhir.request_builders import (
    medicine,
    message,
    prescription,
    renewal,
    surgery_message,
    thread_header,
)

KINDS = "urn:gpcli:thread"
DISPENSED = {
    "resourceType": "MedicationDispense",
    "id": "d1",
    "status": "completed",
    "subject": ref("Patient/ada"),
    "authorizingPrescription": [ref("MedicationRequest/rx")],
    "whenHandedOver": "2026-12-01",
}
OBSERVED = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": concept("718-7", "http://loinc.org"),
    "subject": ref("Patient/ada"),
    "effectiveDateTime": "2027-01-05",
}


def at(day):
    return f"2027-02-{day:02}T09:00:00+01:00"


@pytest.fixture(autouse=True)
def record(slow_portal):
    """Ada's two threads, three messages and a prescription asked for; one of each for Bo."""
    slow_portal.store.put_all(
        [
            thread_header(sent=at(1)) | {"id": "t1"},
            thread_header("administrative", sent=at(5), status="completed") | {"id": "t2"},
            thread_header(who="bo") | {"id": "t3"},
            message("Communication/t1", sent=at(1)) | {"id": "m1"},
            surgery_message("Communication/t1", "m2", sent=at(3)),
            surgery_message("Communication/t1", "m3", sent=at(2), received=at(2)),
            surgery_message("Communication/t3", "m4", who="bo"),
            medicine(),
            prescription(),
            prescription("rx-old", status="entered-in-error"),
            prescription("rx-bo", "bo"),
            DISPENSED,
            renewal() | {"id": "r1"},
            OBSERVED,
        ]
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("part-of:missing=true&_sort=-sent", ["t2", "t1"]),
        ("part-of=Communication/t1&_sort=sent", ["m1", "m3", "m2"]),
        ("part-of=t1&_sort=-sent", ["m2", "m3", "m1"]),
        ("recipient=Patient/ada&received:missing=true", ["m2"]),
        ("received:missing=false", ["m3"]),
        ("received=ge2027-02-03", []),
        ("sent=ge2027-02-03&sent=lt2027-02-06&_sort=sent", ["m2", "t2"]),
        (f"category={KINDS}|administrative", ["t2"]),
        ("status=completed&part-of:missing=true", ["t2"]),
        ("sender=PractitionerRole/gp&_sort=sent", ["m3", "m2"]),
        ("patient=Patient/ada&subject=ada&sender=Patient/ada&_sort=sent", ["t1", "m1", "t2"]),
    ],
)
def test_communications_are_found_by(ada, asked, expected):
    assert ada.match_ids(f"/Communication?{asked}") == expected


def test_the_messages_come_along_with_their_threads(ada):
    asked = "/Communication?part-of:missing=true&_revinclude=Communication:part-of"
    assert ada.included(asked) == ["Communication/m1", "Communication/m2", "Communication/m3"]


def test_another_s_messages_are_nobody_s_to_ask_for(ada):
    asked = ada.get("/Communication?recipient=Patient/bo")
    assert issue(asked) == (403, "forbidden", "")


def test_prescriptions_come_with_medicine_dispenses_and_requests(ada):
    asked = (
        "/MedicationRequest?patient=Patient/ada&status=active,completed,stopped&intent=order,plan"
        "&_include=MedicationRequest:medication"
        "&_revinclude=MedicationDispense:prescription&_revinclude=Task:focus"
    )
    assert ada.match_ids(asked) == ["rx"]
    assert ada.included(asked) == ["Medication/metformin", "MedicationDispense/d1", "Task/r1"]


def test_without_the_scope_what_comes_along_stays_away(slow_portal):
    narrow = slow_portal.sign_in("ada", "patient/MedicationRequest.rs")
    asked = "/MedicationRequest?_include=MedicationRequest:medication&_revinclude=Task:focus"
    assert narrow.included(asked) == []


@pytest.mark.parametrize(
    "asked",
    [
        "code=http://snomed.info/sct|103742009",
        "focus=MedicationRequest/rx&status=requested,received",
        "patient=Patient/ada&requester=Patient/ada",
        "authored-on=2027-03-01&intent=order",
    ],
)
def test_requests_are_found_by(ada, asked):
    assert ada.match_ids(f"/Task?{asked}") == ["r1"]


def test_a_request_brings_its_prescription(ada):
    assert ada.included("/Task?_include=Task:focus") == ["MedicationRequest/rx"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Observation?code=http://loinc.org|718-7&date=2027-01", ["o1"]),
        ("Observation?patient=Patient/ada&status=final", ["o1"]),
        ("Observation?date=2026", []),
        ("MedicationDispense?whenhandedover=2026-12&prescription=rx", ["d1"]),
        ("Medication?_id=metformin", ["metformin"]),
    ],
)
def test_the_record_is_found_by(ada, asked, expected):
    assert ada.match_ids(f"/{asked}") == expected


@pytest.mark.parametrize("type_", ["Observation", "MedicationDispense", "MedicationRequest"])
def test_bo_sees_only_his_own(slow_portal, type_):
    found = slow_portal.sign_in("bo").match_ids(f"/{type_}")
    assert found == (["rx-bo"] if type_ == "MedicationRequest" else [])


@pytest.mark.parametrize("type_", ["Observation", "MedicationDispense", "MedicationRequest"])
def test_the_record_is_not_for_apps_to_write(ada, type_):
    assert issue(ada("POST", f"/{type_}", {"resourceType": type_})) == (405, "not-supported", "")
