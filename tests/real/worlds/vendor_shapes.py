"""CapabilityStatements in the shapes that three vendors of records publish: what each lists.

In `shapes/`, one line a type: its interactions, search parameters, `_include` and `_revinclude`.
Only the types that have to do with gpcli are there, and a few beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.contract.practice import Resource

HERE = Path(__file__).parent
NAMES = {
    "epic": "no times; appointments to be read, messages to be sent, any include",
    "oracle": "times with few parameters; what there is is changed by PATCH; no roles, no tasks",
    "athena": "appointments by their own ids alone; neither messages nor consents; nothing written",
    "narrow": "the least with which all errands can be done",
}
"""The shapes, and what each is like; the last is no vendor's."""
VENDORS = ("epic", "oracle", "athena")
_WHOLE = {"oracle": ("batch",)}
"""The interactions with the server as a whole."""
US_CORE = "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"
_CODES = {"search": "search-type"}


def shape(name: str) -> Resource:
    """The CapabilityStatement of one of `NAMES`."""
    types = (HERE / "shapes" / f"{name}.txt").read_text(encoding="utf-8")
    return statement(types, _WHOLE.get(name, ()))


def statement(types: str, whole: tuple[str, ...] = ()) -> Resource:
    """A CapabilityStatement that lists `types`, and `whole` for the server."""
    rest: Resource = {"mode": "server", "resource": [*map(_type, _lines(types))]}
    if whole:
        rest["interaction"] = [{"code": each} for each in whole]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "instantiates": [US_CORE],
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [rest] if types else [],
    }


def _lines(types: str) -> Iterator[list[str]]:
    return ([part.strip() for part in line.split("|")] for line in types.split("\n") if line)


def _type(parts: list[str]) -> Resource:
    type_, interactions, params, includes, revincludes = parts
    codes = (_CODES.get(each, each) for each in interactions.split())
    listed = {
        "interaction": [{"code": code} for code in codes],
        "searchParam": [{"name": name, "type": "token"} for name in params.split()],
        "searchInclude": includes.split(),
        "searchRevInclude": revincludes.split(),
    }
    return {"type": type_, **{name: each for name, each in listed.items() if each}}
