"""The callback server, spoken to over real sockets."""

import http.client
import socket
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from gpcli.auth.loopback import CallbackRefused, CallbackServer, ExpectedCallback
from gpcli.errors import InvalidUsage

GOOD = {"code": "abc", "state": "our-state"}


@pytest.fixture
def loopback() -> Iterator[CallbackServer]:
    with CallbackServer(0) as server:
        server.expect(ExpectedCallback("our-state", None, issuer_required=False))
        yield server


def request_page(
    loopback: CallbackServer, path: str, method: str = "GET", host: str | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(loopback.origin, timeout=5)
    headers = {"Host": host} if host is not None else {}
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def callback(**changes: str) -> str:
    return f"/callback?{urlencode(GOOD | changes)}"


def test_the_address_is_a_loopback_literal_on_a_free_port(loopback):
    assert loopback.redirect_uri == f"http://127.0.0.1:{loopback.port}/callback"
    assert loopback.port > 0


def test_a_good_callback_gives_the_code_and_a_calm_page(loopback):
    status, page = request_page(loopback, callback())
    assert loopback.wait_for_code(5) == "abc"
    assert status == 200
    assert "You can close this window." in page


def test_the_page_repeats_nothing_and_loads_nothing(loopback):
    connection = http.client.HTTPConnection("127.0.0.1", loopback.port, timeout=5)
    connection.request("GET", callback(code="secret", extra="<script>secret"))
    response = connection.getresponse()
    assert "secret" not in response.read().decode()
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Server"] == "gpcli"
    connection.close()


def test_only_the_first_success_counts(loopback):
    request_page(loopback, callback())
    status, page = request_page(loopback, callback(code="second"))
    assert (status, "This is done already" in page) == (400, True)
    assert (loopback.wait_for_code(5), loopback.wait_for_code(0)) == ("abc", None)


def test_an_older_try_is_told_so_and_the_waiting_goes_on(loopback):
    status, page = request_page(loopback, callback(state="older"))
    assert (status, loopback.wait_for_code(0)) == (400, None)
    assert "This page is from an earlier try" in page
    request_page(loopback, callback())
    assert loopback.wait_for_code(5) == "abc"


def test_a_refusal_at_the_page_ends_the_waiting(loopback):
    status, page = request_page(
        loopback, f"/callback?{urlencode({'error': 'access_denied'} | GOOD)}"
    )
    with pytest.raises(CallbackRefused, match="access_denied"):
        loopback.wait_for_code(5)
    assert (status, "The terminal says why" in page) == (200, True)


@pytest.mark.parametrize(
    ("path", "method", "host", "status"),
    [
        ("/favicon.ico", "GET", None, 404),
        ("/", "GET", None, 404),
        ("/callback/", "GET", None, 404),
        ("/callbackx", "GET", None, 404),
        (callback(), "GET", "localhost", 404),
        (callback(), "GET", "evil.example", 404),
        (callback(), "GET", "127.0.0.1", 404),
        (callback(), "GET", "", 404),
        (callback(), "HEAD", None, 501),
        (callback(), "POST", None, 501),
        (callback(), "OPTIONS", None, 501),
        (callback(), "SECRET", None, 501),
        ("/callback", "GET", None, 400),
    ],
)
def test_whatever_else_is_asked_disturbs_nothing(loopback, path, method, host, status):
    found, page = request_page(loopback, path, method, host)
    assert (found, "SECRET" in page, loopback.wait_for_code(0)) == (status, False, None)
    request_page(loopback, callback())
    assert loopback.wait_for_code(5) == "abc"


def test_a_browser_that_connects_ahead_and_says_nothing_does_not_block(loopback):
    with socket.create_connection(("127.0.0.1", loopback.port)):
        request_page(loopback, callback())
    assert loopback.wait_for_code(5) == "abc"


def test_a_browser_that_talks_rubbish_does_not_disturb(loopback, capfd):
    with socket.create_connection(("127.0.0.1", loopback.port)) as connection:
        connection.sendall(b"\x16\x03\x01\x00 rubbish\r\n\r\n")
        connection.recv(1000)
    request_page(loopback, callback())
    assert loopback.wait_for_code(5) == "abc"
    assert capfd.readouterr() == ("", "")


def test_nothing_is_expected_before_it_is_said():
    with CallbackServer(0) as server:
        status, _ = request_page(server, callback())
        assert (status, server.wait_for_code(0)) == (400, None)


def test_a_taken_port_is_a_usage_error_that_names_the_option(loopback):
    with pytest.raises(InvalidUsage) as raised:
        CallbackServer(loopback.port)
    assert raised.value.message == f"Port {loopback.port} is taken by another program."
    assert "--port" in raised.value.hint


def test_a_fixed_port_can_be_used_again_right_away(loopback):
    with CallbackServer(0) as first:
        request_page(first, "/")
        port = first.port
    with CallbackServer(port) as second:
        assert second.port == port


NOT_OURS = "192.0.2.1"  # documentation's (RFC 5737), so no machine has it


def test_where_the_first_address_cannot_be_had_it_waits_on_ipv6():
    with CallbackServer(0, (NOT_OURS, "::1")) as server:
        server.expect(ExpectedCallback("our-state", None, issuer_required=False))
        assert server.redirect_uri == f"http://[::1]:{server.port}/callback"
        assert request_page(server, callback(), host=f"127.0.0.1:{server.port}")[0] == 404
        status, _ = request_page(server, callback())
        assert (status, server.wait_for_code(5)) == (200, "abc")


def test_a_taken_port_is_not_looked_for_at_another_address(loopback):
    with pytest.raises(InvalidUsage):
        CallbackServer(loopback.port, ("127.0.0.1", "::1"))


def test_a_machine_without_any_of_the_addresses_is_refused():
    with pytest.raises(InvalidUsage):
        CallbackServer(0, (NOT_OURS, NOT_OURS))


def test_after_the_end_nobody_listens():
    with CallbackServer(0) as server:
        port = server.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
