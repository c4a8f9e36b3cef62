"""What has changed between how records were told last and how they are now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gpcli.changes.snapshot import Sight, Snapshot
from gpcli.changes.store import Key, SeenRecord
from gpcli.model.appointment import CONFIRMED, IN_ERROR, WAITING
from gpcli.model.change import ChangeState, ChangeWord, RecordChange
from gpcli.model.prescription import REFUSED
from gpcli.model.thread import CLOSED

_UNREMARKABLE = frozenset({"arrived", "checked-in", "fulfilled"})
"""Statuses of a visit that the patient is or was at: they need not be told."""

_OPTIONAL = frozenset({"with", "where", "way"})
"""Facets that count only where they were told before and are told now.

Whose names they are may come along or not, so that their absence is no news.
"""


@dataclass(frozen=True)
class Comparison:
    """What is to be told, and what only to be noted.

    `changes` are in the order of the records. `noted` are records that are not as they were noted,
    and of which nothing is to be told; `missing` those that have not come, though all of their kind
    did.
    """

    changes: tuple[tuple[RecordChange, SeenRecord], ...]
    noted: tuple[tuple[Key, SeenRecord], ...]
    missing: tuple[Key, ...]


def compare(
    seen: Mapping[Key, SeenRecord],
    snapshot: Snapshot,
    hash_values: Callable[..., str],
    now: datetime,
    own: frozenset[str] = frozenset(),
) -> Comparison:
    """Compare what was seen with a snapshot.

    `hash_values` is as `ChangeStore.hash`. `own` are the identifiers of what was made from here
    these seconds, and kind and id (`appointment/a-1`) of what was changed: as long as these are not
    noted, they are left for the next time.
    """
    changes: list[tuple[RecordChange, SeenRecord]] = []
    noted: list[tuple[Key, SeenRecord]] = []
    here: set[Key] = set()
    for sight in snapshot.sights:
        here.add(sight.key)
        before, after = seen.get(sight.key), sight.to_seen(hash_values)
        if before is not None and before.digest == after.digest:
            continue
        is_unnoted = before is None and not own.isdisjoint(sight.identifiers)
        if is_unnoted or f"{sight.kind}/{sight.id}" in own:
            continue
        word = _find_word(sight, before, after)
        if word is None:
            noted.append((sight.key, after))
        else:
            changes.append((_build_change(sight, before, after, word, now), after))
    return Comparison(tuple(changes), tuple(noted), tuple(_find_missing(seen, here, snapshot)))


def _find_missing(
    seen: Mapping[Key, SeenRecord], here: Collection[Key], snapshot: Snapshot
) -> Iterator[Key]:
    return (key for key in seen if key not in here and key[0] in snapshot.whole)


def build_gone(key: Key, before: SeenRecord, now: datetime) -> RecordChange:
    """Return the change of a record that the portal does not show any more."""
    return RecordChange(
        key[0],  # type: ignore[arg-type]  # it was a RecordKind when it was noted
        ChangeWord.GONE,
        key[1],
        key[1] if key[0] == "thread" else None,
        None,
        None,
        None,
        ChangeState(before.status),
        None,
        now,
        str(now.tzinfo),
    )


def _build_change(
    sight: Sight, before: SeenRecord | None, after: SeenRecord, word: ChangeWord, now: datetime
) -> RecordChange:
    return RecordChange(
        sight.kind,
        word,
        sight.id,
        sight.thread_id,
        sight.title,
        sight.sender,
        sight.answer,
        None if before is None else _recall(sight, before, after),
        sight.state,
        now,
        sight.zone,
    )


def _recall(sight: Sight, before: SeenRecord, after: SeenRecord) -> ChangeState:
    """Return how a record was, as far as it is known: its times where they have not changed."""
    if "time" in _list_changed(before, after):
        return ChangeState(before.status)
    return ChangeState(before.status, sight.state.start, sight.state.end)


def _list_changed(before: SeenRecord, after: SeenRecord) -> set[str]:
    """Return the facets that differ."""
    names = {*before.facets, *after.facets}
    pairs = {name: (before.facets.get(name, ""), after.facets.get(name, "")) for name in names}
    return {
        name
        for name, (old, new) in pairs.items()
        if old != new and (name not in _OPTIONAL or (old and new))
    }


def _find_word(sight: Sight, before: SeenRecord | None, after: SeenRecord) -> ChangeWord | None:
    """Return what has become of a record, `None` where that need not be told."""
    if before is None:
        return _find_word_for_new(sight)
    changed = _list_changed(before, after)
    if before.status == after.status and not changed:
        return None
    if sight.kind == "appointment":
        return _find_word_for_appointment(sight, before.status, changed)
    if sight.kind == "renewal":
        return _find_word_for_renewal(sight, before.status, changed)
    if sight.kind == "message":
        return None if sight.is_own or not sight.is_over else ChangeWord.WITHDRAWN
    was_closed = before.status in CLOSED
    return ChangeWord.CLOSED if sight.is_over and not was_closed else None


def _find_word_for_new(sight: Sight) -> ChangeWord | None:
    if sight.kind == "renewal":
        return _find_word_for_renewal(sight, None, set())
    is_told = sight.kind in {"appointment", "message"} and not (sight.is_own or sight.is_over)
    return ChangeWord.NEW if is_told else None


def _find_word_for_appointment(
    sight: Sight, before: str | None, changed: set[str]
) -> ChangeWord | None:
    was_waiting, is_same = before in WAITING, before == sight.status
    if sight.status in {"cancelled", IN_ERROR} and not is_same:
        return ChangeWord.DECLINED if was_waiting else ChangeWord.CANCELLED
    if (is_same and sight.is_over) or (sight.status in _UNREMARKABLE and not changed):
        return None
    if sight.status in CONFIRMED and was_waiting:
        return ChangeWord.CONFIRMED
    if "time" in changed:
        return ChangeWord.MOVED
    return ChangeWord.ANSWERED if "answer" in changed and is_same else ChangeWord.CHANGED


def _find_word_for_renewal(
    sight: Sight, before: str | None, changed: set[str]
) -> ChangeWord | None:
    is_same = before == sight.status
    if not is_same and sight.status == "completed":
        return ChangeWord.GRANTED
    if not is_same and sight.status in REFUSED:
        return ChangeWord.REFUSED
    if before is None:
        return None
    if not is_same and sight.is_over:
        return ChangeWord.CANCELLED
    return ChangeWord.ANSWERED if "answer" in changed else None
