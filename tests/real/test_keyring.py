"""The vault in a real Secret Service: GNOME Keyring on a session bus of its own."""

import importlib.util
import json
import subprocess
import sys

import pytest

from gpcli.auth.vault import KeyringVault, SignedIn, open_keyring
from gpcli.errors import NoKeyring

LOADING = """
import json, sys
from gpcli.auth.vault import open_keyring
session = open_keyring(json.loads(sys.argv[1]), may_ask=False).load("home/ada")
print(session.patient if session else None)
"""


def session(**changes) -> SignedIn:
    said = {
        "portal": "https://portal.example/fhir/R4",
        "client_id": "gpcli",
        "token_endpoint": "https://id.example/token",
        "revocation_endpoint": None,
        "patient": "ada",
        "fhir_user": "Patient/ada",
        "patient_name": "Ada",
        "acting_name": "Ada",
        "scope": "openid",
        "access_token": "canary-access",
        "expires_at": 1.5,
        "refresh_token": "canary-refresh",
        "refresh_expires_at": None,
        "signed_in_at": 1.0,
    }
    return SignedIn(**said | changes)


def vault(desktop, *, may_ask: bool = False) -> KeyringVault:
    return open_keyring(desktop.env, may_ask=may_ask, platform="linux")


def plain_text(desktop, text: str) -> list[str]:
    files = [file for file in desktop.home.rglob("*") if file.is_file()]
    return [str(file) for file in files if text.encode() in file.read_bytes()]


def test_a_session_is_kept_replaced_and_forgotten(desktop):
    desktop.start_keyring()
    keyring = vault(desktop)
    keyring.probe()
    keyring.save("home/ada", session())
    keyring.save("home/ada", session(access_token="second"))
    keyring.save("home/bo", session(patient="bo"))
    assert keyring.load("home/ada") == session(access_token="second")
    keyring.delete("home/ada")
    assert keyring.load("home/ada") is None
    assert keyring.load("home/bo") == session(patient="bo")


def test_a_session_outlives_the_keyring_daemon_and_is_never_on_disk_in_plain_text(desktop):
    desktop.start_keyring()
    vault(desktop).save("home/ada", session())
    desktop.stop_keyring()
    assert list((desktop.home / ".local/share/keyrings").iterdir()) != []
    assert plain_text(desktop, "canary-refresh") == []
    desktop.start_keyring()
    assert vault(desktop).load("home/ada") == session()


def test_a_token_of_ten_thousand_characters_fits(desktop):
    desktop.start_keyring()
    vault(desktop).save("home/ada", session(access_token="x" * 10_000))
    assert len(vault(desktop).load("home/ada").access_token) == 10_000


def test_another_process_finds_the_bus_without_its_variable_as_cron_would(desktop):
    desktop.start_keyring()
    vault(desktop).save("home/ada", session())
    env = {"XDG_RUNTIME_DIR": desktop.env["XDG_RUNTIME_DIR"]}
    command = [sys.executable, "-c", LOADING, json.dumps(env)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ada\n", "")


@pytest.mark.parametrize("may_ask", [False, True])
def test_a_locked_keyring_is_an_error_and_not_a_wait(desktop, may_ask):
    desktop.start_keyring()
    vault(desktop).save("home/ada", session())
    desktop.lock()
    with pytest.raises(NoKeyring) as refused:
        vault(desktop, may_ask=may_ask).load("home/ada")
    assert refused.value.code == "no_keyring"
    assert "GPCLI_TOKEN" in refused.value.hint


def test_a_locked_keyring_says_that_it_is_locked(desktop):
    desktop.start_keyring()
    desktop.lock()
    with pytest.raises(NoKeyring) as refused:
        vault(desktop).probe()
    assert refused.value.message == "The keyring is locked."


def test_a_keyring_started_with_the_wrong_password_stays_locked(desktop):
    desktop.start_keyring()
    vault(desktop).save("home/ada", session())
    desktop.stop_keyring()
    desktop.start_keyring("wrong")
    with pytest.raises(NoKeyring) as refused:
        vault(desktop).load("home/ada")
    assert refused.value.message == "The keyring is locked."


def test_without_a_keyring_service_there_is_none(desktop):
    with pytest.raises(NoKeyring) as refused:
        vault(desktop).probe()
    assert refused.value.message == "There is no keyring service on this computer."


def test_a_keyring_that_ends_in_between_is_an_error(desktop):
    desktop.start_keyring()
    keyring = vault(desktop)
    keyring.save("home/ada", session())
    desktop.stop_keyring()
    with pytest.raises(NoKeyring):
        keyring.load("home/ada")


def test_plain_text_keyrings_are_refused_though_they_are_installed(desktop):
    assert importlib.util.find_spec("keyrings.alt.file") is not None
    named = desktop.env | {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"}
    with pytest.raises(NoKeyring, match="not known to keep secrets safely"):
        open_keyring(named, may_ask=False, platform="linux")
    with pytest.raises(NoKeyring):
        vault(desktop).save("home/ada", session())
    assert plain_text(desktop, "canary") == []
