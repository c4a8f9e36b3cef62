"""What the record says of the patient, and what the patient has agreed to."""

from collections.abc import Mapping

from gpcli.sandbox.fhir.parameters import date, reference, string, token
from gpcli.sandbox.fhir.rows.served import HL7, IDENTIFIER, Served

_PERFORMERS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson")

RECORD: Mapping[str, Served] = {
    "Immunization": Served(
        IDENTIFIER
        | {
            "date": date("occurrenceDateTime"),
            "location": reference("location", "Location"),
            "lot-number": string("lotNumber"),
            "patient": reference("patient", "Patient"),
            "performer": reference(
                "performer.actor", "Practitioner", "PractitionerRole", "Organization"
            ),
            "status": token("status", system=f"{HL7}/event-status"),
            "target-disease": token("protocolApplied.targetDisease"),
            "vaccine-code": token("vaccineCode"),
        },
        compartment="patient",
        full_access=True,
    ),
    "Consent": Served(
        IDENTIFIER
        | {
            "category": token("category"),
            "consentor": reference("performer", "Patient", "RelatedPerson", "Practitioner"),
            "date": date("dateTime"),
            "organization": reference("organization", "Organization"),
            "patient": reference("patient", "Patient"),
            "period": date("provision.period"),
            "scope": token("scope"),
            "status": token("status", system=f"{HL7}/consent-state-codes"),
        },
        letters="crus",
        compartment="patient",
    ),
    "Observation": Served(
        IDENTIFIER
        | {
            "category": token("category"),
            "code": token("code"),
            "data-absent-reason": token("dataAbsentReason"),
            "date": date("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
            "derived-from": reference("derivedFrom", "DocumentReference", "Observation"),
            "has-member": reference("hasMember", "Observation"),
            "method": token("method"),
            "part-of": reference("partOf", "Immunization", "MedicationDispense"),
            "patient": reference("subject", "Patient"),
            "performer": reference("performer", *_PERFORMERS),
            "status": token("status", system=f"{HL7}/observation-status"),
            "subject": reference("subject", "Patient", "Location"),
            "value-concept": token("valueCodeableConcept"),
            "value-date": date("valueDateTime", "valuePeriod"),
            "value-string": string("valueString"),
        },
        compartment="patient",
        full_access=True,
    ),
}
"""Findings, vaccinations and consents."""
