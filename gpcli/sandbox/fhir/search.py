"""Search resources of one type, and answer with pages of searchset Bundles.

Source: FHIR R4, http.html#search and search.html.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from gpcli.sandbox.fhir.dates import to_microseconds
from gpcli.sandbox.fhir.elements import Resource, id_of, parse_whole_number, reference_to
from gpcli.sandbox.fhir.operation_outcome import FhirError, bad_request
from gpcli.sandbox.fhir.request_context import RequestContext, redact_slot
from gpcli.sandbox.fhir.search_query import (
    NOT_DELETED,
    Include,
    QueryParameters,
    SearchQuery,
    SqlFragment,
    parse_query,
    select_resources,
    with_ids,
)

_INCLUDE_SQL = """
SELECT DISTINCT found_by.value FROM found_by JOIN resource USING (rid)
WHERE found_by.name IN (SELECT value FROM json_each(?))
AND resource.type || '/' || resource.id IN (SELECT value FROM json_each(?))
"""
_REVINCLUDE_SQL = """
SELECT DISTINCT resource.type || '/' || resource.id FROM found_by JOIN resource USING (rid)
WHERE found_by.name IN (SELECT value FROM json_each(?))
AND found_by.value IN (SELECT value FROM json_each(?)) AND NOT resource.deleted
"""
CURSOR_PARAMETER = "_cursor"
"""The parameter of a `next` link: the token of a stored search and an offset."""
_PAGE_LIFETIME = 3_600_000_000
"""How long a stored search can be paged through, in microseconds: an hour."""
_MANDATORY_ELEMENTS = ("resourceType", "id", "meta", "status")


def read_included(
    context: RequestContext, query: SearchQuery, resources: list[Resource]
) -> list[Resource]:
    """Return the resources that the includes add to a page, each once."""
    seen = {reference_to(each) for each in resources}
    added: list[Resource] = []
    latest, includes = resources, query.includes
    while latest and includes:
        wanted = {ref for include in includes for ref in _read_linked(context, include, latest)}
        latest = _read_visible(context, wanted - seen)
        seen |= wanted
        added += latest
        includes = [include for include in query.includes if include.iterate]
    return added


def _read_linked(
    context: RequestContext, include: Include, resources: list[Resource]
) -> Iterable[str]:
    """Return the references that an include adds to these resources.

    They are what the resources refer to, or for `_revinclude` what refers to the resources.
    """
    names = json.dumps(include.parameters)
    here = json.dumps([reference_to(each) for each in resources if _is_source(include, each)])
    sql = _REVINCLUDE_SQL if include.reverse else _INCLUDE_SQL
    found = [row[0] for row in context.store.execute(sql, (names, here))]
    if include.reverse or not include.target:
        return found
    return [reference for reference in found if reference.startswith(f"{include.target}/")]


def _is_source(include: Include, resource: Resource) -> bool:
    """Return whether the include starts from resources of this type."""
    start = include.target if include.reverse else include.source
    return start in ("", str(resource["resourceType"]))


def _read_visible(context: RequestContext, references: set[str]) -> list[Resource]:
    """Return the referenced resources that exist and that the caller may see."""
    by_type: dict[str, list[str]] = {}
    for reference in sorted(references):
        by_type.setdefault(reference.partition("/")[0], []).append(id_of(reference))
    return [
        resource
        for type_, ids in by_type.items()
        if context.can_include(type_)
        for _, resource in context.read_resources(type_, [with_ids(ids)])
    ]


class StoredSearch(NamedTuple):
    """A stored search, and the page of it that is asked for.

    `row_ids` are those of all matches in order, `token` names the stored search, and `start` is the
    number of the page's first match, from 0.
    """

    parameters: QueryParameters
    row_ids: list[int]
    token: str
    start: int


def store_search(
    context: RequestContext, query: SearchQuery, row_ids: list[int], token: str
) -> None:
    """Store the matches of a search under `token`, for later pages."""
    now = to_microseconds(context.server.clock.now())
    parameters, found = json.dumps(query.applied), json.dumps(row_ids)
    with context.store.transaction():
        context.store.execute("DELETE FROM page WHERE made < ?", (now - _PAGE_LIFETIME,))
        context.store.execute(
            "INSERT INTO page VALUES (?, ?, ?, ?, ?, ?)",
            (token, now, context.rights.patient, query.type, parameters, found),
        )


def read_stored_search(context: RequestContext, type_: str, cursor: str) -> StoredSearch:
    """Return the stored search of the caller's cursor.

    Raises:
        FhirError: 400 (malformed), or 410 (expired).
    """
    token, _, offset = cursor.rpartition(".")
    start = parse_whole_number(offset)
    if start is None:
        raise bad_request("That is no page of a search here.", "value")
    found = context.store.execute(
        "SELECT query, rids FROM page WHERE token = ? AND patient = ? AND type = ?",
        (token, context.rights.patient, type_),
    )
    if not found:
        raise FhirError(410, "expired", "This page of the search has expired: search again.")
    parameters, row_ids = (json.loads(column) for column in found[0])
    return StoredSearch([(name, value) for name, value in parameters], row_ids, token, start)


def cursor_url(context: RequestContext, type_: str, token: str, start: int) -> str:
    """Return the address of the page that begins at match number `start`, from 0."""
    return f"{context.base}/{type_}?{CURSOR_PARAMETER}={token}.{start}"


def search_type(context: RequestContext, type_: str, parameters: QueryParameters) -> Resource:
    """Search one type, and return a searchset Bundle.

    Raises:
        FhirError: 400, 403 (scope, consent, another patient), 404 (type), or 410 (expired page).
    """
    context.require_interaction(type_, "s")
    cursor = dict(parameters).get(CURSOR_PARAMETER)
    if cursor is not None:
        stored = read_stored_search(context, type_, cursor)
        query = parse_query(type_, stored.parameters, context.search_context, strict=False)
        return _read_page(context, query, stored)
    query = parse_query(type_, parameters, context.search_context, strict=context.strict)
    token = ""
    with context.store.snapshot():  # what matched is still what it was when it is read
        row_ids = [row[0] for row in context.store.execute(*_order_matches(context, query))]
        if query.total_only:
            return _searchset(context, query, len(row_ids), [])
        if len(row_ids) > query.count:
            token = context.store.new_id()
        page = _read_page(context, query, StoredSearch(query.applied, row_ids, token, 0))
    if token:
        store_search(context, query, row_ids, token)
    return page


def read_matches(
    context: RequestContext, type_: str, parameters: QueryParameters
) -> list[Resource]:
    """Return the resources that match and that the caller may see.

    Raises:
        FhirError: 400 on an unknown parameter, or if no parameter restricts the search.
    """
    query = parse_query(type_, parameters, context.search_context, strict=True)
    if not query.conditions:
        raise bad_request("A conditional request needs something to search by.", "value")
    return [resource for _, resource in context.read_resources(type_, query.conditions)]


def _order_matches(context: RequestContext, query: SearchQuery) -> SqlFragment:
    """Select all matches' row ids in the requested order; missing values come last."""
    found = select_resources(
        "rid", [NOT_DELETED, *context.visibility_conditions(query.type), *query.conditions]
    )
    keys = [_sort_key(query.type, name, down) for name, down in query.sort]
    order = ", ".join([*(each.sql for each in keys), "rid"])
    arguments = (*found.arguments, *(argument for each in keys for argument in each.arguments))
    return SqlFragment(f"{found.sql} ORDER BY {order}", arguments)


def _sort_key(type_: str, name: str, descending: bool) -> SqlFragment:
    value = "MAX(COALESCE(high, value))" if descending else "MIN(COALESCE(low, value))"
    direction = "DESC" if descending else "ASC"
    sql = f"(SELECT {value} FROM found_by WHERE rid = resource.rid AND name = ?)"  # noqa: S608
    return SqlFragment(f"{sql} {direction} NULLS LAST", (f"{type_}.{name}",))


def _read_page(context: RequestContext, query: SearchQuery, stored: StoredSearch) -> Resource:
    end = stored.start + query.count
    resources = _read_in_order(context, query.type, stored.row_ids[stored.start : end])
    entries = [_search_entry(context, query, each, "match") for each in resources]
    entries += [
        _search_entry(context, query, each, "include")
        for each in read_included(context, query, resources)
    ]
    bundle = _searchset(context, query, len(stored.row_ids), entries)
    if stored.start:
        bundle["link"][0]["url"] = cursor_url(context, query.type, stored.token, stored.start)
    if end < len(stored.row_ids):
        next_url = cursor_url(context, query.type, stored.token, end)
        bundle["link"].append({"relation": "next", "url": next_url})
    return bundle


def _read_in_order(context: RequestContext, type_: str, row_ids: list[int]) -> list[Resource]:
    wanted = SqlFragment("rid IN (SELECT value FROM json_each(?))", (json.dumps(row_ids),))
    found = dict(context.read_resources(type_, [wanted]))
    return [found[row_id] for row_id in row_ids if row_id in found]


def _searchset(
    context: RequestContext, query: SearchQuery, total: int, entries: list[Resource]
) -> Resource:
    query_string = urlencode(query.applied, safe=":/,|$")
    url = f"{context.base}/{query.type}" + (f"?{query_string}" if query_string else "")
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [{"relation": "self", "url": url}],
    }
    return bundle | ({"entry": entries} if entries else {})


def _search_entry(
    context: RequestContext, query: SearchQuery, resource: Resource, mode: str
) -> Resource:
    """Return an entry; `_elements` applies to matches, not to included resources."""
    elements = query.elements if mode == "match" else ()
    return {
        "fullUrl": f"{context.base}/{reference_to(resource)}",
        "resource": _select_elements(redact_slot(resource), elements),
        "search": {"mode": mode},
    }


def _select_elements(resource: Resource, elements: tuple[str, ...]) -> Resource:
    """Return the resource with the requested elements only, tagged SUBSETTED."""
    if not elements:
        return resource
    selected = {
        name: value for name, value in resource.items() if name in (*_MANDATORY_ELEMENTS, *elements)
    }
    subsetted = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "SUBSETTED",
    }
    meta = resource["meta"]
    return selected | {"meta": {**meta, "tag": [*meta.get("tag", []), subsetted]}}
