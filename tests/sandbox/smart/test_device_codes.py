"""Test the device code grant."""

import re
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.device_codes import PollRateLimiter, normalize_user_code
from tests.sandbox.conftest import Ticks
from tests.sandbox.smart.client_flow import (
    ALL_SCOPES,
    URL,
    ClientFlow,
    redirect_parameters,
    refusal,
    title_of,
)

PENDING = (400, "authorization_pending")


def enter(flow: ClientFlow, user_code: str) -> TestResponse:
    return flow.browser.post("/device", data={"user_code": user_code}, base_url=URL)


def test_asking_for_a_device_code_tells_where_to_go_and_how_often_to_ask(flow: ClientFlow) -> None:
    codes = flow.ask_for_device_code()

    assert codes.pop("device_code")
    user_code = codes.pop("user_code")
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", user_code)
    assert codes == {
        "verification_uri": f"{URL}/device",
        "verification_uri_complete": f"{URL}/device?user_code={user_code}",
        "expires_in": 600,
        "interval": 5,
    }


def test_the_device_waits_until_the_person_allows_it(flow: ClientFlow, ticks: Ticks) -> None:
    codes = flow.ask_for_device_code()
    waiting = flow.poll(codes["device_code"])
    done = flow.allow(flow.submit(enter(flow, codes["user_code"]), person="ada"))
    ticks.seconds += 5

    tokens = flow.poll(codes["device_code"]).get_json()

    assert refusal(waiting) == PENDING
    assert title_of(done) == "You are signed in"
    assert (tokens["patient"], tokens["scope"]) == ("ada", ALL_SCOPES)
    assert {"access_token", "refresh_token", "id_token"} < tokens.keys()


def test_a_person_may_allow_a_device_less(flow: ClientFlow) -> None:
    codes = flow.ask_for_device_code()
    consent = flow.submit(enter(flow, codes["user_code"]), person="ada")
    flow.allow(consent, ["appointments.see"])

    tokens = flow.poll(codes["device_code"]).get_json()

    assert (
        tokens["scope"] == "openid fhirUser launch/patient patient/Appointment.rs patient/Slot.rs"
    )
    assert "refresh_token" not in tokens


def test_a_device_that_was_denied_is_told_so(flow: ClientFlow) -> None:
    codes = flow.ask_for_device_code()
    done = flow.submit(enter(flow, codes["user_code"]), decision="deny")

    assert title_of(done) == "Nothing was allowed"
    assert refusal(flow.poll(codes["device_code"])) == (400, "access_denied")


def test_a_device_code_gives_tokens_once(flow: ClientFlow) -> None:
    codes = flow.ask_for_device_code()
    flow.allow(flow.submit(enter(flow, codes["user_code"]), person="ada"))
    flow.poll(codes["device_code"])

    assert refusal(flow.poll(codes["device_code"])) == (400, "invalid_grant")


def test_a_device_code_ends_after_ten_minutes(flow: ClientFlow, clock: Clock) -> None:
    codes = flow.ask_for_device_code()
    clock.advance(timedelta(minutes=10))

    assert refusal(flow.poll(codes["device_code"])) == (400, "expired_token")
    assert title_of(enter(flow, codes["user_code"])) == "This code doesn't work"


def test_polling_too_often_is_told_to_slow_down_more_each_time(
    flow: ClientFlow, ticks: Ticks
) -> None:
    device_code = flow.ask_for_device_code()["device_code"]
    heard = []
    for wait in (0, 4, 9, 20, 14, 20):
        ticks.seconds += wait
        heard.append(refusal(flow.poll(device_code))[1])

    pending, slower = "authorization_pending", "slow_down"
    assert heard == [pending, slower, slower, pending, slower, pending]


def test_devices_are_watched_apart() -> None:
    watch = PollRateLimiter(5, Ticks())

    assert [watch.record_poll(each) for each in ("a", "b", "a")] == [False, False, True]


@pytest.mark.parametrize("device_code", ["", "no-such-code"])
def test_an_unknown_device_code_is_refused(flow: ClientFlow, device_code: str) -> None:
    status, error = refusal(flow.poll(device_code))

    assert status == 400
    assert error == ("invalid_grant" if device_code else "invalid_request")


@pytest.mark.parametrize("scope", ["", "weather", "system/Patient.rs"])
def test_a_device_that_asks_for_nothing_known_is_refused(flow: ClientFlow, scope: str) -> None:
    answer = flow.post("/device_authorization", client_id="gpcli", scope=scope)

    assert refusal(answer) == (400, "invalid_scope")


def test_an_unknown_client_gets_no_device_code(flow: ClientFlow) -> None:
    answer = flow.post("/device_authorization", client_id="stranger", scope=ALL_SCOPES)

    assert refusal(answer) == (400, "invalid_client")


@pytest.mark.parametrize("typed", ["bcdf ghjk", "BCDFGHJK", " bcdf-ghjk "])
def test_a_user_code_may_be_typed_in_any_way(typed: str) -> None:
    assert normalize_user_code(typed) == "BCDF-GHJK"


@pytest.mark.parametrize("typed", ["", "BBBB-BBBB", "%", "🙂"])
def test_a_mistyped_code_is_said_to_be_one(flow: ClientFlow, typed: str) -> None:
    page = enter(flow, typed)

    assert (page.status_code, title_of(page)) == (400, "This code doesn't work")


def test_the_link_with_the_code_only_fills_it_in(flow: ClientFlow) -> None:
    codes = flow.ask_for_device_code()

    page = flow.browser.get(codes["verification_uri_complete"], base_url=URL)

    assert title_of(page) == "Enter the code that your device shows"
    assert f'value="{codes["user_code"]}"' in page.text
    assert refusal(flow.poll(codes["device_code"])) == PENDING


def test_a_device_that_was_answered_meanwhile_is_not_answered_again(
    flow: ClientFlow, server: SmartServer
) -> None:
    codes = flow.ask_for_device_code()
    consent = flow.submit(enter(flow, codes["user_code"]), person="ada")
    server.device_codes.deny(codes["user_code"])

    page = flow.allow(consent, [])

    assert title_of(page) == "This page is from an earlier try"


def test_with_auto_sign_in_the_link_with_a_hint_allows_everything(auto_flow: ClientFlow) -> None:
    codes = auto_flow.ask_for_device_code()
    link = f"{codes['verification_uri_complete']}&login_hint=ada"

    page = auto_flow.browser.get(link, base_url=URL)

    assert title_of(page) == "You are signed in"
    assert auto_flow.poll(codes["device_code"]).get_json()["scope"] == ALL_SCOPES


def test_with_auto_sign_in_a_device_link_that_names_nobody_allows_nothing(
    auto_flow: ClientFlow,
) -> None:
    codes = auto_flow.ask_for_device_code()

    page = auto_flow.browser.get(codes["verification_uri_complete"], base_url=URL)

    assert (page.status_code, title_of(page)) == (400, "Nobody was named to sign in")
    assert refusal(auto_flow.poll(codes["device_code"])) == PENDING


def test_with_auto_sign_in_a_used_device_link_does_not_work_again(auto_flow: ClientFlow) -> None:
    codes = auto_flow.ask_for_device_code()
    link = f"{codes['verification_uri_complete']}&login_hint=ada"
    auto_flow.browser.get(link, base_url=URL)

    page = auto_flow.browser.get(link, base_url=URL)

    assert title_of(page) == "This code doesn't work"


def test_auto_sign_in_answers_an_app_at_once(auto_flow: ClientFlow) -> None:
    answer = redirect_parameters(auto_flow.authorize(login_hint="guro", patient_hint="emil"))

    tokens = auto_flow.redeem(answer["code"]).get_json()

    assert (answer["state"], tokens["patient"], tokens["scope"]) == ("state-1", "emil", ALL_SCOPES)


@pytest.mark.parametrize(
    "hints", [{}, {"login_hint": "nobody"}, {"login_hint": "ada", "patient_hint": "emil"}]
)
def test_auto_sign_in_of_nobody_known_is_login_required(
    auto_flow: ClientFlow, hints: dict[str, str]
) -> None:
    assert redirect_parameters(auto_flow.authorize(**hints))["error"] == "login_required"
