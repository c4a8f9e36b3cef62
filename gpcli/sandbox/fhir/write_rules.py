"""Apply the portal's rules to what patients write, by resource type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpcli.sandbox.fhir.appointment_rules import (
    create_appointment,
    delete_open_enquiries,
    update_appointment,
)
from gpcli.sandbox.fhir.communication_rules import create_communication, update_communication
from gpcli.sandbox.fhir.elements import (
    Resource,
    attachments_in,
    changed_elements,
    codes,
    id_of,
    reference_to,
    references_at,
    values_at,
)
from gpcli.sandbox.fhir.gp_services import (
    GpRole,
    decode_base64,
    read_patient_gps,
    require_offering,
    service_limits,
)
from gpcli.sandbox.fhir.operation_outcome import FhirError, forbidden, unprocessable
from gpcli.sandbox.fhir.request_context import (
    CONSENT_LEVEL_SYSTEM,
    CONSENT_LEVELS,
    RequestContext,
    has_full_access,
)
from gpcli.sandbox.surgery.renewal_answers import (
    OPEN_TASK_STATUSES,
    RENEWAL_CODE,
    SNOMED,
    renewal_obstacle,
)

_WITHDRAWABLE_STATUSES = ("requested", "received")
_RENEWAL_SERVICE = "prescription-renewal"
_WITHDRAWING_ELEMENTS = {"status", "statusReason", "lastModified"}
CreateRule = Callable[[RequestContext, Resource], Resource]
"""Turns the submitted resource into the stored one; raises FhirError."""
UpdateRule = Callable[[RequestContext, Resource, Resource], Resource]
"""Turns the stored and the submitted resource into the next version; raises FhirError."""


def create_binary(context: RequestContext, sent: Resource) -> Resource:
    """Store a Binary as the patient's own, and return it.

    Raises:
        FhirError: 403 (for another patient), or 422 (no data, or not base64).
    """
    if "data" not in sent:
        raise unprocessable("A Binary without data is of no use.", "Binary.data")
    decode_base64(sent, "Binary.data")
    if references_at(sent, "securityContext") not in ([], [context.rights.patient_reference]):
        raise forbidden("What you store is yours: its securityContext is the patient.")
    return context.store.insert(
        sent | {"securityContext": {"reference": context.rights.patient_reference}}
    )


def create_document_reference(context: RequestContext, sent: Resource) -> Resource:
    """Store a DocumentReference about what the patient sends, and return it.

    Raises:
        FhirError: 403 (another subject or author), or 422.
    """
    if references_at(sent, "subject") != [context.rights.patient_reference]:
        raise forbidden("A document of yours must have you as its subject.")
    if references_at(sent, "author") not in ([], [context.rights.fhir_user]):
        raise forbidden("The author of a document is whoever is signed in.")
    if sent["status"] != "current":
        raise unprocessable("A new document is current.", "DocumentReference.status")
    for attachment in attachments_in(sent):
        if not {"data", "url"} & attachment.keys():
            expression = "DocumentReference.content.attachment"
            raise unprocessable("An attachment has data or a url.", expression)
        decode_base64(attachment, "DocumentReference.content.attachment")
    return context.store.insert(sent)


def create_task(context: RequestContext, sent: Resource) -> Resource:
    """Store a request for renewal, and return the Task as it is then.

    Raises:
        FhirError: 403 (another patient or requester, `service-off`), 404 (no such prescription), or
            422 (`not-renewable`, already requested, wrong form).
    """
    _require_own_task(context, sent)
    _require_renewal(sent)
    prescription = _read_prescription(context, sent)
    _require_service(context, sent, prescription)
    obstacle = renewal_obstacle(context.store, prescription, context.server.clock.now())
    if obstacle:
        raise unprocessable(obstacle, "Task.focus", reason="not-renewable")
    _require_no_open_request(context, prescription)
    stored = context.store.insert({"authoredOn": _timestamp(context)} | sent)
    context.server.surgery.enqueue(stored)
    return context.store.get("Task", stored["id"]) or stored


def update_task(context: RequestContext, stored: Resource, sent: Resource) -> Resource:
    """Withdraw a request for renewal, the only change that patients may make.

    Raises:
        FhirError: 422 (`already-answered`, or other elements differ).
    """
    changed = set(changed_elements(stored, sent))
    if not changed:
        return stored
    if "status" in changed and stored["status"] not in _WITHDRAWABLE_STATUSES:
        text = f"This request is {stored['status']}: it can't be withdrawn."
        raise unprocessable(text, "Task.status", reason="already-answered")
    if not changed <= _WITHDRAWING_ELEMENTS or sent["status"] != "cancelled":
        text = "All you can change is to withdraw: status cancelled."
        raise unprocessable(text, *sorted(f"Task.{name}" for name in changed))
    context.server.surgery.cancel(reference_to(stored))
    changes = {name: sent[name] for name in ("status", "statusReason") if name in sent}
    return context.store.put(stored | {"lastModified": _timestamp(context)} | changes)


def _timestamp(context: RequestContext) -> str:
    return context.server.clock.local().isoformat(timespec="seconds")


def _require_own_task(context: RequestContext, sent: Resource) -> None:
    if references_at(sent, "for") != [context.rights.patient_reference]:
        raise forbidden("A request of yours must be for you.")
    if references_at(sent, "requester") != [context.rights.fhir_user]:
        raise forbidden("The requester is whoever is signed in.")


def _require_renewal(sent: Resource) -> None:
    if RENEWAL_CODE not in codes(sent.get("code"), SNOMED):
        text = f"What can be asked for is a renewal: {SNOMED}|{RENEWAL_CODE}."
        raise unprocessable(text, "Task.code")
    if (sent["status"], sent["intent"]) != ("requested", "order"):
        raise unprocessable("A new request is requested, an order.", "Task.status", "Task.intent")


def _read_prescription(context: RequestContext, sent: Resource) -> Resource:
    named = references_at(sent, "focus", "MedicationRequest")
    found = context.store.get("MedicationRequest", id_of(named[0])) if named else None
    if found is None:
        raise unprocessable("Name the prescription as its focus.", "Task.focus")
    return found


def _require_service(context: RequestContext, sent: Resource, prescription: Resource) -> None:
    """Raise 403 `service-off` unless the GP renews online, 422 if the note is too long."""
    now = context.server.clock.now()
    offering_gps = require_offering(
        _read_requested_gps(context, sent, prescription), [_RENEWAL_SERVICE], now
    )
    limits = service_limits(
        each for gp in offering_gps for each in gp.available_services(_RENEWAL_SERVICE, now)
    )
    limits.require_text_length("\n".join(values_at(sent, "note.text")), "Task.note")


def _read_requested_gps(
    context: RequestContext, sent: Resource, prescription: Resource
) -> list[GpRole]:
    """Return the patient's GPs to ask: the owner, else the prescriber, else all."""
    gps = read_patient_gps(context.store, context.rights.patient)
    owners = references_at(sent, "owner")
    if owners:
        return [gp for gp in gps if gp.reference in owners]
    prescribers = references_at(prescription, "requester")
    return [gp for gp in gps if _is_prescriber(gp, prescribers)] or gps


def _is_prescriber(gp: GpRole, prescribers: list[str]) -> bool:
    return bool({gp.reference, *references_at(gp.role, "practitioner")} & set(prescribers))


def _require_no_open_request(context: RequestContext, prescription: Resource) -> None:
    tasks = context.store.find("Task", focus=reference_to(prescription))
    if any(
        each["status"] in OPEN_TASK_STATUSES and RENEWAL_CODE in codes(each.get("code"), SNOMED)
        for each in tasks
    ):
        text = "You have asked for this already: the surgery has yet to answer."
        raise unprocessable(text, "Task.focus")


@dataclass(frozen=True)
class WriteRules:
    """How patients' apps may create and update resources of a type."""

    create: CreateRule
    update: UpdateRule


def _create_consent(context: RequestContext, sent: Resource) -> Resource:
    _require_patient_signed_in(context)
    if references_at(sent, "patient") != [context.rights.patient_reference]:
        raise forbidden("You can only consent for yourself.")
    levels = codes(sent.get("policyRule"), CONSENT_LEVEL_SYSTEM)
    if sent["status"] != "active" or len(levels) != 1 or levels[0] not in CONSENT_LEVELS:
        text = f"A consent is active and for one level: {', '.join(CONSENT_LEVELS)}."
        raise unprocessable(text, "Consent.policyRule")
    return context.store.insert(sent)


def _update_consent(context: RequestContext, stored: Resource, sent: Resource) -> Resource:
    _require_patient_signed_in(context)
    changed = changed_elements(stored, sent)
    if not changed:
        return stored
    if changed != ["status"] or (stored["status"], sent["status"]) != ("active", "inactive"):
        raise unprocessable("All you can change is to withdraw: status inactive.", "Consent.status")
    had_full_access = has_full_access(context.store, context.rights.patient)
    updated = context.store.put(stored | {"status": "inactive"})
    if had_full_access and not has_full_access(context.store, context.rights.patient):
        delete_open_enquiries(context)
    return updated


def _require_patient_signed_in(context: RequestContext) -> None:
    if context.rights.fhir_user != context.rights.patient_reference:
        raise forbidden("Only the patient can give or withdraw consent, nobody on their behalf.")


def _update_slot(context: RequestContext, stored: Resource, sent: Resource) -> Resource:
    """Set a slot busy that the patient has booked, in booking mode `transaction`.

    In other modes the portal has done so, and nothing is stored. A slot that is free, since the
    booking was cancelled, can be put as free.
    """
    changed = changed_elements(stored, sent)
    is_left_to_apps = context.server.booking == "transaction"
    if is_left_to_apps and not changed and stored["status"] == "free":
        return stored
    if changed not in ([], ["status"]) or not sent["status"].startswith("busy"):
        raise unprocessable("All you can do to a time is to book it.", "Slot.status")
    booked = context.store.find(
        "Appointment", slot=reference_to(stored), patient=context.rights.patient_reference
    )
    if not any(each["status"] in ("pending", "booked") for each in booked):
        raise unprocessable("A time is taken by booking it in an Appointment.", "Slot.status")
    if not is_left_to_apps or stored["status"] != "free":
        return stored
    return context.store.put(stored | {"status": sent["status"]})


def _reject_create(context: RequestContext, sent: Resource) -> Resource:
    raise FhirError(405, "not-supported", f"Apps do not create {sent['resourceType']} here.")


def _reject_update(context: RequestContext, stored: Resource, sent: Resource) -> Resource:
    raise FhirError(405, "not-supported", f"Apps do not change {sent['resourceType']} here.")


WRITE_RULES: Mapping[str, WriteRules] = {
    "Appointment": WriteRules(create_appointment, update_appointment),
    "Binary": WriteRules(create_binary, _reject_update),
    "Communication": WriteRules(create_communication, update_communication),
    "Consent": WriteRules(_create_consent, _update_consent),
    "DocumentReference": WriteRules(create_document_reference, _reject_update),
    "Slot": WriteRules(_reject_create, _update_slot),
    "Task": WriteRules(create_task, update_task),
}
"""The rules of each type that patients' apps may write."""
