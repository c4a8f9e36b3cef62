"""A date that can't be read costs itself and is said, whichever element it stands in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.availability import read_absences
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.communication import Reader, read_message
from gpcli.fhir.contact_details import read_contact_details
from gpcli.fhir.documents import read_document_files
from gpcli.fhir.element import Element, Malformed, is_time, read_resource
from gpcli.fhir.general_practitioner import read_surgery
from gpcli.fhir.healthcare_service import is_in_force, read_consent, read_prices
from gpcli.fhir.medication_request import read_prescription, read_renewal
from gpcli.fhir.patient import (
    Owner,
    read_identifiers,
    read_name,
    read_record_remarks,
    read_vaccination,
)
from gpcli.fhir.proposal import read_proposal
from gpcli.fhir.schedule import read_slot
from gpcli.fhir.scheduling import read_appointment
from tests.portal.builders import (
    a_consent,
    a_flag,
    a_patient,
    a_price,
    a_role,
    a_service,
    a_slot,
    an_appointment,
    an_immunization,
    an_organization,
    ref,
)
from tests.portal.communications import a_document, a_file, a_message
from tests.portal.medicines import FIGURE, a_request, a_task

ZONE = "Europe/Oslo"
NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo(ZONE))
UNREADABLE = ["x", "yesterday", "2027-13", "2027-02-30", "27-01-01", "2027-03-02T25:00:00Z", " "]

Read = Callable[[Element], object]


def booking(record: Element) -> object:
    return read_appointment(record, Bundle(), {}, {}, ZONE)


def time(record: Element) -> object:
    return read_slot(record, Bundle(), {}, {}, ZONE)


def proposal(record: Element) -> object:
    return read_proposal(record, Bundle(), {}, {}, ZONE)


def words(record: Element) -> object:
    reader = Reader(None, lambda _: Owner.PATIENT, lambda _: False)
    return read_message(record, Bundle(), reader, "thread-1")


def order(record: Element) -> object:
    return read_prescription(record, Bundle(), [], ZONE, NOW)


def task(record: Element) -> object:
    return read_renewal(record, {}, Bundle(), ZONE)


def contacts(record: Element) -> object:
    return read_contact_details([record], NOW)


def gp(role: Element) -> object:
    patient = read_resource(a_patient(ref("PractitionerRole/role-1")), [])
    bundle = Bundle(resources={"PractitionerRole/role-1": role})
    return read_surgery(bundle, patient, patient.children("generalPractitioner")[0], NOW)


def deadline(period: dict[str, Any], **more: Any) -> dict[str, Any]:
    flag = a_flag(period=period, **more)
    return an_appointment(contained=[flag], supportingInformation=[ref("#until")])


def repeated(**repeat: Any) -> dict[str, Any]:
    return a_request(dosageInstruction=[{"timing": {"repeat": {"frequency": 1, **repeat}}}])


def expiring(date: str) -> dict[str, Any]:
    inner = [{"url": "authorisationExpiryDate", "valueDateTime": date}]
    return a_request(dispenseRequest=None, extension=[{"url": FIGURE, "extension": inner}])


STATUS_PERIOD = "urn:x:hn-appointment-flagStatusPeriod"

DATES: dict[str, tuple[Callable[[str], dict[str, Any]], Read]] = {
    "Appointment.start": (lambda x: an_appointment(start=x), booking),
    "Appointment.end": (lambda x: an_appointment(end=x), booking),
    "Appointment.created": (lambda x: an_appointment(created=x), booking),
    "Appointment.requestedPeriod.start": (
        lambda x: an_appointment(requestedPeriod=[{"start": x}]),
        booking,
    ),
    "Appointment.requestedPeriod.end": (
        lambda x: an_appointment(requestedPeriod=[{"end": x}]),
        booking,
    ),
    "Appointment.contained.period.end": (lambda x: deadline({"end": x}), booking),
    "Appointment.contained._status.extension.valuePeriod.end": (
        lambda x: deadline(
            {},
            _status={"extension": [{"url": STATUS_PERIOD, "valuePeriod": {"end": x}}]},
        ),
        booking,
    ),
    "Appointment.start, proposed": (lambda x: an_appointment(start=x), proposal),
    "Appointment.end, proposed": (lambda x: an_appointment(end=x), proposal),
    "Slot.start": (lambda x: a_slot(start=x, end="2027-03-02T09:20:00+01:00"), time),
    "Slot.end": (lambda x: a_slot(end=x), time),
    "Communication.sent": (lambda x: a_message(sent=x), words),
    "Communication.received": (lambda x: a_message(received=x), words),
    "Communication.note.time": (lambda x: a_message(note=[{"text": "A", "time": x}]), words),
    "Communication.meta.lastUpdated": (
        lambda x: a_message(sent=None, meta={"lastUpdated": x}),
        words,
    ),
    "Communication.payload.contentAttachment.creation": (
        lambda x: a_message(payload=[a_file(creation=x)]),
        words,
    ),
    "DocumentReference.content.attachment.creation": (
        lambda x: a_document(content=[{"attachment": {"url": "Binary/1", "creation": x}}]),
        lambda record: read_document_files(record, "1"),
    ),
    "Consent.dateTime": (lambda x: a_consent(dateTime=x), read_consent),
    "Consent.provision.period.end": (
        lambda x: a_consent(provision={"period": {"end": x}}),
        lambda record: is_in_force(record, NOW),
    ),
    "ChargeItemDefinition.effectivePeriod.start": (
        lambda x: a_price("booking", effectivePeriod={"start": x}),
        lambda record: read_prices(record, {}, NOW),
    ),
    "HealthcareService.notAvailable.during.start": (
        lambda x: a_service(notAvailable=[{"description": "A", "during": {"start": x}}]),
        lambda record: read_absences(record, ZoneInfo(ZONE)),
    ),
    "MedicationRequest.authoredOn": (lambda x: a_request(authoredOn=x), order),
    "MedicationRequest.dispenseRequest.validityPeriod.start": (
        lambda x: a_request(dispenseRequest={"validityPeriod": {"start": x, "end": "2027-12-01"}}),
        order,
    ),
    "MedicationRequest.dispenseRequest.validityPeriod.end": (
        lambda x: a_request(dispenseRequest={"validityPeriod": {"end": x}}),
        order,
    ),
    "MedicationRequest.extension.extension.end": (expiring, order),
    "MedicationRequest.dosageInstruction.timing.event": (
        lambda x: a_request(dosageInstruction=[{"timing": {"event": [x]}}]),
        order,
    ),
    "MedicationRequest.dosageInstruction.timing.repeat.boundsPeriod.start": (
        lambda x: repeated(boundsPeriod={"start": x}),
        order,
    ),
    "MedicationRequest.dosageInstruction.timing.repeat.boundsPeriod.end": (
        lambda x: repeated(boundsPeriod={"end": x}),
        order,
    ),
    "Task.authoredOn": (lambda x: a_task(authoredOn=x), task),
    "Task.lastModified": (lambda x: a_task(lastModified=x), task),
    "Task.note.time": (lambda x: a_task(note=[{"text": "A", "time": x}]), task),
    "Immunization.occurrenceDateTime": (lambda x: an_immunization({}, x), read_vaccination),
    "Patient.deceasedDateTime": (
        lambda x: a_patient(deceasedDateTime=x),
        lambda record: list(read_record_remarks(record)),
    ),
    "Patient.name.period.end": (
        lambda x: a_patient(name=[{"text": "A", "period": {"end": x}}]),
        lambda record: read_name(record, NOW),
    ),
    "Patient.identifier.period.end": (
        lambda x: a_patient(identifier=[{"system": "s", "value": "v", "period": {"end": x}}]),
        lambda record: read_identifiers(record, NOW),
    ),
    "Organization.telecom.period.start": (
        lambda x: an_organization(telecom=[{"value": "1", "period": {"start": x}}]),
        contacts,
    ),
    "Organization.address.period.end": (
        lambda x: an_organization(address=[{"text": "Oslo", "period": {"end": x}}]),
        contacts,
    ),
    "PractitionerRole.period.end": (lambda x: a_role(period={"end": x}), gp),
    "PractitionerRole.notAvailable.during.end": (
        lambda x: a_role(notAvailable=[{"description": "A", "during": {"end": x}}]),
        gp,
    ),
}
"""The dates, dateTimes and instants that gpcli reads: a record with one, and what reads it."""


def flaws_of(record: dict[str, Any], read: Read) -> Iterator[str]:
    """Yield what is said of a record, also where it is left out."""
    flaws: list[str] = []
    try:
        read(read_resource(record, flaws))
    except Malformed as error:
        flaws.append(str(error))
    yield from flaws


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize("text", UNREADABLE)
def test_a_date_that_can_not_be_read_is_said(name: str, text: str):
    build, read = DATES[name]
    element = name.partition(",")[0]
    assert any(f"{element} " in flaw for flaw in flaws_of(build(text), read))


@pytest.mark.parametrize("name", DATES)
def test_a_date_that_can_be_read_is_no_flaw(name: str):
    build, read = DATES[name]
    assert list(flaws_of(build("2027-03-02T09:10:00+01:00"), read)) in (
        [],
        ["Appointment/visit-1: Appointment.requestedPeriod has no end"],
        ["Appointment/visit-1: Appointment.requestedPeriod has no start"],
    )


def test_a_message_whose_receipt_can_not_be_read_is_not_taken_for_read():
    parties = {"Patient/kari": Owner.PATIENT}
    reader = Reader(None, lambda party: parties.get(party.target, Owner.ANOTHER), lambda _: False)
    from_gp = {"sender": ref("Practitioner/lege"), "recipient": [ref("Patient/kari")]}
    for received, unread in (("x", True), ("2027-03", False), (None, True)):
        record = read_resource(a_message(**from_gp, received=received), [])
        assert read_message(record, Bundle(), reader, "thread-1").unread is unread


@pytest.mark.parametrize(
    "text", ["2027", "2027-02", "2024-02-29", "2027-03-02T09:00:00", "2027-03-02t24:00:00z"]
)
def test_a_date_may_be_partial_or_without_a_time_zone(text: str):
    assert is_time(text)


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_date_is_none(text: str):
    assert not is_time(text)
