"""Define the served resource types: search parameters, interactions and compartments, as data.

Source: FHIR R4, searchparameter-registry.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ParameterType = Literal["token", "reference", "date", "string", "uri"]


@dataclass(frozen=True)
class SearchParameter:
    """A search parameter.

    `type` is the search parameter type, `paths` are the elements with its values, `targets` the
    types that a reference may have, `system` the code system that a plain `code` element implies.
    """

    type: ParameterType
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()
    system: str = ""


def token(*paths: str, system: str = "") -> SearchParameter:
    """Define a token parameter; `system` is the code system of a plain code."""
    return SearchParameter("token", paths, system=system)


def reference(path: str, *targets: str) -> SearchParameter:
    """Define a reference parameter with its target types."""
    return SearchParameter("reference", (path,), targets)


def date(*paths: str) -> SearchParameter:
    """Define a date parameter, for dates, instants and Periods."""
    return SearchParameter("date", paths)


def string(*paths: str) -> SearchParameter:
    """Define a string parameter, for texts, HumanNames and Addresses."""
    return SearchParameter("string", paths)


def uri(*paths: str) -> SearchParameter:
    """Define a uri parameter, compared as a whole."""
    return SearchParameter("uri", paths)


_AGENTS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson")
HL7 = "http://hl7.org/fhir"
"""The prefix of R4's code systems for plain codes."""
IDENTIFIER: dict[str, SearchParameter] = {"identifier": token("identifier")}
"""The parameter that nearly every type has."""


@dataclass(frozen=True)
class ResourceType:
    """How the portal serves a resource type.

    `interactions` are those open to patients' apps, as letters of `cruds`. `compartment` is the
    parameter that selects the patient's own resources, empty if all patients share the type.
    `needs_full_access` is whether consent to Full Access is required. `referenced_by` are pairs of
    type and parameter; a resource that one of the patient's own resources references in this way is
    visible to the patient too.
    """

    parameters: Mapping[str, SearchParameter] = field(default_factory=dict)
    interactions: str = "rs"
    compartment: str = ""
    needs_full_access: bool = False
    referenced_by: tuple[tuple[str, str], ...] = ()


_PERSON = {
    "identifier": token("identifier"),
    "name": string("name"),
    "telecom": token("telecom"),
    "gender": token("gender", system=f"{HL7}/administrative-gender"),
    "address": string("address"),
    "active": token("active"),
}
_FULL_NAME = {"family": string("name.family"), "given": string("name.given")}

_DIRECTORY: Mapping[str, ResourceType] = {
    "Patient": ResourceType(
        _PERSON
        | _FULL_NAME
        | {
            "birthdate": date("birthDate"),
            "general-practitioner": reference(
                "generalPractitioner", "PractitionerRole", "Practitioner", "Organization"
            ),
            "organization": reference("managingOrganization", "Organization"),
        },
        compartment="_id",
    ),
    "RelatedPerson": ResourceType(
        _PERSON
        | {
            "birthdate": date("birthDate"),
            "patient": reference("patient", "Patient"),
            "relationship": token("relationship"),
        },
        compartment="patient",
    ),
    "Practitioner": ResourceType(_PERSON | _FULL_NAME),
    "PractitionerRole": ResourceType(
        IDENTIFIER
        | {
            "active": token("active"),
            "date": date("period"),
            "location": reference("location", "Location"),
            "organization": reference("organization", "Organization"),
            "practitioner": reference("practitioner", "Practitioner"),
            "role": token("code"),
            "service": reference("healthcareService", "HealthcareService"),
            "specialty": token("specialty"),
            "telecom": token("telecom"),
        }
    ),
    "Organization": ResourceType(
        IDENTIFIER
        | {
            "active": token("active"),
            "address": string("address"),
            "name": string("name", "alias"),
            "partof": reference("partOf", "Organization"),
            "type": token("type"),
        }
    ),
    "Location": ResourceType(
        IDENTIFIER
        | {
            "address": string("address"),
            "name": string("name", "alias"),
            "organization": reference("managingOrganization", "Organization"),
            "partof": reference("partOf", "Location"),
            "status": token("status", system=f"{HL7}/location-status"),
            "type": token("type"),
        }
    ),
    "HealthcareService": ResourceType(
        IDENTIFIER
        | {
            "active": token("active"),
            "characteristic": token("characteristic"),
            "location": reference("location", "Location"),
            "name": string("name"),
            "organization": reference("providedBy", "Organization"),
            "service-category": token("category"),
            "service-type": token("type"),
            "specialty": token("specialty"),
        }
    ),
    "ChargeItemDefinition": ResourceType(
        IDENTIFIER
        | {
            "date": date("date"),
            "effective": date("effectivePeriod"),
            "publisher": string("publisher"),
            "status": token("status", system=f"{HL7}/publication-status"),
            "title": string("title"),
            "url": uri("url"),
            "version": token("version"),
        }
    ),
}
"""Patients, related persons, practitioners, organisations and what they offer."""


_ACTORS = (
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
    "HealthcareService",
    "Location",
)
_BOOKABLE = {
    "service-category": token("serviceCategory"),
    "service-type": token("serviceType"),
    "specialty": token("specialty"),
}
_PARTICIPATION = f"{HL7}/participationstatus"

_SCHEDULING: Mapping[str, ResourceType] = {
    "Schedule": ResourceType(
        IDENTIFIER
        | _BOOKABLE
        | {
            "active": token("active"),
            "actor": reference("actor", *_ACTORS),
            "date": date("planningHorizon"),
        },
        needs_full_access=True,
    ),
    "Slot": ResourceType(
        IDENTIFIER
        | _BOOKABLE
        | {
            "appointment-type": token("appointmentType"),
            "schedule": reference("schedule", "Schedule"),
            "start": date("start"),
            "status": token("status", system=f"{HL7}/slotstatus"),
        },
        interactions="rus",
        needs_full_access=True,
    ),
    "Appointment": ResourceType(
        IDENTIFIER
        | _BOOKABLE
        | {
            "actor": reference("participant.actor", *_ACTORS),
            "appointment-type": token("appointmentType"),
            "date": date("start"),
            "location": reference("participant.actor", "Location"),
            "part-status": token("participant.status", system=_PARTICIPATION),
            "patient": reference("participant.actor", "Patient"),
            "practitioner": reference("participant.actor", "Practitioner"),
            "reason-code": token("reasonCode"),
            "slot": reference("slot", "Slot"),
            "status": token("status", system=f"{HL7}/appointmentstatus"),
        },
        interactions="crus",
        compartment="patient",
        needs_full_access=True,
    ),
    "AppointmentResponse": ResourceType(
        IDENTIFIER
        | {
            "actor": reference("actor", *_ACTORS),
            "appointment": reference("appointment", "Appointment"),
            "location": reference("actor", "Location"),
            "part-status": token("participantStatus", system=_PARTICIPATION),
            "patient": reference("actor", "Patient"),
            "practitioner": reference("actor", "Practitioner"),
        },
        compartment="appointment.patient",
        needs_full_access=True,
    ),
}
"""Schedules, slots and appointments."""


_CLINICAL: Mapping[str, ResourceType] = {
    "Immunization": ResourceType(
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
        needs_full_access=True,
    ),
    "Consent": ResourceType(
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
        interactions="crus",
        compartment="patient",
    ),
    "Observation": ResourceType(
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
            "performer": reference("performer", *_AGENTS),
            "status": token("status", system=f"{HL7}/observation-status"),
            "subject": reference("subject", "Patient", "Location"),
            "value-concept": token("valueCodeableConcept"),
            "value-date": date("valueDateTime", "valuePeriod"),
            "value-string": string("valueString"),
        },
        compartment="patient",
        needs_full_access=True,
    ),
}
"""Observations, immunisations and consents."""


_MESSAGING: Mapping[str, ResourceType] = {
    "Communication": ResourceType(
        IDENTIFIER
        | {
            "attachment": uri("payload.contentAttachment.url"),
            "based-on": reference("basedOn", "Appointment", "MedicationRequest", "Task"),
            "category": token("category"),
            "medium": token("medium"),
            "part-of": reference("partOf", "Communication", "Appointment", "Task"),
            "patient": reference("subject", "Patient"),
            "received": date("received"),
            "recipient": reference("recipient", *_AGENTS, "HealthcareService"),
            "sender": reference("sender", *_AGENTS, "HealthcareService"),
            "sent": date("sent"),
            "status": token("status", system=f"{HL7}/event-status"),
            "subject": reference("subject", "Patient"),
        },
        interactions="crus",
        compartment="patient",
        needs_full_access=True,
    ),
    "DocumentReference": ResourceType(
        IDENTIFIER
        | {
            "author": reference("author", *_AGENTS),
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
        interactions="crs",
        compartment="patient",
        needs_full_access=True,
    ),
    "Binary": ResourceType(
        {"security-context": reference("securityContext", "Patient")},
        interactions="cr",
        compartment="security-context",
        needs_full_access=True,
        referenced_by=(("Communication", "attachment"), ("DocumentReference", "location")),
    ),
}
"""Messages and their attachments.

`Communication.attachment` is not in R4; it tells to which patient a Binary belongs.
"""


_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

_MEDICATION: Mapping[str, ResourceType] = {
    "MedicationRequest": ResourceType(
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
            "requester": reference("requester", *_AGENTS),
            "status": token("status", system=f"{HL7}/CodeSystem/medicationrequest-status"),
            "subject": reference("subject", "Patient"),
        },
        compartment="patient",
        needs_full_access=True,
    ),
    "Medication": ResourceType(
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
        needs_full_access=True,
    ),
    "MedicationDispense": ResourceType(
        IDENTIFIER
        | {
            "code": token("medicationCodeableConcept"),
            "destination": reference("destination", "Location"),
            "medication": reference("medicationReference", "Medication"),
            "patient": reference("subject", "Patient"),
            "performer": reference("performer.actor", *_AGENTS),
            "prescription": reference("authorizingPrescription", "MedicationRequest"),
            "receiver": reference("receiver", "Patient", "Practitioner"),
            "status": token("status", system=f"{_TERMINOLOGY}/medicationdispense-status"),
            "subject": reference("subject", "Patient"),
            "type": token("type"),
            "whenhandedover": date("whenHandedOver"),
            "whenprepared": date("whenPrepared"),
        },
        compartment="patient",
        needs_full_access=True,
    ),
    "Task": ResourceType(
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
            "owner": reference("owner", *_AGENTS, "HealthcareService"),
            "part-of": reference("partOf", "Task"),
            "patient": reference("for", "Patient"),
            "performer": token("performerType"),
            "period": date("executionPeriod"),
            "priority": token("priority", system=f"{HL7}/request-priority"),
            "requester": reference("requester", *_AGENTS),
            "status": token("status", system=f"{HL7}/task-status"),
            "subject": reference("for", "Patient"),
        },
        interactions="crus",
        compartment="patient",
        needs_full_access=True,
    ),
}
"""Prescriptions, dispenses and requests for renewal."""


COMMON_PARAMETERS: Mapping[str, SearchParameter] = {
    "_id": token("id"),
    "_lastUpdated": date("meta.lastUpdated"),
    "_profile": uri("meta.profile"),
    "_security": token("meta.security"),
    "_tag": token("meta.tag"),
}
"""The parameters of every type (FHIR R4, search.html#all)."""

RESOURCE_TYPES: Mapping[str, ResourceType] = {
    **_DIRECTORY,
    **_SCHEDULING,
    **_CLINICAL,
    **_MESSAGING,
    **_MEDICATION,
}
"""The served resource types."""


def find_parameter(type_: str, name: str) -> SearchParameter | None:
    """Return the search parameter of a type; None if it has none of that name."""
    return RESOURCE_TYPES[type_].parameters.get(name) or COMMON_PARAMETERS.get(name)


def all_parameters(type_: str) -> dict[str, SearchParameter]:
    """Return every search parameter of a type, including the common ones."""
    return {**COMMON_PARAMETERS, **RESOURCE_TYPES[type_].parameters}
