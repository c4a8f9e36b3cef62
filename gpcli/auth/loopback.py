"""A loopback server for the callback of a sign-in in the browser (RFC 8252, 7.3), and its pages."""

from __future__ import annotations

import errno
import hmac
import os
import queue
import socket
import socketserver
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from gpcli.auth.oauth_errors import OAuthError, read_redirect_error
from gpcli.errors import InvalidUsage, SignInRefused

CALLBACK_PATH = "/callback"
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
"""The addresses to listen on, the preferred one first."""
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


class CallbackRefused(Exception):
    """Raised when the portal's answer is an error, which `error` tells."""

    def __init__(self, error: OAuthError) -> None:
        super().__init__(error.word)
        self.error = error


CallbackOutcome = str | SignInRefused | CallbackRefused
"""The authorization code, or why there is none."""


class ForeignCallback(ValueError):
    """Raised when a callback is of an earlier sign-in, or is no callback at all."""


@dataclass(frozen=True)
class ExpectedCallback:
    """What a callback must have.

    Without `issuer_required` it may leave out the issuer (RFC 9207); one that it has must be
    `issuer`, so `None` accepts none.
    """

    state: str
    issuer: str | None
    issuer_required: bool


def read_code(query: str, expected: ExpectedCallback) -> str:
    """Return the authorization code in a callback's query.

    Raises: ForeignCallback if the state is another, CallbackRefused if the portal refused,
    SignInRefused if the callback has another issuer or no code.
    """
    parameters = _parse_query(query)
    if not hmac.compare_digest(parameters.get("state", "").encode(), expected.state.encode()):
        raise ForeignCallback("state")
    _check_issuer(parameters.get("iss"), expected)
    error = read_redirect_error(parameters)
    if error is not None:
        raise CallbackRefused(error)
    if not parameters.get("code"):
        raise SignInRefused("The portal's answer has no sign-in code.")
    return parameters["code"]


def extract_query(pasted: str, redirect_uri: str) -> str:
    """Return the query of a pasted callback URL; raise ForeignCallback if it is not one."""
    try:
        url = urlsplit(pasted.strip())
    except ValueError:
        raise ForeignCallback("not a URL") from None
    if url._replace(query="", fragment="").geturl() != redirect_uri:
        raise ForeignCallback("not a callback")
    return url.query


def _parse_query(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise ForeignCallback("not a query") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise ForeignCallback("a value twice")
    return parameters


def _check_issuer(issuer: str | None, expected: ExpectedCallback) -> None:
    if issuer is None and not expected.issuer_required:
        return
    if expected.issuer is not None and issuer is not None and issuer == expected.issuer:
        return
    raise SignInRefused(
        "The sign-in was answered by somebody else than the portal's sign-in service; stopped."
    )


_PAGE_TEXTS = {
    "done": (
        "Go back to the terminal",
        "The portal has answered, and gpcli goes on there. You can close this window.",
    ),
    "refused": (
        "You are not signed in",
        "The terminal says why, and what to do. You can close this window.",
    ),
    "older": (
        "This page is from an earlier try",
        "Nothing was changed by it. Use the page that gpcli opened last, or run gpcli login again.",
    ),
    "used": (
        "This is done already",
        "gpcli has its answer and goes on in the terminal. You can close this window.",
    ),
    "none": ("There is nothing here", "gpcli waits for the end of a sign-in, at another address."),
}
_STYLE = """
:root { color-scheme: light dark; --page: #f3f5f4; --card: #fff; --ink: #17211f; --soft: #51605c;
  --line: #cfd8d5; --accent: #0b5d52; }
@media (prefers-color-scheme: dark) { :root { --page: #101615; --card: #18211f; --ink: #e8efed;
  --soft: #a8b7b3; --line: #33413e; --accent: #6fd3c1; } }
body { margin: 0; padding: 12vh 1rem 2rem; background: var(--page); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { box-sizing: border-box; max-width: 34rem; margin: 0 auto; padding: 2rem;
  background: var(--card); border: 1px solid var(--line); border-top: .3rem solid var(--accent);
  border-radius: .8rem; }
h1 { margin: 0 0 .5rem; font-size: 1.625rem; line-height: 1.25; text-wrap: balance; }
p { margin: 0; color: var(--soft); }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – gpcli</title>
<style>{style}</style>
</head>
<body><main id="{kind}"><h1>{title}</h1><p>{text}</p></main></body>
</html>
"""


def render_callback_page(kind: str) -> str:
    """Return the HTML page for `kind`, which is a key of `_PAGE_TEXTS`."""
    title, text = _PAGE_TEXTS[kind]
    return _PAGE.format(kind=kind, title=title, text=text, style=_STYLE)


class CallbackServer:
    """A server for one callback, on the first of `addresses` that this machine has.

    It serves while its context manager is entered. `port` 0 takes any free port; the attribute
    `port` is the one taken. `redirect_uri` is where the portal has to send the browser.
    Raises: InvalidUsage if the port is taken.
    """

    def __init__(self, port: int, addresses: Sequence[str] = LOOPBACK_ADDRESSES) -> None:
        self._expected: ExpectedCallback | None = None
        self._outcomes: queue.SimpleQueue[CallbackOutcome] = queue.SimpleQueue()
        self._has_outcome = threading.Event()
        try:
            self._server = self._open_server(port, addresses)
        except OSError as error:
            raise InvalidUsage(
                f"Port {port} is taken by another program.",
                hint="--port N chooses another one, if the portal allows it.",
            ) from error
        self.port: int = self._server.server_port
        self.host = self._server.server_name
        self.origin = f"{self.host}:{self.port}"
        self.redirect_uri = f"http://{self.origin}{CALLBACK_PATH}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="gpcli-callback", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def expect(self, expected: ExpectedCallback) -> None:
        """Set what a callback must have; until then, every callback is of an earlier sign-in."""
        self._expected = expected

    def wait_for_code(self, timeout: float) -> str | None:
        """Return the code, None if none came in `timeout` seconds.

        Raises: CallbackRefused, SignInRefused.
        """
        try:
            outcome = self._outcomes.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(outcome, str):
            return outcome
        raise outcome

    def evaluate(self, query: str) -> tuple[str, CallbackOutcome | None]:
        """Return the kind of page for a callback's `query`, and the outcome if that decides it.

        The kinds are the keys of `_PAGE_TEXTS`. Only the first outcome counts.
        """
        if self._expected is None or self._has_outcome.is_set():
            return ("used" if self._has_outcome.is_set() else "older"), None
        try:
            outcome: CallbackOutcome = read_code(query, self._expected)
        except ForeignCallback:
            return "older", None
        except (SignInRefused, CallbackRefused) as error:
            outcome = error
        self._has_outcome.set()
        return ("done" if isinstance(outcome, str) else "refused"), outcome

    def _open_server(self, port: int, addresses: Sequence[str]) -> _LoopbackHttpServer:
        for address in addresses[:-1]:
            try:
                return _LoopbackHttpServer(address, port, self._create_handler)
            except OSError as error:
                if error.errno not in _NO_SUCH_ADDRESS:
                    raise
        return _LoopbackHttpServer(addresses[-1], port, self._create_handler)

    def _create_handler(self, *arguments: Any) -> BaseHTTPRequestHandler:
        return _CallbackHandler(self, *arguments)

    def publish_outcome(self, outcome: CallbackOutcome) -> None:
        """Make `wait_for_code` end; called when the browser has its page."""
        self._outcomes.put(outcome)


class _LoopbackHttpServer(socketserver.ThreadingMixIn, HTTPServer):
    """An HTTP server with a thread per connection: browsers open some that they don't use.

    What is overridden here and in the handler is what the documentation of socketserver and
    http.server names for it.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let others take the port

    def __init__(self, address: str, port: int, handler: Callable[..., Any]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.server_name = f"[{address}]" if ":" in address else address
        super().__init__((address, port), handler)

    def server_bind(self) -> None:
        """Bind without looking up a name for the address, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_port = int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write nothing: browsers often close connections early."""


class _CallbackHandler(BaseHTTPRequestHandler):
    timeout = 5  # seconds

    def __init__(self, callback_server: CallbackServer, *arguments: Any) -> None:
        self._server = callback_server
        super().__init__(*arguments)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self.headers.get("Host") != self._server.origin or url.path != CALLBACK_PATH:
            self._write_page(404, "none")
            return
        kind, outcome = self._server.evaluate(url.query)
        self._write_page(200 if kind in {"done", "refused"} else 400, kind)
        if outcome is not None:
            self._server.publish_outcome(outcome)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self._write_page(code, "none")  # the page of http.server would repeat the request

    def version_string(self) -> str:
        return "gpcli"

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: http.server would write the URL, with the code, to standard error."""

    def _write_page(self, status: int, kind: str) -> None:
        body = render_callback_page(kind).encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
