"""Tokens: what comes back for a code, and what refuses one."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.access import Grant
from gpcli.sandbox.smart.database import Database
from gpcli.sandbox.smart.keys import signing_keys
from gpcli.sandbox.smart.provider import SmartServer
from tests.sandbox.conftest import NOW
from tests.sandbox.smart.journey import ALL, URL, Journey, refusal


def id_token_of(journey: Journey, tokens: dict[str, Any]) -> jwt.Token:
    keys = KeySet.import_key_set(journey.browser.get("/jwks", base_url=URL).get_json())
    return jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])


def test_a_code_becomes_tokens_for_the_person_who_allowed_it(journey: Journey) -> None:
    response = journey.redeem(journey.code())

    tokens = response.get_json()
    secrets = {tokens.pop(name) for name in ("access_token", "refresh_token", "id_token")}
    assert tokens == {
        "token_type": "Bearer",
        "expires_in": 1800,
        "refresh_expires_in": 8 * 3600,
        "scope": ALL,
        "patient": "ada",
        "need_patient_banner": False,
    }
    assert len(secrets) == 3
    assert response.headers["Cache-Control"] == "no-store"


def test_the_id_token_names_the_person_and_is_signed_by_a_published_key(
    journey: Journey, server: SmartServer
) -> None:
    tokens = journey.sign_in()

    token = id_token_of(journey, tokens)

    claims = dict(token.claims)
    assert token.header["alg"] == "ES256"
    issued = claims.pop("iat")
    assert abs(issued - time.time()) < 60
    assert claims.pop("exp") == issued + 600
    assert abs(claims.pop("auth_time") - NOW.timestamp()) < 60
    assert claims.pop("at_hash")
    assert claims == {
        "iss": URL,
        "aud": "gpcli",
        "sub": server.subject("ada"),
        "nonce": "nonce-1",
        "acr": "idporten-loa-high",
        "fhirUser": f"{URL}/fhir/R4/Patient/ada",
    }


def test_acting_for_a_child_puts_the_child_in_context_and_the_parent_in_the_id_token(
    journey: Journey,
) -> None:
    about = journey.submit(journey.authorize(), person="guro")
    consent = journey.submit(about, patient="emil")
    location = journey.allow(consent).headers["Location"]
    code = location.partition("code=")[2].partition("&")[0]

    tokens = journey.redeem(code).get_json()

    claims = id_token_of(journey, tokens).claims
    assert tokens["patient"] == "emil"
    assert claims["fhirUser"] == f"{URL}/fhir/R4/RelatedPerson/guro-for-emil"


def test_the_subject_is_the_same_for_oneself_and_for_a_child(
    journey: Journey, server: SmartServer
) -> None:
    assert server.subject("guro") == server.subject("guro")
    assert server.subject("guro") != server.subject("ada")


def test_without_openid_there_is_no_id_token_and_without_offline_access_no_refresh_token(
    journey: Journey,
) -> None:
    tokens = journey.sign_in(scope="launch/patient patient/Slot.rs")

    assert tokens.keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "patient",
        "need_patient_banner",
    }


def test_the_fhir_side_learns_what_an_access_token_allows(
    journey: Journey, server: SmartServer
) -> None:
    tokens = journey.sign_in("bo", scope="launch/patient patient/Slot.rs")

    grant = server.ledger.grant_of(tokens["access_token"])

    assert grant == Grant("bo", "Patient/bo", frozenset({"launch/patient", "patient/Slot.rs"}))


def test_an_access_token_ends_after_half_an_hour(
    journey: Journey, server: SmartServer, clock: Clock
) -> None:
    access_token = journey.sign_in()["access_token"]

    clock.advance(server.ledger.lifetimes.access)

    assert server.ledger.grant_of(access_token) is None


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_only_an_access_token_opens_the_record(
    journey: Journey, server: SmartServer, name: str
) -> None:
    tokens = journey.sign_in()

    assert (server.ledger.grant_of(tokens[name]) is not None) == (name == "access_token")


def test_no_token_or_code_is_kept_as_it_is(
    journey: Journey, database: Database, tmp_path: Path
) -> None:
    code = journey.code()
    tokens = journey.redeem(code).get_json()

    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    secrets = (code, tokens["access_token"], tokens["refresh_token"])
    assert [secret for secret in secrets if secret.encode() in kept] == []


def test_a_second_use_of_a_code_is_refused_and_ends_what_came_of_the_first(
    journey: Journey, server: SmartServer
) -> None:
    code = journey.code()
    tokens = journey.redeem(code).get_json()

    replay = journey.redeem(code)

    assert refusal(replay) == (400, "invalid_grant")
    assert server.ledger.grant_of(tokens["access_token"]) is None
    assert refusal(journey.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_code_that_two_ask_for_at_once_is_given_to_one(journey: Journey) -> None:
    code = journey.code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: journey.redeem(code).status_code, range(8)))

    assert sorted(answers) == [200] + [400] * 7


def test_a_code_is_good_for_a_minute(journey: Journey, clock: Clock) -> None:
    code = journey.code()
    clock.advance(timedelta(seconds=60))

    assert refusal(journey.redeem(code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "another-verifier-another-verifier-another-v"}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:1/callback"}, "invalid_grant"),
        ({"code": "no-such-code"}, "invalid_grant"),
        ({"client_id": "my-script"}, "invalid_grant"),
        ({"client_id": "stranger"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
    ],
)
def test_a_token_request_with_something_wrong_is_refused(
    journey: Journey, change: dict[str, str], error: str
) -> None:
    assert refusal(journey.redeem(journey.code(), **change)) == (400, error)


def test_a_token_request_without_a_grant_type_is_refused(journey: Journey) -> None:
    answer = journey.post("/token", client_id="gpcli")

    assert refusal(answer) == (400, "invalid_request")


def test_a_wrong_verifier_does_not_spend_the_code(journey: Journey) -> None:
    code = journey.code()
    journey.redeem(code, code_verifier="another-verifier-another-verifier-another-v")

    assert journey.redeem(code).status_code == 200


def test_the_token_endpoint_answers_only_to_post(journey: Journey) -> None:
    answer = journey.browser.get("/token", base_url=URL)

    assert answer.status_code == 405


def test_the_keys_survive_a_restart(database: Database, server: SmartServer) -> None:
    again = signing_keys(database)

    assert again.as_dict(private=False) == server.keys.as_dict(private=False)


def test_no_private_key_is_published(journey: Journey) -> None:
    keys = journey.browser.get("/jwks", base_url=URL).get_json()["keys"]

    assert sorted(key["alg"] for key in keys) == ["ES256", "RS256"]
    assert [key for key in keys if {"d", "p", "q", "dp", "dq", "qi"} & key.keys()] == []
