"""Writes whose outcome nobody has told: recognised among what is read, or asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from typing import Literal
from uuid import UUID

from gpcli.errors import ConfigError, Failure, GpcliError, SignInError
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.journal import Journal, JournalEntry
from gpcli.portal.queries import by_identifier
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.outcome import with_identifier

_Answer = bool | GpcliError
"""Whether the portal has been seen to lack what a write makes, or why it can't be told."""


class OpenWrites:
    """The writes of one account that were open in the journal when this run first read a record.

    Whatever `search` reads is looked at. `now` returns the aware time.
    """

    def __init__(self, search: FhirSearch, journal: Journal, now: Callable[[], datetime]) -> None:
        self._search = search
        self._journal = journal
        self._now = now
        search.on_read = self._note_records

    @cached_property
    def _entries(self) -> dict[UUID, JournalEntry]:
        try:
            entries = self._journal.read_entries(recent=True)
        except ConfigError:  # a write raises it
            return {}
        awaited = (each for each in entries if each.is_open or each.is_left)
        return {each.intent: each for each in filter(self._is_ours, awaited)}

    def _note_records(self, records: Iterable[Element]) -> None:
        """Record as done what the records show to be so."""
        if not self._entries:
            return
        for record in records:
            for entry in [each for each in self._entries.values() if _is_shown(each, record)]:
                self._record(entry, "done")

    def find_request(self, request: UUID) -> list[JournalEntry]:
        """Return the writes of a request of this account, in any state; raise ConfigError."""
        entries = self._journal.read_entries()
        return [each for each in entries if each.request == request and self._is_ours(each)]

    def hold_journal(self) -> AbstractContextManager[None]:
        """Keep others from beginning a write between a look at the journal and a record in it.

        Raises: TimedOut, ConfigError, OSError.
        """
        return self._journal.hold(self._search.client.deadline.require_seconds_left())

    def _is_ours(self, entry: JournalEntry) -> bool:
        return entry.account == self._journal.account

    def fetch_outcomes(self, chosen: Sequence[JournalEntry]) -> list[GpcliError]:
        """Ask the portal what became of open writes; return why it does not tell, of some or all.

        What is there is recorded as done; what is not there and can't come any more, as not done.
        All else stays as it is. Raises: SignInError.
        """
        self._entries.update({entry.intent: entry for entry in chosen})
        creates = [each for each in chosen if not each.target and each.can_be_found]
        answers = self._fetch_creates(creates)
        answers |= {entry.intent: self._fetch_update(entry) for entry in chosen if entry.target}
        answers |= {each.intent: _not_findable() for each in chosen if not each.can_be_found}
        for entry in chosen:
            is_absent = answers[entry.intent] is True and entry.intent in self._entries
            if is_absent and entry.time_left(self._now()) is None:
                self._record(entry, "not_done")
        return [answer for answer in answers.values() if isinstance(answer, GpcliError)]

    def _fetch_creates(self, entries: Sequence[JournalEntry]) -> dict[UUID, _Answer]:
        queries = [by_identifier(entry.resource_type, entry.intent) for entry in entries]
        try:
            results = self._search.fetch_many(*queries) if queries else []
        except SignInError:
            raise
        except GpcliError as error:
            return {entry.intent: error for entry in entries}
        return {
            entry.intent: not result.flaws if isinstance(result, Bundle) else result
            for entry, result in zip(entries, results, strict=True)
        }

    def _fetch_update(self, entry: JournalEntry) -> _Answer:
        try:
            self._search.fetch_resource(str(entry.target))
        except SignInError:
            raise
        except GpcliError as error:
            return error
        return bool(entry.effect)

    def _record(self, entry: JournalEntry, state: Literal["done", "not_done"]) -> None:
        del self._entries[entry.intent]
        self._journal.record_state(entry.intent, state, self._now().isoformat(timespec="seconds"))


def _not_findable() -> Failure:
    return Failure("A request of gpcli api can't be found at the portal: look there yourself.")


def _is_shown(entry: JournalEntry, record: Element) -> bool:
    """Return whether a record is what a write makes."""
    if entry.target:
        return record.relative_reference == entry.target and _has_effect(entry, record)
    lone = Bundle(matches=[record])
    return bool(with_identifier(lone, entry.resource_type, entry.intent).matches)


def _has_effect(entry: JournalEntry, record: Element) -> bool:
    effect = entry.effect or {}
    return bool(effect) and all(
        record.json.get(name) in codes if codes else name in record.json
        for name, codes in effect.items()
    )
