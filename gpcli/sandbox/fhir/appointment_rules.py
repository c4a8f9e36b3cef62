"""Apply the portal's rules to Appointments that patients write: book, enquire, cancel."""

from collections.abc import Mapping
from datetime import datetime

from gpcli.sandbox.fhir.dates import parse_instant
from gpcli.sandbox.fhir.elements import (
    Resource,
    changed_elements,
    codes,
    id_of,
    reference_to,
    references_at,
)
from gpcli.sandbox.fhir.gp_services import (
    CHANNEL_SYSTEM,
    GpRole,
    add_cancellation_deadline,
    cancellation_deadline,
    has_late_cancellation,
    read_active_gp,
    read_patient_gps,
    require_offering,
    service_codes,
    service_limits,
)
from gpcli.sandbox.fhir.held_times import find_holder, release_slot
from gpcli.sandbox.fhir.operation_outcome import FhirError, forbidden, unprocessable
from gpcli.sandbox.fhir.request_context import RequestContext
from gpcli.sandbox.surgery.appointment_answers import store_slot_status

_NEW_STATUSES = ("proposed", "pending", "booked")
_OPEN_STATUSES = ("proposed", "pending", "booked")
_CANCELLING_ELEMENTS = ("status", "cancelationReason")
"""The elements that a patient may change, and only to cancel."""
_ENQUIRY_SERVICES: Mapping[str, str] = {
    "booking": "booking-enquiry",
    "booking-enquiry": "booking-enquiry",
    "e-consultation": "e-consultation",
    "flu-vaccination": "flu-vaccination",
}
"""The service that each kind of enquiry uses."""


def create_appointment(context: RequestContext, sent: Resource) -> Resource:
    """Book a slot or store an enquiry, and return the Appointment as stored.

    Raises:
        FhirError: 403 (another patient, `service-off`), 409 `slot-taken`, or 422.
    """
    _require_patient_participant(context, sent)
    prepare = _prepare_booking if "slot" in sent else _prepare_enquiry
    stored = context.store.insert(_with_created(context, prepare(context, sent)))
    context.server.surgery.enqueue(stored)
    return context.store.get("Appointment", stored["id"]) or stored


def update_appointment(context: RequestContext, stored: Resource, sent: Resource) -> Resource:
    """Cancel an Appointment, the only change that patients may make.

    Nothing is stored if nothing differs.

    Raises:
        FhirError: 403 `service-off`, or 422 (`too-late`, or other elements differ).
    """
    if _without_meta(stored) == _without_meta(sent):
        return stored
    _require_cancelling(stored, sent)
    if "start" in stored:
        _require_cancellable(context, stored)
    context.server.surgery.cancel(reference_to(stored))
    changes = {name: sent[name] for name in _CANCELLING_ELEMENTS if name in sent}
    cancelled = context.store.put(stored | changes)
    for slot in references_at(stored, "slot", "Slot"):
        if not any(
            each["status"] in _OPEN_STATUSES
            for each in context.store.find("Appointment", slot=slot)
        ):
            store_slot_status(context.store, slot, "free")
    return cancelled


def delete_open_enquiries(context: RequestContext) -> None:
    """Delete the patient's unanswered enquiries, which have no time yet."""
    patient = context.rights.patient_reference
    for enquiry in context.store.find("Appointment", patient=patient, status="proposed"):
        if "start" not in enquiry:
            context.server.surgery.cancel(reference_to(enquiry))
            context.store.delete("Appointment", enquiry["id"])


def _with_created(context: RequestContext, appointment: Resource) -> Resource:
    """Return the appointment with the current time as `created`, unless it has one."""
    return {"created": context.server.clock.local().isoformat(timespec="seconds")} | appointment


def _require_patient_participant(context: RequestContext, sent: Resource) -> None:
    if context.rights.patient_reference not in references_at(sent, "participant.actor", "Patient"):
        raise forbidden("An appointment you make must have you as a participant.")


def _prepare_booking(context: RequestContext, sent: Resource) -> Resource:
    """Return the Appointment to store for a free slot, and mark the slot as taken.

    In booking mode `transaction` the app itself sets the Slot busy, in the same transaction and
    with `ifMatch`, so the slot is left as it is.
    """
    if context.server.booking == "operation":
        text = "Times are booked with Appointment/$book at this portal, not with a plain POST."
        raise FhirError(422, "not-supported", text, expression=["Appointment.slot"])
    slot = _read_requested_slot(context, sent)
    _require_same_times(slot, sent)
    schedule = context.store.get("Schedule", id_of(slot["schedule"]["reference"])) or {}
    gp = _require_bookable_gp(context, sent, slot, schedule)
    if parse_instant(slot["start"]) <= context.server.clock.now():
        raise unprocessable("This time is past. Please choose another.", "Appointment.slot")
    holder = find_holder(context.store, reference_to(slot), context.server.clock.now())
    if slot["status"] != "free" or holder not in {None, context.rights.patient}:
        text = "Somebody else has just taken this time. Please choose another."
        raise FhirError(409, "conflict", text, reason="slot-taken", expression=["Appointment.slot"])
    release_slot(context.store, reference_to(slot))
    if context.server.booking != "transaction":
        store_slot_status(context.store, reference_to(slot), "busy-tentative")
    return add_cancellation_deadline(sent | {"status": "pending"}, gp)


def _read_requested_slot(context: RequestContext, sent: Resource) -> Resource:
    slots = references_at(sent, "slot", "Slot")
    if len(slots) != 1 or len(sent["slot"]) != 1:
        raise unprocessable("Book exactly one slot.", "Appointment.slot")
    if sent["status"] not in _NEW_STATUSES:
        raise unprocessable("A new booking is proposed, pending or booked.", "Appointment.status")
    return context.store.get("Slot", id_of(slots[0])) or {}


def _require_same_times(slot: Resource, sent: Resource) -> None:
    for name in ("start", "end"):
        if sent.get(name) != slot[name]:
            text = f"The {name} of the booking must be the slot's own, {slot[name]}."
            raise unprocessable(text, f"Appointment.{name}")


def _require_bookable_gp(
    context: RequestContext, sent: Resource, slot: Resource, schedule: Resource
) -> GpRole:
    """Return the GP whose service the booking uses."""
    services = set(references_at(sent, "participant.actor", "HealthcareService"))
    bookable = services & set(references_at(schedule, "actor", "HealthcareService"))
    if not bookable:
        text = "The booking must have the service that the time belongs to as a participant."
        raise unprocessable(text, "Appointment.participant")
    service = context.store.get("HealthcareService", id_of(min(bookable))) or {}
    kinds_offered = {*service_codes(service), *service_codes(slot, "serviceType")}
    requested = service_codes(sent, "serviceType") or service_codes(service)
    if not requested or not set(requested) <= kinds_offered:
        raise unprocessable("This time is for another kind of visit.", "Appointment.serviceType")
    gps = read_patient_gps(context.store, context.rights.patient)
    gps_here = [gp for gp in gps if reference_to(service) in map(reference_to, gp.services)]
    return require_offering(gps_here, requested, context.server.clock.now())[0]


def _prepare_enquiry(context: RequestContext, sent: Resource) -> Resource:
    """Return the Appointment to store for an enquiry, which has periods but no time."""
    if sent["status"] != "proposed" or "start" in sent or "requestedPeriod" not in sent:
        text = (
            "Name a slot to book it; or, to ask for a time, say when in requestedPeriod, proposed."
        )
        raise unprocessable(text, "Appointment")
    kinds = service_codes(sent, "serviceType") or ["booking-enquiry"]
    if not set(kinds) <= _ENQUIRY_SERVICES.keys():
        raise unprocessable("Nobody can be asked for a time for this.", "Appointment.serviceType")
    gps = _read_participating_gps(context, sent) or read_patient_gps(
        context.store, context.rights.patient
    )
    services, now = [_ENQUIRY_SERVICES[each] for each in kinds], context.server.clock.now()
    offering_gps = require_offering(gps, services, now)
    _require_channel_and_length(
        sent,
        [s for gp in offering_gps for each in services for s in gp.available_services(each, now)],
    )
    return sent


def _require_channel_and_length(sent: Resource, offering: list[Resource]) -> None:
    """Raise 422 for a channel that no service offers, or for too long a text."""
    requested = set(codes(sent.get("appointmentType"), CHANNEL_SYSTEM))
    channels = [codes(each.get("characteristic"), CHANNEL_SYSTEM) for each in offering]
    if requested and not any(not each or requested & {*each} for each in channels):
        text = "The surgery does not offer this in that way."
        raise unprocessable(text, "Appointment.appointmentType")
    service_limits(offering).require_text_length(sent.get("comment", ""), "Appointment.comment")


def _read_participating_gps(context: RequestContext, appointment: Resource) -> list[GpRole]:
    """Return the patient's GPs who participate in person or through a service."""
    actors = set(references_at(appointment, "participant.actor"))
    gps = read_patient_gps(context.store, context.rights.patient)
    return [gp for gp in gps if actors & {gp.reference, *map(reference_to, gp.services)}]


def _without_meta(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "meta"}


def _require_cancelling(stored: Resource, sent: Resource) -> None:
    others = [name for name in changed_elements(stored, sent) if name not in _CANCELLING_ELEMENTS]
    if others or sent["status"] != "cancelled":
        text = "All you can change is to cancel: status and cancelationReason."
        raise unprocessable(text, *(f"Appointment.{name}" for name in others))
    if stored["status"] not in _OPEN_STATUSES:
        raise unprocessable(f"This appointment is {stored['status']}.", "Appointment.status")


def _require_cancellable(context: RequestContext, stored: Resource) -> None:
    now = context.server.clock.now()
    gps = require_offering(_read_responsible_gps(context, stored), ["cancellation"], now)
    if parse_instant(stored["start"]) <= now:
        raise _too_late_error("This appointment has already begun.")
    if not _is_before_deadline(stored, now) and not _can_cancel_late(context, gps):
        raise _too_late_error("It is too late to cancel this online. Please call the surgery.")


def _read_responsible_gps(context: RequestContext, appointment: Resource) -> list[GpRole]:
    """Return the GPs whose cancellation rules apply to an appointment.

    They are the participating roles and the owners of participating services, or else all of the
    patient's GPs. A substitute has no services of their own.
    """
    roles = references_at(appointment, "participant.actor", "PractitionerRole")
    doctors = [gp for role in roles for gp in read_active_gp(context.store, role)]
    return [*doctors, *_read_participating_gps(context, appointment)] or read_patient_gps(
        context.store, context.rights.patient
    )


def _is_before_deadline(appointment: Resource, now: datetime) -> bool:
    last = cancellation_deadline(appointment)
    return last is None or now <= last


def _can_cancel_late(context: RequestContext, gps: list[GpRole]) -> bool:
    definitions = context.store.find("ChargeItemDefinition", status="active")
    priced = any("late-cancellation" in service_codes(each, "code") for each in definitions)
    return priced and any(has_late_cancellation(gp) for gp in gps)


def _too_late_error(text: str) -> FhirError:
    return unprocessable(text, "Appointment.status", reason="too-late")
