import socket
import ssl

import httpx
import pytest

from gpcli.errors import TlsError
from gpcli.http.network_errors import ConnectionFailed, ResponseTimedOut
from gpcli.http.retry import backoff_seconds, read_retry_after

REFUSED = httpx.ConnectError("refused")
CUT = httpx.ReadError("cut")


def ok() -> httpx.Response:
    return httpx.Response(200, json={})


def with_cause(error: httpx.TransportError, cause: BaseException) -> httpx.TransportError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("failure", [408, 429, 502, 503, 504, REFUSED, CUT])
def test_a_read_is_tried_again_after_a_passing_failure(script_portal, failure):
    first = httpx.Response(failure) if isinstance(failure, int) else failure
    portal = script_portal(first, ok())
    assert portal.client.get("Patient/a").status == 200
    assert portal.clock.slept == [0.5]


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422, 423, 500, 501])
def test_a_read_is_not_tried_again_after_a_plain_answer(script_portal, status):
    portal = script_portal(httpx.Response(status))
    assert portal.client.get("Patient/a").status == status


def test_four_tries_at_most_and_the_last_answer_is_returned(script_portal):
    portal = script_portal(*[httpx.Response(503) for _ in range(9)])
    assert portal.client.get("Patient/a").status == 503
    assert (len(portal.requests), portal.clock.slept) == (4, [0.5, 1.0, 2.0])


def test_four_tries_at_most_and_the_last_failure_is_raised(script_portal):
    portal = script_portal(*[REFUSED] * 9)
    with pytest.raises(ConnectionFailed):
        portal.client.get("Patient/a")
    assert len(portal.requests) == 4


def test_retry_after_is_waited_for_when_it_fits(script_portal):
    portal = script_portal(httpx.Response(429, headers={"Retry-After": "7"}), ok())
    assert portal.client.get("Patient/a").status == 200
    assert portal.clock.slept == [7.0]


def test_retry_after_beyond_the_deadline_returns_the_answer_at_once(script_portal):
    portal = script_portal(httpx.Response(429, headers={"Retry-After": "31"}), seconds=30)
    answer = portal.client.get("Patient/a")
    assert (answer.status, answer.headers["retry-after"], portal.clock.slept) == (429, "31", [])


def test_no_pause_goes_beyond_the_deadline(script_portal):
    portal = script_portal(httpx.Response(503), seconds=0.4)
    assert portal.client.get("Patient/a").status == 503
    assert portal.clock.slept == []


@pytest.mark.parametrize("failure", [408, 502, 503, 504])
def test_a_write_is_not_sent_again_after_an_answer(script_portal, failure):
    portal = script_portal(httpx.Response(failure))
    assert portal.client.send("POST", "Appointment", {}).status == failure


def test_a_write_is_not_sent_again_after_a_lost_answer_and_says_that_it_left(script_portal):
    portal = script_portal(CUT)
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.send("POST", "Appointment", {})
    assert (raised.value.sent, len(portal.requests)) == (True, 1)


def test_a_write_that_certainly_did_not_leave_is_sent_again(script_portal):
    portal = script_portal(REFUSED, ok())
    assert portal.client.send("POST", "Appointment", {}).status == 200


def test_a_form_that_certainly_did_not_leave_is_sent_again(script_portal):
    portal = script_portal(REFUSED, ok())
    assert portal.client.post_form("https://id.example/token", {}).status == 200


def test_a_write_that_may_be_repeated_has_the_same_request_id_each_time(script_portal):
    portal = script_portal(CUT, httpx.Response(503), ok())
    assert portal.client.send("POST", "", {"type": "batch"}, retry=True).status == 200
    assert [r.headers["x-request-id"] for r in portal.requests] == ["request-1"] * 3


@pytest.mark.parametrize("first", [CUT, httpx.Response(503)])
def test_a_repeated_write_that_once_left_stays_sent_whatever_comes_last(script_portal, first):
    portal = script_portal(first, REFUSED, REFUSED, REFUSED)
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.send("POST", "Appointment", {}, retry=True)
    assert raised.value.sent is True


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (httpx.ConnectTimeout("x"), False),
        (httpx.PoolTimeout("x"), False),
        (httpx.ReadTimeout("x"), True),
        (httpx.WriteTimeout("x"), True),
    ],
)
def test_a_deadline_that_ends_a_write_says_whether_it_left(script_portal, failure, sent):
    portal = script_portal(failure)
    with pytest.raises(ResponseTimedOut) as raised:
        portal.client.send("POST", "Appointment", {})
    assert (raised.value.sent, raised.value.code) == (sent, "timeout")
    assert raised.value.message == "The portal at portal.example did not answer within 30 s."


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (httpx.ConnectError("x"), False),
        (httpx.ProxyError("x"), False),
        (httpx.LocalProtocolError("x"), False),
        (httpx.ReadError("x"), True),
        (httpx.WriteError("x"), True),
        (httpx.CloseError("x"), True),
        (httpx.RemoteProtocolError("x"), True),
    ],
)
def test_a_failure_on_the_way_says_whether_the_write_left(script_portal, failure, sent):
    portal = script_portal(*[failure] * 4)
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.send("POST", "Appointment", {})
    assert (raised.value.sent, raised.value.exit) == (sent, 6)


@pytest.mark.parametrize(
    ("cause", "why", "tries"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "its name is not known here", 1),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "its name is not known here", 4),
        (ConnectionRefusedError(111, "x"), "nothing answers there", 4),
        (OSError(101, "x"), "there is no network", 4),
        (OSError(113, "x"), "there is no way to it", 4),
        (OSError(5, "x"), "the connection was cut", 4),
    ],
)
def test_unreachable_says_why_and_only_an_unknown_name_is_final(script_portal, cause, why, tries):
    portal = script_portal(*[with_cause(httpx.ConnectError("x"), cause)] * 4)
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.get("Patient/a")
    assert raised.value.message == f"The portal at portal.example can't be reached: {why}."
    assert (raised.value.code, len(portal.requests)) == ("unreachable", tries)
    assert raised.value.hint


def test_an_answer_that_breaks_off_is_said_to_be_unfinished(script_portal):
    portal = script_portal(*[CUT] * 4)
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.get("Patient/a")
    assert raised.value.message == (
        "The portal at portal.example did not finish its answer: the connection was cut."
    )


def test_a_bad_certificate_after_a_lost_answer_does_not_say_that_nothing_was_sent(script_portal):
    bad = with_cause(httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "x"))
    portal = script_portal(CUT, bad)
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.send("POST", "Appointment", {}, retry=True)
    assert raised.value.sent is True


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        ([], False),
        ([REFUSED], False),
        ([httpx.Response(429)], False),
        ([CUT], True),
        ([httpx.Response(503)], True),
        ([CUT, httpx.Response(429)], True),
    ],
)
def test_an_answer_tells_whether_an_earlier_try_may_have_been_done(script_portal, first, repeated):
    portal = script_portal(*first, httpx.Response(403))
    answer = portal.client.send("POST", "Appointment", {}, retry=True)
    assert (answer.status, answer.tries, answer.repeated) == (403, len(first) + 1, repeated)


def test_a_write_that_was_only_told_to_slow_down_did_not_leave(script_portal):
    portal = script_portal(httpx.Response(429), REFUSED, REFUSED, REFUSED)
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.send("POST", "Appointment", {})
    assert raised.value.sent is False


def test_a_bad_certificate_is_final(script_portal):
    portal = script_portal(
        with_cause(httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "x"))
    )
    with pytest.raises(TlsError) as raised:
        portal.client.get("Patient/a")
    assert raised.value.message == (
        "The certificate of portal.example can't be verified; nothing was sent."
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": " 120 "}, 120.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9" * 400}, 999999999.0),
        ({"Retry-After": "Sun, 28 Mar 2027 01:00:30 GMT"}, None),
        (
            {
                "Retry-After": "Sun, 28 Mar 2027 01:00:30 GMT",
                "Date": "Sun, 28 Mar 2027 00:59:30 GMT",
            },
            60.0,
        ),
        (
            {
                "Retry-After": "Sun, 28 Mar 2027 01:00:30 -0000",
                "Date": "Sun, 28 Mar 2027 00:59:30 GMT",
            },
            60.0,
        ),
        (
            {
                "Retry-After": "Sun, 28 Mar 2027 01:00:00 GMT",
                "Date": "Sun, 28 Mar 2027 02:00:00 GMT",
            },
            0.0,
        ),
    ],
)
def test_retry_after_is_seconds_or_a_date_against_the_answers_own(headers, seconds):
    assert read_retry_after(httpx.Headers(headers)) == seconds


def test_pauses_double_and_jitter_from_zero():
    assert [backoff_seconds(tried, lambda: 1.0) for tried in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert backoff_seconds(3, lambda: 0.0) == 0.0


def test_a_write_that_was_told_to_slow_down_waits_and_goes_again_for_nothing_was_done(
    script_portal,
):
    portal = script_portal(httpx.Response(429, headers={"Retry-After": "7"}), ok())
    answer = portal.client.send("POST", "Appointment", {"resourceType": "Appointment"})
    assert (answer.status, len(portal.requests), portal.clock.slept) == (200, 2, [7.0])
