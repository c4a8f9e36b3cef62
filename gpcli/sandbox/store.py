"""Store versioned FHIR resources in one SQLite file, with an index of their search parameters."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.dates import format_instant
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.search_index import index_entries

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
    rid INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL, UNIQUE (type, id));
CREATE TABLE IF NOT EXISTS former (
    rid INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (rid, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS found_by (
    rid INTEGER NOT NULL, name TEXT NOT NULL, system TEXT NOT NULL, value TEXT NOT NULL,
    low INTEGER, high INTEGER);
CREATE INDEX IF NOT EXISTS found_by_value ON found_by (name, value, rid);
CREATE INDEX IF NOT EXISTS found_by_time ON found_by (name, low, high, rid);
CREATE INDEX IF NOT EXISTS found_by_resource ON found_by (rid, name);
CREATE TABLE IF NOT EXISTS page (
    token TEXT PRIMARY KEY, made INTEGER NOT NULL, patient TEXT NOT NULL, type TEXT NOT NULL,
    query TEXT NOT NULL, rids TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting (
    reference TEXT PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (
    slot TEXT PRIMARY KEY, patient TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
"""
"""`former` holds earlier versions, `found_by` the search index, `page` stored searches, `waiting`
the requests that the surgery has to answer, and `held` the times that are kept for a patient.
Times are microseconds since 1970.
"""
_MIGRATION = """
CREATE TABLE IF NOT EXISTS answer (
    appointment TEXT PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO waiting SELECT 'Appointment/' || appointment, due FROM answer;
DROP TABLE answer;
"""
"""Moves what earlier versions stored in `answer`; its statements do nothing in a new file."""
_LEADING_ELEMENTS = ("resourceType", "id", "meta")


def keep_log(connection: sqlite3.Connection, *, lasting: bool) -> None:
    """Have a connection write ahead in a log; `lasting` = a power cut does no harm to it."""
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if lasting else 'OFF'}")
    connection.execute("PRAGMA journal_mode = WAL")


def _random_id() -> str:
    return str(uuid.uuid4())


class Store:
    """The versioned resources. Each thread has its own connection; writers take turns.

    `new_id` makes logical ids of new resources; `clock` gives `meta.lastUpdated`. Where it is
    `lasting` a power cut does no harm to it.
    """

    def __init__(
        self,
        path: str | Path,
        clock: Clock,
        new_id: Callable[[], str] = _random_id,
        *,
        lasting: bool = False,
    ) -> None:
        self.new_id = new_id
        self._path = path
        self._clock = clock
        self._lasting = lasting
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._last_rid = 0
        self._replaced: dict[int, int] = {}
        self._connection.executescript(_SCHEMA + _MIGRATION)

    @property
    def _connection(self) -> sqlite3.Connection:
        existing: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if existing is not None:
            return existing
        opened = sqlite3.connect(
            self._path, timeout=30, isolation_level=None, check_same_thread=False
        )
        keep_log(opened, lasting=self._lasting)
        self._local.connection = opened
        self._opened.append(opened)
        return opened

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction that excludes other writers; a nested one is part of the outer."""
        connection = self._connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have all that is read in the body as it was at the first read, whoever writes meanwhile.

        Within a transaction it is a part of that; nothing may be written in it otherwise.
        """
        connection = self._connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> list[Any]:
        """Execute a statement on this thread's connection, and return its rows."""
        return self._connection.execute(sql, arguments).fetchall()

    def put(self, resource: Resource) -> Resource:
        """Create or replace a resource under its own id, and return it with its new `meta`."""
        with self.transaction():
            return self._store_version(resource)

    def put_all(self, resources: Iterable[Resource]) -> None:
        """Create or replace resources in one transaction."""
        with self.transaction():
            for resource in resources:
                self._store_version(resource)

    def insert(self, resource: Resource) -> Resource:
        """Create a resource under a new id, which replaces any id it has."""
        return self.put({**resource, "id": self.new_id()})

    def get(self, type_: str, id_: str) -> Resource | None:
        """Return the current version; None if there is none or it was deleted."""
        rows = self.execute(
            "SELECT body FROM resource WHERE type = ? AND id = ? AND NOT deleted", (type_, id_)
        )
        return json.loads(rows[0][0]) if rows else None

    def get_version(self, type_: str, id_: str, version: int) -> Resource | None:
        """Return the version with that number; None if there is none."""
        rows = self.execute(
            "SELECT body FROM resource WHERE type = ? AND id = ? AND version = ? AND NOT deleted"
            " UNION ALL SELECT former.body FROM former JOIN resource USING (rid)"
            " WHERE type = ? AND id = ? AND former.version = ?",
            (type_, id_, version) * 2,
        )
        return json.loads(rows[0][0]) if rows else None

    def is_deleted(self, type_: str, id_: str) -> bool:
        """Return whether the resource existed and was deleted."""
        sql = "SELECT 1 FROM resource WHERE type = ? AND id = ? AND deleted"
        return bool(self.execute(sql, (type_, id_)))

    def delete(self, type_: str, id_: str) -> None:
        """Delete a resource, if it exists; its former versions stay."""
        with self.transaction():
            self._store_former_version(type_, id_)
            self.execute(
                "UPDATE resource SET deleted = 1, version = version + 1"
                " WHERE type = ? AND id = ? AND NOT deleted",
                (type_, id_),
            )

    def find(self, type_: str, **values: str) -> list[Resource]:
        """Return the resources whose search parameters have all these values, oldest first.

        Hyphens of parameters are underscores here: `find("Slot", schedule="Schedule/x")`.
        """
        sql = "SELECT body FROM resource WHERE type = ? AND NOT deleted"
        arguments = [type_]
        for name, value in values.items():
            sql += " AND rid IN (SELECT rid FROM found_by WHERE name = ? AND value = ?)"
            arguments += [f"{type_}.{name.replace('_', '-')}", value]
        return [json.loads(body) for (body,) in self.execute(f"{sql} ORDER BY rid", arguments)]

    def clear(self) -> None:
        """Delete everything."""
        with self.transaction():
            for table in ("resource", "former", "found_by", "page", "waiting", "held"):
                self.execute(f"DELETE FROM {table}")  # noqa: S608 - names are literals above

    def mark(self) -> None:
        """Remember the present resources, for `rewind`."""
        [[self._last_rid]] = self.execute("SELECT max(rid) FROM resource")
        self._replaced = dict(self.execute("SELECT rid, version FROM resource WHERE version > 1"))

    def rewind(self) -> None:
        """Have the resources of `mark` again, as they were, and nothing waiting or held.

        That takes as long as there are changes.
        """
        with self.transaction():
            for table in ("page", "waiting", "held"):
                self.execute(f"DELETE FROM {table}")  # noqa: S608 - as above
            for table in ("resource", "former", "found_by"):
                self.execute(f"DELETE FROM {table} WHERE rid > ?", (self._last_rid,))  # noqa: S608 - as above
            for (rid,) in self.execute("SELECT DISTINCT rid FROM former"):
                self._restore_version(rid, self._replaced.get(rid, 1))

    def _restore_version(self, rid: int, version: int) -> None:
        """Make a former version the current one; do nothing if it is that."""
        sql = "DELETE FROM former WHERE rid = ? AND version >= ? RETURNING version, body"
        bodies = dict(self.execute(sql, (rid, version)))
        if bodies:
            sql = "UPDATE resource SET version = ?, deleted = 0, body = ? WHERE rid = ?"
            self.execute(sql, (version, bodies[version], rid))
            self.execute("DELETE FROM found_by WHERE rid = ?", (rid,))
            self._index(rid, json.loads(bodies[version]))

    def close(self) -> None:
        """Close every thread's connection; the store can't be used afterwards."""
        while self._opened:
            self._opened.pop().close()

    def _store_version(self, resource: Resource) -> Resource:
        rid, stored = self._insert_first_version(resource) or self._update_version(resource)
        self._index(rid, stored)
        return stored

    def _index(self, rid: int, resource: Resource) -> None:
        self._connection.executemany(
            "INSERT INTO found_by VALUES (?, ?, ?, ?, ?, ?)",
            [(rid, *row) for row in index_entries(resource)],
        )

    def _insert_first_version(self, resource: Resource) -> tuple[int, Resource] | None:
        """Return row id and stored resource; None if the id has been used before."""
        stored = self._with_meta(resource, 1)
        rows = self.execute(
            "INSERT INTO resource (type, id, version, body) VALUES (?, ?, 1, ?)"
            " ON CONFLICT (type, id) DO NOTHING RETURNING rid",
            (resource["resourceType"], resource["id"], _encode_json(stored)),
        )
        return (rows[0][0], stored) if rows else None

    def _update_version(self, resource: Resource) -> tuple[int, Resource]:
        type_, id_ = resource["resourceType"], resource["id"]
        self._store_former_version(type_, id_)
        ((rid, version),) = self.execute(
            "UPDATE resource SET version = version + 1, deleted = 0"
            " WHERE type = ? AND id = ? RETURNING rid, version",
            (type_, id_),
        )
        stored = self._with_meta(resource, version)
        self.execute("UPDATE resource SET body = ? WHERE rid = ?", (_encode_json(stored), rid))
        self.execute("DELETE FROM found_by WHERE rid = ?", (rid,))
        return rid, stored

    def _store_former_version(self, type_: str, id_: str) -> None:
        self.execute(
            "INSERT INTO former SELECT rid, version, body FROM resource"
            " WHERE type = ? AND id = ? AND NOT deleted",
            (type_, id_),
        )

    def _with_meta(self, resource: Resource, version: int) -> Resource:
        meta = {
            **resource.get("meta", {}),
            "versionId": str(version),
            "lastUpdated": format_instant(self._clock.now()),
        }
        rest = {name: value for name, value in resource.items() if name not in _LEADING_ELEMENTS}
        return {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta} | rest


def _encode_json(resource: Resource) -> str:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
