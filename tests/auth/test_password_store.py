"""`pass` through its backend: what it says stays away from our standard error."""

import os
import subprocess
import sys

import pytest

from gpcli.auth.keyring_vault import KeyringVault, PasswordStore
from gpcli.errors import NoKeyring

OPTIONS = "PASSWORD_STORE_GPG_OPTS"


class NoisyBackend:
    """A backend like keyring-pass: it chats on standard error, itself and by a child."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}

    def _chat(self) -> None:
        sys.stderr.write("chat\n")
        subprocess.run(["sh", "-c", "echo chat >&2"], stderr=sys.stderr, check=True)

    def get_password(self, service, username):
        self._chat()
        return self.items.get(username)

    def set_password(self, service, username, password):
        self._chat()
        self.items[username] = password

    def delete_password(self, service, username):
        self._chat()
        del self.items[username]


class FailingBackend(NoisyBackend):
    """A backend whose program ends with `status`, or is not there."""

    def __init__(self, status: int | None) -> None:
        super().__init__()
        self._status = status

    def get_password(self, service, username, password=None):
        if self._status is None:
            raise FileNotFoundError("pass")
        raise subprocess.CalledProcessError(self._status, ["pass", "show"], output="secret")

    set_password = delete_password = get_password


@pytest.fixture(autouse=True)
def _own_options(monkeypatch):
    monkeypatch.setenv(OPTIONS, "--no-tty")


def test_items_come_and_go_without_a_word(build_session, capfd):
    vault = KeyringVault(PasswordStore(NoisyBackend(), may_ask=False))
    vault.probe()
    vault.save("home/ada", build_session())
    assert vault.load("home/ada") == build_session()
    vault.delete("home/ada")
    assert vault.load("home/ada") is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("status", "message", "way_out"),
    [
        (None, "The program pass is not installed here.", "install one"),
        (1, "pass does not take the sign-in; perhaps it has no store yet.", "pass init KEY-ID"),
        (2, "pass can't use its key: it is locked, or not on this computer.", "Unlock it"),
        (11, "pass can't use its key: it is locked, or not on this computer.", "Unlock it"),
    ],
)
def test_a_store_that_fails_says_why(status, message, way_out, capfd):
    with pytest.raises(NoKeyring) as raised:
        KeyringVault(PasswordStore(FailingBackend(status), may_ask=False)).probe()
    assert (raised.value.message, way_out in raised.value.hint) == (message, True)
    assert capfd.readouterr() == ("", "")


def test_gnupg_asks_nobody_where_nobody_may_be_asked():
    for _ in range(2):
        PasswordStore(NoisyBackend(), may_ask=False)
    assert os.environ[OPTIONS] == "--no-tty --pinentry-mode=error"


def test_gnupg_may_ask_where_somebody_sits():
    PasswordStore(NoisyBackend(), may_ask=True)
    assert os.environ[OPTIONS] == "--no-tty"
