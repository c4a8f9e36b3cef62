"""Test what connections that ask for nothing cost the others: sockets by the thousand."""

import json
import resource
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gpcli.sandbox.server import MAX_CONNECTIONS, Sandbox
from tests.loopback import NO_CERTIFICATES

MANY = 1_200
"""More than waitress's connections and the system's queue of waiting ones together."""
KEEP_ALIVE = b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /device_authorization HTTP/1.1\r\nHost: 127.0.0.1\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
HALVES = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "half a body": POST + b"Content-Length: 9\r\n\r\na=1",
    "half a body in chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\na=1",
    "a body that may be sent": POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    "an answered request": KEEP_ALIVE,
}
DRIPS = {"blank lines": b"\r\n\r\n", "a head": b"X-A: b\r\n", "a body": b"a"}


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * MANY)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def sandbox(people: Path, state: Path) -> Iterator[Sandbox]:
    with Sandbox(people=people, state=state) as running:
        yield running


@pytest.fixture
def held() -> Iterator[list[socket.socket]]:
    """The connections that a test keeps open, the oldest first."""
    opened: list[socket.socket] = []
    yield opened
    for each in opened:
        each.close()


def connect(sandbox: Sandbox, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", httpx.URL(sandbox.url).port or 0))
    connection.settimeout(60)
    send(connection, sent)
    return connection


def send(connection: socket.socket, sent: bytes) -> None:
    connection.sendall(sent)
    if sent == KEEP_ALIVE:
        read_head(connection)


def read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        assert piece, head
        head += piece
    return head


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def ask(sandbox: Sandbox) -> int:
    """Ask as a client does; whoever connected before has been accepted when this returns."""
    url = f"{sandbox.url}/.well-known/smart-configuration"
    return httpx.get(url, timeout=60, verify=NO_CERTIFICATES).status_code


@pytest.mark.real  # sheer size
@pytest.mark.parametrize("half", HALVES)
def test_a_client_is_answered_while_others_ask_for_nothing(
    sandbox: Sandbox, held: list[socket.socket], half: str
) -> None:
    held += [connect(sandbox, HALVES[half]) for _ in range(MANY)]

    status = ask(sandbox)

    assert status == 200


def test_those_that_have_been_idle_longest_are_closed_first(
    sandbox: Sandbox, held: list[socket.socket]
) -> None:
    halves = [half for half in HALVES.values() if b"Expect" not in half]
    held += [connect(sandbox, halves[number % len(halves)]) for number in range(300)]
    ask(sandbox)

    closed = [is_closed(each) for each in held]

    assert closed == sorted(closed, reverse=True)
    assert 0 < MAX_CONNECTIONS - closed.count(False) < 10


@pytest.mark.parametrize("drip", DRIPS)
def test_dripping_does_not_keep_a_connection_open_and_an_answer_does(
    sandbox: Sandbox, held: list[socket.socket], drip: str
) -> None:
    begun = {"a head": HALVES["half a head"], "a body": POST + b"Content-Length: 999\r\n\r\n"}
    dripping, asking = connect(sandbox, begun.get(drip, b"")), connect(sandbox, KEEP_ALIVE)
    held += [dripping, asking]
    for _ in range(MAX_CONNECTIONS - 20):
        held.append(connect(sandbox))
        dripping.sendall(DRIPS[drip])
    ask(sandbox)
    send(asking, KEEP_ALIVE)
    dripping.sendall(DRIPS[drip])

    held += [connect(sandbox) for _ in range(30)]
    ask(sandbox)

    assert (is_closed(dripping), is_closed(asking)) == (True, False)


def test_a_request_that_takes_long_is_answered_whoever_connects_meanwhile(
    sandbox: Sandbox, state: Path, held: list[socket.socket]
) -> None:
    form = b"client_id=gpcli&scope=openid"
    other_writer = sqlite3.connect(state / "portal.sqlite", isolation_level=None)
    other_writer.execute("BEGIN IMMEDIATE")
    slow = connect(sandbox, POST + FORM + b"Content-Length: %d\r\n\r\n" % len(form) + form)
    held += [slow, *(connect(sandbox) for _ in range(2 * MAX_CONNECTIONS))]
    ask(sandbox)
    other_writer.execute("ROLLBACK")
    other_writer.close()

    assert read_head(slow)[:12] == b"HTTP/1.1 200"


def test_a_large_body_that_is_never_finished_leaves_no_file_behind(
    sandbox: Sandbox, held: list[socket.socket]
) -> None:
    large = POST + b"Content-Length: 4000000\r\n\r\n" + bytes(1_000_000)
    held.append(connect(sandbox, large))
    held += [connect(sandbox) for _ in range(2 * MAX_CONNECTIONS)]
    held.append(connect(sandbox, large))
    ask(sandbox)

    sandbox.stop()  # a file that is left open is a ResourceWarning, and that an error

    assert is_closed(held[0])
    assert is_closed(held[-1])


def test_a_disk_that_is_full_ends_the_connection_and_not_the_portal(
    sandbox: Sandbox, held: list[socket.socket]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, hard))
    held.append(connect(sandbox, POST + b"Content-Length: 30000000\r\n\r\n"))
    try:
        with pytest.raises(ConnectionError):
            held[0].sendall(bytes(30_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert ask(sandbox) == 200


@pytest.mark.parametrize("begun", [b"", b"0\r\nX-Last: "], ids=["a chunk's head", "a trailer"])
def test_what_stands_around_chunks_has_a_limit(
    sandbox: Sandbox, held: list[socket.socket], begun: bytes
) -> None:
    held.append(connect(sandbox, POST + b"Transfer-Encoding: chunked\r\n\r\n" + begun))
    held[0].sendall(b"a" * 10_000)

    assert read_head(held[0])[:12] == b"HTTP/1.1 400"


def test_a_body_in_chunks_is_read_whole(sandbox: Sandbox) -> None:
    token = sandbox.issue_token("zoe").access_token
    batch = json.dumps({"resourceType": "Bundle", "type": "batch", "id": "a" * 50_000}).encode()
    pieces = (batch[start : start + 999] for start in range(0, len(batch), 999))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}

    answer = httpx.post(sandbox.fhir_base, content=pieces, headers=headers, verify=NO_CERTIFICATES)

    assert answer.json() == {"resourceType": "Bundle", "type": "batch-response"}
