"""Machines: a key of their own, or a command that prints a token; nobody signs in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell

OTHER = ECKey.generate_key("P-384", {"kid": "other"}, private=True)
KEYS = {
    "ES384": ECKey.generate_key("P-384", {"kid": "night"}, private=True),
    "RS384": RSAKey.generate_key(2048, {"kid": "day"}, private=True),
}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A portal that lets a machine in."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    known = [key.as_dict(private=False) for key in KEYS.values()]
    jwks.write_text(json.dumps({"keys": known}), encoding="utf-8")
    with Sandbox(machine=jwks) as sandbox:
        yield sandbox


@pytest.fixture
def machine(hospital: Sandbox, tmp_path: Path) -> Callable[..., Shell]:
    """`machine("ES384")`: the shell of a machine whose profile names its key."""

    def build(algorithm: str = "ES384", key: ECKey | RSAKey | None = None, **keys: str) -> Shell:
        written = (key or KEYS[algorithm]).as_dict(private=True)
        write_key(tmp_path / "machine.jwk", json.dumps(written))
        settings = {"client_id": "my-machine", "key_file": "machine.jwk"} | keys
        return shell_with(tmp_path, hospital, settings)

    return build


def shell_with(home: Path, sandbox: Sandbox, settings: dict[str, str]) -> Shell:
    lines = {"portal": sandbox.fhir_base, "environment": "sandbox"} | settings
    written = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
    (home / "config.toml").write_text(f"[profiles.night]\n{written}", encoding="utf-8")
    env = {"GPCLI_CONFIG_DIR": str(home), "GPCLI_PATIENT": "ada", "PATH": os.environ["PATH"]}
    return Shell(env, lambda: datetime.now(UTC))


def write_key(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize(
    "line", ["services", "appointments list", "messages list", "rx list", "gp", "slots --limit 1"]
)
def test_a_machine_reads_with_its_key(machine, algorithm, line):
    ending = machine(algorithm)(f"gpcli {line} --json")
    assert ending.code == 0, ending
    assert ending.json


def test_whoami_names_the_machine_and_the_patient(machine):
    seen = machine().json("gpcli whoami --min-life 365d")
    assert seen["patient"] == {"id": "ada", "name": "Ada Solberg"}
    assert (seen["machine"], seen["acting_user"]) == ("my-machine", None)
    assert (seen["until"], seen["renews"]) == (None, True)


def test_whoami_says_for_people_how_long_that_works(machine):
    shown = machine().at_a_screen()("gpcli whoami").out
    assert "Machine           my-machine\n" in shown
    assert "Works unattended  as long as the portal lets the machine in\n" in shown


def test_a_person_who_is_signed_in_is_no_machine(ada):
    assert ada.json("gpcli whoami")["machine"] is None
    assert "Machine" not in ada.at_a_screen()("gpcli whoami").out


def test_a_machine_writes_for_the_patient(machine, hospital):
    booked = machine().json("gpcli book --first --another --yes")
    made = hospital.store.get("Appointment", booked["id"])
    assert made["participant"][0]["actor"]["reference"] == "Patient/ada"


def test_the_patient_is_whom_the_variable_names(machine):
    assert machine().with_env(GPCLI_PATIENT="bo").json("gpcli whoami")["patient"]["id"] == "bo"


def test_without_a_patient_it_is_said_what_is_missing(machine):
    ending = machine().without("GPCLI_PATIENT")("gpcli services --json")
    assert ending.refused == (2, "input_needed", "")
    assert ending.error["message"] == "GPCLI_PATIENT is needed beside key_file."
    assert ending.error["hint"] == (
        "Set it to the patient's id at the portal; or gpcli login signs a person in."
    )


def test_a_machine_acts_for_no_other_patient_than_the_variable_names(machine):
    ending = machine()("gpcli services --as bo --json")
    assert ending.refused == (2, "usage", "")
    assert ending.error["hint"] == (
        "Leave out --as and GPCLI_AS, or set GPCLI_PATIENT to the other person."
    )


def test_what_the_machine_was_not_granted_is_not_offered(machine):
    narrow = "patient/*.rs patient/Appointment.c"
    states = {
        one["service"]: one["status"] for one in machine(scopes=narrow).json("gpcli services")
    }
    assert (states["booking"], states["prescription-renewal"]) == ("offered", "not_permitted")


def test_the_portal_itself_refuses_what_was_not_granted(machine):
    ending = machine(scopes="patient/Slot.rs")("gpcli gp --json")
    assert ending.refused == (5, "not_permitted", "")
    assert ending.error["hint"] == (
        "Check GPCLI_PATIENT, or ask those who run the portal for more rights for this machine; "
        "gpcli services tells what it may use."
    )


def test_a_machine_is_never_told_to_log_in(machine):
    ending = machine(scopes="patient/*.rs patient/Appointment.c")("gpcli rx renew rx-1 --yes")
    assert (ending.code, "gpcli login" in ending.err) == (5, False)


def test_the_same_goes_for_scopes_of_the_first_version(machine):
    narrow = {"scopes": "patient/*.rs patient/Appointment.crus", "scopes_version": "1"}
    states = {one["service"]: one["status"] for one in machine(**narrow).json("gpcli services")}
    assert (states["cancellation"], states["prescription-renewal"]) == ("offered", "not_permitted")


def test_no_token_is_kept_anywhere(machine, hospital, tmp_path):
    machine()("gpcli services")
    asked = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not [name for name in asked if "token" in name]
    assert b"access_token" not in kept
    assert b"Bearer" not in kept


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("login", "There is nothing to sign in: a machine does that by itself, by key_file."),
        (
            "logout",
            "A machine signs in here by key_file: gpcli keeps no session of its own to end.",
        ),
    ],
)
def test_there_is_nothing_to_sign_in_or_out(machine, command, message):
    ending = machine()(f"gpcli {command} --json")
    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == message


def test_signing_in_at_the_portal_of_a_machine_is_refused_too(machine, hospital):
    ending = machine()(f"gpcli login {hospital.fhir_base} --json")
    assert ending.refused == (2, "usage", "")


def test_a_key_that_the_portal_does_not_know_is_refused_with_what_to_check(machine):
    ending = machine(key=OTHER)("gpcli services --json")
    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"] == (
        "The portal did not let this machine in (invalid_client): The assertion's signature is "
        "wrong."
    )
    assert ending.error["hint"] == (
        "The portal must know client_id and the public key under its kid; check this computer's "
        "clock too."
    )


def test_a_client_that_the_portal_does_not_know_is_refused(machine):
    ending = machine(client_id="nobody")("gpcli services --json")
    assert ending.refused == (4, "sign_in_refused", "")


@pytest.mark.parametrize(
    ("off", "clock"),
    [
        (timedelta(hours=1), "60 minutes ahead of"),
        (timedelta(hours=-1), "60 minutes behind"),
        (timedelta(days=-3), "3 days behind"),
    ],
)
def test_a_clock_that_is_far_off_is_named_as_what_is_wrong(machine, off, clock):
    ending = machine().at(lambda: datetime.now(UTC) + off)("gpcli services --json")
    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"].endswith(f"This computer's clock is {clock} the portal's.")
    assert ending.error["hint"].startswith("Set this computer's date and time")


def test_scopes_that_the_portal_grants_no_machine_are_refused_with_the_cure(machine):
    ending = machine(scopes="launch/patient openid")("gpcli services --json")
    assert ending.refused == (4, "sign_in_refused", "")
    assert "invalid_scope" in ending.error["message"]
    assert ending.error["hint"].startswith("Ask for less with scopes in the profile")


def test_a_key_that_others_can_read_is_refused_with_the_cure(machine, tmp_path):
    shell, key = machine(), tmp_path / "machine.jwk"
    key.chmod(0o640)
    ending = shell("gpcli services --json")
    assert ending.refused == (2, "config", "")
    assert ending.error["message"] == f"Others can read or change the key file {key}."
    assert ending.error["hint"] == f"chmod 600 {key}"


@pytest.mark.parametrize(
    ("file", "refused", "message"),
    [
        ("none.jwk", (3, "not_found", ""), "There is no file 'none.jwk'."),
        (
            "config.toml",
            (2, "usage", ""),
            "The sandbox can't be made so: config.toml holds no JWK or JWK Set.",
        ),
    ],
)
def test_a_sandbox_for_a_machine_needs_its_key(
    machine, tmp_path, monkeypatch, file, refused, message
):
    monkeypatch.chdir(tmp_path)
    ending = machine()(f"gpcli sandbox serve --machine {file} --json")
    assert (ending.refused, ending.error["message"]) == (refused, message)


def test_a_portal_that_knows_no_machine_lets_none_in(tmp_path, live):
    live_key = tmp_path / "machine.jwk"
    write_key(live_key, json.dumps(KEYS["ES384"].as_dict(private=True)))
    settings = {"client_id": "my-machine", "key_file": str(live_key)}
    ending = shell_with(tmp_path, live, settings)("gpcli services --json")
    assert ending.refused == (4, "sign_in_refused", "")


def test_people_who_signed_in_before_the_machine_can_still_be_signed_out(ada, tmp_path):
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as config:
        config.write('key_file = "machine.jwk"\n')
    machine = ada.with_env(GPCLI_PATIENT="ada")
    refused = machine("gpcli logout --json").error
    assert refused["hint"] == (
        "gpcli logout --all ends the sessions of people who signed in here before."
    )
    assert [one["revoked"] for one in machine.json("gpcli logout --all")] == [True]
    assert machine("gpcli logout --all --json").refused == (2, "usage", "")
    assert ada.json("gpcli whoami --all") == []


def test_without_a_patient_a_person_who_is_signed_in_acts_though_there_is_a_key(ada, tmp_path):
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as config:
        config.write('key_file = "machine.jwk"\n')
    assert ada.json("gpcli whoami")["machine"] is None
    assert [one["revoked"] for one in ada.json("gpcli logout")] == [True]
