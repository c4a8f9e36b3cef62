from urllib.parse import urlencode

import pytest

from gpcli.auth.browser_sign_in import SignInSecrets, generate_secrets
from gpcli.auth.loopback import (
    CallbackRefused,
    ExpectedCallback,
    ForeignCallback,
    extract_query,
    read_code,
)
from gpcli.auth.oauth_errors import OAuthError
from gpcli.errors import SignInRefused

ISSUER = "https://id.example"
STRICT = ExpectedCallback("our-state", ISSUER, issuer_required=True)
RELAXED = ExpectedCallback("our-state", ISSUER, issuer_required=False)
GOOD = {"code": "abc", "state": "our-state", "iss": ISSUER}


def query(**changes: str | None) -> str:
    return urlencode({k: v for k, v in (GOOD | changes).items() if v is not None})


def test_a_good_answer_has_the_code():
    assert read_code(query(), STRICT) == "abc"


def test_the_issuer_may_be_left_out_where_the_portal_does_not_promise_it():
    assert read_code(query(iss=None), RELAXED) == "abc"


@pytest.mark.parametrize("state", [None, "", "another", "our-stat", "our-state ", "åå"])
def test_another_state_belongs_to_an_older_try(state):
    with pytest.raises(ForeignCallback):
        read_code(query(state=state), STRICT)


@pytest.mark.parametrize(
    ("iss", "expected"),
    [
        (None, STRICT),
        ("https://evil.example", STRICT),
        ("https://evil.example", RELAXED),
        (f"{ISSUER}/", STRICT),
        ("", RELAXED),
        (ISSUER, ExpectedCallback("our-state", None, issuer_required=False)),
    ],
)
def test_another_issuer_stops_the_sign_in(iss, expected):
    with pytest.raises(SignInRefused, match="somebody else"):
        read_code(query(iss=iss), expected)


def test_a_refusal_is_handed_on_in_the_portal_s_own_words():
    with pytest.raises(CallbackRefused) as raised:
        read_code(query(code=None, error="invalid_scope", error_description="no\nSlot"), STRICT)
    assert raised.value.error == OAuthError("invalid_scope", "no Slot")


def test_a_refusal_with_another_state_does_not_end_the_sign_in():
    with pytest.raises(ForeignCallback):
        read_code(query(error="access_denied", state="another"), STRICT)


@pytest.mark.parametrize("code", [None, ""])
def test_an_answer_without_a_code_is_refused(code):
    with pytest.raises(SignInRefused, match="no sign-in code"):
        read_code(query(code=code), STRICT)


@pytest.mark.parametrize(
    "text",
    [
        query() + "&code=second",
        query() + "&state=our-state",
        "&".join(f"a{n}=1" for n in range(30)),
        "state=%ff",
        "",
    ],
)
def test_a_query_that_makes_no_sense_is_not_ours(text):
    with pytest.raises(ForeignCallback):
        read_code(text, STRICT)


REDIRECT = "http://127.0.0.1:40000/callback"


def test_a_pasted_address_gives_its_query():
    assert extract_query(f"  {REDIRECT}?{query()}#x \n", REDIRECT) == query()


@pytest.mark.parametrize(
    "pasted",
    [
        "abc",
        "http://127.0.0.1:40001/callback?code=abc",
        "https://127.0.0.1:40000/callback?code=abc",
        "http://localhost:40000/callback?code=abc",
        "http://127.0.0.1:40000/other?code=abc",
        "http://[bad",
        "\x1b[31m",
    ],
)
def test_another_pasted_text_is_not_ours(pasted):
    with pytest.raises(ForeignCallback):
        extract_query(pasted, REDIRECT)


def test_the_challenge_is_that_of_rfc_7636_appendix_b():
    proof = SignInSecrets("s", "n", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert proof.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_every_sign_in_has_its_own_secrets_of_good_length_and_shows_none():
    first, second = generate_secrets(), generate_secrets()
    assert {first.state, first.nonce, first.verifier}.isdisjoint(
        {second.state, second.nonce, second.verifier}
    )
    assert 43 <= len(first.verifier) <= 128
    assert min(len(first.state), len(first.nonce)) >= 43
    assert repr(first) == "SignInSecrets()"
