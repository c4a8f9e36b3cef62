"""Telling changes: by whom each is told, once, and again only where nobody can know that it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from gpcli.changes.reading import ChangeReader, News
from gpcli.changes.store import ChangeStore, Key, Telling, TellingState
from gpcli.model.appointment import Slot
from gpcli.model.change import (
    BOOKED,
    REQUESTED,
    SOMETHING_NEW,
    TIMES_FIT,
    BookedTime,
    RecordChange,
    WatchEvent,
    WatchWord,
)

MAX_TRIES = 10
"""How often one change is tried to be told by one sink."""


class TellingFailed(Exception):
    """Raised by a Sink that could not tell; its text is a sentence for the person who watches.

    `may_have_arrived`: what was lost may be the answer alone.
    """

    def __init__(self, sentence: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(sentence)
        self.may_have_arrived = may_have_arrived


class Sink(Protocol):
    """A way to tell somebody.

    `name` tells it from the other ways of a watch. `takes_one`: each change is told alone; free
    times never are.
    `has_details`: it is told what has changed, and not only that something has.
    """

    name: str
    takes_one: bool
    has_details: bool

    def tell(self, event: WatchEvent) -> None:
        """Tell it.

        Raises: TellingFailed.
        """


class Teller:
    """Tells what is new by each of `sinks`, and notes it for the cursor of `reader`.

    What is to be told is noted as begun before, and as told after: what was only begun when gpcli
    was stopped is told again, and says so. What a sink fails to tell is tried again the next time,
    at most `MAX_TRIES` times. `watch` is the watch's name, `patient` whose records they are.
    `on_failure` is called with a sentence when a sink begins to fail, and when it gives up. `told`
    and `not_told` count what was told, and what was given up; `failing` are the names of the sinks
    that failed last.
    """

    def __init__(
        self,
        store: ChangeStore,
        reader: ChangeReader,
        sinks: Sequence[Sink],
        watch: str,
        patient: str | None,
        on_failure: Callable[[str], None],
    ) -> None:
        self._store = store
        self._reader = reader
        self._sinks = sinks
        self._watch = watch
        self._patient = patient
        self._on_failure = on_failure
        self.told = 0
        self.not_told = 0
        self.failing: set[str] = set()

    def tell(self, news: Sequence[News]) -> None:
        """Tell what is new, and note what all sinks have told or given up.

        It is of one kind: of changes, of free times, or one of anything else.
        """
        if not news:
            return
        tellings = self._store.read_tellings(self._reader.name)
        for sink in self._sinks:
            begun = tellings.get(sink.name, {})
            due = [each for each in news if _is_due(each, begun)]
            is_each = sink.takes_one and isinstance(news[0].content, RecordChange)
            groups = [[each] for each in due] if is_each else [due]
            for group in filter(None, groups):
                self._tell_group(group, sink, begun)
        self._note_finished(news)

    def tell_once(self, news: News) -> bool:
        """Tell something unless it is told; return whether it is, or was given up."""
        self.tell(self._reader.list_untold([news]))
        return not self._reader.list_untold([news])

    def _tell_group(
        self, group: Sequence[News], sink: Sink, earlier: Mapping[Key, Telling]
    ) -> None:
        """Tell something by one sink at once; note before that it is begun, and how it ended.

        Where it is the only one, what it has told is noted as told altogether.
        """
        self._note(group, sink, earlier, "begun")
        try:
            sink.tell(self._build_event(group, sink, earlier))
        except TellingFailed as error:
            self._note(group, sink, earlier, "unsure" if error.may_have_arrived else "failed")
            if sink.name not in self.failing:
                self._on_failure(f"{error} It is tried again with the next question.")
            self.failing.add(sink.name)
            return
        self.failing.discard(sink.name)
        if len(self._sinks) == 1:
            self._reader.note_told(group)
            self.told += len(group)
        else:
            self._note(group, sink, earlier, "told")

    def _build_event(
        self, group: Sequence[News], sink: Sink, earlier: Mapping[Key, Telling]
    ) -> WatchEvent:
        """Return the event that tells a group, with what the sink may tell of it."""
        unsure = [_is_unsure(each, earlier) for each in group]
        contents = [each.content for each in group]
        event = replace(
            _describe(contents, unsure), watch=self._watch, again=any(unsure), patient=self._patient
        )
        return event if sink.has_details else event.without_details

    def _note(
        self,
        group: Sequence[News],
        sink: Sink,
        earlier: Mapping[Key, Telling],
        state: TellingState,
    ) -> None:
        failed = 1 if state in {"failed", "unsure"} else 0
        tellings = [
            (each.key, Telling(each.digest, state, _count_tries(each, earlier) + failed))
            for each in group
        ]
        self._store.write_tellings(self._reader.name, sink.name, tellings)

    def _note_finished(self, news: Sequence[News]) -> None:
        """Note what every sink has told, or given up."""
        found = self._store.read_tellings(self._reader.name)
        tellings = [found.get(sink.name, {}) for sink in self._sinks]
        begun = [each for each in news if any(each.key in one for one in tellings)]
        ended = [each for each in begun if not any(_is_due(each, one) for one in tellings)]
        lost = [each for each in ended if any(one[each.key].state != "told" for one in tellings)]
        self._reader.note_told(ended)
        self.told += len(ended) - len(lost)
        self.not_told += len(lost)
        if lost:
            self._on_failure(f"What was tried {MAX_TRIES} times is given up: {len(lost)} not told.")


def _describe(contents: Sequence[object], unsure: Sequence[bool]) -> WatchEvent:
    """Return the event for what is to be told, with all of it; `unsure` as for its parts."""
    first, count = contents[0], len(contents)
    if isinstance(first, WatchEvent):
        return first
    if isinstance(first, BookedTime):
        is_confirmed = first.appointment.is_confirmed
        what = (WatchWord.BOOKED, BOOKED) if is_confirmed else (WatchWord.REQUESTED, REQUESTED)
        return WatchEvent(
            *what,
            1,
            "",
            appointment=first.appointment,
            replaced=first.replaced,
            fee=first.fee,
        )
    pairs = [*zip(contents, unsure, strict=True)]
    changes = tuple(
        replace(each, again=again) for each, again in pairs if isinstance(each, RecordChange)
    )
    if changes:
        return WatchEvent(WatchWord.CHANGES, SOMETHING_NEW, count, "", changes=changes)
    times = tuple(each for each in contents if isinstance(each, Slot))
    return WatchEvent(WatchWord.TIMES, TIMES_FIT, count, "", times=times)


def _is_due(news: News, earlier: Mapping[Key, Telling]) -> bool:
    """Return whether a sink has yet to tell it: it has not, and has not given it up."""
    telling = _find_same(news, earlier)
    return telling is None or (telling.state != "told" and telling.tries < MAX_TRIES)


def _is_unsure(news: News, earlier: Mapping[Key, Telling]) -> bool:
    """Return whether a sink may have told it, though that is not known."""
    telling = _find_same(news, earlier)
    return telling is not None and telling.state in {"begun", "unsure"}


def _count_tries(news: News, earlier: Mapping[Key, Telling]) -> int:
    telling = _find_same(news, earlier)
    return telling.tries if telling else 0


def _find_same(news: News, earlier: Mapping[Key, Telling]) -> Telling | None:
    """Return how far this very change was told; a record may have changed again since."""
    telling = earlier.get(news.key)
    return telling if telling and telling.digest == news.digest else None
