"""Proposed Appointments: free times as a portal's scheduling operations offer them.

Source: IHE ITI Scheduling 1.0, ITI-115.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpcli.fhir.actors import (
    find_clinician,
    find_organization,
    find_place,
    find_service_id,
    read_actor,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.fhir.healthcare_service import (
    CodeMap,
    read_channel,
    read_service_names,
    resolve_service,
)
from gpcli.fhir.schedule import read_end
from gpcli.model.appointment import Actor, Slot, SlotId
from gpcli.model.service import Offer

_FREE = "free"
_PROPOSED = "proposed"


def read_proposal(
    proposal: Element,
    bundle: Bundle,
    offers: Mapping[str, Sequence[Offer]],
    code_map: CodeMap,
    zone: str,
) -> Slot:
    """Return the time that an Appointment proposes; raise Malformed; both as `read_slot` does.

    Its id is that of its Slot; where it has none, or several, that of the Appointment. It is free
    while the Appointment is proposed, and its Slot, where that came along, is free.
    """
    actors = _read_actors(proposal, bundle)
    service = find_service_id(actors)
    of_service = offers.get(service or "", ())
    surgery = next((offer.surgery for offer in of_service), None)
    codings, labels = proposal.codings("serviceType"), proposal.concept_labels("serviceType")
    appointment, slot = proposal.require_string("id"), _find_slot(proposal)
    return Slot(
        id=SlotId(slot or appointment),
        start=proposal.require_instant("start"),
        end=read_end(proposal),
        zone=zone,
        service=resolve_service(codings, labels, code_map, of_service),
        channel=read_channel(proposal.codings("appointmentType")),
        practitioner=find_clinician(actors) or (surgery.gp if surgery else None),
        surgery=surgery.name if surgery else find_organization(actors, bundle),
        location=find_place(actors, bundle),
        surgery_id=surgery.id if surgery else None,
        status=_read_status(proposal, bundle.get(f"Slot/{slot}")),
        healthcare_service=service,
        written_start=proposal.require_string("start"),
        written_end=proposal.require_string("end"),
        comment=proposal.string("comment") or proposal.string("description"),
        services=read_service_names(codings, code_map) or tuple(offer.name for offer in of_service),
        actors=actors,
        codings=tuple(each for each in codings if each.code),
        proposal=appointment,
        has_record=slot is not None,
    )


def names_patient(proposal: Element) -> bool:
    """Return whether a proposed Appointment says for which patient it is."""
    links = (each.link("actor") for each in proposal.children("participant"))
    return any(link.type == "Patient" for link in links if link)


def _read_actors(proposal: Element, bundle: Bundle) -> tuple[Actor, ...]:
    links = (each.link("actor") for each in proposal.children("participant"))
    actors = (read_actor(link, proposal, bundle) for link in links if link)
    return tuple(each for each in actors if each.kind != "Patient")


def _find_slot(proposal: Element) -> str | None:
    """Return the id of the one Slot of a proposed Appointment; `None` for none, or several."""
    slots = [each for each in proposal.references("slot") if each.startswith("Slot/")]
    return slots[0].partition("/")[2] if len(slots) == 1 else None


def _read_status(proposal: Element, slot: Element | None) -> str:
    status = proposal.require_string("status")
    if status != _PROPOSED:
        return status
    return (slot.string("status") if slot else None) or _FREE
