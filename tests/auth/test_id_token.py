import base64
import json
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gpcli.auth.id_token import check_id_token
from gpcli.errors import SignInRefused
from gpcli.http.portal_clock import CLOCK_HINT, TOLERANCE

NOW = 1_800_000_000.0


@pytest.fixture
def check(issuer, configuration):
    def run(token: str, **changes):
        wanted = {"client_id": "gpcli", "nonce": "the-nonce", "acr": None, "now": NOW}
        wanted = wanted | {"portal_time": None} | changes
        return check_id_token(token, client=issuer.client, configuration=configuration, **wanted)

    return run


def encode_part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_good_token_gives_its_claims(check, issuer):
    claims = check(issuer.id_token())
    assert (claims["sub"], claims["fhirUser"]) == ("ada-sub", "Patient/ada")
    assert issuer.paths() == ["/jwks"]


@pytest.mark.parametrize(
    ("make", "alg"),
    [
        (lambda: ECKey.generate_key("P-384", {"kid": "k1"}), "ES384"),
        (lambda: RSAKey.generate_key(2048, {"kid": "k1"}), "RS256"),
        (lambda: RSAKey.generate_key(2048, {"kid": "k1"}), "PS256"),
        (lambda: OKPKey.generate_key("Ed25519", {"kid": "k1"}), "Ed25519"),
        (lambda: OKPKey.generate_key("Ed25519", {"kid": "k1"}), "EdDSA"),
    ],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_every_signature_by_a_key_pair_is_known(check, issuer, make, alg):
    key = make()
    issuer.keys = [key]
    claims = jwt.decode(issuer.id_token(), issuer.key).claims
    token = jwt.encode({"alg": alg, "kid": "k1"}, claims, key, algorithms=[alg])
    assert check(token)["sub"] == "ada-sub"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://evil.example"}, "it was not issued by the portal"),
        ({"iss": "https://id.example/"}, "it was not issued by the portal"),
        ({"iss": ["https://id.example"]}, "it was not issued by the portal"),
        ({"iss": None}, "it is incomplete"),
        ({"sub": None}, "it is incomplete"),
        ({"aud": None}, "it is incomplete"),
        ({"aud": "another"}, "it is for another program"),
        ({"aud": ["gpcli", "another"]}, "it is for another program"),
        ({"aud": []}, "it is for another program"),
        ({"azp": "another"}, "it was issued to another program"),
        ({"exp": None}, "it is incomplete"),
        ({"exp": int(NOW) - TOLERANCE - 1}, "it has expired"),
        ({"exp": "tomorrow"}, "it has expired"),
        ({"iat": None}, "it is incomplete"),
        ({"iat": int(NOW) + TOLERANCE + 1}, "it comes from the future"),
        ({"nbf": int(NOW) + TOLERANCE + 1}, "it comes from the future"),
        ({"nonce": None}, "it belongs to another sign-in"),
        ({"nonce": "another"}, "it belongs to another sign-in"),
        ({"nonce": ["the-nonce"]}, "it belongs to another sign-in"),
    ],
)
def test_a_token_with_wrong_claims_is_refused(check, issuer, changes, why):
    with pytest.raises(SignInRefused) as raised:
        check(issuer.id_token(**changes), portal_time=NOW)
    assert raised.value.message == (f"The portal's proof of who signed in was not accepted: {why}.")
    assert raised.value.code == "sign_in_refused"


HOUR = 3600
REFUSED = "The portal's proof of who signed in was not accepted:"


@pytest.mark.parametrize(
    ("off", "changes", "clock", "why"),
    [
        (3 * HOUR, {}, "3 hours ahead of", "it has expired"),
        (7 * 60, {"nbf": int(NOW)}, "7 minutes ahead of", "it has expired"),
        (-100, {}, "2 minutes behind", "it comes from the future"),
        (
            -HOUR,
            {"iat": int(NOW) - 2 * HOUR, "nbf": int(NOW)},
            "60 minutes behind",
            "it comes from",
        ),
        (-3 * 86_400, {}, "3 days behind", "it comes from the future"),
    ],
)
@pytest.mark.parametrize("portal_time", [NOW, None])
def test_a_clock_that_is_wrong_is_said_to_be_and_by_how_much(
    check, issuer, off, changes, clock, why, portal_time
):
    if portal_time is None and "iat" in changes:
        changes = {"nbf": int(NOW)}
    with pytest.raises(SignInRefused) as raised:
        check(issuer.id_token(**changes), now=NOW + off, portal_time=portal_time)
    assert raised.value.message.startswith(
        f"{REFUSED} by this computer's clock, which is {clock} the portal's, {why}"
    )
    assert raised.value.hint == CLOCK_HINT


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": int(NOW) - HOUR, "iat": int(NOW) - 2 * HOUR}, "it has expired"),
        ({"iat": int(NOW) + HOUR}, "it comes from the future"),
        ({"nbf": int(NOW) + HOUR}, "it comes from the future"),
    ],
)
@pytest.mark.parametrize("portal_time", [NOW - TOLERANCE, NOW, NOW + TOLERANCE])
def test_where_the_portal_s_clock_agrees_only_the_portal_can_help(
    check, issuer, changes, why, portal_time
):
    with pytest.raises(SignInRefused) as raised:
        check(issuer.id_token(**changes), portal_time=portal_time)
    assert raised.value.message == f"{REFUSED} {why}."
    assert raised.value.hint == "Only the portal can put this right: tell it."


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "another"}, "it is for another program"),
        ({"iss": "https://evil.example"}, "it was not issued by the portal"),
        ({"sub": None}, "it is incomplete"),
    ],
)
def test_a_wrong_clock_is_not_blamed_for_what_has_no_time(check, issuer, changes, why):
    with pytest.raises(SignInRefused) as raised:
        check(issuer.id_token(**changes), portal_time=NOW + HOUR)
    assert raised.value.message == f"{REFUSED} {why}."


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"aud": "another"}, "Only the portal can put this right: tell it."),
        ({"iat": None, "exp": int(NOW) - 500}, "Only the portal can put this right: tell it."),
        ({"exp": int(NOW) - 500}, "Only the portal can put this right: tell it."),
        ({"nonce": "another"}, "gpcli login tries again."),
    ],
)
def test_where_no_clock_is_to_blame_none_is(check, issuer, changes, hint):
    with pytest.raises(SignInRefused) as raised:
        check(issuer.id_token(**changes))
    assert raised.value.hint == hint


@pytest.mark.parametrize(
    ("reached", "body"), [("low", "'low'"), (None, "no level at all"), (3, "no level at all")]
)
def test_a_level_that_is_too_low_is_named_beside_the_demanded_ones(check, issuer, reached, body):
    with pytest.raises(SignInRefused) as raised:
        check(issuer.id_token(acr=reached), acr="high higher")
    assert raised.value.hint == (
        f"This profile insists on 'high higher' (its key acr), and the portal says {body}. "
        "gpcli login tries again: choose a stronger way at the portal's page."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["gpcli"]},
        {"azp": "gpcli"},
        {"exp": int(NOW) - TOLERANCE + 1},
        {"iat": int(NOW) + TOLERANCE - 1},
    ],
)
def test_a_token_at_the_edge_is_accepted(check, issuer, changes):
    assert check(issuer.id_token(**changes))["sub"] == "ada-sub"


def test_without_a_nonce_in_the_flow_none_is_wanted(check, issuer):
    assert check(issuer.id_token(nonce=None), nonce=None)["sub"] == "ada-sub"


@pytest.mark.parametrize("acr", ["high", ["high"], None])
def test_a_level_that_was_not_demanded_is_refused(check, issuer, acr):
    with pytest.raises(SignInRefused, match="not identified strongly enough"):
        check(issuer.id_token(acr=acr), acr="higher highest")


def test_any_of_the_demanded_levels_will_do(check, issuer):
    assert check(issuer.id_token(acr="highest"), acr="higher highest")["acr"] == "highest"


def test_a_token_signed_with_another_key_is_refused(check, issuer):
    other = ECKey.generate_key("P-256", {"kid": "k1"})
    with pytest.raises(SignInRefused, match="its signature is wrong"):
        check(issuer.id_token(other))


def test_a_changed_claim_breaks_the_signature(check, issuer):
    header, _, signature = issuer.id_token().split(".")
    forged = encode_part({"iss": "https://id.example", "aud": "gpcli", "sub": "bo"})
    with pytest.raises(SignInRefused, match="its signature is wrong"):
        check(f"{header}.{forged}.{signature}")


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "HS512", "RS1", "", None, 7])
def test_a_signature_that_proves_nothing_is_refused_without_asking_for_keys(check, issuer, alg):
    token = f"{encode_part({'alg': alg, 'kid': 'k1'})}.{encode_part({'sub': 'bo'})}."
    with pytest.raises(SignInRefused):
        check(token)
    assert issuer.requests == []


def test_the_public_key_is_no_shared_secret(check, issuer):
    public = json.dumps(issuer.key.as_dict(private=False)).encode()
    claims = jwt.decode(issuer.id_token(), issuer.key).claims
    token = jwt.encode({"alg": "HS256", "kid": "k1"}, claims, OctKey.import_key(public))
    with pytest.raises(SignInRefused):
        check(token)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.b.c.d.e", "....", "x" * 40_000])
def test_what_is_no_token_is_refused(check, token):
    with pytest.raises(SignInRefused):
        check(token)


def test_a_key_in_the_tokens_own_header_is_not_believed(check, issuer):
    evil = ECKey.generate_key("P-256", {"kid": "evil"})
    header = {"kid": "evil", "jwk": evil.as_dict(private=False)}
    with pytest.raises(SignInRefused):
        check(issuer.id_token(evil, header))


def test_keys_are_asked_for_once_more_when_the_tokens_key_is_unknown(check, issuer):
    new = ECKey.generate_key("P-256", {"kid": "k2"})
    issuer.respond("/jwks", {"keys": []}, {"keys": [new.as_dict(private=False)]})
    assert check(issuer.id_token(new, {"kid": "k2"}))["sub"] == "ada-sub"
    assert issuer.paths() == ["/jwks", "/jwks"]


def test_a_key_that_stays_unknown_is_refused_after_two_looks(check, issuer):
    with pytest.raises(SignInRefused, match="its key is not among the portal's"):
        check(issuer.id_token(header={"kid": "unknown"}))
    assert issuer.paths() == ["/jwks", "/jwks"]


def test_keys_that_are_of_no_use_are_passed_over(check, issuer):
    good = issuer.key.as_dict(private=False)
    useless = [
        "text",
        None,
        {},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"},
        {"kty": "new", "kid": "k1"},
        good | {"use": "enc"},
        good | {"alg": "ES512"},
        good | {"kid": "other"},
    ]
    issuer.respond("/jwks", {"keys": [*useless, good]})
    assert check(issuer.id_token())["sub"] == "ada-sub"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"keys": "none"}),
        httpx.Response(200, json={"keys": [{"kty": "EC", "kid": "k1", "crv": "P-256"}]}),
        httpx.Response(200, json={"keys": [{"kty": "EC", "kid": "k1", "crv": "P-9", "x": "!"}]}),
    ],
)
def test_keys_that_cannot_be_read_are_refused(check, issuer, answer):
    issuer.respond("/jwks", answer)
    with pytest.raises(SignInRefused, match="can't be read"):
        check(issuer.id_token())


@pytest.mark.parametrize("member", ["kty", "use", "alg", "kid", "crv", "x", "y", "key_ops"])
@pytest.mark.parametrize("wrong", [None, 5, "x", "", [], {}, [None], {"x": 1}], ids=str)
def test_a_key_with_any_wrong_type_is_refused_or_passed_over(check, issuer, member, wrong):
    issuer.respond("/jwks", {"keys": [issuer.key.as_dict(private=False) | {member: wrong}]})
    with suppress(SignInRefused):
        assert check(issuer.id_token())["sub"] == "ada-sub"


def test_a_portal_without_published_keys_proves_nothing(check, issuer, configuration):
    with pytest.raises(SignInRefused, match="publishes no keys"):
        check_id_token(
            issuer.id_token(),
            client=issuer.client,
            configuration=replace(configuration, jwks_uri=None),
            client_id="gpcli",
            nonce="the-nonce",
            acr=None,
            now=NOW,
            portal_time=NOW,
        )
