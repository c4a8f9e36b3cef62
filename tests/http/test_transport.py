"""Real sockets on loopback: what the deadline, the caps and the proxy do to real bytes."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpcore
import pytest

from gpcli.http.deadline import Deadline
from gpcli.http.network_errors import ConnectionFailed, ResponseTimedOut, UnusableResponse
from gpcli.http.transport import DeadlineBackend, resolve_host

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
SOON = 0.3


def drip(connection: socket.socket, start: bytes, over: threading.Event) -> None:
    connection.sendall(start)
    while not over.wait(0.02):
        connection.sendall(b"x")


def test_an_answer_comes_through_and_its_connection_is_used_again(
    raw_portal, open_client, read_request
):
    def script(connection):
        while read_request(connection):
            connection.sendall(OK)

    portal = raw_portal(script)
    client = open_client(portal.base)
    assert [client.get("Patient/a").body, client.get("Patient/b").body] == [{}, {}]
    assert portal.connections == 1


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n1000\r\n",
    ],
)
def test_dripped_bytes_end_with_the_deadline_wherever_they_drip(
    raw_portal, open_client, read_request, start
):
    def script(connection):
        read_request(connection)
        drip(connection, start, portal.over)

    portal = raw_portal(script)
    with pytest.raises((ResponseTimedOut, ConnectionFailed)) as raised:
        open_client(portal.base, SOON).send("POST", "Appointment", {})
    assert raised.value.sent is True


def test_informational_answers_without_end_end_with_the_deadline(
    raw_portal, open_client, read_request
):
    def script(connection):
        read_request(connection)
        while not portal.over.wait(0.01):
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    portal = raw_portal(script)
    with pytest.raises(ResponseTimedOut):
        open_client(portal.base, SOON).get("Patient/a")


def test_a_portal_that_never_answers_ends_with_the_deadline(raw_portal, open_client, read_request):
    def script(connection):
        read_request(connection)
        portal.over.wait()

    portal = raw_portal(script)
    with pytest.raises(ResponseTimedOut) as raised:
        open_client(portal.base, SOON).get("Patient/a")
    assert raised.value.message == "The portal at 127.0.0.1 did not answer within 0.3 s."


def test_a_portal_that_never_reads_ends_with_the_deadline(raw_portal, open_client):
    portal = raw_portal(lambda connection: portal.over.wait())
    with pytest.raises(ResponseTimedOut) as raised:
        open_client(portal.base, 0.6).send("POST", "Binary", {"data": "x" * 8_000_000})
    assert raised.value.sent is True


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        b"\x16\x03\x01 this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ],
)
def test_a_write_whose_answer_is_cut_or_broken_is_sent_once_and_may_have_been_done(
    raw_portal, open_client, read_request, answer
):
    def script(connection):
        read_request(connection)
        connection.sendall(answer)

    portal = raw_portal(script)
    with pytest.raises(ConnectionFailed) as raised:
        open_client(portal.base).send("POST", "Appointment", {})
    assert (raised.value.sent, portal.connections) == (True, 1)


def test_a_read_survives_a_connection_that_was_cut_once(raw_portal, open_client, read_request):
    def script(connection):
        read_request(connection)
        if portal.connections > 1:
            connection.sendall(OK)

    portal = raw_portal(script)
    assert open_client(portal.base).get("Patient/a").body == {}


def test_an_endless_body_is_a_bad_answer(raw_portal, open_client, read_request):
    def script(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not portal.over.is_set():
            connection.sendall(b" " * 65_536)

    portal = raw_portal(script)
    with pytest.raises(UnusableResponse, match="it is larger than 2 MB"):
        open_client(portal.base, max_bytes=2 * 1024 * 1024).get("Patient/a")


def test_nothing_answers_at_a_closed_port(open_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed) as raised:
        open_client(f"http://127.0.0.1:{port}").send("POST", "Appointment", {})
    assert raised.value.sent is False
    assert raised.value.message == (
        "The portal at 127.0.0.1 can't be reached: nothing answers there."
    )


def test_a_request_to_a_second_origin_never_leaves_even_by_a_redirect(
    raw_portal, open_client, read_request
):
    received = []
    second = raw_portal(lambda connection: received.append(read_request(connection)))

    def script(connection):
        read_request(connection)
        location = f"Location: {second.base}/Patient/a\r\n".encode()
        connection.sendall(b"HTTP/1.1 307 Moved\r\n" + location + b"Content-Length: 0\r\n\r\n")

    first = raw_portal(script)
    assert open_client(first.base).get("Patient/a").status == 307
    assert (received, second.connections) == ([], 0)


def test_https_goes_through_the_proxy_by_connect_and_shows_it_no_token(
    raw_portal, open_client, read_request
):
    received = []

    def script(connection):
        received.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    proxy = raw_portal(script)
    env = {"HTTPS_PROXY": f"http://ada:pass@127.0.0.1:{proxy.port}"}
    client = open_client("https://portal.example/fhir", env=env, bearer=Fixed("secret-token"))
    with pytest.raises(ConnectionFailed) as raised:
        client.send("POST", "Appointment", {})
    assert raised.value.sent is False
    assert raised.value.message == (
        f"The proxy 127.0.0.1:{proxy.port} refuses the way to portal.example (403)."
    )
    assert received[0].startswith(b"CONNECT portal.example:443 HTTP/1.1\r\n")
    assert b"proxy-authorization: Basic YWRhOnBhc3M=" in received[0].lower().replace(
        b"basic ywrhonbhc3m=", b"Basic YWRhOnBhc3M="
    )
    assert b"secret-token" not in b"".join(received)


def test_a_proxy_that_is_not_there_is_not_taken_for_the_portal(open_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        name = f"127.0.0.1:{listener.getsockname()[1]}"
    env = {"HTTPS_PROXY": f"http://{name}"}
    with pytest.raises(ConnectionFailed) as raised:
        open_client("https://portal.example/fhir", env=env).send("POST", "Appointment", {})
    assert raised.value.message == (f"The proxy {name} can't be reached: nothing answers there.")
    assert (raised.value.sent, "HTTPS_PROXY" in raised.value.hint) == (False, True)


def behind(proxy) -> dict[str, str]:
    return {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"\x16\x03\x01 no HTTP\r\n\r\n"])
def test_a_proxy_that_breaks_off_has_sent_nothing_on(raw_portal, open_client, read_request, answer):
    def script(connection):
        read_request(connection)
        connection.sendall(answer)

    proxy = raw_portal(script)
    with pytest.raises(ConnectionFailed) as raised:
        open_client("https://portal.example", env=behind(proxy)).send("POST", "Appointment", {})
    assert raised.value.sent is False
    assert raised.value.message == (
        f"The proxy 127.0.0.1:{proxy.port} did not open the way to portal.example: "
        "the connection was cut."
    )


def test_a_proxy_that_never_answers_has_sent_nothing_on(raw_portal, open_client):
    proxy = raw_portal(lambda connection: proxy.over.wait())
    with pytest.raises(ResponseTimedOut) as raised:
        open_client("https://portal.example", SOON, env=behind(proxy)).send(
            "POST", "Appointment", {}
        )
    assert raised.value.sent is False
    assert raised.value.message == (
        f"The proxy 127.0.0.1:{proxy.port} did not answer within 0.3 s."
    )


@pytest.mark.parametrize(
    ("status", "tries"), [(400, 1), (403, 1), (407, 1), (502, 4), (503, 4), (504, 4)]
)
def test_only_a_proxy_that_may_do_better_is_asked_again(
    raw_portal, open_client, read_request, status, tries
):
    def script(connection):
        read_request(connection)
        connection.sendall(f"HTTP/1.1 {status} \x1b[2Jno\r\nContent-Length: 0\r\n\r\n".encode())

    proxy = raw_portal(script)
    with pytest.raises(ConnectionFailed) as raised:
        open_client("https://portal.example", env=behind(proxy)).get("Patient/a")
    assert (proxy.connections, "\x1b" in raised.value.message) == (tries, False)


class Fixed:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, client) -> str:
        return self._token

    def renew_token(self, client, stale: str) -> str:
        raise AssertionError("not asked for")


def backend(seconds: float, resolve_host) -> DeadlineBackend:
    return DeadlineBackend(Deadline(seconds), resolve_host)


def test_a_name_that_is_never_found_out_ends_with_the_deadline():
    forever = threading.Event()
    try:
        with pytest.raises(httpcore.ConnectTimeout):
            backend(0.1, lambda host, port: forever.wait() and []).connect_tcp("a.example", 443)
    finally:
        forever.set()


def test_a_name_that_nobody_knows_says_so():
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(httpcore.ConnectError) as raised:
        backend(5, unknown).connect_tcp("a.example", 443)
    assert isinstance(raised.value.__cause__, socket.gaierror)


def test_a_name_that_cannot_be_encoded_is_unknown():
    def broken(host: str, port: int) -> list[str]:
        raise UnicodeError("label too long")

    with pytest.raises(httpcore.ConnectError) as raised:
        backend(5, broken).connect_tcp("a" * 70 + ".example", 443)
    assert isinstance(raised.value.args[0], socket.gaierror)


def test_the_second_address_is_tried_when_the_first_refuses(raw_portal):
    portal = raw_portal(lambda connection: connection.sendall(b"hello"))
    stream = backend(5, lambda host, port: ["::1", "127.0.0.1"]).connect_tcp(
        "portal.example", portal.port
    )
    assert stream.read(5) == b"hello"
    stream.close()


def test_a_name_without_addresses_is_no_connection():
    with pytest.raises(httpcore.ConnectError):
        backend(5, lambda host, port: []).connect_tcp("portal.example", 443)


def test_addresses_are_resolved_once_each():
    assert resolve_host("127.0.0.1", 443) == ["127.0.0.1"]


def test_one_client_serves_several_threads(raw_portal, open_client, read_request):
    def script(connection):
        while read_request(connection):
            connection.sendall(OK)

    client = open_client(raw_portal(script).base)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: client.get(f"Slot/{n}").status, range(40)))
    assert answers == [200] * 40
