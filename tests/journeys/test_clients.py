"""Which client gpcli is to a portal, and how it proves that when a person signs in."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from gpcli.auth.vault import MemoryVault
from gpcli.errors import NoKeyring
from tests.journeys.bent_portal import SECRET, Asked, BentPortal, read_config_file

SYMMETRIC, ASYMMETRIC = "client-confidential-symmetric", "client-confidential-asymmetric"
MACHINE = ECKey.generate_key("P-384", {"kid": "k-1"}, private=True)


def test_a_client_id_is_kept_in_the_profile_that_is_made(portal, login, shell):
    assert login("--client-id us").code == 0
    assert portal.requests("/token")[0].fields["client_id"] == "us"
    assert 'client_id = "us"' in read_config_file(shell)


def test_a_client_id_for_a_profile_that_there_is_changes_it_and_says_so(portal, login, shell):
    login()
    said = [line["notice"]["message"] for line in login("--client-id us").stderr_json]
    assert "The profile '127.0.0.1' has client_id 'us' now; before, it was 'gpcli'." in said
    assert 'client_id = "us"' in read_config_file(shell)


def test_a_sign_in_that_fails_changes_no_profile(portal, login, shell):
    login()
    before = read_config_file(shell)
    portal.redirect = {"error": "access_denied"}
    assert login("--client-id us --scopes openid --client-secret-stdin", "s3cret\n").code == 4
    assert read_config_file(shell) == before
    assert shell.vault._secrets == {}


CONFIDENTIAL = ("launch-standalone", "context-standalone-patient", "sso-openid-connect")


@pytest.mark.parametrize(
    ("methods", "way"),
    [
        (None, "basic"),
        (["client_secret_basic", "client_secret_post"], "basic"),
        (["client_secret_post", "private_key_jwt"], "post"),
    ],
)
def test_a_confidential_client_proves_itself_at_every_request(
    portal, login, shell, tmp_path, methods, way
):
    portal.capabilities = (*CONFIDENTIAL, SYMMETRIC)
    portal.smart = {"token_endpoint_auth_methods_supported": methods}
    portal.tokens = {"expires_in": 1}

    assert login("--client-id us --client-secret-stdin", f"{SECRET}\n").code == 0
    seen = shell("gpcli whoami --json --debug")
    left = shell("gpcli logout --json")

    assert (seen.code, left.code, left.json[0]["revoked"]) == (0, 0, True)
    asked = [*portal.requests("/token"), *portal.requests("/revoke")]
    assert [each.fields.get("grant_type") for each in asked][:2] == [
        "authorization_code",
        "refresh_token",
    ]
    assert len(asked) >= 3
    assert all(proof(each) == (way, ("us", SECRET)) for each in asked)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept
    assert SECRET not in seen.err + seen.out
    assert 'client_secret = "keyring"' in read_config_file(shell)


def proof(asked: Asked) -> tuple[str, Any]:
    """How a client proved itself, and as whom."""
    if asked.authorization:
        return "basic", asked.pair
    return "post", (asked.fields["client_id"], asked.fields["client_secret"])


def test_a_secret_that_was_kept_is_used_again(portal, login, shell):
    portal.capabilities = (*CONFIDENTIAL, SYMMETRIC)
    login("--client-id us --client-secret-stdin", f"{SECRET}\n")
    assert login().code == 0
    assert portal.requests("/token")[-1].pair == ("us", SECRET)


def test_a_secret_is_asked_for_at_a_terminal(portal, shell):
    portal.capabilities = (*CONFIDENTIAL, SYMMETRIC)
    line = f"gpcli login {portal.base} --environment staging --client-id us --client-secret"
    ending = shell.at_a_screen(f"{SECRET}\n")(line)
    assert ending.code == 0, ending
    assert "Client secret (not shown): " in ending.err
    assert SECRET not in ending.err + ending.out
    assert portal.requests("/token")[0].pair == ("us", SECRET)


def test_without_a_terminal_a_secret_that_should_be_asked_for_is_a_usage_error(portal, login):
    ending = login("--client-secret")
    assert ending.refused == (2, "input_needed", "")
    assert "--client-secret-stdin" in ending.error["message"]
    assert portal.asked == []


@pytest.mark.parametrize("typed", ["", "\n", "one\ntwo\n", "\x00\n"])
def test_what_is_no_secret_is_refused_before_anything_is_asked(portal, login, typed):
    assert login("--client-secret-stdin", typed).refused == (2, "usage", "")
    assert portal.asked == []


def test_a_portal_for_confidential_clients_alone_names_the_cure(portal, login):
    portal.capabilities = (*CONFIDENTIAL, SYMMETRIC)
    ending = login()
    assert ending.refused == (5, "not_permitted", "")
    assert "--client-id ID --client-secret" in ending.error["hint"]
    assert portal.requests("/authorize") == []


def test_a_wrong_secret_is_named_with_its_cure_and_not_shown(portal, login, shell):
    portal.capabilities = (*CONFIDENTIAL, SYMMETRIC)
    said = {"error": "invalid_client", "error_description": f"no client with {SECRET}"}
    portal.token = lambda form: (401, said)
    ending = login("--client-id us --client-secret-stdin --debug", f"{SECRET}\n")
    assert ending.refused == (4, "sign_in_refused", "")
    assert "(invalid_client)" in ending.error["message"]
    assert "'us' and its secret" in ending.error["hint"]
    assert SECRET not in ending.err
    assert shell.vault._secrets == {}


def test_another_client_takes_no_secret_along(portal, login, shell):
    portal.capabilities = (*CONFIDENTIAL, SYMMETRIC, "client-public")
    login("--client-id us --client-secret-stdin", f"{SECRET}\n")
    ending = login("--client-id them")
    assert ending.code == 0
    assert portal.requests("/token")[-1].authorization is None
    assert any("has no client secret any more" in str(line) for line in ending.stderr_json)
    assert shell.vault._secrets == {}


def test_a_secret_that_the_keyring_has_lost_is_asked_for(portal, login, shell):
    portal.capabilities = (*CONFIDENTIAL, SYMMETRIC)
    portal.tokens = {"expires_in": 1}
    login("--client-id us --client-secret-stdin", f"{SECRET}\n")
    shell.vault._secrets.clear()
    refused = shell("gpcli whoami --json")
    assert refused.refused == (4, "not_signed_in", "")
    assert "--client-secret" in refused.error["hint"]
    assert login().refused == (2, "input_needed", "")


def test_removing_a_profile_forgets_its_secret(portal, shell):
    typed = replace(shell, typing=f"{SECRET}\n")
    added = f"gpcli profile add ours {portal.base} --environment staging --client-id us"
    assert typed(f"{added} --client-secret-stdin").code == 0
    [kept] = shell.vault._secrets.values()
    assert (kept.client_id, kept.secret) == ("us", SECRET)
    assert SECRET not in read_config_file(shell)
    assert shell("gpcli profile remove ours").code == 0
    assert shell.vault._secrets == {}


ADD = "gpcli profile add x https://x.example --environment staging --client-secret-stdin --json"


def test_a_profile_whose_secret_cannot_be_kept_is_not_added(shell):
    class Locked(MemoryVault):
        def save_secret(self, account, secret):
            raise NoKeyring("It is locked.")

    locked = replace(shell, vault=Locked(), typing="s3cret\n")
    assert locked(ADD).refused == (4, "no_keyring", "")
    assert shell.json("gpcli profile list") == []


def test_of_two_profiles_of_one_name_the_second_does_not_change_the_firsts_secret(shell):
    """The other is added while the secret of this one is typed."""

    class Typing(StringIO):
        def read(self, size=-1):
            assert replace(shell, typing="theirs\n")(ADD).code == 0
            return super().read(size)

    assert replace(shell, typing=Typing("ours\n"))(ADD).refused == (2, "usage", "")
    assert [kept.secret for kept in shell.vault._secrets.values()] == ["theirs"]


def test_a_secret_in_the_file_of_profiles_is_refused_and_not_repeated(shell, tmp_path):
    (tmp_path / "config.toml").write_text(
        '[profiles.x]\nportal = "https://x.example"\nenvironment = "staging"\n'
        'client_secret = "hunter2"\n'
    )
    ending = shell("gpcli profile list --json")
    assert ending.refused == (2, "config", "")
    assert "hunter2" not in ending.err
    assert "gpcli login --client-secret" in ending.error["message"]


def test_a_secret_is_kept_for_no_portal_that_only_a_variable_names(portal, shell):
    there = replace(
        shell.with_env(GPCLI_PORTAL=portal.base, GPCLI_ENVIRONMENT="staging"), typing="s3cret\n"
    )
    ending = there("gpcli login --client-secret-stdin --json")
    assert ending.refused == (2, "usage", "")
    assert "gpcli profile add" in ending.error["hint"]


def write_key(tmp_path, portal: BentPortal, **keys: str) -> None:
    """A profile with a key."""
    path = tmp_path / "us.jwk"
    path.write_text(json.dumps(MACHINE.as_dict(private=True)), encoding="utf-8")
    path.chmod(0o600)
    settings = {"portal": portal.base, "client_id": "us", "key_file": "us.jwk"} | keys
    lines = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    (tmp_path / "config.toml").write_text(f'[profiles.us]\nenvironment = "staging"\n{lines}')


def test_a_person_signs_in_with_a_key_that_proves_the_client(portal, shell, tmp_path):
    portal.capabilities = (*CONFIDENTIAL, ASYMMETRIC)
    portal.tokens = {"expires_in": 1}
    write_key(tmp_path, portal)

    assert shell("gpcli login --json").code == 0
    seen = shell.json("gpcli whoami")

    assert (seen["machine"], seen["patient"]["id"]) == (None, "p1")
    asked = portal.requests("/token")
    first, *renewals = [each.fields["grant_type"] for each in asked]
    assert (first, set(renewals)) == ("authorization_code", {"refresh_token"})
    proofs = [
        jwt.decode(each.fields["client_assertion"], MACHINE, algorithms=["ES384"]).claims
        for each in asked
    ]
    assert {each["aud"] for each in proofs} == {f"{portal.address}/token"}
    assert len({each["jti"] for each in proofs}) == len(asked)
    assert {(each["iss"], each["sub"]) for each in proofs} == {("us", "us")}


def test_with_a_patient_the_same_key_signs_a_machine_in(portal, shell, tmp_path):
    portal.capabilities = (*CONFIDENTIAL, ASYMMETRIC)
    portal.token = lambda form: (200, {"access_token": "x", "expires_in": 60})
    write_key(tmp_path, portal)
    machine = shell.with_env(GPCLI_PATIENT="p1")
    assert machine("gpcli login --json").refused == (2, "usage", "")
    assert machine.json("gpcli whoami")["machine"] == "us"
    assert portal.requests("/token")[0].fields["grant_type"] == "client_credentials"


def test_a_profile_may_insist_on_a_way(portal, shell, tmp_path):
    portal.smart = {"token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]}
    write_key(tmp_path, portal, client_auth="none")
    assert shell("gpcli login --json").code == 0
    assert portal.requests("/token")[0].fields["client_id"] == "us"
