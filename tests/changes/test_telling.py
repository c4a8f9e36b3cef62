"""Each change is told once by each way, and again only where nobody can know that it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpcli.changes.reading import ChangeReader, News
from gpcli.changes.store import ChangeStore, SeenRecord
from gpcli.changes.telling import MAX_TRIES, Teller, TellingFailed
from gpcli.model.change import ChangeWord, RecordChange, WatchEvent, WatchWord

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@dataclass
class Sink:
    """Keeps what it is told; each of `troubles` is raised in place of one telling."""

    name: str = "first"
    takes_one: bool = False
    has_details: bool = True
    troubles: list[BaseException] = field(default_factory=list)
    told: list[WatchEvent] = field(default_factory=list)

    def tell(self, event: WatchEvent) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.told.append(event)

    @property
    def ids(self) -> list[list[tuple[str, bool]]]:
        """Id and whether it may have been told before of each change, by event."""
        return [[(each.id, each.again) for each in event.changes or ()] for event in self.told]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChangeStore]:
    opened = ChangeStore(tmp_path, "account")
    opened.begin("watch main", ["appointment"], [], 0.0)
    yield opened
    opened.close()


def a_change(name: str = "a-1", status: str = "booked") -> News:
    change = RecordChange(
        "appointment", ChangeWord.CONFIRMED, name, None, None, None, None, None, None, NOW, "UTC"
    )
    return News(change, ("appointment", name), SeenRecord(status, None, {}))


def a_teller(store: ChangeStore, *sinks: Sink, failures: list[str] | None = None) -> Teller:
    reader = ChangeReader(store, "watch main", lambda: NOW)
    said = [] if failures is None else failures
    return Teller(store, reader, sinks, "main", "Ada Solberg", said.append)


def is_noted(store: ChangeStore, name: str = "a-1") -> bool:
    return ("appointment", name) in store.read_seen("watch main")


def test_what_is_told_is_noted_and_what_was_being_told_is_forgotten(store):
    sink = Sink()
    teller = a_teller(store, sink)
    teller.tell([a_change(), a_change("a-2")])
    assert sink.ids == [[("a-1", False), ("a-2", False)]]
    assert (teller.told, teller.not_told) == (2, 0)
    assert is_noted(store)
    assert store.read_tellings("watch main") == {}


def test_how_often_the_file_is_read_does_not_grow_with_what_is_new(store):
    statements: list[str] = []
    store._database.set_trace_callback(statements.append)
    reader = ChangeReader(store, "watch main", lambda: NOW)
    teller = a_teller(store, Sink(), Sink("second"))
    counts = []
    for length in (1, 50):
        news = [a_change(f"a-{length}-{number}") for number in range(length)]
        statements.clear()
        teller.tell(reader.list_untold(news))
        counts.append(sum(each.startswith("SELECT") for each in statements))
        assert reader.list_untold(news) == []
    assert counts == [3, 3]


def test_a_way_that_takes_one_is_told_each_alone(store):
    sink = Sink(takes_one=True)
    a_teller(store, sink).tell([a_change(), a_change("a-2")])
    assert sink.ids == [[("a-1", False)], [("a-2", False)]]


def test_a_way_without_details_is_told_that_something_is_new(store):
    sink = Sink(has_details=False)
    a_teller(store, sink).tell([a_change(), a_change("a-2")])
    [event] = sink.told
    assert (event.event, event.count, event.changes, event.patient) == (
        WatchWord.CHANGES,
        2,
        None,
        None,
    )


def test_what_was_begun_when_gpcli_was_stopped_is_told_again_and_says_so(store):
    sink = Sink(troubles=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        a_teller(store, sink).tell([a_change(), a_change("a-2")])
    assert not is_noted(store)
    a_teller(store, sink).tell([a_change(), a_change("a-2"), a_change("a-3")])
    assert sink.ids == [[("a-1", True), ("a-2", True), ("a-3", False)]]
    assert sink.told[0].again


def test_of_two_ways_only_the_one_that_was_stopped_is_told_again(store):
    first, second = Sink(), Sink("second", troubles=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        a_teller(store, first, second).tell([a_change()])
    a_teller(store, first, second).tell([a_change()])
    assert (first.ids, second.ids) == ([[("a-1", False)]], [[("a-1", True)]])
    assert is_noted(store)


def test_what_fails_is_tried_again_and_is_not_said_to_have_been_told(store):
    failures: list[str] = []
    sink = Sink(troubles=[TellingFailed("The program failed.")])
    teller = a_teller(store, sink, failures=failures)
    teller.tell([a_change()])
    said = "The program failed. It is tried again with the next question."
    assert (sink.ids, failures, is_noted(store)) == ([], [said], False)
    teller.tell([a_change()])
    assert (sink.ids, is_noted(store)) == ([[("a-1", False)]], True)


def test_what_fails_ever_again_is_given_up_and_counted(store):
    sink = Sink(troubles=[TellingFailed("No.")] * 99)
    teller = a_teller(store, sink)
    for _ in range(MAX_TRIES):
        assert not is_noted(store)
        teller.tell([a_change()])
    assert (is_noted(store), teller.told, teller.not_told) == (True, 0, 1)


def test_one_way_that_fails_keeps_no_other_from_telling(store):
    failing, working = Sink(troubles=[TellingFailed("No.")] * 99), Sink("second")
    teller = a_teller(store, failing, working)
    for _ in range(MAX_TRIES):
        teller.tell([a_change()])
    assert working.ids == [[("a-1", False)]]
    assert is_noted(store)


def test_a_record_that_changed_again_meanwhile_is_told_as_it_is_now(store):
    sink = Sink(troubles=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        a_teller(store, sink).tell([a_change()])
    a_teller(store, sink).tell([a_change(status="cancelled")])
    assert sink.ids == [[("a-1", False)]]


def the_end(since: str = "1") -> News:
    event = WatchEvent(WatchWord.SIGNED_OUT, "It has ended.", 0, "main")
    return News(event, ("end", "signed_out"), SeenRecord(None, None, {"since": since}))


def test_the_end_of_a_watch_is_told_once_by_each_way_and_again_where_it_failed(store):
    failing, working = Sink(troubles=[TellingFailed("No.")]), Sink("second", has_details=False)
    teller = a_teller(store, failing, working)
    assert not teller.tell_once(the_end())
    assert teller.tell_once(the_end())
    assert teller.tell_once(the_end())
    for sink in (failing, working):
        assert [each.event for each in sink.told] == [WatchWord.SIGNED_OUT]
    assert teller.tell_once(the_end("2"))
    assert len(working.told) == 2


def test_what_may_have_arrived_is_told_again_and_says_so(store):
    sink = Sink(troubles=[TellingFailed("Cut off.", may_have_arrived=True)])
    teller = a_teller(store, sink)
    teller.tell([a_change()])
    teller.tell([a_change()])
    assert sink.ids == [[("a-1", True)]]


def test_a_way_that_goes_on_failing_is_said_once_and_when_it_is_given_up(store):
    failures: list[str] = []
    sink = Sink(troubles=[TellingFailed("No.")] * MAX_TRIES)
    teller = a_teller(store, sink, failures=failures)
    for _ in range(MAX_TRIES):
        teller.tell([a_change()])
        assert teller.failing == {"first"}
    assert failures == [
        "No. It is tried again with the next question.",
        "What was tried 10 times is given up: 1 not told.",
    ]
    teller.tell([a_change("a-2")])
    assert teller.failing == set()
