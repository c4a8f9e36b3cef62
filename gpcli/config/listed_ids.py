"""The ids that lists have shown last, for completion to offer: no names, texts or times.

They are in a file of their own beside the offer index and in its format, one fact a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gpcli.config import index_format
from gpcli.config.offer_index import Fact, format_facts
from gpcli.config.private_files import LOCK_TIMEOUT, edit_private_file

MAX_LISTED = 100
"""The most ids of one kind that are kept."""

WORDS = frozenset({"booked", "cancelled", "pending", "proposed", "unread"})
"""What may be said of an id: nothing that tells of what the record is about, or when it is."""

_PATIENCE = 0.5
"""Seconds for which another process may have the file: a list does not wait for its ids."""

_R4_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class ListedIds:
    """The ids in the file `path`; `profile` is a profile's key in the offer index.

    All methods raise ConfigError for a file that is not gpcli's own, OSError, and TimedOut where
    another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def replace(
        self, profile: str, patient: str, kind: str, listed: Iterable[tuple[str, str]]
    ) -> None:
        """Keep these ids of a kind, each with one of `WORDS` or none, in place of those before.

        What is no id by R4 is left out, and every other word.
        """
        beginning = [index_format.LISTED, profile, patient, kind]
        usable = [(identity, note) for identity, note in listed if _R4_ID.fullmatch(identity)]
        facts = [
            [*beginning, identity, note if note in WORDS else ""]
            for identity, note in usable[:MAX_LISTED]
        ]
        self._replace(beginning, facts, _PATIENCE)

    def forget(self, profile: str, patient: str | None = None) -> None:
        """Forget what a patient was shown at a profile; `None` = what anybody was."""
        if not self._path.exists():
            return
        beginning = [index_format.LISTED, profile, *([patient] if patient is not None else ())]
        self._replace(beginning, [], LOCK_TIMEOUT)

    def _replace(self, beginning: Fact, added: list[Fact], timeout: float) -> None:
        """Write `added` in place of the facts that begin so."""
        with edit_private_file(self._path, timeout) as file:
            facts = index_format.parse_facts(file.content or b"")
            kept = [fact for fact in facts if fact[: len(beginning)] != beginning]
            file.content = format_facts([*kept, *added]).encode()
