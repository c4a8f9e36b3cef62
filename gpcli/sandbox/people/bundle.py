"""Other people than the eight: a FHIR Bundle from a file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gpcli.sandbox.cards import PersonCard, Ward
from gpcli.sandbox.people.elements import Element


class BadPeople(ValueError):
    """The file is not a Bundle of FHIR resources with at least one Patient."""


def read_bundle(path: Path) -> list[Element]:
    """The resources of a Bundle in a JSON file. Raises BadPeople, OSError."""
    try:
        bundle = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise BadPeople(f"{path} is not JSON: {broken}") from broken
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise BadPeople(f"{path} is not a FHIR Bundle")
    resources = list(_resources(path, bundle.get("entry")))
    if not any(each["resourceType"] == "Patient" for each in resources):
        raise BadPeople(f"{path} holds no Patient, so nobody could sign in")
    return resources


def _resources(path: Path, entries: Any) -> Iterator[Element]:
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not _named(resource):
            raise BadPeople(f"{path}: entry {number} has no resource with a type and an id")
        yield resource


def _named(resource: Element) -> bool:
    return all(isinstance(resource.get(each), str) for each in ("resourceType", "id"))


def cards_of(resources: Sequence[Element]) -> tuple[PersonCard, ...]:
    """A card for every Patient.

    Who acts for whom is said by RelatedPersons: one that shares an identifier with a Patient is
    that person, and acts for the patient that it names.
    """
    patients = {each["id"]: each for each in resources if each["resourceType"] == "Patient"}
    related = [each for each in resources if each["resourceType"] == "RelatedPerson"]
    return tuple(_card(patient, patients, related) for patient in patients.values())


def _card(patient: Element, patients: dict[str, Element], related: Sequence[Element]) -> PersonCard:
    wards = tuple(
        Ward(ward["id"].casefold(), _name(ward), ward["id"], f"RelatedPerson/{each['id']}")
        for each in related
        if _numbers(each) & _numbers(patient)
        and (ward := patients.get(each["patient"]["reference"].removeprefix("Patient/")))
    )
    born = patient.get("birthDate")
    description = f"Born {born}" if born else "From the file of people"
    return PersonCard(patient["id"].casefold(), _name(patient), description, patient["id"], wards)


def _numbers(resource: Element) -> set[tuple[str | None, str | None]]:
    return {(each.get("system"), each.get("value")) for each in resource.get("identifier", ())}


def _name(patient: Element) -> str:
    name: Element = next(iter(patient.get("name", ())), {})
    written = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")])
    return written.strip() or str(patient["id"])
