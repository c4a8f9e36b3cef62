"""The exact FHIR searches, as docs/portal.md documents them."""

from __future__ import annotations

from datetime import date
from urllib.parse import unquote
from uuid import UUID

import pytest

from gpcli.portal import queries

GPS = (
    "Patient?_id=kari&_include=Patient:general-practitioner"
    "&_include:iterate=PractitionerRole:organization"
    "&_include:iterate=PractitionerRole:practitioner"
    "&_include:iterate=PractitionerRole:location"
)
BRIEF = (
    "_elements=identifier,status,statusReason,category,priority,topic,subject,sender,recipient,sent,"
    "received,partOf,inResponseTo,meta"
)
PEOPLE = (
    "&_include=Communication:sender&_include=Communication:recipient"
    "&_include:iterate=PractitionerRole:practitioner"
    "&_include:iterate=PractitionerRole:organization"
)
ACTORS = (
    "&_include=Appointment:actor&_include:iterate=PractitionerRole:practitioner"
    "&_include:iterate=PractitionerRole:organization"
    "&_include:iterate=HealthcareService:organization"
    "&_revinclude=AppointmentResponse:appointment"
)
SCHEDULE = (
    "&_include=Slot:schedule&_include:iterate=Schedule:actor"
    "&_include:iterate=PractitionerRole:practitioner"
)
INTENT = UUID("4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11")


SERVICES = ["HealthcareService/a", "HealthcareService/b"]


@pytest.mark.parametrize(
    ("query", "url"),
    [
        (queries.patient_with_gps("kari"), GPS),
        (
            queries.patient_with_services("kari"),
            f"{GPS}&_include:iterate=PractitionerRole:service",
        ),
        (
            queries.organization_services(["1", "2"]),
            "HealthcareService?organization=1,2&_revinclude=PractitionerRole:service&_count=500",
        ),
        (queries.prices(), "ChargeItemDefinition?status=active&_count=500"),
        (queries.consents("kari"), "Consent?patient=kari&status=active"),
        (
            queries.free_slots(SERVICES, date(2027, 3, 1), date(2027, 3, 31)),
            "Slot?schedule.actor=HealthcareService/a,HealthcareService/b&status=free"
            f"&start=ge2027-03-01&start=lt2027-04-01{SCHEDULE}&_sort=start&_count=500",
        ),
        (queries.slot("slot-1"), f"Slot?_id=slot-1{SCHEDULE}"),
        (
            queries.dated_appointments("kari", date(2027, 3, 1)),
            f"Appointment?patient=kari&date=ge2027-03-01{ACTORS}&_sort=date&_count=500",
        ),
        (
            queries.dated_appointments("kari", None),
            f"Appointment?patient=kari{ACTORS}&_sort=date&_count=500",
        ),
        (
            queries.undated_appointments("kari"),
            f"Appointment?patient=kari&date:missing=true{ACTORS}&_count=500",
        ),
        (queries.appointment("visit-1"), f"Appointment?_id=visit-1{ACTORS}"),
        (
            queries.by_identifier("Appointment", INTENT),
            f"Appointment?identifier=urn:ietf:rfc:3986|urn:uuid:{INTENT}{ACTORS}",
        ),
        (
            queries.by_identifier("Consent", INTENT),
            f"Consent?identifier=urn:ietf:rfc:3986|urn:uuid:{INTENT}",
        ),
        (
            queries.by_identifier("Communication", INTENT),
            f"Communication?identifier=urn:ietf:rfc:3986|urn:uuid:{INTENT}{PEOPLE}",
        ),
        (
            queries.communications("kari"),
            f"Communication?patient=kari&{BRIEF}{PEOPLE}&_sort=-sent&_count=500",
        ),
        (
            queries.unread_messages("kari"),
            f"Communication?recipient=Patient/kari&received:missing=true&{BRIEF}&_count=500",
        ),
        (
            queries.communications_by_id(["a", "b"]),
            f"Communication?_id=a,b{PEOPLE}&_count=500",
        ),
        (
            queries.thread_messages("thread-1"),
            f"Communication?part-of=Communication/thread-1{PEOPLE}&_sort=sent&_count=500",
        ),
        (queries.records_by_id("Schedule", ["a", "b"]), "Schedule?_id=a,b&_count=500"),
        (
            queries.referring_to("AppointmentResponse:appointment", ["Appointment/a"]),
            "AppointmentResponse?appointment=Appointment/a&_count=500",
        ),
        (queries.documents_by_id(["a", "b"]), "DocumentReference?_id=a,b&_count=500"),
        (queries.appointments_on_slot("slot-1"), "Appointment?slot=Slot/slot-1"),
        (queries.vaccinations("kari"), "Immunization?patient=kari&_sort=-date&_count=500"),
    ],
)
def test_each_question_is_the_search_that_the_portal_page_promises(query: queries.Query, url: str):
    assert unquote(query.url) == url


def test_what_a_person_types_can_not_add_parameters():
    assert queries.slot("a&status=busy").url.startswith("Slot?_id=a%26status%3Dbusy&")
