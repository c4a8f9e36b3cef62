"""Actors of a Schedule and participants of an Appointment: who they are, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Reference
from gpcli.fhir.patient import PERSON_TYPES, read_name
from gpcli.model.appointment import Actor

_CLINICIANS = frozenset({"Practitioner", "PractitionerRole"})


def read_actors(schedule: Element, bundle: Bundle) -> tuple[Actor, ...]:
    """Return the actors of a Schedule, as `read_actor` does."""
    return tuple(read_actor(link, schedule, bundle) for link in schedule.links("actor"))


def read_actor(link: Reference, holder: Element, bundle: Bundle) -> Actor:
    """Return what a reference in `holder` to a person, a place or a service tells.

    The name that the reference gives goes before that of the record; the reference itself is the
    name where there is neither.
    """
    record = bundle.resolve(link, holder)
    is_contained = (link.target or "").startswith("#")
    reference = None if is_contained else link.target
    name = link.display or (_read_name(record, bundle) if record else None)
    kind = record.resource_type if record else link.type
    return Actor(reference, kind, name or reference, link.identifier)


def _read_name(record: Element, bundle: Bundle) -> str | None:
    if record.resource_type in PERSON_TYPES:
        return read_name(record)
    if record.resource_type == "PractitionerRole":
        person = record.link("practitioner")
        return practitioner_name(record.relative_reference, bundle) or (
            person.display if person else None
        )
    return record.string("name")


def find_service_id(actors: Iterable[Actor]) -> str | None:
    """Return the id of the first HealthcareService."""
    ids = (each.reference for each in actors if each.kind == "HealthcareService" and each.reference)
    return next((each.partition("/")[2] for each in ids), None)


def find_clinician(actors: Sequence[Actor]) -> str | None:
    """Return the first name of a practitioner; one that is only a reference comes last."""
    clinicians = [actor for actor in actors if actor.kind in _CLINICIANS]
    in_order = sorted(clinicians, key=lambda actor: actor.name == actor.reference)
    return next((actor.name for actor in in_order if actor.name), None)


def find_place(actors: Sequence[Actor], bundle: Bundle) -> str | None:
    """Return the place: an actor, else the only one of the practitioner's role."""
    for actor in actors:
        if actor.kind == "Location":
            return actor.name
    for role in _roles(actors, bundle):
        places = [read_actor(link, role, bundle).name for link in role.links("location")]
        if len(places) == 1:
            return places[0]
    return None


def find_organization(actors: Sequence[Actor], bundle: Bundle) -> str | None:
    """Return the name of the organization: an actor, or that of another actor's record.

    `None` where the portal gives only its reference.
    """
    for actor in actors:
        if actor.kind == "Organization":
            return _written_name(actor)
        record = bundle.get(actor.reference)
        for name in ("organization", "managingOrganization", "providedBy"):
            link = record.link(name) if record else None
            if record and link:
                return _written_name(read_actor(link, record, bundle))
    return None


def _written_name(actor: Actor) -> str | None:
    return None if actor.name == actor.reference else actor.name


def _roles(actors: Sequence[Actor], bundle: Bundle) -> list[Element]:
    records = (bundle.get(actor.reference) for actor in actors if actor.kind == "PractitionerRole")
    return [record for record in records if record]


def practitioner_name(reference: str, bundle: Bundle) -> str | None:
    """Return the name of a Practitioner, or of the one in a PractitionerRole of the bundle."""
    practitioner = bundle.get(reference)
    if practitioner and practitioner.resource_type == "PractitionerRole":
        practitioner = bundle.get(practitioner.reference("practitioner"))
    return read_name(practitioner) if practitioner else None
