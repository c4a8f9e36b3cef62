"""Every query that gpcli knows, with the patient and records of the contract's world."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta

from gpcli.fhir.communication import THREAD_SYSTEM
from gpcli.portal import prescriptions, queries
from gpcli.portal.queries import Query
from tests.contract.medicines import PLENTY
from tests.portal.differing import NOW, PATIENT
from tests.portal.scripted import INTENT

FIRST, LAST = NOW.date(), NOW.date() + timedelta(30)
BOOKING = f"booking-{PATIENT.number}"
QUERIES: dict[str, Query] = {
    "patient_with_gps": queries.patient_with_gps(PATIENT.id),
    "patient_with_services": queries.patient_with_services(PATIENT.id),
    "practitioner_roles": queries.practitioner_roles([PATIENT.practice.role]),
    "organization_services": queries.organization_services(["fjellheim"]),
    "organization_parts": queries.organization_parts("PractitionerRole", ["fjellheim"]),
    "services_by_type": queries.services_by_type(["urn:gpcli:gp-service|booking"]),
    "prices": queries.prices(),
    "consents": queries.consents(PATIENT.id),
    "free_slots": queries.free_slots([f"HealthcareService/{BOOKING}"], FIRST, LAST),
    "slot": queries.slot(PATIENT.practice.slots[0]),
    "dated_appointments": queries.dated_appointments(PATIENT.id, FIRST),
    "undated_appointments": queries.undated_appointments(PATIENT.id),
    "appointment": queries.appointment(PATIENT.visit),
    "by_identifier": queries.by_identifier("Communication", INTENT),
    "appointments_on_slot": queries.appointments_on_slot(PATIENT.practice.slots[0]),
    "vaccinations": queries.vaccinations(PATIENT.id),
    "communications": queries.communications(PATIENT.id),
    "open_thread_headers": queries.open_thread_headers(
        PATIENT.id, f"{THREAD_SYSTEM}|e-consultation"
    ),
    "unread_messages": queries.unread_messages(PATIENT.id),
    "communications_by_id": queries.communications_by_id([PATIENT.open_thread]),
    "thread_messages": queries.thread_messages(PATIENT.open_thread),
    "records_by_id": queries.records_by_id("PractitionerRole", [PATIENT.practice.role, "none"]),
    "referring_to": queries.referring_to(
        "AppointmentResponse:appointment", [f"Appointment/{PATIENT.visit}"]
    ),
    "documents_by_id": queries.documents_by_id(["none"]),
    "prescriptions_query": prescriptions.prescriptions_query(PATIENT.id),
    "_named_prescriptions_query": prescriptions._named_prescriptions_query([PLENTY.id(PATIENT)]),
    "renewals_query": prescriptions.renewals_query(PATIENT.id),
    "_renewal_query": prescriptions._renewal_query(f"task-{PLENTY.id(PATIENT)}"),
    "dispenses_query": prescriptions.dispenses_query(PATIENT.id),
}
"""Name of the function -> a query that it builds."""


def query_functions() -> Iterator[str]:
    """The names of all functions that build a query."""
    for module in (queries, prescriptions):
        functions: list[tuple[str, Callable[..., object]]] = inspect.getmembers(
            module, inspect.isfunction
        )
        for name, function in functions:
            is_own = function.__module__ == module.__name__
            if is_own and function.__annotations__.get("return") == "Query":
                yield name
