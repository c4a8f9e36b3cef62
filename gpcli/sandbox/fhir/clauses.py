"""A search parameter as SQL: which resources hold a value that matches (FHIR R4, search.html)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gpcli.sandbox.fhir import dates
from gpcli.sandbox.fhir.catalogue import TYPES, param
from gpcli.sandbox.fhir.index import fold
from gpcli.sandbox.fhir.outcome import bad_request, forbidden
from gpcli.sandbox.fhir.parameters import Kind, Param

_DEEPEST_CHAIN = 3
_LOGICAL_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class Clause(NamedTuple):
    """A condition on a row of the table `resource`, with its arguments."""

    sql: str
    arguments: tuple[str | int, ...] = ()


class Unknown(Exception):
    """There is no such parameter: ignored, or refused where handling is strict."""


@dataclass(frozen=True)
class Scope:
    """Whose search it is: the portal's base address, the present, and the patient's own id.

    `patient` is empty for a backend service, which may name any patient.
    """

    base: str
    now: datetime
    patient: str = ""


def clause(type_: str, name: str, value: str, scope: Scope) -> Clause:
    """The condition that `name=value` puts on resources of a type.

    `name` may have a modifier (`status:not`) or be a chain (`schedule.actor`); `value` may hold
    several alternatives, separated by commas. Raises Unknown if there is no such parameter,
    Problem 400 on a bad modifier or value, Problem 403 if it names another patient.
    """
    if name.count(".") > _DEEPEST_CHAIN:
        raise Unknown(name)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    found = param(type_, code)
    if found is None:
        raise Unknown(name)
    if dot:
        return _chained(type_, code, _narrowed(found, modifier), rest, value, scope)
    if modifier == "missing":
        return _missing(f"{type_}.{code}", value)
    return _direct(f"{type_}.{code}", found, modifier, value, scope)


LIVING = Clause("NOT deleted")
"""Resources that have not been deleted."""


def reading(names: str, clauses: list[Clause]) -> Clause:
    """The SELECT of columns (`names`) of the resources that meet all the clauses."""
    sql = " AND ".join(each.sql for each in clauses)
    arguments = tuple(argument for each in clauses for argument in each.arguments)
    return Clause(f"SELECT {names} FROM resource WHERE {sql}", arguments)  # noqa: S608 - ours


def of_type(type_: str) -> Clause:
    """Resources of one type."""
    return Clause("type = ?", (type_,))


def with_ids(ids: list[str]) -> Clause:
    """Resources with one of the logical ids."""
    return Clause("id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))


def either(clauses: list[Clause]) -> Clause:
    """Resources that meet at least one of the clauses."""
    sql = " OR ".join(f"({each.sql})" for each in clauses)
    return Clause(f"({sql})", tuple(argument for each in clauses for argument in each.arguments))


def named_by(type_: str, name: str, holders: Clause) -> Clause:
    """Resources of a type whose reference is a value of the index `name` in one of `holders`."""
    sql = (
        "? || '/' || id IN (SELECT value FROM found_by"  # noqa: S608 - ours
        f" WHERE name = ? AND rid IN ({holders.sql}))"
    )
    return Clause(sql, (type_, name, *holders.arguments))


def _chained(type_: str, code: str, link: Param, rest: str, value: str, scope: Scope) -> Clause:
    targets = [target for target in link.targets if target in TYPES and _knows(target, rest)]
    if link.kind != "reference" or not targets:
        raise Unknown(f"{code}.{rest}")
    inner = [
        reading("type || '/' || id", [LIVING, of_type(target), clause(target, rest, value, scope)])
        for target in targets
    ]
    reached = " UNION ".join(each.sql for each in inner)
    return Clause(
        f"rid IN (SELECT rid FROM found_by WHERE name = ? AND value IN ({reached}))",  # noqa: S608
        (f"{type_}.{code}", *(argument for each in inner for argument in each.arguments)),
    )


def _knows(type_: str, rest: str) -> bool:
    return param(type_, re.split(r"[.:]", rest)[0]) is not None


def _missing(name: str, value: str) -> Clause:
    if value not in ("true", "false"):
        raise bad_request(f"{name}:missing is either true or false, not {value!r}.", "value")
    negation = "NOT " if value == "true" else ""
    return Clause(f"rid {negation}IN (SELECT rid FROM found_by WHERE name = ?)", (name,))  # noqa: S608


def _direct(name: str, found: Param, modifier: str, value: str, scope: Scope) -> Clause:
    if found.kind == "reference":
        found, modifier = _narrowed(found, modifier), ""
    if modifier not in _MODIFIERS[found.kind]:
        raise bad_request(f"{name} has no modifier :{modifier}.", "not-supported")
    alternatives = [_alternative(name, found, modifier, each, scope) for each in split(value, ",")]
    negation = "NOT " if modifier == "not" else ""
    either = " OR ".join(each.sql for each in alternatives)
    return Clause(
        f"rid {negation}IN (SELECT rid FROM found_by WHERE name = ? AND ({either}))",  # noqa: S608
        (name, *(argument for each in alternatives for argument in each.arguments)),
    )


def _alternative(name: str, found: Param, modifier: str, value: str, scope: Scope) -> Clause:
    if not value:
        raise bad_request(f"{name} needs a value.", "value")
    return _CONDITIONS[found.kind](found, modifier, value, scope)


def _narrowed(found: Param, modifier: str) -> Param:
    """The parameter, only to the type that the modifier names: `actor:Patient`."""
    if not modifier:
        return found
    if modifier not in found.targets:
        raise bad_request(f"There is no modifier :{modifier} here.", "not-supported")
    return Param(found.kind, found.paths, (modifier,))


def split(text: str, separator: str) -> list[str]:
    """The parts of a value between unescaped separators, each still escaped."""
    return re.split(rf"(?<!\\){re.escape(separator)}", text)


def _plain(text: str) -> str:
    return re.sub(r"\\([\\,|$])", r"\1", text)


def _token(found: Param, modifier: str, value: str, scope: Scope) -> Clause:
    parts = [_plain(part) for part in split(value, "|")]
    if len(parts) > 2 or not any(parts):
        raise bad_request(f"{value!r} is not a code: write CODE or SYSTEM|CODE.", "value")
    if len(parts) == 1:
        return Clause("value = ?", (parts[0],))
    system, code = parts
    if not code:
        return Clause("system = ?", (system,))
    return Clause("(system = ? AND value = ?)", (system, code))


def _reference(found: Param, modifier: str, value: str, scope: Scope) -> Clause:
    relative = _plain(value).removeprefix(f"{scope.base}/").partition("/_history/")[0]
    named = _named(found, relative)
    if scope.patient and any(_foreign(each, scope.patient) for each in named):
        raise forbidden("This sign-in is for another patient's record.")
    return Clause("value IN (SELECT value FROM json_each(?))", (json.dumps(named),))


def _named(found: Param, relative: str) -> list[str]:
    type_, slash, id_ = relative.rpartition("/")
    if "://" in relative or relative.startswith("urn:"):
        return [relative]
    if not _LOGICAL_ID.fullmatch(id_) or "/" in type_:
        raise bad_request(f"{relative!r} is not a reference: write TYPE/ID.", "value")
    return [relative] if slash else [f"{target}/{id_}" for target in found.targets]


def _foreign(reference: str, patient: str) -> bool:
    return reference.startswith("Patient/") and reference != f"Patient/{patient}"


def _date(found: Param, modifier: str, value: str, scope: Scope) -> Clause:
    prefix = value[:2] if value[:2] in _COMPARISONS else ""
    try:
        low, high = dates.span(value.removeprefix(prefix))
    except ValueError as error:
        hint = " (In an address a + is written %2B.)" if " " in value else ""
        raise bad_request(f"{value!r} is not a date.{hint}", "value") from error
    if prefix == "ap":
        low, high = _about(low, high, dates.microseconds(scope.now))
    return _COMPARISONS[prefix or "eq"](low, high)


def _about(low: int, high: int, now: int) -> tuple[int, int]:
    """A tenth of the gap between now and the date, on both sides (search.html#prefix)."""
    tenth = abs(now - low) // 10
    return low - tenth, high + tenth


_COMPARISONS: Mapping[str, Callable[[int, int], Clause]] = {
    "eq": lambda low, high: Clause("(low >= ? AND high <= ?)", (low, high)),
    "ne": lambda low, high: Clause("(low < ? OR high > ?)", (low, high)),
    "gt": lambda low, high: Clause("high > ?", (high,)),
    "lt": lambda low, high: Clause("low < ?", (low,)),
    "ge": lambda low, high: Clause("(high > ? OR low >= ?)", (high, low)),
    "le": lambda low, high: Clause("(low < ? OR high <= ?)", (low, high)),
    "sa": lambda low, high: Clause("low >= ?", (high,)),
    "eb": lambda low, high: Clause("high <= ?", (low,)),
    "ap": lambda low, high: Clause("(low < ? AND high > ?)", (high, low)),
}


def _string(found: Param, modifier: str, value: str, scope: Scope) -> Clause:
    text = _plain(value)
    if modifier == "exact":
        return Clause("system = ?", (text,))
    if modifier == "contains":
        return Clause("instr(value, ?) > 0", (fold(text),))
    return Clause("substr(value, 1, ?) = ?", (len(fold(text)), fold(text)))


def _uri(found: Param, modifier: str, value: str, scope: Scope) -> Clause:
    return Clause("value = ?", (_plain(value),))


_MODIFIERS: Mapping[Kind, tuple[str, ...]] = {
    "token": ("", "not"),
    "reference": ("",),
    "date": ("",),
    "string": ("", "exact", "contains"),
    "uri": ("",),
}
_CONDITIONS: Mapping[Kind, Callable[[Param, str, str, Scope], Clause]] = {
    "token": _token,
    "reference": _reference,
    "date": _date,
    "string": _string,
    "uri": _uri,
}
