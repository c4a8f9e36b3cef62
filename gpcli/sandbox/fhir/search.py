"""Search: the matches of a query, page by page, as searchset Bundles."""

import json
from urllib.parse import urlencode

from gpcli.sandbox.fhir.clauses import LIVING, Clause, reading
from gpcli.sandbox.fhir.desk import Desk, discreet
from gpcli.sandbox.fhir.elements import Resource, reference_to
from gpcli.sandbox.fhir.includes import along
from gpcli.sandbox.fhir.outcome import bad_request
from gpcli.sandbox.fhir.paging import CURSOR, Kept, cursor_url, keep, recall
from gpcli.sandbox.fhir.query import Pairs, Query, parse

_ALWAYS = ("resourceType", "id", "meta", "status")


def search(desk: Desk, type_: str, pairs: Pairs) -> Resource:
    """The searchset Bundle for a search of one type (FHIR R4, http.html#search).

    Raises Problem: 400, 403 (scope, consent, another patient), 404 (type), 410 (old page).
    """
    desk.admit(type_, "s")
    cursor = dict(pairs).get(CURSOR)
    if cursor is not None:
        kept = recall(desk, type_, cursor)
        query = parse(type_, kept.pairs, desk.scope, strict=False)
        return _page(desk, query, kept)
    query = parse(type_, pairs, desk.scope, strict=desk.strict)
    rids = [row[0] for row in desk.store.execute(*_matching(desk, query))]
    if query.only_total:
        return _bundle(desk, query, len(rids), [])
    token = keep(desk, query, rids) if len(rids) > query.count else ""
    return _page(desk, query, Kept(query.honoured, rids, token, 0))


def matches(desk: Desk, type_: str, pairs: Pairs) -> list[Resource]:
    """The caller's own resources that match.

    Raises Problem 400 on an unknown parameter, and if nothing is asked that could match.
    """
    query = parse(type_, pairs, desk.scope, strict=True)
    if not query.clauses:
        raise bad_request("A conditional request needs something to search by.", "value")
    return [resource for _, resource in desk.records(type_, query.clauses)]


def _matching(desk: Desk, query: Query) -> Clause:
    """All matches' row ids, in the order asked for; what lacks a sort value comes last."""
    found = reading("rid", [LIVING, *desk.own(query.type), *query.clauses])
    keys = [_sort_key(query.type, name, down) for name, down in query.sort]
    order = ", ".join([*(each.sql for each in keys), "rid"])
    arguments = (*found.arguments, *(argument for each in keys for argument in each.arguments))
    return Clause(f"{found.sql} ORDER BY {order}", arguments)


def _sort_key(type_: str, name: str, descending: bool) -> Clause:
    value = "MAX(COALESCE(high, value))" if descending else "MIN(COALESCE(low, value))"
    direction = "DESC" if descending else "ASC"
    sql = f"(SELECT {value} FROM found_by WHERE rid = resource.rid AND name = ?)"  # noqa: S608
    return Clause(f"{sql} {direction} NULLS LAST", (f"{type_}.{name}",))


def _page(desk: Desk, query: Query, kept: Kept) -> Resource:
    end = kept.start + query.count
    resources = _in_order(desk, query.type, kept.rids[kept.start : end])
    entries = [_entry(desk, query, each, "match") for each in resources]
    entries += [_entry(desk, query, each, "include") for each in along(desk, query, resources)]
    bundle = _bundle(desk, query, len(kept.rids), entries)
    if kept.start:
        bundle["link"][0]["url"] = cursor_url(desk, query.type, kept.token, kept.start)
    if end < len(kept.rids):
        following = cursor_url(desk, query.type, kept.token, end)
        bundle["link"].append({"relation": "next", "url": following})
    return bundle


def _in_order(desk: Desk, type_: str, rids: list[int]) -> list[Resource]:
    wanted = Clause("rid IN (SELECT value FROM json_each(?))", (json.dumps(rids),))
    found = dict(desk.records(type_, [wanted]))
    return [found[rid] for rid in rids if rid in found]


def _bundle(desk: Desk, query: Query, total: int, entries: list[Resource]) -> Resource:
    asked = urlencode(query.honoured, safe=":/,|$")
    url = f"{desk.base}/{query.type}" + (f"?{asked}" if asked else "")
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [{"relation": "self", "url": url}],
    }
    return bundle | ({"entry": entries} if entries else {})


def _entry(desk: Desk, query: Query, resource: Resource, mode: str) -> Resource:
    """An entry; `_elements` are of the type that was asked for, what comes along is whole."""
    elements = query.elements if mode == "match" else ()
    return {
        "fullUrl": f"{desk.base}/{reference_to(resource)}",
        "resource": _shown(discreet(resource), elements),
        "search": {"mode": mode},
    }


def _shown(resource: Resource, elements: tuple[str, ...]) -> Resource:
    """The resource, or only the elements asked for, marked as incomplete."""
    if not elements:
        return resource
    kept = {name: value for name, value in resource.items() if name in (*_ALWAYS, *elements)}
    subsetted = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "SUBSETTED",
    }
    meta = resource["meta"]
    return kept | {"meta": {**meta, "tag": [*meta.get("tag", []), subsetted]}}
