"""Build the population at several times, and find resources in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.people import build_resources

Resource = dict[str, Any]
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)
INSTANTS = (
    NOW,
    datetime(2027, 3, 26, 12, 0, tzinfo=UTC),
    datetime(2027, 3, 27, 23, 30, tzinfo=ZONE),
    datetime(2027, 10, 30, 7, 59, tzinfo=ZONE),
    datetime(2027, 10, 31, 1, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 0, 0, tzinfo=ZONE),
    datetime(2027, 12, 31, 23, 59, 59, tzinfo=ZONE),
)
POPULATIONS = {now: list(build_resources(now)) for now in INSTANTS}


def of_type(population: list[Resource], type_: str) -> list[Resource]:
    return [resource for resource in population if resource["resourceType"] == type_]


def find_resource(population: list[Resource], reference: str) -> Resource:
    type_, _, id_ = reference.partition("/")
    return next(each for each in of_type(population, type_) if each["id"] == id_)


def parts(element: Any) -> Iterator[Resource]:
    """Every object in an element, itself included."""
    if isinstance(element, dict):
        yield element
        element = list(element.values())
    if isinstance(element, list):
        for each in element:
            yield from parts(each)


def references(resource: Resource) -> list[str]:
    return [each["reference"] for each in parts(resource) if isinstance(each.get("reference"), str)]


def start_of(resource: Resource) -> datetime:
    return datetime.fromisoformat(resource["start"])


def about_patient(population: list[Resource], type_: str, patient: str) -> list[Resource]:
    return [each for each in of_type(population, type_) if f"Patient/{patient}" in references(each)]
