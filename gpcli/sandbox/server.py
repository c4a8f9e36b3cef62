"""A running portal: state, clock, web server and everything between them."""

import os
import random
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import waitress
from flask import Blueprint

from gpcli.sandbox.answered import Answered, NothingWaits
from gpcli.sandbox.app import LARGEST_BODY, create_app
from gpcli.sandbox.cards import PersonCard, UnknownPerson, find_card
from gpcli.sandbox.clock import Clock
from gpcli.sandbox.control import Token
from gpcli.sandbox.control_routes import control_blueprint
from gpcli.sandbox.fhir.rest import fhir_blueprint
from gpcli.sandbox.people import PEOPLE, build
from gpcli.sandbox.people.bundle import cards_of, read_bundle
from gpcli.sandbox.people.timetable import ALPHABET, ID_LENGTH
from gpcli.sandbox.serving import serving
from gpcli.sandbox.smart.database import Database
from gpcli.sandbox.smart.machines import read_machine
from gpcli.sandbox.smart.metadata import endpoints
from gpcli.sandbox.smart.provider import SmartServer
from gpcli.sandbox.smart.records import Approval
from gpcli.sandbox.smart.routes import smart_blueprint
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery import SurgerySide
from gpcli.sandbox.surgery.reply import Reply

__all__ = ["NothingWaits", "PersonCard", "PortTaken", "Sandbox", "Token", "UnknownPerson"]

HOST = "127.0.0.1"
THREADS = 8
YEARS = range(1970, 9000)
"""Where the clock can be set; what lasts for a while must still end on the calendar."""
SCRIPT_SCOPES = ("openid", "fhirUser", "launch/patient", "patient/*.cruds")
SCRIPT_TOKEN_LIFE = timedelta(hours=8)


class PortTaken(OSError):
    """The port that was asked for can't be had: something else has it, or the system keeps it."""


class Sandbox:
    """The embedded portal on 127.0.0.1, from `start` to `stop`; also a context manager.

    `state` is a directory that keeps the database `portal.sqlite`; without it, a private
    temporary one, removed on stop; one that already holds people is used as it is. `clock` is
    the present at the start; it ticks on from there. `delay` is how long the surgery takes to
    answer. `people` is a FHIR Bundle to use instead of the eight. `seed` fixes the ids of what
    is created. `booking` is how times are taken (`fhir.desk.WAYS_TO_BOOK`). `machine` is a file
    with the keys of a machine that may sign in by itself; ValueError if it holds none.
    """

    def __init__(
        self,
        *,
        state: Path | None = None,
        port: int = 0,
        clock: datetime | None = None,
        delay: timedelta = timedelta(),
        auto_sign_in: bool = False,
        people: Path | None = None,
        seed: int | None = None,
        booking: str = "post",
        machine: Path | None = None,
    ) -> None:
        self.control_token = secrets.token_urlsafe(32)
        self._state = state
        self._asked_port = port
        self._begin_at = clock
        self._begin_delay = delay
        self._auto_sign_in = auto_sign_in
        self._booking = booking
        self._machine = read_machine(machine) if machine else None
        self._from_file = read_bundle(people) if people else None
        self._new_id = _numbered(seed)
        self._open_things = ExitStack()
        self._stopping = threading.Event()
        self._port = 0

    @property
    def url(self) -> str:
        """Where the portal is: `http://127.0.0.1:PORT`, also its issuer; only while it runs."""
        if not self._port:
            raise RuntimeError("the sandbox is not running")
        return f"http://{HOST}:{self._port}"

    @property
    def fhir_base(self) -> str:
        """The FHIR base."""
        return f"{self.url}/fhir/R4"

    @property
    def store(self) -> Store:
        """The portal's own record, for tests that look behind the API; only while it runs."""
        return self._store

    def start(self) -> None:
        """Start serving in a background thread; on return, the portal answers.

        Raises PortTaken, OSError.
        """
        self._stopping.clear()
        try:
            self._open()
        except BaseException:
            self.stop()
            raise

    def _open(self) -> None:
        state = self._state_directory() / "portal.sqlite"
        self._clock = Clock(self._begin_at)
        self._store = Store(state, self._clock, self._new_id)
        self._open_things.callback(self._store.close)
        self._surgery = SurgerySide(self._store, self._clock, self._begin_delay)
        database = Database(state)
        self._open_things.callback(database.close)
        self._smart = SmartServer(database, self._clock, lambda: self.url, machine=self._machine)
        if self._store.get("Patient", self.people()[0].patient) is None:
            self._fill()
        self._listen()

    def _state_directory(self) -> Path:
        if self._state is not None:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._state
        temporary = tempfile.TemporaryDirectory(prefix="gpcli-sandbox-")
        self._open_things.callback(temporary.cleanup)
        return Path(temporary.name)

    def _listen(self) -> None:
        server = waitress.create_server(
            create_app(self._blueprints()),
            sockets=[self._listening()],
            threads=THREADS,
            ident="gpcli-sandbox",
            max_request_body_size=LARGEST_BODY,
            clear_untrusted_proxy_headers=True,
        )
        self._port = int(server.effective_port)
        self._open_things.enter_context(serving(server))

    def _blueprints(self) -> dict[str, Blueprint]:
        return {
            "/": smart_blueprint(self._smart, self.people, auto_sign_in=self._auto_sign_in),
            "/control": control_blueprint(self, self.control_token),
            "/fhir/R4": fhir_blueprint(
                store=self._store,
                clock=self._clock,
                grant_of=self._smart.ledger.grant_of,
                surgery=self._surgery,
                fhir_base=self._smart.fhir_base,
                oauth_uris=lambda: endpoints(self.url),
                booking=self._booking,
            ),
        }

    def _listening(self) -> socket.socket:
        try:
            return socket.create_server((HOST, self._asked_port))
        except OSError as taken:
            why = f"port {self._asked_port} is taken ({os.strerror(taken.errno or 0)})"
            raise PortTaken(taken.errno, why) from taken

    def stop(self) -> None:
        """Close the server and the state; a temporary state is removed. Harmless when repeated."""
        self._open_things.close()
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
        """Wait until Ctrl-C, SIGTERM, or `stop` from another thread. Only in the main thread."""

        def stopping(number: int, frame: FrameType | None) -> None:
            self._stopping.set()

        former = signal.signal(signal.SIGTERM, stopping)
        try:
            self._stopping.wait()
        except KeyboardInterrupt:
            self._stopping.set()
        finally:
            signal.signal(signal.SIGTERM, former)

    def people(self) -> tuple[PersonCard, ...]:
        """Who can sign in."""
        return PEOPLE if self._from_file is None else cards_of(self._from_file)

    def token_for(self, person: str, acting_for: str | None = None) -> Token:
        """An access token of eight hours with every patient scope. Raises UnknownPerson."""
        card = find_card(self.people(), person)
        patient, fhir_user = card.as_whom(acting_for)
        ledger = self._smart.ledger
        approval = Approval(
            "my-script", card.key, patient, fhir_user, " ".join(SCRIPT_SCOPES), ledger.present()
        )
        access_token = secrets.token_urlsafe(36)
        ends_at = ledger.issue_access(access_token, approval, SCRIPT_TOKEN_LIFE)
        return Token(access_token, patient, fhir_user, ends_at, SCRIPT_SCOPES)

    def reset(self) -> None:
        """Put records, clock and delay back as they were at the start. Tokens stay good."""
        self._clock.set(self._begin_at or datetime.now(UTC))
        self._surgery.delay = self._begin_delay
        with self._store.transaction():
            self._store.clear()
            self._fill()

    def _fill(self) -> None:
        self._store.put_all(self._resources())

    def _resources(self) -> Iterable[dict[str, Any]]:
        return build(self._clock.now()) if self._from_file is None else self._from_file

    def advance(self, step: timedelta) -> datetime:
        """Move the clock by `step`, let the surgery do what falls due, return the new present."""
        return self.set_clock(self._clock.now() + step)

    def set_clock(self, instant: datetime) -> datetime:
        """Make `instant` (aware) the present, let the surgery catch up, return the present.

        Raises ValueError (OverflowError on the way there) for what no calendar holds.
        """
        if instant.year not in YEARS:
            raise ValueError(f"the clock can't be set to the year {instant.year}")
        self._clock.set(instant)
        self._surgery.catch_up()
        return self._clock.now()

    def present(self) -> datetime:
        """The portal's present; only while it runs."""
        return self._clock.now()

    def answer(
        self, reference_or_id: str | None = None, *, decline: bool = False, text: str | None = None
    ) -> list[Answered]:
        """Let the surgery answer now what waits, due or not: all of it, or what is named.

        A name is an id or a reference (`Task/x`); a thread goes by its header's. `decline` says
        no, `text` are the surgery's words. Raises NothingWaits if nothing of that name waits.
        """
        return self._surgery.answer(reference_or_id, Reply(decline, text or ""))

    def set_delay(self, delay: timedelta) -> None:
        """Let the surgery take `delay` to answer what comes from now on."""
        self._surgery.delay = delay


def _numbered(seed: int | None) -> Callable[[], str]:
    """Maker of random ids, short enough to type; the same ones each time for a given seed."""
    source = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - ids that repeat are what a seed is for
    return lambda: "".join(source.choices(ALPHABET, k=ID_LENGTH + 1))
