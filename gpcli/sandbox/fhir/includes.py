"""What comes along with a search's matches: `_include` and `_revinclude`."""

import json
from collections.abc import Iterable

from gpcli.sandbox.fhir.clauses import with_ids
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import Resource, id_of, reference_to
from gpcli.sandbox.fhir.query import Include, Query


def along(desk: Desk, query: Query, resources: list[Resource]) -> list[Resource]:
    """What the includes add to a page: round by round, each resource once."""
    seen = {reference_to(each) for each in resources}
    added: list[Resource] = []
    latest, following = resources, query.includes
    while latest and following:
        wanted = {ref for include in following for ref in _linked(desk, include, latest)}
        latest = _visible(desk, wanted - seen)
        seen |= wanted
        added += latest
        following = [include for include in query.includes if include.iterate]
    return added


def _linked(desk: Desk, include: Include, resources: list[Resource]) -> Iterable[str]:
    """The references that an include finds, from these resources or (reversed) to them."""
    names = json.dumps(include.parameters)
    here = json.dumps([reference_to(each) for each in resources if _concerns(include, each)])
    sql = _REVERSE if include.reverse else _FORWARD
    found = [row[0] for row in desk.store.execute(sql, (names, here))]
    if include.reverse or not include.target:
        return found
    return [reference for reference in found if reference.startswith(f"{include.target}/")]


def _concerns(include: Include, resource: Resource) -> bool:
    """Whether the include goes out from resources of this type."""
    start = include.target if include.reverse else include.source
    return start in ("", str(resource["resourceType"]))


_FORWARD = """
SELECT DISTINCT found_by.value FROM found_by JOIN resource USING (rid)
WHERE found_by.name IN (SELECT value FROM json_each(?))
AND resource.type || '/' || resource.id IN (SELECT value FROM json_each(?))
"""
_REVERSE = """
SELECT DISTINCT resource.type || '/' || resource.id FROM found_by JOIN resource USING (rid)
WHERE found_by.name IN (SELECT value FROM json_each(?))
AND found_by.value IN (SELECT value FROM json_each(?)) AND NOT resource.deleted
"""


def _visible(desk: Desk, references: set[str]) -> list[Resource]:
    """The referenced resources that exist and that the caller may see, by reference."""
    by_type: dict[str, list[str]] = {}
    for reference in sorted(references):
        by_type.setdefault(reference.partition("/")[0], []).append(id_of(reference))
    return [
        resource
        for type_, ids in by_type.items()
        if desk.may_include(type_)
        for _, resource in desk.records(type_, [with_ids(ids)])
    ]
