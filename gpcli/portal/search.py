"""FHIR searches at one portal, in batches and page by page; responses are read strictly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain, islice
from typing import Any, TypeVar

from gpcli.errors import BadResponse, GpcliError, NotFound, SignInError, TimedOut, Unreachable
from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.fhir.modifiers import NotUnderstood, require_understood
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.portal.adaptation import AdaptedQuery, adapt, is_parameter_refused
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.included import Along, by_id_queries
from gpcli.portal.local_search import is_in_order, keep_matching, sort_matches
from gpcli.portal.mapping import NOT_SHOWN, SearchResult, unwrap, unwrap_answered
from gpcli.portal.paging import PageCount, merge_pages, resolve_next
from gpcli.portal.queries import Query

Read = TypeVar("Read")

Result = TypeVar("Result")

MAX_PAGES = 200
"""A list with more pages than this is taken for a loop."""

_NO_BATCH_STATUSES = frozenset({400, 404, 405, 413, 415, 422, 501})
"""Statuses with which portals answer a batch that they do not take, whatever they list."""

_GONE = "The portal does not send it any more; try again."
"""Why a list breaks off where a page of it is not found: some keep the pages only for a while."""

_COMPLETED_LATER = frozenset({"MedicationRequest"})
"""The types whose searches are completed by `fetch_along`, with more than came along."""

_MAX_STEPS = 3
"""How far records that did not come along are followed: a slot's schedule, its role, its GP."""


class FhirSearch:
    """Reads from one portal, in the words that it knows.

    Of each query only what the portal's CapabilityStatement lists is sent (`adaptation.adapt`).
    What is left out, or left out of account by the portal, is made up for here: criteria and order
    are applied to what came (`local_search`), and records that did not come along are fetched
    (`included`).

    `flaws` are phrases on what could not be read so far; those who map results add to them.
    `incomplete` are the resource types of lists of which something did not come.
    `remarks` are sentences with what the portal said of the searches besides.
    `capabilities` returns what the portal can do, and may fetch it. `patient` is the id of the
    patient whose records are sought, for portals that find records only by their patient; `None`
    where none is. `on_read` is called with what was read, each time.
    """

    def __init__(self, client: HttpClient, capabilities: Callable[[], Capabilities]) -> None:
        self.client = client
        self.flaws: list[str] = []
        self.incomplete: set[str] = set()
        self.remarks: list[str] = []
        self._capabilities = capabilities
        self.patient: str | None = None
        self.on_read: Callable[[Iterable[Element]], None] = lambda records: None
        self._is_batch_refused = False
        self._plain_types: set[str] = set()
        self._refused_types: set[str] = set()
        self._known: dict[str, Element] = {}
        self._absent: set[str] = set()
        self._not_understood: dict[str, NotUnderstood] = {}
        self._ahead: dict[Query, SearchResult] = {}

    def fetch_capabilities(self) -> Capabilities:
        """Return what the portal can do; raise as `capabilities.fetch_capabilities` does.

        The portal, or what was kept of it, is asked once.
        """
        return self._fetched_capabilities

    @cached_property
    def _fetched_capabilities(self) -> Capabilities:
        return self._capabilities()

    def fetch_resource(
        self, reference: str, version: int | None = None
    ) -> tuple[Element, HttpResponse]:
        """Fetch a resource by `Type/id`, as it is or was; return it with the response (ETag).

        Raises: BadResponse for another resource, or the error of the response.
        """
        place = reference if version is None else f"{reference}/_history/{version}"
        response = _require_success(self.client.get(place))
        resource = self._read_record(response, reference)
        _read_strictly(partial(require_understood, resource), response)
        return resource, response

    def _read_record(self, response: HttpResponse, reference: str) -> Element:
        return _read_strictly(partial(self._read_referenced, response, reference), response)

    def _read_referenced(self, response: HttpResponse, reference: str) -> Element:
        resource = read_resource(response.body, self.flaws, [self.client.base])
        received = resource.relative_reference
        if received != reference:
            raise Malformed(f"the portal sent {received} where {reference} was due")
        self.on_read([resource])
        return resource

    def fetch_pages(self, query: Query) -> Iterator[Bundle]:
        """Fetch a list page by page, in order, each match once; no `next` link is followed twice.

        What the portal has of the list and does not send is added to the flaws. Where the portal
        does not sort, all pages are fetched first, and given as one.
        Raises: NotPermitted where the portal lists no way to find such records, or the error of the
        first page.
        """
        pages = self._start(self._adapt(query))
        first = next(pages)
        is_sorted = self._adapt(query).is_sorted
        if not is_sorted or (first.next_url and not is_in_order(first, query)):
            first, pages = sort_matches(merge_pages(chain([first], pages)), query), iter(())
        return map(partial(self._complete_page, query), chain([first], pages))

    def _complete_page(self, query: Query, page: Bundle) -> Bundle:
        """Return a page with what should have come along; it may have come with an earlier one."""
        self._complete([(query, page)])
        return page

    def fetch_operation_pages(
        self, path: str, body: Mapping[str, Any], read: Callable[[HttpResponse], HttpResponse]
    ) -> Iterator[Bundle]:
        """Fetch what an operation finds that changes nothing, page by page as `fetch_pages` does.

        `read` turns its response into one with a Bundle.
        """
        response = read(self.client.send("POST", path, body, retry=True))
        query = Query(path.partition("/")[0], ())
        page = self._read_page(response, query)
        return self._iterate_pages(query, page, response, {response.url})

    def fetch_all(self, query: Query) -> Bundle:
        """Fetch a list with all its pages, and what should come along; raise as `fetch_pages`."""
        if query in self._ahead:
            return unwrap(self._copy_ahead(query))
        bundle = self._fetch_adapted(self._adapt(query))
        self._complete([(query, bundle)])
        return bundle

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
        new = [query for query in queries if query not in self._ahead]
        results = self._fetch_each(new)
        pairs = zip(new, results, strict=True)
        self._complete([(query, each) for query, each in pairs if isinstance(each, Bundle)])
        rest = iter(results)
        return [self._copy_ahead(each) if each in self._ahead else next(rest) for each in queries]

    @contextmanager
    def fetched_ahead(self, queries: Mapping[Query, Query]) -> Iterator[None]:
        """Fetch the values of `queries` as `fetch_many` does; in the body their keys give these."""
        results = self.fetch_named({sent.url: sent for sent in queries.values()})
        self._ahead = {asked: results[sent.url] for asked, sent in queries.items()}
        try:
            yield
        finally:
            self._ahead = {}

    def _copy_ahead(self, query: Query) -> SearchResult:
        result = self._ahead[query]
        return result.copy() if isinstance(result, Bundle) else result

    def _fetch_each(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Return what `fetch_many` does, without what should have come along and did not."""
        adapted = [_catch(partial(self._adapt, query)) for query in queries]
        sendable = [each for each in adapted if isinstance(each, AdaptedQuery)]
        url_count = sum(len(each.urls) for each in sendable)
        batch = self._send_batch(sendable) if url_count > 1 and self._can_batch() else None
        if batch:
            results = iter(self._read_batch(sendable, batch))
        else:
            results = (_catch(partial(self._fetch_adapted, each)) for each in sendable)
        return [each if isinstance(each, GpcliError) else next(results) for each in adapted]

    def _fetch_adapted(self, adapted: AdaptedQuery) -> Bundle:
        return _finish(adapted, self._start(adapted))

    def _adapt(self, query: Query) -> AdaptedQuery:
        """Return what to send for a query, in plain words where the portal has wanted these."""
        adapted = adapt(query, self.fetch_capabilities(), self.patient)
        is_plain = query.resource_type in self._plain_types
        return (adapted.plainer or adapted) if is_plain else adapted

    def _can_batch(self) -> bool:
        return self.fetch_capabilities().batch and not self._is_batch_refused

    def _send_batch(self, adapted: Sequence[AdaptedQuery]) -> HttpResponse | None:
        """Send all queries in one batch; return the response, `None` for a portal that takes none.

        That is remembered. Raises: the error of any other refusal.
        """
        requests = [
            {"request": {"method": "GET", "url": url}} for each in adapted for url in each.urls
        ]
        body = {"resourceType": "Bundle", "type": "batch", "entry": requests}
        response = self.client.send("POST", "", body, retry=True)
        self._is_batch_refused = response.status in _NO_BATCH_STATUSES
        return None if self._is_batch_refused else _require_success(response)

    def _read_batch(
        self, adapted: Sequence[AdaptedQuery], response: HttpResponse
    ) -> list[SearchResult]:
        urls = [url for each in adapted for url in each.urls]
        entries = _read_strictly(lambda: read_resource(response.body).children("entry"), response)
        if len(entries) != len(urls):
            raise BadResponse("The portal answered a batch with the wrong number of entries.")
        rest = zip(entries, urls, strict=True)
        return [
            _catch(partial(self._read_entries, each, list(islice(rest, len(each.urls))), response))
            for each in adapted
        ]

    def _read_entries(
        self, adapted: AdaptedQuery, entries: Sequence[tuple[Element, str]], batch: HttpResponse
    ) -> Bundle:
        """Return the bundle of one query from its entries in a batch, with all its pages."""
        responses = [
            replace(
                _read_strictly(partial(read_entry_response, entry, batch), batch),
                url=f"{self.client.base}/{url}",
            )
            for entry, url in entries
        ]
        if adapted.ids:
            return _finish(adapted, iter([self._read_records(adapted, responses)]))
        return _finish(adapted, self._continue(adapted, responses[0], set()))

    def _start(self, adapted: AdaptedQuery) -> Iterator[Bundle]:
        """Send a query and return its pages, or the records that are read instead as one."""
        if adapted.ids:
            return iter([self._read_records(adapted, map(self.client.get, adapted.urls))])
        response = self.client.get(adapted.sent.resource_type, adapted.sent.params)
        return self._continue(adapted, response, {response.url})

    def _continue(
        self, adapted: AdaptedQuery, response: HttpResponse, followed: set[str]
    ) -> Iterator[Bundle]:
        """Return the pages of a query from its first response; `followed` are the URLs so far."""
        if is_parameter_refused(response):
            response = self._ask_plainly(adapted) or response
            followed = {response.url}
        if adapted.missing:
            self._add_flaw(adapted.missing)
        page = self._read_page(response, adapted.asked)
        return self._iterate_pages(adapted.asked, page, response, followed)

    def _ask_plainly(self, adapted: AdaptedQuery) -> HttpResponse | None:
        """Send a query that was refused once more with the identifying parameters alone.

        What comes of it is remembered for the type. Returns the response to read instead; `None`
        where there is none that is better.
        """
        resource_type, plainer = adapted.asked.resource_type, adapted.plainer
        if plainer is None or resource_type in self._refused_types:
            return None
        response = self.client.get(resource_type, plainer.sent.params)
        is_refused = is_parameter_refused(response)
        (self._refused_types if is_refused else self._plain_types).add(resource_type)
        return None if is_refused else response

    def _read_records(self, adapted: AdaptedQuery, responses: Iterable[HttpResponse]) -> Bundle:
        """Return the records that were read by their ids as matches of a search.

        Those that are not there are left out; where there are several, those not shown as well.
        """
        bundle = Bundle()
        for url, response in zip(adapted.urls, responses, strict=True):
            result = _catch(partial(self._read_lone, response, url))
            if isinstance(result, Bundle):
                bundle.merge(result)
            elif not isinstance(result, NOT_SHOWN if len(adapted.ids) > 1 else NotFound):
                raise result
        return bundle

    def _read_lone(self, response: HttpResponse, reference: str) -> Bundle:
        record = self._read_record(_require_success(response), reference)
        return Bundle(matches=[record], resources={reference: record})

    def _iterate_pages(
        self, query: Query, page: Bundle, response: HttpResponse, followed: set[str]
    ) -> Iterator[Bundle]:
        """Yield the first page and fetch those after it; `followed` are the URLs fetched so far.

        A list that breaks off is given as far as it came, and what is missing added to the flaws,
        unless its answer has to be whole.
        """
        page_count = PageCount()
        yield keep_matching(page_count.count(page), query)
        try:
            while not page_count.at_end and (url := self._resolve_next(page, response)):
                if url in followed:
                    page_count.leads_back = True
                    break
                if len(followed) >= MAX_PAGES:
                    self._lack(query, [f"what comes after {MAX_PAGES} pages of a list"])
                    return
                followed.add(url)
                response = self.client.get(url)
                page = self._read_page(response, query)
                yield keep_matching(page_count.count(page), query)
        except SignInError:
            raise
        except GpcliError as error:
            if not query.is_list:
                raise
            reason = _GONE if isinstance(error, NotFound) else error.message
            self._lack(query, [f"what comes after {page_count.seen} in a list: {reason}"])
            return
        self._lack(query, page_count.missing)

    def _lack(self, query: Query, flaws: Sequence[str]) -> None:
        if flaws:
            self.flaws += flaws
            self.incomplete.add(query.resource_type)

    def _resolve_next(self, page: Bundle, response: HttpResponse) -> str | None:
        return resolve_next(page, response.url, self.client.base)

    def _read_page(self, response: HttpResponse, query: Query) -> Bundle:
        """Return a page of a query's answer.

        Raises: BadResponse, also where the answer has to be whole and the portal sent an error.
        """
        body = _require_success(response).body
        page = _read_strictly(lambda: read_bundle(body, self.flaws, [self.client.base]), response)
        self.remarks += (each for each in page.remarks if each not in self.remarks)
        if not query.is_list:
            unwrap_answered(page)
        self._lack(query, page.flaws)
        self.on_read(page.resources.values())
        return page

    def fetch_along(
        self, query: Query, bundle: Bundle, others: Mapping[str, Query]
    ) -> dict[str, SearchResult]:
        """Add to the bundle of a query what should have come along and did not.

        Returns the results of `others`, by name; they are fetched in the same round trip.
        """
        along = Along(query, self._adapt(query).sent_params, bundle)
        results = self._fetch_missing([*along.find_missing()], bundle.resources, others.values())
        self._complete_each([along])
        return dict(zip(others, results, strict=True))

    def _complete(self, pairs: Sequence[tuple[Query, Bundle]]) -> None:
        """Add to each bundle what should have come along with it and did not.

        It takes no request where nothing is missing, or another of the bundles has it.
        """
        results = [
            Along(query, self._adapt(query).sent_params, each)
            for query, each in pairs
            if query.resource_type not in _COMPLETED_LATER
        ]
        for each in results:
            if reverse := list(each.find_reverse()):
                each.add(self._read_along(reverse, self._try_each(reverse)))
        self._complete_each(results)

    def _complete_each(self, results: Sequence[Along]) -> None:
        here = {key: found for each in results for key, found in each.bundle.resources.items()}
        for _ in range(_MAX_STEPS):
            missing = [list(each.find_missing()) for each in results]
            self._fetch_missing([*chain(*missing)], here)
            found, refused = here | self._known, self._not_understood
            for each, references in zip(results, missing, strict=True):
                each.add(
                    {key: found[key] for key in references if key in found},
                    {key: refused[key] for key in references if key in refused},
                )
            if not any(key in found for key in chain(*missing)):
                break
        for each in results:
            self._known |= each.included

    def _fetch_missing(
        self, references: Iterable[str], here: Collection[str], others: Iterable[Query] = ()
    ) -> list[SearchResult]:
        """Fetch records by reference that are neither `here` nor known from before.

        Returns the results of `others`, which are fetched in the same round trip.
        """
        known = {*here, *self._known, *self._absent}
        unknown = [each for each in dict.fromkeys(references) if each not in known]
        queries = by_id_queries(unknown, self.flaws)
        results = self._try_each([*queries, *others])
        self._absent |= {*unknown}
        self._known |= self._read_along(queries, results[: len(queries)])
        return results[len(queries) :]

    def _try_each(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Return what `_fetch_each` does; each query's error where none could be fetched."""
        try:
            return self._fetch_each(queries)
        except SignInError:
            raise
        except GpcliError as error:
            return [error for _ in queries]

    def _read_along(
        self, queries: Sequence[Query], results: Sequence[SearchResult]
    ) -> dict[str, Element]:
        """Return the records that queries have found, by reference.

        Those that the portal does not show are left out; other errors become flaws.
        """
        found: dict[str, Element] = {}
        for query, result in zip(queries, results, strict=True):
            if isinstance(result, Bundle):
                found |= {each.relative_reference: each for each in self._understood(result)}
            elif not isinstance(result, NOT_SHOWN):
                self._add_flaw(f"{query.resource_type}: {result.message}")
        return found

    def _understood(self, bundle: Bundle) -> Iterator[Element]:
        """Yield the resources of a bundle; one with an unknown modifier is left out, as a flaw."""
        for resource in bundle.resources.values():
            try:
                require_understood(resource)
            except NotUnderstood as error:
                self._add_flaw(str(error))
                self._not_understood[resource.relative_reference] = error
                continue
            yield resource

    def _add_flaw(self, flaw: str) -> None:
        if flaw not in self.flaws:
            self.flaws.append(flaw)


def _finish(adapted: AdaptedQuery, pages: Iterator[Bundle]) -> Bundle:
    """Return all pages of a query as one bundle, in its order and without what it does not want."""
    return sort_matches(keep_matching(merge_pages(pages), adapted.asked), adapted.asked)


def _catch(fetch: Callable[[], Result]) -> Result | GpcliError:
    """Return what is fetched, or the error that concerns this search alone."""
    try:
        return fetch()
    except (SignInError, Unreachable, TimedOut):
        raise
    except GpcliError as error:
        return error


def _require_success(response: HttpResponse) -> HttpResponse:
    if response.is_success:
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
            f"The portal's answer can't be read: {error}.", trace_id=response.trace_id
        ) from error
