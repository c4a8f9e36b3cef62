"""Prescriptions, what was handed out on them, and requests to renew them."""

from collections.abc import Mapping

from gpcli.sandbox.fhir.parameters import date, reference, token
from gpcli.sandbox.fhir.rows.served import HL7, IDENTIFIER, Served

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_PRESCRIBERS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson")

MEDICINES: Mapping[str, Served] = {
    "MedicationRequest": Served(
        IDENTIFIER
        | {
            "authoredon": date("authoredOn"),
            "category": token("category"),
            "code": token("medicationCodeableConcept"),
            "date": date("dosageInstruction.timing.event"),
            "intended-dispenser": reference("dispenseRequest.performer", "Organization"),
            "intent": token("intent", system=f"{HL7}/CodeSystem/medicationrequest-intent"),
            "medication": reference("medicationReference", "Medication"),
            "patient": reference("subject", "Patient"),
            "priority": token("priority", system=f"{HL7}/request-priority"),
            "requester": reference("requester", *_PRESCRIBERS),
            "status": token("status", system=f"{HL7}/CodeSystem/medicationrequest-status"),
            "subject": reference("subject", "Patient"),
        },
        compartment="patient",
        full_access=True,
    ),
    "Medication": Served(
        IDENTIFIER
        | {
            "code": token("code"),
            "expiration-date": date("batch.expirationDate"),
            "form": token("form"),
            "ingredient": reference("ingredient.itemReference", "Medication"),
            "ingredient-code": token("ingredient.itemCodeableConcept"),
            "lot-number": token("batch.lotNumber"),
            "manufacturer": reference("manufacturer", "Organization"),
            "status": token("status", system=f"{HL7}/CodeSystem/medication-status"),
        },
        full_access=True,
    ),
    "MedicationDispense": Served(
        IDENTIFIER
        | {
            "code": token("medicationCodeableConcept"),
            "destination": reference("destination", "Location"),
            "medication": reference("medicationReference", "Medication"),
            "patient": reference("subject", "Patient"),
            "performer": reference("performer.actor", *_PRESCRIBERS),
            "prescription": reference("authorizingPrescription", "MedicationRequest"),
            "receiver": reference("receiver", "Patient", "Practitioner"),
            "status": token("status", system=f"{_TERMINOLOGY}/medicationdispense-status"),
            "subject": reference("subject", "Patient"),
            "type": token("type"),
            "whenhandedover": date("whenHandedOver"),
            "whenprepared": date("whenPrepared"),
        },
        compartment="patient",
        full_access=True,
    ),
    "Task": Served(
        IDENTIFIER
        | {
            "authored-on": date("authoredOn"),
            "based-on": reference("basedOn", "Appointment", "MedicationRequest"),
            "business-status": token("businessStatus"),
            "code": token("code"),
            "focus": reference("focus", "MedicationRequest", "Appointment", "Communication"),
            "group-identifier": token("groupIdentifier"),
            "intent": token("intent", system=f"{HL7}/task-intent"),
            "modified": date("lastModified"),
            "owner": reference("owner", *_PRESCRIBERS, "HealthcareService"),
            "part-of": reference("partOf", "Task"),
            "patient": reference("for", "Patient"),
            "performer": token("performerType"),
            "period": date("executionPeriod"),
            "priority": token("priority", system=f"{HL7}/request-priority"),
            "requester": reference("requester", *_PRESCRIBERS),
            "status": token("status", system=f"{HL7}/task-status"),
            "subject": reference("for", "Patient"),
        },
        letters="crus",
        compartment="patient",
        full_access=True,
    ),
}
"""What is prescribed, and what is asked for."""
