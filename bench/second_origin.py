"""Links, redirects and names of places by which a token would leave the portal's address.

A part of the attempts again: `python -m bench.second_origin NUMBER COUNT`.
"""

from __future__ import annotations

import json
import os
import posixpath
import random
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

import httpx

from bench.front import (
    Answered,
    Asked,
    Bend,
    Fault,
    Front,
    FrontedSandbox,
    open_front,
    pass_on,
    serve,
)
from bench.lines import Line, list_lines
from bench.link_tricks import TRICKS, list_links
from bench.row import Report, Row, Scale
from gpcli.http.transport import DeadlineTransport
from tests.journeys.shell import Shell, at_once, shell_for
from tests.journeys.world import MONDAY

_SIGNED_IN_BY_TOKEN = "GPCLI_TOKEN"  # noqa: S105  (a variable's name)


_FOLLOWED = (*["next link"] * 8, *["files"] * 3)
"""Tricks by links that a client has to follow, as often as they come besides the others."""


def measure_second_origin(scale: Scale, report: Report) -> Row:
    """Count requests with a token to anywhere but the portal's own address."""
    attempts, parts = scale.pick(10_000, 200), scale.pick(20, 2)
    found = Found()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(try_part, range(parts), [attempts // parts] * parts):
            found.add(part)
            report(f"{found.attempts:,} attempts, {len(found.leaks)} leaks")
    return Row(
        figure="Requests with a token to a second origin",
        to_reach="0",
        measured=str(len(found.leaks)),
        holds=not found.leaks,
        rounds=f"{found.attempts:,} commands, {found.bent:,} bent answers: "
        f"{len(TRICKS)} tricks, {found.links} links",
        details={"leaks": found.leaks[:50], "exit_codes": dict(found.codes)},
    )


@dataclass
class Found:
    """What came of attempts: those that were made, answers that were bent, and leaks."""

    attempts: int = 0
    bent: int = 0
    links: int = 0
    leaks: list[dict[str, Any]] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)

    def add(self, other: Found) -> None:
        """Add what came of others."""
        self.attempts += other.attempts
        self.bent += other.bent
        self.links = max(self.links, other.links)
        self.leaks += other.leaks
        self.codes += other.codes


def try_part(number: int, count: int) -> Found:
    """Make `count` attempts that the portal could take part in, and return what came of them."""
    with open_world() as world:
        world.check_trap()
        attempts = draw_attempts(world, number)
        while world.found.attempts < count:
            world.try_(next(attempts))
        return world.found


@dataclass(frozen=True)
class Attempt:
    """A line that is played while answers lead to `link` by `trick`."""

    line: Line
    trick: str
    link: str


def draw_attempts(world: World, seed: int) -> Iterator[Attempt]:
    """Yield attempts without end, in which each line and link comes equally often.

    So does each trick, but for those that a client has to follow, which come more often.
    """
    draw = random.Random(seed)
    lines = [line for line in list_lines() if line.asks_the_portal and not line.is_about_accounts]
    [saving] = [line for line in lines if line.path == "messages save"]
    pools: list[list[Any]] = [lines, [*TRICKS, *_FOLLOWED], list(world.links)]
    for line, trick, link in zip(*(_shuffle_forever(draw, pool) for pool in pools), strict=True):
        yield Attempt(saving if trick == "files" else line, trick, link)


def _shuffle_forever(draw: random.Random, pool: list[Any]) -> Iterator[Any]:
    while True:
        yield from draw.sample(pool, len(pool))


@dataclass
class World:
    """A portal that bends its answers, servers beside it, and all requests that left."""

    sandbox: FrontedSandbox
    front: Front
    second: _Second
    home: Path
    links: tuple[str, ...]
    found: Found

    def try_(self, attempt: Attempt) -> None:
        """Play one attempt; it counts if an answer was bent."""
        line = attempt.line
        shell = self.build_shell(line)
        token = shell.env[_SIGNED_IN_BY_TOKEN]
        bent_before = self.found.bent
        self.front.asked.clear()
        self.front.bend = self._count_bent(TRICKS[attempt.trick](attempt.link))
        transport = mock.patch("gpcli.http.client.DeadlineTransport", _RecordingTransport)
        with transport, mock.patch("socket.getaddrinfo", _resolve_to_loopback):
            _RecordingTransport.left.clear()
            code = shell(f"gpcli {line.fill(self.sandbox, self.home)} --timeout 5").code
        self.front.bend = pass_on
        self.sandbox.reset()
        for where in self._find_leaks(token):
            self.found.leaks.append({**vars(attempt), "line": line.words, "sent_to": where})
        if self.found.bent > bent_before:
            self.found.attempts += 1
            self.found.codes[code] += 1

    def _count_bent(self, bend: Bend) -> Bend:
        def count(asked: Asked, ask: Callable[[], Answered]) -> Answered | Fault:
            honest: list[Answered] = []

            def ask_and_keep() -> Answered:
                honest.append(ask())
                return honest[-1]

            answer = bend(asked, ask_and_keep)
            self.found.bent += answer not in honest
            return answer

        return count

    def build_shell(self, line: Line) -> Shell:
        """Return the shell of who types `line`, with proxies that would like to see requests."""
        shell = shell_for(self.sandbox, self.home, line.person, self.sandbox.now, line.acting_for)
        names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY")
        proxies = dict.fromkeys(names, self.second.url)
        return Shell({**shell.env, **proxies}, shell.now, sleep=at_once)

    def check_trap(self) -> None:
        """Make sure that a token is seen at each place where it must not come: by sending one.

        Raises: RuntimeError if one is not seen.
        """
        for place in (*self.second.urls, f"{self.front.url}/other"):
            httpx.get(place, headers={"Authorization": "Bearer t-r-a-p"}, trust_env=False)
        found = self._find_leaks("t-r-a-p")
        if len(found) != len(self.second.urls) + 1:
            raise RuntimeError(f"the trap sees only {found}")
        self.second.asked.clear()

    def _find_leaks(self, token: str) -> set[str]:
        """Return where the token went: what servers saw, and what was about to leave."""
        seen = [(url, asked) for url, asked in self.second.asked if asked.holds(token)]
        self.second.asked.clear()
        leaks = {f"{url}{asked.target}" for url, asked in seen}
        base = urlsplit(self.sandbox.fhir_base)
        for asked in self.front.asked:
            if asked.holds(token) and not _is_below(asked.target, base.path):
                leaks.add(f"{self.front.url}{asked.target}")
        for request in _RecordingTransport.left:
            url = urlsplit(str(request.url))
            is_ours = (url.scheme, url.netloc) == (base.scheme, base.netloc)
            held = Asked(request.method, str(request.url), dict(request.headers), request.content)
            if held.holds(token) and not (is_ours and _is_below(url.path, base.path)):
                leaks.add(str(request.url))
        return leaks


def _is_below(target: str, base: str) -> bool:
    """Return whether a path is below `base`, however a server reads it."""
    path = target.partition("?")[0]
    while (read := unquote(path).replace("\\", "/")) != path:
        path = read
    path = "/".join(segment.partition(";")[0] for segment in path.split("/"))
    return f"{posixpath.normpath(path)}/".startswith(f"{base}/")


class _RecordingTransport(DeadlineTransport):
    """gpcli's own transport, which notes each request that is about to leave."""

    left: list[httpx.Request] = []  # noqa: RUF012  (shared by all, so that one place knows all)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Note the request, and send it."""
        self.left.append(request)
        return super().handle_request(request)


def _resolve_to_loopback(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
    """Say of each name that it is this computer, so that whatever is sent there arrives here."""
    address = ("127.0.0.1", int(port or 80))
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]


class _Second:
    """Servers that are not the portal's: other ports and other addresses of this computer."""

    def __init__(self, portal_port: int) -> None:
        self.asked: list[tuple[str, Asked]] = []
        self._servers = [*self._open(portal_port)]
        self.url = self.urls[0]

    @property
    def urls(self) -> list[str]:
        """Their addresses; the first is on a port of its own."""
        return [server.url for server in self._servers]

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Serve in the background."""
        with ExitStack() as stack:
            for server in self._servers:
                stack.enter_context(serve(server))
            yield

    def _open(self, portal_port: int) -> Iterator[_Listener]:
        first = _Listener(socket.AF_INET, "127.0.0.1", 0, self.asked)
        yield first
        port = first.server_address[1]
        yield _Listener(socket.AF_INET, "127.0.0.2", portal_port, self.asked)
        for each in (portal_port, port):
            try:
                yield _Listener(socket.AF_INET6, "::1", int(each), self.asked)
            except OSError:
                continue  # a computer without IPv6


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, family: socket.AddressFamily, host: str, port: int, asked: list[tuple[str, Asked]]
    ) -> None:
        self.address_family = family
        self.asked = asked
        super().__init__((host, port), _Noting)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


class _Noting(BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        asked = Asked(self.command, self.path, dict(self.headers.items()), body)
        self.server.asked.append((self.server.url, asked))
        self.send_response(200)
        self.end_headers()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_CONNECT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def open_world() -> Iterator[World]:
    """Start the portal and the servers beside it."""
    with (
        open_front(clock=MONDAY, seed=1) as (sandbox, front),
        tempfile.TemporaryDirectory() as home,
    ):
        second = _Second(int(front.server_address[1]))
        with second.serve():
            links = list_links(sandbox.fhir_base, second.url)
            yield World(sandbox, front, second, Path(home), links, Found(links=len(links)))


if __name__ == "__main__":
    print(json.dumps(try_part(*map(int, sys.argv[1:3])).leaks, indent=2, default=str))
