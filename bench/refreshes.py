"""Twenty processes whose token ends at the same moment: how many token requests they make."""

from __future__ import annotations

import json
import multiprocessing
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from bench.row import Report, Row, Scale
from gpcli.auth.bearer import SessionBearer
from gpcli.auth.keyring_vault import KeyringVault
from gpcli.auth.session import StoredSession
from gpcli.errors import GpcliError
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline

PROCESSES = 20
ACCOUNT = "ada"
SLOWEST_ANSWER = 0.03
"""Seconds that the token endpoint takes at most, so that requests can meet."""

EXPIRED, REFUSED = "expired", "refused"
"""Why a token is renewed: its time is over, or the portal answered 401."""

LIFE = {EXPIRED: 0.0, REFUSED: 3600.0}
"""Seconds that the stored token is still good for when a round begins."""


def measure_refreshes(scale: Scale, report: Report) -> Row:
    """Count token requests and revoked sessions when processes share nothing but files."""
    rounds = scale.pick(100, 10)
    wrong: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as directory,
        _serve() as endpoint,
        _start_workers(Path(directory), endpoint.base) as workers,
    ):
        vault = open_file_vault(Path(directory))
        for number in range(rounds):
            why = REFUSED if number % 4 == 3 else EXPIRED
            outcome = _play_round(endpoint, workers, vault, why)
            if outcome != _Outcome(1, False, {endpoint.token: PROCESSES}):
                wrong.append({"round": number, "why": why, **vars(outcome)})
                report(f"round {number}: {outcome}")
    requests, revoked = endpoint.total, endpoint.revocations
    return Row(
        figure=f"{PROCESSES} processes when their token ends",
        to_reach="1 token request each time, 0 revocations",
        measured=f"{requests} token requests in {rounds} rounds, {revoked} revocations",
        holds=not wrong and requests == rounds,
        rounds=f"{rounds} rounds, {PROCESSES * rounds:,} tokens asked for",
        details={"wrong": wrong},
    )


@dataclass(frozen=True)
class _Outcome:
    """One round: token requests, whether the session was revoked, what the processes were given."""

    requests: int
    revoked: bool
    answers: dict[str, int]


def _play_round(
    endpoint: _Endpoint, workers: list[Connection], vault: KeyringVault, why: str
) -> _Outcome:
    vault.save(ACCOUNT, endpoint.begin(LIFE[why]))
    for worker in workers:
        worker.send(why)
    answers = Counter(worker.recv() for worker in workers)
    return _Outcome(endpoint.requests, endpoint.is_revoked, dict(answers))


@contextmanager
def _start_workers(place: Path, base: str) -> Iterator[list[Connection]]:
    """Start the processes, which wait to be told why to ask for a token."""
    starter = multiprocessing.get_context("forkserver")
    starter.set_forkserver_preload([__name__])
    barrier = starter.Barrier(PROCESSES)
    pipes = [starter.Pipe() for _ in range(PROCESSES)]
    processes = [
        starter.Process(target=_work, args=(place, base, barrier, theirs)) for _, theirs in pipes
    ]
    for process in processes:
        process.start()
    try:
        yield [ours for ours, _ in pipes]
    finally:
        for ours, _ in pipes:
            ours.send(None)
        for process in processes:
            process.join(30)


def _work(place: Path, base: str, barrier: Barrier, orders: Connection) -> None:
    """Ask for a token each time when told to, all processes at once, as a new command does."""
    while (why := orders.recv()) is not None:
        vault = open_file_vault(place)
        session = vault.load(ACCOUNT)
        bearer = SessionBearer(vault, ACCOUNT, place / "locks", place / "cache", time.time, session)
        barrier.wait()
        with HttpClient(base, deadline=Deadline(60), env={}) as client:
            try:
                token = bearer.get_token(client)
                if why == REFUSED:
                    token = bearer.renew_token(client, token)
            except GpcliError as error:
                token = error.code
        orders.send(token)


class _FileKeyring:
    """A keyring backend whose items are files, so that processes share them."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def get_password(self, service: str, username: str) -> str | None:
        """Return the item, None if there is none."""
        path = self._place / f"{service}-{username}"
        return path.read_text(encoding="utf-8") if path.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the item, whole or not at all."""
        draft = Path(tempfile.mkstemp(dir=self._place)[1])
        draft.write_text(password, encoding="utf-8")
        draft.replace(self._place / f"{service}-{username}")

    def delete_password(self, service: str, username: str) -> None:
        """Delete the item."""
        (self._place / f"{service}-{username}").unlink()


def open_file_vault(place: Path) -> KeyringVault:
    """Return gpcli's own vault over a keyring of files."""
    return KeyringVault(_FileKeyring(place))


class _Endpoint(ThreadingHTTPServer):
    """A token endpoint that takes each refresh token once: a second use ends the session.

    `requests` and `is_revoked` are of this round, `total` and `revocations` of all.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.total = self.revocations = self.requests = 0
        self.is_revoked = False
        self._number = 0
        self._lock = threading.Lock()
        self._random = random.Random(1)

    @property
    def token(self) -> str:
        """The access token that counts."""
        return f"access-{self._number}"

    def begin(self, life: float) -> StoredSession:
        """Begin a round, and return its session, whose token ends in `life` seconds."""
        with self._lock:
            self.requests, self.is_revoked = 0, False
            self._number += 1
            return StoredSession(
                portal=self.base,
                client_id="gpcli",
                token_endpoint=f"{self.base}/token",
                revocation_endpoint=None,
                patient=ACCOUNT,
                fhir_user=None,
                patient_name="",
                acting_name="",
                scope="patient/*.rs",
                access_token=self.token,
                expires_at=time.time() + life,
                refresh_token=f"refresh-{self._number}",
                refresh_expires_at=None,
                signed_in_at=time.time(),
            )

    def answer(self, refresh_token: str) -> tuple[int, dict[str, Any]]:
        """Rotate the token; revoke the session where it was used before."""
        time.sleep(self._random.random() * SLOWEST_ANSWER)
        with self._lock:
            self.requests += 1
            self.total += 1
            if self.is_revoked or refresh_token != f"refresh-{self._number}":
                self.revocations += not self.is_revoked
                self.is_revoked = True
                return 400, {"error": "invalid_grant"}
            self._number += 1
            return 200, {
                "access_token": self.token,
                "refresh_token": f"refresh-{self._number}",
                "token_type": "Bearer",
                "expires_in": 3600,
            }


class _Answering(BaseHTTPRequestHandler):
    server: _Endpoint

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        status, said = self.server.answer(form["refresh_token"])
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _serve() -> Iterator[_Endpoint]:
    endpoint = _Endpoint()
    thread = threading.Thread(target=endpoint.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.shutdown()
        thread.join(60)
        endpoint.server_close()
