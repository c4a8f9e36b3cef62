"""Slots, with what their Schedule says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from gpcli.fhir.element import Malformed
from gpcli.fhir.modifiers import NotUnderstood
from gpcli.fhir.proposal import read_proposal
from gpcli.fhir.schedule import read_slot, surgery_actors
from gpcli.model.appointment import Actor, Slot, SlotId
from gpcli.model.service import Offer, ServiceName, Surgery
from tests.portal.builders import (
    CHANNEL,
    SERVICE,
    a_bundle,
    a_practitioner,
    a_role,
    a_schedule,
    a_slot,
    an_appointment,
    concept,
    ref,
)

SERVICE_REF = "HealthcareService/booking-1"
NAMED = frozenset({"PractitionerRole/role-1", "Practitioner/lege", SERVICE_REF})
GP = Surgery("role-1", "Ola Berg", "Elvebakken", references=NAMED)
UNCLAIMED = replace(GP, references=NAMED - {SERVICE_REF})
OFFER = Offer("booking-1", ServiceName.BOOKING, GP, active=True)
TORGET = {"resourceType": "Location", "id": "torget", "name": "Torget 1"}


def read(slot: dict, *included: dict, offers: tuple[Offer, ...] = (OFFER,), **more) -> Slot:
    bundle = a_bundle(slot, included=included)
    known = {offer.id or "": [offer] for offer in offers}
    return read_slot(bundle.matches[0], bundle, known, {}, "Europe/Oslo", **more)


def test_a_slot_says_when_with_whom_where_how_and_for_what():
    schedule = a_schedule(
        "HealthcareService/booking-1", "PractitionerRole/role-2", "Location/torget"
    )
    doctor = a_practitioner(id="vikar", name=[{"text": "Anne Vik"}])
    stand_in = a_role(id="role-2", practitioner=ref("Practitioner/vikar"))
    slot = a_slot(serviceType=[concept("booking")], appointmentType=concept("video", CHANNEL))
    assert read(slot, schedule, stand_in, doctor, TORGET) == Slot(
        id=SlotId("slot-1"),
        start=datetime.fromisoformat("2027-03-02T09:00:00+01:00"),
        end=datetime.fromisoformat("2027-03-02T09:20:00+01:00"),
        zone="Europe/Oslo",
        service="booking",
        channel="video",
        practitioner="Anne Vik",
        surgery="Elvebakken",
        location="Torget 1",
        surgery_ids=frozenset({"role-1"}),
        status="free",
        healthcare_service="booking-1",
        written_start="2027-03-02T09:00:00+01:00",
        written_end="2027-03-02T09:20:00+01:00",
        services=("booking",),
        actors=(
            Actor("HealthcareService/booking-1", "HealthcareService", None),
            Actor("PractitionerRole/role-2", "PractitionerRole", "Anne Vik"),
            Actor("Location/torget", "Location", "Torget 1"),
        ),
        codings=((SERVICE, "booking"),),
        practitioner_ref="PractitionerRole/role-2",
    )


def test_a_slot_without_words_of_its_own_has_those_of_its_service():
    slot = read(a_slot(), a_schedule("HealthcareService/booking-1"))
    assert (slot.service, slot.practitioner, slot.surgery) == ("booking", "Ola Berg", "Elvebakken")


def test_the_schedules_own_display_names_the_doctor():
    schedule = a_schedule()
    schedule["actor"] = [ref("Practitioner/9"), ref("Practitioner/8", display="Anne Vik")]
    assert read(a_slot(), schedule).practitioner == "Anne Vik"


@pytest.mark.parametrize("start", ["2027-10-31T02:30:00+01:00", "2027-03-02T08:00:00.000Z"])
def test_the_times_are_kept_byte_for_byte_for_the_booking_to_repeat(start: str):
    slot = read(a_slot(start=start), a_schedule())
    assert (slot.written_start, slot.start) == (start, datetime.fromisoformat(start))


def test_a_slot_of_an_unknown_service_says_only_what_it_knows():
    slot = read(a_slot(), a_schedule("HealthcareService/other"))
    assert (slot.healthcare_service, slot.service) == ("other", None)
    assert slot.surgery_ids == frozenset()


@pytest.mark.parametrize(
    ("included", "service"),
    [([], "booking-1"), ([a_schedule()], None), ([a_schedule("HealthcareService/x")], "x")],
    ids=["no schedule", "a schedule for no service", "a schedule for another"],
)
def test_a_service_is_assumed_only_where_no_schedule_came_along(
    included: list, service: str | None
):
    assert read(a_slot(), *included, assumed="booking-1").healthcare_service == service


def test_a_slot_without_its_schedule_is_still_a_slot():
    slot = read(a_slot(schedule=None))
    assert (slot.healthcare_service, slot.practitioner, slot.location) == (None, None, None)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"start": None}, r"Slot\.start is missing"),
        ({"end": None}, r"Slot\.end is missing"),
        ({"start": "2027-03-02"}, r"Slot\.start has no time zone"),
        ({"start": "2027-03-02T09:00:00"}, r"Slot\.start has no time zone"),
        ({"end": 5}, r"Slot\.end is not"),
        ({"status": None}, r"Slot\.status is missing"),
        ({"schedule": "Schedule/1"}, r"Slot\.schedule is not"),
    ],
)
def test_a_broken_slot_is_malformed_and_says_where(broken: dict, why: str):
    with pytest.raises(Malformed, match=why):
        read(a_slot(**broken), a_schedule())


MODIFIER = {"modifierExtension": [{"url": "urn:x", "valueBoolean": True}]}


def test_a_slot_of_a_schedule_that_is_not_understood_is_not_understood():
    with pytest.raises(NotUnderstood, match="Schedule/schedule-1 has a modifier"):
        read(a_slot(), a_schedule(SERVICE_REF) | MODIFIER, assumed="booking-1")


def test_a_proposed_time_whose_slot_is_not_understood_is_not_understood():
    proposal = an_appointment(
        "1", "Practitioner/lege", status="proposed", slot=[ref("Slot/slot-1")]
    )
    bundle = a_bundle(proposal, included=[a_slot() | MODIFIER])
    with pytest.raises(NotUnderstood, match="Slot/slot-1 has a modifier"):
        read_proposal(bundle.matches[0], bundle, {}, {}, "Europe/Oslo")


DAHL = Surgery(
    "role-2", "Per Dahl", "Elvebakken", references=frozenset({"PractitionerRole/role-2"})
)
SHARED = (OFFER, replace(OFFER, surgery=DAHL))


@pytest.mark.parametrize("source", ["a Slot", "a proposed Appointment"])
@pytest.mark.parametrize(
    ("actors", "offers", "practitioner", "surgeries"),
    [
        ([SERVICE_REF], (OFFER,), "Ola Berg", {"role-1"}),
        ([SERVICE_REF, "Location/torget"], (OFFER,), "Ola Berg", {"role-1"}),
        ([SERVICE_REF, "Practitioner/lege"], (OFFER,), "Ola Berg", {"role-1"}),
        ([SERVICE_REF, "Practitioner/vikar"], (OFFER,), None, {"role-1"}),
        ([SERVICE_REF, "Device/1"], (OFFER,), None, {"role-1"}),
        ([SERVICE_REF], (replace(OFFER, surgery=UNCLAIMED),), None, {"role-1"}),
        ([SERVICE_REF], SHARED, None, {"role-1", "role-2"}),
        ([SERVICE_REF, "PractitionerRole/role-2"], SHARED, None, {"role-2"}),
        (["Practitioner/lege"], (OFFER,), None, set()),
    ],
)
def test_the_gp_is_named_only_for_what_is_theirs(source, actors, offers, practitioner, surgeries):
    if source == "a Slot":
        bundle = a_bundle(a_slot(), included=[a_schedule(*actors)])
        reader = read_slot
    else:
        bundle = a_bundle(an_appointment("1", *actors, status="proposed"))
        reader = read_proposal
    slot = reader(bundle.matches[0], bundle, {"booking-1": offers}, {}, "Europe/Oslo")
    assert (slot.practitioner, slot.surgery_ids) == (practitioner, surgeries)


def test_an_organization_of_which_only_the_reference_came_along_has_no_name():
    place = TORGET | {"managingOrganization": {"reference": "Organization/9"}}
    slot = read(a_slot(), a_schedule("Location/torget"), place)
    assert (slot.location, slot.surgery) == ("Torget 1", None)


def test_the_times_of_an_organization_are_also_those_of_its_roles_places_and_services():
    own = {"reference": "Organization/1"}
    parts = [
        {"resourceType": "PractitionerRole", "id": "1", "organization": own},
        {"resourceType": "Location", "id": "2", "managingOrganization": own},
        {"resourceType": "HealthcareService", "id": "3", "providedBy": own},
    ]
    others = [{"resourceType": each["resourceType"], "id": "9"} for each in parts]
    bundle = a_bundle(included=(*parts, *others))
    assert surgery_actors(bundle, "Organization/1") == (
        "Organization/1",
        "PractitionerRole/1",
        "Location/2",
        "HealthcareService/3",
    )
