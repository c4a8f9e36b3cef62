"""The resource types that the portal serves, as data: search parameters and who may do what.

Search parameters are those of FHIR R4 (searchparameter-registry.html); a type is added by a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpcli.sandbox.fhir.parameters import Param, date, reference, string, token, uri


@dataclass(frozen=True)
class Served:
    """How one resource type is served.

    `letters` are the interactions open to patients' apps (out of `cruds`); `compartment` is the
    search that finds the patient's own ones, empty if the type is shared by all;
    `full_access` tells whether consent to Full Access is needed.
    """

    params: Mapping[str, Param] = field(default_factory=dict)
    letters: str = "rs"
    compartment: str = ""
    full_access: bool = False


_HL7 = "http://hl7.org/fhir"
_ACTORS = (
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
    "HealthcareService",
    "Location",
)
_IDENTIFIER = {"identifier": token("identifier")}
_BOOKABLE = {
    "service-category": token("serviceCategory"),
    "service-type": token("serviceType"),
    "specialty": token("specialty"),
}
_PERSON = {
    "identifier": token("identifier"),
    "name": string("name"),
    "telecom": token("telecom"),
    "gender": token("gender", system=f"{_HL7}/administrative-gender"),
    "address": string("address"),
    "active": token("active"),
}
_FULL_NAME = {"family": string("name.family"), "given": string("name.given")}
_PARTICIPATION = f"{_HL7}/participationstatus"

EVERY_TYPE: Mapping[str, Param] = {
    "_id": token("id"),
    "_lastUpdated": date("meta.lastUpdated"),
    "_profile": uri("meta.profile"),
    "_security": token("meta.security"),
    "_tag": token("meta.tag"),
}
"""Parameters of every type (FHIR R4, search.html#all)."""

TYPES: Mapping[str, Served] = {
    "Patient": Served(
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
    "RelatedPerson": Served(
        _PERSON
        | {
            "birthdate": date("birthDate"),
            "patient": reference("patient", "Patient"),
            "relationship": token("relationship"),
        },
        compartment="patient",
    ),
    "Practitioner": Served(_PERSON | _FULL_NAME),
    "PractitionerRole": Served(
        _IDENTIFIER
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
    "Organization": Served(
        _IDENTIFIER
        | {
            "active": token("active"),
            "address": string("address"),
            "name": string("name", "alias"),
            "partof": reference("partOf", "Organization"),
            "type": token("type"),
        }
    ),
    "Location": Served(
        _IDENTIFIER
        | {
            "address": string("address"),
            "name": string("name", "alias"),
            "organization": reference("managingOrganization", "Organization"),
            "partof": reference("partOf", "Location"),
            "status": token("status", system=f"{_HL7}/location-status"),
            "type": token("type"),
        }
    ),
    "HealthcareService": Served(
        _IDENTIFIER
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
    "ChargeItemDefinition": Served(
        _IDENTIFIER
        | {
            "date": date("date"),
            "effective": date("effectivePeriod"),
            "publisher": string("publisher"),
            "status": token("status", system=f"{_HL7}/publication-status"),
            "title": string("title"),
            "url": uri("url"),
            "version": token("version"),
        }
    ),
    "Schedule": Served(
        _IDENTIFIER
        | _BOOKABLE
        | {
            "active": token("active"),
            "actor": reference("actor", *_ACTORS),
            "date": date("planningHorizon"),
        },
        full_access=True,
    ),
    "Slot": Served(
        _IDENTIFIER
        | _BOOKABLE
        | {
            "appointment-type": token("appointmentType"),
            "schedule": reference("schedule", "Schedule"),
            "start": date("start"),
            "status": token("status", system=f"{_HL7}/slotstatus"),
        },
        letters="rus",
        full_access=True,
    ),
    "Appointment": Served(
        _IDENTIFIER
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
            "status": token("status", system=f"{_HL7}/appointmentstatus"),
        },
        letters="crus",
        compartment="patient",
        full_access=True,
    ),
    "AppointmentResponse": Served(
        _IDENTIFIER
        | {
            "actor": reference("actor", *_ACTORS),
            "appointment": reference("appointment", "Appointment"),
            "location": reference("actor", "Location"),
            "part-status": token("participantStatus", system=_PARTICIPATION),
            "patient": reference("actor", "Patient"),
            "practitioner": reference("actor", "Practitioner"),
        },
        compartment="appointment.patient",
        full_access=True,
    ),
    "Immunization": Served(
        _IDENTIFIER
        | {
            "date": date("occurrenceDateTime"),
            "location": reference("location", "Location"),
            "lot-number": string("lotNumber"),
            "patient": reference("patient", "Patient"),
            "performer": reference(
                "performer.actor", "Practitioner", "PractitionerRole", "Organization"
            ),
            "status": token("status", system=f"{_HL7}/event-status"),
            "target-disease": token("protocolApplied.targetDisease"),
            "vaccine-code": token("vaccineCode"),
        },
        compartment="patient",
        full_access=True,
    ),
    "Consent": Served(
        _IDENTIFIER
        | {
            "category": token("category"),
            "consentor": reference("performer", "Patient", "RelatedPerson", "Practitioner"),
            "date": date("dateTime"),
            "organization": reference("organization", "Organization"),
            "patient": reference("patient", "Patient"),
            "period": date("provision.period"),
            "scope": token("scope"),
            "status": token("status", system=f"{_HL7}/consent-state-codes"),
        },
        letters="crus",
        compartment="patient",
    ),
}
"""What the portal serves."""


def param(type_: str, name: str) -> Param | None:
    """The search parameter of a type; None if it has none of that name."""
    return TYPES[type_].params.get(name) or EVERY_TYPE.get(name)


def params(type_: str) -> dict[str, Param]:
    """Every search parameter of a type, those of every type among them."""
    return {**EVERY_TYPE, **TYPES[type_].params}
