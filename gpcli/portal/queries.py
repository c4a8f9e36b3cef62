"""FHIR searches, a function for each (docs/portal.md); used as `queries.appointment(...)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from gpcli.fhir.element import UUID_SYSTEM

PAGE_SIZE = 500
"""How many resources to request in one page of a list."""
PAGE_SIZE_PARAM = ("_count", str(PAGE_SIZE))
_IDS_PER_QUERY = 100
_CERTAIN = frozenset({"_id", "identifier", "slot"})
"""Criteria of searches whose answer has to be whole: what is missing is taken for not there."""

_GP_INCLUDES = (
    ("_include", "Patient:general-practitioner"),
    ("_include:iterate", "PractitionerRole:organization"),
    ("_include:iterate", "PractitionerRole:practitioner"),
    ("_include:iterate", "PractitionerRole:location"),
)
_APPOINTMENT_INCLUDES = (
    ("_include", "Appointment:actor"),
    ("_include:iterate", "PractitionerRole:practitioner"),
    ("_include:iterate", "PractitionerRole:organization"),
    ("_include:iterate", "HealthcareService:organization"),
    ("_revinclude", "AppointmentResponse:appointment"),
)
_COMMUNICATION_INCLUDES = (
    ("_include", "Communication:sender"),
    ("_include", "Communication:recipient"),
    ("_include:iterate", "PractitionerRole:practitioner"),
    ("_include:iterate", "PractitionerRole:organization"),
)
_HEADER_ELEMENTS = (
    (
        "_elements",
        "identifier,status,statusReason,category,priority,topic,subject,sender,recipient,sent,"
        "received,partOf,inResponseTo,meta",
    ),
)
_SLOT_INCLUDES = (
    ("_include", "Slot:schedule"),
    ("_include:iterate", "Schedule:actor"),
    ("_include:iterate", "PractitionerRole:practitioner"),
)
_INCLUDES_BY_TYPE = {"Appointment": _APPOINTMENT_INCLUDES, "Communication": _COMMUNICATION_INCLUDES}
"""What to include in a search by identifier, by resource type."""


@dataclass(frozen=True)
class Query:
    """A search for one resource type; `params` are its parameters in order, not yet encoded."""

    resource_type: str
    params: tuple[tuple[str, str], ...]

    @property
    def url(self) -> str:
        """The URL relative to the base, as in a batch entry."""
        return (
            f"{self.resource_type}?{urlencode(self.params)}" if self.params else self.resource_type
        )

    @property
    def is_list(self) -> bool:
        """Whether it asks for what there is, and not whether certain records are there."""
        return not any(name in _CERTAIN for name, _ in self.params)


def patient_with_gps(patient: str) -> Query:
    """Build the query for the patient and their GPs."""
    return Query("Patient", (("_id", patient), *_GP_INCLUDES))


def patient_with_services(patient: str) -> Query:
    """Build the query for the patient, their GPs, and the services that their roles reference."""
    service = ("_include:iterate", "PractitionerRole:service")
    return Query("Patient", (("_id", patient), *_GP_INCLUDES, service))


def organization_services(organizations: Iterable[str]) -> Query:
    """Build the query for the services of organizations, and the roles that reference these."""
    roles = ("_revinclude", "PractitionerRole:service")
    return Query(
        "HealthcareService", (("organization", ",".join(organizations)), roles, PAGE_SIZE_PARAM)
    )


def organization_parts(resource_type: str, organizations: Iterable[str]) -> Query:
    """Build the query for the roles (PractitionerRole) or places (Location) of organizations."""
    return Query(resource_type, (("organization", ",".join(organizations)), PAGE_SIZE_PARAM))


def practitioner_roles(practitioners: Iterable[str]) -> Query:
    """Build the query for the roles of practitioners, with their surgeries and services."""
    includes = (
        ("_include", "PractitionerRole:organization"),
        ("_include", "PractitionerRole:location"),
        ("_include", "PractitionerRole:service"),
    )
    return Query(
        "PractitionerRole",
        (("practitioner", ",".join(practitioners)), *includes, PAGE_SIZE_PARAM),
    )


def services_by_type(types: Iterable[str]) -> Query:
    """Build the query for the services of anybody that have one of `types`, as tokens."""
    return Query("HealthcareService", (("service-type", ",".join(types)), PAGE_SIZE_PARAM))


def prices() -> Query:
    """Build the query for all prices; R4 has no search parameter for their code."""
    return Query("ChargeItemDefinition", (("status", "active"), PAGE_SIZE_PARAM))


def consents(patient: str) -> Query:
    """Build the query for the active consents."""
    return Query("Consent", (("patient", patient), ("status", "active")))


def free_slots(actors: Iterable[str], first: date, last: date) -> Query:
    """Build the query for free slots from the day `first` to `last` inclusive.

    `actors` are references (`Type/id`) to what their Schedules are for; empty = all slots. R4 has
    no search parameter for the end of a Slot; the day after `last` bounds its start.
    """
    joined = ",".join(actors)
    return Query(
        "Slot",
        (
            *((("schedule.actor", joined),) if joined else ()),
            ("status", "free"),
            ("start", f"ge{first.isoformat()}"),
            ("start", f"lt{(last + timedelta(1)).isoformat()}"),
            *_SLOT_INCLUDES,
            ("_sort", "start"),
            PAGE_SIZE_PARAM,
        ),
    )


def slot(slot_id: str) -> Query:
    """Build the query for one slot with its schedule."""
    return Query("Slot", (("_id", slot_id), *_SLOT_INCLUDES))


def dated_appointments(patient: str, since: date | None) -> Query:
    """Build the query for appointments with a time, from the day `since` on; `None` means all."""
    when = (("date", f"ge{since.isoformat()}"),) if since else ()
    return Query(
        "Appointment",
        (("patient", patient), *when, *_APPOINTMENT_INCLUDES, ("_sort", "date"), PAGE_SIZE_PARAM),
    )


def undated_appointments(patient: str) -> Query:
    """Build the query for appointments without a time, which no `date` matches."""
    undated = ("date:missing", "true")
    return Query(
        "Appointment", (("patient", patient), undated, *_APPOINTMENT_INCLUDES, PAGE_SIZE_PARAM)
    )


def appointment(appointment_id: str) -> Query:
    """Build the query for one appointment with its participants."""
    return Query("Appointment", (("_id", appointment_id), *_APPOINTMENT_INCLUDES))


def by_identifier(resource_type: str, intent: UUID) -> Query:
    """Build the query for the resources that a write with this intent created."""
    identifier = ("identifier", f"{UUID_SYSTEM}|{intent.urn}")
    return Query(resource_type, (identifier, *_INCLUDES_BY_TYPE.get(resource_type, ())))


def appointments_on_slot(slot: str) -> Query:
    """Build the query for all appointments on a slot that this sign-in may see."""
    return Query("Appointment", (("slot", f"Slot/{slot}"),))


def vaccinations(patient: str) -> Query:
    """Build the query for the vaccinations, newest first."""
    return Query("Immunization", (("patient", patient), ("_sort", "-date"), PAGE_SIZE_PARAM))


def communications(patient: str) -> Query:
    """Build the query for all headers and messages, without texts and files.

    Messages are searched for as headers are, since servers limit what `_revinclude` brings. With
    files the response could be too large.
    """
    return Query(
        "Communication",
        (
            ("patient", patient),
            *_HEADER_ELEMENTS,
            *_COMMUNICATION_INCLUDES,
            ("_sort", "-sent"),
            PAGE_SIZE_PARAM,
        ),
    )


def open_thread_headers(patient: str, category: str) -> Query:
    """Build the query for the headers of open threads; `category` is a token, `system|code`."""
    criteria = (("patient", patient), ("status", "in-progress,on-hold"), ("category", category))
    return Query("Communication", (*criteria, *_HEADER_ELEMENTS, PAGE_SIZE_PARAM))


def unread_messages(patient: str) -> Query:
    """Build the query for messages to the patient not yet received, without texts and files."""
    to_patient = (("recipient", f"Patient/{patient}"), ("received:missing", "true"))
    return Query("Communication", (*to_patient, *_HEADER_ELEMENTS, PAGE_SIZE_PARAM))


def communications_by_id(ids: Iterable[str]) -> Query:
    """Build the query for the headers and messages with these ids."""
    return Query(
        "Communication", (("_id", ",".join(ids)), *_COMMUNICATION_INCLUDES, PAGE_SIZE_PARAM)
    )


def thread_messages(thread: str) -> Query:
    """Build the query for the messages of a thread, oldest first."""
    part_of = ("part-of", f"Communication/{thread}")
    return Query(
        "Communication", (part_of, *_COMMUNICATION_INCLUDES, ("_sort", "sent"), PAGE_SIZE_PARAM)
    )


def records_by_id(resource_type: str, ids: Iterable[str]) -> Query:
    """Build the query for the records of one type with these ids, and nothing along with them."""
    return Query(resource_type, (("_id", ",".join(ids)), PAGE_SIZE_PARAM))


def referring_to(revinclude: str, references: Iterable[str]) -> Query:
    """Build the query for what a `_revinclude` (`Type:parameter`) of these records brings."""
    resource_type, _, parameter = revinclude.partition(":")
    return Query(resource_type, ((parameter, ",".join(references)), PAGE_SIZE_PARAM))


def documents_by_id(ids: Iterable[str]) -> Query:
    """Build the query for the DocumentReferences with these ids."""
    return Query("DocumentReference", (("_id", ",".join(ids)), PAGE_SIZE_PARAM))


def split_ids(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield `ids` in parts, one for each query, since servers limit the length of a URL."""
    for start in range(0, len(ids), _IDS_PER_QUERY):
        yield ids[start : start + _IDS_PER_QUERY]
