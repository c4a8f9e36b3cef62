"""Builders of resources as a portal sends them, minimal by R4 and extended by keyword."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gpcli.fhir.bundle import Bundle, read_bundle

SERVICE = "urn:gpcli:gp-service"
CHANNEL = "urn:gpcli:channel"
LEVEL = "urn:gpcli:consent-level"
PROBLEM = "urn:gpcli:problem"

Json = dict[str, Any]


def concept(code: str, system: str = SERVICE, **more: Any) -> Json:
    return {"coding": [{"system": system, "code": code, **more}]}


def ref(reference: str, **more: Any) -> Json:
    return {"reference": reference, **more}


def a_patient(*gps: Json, id: str = "kari", **more: Any) -> Json:
    names = [{"text": "Kari Nordmann"}]
    patient = {"resourceType": "Patient", "id": id, "name": names, "generalPractitioner": gps}
    return patient | {"generalPractitioner": list(gps)} | more


def a_role(*services: str, id: str = "role-1", **more: Any) -> Json:
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "practitioner": ref("Practitioner/lege"),
        "organization": ref("Organization/elvebakken"),
        "healthcareService": [ref(f"HealthcareService/{service}") for service in services],
        **more,
    }


def a_practitioner(**more: Any) -> Json:
    names = [{"family": "Berg", "given": ["Ola"]}]
    return {"resourceType": "Practitioner", "id": "lege", "name": names, **more}


def an_organization(**more: Any) -> Json:
    return {"resourceType": "Organization", "id": "elvebakken", "name": "Elvebakken", **more}


def a_service(code: str = "booking", id: str | None = None, **more: Any) -> Json:
    return {
        "resourceType": "HealthcareService",
        "id": id or f"{code}-1",
        "providedBy": ref("Organization/elvebakken"),
        "type": [concept(code)],
        **more,
    }


def a_price(service: str, *groups: Json, **more: Any) -> Json:
    return {
        "resourceType": "ChargeItemDefinition",
        "id": f"price-{service}",
        "status": "active",
        "code": concept(service),
        "propertyGroup": list(groups),
        **more,
    }


def a_rate(*parts: Json, applies: str | None = None) -> Json:
    group: Json = {"priceComponent": list(parts)}
    return {**group, "applicability": [{"description": applies}]} if applies else group


def a_part(kind: str, value: Any, currency: str = "NOK") -> Json:
    return {"type": kind, "amount": {"value": value, "currency": currency}}


def a_consent(level: str = "full-access", **more: Any) -> Json:
    return {
        "resourceType": "Consent",
        "id": f"consent-{level}",
        "status": "active",
        "patient": ref("Patient/kari"),
        "policyRule": concept(level, LEVEL),
        "dateTime": "2027-01-04T09:00:00+01:00",
        **more,
    }


def a_schedule(*actors: str, id: str = "schedule-1") -> Json:
    return {"resourceType": "Schedule", "id": id, "actor": [ref(actor) for actor in actors]}


def a_slot(id: str = "slot-1", **more: Any) -> Json:
    return {
        "resourceType": "Slot",
        "id": id,
        "schedule": ref("Schedule/schedule-1"),
        "status": "free",
        "start": "2027-03-02T09:00:00+01:00",
        "end": more.get("start", "2027-03-02T09:20:00+01:00"),
        **more,
    }


def an_appointment(id: str = "visit-1", *actors: str, **more: Any) -> Json:
    whom = ("Patient/kari", *(actors or ("HealthcareService/booking-1",)))
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "serviceType": [concept("booking")],
        "start": "2027-03-02T09:00:00+01:00",
        "end": "2027-03-02T09:20:00+01:00",
        "participant": [{"actor": ref(actor), "status": "accepted"} for actor in whom],
        **more,
    }


def a_flag(**more: Any) -> Json:
    return {
        "resourceType": "Flag",
        "id": "until",
        "status": "active",
        "code": concept(
            "cancel", "http://helsenorge.no/fhir/CodeSystem/hn-appointment-flag-code-cs"
        ),
        "subject": ref("Patient/kari"),
        "period": {"end": "2027-03-01T09:00:00+01:00"},
        **more,
    }


def an_immunization(code: Json, date: str | None = "2026-10-12", **more: Any) -> Json:
    given = {
        "resourceType": "Immunization",
        "id": "shot-1",
        "status": "completed",
        "patient": ref("Patient/kari"),
        "vaccineCode": code,
        "occurrenceDateTime": date,
    }
    return given | more


def an_outcome(
    problem: str | None = None, text: str | None = None, severity: str = "error", **more: Any
) -> Json:
    details = {**(concept(problem, PROBLEM) if problem else {}), **({"text": text} if text else {})}
    issue = {"severity": severity, "code": "processing", **more}
    issue |= {"details": details} if details else {}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def a_searchset(
    *matches: Json, included: Sequence[Json] = (), next: str | None = None, **more: Any
) -> Json:
    entries = [{"resource": one, "search": {"mode": "match"}} for one in matches]
    entries += [{"resource": one, "search": {"mode": "include"}} for one in included]
    links = [{"relation": "next", "url": next}] if next else []
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": entries,
        "link": links,
        **more,
    }


def a_bundle(*matches: Json, included: Sequence[Json] = ()) -> Bundle:
    return read_bundle(a_searchset(*matches, included=included))


def with_identifier(resource: Mapping[str, Any], urn: str) -> Json:
    identifiers = [{"system": "urn:ietf:rfc:3986", "value": urn}]
    return {**resource, "identifier": identifiers}


def a_capability_statement(*resources: Json, **more: Any) -> Json:
    rest = {
        "mode": "server",
        "resource": list(resources),
        "interaction": [{"code": "batch"}],
    }
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "rest": [rest],
        **more,
    }


def a_capability(kind: str, *interactions: str, **more: Any) -> Json:
    return {"type": kind, "interaction": [{"code": code} for code in interactions], **more}
