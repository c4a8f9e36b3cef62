"""Slot and Schedule: free times, and with whom and where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gpcli.fhir.actors import (
    NOBODY,
    ORGANIZATION_ELEMENTS,
    find_clinician,
    find_organization,
    find_place,
    find_service_id,
    find_sole_surgery,
    name_others,
    read_actor,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.healthcare_service import (
    CodeMap,
    read_channel,
    read_service_names,
    resolve_service,
)
from gpcli.model.appointment import Actor, Slot, SlotId
from gpcli.model.service import Offer, Surgery


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
    name. `assumed` is the id of the HealthcareService to take where there is no Schedule. One that
    is not understood, or of whose actors one can't be read, makes the Slot Malformed.
    """
    link = slot.link("schedule")
    bundle.require_understood(link)
    schedule = bundle.resolve(link, slot)
    actors = _read_actors(schedule, bundle) if schedule else ()
    read = build_slot(
        slot,
        actors,
        bundle,
        offers,
        code_map,
        zone,
        for_what=_find_service_holder(slot, schedule),
        service=find_service_id(actors, offers) if schedule else assumed,
    )
    return replace(
        read,
        status=_read_status(slot, schedule),
        schedule_comment=schedule.string("comment") if schedule else None,
    )


def build_slot(
    record: Element,
    actors: tuple[Actor, ...],
    bundle: Bundle,
    offers: Mapping[str, Sequence[Offer]],
    code_map: CodeMap,
    zone: str,
    *,
    for_what: Element,
    service: str | None,
) -> Slot:
    """Return what a Slot and a proposed Appointment tell alike of a free time; raise Malformed.

    `actors` are those with whom it is, `service` is the id of its HealthcareService, `for_what` the
    record whose `serviceType` counts. The other parameters are as for `read_slot`.
    """
    of_service = offers.get(service or "", ())
    codings, labels = for_what.codings("serviceType"), for_what.concept_labels("serviceType")
    read = Slot(
        id=SlotId(record.require_string("id")),
        start=record.require_instant("start"),
        end=_read_end(record),
        zone=zone,
        service=resolve_service(codings, labels, code_map, of_service),
        channel=read_channel(record.codings("appointmentType")),
        practitioner=None,
        surgery=None,
        location=find_place(actors, bundle),
        status=record.require_string("status"),
        healthcare_service=service,
        written_start=record.require_string("start"),
        written_end=record.require_string("end"),
        comment=record.string("comment"),
        services=read_service_names(codings, code_map)
        or tuple(dict.fromkeys(offer.name for offer in of_service)),
        actors=actors,
        codings=tuple(each for each in codings if each.code),
    )
    return _with_parties(read, of_service, find_organization(actors, bundle))


def _with_parties(slot: Slot, offers: Sequence[Offer], organization: str | None) -> Slot:
    """Return the slot with whom it is, and at which surgery.

    `offers` are those of its service, `organization` is the name of what its actors are of.
    """
    actors = slot.actors
    surgery, practitioner = find_sole_surgery(offers, actors), _find_practitioner(actors)
    is_gp = surgery is not None and bool(actors) and _is_of_gp(actors, surgery)
    name = surgery.gp if surgery and is_gp else practitioner.name
    where = surgery.name if surgery else organization
    surgeries = [surgery] if surgery else [offer.surgery for offer in offers]
    return replace(
        slot,
        practitioner=name,
        surgery=where,
        surgery_ids=frozenset(each.id for each in surgeries),
        practitioner_ref=practitioner.written_reference,
        participants=name_others(actors, {name, slot.location, where}),
    )


def _read_actors(schedule: Element, bundle: Bundle) -> tuple[Actor, ...]:
    """Return the actors of a Schedule; raise Malformed where a reference to one can't be read."""
    for each in schedule.strictly().children("actor"):
        each.string("reference")
    return tuple(read_actor(link, schedule, bundle) for link in schedule.links("actor"))


_PLACES = frozenset({"HealthcareService", "Location", "Organization"})


def _find_practitioner(actors: Sequence[Actor]) -> Actor:
    """Return with whom a time is: a practitioner, else a named actor of a kind that is not told."""
    untold = (each for each in actors if each.kind is None and each.name)
    clinician = find_clinician(actors)
    return next(untold, NOBODY) if clinician is NOBODY else clinician


def _is_of_gp(actors: Sequence[Actor], surgery: Surgery) -> bool:
    """Return whether a time is the GP's own, though the portal does not name them here.

    It is where the GP's role names its service, and nobody but the GP is an actor.
    """
    services = {each.reference for each in actors if each.kind == "HealthcareService"}
    others = [each for each in actors if each.kind not in _PLACES]
    is_own = all(each.reference in surgery.references and not each.name for each in others)
    return is_own and not services.isdisjoint(surgery.references)


def _read_end(record: Element) -> datetime:
    """Return when a time ends; raise Malformed where that is before it begins."""
    end = record.require_instant("end")
    if end < record.require_instant("start"):
        raise Malformed("it ends before it begins")
    return end


def _find_service_holder(slot: Element, schedule: Element | None) -> Element:
    """Return the record that says what a slot is for: itself, else its Schedule."""
    return schedule if schedule and not slot.concept_labels("serviceType") else slot


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
        for resource_type, owner in ORGANIZATION_ELEMENTS.items()
        for record in bundle.of_type(resource_type)
        if record.reference(owner) == reference and _is_in_use(record)
    ]


def _is_in_use(record: Element) -> bool:
    """Return whether neither `active` nor the status of a Location says that it is not in use."""
    return record.boolean("active") is not False and record.string("status") in {None, "active"}
