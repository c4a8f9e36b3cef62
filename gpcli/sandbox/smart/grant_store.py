"""Store approvals, authorization codes and tokens.

A session is one person's approval of one client. Its refresh tokens form a chain of generations:
using the newest one makes a newer one. The one used last keeps working for a short grace period,
as long as nothing newer has been used. Using any older one revokes the whole session.

Source: RFC 9700 section 4.14.2.
"""

import hashlib
import sqlite3
import uuid
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.request_context import AccessRights
from gpcli.sandbox.smart.database import SmartDatabase


class InvalidGrant(Exception):
    """The code, refresh token or device code is unknown, spent, expired or revoked."""


@dataclass(frozen=True)
class Lifetimes:
    """Lifetimes by the portal's clock."""

    code: timedelta = timedelta(seconds=60)
    device: timedelta = timedelta(minutes=10)
    access: timedelta = timedelta(minutes=30)
    refresh: timedelta = timedelta(hours=8)
    session: timedelta = timedelta(days=30)
    grace: timedelta = timedelta(seconds=30)
    backend: timedelta = timedelta(minutes=5)
    id_token: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class Approval:
    """What a person has granted to a client.

    `scope` is as granted; `auth_time` is in epoch seconds; `nonce` is None if the client sent none.
    """

    client_id: str
    person: str
    patient: str
    fhir_user: str
    scope: str
    auth_time: float
    nonce: str | None = None


@dataclass(frozen=True)
class AuthorizationCode:
    """An authorization code, for Authlib."""

    approval: Approval
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Return the redirect URI of the authorization request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the granted scopes."""
        return self.approval.scope


@dataclass(frozen=True)
class IssuedToken:
    """An access or refresh token, for Authlib; `kind` is `access` or `refresh`."""

    approval: Approval
    kind: str

    def check_client(self, client: object) -> bool:
        """Return whether the token was issued to `client`."""
        return getattr(client, "client_id", None) == self.approval.client_id

    def get_scope(self) -> str:
        """Return the scopes of the session, which a narrower refresh does not change."""
        return self.approval.scope


@dataclass(frozen=True)
class TokenPair:
    """An access token to issue, with its `scope`, and a refresh token or None."""

    access: str
    refresh: str | None
    scope: str


def token_hash(secret: str) -> str:
    """Return the hash under which a code or token is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


class GrantStore:
    """The sessions, codes and tokens; all methods are thread-safe."""

    def __init__(self, database: SmartDatabase, clock: Clock, lifetimes: Lifetimes) -> None:
        self._database = database
        self._clock = clock
        self.lifetimes = lifetimes

    def now(self) -> float:
        """Return the portal's time in epoch seconds."""
        return self._clock.now().timestamp()

    def expiry(self, lifetime: timedelta) -> float:
        """Return the end of a lifetime that begins now, in epoch seconds."""
        return self.now() + lifetime.total_seconds()

    def refresh_lifetime_seconds(self, approval: Approval) -> int:
        """Return the lifetime of a new refresh token, limited by the session's end."""
        session_left = approval.auth_time + self._session_seconds() - self.now()
        return int(min(self.lifetimes.refresh.total_seconds(), session_left))

    def _session_seconds(self) -> float:
        return self.lifetimes.session.total_seconds()

    def store_session(self, connection: sqlite3.Connection, approval: Approval) -> str:
        """Store a session inside a transaction, and return its id."""
        session = str(uuid.uuid4())
        connection.execute(
            "INSERT INTO smart_session (id, client_id, person, patient, fhir_user, scope,"
            " auth_time, nonce, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (session, *astuple(approval), approval.auth_time + self._session_seconds()),
        )
        return session

    def store_code(self, code: str, approval: Approval, redirect_uri: str, challenge: str) -> None:
        """Store an authorization code with its PKCE challenge."""
        with self._database.transaction() as connection:
            session = self.store_session(connection, approval)
            connection.execute(
                "INSERT INTO smart_code VALUES (?, ?, ?, ?, ?, 0)",
                (
                    token_hash(code),
                    session,
                    redirect_uri,
                    challenge,
                    self.expiry(self.lifetimes.code),
                ),
            )

    def find_code(self, code: str, client_id: str) -> AuthorizationCode | None:
        """Return the code if it was issued to this client, even if spent or expired."""
        row = self._database.read_one(
            "SELECT client_id, person, patient, fhir_user, s.scope, auth_time, nonce,"
            " redirect_uri, challenge FROM smart_code c"
            " JOIN smart_session s ON s.id = c.session WHERE hash = ? AND client_id = ?",
            token_hash(code),
            client_id,
        )
        if row is None:
            return None
        return AuthorizationCode(Approval(*row[:7]), row["redirect_uri"], row["challenge"])

    def redeem_code(self, code: str, tokens: TokenPair) -> None:
        """Exchange a code for tokens, once; a second use revokes the session.

        Raises:
            InvalidGrant: The code is spent or expired.

        Source: RFC 6749 section 4.1.2.
        """
        with self._database.transaction() as connection:
            session = self._spend_code(connection, token_hash(code))
            if session is not None:
                self.store_tokens(connection, session, tokens, generation=0)
        if session is None:
            raise InvalidGrant

    def _spend_code(self, connection: sqlite3.Connection, code: str) -> str | None:
        """Spend the code with that hash, and return its session; None if it can't be used."""
        row = connection.execute(
            "SELECT session, ends_at, used FROM smart_code WHERE hash = ?", (code,)
        ).fetchone()
        if row is None:
            return None
        if row["used"]:
            _revoke_session(connection, row["session"])
            return None
        connection.execute("UPDATE smart_code SET used = 1 WHERE hash = ?", (code,))
        return row["session"] if self.now() < row["ends_at"] else None

    def find_token(self, token: str) -> IssuedToken | None:
        """Return the token, even if spent, expired or revoked; None if it is unknown."""
        row = self._database.read_one(
            "SELECT client_id, person, patient, fhir_user, s.scope, auth_time, nonce, kind"
            " FROM smart_token t"
            " JOIN smart_session s ON s.id = t.session WHERE hash = ?",
            token_hash(token),
        )
        return None if row is None else IssuedToken(Approval(*row[:7]), row["kind"])

    def rotate_refresh_token(self, refresh: str, tokens: TokenPair) -> None:
        """Exchange a refresh token for new tokens.

        Raises:
            InvalidGrant: The token can't be used; if it is of an older generation, the session is
                revoked.
        """
        with self._database.transaction() as connection:
            session_generation = self._spend_refresh_token(connection, token_hash(refresh))
            if session_generation is not None:
                self.store_tokens(connection, session_generation[0], tokens, session_generation[1])
        if session_generation is None:
            raise InvalidGrant

    def _spend_refresh_token(
        self, connection: sqlite3.Connection, token: str
    ) -> tuple[str, int] | None:
        """Spend the refresh token with that hash; return session and generation of the next ones.

        None means that the token can't be used.
        """
        row = connection.execute(
            "SELECT session, generation, newest, spent, spent_at FROM smart_token t"
            " JOIN smart_session s ON s.id = t.session WHERE hash = ? AND kind = 'refresh'"
            " AND NOT s.revoked AND NOT t.revoked AND t.ends_at > ? AND s.ends_at > ?",
            (token, self.now(), self.now()),
        ).fetchone()
        if row is None:
            return None
        if row["generation"] == row["newest"]:
            return self._begin_generation(connection, row, token)
        if row["spent"] == token and self._is_in_grace(row["spent_at"]):
            return row["session"], row["newest"]
        _revoke_session(connection, row["session"])
        return None

    def _begin_generation(
        self, connection: sqlite3.Connection, row: sqlite3.Row, token: str
    ) -> tuple[str, int]:
        """Let the session's newest generation be the next one, spent by `token` (a hash)."""
        connection.execute(
            "UPDATE smart_session SET newest = newest + 1, spent = ?, spent_at = ? WHERE id = ?",
            (token, self.now(), row["session"]),
        )
        return row["session"], row["newest"] + 1

    def _is_in_grace(self, spent_at: float) -> bool:
        return self.now() - spent_at <= self.lifetimes.grace.total_seconds()

    def store_tokens(
        self, connection: sqlite3.Connection, session: str, tokens: TokenPair, generation: int
    ) -> None:
        """Store new tokens of a session, inside a transaction."""
        ends_at = {"access": self.lifetimes.access, "refresh": self.lifetimes.refresh}
        for kind, secret in (("access", tokens.access), ("refresh", tokens.refresh)):
            if secret is not None:
                connection.execute(
                    "INSERT INTO smart_token VALUES (?, ?, ?, ?, ?, ?, 0)",
                    (
                        token_hash(secret),
                        session,
                        kind,
                        tokens.scope,
                        generation,
                        self.expiry(ends_at[kind]),
                    ),
                )

    def store_access_token(self, token: str, approval: Approval, lifetime: timedelta) -> datetime:
        """Store an access token issued without a sign-in, and return when it expires."""
        ends_at = self.expiry(lifetime)
        with self._database.transaction() as connection:
            session = self.store_session(connection, approval)
            connection.execute(
                "INSERT INTO smart_token VALUES (?, ?, 'access', ?, 0, ?, 0)",
                (token_hash(token), session, approval.scope, ends_at),
            )
        return datetime.fromtimestamp(ends_at, UTC)

    def revoke_token(self, token: str) -> None:
        """Revoke an access token, or with a refresh token its whole session (RFC 7009)."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT session, kind FROM smart_token WHERE hash = ?", (token_hash(token),)
            ).fetchone()
            if row is None:
                return
            connection.execute(
                "UPDATE smart_token SET revoked = 1 WHERE hash = ?", (token_hash(token),)
            )
            if row["kind"] == "refresh":
                _revoke_session(connection, row["session"])

    def revoke_session(self, token: str) -> None:
        """Revoke the session of an access or refresh token, if there is such a token."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT session FROM smart_token WHERE hash = ?", (token_hash(token),)
            ).fetchone()
            if row is not None:
                _revoke_session(connection, row["session"])

    def find_access_rights(self, token: str) -> AccessRights | None:
        """Return the rights of an access token; None if unknown, expired or revoked."""
        row = self._database.read_one(
            "SELECT patient, fhir_user, t.scope FROM smart_token t"
            " JOIN smart_session s ON s.id = t.session WHERE hash = ? AND kind = 'access'"
            " AND NOT s.revoked AND NOT t.revoked AND t.ends_at > ?",
            token_hash(token),
            self.now(),
        )
        if row is None:
            return None
        return AccessRights(row["patient"], row["fhir_user"], frozenset(row["scope"].split()))


def _revoke_session(connection: sqlite3.Connection, session: str) -> None:
    connection.execute("UPDATE smart_session SET revoked = 1 WHERE id = ?", (session,))
