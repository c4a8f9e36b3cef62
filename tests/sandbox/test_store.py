"""Test the resource store: versions, deletion, finding, transactions."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.store import Store
from tests.sandbox.fhir.portal import NOON

LI = {"resourceType": "Practitioner", "id": "li", "name": [{"family": "Li"}]}


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
def store(tmp_path, clock):
    store = Store(tmp_path / "portal.sqlite", clock)
    yield store
    store.close()


def test_what_is_put_is_got_with_a_version_and_a_time(store):
    store.put(LI)

    got = store.get("Practitioner", "li")

    updated = got["meta"].pop("lastUpdated")
    assert got == {**LI, "meta": {"versionId": "1"}}
    assert updated.startswith("2027-03-01T11:00:00.")
    assert updated.endswith("Z")


def test_putting_again_makes_the_next_version_and_keeps_the_former(store, clock):
    first = store.put(LI)
    clock.advance(timedelta(hours=1))

    second = store.put({**LI, "active": False})

    assert second["meta"]["versionId"] == "2"
    assert second["meta"]["lastUpdated"] > first["meta"]["lastUpdated"]
    assert store.get("Practitioner", "li") == second
    assert store.get_version("Practitioner", "li", 1) == first
    assert store.get_version("Practitioner", "li", 2) == second
    assert store.get_version("Practitioner", "li", 3) is None


def test_other_meta_is_kept(store):
    put = store.put({**LI, "meta": {"tag": [{"code": "made-up"}], "versionId": "99"}})

    assert put["meta"]["tag"] == [{"code": "made-up"}]
    assert put["meta"]["versionId"] == "1"


def test_what_was_never_there_is_none_and_not_deleted(store):
    assert store.get("Practitioner", "li") is None
    assert store.get_version("Practitioner", "li", 1) is None
    assert not store.is_deleted("Practitioner", "li")


def test_what_is_deleted_is_gone_but_its_versions_stay(store):
    first = store.put(LI)

    store.delete("Practitioner", "li")

    assert store.get("Practitioner", "li") is None
    assert store.is_deleted("Practitioner", "li")
    assert store.get_version("Practitioner", "li", 1) == first
    assert store.get_version("Practitioner", "li", 2) is None
    assert store.find("Practitioner", family="li") == []


def test_deleting_twice_or_what_is_not_there_does_nothing(store):
    store.put(LI)
    store.delete("Practitioner", "li")

    store.delete("Practitioner", "li")
    store.delete("Practitioner", "nobody")

    assert store.put(LI)["meta"]["versionId"] == "3"
    assert not store.is_deleted("Practitioner", "li")


def test_inserting_gives_a_new_id(store):
    one, other = store.insert(LI), store.insert(LI)

    assert len({one["id"], other["id"], "li"}) == 3


def test_the_maker_of_ids_can_be_handed_in(tmp_path, clock):
    store = Store(tmp_path / "portal.sqlite", clock, new_id=lambda: "next")

    assert store.insert(LI)["id"] == "next"
    store.close()


def test_find_looks_by_search_parameters_and_only_for_the_type(store):
    slots = [
        {
            "resourceType": "Slot",
            "id": f"s{number}",
            "schedule": {"reference": "Schedule/x"},
            "status": status,
        }
        for number, status in enumerate(("free", "busy", "free"))
    ]
    store.put_all([*slots, LI])

    assert [each["id"] for each in store.find("Slot", schedule="Schedule/x", status="free")] == [
        "s0",
        "s2",
    ]
    assert store.find("Slot", schedule="Schedule/y") == []
    assert [each["id"] for each in store.find("Practitioner")] == ["li"]


def test_a_changed_resource_is_found_by_what_it_says_now(store):
    store.put(LI)

    store.put({**LI, "name": [{"family": "Åsen"}]})

    assert store.find("Practitioner", family="li") == []
    assert len(store.find("Practitioner", family="asen")) == 1


def test_a_transaction_that_fails_leaves_nothing(store):
    store.put(LI)

    with pytest.raises(KeyError), store.transaction():
        store.put_all([{**LI, "active": False}, {**LI, "id": "lo"}, {}])

    assert store.get("Practitioner", "li")["meta"]["versionId"] == "1"
    assert len(store.find("Practitioner")) == 1
    assert store.get_version("Practitioner", "li", 2) is None


def test_a_transaction_within_another_fails_with_it(store):
    def put_and_fail():
        with store.transaction():
            store.put(LI)
        raise RuntimeError

    with pytest.raises(RuntimeError), store.transaction():
        put_and_fail()

    assert store.get("Practitioner", "li") is None


def test_putting_many_is_all_or_nothing(store):
    with pytest.raises(KeyError):
        store.put_all([LI, {"resourceType": "Practitioner"}])

    assert store.find("Practitioner") == []


def test_clear_forgets_everything(store):
    store.put(LI)
    store.put(LI)

    store.clear()

    assert store.get("Practitioner", "li") is None
    assert store.put(LI)["meta"]["versionId"] == "1"


def test_a_store_on_the_same_file_finds_it_all_again(tmp_path, clock):
    first = Store(tmp_path / "portal.sqlite", clock)
    first.put(LI)
    first.close()

    second = Store(tmp_path / "portal.sqlite", clock)

    assert second.get("Practitioner", "li")["name"] == LI["name"]
    assert len(second.find("Practitioner", family="li")) == 1
    second.close()


def test_closing_twice_is_fine(tmp_path, clock):
    store = Store(tmp_path / "portal.sqlite", clock)
    store.close()
    store.close()


def test_writers_in_many_threads_lose_no_version(store):
    def write():
        for _ in range(5):
            store.put(LI)

    threads = [threading.Thread(target=write, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert store.get("Practitioner", "li")["meta"]["versionId"] == "40"
    assert all(store.get_version("Practitioner", "li", number) for number in range(1, 41))


def test_what_waits_in_a_record_of_the_first_release_waits_on(tmp_path, clock):
    path = tmp_path / "former.sqlite"
    with closing(sqlite3.connect(path)) as former:
        former.execute("CREATE TABLE answer (appointment TEXT PRIMARY KEY, due INTEGER NOT NULL)")
        former.execute("INSERT INTO answer VALUES ('a1', 7)")
        former.commit()

    for _ in range(2):
        with closing(Store(path, clock)) as store:
            waiting = store.execute("SELECT reference, due FROM waiting")

    assert waiting == [("Appointment/a1", 7)]


def test_what_is_read_in_a_snapshot_is_as_it_was_whoever_writes_meanwhile(store):
    store.put(LI)
    with store.snapshot():
        before = store.get("Practitioner", "li")
        writer = threading.Thread(target=store.put, args=({**LI, "active": False},))
        writer.start()
        writer.join()
        within = store.get("Practitioner", "li")
    assert within == before
    assert store.get("Practitioner", "li")["active"] is False


def test_a_snapshot_within_a_transaction_sees_what_that_wrote(store):
    with store.transaction():
        store.put(LI)
        with store.snapshot():
            assert store.get("Practitioner", "li") is not None
    assert store.get("Practitioner", "li") is not None
