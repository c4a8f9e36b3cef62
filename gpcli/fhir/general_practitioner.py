"""A patient's GPs: Patient.generalPractitioner, and the role, surgery and places behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gpcli.fhir.availability import (
    is_over,
    read_absences,
    read_available_hours,
    read_exceptions,
    read_place_hours,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.contact_details import read_contact_details
from gpcli.fhir.element import Element, Malformed, Reference
from gpcli.fhir.linked_record import read_own_name
from gpcli.fhir.patient import read_name
from gpcli.fhir.validity import Validity, describe_period, read_validity
from gpcli.model.service import OpeningHours, Surgery

_GP_TYPES = ("PractitionerRole", "Practitioner", "Organization")


@dataclass(frozen=True)
class _GpRecords:
    """The records that tell of one GP, as far as the portal has sent them.

    `locations` are those that are used now, `closed` the others. `gp_display` and
    `organization_display` are names that references give.
    """

    practitioner: Element | None = None
    role: Element | None = None
    organization: Element | None = None
    locations: tuple[Element, ...] = ()
    closed: tuple[Element, ...] = ()
    gp_display: str | None = None
    organization_display: str | None = None
    links: frozenset[str] = frozenset()


def read_surgery(
    bundle: Bundle, patient: Element, reference: Element, now: datetime
) -> Surgery | None:
    """Return the GP that one `Patient.generalPractitioner` of `patient` refers to.

    Details come from the resources in `bundle` and those that `patient` contains; whether they
    hold is judged at `now`, dates without a time in its zone. `None` where the reference has
    neither a target nor an identifier nor a display. Raises Malformed.
    """
    surgery = _read_surgery(bundle, patient, reference.as_reference(), now)
    if surgery is None:
        return None
    ends = tuple(_describe_reference_ends(reference, surgery.gp or surgery.name, now))
    remarks = (*ends, *surgery.remarks)
    return replace(surgery, remarks=remarks, current=surgery.current and not ends)


def _read_surgery(
    bundle: Bundle, patient: Element, link: Reference, now: datetime
) -> Surgery | None:
    record = bundle.resolve(link, patient, _GP_TYPES)
    if record is None or record.resource_type not in _GP_TYPES:
        return _build_unresolved(link)
    is_contained = (link.target or "").startswith("#")
    holder = patient if is_contained else record
    records = _collect(bundle, record, holder, link, now)
    surgery = _build_surgery(record.require_string("id"), records, now)
    services = _find_reference(bundle, records.role) or _find_reference(
        bundle, records.organization
    )
    return replace(
        surgery,
        full_id=(link.target or "") if is_contained else record.relative_reference,
        role=services,
        references=_own_references(bundle, records),
    )


def tell_apart(surgeries: Iterable[Surgery]) -> tuple[Surgery, ...]:
    """Return each GP once, with an id that no other has.

    A Practitioner with a role that is a GP too is that GP. Where ids are the same, as those of a
    Practitioner and of an Organization may be, they become the whole reference, or are numbered
    where there is a name alone.
    """
    known = list(surgeries)
    named = {surgery.full_id for surgery in known}
    once: list[Surgery] = []
    for surgery in known:
        is_repeated = surgery.full_id and surgery.full_id in {each.full_id for each in once}
        if not is_repeated and not (surgery.role != surgery.full_id and surgery.role in named):
            once.append(surgery)
    ids = [surgery.id for surgery in once]
    return tuple(
        _numbered(
            replace(each, id=each.full_id or each.id) if ids.count(each.id) > 1 else each
            for each in once
        )
    )


def find_addresses(surgeries: Iterable[Surgery]) -> dict[str, str]:
    """Return the references (`Type/id`) to address messages to, by the ids of the GPs.

    A GP of whom the portal has no record of its own has none.
    """
    return {each.id: each.full_id for each in surgeries if each.full_id in each.references}


def _numbered(surgeries: Iterable[Surgery]) -> Iterator[Surgery]:
    taken: dict[str, int] = {}
    for surgery in surgeries:
        number = taken[surgery.id] = taken.get(surgery.id, 0) + 1
        yield surgery if number == 1 else replace(surgery, id=f"{surgery.id} ({number})")


def practitioners_to_search(bundle: Bundle, patient: Element) -> tuple[str, ...]:
    """Return the ids of GPs who are named as Practitioner, and of whom `bundle` has no role."""
    known = {each.reference("practitioner") for each in bundle.of_type("PractitionerRole")}
    gps = _gps_of_type(patient, "Practitioner")
    return tuple(each for each in gps if f"Practitioner/{each}" not in known)


def organizations_as_gps(patient: Element) -> tuple[str, ...]:
    """Return the ids of the organizations that are the patient's GPs themselves."""
    return _gps_of_type(patient, "Organization")


def _gps_of_type(patient: Element, resource_type: str) -> tuple[str, ...]:
    gps = dict.fromkeys(patient.references("generalPractitioner"))
    parts = (each.partition("/") for each in gps)
    return tuple(identity for kind, _, identity in parts if kind == resource_type)


def organizations_to_search(bundle: Bundle, patient: Element) -> tuple[str, ...]:
    """Return the ids of the GPs' organizations, whose services have to be searched for.

    Empty where a GP's role references a service.
    """
    organizations = []
    for target in patient.references("generalPractitioner"):
        gp = bundle.get(target)
        if gp and gp.resource_type == "Practitioner":
            gp = find_only_role(bundle, gp, None)
        if gp and gp.references("healthcareService"):
            return ()
        organization = gp.reference("organization") if gp else None
        organizations.append(target if target.startswith("Organization/") else organization)
    found = (each for each in organizations if each and each.startswith("Organization/"))
    return tuple(dict.fromkeys(each.partition("/")[2] for each in found))


def find_only_role(bundle: Bundle, practitioner: Element, now: datetime | None) -> Element | None:
    """Return the PractitionerRole of a practitioner; `None` where there is not exactly one.

    One that is inactive, or has ended or not begun at `now`, does not count.
    """
    roles = [
        role
        for role in bundle.of_type("PractitionerRole")
        if role.reference("practitioner") == practitioner.relative_reference
        and _is_in_use(role)
        and (now is None or read_validity(role, now) is Validity.CURRENT)
    ]
    return roles[0] if len(roles) == 1 else None


def _collect(
    bundle: Bundle, record: Element, holder: Element, link: Reference, now: datetime
) -> _GpRecords:
    kind = record.resource_type
    if kind == "Organization":
        return _GpRecords(organization=record, organization_display=link.display)
    if kind == "PractitionerRole":
        return _collect_role(bundle, record, holder, link)
    role = None if holder is not record else find_only_role(bundle, record, now)
    if role is None:
        return _GpRecords(practitioner=record, gp_display=link.display)
    return replace(_collect_role(bundle, role, role, link), practitioner=record)


def _collect_role(bundle: Bundle, role: Element, holder: Element, link: Reference) -> _GpRecords:
    person, surgery = role.link("practitioner"), role.link("organization")
    places = role.links("location")
    found = [bundle.resolve(place, holder) for place in places]
    locations = [each for each in found if each and each.resource_type == "Location"]
    links = (person, surgery, *places, *role.links("healthcareService"))
    return _GpRecords(
        practitioner=bundle.resolve(person, holder),
        role=role,
        organization=bundle.resolve(surgery, holder),
        locations=tuple(each for each in locations if _location_status(each) == "active"),
        closed=tuple(each for each in locations if _location_status(each) != "active"),
        gp_display=(person.display if person else None) or link.display,
        organization_display=surgery.display if surgery else None,
        links=frozenset(each.target for each in links if each and each.target),
    )


def _build_unresolved(link: Reference) -> Surgery | None:
    """Return a GP from the Reference alone."""
    target = link.target if link.target and not link.target.startswith(("#", "urn:")) else ""
    is_url = "://" in target
    kind = link.type or (target.split("/")[-2] if is_url else None)
    identifier = link.identifier
    surgery_id = (
        (target if is_url else target.partition("/")[2])
        or (identifier[1] if identifier else None)
        or link.display
        or link.target
    )
    if surgery_id is None:
        return None
    is_organization = kind == "Organization"
    return Surgery(
        surgery_id,
        None if is_organization else link.display,
        link.display if is_organization else None,
        full_id=target or ("|".join(identifier) if identifier else ""),
        references=frozenset(filter(None, (target,))),
    )


def _own_references(bundle: Bundle, records: _GpRecords) -> frozenset[str]:
    told = (records.practitioner, records.role, records.organization)
    own = (_find_reference(bundle, each) for each in told)
    targets = (each for each in records.links if not each.startswith("#"))
    return frozenset((*filter(None, own), *targets))


def _find_reference(bundle: Bundle, record: Element | None) -> str | None:
    """Return the reference of a record of the bundle; `None` for one that another contains."""
    reference = record.relative_reference if record else None
    return reference if record is not None and bundle.get(reference) is record else None


def _build_surgery(surgery_id: str, records: _GpRecords, now: datetime) -> Surgery:
    practitioner, role, organization = records.practitioner, records.role, records.organization
    gp = (read_name(practitioner, now) if practitioner else None) or records.gp_display
    name = (read_own_name(organization) if organization else None) or (records.organization_display)
    ends = list(_describe_ends(records, gp, name, now))
    contacts = read_contact_details(_contact_sources(records, surgery_id), now)
    hours, gp_hours = _read_all_hours(records)
    zone = now.tzinfo or UTC
    absences = read_absences(role, zone) if role else ()
    return Surgery(
        id=surgery_id,
        gp=gp,
        name=name,
        phones=tuple(contacts.phones),
        emails=tuple(contacts.emails),
        websites=tuple(contacts.websites),
        addresses=tuple(contacts.addresses),
        hours=hours,
        gp_hours=gp_hours,
        exceptions=tuple(_iterate_exceptions(records, now)),
        absences=tuple(each.in_zone(zone) for each in absences if not is_over(each, now)),
        other_contacts=tuple(contacts.others),
        remarks=(*ends, *_describe_places(records), *contacts.remarks),
        current=not ends,
    )


def _contact_sources(records: _GpRecords, surgery_id: str) -> list[Element]:
    """Return the records whose contact details are the GP's, without those no longer in use.

    A person's own are among them only where the portal names the person as the GP.
    """
    person = records.practitioner
    is_named = person is not None and person.string("id") == surgery_id
    own = person if is_named or not records.role else None
    sources = (records.role, own, records.organization)
    return [*(each for each in sources if each and _is_in_use(each)), *_real_places(records)]


def _real_places(records: _GpRecords) -> list[Element]:
    """Return the places that are used now and are not a kind of place."""
    return [each for each in records.locations if each.string("mode") != "kind"]


def _read_all_hours(
    records: _GpRecords,
) -> tuple[tuple[OpeningHours, ...], tuple[OpeningHours, ...]]:
    """Return the surgery's hours, and the GP's own where these are others."""
    places = _real_places(records)
    names = _place_names(places)
    lines = tuple(
        line
        for place, name in zip(places, names, strict=True)
        for line in read_place_hours(place, name)
    )
    own = read_available_hours(records.role) if records.role else ()
    return (lines, own) if lines else (own, ())


def _place_names(places: Sequence[Element]) -> list[str | None]:
    """Return the name of each place, `None` where there is one alone and it needs no name."""
    return [place.string("name") if len(places) > 1 else None for place in places]


def _iterate_exceptions(records: _GpRecords, now: datetime) -> Iterator[str]:
    places, zone = _real_places(records), now.tzinfo or UTC
    for place, name in zip(places, _place_names(places), strict=True):
        for text in read_exceptions(place, zone):
            yield f"{name}: {text}" if name else text
    if records.role:
        yield from read_exceptions(records.role, zone)


def _is_in_use(record: Element) -> bool:
    """Return whether `active` allows it; false also where that can't be read (a flaw)."""
    value = record.boolean("active")
    return value is True or record.json.get("active") is None


def _describe_ends(
    records: _GpRecords, gp: str | None, name: str | None, now: datetime
) -> Iterator[str]:
    """Yield why this is not the patient's GP now, as far as the portal says so."""
    role, who = records.role, gp or "this GP"
    at = f"at {name}" if name else "here"
    if role and role.boolean("active") is False:
        yield f"The portal has marked the work of {who} {at} as no longer current."
    if role:
        yield from _describe_period(role, who, at, now)
    if records.practitioner and records.practitioner.boolean("active") is False:
        yield f"The portal has marked {who} as no longer active."
    if records.organization and records.organization.boolean("active") is False:
        yield f"The portal has marked {name or 'the surgery'} as no longer active."


def _describe_reference_ends(reference: Element, who: str | None, now: datetime) -> Iterator[str]:
    """Yield why a reference to a GP does not hold now: by an extension with a Period, named so.

    R4 has no element for it; national guides have such extensions.
    """
    for extension in reference.children("extension"):
        name = (extension.string("url") or "").rpartition("/")[2]
        if "period" in name.casefold() and extension.child("valuePeriod"):
            period = {"period": extension.json["valuePeriod"]}
            part = Element(period, extension.path, extension.origin)
            yield from _describe_period(part, who or "this GP", "the patient's GP", now)


def _describe_period(element: Element, who: str, what: str, now: datetime) -> Iterator[str]:
    """Yield that `who` was or will be `what` where the `period` of an element does not hold now."""
    verb = {Validity.ENDED: "was", Validity.TO_COME: "will be"}.get(read_validity(element, now))
    if verb:
        yield f"The portal says that {who} {verb} {what} {describe_period(element, now)}."


_CLOSED_STATUSES = {"suspended": "closed for now", "inactive": "no longer used"}
"""R4 LocationStatus in words."""


def _location_status(location: Element) -> str | None:
    """Return the status of a Location, `active` where it has none; `None` = can't be read."""
    try:
        return location.strictly().string("status") or "active"
    except Malformed:
        location.string("status")
        return None


def _describe_places(records: _GpRecords) -> Iterator[str]:
    for place in records.closed:
        status = _location_status(place)
        if status:
            words = _CLOSED_STATUSES.get(status, status)
            yield f"The portal says that {place.string('name') or 'a place'} is {words}."
    for place in _real_places(records):
        if text := place.string("description"):
            name = place.string("name")
            yield f"{name}: {text}" if name else text
