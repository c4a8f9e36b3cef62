"""Read resources that are written as FHIR in the form of people, with relative times."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gpcli.sandbox.fhir.operation_outcome import FhirError
from gpcli.sandbox.fhir.resource_types import RESOURCE_TYPES
from gpcli.sandbox.fhir.search_index import index_entries
from gpcli.sandbox.fhir.validation import validate_resource
from gpcli.sandbox.people.element_builders import Element, instant_text
from gpcli.sandbox.people.form_reader import FormReader, is_nothing
from gpcli.sandbox.people.relative_times import RelativeTime, parse_when

_RELATIVE = re.compile(r"<((?:[+-]|now|today|tomorrow|yesterday|within )[^<>]*)>")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_PATH_PART = re.compile(r"(\w+)|\[(\d+)\]", re.ASCII)
_VALUES_OF_TEXT = ("identifier", "telecom")
"""Elements whose `value` is a text, where that of others is a number."""
_TEXTS = (
    *("id", "code", "version", "versionId", "display", "text", "title", "name", "description"),
    *("comment", "family", "given", "prefix", "suffix", "line", "city", "district", "state"),
    *("postalCode", "country", "reference", "system", "unit", "url", "lotNumber", "birthDate"),
    *("start", "end", "date", "dateTime", "sent", "received", "created", "authoredOn", "recorded"),
    *("contentString", "valueString", "valueCode", "valueDate", "valueDateTime", "valueUri"),
)
"""Elements that are texts even if they look like numbers."""


class RawResource:
    """A resource as it is written; its relative times are filled in when it is built."""

    def __init__(self, content: Any, node: Node) -> None:
        self._content = content
        self.node = node

    @property
    def line(self) -> int:
        """The line in which it begins."""
        return int(self.node.start_mark.line) + 1

    @property
    def reference(self) -> str:
        """The reference of the resource."""
        return f"{self._content['resourceType']}/{self._content['id']}"

    def __call__(self, now: datetime) -> Element:
        """Return the resource, with `now` as the current time."""
        built: Element = _fill(self._content, now)
        return built


def _fill(content: Any, now: datetime) -> Any:
    if isinstance(content, RelativeTime):
        if content.is_instant:
            return instant_text(content.at(now))
        return content.day(now).isoformat()
    if isinstance(content, dict):
        return {name: _fill(each, now) for name, each in content.items()}
    if isinstance(content, list):
        return [_fill(each, now) for each in content]
    return content


def read_resources(reader: FormReader, node: Node) -> Iterator[RawResource]:
    """Yield the resources of a list."""
    for item, where in reader.items(node, "resources"):
        raw = RawResource(_read(reader, item, where, "", ""), item)
        _check(reader, raw, where)
        yield raw


def _check(reader: FormReader, raw: RawResource, where: str) -> None:
    resource = raw(datetime.now(UTC))
    if not isinstance(resource, dict):
        reader.fail(raw.node, f"'{where}' must be a FHIR resource")
    for name, pattern in (("resourceType", _TYPE), ("id", _ID)):
        value = resource.get(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            reader.fail(raw.node, f"'{where}' has no good '{name}'")
    type_ = resource["resourceType"]
    if type_ not in RESOURCE_TYPES:
        problem = f"'{where}': the sandbox has no resources of type '{type_}'"
        reader.fail_unknown(_find_node(raw.node, "resourceType"), problem, type_, RESOURCE_TYPES)
    try:
        validate_resource(resource)
        index_entries(resource)
    except FhirError as error:
        path = error.expression[0].partition(".")[2] if error.expression else ""
        reader.fail(_find_node(raw.node, path), f"'{where}' is not FHIR R4: {error}")
    except (AttributeError, TypeError, ValueError) as error:
        reader.fail(raw.node, f"'{where}' is not FHIR R4: {error}")


def _find_node(node: Node, path: str) -> Node:
    """Return where the element of a path begins, such as `name[0].family`; or what is around it."""
    place = node
    for name, number in _PATH_PART.findall(path):
        children: dict[str, tuple[Node, Node]] = {}
        if isinstance(node, SequenceNode):
            children = {str(each): (item, item) for each, item in enumerate(node.value)}
        if isinstance(node, MappingNode):
            children = {key.value: (key, value) for key, value in node.value}
        place, node = children.get(name or number, (place, node))
    return place


def list_references(node: Node) -> Iterator[ScalarNode]:
    """Yield what stands behind each `reference` in a node, at any depth."""
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from list_references(item)
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == "reference" and isinstance(value, ScalarNode):
                yield value
            yield from list_references(value)


def _read(reader: FormReader, node: Node, where: str, name: str, parent: str) -> Any:
    """Read the value of the element `name`, which is part of the element `parent`."""
    if isinstance(node, MappingNode):
        return {
            inner: _read(reader, value, f"{where}.{inner}", inner, name)
            for inner, _, value in reader.pairs(node, where)
            if not is_nothing(value)
        }
    if isinstance(node, SequenceNode):
        items = reader.items(node, where)
        return [_read(reader, item, place, name, parent) for item, place in items]
    return _read_scalar(reader, node, where, (name, parent))


def _read_scalar(reader: FormReader, node: Node, where: str, path: tuple[str, str]) -> Any:
    """Read a text, a number, yes or no; what stands in quotes is a text, or a relative time."""
    text = reader.scalar(node, where, "a value")
    if relative := _RELATIVE.fullmatch(text):
        try:
            return parse_when(relative[1])
        except ValueError as error:
            reader.fail(node, f"'{where}': {error}")
    name, parent = path
    is_text = name in _TEXTS or (name == "value" and parent in _VALUES_OF_TEXT)
    if (isinstance(node, ScalarNode) and node.style) or is_text:
        return text
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text):
        return json.loads(text)
    return text
