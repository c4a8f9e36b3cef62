"""Actors of a Schedule and participants of an Appointment: who they are, by name."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Reference
from gpcli.fhir.linked_record import read_linked_name, read_role_holder
from gpcli.model.appointment import Actor
from gpcli.model.service import Offer, Surgery

CLINICIANS = frozenset({"Practitioner", "PractitionerRole"})
"""The types of records of those whom a visit can be with."""

ORGANIZATION_ELEMENTS = {
    "PractitionerRole": "organization",
    "Location": "managingOrganization",
    "HealthcareService": "providedBy",
}
"""The element that names the organization, by the type of what can be the actor of a Schedule."""

NOBODY = Actor(None, None, None)
"""Stands for an actor of whom the portal tells nothing."""


def read_actor(link: Reference, holder: Element, bundle: Bundle) -> Actor:
    """Return what a reference in `holder` to a person, a place or a service tells.

    The name that the reference gives goes before that of the record.
    """
    record = bundle.resolve(link, holder)
    is_contained = (link.target or "").startswith("#")
    return Actor(
        reference=None if is_contained else link.target,
        kind=record.resource_type if record else link.type,
        name=read_role_holder(link, bundle, holder),
        identifier=link.identifier,
    )


def find_service_id(actors: Iterable[Actor], offers: Container[str]) -> str | None:
    """Return the id of the first HealthcareService that is in `offers`, else of the first."""
    services = [each.reference for each in actors if each.kind == "HealthcareService"]
    ids = [each.partition("/")[2] for each in services if each]
    return next((each for each in ids if each in offers), next(iter(ids), None))


def find_clinician(actors: Iterable[Actor]) -> Actor:
    """Return the first practitioner whom the portal names, else the first, else NOBODY."""
    clinicians = [actor for actor in actors if actor.kind in CLINICIANS]
    return next((each for each in clinicians if each.name), next(iter(clinicians), NOBODY))


def find_sole_surgery(offers: Iterable[Offer], actors: Iterable[Actor]) -> Surgery | None:
    """Return the GP whose offers of a service these are.

    Of several GPs who share the service it is the one who is an actor; `None` = it can't be told.
    """
    surgeries = list({offer.surgery.id: offer.surgery for offer in offers}.values())
    persons = {each.reference for each in actors if each.kind in CLINICIANS}
    if len(surgeries) > 1:
        surgeries = [each for each in surgeries if persons & each.references]
    return surgeries[0] if len(surgeries) == 1 else None


def find_place(actors: Sequence[Actor], bundle: Bundle) -> str | None:
    """Return the place: an actor, else the only one of the practitioner's role."""
    for actor in actors:
        if actor.kind == "Location" and actor.name:
            return actor.name
    for role in _roles(actors, bundle):
        places = role.links("location")
        if len(places) == 1 and (name := read_linked_name(places[0], bundle, role)):
            return name
    return None


def find_organization(actors: Sequence[Actor], bundle: Bundle) -> str | None:
    """Return the name of the organization: an actor, or that of another actor's record."""
    for actor in actors:
        if actor.kind == "Organization":
            return actor.name
        record = bundle.get(actor.reference)
        for name in ORGANIZATION_ELEMENTS.values():
            link = record.link(name) if record else None
            if record and link:
                return read_linked_name(link, bundle, record)
    return None


def name_others(actors: Iterable[Actor], shown: Iterable[str | None]) -> tuple[str, ...]:
    """Return the names of the actors that are not in `shown`, without services and the patient."""
    hidden = {"Patient", "HealthcareService"}
    names = [actor.name for actor in actors if actor.name and actor.kind not in hidden]
    return tuple(name for name in dict.fromkeys(names) if name not in {*shown})


def _roles(actors: Sequence[Actor], bundle: Bundle) -> list[Element]:
    records = (bundle.get(actor.reference) for actor in actors if actor.kind == "PractitionerRole")
    return [record for record in records if record]
