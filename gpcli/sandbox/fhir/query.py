"""A search request, understood: clauses, sorting, includes, and what of it was honoured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gpcli.sandbox.fhir.catalogue import TYPES, param, params
from gpcli.sandbox.fhir.clauses import Clause, Scope, Unknown, clause
from gpcli.sandbox.fhir.outcome import bad_request

Pairs = list[tuple[str, str]]
"""Names and values in the order of the request, repeated ones among them."""

PAGE, LARGEST_PAGE = 100, 1000
"""How many matches a page holds if nothing is asked, and at most."""


@dataclass(frozen=True)
class Include:
    """One `_include` or `_revinclude`: `source` has the reference, `name` is the parameter.

    `target` keeps only references to that type; `iterate` follows from included resources too.
    """

    source: str
    name: str
    target: str = ""
    iterate: bool = False
    reverse: bool = False

    @property
    def parameters(self) -> list[str]:
        """The index names of the reference parameters it follows (all of them for `*`)."""
        names = [self.name]
        if self.name == "*":
            names = [n for n, each in params(self.source).items() if each.kind == "reference"]
        return [f"{self.source}.{name}" for name in names]


@dataclass
class Query:
    """A search of one type; `honoured` is the part of the request that takes effect."""

    type: str
    clauses: list[Clause] = field(default_factory=list)
    honoured: Pairs = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)
    count: int = PAGE
    includes: list[Include] = field(default_factory=list)
    elements: tuple[str, ...] = ()
    only_total: bool = False


def parse(type_: str, pairs: Pairs, scope: Scope, *, strict: bool) -> Query:
    """The search that `pairs` ask for.

    Unknown parameters are left out, and refused with 400 where handling is `strict`; bad values
    are refused always (Problem 400).
    """
    query = Query(type_)
    for name, value in pairs:
        try:
            _take(query, name, value, scope)
        except Unknown as unknown:
            if strict:
                text = f"The portal does not know the search parameter {name}={value} of {type_}."
                raise bad_request(text, "not-supported") from unknown
        else:
            query.honoured.append((name, value))
    return query


def _take(query: Query, name: str, value: str, scope: Scope) -> None:
    if name in _RESULTS:
        _RESULTS[name](query, value)
    else:
        query.clauses.append(clause(query.type, name, value, scope))


def _count(query: Query, value: str) -> None:
    if not value.isascii() or not value.isdigit():
        raise bad_request(f"_count is a whole number, not {value!r}.", "value")
    query.count = min(int(value), LARGEST_PAGE)
    query.only_total = query.only_total or query.count == 0


def _sort(query: Query, value: str) -> None:
    keys = [(each.removeprefix("-"), each.startswith("-")) for each in value.split(",")]
    for name, _ in keys:
        if param(query.type, name) is None:
            raise Unknown(name)
    query.sort += keys


def _summary(query: Query, value: str) -> None:
    if value not in ("true", "text", "data", "count", "false"):
        raise bad_request(f"_summary can't be {value!r}.", "value")
    if value not in ("count", "false"):
        raise Unknown("_summary")
    query.only_total = query.only_total or value == "count"


def _total(query: Query, value: str) -> None:
    if value not in ("none", "estimate", "accurate"):
        raise bad_request(f"_total can't be {value!r}.", "value")


def _elements(query: Query, value: str) -> None:
    query.elements += tuple(name.strip() for name in value.split(",") if name.strip())


def _include(*, reverse: bool, iterate: bool) -> Callable[[Query, str], None]:
    def take(query: Query, value: str) -> None:
        query.includes.append(_parsed_include(query.type, value, reverse, iterate))

    return take


def _parsed_include(type_: str, value: str, reverse: bool, iterate: bool) -> Include:
    if value == "*" and not reverse:
        return Include(type_, "*", iterate=iterate)
    source, name, target = [*value.split(":"), "", ""][:3]
    if source not in TYPES or value.count(":") not in (1, 2):
        raise Unknown(value)
    found = param(source, name)
    if name != "*" and (found is None or found.kind != "reference"):
        raise Unknown(value)
    return Include(source, name, target, iterate, reverse)


def _ignored(query: Query, value: str) -> None:
    """Settled before the search began: the format of the answer."""


_RESULTS: Mapping[str, Callable[[Query, str], None]] = {
    "_count": _count,
    "_elements": _elements,
    "_format": _ignored,
    "_pretty": _ignored,
    "_include": _include(reverse=False, iterate=False),
    "_include:iterate": _include(reverse=False, iterate=True),
    "_revinclude": _include(reverse=True, iterate=False),
    "_revinclude:iterate": _include(reverse=True, iterate=True),
    "_sort": _sort,
    "_summary": _summary,
    "_total": _total,
}
