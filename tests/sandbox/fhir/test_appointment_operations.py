"""Test `$find` and `$hold` in booking mode `operation`; `$book` is in the booking modes' tests."""

from datetime import timedelta

import pytest

from gpcli.sandbox.fhir.held_times import HOLD_FOR
from tests.sandbox.fhir.portal import NOON, FhirPortal, booking, issue, service

WEEK = timedelta(days=14)
BERG = {"reference": "Practitioner/berg"}


@pytest.fixture
def portal(tmp_path):
    """A portal where times are found, held and booked by operations; the surgery takes a day."""
    with FhirPortal(tmp_path / "portal.sqlite", timedelta(days=1), "operation") as opened:
        yield opened


def parameters(*listed):
    named = [{"name": name, kind: value} for name, kind, value in listed]
    return {"resourceType": "Parameters", "parameter": named}


def period(start=NOON, end=NOON + WEEK):
    return [
        ("start", "valueDateTime", start.isoformat()),
        ("end", "valueDateTime", end.isoformat()),
    ]


def find(app, *more, of=None):
    return app("POST", "/Appointment/$find", parameters(*(of or period()), *more))


def hold(app, reference="Appointment/p-s1"):
    named = ("appointment-reference", "valueReference", {"reference": reference})
    return app("POST", "/Appointment/$hold", parameters(named))


def book(app, appointment):
    named = ("appointment-resource", "resource", appointment)
    return app("POST", "/Appointment/$book", parameters(named))


def matches(answer):
    entries = answer.json.get("entry", [])
    return [each["resource"] for each in entries if each["search"]["mode"] == "match"]


def ids(answer):
    return [each["id"] for each in matches(answer)]


def test_free_times_are_proposed_in_order_with_all_that_a_booking_has_to_repeat(portal):
    answer = find(portal.sign_in("ada"))
    slot = portal.slot(1)
    assert (answer.status_code, answer.json["type"], answer.json["total"]) == (200, "searchset", 3)
    assert ids(answer) == ["p-s1", "p-s2", "p-s3"]
    first = matches(answer)[0]
    assert (first["status"], first["slot"]) == ("proposed", [{"reference": "Slot/s1"}])
    assert (first["start"], first["end"]) == (slot["start"], slot["end"])
    actors = [each["actor"]["reference"] for each in first["participant"]]
    assert actors == [
        "Patient/ada",
        "HealthcareService/booking",
        "PractitionerRole/gp",
        "Location/solbakken",
    ]


def test_whom_the_times_are_with_comes_along(portal):
    entries = find(portal.sign_in("ada")).json["entry"]
    along = [
        each["resource"]["resourceType"] for each in entries if each["search"]["mode"] != "match"
    ]
    assert sorted(along) == ["HealthcareService", "Location", "Practitioner", "PractitionerRole"]


def test_only_the_days_that_are_asked_for_are_proposed(portal):
    app, late = portal.sign_in("ada"), NOON + timedelta(days=7, minutes=20)
    assert ids(find(app, of=period(late))) == ["p-s2", "p-s3"]
    assert ids(find(app, of=period(NOON, late))) == ["p-s1"]
    assert find(app, of=period(NOON, NOON)).json == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
    }


def test_what_is_past_is_not_proposed(portal):
    portal.clock.advance(timedelta(days=7, minutes=10))
    assert ids(find(portal.sign_in("ada"))) == ["p-s2", "p-s3"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([("practitioner", "valueReference", BERG)], 3),
        ([("practitioner", "valueReference", {"reference": "Practitioner/else"})], 0),
        (
            [
                ("practitioner", "valueReference", BERG),
                ("practitioner", "valueReference", {"reference": "Practitioner/else"}),
            ],
            3,
        ),
        (
            [
                ("practitioner", "valueReference", BERG),
                ("organization", "valueReference", {"reference": "Organization/else"}),
            ],
            0,
        ),
        ([("location-reference", "valueReference", {"reference": "Location/solbakken"})], 3),
        ([("visit-type", "valueString", "urn:gpcli:gp-service|booking")], 3),
        ([("visit-type", "valueString", "urn:gpcli:gp-service|flu-vaccination")], 0),
        ([("_count", "valueInteger", 2)], 2),
        ([("patient-reference", "valueReference", {"reference": "Patient/ada"})], 3),
    ],
)
def test_several_of_a_kind_mean_any_and_several_kinds_mean_all(portal, asked, found):
    assert len(ids(find(portal.sign_in("ada"), *asked))) == found


def test_a_service_that_is_not_offered_has_no_times(portal):
    portal.store.put(service("booking", active=False))
    assert ids(find(portal.sign_in("ada"))) == []


@pytest.mark.parametrize(
    "listed",
    [
        [],
        period()[:1],
        [("start", "valueDateTime", "soon"), period()[1]],
        [*period(), ("specialty", "valueString", "x|y")],
        [*period(), ("_count", "valueInteger", "many")],
    ],
)
def test_a_question_that_is_not_understood_is_refused(portal, listed):
    answer = portal.sign_in("ada")("POST", "/Appointment/$find", parameters(*listed))
    assert answer.status_code == 400


def test_times_for_another_patient_are_forbidden(portal):
    theirs = ("patient-reference", "valueReference", {"reference": "Patient/bo"})
    assert issue(find(portal.sign_in("ada"), theirs))[:2] == (403, "forbidden")


@pytest.mark.parametrize(("ask", "scope"), [(find, "c"), (hold, "rs")])
def test_finding_takes_the_right_to_search_and_holding_that_to_create(portal, ask, scope):
    answer = ask(portal.sign_in("ada", f"patient/Appointment.{scope}"))
    assert issue(answer)[:2] == (403, "forbidden")


def test_a_held_time_is_pending_and_proposed_to_nobody(portal):
    ada, bo = portal.sign_in("ada"), portal.sign_in("bo")
    [held] = matches(hold(ada))
    assert (held["id"], held["status"]) == ("p-s1", "pending")
    assert (ids(find(ada)), ids(find(bo))) == (["p-s2", "p-s3"], ["p-s2", "p-s3"])
    assert portal.store.find("Appointment") == []


def refused(answer):
    [entry] = answer.json["entry"]
    [told] = entry["resource"]["issue"]
    return answer.status_code, answer.json["total"], told["severity"], told["code"]


@pytest.mark.parametrize("reference", ["Appointment/p-s9", "Appointment/nothing", "Slot/s9"])
def test_what_is_not_there_is_not_held(portal, reference):
    assert refused(hold(portal.sign_in("ada"), reference)) == (200, 0, "fatal", "not-found")


def test_what_is_taken_or_past_or_held_by_somebody_else_is_not_held(portal):
    ada, bo = portal.sign_in("ada"), portal.sign_in("bo")
    hold(ada)
    book(ada, booking(portal.slot(2)))
    assert [refused(hold(bo, f"Appointment/p-s{number}"))[3] for number in (1, 2)] == [
        "not-found"
    ] * 2
    portal.clock.advance(timedelta(days=8))
    assert refused(hold(bo, "Appointment/p-s3"))[3] == "not-found"


@pytest.mark.parametrize("listed", [[], [("appointment-reference", "valueString", "p-s1")]])
def test_a_hold_without_a_reference_is_not_understood(portal, listed):
    answer = portal.sign_in("ada")("POST", "/Appointment/$hold", parameters(*listed))
    assert answer.status_code == 400


def test_a_held_time_is_booked_by_its_holder_alone(portal):
    ada, bo = portal.sign_in("ada"), portal.sign_in("bo")
    hold(ada)
    [entry] = book(bo, booking(portal.slot(1), who="bo")).json["entry"]
    assert entry["resource"]["issue"][0]["details"]["coding"][0]["code"] == "slot-taken"
    assert book(ada, booking(portal.slot(1), id="p-s1")).json["total"] == 1
    assert portal.slot(1)["status"] == "busy-tentative"


def test_a_hold_ends_by_the_portals_clock(portal):
    ada, bo = portal.sign_in("ada"), portal.sign_in("bo")
    hold(ada)
    portal.clock.advance(HOLD_FOR - timedelta(seconds=5))
    assert ids(find(bo)) == ["p-s2", "p-s3"]
    portal.clock.advance(timedelta(seconds=10))
    assert ids(find(bo)) == ["p-s1", "p-s2", "p-s3"]
    assert book(bo, booking(portal.slot(1), who="bo")).json["total"] == 1


def test_holding_again_holds_for_longer(portal):
    ada, bo = portal.sign_in("ada"), portal.sign_in("bo")
    hold(ada)
    portal.clock.advance(HOLD_FOR - timedelta(minutes=1))
    assert matches(hold(ada))
    portal.clock.advance(timedelta(minutes=5))
    assert refused(hold(bo))[3] == "not-found"


def test_a_cancelled_booking_of_a_held_time_is_proposed_again(portal):
    ada = portal.sign_in("ada")
    hold(ada)
    [made] = matches(book(ada, booking(portal.slot(1))))
    ada("PUT", f"/Appointment/{made['id']}", made | {"status": "cancelled"})
    assert ids(find(ada)) == ["p-s1", "p-s2", "p-s3"]
