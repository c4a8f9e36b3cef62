"""The vault in a real Secret Service: GNOME Keyring on a session bus of its own."""

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
import threading

import pytest
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

from gpcli.auth.keyring_vault import KeyringVault
from gpcli.auth.vault import open_keyring
from gpcli.cli.help_commands import read_topic
from gpcli.errors import NoKeyring
from tests.real.conftest import PASSWORD
from tests.real.flow import session

LOADING = """
import json, sys
from gpcli.auth.vault import open_keyring
session = open_keyring(json.loads(sys.argv[1]), may_ask=False).load("home/ada")
print(session.patient if session else None)
"""


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


def unlocked_in_time(keyring: KeyringVault) -> bool:
    """Whether the daemon that takes over is unlocked within ten seconds."""
    pause = threading.Event()
    for _ in range(100):
        with contextlib.suppress(NoKeyring):
            keyring.probe()
            return True
        pause.wait(0.1)
    return False


@pytest.fixture
def typed(desktop):
    """`typed(password)` plays help's line for SSH in bash."""
    text = read_topic("keyring")
    (line,) = re.findall(r"^ +(read -rs .*gnome-keyring-daemon.*)$", text, re.MULTILINE)

    def run(password: str) -> None:
        subprocess.run(
            ["bash", "-c", line],
            input=f"{password}\n",
            text=True,
            env=desktop.env,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    return run


def test_the_line_in_help_unlocks_the_keyring_over_ssh(desktop, typed):
    desktop.start_keyring()
    vault(desktop).save("home/ada", session())
    desktop.lock()
    typed(PASSWORD)
    assert unlocked_in_time(vault(desktop))
    assert vault(desktop).load("home/ada") == session()


def test_the_line_in_help_makes_a_keyring_where_there_is_none(desktop, typed):
    typed("a new password")
    assert unlocked_in_time(vault(desktop))
    vault(desktop).save("home/ada", session())
    assert plain_text(desktop, "canary") == []


class Prompter:
    """In the place of the desktop's own, a window that nobody answers."""

    def __init__(self, address: str) -> None:
        self._connection = open_dbus_connection(address)
        bus = Proxy(message_bus, self._connection)
        assert bus.RequestName("org.gnome.keyring.SystemPrompter") == (1,)

    def asked(self) -> list[str]:
        """What it was called for so far."""
        calls = []
        with contextlib.suppress(TimeoutError):
            while True:
                header = self._connection.receive(timeout=0.2).header
                calls.append(header.fields.get(3, ""))  # the member (D-Bus specification)
        return [call for call in calls if call == "BeginPrompting"]

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def prompter(desktop):
    silent = Prompter(desktop.env["DBUS_SESSION_BUS_ADDRESS"])
    yield silent
    silent.close()


def test_a_window_that_nobody_answers_is_left_after_the_time_limit(desktop, prompter):
    desktop.start_keyring()
    desktop.lock()
    keyring = open_keyring(desktop.env, may_ask=True, timeout=1.5, platform="linux")
    with pytest.raises(NoKeyring) as refused:
        keyring.load("home/ada")
    assert refused.value.message == (
        "The keyring did not answer within 1.5 s; perhaps it waits for somebody to unlock it."
    )
    assert "Answer its window" in refused.value.hint
    assert prompter.asked() == ["BeginPrompting"]


def test_where_nobody_may_be_asked_no_window_opens(desktop, prompter):
    desktop.start_keyring()
    desktop.lock()
    with pytest.raises(NoKeyring, match="The keyring is locked"):
        vault(desktop).load("home/ada")
    assert prompter.asked() == []


def test_a_window_that_no_display_can_show_is_an_error(desktop_that_starts_things):
    desktop = desktop_that_starts_things
    desktop.start_keyring()
    vault(desktop).save("home/ada", session())
    desktop.lock()
    keyring = open_keyring(desktop.env, may_ask=True, timeout=3, platform="linux")
    with pytest.raises(NoKeyring):
        keyring.load("home/ada")


def test_a_keyring_that_the_bus_starts_by_itself_is_locked_or_not_made_yet(
    desktop_that_starts_things,
):
    desktop = desktop_that_starts_things
    with pytest.raises(NoKeyring) as refused:
        vault(desktop).probe()
    assert refused.value.message == "There is no keyring on this computer yet."


def test_what_python_keyring_is_configured_to_use_is_not_used(desktop):
    chosen = "[backend]\ndefault-keyring=keyrings.alt.file.PlaintextKeyring\n"
    for place in (".config/python_keyring", ".local/share/python_keyring"):
        (desktop.home / place).mkdir(parents=True)
        (desktop.home / place / "keyringrc.cfg").write_text(chosen)
    desktop.start_keyring()
    vault(desktop).save("home/ada", session())
    assert vault(desktop).load("home/ada") == session()
    assert plain_text(desktop, "canary") == []


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
