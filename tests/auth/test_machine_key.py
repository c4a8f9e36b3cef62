"""The key file of a machine: what may be in it, and who may read it."""

import json
import os

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from gpcli.auth.machine_key import MAX_FILE_BYTES, read_machine_key
from gpcli.errors import ConfigError

ELLIPTIC = ECKey.generate_key("P-384", {"kid": "ec"}, private=True)
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)


def private_jwk(key, **changes):
    content = key.as_dict(private=True) | changes
    return {name: value for name, value in content.items() if value is not None}


@pytest.fixture
def write(tmp_path):
    def build(document, mode=0o600):
        path = tmp_path / "machine.jwk"
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        path.write_bytes(text)
        path.chmod(mode)
        return path

    return build


def refusal(path):
    with pytest.raises(ConfigError) as raised:
        read_machine_key(path)
    return raised.value.message.replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(ELLIPTIC, "ES384", "ec"), (RSA, "RS384", "rsa")]
)
def test_the_kind_of_key_says_how_it_signs(write, key, algorithm, kid):
    found = read_machine_key(write(private_jwk(key)))
    assert (found.algorithm, found.kid, found.key.is_private) == (algorithm, kid, True)


def test_of_a_set_the_first_key_that_fits_is_taken(write):
    others = [ELLIPTIC.as_dict(private=False), private_jwk(OctKey.generate_key(256)), "no key"]
    found = read_machine_key(write({"keys": [*others, private_jwk(RSA), private_jwk(ELLIPTIC)]}))
    assert found.kid == "rsa"


def test_a_key_may_say_what_it_is_for(write):
    found = read_machine_key(write(private_jwk(ELLIPTIC, alg="ES384", use="sig")))
    assert found.kid == "ec"


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "none.jwk") == (
        "The key file FILE can't be read: No such file or directory."
    )


def test_a_directory_is_no_key_file(tmp_path):
    assert refusal(tmp_path) == "FILE is not a file."


def test_a_pipe_is_no_key_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refusal(tmp_path / "pipe") == "FILE is not a file."


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o777])
def test_a_file_that_others_can_use_is_refused_with_the_cure(write, mode):
    path = write(private_jwk(ELLIPTIC), mode)
    with pytest.raises(ConfigError) as raised:
        read_machine_key(path)
    assert raised.value.message == f"Others can read or change the key file {path}."
    assert raised.value.hint == f"chmod 600 {path}"


def test_a_file_that_only_its_owner_can_read_will_do(write):
    assert read_machine_key(write(private_jwk(ELLIPTIC), 0o400)).kid == "ec"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----",
        b"\xff\xfe\x00",
        b'{"kty": "EC"',
        b"[" * 5000,
        b" " * MAX_FILE_BYTES + b"{}",
    ],
)
def test_what_is_not_json_is_no_key(write, text):
    assert refusal(write(text)) == "FILE is not a key: it is not JSON."


@pytest.mark.parametrize(
    "document",
    [
        [],
        7,
        "text",
        None,
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": [7, None, []]},
        {"kty": "EC"},
        {"kty": 7},
        {"kty": "EC", "crv": "P-384", "x": "!!", "y": "AA", "d": "AA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB", "kid": "x"},
        private_jwk(OctKey.generate_key(256)),
    ],
)
def test_what_holds_no_key_says_so(write, document):
    assert refusal(write(document)) == "FILE holds no key that can be read."


@pytest.mark.parametrize(
    "key",
    [
        private_jwk(ECKey.generate_key("P-256", {"kid": "x"}, private=True)),
        private_jwk(ECKey.generate_key("P-521", {"kid": "x"}, private=True)),
        private_jwk(ELLIPTIC, alg="ES256"),
        private_jwk(RSA, alg="RS256"),
        private_jwk(RSA, use="enc"),
    ],
)
def test_a_key_that_signs_otherwise_is_refused(write, key):
    assert refusal(write(key)) == "The key in FILE can't sign with ES384 or RS384."


@pytest.mark.filterwarnings("ignore:Key size")
def test_an_rsa_key_that_is_too_short_is_refused(write):
    short = RSAKey.generate_key(1024, {"kid": "x"}, private=True)
    assert refusal(write(private_jwk(short))) == "The key in FILE can't sign with ES384 or RS384."


@pytest.mark.parametrize("key", [ELLIPTIC, RSA])
def test_a_public_key_alone_is_refused(write, key):
    assert refusal(write(key.as_dict(private=False))) == "The key in FILE is public only."


@pytest.mark.parametrize("key", [ELLIPTIC, RSA])
def test_a_key_without_a_name_is_refused(write, key):
    assert refusal(write(private_jwk(key, kid=None))) == "The key in FILE has no name."


def test_a_key_is_never_shown(write):
    found = read_machine_key(write(private_jwk(ELLIPTIC)))
    assert private_jwk(ELLIPTIC)["d"] not in repr(found)
