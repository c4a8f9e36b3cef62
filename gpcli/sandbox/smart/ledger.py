"""Sessions, codes and tokens: what was granted, to whom, and until when.

A *session* is one person's Allow. Its refresh tokens form a chain of generations (RFC 9700
section 4.14.2): using the newest makes a newer one. The last one used keeps working for a short
grace, as long as nothing newer has been used; any older one ends the whole session.
"""

import sqlite3
import uuid
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.access import Grant
from gpcli.sandbox.smart.database import Database
from gpcli.sandbox.smart.records import (
    Approval,
    Code,
    IssuedToken,
    Lifetimes,
    NewTokens,
    TokenRefused,
    digest,
)


class Ledger:
    """Every session of the portal. All methods are safe to call from several threads."""

    def __init__(self, database: Database, clock: Clock, lifetimes: Lifetimes) -> None:
        self._database = database
        self._clock = clock
        self.lifetimes = lifetimes

    def present(self) -> float:
        """Now, in epoch seconds of the portal's clock."""
        return self._clock.now().timestamp()

    def until(self, lifetime: timedelta) -> float:
        """The end of something that begins now, in epoch seconds."""
        return self.present() + lifetime.total_seconds()

    def refresh_seconds(self, approval: Approval) -> int:
        """How long a refresh token given out now is good: to the session's end at the most."""
        session_left = approval.auth_time + self._longest() - self.present()
        return int(min(self.lifetimes.refresh.total_seconds(), session_left))

    def _longest(self) -> float:
        return self.lifetimes.session.total_seconds()

    def begin(self, connection: sqlite3.Connection, approval: Approval) -> str:
        """Begin a session inside a transaction, and return its id."""
        session = str(uuid.uuid4())
        connection.execute(
            "INSERT INTO smart_session (id, client_id, person, patient, fhir_user, scope,"
            " auth_time, nonce, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (session, *astuple(approval), approval.auth_time + self._longest()),
        )
        return session

    def save_code(self, code: str, approval: Approval, redirect_uri: str, challenge: str) -> None:
        """Keep an authorization code with the PKCE challenge that goes with it."""
        with self._database.transaction() as connection:
            session = self.begin(connection, approval)
            connection.execute(
                "INSERT INTO smart_code VALUES (?, ?, ?, ?, ?, 0)",
                (digest(code), session, redirect_uri, challenge, self.until(self.lifetimes.code)),
            )

    def find_code(self, code: str, client_id: str) -> Code | None:
        """The code if it was issued to this client, spent and expired ones too."""
        row = self._database.one(
            "SELECT client_id, person, patient, fhir_user, s.scope, auth_time, nonce,"
            " redirect_uri, challenge FROM smart_code c"
            " JOIN smart_session s ON s.id = c.session WHERE hash = ? AND client_id = ?",
            digest(code),
            client_id,
        )
        if row is None:
            return None
        return Code(Approval(*row[:7]), row["redirect_uri"], row["challenge"])

    def redeem(self, code: str, tokens: NewTokens) -> None:
        """Turn a code into tokens, once; a second time ends the session (RFC 6749, 4.1.2).

        Raises TokenRefused if the code is spent or expired.
        """
        with self._database.transaction() as connection:
            session = self._spend_code(connection, digest(code))
            if session is not None:
                self.issue(connection, session, tokens, generation=0)
        if session is None:
            raise TokenRefused

    def _spend_code(self, connection: sqlite3.Connection, code: str) -> str | None:
        row = connection.execute(
            "SELECT session, ends_at, used FROM smart_code WHERE hash = ?", (code,)
        ).fetchone()
        if row is None:
            return None
        if row["used"]:
            _revoke_session(connection, row["session"])
            return None
        connection.execute("UPDATE smart_code SET used = 1 WHERE hash = ?", (code,))
        return row["session"] if self.present() < row["ends_at"] else None

    def find_token(self, token: str) -> IssuedToken | None:
        """The token, spent, expired and revoked ones too."""
        row = self._database.one(
            "SELECT client_id, person, patient, fhir_user, s.scope, auth_time, nonce, kind"
            " FROM smart_token t"
            " JOIN smart_session s ON s.id = t.session WHERE hash = ?",
            digest(token),
        )
        return None if row is None else IssuedToken(Approval(*row[:7]), row["kind"])

    def rotate(self, refresh: str, tokens: NewTokens) -> None:
        """Exchange a refresh token for new tokens, as the module's text says.

        Raises TokenRefused, having ended the session if the token was an older one.
        """
        with self._database.transaction() as connection:
            place = self._spend_refresh(connection, digest(refresh))
            if place is not None:
                self.issue(connection, place[0], tokens, place[1])
        if place is None:
            raise TokenRefused

    def _spend_refresh(self, connection: sqlite3.Connection, token: str) -> tuple[str, int] | None:
        row = connection.execute(
            "SELECT session, generation, newest, spent, spent_at FROM smart_token t"
            " JOIN smart_session s ON s.id = t.session WHERE hash = ? AND kind = 'refresh'"
            " AND NOT s.revoked AND NOT t.revoked AND t.ends_at > ? AND s.ends_at > ?",
            (token, self.present(), self.present()),
        ).fetchone()
        if row is None:
            return None
        if row["generation"] == row["newest"]:
            return self._next_generation(connection, row, token)
        if row["spent"] == token and self._in_grace(row["spent_at"]):
            return row["session"], row["newest"]
        _revoke_session(connection, row["session"])
        return None

    def _next_generation(
        self, connection: sqlite3.Connection, row: sqlite3.Row, token: str
    ) -> tuple[str, int]:
        connection.execute(
            "UPDATE smart_session SET newest = newest + 1, spent = ?, spent_at = ? WHERE id = ?",
            (token, self.present(), row["session"]),
        )
        return row["session"], row["newest"] + 1

    def _in_grace(self, spent_at: float) -> bool:
        return self.present() - spent_at <= self.lifetimes.grace.total_seconds()

    def issue(
        self, connection: sqlite3.Connection, session: str, tokens: NewTokens, generation: int
    ) -> None:
        """Keep new tokens of a session, inside a transaction."""
        ends_at = {"access": self.lifetimes.access, "refresh": self.lifetimes.refresh}
        for kind, secret in (("access", tokens.access), ("refresh", tokens.refresh)):
            if secret is not None:
                connection.execute(
                    "INSERT INTO smart_token VALUES (?, ?, ?, ?, ?, ?, 0)",
                    (
                        digest(secret),
                        session,
                        kind,
                        tokens.scope,
                        generation,
                        self.until(ends_at[kind]),
                    ),
                )

    def issue_access(self, token: str, approval: Approval, lifetime: timedelta) -> datetime:
        """Keep an access token that nobody had to sign in for, and return when it ends."""
        ends_at = self.until(lifetime)
        with self._database.transaction() as connection:
            session = self.begin(connection, approval)
            connection.execute(
                "INSERT INTO smart_token VALUES (?, ?, 'access', ?, 0, ?, 0)",
                (digest(token), session, approval.scope, ends_at),
            )
        return datetime.fromtimestamp(ends_at, UTC)

    def revoke(self, token: str) -> None:
        """End an access token alone, or with a refresh token its whole session (RFC 7009)."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT session, kind FROM smart_token WHERE hash = ?", (digest(token),)
            ).fetchone()
            if row is None:
                return
            connection.execute(
                "UPDATE smart_token SET revoked = 1 WHERE hash = ?", (digest(token),)
            )
            if row["kind"] == "refresh":
                _revoke_session(connection, row["session"])

    def grant_of(self, token: str) -> Grant | None:
        """What a live access token allows; None if it is unknown, expired or revoked."""
        row = self._database.one(
            "SELECT patient, fhir_user, t.scope FROM smart_token t"
            " JOIN smart_session s ON s.id = t.session WHERE hash = ? AND kind = 'access'"
            " AND NOT s.revoked AND NOT t.revoked AND t.ends_at > ?",
            digest(token),
            self.present(),
        )
        if row is None:
            return None
        return Grant(row["patient"], row["fhir_user"], frozenset(row["scope"].split()))


def _revoke_session(connection: sqlite3.Connection, session: str) -> None:
    connection.execute("UPDATE smart_session SET revoked = 1 WHERE id = ?", (session,))
