"""Test the booking modes `operation` and `transaction`."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.sandbox.fhir.portal import BASE, FhirPortal, booking, issue

LATER = timedelta(hours=2)


@pytest.fixture
def asking(tmp_path):
    """A portal where times are taken with `$book`, and whose surgery takes two hours."""
    with FhirPortal(tmp_path / "portal.sqlite", LATER, "operation") as portal:
        yield portal


@pytest.fixture
def trusting(tmp_path):
    """A portal where apps put the Slot busy themselves."""
    with FhirPortal(tmp_path / "portal.sqlite", LATER, "transaction") as portal:
        yield portal


def wanted(portal, number=1, who="ada", **more):
    return booking(portal.slot(number), who=who, **({"status": "pending"} | more))


def parameters(*appointments):
    named = [{"name": "appointment-resource", "resource": each} for each in appointments]
    return {"resourceType": "Parameters", "parameter": named}


def ask(app, *appointments):
    return app("POST", "/Appointment/$book", parameters(*appointments))


def refusal_in(answer):
    """The HTTP status, search mode, issue code and reason of a refusal inside a Bundle."""
    [entry] = answer.json["entry"]
    [told] = entry["resource"]["issue"]
    reasons = [each["code"] for each in told["details"].get("coding", [{"code": ""}])]
    return answer.status_code, entry["search"]["mode"], told["code"], reasons[0]


def put_busy(portal, number=1, version="1"):
    slot = portal.slot(number)
    request = {"method": "PUT", "url": f"Slot/{slot['id']}", "ifMatch": f'W/"{version}"'}
    return {"resource": slot | {"status": "busy"}, "request": request}


def taking(portal, who="ada", number=1, version="1"):
    post = {"method": "POST", "url": "Appointment"}
    made = {"resource": wanted(portal, number, who), "request": post}
    entries = [put_busy(portal, number, version), made]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def booked_statuses(portal, number=1):
    found = portal.store.find("Appointment", slot=f"Slot/s{number}")
    return [each["status"] for each in found]


def operations(portal):
    [rest] = portal.app_client()("GET", "/metadata").json["rest"]
    return {each["type"]: each["operation"] for each in rest["resource"] if "operation" in each}


def test_the_operations_are_listed_where_there_are_some(portal, asking):
    definition = "https://profiles.ihe.net/ITI/Scheduling/OperationDefinition/appointment-"
    listed = [{"name": name, "definition": definition + name} for name in ("book", "find", "hold")]
    assert (operations(asking), operations(portal)) == ({"Appointment": listed}, {})


def test_what_is_booked_comes_back_in_a_searchset_and_holds_the_time(asking):
    answer = ask(asking.sign_in("ada"), wanted(asking))
    [entry] = answer.json["entry"]
    made = asking.store.get("Appointment", entry["resource"]["id"])
    assert (answer.status_code, answer.json["type"], answer.json["total"]) == (200, "searchset", 1)
    assert entry == {
        "fullUrl": f"{BASE}/Appointment/{made['id']}",
        "resource": made,
        "search": {"mode": "match"},
    }
    assert (made["status"], asking.slot(1)["status"]) == ("pending", "busy-tentative")


def test_a_taken_time_is_refused_with_200_and_an_operation_outcome_in_the_bundle(asking):
    ask(asking.sign_in("ada"), wanted(asking))
    answer = ask(asking.sign_in("bo"), wanted(asking, who="bo"))
    assert refusal_in(answer) == (200, "outcome", "conflict", "slot-taken")
    assert (answer.json["total"], booked_statuses(asking)) == (0, ["pending"])


@pytest.mark.parametrize(
    "more", [{"status": "booked"}, {"status": "proposed"}, {"start": "2027-03-08T12:01:00+01:00"}]
)
def test_a_booking_that_breaks_a_rule_is_refused_in_the_same_form(asking, more):
    answer = ask(asking.sign_in("ada"), wanted(asking, **more))
    assert refusal_in(answer)[:3] == (200, "outcome", "business-rule")
    assert booked_statuses(asking) == []


def test_an_enquiry_is_not_for_the_operation(asking):
    asked = {name: value for name, value in wanted(asking).items() if name != "slot"}
    assert refusal_in(ask(asking.sign_in("ada"), asked))[2] == "business-rule"


def test_another_patients_time_is_forbidden(asking):
    answer = ask(asking.sign_in("ada"), wanted(asking, who="bo"))
    assert issue(answer) == (403, "forbidden", "")


def test_a_sign_in_that_may_not_create_may_not_book(asking):
    answer = ask(asking.sign_in("ada", "patient/Appointment.rs"), wanted(asking))
    assert issue(answer)[:2] == (403, "forbidden")


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": {}},
        {"resourceType": "Parameters", "parameter": ["x", {"name": "appointment-resource"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "appointment-reference"}]},
        {"resourceType": "Appointment"},
    ],
)
def test_a_body_without_the_one_appointment_is_not_understood(asking, body):
    assert asking.sign_in("ada")("POST", "/Appointment/$book", body).status_code == 400


def test_two_appointments_at_once_are_not_understood(asking):
    answer = ask(asking.sign_in("ada"), wanted(asking), wanted(asking, 2))
    assert (answer.status_code, booked_statuses(asking), booked_statuses(asking, 2)) == (
        400,
        [],
        [],
    )


def test_a_plain_post_of_a_time_is_refused_and_says_what_to_do(asking):
    answer = asking.sign_in("ada")("POST", "/Appointment", wanted(asking))
    [told] = answer.json["issue"]
    assert (answer.status_code, told["code"]) == (422, "not-supported")
    assert told["details"]["text"].startswith("Times are booked with Appointment/$book")
    assert booked_statuses(asking) == []


@pytest.mark.parametrize(
    "path", ["/Appointment/$book", "/Slot/$book", "/Appointment/$hold", "/Appointment/$find"]
)
def test_other_portals_and_other_types_have_no_such_operation(portal, path):
    answer = portal.sign_in("ada")("POST", path, parameters(wanted(portal)))
    assert answer.status_code == 404


def test_the_operation_of_another_type_is_not_there_either(asking):
    assert asking.sign_in("ada")("POST", "/Slot/$book", parameters()).status_code == 404


def test_the_operation_can_not_be_read(asking):
    assert asking.sign_in("ada")("GET", "/Appointment/$book").status_code == 405


def test_of_eight_asking_at_once_exactly_one_gets_the_time(asking):
    with ThreadPoolExecutor(8) as people:
        who = ["ada", "bo"] * 4
        answers = list(
            people.map(lambda one: ask(asking.sign_in(one), wanted(asking, who=one)), who)
        )
    assert sorted(each.json["total"] for each in answers) == [0] * 7 + [1]
    assert booked_statuses(asking) == ["pending"]


def test_a_plain_post_leaves_the_time_free_where_apps_take_it_themselves(trusting):
    answers = [
        trusting.sign_in(who)("POST", "/Appointment", wanted(trusting, who=who))
        for who in ("ada", "bo")
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert (trusting.slot(1)["status"], booked_statuses(trusting)) == ("free", ["pending"] * 2)


def test_a_transaction_takes_the_time_and_books_it(trusting):
    answer = trusting.sign_in("ada")("POST", "", taking(trusting))
    statuses = [each["response"]["status"] for each in answer.json["entry"]]
    assert statuses == ["200 OK", "201 Created"]
    assert (trusting.slot(1)["status"], booked_statuses(trusting)) == ("busy", ["pending"])


def test_a_transaction_on_a_former_version_of_the_time_does_nothing(trusting):
    trusting.sign_in("ada")("POST", "", taking(trusting))
    answer = trusting.sign_in("bo")("POST", "", taking(trusting, who="bo"))
    assert (issue(answer)[:2], booked_statuses(trusting)) == ((412, "conflict"), ["pending"])


def test_a_time_is_not_put_busy_by_somebody_without_a_booking(trusting):
    bundle = taking(trusting) | {"entry": [put_busy(trusting)]}
    answer = trusting.sign_in("ada")("POST", "", bundle)
    assert (issue(answer)[:2], trusting.slot(1)["status"]) == ((422, "business-rule"), "free")


def test_what_is_not_free_is_not_booked_by_a_plain_post_either(trusting):
    trusting.sign_in("ada")("POST", "", taking(trusting))
    answer = trusting.sign_in("bo")("POST", "/Appointment", wanted(trusting, who="bo"))
    assert issue(answer) == (409, "conflict", "slot-taken")


def test_cancelling_one_of_two_bookings_leaves_the_time_to_the_other(trusting):
    trusting.sign_in("bo")("POST", "/Appointment", wanted(trusting, who="bo"))
    ada = trusting.sign_in("ada")
    _, made = ada("POST", "", taking(trusting)).json["entry"]
    ada("PUT", f"/Appointment/{made['resource']['id']}", made["resource"] | {"status": "cancelled"})
    assert (booked_statuses(trusting), trusting.slot(1)["status"]) == (
        ["pending", "cancelled"],
        "busy",
    )


def test_cancelling_the_only_booking_sets_the_time_free(trusting):
    ada = trusting.sign_in("ada")
    _, made = ada("POST", "", taking(trusting)).json["entry"]
    ada("PUT", f"/Appointment/{made['resource']['id']}", made["resource"] | {"status": "cancelled"})
    assert (booked_statuses(trusting), trusting.slot(1)["status"]) == (["cancelled"], "free")
