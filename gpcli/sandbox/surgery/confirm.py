"""How a surgery confirms: the Appointment booked, the Slot busy, an AppointmentResponse."""

from gpcli.sandbox.fhir.elements import (
    Resource,
    codes,
    extension,
    id_of,
    reference_to,
    references,
)
from gpcli.sandbox.fhir.services import CHANNEL
from gpcli.sandbox.store import Store

VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
_ADDED = ("PractitionerRole", "Location")


def confirm(store: Store, appointment: Resource, comment: str = "") -> Resource:
    """Book the appointment, with the people and the place of its slot's schedule."""
    actors = _schedule_actors(store, appointment)
    linked = _with_join_link(store, appointment)
    booked = store.put(linked | {"status": "booked", "participant": _all(appointment, actors)})
    for slot in references(appointment, "slot", "Slot"):
        set_slot(store, slot, "busy")
    respond(store, booked, "accepted", comment)
    return booked


def decline(store: Store, appointment: Resource, words: str) -> Resource:
    """Cancel on the surgery's behalf, with its words; a time that was taken is free again."""
    reason = {
        "system": "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason",
        "code": "prov",
    }
    declined = store.put(
        appointment | {"status": "cancelled", "cancelationReason": {"coding": [reason]}}
    )
    for slot in references(appointment, "slot", "Slot"):
        set_slot(store, slot, "free")
    respond(store, declined, "declined", words)
    return declined


def respond(store: Store, appointment: Resource, status: str, comment: str) -> Resource:
    """The surgery's AppointmentResponse: `accepted` or `declined`, with its words if any."""
    response: Resource = {
        "resourceType": "AppointmentResponse",
        "appointment": {"reference": reference_to(appointment)},
        "participantStatus": status,
        **{name: appointment[name] for name in ("start", "end") if name in appointment},
        **_who_answers(appointment),
    }
    return store.insert(response | ({"comment": comment} if comment else {}))


def set_slot(store: Store, slot: str, status: str) -> None:
    """Give the slot a status; nothing happens if the slot is gone or has it already."""
    found = store.get("Slot", id_of(slot))
    if found is not None and found["status"] != status:
        store.put(found | {"status": status})


def _with_join_link(store: Store, appointment: Resource) -> Resource:
    """The appointment with the address to join it at, if it is by video and has none."""
    by_video = "video" in codes(appointment.get("appointmentType"), CHANNEL)
    if not by_video or extension(appointment, VIRTUAL_SERVICE):
        return appointment
    address = {"url": "addressUrl", "valueUrl": f"https://video.example/{store.new_id()}"}
    link = {"url": VIRTUAL_SERVICE, "extension": [address]}
    return appointment | {"extension": [*appointment.get("extension", []), link]}


def _who_answers(appointment: Resource) -> Resource:
    for type_ in ("PractitionerRole", "HealthcareService", "Practitioner"):
        for reference in references(appointment, "participant.actor", type_):
            return {"actor": {"reference": reference}}
    reception = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "code": "PRF",
    }
    return {"participantType": [{"coding": [reception]}]}


def _schedule_actors(store: Store, appointment: Resource) -> list[str]:
    slots = [store.get("Slot", id_of(each)) for each in references(appointment, "slot", "Slot")]
    schedules = [id_of(each["schedule"]["reference"]) for each in slots if each]
    found = [store.get("Schedule", each) for each in schedules]
    return [actor for each in found if each for actor in references(each, "actor")]


def _all(appointment: Resource, actors: list[str]) -> list[Resource]:
    """The participants, all accepted, and those of the schedule who are not among them."""
    present = set(references(appointment, "participant.actor"))
    added = [
        {"actor": {"reference": actor}, "status": "accepted"}
        for actor in actors
        if actor.partition("/")[0] in _ADDED and actor not in present
    ]
    return [each | {"status": "accepted"} for each in appointment["participant"]] + added
