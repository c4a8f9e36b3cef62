"""FHIR searches at one portal, in batches and page by page; responses are read strictly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from gpcli.errors import BadResponse, GpcliError, SignInError, TimedOut, Unreachable
from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.fhir.modifiers import require_understood
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.mapping import SearchResult
from gpcli.portal.queries import PAGE_SIZE, Query

MAX_IDLE_PAGES = 3
"""After this many pages in a row without a new match, further `next` links are ignored."""


@dataclass
class PageCount:
    """Counts what the pages of one list have brought; `at_end` means to fetch no more of them."""

    at_end: bool = False
    _match_references: set[str] = field(default_factory=set)
    _references: set[str] = field(default_factory=set)
    _flaw_count: int = 0
    _idle_pages: int = 0
    _last: Bundle = field(default_factory=Bundle)

    def count(self, page: Bundle) -> Bundle:
        """Count a page and return it without the matches of earlier pages."""
        known = self._match_references
        new = [match for match in page.matches if match.relative_reference not in known]
        self.at_end = bool(page.matches) and not new
        self._idle_pages = 0 if new or page.flaws else self._idle_pages + 1
        self.at_end |= self._idle_pages >= MAX_IDLE_PAGES
        self._match_references |= {match.relative_reference for match in new}
        self._references |= page.resources.keys()
        self._flaw_count += len(page.flaws)
        self._last, page.matches = page, new
        return page

    @property
    def missing(self) -> list[str]:
        """What the portal seems to have of the list and did not send, as at most one phrase."""
        total, seen = self._last.total, len(self._match_references) + self._flaw_count
        if total is None:
            return self._possibly_missing(seen)
        if seen >= total:
            return []
        if total == len(self._references) + self._flaw_count:  # it may count included resources
            return self._possibly_missing(seen)
        return [f"{total - seen} of {total} in a list, which the portal does not send"]

    def _possibly_missing(self, seen: int) -> list[str]:
        """Return a phrase for a full last page without a `next` link (R4 3.1.1.4)."""
        if self._last.next_url or len(self._last.matches) < PAGE_SIZE:
            return []
        return [f"what may follow after {seen} in a list: the portal does not say if there is more"]


Read = TypeVar("Read")

MAX_PAGES = 200
"""A list with more pages than this is taken for a loop."""


class FhirSearch:
    """Reads from one portal.

    `flaws` are phrases on what could not be read so far; those who map results add to them.
    `capabilities` returns what the portal can do, and may fetch it.
    """

    def __init__(self, client: HttpClient, capabilities: Callable[[], Capabilities]) -> None:
        self.client = client
        self.flaws: list[str] = []
        self._capabilities = capabilities

    def fetch_capabilities(self) -> Capabilities:
        """Return what the portal can do; raise as `capabilities.fetch_capabilities` does."""
        return self._capabilities()

    def fetch_resource(self, reference: str) -> tuple[Element, HttpResponse]:
        """Fetch a resource by `Type/id`; return it with the response, which may have its ETag.

        Raises: BadResponse for another resource, or the error of the response.
        """
        response = _require_success(self.client.get(reference))
        read = partial(self._read_referenced, response, reference)
        return _read_strictly(read, response), response

    def _read_referenced(self, response: HttpResponse, reference: str) -> Element:
        resource = read_resource(response.body, self.flaws, [self.client.base])
        received = resource.relative_reference
        if received != reference:
            raise Malformed(f"the portal sent {received} where {reference} was due")
        require_understood(resource)
        return resource

    def fetch_pages(self, query: Query) -> Iterator[Bundle]:
        """Fetch a list page by page, each match once; no `next` link is followed twice.

        What the portal has of the list and does not send is added to the flaws.
        """
        response = self.client.get(query.resource_type, query.params)
        return self._iterate_pages(self._read_page(response), {response.url})

    def fetch_operation_pages(
        self, path: str, body: Mapping[str, Any], read: Callable[[HttpResponse], HttpResponse]
    ) -> Iterator[Bundle]:
        """Fetch what an operation finds that changes nothing, page by page as `fetch_pages` does.

        `read` turns its response into one with a Bundle.
        """
        response = read(self.client.send("POST", path, body, retry=True))
        return self._iterate_pages(self._read_page(response), {response.url})

    def fetch_all(self, query: Query) -> Bundle:
        """Fetch a list with all its pages."""
        return _merge(self.fetch_pages(query))

    def fetch_named(self, queries: Mapping[str, Query]) -> dict[str, SearchResult]:
        """Fetch several lists as `fetch_many` does; return the results by the queries' names."""
        return dict(zip(queries, self.fetch_many(*queries.values()), strict=True))

    def fetch_many(self, *queries: Query) -> list[SearchResult]:
        """Fetch several lists with all their pages: in one batch, or one after the other.

        The result of a query is its Bundle, or the error that the portal gave for it alone.

        Raises:
            SignInError, Unreachable, TimedOut: every query would end in it.
            GpcliError: the portal refused the batch as a whole.
        """
        if len(queries) > 1 and self.fetch_capabilities().batch:
            return self._fetch_batch(queries)
        return [_catch(partial(self.fetch_all, query)) for query in queries]

    def _fetch_batch(self, queries: tuple[Query, ...]) -> list[SearchResult]:
        requests = [{"request": {"method": "GET", "url": query.url}} for query in queries]
        body = {"resourceType": "Bundle", "type": "batch", "entry": requests}
        response = _require_success(self.client.send("POST", "", body, retry=True))
        entries = _read_strictly(lambda: read_resource(response.body).children("entry"), response)
        if len(entries) != len(queries):
            raise BadResponse("The portal answered a batch with the wrong number of entries.")
        return [_catch(partial(self._fetch_entry_pages, entry, response)) for entry in entries]

    def _fetch_entry_pages(self, entry: Element, batch: HttpResponse) -> Bundle:
        response = _read_strictly(lambda: read_entry_response(entry, batch), batch)
        return _merge(self._iterate_pages(self._read_page(response), set()))

    def _iterate_pages(self, page: Bundle, followed: set[str]) -> Iterator[Bundle]:
        """Yield the first page and fetch those after it; `followed` are the URLs fetched so far."""
        page_count = PageCount()
        yield page_count.count(page)
        while page.next_url and page.next_url not in followed and not page_count.at_end:
            if len(followed) >= MAX_PAGES:
                self.flaws.append(f"what comes after {MAX_PAGES} pages of a list")
                return
            followed.add(page.next_url)
            page = self._read_page(self.client.get(page.next_url))
            yield page_count.count(page)
        self.flaws += page_count.missing

    def _read_page(self, response: HttpResponse) -> Bundle:
        body = _require_success(response).body
        page = _read_strictly(lambda: read_bundle(body, self.flaws, [self.client.base]), response)
        self.flaws += page.flaws
        return page


def _merge(pages: Iterator[Bundle]) -> Bundle:
    bundle = next(pages)
    for page in pages:
        bundle.merge(page)
    return bundle


def _catch(fetch: Callable[[], Bundle]) -> SearchResult:
    """Return the bundle, or the error that concerns this search alone."""
    try:
        return fetch()
    except (SignInError, Unreachable, TimedOut):
        raise
    except GpcliError as error:
        return error


def _require_success(response: HttpResponse) -> HttpResponse:
    if 200 <= response.status < 300:
        return response
    raise error_from_response(response)


def read_entry_response(entry: Element, batch: HttpResponse) -> HttpResponse:
    """Return one entry of a batch or transaction response as a response of its own.

    Its body is the resource, or the OperationOutcome. Raises Malformed.
    """
    response = entry.child("response")
    status = response.string("status") if response else None
    body = entry.json.get("resource") or (response and response.json.get("outcome"))
    return replace(batch, status=_parse_status(status), body=body)


def _parse_status(status: str | None) -> int:
    """Return the code of a status such as `200 OK`; 500 for anything else."""
    digits = (status or "")[:3]
    return int(digits) if digits.isascii() and digits.isdigit() else 500


def _read_strictly(read: Callable[[], Read], response: HttpResponse) -> Read:
    """Return what `read` returns; turn Malformed into BadResponse."""
    try:
        return read()
    except Malformed as error:
        raise BadResponse(
            f"The portal's answer can't be read: {error}.", request_id=response.request_id
        ) from error
