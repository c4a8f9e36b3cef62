"""Sending to whom the portal does not know: no token, no second try, no path in the log."""

import gzip

import httpx
import pytest

from gpcli.errors import WrongHost
from gpcli.http.network_errors import ConnectionFailed, ResponseTimedOut
from tests.http.conftest import BASE

URL = "https://hook.example/secret/path?key=also-secret"


class Token:
    def get_token(self, client):
        raise AssertionError("nobody may ask for the token")


def test_it_carries_what_it_is_given_and_no_token(script_portal):
    portal = script_portal(httpx.Response(200), bearer=Token())
    answer = portal.client.post_public(URL, b"new", headers={"Title": "gpcli"})
    [request] = portal.requests
    assert (request.method, str(request.url), request.content) == ("POST", URL, b"new")
    assert (answer.status, answer.body) == (200, None)
    assert request.headers["title"] == "gpcli"
    assert not {"authorization", "cookie"} & {name.lower() for name in request.headers}


@pytest.mark.parametrize(
    "url", [URL, f"{BASE}/token/secret", "https://portal.example/auth/secret/token"]
)
def test_the_log_has_the_host_alone(script_portal, url):
    portal = script_portal(httpx.Response(204))
    portal.client.post_public(url, b"new")
    [line] = portal.lines
    assert line.route == httpx.URL(url).host
    assert "secret" not in repr(line)


@pytest.mark.parametrize("status", [302, 307, 400, 408, 429, 500, 503])
def test_whatever_it_answers_it_is_asked_once(script_portal, status):
    refusal = httpx.Response(status, headers={"Retry-After": "0", "Location": f"{BASE}/else"})
    portal = script_portal(refusal)
    assert portal.client.post_public(URL, b"new").status == status
    assert len(portal.requests) == 1


def test_where_nothing_arrived_it_is_tried_again(script_portal):
    portal = script_portal(httpx.ConnectError("refused"), httpx.Response(200))
    assert portal.client.post_public(URL, b"new").is_success


def test_where_it_may_have_arrived_it_is_not(script_portal):
    portal = script_portal(httpx.ReadError("cut"), httpx.Response(200))
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.post_public(URL, b"new")
    assert raised.value.message == "hook.example did not finish its answer: the connection was cut."
    assert len(portal.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<h1>Thanks</h1>"),
        httpx.Response(200, content=b"{", headers={"Content-Type": "application/json"}),
        httpx.Response(200, headers={"Content-Encoding": "br"}, content=b"?"),
        httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b"x" * 9)),
    ],
)
def test_what_it_says_does_not_count(script_portal, answer):
    assert script_portal(answer).client.post_public(URL, b"new").is_success


def test_what_never_ends_is_not_read(script_portal):
    def endless():
        raise AssertionError("it was read")
        yield b""

    portal = script_portal(httpx.Response(200, content=endless()))
    assert portal.client.post_public(URL, b"new").is_success


@pytest.mark.parametrize("url", ["http://hook.example/x", "http://localhost/x"])
def test_without_encryption_it_does_not_leave(script_portal, url):
    portal = script_portal()
    with pytest.raises(WrongHost):
        portal.client.post_public(url, b"new")


def test_headers_that_drip_end_at_the_time_limit(raw_portal, open_client):
    def drip(connection):
        connection.recv(65536)
        while not portal.over.wait(0.02):
            connection.sendall(b"H")

    portal = raw_portal(drip)
    client = open_client(BASE, seconds=0.3)
    with pytest.raises(ResponseTimedOut) as raised:
        client.post_public(f"http://127.0.0.1:{portal.port}/secret", b"new")
    assert raised.value.message == "127.0.0.1 did not answer within 0.3 s."
