"""Test batches and transactions."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.fhir.portal import BASE, UUID, booking, consent, enquiry, identifier, issue, ref

ONCE = f"identifier=urn:ietf:rfc:3986|{UUID}"
OTHER = "urn:uuid:0f0e0d0c-0b0a-4908-8706-050403020100"


def entry(method, url, resource=None, full_url="", **request):
    made = {"request": {"method": method, "url": url, **request}}
    made |= {"resource": resource} if resource is not None else {}
    return made | ({"fullUrl": full_url} if full_url else {})


def bundle(type_, *entries):
    made = {"resourceType": "Bundle", "type": type_}
    return made | ({"entry": list(entries)} if entries else {})


def send(ask, type_, *entries, **headers):
    return ask("POST", "", bundle(type_, *entries), **headers)


def statuses(answer):
    return [each["response"]["status"] for each in answer.json["entry"]]


@pytest.fixture
def ada(portal):
    return portal.sign_in("ada")


def test_a_batch_answers_each_entry_in_its_place(portal, ada):
    answer = send(
        ada,
        "batch",
        entry("GET", "Slot/s1"),
        entry("GET", "Slot/nowhere"),
        entry("POST", "Appointment", booking(portal.slot(1))),
        entry("GET", "Slot?status=free&_count=0"),
    )

    assert (answer.status_code, answer.json["type"]) == (200, "batch-response")
    assert statuses(answer) == ["200 OK", "404", "201 Created", "200 OK"]
    first, missing, created, counted = answer.json["entry"]
    assert first["resource"]["id"] == "s1"
    assert first["fullUrl"] == f"{BASE}/Slot/s1"
    assert missing["response"]["outcome"]["issue"][0]["code"] == "not-found"
    updated = created["resource"]["meta"]["lastUpdated"]
    assert created["response"] == {
        "status": "201 Created",
        "etag": 'W/"2"',
        "lastModified": updated,
        "location": f"{BASE}/Appointment/new-1/_history/2",
    }
    assert counted["resource"]["total"] == 2


def test_each_entry_of_a_batch_is_under_the_same_rules(portal):
    ada = portal.sign_in("ada", "patient/Slot.rs", "patient/Consent.rs")

    answer = send(
        ada,
        "batch",
        entry("GET", "Consent/bo-full-access"),
        entry("GET", "Appointment"),
        entry("GET", "Consent?patient=bo"),
        entry("POST", "Appointment", booking(portal.slot(1))),
        entry("DELETE", "Slot/s1"),
        entry("PATCH", "Slot/s1", {"resourceType": "Slot"}),
        entry("GET", "metadata/x"),
        entry("GET", "Slot?start=soon"),
        entry("POST", "Appointment"),
    )

    assert statuses(answer) == ["404", "403", "403", "403", "405", "405", "404", "400", "400"]


def test_what_fails_in_a_batch_does_not_hold_up_the_rest(portal, ada):
    answer = send(
        ada,
        "batch",
        entry("POST", "Appointment", booking(portal.slot(1))),
        entry("POST", "Appointment", booking(portal.slot(1))),
        entry("POST", "Appointment", booking(portal.slot(2))),
    )

    assert statuses(answer) == ["201 Created", "409", "201 Created"]


def test_a_transaction_is_done_in_its_proper_order_and_answered_in_the_given_one(portal, ada):
    stored = ada.read_json("/Consent/ada-full-access")
    answer = send(
        ada,
        "transaction",
        entry("GET", "Consent?status=active"),
        entry("PUT", "Consent/ada-full-access", stored | {"status": "inactive"}),
        entry("POST", "Appointment", booking(portal.slot(1))),
    )

    assert (answer.status_code, answer.json["type"]) == (200, "transaction-response")
    assert statuses(answer) == ["200 OK", "200 OK", "201 Created"]
    assert answer.json["entry"][0]["resource"]["total"] == 0


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        (entry("POST", "Appointment", enquiry("bo")), (403, "forbidden", "")),
        (entry("PUT", "Slot/s2", {"resourceType": "Slot", "id": "s3"}), (400, "invalid", "")),
        (entry("GET", "Slot/nowhere"), (404, "not-found", "")),
        (entry("DELETE", "Slot/s3"), (405, "not-supported", "")),
        (entry("POST", "Appointment", {"resourceType": "Slot"}), (400, "invalid", "")),
    ],
)
def test_what_fails_in_a_transaction_undoes_it_all(portal, ada, failing, expected):
    answer = send(
        ada, "transaction", entry("POST", "Appointment", booking(portal.slot(1))), failing
    )

    assert issue(answer) == expected
    assert portal.store.find("Appointment") == []
    assert portal.store.find("AppointmentResponse") == []
    assert portal.slot(1)["status"] == "free"
    assert portal.slot(1)["meta"]["versionId"] == "1"


def test_a_refusal_of_a_transaction_names_the_entry(ada):
    answer = send(ada, "transaction", entry("GET", "Slot/s1"), entry("GET", "Slot/nowhere"))

    assert answer.json["issue"][0]["expression"] == ["Bundle.entry[1]"]


def test_a_slot_marked_busy_with_its_booking_in_one_transaction_is_booked(portal, ada):
    busy = portal.slot(1) | {"status": "busy"}

    answer = send(
        ada,
        "transaction",
        entry("PUT", "Slot/s1", busy, ifMatch='W/"1"'),
        entry("POST", "Appointment", booking(portal.slot(1), **identifier()), ifNoneExist=ONCE),
    )

    assert statuses(answer) == ["200 OK", "201 Created"]
    assert answer.json["entry"][1]["resource"]["status"] == "booked"
    assert portal.slot(1)["status"] == "busy"


def test_with_an_old_version_of_the_slot_nothing_is_booked(portal, ada):
    old = portal.slot(1) | {"status": "busy"}
    portal.store.put(portal.slot(1))

    answer = send(
        ada,
        "transaction",
        entry("PUT", "Slot/s1", old, ifMatch='W/"1"'),
        entry("POST", "Appointment", booking(portal.slot(1))),
    )

    assert issue(answer) == (412, "conflict", "")
    assert portal.store.find("Appointment") == []


def test_of_eight_such_transactions_at_once_exactly_one_is_done(portal):
    def attempt(who):
        return send(
            portal.sign_in(who),
            "transaction",
            entry("PUT", "Slot/s1", portal.slot(1) | {"status": "busy"}, ifMatch='W/"1"'),
            entry("POST", "Appointment", booking(portal.slot(1), who)),
        ).status_code

    with ThreadPoolExecutor(8) as people:
        answers = sorted(people.map(attempt, ["ada", "bo"] * 4))

    assert answers == [200, *[412] * 7]
    assert len(portal.store.find("Appointment")) == 1


@pytest.mark.parametrize("status", ["busy", "free", "busy-unavailable", "busy-tentative"])
def test_a_slot_alone_cannot_be_changed(portal, ada, status):
    changed = portal.slot(1) | {"status": status, "comment": "mine"}
    blocked = portal.slot(1) | {"status": status}

    answers = [ada("PUT", "/Slot/s1", changed), ada("PUT", "/Slot/s1", blocked)]

    assert [issue(each) for each in answers] == [(422, "business-rule", "")] * 2
    assert portal.slot(1)["meta"]["versionId"] == "1"


def test_a_slot_booked_by_another_cannot_be_marked(portal, ada):
    portal.sign_in("bo").book(portal.slot(1), who="bo")

    assert issue(ada("PUT", "/Slot/s1", portal.slot(1))) == (422, "business-rule", "")


def test_entries_may_refer_to_each_other_before_they_exist(ada):
    first = enquiry()
    second = enquiry(supportingInformation=[ref(OTHER)])

    answer = send(
        ada,
        "transaction",
        entry("POST", "Appointment", second, UUID),
        entry("POST", "Appointment", first, OTHER),
    )

    ids = [each["resource"]["id"] for each in answer.json["entry"]]
    named = answer.json["entry"][0]["resource"]["supportingInformation"][0]
    assert named == ref(f"Appointment/{ids[1]}")


def test_an_identifier_that_looks_like_an_entrys_address_is_left_alone(ada):
    answer = send(ada, "transaction", entry("POST", "Appointment", enquiry(**identifier()), UUID))

    assert answer.json["entry"][0]["resource"]["identifier"] == identifier()["identifier"]


def test_what_exists_already_is_what_others_then_refer_to(portal, ada):
    existing = ada.book(portal.slot(1), **identifier())
    follow_up = enquiry(supportingInformation=[ref(OTHER)])

    answer = send(
        ada,
        "transaction",
        entry("POST", "Appointment", booking(portal.slot(1)), OTHER, ifNoneExist=ONCE),
        entry("POST", "Appointment", follow_up),
    )

    assert statuses(answer) == ["200 OK", "201 Created"]
    made = answer.json["entry"][1]["resource"]
    assert made["supportingInformation"][0] == ref(f"Appointment/{existing['id']}")


def test_a_conditional_reference_is_looked_up(portal, ada):
    existing = ada.book(portal.slot(1), **identifier())
    follow_up = enquiry(supportingInformation=[ref(f"Appointment?{ONCE}")])

    answer = send(ada, "transaction", entry("POST", "Appointment", follow_up))

    made = answer.json["entry"][0]["resource"]
    assert made["supportingInformation"][0] == ref(f"Appointment/{existing['id']}")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"Appointment?{ONCE}", (412, "multiple-matches", "")),
        ("Slot?status=free", (412, "multiple-matches", "")),
        ("Encounter?code=1", (404, "not-supported", "")),
        ("Slot?colour=blue", (400, "not-supported", "")),
        ("Consent?patient=Patient/bo", (403, "forbidden", "")),
        (OTHER, (422, "not-found", "")),
    ],
)
def test_a_reference_that_cannot_be_settled_undoes_it_all(portal, ada, reference, expected):
    follow_up = enquiry(supportingInformation=[ref(reference)])

    answer = send(ada, "transaction", entry("POST", "Appointment", follow_up))

    assert issue(answer) == expected
    assert portal.store.find("Appointment") == []


def test_entries_that_refer_to_each_other_in_a_circle_are_refused(ada):
    answer = send(
        ada,
        "transaction",
        entry("POST", "Appointment", enquiry(supportingInformation=[ref(UUID)]), OTHER),
        entry("POST", "Appointment", enquiry(supportingInformation=[ref(OTHER)]), UUID),
    )

    assert issue(answer) == (422, "not-found", "")


@pytest.mark.parametrize(
    "entries",
    [
        [entry("POST", "Appointment", enquiry(), UUID)] * 2,
        [entry("PUT", "Consent/x", consent("ada")), entry("PUT", "Consent/x", consent("ada"))],
        [entry("PUT", "Consent/x", consent("ada")), entry("DELETE", "Consent/x")],
    ],
)
def test_the_same_resource_twice_is_refused(ada, entries):
    assert issue(send(ada, "transaction", *entries)) == (400, "invalid", "")


def test_conditions_count_inside_a_batch_too(portal, ada):
    stored = ada.read_json("/Consent/ada-full-access")

    answer = send(
        ada,
        "batch",
        entry("GET", "Slot/s1", ifNoneMatch='W/"1"'),
        entry("PUT", "Consent/ada-full-access", stored | {"status": "inactive"}, ifMatch='W/"9"'),
        entry("POST", "Appointment", booking(portal.slot(1), **identifier()), ifNoneExist=ONCE),
        entry("POST", "Appointment", booking(portal.slot(1), **identifier()), ifNoneExist=ONCE),
    )

    assert statuses(answer) == ["304 Not Modified", "412", "201 Created", "200 OK"]
    assert "resource" not in answer.json["entry"][0]


@pytest.mark.parametrize(
    ("prefer", "resource", "outcome"),
    [("return=minimal", False, False), ("return=OperationOutcome", False, True), ("", True, False)],
)
def test_entries_are_as_long_as_preferred(ada, prefer, resource, outcome):
    answer = send(ada, "batch", entry("POST", "Appointment", enquiry()), Prefer=prefer)

    made = answer.json["entry"][0]
    assert ("resource" in made, "outcome" in made["response"]) == (resource, outcome)


@pytest.mark.parametrize("type_", ["batch", "transaction"])
def test_an_empty_bundle_is_answered_by_an_empty_one(ada, type_):
    answer = send(ada, type_)

    assert answer.json == {"resourceType": "Bundle", "type": f"{type_}-response"}


@pytest.mark.parametrize("url", [f"{BASE}/Slot/s1", "Slot/s1", "/Slot/s1"])
def test_addresses_in_entries_may_be_whole_or_relative(ada, url):
    assert statuses(send(ada, "batch", entry("GET", url))) == ["200 OK"]


@pytest.mark.parametrize(
    "made",
    [
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": ["batch"]},
        {"resourceType": "Bundle", "type": "batch", "entry": {}},
        bundle("batch", "x"),
        bundle("batch", {}),
        bundle("batch", {"request": {"method": "GET"}}),
        bundle("batch", {"request": {"method": "GET", "url": 7}}),
        bundle("batch", {"request": {"method": "LOOK", "url": "Slot"}}),
        bundle("batch", entry("POST", "Appointment", "x")),
        bundle("transaction", entry("POST", "Appointment", ["x"])),
        {"resourceType": "Appointment"},
    ],
)
def test_a_bundle_that_makes_no_sense_is_refused(ada, made):
    assert ada("POST", "", made).status_code == 400


def test_the_base_takes_only_bundles_by_post(ada):
    assert ada.get("/").status_code == 404
    assert ada("POST", "/", bundle("batch")).status_code == 200
