"""Test that user codes can't be guessed (RFC 8628 section 5.1)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.server import Sandbox
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.device_codes import (
    MAX_WRONG_CODES,
    MAX_WRONG_CODES_OF_ALL,
    TooManyTries,
    UserCodeTries,
)
from gpcli.sandbox.smart.grant_store import InvalidGrant
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.smart.client_flow import ALL_SCOPES, URL, ClientFlow, refusal, title_of

WRONG = "BBBB-BBBB"
DOES_NOT_WORK, TOO_MANY = "This code doesn't work", "Too many codes didn't work"
GOES_ON = "Who is signing in?"


def enter(flow: ClientFlow, user_code: str) -> TestResponse:
    return flow.browser.post("/device", data={"user_code": user_code}, base_url=URL)


def enter_wrong_codes(flow: ClientFlow, count: int) -> None:
    titles = [title_of(enter(flow, WRONG)) for _ in range(count)]
    assert titles == [DOES_NOT_WORK] * count


def test_a_right_code_works_after_wrong_ones_within_the_limit(flow: ClientFlow) -> None:
    enter_wrong_codes(flow, MAX_WRONG_CODES - 1)

    page = enter(flow, flow.ask_for_device_code()["user_code"])

    assert title_of(page) == GOES_ON


def test_after_too_many_wrong_codes_not_even_the_right_one_works(
    flow: ClientFlow, clock: Clock
) -> None:
    codes = flow.ask_for_device_code()
    enter_wrong_codes(flow, MAX_WRONG_CODES - 1)
    clock.advance(timedelta(minutes=4))
    enter_wrong_codes(flow, 1)

    page = enter(flow, codes["user_code"])

    assert (page.status_code, title_of(page)) == (429, TOO_MANY)
    assert 300 < int(page.headers["Retry-After"]) <= 360
    assert refusal(flow.poll(codes["device_code"])) == (400, "authorization_pending")


def test_a_right_code_does_not_begin_the_count_again(flow: ClientFlow) -> None:
    enter_wrong_codes(flow, MAX_WRONG_CODES - 1)
    enter(flow, flow.ask_for_device_code()["user_code"])
    enter_wrong_codes(flow, 1)

    assert title_of(enter(flow, WRONG)) == TOO_MANY


@pytest.mark.parametrize("step", [timedelta(minutes=10), timedelta(days=-1)])
def test_tries_count_as_long_as_a_code_lives(
    flow: ClientFlow, clock: Clock, step: timedelta
) -> None:
    enter_wrong_codes(flow, MAX_WRONG_CODES)
    clock.advance(step)

    page = enter(flow, flow.ask_for_device_code()["user_code"])

    assert title_of(page) == GOES_ON


def test_another_browser_is_not_stopped_by_one_that_guesses(app: Flask, flow: ClientFlow) -> None:
    enter_wrong_codes(flow, MAX_WRONG_CODES)
    other = ClientFlow(app)

    assert title_of(enter(other, other.ask_for_device_code()["user_code"])) == GOES_ON


def test_all_browsers_together_have_a_limit_too(app: Flask, flow: ClientFlow, clock: Clock) -> None:
    for _ in range(MAX_WRONG_CODES_OF_ALL):
        enter_wrong_codes(ClientFlow(app), 1)

    stopped = enter(flow, flow.ask_for_device_code()["user_code"])
    clock.advance(timedelta(minutes=10))
    later = enter(flow, flow.ask_for_device_code()["user_code"])

    assert (stopped.status_code, title_of(stopped)) == (429, TOO_MANY)
    assert title_of(later) == GOES_ON


def test_the_page_itself_is_no_try(flow: ClientFlow) -> None:
    link = flow.ask_for_device_code()["verification_uri_complete"]
    titles = {title_of(flow.browser.get(link, base_url=URL)) for _ in range(MAX_WRONG_CODES + 1)}

    assert titles == {"Enter the code that your device shows"}


def test_a_code_that_was_answered_already_is_a_wrong_one(flow: ClientFlow) -> None:
    user_code = flow.ask_for_device_code()["user_code"]
    flow.submit(enter(flow, user_code), decision="deny")

    titles = [title_of(enter(flow, user_code)) for _ in range(MAX_WRONG_CODES + 1)]

    assert titles == [DOES_NOT_WORK] * MAX_WRONG_CODES + [TOO_MANY]


def test_links_with_codes_are_tries_where_they_sign_in_at_once(auto_flow: ClientFlow) -> None:
    link = f"/device?user_code={WRONG}&login_hint=ada"
    titles = [
        title_of(auto_flow.browser.get(link, base_url=URL)) for _ in range(MAX_WRONG_CODES + 1)
    ]

    assert titles == [DOES_NOT_WORK] * MAX_WRONG_CODES + [TOO_MANY]


def test_tries_at_the_same_moment_are_counted_one_by_one() -> None:
    tries = UserCodeTries(600.0, lambda: 1_000.0)

    def guess(browser: int) -> type[Exception]:
        try:
            with tries.attempt(str(browser)):
                raise InvalidGrant
        except (InvalidGrant, TooManyTries) as error:
            return type(error)

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(guess, range(200)))

    assert ends.count(InvalidGrant) == MAX_WRONG_CODES_OF_ALL


def test_guessing_device_codes_is_hopeless_and_leaves_nothing(
    flow: ClientFlow, server: SmartServer
) -> None:
    answers = {refusal(flow.poll(f"guess-{number}")) for number in range(100)}

    assert answers == {(400, "invalid_grant")}
    assert len(flow.ask_for_device_code()["device_code"]) == 42
    assert server.poll_limiter._polls == {}


def test_the_limit_holds_over_http_by_the_clock_of_the_portal(people: Path) -> None:
    wrong = {"user_code": WRONG}
    asked = {"client_id": "gpcli", "scope": ALL_SCOPES}
    with (
        Sandbox(people=people) as sandbox,
        httpx.Client(base_url=sandbox.url, verify=NO_CERTIFICATES) as browser,
    ):
        browser.get("/device")
        statuses = [
            browser.post("/device", data=wrong).status_code for _ in range(MAX_WRONG_CODES + 1)
        ]
        sandbox.advance(timedelta(minutes=10))
        code = browser.post("/device_authorization", data=asked).json()["user_code"]
        statuses.append(browser.post("/device", data={"user_code": code}).status_code)

    assert statuses == [*[400] * MAX_WRONG_CODES, 429, 200]
