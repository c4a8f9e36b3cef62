"""People sign in by a confidential client at oidc-provider, with GNOME Keyring and processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pexpect
import pytest
from joserfc.jwk import ECKey

from tests.contract.browser import sign_in
from tests.contract.places import SERVING, Place, Provider, medplum_behind
from tests.contract.programs import node
from tests.contract.world import Patient
from tests.journeys.process import gpcli
from tests.journeys.shell import CommandResult
from tests.real.flow import at_the
from tests.real.test_login import secrets_of

SECRET = "open sesame & +more: %41"  # as in provider.mjs
KEY = ECKey.generate_key("P-384", {"kid": "ours", "use": "sig"}, private=True)
WAYS = {
    "by-basic": "",
    "by-post": 'client_auth = "client_secret_post"\n',
    "by-key": 'key_file = "ours.jwk"\n',
}
"""Clients that the provider knows, and what their profiles need besides."""


@pytest.fixture(scope="module", params=["plain", "pushed"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A portal for confidential clients alone, whose sign-in is by oidc-provider."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    jwks.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}), encoding="utf-8")
    with node("provider.mjs", f"jwks={jwks}", request.param) as program:
        provider = Provider(program.wait_for(SERVING), program)
        with medplum_behind(provider, "confidential") as found:
            yield found


@pytest.fixture
def env(desktop) -> dict[str, str]:
    """Somebody at a desktop whose keyring is open."""
    desktop.start_keyring()
    return at_the(desktop)


@pytest.fixture
def patient(place) -> Patient:
    return place.somebody()


@pytest.fixture
def profile(desktop, place) -> Callable[[str], Path]:
    """`profile(more)` writes a profile for the portal; gives the file."""

    def write(more: str = "") -> Path:
        folder = desktop.home / ".config" / "gpcli"
        folder.mkdir(parents=True)
        (folder / "ours.jwk").write_text(json.dumps(KEY.as_dict(private=True)), encoding="utf-8")
        (folder / "ours.jwk").chmod(0o600)
        lines = f'[profiles.ours]\nportal = "{place.base}"\nenvironment = "staging"\n{more}'
        (folder / "config.toml").write_text(lines, encoding="utf-8")
        return folder / "config.toml"

    return write


@pytest.fixture
def log_in(env, patient) -> Callable[..., CommandResult]:
    """`log_in("--client-id", "us", secret="…")` signs the patient in, if a page is shown."""

    def run(*words: str, secret: str | None = None) -> CommandResult:
        options = [*words, *(["--client-secret-stdin"] if secret else [])]
        process = subprocess.Popen(
            [sys.executable, "-m", "gpcli", "login", *options, "--json", "--debug", "--no-browser"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(f"{secret}\n" if secret else "")
        process.stdin.close()
        process.stdin = None
        seen = []
        for line in process.stderr:
            seen.append(line)
            notice = json.loads(line).get("notice", {})
            if url := notice.get("url") or notice.get("verification_uri_complete"):
                sign_in(url, patient.id)
                break
        out, err = process.communicate(timeout=60)
        return CommandResult(process.returncode, out, "".join(seen) + err)

    return run


@pytest.mark.parametrize("client", WAYS)
def test_a_confidential_client_signs_people_in_renews_and_signs_out(
    place, patient, profile, log_in, env, desktop, client
):
    file = profile(WAYS[client])
    secret = None if client == "by-key" else SECRET

    signed_in = log_in("--client-id", client, secret=secret)

    assert signed_in.code == 0, signed_in
    assert (signed_in.json["patient"]["id"], signed_in.json["renews"]) == (patient.id, True)
    httpx.post(place.base.replace("/fhir", "/spend/0"), trust_env=False)
    looked = gpcli("appointments", "list", "--json", "--debug", env=env)
    assert looked.code == 0, looked
    assert '"POST /token 200' in looked.err  # the spent token was renewed
    left = gpcli("logout", "--json", env=env)
    assert (left.code, [one["patient"] for one in left.json]) == (0, [patient.name])
    assert SECRET not in signed_in.err + signed_in.out + looked.err + left.err
    assert SECRET not in file.read_text(encoding="utf-8")
    kept = [json.loads(item) for item in secrets_of(desktop).values()]
    assert kept == ([] if secret is None else [{"client_id": client, "secret": SECRET}])
    files = [each for each in desktop.home.rglob("*") if each.is_file()]
    assert not [each for each in files if SECRET.encode() in each.read_bytes()]


@pytest.mark.parametrize("client", WAYS)
def test_a_confidential_client_signs_people_in_on_another_device(patient, profile, log_in, client):
    profile(WAYS[client])
    secret = None if client == "by-key" else SECRET
    signed_in = log_in("--client-id", client, "--device", secret=secret)
    assert signed_in.code == 0, signed_in
    assert signed_in.json["patient"]["id"] == patient.id


def test_removing_the_profile_takes_the_secret_from_the_keyring(profile, log_in, env, desktop):
    profile()
    assert log_in("--client-id", "by-basic", secret=SECRET).code == 0
    gpcli("logout", env=env)
    assert len(secrets_of(desktop)) == 1
    assert gpcli("profile", "remove", "ours", env=env).code == 0
    assert secrets_of(desktop) == {}


def test_a_wrong_secret_is_named_with_its_cure(profile, log_in, desktop):
    profile()
    ending = log_in("--client-id", "by-basic", secret="not-the-one")
    assert ending.refused == (4, "sign_in_refused", "")
    assert "(invalid_client): client authentication failed." in ending.error["message"]
    assert ending.error["hint"] == (
        "The portal must know the client 'by-basic' and its secret: gpcli login --client-id ID "
        "--client-secret gives them anew."
    )
    assert ("not-the-one" in ending.err, secrets_of(desktop)) == (False, {})


def test_a_portal_for_confidential_clients_names_the_cure_before_any_page(profile, log_in):
    profile()
    ending = log_in("--client-id", "by-basic")
    assert ending.refused == (5, "not_permitted", "")
    assert "--client-secret" in ending.error["hint"]
    assert '"url"' not in ending.err


def test_scopes_that_the_client_may_not_have_are_named_with_the_cure(profile, log_in):
    profile('client_auth = "none"\n')
    ending = log_in("--client-id", "narrow")
    assert ending.refused == (4, "sign_in_refused", "")
    assert "(invalid_scope): requested scope is not allowed." in ending.error["message"]
    assert "gpcli login --scopes" in ending.error["hint"]
    assert "It was asked for: openid fhirUser launch/patient" in ending.error["hint"]


def test_a_secret_that_is_typed_at_a_terminal_is_not_shown(place, env, desktop):
    words = ["profile", "add", "ours", place.base, "--environment", "staging", "--client-secret"]
    terminal = pexpect.spawn(
        sys.executable, ["-m", "gpcli", *words], env=env, encoding="utf-8", timeout=30
    )
    terminal.expect_exact("Client secret (not shown): ")
    terminal.waitnoecho(10)
    terminal.sendline(SECRET)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert (terminal.exitstatus, SECRET in terminal.before) == (0, False)
    assert [json.loads(item)["secret"] for item in secrets_of(desktop).values()] == [SECRET]
