"""Run a portal: its state, its clock and its web server on 127.0.0.1."""

import os
import random
import re
import secrets
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import waitress
from flask import Blueprint, Flask, Response, abort, request
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import BadRequest

from gpcli.sandbox.accounts import Account, UnknownPerson
from gpcli.sandbox.clock import Clock
from gpcli.sandbox.control import AccessToken
from gpcli.sandbox.control_routes import PREFIX, control_blueprint
from gpcli.sandbox.faults.book import FaultBook, FaultRule, UnknownFaultRule
from gpcli.sandbox.faults.front import FaultFront
from gpcli.sandbox.faults.rules import InvalidRule
from gpcli.sandbox.fhir.rest import fhir_blueprint
from gpcli.sandbox.people.element_builders import ID_ALPHABET, ID_LENGTH
from gpcli.sandbox.people.people_file import built_in, read_people
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.clients import read_backend_client
from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.endpoints import oauth_uris, smart_blueprint
from gpcli.sandbox.smart.grant_store import Approval
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.answer import AnsweredRequest, AnswerOptions
from gpcli.sandbox.surgery.simulator import SurgerySimulator
from gpcli.sandbox.time_limits import InvalidTime, add_step, check_delay, check_instant

__all__ = [
    "AccessToken",
    "Account",
    "FaultRule",
    "InvalidRule",
    "InvalidTime",
    "PortUnavailable",
    "Sandbox",
    "UnknownFaultRule",
    "UnknownPerson",
]

_LOOPBACK_HOST = re.compile(
    r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE
)
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every response that does not say otherwise."""
MAX_REQUEST_BYTES = 32 * 1024 * 1024
"""The largest request in bytes."""
HOST = "127.0.0.1"
WORKER_THREADS = 8
MAX_CONNECTIONS = 100
"""The number of open sockets from which on each new connection ends an idle one."""
FRESH = timedelta(minutes=10)
"""So long after they were made the records still fit the time, and need not be made anew."""
SCRIPT_SCOPES = ("openid", "fhirUser", "launch/patient", "patient/*.cruds")
SCRIPT_TOKEN_LIFE = timedelta(hours=8)


def create_app(blueprints: Mapping[str, Blueprint]) -> Flask:
    """Return the WSGI application made of `blueprints`, by the path where each is mounted.

    It answers only to loopback names. Any other `Host` is refused with 403, since a web site could
    otherwise reach this server by resolving its own name to 127.0.0.1 (DNS rebinding). What a page
    of another site sends is refused too, unless it leads a person to a page of the portal.
    """
    app = Flask("gpcli.sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined] # Flask's default provider has it
    app.before_request(_refuse_other_hosts)
    app.before_request(_refuse_other_sites)
    app.after_request(_add_security_headers)
    for path, blueprint in blueprints.items():
        app.register_blueprint(blueprint, url_prefix=path)
    return app


def _refuse_other_hosts() -> None:
    if not _LOOPBACK_HOST.fullmatch(request.headers.get("Host", "")):
        abort(403, "This server answers only to 127.0.0.1, localhost and [::1].")


def _refuse_other_sites() -> None:
    """Refuse what a browser says that another origin sends (Fetch Metadata).

    A person may be led here by a link, and to the sign-in by a form as well.
    """
    leads = request.headers.get("Sec-Fetch-Mode") == "navigate" and (
        request.method == "GET" or request.path == "/authorize"
    )
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and not leads:
        abort(403, "This server answers to no page of another site.")


def _add_security_headers(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


class RequestParser(HTTPRequestParser):  # type: ignore[misc] # waitress ships no types
    """Parses a request, and bounds what stands around the chunks of its body.

    waitress joins that anew for each piece that arrives, up to the largest request.
    """

    def received(self, data: bytes) -> Any:
        """Return how many bytes of `data` belong to the request."""
        consumed = super().received(data)
        around = self.body_rcv.control_line + self.body_rcv.trailer if self.chunked else b""
        if len(around) > self.adj.recv_bytes:
            self.error = BadRequest("too much stands around a chunk")
            self.completed = True
        return consumed


class Connection(HTTPChannel):  # type: ignore[misc] # waitress ships no types
    """A connection that is idle from its last answer on: what it sends meanwhile is no excuse."""

    parser_class = RequestParser

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.idle_since = time.monotonic()

    def write_soon(self, data: Any) -> Any:
        """Send a piece of an answer."""
        self.idle_since = time.monotonic()
        return super().write_soon(data)

    def del_channel(self, map: Any = None) -> None:
        """Forget the connection, and close the file that holds a large unfinished body."""
        if self.request is not None:
            with suppress(OSError):  # a disk that is full
                self.request.close()
        super().del_channel(map)


def _make_room(server: Any) -> None:
    """Close the connection that has been idle longest, if there are too many.

    waitress itself would accept no others until some have been silent for two minutes.
    """
    if len(server._map) >= MAX_CONNECTIONS:
        idle = [each for each in server.active_channels.values() if not each.requests]
        if idle:
            min(idle, key=lambda connection: connection.idle_since).handle_close()


@contextmanager
def serve_in_background(server: Any) -> Iterator[None]:
    """Serve in a thread, and finish running requests before the sockets are closed.

    waitress's own `run` can't be ended from outside: a thunk passed to its trigger may close the
    trigger while the caller still uses it.
    """
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            _make_room(server)
            wasyncore.loop(timeout=1, use_poll=True, map=server._map, count=1)

    thread = threading.Thread(target=serve, name="gpcli-sandbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.task_dispatcher.shutdown()
        ending.set()
        server.pull_trigger()
        thread.join()
        wasyncore.close_all(server._map, ignore_all=True)


class PortUnavailable(OSError):
    """The requested port is in use or reserved by the system."""


class Sandbox:
    """The embedded portal on 127.0.0.1, from `start` to `stop`; also a context manager.

    `state` is the directory of the database `portal.sqlite`; None means a private temporary one
    that is removed on stop. A database that already holds people is used as it is. `clock` is the
    portal's time at the start, None for the real time. `delay` is how long the surgery takes to
    answer. `auto_sign_in` skips the sign-in pages for whoever `login_hint` names. `people` is a
    file with other people (docs/people.md). `seed` makes the ids of new resources repeatable, and
    the draws of fault rules. `booking` is one of `request_context.BOOKING_MODES`. `machine` is a
    file with the public keys of a backend service. `faults` are texts of fault rules.

    Raises:
        ValueError: The `machine` file holds no keys, or the `people` file no people.
        InvalidRule: One of `faults` is no rule; a ValueError too.
        InvalidTime: `clock` has no zone or is off the calendar, `delay` is; a ValueError too.
    """

    def __init__(
        self,
        *,
        state: Path | str | None = None,
        port: int = 0,
        clock: datetime | None = None,
        delay: timedelta = timedelta(),
        auto_sign_in: bool = False,
        people: Path | str | None = None,
        seed: int | None = None,
        booking: str = "post",
        machine: Path | str | None = None,
        faults: Iterable[str] = (),
    ) -> None:
        self.control_token = secrets.token_urlsafe(32)
        self._state = None if state is None else Path(state)
        self._requested_port = port
        self._start_time = None if clock is None else check_instant(clock)
        self._start_delay = check_delay(delay)
        self._auto_sign_in = auto_sign_in
        self._booking = booking
        self._backend_client = None if machine is None else read_backend_client(Path(machine))
        self._population = built_in() if people is None else read_people(Path(people))
        self._seed = seed
        self._random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - ids that repeat are what a seed is for
        self._fault_book = FaultBook(faults, seed)
        self._exit_stack = ExitStack()
        self._stopping = threading.Event()
        self._port = 0

    @property
    def url(self) -> str:
        """The base URL and issuer, `http://127.0.0.1:PORT`; only while the portal runs."""
        if not self._port:
            raise RuntimeError("the sandbox is not running")
        return f"http://{HOST}:{self._port}"

    @property
    def fhir_base(self) -> str:
        """The FHIR base address."""
        return f"{self.url}/fhir/R4"

    @property
    def store(self) -> Store:
        """The resource store, for tests that bypass the API; only while the portal runs."""
        return self._store

    def start(self) -> None:
        """Start serving in a background thread; the portal answers when this returns.

        Raises:
            PortUnavailable: The port can't be used.
            OSError: The state can't be used.
        """
        self._stopping.clear()
        try:
            self._open()
        except BaseException:
            self.stop()
            raise

    def _open(self) -> None:
        state = self._state_directory() / "portal.sqlite"
        self._filled_for: datetime | None = None
        self._clock = Clock(self._start_time)
        lasting = self._state is not None
        self._store = Store(state, self._clock, self._make_id, lasting=lasting)
        self._exit_stack.callback(self._store.close)
        self._surgery = SurgerySimulator(self._store, self._clock, self._start_delay)
        database = SmartDatabase(state, lasting=lasting)
        self._exit_stack.callback(database.close)
        self._smart = SmartServer(
            database, self._clock, lambda: self.url, backend_client=self._backend_client
        )
        if self._store.get("Patient", self.people()[0].patient) is None:
            self._store_resources()
        self._start_server()

    def _state_directory(self) -> Path:
        if self._state is not None:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._state
        temporary = tempfile.TemporaryDirectory(prefix="gpcli-sandbox-")
        self._exit_stack.callback(temporary.cleanup)
        return Path(temporary.name)

    def _start_server(self) -> None:
        app = create_app(self._blueprints())
        app.after_request(self._tell_time)
        self._front = FaultFront(app, self._fault_book, self._store, self._smart, self._clock)
        server = waitress.create_server(
            self._front,
            sockets=[self._create_socket()],
            threads=WORKER_THREADS,
            ident="gpcli-sandbox",
            connection_limit=MAX_CONNECTIONS,
            max_request_body_size=MAX_REQUEST_BYTES,
            clear_untrusted_proxy_headers=True,
        )
        server.channel_class = Connection
        self._port = int(server.effective_port)
        self._exit_stack.enter_context(serve_in_background(server))
        self._exit_stack.callback(self._front.stop)

    def _tell_time(self, response: Response) -> Response:
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
        return response

    def _blueprints(self) -> dict[str, Blueprint]:
        return {
            "/": smart_blueprint(self._smart, self.people, auto_sign_in=self._auto_sign_in),
            PREFIX: control_blueprint(self, self.control_token),
            "/fhir/R4": fhir_blueprint(
                store=self._store,
                clock=self._clock,
                find_access_rights=self._smart.grants.find_access_rights,
                surgery=self._surgery,
                fhir_base=self._smart.fhir_base,
                oauth_uris=lambda: oauth_uris(self.url),
                booking=self._booking,
            ),
        }

    def _create_socket(self) -> socket.socket:
        try:
            return socket.create_server((HOST, self._requested_port))
        except OSError as error:
            message = f"port {self._requested_port} is taken ({os.strerror(error.errno or 0)})"
            raise PortUnavailable(error.errno, message) from error

    def stop(self) -> None:
        """Close the server and the state, and remove a temporary state; can be repeated."""
        self._exit_stack.close()
        self._port = 0
        self._stopping.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def serve_forever(self) -> None:
        """Wait until Ctrl-C, SIGTERM, or `stop` from another thread; only in the main thread."""

        def request_stop(number: int, frame: FrameType | None) -> None:
            self._stopping.set()

        former = signal.signal(signal.SIGTERM, request_stop)
        try:
            self._stopping.wait()
        except KeyboardInterrupt:
            self._stopping.set()
        finally:
            signal.signal(signal.SIGTERM, former)

    def people(self) -> tuple[Account, ...]:
        """Return the accounts that can sign in."""
        return self._population.accounts

    def issue_token(self, person: str, acting_for: str | None = None) -> AccessToken:
        """Issue an access token, valid for eight hours, with every patient scope.

        Raises:
            UnknownPerson: There is no such account or dependant.
        """
        account = self._population.find_account(person)
        patient, fhir_user = account.resolve_patient(acting_for, self.people())
        grants = self._smart.grants
        approval = Approval(
            "my-script", account.key, patient, fhir_user, " ".join(SCRIPT_SCOPES), grants.now()
        )
        access_token = secrets.token_urlsafe(36)
        ends_at = grants.store_access_token(access_token, approval, SCRIPT_TOKEN_LIFE)
        return AccessToken(access_token, patient, fhir_user, ends_at, SCRIPT_SCOPES)

    def reset(self) -> None:
        """Restore records, clock, delay, ids and fault rules to their initial state.

        Tokens stay valid. Fault rules that were added since are gone, and those of the start count
        anew.
        """
        self._fault_book.reset()
        self._front.forget_late()
        self._random.seed(self._seed)
        begin = self._start_time or datetime.now(UTC)
        self._clock.set(begin)
        self._surgery.delay = self._start_delay
        if self._filled_for is not None and abs(begin - self._filled_for) < FRESH:
            self._store.rewind()
            return
        with self._store.transaction():
            self._store.clear()
            self._store_resources()

    def _store_resources(self) -> None:
        self._filled_for = self._clock.now()
        self._store.put_all(self._population.resources(self._filled_for))
        self._store.mark()

    def _make_id(self) -> str:
        """Return a short random id; the same ids follow each other for the same seed."""
        return "".join(self._random.choices(ID_ALPHABET, k=ID_LENGTH + 1))

    def advance(self, step: timedelta) -> datetime:
        """Move the clock by `step`, let the surgery answer what is due, and return the time.

        Raises:
            InvalidTime: That is too near the ends of the calendar.
        """
        return self.set_clock(add_step(self._clock.now(), step))

    def set_clock(self, instant: datetime) -> datetime:
        """Set the clock to `instant` (aware), and return the new time.

        The surgery answers what is due by then.

        Raises:
            InvalidTime: It has no time zone, or is too near the ends of the calendar.
        """
        self._clock.set(check_instant(instant))
        self._front.do_due()
        self._surgery.answer_due()
        return self._clock.now()

    def now(self) -> datetime:
        """Return the portal's time; only while it runs."""
        return self._clock.now()

    def answer(
        self, reference_or_id: str | None = None, *, decline: bool = False, text: str | None = None
    ) -> list[AnsweredRequest]:
        """Let the surgery answer pending requests now: all of them, or the named one.

        `reference_or_id` may be an id or a reference (`Task/x`); a thread is named by its header.
        `decline` makes the answer a refusal; `text` is its wording, None for the surgery's own.

        Raises:
            NothingPending: Nothing with that name is pending.
        """
        return self._surgery.answer(reference_or_id, AnswerOptions(decline, text or ""))

    def set_delay(self, delay: timedelta) -> None:
        """Set how long the surgery takes to answer new requests.

        Raises:
            InvalidTime: It is negative, or longer than MAX_DELAY.
        """
        self._surgery.delay = check_delay(delay)

    @property
    def faults(self) -> list[FaultRule]:
        """The fault rules in force, with their counts, in the order in which they were added."""
        return self._fault_book.count()

    def add_fault(self, rule: str) -> FaultRule:
        """Put a fault rule in force, such as `POST Appointment: lost-reply once`.

        Raises:
            InvalidRule: The text is no rule; it says where, and what is allowed there.
        """
        return self._fault_book.add(rule)

    def clear_faults(self, fault_id: str | None = None) -> list[FaultRule]:
        """Take a fault rule out of force, or all of them; return those that were taken out.

        Raises:
            UnknownFaultRule: No rule has this id.
        """
        return self._fault_book.clear(fault_id)

    def unused_faults(self) -> list[str]:
        """Return the fault rules, also former ones, that no request has ever met."""
        return self._fault_book.list_unused()
