"""Device codes: sign-in on another screen (RFC 8628)."""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from gpcli.sandbox.smart.database import Database
from gpcli.sandbox.smart.ledger import Ledger
from gpcli.sandbox.smart.records import Approval, NewTokens, TokenRefused, digest

SLOWER = 5
"""Seconds that each hasty poll adds to the interval (RFC 8628 section 3.5)."""


@dataclass(frozen=True)
class DeviceCredential:
    """A device code, in the words that Authlib asks for."""

    client_id: str
    user_code: str
    scope: str
    expired: bool
    answer: Literal["allowed", "denied"] | None
    approval: Approval | None

    def get_client_id(self) -> str:
        """The client that asked for the code."""
        return self.client_id

    def get_user_code(self) -> str:
        """What the person types."""
        return self.user_code

    def get_scope(self) -> str:
        """The scopes as granted, or as asked for while nobody has answered."""
        return self.approval.scope if self.approval else self.scope

    def is_expired(self) -> bool:
        """Whether it is too late."""
        return self.expired


class PollWatch:
    """Remembers who polls too often, by real elapsed time."""

    def __init__(self, interval: float, monotonic: Callable[[], float]) -> None:
        self._interval = interval
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def too_soon(self, device: str) -> bool:
        """Note a poll; True if it came before its interval, which grows for it."""
        present = self._monotonic()
        with self._lock:
            last, interval = self._seen.get(device, (float("-inf"), self._interval))
            hasty = present - last < interval
            self._seen[device] = (present, interval + SLOWER if hasty else interval)
        return hasty


def written_alike(user_code: str) -> str:
    """A user code as it was shown, however it was typed: `bcdf ghjk` is `BCDF-GHJK`."""
    letters = re.sub(r"[^A-Z]", "", user_code.upper())
    return f"{letters[:4]}-{letters[4:]}"


class DeviceDesk:
    """Every device code of the portal."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def save(self, device_code: str, user_code: str, client_id: str, scope: str) -> None:
        """Keep a new pair of codes."""
        ends_at = self._ledger.until(self._ledger.lifetimes.device)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO smart_device (hash, user_code, client_id, scope, ends_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (digest(device_code), user_code, client_id, scope, ends_at),
            )

    def find(self, device_code: str) -> DeviceCredential | None:
        """The credential of a device code."""
        return self._read(digest(device_code))

    def find_by_user_code(self, user_code: str) -> DeviceCredential | None:
        """The credential whose user code somebody typed."""
        return self._read(written_alike(user_code))

    def _read(self, hash_or_user_code: str) -> DeviceCredential | None:
        row = self._database.one(
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
            expired=ends_at <= self._ledger.present(),
            answer=answer,
            approval=Approval(*approved) if answer == "allowed" else None,
        )

    def allow(self, user_code: str, approval: Approval) -> None:
        """Record that the person said yes. Raises TokenRefused if it was answered already."""
        with self._database.transaction() as connection:
            session = self._ledger.begin(connection, approval)
            self._answer(connection, user_code, "allowed", session)

    def deny(self, user_code: str) -> None:
        """Record that the person said no. Raises TokenRefused if it was answered already."""
        with self._database.transaction() as connection:
            self._answer(connection, user_code, "denied", None)

    def _answer(
        self, connection: sqlite3.Connection, user_code: str, answer: str, session: str | None
    ) -> None:
        done = connection.execute(
            "UPDATE smart_device SET answer = ?, session = ?"
            " WHERE user_code = ? AND answer IS NULL AND ends_at > ?",
            (answer, session, user_code, self._ledger.present()),
        )
        if not done.rowcount:
            raise TokenRefused

    def redeem(self, device_code: str, tokens: NewTokens) -> None:
        """Turn an allowed device code into tokens, once. Raises TokenRefused otherwise."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "UPDATE smart_device SET used = 1 WHERE hash = ? AND answer = 'allowed'"
                " AND NOT used RETURNING session",
                (digest(device_code),),
            ).fetchone()
            if row is None:
                raise TokenRefused
            self._ledger.issue(connection, row["session"], tokens, generation=0)
