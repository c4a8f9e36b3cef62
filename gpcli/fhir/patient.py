"""Patient, PractitionerRole, Organization, Location, Immunization: people and places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.model.appointment import Vaccination
from gpcli.model.person import Person
from gpcli.model.service import OpeningHours, Surgery

_NAME_USES = {"official": 0, "nickname": 2, "anonymous": 2, "maiden": 3, "old": 3}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?", re.ASCII)


def read_person(patient: Element) -> Person:
    """A Patient, Practitioner or RelatedPerson by id and name."""
    return Person(patient.need("id"), name_of(patient) or patient.need("id"))


def name_of(person: Element) -> str | None:
    """The name to use, as its text or put together: the official one first, old ones last."""
    for name in sorted(person.children("name"), key=_rank):
        parts = (*name.texts("given"), name.text("family") or "")
        text = name.text("text") or " ".join(filter(None, parts))
        if text:
            return text
    return None


def _rank(name: Element) -> int:
    return _NAME_USES.get(name.text("use") or "", 1)


def read_surgery(bundle: Bundle, reference: Element) -> Surgery | None:
    """The GP behind one `Patient.generalPractitioner`, with what came along about them.

    `None` when the record says neither where they are nor what they are called.
    """
    target = target_of(reference)
    one = bundle.get(target)
    if one is None:
        return _unseen(reference, target or "")
    if one.kind == "PractitionerRole":
        return _read_role(bundle, one)
    if one.kind == "Organization":
        return _surgery(one.need("id"), None, one.text("name"), (one,), ())
    return _surgery(one.need("id"), name_of(one), None, (one,), ())


def target_of(reference: Element) -> str | None:
    """Where one of a list of References points, as `Type/id`."""
    return Element({"to": reference.json}, reference.path).reference("to")


def organizations_to_ask(bundle: Bundle, patient: Element) -> tuple[str, ...]:
    """Ids of the GPs' organizations, if no GP's role names a service; else none."""
    found = []
    for target in patient.references("generalPractitioner"):
        one = bundle.get(target)
        if one and one.references("healthcareService"):
            return ()
        place = one.reference("organization") if one else None
        found.append(target if target.startswith("Organization/") else place)
    return tuple(dict.fromkeys(each.partition("/")[2] for each in found if each))


def _unseen(reference: Element, target: str) -> Surgery | None:
    identifier = reference.child("identifier")
    number = identifier.text("value") if identifier else None
    display = reference.text("display")
    identity = target.partition("/")[2] or number or display
    if identity is None:
        return None
    if target.startswith("Organization/"):
        return Surgery(identity, None, display)
    return Surgery(identity, display, None)


def _read_role(bundle: Bundle, role: Element) -> Surgery:
    practitioner = bundle.get(role.reference("practitioner"))
    organization = bundle.get(role.reference("organization"))
    locations = [bundle.get(each) for each in role.references("location")]
    places = [each for each in locations if each]
    gp = name_of(practitioner) if practitioner else _display(role, "practitioner")
    name = organization.text("name") if organization else _display(role, "organization")
    sources = [each for each in (role, organization, *places) if each]
    hours = [line for place in places for line in _location_hours(place)]
    return _surgery(role.need("id"), gp, name, sources, hours or list(_available_hours(role)))


def _surgery(
    identity: str,
    gp: str | None,
    name: str | None,
    sources: Iterable[Element],
    hours: Iterable[OpeningHours],
) -> Surgery:
    everything = list(sources)
    return Surgery(
        id=identity,
        gp=gp,
        name=name,
        phones=_contacts(everything, "phone"),
        emails=_contacts(everything, "email"),
        websites=_contacts(everything, "url"),
        addresses=_addresses(everything),
        hours=tuple(hours),
    )


def _contacts(sources: list[Element], system: str) -> tuple[str, ...]:
    values = (
        point.text("value")
        for source in sources
        for point in source.children("telecom")
        if point.text("system") == system and point.text("use") != "old"
    )
    return tuple(dict.fromkeys(filter(None, values)))


def _addresses(sources: list[Element]) -> tuple[str, ...]:
    found = (_address(each) for source in sources for each in _address_elements(source))
    return tuple(dict.fromkeys(filter(None, found)))


def _address_elements(source: Element) -> Iterator[Element]:
    if source.kind == "Location":
        single = source.child("address")
        yield from (single,) if single else ()
    elif source.kind in {"Organization", "Practitioner"}:
        yield from source.children("address")


def _address(address: Element) -> str | None:
    place = " ".join(filter(None, (address.text("postalCode"), address.text("city"))))
    lines = (*address.texts("line"), place, address.text("country"))
    return address.text("text") or ", ".join(filter(None, lines)) or None


def _location_hours(location: Element) -> Iterator[OpeningHours]:
    for line in location.children("hoursOfOperation"):
        yield _hours(line, "openingTime", "closingTime")


def _available_hours(role: Element) -> Iterator[OpeningHours]:
    for line in role.children("availableTime"):
        yield _hours(line, "availableStartTime", "availableEndTime")


def _hours(line: Element, opens: str, closes: str) -> OpeningHours:
    return OpeningHours(line.texts("daysOfWeek"), _minutes(line, opens), _minutes(line, closes))


def _minutes(line: Element, name: str) -> str | None:
    written = line.text(name)
    if written is None:
        return None
    if not _TIME.fullmatch(written):
        raise Malformed(f"{line.path}.{name} is not a time")
    return written[:5] if written.endswith(":00") else written


def _display(element: Element, name: str) -> str | None:
    child = element.child(name)
    return child.text("display") if child else None


_INFLUENZA_ATC = "J07BB"
_INFLUENZA_WORDS = re.compile(r"\b(influenza(?!e)|influensa|flu vaccin)")
"""Not *Haemophilus influenzae*, which is another illness."""


def read_vaccination(immunization: Element) -> Vaccination | None:
    """One that was given and has a date, else `None`."""
    date = immunization.text("occurrenceDateTime")
    if immunization.text("status") != "completed" or date is None:
        return None
    words = immunization.phrase("vaccineCode")
    codes = (coding.code for coding in immunization.codings("vaccineCode"))
    return Vaccination(words or next(filter(None, codes), "unknown"), date)


def against_influenza(immunization: Element) -> bool:
    """Whether it is a flu vaccine: by its ATC code (J07BB…), else by its name."""
    codes = [coding.code for coding in immunization.codings("vaccineCode")]
    words = (immunization.phrase("vaccineCode") or "").casefold()
    by_code = any(code.startswith(_INFLUENZA_ATC) for code in codes)
    return by_code or _INFLUENZA_WORDS.search(words) is not None
