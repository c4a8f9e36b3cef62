"""Criteria and order of a search, applied to what came: portals leave some out of account.

Source: R4 search.html 3.1.1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from gpcli.fhir.actors import ORGANIZATION_ELEMENTS
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.fhir.modifiers import DECIDING_CODES
from gpcli.portal.queries import Query

Json = Any
SORT_ELEMENTS: Mapping[tuple[str, str], str] = {
    ("Slot", "start"): "start",
    ("Appointment", "date"): "start",
    ("Communication", "sent"): "sent",
    ("Immunization", "date"): "occurrenceDateTime",
}
"""Resource type and sort key -> the element that it sorts by."""


def keep_matching(page: Bundle, query: Query) -> Bundle:
    """Return a page without the matches that show that they do not meet the query's criteria.

    One that lacks what a criterion is about, or has something there that can't be compared, such
    as a status that R4 does not have, is kept. Whose records they are, and when, is for those who
    read them.
    """
    criteria = [(name, value) for name, value in query.params if name in _CONTRADICTIONS]
    if not criteria:
        return page
    kept = []
    for match in page.matches:
        if _is_dropped(match, query.resource_type, criteria):
            page.resources.pop(match.relative_reference, None)
        else:
            kept.append(match)
    page.matches = kept
    return page


def sort_matches(bundle: Bundle, query: Query) -> Bundle:
    """Return a bundle with its matches in the order of the query's `_sort`."""
    element, is_descending = _find_sort(query)
    if element:
        bundle.matches.sort(key=lambda each: _sort_key(each, element), reverse=is_descending)
    return bundle


def is_in_order(bundle: Bundle, query: Query) -> bool:
    """Return whether the matches stand in the order of the query's `_sort`."""
    element, is_descending = _find_sort(query)
    if element is None:
        return True
    keys = [_sort_key(each, element) for each in bundle.matches]
    steps = pairwise(reversed(keys) if is_descending else keys)
    return all(earlier <= later for earlier, later in steps)


def _find_sort(query: Query) -> tuple[str | None, bool]:
    """Return the element of the query's `_sort`, `None` without one, and if it is descending."""
    key = next((value for name, value in query.params if name == "_sort"), "")
    return SORT_ELEMENTS.get((query.resource_type, key.removeprefix("-"))), key.startswith("-")


def _sort_key(match: Element, element: str) -> float:
    """Return a time as a POSIX timestamp; one that can't be read comes first."""
    try:
        time = datetime.fromisoformat(match.json[element])
    except (KeyError, TypeError, ValueError):
        return float("-inf")
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _is_dropped(match: Element, resource_type: str, criteria: Collection[tuple[str, str]]) -> bool:
    if match.json.get("resourceType") != resource_type:
        return False
    return any(_CONTRADICTIONS[name](match.json, value) for name, value in criteria)


def _is_other_code(element: str) -> Callable[[Mapping[str, Json], str], bool]:
    def contradicts(record: Mapping[str, Json], value: str) -> bool:
        code = record.get(element)
        known = DECIDING_CODES.get(f"{record['resourceType']}.{element}")
        is_known = isinstance(code, str) and (known is None or code in known)
        return is_known and code not in value.split(",")

    return contradicts


def _is_other_concept(element: str) -> Callable[[Mapping[str, Json], str], bool]:
    def contradicts(record: Mapping[str, Json], value: str) -> bool:
        concepts = record.get(element)
        codings = list(_codings(concepts if isinstance(concepts, list) else [concepts]))
        wanted = set(value.split(","))
        names = {
            name for system, code in codings for name in (f"{system}|{code}", f"{system}|", code)
        }
        return bool(codings) and not names & wanted

    return contradicts


def _codings(concepts: Collection[Json]) -> Iterator[tuple[str, str]]:
    for concept in concepts:
        codings = concept.get("coding") if isinstance(concept, dict) else None
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict):
                system, code = coding.get("system") or "", coding.get("code")
                if isinstance(system, str) and isinstance(code, str) and code:
                    yield system, code


def _is_other_identifier(record: Mapping[str, Json], value: str) -> bool:
    """Return whether no identifier has the value, in whatever system it is kept."""
    identifiers = record.get("identifier", [])
    if not isinstance(identifiers, list):
        return False
    return value.partition("|")[2] not in [
        each.get("value") for each in identifiers if isinstance(each, dict)
    ]


def _refers_elsewhere(element: str) -> Callable[[Mapping[str, Json], str], bool]:
    def contradicts(record: Mapping[str, Json], value: str) -> bool:
        found = record.get(element) or []
        targets = [_target(each) for each in (found if isinstance(found, list) else [found])]
        wanted = {each.rpartition("/")[2] for each in value.split(",")}
        return all(targets) and not {str(each).rpartition("/")[2] for each in targets} & wanted

    return contradicts


def _is_of_another_organization(record: Mapping[str, Json], value: str) -> bool:
    owner = ORGANIZATION_ELEMENTS.get(record.get("resourceType", ""), "providedBy")
    return _refers_elsewhere(owner)(record, value)


def _target(reference: Json) -> str | None:
    """Return a reference without its version; `None` for one by other means than a URL."""
    written = reference.get("reference") if isinstance(reference, dict) else None
    return written.partition("/_history")[0] if isinstance(written, str) else None


def _is_present(element: str) -> Callable[[Mapping[str, Json], str], bool]:
    return lambda record, _: record.get(element) is not None


_CONTRADICTIONS: Mapping[str, Callable[[Mapping[str, Json], str], bool]] = {
    "_id": lambda record, value: record.get("id") not in value.split(","),
    "status": _is_other_code("status"),
    "intent": _is_other_code("intent"),
    "category": _is_other_concept("category"),
    "code": _is_other_concept("code"),
    "service-type": _is_other_concept("type"),
    "identifier": _is_other_identifier,
    "part-of": _refers_elsewhere("partOf"),
    "recipient": _refers_elsewhere("recipient"),
    "slot": _refers_elsewhere("slot"),
    "organization": _is_of_another_organization,
    "practitioner": _refers_elsewhere("practitioner"),
    "appointment": _refers_elsewhere("appointment"),
    "service": _refers_elsewhere("healthcareService"),
    "received:missing": _is_present("received"),
    "date:missing": _is_present("start"),
}
"""Criterion -> whether a record shows that it does not meet it, by the criterion's value."""
