"""Portals whose sign-in answers as real ones do, and not as the book has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.journeys.bent_portal import BentPortal, read_config_file
from tests.journeys.shell import Shell


def is_kept(shell: Shell) -> bool:
    return bool(shell.vault._items)


def asked_scopes(portal: BentPortal) -> set[str]:
    return set(portal.requests("/authorize")[-1].fields["scope"].split())


def test_only_what_the_portal_lists_and_has_is_asked_for(portal, login):
    portal.smart = {
        "scopes_supported": ["openid", "fhirUser", "patient/*.read", "patient/Appointment.rs"]
    }
    assert login().code == 0
    assert asked_scopes(portal) == {
        *("openid", "fhirUser", "launch/patient", "offline_access"),
        *("patient/*.read", "patient/Appointment.rs"),
    }


def test_a_type_that_the_portal_does_not_state_is_not_asked_for(portal, login):
    portal.types = ("Patient", "Appointment")
    assert login().code == 0
    assert {"patient/Patient.rs", "patient/Appointment.crus"} <= asked_scopes(portal)
    assert not any(scope.startswith("patient/Task") for scope in asked_scopes(portal))


@pytest.mark.parametrize("types", [None, ()])
def test_a_statement_that_says_nothing_leaves_out_nothing(portal, login, types):
    portal.types = types
    ending = login()
    assert "patient/Task.crus" in asked_scopes(portal), ending


def test_own_scopes_are_sent_as_written_and_kept_in_the_profile(portal, login, shell):
    portal.smart = {"scopes_supported": ["openid"]}
    assert login("--scopes 'openid  launch/patient patient/Strange.rs'").code == 0
    assert asked_scopes(portal) == {"openid", "launch/patient", "patient/Strange.rs"}
    assert 'scopes = "openid launch/patient patient/Strange.rs"' in read_config_file(shell)
    assert login("--scopes ''").code == 0
    assert "scopes" not in read_config_file(shell)


def test_a_portal_that_grants_no_records_is_said_to(portal, login):
    portal.tokens = {"scope": "openid fhirUser launch/patient"}
    said = [line["warning"]["message"] for line in login().stderr_json if "warning" in line]
    assert any("granted no access to any records" in text for text in said)


def test_what_the_sign_in_does_not_allow_is_said_and_is_no_matter_of_the_portal(
    portal, login, shell
):
    portal.tokens = {"scope": "openid fhirUser launch/patient patient/*.rs patient/Task.crus"}
    said = [line["warning"]["message"] for line in login().stderr_json if "warning" in line]
    assert said == [
        "This sign-in does not allow all that the portal does: e-consultation, messages to the "
        "surgery, booking of times, booking enquiries, cancelling, flu vaccination."
    ]
    error = shell("gpcli book a-time --dry-run --json").error
    assert (error["code"], error["message"], error["hint"]) == (
        "not_permitted",
        "Your sign-in does not allow booking of times.",
        "gpcli login",
    )


@pytest.mark.parametrize(
    ("redirect", "refused", "words"),
    [
        (
            {"error": "invalid_scope", "error_description": "unknown scope patient/Slot.rs"},
            (4, "sign_in_refused"),
            ("(invalid_scope): unknown scope patient/Slot.rs.", "--scopes", "patient/Slot.rs"),
        ),
        (
            {"error": "temporarily_unavailable", "error_description": "later"},
            (6, "portal_error"),
            ("(temporarily_unavailable): later.", "Try again later."),
        ),
        (
            {"error": "invalid_request", "error_description": "redirect_uri does not match"},
            (4, "sign_in_refused"),
            ("redirect_port", "/callback"),
        ),
        (
            {"error": "access_denied"},
            (4, "sign_in_refused"),
            ("refused at the portal's page (access_denied).", "gpcli login tries again."),
        ),
    ],
)
def test_an_error_in_the_redirect_has_its_word_and_its_cure(
    portal, login, shell, redirect, refused, words
):
    portal.redirect = redirect
    ending = login()
    assert ending.refused == (*refused, "")
    assert all(word in f"{ending.error['message']} {ending.error['hint']}" for word in words)
    assert not is_kept(shell)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_an_error_of_the_token_endpoint_has_its_word_whatever_the_status(portal, login, status):
    body = {"error": "bad_verification_code", "error_description": "The code has expired."}
    portal.token = lambda form: (status, body)
    ending = login()
    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"] == (
        "The portal did not complete the sign-in (bad_verification_code): The code has expired."
    )


def test_a_hostile_description_is_harmless_on_a_screen(portal, login, shell):
    portal.token = lambda form: (400, {"error": "x", "error_description": "\x1b[2J\u202egone"})
    screen = shell.at_a_screen()(f"gpcli login {portal.base} --environment staging")
    assert "\x1b[2J" not in screen.err
    assert "\\x1b[2J\\u202egone" in screen.err


@pytest.mark.parametrize("patient", ["Patient/p1", "{base}/Patient/p1"])
def test_a_patient_may_be_a_reference(portal, login, patient):
    portal.tokens = {"patient": patient.format(base=portal.base)}
    assert login().json["patient"] == {"id": "p1", "name": "Kari Test"}


def test_a_token_of_no_type_is_a_bearer_token(portal, login):
    portal.tokens = {"token_type": None}
    assert login().code == 0


def test_a_token_of_another_type_is_named(portal, login):
    portal.tokens = {"token_type": "mac"}
    ending = login()
    assert ending.refused == (1, "bad_response", "")
    assert "'mac'" in ending.error["message"]


def test_without_a_patient_it_is_who_signed_in_if_that_is_one(portal, login):
    portal.tokens, portal.patients = {"patient": None}, ("p1", "p2")
    assert login().json["patient"]["id"] == "p1"


OTHERS = "https://elsewhere.example/fhir/Patient/p1"


def test_without_a_patient_it_is_the_only_one_that_the_token_may_read(portal, login):
    portal.tokens, portal.claims = {"patient": None}, {"fhirUser": OTHERS}
    portal.patients = ("p2",)
    ending = login()
    assert (ending.code, ending.json["patient"]["id"]) == (0, "p2")
    [looked] = [each for each in portal.requests("/fhir/Patient") if "_count" in each.fields][:1]
    assert looked.authorization == "Bearer access-1"


def test_where_there_are_several_the_person_has_to_say_whose_it_is(portal, login, shell):
    portal.tokens, portal.claims = {"patient": None}, {"fhirUser": None}
    portal.patients = ("p1", "p2")
    ending = login()
    assert ending.refused == (4, "sign_in_refused", "")
    assert "--patient ID" in ending.error["hint"]
    assert (len(portal.requests("/revoke")), is_kept(shell)) == (1, False)
    assert login("--patient Patient/p2").json["patient"]["id"] == "p2"


@pytest.mark.parametrize(
    ("tokens", "claims"),
    [({}, {}), ({"patient": None}, {}), ({"patient": None}, {"fhirUser": None})],
)
def test_a_sign_in_for_another_patient_than_asked_is_not_kept(portal, login, shell, tokens, claims):
    portal.tokens, portal.claims = tokens, claims
    ending = login("--patient p2")
    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"] == (
        "The sign-in is for the patient 'p1', not for 'p2'; it was not kept."
    )
    assert (len(portal.requests("/revoke")), is_kept(shell)) == (1, False)
    assert portal.requests("/authorize")[0].fields["patient_hint"] == "p2"


UNREADABLE = [(404, {}), (403, {}), (401, {}), (500, {}), (200, "<h1>"), (200, {"id": "77"})]


@pytest.mark.parametrize("kind", ["Person", "RelatedPerson", "Practitioner", "Device"])
@pytest.mark.parametrize("answer", UNREADABLE)
def test_who_acts_is_not_known_where_their_record_cannot_be_read(
    portal, login, shell, kind, answer
):
    portal.claims = {"fhirUser": f"{portal.base}/{kind}/77"}
    portal.records = {f"{kind}/77": answer}
    ending = replace(shell, sleep=lambda _: None)(
        f"gpcli login {portal.base} --environment staging --json"
    )
    assert (ending.code, ending.json["acting_user"]) == (0, None)
    before = len(portal.requests(f"/fhir/{kind}/77"))
    seen = shell.json("gpcli whoami")
    assert (seen["patient"]["name"], seen["acting_user"]) == ("Kari Test", None)
    assert len(portal.requests(f"/fhir/{kind}/77")) == before  # it is not asked for each time
    assert [one["acting_user"] for one in shell.json("gpcli whoami --all")] == [None]


@pytest.mark.parametrize(
    "user",
    [
        *(None, OTHERS, "https://elsewhere.example/fhir/RelatedPerson/9", "p1"),
        *("{base}/../other/Patient/p1", "{address}/other/Patient/p1", "urn:uuid:p1"),
    ],
)
def test_who_acts_is_not_known_where_that_is_no_record_of_this_portal(portal, login, user):
    said = user and user.format(base=portal.base, address=portal.address)
    portal.claims = {"fhirUser": said}
    ending = login()
    assert (ending.code, ending.json["acting_user"]) == (0, None)
    assert ending.json["patient"]["name"] == "Kari Test"


def test_a_person_who_is_linked_to_the_patient_is_the_patient(portal, login, shell):
    portal.claims = {"fhirUser": f"{portal.base}/Person/77"}
    link = [{"target": {"reference": "Patient/p1"}}]
    person = {"resourceType": "Person", "id": "77", "name": [{"text": "K. Test"}], "link": link}
    portal.records = {"Person/77": (200, person)}
    kari = {"id": "p1", "name": "Kari Test"}
    assert login().json["acting_user"] == kari
    assert shell.json("gpcli whoami")["acting_user"] == kari


def test_somebody_whose_record_can_be_read_acts(portal, login, shell):
    portal.claims = {"fhirUser": "RelatedPerson/9"}
    record = {"resourceType": "RelatedPerson", "id": "9", "name": [{"text": "Per Test"}]}
    portal.records = {"RelatedPerson/9": (200, record)}
    assert login().json["acting_user"] == {"id": "9", "name": "Per Test"}
    assert shell.json("gpcli whoami")["acting_user"] == {"id": "9", "name": "Per Test"}


@pytest.mark.parametrize(
    ("capabilities", "smart", "word"),
    [
        (("launch-ehr", "client-public"), {}, "launch-standalone"),
        (("launch-standalone",), {"code_challenge_methods_supported": None}, "does not say"),
        (("launch-standalone",), {"code_challenge_methods_supported": ["plain"]}, "PKCE with S256"),
    ],
)
def test_a_portal_that_cannot_sign_anybody_in_says_what_it_lacks(
    portal, login, capabilities, smart, word
):
    portal.capabilities, portal.smart = capabilities, smart
    ending = login()
    assert ending.refused == (5, "not_permitted", "")
    assert word in ending.error["message"]


@pytest.mark.parametrize(
    "capabilities", [(), ("launch-standalone",), ("launch-ehr", "launch-standalone")]
)
def test_capabilities_that_only_announce_are_not_demanded(portal, login, capabilities):
    portal.capabilities = capabilities
    assert login().code == 0


def test_a_portal_without_openid_connect_leaves_open_who_acts(portal, login):
    portal.capabilities = ("launch-standalone", "client-public")
    portal.smart = {"issuer": None, "jwks_uri": None}
    portal.tokens = {"id_token": None, "scope": None}
    ending = login()
    assert (ending.code, ending.json["acting_user"]) == (0, None)


PUBLISHED = {
    "lists scopes of no records": (
        (
            *("launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric"),
            *("client-confidential-asymmetric", "context-ehr-patient", "permission-patient"),
            *("context-standalone-patient", "permission-offline", "permission-user"),
            *("permission-v1", "permission-v2", "sso-openid-connect", "authorize-post"),
        ),
        {
            "token_endpoint_auth_methods_supported": [
                *("client_secret_post", "client_secret_basic", "private_key_jwt"),
            ],
            "scopes_supported": ["vendor.scanning.name", "fhirUser", "launch", "openid", "profile"],
        },
        {"openid", "fhirUser", "launch/patient", "offline_access"},
    ),
    "lists no scopes": (
        (
            *("launch-ehr", "launch-standalone", "client-confidential-symmetric", "client-public"),
            *("sso-openid-connect", "context-standalone-patient", "permission-offline"),
            *("permission-v1", "permission-v2", "health-cards"),
        ),
        {
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "scopes_supported": None,
        },
        {
            *("openid", "fhirUser", "launch/patient", "offline_access", "patient/Patient.rs"),
            *("patient/Slot.rs", "patient/Appointment.crus", "patient/Task.crus"),
        },
    ),
    "lists both versions of some types in two contexts": (
        ("launch-ehr", "launch-standalone", "client-public", "permission-v1", "permission-v2"),
        {
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "scopes_supported": [
                *("fhirUser", "launch", "launch/patient", "online_access", "openid", "profile"),
                *("patient/Appointment.read", "patient/Appointment.rs", "patient/Slot.read"),
                *("patient/Patient.read", "patient/Patient.rs", "patient/Observation.s"),
                *("user/Slot.rs", "user/Task.rs", "user/Practitioner.rs"),
            ],
        },
        {
            *("openid", "fhirUser", "launch/patient", "patient/Patient.rs", "patient/Slot.read"),
            "patient/Appointment.rs",
        },
    ),
}
"""Capabilities, other members, and some of what is asked for, in the shape that vendors publish."""


@pytest.mark.parametrize("shape", PUBLISHED)
def test_portals_as_vendors_publish_them_sign_people_in(portal, login, shape):
    portal.capabilities, portal.smart, asked = PUBLISHED[shape]
    assert login().code == 0
    if portal.smart["scopes_supported"] is None:
        assert asked <= asked_scopes(portal)
    else:
        assert asked_scopes(portal) == asked
