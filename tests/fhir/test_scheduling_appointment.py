"""Bookings, enquiries, the surgery's answers, and what gpcli writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from gpcli.fhir.element import Malformed, read_resource
from gpcli.fhir.scheduling import (
    appointments_holding_slot,
    read_appointment,
    write_booking,
    write_cancellation,
    write_enquiry,
)
from gpcli.model.appointment import Appointment, AppointmentId, Slot, SlotId, Window
from gpcli.model.service import Offer, ServiceName, Surgery
from tests.portal.builders import (
    CHANNEL,
    SERVICE,
    a_bundle,
    a_flag,
    a_practitioner,
    a_role,
    a_service,
    an_appointment,
    an_organization,
    concept,
    ref,
)

INTENT = UUID("4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11")
OFFER = Offer(
    "booking-1", ServiceName.BOOKING, Surgery("role-1", "Ola Berg", "Elvebakken"), active=True
)


def at(written: str) -> datetime:
    return datetime.fromisoformat(written)


def read(appointment: dict, *included: dict, offers: tuple[Offer, ...] = ()) -> Appointment:
    bundle = a_bundle(appointment, included=included)
    known = {offer.id or "": [offer] for offer in offers}
    return read_appointment(bundle.matches[0], bundle, known, {}, "Europe/Oslo")


def test_a_booking_says_when_with_whom_where_and_what_the_surgery_answered():
    booking = an_appointment(
        "visit-1",
        "PractitionerRole/role-1",
        "Location/torget",
        appointmentType=concept("in-person", CHANNEL),
        comment="Back pain",
        description="My back",
        created="2027-02-01T10:00:00+01:00",
        slot=[ref("Slot/slot-1")],
        identifier=[{"value": INTENT.urn}, {"system": "urn:x"}],
        supportingInformation=[ref("#until")],
        contained=[a_flag()],
    )
    answer = {
        "resourceType": "AppointmentResponse",
        "id": "answer-1",
        "appointment": ref("Appointment/visit-1"),
        "participantStatus": "accepted",
        "comment": "Come ten minutes early",
    }
    place = {"resourceType": "Location", "id": "torget", "name": "Torget 1"}
    included = (a_role(), a_practitioner(), an_organization(), place, answer)
    assert read(booking, *included) == Appointment(
        id=AppointmentId("visit-1"),
        status="booked",
        start=at("2027-03-02T09:00:00+01:00"),
        end=at("2027-03-02T09:20:00+01:00"),
        zone="Europe/Oslo",
        requested=(),
        service="booking",
        channel="in-person",
        practitioner="Ola Berg",
        surgery="Elvebakken",
        location="Torget 1",
        reason="Back pain",
        subject="My back",
        answer="Come ten minutes early",
        cancel_until=at("2027-03-01T09:00:00+01:00"),
        created=at("2027-02-01T10:00:00+01:00"),
        slot_id="slot-1",
        practitioner_ref="PractitionerRole/role-1",
        surgery_id="role-1",
        identifiers=(INTENT.urn,),
    )


def test_an_enquiry_has_requested_periods_and_no_times():
    wished = [{"start": "2027-03-08", "end": "2027-03-12"}]
    enquiry = read(an_appointment(status="proposed", start=None, end=None, requestedPeriod=wished))
    window = Window(at("2027-03-08T00:00:00+01:00"), at("2027-03-12T23:59:59+01:00"))
    assert (enquiry.start, enquiry.requested, enquiry.is_waiting) == (None, (window,), True)


@pytest.mark.parametrize("status", ["pending", "booked"])
def test_a_booking_without_times_is_tolerated(status: str):
    booking = read(an_appointment(status=status, start=None, end=None))
    assert (booking.status, booking.start, booking.end) == (status, None, None)


def test_a_booking_with_only_a_service_belongs_to_the_gp_who_offers_it():
    booking = read(an_appointment(), offers=(OFFER,))
    assert (booking.surgery, booking.surgery_id) == ("Elvebakken", "role-1")


def test_a_service_that_is_not_known_names_its_organization_and_no_gp():
    booking = read(an_appointment(), a_service(), an_organization())
    assert (booking.surgery, booking.surgery_id, booking.practitioner) == ("Elvebakken", None, None)


def test_displays_stand_for_what_did_not_come_along():
    actors = [ref("Practitioner/9", display="Anne Vik"), ref("Location/9", display="Torget 1")]
    participants = [{"actor": actor} for actor in (ref("Patient/kari"), *actors)]
    booking = read(an_appointment(participant=participants))
    assert (booking.practitioner, booking.location) == ("Anne Vik", "Torget 1")


def test_participants_without_an_actor_or_reference_are_passed_over():
    participants = [{"type": []}, {"actor": {"display": "somebody"}}]
    booking = read(an_appointment(participant=participants))
    assert (booking.practitioner, booking.surgery, booking.location) == (None, None, None)


def test_an_answer_to_another_appointment_is_not_ours():
    answer = {"resourceType": "AppointmentResponse", "id": "1", "comment": "No"}
    answer["appointment"] = ref("Appointment/other")
    assert read(an_appointment(), answer).answer is None


@pytest.mark.parametrize("created", [None, "2027-02-01", "2027"], ids=["absent", "a day", "a year"])
def test_a_created_date_without_a_time_is_not_invented(created: str | None):
    assert read(an_appointment(created=created)).created is None


def cancel_until(flag: dict, mentioned: str = "#until") -> datetime | None:
    information = [ref(mentioned)]
    return read(an_appointment(contained=[flag], supportingInformation=information)).cancel_until


UNTIL = at("2027-03-01T09:00:00+01:00")


def test_the_flag_may_write_its_end_as_a_day():
    assert cancel_until(a_flag(period={"end": "2027-03-01"})) == at("2027-03-01T23:59:59+01:00")


def test_helsenorges_extension_on_the_status_goes_before_the_period():
    extension = {
        "url": "http://helsenorge.no/fhir/StructureDefinition/hn-appointment-flagStatusPeriod",
        "valuePeriod": {"end": "2027-02-28T12:00:00+01:00"},
    }
    flag = a_flag(_status={"extension": [{"url": "urn:x"}, extension]})
    assert cancel_until(flag) == at("2027-02-28T12:00:00+01:00")
    assert cancel_until(a_flag(_status={"extension": [{"url": "urn:x"}]})) == UNTIL


@pytest.mark.parametrize(
    "flag",
    [
        a_flag(status="inactive"),
        a_flag(code=concept("move", "urn:x")),
        a_flag(period=None),
        a_flag(period={"start": "2027-03-01"}),
        a_flag(id="other"),
        a_flag(resourceType="Basic"),
    ],
    ids=["inactive", "for moving", "no period", "no end", "not mentioned", "no flag"],
)
def test_a_flag_that_is_not_for_cancelling_says_nothing(flag: dict):
    assert cancel_until(flag) is None


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"status": None}, r"^Appointment\.status is missing$"),
        ({"start": "2027-03-02"}, r"^Appointment\.start has no time zone$"),
        ({"participant": [{"actor": "Patient/kari"}]}, r"^Appointment\.participant\.actor"),
        ({"slot": ref("Slot/1")}, r"^Appointment\.slot is not"),
        ({"contained": [{"id": "1"}]}, r"^Appointment\.contained\.resourceType is missing$"),
        ({"comment": ["a"]}, r"^Appointment\.comment is not"),
    ],
)
def test_a_broken_appointment_is_malformed_and_says_where(broken: dict, why: str):
    with pytest.raises(Malformed, match=why):
        read(an_appointment(**broken))


def test_who_holds_a_slot_leaves_out_the_cancelled_other_slots_and_other_types():
    held = {"slot": [ref("Slot/slot-1")]}
    bundle = a_bundle(
        an_appointment("1", **held),
        an_appointment("2", status="cancelled", **held),
        an_appointment("3", slot=[ref("Slot/other")]),
        an_appointment("4", status=[], **held),
        an_appointment("5", slot=[ref("https://portal.example/fhir/R4/Slot/slot-1")]),
        a_service(slot=[ref("Slot/slot-1")]),
    )
    assert appointments_holding_slot(bundle, "slot-1") == {"1", "5"}


def free_slot(**more) -> Slot:
    start, end = "2027-03-02T09:00:00.000+01:00", "2027-03-02T09:20:00+01:00"
    fields = {"service": "booking", "channel": None, "practitioner": None, "surgery": None}
    return Slot(
        id=SlotId("slot-1"),
        start=at(start),
        end=at(end),
        zone="Europe/Oslo",
        **(fields | {"location": None, "written_start": start, "written_end": end} | more),
    )


WRITTEN = {
    "resourceType": "Appointment",
    "identifier": [{"system": "urn:ietf:rfc:3986", "value": INTENT.urn}],
    "status": "proposed",
    "serviceType": [{"coding": [{"system": SERVICE, "code": "booking"}]}],
    "participant": [
        {"actor": {"reference": "Patient/kari"}, "status": "accepted"},
        {"actor": {"reference": "HealthcareService/booking-1"}, "status": "needs-action"},
    ],
}


def test_a_booking_repeats_the_slots_own_times_byte_for_byte():
    written = write_booking(
        free_slot(channel="video"), OFFER, "kari", "Back pain", INTENT, "proposed"
    )
    assert written == WRITTEN | {
        "comment": "Back pain",
        "slot": [{"reference": "Slot/slot-1"}],
        "start": "2027-03-02T09:00:00.000+01:00",
        "end": "2027-03-02T09:20:00+01:00",
        "appointmentType": {"coding": [{"system": CHANNEL, "code": "video"}]},
    }


def test_a_booking_leaves_out_what_nobody_said():
    written = write_booking(free_slot(), OFFER, "kari", None, INTENT, "booked")
    assert written["status"] == "booked"
    assert {"comment", "appointmentType"}.isdisjoint(written)


def test_a_type_in_codes_of_others_is_not_written_as_one_of_ours():
    written = write_booking(free_slot(channel="ROUTINE"), OFFER, "kari", None, INTENT, "proposed")
    assert "appointmentType" not in written


def test_an_enquiry_is_proposed_with_periods_and_without_times():
    window = Window(at("2027-03-08T08:00:00+01:00"), at("2027-03-08T10:00:00+01:00"))
    assert write_enquiry(OFFER, "kari", [window], None, INTENT) == WRITTEN | {
        "requestedPeriod": [
            {"start": "2027-03-08T08:00:00+01:00", "end": "2027-03-08T10:00:00+01:00"}
        ]
    }


def test_cancelling_changes_the_status_and_the_reason_and_nothing_else():
    record = an_appointment(contained=[a_flag()], extension=[{"url": "urn:x"}], unheardOf=1)
    reasons = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
    assert write_cancellation(read_resource(record)) == record | {
        "status": "cancelled",
        "cancelationReason": {"coding": [{"system": reasons, "code": "pat"}]},
    }


@pytest.mark.parametrize(
    ("reference", "written"),
    [
        ("Practitioner/1", {"reference": "Practitioner/1", "display": "Ola Berg"}),
        ("PractitionerRole/1", {"reference": "PractitionerRole/1", "display": "Ola Berg"}),
        ("Organization/1", {"display": "Ola Berg"}),
        ("urn:x|1", {"display": "Ola Berg"}),
    ],
)
def test_an_enquiry_goes_to_the_gp_where_the_portal_has_no_service_for_it(reference, written):
    offer = replace(OFFER, id=None, surgery=Surgery("1", "Ola Berg", None, full_id=reference))
    enquiry = write_enquiry(offer, "kari", [], None, INTENT)
    assert enquiry["participant"] == [
        {"actor": {"reference": "Patient/kari"}, "status": "accepted"},
        {"actor": written, "status": "needs-action"},
    ]


def test_an_enquiry_to_a_gp_whom_the_portal_does_not_name_has_the_patient_alone():
    offer = replace(OFFER, id=None, surgery=Surgery("", None, None))
    [patient] = write_enquiry(offer, "kari", [], None, INTENT)["participant"]
    assert patient["actor"] == {"reference": "Patient/kari"}
