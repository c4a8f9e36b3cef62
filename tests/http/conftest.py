"""Portals for HttpClient: responses from a function, or a real loopback server that misbehaves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from gpcli.http.client import HttpClient, RequestLog
from gpcli.http.deadline import Deadline

BASE = "https://portal.example/fhir/R4"


class Clock:
    """Monotonic seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


class ScriptedPortal:
    """A client of a portal that answers from a list, with its requests and log."""

    def __init__(self, answers: list[httpx.Response | Exception], seconds: float, **options):
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.lines: list[RequestLog] = []
        self.clock = Clock()
        numbers = iter(range(1, 100))
        self.client = HttpClient(
            options.pop("base", BASE),
            deadline=Deadline(seconds, self.clock),
            env={},
            transport=httpx.MockTransport(self._answer),
            log=self.lines.append,
            sleep=self.clock.sleep,
            random=lambda: 1.0,
            new_trace_id=lambda: f"request-{next(numbers)}",
            **options,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def script_portal() -> Callable[..., ScriptedPortal]:
    """A client whose portal gives these answers (responses or exceptions), one after the other."""

    def build(
        *answers: httpx.Response | Exception, seconds: float = 30.0, **options
    ) -> ScriptedPortal:
        return ScriptedPortal(list(answers), seconds, **options)

    return build


class RawPortal:
    """A loopback server that lets `script` do with each connection what it likes."""

    def __init__(self, script: Callable[[socket.socket], None]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}/fhir/R4"
        self.connections = 0
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._script(connection)

    def close(self) -> None:
        self.over.set()
        self._listener.close()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 0.1).close()
        self._thread.join(60)


@pytest.fixture
def raw_portal() -> Iterator[Callable[[Callable[[socket.socket], None]], RawPortal]]:
    """Start raw portals; they end with the test."""
    started: list[RawPortal] = []

    def start(script: Callable[[socket.socket], None]) -> RawPortal:
        started.append(RawPortal(script))
        return started[-1]

    yield start
    for portal in started:
        portal.close()


@pytest.fixture
def open_client() -> Iterator[Callable[..., HttpClient]]:
    """Clients with real sockets, closed with the test. `seconds` is the deadline."""
    opened: list[HttpClient] = []

    def build(base: str, seconds: float = 5.0, **options) -> HttpClient:
        options = {"env": {}, "sleep": lambda _: None} | options
        opened.append(HttpClient(base, deadline=Deadline(seconds), **options))
        return opened[-1]

    yield build
    for client in opened:
        client.close()


@pytest.fixture
def read_request() -> Callable[[socket.socket], bytes]:
    """Read one request's head from a connection."""

    def read(connection: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65_536)
            if not piece:
                return head
            head += piece
        return head

    return read
