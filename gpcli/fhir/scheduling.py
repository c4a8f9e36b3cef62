"""Appointment and AppointmentResponse: bookings, enquiries and the surgery's answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.fhir.actors import (
    find_clinician,
    find_organization,
    find_place,
    find_service_id,
    find_sole_surgery,
    name_others,
    read_actor,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, read_period
from gpcli.fhir.healthcare_service import (
    CHANNEL_SYSTEM,
    CHANNELS,
    SERVICE_SYSTEM,
    CodeMap,
    read_channel,
    resolve_service,
)
from gpcli.fhir.modifiers import require_known_code
from gpcli.model.appointment import OVER, Actor, Appointment, AppointmentId, Slot, Window
from gpcli.model.service import Offer, Surgery

_PARTICIPANT_TYPES = frozenset(
    {"Practitioner", "PractitionerRole", "HealthcareService", "Location", "Device"}
)
"""The types that can take part in an Appointment besides the patient (R4)."""

VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
_CANCEL_FLAG_CODE = "cancel"
_STATUS_PERIOD_SUFFIX = "flagstatusperiod"
"""The end of the URL of Helsenorge's extension of Flag.status, in lower case."""

_MAX_INTEGER = 2**31 - 1
"""The greatest positiveInt of R4."""

_ADDRESS_URLS = ("addressUrl", "address", "address[x]")
_URL_VALUES = ("valueUrl", "valueUri", "valueString")
_CANCELLATION_REASON_SYSTEM = (
    "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
)


def read_appointment(
    appointment: Element,
    bundle: Bundle,
    offers: Mapping[str, Sequence[Offer]],
    code_map: CodeMap,
    zone: str,
) -> Appointment:
    """Return an Appointment, with `bundle` for its participants and answers. Raises Malformed.

    The parameters are as for `schedule.read_slot`.
    """
    parties = _read_parties(appointment, bundle, offers)
    codings, labels = appointment.codings("serviceType"), appointment.concept_labels("serviceType")
    cancel_until, is_unreadable = _read_cancel_until(appointment, ZoneInfo(zone))
    read = Appointment(
        id=AppointmentId(appointment.require_string("id")),
        status=appointment.require_string("status"),
        start=appointment.instant("start"),
        end=_read_end(appointment),
        zone=zone,
        requested=_read_requested_periods(appointment, ZoneInfo(zone)),
        service=resolve_service(codings, labels, code_map, parties.offers),
        channel=read_channel(appointment.codings("appointmentType")),
        practitioner=parties.practitioner.name,
        surgery=parties.surgery,
        location=parties.location,
        reason=appointment.string("comment"),
        subject=appointment.string("description"),
        answer=_read_answer(appointment, bundle),
        cancel_until=cancel_until,
        created=appointment.date_time("created"),
        slot_id=_first_id(appointment.references("slot")),
        practitioner_ref=parties.practitioner.written_reference,
        participants=parties.others,
        surgery_id=parties.surgery_id,
        identifiers=appointment.identifiers(),
        version=_read_version(appointment),
        deadline_unreadable=is_unreadable,
    )
    return _with_words(read, appointment)


def _read_end(appointment: Element) -> datetime | None:
    """Return the end; one before the start is a flaw, and reads as `None`."""
    start, end = appointment.instant("start"), appointment.instant("end")
    if start is None or end is None or start <= end:
        return end
    appointment.reject("end", "is before its start")
    return None


def _first_id(references: Sequence[str]) -> str | None:
    return references[0].partition("/")[2] if references else None


def _with_words(read: Appointment, appointment: Element) -> Appointment:
    """Return `read` with what the record says besides, mostly in words."""
    references = (each.display for each in appointment.links("reasonReference"))
    return replace(
        read,
        join_url=next(_join_urls(appointment), None),
        minutes=_read_minutes(appointment),
        type=_read_type(appointment),
        reasons=(*appointment.concept_labels("reasonCode"), *filter(None, references)),
        instructions=appointment.string("patientInstruction"),
        cancelled_because=appointment.concept_label("cancelationReason"),
    )


def _read_minutes(appointment: Element) -> int | None:
    minutes = appointment.decimal("minutesDuration")
    if minutes is None or (0 < minutes <= _MAX_INTEGER and minutes == minutes.to_integral_value()):
        return None if minutes is None else int(minutes)
    appointment.reject("minutesDuration")
    return None


def _read_type(appointment: Element) -> str | None:
    """Return R4's appointmentType in words; `None` where it is only the channel."""
    codings = appointment.codings("appointmentType")
    return None if read_channel(codings) else appointment.concept_label("appointmentType")


class _Parties(NamedTuple):
    """Who takes part in an Appointment, by name, and at which surgery; the fields as there.

    `offers` are those of the HealthcareService that takes part.
    """

    practitioner: Actor
    location: str | None
    surgery: str | None
    surgery_id: str | None
    others: tuple[str, ...]
    offers: Sequence[Offer]


def _read_parties(
    appointment: Element, bundle: Bundle, offers: Mapping[str, Sequence[Offer]]
) -> _Parties:
    actors = [
        (read_actor(link, appointment, bundle), participant.string("status") == "declined")
        for participant in appointment.children("participant")
        if (link := participant.link("actor"))
    ]
    coming = [actor for actor, declined in actors if not declined and actor.kind != "Patient"]
    practitioner, place = find_clinician(coming), find_place(coming, bundle)
    service = find_service_id(coming, offers)
    of_service = offers.get(service or "", ())
    surgery = find_sole_surgery(of_service, coming)
    shown = {practitioner.name, place, surgery.name if surgery else None}
    named = [_mark_declined(actor) if declined else actor for actor, declined in actors]
    return _Parties(
        practitioner=practitioner,
        location=place,
        surgery=surgery.name if surgery else find_organization(coming, bundle),
        surgery_id=_role_id(coming) or (surgery.id if surgery else None),
        others=name_others(named, shown),
        offers=of_service,
    )


def _mark_declined(actor: Actor) -> Actor:
    """Return an actor who does not come; the patient as somebody who is to be named."""
    if actor.kind == "Patient":
        return replace(actor, kind=None, name=f"{actor.name or 'the patient'} (declined)")
    return replace(actor, name=f"{actor.name} (declined)") if actor.name else actor


def _role_id(actors: Sequence[Actor]) -> str | None:
    roles = (each.reference for each in actors if each.kind == "PractitionerRole")
    return next((role.partition("/")[2] for role in roles if role), None)


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

    It refers to the Slot where the portal has one. `patient` is an id, `status` that of the
    Appointment. Those with whom the time is take part in it. The channel is written only as one of
    our own codes.
    """
    appointment = _write_appointment(offer, patient, reason, intent, status, slot.codings)
    taking_part = [each["actor"].get("reference") for each in appointment["participant"]]
    appointment["participant"] += [
        {"actor": _write_actor(actor), "status": "needs-action"}
        for actor in slot.actors
        if actor.kind in _PARTICIPANT_TYPES and actor.reference not in taking_part
    ]
    if slot.has_record:
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
    """Return a proposed Appointment without a time, to be placed in one of the `windows`.

    The GP takes part in it where the portal has no HealthcareService for it.
    """
    appointment = _write_appointment(offer, patient, reason, intent, "proposed")
    if not offer.id and (gp := _write_gp(offer.surgery)):
        appointment["participant"].append({"actor": gp, "status": "needs-action"})
    appointment["requestedPeriod"] = [
        {"start": window.start.isoformat(), "end": window.end.isoformat()} for window in windows
    ]
    return appointment


def _write_gp(surgery: Surgery) -> dict[str, Any]:
    """Return a Reference to a GP, with the name alone where R4 lets no such record take part."""
    kind = surgery.full_id.partition("/")[0]
    written = {"reference": surgery.full_id} if kind in _PARTICIPANT_TYPES else {}
    name = surgery.gp or surgery.name
    return {**written, "display": name} if name else written


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
    offer: Offer,
    patient: str,
    reason: str | None,
    intent: UUID,
    status: str,
    codings: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return an Appointment without its time.

    The service is written with the portal's own codes where it has some, `codings` or the offer's;
    with ours only where the portal has a HealthcareService for it.
    """
    own = [(SERVICE_SYSTEM, str(offer.name))] if offer.id else []
    written = [offer.coding] if offer.coding else own or codings
    services = [{"reference": f"HealthcareService/{offer.id}"}] if offer.id else []
    appointment: dict[str, Any] = {
        "resourceType": "Appointment",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": status,
        "participant": [
            {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
            *({"actor": service, "status": "needs-action"} for service in services),
        ],
    }
    if written:
        codes = [
            {"code": code} | ({"system": system} if system else {}) for system, code in written
        ]
        appointment["serviceType"] = [{"coding": codes}]
    return {**appointment, "comment": reason} if reason else appointment


def _write_actor(actor: Actor) -> dict[str, Any]:
    """Return a Reference to an actor, as the portal made it."""
    written: dict[str, Any] = {"reference": actor.reference} if actor.reference else {}
    if actor.identifier:
        system, value = actor.identifier
        written["identifier"] = {"value": value} | ({"system": system} if system else {})
    if not actor.reference and actor.kind:
        written["type"] = actor.kind
    if actor.name:
        written["display"] = actor.name
    return written


def _read_answer(appointment: Element, bundle: Bundle) -> str | None:
    own = appointment.relative_reference
    responses = bundle.find_referring("AppointmentResponse", "appointment", own)
    return next(filter(None, map(_word_response, responses)), None)


def _word_response(response: Element) -> str | None:
    """Return the comment of an AppointmentResponse, and that it agrees to nothing if so."""
    status, comment = response.expected_string("participantStatus"), response.string("comment")
    if status not in {"declined", "tentative"}:
        return comment
    return f"{comment} ({status})" if comment else status


def _read_cancel_until(appointment: Element, zone: tzinfo) -> tuple[datetime | None, bool]:
    """Return until when cancelling is free of charge, and whether that can't be read."""
    try:
        return _find_deadline(appointment.strictly(), zone), False
    except Malformed as error:
        if appointment.origin is None:
            raise
        appointment.origin.add_flaw(str(error))
        return None, True


def _find_deadline(appointment: Element, zone: tzinfo) -> datetime | None:
    supporting = appointment.references("supportingInformation")
    for flag in appointment.children("contained"):
        if flag.resource_type != "Flag" or f"#{flag.string('id')}" not in supporting:
            continue
        if _CANCEL_FLAG_CODE not in [coding.code for coding in flag.codings("code")]:
            continue
        require_known_code(flag, "status")
        period = _read_flag_period(flag)
        if period and flag.require_string("status") == "active":
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
    return tuple(_iterate_windows(appointment, zone))


def _iterate_windows(appointment: Element, zone: tzinfo) -> Iterator[Window]:
    """Yield the periods that are wished for; one that is open or reversed is a flaw."""
    for period in appointment.children("requestedPeriod"):
        start, end = read_period(period, zone)
        if start and end and start <= end:
            yield Window(start, end)
        elif start and end:
            period.reject("end", "is before its start")
        elif start or end:
            appointment.reject("requestedPeriod", f"has no {'end' if start else 'start'}")
