"""A client's secret: as it is typed, as the keyring has it, and for which session it is used."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from gpcli.auth.client_secret import (
    MAX_LENGTH,
    ClientSecret,
    parse_secret,
    parse_secret_item,
    secret_account,
)
from gpcli.auth.client_source import ClientSource
from gpcli.auth.keyring_vault import KeyringVault
from gpcli.auth.vault import MemoryVault
from gpcli.config.profiles import Profile
from gpcli.errors import ConfigError, InputNeeded, InvalidUsage, NotSignedIn

PORTAL = "https://portal.example/fhir/R4"
PROFILE = Profile("ours", PORTAL, "staging", client_id="us", client_secret="keyring")
KEPT = ClientSecret("us", "s3cret")


@pytest.mark.parametrize("text", ["s3cret\n", "s3cret\r\n", "s3cret"])
def test_a_line_is_the_secret_without_its_end(text):
    assert parse_secret(text) == "s3cret"


@pytest.mark.parametrize("text", ["", "\n", "  ", "one\ntwo", "tab\t", "æ", "\x1b[31m", "x" * 5000])
def test_what_is_no_secret_is_refused_and_not_repeated(text):
    with pytest.raises(InvalidUsage) as raised:
        parse_secret(text)
    assert not text.strip() or text not in raised.value.message + raised.value.hint


def test_spaces_belong_to_a_secret():
    assert parse_secret(" a b \n") == " a b "
    assert len(parse_secret("x" * MAX_LENGTH)) == MAX_LENGTH


def test_an_item_of_the_keyring_is_read_back():
    assert parse_secret_item(KEPT.format_item()) == KEPT
    assert "s3cret" not in repr(KEPT)


@pytest.mark.parametrize(
    "item", ["", "null", "[]", "{}", '{"client_id": "us", "secret": 7}', '{"secret": "x"}']
)
def test_an_item_that_is_no_secret_counts_as_none(item):
    assert parse_secret_item(item) is None


def test_each_profile_and_portal_has_an_item_of_its_own():
    places = {
        secret_account(*pair) for pair in (("a", PORTAL), ("b", PORTAL), ("a", f"{PORTAL}/x"))
    }
    assert len(places) == 3
    assert not any("portal" in place for place in places)


class Backend(dict):
    def get_password(self, service, name):
        return self.get((service, name))

    def set_password(self, service, name, password):
        self[service, name] = password

    def delete_password(self, service, name):
        del self[service, name]


@pytest.mark.parametrize("vault", [MemoryVault(), KeyringVault(Backend())])
def test_a_vault_keeps_a_secret_until_it_is_deleted(vault, build_session):
    vault.save_secret("client-1", KEPT)
    vault.save("ada", build_session())
    assert vault.load_secret("client-1") == KEPT
    assert vault.load_secret("other") is None
    vault.delete("client-1")
    assert vault.load_secret("client-1") is None
    assert vault.load("ada") == build_session()


def source(profile: Profile, vault: MemoryVault, folder=None) -> ClientSource:
    return ClientSource(profile, lambda: vault, lambda name: folder / name, lambda: 0.0)


@pytest.fixture
def vault() -> MemoryVault:
    kept = MemoryVault()
    kept.save_secret(secret_account("ours", PORTAL), KEPT)
    return kept


def test_a_sign_in_has_the_secret_that_is_kept_or_the_one_that_was_given(vault):
    assert source(PROFILE, vault).read_credentials(None).secret == "s3cret"
    assert source(PROFILE, vault).read_credentials("new").secret == "new"


def test_a_profile_without_a_secret_asks_no_keyring():
    def no_vault():
        raise AssertionError("nobody needs it")

    profile = replace(PROFILE, client_secret=None)
    found = ClientSource(profile, no_vault, str, lambda: 0.0).read_credentials(None)
    assert (found.client_id, found.secret, found.read_key) == ("us", None, None)


@pytest.mark.parametrize(
    "profile", [replace(PROFILE, client_id="others"), replace(PROFILE, portal=f"{PORTAL}/other")]
)
def test_a_secret_is_of_one_client_at_one_portal(vault, profile):
    with pytest.raises(InputNeeded, match="not in the keyring") as raised:
        source(profile, vault).read_credentials(None)
    assert "--client-secret" in raised.value.hint


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_session_is_proved_as_when_it_began(vault, build_session, method):
    session = build_session(client_id="us", client_auth=method)
    found = source(PROFILE, vault).rebuild_auth(session)
    assert (found.client_id, found.method, found.secret) == ("us", method, "s3cret")
    public = source(PROFILE, vault).rebuild_auth(build_session())
    assert (public.client_id, public.method, public.secret) == ("gpcli", "none", "")


def test_a_session_with_a_key_reads_it_again(vault, build_session, tmp_path):
    key = ECKey.generate_key("P-384", {"kid": "k"}, private=True)
    (tmp_path / "us.jwk").write_text(json.dumps(key.as_dict(private=True)))
    (tmp_path / "us.jwk").chmod(0o600)
    session = build_session(client_id="us", client_auth="private_key_jwt")
    found = source(replace(PROFILE, key_file="us.jwk"), vault, tmp_path).rebuild_auth(session)
    assert (found.method, found.key.kid) == ("private_key_jwt", "k")
    with pytest.raises(ConfigError):
        source(replace(PROFILE, key_file="none.jwk"), vault, tmp_path).rebuild_auth(session)


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_a_session_whose_secret_or_key_is_gone_has_to_be_begun_anew(build_session, method):
    session = build_session(client_id="us", client_auth=method)
    with pytest.raises(NotSignedIn) as raised:
        source(PROFILE, MemoryVault()).rebuild_auth(session)
    assert "gpcli login" in raised.value.hint
