"""Read FHIR JSON: elements along a path, codes, references."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

Resource = dict[str, Any]
"""A FHIR resource or element, as parsed from JSON."""
_WHOLE_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def parse_whole_number(text: str) -> int | None:
    """Return the number that a text writes in up to 18 ASCII digits; None for any other text."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def values_at(element: Any, path: str) -> Iterator[Any]:
    """Yield every value at the dotted `path`, with lists flattened: `participant.actor`."""
    found = [element]
    for name in path.split("."):
        found = [child for parent in found for child in _children(parent, name)]
    yield from found


def _children(parent: Any, name: str) -> list[Any]:
    child = parent.get(name) if isinstance(parent, dict) else None
    if child is None:
        return []
    return child if isinstance(child, list) else [child]


def codes(concepts: Any, system: str) -> list[str]:
    """Return the codes of `system` in a CodeableConcept or a list of them."""
    listed = concepts if isinstance(concepts, list) else [concepts]
    found = (coding for concept in listed for coding in values_at(concept, "coding"))
    return [coding["code"] for coding in found if coding.get("system") == system]


def references_at(resource: Resource, path: str, type_: str = "") -> list[str]:
    """Return the relative references at `path`, limited to `type_` if it is given."""
    found = (element.get("reference", "") for element in values_at(resource, path))
    return [text for text in found if text and text.startswith(f"{type_}/" if type_ else "")]


def reference_to(resource: Resource) -> str:
    """Return the relative reference of a resource: `Slot/s-1`."""
    return f"{resource['resourceType']}/{resource['id']}"


def id_of(reference: str) -> str:
    """Return the logical id in a relative reference: `s-1` of `Slot/s-1`."""
    return reference.partition("/")[2]


def find_extension(element: Resource, url: str) -> Resource:
    """Return the element's extension with that url; empty if it has none."""
    return next((each for each in element.get("extension", ()) if each.get("url") == url), {})


def changed_elements(stored: Resource, sent: Resource) -> list[str]:
    """Return the names of the elements that differ between two versions, except `meta`."""
    names = [name for name in {**stored, **sent} if name != "meta"]
    return [name for name in names if stored.get(name) != sent.get(name)]


def attachments_in(resource: Resource) -> list[Resource]:
    """Return the Attachments of a Communication or a DocumentReference."""
    paths = ("payload.contentAttachment", "content.attachment")
    return [each for path in paths for each in values_at(resource, path)]


def all_references(element: Any) -> Iterator[Resource]:
    """Yield every Reference in `element`, at any depth."""
    if isinstance(element, dict):
        if isinstance(element.get("reference"), str):
            yield element
        yield from _references_within(element.values())
    if isinstance(element, list):
        yield from _references_within(element)


def _references_within(elements: Iterable[Any]) -> Iterator[Resource]:
    for child in elements:
        yield from all_references(child)
