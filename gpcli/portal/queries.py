"""The questions as FHIR searches: for most commands one, or one batch of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid5

from gpcli.fhir.element import UUID_SYSTEM

PAGE_SIZE = 500
"""Resources asked for in one page of a list."""

_GPS = (
    ("_include", "Patient:general-practitioner"),
    ("_include:iterate", "PractitionerRole:organization"),
    ("_include:iterate", "PractitionerRole:practitioner"),
    ("_include:iterate", "PractitionerRole:location"),
)
_ACTORS = (
    ("_include", "Appointment:actor"),
    ("_include:iterate", "PractitionerRole:practitioner"),
    ("_include:iterate", "PractitionerRole:organization"),
    ("_include:iterate", "HealthcareService:organization"),
    ("_revinclude", "AppointmentResponse:appointment"),
)
_PEOPLE = (
    ("_include", "Communication:sender"),
    ("_include", "Communication:recipient"),
    ("_include:iterate", "PractitionerRole:practitioner"),
    ("_include:iterate", "PractitionerRole:organization"),
)
_BRIEF = (
    (
        "_elements",
        "identifier,status,statusReason,category,topic,subject,sender,recipient,sent,received,"
        "partOf,inResponseTo",
    ),
)
_SCHEDULE = (
    ("_include", "Slot:schedule"),
    ("_include:iterate", "Schedule:actor"),
    ("_include:iterate", "PractitionerRole:practitioner"),
)
_ALONG = {"Appointment": _ACTORS, "Communication": _PEOPLE}
"""What comes along with a record that is looked for by its identifier."""


@dataclass(frozen=True)
class Query:
    """A search for one type."""

    resource_type: str
    params: tuple[tuple[str, str], ...]

    @property
    def url(self) -> str:
        """Relative to the base, as a batch entry wants it."""
        return f"{self.resource_type}?{urlencode(self.params)}"


def patient_with_gps(patient: str) -> Query:
    """The patient and their GPs."""
    return Query("Patient", (("_id", patient), *_GPS))


def patient_with_services(patient: str) -> Query:
    """The patient, their GPs, and the services that these name."""
    service = ("_include:iterate", "PractitionerRole:service")
    return Query("Patient", (("_id", patient), *_GPS, service))


def organization_services(organizations: Iterable[str]) -> Query:
    """Services by organization, for portals whose roles name none, and the roles that do."""
    roles = ("_revinclude", "PractitionerRole:service")
    return Query("HealthcareService", (("organization", ",".join(organizations)), roles, _count()))


def prices() -> Query:
    """All prices; R4 has no search for the code."""
    return Query("ChargeItemDefinition", (("status", "active"), _count()))


def consents(patient: str) -> Query:
    """Active consents."""
    return Query("Consent", (("patient", patient), ("status", "active")))


def free_slots(services: Iterable[str], first: date, last: date) -> Query:
    """Free slots of some HealthcareServices from `first` to `last` inclusive.

    Slot has no `end` search parameter in R4; the day after `last` bounds `start`.
    """
    actors = ",".join(f"HealthcareService/{service}" for service in services)
    return Query(
        "Slot",
        (
            ("schedule.actor", actors),
            ("status", "free"),
            ("start", f"ge{first.isoformat()}"),
            ("start", f"lt{(last + timedelta(1)).isoformat()}"),
            *_SCHEDULE,
            ("_sort", "start"),
            _count(),
        ),
    )


def slot(identity: str) -> Query:
    """One slot with its schedule."""
    return Query("Slot", (("_id", identity), *_SCHEDULE))


def dated_appointments(patient: str, since: date | None) -> Query:
    """Appointments that have a time, from `since` on."""
    when = (("date", f"ge{since.isoformat()}"),) if since else ()
    return Query(
        "Appointment", (("patient", patient), *when, *_ACTORS, ("_sort", "date"), _count())
    )


def waiting_appointments(patient: str) -> Query:
    """Appointments that wait for the surgery, where `undated_appointments` are refused."""
    waiting = ("status", "proposed,pending,waitlist")
    return Query("Appointment", (("patient", patient), waiting, *_ACTORS, _count()))


def undated_appointments(patient: str) -> Query:
    """Appointments without times, which never match `date`: enquiries, and what is to get one."""
    undated = ("date:missing", "true")
    return Query("Appointment", (("patient", patient), undated, *_ACTORS, _count()))


def appointment(identity: str) -> Query:
    """One appointment with its people and places."""
    return Query("Appointment", (("_id", identity), *_ACTORS))


def by_identifier(kind: str, intent: UUID) -> Query:
    """What a write with this intent left."""
    identifier = ("identifier", f"{UUID_SYSTEM}|{intent.urn}")
    return Query(kind, (identifier, *_ALONG.get(kind, ())))


def thread_part_intents(intent: UUID) -> tuple[UUID, UUID]:
    """The intents of the header and of the first message of a thread that `intent` starts."""
    return uuid5(intent, "header"), uuid5(intent, "message")


def on_slot(slot: str) -> Query:
    """Whatever is booked on a slot, as far as this sign-in may see."""
    return Query("Appointment", (("slot", f"Slot/{slot}"),))


def vaccinations(patient: str) -> Query:
    """Vaccinations, newest first."""
    return Query("Immunization", (("patient", patient), ("_sort", "-date"), _count()))


def communications(patient: str, *, brief: bool = True) -> Query:
    """All headers and messages; `brief` = without words and files, for servers that can.

    All are asked for as such, since servers cap what `_revinclude` brings, and their files would
    make an answer too large.
    """
    about = (("patient", patient), *(_BRIEF if brief else ()))
    return Query("Communication", (*about, *_PEOPLE, ("_sort", "-sent"), _count()))


def open_thread_headers(patient: str, category: str) -> Query:
    """The headers of open threads of one category, a token."""
    about = (("patient", patient), ("status", "in-progress,on-hold"), ("category", category))
    return Query("Communication", (*about, *_BRIEF, _count()))


def unread_messages(patient: str) -> Query:
    """What was sent to the patient and not received, without words and files."""
    to_patient = (("recipient", f"Patient/{patient}"), ("received:missing", "true"))
    return Query("Communication", (*to_patient, *_BRIEF, _count()))


def communications_by_id(ids: Iterable[str]) -> Query:
    """Some headers or messages by their ids."""
    return Query("Communication", (("_id", ",".join(ids)), *_PEOPLE, _count()))


def thread_messages(thread: str) -> Query:
    """The messages of a thread."""
    part_of = ("part-of", f"Communication/{thread}")
    return Query("Communication", (part_of, *_PEOPLE, ("_sort", "sent"), _count()))


def documents_by_id(ids: Iterable[str]) -> Query:
    """Some DocumentReferences by their ids."""
    return Query("DocumentReference", (("_id", ",".join(ids)), _count()))


def _count() -> tuple[str, str]:
    return ("_count", str(PAGE_SIZE))
