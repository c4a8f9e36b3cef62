"""Which thread is meant by the beginning of an id, or by words of its subject."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from gpcli.care.confirmation import Asker
from gpcli.care.portal_protocol import Mailbox
from gpcli.care.selection import Naming, pick_meant
from gpcli.model.thread import Thread


class ThreadFinder:
    """The threads of a mailbox, fetched once they are needed, to find those that are meant.

    Those that are offered (`accepts`) come before the others. `label` words one for a list.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        asker: Asker,
        label: Callable[[Thread], str],
        accepts: Callable[[Thread], bool] = lambda _: True,
    ) -> None:
        self._mailbox = mailbox
        self._asker = asker
        self._naming = Naming[Thread]("threads", lambda thread: (thread.subject,), label)
        self._accepts = accepts

    def find(self, text: str) -> str | None:
        """Return the id of the thread that is meant, by its subject among others.

        Raises: as `pick_meant`.
        """
        return pick_meant(text, self._tiers, self._naming, self._asker)

    @cached_property
    def _tiers(self) -> tuple[list[Thread], list[Thread]]:
        threads = self._mailbox.fetch_threads()
        first = [thread for thread in threads if self._accepts(thread)]
        return first, [thread for thread in threads if not self._accepts(thread)]
