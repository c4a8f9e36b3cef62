"""Signing in at a certified OpenID Provider, and using the session that comes of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gpcli.auth.loopback import CallbackServer
from gpcli.cli.sandbox_env import build_variables
from tests.contract.browser import abort, deny, sign_in
from tests.contract.newcomers import later, newcomer, provider_with
from tests.contract.places import SERVING, Place, Provider, oidc_provider
from tests.contract.programs import node
from tests.journeys.shell import CommandResult, Shell, at_once

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def strict() -> Iterator[Place]:
    """A portal that lets nobody stay signed in without prompt=consent."""
    with provider_with("strict-offline") as (place, _):
        yield place


@pytest.fixture(scope="module")
def weak() -> Iterator[Place]:
    """A portal that identifies nobody better than `basic`."""
    with provider_with("weak") as (place, _):
        yield place


@pytest.fixture
def fixed_port() -> str:
    """A port that was free a moment ago."""
    with CallbackServer(0) as free:
        return str(free.port)


@contextmanager
def unregistered_gateway(provider: Provider) -> Iterator[str]:
    """The FHIR base of a gateway whose provider was not told of it; nothing is behind it."""
    with node("gateway.mjs", provider.issuer) as gateway:
        yield gateway.wait_for(SERVING)


@pytest.fixture(params=["sekmet", "medplum"])
def theirs(request: pytest.FixtureRequest) -> Place:
    """A portal that nobody here wrote."""
    there: Place = request.getfixturevalue(request.param)
    return there


def test_a_person_signs_in_and_does_everything_there_is_to_do(theirs, tmp_path):
    patient, shell = newcomer(theirs, tmp_path)
    lines = [
        "gpcli login",
        "gpcli services",
        "gpcli slots",
        f"gpcli book {patient.practice.slots[0]} --another --yes",
        "gpcli appointments list",
        "gpcli rx list",
        f"gpcli rx renew rx-used-up-{patient.number} --yes",
        "gpcli messages list",
        f"gpcli cancel {patient.visit} --yes",
        "gpcli logout",
    ]

    endings = {line: shell(line) for line in lines}

    assert {line: ending.code for line, ending in endings.items()} == dict.fromkeys(lines, 0)
    assert patient.name in endings["gpcli login"].out


def test_who_signed_in_is_the_patient_whom_the_token_names(medplum, tmp_path):
    patient, shell = newcomer(medplum, tmp_path)

    summary = shell.json("gpcli login")

    assert summary["patient"] == {"id": patient.id, "name": patient.name}
    assert summary["acting_user"] == summary["patient"]
    assert summary["renews"] is True


def test_a_person_who_refuses_is_not_signed_in(medplum, tmp_path):
    _, shell = newcomer(medplum, tmp_path)

    ending = replace(shell, browse=deny)("gpcli login --json")

    assert ending.refused == (4, "sign_in_refused", "")
    assert shell.vault._items == {}


def test_a_provider_that_knows_nothing_of_the_portal_signs_nobody_in(medplum, tmp_path):
    with oidc_provider() as stranger, unregistered_gateway(stranger) as base:
        _, shell = newcomer(replace(medplum, base=base), tmp_path)

        ending = replace(shell, sleep=at_once)("gpcli login --json")

        assert ending.refused == (4, "sign_in_refused", "")
        assert "(invalid_target): unknown audience." in ending.error["message"]
        assert base in ending.error["hint"]


def test_a_provider_that_wants_pushed_requests_gets_them(tmp_path):
    with provider_with("pushed") as (place, _):
        patient, shell = newcomer(place, tmp_path)

        assert shell.json("gpcli login")["patient"]["id"] == patient.id


def test_another_device_signs_in_with_a_code(medplum, tmp_path):
    patient, shell = newcomer(medplum, tmp_path)

    ending = on_another_device(shell, partial(sign_in, login=patient.id))

    assert (ending.code, ending.json["patient"]["id"]) == (0, patient.id)


def test_another_device_is_told_when_the_person_turns_back(medplum, tmp_path):
    _, shell = newcomer(medplum, tmp_path)

    ending = on_another_device(shell, abort)

    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"] == (
        "The sign-in was refused at the portal's page (access_denied): End-User aborted "
        "interaction."
    )
    assert shell.vault._items == {}


def test_a_code_that_nobody_types_ends_with_the_limit(medplum, tmp_path):
    _, shell = newcomer(medplum, tmp_path)
    passed = [timedelta()]

    def wait(seconds: float) -> None:
        passed[0] += timedelta(seconds=seconds)

    waiting = replace(shell.at(lambda: medplum.began + passed[0]), sleep=wait)
    ending = waiting("gpcli login --device --json --limit 20")

    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"] == "The code has expired."
    assert passed[0] == timedelta(seconds=20)


def on_another_device(shell: Shell, visit) -> CommandResult:
    """`gpcli login --device`, while somebody does `visit(url)` with the address that it shows."""
    said = io.StringIO()

    def approve(_: float) -> None:
        shown = json.loads(said.getvalue().splitlines()[0])["notice"]
        visit(shown["verification_uri_complete"])

    return replace(shell, stderr=said, sleep=approve)("gpcli login --device --json")


def test_any_port_of_this_computer_will_do_for_the_way_back(medplum, tmp_path, fixed_port):
    patient, shell = newcomer(medplum, tmp_path)

    assert shell.json(f"gpcli login --port {fixed_port}")["patient"]["id"] == patient.id


def test_a_fixed_port_of_the_profile_that_is_taken_is_said_before_any_page(medplum, tmp_path):
    with CallbackServer(0) as taken:
        _, shell = newcomer(medplum, tmp_path, f"redirect_port = {taken.port}")

        ending = replace(shell, browse=unwanted)("gpcli login --json")

    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == f"Port {taken.port} is taken by another program."


def unwanted(url: str) -> bool:
    raise AssertionError(f"no page is wanted: {url}")


def test_a_strict_provider_gives_a_lasting_session_after_consent(strict, tmp_path):
    _, shell = newcomer(strict, tmp_path, 'prompt = "consent"')

    ending = shell("gpcli login --json")

    assert (ending.code, ending.json["renews"]) == (0, True)
    assert not any("warning" in each for each in ending.stderr_json)
    assert later(shell)("gpcli gp").code == 0


def test_a_session_that_ends_soon_is_said_to_and_how_to_get_another(strict, tmp_path):
    _, shell = newcomer(strict, tmp_path)

    ending = shell("gpcli login --json")

    assert (ending.code, ending.json["renews"]) == (0, False)
    [warned] = [each["warning"]["message"] for each in ending.stderr_json if "warning" in each]
    assert warned == (
        "This session does not renew itself: unattended use ends soon, and you sign in again. "
        'If you did not choose that at the portal\'s page, add prompt = "consent" to the profile '
        "'theirs' (see gpcli help profiles) and gpcli login again."
    )
    assert later(shell)("gpcli gp --json").refused == (4, "expired", "")


def test_signing_out_of_such_a_session_forgets_it_though_the_provider_says_400(strict, tmp_path):
    _, shell = newcomer(strict, tmp_path)
    shell.json("gpcli login")

    ending = shell("gpcli logout --json")

    assert (ending.code, [each["revoked"] for each in ending.json]) == (0, [False])
    assert "ends there by itself" in ending.stderr_json[0]["warning"]["message"]
    assert shell.vault._items == {}


def test_a_provider_whose_tokens_are_for_another_host_is_named_as_the_cause(tmp_path):
    with provider_with("elsewhere") as (place, _):
        _, shell = newcomer(place, tmp_path)

        ending = shell("gpcli login --json")

    assert ending.refused == (4, "sign_in_refused", "")
    assert (ending.error["message"], ending.error["hint"]) == (
        "The portal does not accept the token that its own sign-in has just given.",
        "Only the portal can put this right: its sign-in may be for another address.",
    )
    assert shell.vault._items == {}


def test_a_token_for_another_portal_opens_nothing_here(medplum, bare, tmp_path):
    patient, shell = newcomer(medplum, tmp_path)
    stranger = bare.token_of(patient.id)
    env = build_variables(medplum.base, stranger, patient.id, f"Patient/{patient.id}")

    ending = shell.with_env(**env)("gpcli gp --json")

    assert ending.refused == (4, "expired", "")
    assert "GPCLI_TOKEN" in ending.error["message"]


@pytest.mark.parametrize("off", [timedelta(seconds=50), timedelta(seconds=-50)])
def test_a_clock_that_is_a_little_off_does_not_matter(medplum, tmp_path, off):
    patient, shell = newcomer(medplum, tmp_path)

    assert later(shell, off).json("gpcli login")["patient"]["id"] == patient.id


@pytest.mark.parametrize(
    ("off", "why", "said"),
    [
        (timedelta(minutes=7), "it has expired", "7 minutes ahead of the portal's"),
        (timedelta(minutes=-3), "it comes from the future", "3 minutes behind the portal's"),
    ],
)
def test_a_clock_that_is_wrong_is_said_to_be(medplum, tmp_path, off, why, said):
    _, shell = newcomer(medplum, tmp_path)

    ending = later(shell, off)("gpcli login --json")

    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"].endswith(
        f"was not accepted: by this computer's clock, which is {said}, {why}."
    )
    assert shell.vault._items == {}


@pytest.mark.parametrize("level", ["high", "basic high"])
def test_a_level_of_sign_in_that_is_reached_lets_the_person_in(medplum, tmp_path, level):
    patient, shell = newcomer(medplum, tmp_path, f'acr = "{level}"')

    assert shell.json("gpcli login")["patient"]["id"] == patient.id


def test_a_level_of_sign_in_that_is_not_reached_keeps_the_person_out(weak, tmp_path):
    _, shell = newcomer(weak, tmp_path, 'acr = "high higher"')

    ending = shell("gpcli login --json")

    assert ending.refused == (4, "sign_in_refused", "")
    assert "was not accepted: the person was not identified strongly" in ending.error["message"]
    assert ending.error["hint"] == (
        "This profile insists on 'high higher' (its key acr), and the portal says 'basic'. "
        "gpcli login tries again: choose a stronger way at the portal's page."
    )
    assert shell.vault._items == {}


def test_a_level_that_nobody_insists_on_is_not_looked_at(weak, tmp_path):
    patient, shell = newcomer(weak, tmp_path)

    assert shell.json("gpcli login")["patient"]["id"] == patient.id
