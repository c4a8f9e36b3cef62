"""Extract the values by which a resource can be searched."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from gpcli.sandbox.fhir.dates import date_span, period_span
from gpcli.sandbox.fhir.elements import Resource, values_at
from gpcli.sandbox.fhir.resource_types import (
    RESOURCE_TYPES,
    ParameterType,
    SearchParameter,
    all_parameters,
)

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}")
_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("line", "city", "district", "state", "postalCode", "country")
"""Those of an Address that a HumanName does not have."""


class IndexEntry(NamedTuple):
    """One searchable value; `name` is `Type.parameter`.

    By parameter type: token has `system`, and the code as `value`; reference has `value` `Type/id`;
    date has `low` and `high` as in `dates.Span`; string has the folded text as `value` and the
    original as `system`; uri has `value`.
    """

    name: str
    system: str = ""
    value: str = ""
    low: int | None = None
    high: int | None = None


def index_entries(resource: Resource) -> list[IndexEntry]:
    """Return the index entries of a resource; none for types that are not served."""
    type_ = resource["resourceType"]
    if type_ not in RESOURCE_TYPES:
        return []
    return [
        entry
        for indexed in _indexed_paths(type_)
        if indexed.element in resource
        for value in values_at(resource, indexed.path)
        for entry in _EXTRACTORS[indexed.parameter.type](indexed.name, indexed.parameter, value)
    ]


def fold_text(text: str) -> str:
    """Return the text without case and accents (FHIR R4, search.html#string)."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


class _IndexedPath(NamedTuple):
    """A path with values of a parameter: index name, path and first element of the path."""

    name: str
    parameter: SearchParameter
    path: str
    element: str


@cache
def _indexed_paths(type_: str) -> list[_IndexedPath]:
    return [
        _IndexedPath(f"{type_}.{name}", parameter, path, path.partition(".")[0])
        for name, parameter in all_parameters(type_).items()
        for path in parameter.paths
    ]


def _token_entries(name: str, parameter: SearchParameter, element: Any) -> Iterator[IndexEntry]:
    if isinstance(element, bool):
        yield IndexEntry(name, "http://hl7.org/fhir/special-values", str(element).lower())
    elif isinstance(element, str):
        yield IndexEntry(name, parameter.system, element)
    else:
        yield from _coding_entries(name, element)


def _coding_entries(name: str, element: Resource) -> Iterator[IndexEntry]:
    for coding in element.get("coding", [element]):
        code = coding.get("code", coding.get("value"))
        if code is not None:
            yield IndexEntry(name, coding.get("system", ""), code)


def _reference_entries(name: str, parameter: SearchParameter, element: Any) -> Iterator[IndexEntry]:
    relative = _RELATIVE.fullmatch(element.get("reference", ""))
    if relative and relative[1] in parameter.targets:
        yield IndexEntry(name, value=relative[0])


def _date_entries(name: str, parameter: SearchParameter, element: Any) -> Iterator[IndexEntry]:
    low, high = date_span(element) if isinstance(element, str) else period_span(element)
    yield IndexEntry(name, low=low, high=high)


def _string_entries(name: str, parameter: SearchParameter, element: Any) -> Iterator[IndexEntry]:
    if isinstance(element, str):
        yield IndexEntry(name, element, fold_text(element))
        return
    for part in (*_NAME_PARTS, *_ADDRESS_PARTS):
        for text in values_at(element, part):
            yield IndexEntry(name, text, fold_text(text))


def _uri_entries(name: str, parameter: SearchParameter, element: Any) -> Iterator[IndexEntry]:
    yield IndexEntry(name, value=element)


_EXTRACTORS: Mapping[ParameterType, Callable[[str, SearchParameter, Any], Iterator[IndexEntry]]] = {
    "token": _token_entries,
    "reference": _reference_entries,
    "date": _date_entries,
    "string": _string_entries,
    "uri": _uri_entries,
}
