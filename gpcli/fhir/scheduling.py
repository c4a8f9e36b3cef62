"""Slot, Appointment and AppointmentResponse: free times, bookings, enquiries and answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, read_period
from gpcli.fhir.healthcare_service import (
    CHANNEL_SYSTEM,
    CHANNELS,
    SERVICE_SYSTEM,
    read_channel,
    resolve_service,
)
from gpcli.fhir.patient import read_name, read_target
from gpcli.model.appointment import OVER, Appointment, AppointmentId, Slot, SlotId, Window
from gpcli.model.service import Offer


def read_slot(
    slot: Element,
    bundle: Bundle,
    offers: Mapping[str, Offer],
    code_map: Mapping[str, str],
    zone: str,
    *,
    assumed: str | None = None,
) -> Slot:
    """Return a Slot. Raises Malformed.

    `bundle` holds its Schedule. `offers` are by the id of their HealthcareService; `code_map` maps
    `system|code` to our codes; `zone` is the surgery's time zone, as an IANA name. `assumed` is the
    id of the HealthcareService to take where `bundle` lacks the Schedule, `None` for none.
    """
    start, end = slot.require_instant("start"), slot.require_instant("end")
    schedule = bundle.get(slot.reference("schedule"))
    actors = schedule.references("actor") if schedule else ()
    services = (ref.partition("/")[2] for ref in actors if _has_type(ref, "HealthcareService"))
    service = next(services, None) if schedule else assumed
    offer = offers.get(service or "")
    return Slot(
        id=SlotId(slot.require_string("id")),
        start=start,
        end=end,
        zone=zone,
        service=resolve_service(slot.codings("serviceType"), code_map, offer),
        channel=read_channel(slot.codings("appointmentType")),
        practitioner=_scheduled_practitioner(schedule, bundle)
        or (offer.surgery.gp if offer else None),
        surgery=offer.surgery.name if offer else None,
        location=_scheduled_location(schedule, bundle),
        surgery_id=offer.surgery.id if offer else None,
        status=slot.require_string("status"),
        healthcare_service=service,
        written_start=slot.require_string("start"),
        written_end=slot.require_string("end"),
    )


def _scheduled_practitioner(schedule: Element | None, bundle: Bundle) -> str | None:
    for actor in schedule.children("actor") if schedule else ():
        reference = read_target(actor) or ""
        if _has_type(reference, "PractitionerRole") or _has_type(reference, "Practitioner"):
            name = actor.string("display") or practitioner_name(reference, bundle)
            if name:
                return name
    return None


def practitioner_name(reference: str, bundle: Bundle) -> str | None:
    """Return the name of a Practitioner, or of the one in a PractitionerRole of the bundle."""
    practitioner = bundle.get(reference)
    if practitioner and practitioner.resource_type == "PractitionerRole":
        practitioner = bundle.get(practitioner.reference("practitioner"))
    return read_name(practitioner) if practitioner else None


def _scheduled_location(schedule: Element | None, bundle: Bundle) -> str | None:
    for reference in schedule.references("actor") if schedule else ():
        location = bundle.get(reference) if _has_type(reference, "Location") else None
        if location and (name := location.string("name")):
            return name
    return None


def _has_type(reference: str, resource_type: str) -> bool:
    return reference.startswith(f"{resource_type}/")


VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
_CANCEL_FLAG_CODE = "cancel"
_STATUS_PERIOD_SUFFIX = "flagstatusperiod"
"""The end of the URL of Helsenorge's extension of Flag.status, in lower case."""

_ADDRESS_URLS = ("addressUrl", "address", "address[x]")
_URL_VALUES = ("valueUrl", "valueUri", "valueString")
_CANCELLATION_REASON_SYSTEM = (
    "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
)


def read_appointment(
    appointment: Element,
    bundle: Bundle,
    offers: Mapping[str, Offer],
    code_map: Mapping[str, str],
    zone: str,
) -> Appointment:
    """Return an Appointment; the parameters are as for `read_slot`. Raises Malformed.

    `bundle` holds its participants and its AppointmentResponses.
    """
    actors = _read_actors(appointment)
    refs = [ref for ref, _ in actors]
    slots = appointment.references("slot")
    return Appointment(
        id=AppointmentId(appointment.require_string("id")),
        status=appointment.require_string("status"),
        start=appointment.instant("start"),
        end=appointment.instant("end"),
        zone=zone,
        requested=_read_requested_periods(appointment, ZoneInfo(zone)),
        service=resolve_service(
            appointment.codings("serviceType"), code_map, _find_offer(refs, offers)
        ),
        channel=read_channel(appointment.codings("appointmentType")),
        practitioner=_find_practitioner(actors, bundle),
        surgery=_surgery_name(refs, bundle, offers),
        location=_actor_name(actors, "Location", bundle),
        reason=appointment.string("comment"),
        subject=appointment.string("description"),
        answer=_read_answer(appointment, bundle),
        cancel_until=_read_cancel_until(appointment, ZoneInfo(zone)),
        created=appointment.date_time("created"),
        slot_id=slots[0].partition("/")[2] if slots else None,
        join_url=next(_join_urls(appointment), None),
        surgery_id=_surgery_id(refs, offers),
        identifiers=appointment.identifiers(),
        version=_read_version(appointment),
    )


def _join_urls(appointment: Element) -> Iterator[str]:
    """Yield the URLs of the meeting as written; portals fill the extension in several ways."""
    services = appointment.children("extension")
    for service in (each for each in services if each.string("url") == VIRTUAL_SERVICE):
        for part in service.children("extension"):
            if part.string("url") in _ADDRESS_URLS:
                yield from filter(None, map(part.string, _URL_VALUES))


def _read_version(appointment: Element) -> int | None:
    """Return `meta.versionId` where it is a number below 10**9; R4 allows any id."""
    meta = appointment.child("meta")
    version = (meta.string("versionId") if meta else None) or ""
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else None


def appointments_holding_slot(bundle: Bundle, slot: str) -> set[str]:
    """Return the ids of the Appointments among the matches that hold the slot with this id.

    One that can't be read is skipped.
    """
    return {each.require_string("id") for each in bundle.matches if _is_holding_slot(each, slot)}


def _is_holding_slot(record: Element, slot: str) -> bool:
    try:
        current = record.resource_type == "Appointment" and record.string("status") not in OVER
        return current and f"Slot/{slot}" in record.references("slot")
    except Malformed:
        return False


def write_booking(
    slot: Slot, offer: Offer, patient: str, reason: str | None, intent: UUID, status: str
) -> dict[str, Any]:
    """Return an Appointment for `slot`, with the slot's times exactly as written.

    `patient` is an id, `status` that of the Appointment. The channel is written only as one
    of our own codes.
    """
    appointment = _write_appointment(offer, patient, reason, intent, status)
    appointment["slot"] = [{"reference": f"Slot/{slot.id}"}]
    appointment["start"] = slot.written_start
    appointment["end"] = slot.written_end
    if slot.channel in CHANNELS:
        appointment["appointmentType"] = {
            "coding": [{"system": CHANNEL_SYSTEM, "code": slot.channel}]
        }
    return appointment


def write_enquiry(
    offer: Offer, patient: str, windows: Sequence[Window], reason: str | None, intent: UUID
) -> dict[str, Any]:
    """Return a proposed Appointment without a time, to be placed in one of the `windows`."""
    appointment = _write_appointment(offer, patient, reason, intent, "proposed")
    appointment["requestedPeriod"] = [
        {"start": window.start.isoformat(), "end": window.end.isoformat()} for window in windows
    ]
    return appointment


def write_e_consultation(channel: str | None, subject: str | None) -> dict[str, Any]:
    """Return the elements that an enquiry for an e-consultation has besides, those not `None`."""
    elements: dict[str, Any] = {"description": subject} if subject else {}
    if channel:
        elements["appointmentType"] = {"coding": [{"system": CHANNEL_SYSTEM, "code": channel}]}
    return elements


def write_cancellation(appointment: Element) -> dict[str, Any]:
    """Return the Appointment as cancelled by the patient, with everything else unchanged."""
    reason = {"coding": [{"system": _CANCELLATION_REASON_SYSTEM, "code": "pat"}]}
    return {**appointment.json, "status": "cancelled", "cancelationReason": reason}


def _write_appointment(
    offer: Offer, patient: str, reason: str | None, intent: UUID, status: str
) -> dict[str, Any]:
    system, code = offer.coding or (SERVICE_SYSTEM, str(offer.name))
    appointment: dict[str, Any] = {
        "resourceType": "Appointment",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": status,
        "serviceType": [{"coding": [{"system": system, "code": code}]}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
            {"actor": {"reference": f"HealthcareService/{offer.id}"}, "status": "needs-action"},
        ],
    }
    return {**appointment, "comment": reason} if reason else appointment


def _read_actors(appointment: Element) -> list[tuple[str, str | None]]:
    """Return the reference and the display of each participant that has a reference."""
    actors = []
    for participant in appointment.children("participant"):
        actor = participant.child("actor")
        reference = participant.reference("actor")
        if actor and reference:
            actors.append((reference, actor.string("display")))
    return actors


def _find_practitioner(actors: Sequence[tuple[str, str | None]], bundle: Bundle) -> str | None:
    for reference, display in actors:
        if reference.startswith("Practitioner"):
            return display or practitioner_name(reference, bundle)
    return None


def _actor_name(
    actors: Sequence[tuple[str, str | None]], resource_type: str, bundle: Bundle
) -> str | None:
    for reference, display in actors:
        if _has_type(reference, resource_type):
            actor = bundle.get(reference)
            return display or (actor.string("name") if actor else None)
    return None


def _find_offer(refs: Sequence[str], offers: Mapping[str, Offer]) -> Offer | None:
    """Return the first offer whose HealthcareService is a participant."""
    services = (ref.partition("/")[2] for ref in refs if _has_type(ref, "HealthcareService"))
    return next((offers[each] for each in services if each in offers), None)


def _surgery_name(refs: Sequence[str], bundle: Bundle, offers: Mapping[str, Offer]) -> str | None:
    if offer := _find_offer(refs, offers):
        return offer.surgery.name
    for ref in refs:
        participant = bundle.get(ref)
        reference = _organization_reference(participant) if participant else None
        if organization := bundle.get(reference):
            return organization.string("name")
    return None


def _organization_reference(participant: Element) -> str | None:
    return participant.reference("organization") or participant.reference("providedBy")


def _surgery_id(refs: Sequence[str], offers: Mapping[str, Offer]) -> str | None:
    for ref in refs:
        resource_type, _, resource_id = ref.partition("/")
        if resource_type == "PractitionerRole":
            return resource_id
        if resource_type == "HealthcareService" and resource_id in offers:
            return offers[resource_id].surgery.id
    return None


def _read_answer(appointment: Element, bundle: Bundle) -> str | None:
    answers = (
        each.string("comment")
        for each in bundle.of_type("AppointmentResponse")
        if each.reference("appointment") == appointment.relative_reference
    )
    return next(filter(None, answers), None)


def _read_cancel_until(appointment: Element, zone: tzinfo) -> datetime | None:
    supporting = appointment.references("supportingInformation")
    for flag in appointment.children("contained"):
        is_flag = flag.resource_type == "Flag" and f"#{flag.string('id')}" in supporting
        codes = [coding.code for coding in flag.codings("code")]
        period = _read_flag_period(flag)
        if is_flag and period and flag.string("status") == "active" and _CANCEL_FLAG_CODE in codes:
            return read_period(period, zone)[1]
    return None


def _read_flag_period(flag: Element) -> Element | None:
    """Return `Flag.period`, or the Period in Helsenorge's extension of `status`."""
    status = flag.child("_status")
    for extension in status.children("extension") if status else ():
        if (extension.string("url") or "").casefold().endswith(_STATUS_PERIOD_SUFFIX):
            return extension.child("valuePeriod")
    return flag.child("period")


def _read_requested_periods(appointment: Element, zone: tzinfo) -> tuple[Window, ...]:
    periods = (read_period(each, zone) for each in appointment.children("requestedPeriod"))
    return tuple(Window(start, end) for start, end in periods if start and end)
