"""A session bus that lets one in and then says nothing, or nonsense."""

import socket
import sys
import threading
from contextlib import suppress

import pytest

from gpcli.changes.desktop import choose_notify
from gpcli.changes.telling import TellingFailed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the session bus is Linux's")


def read_until(connection: socket.socket, end: bytes) -> None:
    said = b""
    while end not in said and (piece := connection.recv(1024)):
        said += piece


@pytest.fixture
def bad_bus(tmp_path):
    """Start a bus that authenticates whoever comes, and then sends these bytes."""
    over, threads, listener = threading.Event(), [], socket.socket(socket.AF_UNIX)
    place = tmp_path / "bus"
    listener.bind(str(place))
    listener.listen()

    def serve(sent: bytes) -> None:
        connection, _ = listener.accept()
        with connection:
            read_until(connection, b"\r\n")
            connection.sendall(b"OK 1234\r\n")
            read_until(connection, b"BEGIN\r\n")
            with suppress(OSError):  # who comes may have gone at the first byte
                connection.sendall(sent)
            over.wait(20)

    def start(sent: bytes) -> str:
        threads.append(threading.Thread(target=serve, args=(sent,)))
        threads[-1].start()
        return f"unix:path={place}"

    yield start
    over.set()
    for thread in threads:
        thread.join(20)
    listener.close()


def test_one_that_says_nothing_is_left_after_the_time_limit(bad_bus):
    with pytest.raises(TellingFailed, match=r"^The desktop did not answer within 0\.3 s\.$"):
        choose_notify("linux", bad_bus(b""), {}, patience=0.3)("gpcli", "new")


NONSENSE = (b"x" * 64, bytes(64), b"l\x09\x00\x01" + bytes(60), bytes(range(256)) * 16, b"l" * 4096)


@pytest.mark.parametrize("sent", NONSENSE)
def test_one_that_says_nonsense_is_none(bad_bus, sent):
    with pytest.raises(TellingFailed):
        choose_notify("linux", bad_bus(sent), {}, patience=0.3)("gpcli", "new")
