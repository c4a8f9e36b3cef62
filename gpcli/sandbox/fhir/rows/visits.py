"""Times, and the appointments made of them."""

from collections.abc import Mapping

from gpcli.sandbox.fhir.parameters import date, reference, token
from gpcli.sandbox.fhir.rows.served import HL7, IDENTIFIER, Served

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

VISITS: Mapping[str, Served] = {
    "Schedule": Served(
        IDENTIFIER
        | _BOOKABLE
        | {
            "active": token("active"),
            "actor": reference("actor", *_ACTORS),
            "date": date("planningHorizon"),
        },
        full_access=True,
    ),
    "Slot": Served(
        IDENTIFIER
        | _BOOKABLE
        | {
            "appointment-type": token("appointmentType"),
            "schedule": reference("schedule", "Schedule"),
            "start": date("start"),
            "status": token("status", system=f"{HL7}/slotstatus"),
        },
        letters="rus",
        full_access=True,
    ),
    "Appointment": Served(
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
        letters="crus",
        compartment="patient",
        full_access=True,
    ),
    "AppointmentResponse": Served(
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
        full_access=True,
    ),
}
"""Calendars and bookings."""
