"""The pages of one list: what they have brought, and what the portal seems not to send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gpcli.errors import BadResponse, WrongHost
from gpcli.fhir.bundle import Bundle
from gpcli.http.url_policy import format_origin, resolve_link, resolve_portal_url
from gpcli.portal.queries import PAGE_SIZE

MAX_IDLE_PAGES = 3
"""After this many pages in a row without a new match, further `next` links are ignored."""


def resolve_next(page: Bundle, request_url: str, base: str) -> str | None:
    """Return the URL of the next page, which is below `base`; `None` on the last.

    One that is relative is resolved against the URL of the request that brought the page (RFC 3986,
    5.2); any other is left as it is written.
    Raises: BadResponse for one that can't be read, is no URL, or leads where no token may go.
    """
    link = page.next_url
    if page.broken_next:
        raise BadResponse(f"The link to the next page can't be read: {page.broken_next}.")
    if not link:
        return None
    url = resolve_link(request_url, link)
    try:
        resolve_portal_url(base, url)
    except WrongHost:
        raise BadResponse(
            f"The portal's next page is at {format_origin(url)}, outside {base}, and gpcli sends "
            "your token nowhere else."
        ) from None
    return url


@dataclass
class PageCount:
    """Counts what the pages of one list have brought; `at_end` means to fetch no more of them.

    `leads_back` is set by who fetches them: the last `next` link leads to a page that was read.
    """

    at_end: bool = False
    leads_back: bool = False
    _match_references: set[str] = field(default_factory=set)
    _references: set[str] = field(default_factory=set)
    _broken_count: int = 0
    _idle_pages: int = 0
    _last: Bundle = field(default_factory=Bundle)
    _total: int | None = None

    def count(self, page: Bundle) -> Bundle:
        """Count a page and return it without the matches of earlier pages."""
        known = self._match_references
        new = [match for match in page.matches if match.relative_reference not in known]
        self.at_end = bool(page.matches) and not new
        self._idle_pages = 0 if new or page.flaws else self._idle_pages + 1
        self.at_end |= self._idle_pages >= MAX_IDLE_PAGES
        self._match_references |= {match.relative_reference for match in new}
        self._references |= page.resources.keys()
        self._broken_count += page.broken_count
        self._last, page.matches = page, new
        self._total = page.total if page.matches or self._total is None else self._total
        return page

    @property
    def seen(self) -> int:
        """How many records the pages have brought, those that can't be read included."""
        return len(self._match_references) + self._broken_count

    @property
    def missing(self) -> list[str]:
        """What the portal seems to have of the list and did not send, as at most one phrase."""
        total, seen = self._total, self.seen
        if total is None:
            return self._possibly_missing(seen)
        if seen >= total:
            return []
        if total == len(self._references) + self._broken_count:  # it may count included resources
            return self._possibly_missing(seen)
        return [f"{total - seen} of {total} in a list, which the portal does not send"]

    def _possibly_missing(self, seen: int) -> list[str]:
        """Return a phrase for a full last page without a `next` link, or with one that leads back.

        (R4 3.1.1.4)
        """
        if self.leads_back:
            return [f"what may follow after {seen} in a list: its next page is one that was read"]
        if self._last.next_url or len(self._last.matches) < PAGE_SIZE:
            return []
        return [f"what may follow after {seen} in a list: the portal does not say if there is more"]


def merge_pages(pages: Iterator[Bundle]) -> Bundle:
    """Return all pages of a list as one; there is at least one."""
    bundle = next(pages)
    for page in pages:
        bundle.merge(page)
    return bundle
