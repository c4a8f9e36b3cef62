"""The page that the browser is sent back to: a loopback server for one answer (RFC 8252, 7.3)."""

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

from gpcli.errors import InvalidUsage, SignInRefused

_REFUSALS = {
    "access_denied": "The sign-in was refused at the portal's page.",
    "login_required": "The portal could not sign you in without asking.",
    "temporarily_unavailable": "The portal's sign-in is busy; try again later.",
    "server_error": "The portal's sign-in failed; try again later.",
}


class ForeignCallback(ValueError):
    """The callback belongs to an older try, or is no callback at all."""


@dataclass(frozen=True)
class ExpectedCallback:
    """What must come back: our `state`, and the `issuer` (always, if `issuer_required`)."""

    state: str
    issuer: str | None
    issuer_required: bool


def read_code(query: str, expected: ExpectedCallback) -> str:
    """The authorization code in a callback's query.

    Raises ForeignCallback if the state isn't ours, errors.SignInRefused if the portal refused or
    somebody else than the portal answered.
    """
    said = _read(query)
    if not hmac.compare_digest(said.get("state", "").encode(), expected.state.encode()):
        raise ForeignCallback("state")
    _check_issuer(said.get("iss"), expected)
    if "error" in said:
        raise SignInRefused(
            _REFUSALS.get(said["error"], "The portal refused the sign-in."),
            hint="gpcli login tries again.",
        )
    if not said.get("code"):
        raise SignInRefused("The portal's answer has no sign-in code.")
    return said["code"]


def extract_query(pasted: str, redirect_uri: str) -> str:
    """The query of a callback URL that somebody pasted; raises ForeignCallback if it is not one."""
    try:
        url = urlsplit(pasted.strip())
    except ValueError:
        raise ForeignCallback("not a URL") from None
    if url._replace(query="", fragment="").geturl() != redirect_uri:
        raise ForeignCallback("not a callback")
    return url.query


def _read(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise ForeignCallback("not a query") from None
    said = dict(pairs)
    if len(said) != len(pairs):
        raise ForeignCallback("a value twice")
    return said


def _check_issuer(named: str | None, expected: ExpectedCallback) -> None:
    if named is None and not expected.issuer_required:
        return
    if expected.issuer is not None and named is not None and named == expected.issuer:
        return
    raise SignInRefused(
        "The sign-in was answered by somebody else than the portal's sign-in service; stopped."
    )


_PAGE_WORDS = {
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
    """The page for `kind`: `done`, `refused`, `older` (try), `used` (before), `none` (of these)."""
    title, text = _PAGE_WORDS[kind]
    return _PAGE.format(kind=kind, title=title, text=text, style=_STYLE)


PATH = "/callback"
ADDRESSES = ("127.0.0.1", "::1")
"""Where to wait: the first that this machine has."""
_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}

Outcome = str | SignInRefused


class CallbackServer:
    """Waits on the first of `addresses` for the portal's one answer; a context manager.

    `port` 0 takes any free port. Raises errors.Usage if the port is taken.
    """

    def __init__(self, port: int, addresses: Sequence[str] = ADDRESSES) -> None:
        self._expected: ExpectedCallback | None = None
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._settled = threading.Event()
        try:
            self._server = self._listening(port, addresses)
        except OSError as trouble:
            raise InvalidUsage(
                f"Port {port} is taken by another program.",
                hint="--port N chooses another one, if the portal allows it.",
            ) from trouble
        self.port: int = self._server.server_port
        self.host = self._server.server_name
        self.origin = f"{self.host}:{self.port}"
        self.redirect_uri = f"http://{self.origin}{PATH}"
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
        """Say what a good answer holds; until then every answer is from an older try."""
        self._expected = expected

    def code(self, patience: float) -> str | None:
        """The code, None if none came within `patience` seconds; raises errors.SignInRefused."""
        try:
            outcome = self._outcomes.get(timeout=patience)
        except queue.Empty:
            return None
        if isinstance(outcome, SignInRefused):
            raise outcome
        return outcome

    def judge(self, query: str) -> tuple[str, Outcome | None]:
        """Which page answers `query`, and the outcome if it settles the sign-in."""
        if self._expected is None or self._settled.is_set():
            return ("used" if self._settled.is_set() else "older"), None
        try:
            outcome: Outcome = read_code(query, self._expected)
        except ForeignCallback:
            return "older", None
        except SignInRefused as refused:
            outcome = refused
        self._settled.set()
        return ("done" if isinstance(outcome, str) else "refused"), outcome

    def _listening(self, port: int, addresses: Sequence[str]) -> _Server:
        for address in addresses[:-1]:
            try:
                return _Server(address, port, self._handler())
            except OSError as trouble:
                if trouble.errno not in _ABSENT:
                    raise
        return _Server(addresses[-1], port, self._handler())

    def _handler(self) -> Callable[..., BaseHTTPRequestHandler]:
        return lambda *arguments: _Handler(self, *arguments)

    def settle(self, outcome: Outcome) -> None:
        """Hand over what came, once the browser has its page."""
        self._outcomes.put(outcome)


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    """Browsers open connections ahead and leave them silent, so each has its own thread."""

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
        """A browser that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 5

    def __init__(self, loopback: CallbackServer, *arguments: Any) -> None:
        self._loopback = loopback
        super().__init__(*arguments)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self.headers.get("Host") != self._loopback.origin or url.path != PATH:
            self._reply(404, "none")
            return
        page, outcome = self._loopback.judge(url.query)
        self._reply(200 if page in {"done", "refused"} else 400, page)
        if outcome is not None:
            self._loopback.settle(outcome)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self._reply(code, "none")  # the library's own page would repeat what was asked

    def version_string(self) -> str:
        return "gpcli"

    def log_message(self, format: str, *args: Any) -> None:
        """The library would write the code to stderr."""

    def _reply(self, status: int, page: str) -> None:
        body = render_callback_page(page).encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
