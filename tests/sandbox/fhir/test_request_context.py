"""Test what a caller may see: scopes, patient compartment, consent."""

import pytest

from tests.sandbox.fhir.portal import booking, consent, issue, ref, role

FULL = ("Slot", "Schedule", "Appointment", "AppointmentResponse", "Immunization")
BASIC = (
    "Patient",
    "RelatedPerson",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "HealthcareService",
    "ChargeItemDefinition",
    "Consent",
)
OWN = {
    "Appointment": "a-{}",
    "AppointmentResponse": "r-{}",
    "Immunization": "i-{}",
    "RelatedPerson": "p-{}",
    "Consent": "{}-full-access",
    "Patient": "{}",
}


def belongings(portal, who):
    """One of each type that belongs to a patient."""
    me = ref(f"Patient/{who}")
    answer = {"appointment": ref(f"Appointment/a-{who}"), "actor": ref("PractitionerRole/gp")}
    return [
        booking(portal.slot(1), who) | {"id": f"a-{who}"},
        {"resourceType": "AppointmentResponse", "id": f"r-{who}"} | answer,
        {"resourceType": "Immunization", "id": f"i-{who}", "patient": me, "status": "completed"},
        {"resourceType": "RelatedPerson", "id": f"p-{who}", "patient": me},
    ]


@pytest.fixture
def both(portal):
    portal.store.put_all([*belongings(portal, "ada"), *belongings(portal, "bo")])
    return portal


@pytest.mark.parametrize("type_", OWN)
def test_a_patient_reads_what_is_theirs_and_nobody_elses(both, type_):
    ada = both.sign_in("ada")

    own = ada.get(f"/{type_}/{OWN[type_].format('ada')}")
    others = [ada.get(f"/{type_}/{OWN[type_].format('bo')}{tail}") for tail in ("", "/_history/1")]

    assert own.status_code == 200
    assert [issue(each) for each in others] == [(404, "not-found", "")] * 2


@pytest.mark.parametrize("type_", OWN)
def test_a_search_finds_only_ones_own(both, type_):
    assert both.sign_in("ada").match_ids(f"/{type_}") == [OWN[type_].format("ada")]
    assert both.sign_in("bo").match_ids(f"/{type_}") == [OWN[type_].format("bo")]


@pytest.mark.parametrize(
    "asked",
    [
        "Appointment?patient=Patient/bo",
        "Appointment?patient=bo",
        "Appointment?patient=Patient/ada,Patient/bo",
        "Appointment?patient=http://localhost/fhir/R4/Patient/bo",
        "Appointment?patient=Patient/bo/_history/1",
        "Appointment?actor=Patient/bo",
        "Appointment?actor:Patient=bo",
        "Appointment?patient=Patient/nobody",
        "AppointmentResponse?appointment.patient=bo",
        "Consent?patient=bo",
        "Immunization?patient=bo",
        "RelatedPerson?patient=bo",
    ],
)
def test_naming_another_patient_is_forbidden(both, asked):
    assert issue(both.sign_in("ada").get(f"/{asked}")) == (403, "forbidden", "")


def test_naming_oneself_is_fine(both):
    ada = both.sign_in("ada")

    found = [ada.match_ids(f"/Appointment?{each}") for each in ("patient=ada", "actor=Patient/ada")]

    assert found == [["a-ada"], ["a-ada"]]


@pytest.mark.parametrize(
    "asked",
    [
        "Slot?_revinclude=Appointment:slot",
        "Slot?_revinclude=Appointment:slot&_revinclude:iterate=AppointmentResponse:appointment",
        "PractitionerRole?_revinclude=AppointmentResponse:actor",
        "PractitionerRole?_revinclude=Patient:general-practitioner",
        "PractitionerRole?_revinclude=Patient:general-practitioner"
        "&_revinclude:iterate=Consent:patient&_revinclude:iterate=Immunization:patient",
    ],
)
def test_includes_stay_with_the_patient(both, asked):
    along = both.sign_in("ada").included(f"/{asked}")

    assert along
    assert not [each for each in along if "bo" in each]


def test_a_chain_cannot_reach_into_another_patients_record(both):
    number = "urn:oid:2.16.578.1.12.4.1.4.1|02897000200"

    assert both.sign_in("ada").match_ids(f"/Appointment?patient.identifier={number}") == []


def test_the_directory_and_the_times_are_for_all(portal):
    found = [portal.sign_in(who).match_ids("/Slot?_sort=start") for who in ("ada", "bo")]

    assert found == [["s1", "s2", "s3"]] * 2


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        ("patient/Slot.r", "GET", "/Slot/s1", 200),
        ("patient/Slot.r", "GET", "/Slot", 403),
        ("patient/Slot.s", "GET", "/Slot", 200),
        ("patient/Slot.s", "GET", "/Slot/s1", 403),
        ("patient/Slot.s", "GET", "/Slot/s1/_history/1", 403),
        ("patient/Slot.read", "GET", "/Slot", 200),
        ("patient/Appointment.rs", "POST", "/Appointment", 403),
        ("patient/Appointment.c", "POST", "/Appointment", 201),
        ("patient/Appointment.write", "POST", "/Appointment", 201),
        ("patient/*.rs", "POST", "/Appointment", 403),
        ("patient/Slot.cruds", "POST", "/Appointment", 403),
        ("openid", "GET", "/Patient/ada", 403),
    ],
)
def test_what_was_not_granted_is_forbidden(portal, scopes, method, path, status):
    ada = portal.sign_in("ada", *scopes.split())

    answer = ada(method, path, booking(portal.slot(1)) if method == "POST" else None)

    assert answer.status_code == status
    assert status != 403 or issue(answer) == (403, "forbidden", "")


def test_includes_of_a_type_that_was_not_granted_stay_away_silently(portal):
    ada = portal.sign_in("ada", "patient/Slot.rs", "patient/Schedule.s")

    answer = ada.get("/Slot?_include=Slot:schedule")

    assert answer.status_code == 200
    assert ada.included("/Slot?_include=Slot:schedule") == []


@pytest.mark.parametrize("level", ["basic", "basic-plus", None])
@pytest.mark.parametrize("type_", FULL)
def test_some_types_need_full_access(both, level, type_):
    both.store.delete("Consent", "ada-full-access")
    if level:
        both.store.put(consent("ada", level))
    ada = both.sign_in("ada")

    answers = [ada.get(f"/{type_}{tail}") for tail in ("", "/x", "/x/_history/1")]

    assert [issue(each) for each in answers] == [(403, "forbidden", "consent-needed")] * 3


@pytest.mark.parametrize("type_", BASIC)
def test_other_types_need_none(both, type_):
    both.store.delete("Consent", "ada-full-access")

    assert both.sign_in("ada").get(f"/{type_}").status_code == 200


def test_without_full_access_nothing_that_needs_it_comes_along(both):
    both.store.put(consent("ada") | {"status": "inactive"})

    assert both.sign_in("ada").included("/Patient?_revinclude=Appointment:patient") == []


def test_writing_needs_full_access_too(portal):
    portal.store.delete("Consent", "ada-full-access")

    answer = portal.sign_in("ada")("POST", "/Appointment", booking(portal.slot(1)))

    assert issue(answer) == (403, "forbidden", "consent-needed")


@pytest.mark.parametrize(
    ("changed", "allowed"),
    [
        ({}, True),
        ({"status": "inactive"}, False),
        ({"status": "draft"}, False),
        ({"provision": {"type": "permit"}}, True),
        ({"provision": {"type": "deny"}}, False),
        ({"policyRule": {"text": "everything"}}, False),
    ],
)
def test_only_an_active_permission_counts(portal, changed, allowed):
    portal.store.put(consent("ada") | changed)

    assert (portal.sign_in("ada").get("/Slot").status_code == 200) == allowed


def test_the_highest_of_several_consents_counts(portal):
    portal.store.put(consent("ada", "basic"))
    portal.store.put(consent("ada", "basic-plus"))

    assert portal.sign_in("ada").get("/Slot").status_code == 200


def test_who_acts_for_a_child_sees_the_childs_record_only(both):
    guardian = both.sign_in("bo", user="RelatedPerson/p-bo")

    assert guardian.match_ids("/Patient") == ["bo"]
    assert issue(guardian.get("/Patient/ada")) == (404, "not-found", "")


def test_a_backend_service_sees_and_writes_what_its_scopes_say(both):
    backend = both.backend()
    person = {"resourceType": "Patient", "name": [{"family": "Ny"}]}

    created = backend("POST", "/Patient", person)
    changed = backend("PUT", f"/Patient/{created.json['id']}", person | {"id": created.json["id"]})
    deleted = backend("DELETE", f"/Patient/{created.json['id']}")

    assert [created.status_code, changed.status_code, deleted.status_code] == [201, 200, 204]
    assert issue(backend.get(f"/Patient/{created.json['id']}")) == (410, "deleted", "")
    assert backend.match_ids("/Patient?_sort=_id") == ["ada", "bo"]
    assert backend.match_ids("/Appointment?patient=bo") == ["a-bo"]


def test_patients_apps_delete_nothing(both):
    answers = [
        both.sign_in("ada")("DELETE", path)
        for path in ("/Appointment/a-ada", "/Patient/ada", "/Consent/ada-full-access")
    ]

    assert [issue(each) for each in answers] == [(405, "not-supported", "")] * 3


def test_a_role_that_ended_is_still_in_the_directory(portal):
    portal.store.put(role(id_="old") | {"active": False})

    assert portal.sign_in("ada").get("/PractitionerRole/old").status_code == 200
