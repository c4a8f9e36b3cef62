"""Test reads and the HTTP headers of requests and responses."""

import pytest

from tests.sandbox.fhir.portal import BASE, issue


def test_a_read_gives_the_resource_its_version_and_its_age(portal):
    answer = portal.sign_in("ada").get("/Organization/solbakken")

    assert answer.status_code == 200
    assert answer.json == portal.store.get("Organization", "solbakken")
    headers = {name: answer.headers[name] for name in ("Content-Type", "ETag", "Last-Modified")}
    assert headers == {
        "Content-Type": "application/fhir+json; charset=utf-8",
        "ETag": 'W/"1"',
        "Last-Modified": "Mon, 01 Mar 2027 11:00:00 GMT",
    }


def test_head_gives_the_headers_alone(portal):
    answer = portal.sign_in("ada")("HEAD", "/Organization/solbakken")

    assert (answer.status_code, answer.headers["ETag"], answer.data) == (200, 'W/"1"', b"")


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "1"])
def test_a_version_that_the_caller_has_is_not_sent_again(portal, tag):
    answer = portal.sign_in("ada").get("/Organization/solbakken", If_None_Match=tag)

    assert (answer.status_code, answer.headers["ETag"], answer.data) == (304, 'W/"1"', b"")


@pytest.mark.parametrize("tag", ['W/"2"', "nonsense, really"])
def test_another_version_is_sent(portal, tag):
    answer = portal.sign_in("ada").get("/Organization/solbakken", If_None_Match=tag)

    assert answer.status_code == 200


def test_former_versions_can_be_read(portal):
    portal.store.put({**portal.slot(1), "status": "busy"})
    ada = portal.sign_in("ada")

    statuses = [ada.read_json(f"/Slot/s1/_history/{number}")["status"] for number in (1, 2)]

    assert statuses == ["free", "busy"]


@pytest.mark.parametrize("version", ["3", "0", "x", "9999999999999", "٢"])
def test_a_version_that_never_was_is_not_found(portal, version):
    answer = portal.sign_in("ada").get(f"/Slot/s1/_history/{version}")

    assert issue(answer) == (404, "not-found", "")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/Slot/nowhere", "not-found"),
        ("/Encounter/1", "not-supported"),
        ("/Encounter", "not-supported"),
        ("/Slot/s1/_history", "not-found"),
        ("/Slot/s1/more/and/more", "not-found"),
        ("/_search", "not-found"),
        ("/Slot/$book", "not-found"),
    ],
)
def test_what_is_not_there_is_not_found(portal, path, code):
    assert issue(portal.sign_in("ada").get(path)) == (404, code, "")


def test_what_was_deleted_is_gone(portal):
    portal.store.delete("Organization", "solbakken")

    answer = portal.sign_in("ada").get("/Organization/solbakken")

    assert issue(answer) == (410, "deleted", "")


def test_another_patients_deleted_resource_is_not_even_gone(portal):
    portal.store.delete("Consent", "bo-full-access")

    assert issue(portal.sign_in("ada").get("/Consent/bo-full-access")) == (404, "not-found", "")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/Slot", "GET, HEAD, POST"),
        ("PATCH", "/Slot/s1", "DELETE, GET, HEAD, PUT"),
        ("GET", "/Slot/_search", "POST"),
        ("PUT", "/Slot/s1/_history/1", "GET, HEAD"),
        ("DELETE", "/Appointment/x", "GET, HEAD"),
        ("POST", "/Slot", "GET, HEAD"),
        ("PUT", "/Patient/ada", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_possible_is_refused_with_those_that_are(
    portal, method, path, allowed
):
    answer = portal.sign_in("ada")(method, path, {"resourceType": "Slot"})

    assert issue(answer) == (405, "not-supported", "")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/Slot/s1", "application/fhir+json"),
        ("/Slot/s1", "application/fhir+json; fhirVersion=4.0"),
        ("/Slot/s1", "application/json"),
        ("/Slot/s1", "*/*"),
        ("/Slot/s1", "application/fhir+xml, application/fhir+json;q=0.1"),
        ("/Slot/s1?_format=json", "application/fhir+xml"),
        ("/Slot/s1?_format=application/fhir%2Bjson", "text/html"),
        ("/Slot/s1?_format=application/fhir+json", "*/*"),
    ],
)
def test_json_is_spoken_by_all_its_names(portal, path, accept):
    answer = portal.sign_in("ada").get(path, Accept=accept)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/Slot/s1", "application/fhir+xml"),
        ("/Slot/s1", "text/html"),
        ("/Slot/s1", "application/fhir+json; fhirVersion=5.0"),
        ("/Slot/s1", "application/fhir+json;q=0"),
        ("/Slot/s1?_format=xml", "application/fhir+json"),
        ("/Slot/s1?_format=", "*/*"),
        ("/metadata", "application/fhir+xml"),
    ],
)
def test_no_other_language_is_spoken(portal, path, accept):
    assert issue(portal.sign_in("ada").get(path, Accept=accept)) == (406, "not-supported", "")


def test_the_request_id_comes_back_even_with_a_refusal(portal):
    ada = portal.sign_in("ada")

    answers = [ada.get(path, X_Request_ID="errand-7") for path in ("/Slot/s1", "/Slot/none")]

    assert [each.headers["X-Request-ID"] for each in answers] == ["errand-7"] * 2
    assert "X-Request-ID" not in ada.get("/Slot/s1").headers


def test_nobody_reads_without_signing_in(portal):
    answer = portal.app_client().get("/Slot/s1")

    assert issue(answer) == (401, "login", "")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/Slot", "/", "/nowhere", "/Slot/s1/_history/1"])
def test_a_token_that_is_not_known_is_refused_everywhere(portal, path):
    answer = portal.app_client("made-up").get(path)

    assert issue(answer) == (401, "login", "")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic token-0", "token-0"])
def test_only_a_bearer_token_signs_in(portal, header):
    portal.sign_in("ada")

    answer = portal.app.test_client().get("/fhir/R4/Slot/s1", headers={"Authorization": header})

    assert issue(answer) == (401, "login", "")


def test_why_a_time_is_taken_is_nobodys_business(portal):
    portal.store.put({**portal.slot(1), "status": "busy", "comment": "Bo, knee"})
    portal.store.put({**portal.slot(2), "comment": "Bring a list of your medicines"})
    ada = portal.sign_in("ada")

    read = [ada.read_json(f"/Slot/s{number}").get("comment") for number in (1, 2)]
    found = [each["resource"].get("comment") for each in ada.read_json("/Slot")["entry"]]

    assert read == [None, "Bring a list of your medicines"]
    assert found == [None, "Bring a list of your medicines", None]
    assert "comment" not in ada.read_json("/Slot/s1/_history/2")


def test_addresses_are_the_portals_own(portal):
    entry = portal.sign_in("ada").read_json("/Organization")["entry"][0]

    assert entry["fullUrl"] == f"{BASE}/Organization/solbakken"
