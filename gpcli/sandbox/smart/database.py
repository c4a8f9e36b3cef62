"""Keep the SMART side's own tables, in the same SQLite file as the FHIR store."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from gpcli.sandbox.store import keep_log

SCHEMA = """
CREATE TABLE IF NOT EXISTS smart_session (
  id TEXT PRIMARY KEY, client_id TEXT NOT NULL, person TEXT NOT NULL, patient TEXT NOT NULL,
  fhir_user TEXT NOT NULL, scope TEXT NOT NULL, auth_time REAL NOT NULL, nonce TEXT,
  ends_at REAL NOT NULL, newest INTEGER NOT NULL DEFAULT 0,
  spent TEXT, spent_at REAL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS smart_code (
  hash TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES smart_session(id),
  redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL, ends_at REAL NOT NULL,
  used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS smart_token (
  hash TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES smart_session(id),
  kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')), scope TEXT NOT NULL,
  generation INTEGER NOT NULL, ends_at REAL NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS smart_device (
  hash TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL,
  scope TEXT NOT NULL, ends_at REAL NOT NULL, answer TEXT, session TEXT,
  used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS smart_assertion (hash TEXT PRIMARY KEY, ends_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS smart_key (kid TEXT PRIMARY KEY, jwk TEXT NOT NULL);
"""
"""Times are seconds since the epoch by the portal's clock; in smart_assertion by real time.

`hash` is the SHA-256 of a secret; secrets themselves are not stored.
"""


class SmartDatabase:
    """One SQLite connection that the server's threads use in turn.

    Where it is `lasting` a power cut does no harm to it.
    """

    def __init__(self, path: Path, *, lasting: bool = False) -> None:
        self._lock = Lock()
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10
        )
        self._connection.row_factory = sqlite3.Row
        keep_log(self._connection, lasting=lasting)
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a transaction that excludes other writers from its first read on."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def read_one(self, query: str, *values: object) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        with self._lock:
            row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()
