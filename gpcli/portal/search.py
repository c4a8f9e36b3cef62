"""Asking: searches in batches and pages, each answer read strictly or raised as our error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from gpcli.errors import BadResponse, GpcliError, SignInError, TimedOut, Unreachable
from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.queries import PAGE_SIZE, Query

MAX_IDLE = 3
"""So many pages in a row that bring nothing are the end, though there is a link to more."""


@dataclass
class PageCount:
    """The pages of one list so far. `at_end` says that what follows is not worth asking for."""

    at_end: bool = False
    _matches: set[str] = field(default_factory=set)
    _all: set[str] = field(default_factory=set)
    _unread: int = 0
    _idle: int = 0
    _last: Bundle = field(default_factory=Bundle)

    def take(self, page: Bundle) -> Bundle:
        """Count a page; returns it with those of its matches that no page before it had."""
        new = [one for one in page.matches if one.relative_reference not in self._matches]
        self.at_end = bool(page.matches) and not new
        self._idle = 0 if new or page.flaws else self._idle + 1
        self.at_end |= self._idle >= MAX_IDLE
        self._matches |= {one.relative_reference for one in new}
        self._all |= page.resources.keys()
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
        if self._last.next_url or len(self._last.matches) < PAGE_SIZE:
            return []
        return [f"what may follow after {seen} in a list: the portal does not say if there is more"]


Read = TypeVar("Read")

MAX_PAGES = 200
"""A list longer than this many pages is taken for a loop."""


class FhirSearch:
    """Questions to one portal. `flaws` gathers what could not be read on the way."""

    def __init__(self, client: HttpClient, capabilities: Callable[[], Capabilities]) -> None:
        self.client = client
        self.flaws: list[str] = []
        self._capabilities = capabilities

    def fetch_capabilities(self) -> Capabilities:
        """What the portal can do."""
        return self._capabilities()

    def fetch_resource(self, reference: str) -> tuple[Element, HttpResponse]:
        """One resource by `Type/id`, with the answer that carries its version."""
        answer = _good(self.client.get(reference))
        return _strictly(lambda: _that(answer.body, reference), answer), answer

    def fetch_pages(self, query: Query) -> Iterator[Bundle]:
        """A list page by page, each record once; a `next` link is followed once.

        What the portal has of it and does not send is named among the flaws.
        """
        answer = self.client.get(query.resource_type, query.params)
        return self._listed(self._page(answer), {answer.url})

    def fetch_all(self, query: Query) -> Bundle:
        """A list, all pages put together."""
        return _put_together(self.fetch_pages(query))

    def ask(self, *queries: Query) -> list[Bundle | GpcliError]:
        """Several searches in one batch where the portal has it, else one after another.

        Each is answered by its Bundle or by the error that it alone met; more pages of one are
        fetched. Raises what concerns them all.
        """
        if len(queries) > 1 and self.fetch_capabilities().batch:
            return self._batch(queries)
        return [_caught(partial(self.fetch_all, query)) for query in queries]

    def _batch(self, queries: tuple[Query, ...]) -> list[Bundle | GpcliError]:
        entries = [{"request": {"method": "GET", "url": query.url}} for query in queries]
        body = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = _good(self.client.send("POST", "", body, retry=True))
        given = _strictly(lambda: read_resource(answer.body).children("entry"), answer)
        if len(given) != len(queries):
            raise BadResponse("The portal answered a batch with the wrong number of entries.")
        return [_caught(partial(self._entry, entry, answer)) for entry in given]

    def _entry(self, entry: Element, batch: HttpResponse) -> Bundle:
        answer = _strictly(lambda: read_entry_response(entry, batch), batch)
        return _put_together(self._listed(self._page(answer), set()))

    def _listed(self, page: Bundle, asked: set[str]) -> Iterator[Bundle]:
        """The first page and those behind it; `asked` are the links that were followed."""
        page_count = PageCount()
        yield page_count.take(page)
        while page.next_url and page.next_url not in asked and not page_count.at_end:
            if len(asked) >= MAX_PAGES:
                self.flaws.append(f"what comes after {MAX_PAGES} pages of a list")
                return
            asked.add(page.next_url)
            page = self._page(self.client.get(page.next_url))
            yield page_count.take(page)
        self.flaws += page_count.unsent

    def _page(self, answer: HttpResponse) -> Bundle:
        page = _strictly(lambda: read_bundle(_good(answer).body), answer)
        self.flaws += page.flaws
        return page


def _put_together(pages: Iterator[Bundle]) -> Bundle:
    whole = next(pages)
    for page in pages:
        whole.merge(page)
    return whole


def _caught(question: Callable[[], Bundle]) -> Bundle | GpcliError:
    try:
        return question()
    except (SignInError, Unreachable, TimedOut):
        raise
    except GpcliError as trouble:
        return trouble


def _good(answer: HttpResponse) -> HttpResponse:
    if 200 <= answer.status < 300:
        return answer
    raise error_from_response(answer)


def _that(body: object, reference: str) -> Element:
    there = read_resource(body)
    if there.relative_reference != reference:
        raise Malformed(f"the portal sent {there.relative_reference} where {reference} was due")
    return there


def read_entry_response(entry: Element, batch: HttpResponse) -> HttpResponse:
    """One entry of a batch's or transaction's answer, as if it had come alone; raises Malformed."""
    response = entry.child("response")
    status = response.string("status") if response else None
    body = entry.json.get("resource") or (response and response.json.get("outcome"))
    return replace(batch, status=_number(status), body=body)


def _number(status: str | None) -> int:
    """The code in front of `200 OK`; what is not one counts as the portal's fault."""
    digits = (status or "")[:3]
    return int(digits) if digits.isascii() and digits.isdigit() else 500


def _strictly(read: Callable[[], Read], answer: HttpResponse) -> Read:
    try:
        return read()
    except Malformed as flaw:
        raise BadResponse(
            f"The portal's answer can't be read: {flaw}.", request_id=answer.request_id
        ) from flaw
