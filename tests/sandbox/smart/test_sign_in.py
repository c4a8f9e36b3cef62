"""Test the sign-in pages: requests, choices and refusals."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from gpcli.sandbox.clock import Clock
from tests.sandbox.smart.client_flow import (
    ALL_SCOPES,
    REDIRECT,
    URL,
    ClientFlow,
    authorization_request,
    permission_keys,
    redirect_parameters,
    refusal,
    state_field,
    title_of,
)

STALE = "This page is from an earlier try"
WRONG_PLACE = "This app asks for an answer in the wrong place"


def test_signing_in_goes_from_who_to_consent_to_the_app(flow: ClientFlow) -> None:
    who = flow.authorize()
    consent = flow.submit(who, person="ada")
    answer = redirect_parameters(flow.allow(consent))

    assert (title_of(who), title_of(consent)) == (
        "Who is signing in?",
        "What may gpcli see and do?",
    )
    assert answer.pop("code")
    assert answer == {"state": "state-1", "iss": URL}


def test_everybody_who_can_sign_in_is_listed_with_what_they_show(flow: ClientFlow) -> None:
    page = flow.authorize().text

    names = ["Ada", "Bo", "Cecilie", "David", "Eva", "Finn", "Guro", "Hans"]
    assert [page.index(f"{name} ") for name in names] == sorted(
        page.index(f"{name} ") for name in names
    )
    assert "Has no GP" in page
    assert "Emil" not in page


def test_the_page_says_that_it_is_a_sandbox_and_asks_for_no_password(flow: ClientFlow) -> None:
    page = flow.authorize().text

    assert "This is a sandbox." in page
    assert 'type="password"' not in page


def test_a_hint_only_preselects(flow: ClientFlow) -> None:
    page = flow.authorize(login_hint="bo")

    assert 'value="bo" required checked' in page.text
    assert page.text.count(" checked") == 1


def test_somebody_who_acts_for_a_child_is_asked_whom_it_is_about(flow: ClientFlow) -> None:
    about = flow.submit(flow.authorize(patient_hint="emil"), person="guro")

    consent = flow.submit(about, patient="emil")

    assert title_of(about) == "Whom is it about, Guro?"
    assert 'value="emil" checked' in about.text
    assert "Guro Hagen</strong> is signing in for <strong>Emil Hagen" in consent.text


@pytest.mark.parametrize("person", ["", "nobody", "emil", "ada' OR 1=1"])
def test_a_choice_of_nobody_asks_again(flow: ClientFlow, person: str) -> None:
    page = flow.submit(flow.authorize(), person=person)

    assert title_of(page) == "Who is signing in?"
    assert 'role="alert"' in page.text


@pytest.mark.parametrize("patient", ["ada", "hans", "../emil"])
def test_nobody_signs_in_for_a_stranger(flow: ClientFlow, patient: str) -> None:
    about = flow.submit(flow.authorize(), person="guro")

    page = flow.submit(about, patient=patient)

    assert title_of(page) == "Whom is it about, Guro?"
    assert 'role="alert"' in page.text


def test_an_unticked_box_is_not_granted(flow: ClientFlow) -> None:
    consent = flow.consent_page()
    boxes = permission_keys(consent)
    code = redirect_parameters(flow.allow(consent, ["appointments.see", "stay"]))["code"]

    scope = flow.redeem(code).get_json()["scope"]

    assert boxes == ["appointments.see", "appointments.do", "stay"]
    assert scope == (
        "openid fhirUser launch/patient offline_access patient/Appointment.rs patient/Slot.rs"
    )


def test_nothing_beyond_what_the_app_asked_for_can_be_ticked(flow: ClientFlow) -> None:
    consent = flow.consent_page(scope="launch/patient patient/Slot.rs")
    code = redirect_parameters(flow.allow(consent, ["everything.do", "messages.see", "stay"]))[
        "code"
    ]

    assert flow.redeem(code).get_json()["scope"] == "launch/patient"


@pytest.mark.parametrize("step", ["who", "about", "consent"])
def test_no_at_any_step_tells_the_app(flow: ClientFlow, step: str) -> None:
    page = flow.authorize()
    if step != "who":
        page = flow.submit(page, person="guro")
    if step == "consent":
        page = flow.submit(page, patient="guro")

    answer = redirect_parameters(flow.submit(page, decision="deny"))

    assert answer.pop("error_description")
    assert answer == {"error": "access_denied", "state": "state-1", "iss": URL}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": 'x"\\\u00e9'}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"aud": f"{URL}/fhir/R4/Patient"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "weather system/*.rs"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none", "scope": "patient/Slot.rs"}, "login_required"),
    ],
)
def test_a_request_with_something_wrong_goes_back_to_the_app_with_state_and_issuer(
    flow: ClientFlow, change: dict[str, str | None], error: str
) -> None:
    answer = redirect_parameters(flow.authorize(**change))

    assert (answer["error"], answer["state"], answer["iss"]) == (error, "state-1", URL)


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"client_id": "stranger"}, "This app isn't known here"),
        ({"client_id": None}, "This app isn't known here"),
        ({"redirect_uri": None}, WRONG_PLACE),
        ({"redirect_uri": "https://127.0.0.1:1/callback"}, WRONG_PLACE),
        ({"redirect_uri": "http://localhost:1/callback"}, WRONG_PLACE),
        ({"redirect_uri": "http://127.0.0.1:1/callback/"}, WRONG_PLACE),
        ({"redirect_uri": "http://127.0.0.1:1/callback?x=1"}, WRONG_PLACE),
        ({"redirect_uri": "http://127.0.0.1:99999/callback"}, WRONG_PLACE),
        ({"redirect_uri": "http://127.0.0.1:0/callback"}, WRONG_PLACE),
        ({"redirect_uri": "http://127.0.0.1.evil.example/callback"}, WRONG_PLACE),
        ({"redirect_uri": "http://evil@127.0.0.1/callback"}, WRONG_PLACE),
        ({"redirect_uri": "http://127.0.0.1:1/callback\n"}, WRONG_PLACE),
        ({"redirect_uri": "javascript:alert(1)"}, WRONG_PLACE),
    ],
)
def test_an_app_that_cannot_be_trusted_with_an_answer_gets_none(
    flow: ClientFlow, change: dict[str, str | None], title: str
) -> None:
    page = flow.authorize(**change)

    assert (page.status_code, title_of(page)) == (400, title)
    assert "Location" not in page.headers


@pytest.mark.parametrize(
    "redirect", ["http://127.0.0.1/callback", "http://[::1]:9/callback", "http://[::1]/callback"]
)
def test_any_port_of_either_loopback_is_a_good_redirect(flow: ClientFlow, redirect: str) -> None:
    page = flow.authorize(redirect_uri=redirect)

    assert title_of(page) == "Who is signing in?"


def test_a_parameter_given_twice_is_refused_on_a_page(flow: ClientFlow) -> None:
    query = urlencode(authorization_request()) + "&state=another"

    page = flow.browser.get(f"/authorize?{query}", base_url=URL)

    assert (page.status_code, title_of(page)) == (400, "This sign-in request is broken")


def test_a_request_may_be_posted(flow: ClientFlow) -> None:
    page = flow.browser.post("/authorize", data=authorization_request(), base_url=URL)

    assert title_of(page) == "Who is signing in?"


def test_an_answer_without_state_has_none(flow: ClientFlow) -> None:
    answer = redirect_parameters(flow.allow(flow.consent_page(state=None)))

    assert answer.keys() == {"code", "iss"}


def test_a_form_that_was_sent_already_is_from_an_earlier_try(flow: ClientFlow) -> None:
    consent = flow.consent_page()
    flow.allow(consent)

    page = flow.allow(consent)

    assert (page.status_code, title_of(page)) == (400, STALE)


def test_a_form_older_than_ten_minutes_is_from_an_earlier_try(
    flow: ClientFlow, clock: Clock
) -> None:
    consent = flow.consent_page()
    clock.advance(timedelta(minutes=11))

    assert title_of(flow.allow(consent)) == STALE


def test_a_form_fetched_by_somebody_else_does_not_work_in_this_browser(
    app: Flask, flow: ClientFlow
) -> None:
    flow.authorize()
    fetched = ClientFlow(app).authorize()

    assert title_of(flow.submit(fetched, person="ada")) == STALE


def test_a_form_without_the_browsers_cookie_does_not_work(app: Flask, flow: ClientFlow) -> None:
    page = flow.authorize()

    assert title_of(ClientFlow(app).submit(page, person="ada")) == STALE


def test_a_tampered_form_does_not_work(flow: ClientFlow) -> None:
    sealed = state_field(flow.authorize())
    forged = [sealed[:-2], f"x{sealed}", "", "e30.AAAA"]

    titles = {title_of(_post(flow, field)) for field in forged}

    assert titles == {STALE}


def _post(flow: ClientFlow, attempt: str) -> TestResponse:
    return flow.browser.post("/sign-in", data={"attempt": attempt, "person": "ada"}, base_url=URL)


def test_a_consent_form_cannot_be_reached_without_choosing_a_person(flow: ClientFlow) -> None:
    page = flow.submit(flow.authorize(), decision="allow", allow=["stay"])

    assert title_of(page) == "Who is signing in?"


def test_two_tries_in_one_browser_do_not_disturb_each_other(flow: ClientFlow) -> None:
    first, second = flow.consent_page(state="one"), flow.consent_page(state="two")

    states = [redirect_parameters(flow.allow(page))["state"] for page in (first, second)]

    assert states == ["one", "two"]


def test_pages_may_not_run_load_or_frame_anything_and_forms_go_only_home_and_to_the_app(
    flow: ClientFlow,
) -> None:
    page = flow.authorize()

    policy = dict(
        part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; ")
    )
    assert policy.pop("style-src").startswith("'sha256-")
    assert policy == {
        "default-src": "'none'",
        "form-action": f"'self' {REDIRECT.removesuffix('/callback')}",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.text


def test_the_cookie_is_kept_from_scripts_and_other_sites(flow: ClientFlow) -> None:
    cookie = flow.authorize().headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><b>'])
def test_what_an_app_sends_is_never_markup(flow: ClientFlow, text: str) -> None:
    about = flow.submit(
        flow.authorize(state=text, login_hint=text, patient_hint=text), person="guro"
    )

    assert text not in about.text


def test_the_front_page_says_where_the_portal_is(flow: ClientFlow) -> None:
    page = flow.browser.get("/", base_url=URL)

    assert f"{URL}/fhir/R4" in page.text


@pytest.mark.parametrize("path", ["/token", "/revoke", "/device_authorization"])
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"grant_type=%00&client_id=\x00"])
def test_garbage_is_refused_and_never_a_server_error(
    flow: ClientFlow, path: str, body: bytes
) -> None:
    answer = flow.browser.post(
        path, data=body, content_type="application/x-www-form-urlencoded", base_url=URL
    )

    assert refusal(answer)[0] == 400


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.2", ""])
def test_any_other_host_name_is_refused(flow: ClientFlow, host: str) -> None:
    page = flow.browser.get(
        "/authorize", query_string=authorization_request(), headers={"Host": host}
    )

    assert page.status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_loopback_names_are_answered(flow: ClientFlow, host: str) -> None:
    page = flow.browser.get("/jwks", headers={"Host": host})

    assert page.status_code == 200


def test_the_scope_asked_for_is_the_scope_granted_when_everything_stays_ticked(
    flow: ClientFlow,
) -> None:
    assert flow.sign_in()["scope"] == ALL_SCOPES


def every_page(flow: ClientFlow) -> list[TestResponse]:
    who = flow.authorize()
    about = flow.submit(who, person="guro")
    consent = flow.submit(about, patient="emil")
    device = flow.browser.get("/device", base_url=URL)
    front = flow.browser.get("/", base_url=URL)
    return [who, about, consent, device, front, flow.authorize(client_id=None)]


def test_every_page_has_a_language_a_title_and_one_heading(flow: ClientFlow) -> None:
    for page in every_page(flow):
        assert '<html lang="en">' in page.text
        assert re.search(r"<title>[^<]+ – gpcli sandbox</title>", page.text)
        assert page.text.count("<h1>") == 1


def test_every_choice_has_a_label_and_every_group_a_legend(flow: ClientFlow) -> None:
    for page in every_page(flow):
        choices = re.findall(r'<input type="(?:radio|checkbox)"', page.text)
        labelled = re.findall(r'<label class="choice"><input type="(?:radio|checkbox)"', page.text)

        assert len(choices) == len(labelled)
        assert len(re.findall("<fieldset>", page.text)) == len(
            re.findall(r"<fieldset>\s*<legend>[^<]+</legend>", page.text)
        )
