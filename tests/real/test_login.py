"""`gpcli login` as people run it: a real process, Chromium at the portal's page, a real keyring."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import secretstorage
from jeepney.io.blocking import open_dbus_connection

from gpcli.sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def portal() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def start(desktop) -> Callable[..., subprocess.Popen[str]]:
    """`start("services")` runs gpcli on the desktop, without a terminal."""

    def run(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "gpcli", *words],
            env=desktop.env | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


@pytest.fixture
def log_in(portal, start, browser) -> Callable[..., tuple[int, str, list[dict]]]:
    """Sign somebody in by Chromium; gives the exit code, stdout, and the lines of stderr."""

    def run(person: str, *words: str) -> tuple[int, str, list[dict]]:
        process = start("login", *words, "--json", "--no-browser", "--limit", "60")
        notices = [json.loads(process.stderr.readline())]
        url = notices[0]["notice"]["url"]

        def steps(page) -> None:
            page.goto(url)
            page.get_by_label(person).first.check()
            page.get_by_role("button", name="Continue").click()
            page.get_by_role("button", name="Allow").click()
            page.wait_for_selector("#done")

        browser(steps)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, notices + [json.loads(line) for line in err.splitlines()]

    return run


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def secrets_of(desktop) -> dict[str, str]:
    """What the Secret Service holds for gpcli, by user name."""
    with open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
        items = secretstorage.search_items(connection, {"service": "gpcli"})
        return {item.get_attributes()["username"]: item.get_secret().decode() for item in items}


def test_a_person_signs_in_and_the_token_is_in_the_secret_service_alone(
    desktop, portal, log_in, start
):
    desktop.start_keyring()

    code, out, _ = log_in("Ada", portal.fhir_base, "--profile", "sandbox")

    assert (code, json.loads(out)["patient"]) == (0, {"id": "ada", "name": "Ada Solberg"})
    (session,) = [json.loads(secret) for secret in secrets_of(desktop).values()]
    tokens = {session["access_token"], session["refresh_token"]}
    files = [file for file in desktop.home.rglob("*") if file.is_file()]
    found = [file for file in files if any(each.encode() in file.read_bytes() for each in tokens)]
    assert found == []

    code, out, err = ended(start("gp"))
    assert (code, "Haugland" in out, err) == (0, True, "")


def test_signing_out_takes_the_token_from_the_secret_service(desktop, portal, log_in, start):
    desktop.start_keyring()
    log_in("Ada", portal.fhir_base)
    assert len(secrets_of(desktop)) == 1

    code, _, err = ended(start("logout"))

    assert (code, err, secrets_of(desktop)) == (0, "", {})
    assert ended(start("gp"))[0] == 4


def test_two_people_on_one_machine_have_a_session_each(desktop, portal, log_in, start):
    desktop.start_keyring()
    log_in("Ada", portal.fhir_base)
    log_in("Finn")

    code, out, _ = ended(start("whoami", "--as", "ada", "--json"))

    assert len(secrets_of(desktop)) == 2
    assert (code, json.loads(out)["patient"]["id"]) == (0, "ada")


@pytest.mark.parametrize("locked", [True, False])
def test_without_a_usable_keyring_sign_in_stops_before_any_page(desktop, portal, start, locked):
    if locked:
        desktop.start_keyring()
        desktop.lock()

    code, out, err = ended(start("login", portal.fhir_base, "--json"))

    assert (code, out) == (4, "")
    (said,) = [json.loads(line) for line in err.splitlines()]
    assert said["error"]["code"] == "no_keyring"


def test_ctrl_c_while_the_page_is_open_ends_cleanly_and_keeps_nothing(
    desktop, portal, start, browser
):
    desktop.start_keyring()
    process = start("login", portal.fhir_base, "--json", "--no-browser")
    url = json.loads(process.stderr.readline())["notice"]["url"]
    browser(lambda page: page.goto(url))

    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)

    assert (code, out, err) == (130, "", "")
    assert secrets_of(desktop) == {}
    assert list(desktop.home.rglob("config.toml")) == []
    assert ended(start("gp"))[0] == 4
