"""Sign-ins whose answers lack something, or hold it in another type, as real ones do."""

from __future__ import annotations

import json

import pytest

WRONG_TYPES = (5.5, {"a": 1}, True)


@pytest.mark.parametrize("value", WRONG_TYPES)
@pytest.mark.parametrize("name", ["access_token", "token_type", "scope", "patient", "id_token"])
def test_a_member_of_another_type_is_a_bad_response_that_names_it(portal, login, name, value):
    portal.tokens = {name: value}
    ending = login()
    assert ending.refused == (1, "bad_response", "")
    assert name in ending.error["message"]


@pytest.mark.parametrize("value", [None, "", "3600", -5, 0, 10**20, [], {}, True])
def test_a_lifetime_that_is_missing_or_odd_stops_nobody(portal, login, value):
    portal.tokens = {"expires_in": value}
    assert login().code == 0


@pytest.mark.parametrize("name", ["token_type", "scope", "refresh_token", "expires_in"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_member_that_may_be_left_out_stops_nobody(portal, login, name, value):
    portal.tokens = {name: value}
    assert login().code == 0


@pytest.mark.parametrize("name", ["access_token", "id_token"])
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_token_nobody_is_signed_in(portal, login, name, value):
    portal.tokens = {name: value}
    assert login().code in {1, 4}


def test_scopes_in_a_list_are_read(portal, login, shell):
    portal.tokens = {"scope": ["openid", "fhirUser", "patient/Slot.rs"]}
    assert login().code == 0
    granted = json.loads(shell("gpcli services --json").out)
    assert {each["status"] for each in granted} == {"not_permitted"}


ENDINGS = {
    "temporarily_unavailable": (6, "portal_error"),
    "server_error": (6, "portal_error"),
    "invalid_scope": (4, "sign_in_refused"),
    "unauthorized_client": (4, "sign_in_refused"),
    "invalid_request": (4, "sign_in_refused"),
    "access_denied": (4, "sign_in_refused"),
    "login_required": (4, "sign_in_refused"),
    "a_word_of_the_portals_own": (4, "sign_in_refused"),
}
"""An error word -> exit code and error code, wherever it comes."""


@pytest.mark.parametrize("where", ["redirect", "token"])
@pytest.mark.parametrize("description", ["Ask the surgery", None])
@pytest.mark.parametrize("word", ENDINGS)
def test_an_error_word_is_shown_and_means_the_same_wherever_it_comes(
    portal, login, word, description, where
):
    error = {"error": word} | ({"error_description": description} if description else {})
    if where == "redirect":
        portal.redirect = error
    else:
        portal.token = lambda form: (400, error)
    ending = login()
    assert (ending.code, ending.error["code"]) == ENDINGS[word]
    ends = f"({word}): {description}." if description else f"({word})."
    assert ending.error["message"].endswith(ends)
    is_scope = word == "invalid_scope"
    assert (ending.error["hint"] == "gpcli login tries again.") == (
        word in {"access_denied", "login_required"}
    )
    assert ("It was asked for: openid" in ending.error["hint"]) == is_scope


PUSHED, DEVICE = "/par", "/device"
ENDPOINTS = {
    PUSHED: ("pushed_authorization_request_endpoint", "", "gpcli login tries again."),
    DEVICE: ("device_authorization_endpoint", "--device", "gpcli login --device tries again."),
}
"""The path of an endpoint that begins a sign-in -> its name, the option, how to try again."""


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("word", "description", "status"),
    [
        *((word, words, 400) for word in ENDINGS for words in ("Ask the surgery", None)),
        *(
            ("invalid_scope", "Ask the surgery", status)
            for status in (200, 201, 401, 403, 500, 503)
        ),
    ],
)
def test_so_it_is_where_a_sign_in_begins_whatever_the_status(
    portal, login, word, description, status, path
):
    name, option, again = ENDPOINTS[path]
    required = {"require_pushed_authorization_requests": path == PUSHED}
    portal.smart = {name: f"{portal.address}{path}"} | required
    error = {"error": word} | ({"error_description": description} if description else {})
    portal.records[path] = (status, error)
    ending = login(option)
    assert (ending.code, ending.error["code"]) == ENDINGS[word]
    ends = f"({word}): {description}." if description else f"({word})."
    assert ending.error["message"].endswith(ends)
    assert (ending.error["hint"] == again) == (word in {"access_denied", "login_required"})
    assert ("It was asked for: openid" in ending.error["hint"]) == (word == "invalid_scope")
    assert ending.error["hint"]
    assert portal.requests("/authorize") == portal.requests("/token") == []


@pytest.mark.parametrize("description", ["Ask the surgery", None])
def test_an_error_without_a_word_is_not_called_none(portal, login, description):
    portal.redirect = {"error": ""} | ({"error_description": description} if description else {})
    ending = login()
    assert (ending.code, "None" in ending.error["message"]) == (4, False)
    assert ending.error["message"].startswith("The portal refused the sign-in")


@pytest.mark.parametrize(
    "user", [None, 5, "junk", "Practitioner/9", "https://x.example/Patient/p1"]
)
def test_who_acts_is_left_open_where_it_can_not_be_told(portal, login, user):
    portal.claims = {"fhirUser": user}
    ending = login()
    assert (ending.code, ending.json["acting_user"]) == (0, None)
    assert ending.json["patient"]["name"] == "Kari Test"
