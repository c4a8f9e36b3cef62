"""The modifier elements of R4, in the types that gpcli reads, and what reads each of them.

`gpcli.fhir.modifiers.DECIDING_CODES` has those of them that are codes, with the codes.

`tests/real` compares this table with R4's own definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.communication import Reader, read_message
from gpcli.fhir.contact_details import ContactDetails, read_contact_details
from gpcli.fhir.documents import read_content
from gpcli.fhir.element import read_resource
from gpcli.fhir.general_practitioner import read_surgery
from gpcli.fhir.healthcare_service import is_in_force, read_offers, read_prices
from gpcli.fhir.medication import Dispense, Medicine, read_dispense, read_medicine
from gpcli.fhir.medication_request import read_prescription, read_renewal
from gpcli.fhir.patient import (
    Owner,
    read_identifiers,
    read_name,
    read_person_remark,
    read_record_flaw,
    read_record_remarks,
    read_vaccination,
)
from gpcli.fhir.schedule import read_slot
from gpcli.fhir.scheduling import read_appointment
from gpcli.model.appointment import Appointment, Slot, Vaccination
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.service import Offer, PriceRule, Surgery
from gpcli.model.thread import Attachment, Message
from gpcli.portal.capabilities import Capabilities, read_capabilities
from tests.portal.builders import (
    a_bundle,
    a_capability,
    a_capability_statement,
    a_consent,
    a_flag,
    a_part,
    a_patient,
    a_price,
    a_rate,
    a_role,
    a_schedule,
    a_searchset,
    a_service,
    a_slot,
    an_appointment,
    an_immunization,
    an_organization,
    concept,
    ref,
)
from tests.portal.communications import a_document, a_message
from tests.portal.medicines import a_dispense, a_medication, a_request, a_task

ZONE = "Europe/Oslo"
NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo(ZONE))
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"


@dataclass(frozen=True)
class Modifier:
    """A modifier element: two values of it that R4 has, and what gpcli reads with one of them."""

    usual: Any
    other: Any
    read: Callable[[Any], object]


def read_patient(**more: Any) -> tuple[list[str], str | None]:
    patient = read_resource(a_patient(**more))
    return list(read_record_remarks(patient)), read_record_flaw(patient)


def read_gp(*included: dict) -> Surgery | None:
    bundle = a_bundle(a_patient(ref("PractitionerRole/role-1")), included=included)
    (patient,) = bundle.matches
    return read_surgery(bundle, patient, patient.children("generalPractitioner")[0], NOW)


def read_location(status: str) -> Surgery | None:
    place = {"resourceType": "Location", "id": "1", "status": status, "address": {"text": "Oslo"}}
    return read_gp(a_role(location=[ref("Location/1")]), place)


def read_service(**more: Any) -> tuple[Offer, ...]:
    return read_offers(read_resource(a_service(**more)), Surgery("1", None, None), {}, NOW)


def read_rule(**more: Any) -> PriceRule | None:
    rate = a_rate(a_part("base", 100))
    return next(iter(read_prices(read_resource(a_price("booking", rate, **more)), {}, NOW)), None)


def read_shot(**more: Any) -> Vaccination | None:
    return read_vaccination(read_resource(an_immunization({}, **more)))


def counts(**more: Any) -> bool:
    return is_in_force(read_resource(a_consent(**more)), NOW)


def read_contacts(**more: Any) -> ContactDetails:
    return read_contact_details([read_resource(an_organization(**more))], NOW)


def context_with(comparator: str | None) -> dict[str, Any]:
    quantity = {"value": 16, "unit": "years", "comparator": comparator}
    return {"useContext": [{"code": {"code": "age"}, "valueQuantity": quantity}]}


def read_names(use: str) -> str | None:
    names = [{"use": use, "text": "Kari Holm"}, {"text": "Kari Dahl"}]
    return read_name(read_resource(a_patient(name=names)), NOW)


def read_booking(*included: dict, **more: Any) -> Appointment:
    bundle = a_bundle(an_appointment(**more), included=included)
    return read_appointment(bundle.matches[0], bundle, {}, {}, ZONE)


def read_answer(status: str) -> str | None:
    answer = {
        "resourceType": "AppointmentResponse",
        "id": "1",
        "appointment": ref("Appointment/visit-1"),
        "participantStatus": status,
        "comment": "Monday at nine",
    }
    return read_booking(answer).answer


def read_deadline(status: str) -> datetime | None:
    flag = a_flag(status=status)
    return read_booking(contained=[flag], supportingInformation=[ref("#until")]).cancel_until


def read_time(**more: Any) -> Slot:
    bundle = a_bundle(a_slot(), included=[a_schedule("Practitioner/lege") | more])
    return read_slot(bundle.matches[0], bundle, {}, {}, ZONE)


def read_statement(status: str) -> Capabilities:
    listed = a_capability_statement(a_capability("Slot", "read"), status=status)
    return read_capabilities(read_resource(listed))


def read_words(**more: Any) -> Message:
    reader = Reader(None, lambda _: Owner.PATIENT, lambda _: False)
    return read_message(read_resource(a_message(**more)), Bundle(), reader, "thread-1")


def read_files(*included: dict) -> tuple[Attachment, ...]:
    (record,) = included
    target = ref(f"{record['resourceType']}/{record['id']}")
    bundle = a_bundle(a_message(payload=[{"contentReference": target}]), included=included)
    return read_content(bundle.matches[0], bundle).attachments


def read_photo(status: str) -> tuple[Attachment, ...]:
    photo = {"contentType": "image/png", "data": "QUJD"}
    return read_files({"resourceType": "Media", "id": "1", "status": status, "content": photo})


def read_drug(status: str) -> Medicine:
    bundle = read_bundle(a_searchset(included=[a_medication(status=status)]), [])
    return read_medicine(read_resource(a_request(), []), bundle)


def read_dispensed(status: str) -> Dispense:
    return read_dispense(read_resource(a_dispense(status=status)))


def read_order(**more: Any) -> Prescription:
    return read_prescription(read_resource(a_request(**more)), Bundle(), [], ZONE, NOW)


def read_task(status: str) -> Renewal:
    return read_renewal(read_resource(a_task(status=status)), {}, Bundle(), ZONE)


MODIFIERS: dict[str, Modifier] = {
    "Address.use": Modifier(
        "work", "old", lambda use: read_contacts(address=[{"use": use, "text": "Oslo"}])
    ),
    "Appointment.status": Modifier(
        "booked", "cancelled", lambda status: read_booking(status=status).is_over
    ),
    "AppointmentResponse.participantStatus": Modifier("accepted", "declined", read_answer),
    "CapabilityStatement.status": Modifier("active", "retired", read_statement),
    "ChargeItemDefinition.status": Modifier(
        "active", "retired", lambda status: read_rule(status=status)
    ),
    "Communication.status": Modifier(
        "completed", "entered-in-error", lambda status: read_words(status=status).text
    ),
    "Consent.scope": Modifier(
        concept("patient-privacy", SCOPE),
        concept("research", SCOPE),
        lambda scope: counts(scope=scope),
    ),
    "Consent.status": Modifier("active", "inactive", lambda status: counts(status=status)),
    "ContactPoint.use": Modifier(
        "work", "old", lambda use: read_contacts(telecom=[{"use": use, "value": "1"}])
    ),
    "DocumentReference.status": Modifier(
        "current",
        "entered-in-error",
        lambda status: [each.is_withdrawn for each in read_files(a_document(status=status))],
    ),
    "Flag.status": Modifier("active", "inactive", read_deadline),
    "HealthcareService.active": Modifier(True, False, lambda value: read_service(active=value)),
    "HumanName.use": Modifier("usual", "old", read_names),
    "Identifier.use": Modifier(
        "official",
        "old",
        lambda use: read_identifiers(
            read_resource(a_patient(identifier=[{"system": "urn:x", "value": "1", "use": use}])),
            NOW,
        ),
    ),
    "Immunization.isSubpotent": Modifier(False, True, lambda value: read_shot(isSubpotent=value)),
    "Immunization.status": Modifier(
        "completed", "entered-in-error", lambda status: read_shot(status=status)
    ),
    "Location.status": Modifier("active", "inactive", read_location),
    "Media.status": Modifier(
        "completed",
        "entered-in-error",
        lambda status: [each.is_withdrawn for each in read_photo(status)],
    ),
    "Medication.status": Modifier("active", "entered-in-error", read_drug),
    "MedicationDispense.status": Modifier(
        "completed", "cancelled", lambda status: read_dispensed(status).completed
    ),
    "MedicationRequest.doNotPerform": Modifier(
        False, True, lambda value: read_order(doNotPerform=value).do_not_take
    ),
    "MedicationRequest.intent": Modifier(
        "order", "proposal", lambda intent: read_order(intent=intent).is_prescribed
    ),
    "MedicationRequest.status": Modifier(
        "active", "entered-in-error", lambda status: read_order(status=status).is_prescribed
    ),
    "Organization.active": Modifier(
        True, False, lambda value: read_gp(a_role(), an_organization(active=value))
    ),
    "Patient.active": Modifier(True, False, lambda value: read_patient(active=value)),
    "Patient.deceased[x]": Modifier(False, True, lambda value: read_patient(deceasedBoolean=value)),
    "Patient.link": Modifier(
        "replaces",
        "replaced-by",
        lambda kind: read_patient(link=[{"type": kind, "other": ref("Patient/2")}]),
    ),
    "Quantity.comparator": Modifier(None, "<", lambda sign: read_rule(**context_with(sign))),
    "RelatedPerson.active": Modifier(
        True,
        False,
        lambda value: read_person_remark(
            read_resource({"resourceType": "RelatedPerson", "id": "1", "active": value})
        ),
    ),
    "Schedule.active": Modifier(True, False, lambda value: read_time(active=value).status),
    "Task.status": Modifier("requested", "completed", lambda status: read_task(status).is_open),
}
"""The elements, as R4 names them."""

UNREAD = frozenset({"Age.comparator", "Count.comparator", "Distance.comparator"})
"""Modifiers of datatypes of which gpcli reads no element."""

IN_OTHER_ROWS = frozenset({"Duration.comparator"})
"""Modifiers that a datatype has from Quantity, and is read as one."""

READ_TYPES = (
    "Appointment",
    "AppointmentResponse",
    "Binary",
    "Bundle",
    "CapabilityStatement",
    "ChargeItemDefinition",
    "Communication",
    "Consent",
    "DocumentReference",
    "Flag",
    "HealthcareService",
    "Immunization",
    "Location",
    "Media",
    "Medication",
    "MedicationDispense",
    "MedicationRequest",
    "OperationOutcome",
    "Organization",
    "Parameters",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
    "Schedule",
    "Slot",
    "Task",
)
"""The resource types of which gpcli reads elements."""

NAMED_TYPES = frozenset({"Device", "Group"})
"""Those that the code names and of which it reads no element: who takes part, or is written to."""
