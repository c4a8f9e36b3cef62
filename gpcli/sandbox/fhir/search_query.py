"""Parse a search request into SQL conditions, sort keys, includes and paging.

Source: FHIR R4, search.html.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gpcli.sandbox.fhir.dates import date_span, to_microseconds
from gpcli.sandbox.fhir.elements import parse_whole_number
from gpcli.sandbox.fhir.operation_outcome import bad_request, forbidden
from gpcli.sandbox.fhir.resource_types import (
    RESOURCE_TYPES,
    ParameterType,
    SearchParameter,
    all_parameters,
    find_parameter,
)
from gpcli.sandbox.fhir.search_index import fold_text

_MAX_CHAIN_LENGTH = 3
_LOGICAL_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_MODIFIERS: Mapping[ParameterType, tuple[str, ...]] = {
    "token": ("", "not"),
    "reference": ("",),
    "date": ("",),
    "string": ("", "exact", "contains"),
    "uri": ("",),
}
QueryParameters = list[tuple[str, str]]
"""Names and values in the order of the request, with repetitions."""
DEFAULT_COUNT, MAX_COUNT = 100, 1000
"""Matches per page: by default, and at most."""


class SqlFragment(NamedTuple):
    """SQL with its arguments: a condition on the table `resource`, or a SELECT from it."""

    sql: str
    arguments: tuple[str | int, ...] = ()


class UnknownParameter(Exception):
    """The search parameter does not exist; ignored unless handling is strict."""


@dataclass(frozen=True)
class SearchContext:
    """The context of a search: base address, current time, and the caller's patient id.

    `patient` is empty for a backend service, which may search any patient.
    """

    base: str
    now: datetime
    patient: str = ""


def parameter_condition(
    type_: str, name: str, value: str, search_context: SearchContext
) -> SqlFragment:
    """Return the condition that `name=value` sets for resources of a type.

    `name` may have a modifier (`status:not`) or be a chain (`schedule.actor`). `value` may hold
    alternatives separated by commas.

    Raises:
        UnknownParameter: There is no such parameter.
        FhirError: 400 (bad modifier or value), or 403 (another patient).
    """
    if name.count(".") > _MAX_CHAIN_LENGTH:
        raise UnknownParameter(name)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    parameter = find_parameter(type_, code)
    if parameter is None:
        raise UnknownParameter(name)
    if dot:
        return _chain_condition(
            type_, code, _narrow_targets(parameter, modifier), rest, value, search_context
        )
    if modifier == "missing":
        return _missing_condition(f"{type_}.{code}", value)
    return _value_condition(f"{type_}.{code}", parameter, modifier, value, search_context)


NOT_DELETED = SqlFragment("NOT deleted")
"""Selects resources that are not deleted."""


def select_resources(names: str, conditions: list[SqlFragment]) -> SqlFragment:
    """Return the SELECT of `names` (columns) for resources that meet all conditions."""
    sql = " AND ".join(each.sql for each in conditions)
    arguments = tuple(argument for each in conditions for argument in each.arguments)
    return SqlFragment(f"SELECT {names} FROM resource WHERE {sql}", arguments)  # noqa: S608 - ours


def of_type(type_: str) -> SqlFragment:
    """Select resources of one type."""
    return SqlFragment("type = ?", (type_,))


def with_ids(ids: list[str]) -> SqlFragment:
    """Select resources by their logical ids."""
    return SqlFragment("id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))


def any_of(conditions: list[SqlFragment]) -> SqlFragment:
    """Select resources that meet at least one of the conditions."""
    sql = " OR ".join(f"({each.sql})" for each in conditions)
    return SqlFragment(
        f"({sql})", tuple(argument for each in conditions for argument in each.arguments)
    )


def referenced_from(type_: str, name: str, holders: SqlFragment) -> SqlFragment:
    """Select resources of a type to which `holders` refer by the index `name`."""
    sql = (
        "? || '/' || id IN (SELECT value FROM found_by"  # noqa: S608 - ours
        f" WHERE name = ? AND rid IN ({holders.sql}))"
    )
    return SqlFragment(sql, (type_, name, *holders.arguments))


def _chain_condition(
    type_: str,
    code: str,
    parameter: SearchParameter,
    rest: str,
    value: str,
    search_context: SearchContext,
) -> SqlFragment:
    targets = [
        target
        for target in parameter.targets
        if target in RESOURCE_TYPES and _has_parameter(target, rest)
    ]
    if parameter.type != "reference" or not targets:
        raise UnknownParameter(f"{code}.{rest}")
    inner = [
        select_resources(
            "type || '/' || id",
            [
                NOT_DELETED,
                of_type(target),
                parameter_condition(target, rest, value, search_context),
            ],
        )
        for target in targets
    ]
    reached = " UNION ".join(each.sql for each in inner)
    return SqlFragment(
        f"rid IN (SELECT rid FROM found_by WHERE name = ? AND value IN ({reached}))",  # noqa: S608
        (f"{type_}.{code}", *(argument for each in inner for argument in each.arguments)),
    )


def _has_parameter(type_: str, rest: str) -> bool:
    return find_parameter(type_, re.split(r"[.:]", rest)[0]) is not None


def _missing_condition(name: str, value: str) -> SqlFragment:
    if value not in ("true", "false"):
        raise bad_request(f"{name}:missing is either true or false, not {value!r}.", "value")
    negation = "NOT " if value == "true" else ""
    return SqlFragment(f"rid {negation}IN (SELECT rid FROM found_by WHERE name = ?)", (name,))  # noqa: S608


def _value_condition(
    name: str, parameter: SearchParameter, modifier: str, value: str, search_context: SearchContext
) -> SqlFragment:
    if parameter.type == "reference":
        parameter, modifier = _narrow_targets(parameter, modifier), ""
    if modifier not in _MODIFIERS[parameter.type]:
        raise bad_request(f"{name} has no modifier :{modifier}.", "not-supported")
    alternatives = [
        _alternative_condition(name, parameter, modifier, each, search_context)
        for each in split_unescaped(value, ",")
    ]
    negation = "NOT " if modifier == "not" else ""
    either = " OR ".join(each.sql for each in alternatives)
    return SqlFragment(
        f"rid {negation}IN (SELECT rid FROM found_by WHERE name = ? AND ({either}))",  # noqa: S608
        (name, *(argument for each in alternatives for argument in each.arguments)),
    )


def _alternative_condition(
    name: str, parameter: SearchParameter, modifier: str, value: str, search_context: SearchContext
) -> SqlFragment:
    if not value:
        raise bad_request(f"{name} needs a value.", "value")
    return _CONDITION_BUILDERS[parameter.type](parameter, modifier, value, search_context)


def _narrow_targets(parameter: SearchParameter, modifier: str) -> SearchParameter:
    """Return the parameter limited to the type in the modifier: `actor:Patient`."""
    if not modifier:
        return parameter
    if modifier not in parameter.targets:
        raise bad_request(f"There is no modifier :{modifier} here.", "not-supported")
    return SearchParameter(parameter.type, parameter.paths, (modifier,))


def split_unescaped(text: str, separator: str) -> list[str]:
    """Split a value at unescaped separators; the parts stay escaped."""
    return re.split(rf"(?<!\\){re.escape(separator)}", text)


def _unescape(text: str) -> str:
    return re.sub(r"\\([\\,|$])", r"\1", text)


def _token_condition(
    parameter: SearchParameter, modifier: str, value: str, search_context: SearchContext
) -> SqlFragment:
    parts = [_unescape(part) for part in split_unescaped(value, "|")]
    if len(parts) > 2 or not any(parts):
        raise bad_request(f"{value!r} is not a code: write CODE or SYSTEM|CODE.", "value")
    if len(parts) == 1:
        return SqlFragment("value = ?", (parts[0],))
    system, code = parts
    if not code:
        return SqlFragment("system = ?", (system,))
    return SqlFragment("(system = ? AND value = ?)", (system, code))


def _reference_condition(
    parameter: SearchParameter, modifier: str, value: str, search_context: SearchContext
) -> SqlFragment:
    relative = _unescape(value).removeprefix(f"{search_context.base}/").partition("/_history/")[0]
    references = _candidate_references(parameter, relative)
    if search_context.patient and any(
        _is_other_patient(each, search_context.patient) for each in references
    ):
        raise forbidden("This sign-in is for another patient's record.")
    return SqlFragment("value IN (SELECT value FROM json_each(?))", (json.dumps(references),))


def _candidate_references(parameter: SearchParameter, relative: str) -> list[str]:
    type_, slash, id_ = relative.rpartition("/")
    if "://" in relative or relative.startswith("urn:"):
        return [relative]
    if not _LOGICAL_ID.fullmatch(id_) or "/" in type_:
        raise bad_request(f"{relative!r} is not a reference: write TYPE/ID.", "value")
    return [relative] if slash else [f"{target}/{id_}" for target in parameter.targets]


def _is_other_patient(reference: str, patient: str) -> bool:
    return reference.startswith("Patient/") and reference != f"Patient/{patient}"


def _date_condition(
    parameter: SearchParameter, modifier: str, value: str, search_context: SearchContext
) -> SqlFragment:
    prefix = value[:2] if value[:2] in _COMPARISONS else ""
    try:
        low, high = date_span(value.removeprefix(prefix))
    except ValueError as error:
        hint = " (In an address a + is written %2B.)" if " " in value else ""
        raise bad_request(f"{value!r} is not a date.{hint}", "value") from error
    if prefix == "ap":
        low, high = _widen_range(low, high, to_microseconds(search_context.now))
    return _COMPARISONS[prefix or "eq"](low, high)


def _widen_range(low: int, high: int, now: int) -> tuple[int, int]:
    """Widen the range by a tenth of its distance from now (search.html#prefix, `ap`)."""
    tenth = abs(now - low) // 10
    return low - tenth, high + tenth


_COMPARISONS: Mapping[str, Callable[[int, int], SqlFragment]] = {
    "eq": lambda low, high: SqlFragment("(low >= ? AND high <= ?)", (low, high)),
    "ne": lambda low, high: SqlFragment("(low < ? OR high > ?)", (low, high)),
    "gt": lambda low, high: SqlFragment("high > ?", (high,)),
    "lt": lambda low, high: SqlFragment("low < ?", (low,)),
    "ge": lambda low, high: SqlFragment("(high > ? OR low >= ?)", (high, low)),
    "le": lambda low, high: SqlFragment("(low < ? OR high <= ?)", (low, high)),
    "sa": lambda low, high: SqlFragment("low >= ?", (high,)),
    "eb": lambda low, high: SqlFragment("high <= ?", (low,)),
    "ap": lambda low, high: SqlFragment("(low < ? AND high > ?)", (high, low)),
}


def _string_condition(
    parameter: SearchParameter, modifier: str, value: str, search_context: SearchContext
) -> SqlFragment:
    text = _unescape(value)
    if modifier == "exact":
        return SqlFragment("system = ?", (text,))
    if modifier == "contains":
        return SqlFragment("instr(value, ?) > 0", (fold_text(text),))
    return SqlFragment("substr(value, 1, ?) = ?", (len(fold_text(text)), fold_text(text)))


def _uri_condition(
    parameter: SearchParameter, modifier: str, value: str, search_context: SearchContext
) -> SqlFragment:
    return SqlFragment("value = ?", (_unescape(value),))


_CONDITION_BUILDERS: Mapping[
    ParameterType, Callable[[SearchParameter, str, str, SearchContext], SqlFragment]
] = {
    "token": _token_condition,
    "reference": _reference_condition,
    "date": _date_condition,
    "string": _string_condition,
    "uri": _uri_condition,
}


@dataclass(frozen=True)
class Include:
    """An `_include` or `_revinclude`.

    `source` is the type with the reference, `name` the parameter, `target` the type to which
    references are limited (empty for all); `iterate` follows references of included resources too;
    `reverse` makes it a `_revinclude`.
    """

    source: str
    name: str
    target: str = ""
    iterate: bool = False
    reverse: bool = False

    @property
    def parameters(self) -> list[str]:
        """The index names of the reference parameters to follow; all of them for `*`."""
        names = [self.name]
        if self.name == "*":
            names = [
                n for n, each in all_parameters(self.source).items() if each.type == "reference"
            ]
        return [f"{self.source}.{name}" for name in names]


@dataclass
class SearchQuery:
    """A parsed search of one type.

    `applied` are the parameters that take effect; `sort` are parameters, each with whether it is
    descending; `count` is the most matches of a page; `elements` are those asked for, empty for
    all; `total_only` asks for the number of matches alone.
    """

    type: str
    conditions: list[SqlFragment] = field(default_factory=list)
    applied: QueryParameters = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    includes: list[Include] = field(default_factory=list)
    elements: tuple[str, ...] = ()
    total_only: bool = False


def parse_query(
    type_: str, parameters: QueryParameters, search_context: SearchContext, *, strict: bool
) -> SearchQuery:
    """Parse the parameters of a search.

    Unknown parameters are ignored, unless handling is `strict`.

    Raises:
        FhirError: 400 on a bad value, or on an unknown parameter if `strict`.
    """
    query = SearchQuery(type_)
    for name, value in parameters:
        try:
            _apply_parameter(query, name, value, search_context)
        except UnknownParameter as unknown:
            if strict:
                text = f"The portal does not know the search parameter {name}={value} of {type_}."
                raise bad_request(text, "not-supported") from unknown
        else:
            query.applied.append((name, value))
    return query


def _apply_parameter(
    query: SearchQuery, name: str, value: str, search_context: SearchContext
) -> None:
    if name in _RESULT_PARAMETERS:
        _RESULT_PARAMETERS[name](query, value)
    else:
        query.conditions.append(parameter_condition(query.type, name, value, search_context))


def _apply_count(query: SearchQuery, value: str) -> None:
    count = parse_whole_number(value)
    if count is None:
        raise bad_request(f"_count is a whole number, not {value!r}.", "value")
    query.count = min(count, MAX_COUNT)
    query.total_only = query.total_only or query.count == 0


def _apply_sort(query: SearchQuery, value: str) -> None:
    keys = [(each.removeprefix("-"), each.startswith("-")) for each in value.split(",")]
    for name, _ in keys:
        if find_parameter(query.type, name) is None:
            raise UnknownParameter(name)
    query.sort += keys


def _apply_summary(query: SearchQuery, value: str) -> None:
    if value not in ("true", "text", "data", "count", "false"):
        raise bad_request(f"_summary can't be {value!r}.", "value")
    if value not in ("count", "false"):
        raise UnknownParameter("_summary")
    query.total_only = query.total_only or value == "count"


def _apply_total(query: SearchQuery, value: str) -> None:
    if value not in ("none", "estimate", "accurate"):
        raise bad_request(f"_total can't be {value!r}.", "value")


def _apply_elements(query: SearchQuery, value: str) -> None:
    query.elements += tuple(name.strip() for name in value.split(",") if name.strip())


def _include_parser(*, reverse: bool, iterate: bool) -> Callable[[SearchQuery, str], None]:
    def apply(query: SearchQuery, value: str) -> None:
        query.includes.append(_parse_include(query.type, value, reverse, iterate))

    return apply


def _parse_include(type_: str, value: str, reverse: bool, iterate: bool) -> Include:
    if value == "*" and not reverse:
        return Include(type_, "*", iterate=iterate)
    source, name, target = [*value.split(":"), "", ""][:3]
    if source not in RESOURCE_TYPES or value.count(":") not in (1, 2):
        raise UnknownParameter(value)
    found = find_parameter(source, name)
    if name != "*" and (found is None or found.type != "reference"):
        raise UnknownParameter(value)
    return Include(source, name, target, iterate, reverse)


def _ignore(query: SearchQuery, value: str) -> None:
    """Ignore a parameter that concerns the format of the response."""


_RESULT_PARAMETERS: Mapping[str, Callable[[SearchQuery, str], None]] = {
    "_count": _apply_count,
    "_elements": _apply_elements,
    "_format": _ignore,
    "_pretty": _ignore,
    "_include": _include_parser(reverse=False, iterate=False),
    "_include:iterate": _include_parser(reverse=False, iterate=True),
    "_revinclude": _include_parser(reverse=True, iterate=False),
    "_revinclude:iterate": _include_parser(reverse=True, iterate=True),
    "_sort": _apply_sort,
    "_summary": _apply_summary,
    "_total": _apply_total,
}
