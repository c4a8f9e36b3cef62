"""Make many entries of one that has `repeat`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from yaml.nodes import MappingNode, Node

from gpcli.sandbox.people.form_reader import Entry, FormReader
from gpcli.sandbox.people.form_values import Key, Keys, Turns, list_of, read_entry, read_step, whole
from gpcli.sandbox.people.relative_times import RelativeTime, Step

MAX_REPEAT = 20_000
REPEAT_KEYS: Keys = {
    "repeat": Key(whole(1, MAX_REPEAT), takes_turns=False),
    "every": Key(read_step),
    "first": Key(list_of(lambda reader, node, where: (node, where)), takes_turns=False),
}
"""The keys of entries that can be repeated."""
FIRST_KEYS: Keys = {"count": Key(whole(1, MAX_REPEAT), is_required=True, takes_turns=False)}
"""The keys of `first`, besides those of the entries."""


def repeatable(keys: Keys) -> "RepeatableList":
    """Return what reads a list of tables of which each may be repeated."""
    return RepeatableList(keys)


class RepeatableList:
    """Reads a list of tables with these keys; each may be repeated."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def __call__(self, reader: FormReader, node: Node, where: str) -> tuple[Entry, ...]:
        """Return the entries, the repeated ones each by itself."""
        return tuple(
            entry
            for item, place in reader.items(node, where)
            for entry in read_repeated(reader, item, place, self.keys)
        )


def read_repeated(reader: FormReader, node: Node, where: str, keys: Keys) -> Iterator[Entry]:
    """Yield the entries that a table with these keys stands for."""
    is_repeated = isinstance(node, MappingNode) and any(
        key.value == "repeat" for key, _ in node.value
    )
    entry = read_entry(reader, node, where, {**keys, **REPEAT_KEYS}, takes_turns=is_repeated)
    if not is_repeated:
        for name in ("every", "first"):
            if name in entry:
                reader.fail(entry.node_of(name), f"'{where}.{name}' needs 'repeat' beside it")
        yield entry
        return
    firsts = [
        read_entry(reader, item, place, {**_optional(keys), **FIRST_KEYS}, takes_turns=True)
        for item, place in entry.get("first", ())
    ]
    shift: tuple[Step, ...] = ()
    for number in range(entry["repeat"]):
        yield _numbered(entry, firsts, number, shift)
        if "every" in entry:
            shift = _add(shift, _pick(entry["every"], number))


def _optional(keys: Keys) -> dict[str, Key]:
    return {name: key._replace(is_required=False) for name, key in keys.items()}


def _add(shift: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    return RelativeTime(shift).moved(step).steps


def _pick(value: Any, number: int) -> Any:
    return value[number % len(value)] if isinstance(value, Turns) else value


def _numbered(entry: Entry, firsts: list[Entry], number: int, shift: tuple[Step, ...]) -> Entry:
    """Return the entry of that number, from 0; its times are moved by `shift`."""
    values: dict[str, Any] = {}
    nodes = dict(entry.nodes)
    for source in (entry, *(each for each in firsts if number < each["count"])):
        values |= source.values
        nodes |= source.nodes
    kept = {
        name: _fill(_pick(value, number), str(number + 1), shift)
        for name, value in values.items()
        if name not in REPEAT_KEYS and name not in FIRST_KEYS
    }
    return replace(entry, values=kept, nodes=nodes)


def _fill(value: Any, number: str, shift: tuple[Step, ...]) -> Any:
    """Return a value with `{n}` filled in, and its times moved, at any depth."""
    if isinstance(value, str):
        return value.replace("{n}", number) if "{n}" in value else value
    if isinstance(value, RelativeTime):
        return value.moved(*shift) if shift else value
    if isinstance(value, Entry):
        return replace(value, values=_fill(value.values, number, shift))
    if isinstance(value, Mapping):
        return {name: _fill(each, number, shift) for name, each in value.items()}
    if type(value) is tuple:
        return tuple(_fill(each, number, shift) for each in value)
    return value
