from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

import httpx
import pytest

from gpcli.auth.browser_sign_in import SignInSecrets, sign_in_with_browser
from gpcli.auth.client_auth import ClientAuth
from gpcli.auth.discovery import parse_smart_configuration
from gpcli.auth.loopback import CallbackServer
from gpcli.auth.sign_in_flow import AuthRequest, SignInResult
from gpcli.errors import BadResponse, InvalidUsage, PortalError, SignInRefused

PORTAL = "https://portal.example/fhir/R4"
ISSUER = "https://id.example"
NOW = 1_800_000_000.0
SCOPES = "openid fhirUser launch/patient offline_access patient/Patient.rs"
AUTH_REQUEST = AuthRequest("gpcli", SCOPES, PORTAL)


class Person:
    """Somebody at a browser: answers the portal's page with `answer` and the state it was given.

    Each of `answers` is one callback; its values replace the good ones, None leaves one out.
    """

    def __init__(self, issuer, *answers: dict, browser: bool = True) -> None:
        self.issuer = issuer
        self.answers = answers or ({},)
        self.browser = browser
        self.url = ""
        self.shown: list[tuple[str, int, str]] = []
        self.messages: list[str] = []
        self.pasted: list[str | None] = []

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))

    def open_browser(self, url: str) -> bool:
        self.url = url
        if self.browser:
            self.issuer.clock.at += 60  # a person's own time
            for answer in self.answers:
                self.visit(self.callback(**answer))
        return self.browser

    def callback(self, **changes: str | None) -> str:
        good = {"code": "the-code", "state": self.parameters.get("state"), "iss": ISSUER}
        query = {name: value for name, value in (good | changes).items() if value is not None}
        return f"{self.parameters.get('redirect_uri')}?{urlencode(query)}"

    def visit(self, url: str) -> None:
        try:
            urlopen(url, timeout=5).close()  # noqa: S310  (loopback)
        except OSError as error:
            getattr(error, "close", lambda: None)()

    def show_url(self, url: str, port: int, host: str) -> None:
        self.shown.append((url, port, host))

    def read_pasted(self):
        return lambda: self.pasted.pop(0) if self.pasted else None

    def show_device(self, verification_uri, user_code, complete):
        raise AssertionError("not asked for")

    def say(self, text: str) -> None:
        self.messages.append(text)


class Signer:
    """An issuer that answers the token request with an ID token for the nonce it was given."""

    def __init__(self, issuer, tokens) -> None:
        self.issuer = issuer
        self.tokens = tokens

    def sign_in(
        self, configuration, person, auth_request=AUTH_REQUEST, claims=None, **changes
    ) -> SignInResult:
        issuer, original = self.issuer, person.open_browser

        def opening(url: str) -> bool:
            person.url = url
            body = {"nonce": person.parameters.get("nonce")} | (claims or {})
            changes.setdefault("id_token", issuer.id_token(**body))
            issuer.respond("/token", self.tokens(**changes))
            return original(url)

        person.open_browser = opening
        return sign_in_with_browser(
            issuer.client, configuration, auth_request, person, now=issuer.clock
        )


@pytest.fixture
def signer(issuer, tokens):
    return Signer(issuer, tokens)


def test_signing_in_gives_the_tokens_and_who_it_is_for(signer, issuer, configuration):
    person = Person(issuer)
    found = signer.sign_in(configuration, person)
    assert found == SignInResult(
        access_token="access-2",
        expires_at=NOW + 60 + 3600,
        refresh_token="refresh-2",
        refresh_expires_at=None,
        scope="openid fhirUser patient/Patient.rs",
        patient="ada",
        fhir_user="Patient/ada",
    )
    assert "access-2" not in repr(found)


def test_the_portals_page_is_asked_with_everything_smart_wants(signer, issuer, configuration):
    person = Person(issuer)
    signer.sign_in(configuration, person)
    parameters = person.parameters
    assert person.url.startswith(f"{ISSUER}/authorize?")
    assert {
        name: parameters[name] for name in parameters.keys() - {"state", "nonce", "code_challenge"}
    } == {
        "response_type": "code",
        "client_id": "gpcli",
        "redirect_uri": parameters["redirect_uri"],
        "scope": SCOPES,
        "aud": PORTAL,
        "code_challenge_method": "S256",
    }
    assert parameters["redirect_uri"].startswith("http://127.0.0.1:")


def test_options_of_the_request_go_along(signer, issuer, configuration):
    person = Person(issuer)
    auth_request = AuthRequest(
        "gpcli", SCOPES, PORTAL, "consent", "high", hint="ada", patient_hint="ida", limit=5
    )
    signer.sign_in(configuration, person, auth_request, {"acr": "high"})
    assert {n: person.parameters[n] for n in ("prompt", "acr_values", "login_hint")} == {
        "prompt": "consent",
        "acr_values": "high",
        "login_hint": "ada",
    }
    assert person.parameters["patient_hint"] == "ida"


def test_the_code_is_traded_with_the_verifier_of_the_challenge(signer, issuer, configuration):
    person = Person(issuer)
    signer.sign_in(configuration, person)
    form = issuer.forms()[0]
    verifier = form.pop("code_verifier")
    assert form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": person.parameters["redirect_uri"],
        "client_id": "gpcli",
    }
    assert SignInSecrets("", "", verifier).challenge == person.parameters["code_challenge"]


def test_a_persons_own_time_does_not_count_against_the_deadline(signer, issuer, configuration):
    person = Person(issuer)
    signer.sign_in(configuration, person)
    assert issuer.clock.at == NOW + 60
    assert issuer.deadline.seconds_left() == 30


def test_an_authorize_address_with_a_query_keeps_it(signer, issuer, document):
    document["authorization_endpoint"] = f"{ISSUER}/authorize?tenant=7"
    person = Person(issuer)
    signer.sign_in(parse_smart_configuration(document, PORTAL), person)
    assert parse_qs(urlsplit(person.url).query)["tenant"] == ["7"]


def test_older_tries_in_the_browser_do_not_disturb(signer, issuer, configuration):
    person = Person(issuer, {"state": "older"}, {"state": None}, {})
    assert signer.sign_in(configuration, person).patient == "ada"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"code": None, "error": "access_denied"}, "refused at the portal's page"),
        ({"iss": "https://evil.example"}, "somebody else"),
        ({"iss": None}, "somebody else"),
        ({"code": None}, "no sign-in code"),
    ],
)
def test_a_refused_or_mixed_up_answer_ends_the_sign_in_without_a_token_request(
    signer, issuer, configuration, answer, why
):
    with pytest.raises(SignInRefused, match=why):
        signer.sign_in(configuration, Person(issuer, answer))
    assert issuer.requests == []


@pytest.mark.parametrize(
    ("limit", "span"), [(5, "5 s"), (0.333, "0.333 s"), (60, "1 min"), (100, "1.67 min")]
)
def test_nobody_signing_in_ends_with_the_limit(issuer, configuration, limit, span):
    person = Person(issuer, browser=False)
    ticks = iter([NOW, NOW, NOW + 700])
    auth_request = replace(AUTH_REQUEST, limit=limit)
    with pytest.raises(SignInRefused) as raised:
        sign_in_with_browser(
            issuer.client, configuration, auth_request, person, now=lambda: next(ticks)
        )
    assert raised.value.message == f"Nobody signed in within {span}."
    assert person.parameters["redirect_uri"] in raised.value.hint
    assert "'gpcli' (--client-id)" in raised.value.hint


def test_without_a_browser_the_address_is_shown_and_a_pasted_answer_taken(
    signer, issuer, configuration
):
    person = Person(issuer, browser=False)

    def show(url: str, port: int, host: str) -> None:
        person.shown.append((url, port, host))
        older = person.callback(state="older")
        person.pasted = [None, "what?", older, person.callback()]

    person.show_url = show
    found = signer.sign_in(configuration, person)
    port = urlsplit(person.parameters["redirect_uri"]).port
    assert (found.patient, person.shown) == ("ada", [(person.url, port, "127.0.0.1")])
    assert (
        person.messages
        == [f"That is not this sign-in's address; it begins with http://127.0.0.1:{port}/callback?"]
        * 2
    )


def test_without_a_browser_the_callback_still_works(signer, issuer, configuration):
    person = Person(issuer, browser=False)
    person.show_url = lambda url, port, host: person.visit(person.callback())
    person.read_pasted = lambda: None
    assert signer.sign_in(configuration, person).patient == "ada"


def test_a_taken_port_is_a_usage_error(signer, issuer, configuration):
    with CallbackServer(0) as other:
        auth_request = AuthRequest("gpcli", SCOPES, PORTAL, redirect_port=other.port)
        with pytest.raises(InvalidUsage):
            signer.sign_in(configuration, Person(issuer), auth_request)


def test_a_portal_that_wants_pushed_requests_gets_them(signer, issuer, document):
    document |= {
        "pushed_authorization_request_endpoint": f"{ISSUER}/par",
        "require_pushed_authorization_requests": True,
    }
    issuer.respond("/par", httpx.Response(201, json={"request_uri": "urn:x:1", "expires_in": 60}))
    person = Person(issuer)
    pushed = {}

    def callback(**changes):
        pushed.update(issuer.forms("/par")[0])
        query = {"code": "the-code", "state": pushed["state"], "iss": ISSUER}
        return f"{pushed['redirect_uri']}?{urlencode(query)}"

    person.callback = callback
    auth_request = AuthRequest("gpcli", "patient/Patient.rs", PORTAL)
    body = {"id_token": None, "scope": "patient/Patient.rs"}
    found = signer.sign_in(
        parse_smart_configuration(document, PORTAL), person, auth_request, **body
    )
    assert person.parameters == {"client_id": "gpcli", "request_uri": "urn:x:1"}
    assert (pushed["aud"], found.patient) == (PORTAL, "ada")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"error": "invalid_request"}), SignInRefused),
        (httpx.Response(201, json={}), SignInRefused),
        (httpx.Response(503), PortalError),
    ],
)
def test_a_pushed_request_that_fails_opens_no_browser(issuer, document, answer, error):
    document |= {
        "pushed_authorization_request_endpoint": f"{ISSUER}/par",
        "require_pushed_authorization_requests": True,
    }
    issuer.respond("/par", answer)
    person = Person(issuer)
    with pytest.raises(error):
        sign_in_with_browser(
            issuer.client,
            parse_smart_configuration(document, PORTAL),
            AUTH_REQUEST,
            person,
            now=issuer.clock,
        )
    assert person.url == ""


def test_pushed_requests_without_an_address_are_a_bad_portal(issuer, document):
    document["require_pushed_authorization_requests"] = True
    with pytest.raises(BadResponse, match="says not where"):
        sign_in_with_browser(
            issuer.client,
            parse_smart_configuration(document, PORTAL),
            AUTH_REQUEST,
            Person(issuer),
            now=issuer.clock,
        )


@pytest.mark.parametrize(
    ("change", "claims", "why"),
    [
        ({"id_token": None}, {}, "did not prove who signed in"),
        ({}, {"nonce": "another"}, "belongs to another sign-in"),
        ({}, {"aud": ["gpcli", "other"]}, "for another program"),
    ],
)
def test_an_answer_that_does_not_say_who_it_is_for_is_refused(
    signer, issuer, configuration, change, claims, why
):
    with pytest.raises(SignInRefused, match=why):
        signer.sign_in(configuration, Person(issuer), claims=claims, **change)


@pytest.mark.parametrize("scope", ["patient/Patient.rs", "launch/patient offline_access"])
def test_a_proof_of_who_signed_in_is_checked_though_the_answer_names_no_openid(
    signer, issuer, configuration, scope
):
    with pytest.raises(SignInRefused, match="for another program"):
        signer.sign_in(configuration, Person(issuer), claims={"aud": "other"}, scope=scope)


def test_a_proof_that_was_not_asked_for_is_not_looked_at(signer, issuer, configuration):
    auth_request = AuthRequest("gpcli", "patient/Patient.rs", PORTAL)
    body = {"claims": {"aud": "other"}, "scope": "patient/Patient.rs"}
    assert signer.sign_in(configuration, Person(issuer), auth_request, **body).patient == "ada"


def test_a_proof_that_nothing_can_be_checked_by_is_not_looked_at(signer, issuer, document):
    del document["jwks_uri"]
    document["capabilities"].remove("sso-openid-connect")
    configuration = parse_smart_configuration(document, PORTAL)
    found = signer.sign_in(configuration, Person(issuer), scope="patient/Patient.rs")
    assert found.fhir_user is None  # what nobody proved is not taken for true


def test_a_level_that_the_profile_demands_is_checked(signer, issuer, configuration):
    auth_request = AuthRequest("gpcli", SCOPES, PORTAL, acr="idporten-loa-high")
    with pytest.raises(SignInRefused, match="not identified strongly enough"):
        signer.sign_in(configuration, Person(issuer), auth_request, {"acr": "idporten-loa-low"})


def test_scopes_that_the_answer_leaves_out_are_those_that_were_asked(signer, issuer, configuration):
    assert signer.sign_in(configuration, Person(issuer), scope=None).scope == SCOPES


@pytest.mark.parametrize(
    "said",
    [
        *(None, 7, "", "ada", "https://elsewhere.example/fhir/R4/Patient/ada", "Patient/ada/x"),
        f"{PORTAL}x/Patient/ada",
    ],
)
def test_who_acts_is_not_known_where_the_portal_names_no_record_of_its_own(
    signer, issuer, configuration, said
):
    found = signer.sign_in(configuration, Person(issuer), claims={"fhirUser": said})
    assert found.fhir_user is None


def test_whose_the_token_is_may_be_left_open(signer, issuer, configuration):
    assert signer.sign_in(configuration, Person(issuer), patient=None).patient is None


@pytest.mark.parametrize(
    ("scope", "announced", "ends_well"),
    [
        ("patient/Patient.rs", True, True),
        ("openid patient/Patient.rs", False, False),
        (None, True, False),
        (None, False, True),
    ],
)
def test_a_proof_is_demanded_where_it_was_granted_or_announced(
    signer, issuer, document, scope, announced, ends_well
):
    if not announced:
        document["capabilities"].remove("sso-openid-connect")
    portal = parse_smart_configuration(document, PORTAL)
    if ends_well:
        assert signer.sign_in(portal, Person(issuer), id_token=None, scope=scope).patient == "ada"
        return
    with pytest.raises(SignInRefused, match="did not prove who signed in"):
        signer.sign_in(portal, Person(issuer), id_token=None, scope=scope)


def test_an_acting_person_is_told_apart_from_the_patient(signer, issuer, configuration):
    acting = {"fhirUser": f"{PORTAL}/RelatedPerson/guro"}
    found = signer.sign_in(configuration, Person(issuer), claims=acting, patient="ida")
    assert (found.patient, found.fhir_user) == ("ida", f"{PORTAL}/RelatedPerson/guro")


@pytest.mark.parametrize("word", ["invalid_grant", "invalid_client"])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_refused_code_is_said_in_the_portal_s_words(issuer, configuration, refusal, word, status):
    issuer.respond("/token", refusal(word, status))
    with pytest.raises(SignInRefused) as raised:
        sign_in_with_browser(
            issuer.client, configuration, AUTH_REQUEST, Person(issuer), now=issuer.clock
        )
    assert raised.value.message == (
        f"The portal did not complete the sign-in ({word}): <b>secret</b> \x1b[31m."
    )


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"error=odd_word&error_description=It+has+ended"),
        httpx.Response(400, content=b"error=odd_word&error_description=It%20has%20ended"),
        httpx.Response(200, html='{"error": "odd_word", "error_description": "It has ended"}'),
        httpx.Response(502, html='{"error": "odd_word", "error_description": "It has ended"}'),
    ],
)
def test_a_word_is_found_whatever_the_answer_s_media_type_says(issuer, configuration, answer):
    answer.headers.setdefault("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    issuer.respond("/token", answer)
    with pytest.raises(SignInRefused, match=r"\(odd_word\): It has ended\."):
        sign_in_with_browser(
            issuer.client, configuration, AUTH_REQUEST, Person(issuer), now=issuer.clock
        )


@pytest.mark.parametrize(
    ("word", "error", "hint"),
    [
        ("invalid_scope", SignInRefused, SCOPES),
        ("invalid_request_uri_redirect", SignInRefused, "/callback"),
        ("temporarily_unavailable", PortalError, "Try again later."),
        ("access_denied", SignInRefused, "gpcli login tries again."),
    ],
)
def test_a_refusal_in_the_redirect_has_its_word_and_its_cure(
    signer, issuer, configuration, word, error, hint
):
    refused = {"code": None, "error": word, "error_description": "so it is"}
    with pytest.raises(error) as raised:
        signer.sign_in(configuration, Person(issuer, refused))
    assert f"({word}): so it is." in raised.value.message
    assert hint in raised.value.hint


BY_SECRET = replace(
    AUTH_REQUEST, client_id="us", client_auth=ClientAuth("us", "client_secret_basic", "s3cret")
)


def test_a_confidential_client_proves_itself_at_the_token_endpoint(signer, issuer, configuration):
    person = Person(issuer)
    found = signer.sign_in(configuration, person, BY_SECRET, claims={"aud": "us"})
    [form] = issuer.forms()
    [sent] = [each for each in issuer.requests if each.url.path == "/token"]
    assert (found.patient, "client_id" in form) == ("ada", False)
    assert sent.headers["Authorization"].startswith("Basic ")
    assert "s3cret" not in person.url + str(form)


def test_a_confidential_client_proves_itself_where_it_pushes_its_request(issuer, document):
    document |= {
        "pushed_authorization_request_endpoint": f"{ISSUER}/par",
        "require_pushed_authorization_requests": True,
    }
    refused = {"error": "invalid_client", "error_description": "s3cret is not it"}
    issuer.respond("/par", httpx.Response(401, json=refused))
    with pytest.raises(SignInRefused) as raised:
        sign_in_with_browser(
            issuer.client,
            parse_smart_configuration(document, PORTAL),
            BY_SECRET,
            Person(issuer),
            now=issuer.clock,
        )
    assert issuer.requests[-1].headers["Authorization"].startswith("Basic ")
    assert issuer.forms("/par")[0]["client_id"] == "us"
    assert raised.value.message == (
        "The portal refused the sign-in request (invalid_client): … is not it."
    )
    assert "--client-secret" in raised.value.hint
