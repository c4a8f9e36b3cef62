"""The modifier elements of R4, in the types that gpcli reads, and what reads each of them.

`tests/real` compares this table with R4's own definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gpcli.fhir.contact_details import ContactDetails, read_contact_details
from gpcli.fhir.element import read_resource
from gpcli.fhir.general_practitioner import read_surgery
from gpcli.fhir.healthcare_service import is_in_force, read_offers, read_prices
from gpcli.fhir.patient import (
    read_identifiers,
    read_name,
    read_person_remark,
    read_record_flaw,
    read_record_remarks,
    read_vaccination,
)
from gpcli.model.appointment import Vaccination
from gpcli.model.service import Offer, PriceRule, Surgery
from tests.portal.builders import (
    a_bundle,
    a_consent,
    a_part,
    a_patient,
    a_price,
    a_rate,
    a_role,
    a_service,
    an_immunization,
    an_organization,
    concept,
    ref,
)

NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo("Europe/Oslo"))
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"


@dataclass(frozen=True)
class Modifier:
    """A modifier element: two values of it, and what gpcli reads from a record with one of them."""

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


MODIFIERS: dict[str, Modifier | None] = {
    "Address.use": Modifier(
        "work", "old", lambda use: read_contacts(address=[{"use": use, "text": "Oslo"}])
    ),
    "Appointment.status": None,
    "AppointmentResponse.participantStatus": None,
    "CapabilityStatement.status": None,
    "ChargeItemDefinition.status": Modifier(
        "active", "retired", lambda status: read_rule(status=status)
    ),
    "Communication.status": None,
    "Consent.scope": Modifier(
        concept("patient-privacy", SCOPE),
        concept("research", SCOPE),
        lambda scope: counts(scope=scope),
    ),
    "Consent.status": Modifier("active", "inactive", lambda status: counts(status=status)),
    "ContactPoint.use": Modifier(
        "work", "old", lambda use: read_contacts(telecom=[{"use": use, "value": "1"}])
    ),
    "DocumentReference.status": None,
    "Flag.status": None,
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
    "Media.status": None,
    "Medication.status": None,
    "MedicationDispense.status": None,
    "MedicationRequest.doNotPerform": None,
    "MedicationRequest.intent": None,
    "MedicationRequest.status": None,
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
    "Schedule.active": None,
    "Task.status": None,
}
"""The elements, as R4 names them; `None` where the table does not say yet what reads it."""

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

NAMED_TYPES = frozenset({"Device"})
"""Those that the code names and of which it reads no element: who takes part may be a Device."""
