"""`gpcli troubleshoot` names the cause in set-ups that are broken in one way each."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jsonschema
import pytest
from joserfc.jwk import ECKey

from gpcli.auth.keyring_vault import KeyringVault
from gpcli.auth.vault import MemoryVault
from gpcli.cli.demo import open_sign_in_page
from tests.http.authority import DAY, Authority
from tests.journeys.diagnosis import (
    METADATA,
    SIGN_IN,
    Bent,
    diagnosis,
    person,
    with_edit,
    with_status,
)
from tests.journeys.process import minimal_env
from tests.journeys.shell import SCREEN, shell_for
from tests.journeys.test_bad_portals import answering
from tests.loopback import NO_CERTIFICATES

NO_WAY = ("name-lookup", "connection", "certificate", "portal", "clock", "access", "consent")


def now() -> datetime:
    return datetime.now(UTC)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "config"


@pytest.fixture
def at(home):
    """`at(portal)`: a machine with a token for `portal`, which is a staging one."""

    def machine(portal, **more):
        env = {
            "GPCLI_CONFIG_DIR": str(home),
            "GPCLI_PORTAL": portal,
            "GPCLI_ENVIRONMENT": "staging",
            "GPCLI_TOKEN": "secret-token",
            "GPCLI_PATIENT": "ada-7",
        }
        return person({**env, **more})

    return machine


@pytest.fixture
def lost(at):
    """Somebody whose proxy is no address, so that nothing is ever sent."""
    return at("https://portal.example", HTTPS_PROXY="ftp://proxy.example")


@pytest.fixture
def signed_in(live, tmp_path):
    """Ada at a desktop, signed in at a portal that is not a sandbox to her."""
    env = {"GPCLI_CONFIG_DIR": str(tmp_path)}
    shell = person(env, vault=MemoryVault(), browse=open_sign_in_page)
    line = f"gpcli login {live.fhir_base} --environment staging --hint ada"
    assert shell(line).code == 0
    return shell


def bent(shell, **changes):
    """The same shell at a portal that differs: `metadata`, `sign_in`."""
    ends = {"metadata": METADATA, "sign_in": SIGN_IN}
    return replace(shell, transport=Bent({ends[name]: each for name, each in changes.items()}))


def test_nothing_is_asked_for_twice(signed_in):
    shell = bent(signed_in)
    assert diagnosis(shell).failed == {}
    assert sorted(path for path in shell.transport.asked if path.endswith((METADATA, SIGN_IN))) == [
        "/fhir/R4/.well-known/smart-configuration",
        "/fhir/R4/metadata",
    ]


def test_where_all_is_well_every_check_is_ok_and_the_exit_code_0(signed_in):
    found = diagnosis(signed_in)
    assert (found.ending.code, found.ending.err, found.failed, found.doubtful) == (0, "", {}, {})
    assert {one["status"] for one in found.found.values()} == {"ok"}
    assert {one["cure"] for one in found.found.values()} == {None}


def test_a_slip_in_the_configuration_is_named_and_nothing_else_is_looked_at(home):
    home.mkdir()
    (home / "config.toml").write_text(
        '[profiles.home]\nportl = "https://portal.example"\nenvironment = "staging"\n'
    )
    found = diagnosis(person({"GPCLI_CONFIG_DIR": str(home)}, vault=MemoryVault()))
    assert (found.ending.code, found.failed) == (2, {"configuration": "config"})
    assert "did you mean 'portal'?" in found["configuration"]["seen"]
    assert {found[name]["seen"] for name in NO_WAY} == {"not checked: configuration failed"}
    assert found["keyring"]["status"] == "ok"


def test_a_configuration_that_is_not_toml_is_told_by_its_line(home):
    home.mkdir()
    (home / "config.toml").write_text("[profiles.home\n")
    found = diagnosis(person({"GPCLI_CONFIG_DIR": str(home)}, vault=MemoryVault()))
    assert found.failed == {"configuration": "config"}
    assert "line 1" in found["configuration"]["seen"]


def test_without_any_profile_the_cure_is_to_sign_in(home):
    found = diagnosis(person({"GPCLI_CONFIG_DIR": str(home)}, vault=MemoryVault()))
    assert (found.ending.code, found.failed) == (4, {"profile": "not_signed_in"})
    assert found["profile"]["cure"].startswith("gpcli login PORTAL-URL")


def test_with_several_profiles_one_has_to_be_named(home):
    shell = person({"GPCLI_CONFIG_DIR": str(home)}, vault=MemoryVault())
    for name in ("one", "two"):
        shell(f"gpcli profile add {name} https://{name}.invalid --environment staging")
    (home / "config.toml").write_text(
        (home / "config.toml").read_text().replace('default_profile = "one"', "")
    )
    assert diagnosis(shell).failed == {"profile": "input_needed"}
    assert diagnosis(shell, "--profile tow").failed == {"profile": "not_found"}


def test_a_variable_that_nobody_reads_is_told_with_the_one_that_was_meant(at):
    found = diagnosis(at("https://portal.example", HTTPS_PROXY="ftp://x", GPCLI_PROFIEL="x"))
    assert found["variables"]["status"] == "warning"
    assert found["variables"]["seen"] == "gpcli does not know GPCLI_PROFIEL (perhaps GPCLI_PROFILE)"


def test_an_empty_variable_is_named(at):
    found = diagnosis(at("https://portal.example", GPCLI_AS=""))
    assert found["variables"]["cause"] == "config"
    assert found["variables"]["seen"] == "GPCLI_AS is set but empty."


@pytest.mark.parametrize("command", ["", "pass gp"])
def test_two_ways_to_a_token_are_a_matter_of_the_variables_not_of_the_certificate(at, command):
    shell = at(f"http://127.0.0.1:{closed_port()}", GPCLI_TOKEN_COMMAND=command)
    found = diagnosis(shell)
    assert found.failed["variables"] == "config"
    assert "certificate" not in found.failed
    assert found["certificate"]["seen"].startswith("not checked: ")


def test_a_host_that_nobody_knows_is_a_matter_of_names_not_of_the_portal(at):
    found = diagnosis(at("https://portal.invalid/fhir/R4"), "--timeout 1")
    assert (found.ending.code, found.failed) == (6, {"name-lookup": "unreachable"})
    assert "Check the address" in found["name-lookup"]["cure"]
    assert found["connection"]["seen"] == "not checked: name-lookup failed"


def test_a_closed_port_is_a_matter_of_the_connection(at):
    found = diagnosis(at(f"http://127.0.0.1:{closed_port()}"), "--timeout 1")
    assert (found.ending.code, found.failed) == (6, {"connection": "unreachable"})
    assert "nothing answers there" in found["connection"]["seen"]
    assert found["name-lookup"]["status"] == "ok"


def test_a_portal_that_never_answers_is_a_matter_of_the_connection_too(at):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = diagnosis(at(f"http://127.0.0.1:{silent.getsockname()[1]}"), "--timeout 0.2")
    assert (found.ending.code, found.failed) == (6, {"connection": "timeout"})


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (404, "text/html", "<h1>Not Found</h1>"),
        (200, "text/html", "<h1>Welcome</h1>"),
        (200, "application/json", '{"name": "another API"}'),
        (200, "application/fhir+json", '{"resourceType": "CapabilityStatement"}'),
        (
            200,
            "application/fhir+json",
            '{"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}',
        ),
    ],
)
def test_an_address_without_fhir_r4_is_a_matter_of_the_portal(at, status, kind, body):
    with answering(status, kind, body) as portal:
        found = diagnosis(at(portal))
    assert (found.ending.code, found.failed) == (1, {"portal": "bad_response"})
    assert found["certificate"]["status"] == "ok"
    assert "<h1>" not in found.ending.out + found.ending.err


def test_another_version_of_fhir_is_named(at):
    statement = '{"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"}'
    with answering(200, "application/fhir+json", statement) as portal:
        found = diagnosis(at(portal))
    assert found["portal"]["seen"] == "The portal speaks FHIR 3.0.2, not R4 (4.0.1)."


def test_a_certificate_of_an_authority_that_is_not_trusted_is_cured_by_its_file(at, tmp_path):
    authority = Authority(tmp_path)
    with answering(404, "text/html", "", authority.server()) as portal:
        found = diagnosis(at(portal))
        trusted = diagnosis(at(portal, SSL_CERT_FILE=str(authority.file)))
    assert (found.ending.code, found.failed) == (1, {"certificate": "tls"})
    assert "ca_file" in found["certificate"]["cure"]
    assert found["connection"]["status"] == "ok"
    assert trusted["certificate"]["status"] == "ok"


def test_an_expired_certificate_is_told_apart_from_a_strange_one(at, tmp_path):
    authority = Authority(tmp_path)
    with answering(404, "text/html", "", authority.server(starts=-3 * DAY, ends=-DAY)) as portal:
        found = diagnosis(at(portal, SSL_CERT_FILE=str(authority.file)))
    assert found.failed == {"certificate": "tls"}
    assert "has expired" in found["certificate"]["seen"]


def test_a_certificate_for_another_host_points_to_the_address(at, tmp_path):
    authority = Authority(tmp_path)
    with answering(404, "text/html", "", authority.server(address="127.0.0.2")) as portal:
        found = diagnosis(at(portal, SSL_CERT_FILE=str(authority.file)))
    assert found.failed == {"certificate": "tls"}
    assert "another" in found["certificate"]["seen"]
    assert "address" in found["certificate"]["cure"]


def test_a_file_of_certificates_that_is_none_is_named(at, tmp_path):
    (tmp_path / "ca.pem").write_text("not PEM")
    found = diagnosis(at("https://127.0.0.1:9", SSL_CERT_FILE=str(tmp_path / "ca.pem")))
    assert (found.ending.code, found.failed) == (2, {"certificate": "config"})
    assert "SSL_CERT_FILE" in found["certificate"]["seen"]


def test_a_proxy_that_is_down_is_not_taken_for_the_portal(at):
    proxy = f"http://me:proxy-password@127.0.0.1:{closed_port()}"
    found = diagnosis(at("https://portal.invalid", HTTPS_PROXY=proxy), "--timeout 1")
    assert (found.ending.code, found.failed) == (6, {"proxy": "unreachable"})
    assert "HTTPS_PROXY" in found["proxy"]["cure"]
    assert "proxy-password" not in found.ending.out + found.ending.err


def test_a_proxy_that_refuses_is_named_with_its_answer(at):
    with answering(404, "text/html", "") as server:
        found = diagnosis(at("https://portal.invalid", HTTPS_PROXY=server), "--timeout 1")
    assert found.failed == {"proxy": "unreachable"}
    assert server.removeprefix("http://") in found["proxy"]["seen"]


def test_a_proxy_that_is_no_address_is_a_matter_of_the_variable(at):
    found = diagnosis(at("https://portal.invalid", HTTPS_PROXY="ftp://proxy.invalid"))
    assert (found.ending.code, found.failed) == (2, {"proxy": "config"})


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(hours=1), "60 minutes ahead of"),
        (timedelta(minutes=-5), "5 minutes behind"),
        (timedelta(days=3), "3 days ahead of"),
    ],
)
def test_a_clock_that_is_wrong_is_a_warning_with_what_follows_from_it(live, at, ahead, said):
    found = diagnosis(at(live.fhir_base).at(lambda: now() + ahead))
    assert found.doubtful["clock"] == "clock"
    assert found["clock"]["seen"] == f"{said} the portal's"
    assert "sign-in" in found["clock"]["cure"]
    assert "reckoned wrongly" in found["clock"]["cure"]


@pytest.mark.parametrize("off", [timedelta(seconds=50), timedelta(seconds=-50)])
def test_a_clock_within_a_minute_is_good_enough(live, at, off):
    found = diagnosis(at(live.fhir_base).at(lambda: now() + off))
    assert found["clock"]["status"] == "ok"


def test_without_a_bus_as_under_cron_the_cure_names_its_variable(home):
    env = {"GPCLI_CONFIG_DIR": str(home), "XDG_RUNTIME_DIR": str(home)}
    found = diagnosis(person(env))
    assert found.failed["keyring"] == "no_keyring"
    assert "DBUS_SESSION_BUS_ADDRESS" in found["keyring"]["cure"]


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring"]
)
def test_a_backend_that_keeps_no_secrets_is_refused_by_name(home, backend):
    env = {"GPCLI_CONFIG_DIR": str(home), "PYTHON_KEYRING_BACKEND": backend}
    found = diagnosis(person(env))
    assert found.failed["keyring"] == "no_keyring"
    assert backend in found["keyring"]["seen"]
    assert "Unset it" in found["keyring"]["cure"]
    assert "DBUS" not in found["keyring"]["cure"]


class KeyringLocked(Exception):
    """As `keyring` names it."""


class Locked:
    """A store behind a prompt."""

    def get_password(self, *item):
        raise KeyringLocked

    set_password = delete_password = get_password


def test_a_locked_keyring_is_to_be_unlocked_and_hides_the_session(signed_in):
    desktop = signed_in.with_env(DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere")
    found = diagnosis(replace(desktop, vault=KeyringVault(Locked())))
    assert (found.ending.code, found.failed) == (4, {"keyring": "no_keyring"})
    assert "locked" in found["keyring"]["seen"]
    assert found["session"]["seen"] == "not checked: keyring failed"
    assert found["portal"]["status"] == "ok"


def test_nobody_signed_in_is_told_after_the_portal_was_found_good(signed_in):
    signed_in("gpcli logout")
    found = diagnosis(signed_in)
    assert (found.ending.code, found.failed) == (4, {"session": "not_signed_in"})
    assert found["session"]["cure"] == "gpcli login signs in."
    assert found["smart-configuration"]["status"] == "ok"


def test_a_session_that_has_vanished_from_the_keyring_is_told(signed_in):
    found = diagnosis(replace(signed_in, vault=MemoryVault()))
    assert found.failed == {"session": "not_signed_in"}


def test_a_session_that_has_run_out_at_the_portal_needs_a_new_sign_in(signed_in, live):
    live.advance(timedelta(days=60))
    found = diagnosis(signed_in)
    assert (found.ending.code, found.failed) == (4, {"access": "expired"})
    assert "gpcli login" in found["access"]["cure"]


def test_a_session_that_was_ended_at_the_portal_needs_a_new_sign_in(signed_in):
    [session] = signed_in.vault._items.values()
    form = {"token": session.refresh_token, "client_id": session.client_id}
    httpx.post(session.revocation_endpoint, data=form, trust_env=False, verify=NO_CERTIFICATES)
    found = diagnosis(signed_in)
    assert (found.ending.code, found.failed) == (4, {"access": "expired"})


def test_a_session_that_is_due_is_renewed_as_by_every_command(signed_in, live):
    live.advance(timedelta(hours=2))
    [before] = signed_in.vault._items.values()
    found = diagnosis(signed_in)
    [after] = signed_in.vault._items.values()
    assert found.failed == {}
    assert before.refresh_token != after.refresh_token


def test_a_token_that_the_portal_refuses_is_to_be_set_anew(live, at):
    found = diagnosis(at(live.fhir_base))
    assert (found.ending.code, found.failed) == (4, {"access": "expired"})
    assert found["access"]["seen"] == "The portal does not accept the token in GPCLI_TOKEN."
    assert found["consent"]["seen"] == "not checked: access failed"


def test_a_token_without_a_patient_is_told_before_anything_is_asked(live, at):
    found = diagnosis(at(live.fhir_base).without("GPCLI_PATIENT"))
    assert (found.ending.code, found.failed) == (2, {"variables": "input_needed"})
    assert "GPCLI_PATIENT" in found["variables"]["cure"]


def test_a_command_that_prints_no_token_is_told_when_the_token_is_needed(live, at):
    shell = at(live.fhir_base, GPCLI_TOKEN_COMMAND="false").without("GPCLI_TOKEN")
    found = diagnosis(shell)
    assert (found.ending.code, found.failed) == (4, {"access": "no_token"})
    assert found["keyring"]["seen"] == "not checked: GPCLI_TOKEN_COMMAND needs none"


def test_what_a_failing_command_says_may_name_anybody_and_is_left_out(live, at):
    command = "sh -c 'echo no secret of Ada at /srv/ada >&2; exit 3'"
    shell = at(live.fhir_base, GPCLI_TOKEN_COMMAND=command).without("GPCLI_TOKEN")
    found = diagnosis(shell)
    assert found["access"]["seen"].endswith("failed (exit status 3).")
    assert found["access"]["cure"].startswith("Run the command by itself")
    assert "secret of Ada" not in found.ending.out + found.ending.err


def test_a_key_that_is_not_there_is_named_and_the_portal_must_know_machines(live, home):
    shell = person({"GPCLI_CONFIG_DIR": str(home), "GPCLI_PATIENT": "ada"})
    shell(f"gpcli profile add m {live.fhir_base} --environment staging")
    with (home / "config.toml").open("a") as config:
        config.write('key_file = "key.jwk"\n')
    found = diagnosis(shell)
    assert (found.ending.code, found.failed) == (2, {"session": "config"})
    assert "key.jwk" in found["session"]["seen"]
    assert "Backend Services" in found["smart-configuration"]["seen"]


def test_a_key_that_can_sign_is_told_by_its_algorithm_also_where_no_portal_answers(home):
    shell = person({"GPCLI_CONFIG_DIR": str(home), "GPCLI_PATIENT": "ada"})
    shell(f"gpcli profile add m http://127.0.0.1:{closed_port()} --environment staging")
    with (home / "config.toml").open("a") as config:
        config.write('key_file = "key.jwk"\n')
    key = ECKey.generate_key("P-384", {"kid": "night"}, private=True)
    (home / "key.jwk").write_text(json.dumps(key.as_dict(private=True)))
    (home / "key.jwk").chmod(0o600)
    found = diagnosis(shell)
    assert found.failed == {"connection": "unreachable"}
    assert found["session"]["seen"] == "a machine signs in by itself, with a key for ES384"


def test_a_token_for_no_portal_is_a_matter_of_the_variables(at):
    found = diagnosis(at("unused").without("GPCLI_PORTAL"))
    assert found.failed["profile"] == "config"


@pytest.mark.parametrize("status", [404, 410, 200])
def test_a_portal_without_a_smart_sign_in_can_serve_only_those_with_a_token(signed_in, status):
    found = diagnosis(bent(signed_in, sign_in=with_status(status)))
    assert (found.ending.code, found.failed) == (1, {"smart-configuration": "bad_response"})
    assert found["access"]["status"] == "ok"


def test_a_sign_in_without_s256_is_the_portals_to_change(signed_in):
    plain = with_edit(lambda said: said.update(code_challenge_methods_supported=["plain"]))
    found = diagnosis(bent(signed_in, sign_in=plain))
    assert (found.ending.code, found.failed) == (5, {"smart-configuration": "not_permitted"})
    assert "S256" in found["smart-configuration"]["seen"]


def test_what_the_sign_in_lacks_besides_is_a_warning_with_what_follows(signed_in):
    lacking = with_edit(lambda said: said.pop("device_authorization_endpoint"))
    found = diagnosis(bent(signed_in, sign_in=lacking))
    assert found.doubtful == {"sign-in-options": "not_supported"}
    assert found["sign-in-options"]["seen"] == "the portal has no device sign-in"
    assert "--device" in found["sign-in-options"]["cure"]


def test_scopes_that_a_service_lacks_are_told_with_the_service(live, tmp_path):
    shell = person(
        {"GPCLI_CONFIG_DIR": str(tmp_path)}, vault=MemoryVault(), browse=open_sign_in_page
    )
    shell(f"gpcli profile add narrow {live.fhir_base} --environment staging")
    scopes = "openid fhirUser launch/patient offline_access patient/Patient.rs patient/Consent.rs"
    with (tmp_path / "config.toml").open("a") as config:
        config.write(f'scopes = "{scopes} patient/Appointment.crus patient/Slot.rs"\n')
    assert shell("gpcli login --hint ada").code == 0
    found = diagnosis(shell)
    assert (found.ending.code, found.doubtful) == (0, {"scopes": "not_permitted"})
    assert found["scopes"]["seen"] == (
        "the sign-in does not allow e-consultation, contact, prescription-renewal"
    )


def without(kind):
    """A statement that leaves out one type."""

    def edit(said):
        [rest] = said["rest"]
        rest["resource"] = [each for each in rest["resource"] if each["type"] != kind]

    return with_edit(edit)


def test_what_the_portal_can_not_do_is_told_with_the_service(signed_in):
    found = diagnosis(bent(signed_in, metadata=without("Task")))
    assert found.doubtful == {"portal-support": "not_supported"}
    assert found["portal-support"]["seen"] == "the portal can't do prescription-renewal"


def test_a_portal_that_does_not_recognise_repeats_is_a_warning(signed_in):
    def edit(said):
        for each in said["rest"][0]["resource"]:
            each["conditionalCreate"] = False

    found = diagnosis(bent(signed_in, metadata=with_edit(edit)))
    assert found.doubtful == {"portal-support": "not_supported"}
    assert "exit code 10" in found["portal-support"]["cure"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_portal_that_tells_strangers_nothing_is_asked_again_with_the_token(signed_in, status):
    def only_to_friends(answer):
        known = "Authorization" in answer.request.headers
        return httpx.Response(200, json=answer.json()) if known else httpx.Response(status)

    found = diagnosis(bent(signed_in, metadata=only_to_friends))
    assert (found.failed, found["portal-support"]["status"]) == ({}, "ok")


@pytest.mark.parametrize(
    ("status", "cause"), [(500, "portal_error"), (503, "portal_error"), (429, "rate_limited")]
)
def test_a_portal_in_trouble_is_told_apart_from_one_that_can_not_be_reached(
    signed_in, status, cause
):
    busy = with_status(status, **{"Retry-After": "3600"})
    found = diagnosis(bent(signed_in, metadata=busy))
    assert (found.ending.code, found.failed) == (6, {"portal": cause})
    assert found["connection"]["status"] == "ok"
    assert "later" in found["portal"]["cure"]


def test_a_ci_run_at_a_production_portal_is_stopped_before_it_asks_anything(at):
    shell = at("https://portal.invalid", CI="true").without("GPCLI_ENVIRONMENT")
    found = diagnosis(shell)
    assert (found.ending.code, found.failed) == (5, {"production-guard": "production_guard"})
    assert found["connection"]["seen"] == "not checked: production-guard failed"


def test_a_ci_run_that_was_let_through_is_told(at):
    more = {"CI": "true", "GPCLI_ALLOW_PRODUCTION": "environment"}
    with answering(404, "text/html", "") as portal:
        found = diagnosis(at(portal, **more).without("GPCLI_ENVIRONMENT"))
    assert found.failed == {"portal": "bad_response"}
    assert "GPCLI_ALLOW_PRODUCTION" in found["production-guard"]["seen"]


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"BROWSER": "no-such-browser"}, "BROWSER names no program that is there"),
        ({"BROWSER": "'unclosed"}, "BROWSER names no program that is there"),
        ({"BROWSER": "", "DISPLAY": ""}, "there is no display"),
        (
            {"BROWSER": "", "DISPLAY": "", "SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"},
            "an SSH session without a display",
        ),
        ({"BROWSER": "", "PATH": "/nowhere"}, "no browser is installed"),
    ],
)
def test_where_no_page_can_open_the_address_is_printed(signed_in, changes, seen):
    found = diagnosis(signed_in.with_env(**changes))
    assert (found.ending.code, found.doubtful) == (0, {"browser": "no_browser"})
    assert found["browser"]["seen"] == seen
    assert "gpcli login --no-browser" in found["browser"]["cure"]


def test_a_patient_without_a_gp_is_told(live, tmp_path):
    found = diagnosis(shell_for(live, tmp_path, "eva", now))
    assert found.doubtful == {"access": "not_offered"}


def test_consent_that_is_missing_is_a_warning_with_the_command(live, tmp_path):
    found = diagnosis(shell_for(live, tmp_path, "david", now))
    assert found.doubtful == {"consent": "consent_needed"}
    assert found["consent"]["cure"] == "gpcli consent grant"


def test_a_folder_that_is_a_file_can_not_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    env = {"GPCLI_CONFIG_DIR": str(tmp_path / "file" / "gpcli")}
    found = diagnosis(person(env, vault=MemoryVault()))
    assert found.failed["folders"] == "failure"


@pytest.mark.parametrize(
    ("variables", "cure"),
    [
        ({"GPCLI_CONFIG_DIR": ""}, "Give it a value, or unset GPCLI_CONFIG_DIR."),
        (
            {"GPCLI_CLOCK_OFFSET": "soon", "GPCLI_ENVIRONMENT": "sandbox"},
            "Put it right, then run gpcli troubleshoot again.",
        ),
    ],
)
def test_what_keeps_every_other_command_from_starting_is_the_first_finding(lost, variables, cure):
    shell = lost.with_env(**variables)
    found = diagnosis(shell)
    first = found.ending.json[0]
    assert (first["name"], first["cause"], first["cure"]) == ("variables", "config", cure)
    assert (found.ending.code, found.ending.error["code"]) == (2, "config")
    assert set(found.failed) == {"variables", "configuration", "folders"}
    assert found["access"]["seen"] == "not checked: variables failed"
    assert shell("gpcli whoami --json").refused == (2, "config", "")


def test_where_a_profile_is_named_a_token_is_no_reason_to_leave_the_keyring_alone(lost):
    found = diagnosis(replace(lost, vault=MemoryVault()), "--profile none")
    assert (found.failed["profile"], found["keyring"]["status"]) == ("not_found", "ok")


def secrets(shell):
    [session] = shell.vault._items.values()
    yield from (session.access_token, session.refresh_token, "Ada", "Solberg", "Patient/ada")


def test_nothing_that_is_said_names_the_person_or_holds_a_token(signed_in):
    runs = [
        signed_in("gpcli troubleshoot --json"),
        signed_in.with_env(GPCLI_AS="Ada Sol")("gpcli troubleshoot"),
        signed_in.with_env(GPCLI_AS="Bo")("gpcli troubleshoot --debug --json"),
        signed_in.at_a_screen()("gpcli troubleshoot"),
    ]
    said = "".join(run.out + run.err for run in runs)
    assert [secret for secret in secrets(signed_in) if secret in said] == []


def test_of_two_people_one_is_taken_without_a_word_of_who(signed_in):
    signed_in("gpcli login --hint bo")
    found = diagnosis(signed_in)
    assert (found.failed, found.ending.err) == ({}, "")


def test_the_home_directory_is_a_tilde(tmp_path):
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "settings")}
    ending = person(env, vault=MemoryVault())("gpcli troubleshoot")
    assert "~/settings/gpcli/config.toml is not there yet" in ending.out
    assert str(tmp_path) not in ending.out + ending.err


def test_nothing_is_written_where_nobody_is_signed_in(at, live, home):
    diagnosis(at(live.fhir_base))
    assert not home.exists()


def test_nobody_is_asked_and_nothing_opens_at_a_screen(signed_in):
    def forbidden(url):
        raise AssertionError(url)

    shell = replace(signed_in, terminal=SCREEN, browse=forbidden, typing="")
    ending = shell("gpcli troubleshoot")
    assert (ending.code, ending.err) == (0, "")


def test_a_screen_shows_a_line_for_each_check_and_the_cures_below(lost):
    ending = lost.at_a_screen()("gpcli troubleshoot")
    table, _, cures = ending.out.partition("\n\n")
    header, *lines = table.splitlines()
    assert header.split() == ["Check", "Status", "Seen"]
    assert [line.split()[1] for line in lines[:8]] == [*["ok"] * 5, *["skipped"] * 2, "failed"]
    assert len(lines) == 20
    assert cures == "proxy: Put it right, then run gpcli troubleshoot again.\n"
    assert ending.err == "gpcli: 1 of 20 checks failed: proxy.\n"


def test_where_several_checks_fail_one_is_told_where_to_begin(tmp_path):
    (tmp_path / "file").write_text("")
    shell = person({"GPCLI_CONFIG_DIR": str(tmp_path / "file" / "gpcli")}, vault=MemoryVault())
    ending = shell.at_a_screen()("gpcli troubleshoot")
    assert ending.err == (
        "gpcli: 2 of 20 checks failed: configuration, folders.\n"
        "  Begin with the first: the others may follow from it.\n"
    )


def test_a_cure_is_folded_between_words_at_a_screen(lost):
    narrow = replace(SCREEN, width=80)
    shell = replace(lost.with_env(CI="true", GPCLI_ENVIRONMENT="production"), terminal=narrow)
    _, _, cures = shell("gpcli troubleshoot").out.rpartition("\n\n")
    assert cures == (
        "production-guard: Use a staging or sandbox profile;\n"
        "  GPCLI_ALLOW_PRODUCTION=environment lifts this.\n"
    )


def test_plain_lines_hold_everything_of_a_finding_in_one_line(lost):
    rows = lost("gpcli troubleshoot").rows
    assert {len(row) for row in rows} == {5}
    [failed] = [row for row in rows if row[1] == "failed"]
    assert (failed[0], failed[3]) == ("proxy", "config")


def test_chosen_fields_come_without_the_cures_below(lost):
    ending = lost.at_a_screen()("gpcli troubleshoot --fields name,status")
    assert (ending.code, len(ending.out.splitlines())) == (2, 21)


def test_fields_are_checked_before_anything_is_looked_at(signed_in):
    transport = Bent({})
    shell = replace(signed_in, transport=transport)
    assert shell("gpcli troubleshoot --json --fields nmae").refused == (2, "usage", "")
    assert shell("gpcli troubleshoot --fields ''").out == "name\nstatus\nseen\ncause\ncure\n"
    assert transport.asked == []


def test_every_answer_is_as_the_schema_says_also_when_it_failed(lost, signed_in):
    promised = json.loads(lost("gpcli help json troubleshoot").out)
    for shell, code in ((lost, 2), (signed_in, 0)):
        ending = shell("gpcli troubleshoot --json")
        assert ending.code == code
        jsonschema.validate(ending.json, promised)


def test_ndjson_has_a_finding_a_line_and_they_are_those_of_the_array(lost):
    lines = lost("gpcli troubleshoot --ndjson").out.splitlines()
    assert [json.loads(line) for line in lines] == lost("gpcli troubleshoot --json").json


def test_the_error_is_of_the_kind_of_the_first_check_that_failed(lost):
    assert lost("gpcli troubleshoot --json").error == {
        "code": "config",
        "exit": 2,
        "message": "1 of 20 checks failed: proxy.",
        "hint": None,
        "request_id": None,
        "trace_id": None,
        "retry_after": None,
        "http_status": None,
    }


def test_options_for_sending_mean_nothing_to_it(lost):
    assert lost("gpcli troubleshoot --yes --json").refused == (2, "usage", "")


@pytest.mark.real
def test_a_process_with_nothing_at_all_says_what_there_is_to_do(tmp_path: Path):
    env = {**minimal_env(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "gpcli", "troubleshoot", "--json"],
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    causes = {one["name"]: one["cause"] for one in json.loads(done.stdout) if one["cause"]}
    assert done.returncode == 4
    assert causes["profile"] == "not_signed_in"
    assert causes["keyring"] == "no_keyring"
