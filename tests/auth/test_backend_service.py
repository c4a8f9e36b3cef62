"""A machine's tokens: how they are asked for, and when anew."""

import json
from dataclasses import replace

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gpcli.auth.backend_service import ServiceBearer
from gpcli.config.profiles import Profile
from gpcli.errors import (
    BadResponse,
    ConfigError,
    NotPermitted,
    PortalError,
    RateLimited,
    SignInRefused,
    Unavailable,
)
from gpcli.http.client import HttpClient

PORTAL = "https://portal.example/fhir/R4"
NOW = 1_800_000_000.0
PLACE = "/fhir/R4/.well-known/smart-configuration"
PROFILE = Profile(
    "night", PORTAL, "staging", client_id="night-job", scopes="openid patient/Slot.rs"
)
KEYS = {
    "ES384": ECKey.generate_key("P-384", {"kid": "k-1"}, private=True),
    "RS384": RSAKey.generate_key(2048, {"kid": "k-2"}, private=True),
}
MACHINES = {
    "token_endpoint": "https://id.example/token",
    "grant_types_supported": ["client_credentials"],
    "capabilities": ["client-confidential-asymmetric", "permission-v2"],
}


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "machine.jwk"
    path.write_text(json.dumps(KEYS["ES384"].as_dict(private=True)), encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def bearer(issuer, key_file, tmp_path):
    def build(profile=PROFILE, algorithm="ES384"):
        key_file.write_text(json.dumps(KEYS[algorithm].as_dict(private=True)), encoding="utf-8")
        return ServiceBearer(profile, key_file, tmp_path / "cache", issuer.clock)

    return build


@pytest.fixture
def portal(issuer):
    issuer.respond(PLACE, MACHINES)
    return issuer


def build_token_body(number=1, **changes):
    body = {"access_token": f"access-{number}", "token_type": "bearer", "expires_in": 300}
    return {name: value for name, value in (body | changes).items() if value is not None}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_is_asked_for_with_a_signed_assertion(bearer, portal, algorithm):
    portal.respond("/token", build_token_body())

    token = bearer(algorithm=algorithm).get_token(portal.client)

    [form] = portal.forms()
    assertion = jwt.decode(form.pop("client_assertion"), KEYS[algorithm], algorithms=[algorithm])
    assert token == "access-1"
    assert form == {
        "grant_type": "client_credentials",
        "scope": "system/Slot.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert assertion.header == {"alg": algorithm, "kid": KEYS[algorithm].kid, "typ": "JWT"}
    assert len(assertion.claims.pop("jti")) == 36
    assert assertion.claims == {
        "iss": "night-job",
        "sub": "night-job",
        "aud": "https://id.example/token",
        "exp": int(NOW) + 240,
    }


def test_no_assertion_is_used_twice(bearer, portal):
    portal.respond("/token", build_token_body(1), build_token_body(2))
    one = bearer()
    one.renew_token(portal.client, one.get_token(portal.client))
    seen = {
        jwt.decode(form["client_assertion"], KEYS["ES384"], algorithms=["ES384"]).claims["jti"]
        for form in portal.forms()
    }
    assert len(seen) == 2


def test_a_token_is_used_until_it_is_about_to_end(bearer, portal):
    portal.respond("/token", build_token_body(1), build_token_body(2))
    one, used = bearer(), []
    for step in (0, 294, 2):
        portal.clock.at += step
        portal.deadline.restart()
        used.append(one.get_token(portal.client))
    assert used == ["access-1", "access-1", "access-2"]


def test_a_refused_token_is_replaced_once(bearer, portal):
    portal.respond("/token", build_token_body(1), build_token_body(2))
    portal.respond("/fhir/R4/Slot", httpx.Response(401), {"resourceType": "Bundle"})
    one = bearer()
    with HttpClient(
        PORTAL, deadline=portal.deadline, bearer=one, env={}, transport=portal.transport
    ) as client:
        assert client.get("Slot").status == 200
    sent = [
        request.headers["Authorization"]
        for request in portal.requests
        if request.url.path.endswith("/Slot")
    ]
    assert sent == ["Bearer access-1", "Bearer access-2"]
    assert len(portal.forms()) == 2


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        (build_token_body(), "system/Slot.rs"),
        (build_token_body(scope="system/*.rs"), "system/*.rs"),
    ],
)
def test_what_was_granted_is_known_once_there_is_a_token(bearer, portal, body, scope):
    portal.respond("/token", body)
    one = bearer()
    before = one.scope
    one.get_token(portal.client)
    assert (before, one.scope) == (None, scope)


def test_a_portal_of_the_first_version_is_asked_in_its_words(bearer, issuer):
    first = MACHINES | {"capabilities": ["client-confidential-asymmetric", "permission-v1"]}
    issuer.respond(PLACE, first)
    issuer.respond("/token", build_token_body())
    bearer().get_token(issuer.client)
    assert issuer.forms()[0]["scope"] == "system/Slot.read"


def test_the_way_in_is_looked_up_once_a_day(bearer, portal):
    portal.respond("/token", build_token_body(1), build_token_body(2))
    bearer().get_token(portal.client)
    bearer().get_token(portal.client)
    assert portal.paths() == [PLACE, "/token", "/token"]


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_token_endpoint_that_has_moved_is_looked_up_again(bearer, portal, status):
    portal.respond("/token", build_token_body(1), httpx.Response(status))
    bearer().get_token(portal.client)
    portal.respond(PLACE, MACHINES | {"token_endpoint": "https://id.example/moved"})
    portal.respond("/moved", build_token_body(2))

    assert bearer().get_token(portal.client) == "access-2"

    [form] = portal.forms("/moved")
    claims = jwt.decode(form["client_assertion"], KEYS["ES384"], algorithms=["ES384"]).claims
    assert claims["aud"] == "https://id.example/moved"


def test_a_token_endpoint_that_is_gone_is_asked_twice_at_most(bearer, portal):
    portal.respond(PLACE, MACHINES)
    portal.respond("/token", *[httpx.Response(404)] * 2)
    with pytest.raises(SignInRefused, match=r"\(404\)"):
        bearer().get_token(portal.client)


def test_nothing_but_how_the_portal_signs_in_is_kept(bearer, portal, tmp_path):
    portal.respond("/token", build_token_body())
    bearer().get_token(portal.client)
    [stored] = (tmp_path / "cache").iterdir()
    assert "access-1" not in stored.read_text(encoding="utf-8")


def test_an_unusable_key_is_found_before_anybody_is_asked(bearer, issuer, key_file):
    one = bearer()
    key_file.chmod(0o644)
    with pytest.raises(ConfigError):
        one.get_token(issuer.client)
    assert issuer.requests == []


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"capabilities": []}, "client-confidential-asymmetric (private_key_jwt)"),
        ({"grant_types_supported": ["authorization_code"]}, "client_credentials"),
        (
            {"capabilities": None, "grant_types_supported": []},
            "client-confidential-asymmetric (private_key_jwt), client_credentials",
        ),
    ],
)
def test_a_portal_that_lets_no_machine_in_says_what_it_lacks(bearer, issuer, change, missing):
    issuer.respond(PLACE, MACHINES | change)
    with pytest.raises(NotPermitted) as raised:
        bearer().get_token(issuer.client)
    assert raised.value.message == f"The portal's sign-in lacks what gpcli needs: {missing}."


@pytest.mark.parametrize(
    "change",
    [
        {"capabilities": [], "token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"grant_types_supported": None},
        {"token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"]},
    ],
)
def test_what_a_portal_offers_can_be_said_in_several_ways(bearer, issuer, change):
    document = {name: value for name, value in (MACHINES | change).items() if value is not None}
    issuer.respond(PLACE, document)
    issuer.respond("/token", build_token_body())
    assert bearer().get_token(issuer.client) == "access-1"


def test_a_portal_that_takes_no_such_signature_says_which_it_takes(bearer, issuer):
    issuer.respond(
        PLACE, MACHINES | {"token_endpoint_auth_signing_alg_values_supported": ["RS384", "RS512"]}
    )
    with pytest.raises(NotPermitted) as raised:
        bearer().get_token(issuer.client)
    assert raised.value.message.startswith("The portal takes no signatures with ES384")
    assert raised.value.hint == "It takes RS384, RS512; use another key."
    assert issuer.forms() == []


@pytest.mark.parametrize("endpoint", [None, 7, "http://id.example/token", "javascript:alert(1)"])
def test_a_token_endpoint_that_is_no_https_address_gets_nothing(bearer, issuer, endpoint):
    issuer.respond(PLACE, MACHINES | {"token_endpoint": endpoint})
    with pytest.raises(BadResponse):
        bearer().get_token(issuer.client)
    assert issuer.forms() == []


@pytest.mark.parametrize(
    ("word", "status", "hint"),
    [
        ("invalid_client", 401, "The portal must know client_id and the public key under its kid"),
        ("invalid_client", 400, "The portal must know client_id and the public key under its kid"),
        ("invalid_scope", 400, "Ask for less with scopes in the profile"),
        ("unauthorized_client", 400, "The portal must let this client sign in by itself"),
        ("invalid_request", 400, "The portal must know client_id and the public key."),
    ],
)
def test_a_refused_machine_is_told_what_to_check(bearer, portal, refusal, word, status, hint):
    portal.respond("/token", refusal(word, status))
    with pytest.raises(SignInRefused) as raised:
        bearer().get_token(portal.client)
    assert raised.value.message.startswith(f"The portal did not let this machine in ({word}): ")
    assert raised.value.hint.startswith(hint)


def test_a_refusal_without_a_word_gives_its_status(bearer, portal):
    portal.respond("/token", httpx.Response(403, html="<h1>No</h1>"))
    with pytest.raises(SignInRefused, match=r"\(403\)"):
        bearer().get_token(portal.client)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(503), PortalError),
        (httpx.Response(429), RateLimited),
        (httpx.ReadError("x"), Unavailable),
        (build_token_body(access_token=None), BadResponse),
        (build_token_body(access_token="a b"), BadResponse),
        (build_token_body(token_type="mac"), BadResponse),
        (httpx.Response(200, html="<p>Hello</p>"), BadResponse),
    ],
)
def test_an_endpoint_that_fails_or_answers_nonsense_is_no_refusal(bearer, portal, answer, error):
    portal.respond("/token", *[answer] * 4)
    with pytest.raises(error):
        bearer().get_token(portal.client)


def test_a_token_without_an_end_is_taken_to_last_five_minutes(bearer, portal):
    portal.respond("/token", build_token_body(1, expires_in=None), build_token_body(2))
    one = bearer(replace(PROFILE, scopes="patient/*.rs"))
    one.get_token(portal.client)
    portal.clock.at += 296
    portal.deadline.restart()
    assert one.get_token(portal.client) == "access-2"
