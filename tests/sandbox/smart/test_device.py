"""The device grant: a code on one screen, an answer on another."""

import re
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.smart.devices import PollWatch, written_alike
from gpcli.sandbox.smart.provider import SmartServer
from tests.sandbox.conftest import Ticks
from tests.sandbox.smart.journey import ALL, URL, Journey, answer_in, refusal, title_of

PENDING = (400, "authorization_pending")


def enter(journey: Journey, user_code: str) -> TestResponse:
    return journey.browser.post("/device", data={"user_code": user_code}, base_url=URL)


def test_asking_for_a_device_code_tells_where_to_go_and_how_often_to_ask(journey: Journey) -> None:
    codes = journey.ask_for_device_code()

    assert codes.pop("device_code")
    user_code = codes.pop("user_code")
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", user_code)
    assert codes == {
        "verification_uri": f"{URL}/device",
        "verification_uri_complete": f"{URL}/device?user_code={user_code}",
        "expires_in": 600,
        "interval": 5,
    }


def test_the_device_waits_until_the_person_allows_it(journey: Journey, ticks: Ticks) -> None:
    codes = journey.ask_for_device_code()
    waiting = journey.poll(codes["device_code"])
    done = journey.allow(journey.submit(enter(journey, codes["user_code"]), person="ada"))
    ticks.seconds += 5

    tokens = journey.poll(codes["device_code"]).get_json()

    assert refusal(waiting) == PENDING
    assert title_of(done) == "You are signed in"
    assert (tokens["patient"], tokens["scope"]) == ("ada", ALL)
    assert {"access_token", "refresh_token", "id_token"} < tokens.keys()


def test_a_person_may_allow_a_device_less(journey: Journey) -> None:
    codes = journey.ask_for_device_code()
    consent = journey.submit(enter(journey, codes["user_code"]), person="ada")
    journey.allow(consent, ["appointments.see"])

    tokens = journey.poll(codes["device_code"]).get_json()

    assert (
        tokens["scope"] == "openid fhirUser launch/patient patient/Appointment.rs patient/Slot.rs"
    )
    assert "refresh_token" not in tokens


def test_a_device_that_was_denied_is_told_so(journey: Journey) -> None:
    codes = journey.ask_for_device_code()
    done = journey.submit(enter(journey, codes["user_code"]), decision="deny")

    assert title_of(done) == "Nothing was allowed"
    assert refusal(journey.poll(codes["device_code"])) == (400, "access_denied")


def test_a_device_code_gives_tokens_once(journey: Journey) -> None:
    codes = journey.ask_for_device_code()
    journey.allow(journey.submit(enter(journey, codes["user_code"]), person="ada"))
    journey.poll(codes["device_code"])

    assert refusal(journey.poll(codes["device_code"])) == (400, "invalid_grant")


def test_a_device_code_ends_after_ten_minutes(journey: Journey, clock: Clock) -> None:
    codes = journey.ask_for_device_code()
    clock.advance(timedelta(minutes=10))

    assert refusal(journey.poll(codes["device_code"])) == (400, "expired_token")
    assert title_of(enter(journey, codes["user_code"])) == "This code doesn't work"


def test_polling_too_often_is_told_to_slow_down_more_each_time(
    journey: Journey, ticks: Ticks
) -> None:
    device_code = journey.ask_for_device_code()["device_code"]
    heard = []
    for wait in (0, 4, 9, 20, 14, 20):
        ticks.seconds += wait
        heard.append(refusal(journey.poll(device_code))[1])

    pending, slower = "authorization_pending", "slow_down"
    assert heard == [pending, slower, slower, pending, slower, pending]


def test_devices_are_watched_apart() -> None:
    watch = PollWatch(5, Ticks())

    assert [watch.too_soon(each) for each in ("a", "b", "a")] == [False, False, True]


@pytest.mark.parametrize("device_code", ["", "no-such-code"])
def test_an_unknown_device_code_is_refused(journey: Journey, device_code: str) -> None:
    status, error = refusal(journey.poll(device_code))

    assert status == 400
    assert error == ("invalid_grant" if device_code else "invalid_request")


@pytest.mark.parametrize("scope", ["", "weather", "system/Patient.rs"])
def test_a_device_that_asks_for_nothing_known_is_refused(journey: Journey, scope: str) -> None:
    answer = journey.post("/device_authorization", client_id="gpcli", scope=scope)

    assert refusal(answer) == (400, "invalid_scope")


def test_an_unknown_client_gets_no_device_code(journey: Journey) -> None:
    answer = journey.post("/device_authorization", client_id="stranger", scope=ALL)

    assert refusal(answer) == (400, "invalid_client")


@pytest.mark.parametrize("typed", ["bcdf ghjk", "BCDFGHJK", " bcdf-ghjk "])
def test_a_user_code_may_be_typed_in_any_way(typed: str) -> None:
    assert written_alike(typed) == "BCDF-GHJK"


@pytest.mark.parametrize("typed", ["", "BBBB-BBBB", "%", "🙂"])
def test_a_mistyped_code_is_said_to_be_one(journey: Journey, typed: str) -> None:
    page = enter(journey, typed)

    assert (page.status_code, title_of(page)) == (400, "This code doesn't work")


def test_the_link_with_the_code_only_fills_it_in(journey: Journey) -> None:
    codes = journey.ask_for_device_code()

    page = journey.browser.get(codes["verification_uri_complete"], base_url=URL)

    assert title_of(page) == "Enter the code that your device shows"
    assert f'value="{codes["user_code"]}"' in page.text
    assert refusal(journey.poll(codes["device_code"])) == PENDING


def test_a_device_that_was_answered_meanwhile_is_not_answered_again(
    journey: Journey, server: SmartServer
) -> None:
    codes = journey.ask_for_device_code()
    consent = journey.submit(enter(journey, codes["user_code"]), person="ada")
    server.devices.deny(codes["user_code"])

    page = journey.allow(consent, [])

    assert title_of(page) == "This page is from an earlier try"


def test_with_auto_sign_in_the_link_with_a_hint_allows_everything(auto_journey: Journey) -> None:
    codes = auto_journey.ask_for_device_code()
    link = f"{codes['verification_uri_complete']}&login_hint=ada"

    page = auto_journey.browser.get(link, base_url=URL)

    assert title_of(page) == "You are signed in"
    assert auto_journey.poll(codes["device_code"]).get_json()["scope"] == ALL


def test_with_auto_sign_in_a_device_link_that_names_nobody_allows_nothing(
    auto_journey: Journey,
) -> None:
    codes = auto_journey.ask_for_device_code()

    page = auto_journey.browser.get(codes["verification_uri_complete"], base_url=URL)

    assert (page.status_code, title_of(page)) == (400, "Nobody was named to sign in")
    assert refusal(auto_journey.poll(codes["device_code"])) == PENDING


def test_with_auto_sign_in_a_used_device_link_does_not_work_again(auto_journey: Journey) -> None:
    codes = auto_journey.ask_for_device_code()
    link = f"{codes['verification_uri_complete']}&login_hint=ada"
    auto_journey.browser.get(link, base_url=URL)

    page = auto_journey.browser.get(link, base_url=URL)

    assert title_of(page) == "This code doesn't work"


def test_auto_sign_in_answers_an_app_at_once(auto_journey: Journey) -> None:
    answer = answer_in(auto_journey.authorize(login_hint="guro", patient_hint="emil"))

    tokens = auto_journey.redeem(answer["code"]).get_json()

    assert (answer["state"], tokens["patient"], tokens["scope"]) == ("state-1", "emil", ALL)


@pytest.mark.parametrize(
    "hints", [{}, {"login_hint": "nobody"}, {"login_hint": "ada", "patient_hint": "emil"}]
)
def test_auto_sign_in_of_nobody_known_is_login_required(
    auto_journey: Journey, hints: dict[str, str]
) -> None:
    assert answer_in(auto_journey.authorize(**hints))["error"] == "login_required"
