"""The texts in JSON Schemas speak to who reads JSON: of keys, of words, and of the command line."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.line_parser import list_options
from gpcli.render.json_schema import find_schema, list_schema_names

ROOT = Path(__file__).parents[2] / "gpcli"
TEXTS = tomllib.loads((ROOT / "render/json_texts.toml").read_text(encoding="utf-8"))
SCHEMAS = {name: find_schema(name) for name in list_schema_names()}
RECORDS = {
    kind: (schema, record)
    for schema in SCHEMAS.values()
    for kind, record in schema.get("$defs", {}).items()
}
"""Record -> a schema that has it, and what that says of it."""

BASES = ("Receipt", "RenewalResult")
"""What receipts inherit keys from; no answer is one of these itself."""

PATHS = [spec.path for spec in REGISTRY.commands]
OPTIONS = {flag for path in ["", *PATHS] for flag, *_ in list_options(path)}
PYTHON_WORDS = {"None", "True", "False", "tuple", "frozenset", "datetime", "dataclass", "Decimal"}
CLASSES = {
    node.name
    for path in ROOT.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef) and re.search(r"[a-z][A-Z]", node.name)
}
"""The names of classes that are no English words."""


class Text(NamedTuple):
    """A description: where it stands, what it says, and what it may put in backquotes."""

    place: str
    says: str
    words: set[str]


def words_in(part: Any, schema: dict[str, Any], seen: frozenset[str] = frozenset()) -> set[str]:
    """The keys and listed values of a part of a schema, and of all that is nested in it."""
    if isinstance(part, list):
        return {word for each in part for word in words_in(each, schema, seen)}
    if not isinstance(part, dict):
        return set()
    own = {*part.get("properties", ()), *(str(each) for each in part.get("enum", ()))}
    name = part.get("$ref", "").removeprefix("#/$defs/")
    if name and name not in seen:
        own |= words_in(schema["$defs"][name], schema, seen | {name})
    return own.union(*(words_in(each, schema, seen) for each in part.values()))


def texts() -> list[Text]:
    tops = [
        Text(name, schema["description"], words_in(schema, schema))
        for name, schema in SCHEMAS.items()
        if "description" in schema
    ]
    records = [
        Text(kind, part["description"], words_in(record, schema))
        for kind, (schema, record) in RECORDS.items()
        for part in [record, *record["properties"].values()]
    ]
    return [*tops, *records]


def is_known(word: str, words: set[str]) -> bool:
    """Whether a word in backquotes is a key, a listed value, or can be typed."""
    if word in words | {"null", "true", "false"}:
        return True
    if word.startswith("--"):
        return word.split()[0] in OPTIONS
    typed = word.removeprefix("gpcli ")
    path = max((path for path in PATHS if f"{typed} ".startswith(f"{path} ")), default="", key=len)
    rest = typed.removeprefix(path).split()
    is_command = bool(path) and typed != word
    return is_command and (path == "help" or {*rest} <= {flag for flag, *_ in list_options(path)})


@pytest.mark.parametrize("kind", RECORDS)
def test_every_record_and_every_key_of_it_is_described(kind):
    _, record = RECORDS[kind]
    parts = {"object": record, **record["properties"]}
    assert [name for name, part in parts.items() if not part.get("description")] == []


def test_what_stands_in_backquotes_is_in_the_json_or_can_be_typed():
    wrong = [
        (text.place, word)
        for text in texts()
        for word in re.findall(r"`([^`]*)`", text.says)
        if not is_known(word, text.words)
    ]
    assert wrong == []


def test_no_description_has_a_word_of_python_or_of_restructured_text():
    wrong = [
        (text.place, word)
        for text in texts()
        for word in re.findall(r"\w+(?:\.\w+)*|``|::|:\w+:", text.says)
        if word in PYTHON_WORDS | CLASSES | {"``"}
        or word.startswith(":")
        or re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", word)
    ]
    assert wrong == []


def test_every_text_describes_something():
    every = {key for _, record in RECORDS.values() for key in record["properties"]}
    known = {"answers": set(SCHEMAS), **dict.fromkeys(("every", *BASES), every)} | {
        kind: {"object", *record["properties"]} for kind, (_, record) in RECORDS.items()
    }
    assert [
        (table, key)
        for table, found in TEXTS.items()
        for key in found
        if key not in known.get(table, ())
    ] == []
