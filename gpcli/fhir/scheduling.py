"""Slot, Appointment and AppointmentResponse: free times, bookings, enquiries and answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, read_period
from gpcli.fhir.healthcare_service import CHANNEL, CHANNELS, SERVICE, channel_code, service_of
from gpcli.fhir.patient import name_of
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
        practitioner=_scheduled_practitioner(schedule, bundle)
        or (offer.surgery.gp if offer else None),
        surgery=offer.surgery.name if offer else None,
        location=_location(schedule, bundle),
        surgery_id=offer.surgery.id if offer else None,
        status=slot.need("status"),
        healthcare_service=service,
        written_start=slot.need("start"),
        written_end=slot.need("end"),
    )


def _scheduled_practitioner(schedule: Element | None, bundle: Bundle) -> str | None:
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


VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
CANCEL_FLAG = "cancel"
STATUS_PERIOD = "flagstatusperiod"
"""How the url of Helsenorge's extension ends, in lower case."""

_ADDRESSES = ("addressUrl", "address", "address[x]")
_LINKS = ("valueUrl", "valueUri", "valueString")
_REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"


def read_appointment(
    appointment: Element,
    bundle: Bundle,
    offers: Mapping[str, Offer],
    code_map: Mapping[str, str],
    zone: str,
) -> Appointment:
    """One Appointment. `offers` are keyed by HealthcareService id and may be empty."""
    actors = _actors(appointment)
    refs = [ref for ref, _ in actors]
    slots = appointment.references("slot")
    return Appointment(
        id=AppointmentId(appointment.need("id")),
        status=appointment.need("status"),
        start=appointment.instant("start"),
        end=appointment.instant("end"),
        zone=zone,
        requested=_requested(appointment, ZoneInfo(zone)),
        service=service_of(appointment.codings("serviceType"), code_map, _offer(refs, offers)),
        channel=channel_code(appointment.codings("appointmentType")),
        practitioner=_practitioner(actors, bundle),
        surgery=_surgery_name(refs, bundle, offers),
        location=_named(actors, "Location", bundle),
        reason=appointment.text("comment"),
        subject=appointment.text("description"),
        answer=_answer(appointment, bundle),
        cancel_until=_cancel_until(appointment, ZoneInfo(zone)),
        created=appointment.instant("created") if _full(appointment.text("created")) else None,
        slot_id=slots[0].partition("/")[2] if slots else None,
        join_url=next(_join_urls(appointment), None),
        surgery_id=_surgery_id(refs, offers),
        identifiers=tuple(
            filter(None, (i.text("value") for i in appointment.children("identifier")))
        ),
        version=_version(appointment),
    )


def _join_urls(appointment: Element) -> Iterator[str]:
    """Where it is held, as written; portals differ in how they fill the extension."""
    services = appointment.children("extension")
    for service in (each for each in services if each.text("url") == VIRTUAL_SERVICE):
        for part in service.children("extension"):
            if part.text("url") in _ADDRESSES:
                yield from filter(None, map(part.text, _LINKS))


def _version(appointment: Element) -> int | None:
    """`meta.versionId` where it is a number: servers may name their versions as they like."""
    meta = appointment.child("meta")
    written = (meta.text("versionId") if meta else None) or ""
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else None


def holders(bundle: Bundle, slot: str) -> set[str]:
    """Ids of the appointments of a bundle that hold `slot`; an unreadable one holds nothing."""
    return {one.need("id") for one in bundle.matches if _holds(one, slot)}


def _holds(one: Element, slot: str) -> bool:
    try:
        held = one.kind == "Appointment" and one.text("status") not in OVER
        return held and f"Slot/{slot}" in one.references("slot")
    except Malformed:
        return False


def write_booking(
    slot: Slot, offer: Offer, patient: str, reason: str | None, intent: UUID, status: str
) -> dict[str, Any]:
    """An Appointment for `slot`, with the slot's own times to the byte.

    How it is held is repeated in our codes only: those of others are not ours to write.
    """
    appointment = _write(offer, patient, reason, intent, status)
    appointment["slot"] = [{"reference": f"Slot/{slot.id}"}]
    appointment["start"] = slot.written_start
    appointment["end"] = slot.written_end
    if slot.channel in CHANNELS:
        appointment["appointmentType"] = {"coding": [{"system": CHANNEL, "code": slot.channel}]}
    return appointment


def write_enquiry(
    offer: Offer, patient: str, wished: Sequence[Window], reason: str | None, intent: UUID
) -> dict[str, Any]:
    """A proposed Appointment without times: the surgery finds one in the wished periods."""
    appointment = _write(offer, patient, reason, intent, "proposed")
    appointment["requestedPeriod"] = [
        {"start": window.start.isoformat(), "end": window.end.isoformat()} for window in wished
    ]
    return appointment


def write_about(channel: str | None, subject: str | None) -> dict[str, Any]:
    """What an enquiry adds for an e-consultation: its channel, and what it is about."""
    added: dict[str, Any] = {"description": subject} if subject else {}
    if channel:
        added["appointmentType"] = {"coding": [{"system": CHANNEL, "code": channel}]}
    return added


def write_cancelled(appointment: Element) -> dict[str, Any]:
    """The same Appointment, cancelled by the patient; everything else stays as it was."""
    reason = {"coding": [{"system": _REASONS, "code": "pat"}]}
    return {**appointment.json, "status": "cancelled", "cancelationReason": reason}


def _write(
    offer: Offer, patient: str, reason: str | None, intent: UUID, status: str
) -> dict[str, Any]:
    system, code = offer.coding or (SERVICE, str(offer.name))
    written: dict[str, Any] = {
        "resourceType": "Appointment",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": status,
        "serviceType": [{"coding": [{"system": system, "code": code}]}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
            {"actor": {"reference": f"HealthcareService/{offer.id}"}, "status": "needs-action"},
        ],
    }
    return {**written, "comment": reason} if reason else written


def _actors(appointment: Element) -> list[tuple[str, str | None]]:
    found = []
    for participant in appointment.children("participant"):
        actor = participant.child("actor")
        reference = participant.reference("actor")
        if actor and reference:
            found.append((reference, actor.text("display")))
    return found


def _practitioner(actors: Sequence[tuple[str, str | None]], bundle: Bundle) -> str | None:
    for reference, display in actors:
        if reference.startswith("Practitioner"):
            return display or name_behind(reference, bundle)
    return None


def _named(actors: Sequence[tuple[str, str | None]], kind: str, bundle: Bundle) -> str | None:
    for reference, display in actors:
        if reference.startswith(f"{kind}/"):
            there = bundle.get(reference)
            return display or (there.text("name") if there else None)
    return None


def _offer(refs: Sequence[str], offers: Mapping[str, Offer]) -> Offer | None:
    """The first service among the participants that the patient's GPs offer."""
    services = (ref.partition("/")[2] for ref in refs if ref.startswith("HealthcareService/"))
    return next((offers[each] for each in services if each in offers), None)


def _surgery_name(refs: Sequence[str], bundle: Bundle, offers: Mapping[str, Offer]) -> str | None:
    if offer := _offer(refs, offers):
        return offer.surgery.name
    for ref in refs:
        there = bundle.get(ref)
        employer = _employer(there) if there else None
        if organization := bundle.get(employer):
            return organization.text("name")
    return None


def _employer(role: Element) -> str | None:
    return role.reference("organization") or role.reference("providedBy")


def _surgery_id(refs: Sequence[str], offers: Mapping[str, Offer]) -> str | None:
    for ref in refs:
        kind, _, identity = ref.partition("/")
        if kind == "PractitionerRole":
            return identity
        if kind == "HealthcareService" and identity in offers:
            return offers[identity].surgery.id
    return None


def _answer(appointment: Element, bundle: Bundle) -> str | None:
    answers = (
        each.text("comment")
        for each in bundle.of("AppointmentResponse")
        if each.reference("appointment") == appointment.ref
    )
    return next(filter(None, answers), None)


def _cancel_until(appointment: Element, zone: tzinfo) -> datetime | None:
    mentioned = appointment.references("supportingInformation")
    for flag in appointment.children("contained"):
        is_flag = flag.kind == "Flag" and f"#{flag.text('id')}" in mentioned
        codes = [coding.code for coding in flag.codings("code")]
        period = _flag_period(flag)
        if is_flag and period and flag.text("status") == "active" and CANCEL_FLAG in codes:
            return read_period(period, zone)[1]
    return None


def _flag_period(flag: Element) -> Element | None:
    """`Flag.period`, or Helsenorge's extension on `status`."""
    status = flag.child("_status")
    for extension in status.children("extension") if status else ():
        if (extension.text("url") or "").casefold().endswith(STATUS_PERIOD):
            return extension.child("valuePeriod")
    return flag.child("period")


def _requested(appointment: Element, zone: tzinfo) -> tuple[Window, ...]:
    periods = (read_period(each, zone) for each in appointment.children("requestedPeriod"))
    return tuple(Window(start, end) for start, end in periods if start and end)


def _full(written: str | None) -> bool:
    return written is not None and "T" in written
