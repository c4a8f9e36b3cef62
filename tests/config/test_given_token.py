"""What can't be an access token, and how it is said without repeating it."""

import pytest

from gpcli.config.given_token import find_token_flaw
from gpcli.config.settings import read_token_variables
from gpcli.errors import ConfigError

FLAWED = {
    "Bearer s3cr3t": "begins with 'Bearer', which gpcli sends itself",
    "bearer: s3cr3t": "begins with 'Bearer', which gpcli sends itself",
    "Bearer\ts3cr3t": "begins with 'Bearer', which gpcli sends itself",
    '"s3cr3t"': "has quotes around it",
    "'s3cr3t'": "has quotes around it",
    's3cr3t"': "has quotes around it",
    "s3c\nr3t": "has several lines",
    "s3c\r\nr3t": "has several lines",
    "s3c\rr3t": "has several lines",
    "s3c r3t": "has a space in it",
    "s3cr3tø": "has a character that is not ASCII",
    "\ufeffs3cr3t": "has a character that is not ASCII",
    "s3c\u2028r3tø": "has several lines",
    "s3c\x00r3t": "has a control character in it",
    "s3c\tr3t": "has a control character in it",
    "s3c\x7fr3t": "has a control character in it",
    "\x1b[31ms3cr3t": "has a control character in it",
}


@pytest.mark.parametrize("text", FLAWED)
def test_what_can_t_be_a_token_is_explained_without_showing_it(text):
    with pytest.raises(ConfigError) as raised:
        read_token_variables({"GPCLI_TOKEN": text})

    error = raised.value
    assert (error.exit, error.code) == (2, "config")
    assert error.message == f"GPCLI_TOKEN is no access token: it {FLAWED[text]}."
    assert "s3c" not in error.message + error.hint


@pytest.mark.parametrize(
    "text", ["abc.DEF-1~+/=", "eyJhbGciOi.eyJzdWIi.x_y-z", "1|abc:d,e", "bearertoken", "a'b"]
)
def test_whatever_a_header_can_carry_may_be_a_token(text):
    assert find_token_flaw(text) is None


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\n{}\n"])
def test_what_surrounds_a_token_is_forgiven(around):
    assert read_token_variables({"GPCLI_TOKEN": around.format("s3cr3t")}) == ("s3cr3t", None)
