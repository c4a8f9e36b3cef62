"""Cancelling: in time, late, too late; and that nothing else can be changed."""

from datetime import timedelta

import pytest

from tests.sandbox.fhir.world import (
    World,
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
def ada(world):
    return world.as_("ada")


@pytest.fixture
def booked(world, ada):
    return ada.booked(world.slot(1))


def put(ask, appointment, **headers):
    return ask("PUT", f"/Appointment/{appointment['id']}", appointment, **headers)


def cancelled(appointment, **more):
    return appointment | {"status": "cancelled", "cancelationReason": REASON} | more


def fee(status="active"):
    definition = {"resourceType": "ChargeItemDefinition", "id": "late", "url": "urn:x:late"}
    return definition | {"status": status, "code": concept("late-cancellation")}


def test_cancelling_keeps_all_the_rest_and_frees_the_time(world, ada, booked):
    answer = put(ada, cancelled(booked), If_Match='W/"2"')

    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"3"')
    assert answer.json == cancelled(booked, meta=answer.json["meta"])
    assert world.slot(1)["status"] == "free"


def test_a_time_that_was_freed_can_be_booked_again(world, ada, booked):
    put(ada, cancelled(booked))

    assert world.as_("bo").booked(world.slot(1), who="bo")["status"] == "booked"


def test_cancelling_twice_changes_nothing(world, ada, booked):
    first = put(ada, cancelled(booked)).json

    answer = put(ada, first)

    assert (answer.status_code, answer.json) == (200, first)
    assert answer.headers["ETag"] == 'W/"3"'


def test_sending_back_what_is_there_changes_nothing(ada, booked):
    answer = put(ada, booked)

    assert (answer.status_code, answer.json) == (200, booked)


@pytest.mark.parametrize("match", ['W/"1"', 'W/"99"', '"nonsense!"'])
def test_cancelling_another_version_than_the_present_one_is_refused(world, ada, booked, match):
    answer = put(ada, cancelled(booked), If_Match=match)

    assert issue(answer) == (412, "conflict", "")
    assert world.slot(1)["status"] == "busy"


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
def test_nothing_else_can_be_changed(world, ada, booked, more):
    sent = {name: value for name, value in cancelled(booked, **more).items() if value is not None}

    answer = put(ada, sent)

    assert issue(answer)[:2] == (422, "business-rule")
    assert ada.reading(f"/Appointment/{booked['id']}") == booked
    assert world.slot(1)["status"] == "busy"


def test_extensions_that_the_portal_does_not_know_must_be_kept(world, ada):
    unknown = {"extension": [{"url": "urn:x:join", "valueUrl": "https://video.example/1"}]}
    booked = ada.booked(world.slot(1), **unknown)
    dropped = {name: value for name, value in cancelled(booked).items() if name != "extension"}

    assert issue(put(ada, dropped)) == (422, "business-rule", "")
    assert put(ada, cancelled(booked)).json["extension"] == unknown["extension"]


@pytest.mark.parametrize("status", ["fulfilled", "noshow", "arrived", "entered-in-error"])
def test_what_is_over_cannot_be_cancelled(world, ada, booked, status):
    over = world.store.put(booked | {"status": status})

    assert issue(put(ada, cancelled(over))) == (422, "business-rule", "")


def test_what_the_surgery_cancelled_keeps_the_surgerys_reason(world, ada, booked):
    system = REASON["coding"][0]["system"]
    theirs = world.store.put(cancelled(booked, cancelationReason=concept("prov", system)))

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
    world, ada, booked, hours_before, late, priced, expected
):
    world.store.put(cancellation(late=late))
    world.store.put(fee("active" if priced else "retired"))
    world.clock.advance(timedelta(days=7, hours=-hours_before, seconds=-1 if hours_before else 1))

    answer = put(ada, cancelled(booked))

    if expected:
        assert issue(answer) == (422, "business-rule", expected)
    else:
        assert answer.status_code == 200


def test_without_a_deadline_a_time_can_be_cancelled_until_it_begins(world, ada):
    world.store.put(cancellation(notice=None))
    booked = ada.booked(world.slot(1))
    world.clock.advance(timedelta(days=7, seconds=-1))

    assert put(ada, cancelled(booked)).status_code == 200


@pytest.mark.parametrize(
    "stored",
    [
        role("booking"),
        cancellation() | {"active": False},
        cancellation() | {"notAvailable": [{"description": "Leave", "during": {"end": "2028"}}]},
    ],
)
def test_a_surgery_that_does_not_offer_cancelling_is_to_be_called(world, ada, booked, stored):
    world.store.put(stored)

    assert issue(put(ada, cancelled(booked))) == (403, "forbidden", "service-off")


def test_cancelling_can_be_offered_without_booking(world, ada, booked):
    world.store.put(role("cancellation"))

    assert put(ada, cancelled(booked)).status_code == 200


def test_it_is_the_appointments_own_gp_who_must_offer_cancelling(world, ada):
    world.store.put_all([service("cancellation", id_="c2"), role("c2", id_="other")])
    people = booking(world.slot(1))["participant"]
    elsewhere = [*people, {"actor": ref("PractitionerRole/other"), "status": "accepted"}]
    phoned = booking(world.slot(1), participant=elsewhere, status="booked", id="phoned")
    world.store.put(phoned)
    world.store.put(role("booking"))

    assert put(ada, cancelled(phoned)).status_code == 200


def test_an_enquiry_can_always_be_withdrawn(tmp_path):
    with World(tmp_path / "slow.sqlite", delay=timedelta(days=1)) as slow:
        ada = slow.as_("ada")
        sent = ada("POST", "/Appointment", enquiry()).json
        slow.store.put(role())

        answer = put(ada, cancelled(sent))

        assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
        slow.clock.advance(timedelta(days=2))
        assert ada.found("/AppointmentResponse") == []


def test_a_booking_that_waits_can_be_cancelled_and_is_not_confirmed_later(tmp_path):
    with World(tmp_path / "slow.sqlite", delay=timedelta(hours=1)) as slow:
        ada = slow.as_("ada")
        waiting = ada.booked(slow.slot(1))
        put(ada, cancelled(waiting))
        slow.clock.advance(timedelta(hours=2))

        assert ada.reading(f"/Appointment/{waiting['id']}")["status"] == "cancelled"
        assert slow.slot(1)["status"] == "free"


def test_another_patients_booking_cannot_be_cancelled(world, booked):
    answer = put(world.as_("bo"), cancelled(booked))

    assert issue(answer) == (405, "not-supported", "")
    assert world.slot(1)["status"] == "busy"


def test_what_is_not_there_cannot_be_made_by_putting_it(world, ada):
    answer = put(ada, booking(world.slot(1), id="mine"))

    assert issue(answer) == (405, "not-supported", "")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_what_was_deleted_is_gone(world, ada, booked):
    world.store.delete("Appointment", booked["id"])

    assert issue(put(ada, cancelled(booked))) == (410, "deleted", "")


@pytest.mark.parametrize("id_", ["another", None, 7])
def test_the_id_in_the_body_must_be_that_of_the_address(ada, booked, id_):
    body = {name: value for name, value in (booked | {"id": id_}).items() if value is not None}

    answer = ada("PUT", f"/Appointment/{booked['id']}", body)

    assert issue(answer) == (400, "invalid", "")
