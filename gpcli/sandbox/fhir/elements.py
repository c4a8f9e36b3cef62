"""Finding things in FHIR JSON: elements along a path, codes, references."""

from collections.abc import Iterable, Iterator
from typing import Any

Resource = dict[str, Any]
"""A FHIR resource (or element) as JSON says it."""


def values(element: Any, path: str) -> Iterator[Any]:
    """Every value at the dotted `path`, lists flattened: `participant.actor`."""
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
    """The codes of `system` in a CodeableConcept or a list of them."""
    listed = concepts if isinstance(concepts, list) else [concepts]
    found = (coding for concept in listed for coding in values(concept, "coding"))
    return [coding["code"] for coding in found if coding.get("system") == system]


def references(resource: Resource, path: str, type_: str = "") -> list[str]:
    """The relative references at `path`, only those to `type_` if it is named."""
    found = (element.get("reference", "") for element in values(resource, path))
    return [text for text in found if text and text.startswith(f"{type_}/" if type_ else "")]


def reference_to(resource: Resource) -> str:
    """The relative reference of a resource: `Slot/s-1`."""
    return f"{resource['resourceType']}/{resource['id']}"


def id_of(reference: str) -> str:
    """The logical id in a relative reference: `s-1` of `Slot/s-1`."""
    return reference.partition("/")[2]


def extension(element: Resource, url: str) -> Resource:
    """The element's extension with that url; empty if it has none."""
    return next((each for each in element.get("extension", ()) if each.get("url") == url), {})


def changed(stored: Resource, sent: Resource) -> list[str]:
    """The names of the elements, `meta` aside, in which two versions of a resource differ."""
    names = [name for name in {**stored, **sent} if name != "meta"]
    return [name for name in names if stored.get(name) != sent.get(name)]


def attachments(resource: Resource) -> list[Resource]:
    """The Attachments of a Communication or a DocumentReference."""
    paths = ("payload.contentAttachment", "content.attachment")
    return [each for path in paths for each in values(resource, path)]


def all_references(element: Any) -> Iterator[Resource]:
    """Every Reference in `element`, at any depth: objects with a textual `reference`."""
    if isinstance(element, dict):
        if isinstance(element.get("reference"), str):
            yield element
        yield from _references_within(element.values())
    if isinstance(element, list):
        yield from _references_within(element)


def _references_within(elements: Iterable[Any]) -> Iterator[Resource]:
    for child in elements:
        yield from all_references(child)
