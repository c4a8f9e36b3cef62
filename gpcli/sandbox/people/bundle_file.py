"""Read another population from a FHIR Bundle."""

from collections.abc import Iterator, Sequence
from typing import Any

from gpcli.sandbox.accounts import Account, Dependant
from gpcli.sandbox.fhir.search_index import index_entries
from gpcli.sandbox.people.element_builders import Element


class InvalidPeopleFile(ValueError):
    """The file is not a Bundle of FHIR resources with at least one Patient."""


def read_bundle(file: str, bundle: Any) -> list[Element]:
    """Return the resources of a Bundle; `file` is what errors call where it is from.

    Raises:
        InvalidPeopleFile: It is something else.
    """
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise InvalidPeopleFile(f"{file} is not a FHIR Bundle")
    resources = list(_entry_resources(file, bundle.get("entry")))
    if not any(each["resourceType"] == "Patient" for each in resources):
        raise InvalidPeopleFile(f"{file} holds no Patient, so nobody could sign in")
    return resources


def _entry_resources(file: str, entries: Any) -> Iterator[Element]:
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not _has_type_and_id(resource):
            raise InvalidPeopleFile(f"{file}: entry {number} has no resource with a type and an id")
        try:
            index_entries(resource)
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidPeopleFile(f"{file}: entry {number} is no FHIR: {error}") from error
        yield resource


def _has_type_and_id(resource: Element) -> bool:
    return all(isinstance(resource.get(each), str) for each in ("resourceType", "id"))


def accounts_in(resources: Sequence[Element]) -> tuple[Account, ...]:
    """Return an account for every Patient.

    A RelatedPerson that shares an identifier with a Patient makes this Patient act for the one to
    whom the RelatedPerson is related.
    """
    patients = {each["id"]: each for each in resources if each["resourceType"] == "Patient"}
    related = [each for each in resources if each["resourceType"] == "RelatedPerson"]
    return tuple(_account(patient, patients, related) for patient in patients.values())


def _account(patient: Element, patients: dict[str, Element], related: Sequence[Element]) -> Account:
    dependants = tuple(
        Dependant(
            dependant["id"].casefold(),
            _display_name(dependant),
            dependant["id"],
            f"RelatedPerson/{each['id']}",
        )
        for each in related
        if _identifiers(each) & _identifiers(patient)
        and (dependant := patients.get(each["patient"]["reference"].removeprefix("Patient/")))
    )
    born = patient.get("birthDate")
    description = f"Born {born}" if born else "From the file of people"
    return Account(
        patient["id"].casefold(), _display_name(patient), description, patient["id"], dependants
    )


def _identifiers(resource: Element) -> set[tuple[str | None, str | None]]:
    return {(each.get("system"), each.get("value")) for each in resource.get("identifier", ())}


def _display_name(patient: Element) -> str:
    name: Element = next(iter(patient.get("name", ())), {})
    written = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")])
    return written.strip() or str(patient["id"])
