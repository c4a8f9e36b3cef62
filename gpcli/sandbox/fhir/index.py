"""What a resource is found by: one row for each value of each search parameter."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from gpcli.sandbox.fhir.catalogue import TYPES, params
from gpcli.sandbox.fhir.dates import period, span
from gpcli.sandbox.fhir.elements import Resource, values
from gpcli.sandbox.fhir.parameters import Kind, Param

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}")
_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "line", "city", "district", "state", "postalCode", "country")


class Row(NamedTuple):
    """One searchable value.

    token: `system`, `value` = code; reference: `value` = `Type/id`; date: `low`, `high` as in
    `dates.Span`; string: `value` folded, `system` as written; uri: `value`.
    """

    name: str
    system: str = ""
    value: str = ""
    low: int | None = None
    high: int | None = None


def index(resource: Resource) -> list[Row]:
    """The rows of a resource; their names are `Type.parameter`. Unknown types have none."""
    type_ = resource["resourceType"]
    if type_ not in TYPES:
        return []
    return [
        row
        for place in _places(type_)
        if place.element in resource
        for value in values(resource, place.path)
        for row in _READERS[place.param.kind](place.name, place.param, value)
    ]


def fold(text: str) -> str:
    """A text without case or accents, as strings are searched (FHIR R4, search.html#string)."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


class _Place(NamedTuple):
    """Where values of a parameter stand: its index name, the path, and the path's first element."""

    name: str
    param: Param
    path: str
    element: str


@cache
def _places(type_: str) -> list[_Place]:
    return [
        _Place(f"{type_}.{name}", param, path, path.partition(".")[0])
        for name, param in params(type_).items()
        for path in param.paths
    ]


def _tokens(name: str, param: Param, element: Any) -> Iterator[Row]:
    if isinstance(element, bool):
        yield Row(name, "http://hl7.org/fhir/special-values", str(element).lower())
    elif isinstance(element, str):
        yield Row(name, param.system, element)
    else:
        yield from _coded(name, element)


def _coded(name: str, element: Resource) -> Iterator[Row]:
    for coding in element.get("coding", [element]):
        code = coding.get("code", coding.get("value"))
        if code is not None:
            yield Row(name, coding.get("system", ""), code)


def _references(name: str, param: Param, element: Any) -> Iterator[Row]:
    relative = _RELATIVE.fullmatch(element.get("reference", ""))
    if relative and relative[1] in param.targets:
        yield Row(name, value=relative[0])


def _dates(name: str, param: Param, element: Any) -> Iterator[Row]:
    low, high = span(element) if isinstance(element, str) else period(element)
    yield Row(name, low=low, high=high)


def _strings(name: str, param: Param, element: Any) -> Iterator[Row]:
    if isinstance(element, str):
        yield Row(name, element, fold(element))
        return
    for part in (*_NAME_PARTS, *_ADDRESS_PARTS[1:]):
        for text in values(element, part):
            yield Row(name, text, fold(text))


def _uris(name: str, param: Param, element: Any) -> Iterator[Row]:
    yield Row(name, value=element)


_READERS: Mapping[Kind, Callable[[str, Param, Any], Iterator[Row]]] = {
    "token": _tokens,
    "reference": _references,
    "date": _dates,
    "string": _strings,
    "uri": _uris,
}
