"""Slot and Schedule: free times, and with whom and where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gpcli.fhir.actors import (
    find_clinician,
    find_organization,
    find_place,
    find_service_id,
    read_actors,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Coding, Element, Malformed
from gpcli.fhir.healthcare_service import (
    CodeMap,
    read_channel,
    read_service_names,
    resolve_service,
)
from gpcli.model.appointment import Actor, Slot, SlotId
from gpcli.model.service import Offer, Surgery

_OWNERS = {
    "PractitionerRole": "organization",
    "Location": "managingOrganization",
    "HealthcareService": "providedBy",
}
"""The element that names the organization, by the type of what can be the actor of a Schedule."""


def read_slot(
    slot: Element,
    bundle: Bundle,
    offers: Mapping[str, Sequence[Offer]],
    code_map: CodeMap,
    zone: str,
    assumed: str | None = None,
) -> Slot:
    """Return a Slot; raise Malformed, also for one that ends before it begins.

    `bundle` has its Schedule, `offers` are by the id of their HealthcareService, `zone` is an IANA
    name. `assumed` is the id of the HealthcareService to take where there is no Schedule.
    """
    schedule = bundle.resolve(slot.link("schedule"), slot)
    actors = read_actors(schedule, bundle) if schedule else ()
    service = find_service_id(actors) if schedule else assumed
    of_service = offers.get(service or "", ())
    surgery = next((offer.surgery for offer in of_service), None)
    codings, labels = _read_service(slot, schedule)
    return Slot(
        id=SlotId(slot.require_string("id")),
        start=slot.require_instant("start"),
        end=read_end(slot),
        zone=zone,
        service=resolve_service(codings, labels, code_map, of_service),
        channel=read_channel(slot.codings("appointmentType")),
        practitioner=_find_practitioner(schedule, actors, surgery),
        surgery=surgery.name if surgery else find_organization(actors, bundle),
        location=find_place(actors, bundle),
        surgery_id=surgery.id if surgery else None,
        status=_read_status(slot, schedule),
        healthcare_service=service,
        written_start=slot.require_string("start"),
        written_end=slot.require_string("end"),
        comment=slot.string("comment"),
        schedule_comment=schedule.string("comment") if schedule else None,
        services=read_service_names(codings, code_map) or _names(of_service),
        actors=actors,
        codings=tuple(each for each in codings if each.code),
    )


_PLACES = frozenset({"HealthcareService", "Location", "Organization"})


def _find_practitioner(
    schedule: Element | None, actors: Sequence[Actor], surgery: Surgery | None
) -> str | None:
    """Return with whom it is: a practitioner, else an actor of a kind that is not told.

    It is the surgery's GP only where the Schedule names nobody; `None` = not told.
    """
    others = [actor for actor in actors if actor.kind not in _PLACES]
    named = (actor.name for actor in others if actor.kind is None and actor.name != actor.reference)
    if schedule is None or others:
        return find_clinician(actors) or next(filter(None, named), None)
    return surgery.gp if surgery else None


def _names(offers: Sequence[Offer]) -> tuple[str, ...]:
    return tuple(offer.name for offer in offers)


def read_end(slot: Element) -> datetime:
    """Return when a time ends; raise Malformed where that is before it begins."""
    end = slot.require_instant("end")
    if end < slot.require_instant("start"):
        raise Malformed("it ends before it begins")
    return end


def _read_service(
    slot: Element, schedule: Element | None
) -> tuple[tuple[Coding, ...], tuple[str, ...]]:
    """Return the codes and the words for what a slot is for: its own, else its Schedule's."""
    for record in (slot, schedule):
        if record and (labels := record.concept_labels("serviceType")):
            return record.codings("serviceType"), labels
    return (), ()


def _read_status(slot: Element, schedule: Element | None) -> str:
    """Return the status; of a Schedule that is not in use no time is free (R4 Schedule.active)."""
    status = slot.require_string("status")
    inactive = schedule is not None and schedule.strictly().boolean("active") is False
    return "not-in-use" if inactive and status == "free" else status


def surgery_actors(bundle: Bundle, reference: str) -> tuple[str, ...]:
    """Return the references by which a GP can be the actor of a Schedule, as `Type/id`.

    `reference` is that of the GP (PractitionerRole, Practitioner or Organization); the others are
    what its records in `bundle` refer to, and of an Organization its roles, places and services.
    """
    record = bundle.get(reference)
    roles = [record] if record and record.resource_type == "PractitionerRole" else []
    if reference.startswith("Practitioner/"):
        every = bundle.of_type("PractitionerRole")
        roles = [each for each in every if each.reference("practitioner") == reference]
    found = [reference, *_parts_of_organization(bundle, reference)]
    for role in roles:
        parts = (role.reference("practitioner"), role.reference("organization"))
        several = (*role.references("location"), *role.references("healthcareService"))
        found += [role.relative_reference, *filter(None, parts), *several]
    return tuple(dict.fromkeys(each for each in found if "/" in each and "://" not in each))


def _parts_of_organization(bundle: Bundle, reference: str) -> list[str]:
    if not reference.startswith("Organization/"):
        return []
    return [
        record.relative_reference
        for resource_type, owner in _OWNERS.items()
        for record in bundle.of_type(resource_type)
        if record.reference(owner) == reference
    ]
