"""Whose a free time is: the patient's GPs as actors of Schedules (docs/portal.md, Free times)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from gpcli.model.appointment import Slot
from gpcli.model.service import Offer, ServiceName, Surgery

_PERSONS = ("Practitioner/", "PractitionerRole/")


class SlotOwners:
    """The patient's GPs, with the references (`Type/id`) by which each is the actor of Schedules.

    `actors` has these references by the ids of the GPs.
    """

    def __init__(self) -> None:
        self._surgeries: dict[str, Surgery] = {}
        self._actors: dict[str, tuple[str, ...]] = {}

    @property
    def actors(self) -> Mapping[str, tuple[str, ...]]:
        """The references by the id of the GP."""
        return self._actors

    @property
    def are_known(self) -> bool:
        """Whether the portal has a record of any GP."""
        return any(self._actors.values())

    def add(self, surgery: Surgery, actors: Iterable[str]) -> None:
        """Add a GP, or more references of one that is there."""
        self._surgeries[surgery.id] = surgery
        known = self._actors.get(surgery.id, ())
        self._actors[surgery.id] = tuple(dict.fromkeys((*known, *actors)))

    def claim(self, slot: Slot, searched: Collection[str]) -> Slot:
        """Return the slot with the ids of the GPs whose time it is, and with the GP's own names.

        It is that of a GP who is an actor, else of one whose place or organization is. `searched`
        are the actors of a slot that names none. The GP is named only where they are an actor, or
        where nobody is and they were searched for; their surgery not where only their person is an
        actor, who may work elsewhere too.
        """
        references = {each.reference for each in slot.actors} or set(searched)
        persons = {each for each in references if each and each.startswith(_PERSONS)}
        ids = slot.surgery_ids or self._find(persons) or self._find(references)
        if len(ids) != 1 or min(ids) not in self._surgeries:
            return replace(slot, surgery_ids=ids)
        surgery, own = self._surgeries[min(ids)], self._actors[min(ids)]
        is_gp = slot.practitioner_ref in own or (not slot.actors and bool(persons))
        is_there = not slot.actors or any(
            each in own and not each.startswith("Practitioner/") for each in references if each
        )
        return replace(
            slot,
            surgery_ids=ids,
            practitioner=slot.practitioner or (surgery.gp if is_gp else None),
            surgery=slot.surgery or (surgery.name if is_there else None),
        )

    def _find(self, references: Collection[str | None]) -> frozenset[str]:
        """Return the ids of the GPs of whom one of the references is an actor."""
        wanted = set(references)
        return frozenset(gp for gp, own in self._actors.items() if not wanted.isdisjoint(own))


def names_anybody(slot: Slot) -> bool:
    """Return whether the portal says of any actor of a slot who or what it is."""
    return slot.healthcare_service is not None or any(each.is_told for each in slot.actors)


def is_for(slot: Slot, services: Collection[ServiceName]) -> bool:
    """Return whether a slot may be for one of the services; one that names none is for a visit."""
    return not set(services).isdisjoint(slot.services or (ServiceName.BOOKING,))


def is_of_service(slot: Slot, offers: Iterable[Offer]) -> bool:
    """Return whether a slot is of the HealthcareService of an offer; also where either has none."""
    ids = {offer.id for offer in offers if offer.id}
    return not ids or slot.healthcare_service in {None, *ids}


def is_of(slot: Slot, actors: Collection[str]) -> bool:
    """Return whether a slot is of one of the actors; so is one that names its own only in words."""
    references = {actor.reference for actor in slot.actors}
    if slot.healthcare_service:
        references.add(f"HealthcareService/{slot.healthcare_service}")
    return not actors or references == {None} or not references.isdisjoint(actors)


def list_service_references(offers: Iterable[Offer]) -> list[str]:
    """Return the references of the HealthcareServices of `offers`, sorted."""
    return sorted({f"HealthcareService/{offer.id}" for offer in offers if offer.id})
