"""People, surgeries, what they offer and what it costs."""

from collections.abc import Mapping

from gpcli.sandbox.fhir.parameters import date, reference, string, token, uri
from gpcli.sandbox.fhir.rows.served import HL7, IDENTIFIER, Served

_PERSON = {
    "identifier": token("identifier"),
    "name": string("name"),
    "telecom": token("telecom"),
    "gender": token("gender", system=f"{HL7}/administrative-gender"),
    "address": string("address"),
    "active": token("active"),
}
_FULL_NAME = {"family": string("name.family"), "given": string("name.given")}

DIRECTORY: Mapping[str, Served] = {
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
    "Organization": Served(
        IDENTIFIER
        | {
            "active": token("active"),
            "address": string("address"),
            "name": string("name", "alias"),
            "partof": reference("partOf", "Organization"),
            "type": token("type"),
        }
    ),
    "Location": Served(
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
    "HealthcareService": Served(
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
    "ChargeItemDefinition": Served(
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
"""Whom and what there is to find; the patient and their relatives among them."""
