"""Slot, with what its Schedule says of who, where and for which service."""

from __future__ import annotations

from collections.abc import Mapping

from gpcli.model.appointment import Slot, SlotId
from gpcli.model.service import Offer
from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.fhir.element import Element, Malformed
from gpcli.portal.fhir.service import channel_code, service_of
from gpcli.portal.fhir.surgery import name_of


def read_slot(
    slot: Element,
    bundle: Bundle,
    offers: Mapping[str, Offer],
    code_map: Mapping[str, str],
    zone: str,
    *,
    assumed: str | None = None,
) -> Slot:
    """One Slot. `offers` are keyed by HealthcareService id. Raises Malformed.

    `assumed` is the HealthcareService that it is for if its Schedule did not come along.
    """
    start, end = slot.instant("start"), slot.instant("end")
    if start is None or end is None:
        raise Malformed("Slot has no start or end")
    schedule = bundle.get(slot.reference("schedule"))
    actors = schedule.references("actor") if schedule else ()
    services = (ref.partition("/")[2] for ref in actors if _is(ref, "HealthcareService"))
    service = next(services, None) if schedule else assumed
    offer = offers.get(service or "")
    return Slot(
        id=SlotId(slot.need("id")),
        start=start,
        end=end,
        zone=zone,
        service=service_of(slot.codings("serviceType"), code_map, offer),
        channel=channel_code(slot.codings("appointmentType")),
        practitioner=_practitioner(schedule, bundle) or (offer.surgery.gp if offer else None),
        surgery=offer.surgery.name if offer else None,
        location=_location(schedule, bundle),
        surgery_id=offer.surgery.id if offer else None,
        status=slot.need("status"),
        healthcare_service=service,
        written_start=slot.need("start"),
        written_end=slot.need("end"),
    )


def _practitioner(schedule: Element | None, bundle: Bundle) -> str | None:
    for actor in schedule.children("actor") if schedule else ():
        reference = Element({"to": actor.json}, "Schedule.actor").reference("to") or ""
        if _is(reference, "PractitionerRole") or _is(reference, "Practitioner"):
            name = actor.text("display") or name_behind(reference, bundle)
            if name:
                return name
    return None


def name_behind(reference: str, bundle: Bundle) -> str | None:
    """The doctor's name behind a PractitionerRole or Practitioner that came along."""
    one = bundle.get(reference)
    if one and one.kind == "PractitionerRole":
        one = bundle.get(one.reference("practitioner"))
    return name_of(one) if one else None


def _location(schedule: Element | None, bundle: Bundle) -> str | None:
    for reference in schedule.references("actor") if schedule else ():
        place = bundle.get(reference) if _is(reference, "Location") else None
        if place and (name := place.text("name")):
            return name
    return None


def _is(reference: str, kind: str) -> bool:
    return reference.startswith(f"{kind}/")
