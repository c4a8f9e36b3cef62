"""Perform `$find`, `$hold` and `$book` on Appointment, in booking mode `operation`.

A proposed Appointment is not stored: its id is that of its Slot, with a prefix.

Source: IHE ITI Scheduling 1.0, ITI-115 to ITI-117.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gpcli.sandbox.fhir.dates import parse_instant
from gpcli.sandbox.fhir.elements import Resource, id_of, reference_to, references_at
from gpcli.sandbox.fhir.gp_services import (
    GP_SERVICE_SYSTEM,
    GpRole,
    read_patient_gps,
)
from gpcli.sandbox.fhir.held_times import find_holder, hold_slot
from gpcli.sandbox.fhir.interactions import InteractionResult, create
from gpcli.sandbox.fhir.operation_outcome import (
    FhirError,
    bad_request,
    forbidden,
    operation_outcome,
    unprocessable,
)
from gpcli.sandbox.fhir.request_context import RequestContext
from gpcli.sandbox.fhir.search import read_matches

_DEFINITIONS = "https://profiles.ihe.net/ITI/Scheduling/OperationDefinition"
OPERATIONS = tuple(
    {"name": name, "definition": f"{_DEFINITIONS}/appointment-{name}"}
    for name in ("book", "find", "hold")
)
"""The operations as the CapabilityStatement lists them."""

_RESOURCE, _REFERENCE = "appointment-resource", "appointment-reference"
_OUTCOME_STATUSES = (409, 422)
"""Refusals that `$book` answers with 200 and a Bundle with an OperationOutcome."""
_PROPOSED = "p-"
"""The beginning of a proposed Appointment's id, before that of its Slot."""
_BOOKABLE = frozenset({"booking", "flu-vaccination"})
_ACTOR_PATHS = {
    "practitioner": "practitioner",
    "organization": "organization",
    "location-reference": "location",
}
"""Parameter of `$find` -> the element of the GP's role that it is compared with."""
_PARAMETERS = frozenset(
    {"start", "end", "patient-reference", "visit-type", "_count", *_ACTOR_PATHS}
)


def find_appointments(context: RequestContext, sent: Resource) -> InteractionResult:
    """Perform `Appointment/$find`: propose the free times of the patient's GPs.

    Raises:
        FhirError: 400 (other parameters), 403, or 404 (the portal does not have the operation).
    """
    _require_operations(context)
    context.require_interaction("Appointment", "s")
    asked = _read_parameters(sent)
    unknown = asked.keys() - _PARAMETERS
    if unknown:
        raise bad_request(f"$find takes no {min(unknown)} here.", "not-supported")
    start, end = (_require_instant(asked, name) for name in ("start", "end"))
    patients = [each.get("reference") for each in asked.get("patient-reference", ())]
    if patients not in ([], [context.rights.patient_reference]):
        raise forbidden("You can only ask for times of your own.")
    services = [reference_to(each) for each in _read_services(context, asked)]
    slots = [*_read_free_slots(context, services, start, end)] if services else []
    count = next(iter(asked.get("_count", ())), len(slots))
    if type(count) is not int or count < 0:
        raise bad_request("The _count must be a whole number.", "value")
    return _searchset_result([_propose(context, slot) for slot in slots[:count]], context)


def hold_appointment(context: RequestContext, sent: Resource) -> InteractionResult:
    """Perform `Appointment/$hold` on a proposed Appointment: keep its time for the patient.

    Returns 200 also where the time is not free any more.

    Raises:
        FhirError: 400 (other body), 403, or 404 (the portal does not have the operation).
    """
    _require_operations(context)
    context.require_interaction("Appointment", "c")
    given = _read_parameters(sent).get(_REFERENCE, ())
    if len(given) != 1 or not isinstance(given[0], dict):
        raise bad_request(f"$hold takes Parameters with one {_REFERENCE}.", "required")
    slot_id = id_of(str(given[0].get("reference"))).removeprefix(_PROPOSED)
    slot = context.store.get("Slot", slot_id)
    if slot and _hold(context, slot):
        return _searchset_result([_propose(context, slot) | {"status": "pending"}], context)
    text = {"text": "This time is not free any more. Please choose another."}
    return _outcome_result(operation_outcome("fatal", "not-found", text))


def book_appointment(context: RequestContext, sent: Resource) -> InteractionResult:
    """Perform `Appointment/$book` on the one Appointment in the Parameters.

    Returns 200 also where the booking is refused.

    Raises:
        FhirError: 400 (other body), 403, or 404 (the portal does not have the operation).
    """
    _require_operations(context)
    given = _read_parameters(sent).get(_RESOURCE, ())
    if len(given) != 1 or not isinstance(given[0], dict):
        raise bad_request(f"$book takes Parameters with one {_RESOURCE}.", "required")
    try:
        booked = _create_booking(context, given[0])
    except FhirError as error:
        if error.status not in _OUTCOME_STATUSES:
            raise
        return _outcome_result(error.to_operation_outcome())
    return _searchset_result([booked], context, with_included=False)


Operation = Callable[[RequestContext, Resource], InteractionResult]

PERFORMED: Mapping[str, Operation] = {
    "Appointment/$book": book_appointment,
    "Appointment/$find": find_appointments,
    "Appointment/$hold": hold_appointment,
}
"""Path of an operation -> what performs it on the body."""


def _require_operations(context: RequestContext) -> None:
    if context.server.booking != "operation":
        raise FhirError(404, "not-found", "The portal has nothing at this address.")


def _read_parameters(sent: Resource) -> dict[str, list[Any]]:
    """Return the values of the Parameters by their names; empty for another resource."""
    listed = sent.get("parameter") if sent["resourceType"] == "Parameters" else None
    values: dict[str, list[Any]] = {}
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and each.get("name"):
            held = [each[name] for name in each if name == "resource" or name.startswith("value")]
            values.setdefault(str(each["name"]), []).extend(held or [None])
    return values


def _require_instant(asked: Mapping[str, list[Any]], name: str) -> datetime:
    try:
        [value] = asked.get(name, [])
        return parse_instant(value)
    except (TypeError, ValueError):
        raise bad_request(f"$find needs one {name}, with a time.", "required") from None


def _read_services(context: RequestContext, asked: Mapping[str, list[Any]]) -> list[Resource]:
    """Return the services of the patient's GPs whose times are asked for."""
    now = context.server.clock.now()
    kinds = [
        str(token).removeprefix(f"{GP_SERVICE_SYSTEM}|") for token in asked.get("visit-type", ())
    ]
    gps = read_patient_gps(context.store, context.rights.patient)
    return [
        service
        for gp in gps
        if _is_asked_for(gp, asked)
        for kind in _BOOKABLE.intersection(kinds or _BOOKABLE)
        for service in gp.available_services(kind, now)
    ]


def _is_asked_for(gp: GpRole, asked: Mapping[str, list[Any]]) -> bool:
    """Return whether a GP is among the actors of each type that is asked for."""
    return all(
        {each.get("reference") for each in asked[name] if isinstance(each, dict)}.intersection(
            references_at(gp.role, path)
        )
        for name, path in _ACTOR_PATHS.items()
        if name in asked
    )


def _read_free_slots(
    context: RequestContext, services: Sequence[str], start: datetime, end: datetime
) -> Iterator[Resource]:
    """Yield the free Slots of these services in order of time, without those that are held."""
    now = context.server.clock.now()
    query = [
        ("schedule.actor", ",".join(services)),
        ("status", "free"),
        ("start", f"ge{max(start, now).isoformat()}"),
        ("start", f"lt{end.isoformat()}"),
    ]
    found = read_matches(context, "Slot", query)
    for slot in sorted(found, key=lambda each: parse_instant(each["start"])):
        if find_holder(context.store, reference_to(slot), now) is None:
            yield slot


def _propose(context: RequestContext, slot: Resource) -> Resource:
    """Return the proposed Appointment for a Slot."""
    schedule = context.store.get("Schedule", id_of(slot["schedule"]["reference"])) or {}
    service = slot.get("serviceType") or schedule.get("serviceType")
    actors = [each["reference"] for each in schedule.get("actor", ())]
    copied: Resource = {
        name: slot[name] for name in ("start", "end", "appointmentType") if name in slot
    }
    return {
        "resourceType": "Appointment",
        "id": f"{_PROPOSED}{slot['id']}",
        "status": "proposed",
        **({"serviceType": service} if service else {}),
        **copied,
        "slot": [{"reference": reference_to(slot)}],
        "participant": [
            {"actor": {"reference": actor}, "status": "needs-action"}
            for actor in (context.rights.patient_reference, *actors)
        ],
    }


def _hold(context: RequestContext, slot: Resource) -> bool:
    """Hold a Slot for the patient; return whether it is free, to come, and held by nobody else."""
    now = context.server.clock.now()
    is_free = slot["status"] == "free" and parse_instant(slot["start"]) > now
    return is_free and hold_slot(context.store, reference_to(slot), context.rights.patient, now)


def _create_booking(context: RequestContext, appointment: Resource) -> Resource:
    """Create the Appointment by the rules of booking mode `post`."""
    if appointment.get("status") != "pending" or "slot" not in appointment:
        raise unprocessable("What is booked here is pending, with its slot.", "Appointment.status")
    by_post = replace(context, server=replace(context.server, booking="post"))
    booked = create(by_post, "Appointment", appointment).resource
    return booked or {}


def _searchset_result(
    matches: Sequence[Resource], context: RequestContext, *, with_included: bool = True
) -> InteractionResult:
    entries = [_entry(context, each, "match") for each in matches]
    if with_included:
        entries += [_entry(context, each, "include") for each in _read_actors(context, matches)]
    return _bundle_result(len(matches), entries)


def _outcome_result(outcome: Resource) -> InteractionResult:
    return _bundle_result(0, [{"resource": outcome, "search": {"mode": "outcome"}}])


def _bundle_result(total: int, entries: list[Resource]) -> InteractionResult:
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": total}
    return InteractionResult(200, bundle | ({"entry": entries} if entries else {}))


def _entry(context: RequestContext, resource: Resource, mode: str) -> Resource:
    address = f"{context.base}/{reference_to(resource)}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": mode}}


def _read_actors(context: RequestContext, matches: Iterable[Resource]) -> Iterator[Resource]:
    """Yield whom the proposed Appointments are with, for their names."""
    references = {ref for each in matches for ref in references_at(each, "participant.actor")}
    roles = [each for each in references if each.startswith("PractitionerRole/")]
    found = [context.store.get("PractitionerRole", id_of(role)) or {} for role in roles]
    references.update(each for role in found for each in references_at(role, "practitioner"))
    for reference in sorted(references - {context.rights.patient_reference}):
        type_, _, id_ = reference.partition("/")
        resource = context.store.get(type_, id_) if context.can_include(type_) else None
        if resource is not None:
            yield resource
