"""Ways to the embedded portal: a front that speaks TLS or IPv6, and a proxy."""

from __future__ import annotations

import base64
import http.client
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gpcli.sandbox.server import Sandbox

_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "server", "date", "transfer-encoding"}


class Published(Sandbox):
    """The embedded portal as the world knows it: by the `address` of a front."""

    address = ""

    @property
    def url(self) -> str:
        return self.address


class Front(ThreadingHTTPServer):
    """Hands on every request to `sandbox`, from `host`; with a `context`, encrypted."""

    def __init__(
        self, sandbox: Sandbox, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), _HandingOn)
        self.behind = sandbox
        if context is not None:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def port(self) -> int:
        return self.server_address[1]

    def server_bind(self) -> None:
        """Bind without looking up a name."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust this front hangs up."""


class _HandingOn(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        inner = f"127.0.0.1:{self.server.behind._port}"
        connection = http.client.HTTPConnection(inner, timeout=30)
        connection.request(
            self.command, self.path, body or None, dict(self.headers.items()) | {"Host": inner}
        )
        answer = connection.getresponse()
        self._answer(answer, answer.read())
        connection.close()

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def _answer(self, answer: http.client.HTTPResponse, body: bytes) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class ConnectProxy(ThreadingHTTPServer):
    """A proxy that connects to the ports in `routes`, by `HOST:PORT`; 502 for any other.

    It keeps whom it was asked for. With `answer` it refuses everybody so; with `credentials`
    (`NAME:PASSWORD`) those who don't have them; `silent`, it takes what comes and says nothing.
    """

    def __init__(
        self,
        routes: Mapping[str, int],
        *,
        answer: int | None = None,
        credentials: str | None = None,
        silent: bool = False,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Connecting)
        self.routes = routes
        self.asked: list[str] = []
        self.over = threading.Event()
        self.silent = silent
        self._answer = answer
        self._credentials = credentials

    @property
    def variable(self) -> str:
        """What HTTPS_PROXY says of it."""
        return f"http://{self.name}"

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def refusal(self, target: str, signed: str | None) -> int | None:
        """The status of a refusal, None if `target` is connected to."""
        if self._answer is not None:
            return self._answer
        if self._credentials is not None:
            expected = base64.b64encode(self._credentials.encode()).decode()
            if signed != f"Basic {expected}":
                return 407
        return None if target in self.routes else 502

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up is no news."""


class _Connecting(BaseHTTPRequestHandler):
    server: ConnectProxy

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        if self.server.silent:
            self.server.over.wait(60)
            return
        refused = self.server.refusal(self.path, self.headers.get("Proxy-Authorization"))
        self.send_response(refused or 200)
        self.end_headers()
        if refused is None:
            port = self.server.routes[self.path]
            with socket.create_connection(("127.0.0.1", port)) as there, suppress(OSError):
                _relay(self.connection, there)

    def log_message(self, *_: object) -> None:
        pass


def _relay(here: socket.socket, there: socket.socket) -> None:
    other = {here: there, there: here}
    while True:
        for each in select.select(list(other), [], [])[0]:
            data = each.recv(65_536)
            if not data:
                return
            other[each].sendall(data)


@contextmanager
def serve(server: ThreadingHTTPServer) -> Iterator[Any]:
    """Let `server` serve in a thread of its own."""
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if isinstance(server, ConnectProxy):
            server.over.set()
        server.shutdown()
        thread.join(60)
        server.server_close()
