"""Sessions in `pass`, with GnuPG keys that the tests make."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpcli.auth.vault import open_keyring
from tests.journeys.process import gpcli
from tests.real.flow import (
    Counting,
    at_the,
    look_and_sign_out,
    publish,
    session,
    sign_in,
    went_well,
)

PASS = "keyring_pass.PasswordStoreBackend"


@pytest.fixture
def portal() -> Iterator[Counting]:
    with Counting() as sandbox:
        yield sandbox


@pytest.fixture
def password_store(desktop, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The variables of somebody whose keyring is `pass`, with a key that has no passphrase."""
    keys = tmp_path_factory.mktemp("gpg")
    keys.chmod(0o700)
    env = at_the(desktop, GNUPGHOME=str(keys), PYTHON_KEYRING_BACKEND=PASS)
    alone = ["--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
    make = ["gpg", *alone, "--quick-gen-key", "gpcli-test", "future-default", "default", "never"]
    for command in (make, ["pass", "init", "gpcli-test"]):
        subprocess.run(command, env=env, check=True, capture_output=True)
    yield env
    subprocess.run(["gpgconf", "--kill", "all"], env=env, check=True, capture_output=True)


def kept_in(home: Path) -> list[Path]:
    return [file for file in home.rglob("*.gpg") if file.is_file()]


def test_pass_keeps_a_session_and_says_nothing_of_its_own(desktop, portal, password_store):
    with publish(portal) as base:
        signed_in = sign_in(password_store, base)
        kept = [file.read_bytes() for file in kept_in(desktop.home)]
        done = look_and_sign_out(password_store)
    assert signed_in.code == 0, signed_in
    assert [list(line) for line in signed_in.stderr_json] == [["notice"]] * len(
        signed_in.stderr_json
    )
    assert [b"refresh_token" in item for item in kept] == [False]
    assert went_well(done)
    assert kept_in(desktop.home) == []


def test_a_session_in_pass_is_renewed(desktop, portal, password_store):
    with publish(portal) as base:
        sign_in(password_store, base)
        later = {**password_store, "GPCLI_ENVIRONMENT": "sandbox", "GPCLI_CLOCK_OFFSET": "86400"}
        ending = gpcli("services", env=later)
    assert (ending.code, ending.err) == (0, "")
    assert portal.grants == ["authorization_code", "refresh_token"]


@pytest.mark.parametrize("length", [10_000, 100_000])
def test_a_long_token_fits_in_pass(password_store, monkeypatch, length):
    for name in ("HOME", "GNUPGHOME"):
        monkeypatch.setenv(name, password_store[name])
    monkeypatch.setenv("PASSWORD_STORE_GPG_OPTS", "")
    vault = open_keyring(password_store, may_ask=False, platform="linux")
    vault.save("ada", session(access_token="x" * length))
    assert len(vault.load("ada").access_token) == length


def test_pass_without_a_store_stops_a_sign_in_before_any_page(desktop, portal, password_store):
    shutil.rmtree(desktop.home / ".password-store")
    with publish(portal) as base:
        ending = sign_in(password_store, base)
    assert ending.refused == (4, "no_keyring", "")
    assert "pass init" in ending.error["hint"]
    assert len(ending.stderr_json) == 1


def test_a_key_of_pass_that_is_not_here_stops_a_sign_in_and_nothing_stays(
    desktop, portal, password_store, tmp_path_factory
):
    public = subprocess.run(
        ["gpg", "--export", "gpcli-test"], env=password_store, check=True, capture_output=True
    ).stdout
    elsewhere = tmp_path_factory.mktemp("gpg")
    elsewhere.chmod(0o700)
    env = {**password_store, "GNUPGHOME": str(elsewhere)}
    subprocess.run(["gpg", "--import"], env=env, input=public, check=True, capture_output=True)
    (elsewhere / "gpg.conf").write_text("trust-model always\n")
    with publish(portal) as base:
        ending = sign_in(env, base)
    subprocess.run(["gpgconf", "--kill", "all"], env=env, check=True, capture_output=True)
    assert ending.refused == (4, "no_keyring", "")
    assert ending.error["message"].startswith("pass can't use its key")
    assert kept_in(desktop.home) == []


def test_a_key_of_pass_that_is_locked_asks_nobody_where_nobody_sits(
    desktop, portal, password_store
):
    asked = desktop.home / "asked"
    pinentry = desktop.home / "pinentry"
    pinentry.write_text(f"#!/bin/sh\ntouch {asked}\n")
    pinentry.chmod(0o700)
    keys = Path(password_store["GNUPGHOME"])
    (keys / "gpg-agent.conf").write_text(f"pinentry-program {pinentry}\n")
    alone = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "secret"]
    make = ["gpg", *alone, "--quick-gen-key", "locked", "future-default", "default", "never"]
    forget = ["gpgconf", "--kill", "all"]
    for command in (make, ["pass", "init", "locked"], forget):
        subprocess.run(command, env=password_store, check=True, capture_output=True)

    with publish(portal) as base:
        ending = sign_in(password_store, base)

    assert ending.refused == (4, "no_keyring", "")
    assert ending.error["message"].startswith("pass can't use its key: it is locked")
    assert (asked.exists(), kept_in(desktop.home)) == (False, [])
    subprocess.run(["pass", "insert", "-e", "x"], env=password_store, input=b"x", check=True)
    subprocess.run(["pass", "show", "x"], env=password_store, check=False, capture_output=True)
    assert asked.exists()  # so it would have been asked
