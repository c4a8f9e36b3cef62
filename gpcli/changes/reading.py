"""Reading what is new for one cursor, and noting what was told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gpcli.care.portal_protocol import Portal
from gpcli.changes.differences import build_gone, compare
from gpcli.changes.snapshot import (
    Sight,
    Snapshot,
    fetch_snapshot,
    see_appointment,
    see_renewal,
)
from gpcli.changes.store import BY_HAND, ChangeStore, Key, SeenRecord
from gpcli.errors import GpcliError, NotFound, SignInError
from gpcli.model.appointment import OVER, Slot
from gpcli.model.change import BookedTime, ChangeState, ChangeWord, RecordChange, WatchEvent

_OVER = OVER | {"completed", "rejected", "failed"}
"""Statuses of appointments and requests to renew after which they may vanish from lists."""


MAX_RECALLED = 10
"""The most news for which a portal is asked how the records were: it takes a request for each."""


@dataclass(frozen=True)
class News:
    """Something to tell, and how it is noted once that is told; `None` = not at all.

    `version` is that of the record as it was, `None` = not known.
    """

    content: RecordChange | Slot | BookedTime | WatchEvent
    key: Key
    record: SeenRecord | None
    version: int | None = None

    @property
    def digest(self) -> str:
        """What tells it from other news of the same record."""
        return "" if self.record is None else self.record.digest


@dataclass(frozen=True)
class Reading:
    """What is new. `is_first`: nothing was noted before, so that nothing can be new.

    `noted` and `forgotten` are records of which nothing is to be told. `snapshot` is how all
    records are.
    """

    news: tuple[News, ...]
    noted: tuple[tuple[Key, SeenRecord], ...]
    forgotten: tuple[Key, ...]
    snapshot: Snapshot
    is_first: bool = False

    @property
    def changes(self) -> tuple[RecordChange, ...]:
        """The changes."""
        return tuple(each.content for each in self.news if isinstance(each.content, RecordChange))


class ChangeReader:
    """Reads what is new for the cursor `name`.

    `clock` returns the aware time in the surgeries' zone. `find_own` returns what `compare` leaves
    for the next time. With `offers` what the GPs offer is in each snapshot.
    """

    def __init__(
        self,
        store: ChangeStore,
        name: str,
        clock: Callable[[], datetime],
        find_own: Callable[[], frozenset[str]] = frozenset,
        *,
        offers: bool = False,
    ) -> None:
        self._store = store
        self.name = name
        self._clock = clock
        self._find_own = find_own
        self._offers = offers

    def read(self, portal: Portal) -> Reading:
        """Fetch how the records are, and return what is new; raise as `fetch_snapshot`.

        The first time that records of a kind come, it only notes how they are.
        """
        own = self._find_own()  # comes first: what is written from now on is in the journal then
        snapshot = fetch_snapshot(portal, self._clock(), offers=self._offers)
        reading = self.read_from(snapshot, portal, own)
        if len(reading.news) > MAX_RECALLED:
            return reading
        return replace(reading, news=tuple(_add_times(each, portal) for each in reading.news))

    def read_from(
        self, snapshot: Snapshot, portal: Portal | None, own: frozenset[str] = frozenset()
    ) -> Reading:
        """Return what is new in a snapshot; `portal` is asked for what is missing, `None` = not."""
        beginnings = {each: self._store.read_beginnings(each) for each in (self.name, BY_HAND)}
        for cursor, begun in beginnings.items():
            if new := snapshot.came - begun.keys():
                self._begin(cursor, new, snapshot)
        now = self._clock().replace(microsecond=0)
        seen = self._store.read_seen(self.name)
        comparison = compare(seen, snapshot, self._store.hash, now, own)
        news = [_build_news(*each, seen) for each in comparison.changes]
        noted = [*comparison.noted]
        live, forgotten = _sort_missing(comparison.missing, seen)
        sought = [(key, _look_for(portal, key)) for key in live] if portal else []
        for key, found in sought:
            if isinstance(found, NotFound):
                news.append(News(build_gone(key, seen[key], now), key, None))
            elif found is not None and _is_past(found, now):
                forgotten.append(key)
            elif found is not None:
                alone = Snapshot((found,), frozenset(), frozenset())
                here = compare(seen, alone, self._store.hash, now, own)
                news += [_build_news(*each, seen) for each in here.changes]
                noted += here.noted
        is_first = not beginnings[self.name]
        return Reading(tuple(news), tuple(noted), tuple(forgotten), snapshot, is_first)

    def list_untold(self, news: Sequence[News]) -> list[News]:
        """Return the news of which this very thing is not noted as told."""
        seen = self._store.read_seen(self.name) if news else {}
        return [
            each for each in news if each.key not in seen or seen[each.key].digest != each.digest
        ]

    def note(self, reading: Reading) -> None:
        """Note that all of a reading is told, and what need not be."""
        self.note_told(reading.news)
        self.note_untold(reading)

    def note_untold(self, reading: Reading) -> None:
        """Note what of a reading need not be told."""
        if reading.noted or reading.forgotten:
            self._store.write_seen(self.name, reading.noted, reading.forgotten)

    def note_told(self, news: Collection[News]) -> None:
        """Note that this is told."""
        seen = [(each.key, each.record) for each in news if each.record is not None]
        gone = [each.key for each in news if each.record is None]
        if news:
            self._store.write_seen(self.name, seen, gone)

    def _begin(self, cursor: str, kinds: Collection[str], snapshot: Snapshot) -> None:
        rows = [
            (each.key, each.to_seen(self._store.hash))
            for each in snapshot.sights
            if each.kind in kinds
        ]
        self._store.begin(cursor, kinds, rows, self._clock().timestamp())


def _build_news(change: RecordChange, record: SeenRecord, seen: Mapping[Key, SeenRecord]) -> News:
    key = (change.kind, change.id)
    return News(change, key, record, seen[key].version if key in seen else None)


def _add_times(news: News, portal: Portal) -> News:
    """Return a move with the times that the visit had, where the portal keeps what was."""
    change, version = news.content, news.version
    is_moved = isinstance(change, RecordChange) and change.change is ChangeWord.MOVED
    earlier = portal.fetch_version(news.key[1], version) if is_moved and version else None
    if earlier is None or not isinstance(change, RecordChange):
        return news
    before = ChangeState(earlier.status, earlier.start, earlier.end)
    return replace(news, content=replace(change, before=before))


def _sort_missing(
    missing: Collection[Key], seen: Mapping[Key, SeenRecord]
) -> tuple[list[Key], list[Key]]:
    """Return the records to look for, and those that may be forgotten.

    Messages are neither: a list of them may be cut, so that the absence of one is no news.
    """
    sought = [key for key in missing if key[0] in {"appointment", "renewal"}]
    over = [key for key in sought if seen[key].status in _OVER]
    return [key for key in sought if seen[key].status not in _OVER], over


def _look_for(portal: Portal, key: Key) -> Sight | NotFound | None:
    """Return a record that did not come with the others; `None` = it can't be told."""
    kind, id_ = key
    try:
        if kind == "appointment":
            return see_appointment(portal.fetch_appointment(id_))
        return see_renewal(portal.prescriptions.fetch_renewal(id_))
    except NotFound as error:
        return error
    except SignInError:
        raise
    except GpcliError:
        return None


def _is_past(sight: Sight, now: datetime) -> bool:
    end = sight.state.end or sight.state.start
    return end is not None and end <= now
