"""Search as R4 says it, as far as a patient's portal is asked: over plain resources, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from tests.contract.practice import ZONE, Resource

Store = Mapping[str, Resource]
"""Resources by `Type/id`."""
Params = list[tuple[str, str]]

PATHS = {
    ("Patient", "patient"): "id",
    ("Patient", "general-practitioner"): "generalPractitioner",
    ("PractitionerRole", "service"): "healthcareService",
    ("HealthcareService", "organization"): "providedBy",
    ("HealthcareService", "service-type"): "type",
    ("Appointment", "patient"): "participant.actor",
    ("Appointment", "actor"): "participant.actor",
    ("Appointment", "date"): "start",
    ("Communication", "patient"): "subject",
    ("Communication", "part-of"): "partOf",
    ("MedicationRequest", "patient"): "subject",
    ("MedicationRequest", "medication"): "medicationReference",
    ("MedicationDispense", "patient"): "subject",
    ("MedicationDispense", "prescription"): "authorizingPrescription",
    ("Task", "patient"): "for",
    ("Binary", "patient"): "securityContext",
    ("Immunization", "date"): "occurrenceDateTime",
}
"""Where a parameter looks, if not in the element of its own name."""
EVERYBODYS = frozenset(
    {
        "AppointmentResponse",
        "ChargeItemDefinition",
        "HealthcareService",
        "Location",
        "Medication",
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "Schedule",
        "Slot",
    }
)
"""Types outside a patient's compartment."""
WHEN = frozenset({"date", "start"})
MISSING = ":missing"


def values(resource: Any, path: str) -> list[Any]:
    """What is at a path such as `participant.actor`; lists are passed through."""
    found = [resource]
    for name in path.split("."):
        there = (each.get(name) for each in found if isinstance(each, dict))
        found = [one for each in there if each is not None for one in _list(each)]
    return found


def words(value: Any) -> Iterator[str]:
    """The words by which a value is found: a code, `system|code`, `Type/id`, an id."""
    if not isinstance(value, dict):
        yield str(value)
    elif reference := value.get("reference"):
        yield from (reference, reference.rpartition("/")[2])
    elif codings := value.get("coding"):
        for each in codings:
            yield from (each["code"], f"{each.get('system', '')}|{each['code']}")
    elif "value" in value:
        yield from (value["value"], f"{value.get('system', '')}|{value['value']}")


def pointed_at(resource: Resource, parameter: str) -> list[str]:
    """The references in what a parameter looks at, as `Type/id`."""
    there = values(resource, path_of(resource["resourceType"], parameter))
    return [each["reference"] for each in there if isinstance(each, dict) and "reference" in each]


def path_of(kind: str, parameter: str) -> str:
    return PATHS.get((kind, parameter), "id" if parameter == "_id" else parameter)


def fits(resource: Resource, parameter: str, wanted: str, store: Store) -> bool:
    """Whether a resource answers to one parameter; commas mean or."""
    name, missing, _ = parameter.partition(MISSING)
    there = values(resource, path_of(resource["resourceType"], name))
    if missing:
        return (not there) is (wanted == "true")
    if name in WHEN:
        return any(_in_time(each, wanted) for each in there)
    if "." in name:
        first, _, then = name.partition(".")
        return any(fits(store[each], then, wanted, store) for each in pointed_at(resource, first))
    return bool({word for each in there for word in words(each)} & set(wanted.split(",")))


def may_see(resource: Resource, patient: str) -> bool:
    """Whether a resource is one of this patient's, or everybody's."""
    kind = resource["resourceType"]
    there = values(resource, path_of(kind, "patient"))
    return kind in EVERYBODYS or any(patient in words(each) for each in there)


def in_order(found: list[Resource], sort: str | None) -> list[Resource]:
    """Sorted by a time; what has none comes first."""
    if sort is None:
        return found
    path = path_of(found[0]["resourceType"], sort.lstrip("-")) if found else ""

    def key(one: Resource) -> float:
        return max(
            (datetime.fromisoformat(each).timestamp() for each in values(one, path)), default=0
        )

    return sorted(found, key=key, reverse=sort.startswith("-"))


def along(matches: Iterable[Resource], params: Params, store: Store) -> list[Resource]:
    """What `_include`, `_include:iterate` and `_revinclude` bring along with the matches."""
    found = {_ref(each): each for each in matches}
    first = set(found)
    for name, value in params:
        if name == "_revinclude":
            found |= _pointing(value, first, store)
    grown = 0
    while grown != len(found):
        grown = len(found)
        for name, value in params:
            if name.startswith("_include"):
                found |= _pointed(value, list(found.values()), store)
    return [each for reference, each in found.items() if reference not in first]


def _pointing(value: str, targets: set[str], store: Store) -> dict[str, Resource]:
    kind, _, parameter = value.partition(":")
    return {
        reference: each
        for reference, each in store.items()
        if each["resourceType"] == kind and targets & set(pointed_at(each, parameter))
    }


def _pointed(value: str, sources: Iterable[Resource], store: Store) -> dict[str, Resource]:
    kind, _, parameter = value.partition(":")
    targets = (
        target
        for each in sources
        if each["resourceType"] == kind
        for target in pointed_at(each, parameter)
    )
    return {each: store[each] for each in targets if each in store}


def _in_time(written: str, wanted: str) -> bool:
    there, bound = datetime.fromisoformat(written), _midnight(wanted[2:])
    return there < bound if wanted.startswith("lt") else there >= bound


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.min, ZONE)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _ref(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
