"""Sign-in, refresh and sign-out against the embedded portal, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import httpx
import pytest

from gpcli.auth.bearer import SessionBearer, StaticBearer
from gpcli.auth.browser_sign_in import sign_in_with_browser
from gpcli.auth.device_sign_in import sign_in_with_device
from gpcli.auth.discovery import fetch_smart_configuration
from gpcli.auth.session import StoredSession
from gpcli.auth.sign_in_flow import AuthRequest, SignInResult
from gpcli.auth.vault import MemoryVault
from gpcli.errors import Expired, SignInRefused
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.sandbox.server import Sandbox
from gpcli.sign_out import revoke_session
from tests.loopback import NO_CERTIFICATES

SCOPES = "openid fhirUser launch/patient offline_access patient/Patient.rs"


class Visitor:
    """A person whose browser follows every link."""

    def __init__(self) -> None:
        self.page = ""
        self.visits: list[Thread] = []

    def open_browser(self, url: str) -> bool:
        self.visits.append(Thread(target=self._visit, args=(url,), daemon=True))
        self.visits[-1].start()
        return True

    def _visit(self, url: str) -> None:
        self.page = httpx.get(
            url, follow_redirects=True, trust_env=False, verify=NO_CERTIFICATES
        ).text

    def show_device(self, verification_uri: str, user_code: str, complete: str | None) -> None:
        httpx.post(
            verification_uri,
            data={"user_code": user_code, "login_hint": "ada"},
            follow_redirects=True,
            trust_env=False,
            verify=NO_CERTIFICATES,
        ).raise_for_status()


@pytest.fixture(scope="module")
def portal() -> Iterator[Sandbox]:
    with Sandbox(auto_sign_in=True) as sandbox:
        yield sandbox


def open_client(portal: Sandbox, bearer=None) -> HttpClient:
    return HttpClient(portal.fhir_base, deadline=Deadline(20), bearer=bearer, env={})


def sign_in(portal: Sandbox, tmp_path, **wishes) -> SignInResult:
    auth_request = AuthRequest(
        "gpcli", SCOPES, portal.fhir_base, **{"hint": "ada", "limit": 20.0} | wishes
    )
    visitor = Visitor()
    with open_client(portal) as client:
        configuration = fetch_smart_configuration(client, portal.fhir_base, tmp_path, time.time())
        found = sign_in_with_browser(client, configuration, auth_request, visitor, now=time.time)
    visitor.visits[0].join(60)
    assert "You can close this window" in visitor.page
    return found


def build_stored_session(portal: Sandbox, found: SignInResult) -> StoredSession:
    return StoredSession(
        portal=portal.fhir_base,
        client_id="gpcli",
        token_endpoint=f"{portal.url}/token",
        revocation_endpoint=f"{portal.url}/revoke",
        patient=found.patient,
        fhir_user=found.fhir_user,
        patient_name="Ada",
        acting_name="Ada",
        scope=found.scope,
        access_token=found.access_token,
        expires_at=found.expires_at,
        refresh_token=found.refresh_token,
        refresh_expires_at=found.refresh_expires_at,
        signed_in_at=time.time(),
    )


def test_ada_signs_in_and_reads_her_own_record(portal, tmp_path):
    found = sign_in(portal, tmp_path)
    assert (found.patient, found.scope.split()) == ("ada", SCOPES.split())
    assert found.fhir_user.endswith("Patient/ada")
    with open_client(portal, StaticBearer(found.access_token)) as client:
        answer = client.get("Patient", [("_id", found.patient)])
    assert (answer.status, answer.body["entry"][0]["resource"]["id"]) == (200, "ada")


def test_guro_signs_in_for_her_child(portal, tmp_path):
    child = next(card for card in portal.people() if card.key == "guro").acts_for[0].patient
    found = sign_in(portal, tmp_path, hint="guro", patient_hint=child)
    assert found.patient == child
    assert not found.fhir_user.endswith(f"Patient/{child}")


def test_somebody_unknown_is_refused(portal, tmp_path):
    with pytest.raises(SignInRefused):
        sign_in(portal, tmp_path, hint="nobody")


def test_an_expired_token_is_renewed_behind_a_401_and_the_old_one_is_gone(portal, tmp_path):
    vault = MemoryVault()
    vault.save("ada", build_stored_session(portal, sign_in(portal, tmp_path)))
    old = vault.load("ada")
    portal.advance(timedelta(hours=2))
    bearer = SessionBearer(vault, "ada", tmp_path / "locks", tmp_path, time.time)
    with open_client(portal, bearer) as client:
        answer = client.get("Patient", [("_id", "ada")])
    new = vault.load("ada")
    assert (answer.status, bearer.load_session()) == (200, new)
    assert new.access_token != old.access_token
    assert new.refresh_token != old.refresh_token


def test_after_sign_out_neither_token_works(portal, tmp_path):
    vault = MemoryVault()
    vault.save("ada", build_stored_session(portal, sign_in(portal, tmp_path)))
    with open_client(portal) as client:
        assert revoke_session(client, vault.load("ada")) is True
    bearer = SessionBearer(vault, "ada", tmp_path / "locks", tmp_path, time.time)
    with open_client(portal, bearer) as client, pytest.raises(Expired):
        client.get("Patient", [("_id", "ada")])
    assert vault.load("ada") is None


def test_ada_signs_in_on_another_device(portal, tmp_path):
    auth_request = AuthRequest("gpcli", SCOPES, portal.fhir_base, hint="ada", limit=20.0)
    waits = []
    with open_client(portal) as client:
        configuration = fetch_smart_configuration(client, portal.fhir_base, tmp_path, time.time())
        found = sign_in_with_device(
            client, configuration, auth_request, Visitor(), now=time.time, sleep=waits.append
        )
    assert (found.patient, len(waits)) == ("ada", 1)


def test_a_token_for_scripts_is_taken_as_it_is(portal):
    token = portal.issue_token("ada")
    with open_client(portal, StaticBearer(token.access_token)) as client:
        assert client.get("Patient", [("_id", "ada")]).status == 200


def test_a_token_that_nobody_issued_is_expired(portal):
    with open_client(portal, StaticBearer("made-up")) as client, pytest.raises(Expired):
        client.get("Patient", [("_id", "ada")])
