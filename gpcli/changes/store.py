"""What was told of a person's records: a SQLite file that holds hashes, ids and status codes alone.

Nothing in it says what a record is about, or when: of that there are hashes, made with a key that
is in the same file. A cursor is one reader of changes (`changes`, or a watch by its name), with its
own memory of how each record was when it was told last.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gpcli.changes.files import DIRECTORY, find_path
from gpcli.config.private_files import build_cure, make_private_directory, open_private_file
from gpcli.errors import ConfigError, Failure, GpcliError, TimedOut

BY_HAND = "changes"
"""The cursor of who asks by `gpcli changes`, which begins with whatever is used first."""

VERSION = 1
"""The version of the tables (`user_version`)."""

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
"""Codes of SQLite for what passes, or can be mended without losing the file."""

_PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""

_TABLES = """
CREATE TABLE secret (key BLOB NOT NULL);
CREATE TABLE cursor (
    name TEXT NOT NULL, kind TEXT NOT NULL, began REAL NOT NULL, PRIMARY KEY (name, kind)
) WITHOUT ROWID;
CREATE TABLE seen (
    cursor TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    status TEXT, version INTEGER, facets TEXT NOT NULL,
    PRIMARY KEY (cursor, kind, id)
) WITHOUT ROWID;
CREATE TABLE telling (
    cursor TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    sink TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (cursor, kind, id, sink)
) WITHOUT ROWID;
CREATE TABLE watch (name TEXT PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE booking (
    watch TEXT PRIMARY KEY, wish TEXT NOT NULL, slot TEXT NOT NULL, visit TEXT,
    is_done INTEGER NOT NULL
);
"""

Key = tuple[str, str]
"""Kind and id of a record."""

TellingState = Literal["begun", "told", "failed", "unsure"]


@dataclass(frozen=True)
class SeenRecord:
    """How a record was when it was told last.

    `status` is a code of R4, `None` for one that is not; `version` as in Appointment. `facets` has
    a hash for each part of what it says, empty where it said nothing of it.
    """

    status: str | None
    version: int | None
    facets: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What tells this state of the record from its others."""
        text = json.dumps([self.status, sorted(self.facets.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Telling:
    """How far one change was told by one sink; `digest` is of the record as it is after it.

    `begun` means that nothing is known of how it ended, `unsure` that it failed and may have
    arrived. `tries` counts those that failed.
    """

    digest: str
    state: TellingState
    tries: int


@dataclass(frozen=True)
class WishBooking:
    """What a watch has booked, or has begun to book, for a wish.

    `wish` tells the wish from others; `slot` is the id of the time, `visit` that of the appointment
    that it replaces, `None` = it replaces none. `is_done`: the portal has confirmed it.
    """

    wish: str
    slot: str
    visit: str | None
    is_done: bool = False


class ChangeStore:
    """The file of one account in the state directory.

    `was_broken`: there was a file that could not be read; it was set aside, and this one is new.
    Every method raises ConfigError for a file that can't be used, TimedOut where another process
    has it for too long, Failure where the disk is full.
    """

    was_broken = False
    _key: bytes

    def __init__(self, state: Path, account: str) -> None:
        self.path = find_path(state, account)
        try:
            self._database = self._open()
        except OSError as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def hash(self, *values: str | None) -> str:
        """Return a keyed hash of `values`, empty where none of them is told."""
        if not any(values):
            return ""
        content = json.dumps(values).encode(errors="surrogatepass")
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()[:20]

    def read_beginnings(self, cursor: str) -> dict[str, float]:
        """Return since when a cursor tells changes (Unix seconds) of each kind of record."""
        return dict(self._read("SELECT kind, began FROM cursor WHERE name = ?", (cursor,)))

    def begin(
        self,
        cursor: str,
        kinds: Iterable[str],
        seen: Iterable[tuple[Key, SeenRecord]],
        began: float,
    ) -> None:
        """Note how the records of `kinds` are from which on a cursor tells changes."""
        rows = [(cursor, kind, began) for kind in kinds]
        with self._writing() as database:
            database.executemany("INSERT OR IGNORE INTO cursor VALUES (?, ?, ?)", rows)
            _insert_seen(database, cursor, seen)

    def read_seen(self, cursor: str) -> dict[Key, SeenRecord]:
        """Return how each record was when the cursor told it last."""
        sql = "SELECT kind, id, status, version, facets FROM seen WHERE cursor = ?"
        return {
            (kind, id_): SeenRecord(status, version, json.loads(facets))
            for kind, id_, status, version, facets in self._read(sql, (cursor,))
        }

    def read_ids(self, cursor: str, kind: str) -> set[str]:
        """Return the ids of the records of a kind that the cursor has told."""
        sql = "SELECT id FROM seen WHERE cursor = ? AND kind = ?"
        return {id_ for (id_,) in self._read(sql, (cursor, kind))}

    def write_seen(
        self,
        cursor: str,
        seen: Iterable[tuple[Key, SeenRecord]],
        gone: Iterable[Key] = (),
    ) -> None:
        """Note how records are told, and forget what is `gone`; with that, what was being told."""
        rows = [*seen]
        lost = [(cursor, *key) for key in gone]
        told = [*lost, *((cursor, *key) for key, _ in rows)]
        with self._writing() as database:
            _insert_seen(database, cursor, rows)
            database.executemany("DELETE FROM seen WHERE cursor = ? AND kind = ? AND id = ?", lost)
            database.executemany(_FORGET_TELLING, told)

    def note_own(self, key: Key, record: SeenRecord, cursor: str | None = None) -> None:
        """Note for a cursor (`None` = all) how a record is after a write from here: no news."""
        sql = "SELECT name FROM cursor WHERE kind = ?"
        for (name,) in self._read(sql, (key[0],)):
            if cursor in {name, None}:
                self.write_seen(name, [(key, record)])

    def read_tellings(self, cursor: str) -> dict[str, dict[Key, Telling]]:
        """Return what is being told: by sink, then by kind and id."""
        sql = "SELECT kind, id, sink, digest, state, tries FROM telling WHERE cursor = ?"
        tellings: dict[str, dict[Key, Telling]] = {}
        for kind, id_, sink, digest, state, tries in self._read(sql, (cursor,)):
            tellings.setdefault(sink, {})[kind, id_] = Telling(digest, state, tries)
        return tellings

    def write_tellings(
        self, cursor: str, sink: str, tellings: Iterable[tuple[Key, Telling]]
    ) -> None:
        """Note how far changes are told by a sink."""
        sql = "INSERT OR REPLACE INTO telling VALUES (?, ?, ?, ?, ?, ?, ?)"
        rows = [(cursor, *key, sink, each.digest, each.state, each.tries) for key, each in tellings]
        with self._writing() as database:
            database.executemany(sql, rows)

    def read_watches(self) -> dict[str, dict[str, Any]]:
        """Return what is noted of each watch, by its name."""
        rows = self._read("SELECT name, status FROM watch ORDER BY name", ())
        return {name: json.loads(status) for name, status in rows}

    def write_watch(self, name: str, status: Mapping[str, object]) -> None:
        """Note where a watch stands."""
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO watch VALUES (?, ?)", (name, _dump(status)))

    def read_booking(self, watch: str) -> WishBooking | None:
        """Return what a watch books, `None` = nothing so far."""
        sql = "SELECT wish, slot, visit, is_done FROM booking WHERE watch = ?"
        for wish, slot, visit, is_done in self._read(sql, (watch,)):
            return WishBooking(wish, slot, visit, bool(is_done))
        return None

    def find_moving(self, visit: str, watch: str) -> str | None:
        """Return the name of another watch than `watch` that is moving a visit; `None` = none."""
        sql = "SELECT watch FROM booking WHERE visit = ? AND watch <> ? AND NOT is_done"
        return next((name for (name,) in self._read(sql, (visit, watch))), None)

    def write_booking(self, watch: str, booking: WishBooking | None) -> None:
        """Note what a watch books, `None` = nothing any more."""
        with self._writing() as database:
            if booking is None:
                database.execute("DELETE FROM booking WHERE watch = ?", (watch,))
                return
            row = (watch, booking.wish, booking.slot, booking.visit, booking.is_done)
            database.execute("INSERT OR REPLACE INTO booking VALUES (?, ?, ?, ?, ?)", row)

    def _open(self) -> sqlite3.Connection:
        """Open the file; a broken one is set aside for a new one.

        Raises: ConfigError for that of a later gpcli, or that is not this user's; OSError.
        """
        make_private_directory(self.path.parent.parent, DIRECTORY)
        try:
            return self._connect()
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error
        except sqlite3.DatabaseError:
            self._set_aside()
        self.was_broken = True
        try:
            return self._connect()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _connect(self) -> sqlite3.Connection:
        os.close(open_private_file(self.path, os.O_RDWR | os.O_CREAT))
        database = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise ConfigError(
                f"{self.path} was written by a later gpcli.",
                hint="Update gpcli, or delete the file: what was told is then not known.",
            )
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("malformed")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        if version == 0:
            with _transaction(database):
                if database.execute("PRAGMA user_version").fetchone() == (0,):
                    self._create(database)
        (key,) = database.execute("SELECT key FROM secret").fetchone() or (None,)
        if not isinstance(key, bytes):
            raise sqlite3.DatabaseError("it has no key")
        self._key = key

    def _create(self, database: sqlite3.Connection) -> None:
        for statement in filter(str.strip, _TABLES.split(";")):
            database.execute(statement)
        database.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
        database.execute(f"PRAGMA user_version = {VERSION}")

    def _set_aside(self) -> None:
        for end in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(f"{self.path.name}{end}").unlink()
        self.path.replace(self.path.with_name(f"{self.path.name}.broken"))

    def _read(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            with closing(self._database.execute(sql, parameters)) as rows:
                return rows.fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with _transaction(self._database):
                yield self._database
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError | sqlite3.Error) -> GpcliError:
        if isinstance(error, OSError):
            return ConfigError(
                f"{self.path} can't be used: {error.strerror}.", hint=build_cure(error)
            )
        message = f"{self.path} can't be used: {error}."
        code = getattr(error, "sqlite_errorcode", None)
        if code in _BUSY:
            return TimedOut(message, hint="Another gpcli is at it: try again.")
        if code in _NO_ROOM:
            return Failure(message, hint="Make room on the disk, or set GPCLI_CONFIG_DIR.")
        return ConfigError(message, hint="Delete it: what was told is then not known.")


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if database.in_transaction:  # a full disk has ended it already
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


_FORGET_TELLING = "DELETE FROM telling WHERE cursor = ? AND kind = ? AND id = ?"


def _insert_seen(
    database: sqlite3.Connection, cursor: str, seen: Iterable[tuple[Key, SeenRecord]]
) -> None:
    rows = ((cursor, *key, each.status, each.version, _dump(each.facets)) for key, each in seen)
    database.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?)", rows)


def _dump(values: Mapping[str, object]) -> str:
    return json.dumps(values, separators=(",", ":"))
