import socket
import sys

import pytest

from gpcli.auth.keyring_vault import HELP_HINT
from gpcli.auth.vault import ALLOWED_BACKENDS, find_session_bus, open_keyring, select_backend
from gpcli.errors import NoKeyring
from gpcli.installation.install_line import word_install_hint


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("linux", "keyring.backends.SecretService.Keyring"),
        ("freebsd14", "keyring.backends.SecretService.Keyring"),
        ("darwin", "keyring.backends.macOS.Keyring"),
        ("win32", "keyring.backends.Windows.WinVaultKeyring"),
    ],
)
def test_each_platform_has_its_own_keyring(platform, name):
    assert select_backend({}, platform) == name
    assert select_backend({"PYTHON_KEYRING_BACKEND": ""}, platform) == name


@pytest.mark.parametrize("name", ALLOWED_BACKENDS["linux"])
def test_another_allowed_keyring_can_be_named(name):
    assert select_backend({"PYTHON_KEYRING_BACKEND": name}, "linux") == name


@pytest.mark.parametrize(
    "name",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "keyrings.alt.file.PlaintextKeyring",
        "keyrings.alt.file.EncryptedKeyring",
        "os.system",
        "keyring.backends.macOS.Keyring",
    ],
)
def test_a_backend_that_is_not_on_the_list_is_refused_by_name(name):
    with pytest.raises(NoKeyring) as raised:
        open_keyring({"PYTHON_KEYRING_BACKEND": name}, may_ask=True, platform="linux")
    assert raised.value.message == (
        f"PYTHON_KEYRING_BACKEND names {name}, which is not known to keep secrets safely."
    )
    assert raised.value.hint == f"Unset it, or let it name another one. {HELP_HINT}"


@pytest.mark.parametrize("name", ALLOWED_BACKENDS["darwin"])
def test_a_backend_of_another_platform_does_not_work_here(name):
    with pytest.raises(NoKeyring) as raised:
        open_keyring({}, may_ask=True, platform="darwin").probe()
    assert raised.value.code == "no_keyring"


def test_a_backend_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring_pass", None)
    named = {"PYTHON_KEYRING_BACKEND": "keyring_pass.PasswordStoreBackend"}
    with pytest.raises(NoKeyring) as raised:
        open_keyring(named, may_ask=False, platform="linux")
    assert raised.value.message == (
        "The keyring backend keyring_pass.PasswordStoreBackend is not installed beside gpcli."
    )
    assert raised.value.hint == word_install_hint(package="keyring-pass")


def test_without_the_package_for_the_secret_service_the_hint_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gpcli.auth.secret_service", None)
    bus = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}
    with pytest.raises(NoKeyring) as raised:
        open_keyring(bus, may_ask=False, platform="linux")
    assert raised.value.hint == word_install_hint(package="secretstorage")


def test_without_a_session_bus_there_is_no_keyring(tmp_path):
    with pytest.raises(NoKeyring) as raised:
        open_keyring({"XDG_RUNTIME_DIR": str(tmp_path)}, may_ask=False, platform="linux")
    assert raised.value.message == (
        "There is no session bus here, so the keyring can't be reached."
    )
    assert "at the desktop or over SSH; or use pass" in raised.value.hint


@pytest.mark.parametrize(
    "address", ["unix:path=/nowhere/bus", "tcp:host=127.0.0.1,port=1", "nonsense"]
)
def test_a_bus_that_is_not_there_is_no_keyring(address):
    vault = open_keyring({"DBUS_SESSION_BUS_ADDRESS": address}, may_ask=False, platform="linux")
    with pytest.raises(NoKeyring):
        vault.load("home/ada")


def test_the_named_bus_is_used():
    assert find_session_bus({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"


def test_cron_finds_the_users_own_bus(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus"))
        found = find_session_bus({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert found == f"unix:path={tmp_path}/bus"


def test_a_file_or_a_link_in_the_buss_place_is_not_ours(tmp_path):
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "bus").touch()
    (tmp_path / "link").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "real"))
        (tmp_path / "link" / "bus").symlink_to(tmp_path / "real")
        found = [
            find_session_bus({"XDG_RUNTIME_DIR": str(tmp_path / place)})
            for place in ("file", "link")
        ]
    assert found == [None, None]
