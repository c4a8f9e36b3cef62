"""Read the values of the form of people: texts, numbers, words, times, lists, tables of keys."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from yaml.nodes import Node, SequenceNode

from gpcli.sandbox.people.element_builders import PersonName, PostalAddress
from gpcli.sandbox.people.form_reader import Entry, FormReader
from gpcli.sandbox.people.relative_times import (
    RelativeTime,
    Step,
    parse_clock,
    parse_step,
    parse_when,
)

Read = Callable[[FormReader, Node, str], Any]
"""Reads the value at a node; the text is where that is, for errors."""
KEY_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?", re.ASCII)
ID_PATTERN = re.compile(r"[A-Za-z0-9.-]{1,60}", re.ASCII)
_NUMBER_PATTERN = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_WHOLE_PATTERN = re.compile(r"\d{1,9}", re.ASCII)
_LENGTH_PATTERN = re.compile(r"(\d{1,5})([mhd])", re.ASCII)
_LENGTH_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SIZE_PATTERN = re.compile(r"(\d{1,9}) ?(kB|MB)?", re.ASCII)
_SIZE_UNITS = {None: 1, "kB": 1_000, "MB": 1_000_000}
_HOURS_PATTERN = re.compile(r"(\d{1,2}:\d\d) ?[-–] ?(\d{1,2}:\d\d)", re.ASCII)
_AMOUNT_PATTERN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) (\S.*)", re.ASCII)
_ADDRESS_PATTERN = re.compile(r"(\S.*), (\S+) (\S.*)")
_YES, _NO = ("yes", "true", "on"), ("no", "false", "off")


class Turns(tuple[Any, ...]):
    """The values that a key of repeated entries has in turn."""

    __slots__ = ()


class Key(NamedTuple):
    """A key of a table: how its value is read, and whether it has to be there.

    `takes_turns` is whether an entry with `repeat` may have a list of values.
    """

    read: Read
    is_required: bool = False
    takes_turns: bool = True


Keys = Mapping[str, Key]


def read_text(reader: FormReader, node: Node, where: str) -> str:
    """Read a text that is not empty, without white space around it."""
    text = reader.scalar(node, where, "a text").strip()
    if not text:
        reader.fail(node, f"'{where}' is empty")
    return text


def read_key(reader: FormReader, node: Node, key: str, what: str) -> str:
    """Return a key that names something of one's own."""
    if not KEY_PATTERN.fullmatch(key):
        reader.fail(node, f"'{key}' can't name a {what}: use up to 30 of a-z, 0-9 and '-'")
    return key


def read_id(reader: FormReader, node: Node, where: str) -> str:
    """Read the id of a FHIR resource; it may have `{n}` in it."""
    text = read_text(reader, node, where)
    if not ID_PATTERN.fullmatch(text.replace("{n}", "1")):
        reader.fail(node, f"'{where}': '{text}' is no id: use up to 60 letters, digits, '-', '.'")
    return text


def matching(pattern: str, expected: str) -> Read:
    """Return what reads a text that matches a pattern."""
    compiled = re.compile(pattern, re.ASCII)

    def read(reader: FormReader, node: Node, where: str) -> str:
        text = read_text(reader, node, where)
        if not compiled.fullmatch(text):
            reader.fail(node, f"'{where}' must be {expected}, not '{text}'")
        return text

    return read


def whole(least: int, most: int) -> Read:
    """Return what reads a whole number."""

    def read(reader: FormReader, node: Node, where: str) -> int:
        text = read_text(reader, node, where)
        if not _WHOLE_PATTERN.fullmatch(text) or not least <= int(text) <= most:
            reader.fail(
                node, f"'{where}' must be a whole number from {least:,} to {most:,}, not '{text}'"
            )
        return int(text)

    return read


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def read_money(reader: FormReader, node: Node, where: str) -> float:
    """Read a sum in kroner."""
    text = read_text(reader, node, where)
    if not _NUMBER_PATTERN.fullmatch(text):
        reader.fail(node, f"'{where}' must be a sum in kroner like 184 or 184.50, not '{text}'")
    return _number(text)


def read_share(reader: FormReader, node: Node, where: str) -> float:
    """Read a share, from 0 to 1, written in percent."""
    text = read_text(reader, node, where)
    number = text.removesuffix("%").rstrip()
    if not text.endswith("%") or not _NUMBER_PATTERN.fullmatch(number) or float(number) > 100:
        reader.fail(node, f"'{where}' must be a share like 40%, not '{text}'")
    return _number(number) / 100


def read_amount(reader: FormReader, node: Node, where: str) -> tuple[float, str]:
    """Read a number with its unit."""
    text = read_text(reader, node, where)
    match = _AMOUNT_PATTERN.fullmatch(text)
    if not match:
        reader.fail(node, f"'{where}' must be a number and its unit like '7.5 mg', not '{text}'")
    return _number(match[1]), match[2]


def read_size(reader: FormReader, node: Node, where: str) -> int:
    """Read a number of bytes."""
    text = read_text(reader, node, where)
    match = _SIZE_PATTERN.fullmatch(text)
    if not match:
        reader.fail(node, f"'{where}' must be a size like '3 MB' or '200 kB', not '{text}'")
    return int(match[1]) * _SIZE_UNITS[match[2]]


def read_flag(reader: FormReader, node: Node, where: str) -> bool:
    """Read yes or no."""
    text = read_text(reader, node, where)
    if text.lower() not in _YES + _NO:
        reader.fail(node, f"'{where}' must be yes or no, not '{text}'")
    return text.lower() in _YES


def word(choices: Sequence[str]) -> Read:
    """Return what reads one of several words."""

    def read(reader: FormReader, node: Node, where: str) -> str:
        text = read_text(reader, node, where)
        if text not in choices:
            reader.fail_unknown(node, f"'{where}' can't be '{text}'", text, choices)
        return text

    return read


def length(units: str) -> Read:
    """Return what reads a length of time, in one of the units `m`, `h` and `d`."""
    examples = {"m": "20m", "h": "24h", "d": "365d"}
    shown = " or ".join(examples[each] for each in units)

    def read(reader: FormReader, node: Node, where: str) -> timedelta:
        text = read_text(reader, node, where)
        match = _LENGTH_PATTERN.fullmatch(text)
        if not match or match[2] not in units or not int(match[1]):
            reader.fail(node, f"'{where}' must be a length of time like {shown}, not '{text}'")
        return int(match[1]) * _LENGTH_UNITS[match[2]]

    return read


def when(*, clock: str) -> Read:
    """Return what reads a time; its time of day is `needed`, `optional` or `none`."""

    def read(reader: FormReader, node: Node, where: str) -> RelativeTime:
        text = read_text(reader, node, where)
        try:
            parsed = parse_when(text)
        except ValueError as error:
            reader.fail(node, f"'{where}': {error}")
        if clock == "needed" and not parsed.is_instant:
            reader.fail(node, f"'{where}' needs a time of day: '{text} 09:00'")
        if clock == "none" and parsed.is_instant:
            reader.fail(node, f"'{where}' is a day, without a time of day: not '{text}'")
        return parsed

    return read


def read_step(reader: FormReader, node: Node, where: str) -> Step:
    """Read a number of days or the like."""
    try:
        return parse_step(read_text(reader, node, where))
    except ValueError as error:
        reader.fail(node, f"'{where}': {error}")


def read_hours(reader: FormReader, node: Node, where: str) -> tuple[str, str]:
    """Read from when until when."""
    text = read_text(reader, node, where)
    match = _HOURS_PATTERN.fullmatch(text)
    if not match:
        reader.fail(node, f"'{where}' must be hours like 08:00-15:30, not '{text}'")
    try:
        first, last = parse_clock(match[1]), parse_clock(match[2])
    except ValueError as error:
        reader.fail(node, f"'{where}': {error}")
    if first >= last:
        reader.fail(node, f"'{where}' must end after it begins, not '{text}'")
    return first, last


def read_address(reader: FormReader, node: Node, where: str) -> PostalAddress:
    """Read an address in one line."""
    text = read_text(reader, node, where)
    match = _ADDRESS_PATTERN.fullmatch(text)
    if not match:
        reader.fail(node, f"'{where}' must be like 'Lia 2, 0099 Lilledal', not '{text}'")
    return PostalAddress(match[1], match[2], match[3])


def make_name(reader: FormReader, entry: Entry) -> PersonName:
    """Return the name of a person: `name`, of which `family` or the last word is the family name.

    A first word that ends with a dot is a title.
    """
    words = entry["name"].split()
    prefix = words.pop(0) if words[0].endswith(".") and len(words) > 1 else ""
    family = entry.get("family", words[-1] if len(words) > 1 else "")
    count = len(family.split())
    if words[len(words) - count :] != family.split():
        node = entry.node_of("family")
        reader.fail(node, f"'{entry.where}.family' must be the end of '{entry['name']}'")
    return PersonName(" ".join(words[: len(words) - count]), family, prefix)


def list_of(read_item: Read) -> Read:
    """Return what reads a list."""

    def read(reader: FormReader, node: Node, where: str) -> tuple[Any, ...]:
        return tuple(read_item(reader, item, place) for item, place in reader.items(node, where))

    return read


def one_or_more(read_item: Read) -> Read:
    """Return what reads a list, or a single item instead of it."""
    read_list = list_of(read_item)

    def read(reader: FormReader, node: Node, where: str) -> tuple[Any, ...]:
        if isinstance(node, SequenceNode):
            return tuple(read_list(reader, node, where))
        return (read_item(reader, node, where),)

    return read


def defined(kind: str) -> Read:
    """Return what reads the name of something that is defined, as `gp`, and returns that."""

    def read(reader: FormReader, node: Node, where: str) -> Any:
        name = read_text(reader, node, where)
        if name not in reader.defined[kind]:
            problem = f"'{where}': there is no {kind} '{name}'"
            reader.fail_unknown(node, problem, name, reader.defined[kind])
        return reader.defined[kind][name]

    return read


def table(keys: Callable[[], Keys]) -> Read:
    """Return what reads a table with these keys as an Entry."""

    def read(reader: FormReader, node: Node, where: str) -> Entry:
        return read_entry(reader, node, where, keys())

    return read


def read_entry(
    reader: FormReader, node: Node, where: str, keys: Keys, *, takes_turns: bool = False
) -> Entry:
    """Read a table with these keys; with `takes_turns`, a key may have a list of values."""
    values: dict[str, Any] = {}
    nodes: dict[str, Node] = {}
    for name, key_node, value in reader.pairs(node, where):
        key = keys.get(name)
        if key is None:
            place = f" in '{where}'" if where else ""
            reader.fail_unknown(key_node, f"unknown key '{name}'{place}", name, keys)
        place = f"{where}.{name}" if where else name
        nodes[name] = key_node
        if takes_turns and key.takes_turns and isinstance(value, SequenceNode):
            values[name] = Turns(list_of(key.read)(reader, value, place))
            if not values[name]:
                reader.fail(value, f"'{place}' is empty")
        else:
            values[name] = key.read(reader, value, place)
    missing = [name for name, key in keys.items() if key.is_required and name not in values]
    if missing:
        reader.fail(node, f"'{where}' has no '{missing[0]}'")
    return Entry(values, nodes, node, where)
