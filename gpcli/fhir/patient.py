"""Patient, PractitionerRole, Organization, Location, Immunization; whose record a resource is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, Reference
from gpcli.model.appointment import Vaccination
from gpcli.model.person import Person
from gpcli.model.service import OpeningHours, Surgery

_NAME_USE_PRIORITY = {"official": 0, "nickname": 2, "anonymous": 2, "maiden": 3, "old": 3}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?", re.ASCII)


def read_person(patient: Element) -> Person:
    """Return a Patient, Practitioner or RelatedPerson; the id stands in for a missing name.

    Raises Malformed.
    """
    return Person(patient.require_string("id"), read_name(patient) or patient.require_string("id"))


def read_name(person: Element) -> str | None:
    """Return the name to show: the official one first, old ones last; `None` without any.

    It is the name's `text`, or where it has none its given and family names.
    """
    for name in sorted(person.children("name"), key=_name_priority):
        parts = (*name.strings("given"), name.string("family") or "")
        text = name.string("text") or " ".join(filter(None, parts))
        if text:
            return text
    return None


def _name_priority(name: Element) -> int:
    return _NAME_USE_PRIORITY.get(name.string("use") or "", 1)


def read_surgery(bundle: Bundle, reference: Element) -> Surgery | None:
    """Return the GP that one `Patient.generalPractitioner` refers to.

    Details come from the resources in `bundle`. `None` where the reference has neither a target
    nor an identifier nor a display.
    """
    target = read_target(reference)
    gp = bundle.get(target)
    if gp is None:
        return _build_unresolved(reference, target or "")
    if gp.resource_type == "PractitionerRole":
        return _read_role(bundle, gp)
    if gp.resource_type == "Organization":
        return _build_surgery(gp.require_string("id"), None, gp.string("name"), (gp,), ())
    return _build_surgery(gp.require_string("id"), read_name(gp), None, (gp,), ())


def read_target(reference: Element) -> str | None:
    """Return the target of a Reference that stands by itself, as `Type/id`."""
    return Element({"to": reference.json}, reference.path).reference("to")


def organizations_to_search(bundle: Bundle, patient: Element) -> tuple[str, ...]:
    """Return the ids of the GPs' organizations, whose services have to be searched for.

    Empty where a GP's role references a service.
    """
    organizations = []
    for target in patient.references("generalPractitioner"):
        gp = bundle.get(target)
        if gp and gp.references("healthcareService"):
            return ()
        organization = gp.reference("organization") if gp else None
        organizations.append(target if target.startswith("Organization/") else organization)
    return tuple(dict.fromkeys(each.partition("/")[2] for each in organizations if each))


def _build_unresolved(reference: Element, target: str) -> Surgery | None:
    """Return a GP from the Reference alone; `target` is `Type/id`, empty where it has none."""
    identifier = reference.child("identifier")
    identifier_value = identifier.string("value") if identifier else None
    display = reference.string("display")
    surgery_id = target.partition("/")[2] or identifier_value or display
    if surgery_id is None:
        return None
    if target.startswith("Organization/"):
        return Surgery(surgery_id, None, display)
    return Surgery(surgery_id, display, None)


def _read_role(bundle: Bundle, role: Element) -> Surgery:
    practitioner = bundle.get(role.reference("practitioner"))
    organization = bundle.get(role.reference("organization"))
    found = [bundle.get(reference) for reference in role.references("location")]
    locations = [location for location in found if location]
    gp = read_name(practitioner) if practitioner else _read_display(role, "practitioner")
    name = organization.string("name") if organization else _read_display(role, "organization")
    sources = [each for each in (role, organization, *locations) if each]
    hours = [line for location in locations for line in _location_hours(location)]
    return _build_surgery(
        role.require_string("id"), gp, name, sources, hours or list(_role_hours(role))
    )


def _build_surgery(
    surgery_id: str,
    gp: str | None,
    name: str | None,
    sources: Iterable[Element],
    hours: Iterable[OpeningHours],
) -> Surgery:
    resources = list(sources)
    return Surgery(
        id=surgery_id,
        gp=gp,
        name=name,
        phones=_contact_values(resources, "phone"),
        emails=_contact_values(resources, "email"),
        websites=_contact_values(resources, "url"),
        addresses=_read_addresses(resources),
        hours=tuple(hours),
    )


def _contact_values(sources: list[Element], system: str) -> tuple[str, ...]:
    values = (
        point.string("value")
        for source in sources
        for point in source.children("telecom")
        if point.string("system") == system and point.string("use") != "old"
    )
    return tuple(dict.fromkeys(filter(None, values)))


def _read_addresses(sources: list[Element]) -> tuple[str, ...]:
    addresses = (_format_address(each) for source in sources for each in _address_elements(source))
    return tuple(dict.fromkeys(filter(None, addresses)))


def _address_elements(source: Element) -> Iterator[Element]:
    if source.resource_type == "Location":
        single = source.child("address")
        yield from (single,) if single else ()
    elif source.resource_type in {"Organization", "Practitioner"}:
        yield from source.children("address")


def _format_address(address: Element) -> str | None:
    city = " ".join(filter(None, (address.string("postalCode"), address.string("city"))))
    lines = (*address.strings("line"), city, address.string("country"))
    return address.string("text") or ", ".join(filter(None, lines)) or None


def _location_hours(location: Element) -> Iterator[OpeningHours]:
    for line in location.children("hoursOfOperation"):
        yield _read_hours(line, "openingTime", "closingTime")


def _role_hours(role: Element) -> Iterator[OpeningHours]:
    for line in role.children("availableTime"):
        yield _read_hours(line, "availableStartTime", "availableEndTime")


def _read_hours(line: Element, opens: str, closes: str) -> OpeningHours:
    return OpeningHours(
        line.strings("daysOfWeek"), _read_time(line, opens), _read_time(line, closes)
    )


def _read_time(line: Element, name: str) -> str | None:
    """Return a time as `HH:MM`, as written where its seconds are not 0."""
    time = line.string(name)
    if time is None:
        return None
    if not _TIME.fullmatch(time):
        raise Malformed(f"{line.path}.{name} is not a time")
    return time[:5] if time.endswith(":00") else time


def _read_display(element: Element, name: str) -> str | None:
    child = element.child(name)
    return child.string("display") if child else None


_INFLUENZA_ATC = "J07BB"
_INFLUENZA_NAME = re.compile(r"\b(influenza(?!e)|influensa|flu vaccin)")
"""Finds flu vaccines, but none against *Haemophilus influenzae*, another illness."""


def read_vaccination(immunization: Element) -> Vaccination | None:
    """Return a vaccination that was given and has a date; `None` for any other."""
    date = immunization.string("occurrenceDateTime")
    if immunization.string("status") != "completed" or date is None:
        return None
    name = immunization.concept_text("vaccineCode")
    codes = (coding.code for coding in immunization.codings("vaccineCode"))
    return Vaccination(name or next(filter(None, codes), "unknown"), date)


def is_influenza_vaccine(immunization: Element) -> bool:
    """Return whether it is a flu vaccine by its ATC code (J07BB...) or its name."""
    codes = [coding.code for coding in immunization.codings("vaccineCode")]
    name = (immunization.concept_text("vaccineCode") or "").casefold()
    by_code = any(code.startswith(_INFLUENZA_ATC) for code in codes)
    return by_code or _INFLUENZA_NAME.search(name) is not None


class Owner(Enum):
    """Whose record it is."""

    PATIENT = "patient"
    ANOTHER = "another"
    UNKNOWN = "unknown"


Identifiers = Collection[tuple[str, str]]
"""Systems and values of identifiers."""

_PATIENT_LINKS: dict[str, Callable[[Element], tuple[Reference | None, ...]]] = {
    "Appointment": lambda appointment: tuple(
        link
        for link in (each.link("actor") for each in appointment.children("participant"))
        if link and link.type in {"Patient", None}
    ),
    "Communication": lambda message: (
        (message.link("subject"),)
        if message.child("subject")
        else (message.link("sender"), *message.links("recipient"))
    ),
    "Consent": lambda consent: (consent.link("patient"),),
    "Immunization": lambda immunization: (immunization.link("patient"),),
    "MedicationRequest": lambda request: (request.link("subject"),),
    "MedicationDispense": lambda dispense: (dispense.link("subject"),),
    "Task": lambda task: (task.link("for"),),
}
"""Type of a record -> the references that tell which patient it is about."""


def find_owner(
    record: Element, patient: str, fetch_identifiers: Callable[[], Identifiers] = tuple
) -> Owner:
    """Return whether the record is about the patient with the id `patient`.

    Types that belong to no patient, such as Slot, count as the patient's. A reference by identifier
    is compared with the patient's identifiers, which are fetched only then; it tells only where the
    patient has one of the same system.

    Source: R4 CompartmentDefinition patient; references.html 2.3.0.
    """
    if record.resource_type == "Patient":
        return Owner.PATIENT if record.require_string("id") == patient else Owner.ANOTHER
    read_links = _PATIENT_LINKS.get(record.resource_type)
    if read_links is None:
        return Owner.PATIENT
    links = [link for link in read_links(record) if link]
    if any(link.target == f"Patient/{patient}" for link in links):
        return Owner.PATIENT
    owners = [_compare_identifier(link, fetch_identifiers) for link in links if not link.target]
    if Owner.PATIENT in owners:
        return Owner.PATIENT
    is_known = any((link.target or "").startswith("Patient/") for link in links)
    return Owner.ANOTHER if is_known or Owner.ANOTHER in owners else Owner.UNKNOWN


def _compare_identifier(link: Reference, fetch_identifiers: Callable[[], Identifiers]) -> Owner:
    if link.identifier is None or link.type not in {"Patient", None}:
        return Owner.UNKNOWN
    own = fetch_identifiers()
    if link.identifier in own:
        return Owner.PATIENT
    system = link.identifier[0]
    is_comparable = bool(system) and any(each == system for each, _ in own)
    return Owner.ANOTHER if is_comparable else Owner.UNKNOWN


def is_about_patient(record: Element, patient: str) -> bool:
    """Return whether the record is known to be about the patient with this id."""
    return find_owner(record, patient) is Owner.PATIENT


def read_identifiers(patient: Element) -> Identifiers:
    """Return the identifiers of a Patient that have a system, without old ones."""
    current = (each for each in patient.children("identifier") if each.string("use") != "old")
    pairs = ((each.string("system"), each.string("value")) for each in current)
    return frozenset((system, value) for system, value in pairs if system and value)
