"""What a patient may do with Appointments: book a time, ask for one, cancel."""

from collections.abc import Mapping
from datetime import datetime

from gpcli.sandbox.fhir.dates import instant
from gpcli.sandbox.fhir.deadline import charges_late, deadline, with_deadline
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import Resource, codes, id_of, reference_to, references
from gpcli.sandbox.fhir.limits import limits_of
from gpcli.sandbox.fhir.outcome import Problem, broken_rule, forbidden
from gpcli.sandbox.fhir.services import CHANNEL, GP, gp_in, gps_of, kinds, require
from gpcli.sandbox.surgery.confirm import set_slot

_ASKED = ("proposed", "pending", "booked")
_OPEN = ("proposed", "pending", "booked")
_CHANGED_BY_CANCELLING = ("status", "cancelationReason", "meta")
_ENQUIRIES: Mapping[str, str] = {
    "booking": "booking-enquiry",
    "booking-enquiry": "booking-enquiry",
    "e-consultation": "e-consultation",
    "flu-vaccination": "flu-vaccination",
}
"""What an enquiry may be about, and the service that it uses."""


def create(desk: Desk, sent: Resource) -> Resource:
    """Book the time of a slot, or send an enquiry; returns the Appointment as it stands then.

    Raises Problem: 403 (another patient, `service-off`), 409 `slot-taken`, 422.
    """
    _require_own(desk, sent)
    wanted = _booked if "slot" in sent else _enquired
    stored = desk.store.insert(_dated(desk, wanted(desk, sent)))
    desk.portal.surgery.expect(stored)
    return desk.store.get("Appointment", stored["id"]) or stored


def change(desk: Desk, stored: Resource, sent: Resource) -> Resource:
    """Cancel: the one change that a patient may make. Nothing changed is nothing done.

    Raises Problem: 403 `service-off`, 422 (`too-late`, or something else was changed).
    """
    if _without_meta(stored) == _without_meta(sent):
        return stored
    _require_cancelling(stored, sent)
    if "start" in stored:
        _require_cancellable(desk, stored)
    desk.portal.surgery.forget(reference_to(stored))
    kept = ("status", "cancelationReason")
    cancelled = desk.store.put(stored | {name: sent[name] for name in kept if name in sent})
    for slot in references(stored, "slot", "Slot"):
        if not any(each["status"] in _OPEN for each in desk.store.find("Appointment", slot=slot)):
            set_slot(desk.store, slot, "free")
    return cancelled


def delete_open_enquiries(desk: Desk) -> None:
    """Delete the patient's unanswered enquiries: those that have no time yet."""
    patient = desk.grant.own
    for enquiry in desk.store.find("Appointment", patient=patient, status="proposed"):
        if "start" not in enquiry:
            desk.portal.surgery.forget(reference_to(enquiry))
            desk.store.delete("Appointment", enquiry["id"])


def _dated(desk: Desk, appointment: Resource) -> Resource:
    """The appointment with the time when it was made, unless the app told one."""
    return {"created": desk.portal.clock.local().isoformat(timespec="seconds")} | appointment


def _require_own(desk: Desk, sent: Resource) -> None:
    if desk.grant.own not in references(sent, "participant.actor", "Patient"):
        raise forbidden("An appointment you make must have you as a participant.")


def _booked(desk: Desk, sent: Resource) -> Resource:
    """The Appointment to store for a time that is free; the slot is taken by this.

    Not so where apps take it themselves: then it is theirs to put the Slot busy as well, in one
    transaction, on the condition that nobody has done so.
    """
    if desk.portal.booking == "operation":
        text = "Times are booked with Appointment/$book at this portal, not with a plain POST."
        raise Problem(422, "not-supported", text, expression=["Appointment.slot"])
    slot = _slot(desk, sent)
    _require_same_times(slot, sent)
    schedule = desk.store.get("Schedule", id_of(slot["schedule"]["reference"])) or {}
    gp = _gp_for(desk, sent, slot, schedule)
    if instant(slot["start"]) <= desk.portal.clock.now():
        raise broken_rule("This time is past. Please choose another.", "Appointment.slot")
    if slot["status"] != "free":
        text = "Somebody else has just taken this time. Please choose another."
        raise Problem(409, "conflict", text, reason="slot-taken", expression=["Appointment.slot"])
    if desk.portal.booking != "transaction":
        set_slot(desk.store, reference_to(slot), "busy-tentative")
    return with_deadline(sent | {"status": "pending"}, gp)


def _slot(desk: Desk, sent: Resource) -> Resource:
    named = references(sent, "slot", "Slot")
    if len(named) != 1 or len(sent["slot"]) != 1:
        raise broken_rule("Book exactly one slot.", "Appointment.slot")
    if sent["status"] not in _ASKED:
        raise broken_rule("A new booking is proposed, pending or booked.", "Appointment.status")
    return desk.store.get("Slot", id_of(named[0])) or {}


def _require_same_times(slot: Resource, sent: Resource) -> None:
    for name in ("start", "end"):
        if sent.get(name) != slot[name]:
            text = f"The {name} of the booking must be the slot's own, {slot[name]}."
            raise broken_rule(text, f"Appointment.{name}")


def _gp_for(desk: Desk, sent: Resource, slot: Resource, schedule: Resource) -> GP:
    """The GP whose service the booking uses."""
    asked = set(references(sent, "participant.actor", "HealthcareService"))
    known = asked & set(references(schedule, "actor", "HealthcareService"))
    if not known:
        text = "The booking must have the service that the time belongs to as a participant."
        raise broken_rule(text, "Appointment.participant")
    service = desk.store.get("HealthcareService", id_of(min(known))) or {}
    offered = {*kinds(service), *kinds(slot, "serviceType")}
    wanted = kinds(sent, "serviceType") or kinds(service)
    if not wanted or not set(wanted) <= offered:
        raise broken_rule("This time is for another kind of visit.", "Appointment.serviceType")
    gps = gps_of(desk.store, desk.grant.patient)
    here = [gp for gp in gps if reference_to(service) in map(reference_to, gp.services)]
    return require(here, wanted, desk.portal.clock.now())[0]


def _enquired(desk: Desk, sent: Resource) -> Resource:
    """The Appointment to store for an enquiry: wishes, but no time."""
    if sent["status"] != "proposed" or "start" in sent or "requestedPeriod" not in sent:
        text = (
            "Name a slot to book it; or, to ask for a time, say when in requestedPeriod, proposed."
        )
        raise broken_rule(text, "Appointment")
    about = kinds(sent, "serviceType") or ["booking-enquiry"]
    if not set(about) <= _ENQUIRIES.keys():
        raise broken_rule("Nobody can be asked for a time for this.", "Appointment.serviceType")
    gps = _named_gps(desk, sent) or gps_of(desk.store, desk.grant.patient)
    services, now = [_ENQUIRIES[each] for each in about], desk.portal.clock.now()
    able = require(gps, services, now)
    _require_possible(sent, [s for gp in able for each in services for s in gp.offering(each, now)])
    return sent


def _require_possible(sent: Resource, offering: list[Resource]) -> None:
    """Raise 422 for a channel that none of the services has, or too long a text."""
    wanted = set(codes(sent.get("appointmentType"), CHANNEL))
    channels = [codes(each.get("characteristic"), CHANNEL) for each in offering]
    if wanted and not any(not each or wanted & {*each} for each in channels):
        text = "The surgery does not offer this in that way."
        raise broken_rule(text, "Appointment.appointmentType")
    limits_of(offering).require_text(sent.get("comment", ""), "Appointment.comment")


def _named_gps(desk: Desk, appointment: Resource) -> list[GP]:
    """The patient's GPs that take part, themselves or by a service of theirs."""
    actors = set(references(appointment, "participant.actor"))
    gps = gps_of(desk.store, desk.grant.patient)
    return [gp for gp in gps if actors & {gp.reference, *map(reference_to, gp.services)}]


def _without_meta(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "meta"}


def _require_cancelling(stored: Resource, sent: Resource) -> None:
    kept = [name for name in {**stored, **sent} if name not in _CHANGED_BY_CANCELLING]
    changed = [f"Appointment.{name}" for name in kept if stored.get(name) != sent.get(name)]
    if changed or sent["status"] != "cancelled":
        text = "All you can change is to cancel: status and cancelationReason."
        raise broken_rule(text, *changed)
    if stored["status"] not in _OPEN:
        raise broken_rule(f"This appointment is {stored['status']}.", "Appointment.status")


def _require_cancellable(desk: Desk, stored: Resource) -> None:
    now = desk.portal.clock.now()
    gps = require(_gps_behind(desk, stored), ["cancellation"], now)
    if instant(stored["start"]) <= now:
        raise _too_late("This appointment has already begun.")
    if not _in_time(stored, now) and not _may_be_late(desk, gps):
        raise _too_late("It is too late to cancel this online. Please call the surgery.")


def _gps_behind(desk: Desk, appointment: Resource) -> list[GP]:
    """Who decides on an appointment: who takes part, or whose service does; else all theirs.

    A colleague who stands in has no services of their own.
    """
    roles = references(appointment, "participant.actor", "PractitionerRole")
    doctors = [gp for role in roles for gp in gp_in(desk.store, role)]
    return [*doctors, *_named_gps(desk, appointment)] or gps_of(desk.store, desk.grant.patient)


def _in_time(appointment: Resource, now: datetime) -> bool:
    last = deadline(appointment)
    return last is None or now <= last


def _may_be_late(desk: Desk, gps: list[GP]) -> bool:
    definitions = desk.store.find("ChargeItemDefinition", status="active")
    priced = any("late-cancellation" in kinds(each, "code") for each in definitions)
    return priced and any(charges_late(gp) for gp in gps)


def _too_late(text: str) -> Problem:
    return broken_rule(text, "Appointment.status", reason="too-late")
