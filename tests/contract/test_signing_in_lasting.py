"""Sessions that last: renewed at a certified OpenID Provider, in time, once, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from tests.contract.newcomers import later, newcomer, provider_with, read_session, refresh
from tests.contract.places import Place, medplum_behind
from tests.loopback import NO_CERTIFICATES

pytestmark = pytest.mark.real

AT_ONCE = 6


@pytest.fixture(scope="module")
def forgetful(oidc) -> Iterator[Place]:
    """A portal that recognises no repeated write, and whose tokens end when `spend` says."""
    with medplum_behind(oidc, "bare") as place:
        yield place


def spend(place: Place, after: int) -> None:
    """Let the token end that comes after as many more requests."""
    client = place.base.removesuffix("/fhir")
    httpx.post(
        f"{client}/spend/{after}", trust_env=False, verify=NO_CERTIFICATES
    ).raise_for_status()


def test_a_session_renews_itself_and_its_refresh_token_with_it(medplum, tmp_path):
    _, shell = newcomer(medplum, tmp_path)
    shell.json("gpcli login")
    before = read_session(shell)

    later(shell).json("gpcli gp")
    after = read_session(shell)

    assert after.refresh_token not in {None, before.refresh_token}
    assert after.access_token != before.access_token
    assert later(later(shell)).json("gpcli gp")[0]["gp"]


def test_a_token_that_the_portal_no_longer_takes_is_renewed_once(medplum, tmp_path):
    _, shell = newcomer(medplum, tmp_path)
    shell.json("gpcli login")
    [account] = shell.vault._items
    shell.vault.save(account, replace(read_session(shell), access_token="no.longer.good"))

    shell.json("gpcli gp")

    assert read_session(shell).access_token != "no.longer.good"


def test_a_refresh_token_that_somebody_else_has_used_ends_the_session(medplum, oidc, tmp_path):
    _, shell = newcomer(medplum, tmp_path)
    shell.json("gpcli login")
    stolen = read_session(shell).refresh_token
    assert refresh(oidc, stolen).status_code == 200

    ending = later(shell)("gpcli gp --json")

    assert ending.refused == (4, "expired", "")


def test_signing_out_ends_the_session_at_the_provider(medplum, oidc, tmp_path):
    _, shell = newcomer(medplum, tmp_path)
    shell.json("gpcli login")
    token = read_session(shell).refresh_token

    [ended] = shell.json("gpcli logout")

    assert ended["revoked"] is True
    assert refresh(oidc, token).json()["error"] == "invalid_grant"


def test_a_session_that_was_ended_for_a_theft_says_so_and_a_new_one_is_good(
    medplum, oidc, tmp_path
):
    _, shell = newcomer(medplum, tmp_path)
    shell.json("gpcli login")
    refresh(oidc, read_session(shell).refresh_token)

    ending = later(shell)("gpcli gp --json")

    assert (ending.error["message"], ending.error["hint"]) == (
        "Your sign-in has expired or was ended.",
        "gpcli login signs you in again.",
    )
    assert shell.vault._items == {}
    shell.json("gpcli login")
    assert later(shell)("gpcli gp").code == 0


def test_many_commands_at_the_end_of_a_token_renew_it_once(medplum, tmp_path):
    _, shell = newcomer(medplum, tmp_path)
    shell.json("gpcli login")
    at_its_end = later(shell)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        endings = list(threads.map(at_its_end, ["gpcli whoami", *["gpcli gp"] * AT_ONCE]))

    assert [ending.code for ending in endings] == [0] * len(endings)
    assert later(at_its_end)("gpcli gp").code == 0


@pytest.mark.parametrize("after", range(5))
def test_a_token_that_ends_within_a_booking_is_renewed_and_one_visit_booked(
    forgetful, tmp_path, after
):
    patient, shell = newcomer(forgetful, tmp_path)
    shell.json("gpcli login")
    before = read_session(shell)
    spend(forgetful, after)

    booked = shell.json(f"gpcli book {patient.practice.slots[0]} --another --yes")

    token = read_session(shell).access_token
    assert token != before.access_token
    found = forgetful.get("Appointment", token, patient=f"Patient/{patient.id}")["entry"]
    made = [each["resource"]["id"] for each in found if each["resource"].get("identifier")]
    assert made == [booked["id"]]


def test_a_provider_that_has_moved_and_changed_its_keys_signs_in_as_before(tmp_path):
    with provider_with() as (place, provider):
        patient, shell = newcomer(place, tmp_path)
        shell.json("gpcli login")
        httpx.post(
            f"{provider.issuer}/move", trust_env=False, verify=NO_CERTIFICATES
        ).raise_for_status()

        assert shell.json("gpcli gp")[0]["gp"]
        assert later(shell)("gpcli gp --json").refused == (4, "expired", "")
        assert shell.json("gpcli login --limit 60")["patient"]["id"] == patient.id
        assert read_session(shell).token_endpoint == f"{provider.issuer}/moved/token"
        assert later(shell)("gpcli gp").code == 0
