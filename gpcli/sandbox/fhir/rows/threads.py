"""Messages, the threads they stand in, and what is attached to them."""

from collections.abc import Mapping

from gpcli.sandbox.fhir.parameters import date, reference, string, token, uri
from gpcli.sandbox.fhir.rows.served import HL7, IDENTIFIER, Served

_AUTHORS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson")

THREADS: Mapping[str, Served] = {
    "Communication": Served(
        IDENTIFIER
        | {
            "attachment": uri("payload.contentAttachment.url"),
            "based-on": reference("basedOn", "Appointment", "MedicationRequest", "Task"),
            "category": token("category"),
            "medium": token("medium"),
            "part-of": reference("partOf", "Communication", "Appointment", "Task"),
            "patient": reference("subject", "Patient"),
            "received": date("received"),
            "recipient": reference("recipient", *_AUTHORS, "HealthcareService"),
            "sender": reference("sender", *_AUTHORS, "HealthcareService"),
            "sent": date("sent"),
            "status": token("status", system=f"{HL7}/event-status"),
            "subject": reference("subject", "Patient"),
        },
        letters="crus",
        compartment="patient",
        full_access=True,
    ),
    "DocumentReference": Served(
        IDENTIFIER
        | {
            "author": reference("author", *_AUTHORS),
            "category": token("category"),
            "contenttype": token("content.attachment.contentType", system="urn:ietf:bcp:13"),
            "custodian": reference("custodian", "Organization"),
            "date": date("date"),
            "description": string("description"),
            "format": token("content.format"),
            "location": uri("content.attachment.url"),
            "patient": reference("subject", "Patient"),
            "period": date("context.period"),
            "related": reference("context.related", "Appointment", "Communication"),
            "security-label": token("securityLabel"),
            "status": token("status", system=f"{HL7}/document-reference-status"),
            "subject": reference("subject", "Patient", "Practitioner"),
            "type": token("type"),
        },
        letters="crs",
        compartment="patient",
        full_access=True,
    ),
    "Binary": Served(
        {"security-context": reference("securityContext", "Patient")},
        letters="cr",
        compartment="security-context",
        full_access=True,
        kept_by=(("Communication", "attachment"), ("DocumentReference", "location")),
    ),
}
"""What patients and surgeries write to each other.

R4 has no parameter `Communication.attachment`; the portal needs it to tell whose a Binary is.
"""
