"""Read YAML as nodes that know their lines, and say what is wrong where.

PyYAML's own types are not used: what a value means is decided by who reads it. So `no`, `on` and
`09:00` are texts where a text is expected.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gpcli.sandbox.people.bundle_file import InvalidPeopleFile

try:
    from yaml import CBaseLoader as TextLoader
except ImportError:  # PyYAML without libyaml
    from yaml import BaseLoader as TextLoader

MAX_PARTS = 400_000
"""The number of values that a file may have; an alias counts each time."""
MAX_DEPTH = 40
MAX_NESTING = 500
"""The most brackets that may be open, also in texts."""
_NESTING = re.compile(rf"[][{{}}]|(?:[-?] +){{{MAX_DEPTH},}}")
_KINDS = {ScalarNode: "a text", SequenceNode: "a list", MappingNode: "a table of keys"}
_PLAIN_TAGS = tuple(f"tag:yaml.org,2002:{each}" for each in ("str", "seq", "map"))
_ODD_CHARACTER = re.compile(
    "[^\\t\\n\\r -~\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
)
"""What YAML does not allow."""
_CURES = (
    ("mapping values are not allowed", "a text with ': ' in it stands in quotes"),
    ("tab character", "indent with spaces"),
    ("cannot start any token", "indent with spaces; a text that begins so stands in quotes"),
    ("expected a single document", "one file has one document, without '---' in the middle"),
)
"""Beginnings of PyYAML's words, and what helps."""


def compose(file: str, text: str) -> Node:
    """Return the YAML document in a text; `file` is what errors call it.

    Raises:
        InvalidPeopleFile: It is not YAML, or empty.
    """
    if odd := _ODD_CHARACTER.search(text):
        line = text[: odd.start()].count("\n") + 1
        character = f"U+{ord(odd[0]):04X}"
        raise InvalidPeopleFile(f"{file}:{line}: is not YAML: the character {character} is in it")
    _check_depth(file, text)
    loader = TextLoader(text)
    try:
        node: Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise InvalidPeopleFile(_word_yaml_error(file, error)) from error
    except RecursionError as error:
        raise InvalidPeopleFile(f"{file}: is nested too deeply") from error
    finally:
        loader.dispose()
    if node is None:
        raise InvalidPeopleFile(f"{file}:1: is empty: gpcli sandbox people --show-file shows one")
    return node


def _check_depth(file: str, text: str) -> None:
    """Refuse what is nested too deeply before PyYAML reads it, which takes time or a crash."""
    depth = 0
    for match in _NESTING.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], MAX_NESTING + 1)
        depth = max(depth, 0)
        if depth > MAX_NESTING:
            line = text[: match.start()].count("\n") + 1
            raise InvalidPeopleFile(f"{file}:{line}: is nested too deeply")


def _word_yaml_error(file: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
    problem = " ".join(each for each in (error.problem, error.context) if each)
    cure = next((f" ({cure})" for words, cure in _CURES if words in problem), "")
    return f"{place}: is not YAML: {problem}{cure}"


@dataclass(frozen=True)
class Entry:
    """A table of keys that was read: the values, and the node of each key."""

    values: Mapping[str, Any]
    nodes: Mapping[str, Node]
    node: Node
    where: str

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key; `default` if it is not there."""
        return self.values.get(key, default)

    def chosen(self, *keys: str, **renamed: str) -> dict[str, Any]:
        """Return those of the values that are there; `renamed` maps new names to keys."""
        wanted = {**{key: key for key in keys}, **renamed}
        return {name: self.values[key] for name, key in wanted.items() if key in self.values}

    def node_of(self, key: str) -> Node:
        """Return the node of a key, or of the whole where the key is not there."""
        return self.nodes.get(key, self.node)


class FormReader:
    """Reads the nodes of one file; `defined` has what the file defines, by kind and name."""

    def __init__(self, file: str, defined: Mapping[str, Mapping[str, Any]]) -> None:
        self.file = file
        self.defined: dict[str, dict[str, Any]] = {
            kind: dict(names) for kind, names in defined.items()
        }
        self._parts = 0

    def fail(self, node: Node, problem: str) -> NoReturn:
        """Raise InvalidPeopleFile, with the line of the node."""
        raise InvalidPeopleFile(f"{self.file}:{node.start_mark.line + 1}: {problem}")

    def fail_unknown(self, node: Node, what: str, word: str, known: Iterable[str]) -> NoReturn:
        """Raise InvalidPeopleFile for a word that is none of `known`, with the nearest one."""
        names = sorted(known)
        near = get_close_matches(word, names, 1)
        if near:
            self.fail(node, f"{what}: did you mean '{near[0]}'?")
        self.fail(node, f"{what}; there is: {', '.join(names) or 'none'}")

    def scalar(self, node: Node, where: str, expected: str) -> str:
        """Return the text of a node that is neither a list nor a table."""
        self._enter(node, where)
        if not isinstance(node, ScalarNode):
            self._fail_kind(node, where, expected)
        if any("\ud800" <= character <= "\udfff" for character in node.value):
            self.fail(node, f"'{where}' has half a character: write it as itself, without \\u")
        return str(node.value)

    def items(self, node: Node, where: str) -> Iterator[tuple[Node, str]]:
        """Yield the items of a list, each with where it is."""
        self._enter(node, where)
        if not isinstance(node, SequenceNode):
            self._fail_kind(node, where, "a list")
        for number, item in enumerate(node.value, 1):
            yield item, f"{where}[{number}]"

    def pairs(self, node: Node, where: str) -> Iterator[tuple[str, Node, Node]]:
        """Yield the keys of a table, each with its node and that of its value."""
        self._enter(node, where)
        if is_nothing(node):
            return
        if not isinstance(node, MappingNode):
            self._fail_kind(node, where, "a table of keys")
        seen: dict[str, Node] = {}
        for key_node, value in node.value:
            key = self.scalar(key_node, f"a key in '{where}'" if where else "a key", "a word")
            if key == "<<":
                self.fail(key_node, "'<<' (merging) is not read: write the keys out")
            if key in seen:
                first = seen[key].start_mark.line + 1
                place = f" in '{where}'" if where else ""
                self.fail(key_node, f"'{key}' stands twice{place}: first in line {first}")
            seen[key] = key_node
            yield key, key_node, value

    def _enter(self, node: Node, where: str) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            self.fail(node, f"there is too much in it: at most {MAX_PARTS:,} values, aliases too")
        if where.count(".") + where.count("[") > MAX_DEPTH:
            self.fail(node, "is nested too deeply")
        if node.tag not in _PLAIN_TAGS:
            self.fail(node, f"the tag '{node.tag}' is not read: leave it out")

    def _fail_kind(self, node: Node, where: str, expected: str) -> NoReturn:
        given = "nothing" if is_nothing(node) else _KINDS[type(node)]
        self.fail(node, f"'{where or 'the file'}' must be {expected}, not {given}")


def is_nothing(node: Node) -> bool:
    """Return whether nothing is written after a key."""
    return isinstance(node, ScalarNode) and not node.style and node.value in ("", "~", "null")
