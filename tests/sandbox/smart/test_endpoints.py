"""Test the metadata documents."""

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from tests.sandbox.smart.client_flow import URL, ClientFlow

PATHS = (
    "/fhir/R4/.well-known/smart-configuration",
    "/.well-known/smart-configuration",
    "/.well-known/openid-configuration",
)


def test_the_configuration_is_all_that_a_smart_client_needs(flow: ClientFlow) -> None:
    said = flow.browser.get(PATHS[0], base_url=URL).get_json()

    assert said.pop("scopes_supported")[:4] == ["openid", "fhirUser", "profile", "launch/patient"]
    assert said == {
        "issuer": URL,
        "jwks_uri": f"{URL}/jwks",
        "authorization_endpoint": f"{URL}/authorize",
        "token_endpoint": f"{URL}/token",
        "revocation_endpoint": f"{URL}/revoke",
        "device_authorization_endpoint": f"{URL}/device_authorization",
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
            "client_credentials",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "acr_values_supported": ["idporten-loa-high"],
        "authorization_response_iss_parameter_supported": True,
        "capabilities": [
            "launch-standalone",
            "client-public",
            "client-confidential-asymmetric",
            "context-standalone-patient",
            "permission-patient",
            "permission-v1",
            "permission-v2",
            "permission-offline",
            "sso-openid-connect",
            "authorize-post",
        ],
    }


@pytest.mark.parametrize("path", PATHS[1:])
def test_the_issuer_says_the_same(flow: ClientFlow, path: str) -> None:
    answers = [flow.browser.get(each, base_url=URL).get_json() for each in (PATHS[0], path)]

    assert answers[0] == answers[1]


@pytest.mark.parametrize("path", PATHS)
def test_it_may_be_kept_and_asked_about_again(flow: ClientFlow, path: str) -> None:
    first = flow.browser.get(path, base_url=URL)

    again = flow.browser.get(path, base_url=URL, headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("field", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_every_endpoint_that_it_names_exists(flow: ClientFlow, field: str) -> None:
    address = flow.browser.get(PATHS[0], base_url=URL).get_json()[field]

    answer = flow.browser.get(address, base_url=URL)

    assert answer.status_code in (200, 400, 405)


def test_it_is_valid_authorization_server_metadata(flow: ClientFlow) -> None:
    said = AuthorizationServerMetadata(flow.browser.get(PATHS[0], base_url=URL).get_json())

    said.validate_token_endpoint()
    said.validate_grant_types_supported()
    said.validate_code_challenge_methods_supported()
