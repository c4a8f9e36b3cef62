"""Patient and Immunization; names of people; whose record a resource is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from enum import Enum

from gpcli.fhir.element import Element, Malformed, Reference
from gpcli.fhir.validity import is_current
from gpcli.model.appointment import Vaccination
from gpcli.model.person import Person, SyntheticRules

PERSON_TYPES = frozenset({"Patient", "Practitioner", "RelatedPerson"})
"""The types of records whose `name` is a HumanName."""

_NAME_USE_PRIORITY = {
    "official": 0,
    "nickname": 2,
    "anonymous": 2,
    "temp": 2,
    "maiden": 3,
    "old": 3,
}


def read_person(patient: Element) -> Person:
    """Return a Patient, Practitioner or RelatedPerson; the id stands in for a missing name.

    Raises Malformed.
    """
    return Person(patient.require_string("id"), read_name(patient) or patient.require_string("id"))


def read_name(person: Element, now: datetime | None = None) -> str | None:
    """Return the name to show: the official one first, old ones last; `None` without any.

    It is the name's `text`, or where it has none its parts. Names that have ended or not begun at
    `now` are old ones; without `now`, those are that have an end.
    """
    for name in sorted(person.children("name"), key=lambda each: _name_priority(each, now)):
        if text := name.string("text") or _join_name(name):
            return text
    return None


def _name_priority(name: Element, now: datetime | None) -> tuple[bool, int]:
    use = _NAME_USE_PRIORITY.get(name.string("use") or "", 1)
    if now:
        return not is_current(name, now), use
    period = name.child("period")
    return use == 3 or bool(period and period.string("end")), use


def _join_name(name: Element) -> str:
    parts = (
        *name.strings("prefix"),
        *name.strings("given"),
        name.string("family"),
        *name.strings("suffix"),
    )
    return " ".join(filter(None, parts))


def read_record_flaw(patient: Element) -> str | None:
    """Return that the portal has replaced a Patient by another; `None` where it has not.

    Then what belongs to the patient may be on the other record.
    Source: R4 Patient.link `replaced-by`.
    """
    others = _linked_records(patient, "replaced-by")
    return f"the portal has replaced this record by {' and '.join(others)}" if others else None


def read_record_remarks(patient: Element) -> Iterator[str]:
    """Yield sentences on a Patient that is not a usual record: not in use, of one who has died.

    Source: R4 Patient `active`, `deceased[x]`, link `refer`.
    """
    if patient.boolean("active") is False:
        yield "The portal has marked the patient's record as no longer in use."
    patient.written_time("deceasedDateTime")
    if patient.boolean("deceasedBoolean") or patient.json.get("deceasedDateTime"):
        yield "By the portal's record, the patient has died."
    if others := _linked_records(patient, "refer"):
        yield f"The portal's main record of the patient is {' and '.join(others)}."


def read_person_remark(person: Element) -> str | None:
    """Return that the portal no longer uses a person's record, such as a RelatedPerson's.

    `None` where it does not say so.
    """
    if person.boolean("active") is not False:
        return None
    return f"The portal has marked {read_person(person).name} as no longer active."


def _linked_records(patient: Element, kind: str) -> list[str]:
    links = (each for each in patient.children("link") if each.string("type") == kind)
    found = (link.link("other") for link in links)
    return [
        (each and (each.target or each.display or (each.identifier or ("", ""))[1]))
        or "another one"
        for each in found
    ]


_ATC = "http://www.whocc.no/atc"
_INFLUENZA_ATC = "J07BB"
_CVX = "http://hl7.org/fhir/sid/cvx"
_INFLUENZA_CVX = re.compile(
    r"15|16|88|111|135|14[014]|149|15[01358]|161|166|168|171|18[56]|194|197|20[0125]|231|320"
)
"""The codes for seasonal influenza. Source: CVX by the CDC, its vaccine group FLU."""

_INFLUENZA_NAME = re.compile(r"\b(influenza(?!e)|influensa|flu[ -](vaccin|shot|jab))")
"""Finds flu vaccines, but none against *Haemophilus influenzae*, another illness."""


def read_vaccination(immunization: Element) -> Vaccination | None:
    """Return a vaccination that was given; `None` for any other.

    Raises Malformed, also for one that does not say whether or when it was given.
    """
    if immunization.require_string("status") != "completed":
        return None
    date = immunization.written_time("occurrenceDateTime") or immunization.string(
        "occurrenceString"
    )
    if date is None:
        raise Malformed(f"{immunization.path}.occurrence is missing")
    name = immunization.concept_label("vaccineCode")
    subpotent = immunization.strictly().boolean("isSubpotent") or False
    return Vaccination(name or "unknown", date, subpotent=subpotent)


def read_flu_vaccination(immunization: Element) -> Vaccination | None:
    """Return a vaccination against influenza as `read_vaccination` does; `None` for any other.

    Raises Malformed, also for one of which it can't be told.
    """
    is_influenza = is_influenza_vaccine(immunization)
    if is_influenza is False:
        return None
    vaccination = read_vaccination(immunization)
    if vaccination and is_influenza is None:
        raise Malformed("it does not name the vaccine in words or codes that gpcli knows")
    return vaccination


def vaccination_order(vaccination: Vaccination) -> tuple[bool, str]:
    """Return by what vaccinations are sorted by date; dates in words come before all others."""
    year = vaccination.date[:4]
    return year.isascii() and year.isdigit(), vaccination.date


def is_influenza_vaccine(immunization: Element) -> bool | None:
    """Return whether it is a flu vaccine by its code in ATC or CVX, or its name.

    `None` = it has neither a name nor a code of these.
    """
    codings = immunization.codings("vaccineCode")
    name = (immunization.concept_text("vaccineCode") or "").casefold()
    by_code = any(
        each.code.startswith(_INFLUENZA_ATC)
        or (each.system == _CVX and _INFLUENZA_CVX.fullmatch(each.code))
        for each in codings
    )
    if by_code or _INFLUENZA_NAME.search(name):
        return True
    return False if name or any(each.system in {_ATC, _CVX} for each in codings) else None


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
    or to a contained Patient is compared with the patient's identifiers, which are fetched only
    then; it tells only where the patient has one of the same system.

    Source: R4 CompartmentDefinition patient; references.html 2.3.0.
    """
    if record.resource_type == "Patient":
        return Owner.PATIENT if record.require_string("id") == patient else Owner.ANOTHER
    read_links = _PATIENT_LINKS.get(record.resource_type)
    if read_links is None:
        return Owner.PATIENT
    links = [each for link in read_links(record) if link for each in _resolve(link, record)]
    if any(link.target == f"Patient/{patient}" for link in links):
        return Owner.PATIENT
    owners = [_compare_identifier(link, fetch_identifiers) for link in links if not link.target]
    if Owner.PATIENT in owners:
        return Owner.PATIENT
    is_known = any((link.target or "").startswith("Patient/") for link in links)
    return Owner.ANOTHER if is_known or Owner.ANOTHER in owners else Owner.UNKNOWN


def _resolve(link: Reference, record: Element) -> Iterator[Reference]:
    """Yield a reference; one to a contained Patient once for each of its identifiers."""
    target = link.target or ""
    contained = record.contained(target) if target.startswith("#") else None
    if contained is None or contained.resource_type != "Patient":
        yield link
        return
    for pair in contained.identifier_pairs():
        yield Reference(None, "Patient", pair, link.display)


def _compare_identifier(link: Reference, fetch_identifiers: Callable[[], Identifiers]) -> Owner:
    if link.identifier is None or link.type not in {"Patient", None}:
        return Owner.UNKNOWN
    own = fetch_identifiers()
    if link.identifier in own:
        return Owner.PATIENT
    system = link.identifier[0]
    is_comparable = bool(system) and any(each == system for each, _ in own)
    return Owner.ANOTHER if is_comparable else Owner.UNKNOWN


def find_party(
    link: Reference, patient: str, fetch_identifiers: Callable[[], Identifiers] = tuple
) -> Owner:
    """Return whether a reference is to the patient with this id, as `find_owner` compares them."""
    if link.target:
        return Owner.PATIENT if link.target == f"Patient/{patient}" else Owner.ANOTHER
    return _compare_identifier(link, fetch_identifiers)


def is_about_patient(record: Element, patient: str) -> bool:
    """Return whether the record is known to be about the patient with this id."""
    return find_owner(record, patient) is Owner.PATIENT


def read_identifiers(patient: Element, now: datetime) -> Identifiers:
    """Return the identifiers of a Patient that have a system and hold at `now`."""
    current = (each for each in patient.children("identifier") if is_current(each, now))
    pairs = ((each.string("system"), each.string("value")) for each in current)
    return frozenset((system, value) for system, value in pairs if system and value)


def is_synthetic(patient: Element, rules: SyntheticRules) -> bool:
    """Return whether a Patient is a test patient by `rules`.

    What can't be read tells nothing, and a record of another type is no patient. An identifier that
    is marked as an old one does not count.
    """
    if patient.string("resourceType") != "Patient":
        return False
    if patient.string("id") in rules.patients or _labels(patient) & rules.labels:
        return True
    return any(
        pattern.fullmatch(value)
        for each in patient.children("identifier")
        if each.string("use") != "old" and (value := each.string("value"))
        for system, pattern in rules.identifiers
        if system is None or system == each.string("system")
    )


def _labels(record: Element) -> frozenset[tuple[str, str]]:
    meta = record.child("meta")
    codings = (*meta.children("tag"), *meta.children("security")) if meta else ()
    return frozenset((each.string("system") or "", each.string("code") or "") for each in codings)
