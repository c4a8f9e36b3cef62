"""What a report quotes of an answer is its shape and codes; nothing that is about a person."""

import json
from decimal import Decimal

import pytest

from gpcli.auth.oauth_errors import AuthAttempt, OAuthError, build_sign_in_error
from gpcli.errors import GpcliError, NotPermitted, PortalError, list_coded_errors
from gpcli.http.client import HttpResponse
from gpcli.portal.error_mapping import error_from_response
from gpcli.smoke.excerpt import MAX_LENGTH, build_excerpt, hide_quotation, word_error

CANARY = "Kari Nordmann-Kanari"
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "not-found",
            "details": {
                "coding": [{"system": "urn:gpcli:problem", "code": "slot-taken"}],
                "text": CANARY,
            },
            "diagnostics": CANARY,
        }
    ],
}


def answer(body, status=404, **headers):
    return HttpResponse(status, headers, body, "https://portal.example/fhir/Patient", "trace-1")


def shape_of(body):
    excerpt = build_excerpt(answer(body, **{"Content-Type": "text/json"}))
    return json.loads(excerpt.removeprefix("404 text/json "))


def test_an_outcome_is_quoted_by_its_codes():
    excerpt = build_excerpt(answer(OUTCOME, **{"Content-Type": "application/fhir+json; x=y"}))

    assert excerpt == (
        '404 application/fhir+json {"resourceType": "OperationOutcome", "issue": [{"severity": '
        '"error", "code": "not-found", "details": {"coding": [{"system": "urn:gpcli:problem", '
        '"code": "slot-taken"}], "text": "[hidden]"}, "diagnostics": "[hidden]"}]}'
    )


def test_codes_of_a_record_are_hidden_since_they_may_be_of_an_illness():
    record = {
        "resourceType": "MedicationRequest",
        "id": "rx-1",
        "status": "active",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.whocc.no/atc", "code": "N"}]
        },
        "contained": [OUTCOME],
    }

    shown = shape_of(record)

    assert shown["status"] == "active"
    assert shown["id"] == "[hidden]"
    assert shown["medicationCodeableConcept"] == {
        "coding": [{"system": "[hidden]", "code": "[hidden]"}]
    }


@pytest.mark.parametrize(
    "body",
    [
        {"error": f"No record of {CANARY}"},
        {"error": "14836100100"},
        {"status": "14836100100-x"},
        {CANARY: 1},
        {"type": CANARY},
        [CANARY],
        CANARY,
        CANARY.encode(),
    ],
)
def test_what_is_no_word_is_hidden_wherever_it_stands(body):
    excerpt = build_excerpt(answer(body))

    assert CANARY not in excerpt
    assert "148361" not in excerpt


def test_a_word_of_oauth_and_counts_are_shown():
    assert shape_of({"error": "invalid_grant", "total": 7}) == {
        "error": "invalid_grant",
        "total": 7,
    }
    assert shape_of({"total": Decimal("1.5")}) == {"total": "1.5"}


def test_a_long_list_and_a_long_answer_are_cut():
    assert shape_of([True] * 5) == [True, True, True, "and 2 more"]
    assert len(build_excerpt(answer([{"a" * 70: None} for _ in range(9)] * 9))) <= MAX_LENGTH
    assert len(build_excerpt(answer({f"key{each}": each for each in range(999)}))) == MAX_LENGTH


def test_an_answer_without_json_says_so():
    assert build_excerpt(answer(None, 502)) == "502 no media type no JSON"


@pytest.mark.parametrize("problem", ["consent-needed", "service-off", "slot-taken", "too-late"])
def test_an_error_in_the_portals_words_is_told_by_its_code(problem):
    issue = {"severity": "error", "code": "x", "details": {"text": CANARY}}
    issue["details"]["coding"] = [{"system": "urn:gpcli:problem", "code": problem}]
    error = error_from_response(answer({**OUTCOME, "issue": [issue]}, 409))

    assert CANARY in error.message
    assert word_error(error) == f"the portal refuses it: {error.code}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 429, 500, 501, 503])
def test_no_error_that_a_status_becomes_quotes_the_portal(status):
    issue = {"severity": "error", "code": "x", "diagnostics": f"{CANARY}\n{CANARY}"}
    error = error_from_response(answer({**OUTCOME, "issue": [issue]}, status))

    assert CANARY in error.message
    assert CANARY not in word_error(error)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
@pytest.mark.parametrize("word", ["invalid_client", "temporarily_unavailable", None])
def test_no_error_of_a_sign_in_quotes_the_portal(status, word):
    told = OAuthError(word, f"{CANARY} ({CANARY}): {CANARY}", status)
    attempt = AuthAttempt("It was refused", "gpcli", "none", "openid", "https://gp.example")
    error = build_sign_in_error(told, attempt)

    assert CANARY in error.message or (word is None and status >= 500)
    assert CANARY not in word_error(error)
    assert str(word or status) in word_error(error)


def test_an_error_in_gpclis_own_words_is_told_as_it_is():
    assert word_error(PortalError("The portal has a fault.")) == "The portal has a fault."
    assert word_error(NotPermitted("Not so. The portal says: no")) == "Not so."
    assert hide_quotation("Bundle/1: it can't be read") == "Bundle/1: it can't be read"


def test_every_kind_of_error_has_words():
    for kind in list_coded_errors():
        error: GpcliError = kind("Why.")
        assert word_error(error)
