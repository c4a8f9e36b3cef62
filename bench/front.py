"""A server before the sandbox, which passes requests on and may bend each answer."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from gpcli.sandbox.server import Sandbox


@dataclass(frozen=True)
class Asked:
    """One request: its method, its target as it stood on the line, its headers and its body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def holds(self, secret: str) -> bool:
        """Return whether `secret` is anywhere in it."""
        texts = (self.target, *self.headers.values(), self.body.decode("latin-1"))
        return any(secret in text for text in texts)


@dataclass(frozen=True)
class Answered:
    """One answer: its status, its headers and its body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def read_json(self) -> Any:
        """Return the JSON of the body; `None` = it has none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def with_json(self, value: Any) -> Answered:
        """Return the same answer with another body."""
        return replace(self, body=json.dumps(value).encode())


Fault = Callable[[socket.socket], None]
"""Writes to a connection whatever it wants instead of an answer; the connection is closed then."""

Bend = Callable[[Asked, Callable[[], Answered]], "Answered | Fault"]
"""Returns what is answered to a request; its second argument asks the sandbox."""


def pass_on(asked: Asked, ask: Callable[[], Answered]) -> Answered | Fault:
    """Bend nothing."""
    return ask()


class FrontedSandbox(Sandbox):
    """A sandbox that takes the front for its own address."""

    front_url: str | None = None

    @property
    def url(self) -> str:
        """The base URL and issuer: the front's, once there is one."""
        return self.front_url or super().url


class Front(ThreadingHTTPServer):
    """The server: `bend` can be replaced at any time; `asked` are the requests that came."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.behind = urlsplit(behind).netloc
        self.bend: Bend = pass_on
        self.asked: list[Asked] = []

    def forward(self, asked: Asked) -> Answered:
        """Ask the sandbox."""
        connection = http.client.HTTPConnection(self.behind)
        try:
            connection.putrequest(asked.method, asked.target, skip_accept_encoding=True)
            for name, value in asked.headers.items():
                if name.lower() not in {"host", "connection"}:
                    connection.putheader(name, value)
            connection.endheaders(asked.body or None)
            response = connection.getresponse()
            return Answered(response.status, tuple(response.getheaders()), response.read())
        finally:
            connection.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients leave when they have seen enough."""


class _Passing(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client has left
            self.close_connection = True

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        asked = Asked(self.command, self.path, dict(self.headers.items()), body)
        self.server.asked.append(asked)
        answer = self.server.bend(asked, lambda: self.server.forward(asked))
        if isinstance(answer, Answered):
            self._write(answer)
        else:
            self.close_connection = True
            answer(self.connection)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def _write(self, answer: Answered) -> None:
        own = {"content-length", "connection", "transfer-encoding", "date", "server"}
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in own:
                self.send_header(name, value)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(server: ThreadingHTTPServer) -> Iterator[None]:
    """Serve in the background."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@contextmanager
def open_front(**settings: Any) -> Iterator[tuple[FrontedSandbox, Front]]:
    """Start a sandbox and a front; `settings` are the sandbox's."""
    with FrontedSandbox(**settings) as sandbox:
        front = Front(sandbox.url)
        with serve(front):
            sandbox.front_url = front.url
            yield sandbox, front
