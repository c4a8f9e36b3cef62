"""The file of what was told: what it holds, and what becomes of it where something is wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gpcli.changes import store as module
from gpcli.changes.files import find_path, forget_account
from gpcli.changes.polling import is_final
from gpcli.changes.store import ChangeStore, SeenRecord, WishBooking
from gpcli.errors import ConfigError, Failure, TimedOut

VISIT = ("appointment", "a-1")


def a_store(home: Path) -> ChangeStore:
    return ChangeStore(home, "account")


def test_what_is_noted_is_there_when_it_is_opened_again(tmp_path):
    with closing(a_store(tmp_path)) as store:
        store.begin(
            "changes", ["appointment"], [(VISIT, SeenRecord("booked", 2, {"time": "x"}))], 1
        )
        store.write_booking("main", WishBooking("wish", "s-1", "a-1"))
    with closing(a_store(tmp_path)) as store:
        assert store.read_seen("changes") == {VISIT: SeenRecord("booked", 2, {"time": "x"})}
        assert store.read_beginnings("changes") == {"appointment": 1.0}
        assert store.read_booking("main") == WishBooking("wish", "s-1", "a-1")
        assert store.find_moving("a-1", "other") == "main"
        assert store.find_moving("a-1", "main") is None


def test_a_hash_is_of_this_file_alone_and_nothing_is_nothing(tmp_path):
    with closing(a_store(tmp_path)) as one, closing(ChangeStore(tmp_path, "other")) as other:
        assert one.hash("Rash") != other.hash("Rash")
        assert one.hash("Rash", None) != one.hash(None, "Rash")
        assert one.hash(None, None) == one.hash("") == ""


def test_another_process_that_has_it_for_too_long_is_waited_out_by_a_watch(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    with closing(a_store(tmp_path)) as store, closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimedOut) as busy:
            store.write_seen("changes", [(VISIT, SeenRecord("booked", 1, {}))])
    assert not is_final(busy.value)
    assert "Delete it" not in busy.value.hint


def test_a_full_disk_is_said_and_waited_out_by_a_watch(tmp_path):
    with closing(a_store(tmp_path)) as store:
        many = [(("message", f"m-{number}"), SeenRecord("x" * 500, 1, {})) for number in range(999)]
        store._database.execute("PRAGMA max_page_count = 20")
        with pytest.raises(Failure) as full:
            store.write_seen("changes", many)
    assert not is_final(full.value)
    assert "Make room" in full.value.hint


def test_what_sqlite_can_not_read_is_set_aside(tmp_path):
    path = find_path(tmp_path, "account")
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"no database" * 999)
    path.chmod(0o600)
    with closing(a_store(tmp_path)) as store:
        assert store.was_broken
        assert store.read_seen("changes") == {}
    assert path.with_name(f"{path.name}.broken").read_bytes().startswith(b"no database")


def test_that_of_a_later_gpcli_is_refused(tmp_path):
    with closing(a_store(tmp_path)) as store:
        store._database.execute("PRAGMA user_version = 2")
    with pytest.raises(ConfigError, match="a later gpcli"):
        a_store(tmp_path)


def test_what_is_forgotten_is_gone_with_all_that_sqlite_keeps_beside_it(tmp_path):
    with closing(a_store(tmp_path)) as store:
        store.begin("changes", ["appointment"], [], 1)
    forget_account(tmp_path, "account")
    assert [*(tmp_path / "changes").iterdir()] == []
