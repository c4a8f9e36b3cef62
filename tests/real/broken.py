"""Valid resources, and the same broken in one thing each."""

from __future__ import annotations

from typing import Any

from tests.real.validators import Resource

PATIENT = {"reference": "Patient/ada"}
THERE = {"actor": PATIENT, "status": "accepted"}
FLAG = {
    "resourceType": "Flag",
    "id": "cancel",
    "status": "active",
    "code": {"text": "may be cancelled"},
    "subject": PATIENT,
}


def an_appointment(**elements: Any) -> Resource:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2027-03-01T09:00:00+01:00",
        "end": "2027-03-01T09:20:00+01:00",
        "participant": [THERE],
        **elements,
    }


def a_message(*payload: Resource) -> Resource:
    return {"resourceType": "Communication", "status": "completed", "payload": list(payload)}


def a_task(**elements: Any) -> Resource:
    return {"resourceType": "Task", "status": "requested", "intent": "order", **elements}


def a_prescription(**elements: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Levaxin"},
        "subject": PATIENT,
        **elements,
    }


def a_bundle(kind: str, *entries: Resource, **elements: Any) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **elements}


def without(resource: Resource, *names: str) -> Resource:
    return {name: value for name, value in resource.items() if name not in names}


def to_send(resource: Resource, method: str = "POST") -> Resource:
    request = {"method": method, "url": resource["resourceType"]}
    return {"fullUrl": "urn:uuid:4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11", "resource": resource} | {
        "request": request
    }


QUANTITY = {"value": 100, "unit": "tablets"}
VALID = {
    "appointment": an_appointment(
        contained=[FLAG], supportingInformation=[{"reference": "#cancel"}]
    ),
    "enquiry": without(an_appointment(status="proposed"), "start", "end"),
    "message": a_message({"contentString": "Hello"}),
    "renewal": a_task(),
    "prescription": a_prescription(dispenseRequest={"quantity": QUANTITY}),
    "transaction": a_bundle("transaction", to_send(a_task())),
    "searchset": a_bundle(
        "searchset", {"resource": a_task(), "search": {"mode": "match"}}, total=1
    ),
    "consent": {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"text": "privacy"},
        "category": [{"text": "information"}],
        "policyRule": {"text": "basic"},
    },
}

STRUCTURE = {
    "no status": (without(an_appointment(), "status"), "Appointment.status: required element"),
    "nobody": (without(an_appointment(), "participant"), '"participant" is a required property'),
    "unknown element": (an_appointment(colour="red"), "Appointment.colour: unknown element"),
    "object for list": (an_appointment(participant=THERE), "expected an array"),
    "text for number": (an_appointment(minutesDuration="20"), "expected a whole number"),
    "null": (an_appointment(comment=None), "null is not allowed"),
    "empty list": (an_appointment(slot=[]), "an empty array is not allowed"),
    "empty object": (an_appointment(reasonCode=[{}]), "Invalid empty non-primitive value"),
    "empty text": (an_appointment(comment=""), "an empty string is not allowed"),
    "no zone": (an_appointment(start="2027-03-01T09:00:00"), "is not a valid instant"),
    "no such day": (an_appointment(created="2027-02-30"), "Invalid dateTime value"),
    "an id with _": (an_appointment(id="a_1"), 'does not match "^[A-Za-z0-9'),
    "a URI with a space": (an_appointment(implicitRules="a b"), "Invalid uri format"),
    "no medicine": (
        without(a_prescription(), "medicationCodeableConcept"),
        "MedicationRequest.medication[x]: required element",
    ),
    "two contents": (
        a_message({"contentString": "a", "contentReference": {"reference": "Binary/a"}}),
        "only one type may be given",
    ),
    "no content": (a_message({}), "content[x]: required element"),
    "no base64": (
        a_message({"contentAttachment": {"contentType": "text/plain", "data": "%%%"}}),
        "is not a valid base64Binary",
    ),
    "below nothing": (
        a_prescription(dispenseRequest={"numberOfRepeatsAllowed": -1}),
        "is not an unsignedInt",
    ),
    "unknown element in what is contained": (
        an_appointment(contained=[{**FLAG, "colour": "red"}]),
        "Appointment.contained[0].colour: unknown element",
    ),
    "unknown type": ({"resourceType": "Appointments"}, "not a FHIR R4 resource type"),
    "no type": (without(a_task(), "resourceType"), "a resource needs a resourceType"),
    "no issue": ({"resourceType": "OperationOutcome", "issue": []}, "issue: required element"),
}

CODES = {
    "status": (an_appointment(status="bokked"), '"bokked" is not one of'),
    "intent": (a_task(intent="orderr"), '"orderr" is not one of'),
    "sex": ({"resourceType": "Patient", "gender": "f"}, '"f" is not one of'),
    "in what is contained": (
        an_appointment(contained=[{**FLAG, "status": "on"}]),
        'Flag.status: Code "on" not found',
    ),
    "of a Bundle": (a_bundle("transactions"), '"transactions" is not one of'),
    "method": (a_bundle("batch", to_send(a_task(), "SEND")), 'Code "SEND" not found'),
    "issue": (
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "bad"}]},
        'Code "bad" not found',
    ),
    "target": (an_appointment(slot=[PATIENT]), "Invalid type for reference"),
}

BACKWARDS = {"start": "2027-03-02", "end": "2027-03-01"}
INVARIANTS = {
    "app-1": an_appointment(participant=[{"status": "accepted"}]),
    "app-2": without(an_appointment(status="cancelled"), "end"),
    "app-3": without(an_appointment(), "start", "end"),
    "app-4": an_appointment(cancelationReason={"text": "ill"}),
    "att-1": a_message({"contentAttachment": {"data": "aGVp"}}),
    "bdl-1": a_bundle("transaction", to_send(a_task()), total=1),
    "bdl-3": a_bundle("transaction", {"resource": a_task()}),
    "bdl-4": a_bundle("searchset", {"resource": a_task(), "response": {"status": "200"}}),
    "bdl-7": a_bundle("transaction", to_send(a_task()), to_send(a_task())),
    "cpt-2": {"resourceType": "Patient", "telecom": [{"value": "00 12 34 56"}]},
    "ext-1": an_appointment(extension=[{"url": "urn:gpcli:max-text"}]),
    "inv-1": a_task(authoredOn="2027-03-02", lastModified="2027-03-01"),
    "org-1": {"resourceType": "Organization"},
    "pat-1": {"resourceType": "Patient", "contact": [{"gender": "female"}]},
    "per-1": an_appointment(requestedPeriod=[BACKWARDS]),
    "ppc-1": without(VALID["consent"], "policyRule"),
    "qty-3": a_prescription(dispenseRequest={"quantity": {**QUANTITY, "code": "{tbl}"}}),
    "ref-1": an_appointment(supportingInformation=[{"reference": "#cancel"}]),
}
"""Invariant -> a resource that does not meet it."""

UNKNOWN = {
    "dom-3": an_appointment(contained=[FLAG]),
    "txt-1": a_task(text={"status": "generated", "div": "<p>not XHTML"}),
}
"""The same for those that none of the validators knows."""
