"""Sign in, look, sign out: each in a process of its own, by every way and keyring there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import secretstorage
from jeepney.io.blocking import open_dbus_connection

from gpcli.auth.vault import open_keyring
from gpcli.cli.demo import open_sign_in_page
from gpcli.cli.help_commands import read_topic
from tests.http.authority import Authority
from tests.journeys.process import PYTHON, gpcli, minimal_env, start_gpcli, wait_for_end
from tests.real.flow import (
    Counting,
    at_the,
    look_and_sign_out,
    publish,
    sign_in,
    went_well,
)
from tests.real.fronts import ConnectProxy, Front, serve

PROCESSES = 20


@pytest.fixture
def portal() -> Iterator[Counting]:
    with Counting() as sandbox:
        yield sandbox


@pytest.fixture
def authority(tmp_path) -> Authority:
    place = tmp_path / "authority"
    place.mkdir()
    return Authority(place)


def config_file(desktop) -> Path:
    return desktop.home / ".config/gpcli/config.toml"


def test_a_private_authority_of_the_profile_is_trusted_all_the_way(desktop, portal, authority):
    desktop.start_keyring()
    env = at_the(desktop)
    shutil.copy(authority.file, desktop.home / "ca.pem")
    with publish(portal, authority.server()) as base:
        untrusted = sign_in(env, base)
        add = ("profile", "add", "work", base, "--environment", "sandbox", "--ca-file", "ca.pem")
        assert gpcli(*add, env=env).code == 0
        signed_in = sign_in(env, trusted=authority.file)
        done = look_and_sign_out(env)
    assert untrusted.refused == (1, "tls", "")
    assert (signed_in.code, signed_in.json["patient"]["id"]) == (0, "ada")
    assert f'ca_file = "{desktop.home}/ca.pem"' in config_file(desktop).read_text()
    assert went_well(done)


@pytest.mark.parametrize("written", ["certificates/ca.pem", "~/ca.pem"])
def test_a_certificate_file_is_found_beside_the_profiles_or_at_home(
    desktop, portal, authority, written
):
    desktop.start_keyring()
    env = at_the(desktop)
    profiles = config_file(desktop).parent
    named = desktop.home / "ca.pem" if written.startswith("~") else profiles / written
    for place in (profiles, named.parent):
        place.mkdir(parents=True, exist_ok=True)
    shutil.copy(authority.file, named)
    with publish(portal, authority.server()) as base:
        config_file(desktop).write_text(
            f'[profiles.work]\nportal = "{base}"\nenvironment = "sandbox"\nca_file = "{written}"\n'
        )
        signed_in = sign_in(env, trusted=authority.file)
        done = look_and_sign_out(env)
    assert signed_in.code == 0, signed_in
    assert f'ca_file = "{written}"' in config_file(desktop).read_text()
    assert went_well(done)


def test_every_request_of_a_sign_in_and_after_goes_through_the_proxy(desktop, portal, authority):
    desktop.start_keyring()
    with ExitStack() as servers:
        front = servers.enter_context(serve(Front(portal, authority.server())))
        routes = {"portal.example:443": front.port}
        proxy = servers.enter_context(serve(ConnectProxy(routes)))
        portal.address = "https://portal.example"
        env = at_the(desktop, HTTPS_PROXY=proxy.variable, SSL_CERT_FILE=str(authority.file))
        signed_in = sign_in(env, portal.fhir_base, trusted=authority.file, proxy=proxy.variable)
        done = look_and_sign_out(env)
    assert signed_in.code == 0, signed_in
    assert went_well(done)
    assert set(proxy.asked) == {"portal.example:443"}


def test_a_portal_on_ipv6_is_signed_in_to(desktop, portal):
    desktop.start_keyring()
    with publish(portal, host="::1") as base:
        assert "[::1]" in base
        signed_in = sign_in(at_the(desktop), base)
        done = look_and_sign_out(at_the(desktop))
    assert signed_in.code == 0, signed_in
    assert went_well(done)


UNUSABLE: dict[str, tuple[Callable, dict[str, str], str, str]] = {
    "absent": (
        lambda desktop: None,
        {},
        "There is no keyring service on this computer.",
        "Install GNOME Keyring, KWallet or pass.",
    ),
    "locked": (
        lambda desktop: (desktop.start_keyring(), desktop.lock()),
        {},
        "The keyring is locked.",
        "Unlock it, at the desktop or over SSH, and try again. gpcli help keyring",
    ),
    "wrong password": (
        lambda desktop: (
            desktop.start_keyring(),
            desktop.stop_keyring(),
            desktop.start_keyring("wrong"),
        ),
        {},
        "The keyring is locked.",
        "gpcli help keyring",
    ),
    "no bus": (
        lambda desktop: None,
        {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": "/nonexistent"},
        "There is no session bus here, so the keyring can't be reached.",
        "su and sudo have none",
    ),
    "plain text": (
        lambda desktop: desktop.start_keyring(),
        {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"},
        "PYTHON_KEYRING_BACKEND names keyrings.alt.file.PlaintextKeyring, "
        "which is not known to keep secrets safely.",
        "Unset it",
    ),
    "KWallet that is not there": (
        lambda desktop: desktop.start_keyring(),
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.kwallet.DBusKeyring"},
        "The keyring does not work here",
        "gpcli help keyring",
    ),
}


@pytest.mark.parametrize(("prepare", "more", "message", "hint"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_keyring_that_cannot_be_used_says_why_and_what_to_do(
    desktop, portal, prepare, more, message, hint
):
    prepare(desktop)
    with publish(portal) as base:
        ending = sign_in(at_the(desktop, **more), base)
    assert ending.refused == (4, "no_keyring", "")
    assert ending.error["message"].startswith(message)
    assert hint in ending.error["hint"]
    assert portal.grants == []


def test_where_there_was_no_session_bus_the_lines_of_help_lead_to_a_keyring(portal, tmp_path):
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    bus, unlock = (
        re.findall(rf"^ +({start}.*)$", read_topic("keyring"), re.MULTILINE)[0]
        for start in ("dbus-run-session", "read -rs")
    )
    env = minimal_env(tmp_path, XDG_RUNTIME_DIR=str(runtime))
    with publish(portal) as base:
        login = f"{PYTHON} login {base} --hint ada --json --no-browser"
        rest = f"{PYTHON} services --json && {PYTHON} logout --json"
        line = f"{{ {unlock}; }} >/dev/null 2>&1; {login} >/dev/null && {rest}"
        process = subprocess.Popen(
            [*bus.split(), "-c", line],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdin.write("a new password\n")
        process.stdin.flush()
        notice = next(each for each in process.stderr if each.startswith('{"notice"'))
        open_sign_in_page(json.loads(notice)["notice"]["url"])
        ending = wait_for_end(process)
    assert ending.code == 0, ending
    assert portal.grants == ["authorization_code"]


def accounts(desktop) -> list[str]:
    with open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
        items = secretstorage.search_items(connection, {"service": "gpcli"})
        return [item.get_attributes()["username"] for item in items]


def test_twenty_processes_at_expiry_make_one_token_request_and_nobody_is_signed_out(
    desktop, portal
):
    desktop.start_keyring()
    env = at_the(desktop)
    keyring = open_keyring(desktop.env, may_ask=False, platform="linux")
    with publish(portal) as base:
        sign_in(env, base)
        (account,) = accounts(desktop)
        keyring.save(account, replace(keyring.load(account), expires_at=time.time() - 1))
        processes = [start_gpcli("gp", "--timeout", "120", env=env) for _ in range(PROCESSES)]
        endings = [wait_for_end(process) for process in processes]
        afterwards = gpcli("gp", env=env)
    assert [(each.code, each.err) for each in endings] == [(0, "")] * PROCESSES
    assert portal.grants == ["authorization_code", "refresh_token"]
    assert (afterwards.code, accounts(desktop)) == (0, [account])
