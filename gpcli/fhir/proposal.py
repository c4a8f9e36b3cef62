"""Proposed Appointments: free times as a portal's scheduling operations offer them.

Source: IHE ITI Scheduling 1.0, ITI-115.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gpcli.fhir.actors import find_service_id, read_actor
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.fhir.healthcare_service import CodeMap
from gpcli.fhir.schedule import build_slot
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
    read = build_slot(
        proposal,
        actors,
        bundle,
        offers,
        code_map,
        zone,
        for_what=proposal,
        service=find_service_id(actors, offers),
    )
    slot = _find_slot(proposal)
    return replace(
        read,
        id=SlotId(slot or read.id),
        status=_read_status(proposal, slot, bundle),
        comment=read.comment or proposal.string("description"),
        proposal=str(read.id),
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


def _read_status(proposal: Element, slot: str | None, bundle: Bundle) -> str:
    """Return the status of a proposed time; raise Malformed where its Slot is not understood."""
    status = proposal.require_string("status")
    if status != _PROPOSED:
        return status
    if slot is None:
        return _FREE
    bundle.require_understood(f"Slot/{slot}")
    record = bundle.get(f"Slot/{slot}")
    return (record.string("status") if record else None) or _FREE
