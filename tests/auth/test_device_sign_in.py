from dataclasses import replace

import httpx
import pytest

from gpcli.auth.client_auth import ClientAuth
from gpcli.auth.device_sign_in import sign_in_with_device
from gpcli.auth.discovery import parse_smart_configuration
from gpcli.auth.sign_in_flow import AuthRequest
from gpcli.errors import BadResponse, NotPermitted, PortalError, SignInRefused, WrongHost
from gpcli.http.retry import MAX_TRIES

PORTAL = "https://portal.example/fhir/R4"
ISSUER = "https://id.example"
AUTH_REQUEST = AuthRequest("gpcli", "patient/Patient.rs", PORTAL, hint="ada")
STARTED = {
    "device_code": "device-1",
    "user_code": "ABCD-EFGH",
    "verification_uri": f"{ISSUER}/device",
    "verification_uri_complete": f"{ISSUER}/device?user_code=ABCD-EFGH",
    "expires_in": 600,
    "interval": 2,
}


class RecordingPrompter:
    """A screen that only shows devices."""

    def __init__(self) -> None:
        self.devices: list[tuple[str, str, str | None]] = []

    def show_device(self, verification_uri, user_code, complete):
        self.devices.append((verification_uri, user_code, complete))


@pytest.fixture
def prompter():
    return RecordingPrompter()


@pytest.fixture
def sign_in(issuer, configuration, prompter):
    def run(auth_request=AUTH_REQUEST, configuration=configuration):
        return sign_in_with_device(
            issuer.client,
            configuration,
            auth_request,
            prompter,
            now=issuer.clock,
            sleep=issuer.clock.sleep,
        )

    return run


@pytest.fixture
def good(tokens):
    return tokens(scope="patient/Patient.rs")


def test_signing_in_on_another_device_waits_until_the_person_is_done(
    issuer, sign_in, prompter, good, refusal
):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", refusal("authorization_pending"), good)
    found = sign_in()
    assert (found.patient, found.access_token) == ("ada", "access-2")
    assert prompter.devices == [
        (f"{ISSUER}/device", "ABCD-EFGH", f"{ISSUER}/device?user_code=ABCD-EFGH")
    ]
    assert issuer.clock.slept == [2.0, 2.0]


def test_the_requests_are_those_of_rfc_8628(issuer, sign_in, good):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", good)
    sign_in()
    assert issuer.forms("/device_authorization") == [
        {"client_id": "gpcli", "scope": AUTH_REQUEST.scopes, "aud": PORTAL, "login_hint": "ada"}
    ]
    assert issuer.forms() == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": "device-1",
            "client_id": "gpcli",
        }
    ]


def test_slow_down_adds_five_seconds_for_good(issuer, sign_in, good, refusal):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", refusal("slow_down"), refusal("authorization_pending"), good)
    sign_in()
    assert issuer.clock.slept == [2.0, 7.0, 7.0]


def test_a_lost_answer_slows_down_and_goes_on(issuer, sign_in, good):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", httpx.ReadError("cut"), good)
    sign_in()
    assert issuer.clock.slept == [2.0, 7.0]


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_a_portal_that_is_down_for_one_poll_is_asked_again_more_slowly(
    issuer, sign_in, good, status
):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", httpx.Response(status, text="<h1>Maintenance</h1>"), good)
    assert sign_in().patient == "ada"
    assert issuer.clock.slept == [2.0, 7.0]


def test_a_poll_that_stays_rate_limited_is_a_reason_to_slow_down(issuer, sign_in, good):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", *[httpx.Response(429) for _ in range(MAX_TRIES)], good)
    assert sign_in().patient == "ada"
    assert issuer.clock.slept == [2.0, *[0.0] * (MAX_TRIES - 1), 7.0]


def test_the_portal_may_say_when_to_ask_again_but_the_interval_is_the_least(
    issuer, sign_in, good, refusal
):
    issuer.respond("/device_authorization", STARTED)
    long, short = ({"Retry-After": seconds} for seconds in ("90", "1"))
    busy = [httpx.Response(503, headers=body) for body in (long, short)]
    issuer.respond("/token", *busy, refusal("authorization_pending"), good)
    sign_in()
    assert issuer.clock.slept == [2.0, 90.0, 12.0, 12.0]


def test_nobody_waits_for_the_portal_beyond_the_life_of_the_code(issuer, sign_in):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", httpx.Response(503, headers={"Retry-After": "999999999"}))
    with pytest.raises(SignInRefused, match="expired"):
        sign_in()
    assert issuer.clock.slept == [2.0, 598.0]


@pytest.mark.parametrize("status", [500, 501])
def test_a_portal_that_is_broken_ends_the_sign_in(issuer, sign_in, status):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", httpx.Response(status))
    with pytest.raises(PortalError):
        sign_in()


@pytest.mark.parametrize("interval", [None, 0, -1, "2", 99999])
def test_without_a_usable_interval_it_is_five_seconds(issuer, sign_in, good, interval):
    issuer.respond("/device_authorization", STARTED | {"interval": interval})
    issuer.respond("/token", good)
    sign_in()
    assert issuer.clock.slept == [5.0]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("access_denied", "refused at the portal's page"),
        ("expired_token", "The code has expired"),
        ("invalid_grant", r"did not complete the sign-in \(invalid_grant\)"),
    ],
)
def test_a_refusal_ends_the_waiting(issuer, sign_in, refusal, word, why):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", refusal(word))
    with pytest.raises(SignInRefused, match=why):
        sign_in()


@pytest.mark.parametrize(("life", "limit"), [(7, 600.0), (600, 7.0)])
def test_the_code_is_not_used_beyond_its_life_or_the_limit(issuer, sign_in, refusal, life, limit):
    issuer.respond("/device_authorization", STARTED | {"expires_in": life})
    issuer.respond("/token", *[refusal("authorization_pending") for _ in range(9)])
    with pytest.raises(SignInRefused, match="expired"):
        sign_in(AuthRequest("gpcli", "patient/Patient.rs", PORTAL, limit=limit))
    assert len(issuer.forms()) == 3


def test_a_persons_own_time_does_not_count_against_the_deadline(issuer, sign_in, good, refusal):
    issuer.respond("/device_authorization", STARTED)
    pending = [refusal("authorization_pending") for _ in range(40)]
    issuer.respond("/token", *pending, good)
    assert sign_in().patient == "ada"


def test_a_portal_without_such_a_sign_in_says_so(issuer, sign_in, document):
    del document["device_authorization_endpoint"]
    with pytest.raises(NotPermitted) as raised:
        sign_in(configuration=parse_smart_configuration(document, PORTAL))
    assert raised.value.hint == "Leave out --device."


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"user_code": "\x1b[31mEVIL"}, BadResponse),
        ({"user_code": ""}, BadResponse),
        ({"user_code": "x" * 33}, BadResponse),
        ({"user_code": 1234}, BadResponse),
        ({"device_code": None}, BadResponse),
        ({"verification_uri": None}, BadResponse),
        ({"verification_uri": "javascript:alert(1)"}, BadResponse),
        ({"verification_uri": "http://id.example/device"}, WrongHost),
        ({"verification_uri_complete": "file:///etc/passwd"}, BadResponse),
    ],
)
def test_a_code_or_address_that_cannot_be_shown_is_refused(
    issuer, sign_in, prompter, change, error
):
    issuer.respond("/device_authorization", STARTED | change)
    with pytest.raises(error):
        sign_in()
    assert prompter.devices == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"error": "invalid_scope"}), SignInRefused),
        (httpx.Response(503), PortalError),
        (httpx.Response(200, json=[]), BadResponse),
    ],
)
def test_a_sign_in_that_does_not_begin_says_why(issuer, sign_in, answer, error):
    issuer.respond("/device_authorization", answer)
    with pytest.raises(error):
        sign_in()


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("access_denied", "gpcli login --device tries again."),
        ("expired_token", "gpcli login --device tries again."),
        ("invalid_scope", "It was asked for: patient/Patient.rs"),
        ("unauthorized_client", "--client-id"),
    ],
)
def test_a_refused_poll_has_its_word_and_its_cure(issuer, sign_in, refusal, word, hint):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", refusal(word))
    with pytest.raises(SignInRefused) as raised:
        sign_in()
    assert f"({word}): " in raised.value.message
    assert hint in raised.value.hint


def test_a_sign_in_that_does_not_begin_has_its_word_and_its_cure(issuer, sign_in, refusal):
    issuer.respond("/device_authorization", refusal("invalid_scope", 200))
    with pytest.raises(SignInRefused) as raised:
        sign_in()
    assert raised.value.message.startswith("The portal refused the sign-in request (invalid_scope)")
    assert "It was asked for: patient/Patient.rs" in raised.value.hint


def test_a_confidential_client_proves_itself_at_every_step(issuer, sign_in, good):
    issuer.respond("/device_authorization", STARTED)
    issuer.respond("/token", good)
    auth = ClientAuth("us", "client_secret_post", "s3cret")
    sign_in(replace(AUTH_REQUEST, client_id="us", client_auth=auth))
    for path in ("/device_authorization", "/token"):
        [form] = issuer.forms(path)
        assert (form["client_id"], form["client_secret"]) == ("us", "s3cret")
