"""What `gpcli troubleshoot` says of real keyrings, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import secretstorage
from jeepney.io.blocking import open_dbus_connection

ROOT = Path(__file__).parents[2]


def keyring(desktop, *without, **more):
    """What is found of the keyring on this desktop, by a process without some variables."""
    env = {name: value for name, value in desktop.env.items() if name not in without}
    done = subprocess.run(
        [sys.executable, "-m", "gpcli", "troubleshoot", "--json"],
        env={**env, "PYTHONPATH": str(ROOT), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    [found] = [one for one in json.loads(done.stdout) if one["name"] == "keyring"]
    return found


def items(desktop):
    with open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as bus:
        return [item.get_label() for item in secretstorage.Collection(bus).get_all_items()]


def test_a_keyring_that_works_is_left_as_it_was(desktop):
    desktop.start_keyring()
    found = keyring(desktop)
    assert (found["status"], found["seen"]) == ("ok", "keeps what it is given")
    assert items(desktop) == []


def test_cron_finds_the_bus_and_the_report_says_so(desktop):
    desktop.start_keyring()
    found = keyring(desktop, "DBUS_SESSION_BUS_ADDRESS")
    assert found["status"] == "ok"
    assert "no variable names it" in found["seen"]


def test_a_locked_keyring_is_named_as_locked(desktop):
    desktop.start_keyring()
    desktop.lock()
    found = keyring(desktop)
    assert (found["status"], found["cause"]) == ("failed", "no_keyring")
    assert found["seen"] == "The keyring is locked."
    assert "Unlock it" in found["cure"]


def test_a_desktop_without_a_keyring_is_told_apart_from_a_locked_one(desktop):
    found = keyring(desktop)
    assert (found["status"], found["cause"]) == ("failed", "no_keyring")
    assert "locked" not in found["seen"]


def test_no_bus_at_all_names_the_variable(desktop, tmp_path):
    found = keyring(desktop, "DBUS_SESSION_BUS_ADDRESS", XDG_RUNTIME_DIR=str(tmp_path))
    assert found["status"] == "failed"
    assert "DBUS_SESSION_BUS_ADDRESS is not set" in found["seen"]


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring"]
)
def test_a_backend_that_is_installed_and_keeps_no_secrets_is_refused(desktop, backend):
    desktop.start_keyring()
    found = keyring(desktop, PYTHON_KEYRING_BACKEND=backend)
    assert (found["status"], found["cause"]) == ("failed", "no_keyring")
    assert backend in found["seen"]
