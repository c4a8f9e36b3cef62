"""Test cancelling: in time, late, too late, and refused changes."""

from datetime import timedelta

import pytest

from tests.sandbox.fhir.portal import (
    FhirPortal,
    booking,
    cancellation,
    concept,
    enquiry,
    issue,
    ref,
    role,
    service,
)

REASON = concept("pat", "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason")


@pytest.fixture
def ada(portal):
    return portal.sign_in("ada")


@pytest.fixture
def booked(portal, ada):
    return ada.book(portal.slot(1))


def put(ask, appointment, **headers):
    return ask("PUT", f"/Appointment/{appointment['id']}", appointment, **headers)


def cancelled(appointment, **more):
    return appointment | {"status": "cancelled", "cancelationReason": REASON} | more


def fee(status="active"):
    definition = {"resourceType": "ChargeItemDefinition", "id": "late", "url": "urn:x:late"}
    return definition | {"status": status, "code": concept("late-cancellation")}


def test_cancelling_keeps_all_the_rest_and_frees_the_time(portal, ada, booked):
    answer = put(ada, cancelled(booked), If_Match='W/"2"')

    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"3"')
    assert answer.json == cancelled(booked, meta=answer.json["meta"])
    assert portal.slot(1)["status"] == "free"


def test_a_time_that_was_freed_can_be_booked_again(portal, ada, booked):
    put(ada, cancelled(booked))

    assert portal.sign_in("bo").book(portal.slot(1), who="bo")["status"] == "booked"


def test_cancelling_twice_changes_nothing(portal, ada, booked):
    first = put(ada, cancelled(booked)).json

    answer = put(ada, first)

    assert (answer.status_code, answer.json) == (200, first)
    assert answer.headers["ETag"] == 'W/"3"'


def test_sending_back_what_is_there_changes_nothing(ada, booked):
    answer = put(ada, booked)

    assert (answer.status_code, answer.json) == (200, booked)


@pytest.mark.parametrize("match", ['W/"1"', 'W/"99"', '"nonsense!"'])
def test_cancelling_another_version_than_the_present_one_is_refused(portal, ada, booked, match):
    answer = put(ada, cancelled(booked), If_Match=match)

    assert issue(answer) == (412, "conflict", "")
    assert portal.slot(1)["status"] == "busy"


@pytest.mark.parametrize("headers", [{}, {"If_Match": "*"}])
def test_cancelling_whatever_version_there_is_is_possible(ada, booked, headers):
    assert put(ada, cancelled(booked), **headers).status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        {"status": "booked", "cancelationReason": None, "comment": "Sore knee"},
        {"start": "2027-03-08T11:00:00+01:00"},
        {"status": "fulfilled", "cancelationReason": None},
        {"status": "noshow"},
        {"comment": "Sorry"},
        {"contained": None, "supportingInformation": None},
        {"participant": [{"actor": ref("Patient/ada"), "status": "declined"}]},
        {"slot": None},
        {"start": None, "end": None},
        {"extension": [{"url": "urn:x", "valueString": "new"}]},
    ],
)
def test_nothing_else_can_be_changed(portal, ada, booked, more):
    sent = {name: value for name, value in cancelled(booked, **more).items() if value is not None}

    answer = put(ada, sent)

    assert issue(answer)[:2] == (422, "business-rule")
    assert ada.read_json(f"/Appointment/{booked['id']}") == booked
    assert portal.slot(1)["status"] == "busy"


def test_extensions_that_the_portal_does_not_know_must_be_kept(portal, ada):
    unknown = {"extension": [{"url": "urn:x:join", "valueUrl": "https://video.example/1"}]}
    booked = ada.book(portal.slot(1), **unknown)
    dropped = {name: value for name, value in cancelled(booked).items() if name != "extension"}

    assert issue(put(ada, dropped)) == (422, "business-rule", "")
    assert put(ada, cancelled(booked)).json["extension"] == unknown["extension"]


@pytest.mark.parametrize("status", ["fulfilled", "noshow", "arrived", "entered-in-error"])
def test_what_is_over_cannot_be_cancelled(portal, ada, booked, status):
    over = portal.store.put(booked | {"status": status})

    assert issue(put(ada, cancelled(over))) == (422, "business-rule", "")


def test_what_the_surgery_cancelled_keeps_the_surgerys_reason(portal, ada, booked):
    system = REASON["coding"][0]["system"]
    theirs = portal.store.put(cancelled(booked, cancelationReason=concept("prov", system)))

    assert issue(put(ada, cancelled(theirs))) == (422, "business-rule", "")


@pytest.mark.parametrize(
    ("hours_before", "late", "priced", "expected"),
    [
        (25, "refused", False, None),
        (24, "refused", False, None),
        (23, "refused", True, "too-late"),
        (23, "charged", False, "too-late"),
        (23, "charged", True, None),
        (1, "charged", True, None),
        (0, "charged", True, "too-late"),
        (-1, "charged", True, "too-late"),
    ],
)
def test_late_cancelling_is_as_the_surgery_has_it(
    portal, ada, booked, hours_before, late, priced, expected
):
    portal.store.put(cancellation(late=late))
    portal.store.put(fee("active" if priced else "retired"))
    portal.clock.advance(timedelta(days=7, hours=-hours_before, seconds=-1 if hours_before else 1))

    answer = put(ada, cancelled(booked))

    if expected:
        assert issue(answer) == (422, "business-rule", expected)
    else:
        assert answer.status_code == 200


def test_without_a_deadline_a_time_can_be_cancelled_until_it_begins(portal, ada):
    portal.store.put(cancellation(notice=None))
    booked = ada.book(portal.slot(1))
    portal.clock.advance(timedelta(days=7, seconds=-1))

    assert put(ada, cancelled(booked)).status_code == 200


@pytest.mark.parametrize(
    "stored",
    [
        role("booking"),
        cancellation() | {"active": False},
        cancellation() | {"notAvailable": [{"description": "Leave", "during": {"end": "2028"}}]},
    ],
)
def test_a_surgery_that_does_not_offer_cancelling_is_to_be_called(portal, ada, booked, stored):
    portal.store.put(stored)

    assert issue(put(ada, cancelled(booked))) == (403, "forbidden", "service-off")


def test_cancelling_can_be_offered_without_booking(portal, ada, booked):
    portal.store.put(role("cancellation"))

    assert put(ada, cancelled(booked)).status_code == 200


def test_it_is_the_appointments_own_gp_who_must_offer_cancelling(portal, ada):
    portal.store.put_all([service("cancellation", id_="c2"), role("c2", id_="other")])
    people = booking(portal.slot(1))["participant"]
    elsewhere = [*people, {"actor": ref("PractitionerRole/other"), "status": "accepted"}]
    phoned = booking(portal.slot(1), participant=elsewhere, status="booked", id="phoned")
    portal.store.put(phoned)
    portal.store.put(role("booking"))

    assert put(ada, cancelled(phoned)).status_code == 200


def test_an_enquiry_can_always_be_withdrawn(tmp_path):
    with FhirPortal(tmp_path / "slow.sqlite", delay=timedelta(days=1)) as slow_portal:
        ada = slow_portal.sign_in("ada")
        sent = ada("POST", "/Appointment", enquiry()).json
        slow_portal.store.put(role())

        answer = put(ada, cancelled(sent))

        assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
        slow_portal.clock.advance(timedelta(days=2))
        assert ada.match_ids("/AppointmentResponse") == []


def test_a_booking_that_waits_can_be_cancelled_and_is_not_confirmed_later(tmp_path):
    with FhirPortal(tmp_path / "slow.sqlite", delay=timedelta(hours=1)) as slow_portal:
        ada = slow_portal.sign_in("ada")
        waiting = ada.book(slow_portal.slot(1))
        put(ada, cancelled(waiting))
        slow_portal.clock.advance(timedelta(hours=2))

        assert ada.read_json(f"/Appointment/{waiting['id']}")["status"] == "cancelled"
        assert slow_portal.slot(1)["status"] == "free"


def test_another_patients_booking_cannot_be_cancelled(portal, booked):
    answer = put(portal.sign_in("bo"), cancelled(booked))

    assert issue(answer) == (405, "not-supported", "")
    assert portal.slot(1)["status"] == "busy"


def test_what_is_not_there_cannot_be_made_by_putting_it(portal, ada):
    answer = put(ada, booking(portal.slot(1), id="mine"))

    assert issue(answer) == (405, "not-supported", "")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_what_was_deleted_is_gone(portal, ada, booked):
    portal.store.delete("Appointment", booked["id"])

    assert issue(put(ada, cancelled(booked))) == (410, "deleted", "")


@pytest.mark.parametrize("id_", ["another", None, 7])
def test_the_id_in_the_body_must_be_that_of_the_address(ada, booked, id_):
    body = {name: value for name, value in (booked | {"id": id_}).items() if value is not None}

    answer = ada("PUT", f"/Appointment/{booked['id']}", body)

    assert issue(answer) == (400, "invalid", "")
