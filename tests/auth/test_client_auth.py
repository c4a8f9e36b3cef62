"""How gpcli proves to be a client, and which way it takes at which portal."""

from __future__ import annotations

import base64
from dataclasses import replace

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from gpcli.auth.client_auth import (
    ClientAuth,
    ClientCredentials,
    build_client_auth,
    is_confidential_only,
)
from gpcli.auth.machine_key import MachineKey
from gpcli.errors import NotPermitted

TOKEN = "https://id.example/token"
NOW = 1_800_000_000.0
KEY = MachineKey(ECKey.generate_key("P-384", {"kid": "k-1"}, private=True), "ES384", "k-1")
BARE = ClientCredentials("us")
WITH_SECRET = ClientCredentials("us", secret="s3cret")
WITH_KEY = ClientCredentials("us", read_key=lambda: KEY, key_name="us.jwk")
BOTH = replace(WITH_KEY, secret="s3cret")


@pytest.fixture
def posted(issuer):
    """`posted(auth)` sends a form with that proof, and returns what arrived."""

    def run(auth: ClientAuth, path: str = "/token") -> tuple[dict[str, str], str | None]:
        issuer.respond(path, httpx.Response(200, json={}))
        auth.post(issuer.client, f"https://id.example{path}", {"grant_type": "x"}, TOKEN)
        return issuer.forms(path)[-1], issuer.requests[-1].headers.get("Authorization")

    return run


def test_a_public_client_only_says_who_it_is(posted):
    assert posted(ClientAuth("us")) == ({"grant_type": "x", "client_id": "us"}, None)


def test_a_secret_in_the_header_is_encoded_twice(posted):
    auth = ClientAuth("a b:ø", "client_secret_basic", "p+w/%= :")
    form, header = posted(auth)
    assert form == {"grant_type": "x"}
    kind, _, pair = str(header).partition(" ")
    assert (kind, base64.b64decode(pair)) == (
        "Basic",
        b"a+b%3A%C3%B8:p%2Bw%2F%25%3D+%3A",  # RFC 6749, 2.3.1 and appendix B
    )


def test_a_secret_in_the_form_stands_beside_the_client(posted):
    form, header = posted(ClientAuth("us", "client_secret_post", "p+w & x"))
    assert form == {"grant_type": "x", "client_id": "us", "client_secret": "p+w & x"}
    assert header is None


@pytest.mark.parametrize("path", ["/token", "/revoke", "/par"])
def test_a_key_signs_an_assertion_for_the_token_endpoint_wherever_it_is_sent(posted, path):
    auth = ClientAuth("us", "private_key_jwt", key=KEY, now=lambda: NOW)
    form, header = posted(auth, path)
    found = jwt.decode(form.pop("client_assertion"), KEY.key, algorithms=["ES384"])
    assert (found.header["alg"], found.header["kid"], header) == ("ES384", "k-1", None)
    assert len(found.claims.pop("jti")) == 36
    assert found.claims == {"iss": "us", "sub": "us", "aud": TOKEN, "exp": int(NOW) + 240}
    assert form == {
        "grant_type": "x",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }


def test_no_proof_shows_its_secret_or_its_key():
    shown = repr([ClientAuth("us", "client_secret_post", "s3cret", KEY), BOTH])
    assert "s3cret" not in shown
    assert "ECKey" not in shown


SYMMETRIC, ASYMMETRIC = "client-confidential-symmetric", "client-confidential-asymmetric"
BASIC, POST, JWT = "client_secret_basic", "client_secret_post", "private_key_jwt"


@pytest.mark.parametrize(
    ("credentials", "methods", "capabilities", "method"),
    [
        (BARE, [], [], "none"),
        (BARE, [], ["client-public"], "none"),
        (BARE, ["none"], [], "none"),
        (BARE, [BASIC, JWT], ["client-public"], "none"),
        (BARE, [], ["client-public", SYMMETRIC], "none"),
        (WITH_SECRET, [], [], BASIC),
        (WITH_SECRET, [], [SYMMETRIC], BASIC),
        (WITH_SECRET, [POST, BASIC], [], BASIC),
        (WITH_SECRET, [POST, JWT], [], POST),
        (WITH_KEY, [], [], JWT),
        (WITH_KEY, [JWT], [], JWT),
        (WITH_KEY, [BASIC], [ASYMMETRIC], JWT),
        (BOTH, [JWT, BASIC], [], JWT),
        (BOTH, [BASIC], [], BASIC),
        (replace(WITH_SECRET, method=POST), [BASIC], [], POST),
        (replace(WITH_SECRET, method="none"), [], [SYMMETRIC], "none"),
        (replace(BOTH, method=BASIC), [JWT], [], BASIC),
    ],
)
def test_the_portal_s_words_choose_the_way_and_a_profile_may_fix_it(
    configuration, credentials, methods, capabilities, method
):
    portal = replace(
        configuration, auth_methods=tuple(methods), capabilities=frozenset(capabilities)
    )
    assert build_client_auth(credentials, portal, lambda: NOW).method == method


@pytest.mark.parametrize(
    ("credentials", "methods", "capabilities", "message", "hint"),
    [
        (BARE, [POST], [], "a secret or a key: it names client_secret_post.", "--client-secret"),
        (BARE, [], [SYMMETRIC], f"it names {SYMMETRIC}.", "--client-id ID"),
        (BARE, [JWT], [ASYMMETRIC], "it names private_key_jwt.", "key_file"),
        (WITH_SECRET, [JWT], [], "takes no client secret: it names private_key_jwt", "client_auth"),
        (WITH_SECRET, ["none"], [], "takes no client secret: it names none.", "client_auth"),
        (
            WITH_KEY,
            [BASIC],
            [SYMMETRIC],
            "takes no key: it names client_secret_basic",
            "client_auth",
        ),
        (replace(BARE, method=JWT), [JWT], [], "it has not got a key_file", "key_file"),
        (replace(WITH_KEY, method=BASIC), [], [], "it has not got a client secret", "--client-s"),
    ],
)
def test_a_portal_without_a_way_that_the_profile_has_is_refused_with_the_cure(
    configuration, credentials, methods, capabilities, message, hint
):
    portal = replace(
        configuration, auth_methods=tuple(methods), capabilities=frozenset(capabilities)
    )
    with pytest.raises(NotPermitted) as raised:
        build_client_auth(credentials, portal, lambda: NOW)
    assert message in raised.value.message
    assert hint in raised.value.hint
    assert "s3cret" not in raised.value.message


def test_a_key_whose_signatures_the_portal_does_not_take_is_named(configuration):
    portal = replace(configuration, algorithms=("RS384",))
    with pytest.raises(NotPermitted, match=r"no signatures with ES384, which the key in us\.jwk"):
        build_client_auth(WITH_KEY, portal, lambda: NOW)


@pytest.mark.parametrize(
    ("methods", "capabilities", "only"),
    [
        ((), (), False),
        ((), ("client-public", SYMMETRIC), False),
        ((), (SYMMETRIC,), True),
        ((BASIC,), (), True),
        ((BASIC, "none"), (SYMMETRIC,), False),
    ],
)
def test_a_portal_for_confidential_clients_alone_is_told_from_others(
    configuration, methods, capabilities, only
):
    portal = replace(configuration, auth_methods=methods, capabilities=frozenset(capabilities))
    assert is_confidential_only(portal) is only
