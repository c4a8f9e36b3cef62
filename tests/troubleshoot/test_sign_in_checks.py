"""What is seen of the sign-in and of what it allows."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from gpcli.auth.client_secret import ClientSecret, secret_account
from gpcli.auth.people import account_id
from gpcli.auth.session import StoredSession
from gpcli.config.offer_index import IndexedPerson, profile_key
from gpcli.config.profiles import SCOPES
from gpcli.errors import Expired, NotFound, NotPermitted, NotSignedIn
from gpcli.model.account import Verdict
from gpcli.portal.write.slot_booking import OTHER_WAY
from gpcli.troubleshoot import sign_in_checks
from tests.troubleshoot.conftest import MACHINE, NOW

PORTAL = "https://portal.example/fhir/R4"
A_DAY = 86_400.0
KEPT = StoredSession(
    portal=PORTAL,
    client_id="gpcli",
    token_endpoint="https://id.example/token",
    revocation_endpoint=None,
    patient="ada-7",
    fhir_user="Patient/ada-7",
    patient_name="Ada Berg",
    acting_name="Ada Berg",
    scope=SCOPES,
    access_token="canary-access",
    expires_at=NOW.timestamp() + 600,
    refresh_token="canary-refresh",
    refresh_expires_at=NOW.timestamp() + A_DAY,
    signed_in_at=NOW.timestamp(),
)


@pytest.fixture
def signed_in(context):
    """`stored_session(answer, **changes)`: Ada's session with some changes."""

    def made(answer=None, **changes):
        here = context(answer, GPCLI_PROFILE="home")
        path = here.app_context.config_path
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'[profiles.home]\nportal = "{PORTAL}"\nenvironment = "staging"\n')
        account = account_id("home", PORTAL, KEPT.patient, KEPT.fhir_user)
        key = profile_key("home", PORTAL)
        here.app_context.index.add_person(
            key, IndexedPerson(account, KEPT.patient, "Ada Berg", 1.0)
        )
        here.app_context.vault.save(account, replace(KEPT, **changes))
        return here

    return made


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, "renews itself until 2027-03-02 08:00 UTC"),
        ({"refresh_expires_at": None}, "renews itself, for as long as the portal does so"),
        ({"expires_at": 1.0}, "renews itself until 2027-03-02 08:00 UTC"),
    ],
)
def test_a_session_that_renews_itself_is_fine(signed_in, changes, seen):
    result = sign_in_checks.check_session(signed_in(**changes))
    assert (result.status, result.seen) == (Verdict.OK, seen)


def test_a_session_that_can_not_be_renewed_is_a_warning_with_its_end(signed_in):
    result = sign_in_checks.check_session(signed_in(refresh_token=None))
    assert (result.status, result.cause) == (Verdict.WARNING, "no_refresh")
    assert result.seen == "ends at 2027-03-01 08:10 UTC and can't be renewed"
    assert "add prompt = 'consent' to the profile" in (result.cure or "")


def test_one_that_the_portal_does_not_grant_after_consent_either_is_for_the_portal(signed_in):
    here = signed_in(refresh_token=None)
    path = here.app_context.config_path
    path.write_text(f"{path.read_text()}prompt = 'consent'\n")
    assert "only it can change this" in (sign_in_checks.check_session(here).cure or "")


@pytest.mark.parametrize(
    "changes", [{"refresh_token": None, "expires_at": 1.0}, {"refresh_expires_at": 1.0}]
)
def test_a_session_that_is_known_to_be_over_has_failed(signed_in, changes):
    with pytest.raises(Expired):
        sign_in_checks.check_session(signed_in(**changes))


def test_nobody_at_this_portal_is_not_signed_in(context):
    here = context(**{**MACHINE, "GPCLI_TOKEN": "x"})
    del here.app_context.env["GPCLI_TOKEN"]
    with pytest.raises(NotSignedIn):
        sign_in_checks.check_session(here)


def test_whoever_is_named_but_not_signed_in_stays_unnamed_in_words(signed_in):
    here = signed_in()
    here.app_context.options.as_ = "Bo Lind"
    with pytest.raises(NotFound) as refused:
        sign_in_checks.check_session(here)
    words = here.redact(f"{refused.value.message} {refused.value.hint}")
    assert "Bo" not in words
    assert "Ada" not in words


@pytest.mark.parametrize(
    ("scope", "lost"),
    [
        ("patient/*.cruds", ""),
        ("patient/*.read", "e-consultation, contact, prescription-renewal, booking"),
        (SCOPES.replace("patient/Task.crus", ""), "prescription-renewal"),
        (SCOPES.replace("patient/Appointment.crus", "patient/Appointment.crs"), "cancellation"),
        ("openid", "e-consultation, contact, prescription-renewal, booking"),
    ],
)
def test_scopes_are_judged_by_what_the_services_need(signed_in, scope, lost):
    here = signed_in(scope=scope)
    sign_in_checks.check_session(here)
    result = sign_in_checks.check_scopes(here)
    expected = f"the sign-in does not allow {lost}" if lost else "enough for every service"
    assert result.seen.startswith(expected)
    assert (result.cause is None) == (lost == "")


def statement(*types, conditional=True):
    every = [{"code": code} for code in ("create", "update", "search-type")]
    resources = [
        {"type": kind, "interaction": every, "conditionalCreate": conditional} for kind in types
    ]
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "rest": [{"mode": "server", "resource": resources}],
    }


def test_a_portal_without_consent_is_not_asked_for_it(context):
    here = context(lambda _: httpx.Response(200, json=statement("Patient")), **MACHINE)
    assert sign_in_checks.check_consent(here).seen == "not checked: the portal keeps no consent"


@pytest.mark.parametrize(("conditional", "cause"), [(True, None), (False, "not_supported")])
def test_a_repeat_that_goes_unrecognised_is_a_warning(context, conditional, cause):
    types = ("Slot", "Appointment", "Communication", "Task", "MedicationRequest")
    said = statement(*types, conditional=conditional)
    here = context(lambda _: httpx.Response(200, json=said), **MACHINE)
    assert sign_in_checks.check_portal_support(here).cause == cause


@pytest.mark.parametrize("way", ["operation", "transaction"])
def test_a_way_to_book_that_the_portal_does_not_offer_is_a_warning(signed_in, way):
    types = ("Slot", "Appointment", "Communication", "Task", "MedicationRequest")
    here = signed_in(search_response(statement(*types)))
    path = here.app_context.config_path
    path.write_text(f"{path.read_text()}booking = '{way}'\n")
    result = sign_in_checks.check_portal_support(here)
    assert result.seen == f"the profile books by {way}, which the portal does not offer"
    assert (result.cause, result.cure) == ("not_supported", OTHER_WAY)


def test_a_way_to_book_that_the_portal_offers_is_fine(signed_in):
    types = ("Slot", "Appointment", "Communication", "Task", "MedicationRequest")
    said = statement(*types)
    said["rest"][0]["interaction"] = [{"code": "transaction"}]
    here = signed_in(search_response(said))
    path = here.app_context.config_path
    path.write_text(f"{path.read_text()}booking = 'transaction'\n")
    assert sign_in_checks.check_portal_support(here).status is Verdict.OK


def search_response(body, status=200):
    return lambda _: httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (search_response({"resourceType": "Bundle", "type": "searchset"}), "not_found"),
        (search_response({"resourceType": "Patient", "id": "ada-7"}), "bad_response"),
        (search_response([]), "bad_response"),
        (search_response({}, 403), "not_permitted"),
        (search_response({}, 401), "expired"),
        (search_response({}, 500), "portal_error"),
    ],
)
def test_a_record_that_can_not_be_read_has_failed_for_a_reason(context, answer, code):
    with pytest.raises(Exception, match="portal") as failed:
        sign_in_checks.check_access(context(answer, **MACHINE))
    assert failed.value.code == code


SMART = {
    "authorization_endpoint": "https://id.example/authorize",
    "token_endpoint": "https://id.example/token",
    "code_challenge_methods_supported": ["S256"],
    "capabilities": ["launch-standalone", "client-confidential-symmetric"],
    "token_endpoint_auth_methods_supported": ["client_secret_post"],
}


def confidential(here, **changes):
    """The same context, whose profile has a secret in the keyring."""
    path = here.app_context.config_path
    path.write_text(f"{path.read_text()}client_id = 'us'\nclient_secret = 'keyring'\n")
    return here


def tell_smart(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=SMART)


def test_how_the_client_is_proved_is_seen(signed_in):
    result = sign_in_checks.check_smart_configuration(confidential(signed_in(tell_smart)))
    assert (result.status, result.seen) == (
        Verdict.OK,
        "SMART sign-in, PKCE with S256; gpcli proves its client by client_secret_post",
    )


def test_a_portal_for_confidential_clients_alone_fails_with_the_cure(signed_in):
    with pytest.raises(NotPermitted) as raised:
        sign_in_checks.check_smart_configuration(signed_in(tell_smart))
    assert "--client-secret" in raised.value.hint


def test_a_session_whose_secret_is_gone_from_the_keyring_fails_with_the_cure(signed_in):
    here = confidential(signed_in(client_id="us", client_auth="client_secret_post"))
    with pytest.raises(NotSignedIn) as raised:
        sign_in_checks.check_session(here)
    assert "--client-secret" in raised.value.hint


def test_a_session_whose_secret_is_there_is_fine(signed_in):
    here = confidential(signed_in(client_id="us", client_auth="client_secret_post"))
    account = secret_account("home", PORTAL)
    here.app_context.vault.save_secret(account, ClientSecret("us", "canary-secret"))
    result = sign_in_checks.check_session(here)
    assert (result.status, "canary" in str(result)) == (Verdict.OK, False)
