"""How much of a list has come: portals end one before its `total`, or never."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.queries import PAGE

MAX_IDLE = 3
"""So many pages in a row that bring nothing are the end, though there is a link to more."""


@dataclass
class Tally:
    """The pages of one list so far. `at_end` says that what follows is not worth asking for."""

    at_end: bool = False
    _matches: set[str] = field(default_factory=set)
    _all: set[str] = field(default_factory=set)
    _unread: int = 0
    _idle: int = 0
    _last: Bundle = field(default_factory=Bundle)

    def take(self, page: Bundle) -> Bundle:
        """Count a page; returns it with those of its matches that no page before it had."""
        new = [one for one in page.matches if one.ref not in self._matches]
        self.at_end = bool(page.matches) and not new
        self._idle = 0 if new or page.flaws else self._idle + 1
        self.at_end |= self._idle >= MAX_IDLE
        self._matches |= {one.ref for one in new}
        self._all |= page.found.keys()
        self._unread += len(page.flaws)
        self._last, page.matches = page, new
        return page

    @property
    def unsent(self) -> list[str]:
        """What the portal seems to have of the list and did not send, as a phrase."""
        total, seen = self._last.total, len(self._matches) + self._unread
        if total is None:
            return self._perhaps(seen)
        if seen >= total:
            return []
        if total == len(self._all) + self._unread:  # it may count what came along as well
            return self._perhaps(seen)
        return [f"{total - seen} of {total} in a list, which the portal does not send"]

    def _perhaps(self, seen: int) -> list[str]:
        """R4 3.1.1.4: a page that is full has a link to the next one, if there is more."""
        if self._last.next or len(self._last.matches) < PAGE:
            return []
        return [f"what may follow after {seen} in a list: the portal does not say if there is more"]
