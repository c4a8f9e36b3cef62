"""What an `_include` or `_revinclude` should have brought along, and did not (R4 3.1.1.5.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, Origin
from gpcli.fhir.modifiers import NotUnderstood
from gpcli.portal.queries import Query, records_by_id, referring_to, split_ids

_REFERENCES: Mapping[str, tuple[str, ...]] = {
    "Appointment:actor": ("participant", "actor"),
    "Communication:recipient": ("recipient",),
    "Communication:sender": ("sender",),
    "HealthcareService:organization": ("providedBy",),
    "MedicationRequest:medication": ("medicationReference",),
    "MedicationRequest:requester": ("requester",),
    "Patient:general-practitioner": ("generalPractitioner",),
    "PractitionerRole:location": ("location",),
    "PractitionerRole:organization": ("organization",),
    "PractitionerRole:practitioner": ("practitioner",),
    "PractitionerRole:service": ("healthcareService",),
    "Schedule:actor": ("actor",),
    "Slot:schedule": ("schedule",),
    "Task:focus": ("focus",),
}
"""Value of `_include` -> the path of the element that refers."""

_INCLUDED_TYPES = frozenset(
    {
        *("HealthcareService", "Location", "Medication", "MedicationRequest", "Organization"),
        *("Practitioner", "PractitionerRole", "RelatedPerson", "Schedule"),
    }
)
"""The types of included records that something is read from."""
_SENDER = "Communication:sender"
"""The include by which a patient's own record comes along."""

_NEEDED = frozenset({"MedicationRequest:medication"})
"""Values of `_include` without whose records the record that refers has no name."""

_REVINCLUDES = frozenset({"AppointmentResponse:appointment", "PractitionerRole:service"})
"""Values of `_revinclude` that are made up for here; `prescriptions` does the same for its own."""

MAX_RECORDS = 500
"""How many records of one type are fetched because they did not come along."""

_INCLUDE, _REVINCLUDE = "_include", "_revinclude"


@dataclass
class Along:
    """One result of a search, and what came along with it.

    `sent` are the parameters that were sent. `fetched` are the references of records that were
    fetched afterwards: what they refer to did not come along, whatever was sent.
    """

    query: Query
    sent: Collection[tuple[str, str]]
    bundle: Bundle
    fetched: set[str] = field(default_factory=set)

    @property
    def included(self) -> dict[str, Element]:
        """What came along, or was found afterwards, by reference; and the patient."""
        matches = self.query.resource_type
        return {
            key: each
            for key, each in self.bundle.resources.items()
            if _type_of(key) == "Patient" or _type_of(key) != matches
        }

    def find_missing(self) -> Iterator[str]:
        """Yield the references, as `Type/id`, to records that should have come and did not.

        Where the portal has sent some records for an include, those that it has not sent are not
        there, or not to be shown; those that are needed are asked for all the same.
        """
        for name, value in self.query.params:
            if name.partition(":")[0] == _INCLUDE and value in _REFERENCES:
                is_sent = (name, value) in self.sent and value not in _NEEDED
                yield from self._find_missing_of(value, is_sent=is_sent)

    def find_reverse(self) -> Iterator[Query]:
        """Yield the queries for what a `_revinclude` would have brought.

        There are none where it was sent, unless the portal has sent nothing along at all.
        """
        for name, value in self.query.params:
            is_sent = (name, value) in self.sent and not self._ignores_includes()
            if name == _REVINCLUDE and value in _REVINCLUDES and not is_sent:
                records = self.bundle.matches_of_type(self.query.resource_type)
                matches = [each.relative_reference for each in records]
                yield from (referring_to(value, matches),) if matches else ()

    def add(
        self,
        resources: Mapping[str, Element],
        not_understood: Mapping[str, NotUnderstood] = MappingProxyType({}),
    ) -> None:
        """Add records that were missing here and were found afterwards, as in Bundle."""
        self.bundle.not_understood |= not_understood
        for reference, resource in resources.items():
            self.bundle.resources.setdefault(reference, resource)
        self.fetched |= resources.keys()

    def _ignores_includes(self) -> bool:
        """Return whether nothing came along though something was due."""
        types = {*map(_type_of, self.bundle.resources)}
        return types <= {self.query.resource_type} and any(self.find_missing())

    def _holders(self, include: str) -> Iterator[Element]:
        """Yield the records that refer to what an include is for."""
        for reference, resource in self.bundle.resources.items():
            if _type_of(reference) == _type_of(include, ":"):
                yield resource

    def _find_missing_of(self, include: str, *, is_sent: bool) -> Iterator[str]:
        missing: dict[str, None] = {}
        for holder in self._holders(include):
            is_fetched = bool(self.fetched) and holder.relative_reference in self.fetched
            for target in _read_targets(holder, include):
                if not self.bundle.came(target):
                    missing[target] = None
                elif is_sent and not is_fetched and target not in self.fetched:
                    yield from self._find_missing_of_fetched(include)
                    return
        yield from missing

    def _find_missing_of_fetched(self, include: str) -> Iterator[str]:
        """Yield what records that were fetched afterwards refer to, where it is missing."""
        for holder in self._holders(include) if self.fetched else ():
            if holder.relative_reference in self.fetched:
                targets = _read_targets(holder, include)
                yield from (each for each in targets if not self.bundle.came(each))


def by_id_queries(references: Iterable[str], flaws: list[str]) -> list[Query]:
    """Return the queries for records by reference, of one type each.

    What is more than `MAX_RECORDS` of a type is added to `flaws`.
    """
    by_type: dict[str, list[str]] = {}
    for reference in references:
        resource_type, _, resource_id = reference.partition("/")
        by_type.setdefault(resource_type, []).append(resource_id)
    for resource_type, ids in by_type.items():
        if len(ids) > MAX_RECORDS:
            flaws.append(f"{len(ids) - MAX_RECORDS} {resource_type} that did not come along")
    return [
        records_by_id(resource_type, part)
        for resource_type, ids in by_type.items()
        for part in split_ids(ids[:MAX_RECORDS])
    ]


def _read_targets(holder: Element, include: str) -> Iterator[str]:
    """Yield the records of the portal that an include is for; what can't be read is no flaw."""
    path = _REFERENCES[include]
    types = _INCLUDED_TYPES | ({"Patient"} if include == _SENDER else set())
    origin = holder.origin and Origin(holder.origin.name, [], holder.origin.bases)
    elements = [replace(holder, origin=origin)]
    for name in path[:-1]:
        elements = [child for each in elements for child in each.children(name)]
    for element in elements:
        value = element.json.get(path[-1])
        with suppress(Malformed):
            many = isinstance(value, list)
            targets = element.references(path[-1]) if many else (element.reference(path[-1]),)
            yield from (each for each in targets if each and _is_of_type(each, types))


def _type_of(reference: str, separator: str = "/") -> str:
    return reference.partition(separator)[0]


def _is_of_type(target: str, types: Collection[str]) -> bool:
    resource_type, _, resource_id = target.partition("/")
    return resource_type in types and bool(resource_id) and "/" not in resource_id
