"""Test giving and withdrawing consent."""

from datetime import timedelta

import pytest

from tests.sandbox.fhir.portal import FhirPortal, booking, concept, consent, enquiry, issue, ref


@pytest.fixture
def slow_portal(tmp_path):
    with FhirPortal(tmp_path / "slow.sqlite", delay=timedelta(days=1)) as slow_portal:
        yield slow_portal


def given(who="ada", level="full-access", **more):
    return {name: value for name, value in consent(who, level).items() if name != "id"} | more


def withdraw(ask, stored):
    return ask("PUT", f"/Consent/{stored['id']}", stored | {"status": "inactive"})


def test_consenting_opens_what_needs_it(portal):
    portal.store.delete("Consent", "ada-full-access")
    ada = portal.sign_in("ada")

    before = ada.get("/Slot").status_code
    answer = ada("POST", "/Consent", given())

    assert (before, answer.status_code, ada.get("/Slot").status_code) == (403, 201, 200)
    assert answer.json == given(id=answer.json["id"], meta=answer.json["meta"])


def test_withdrawing_closes_it_again(portal):
    ada = portal.sign_in("ada")

    answer = withdraw(ada, ada.read_json("/Consent/ada-full-access"))

    assert (answer.status_code, answer.json["status"]) == (200, "inactive")
    assert issue(ada.get("/Slot")) == (403, "forbidden", "consent-needed")
    assert ada.match_ids("/Consent?status=active") == []


def test_withdrawing_twice_changes_nothing(portal):
    ada = portal.sign_in("ada")
    first = withdraw(ada, ada.read_json("/Consent/ada-full-access")).json

    assert withdraw(ada, first).json == first


def test_withdrawing_deletes_open_enquiries_but_no_bookings(slow_portal):
    ada = slow_portal.sign_in("ada")
    booked = ada.book(slow_portal.slot(1))
    open_enquiry = ada("POST", "/Appointment", enquiry()).json
    theirs = slow_portal.sign_in("bo")("POST", "/Appointment", enquiry("bo")).json

    withdraw(ada, ada.read_json("/Consent/ada-full-access"))
    slow_portal.clock.advance(timedelta(days=2))
    ada("POST", "/Consent", given())

    assert ada.match_ids("/Appointment") == [booked["id"]]
    assert issue(ada.get(f"/Appointment/{open_enquiry['id']}")) == (410, "deleted", "")
    assert slow_portal.sign_in("bo").read_json(f"/Appointment/{theirs['id']}")["status"] == "booked"


def test_nothing_is_deleted_while_another_consent_gives_full_access(slow_portal):
    ada = slow_portal.sign_in("ada")
    ada("POST", "/Appointment", enquiry())
    slow_portal.store.put(consent("ada", id_="second"))

    withdraw(ada, ada.read_json("/Consent/ada-full-access"))

    assert len(ada.match_ids("/Appointment")) == 1


@pytest.mark.parametrize("user", ["RelatedPerson/guro", "Patient/bo", "Practitioner/berg", ""])
def test_nobody_consents_or_withdraws_for_another(portal, user):
    someone = portal.sign_in("ada", user=user or "Patient/")
    stored = portal.store.get("Consent", "ada-full-access")

    answers = [someone("POST", "/Consent", given()), withdraw(someone, stored)]

    assert [issue(each) for each in answers] == [(403, "forbidden", "")] * 2
    assert portal.store.get("Consent", "ada-full-access") == stored


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"patient": ref("Patient/bo")}, (403, "forbidden", "")),
        ({"patient": {"display": "Ada"}}, (403, "forbidden", "")),
        ({"status": "inactive"}, (422, "business-rule", "")),
        ({"status": "proposed"}, (422, "business-rule", "")),
        (
            {"policyRule": concept("everything", "urn:gpcli:consent-level")},
            (422, "business-rule", ""),
        ),
        ({"policyRule": concept("full-access", "urn:other")}, (422, "business-rule", "")),
        ({"policyRule": None}, (422, "invariant", "")),
        ({"scope": None}, (422, "required", "")),
        ({"category": None}, (422, "required", "")),
        ({"category": []}, (422, "structure", "")),
        ({"status": "yes"}, (422, "code-invalid", "")),
        ({"provision": {"type": "maybe"}}, (422, "code-invalid", "")),
        ({"provision": {"period": {"start": "soon"}}}, (422, "value", "")),
        ({"sourceReference": ref("Consent/bo-full-access")}, (422, "not-found", "")),
        ({"organization": [ref("Organization/nowhere")]}, (422, "not-found", "")),
    ],
)
def test_a_consent_that_makes_no_sense_is_refused(portal, more, expected):
    sent = {name: value for name, value in given(**more).items() if value is not None}

    assert issue(portal.sign_in("ada")("POST", "/Consent", sent)) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"status": "rejected"},
        {"status": "active", "policyRule": concept("basic", "urn:gpcli:consent-level")},
        {"status": "inactive", "policyRule": concept("basic", "urn:gpcli:consent-level")},
        {"status": "inactive", "dateTime": "2027-03-01"},
    ],
)
def test_only_the_status_can_change(portal, more):
    ada = portal.sign_in("ada")
    stored = ada.read_json("/Consent/ada-full-access")

    answer = ada("PUT", "/Consent/ada-full-access", stored | more)

    assert issue(answer) == (422, "business-rule", "")


def test_what_was_withdrawn_stays_so(portal):
    portal.store.put(consent("ada", id_="old") | {"status": "inactive"})
    ada = portal.sign_in("ada")

    answer = ada("PUT", "/Consent/old", ada.read_json("/Consent/old") | {"status": "active"})

    assert issue(answer) == (422, "business-rule", "")


def test_a_basic_patient_cannot_book_until_they_consent(portal):
    portal.store.delete("Consent", "ada-full-access")
    ada = portal.sign_in("ada")
    sent = booking(portal.slot(1))

    refused = ada("POST", "/Appointment", sent)
    ada("POST", "/Consent", given())

    assert issue(refused) == (403, "forbidden", "consent-needed")
    assert ada("POST", "/Appointment", sent).status_code == 201
