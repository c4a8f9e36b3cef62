"""What a request does, by its method and path, and which faults can act on it.

Standard library only, as for `control`.
"""

from collections.abc import Iterator, Mapping

from gpcli.sandbox.faults import kinds
from gpcli.sandbox.faults.kinds import BUNDLES, METHODS
from gpcli.sandbox.fhir.resource_types import RESOURCE_TYPES

_ACTED_ON: Mapping[str, tuple[str, ...]] = {
    kinds.SEARCHES: ("search",),
    kinds.WRITES: ("create", "update", "delete", "operation", "bundle"),
    kinds.CREATES: ("create",),
    kinds.UPDATES: ("update",),
    kinds.READS_AND_SEARCHES: ("read", "search"),
}
_ANY_TYPE = "Appointment"


def find_interaction(method: str, path: str) -> str:
    """Return what a method does at a path relative to the FHIR base.

    It is `read`, `search`, `create`, `update`, `delete`, `operation` or `other`.
    """
    first, _, rest = path.partition("/")
    if first not in RESOURCE_TYPES:
        return "other"
    if "$" in rest:
        return "operation"
    if rest == "_search" or (not rest and method in ("GET", "HEAD")):
        return "search"
    by_method = {"GET": "read", "HEAD": "read", "PUT": "update", "PATCH": "update"}
    return by_method.get(method, "create" if method == "POST" else "delete")


def is_acted_on(interaction: str, on: str) -> bool:
    """Return whether faults of kinds that act `on` such interactions act on this one."""
    return on == kinds.ANY or interaction in _ACTED_ON[on]


def can_act(on: str, method: str, path: str) -> bool:
    """Return whether a request that a rule's `method` and `path` match can be acted on."""
    methods = METHODS[1:] if method == "*" else (method,)
    if path in BUNDLES:
        return "POST" in methods and is_acted_on("bundle", on)
    return any(
        is_acted_on(find_interaction(each, example), on)
        for each in methods
        for example in _list_examples(path)
    )


def _list_examples(path: str) -> Iterator[str]:
    """Yield a path of each form that a rule's path may match."""
    first, _, rest = path.partition("/")
    if "*" in first:
        yield _ANY_TYPE
        first, rest = _ANY_TYPE, "*"
    if "*" in rest:
        yield f"{first}/_search"
    for filling in ("x", "$x") if "*" in rest else ("",):
        yield f"{first}/{rest.replace('*', filling)}".rstrip("/")
