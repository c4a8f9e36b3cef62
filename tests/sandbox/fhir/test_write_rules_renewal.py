"""Test requests to renew prescriptions, and their withdrawal."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.fhir.portal import concept, consent, issue, patient, ref, role, service
from tests.sandbox.fhir.request_builders import LIMITS, created, medicine, prescription, renewal

SUPPLY = prescription()["dispenseRequest"]


@pytest.fixture(autouse=True)
def prescribed(slow_portal):
    """Ada's metformin, and Bo's."""
    slow_portal.store.put_all([medicine(), prescription(), prescription("rx-bo", "bo")])


def post(ask, resource):
    return ask("POST", "/Task", resource)


def put(ask, task, **changes):
    return ask("PUT", f"/Task/{task['id']}", task | changes)


def without(resource, *names):
    return {name: each for name, each in resource.items() if name not in names}


def test_a_request_is_stored_and_waits_for_the_surgery(slow_portal, ada):
    task = created(post(ada, renewal()))

    assert without(task, "id", "meta") == renewal()
    waiting = slow_portal.store.execute("SELECT reference FROM waiting")
    assert [row[0] for row in waiting] == [f"Task/{task['id']}"]


def test_who_names_no_time_is_given_the_portal_s(ada):
    task = created(post(ada, without(renewal(), "authoredOn")))
    assert task["authoredOn"].startswith("2027-03-01T12:00")


@pytest.mark.parametrize(
    "changes",
    [
        {"code": concept("103742008", "http://snomed.info/sct")},
        {"code": concept("103742009", "urn:x")},
        {"status": "accepted"},
        {"status": "draft"},
        {"intent": "plan"},
        {"focus": ref("Patient/ada")},
        {"note": [{"text": "x" * 41}]},
    ],
)
def test_what_is_no_request_for_renewal_is_refused(slow_portal, ada, changes):
    assert issue(post(ada, renewal(**changes))) == (422, "business-rule", "")
    assert slow_portal.store.find("Task") == []


@pytest.mark.parametrize("name", ["code", "focus"])
def test_a_request_needs_its_parts(ada, name):
    assert issue(post(ada, without(renewal(), name))) == (422, "business-rule", "")


@pytest.mark.parametrize("name", ["status", "intent"])
def test_r4_needs_its_parts(ada, name):
    assert issue(post(ada, without(renewal(), name))) == (422, "required", "")


@pytest.mark.parametrize("of", ["rx-bo", "none"])
def test_another_s_prescription_is_not_found(slow_portal, ada, of):
    assert issue(post(ada, renewal(of))) == (404, "not-found", "")
    assert slow_portal.store.find("Task") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"for": ref("Patient/bo")},
        {"requester": ref("Patient/bo")},
        {"requester": ref("PractitionerRole/gp")},
    ],
)
def test_nobody_asks_for_another_or_in_another_s_name(slow_portal, ada, changes):
    assert issue(post(ada, renewal(**changes))) == (403, "forbidden", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "stopped"},
        {"status": "cancelled"},
        {"status": "entered-in-error"},
        {"status": "draft"},
        {"dispenseRequest": {"validityPeriod": {"end": "2027-02-28"}}},
    ],
)
def test_what_is_withdrawn_or_expired_can_t_be_renewed(slow_portal, ada, changes):
    slow_portal.store.put(prescription(**changes))

    assert issue(post(ada, renewal())) == (422, "business-rule", "not-renewable")
    assert slow_portal.store.find("Task") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "completed"},
        {"dispenseRequest": {"validityPeriod": {"end": "2027-03-01"}}},
        {"dispenseRequest": {"validityPeriod": {"start": "2026-03-01"}}},
        {"dispenseRequest": {}},
    ],
)
def test_what_is_used_up_or_open_ended_can(slow_portal, ada, changes):
    slow_portal.store.put({name: each for name, each in prescription(**changes).items() if each})
    created(post(ada, renewal()))


def test_what_has_been_renewed_has_a_newer_one_to_ask_for(slow_portal, ada):
    slow_portal.store.put(prescription("rx-2", priorPrescription=ref("MedicationRequest/rx")))
    assert issue(post(ada, renewal())) == (422, "business-rule", "not-renewable")
    created(post(ada, renewal("rx-2")))


@pytest.mark.parametrize("status", ["requested", "received", "accepted", "in-progress", "on-hold"])
def test_what_is_asked_for_is_not_asked_for_twice(slow_portal, ada, status):
    slow_portal.store.put(renewal(status=status) | {"id": "first"})

    assert issue(post(ada, renewal())) == (422, "business-rule", "")
    assert len(slow_portal.store.find("Task")) == 1


@pytest.mark.parametrize("status", ["rejected", "cancelled", "completed", "failed"])
def test_what_is_settled_may_be_asked_for_again(slow_portal, ada, status):
    slow_portal.store.put(renewal(status=status) | {"id": "first"})
    created(post(ada, renewal()))


def test_of_two_requests_at_once_for_one_prescription_one_gets_through(slow_portal):
    askers = [slow_portal.sign_in("ada"), slow_portal.sign_in("ada")]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda ask: post(ask, renewal()), askers))

    assert sorted(each.status_code for each in answers) == [201, 422]
    assert len(slow_portal.store.find("Task")) == 1


def test_requests_for_two_prescriptions_don_t_meet(slow_portal, ada):
    slow_portal.store.put(prescription("rx-2"))
    created(post(ada, renewal()))
    created(post(ada, renewal("rx-2")))


def test_a_gp_who_does_not_renew_online_is_not_asked(slow_portal, ada):
    slow_portal.store.put(role("contact"))
    assert issue(post(ada, renewal())) == (403, "forbidden", "service-off")


def test_the_prescriber_is_asked_and_not_the_other_gp(slow_portal, ada):
    shared = patient("ada", "Ås", "14836100100")
    roles = [ref("PractitionerRole/gp"), ref("PractitionerRole/other")]
    slow_portal.store.put_all(
        [role("contact", id_="other"), shared | {"generalPractitioner": roles}]
    )
    slow_portal.store.put(prescription("theirs", requester=ref("PractitionerRole/other")))

    assert issue(post(ada, renewal("theirs"))) == (403, "forbidden", "service-off")
    created(post(ada, renewal()))


def test_a_prescription_from_elsewhere_goes_to_the_gp(slow_portal, ada):
    hospital = role(id_="hospital") | {"practitioner": ref("Practitioner/else")}
    slow_portal.store.put_all([hospital, prescription(requester=ref("PractitionerRole/hospital"))])
    created(post(ada, renewal()))


def test_an_owner_who_is_not_the_patient_s_gp_is_not_asked(slow_portal, ada):
    slow_portal.store.put(role("prescription-renewal", id_="other"))
    refused = post(ada, renewal(owner=ref("PractitionerRole/other")))
    assert issue(refused) == (403, "forbidden", "service-off")
    created(post(ada, renewal(owner=ref("PractitionerRole/gp"))))


def test_the_price_of_a_renewal_can_change_while_the_portal_runs(slow_portal, ada):
    charge = {
        "resourceType": "ChargeItemDefinition",
        "id": "renewal",
        "url": "urn:x:renewal",
        "status": "active",
    }
    prices = []
    for amount in (98, 120):
        component = {"type": "base", "amount": {"value": amount, "currency": "NOK"}}
        slow_portal.store.put(charge | {"propertyGroup": [{"priceComponent": [component]}]})
        found = ada.read_json("/ChargeItemDefinition/renewal")["propertyGroup"][0]
        prices.append(found["priceComponent"][0]["amount"]["value"])
    assert prices == [98, 120]


@pytest.mark.parametrize("status", ["requested", "received"])
def test_a_request_that_nobody_has_begun_with_can_be_withdrawn(slow_portal, ada, status):
    asked = created(post(ada, renewal()))
    slow_portal.store.put(asked | {"status": status})
    current = ada.read_json(f"/Task/{asked['id']}")

    answer = put(ada, current, status="cancelled", statusReason={"text": "I have enough."})

    assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
    assert answer.json["statusReason"] == {"text": "I have enough."}
    assert slow_portal.store.execute("SELECT * FROM waiting") == []


def test_withdrawing_twice_changes_nothing(ada):
    first = put(ada, created(post(ada, renewal())), status="cancelled").json
    again = put(ada, first)
    assert (again.status_code, again.json) == (200, first)


def test_after_withdrawing_one_may_ask_again(ada):
    put(ada, created(post(ada, renewal())), status="cancelled")
    created(post(ada, renewal()))


@pytest.mark.parametrize("status", ["accepted", "in-progress", "completed", "rejected", "failed"])
def test_what_the_surgery_has_taken_up_can_t_be_withdrawn(slow_portal, ada, status):
    slow_portal.store.put(renewal(status=status) | {"id": "first"})
    refused = put(ada, ada.read_json("/Task/first"), status="cancelled")
    assert issue(refused) == (422, "business-rule", "already-answered")


def test_an_answer_that_arrives_while_one_withdraws_wins(slow_portal, ada):
    task = created(post(ada, renewal()))
    slow_portal.clock.advance(slow_portal.surgery.delay)

    refused = put(ada, task, status="cancelled")

    assert issue(refused) == (422, "business-rule", "already-answered")
    assert slow_portal.store.get("Task", task["id"])["status"] == "completed"


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "completed"},
        {"status": "accepted"},
        {"status": "cancelled", "focus": ref("MedicationRequest/rx-bo")},
        {"status": "cancelled", "note": [{"text": "No."}]},
        {"note": [{"text": "Please."}]},
        {"priority": "urgent"},
    ],
)
def test_nothing_else_may_change(slow_portal, ada, changes):
    task = created(post(ada, renewal()))

    assert issue(put(ada, task, **changes)) == (422, "business-rule", "")
    assert slow_portal.store.get("Task", task["id"]) == task


def test_a_request_that_has_changed_meanwhile_must_be_read_again(ada):
    task = created(post(ada, renewal()))
    path, sent = f"/Task/{task['id']}", task | {"status": "cancelled"}
    assert issue(ada("PUT", path, sent, If_Match='W/"7"')) == (412, "conflict", "")


def test_a_request_can_t_have_changed_before_it_was_written(ada):
    early = renewal(lastModified="2027-02-01T12:00:00+01:00")
    assert issue(post(ada, early)) == (422, "invariant", "")


def test_the_same_request_again_is_the_one_that_is_there(slow_portal, ada):
    once = {"identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}]}
    condition = {"If-None-Exist": "identifier=urn:ietf:rfc:3986|urn:uuid:1"}

    answers = [ada("POST", "/Task", renewal(**once), **condition) for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 200]
    assert answers[0].json == answers[1].json


def test_another_s_request_is_not_there(slow_portal, ada):
    task = created(post(ada, renewal()))
    bo = slow_portal.sign_in("bo")

    assert issue(bo.get(f"/Task/{task['id']}")) == (404, "not-found", "")
    assert issue(put(bo, task, status="cancelled")) == (405, "not-supported", "")
    assert bo.match_ids("/Task") == []


def test_consent_and_scope_are_needed(slow_portal, ada):
    reader = slow_portal.sign_in("ada", "patient/Task.rs")
    assert issue(post(reader, renewal())) == (403, "forbidden", "")
    slow_portal.store.delete("Consent", "ada-full-access")
    assert issue(post(ada, renewal())) == (403, "forbidden", "consent-needed")


def test_who_acts_for_a_child_asks_in_their_own_name(slow_portal):
    related = {"resourceType": "RelatedPerson", "id": "mum", "patient": ref("Patient/emil")}
    slow_portal.store.put_all([patient("emil", "Li", "11841900300"), consent("emil"), related])
    slow_portal.store.put(prescription("rx-emil", "emil"))
    mum = slow_portal.sign_in("emil", user="RelatedPerson/mum")

    refused = post(mum, renewal("rx-emil", "emil"))

    assert issue(refused) == (403, "forbidden", "")
    created(post(mum, renewal("rx-emil", "emil", requester=ref("RelatedPerson/mum"))))


def test_prescriptions_themselves_are_only_read(ada):
    assert issue(ada("POST", "/MedicationRequest", prescription())) == (405, "not-supported", "")
    changed = ada("PUT", "/MedicationRequest/rx", prescription(status="active"))
    assert issue(changed) == (405, "not-supported", "")


def test_without_a_limit_a_note_is_as_long_as_it_is(slow_portal, ada):
    slow_portal.store.put(service("prescription-renewal"))
    created(post(ada, renewal(note=[{"text": "x" * (LIMITS[2]["valueInteger"] + 1)}])))
