"""Store device codes, with which a person signs in on another device.

Source: RFC 8628.
"""

import math
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.grant_store import (
    Approval,
    GrantStore,
    InvalidGrant,
    TokenPair,
    token_hash,
)

MAX_WRONG_CODES, MAX_WRONG_CODES_OF_ALL = 5, 50
"""The wrong user codes that one browser may try, and all together, while a code lives."""
SLOW_DOWN_SECONDS = 5
"""The seconds that each early poll adds to the interval (RFC 8628 section 3.5)."""


@dataclass(frozen=True)
class DeviceCredential:
    """A device code, for Authlib; `answer` is None until the person has decided."""

    client_id: str
    user_code: str
    scope: str
    expired: bool
    answer: Literal["allowed", "denied"] | None
    approval: Approval | None

    def get_client_id(self) -> str:
        """Return the client that requested the code."""
        return self.client_id

    def get_user_code(self) -> str:
        """Return the code that the person types."""
        return self.user_code

    def get_scope(self) -> str:
        """Return the granted scopes, or the requested ones before the decision."""
        return self.approval.scope if self.approval else self.scope

    def is_expired(self) -> bool:
        """Return whether the code has expired."""
        return self.expired


class PollRateLimiter:
    """Tracks the time between polls of each device, by a monotonic clock."""

    def __init__(self, interval: float, monotonic: Callable[[], float]) -> None:
        self._interval = interval
        self._monotonic = monotonic
        self._polls: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def record_poll(self, device: str) -> bool:
        """Record a poll, and return whether it came too early; that extends the interval."""
        now = self._monotonic()
        with self._lock:
            last, interval = self._polls.get(device, (float("-inf"), self._interval))
            too_soon = now - last < interval
            self._polls[device] = (now, interval + SLOW_DOWN_SECONDS if too_soon else interval)
        return too_soon


class TooManyTries(Exception):
    """Too many user codes were wrong; `seconds` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class UserCodeTries:
    """Limits the wrong user codes of each browser, and of all, in the time that a code lives.

    The latter is what keeps codes from being guessed: of 20**8, with 50 tries, one that is in use
    is met with a chance of 2 in 10**9. `now` is the portal's time in seconds.

    Source: RFC 8628 section 5.1.
    """

    def __init__(self, lifetime: float, now: Callable[[], float]) -> None:
        self._lifetime = lifetime
        self._now = now
        self._wrong: list[tuple[float, str]] = []
        self._lock = Lock()

    @contextmanager
    def attempt(self, browser: str) -> Iterator[None]:
        """Try a code in the body, which raises InvalidGrant if it is wrong.

        Raises:
            TooManyTries: No more codes may be tried now.
        """
        with self._lock:
            now = self._now()
            self._wrong = [each for each in self._wrong if 0 <= now - each[0] < self._lifetime]
            everybodys = [time for time, _ in self._wrong]
            own = [time for time, tried_by in self._wrong if tried_by == browser]
            for times, limit in ((own, MAX_WRONG_CODES), (everybodys, MAX_WRONG_CODES_OF_ALL)):
                if len(times) >= limit:
                    raise TooManyTries(math.ceil(times[-limit] + self._lifetime - now))
            try:
                yield
            except InvalidGrant:
                self._wrong.append((now, browser))
                raise


def normalize_user_code(user_code: str) -> str:
    """Return a typed user code in its canonical form: `bcdf ghjk` is `BCDF-GHJK`."""
    letters = re.sub(r"[^A-Z]", "", user_code.upper())
    return f"{letters[:4]}-{letters[4:]}"


class DeviceCodeStore:
    """The device codes."""

    def __init__(self, database: SmartDatabase, grants: GrantStore) -> None:
        self._database = database
        self._grants = grants

    def store(self, device_code: str, user_code: str, client_id: str, scope: str) -> None:
        """Store a new device code and its user code."""
        ends_at = self._grants.expiry(self._grants.lifetimes.device)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO smart_device (hash, user_code, client_id, scope, ends_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (token_hash(device_code), user_code, client_id, scope, ends_at),
            )

    def find(self, device_code: str) -> DeviceCredential | None:
        """Return the credential of a device code; None if it is unknown."""
        return self._read_credential(token_hash(device_code))

    def find_by_user_code(self, user_code: str) -> DeviceCredential | None:
        """Return the credential of a user code; None if it is unknown."""
        return self._read_credential(normalize_user_code(user_code))

    def _read_credential(self, hash_or_user_code: str) -> DeviceCredential | None:
        row = self._database.read_one(
            "SELECT d.client_id, user_code, d.scope, d.ends_at, answer, s.client_id, person,"
            " patient, fhir_user, s.scope, auth_time, nonce FROM smart_device d"
            " LEFT JOIN smart_session s ON s.id = d.session"
            " WHERE ? IN (d.hash, d.user_code)",
            hash_or_user_code,
        )
        if row is None:
            return None
        client_id, user_code, scope, ends_at, answer, *approved = row
        return DeviceCredential(
            client_id,
            user_code,
            scope,
            expired=ends_at <= self._grants.now(),
            answer=answer,
            approval=Approval(*approved) if answer == "allowed" else None,
        )

    def allow(self, user_code: str, approval: Approval) -> None:
        """Record the person's approval.

        Raises:
            InvalidGrant: The code is expired or already answered.
        """
        with self._database.transaction() as connection:
            session = self._grants.store_session(connection, approval)
            self._store_answer(connection, user_code, "allowed", session)

    def deny(self, user_code: str) -> None:
        """Record the person's refusal.

        Raises:
            InvalidGrant: The code is expired or already answered.
        """
        with self._database.transaction() as connection:
            self._store_answer(connection, user_code, "denied", None)

    def _store_answer(
        self, connection: sqlite3.Connection, user_code: str, answer: str, session: str | None
    ) -> None:
        done = connection.execute(
            "UPDATE smart_device SET answer = ?, session = ?"
            " WHERE user_code = ? AND answer IS NULL AND ends_at > ?",
            (answer, session, user_code, self._grants.now()),
        )
        if not done.rowcount:
            raise InvalidGrant

    def redeem(self, device_code: str, tokens: TokenPair) -> None:
        """Exchange an approved device code for tokens, once.

        Raises:
            InvalidGrant: The code is unknown, not approved or spent.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "UPDATE smart_device SET used = 1 WHERE hash = ? AND answer = 'allowed'"
                " AND NOT used RETURNING session",
                (token_hash(device_code),),
            ).fetchone()
            if row is None:
                raise InvalidGrant
            self._grants.store_tokens(connection, row["session"], tokens, generation=0)
