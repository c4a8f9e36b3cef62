"""Test the exchange of authorization codes for tokens."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.request_context import AccessRights
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.grant_types import load_signing_keys
from tests.sandbox.conftest import NOW
from tests.sandbox.smart.client_flow import ALL_SCOPES, URL, ClientFlow, refusal


def id_token_of(flow: ClientFlow, tokens: dict[str, Any]) -> jwt.Token:
    keys = KeySet.import_key_set(flow.browser.get("/jwks", base_url=URL).get_json())
    return jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])


def test_a_code_becomes_tokens_for_the_person_who_allowed_it(flow: ClientFlow) -> None:
    response = flow.redeem(flow.code())

    tokens = response.get_json()
    secrets = {tokens.pop(name) for name in ("access_token", "refresh_token", "id_token")}
    assert tokens == {
        "token_type": "Bearer",
        "expires_in": 1800,
        "refresh_expires_in": 8 * 3600,
        "scope": ALL_SCOPES,
        "patient": "ada",
        "need_patient_banner": False,
    }
    assert len(secrets) == 3
    assert response.headers["Cache-Control"] == "no-store"


def test_the_id_token_names_the_person_and_is_signed_by_a_published_key(
    flow: ClientFlow, server: SmartServer
) -> None:
    tokens = flow.sign_in()

    token = id_token_of(flow, tokens)

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
    flow: ClientFlow,
) -> None:
    about = flow.submit(flow.authorize(), person="guro")
    consent = flow.submit(about, patient="emil")
    location = flow.allow(consent).headers["Location"]
    code = location.partition("code=")[2].partition("&")[0]

    tokens = flow.redeem(code).get_json()

    claims = id_token_of(flow, tokens).claims
    assert tokens["patient"] == "emil"
    assert claims["fhirUser"] == f"{URL}/fhir/R4/RelatedPerson/guro-for-emil"


def test_the_subject_is_the_same_for_oneself_and_for_a_child(
    flow: ClientFlow, server: SmartServer
) -> None:
    assert server.subject("guro") == server.subject("guro")
    assert server.subject("guro") != server.subject("ada")


def test_without_openid_there_is_no_id_token_and_without_offline_access_no_refresh_token(
    flow: ClientFlow,
) -> None:
    tokens = flow.sign_in(scope="launch/patient patient/Slot.rs")

    assert tokens.keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "patient",
        "need_patient_banner",
    }


def test_the_fhir_side_learns_what_an_access_token_allows(
    flow: ClientFlow, server: SmartServer
) -> None:
    tokens = flow.sign_in("bo", scope="launch/patient patient/Slot.rs")

    rights = server.grants.find_access_rights(tokens["access_token"])

    assert rights == AccessRights(
        "bo", "Patient/bo", frozenset({"launch/patient", "patient/Slot.rs"})
    )


def test_an_access_token_ends_after_half_an_hour(
    flow: ClientFlow, server: SmartServer, clock: Clock
) -> None:
    access_token = flow.sign_in()["access_token"]

    clock.advance(server.grants.lifetimes.access)

    assert server.grants.find_access_rights(access_token) is None


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_only_an_access_token_opens_the_record(
    flow: ClientFlow, server: SmartServer, name: str
) -> None:
    tokens = flow.sign_in()

    assert (server.grants.find_access_rights(tokens[name]) is not None) == (name == "access_token")


def test_no_token_or_code_is_kept_as_it_is(
    flow: ClientFlow, database: SmartDatabase, tmp_path: Path
) -> None:
    code = flow.code()
    tokens = flow.redeem(code).get_json()

    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    secrets = (code, tokens["access_token"], tokens["refresh_token"])
    assert [secret for secret in secrets if secret.encode() in kept] == []


def test_a_second_use_of_a_code_is_refused_and_ends_what_came_of_the_first(
    flow: ClientFlow, server: SmartServer
) -> None:
    code = flow.code()
    tokens = flow.redeem(code).get_json()

    replay = flow.redeem(code)

    assert refusal(replay) == (400, "invalid_grant")
    assert server.grants.find_access_rights(tokens["access_token"]) is None
    assert refusal(flow.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_code_that_two_ask_for_at_once_is_given_to_one(flow: ClientFlow) -> None:
    code = flow.code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: flow.redeem(code).status_code, range(8)))

    assert sorted(answers) == [200] + [400] * 7


def test_a_code_is_good_for_a_minute(flow: ClientFlow, clock: Clock) -> None:
    code = flow.code()
    clock.advance(timedelta(seconds=60))

    assert refusal(flow.redeem(code)) == (400, "invalid_grant")


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
    flow: ClientFlow, change: dict[str, str], error: str
) -> None:
    assert refusal(flow.redeem(flow.code(), **change)) == (400, error)


def test_a_token_request_without_a_grant_type_is_refused(flow: ClientFlow) -> None:
    answer = flow.post("/token", client_id="gpcli")

    assert refusal(answer) == (400, "invalid_request")


def test_a_wrong_verifier_does_not_spend_the_code(flow: ClientFlow) -> None:
    code = flow.code()
    flow.redeem(code, code_verifier="another-verifier-another-verifier-another-v")

    assert flow.redeem(code).status_code == 200


def test_the_token_endpoint_answers_only_to_post(flow: ClientFlow) -> None:
    answer = flow.browser.get("/token", base_url=URL)

    assert answer.status_code == 405


def test_the_keys_survive_a_restart(database: SmartDatabase, server: SmartServer) -> None:
    again = load_signing_keys(database)

    assert again.as_dict(private=False) == server.keys.as_dict(private=False)


def test_no_private_key_is_published(flow: ClientFlow) -> None:
    keys = flow.browser.get("/jwks", base_url=URL).get_json()["keys"]

    assert sorted(key["alg"] for key in keys) == ["ES256", "ES384"]
    assert [key for key in keys if {"d", "p", "q", "dp", "dq", "qi"} & key.keys()] == []
