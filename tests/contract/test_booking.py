"""Booking, asking for a time, cancelling, and the list of both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat
from uuid import uuid4

import pytest

from gpcli.errors import Conflict, NotFound, Refused, SlotTaken
from gpcli.model.service import ServiceName
from tests.contract.visit import begin
from tests.contract.world import FLU_SHOT, FLU_SHOT_DAYS_AGO, VISIT_ANSWER, VISIT_REASON

pytestmark = pytest.mark.needs("Slot:search-type", "Appointment:create", "Appointment:search-type")

REASON = "A cough for three weeks"
CHANGED = "Please bring your inhaler"
WAITING = {"proposed", "pending", "booked"}
"""How a booking stands that the surgery has, or has yet to confirm."""


def offer_of(visit, name):
    return next(each for each in visit.portal.fetch_offers().offers if each.name == name)


def by_intent(visit, intent):
    return visit.found("Appointment", identifier=f"urn:ietf:rfc:3986|{intent.urn}")


def test_a_booking_has_the_slots_own_times_and_is_found_by_its_identifier(visit):
    slot = visit.patient.practice.slots[0]

    booked = visit.shell.json(f"gpcli book {slot} --reason '{REASON}' --another --yes")

    [there] = visit.made("Appointment")
    times = visit.read(f"Slot/{slot}")
    assert (booked["id"], booked["changed"], booked["slot_id"]) == (there["id"], True, slot)
    assert (there["start"], there["end"]) == (times["start"], times["end"])
    assert there["status"] in WAITING
    assert there["comment"] == REASON


def test_a_booking_with_one_request_id_is_made_once(visit):
    line = f"gpcli book {visit.patient.practice.slots[0]} --another --yes --request-id b1"

    first, second = (visit.shell.json(line) for _ in range(2))

    assert (first["changed"], second["changed"]) == (True, False)
    assert first["id"] == second["id"]
    assert len(visit.made("Appointment")) == 1


def test_a_request_id_is_not_for_two_times(visit):
    one, two = visit.patient.practice.slots[:2]
    visit.shell.json(f"gpcli book {one} --another --yes --request-id b1")

    ending = visit.shell(f"gpcli book {two} --another --yes --request-id b1 --json")

    assert ending.refused == (7, "conflict", "")
    assert len(visit.made("Appointment")) == 1


@pytest.mark.needs("Slot:search-type", "Appointment:conditional-create")
def test_the_same_intent_sent_again_makes_no_second_booking(visit):
    [slot] = [
        visit.portal.fetch_booking_facts(slot=visit.patient.practice.slots[0], intent=None).slot
    ]
    offer, intent = offer_of(visit, ServiceName.BOOKING), uuid4()

    first = visit.portal.send_booking(slot, offer, None, intent)
    second = visit.portal.send_booking(slot, offer, None, intent)

    assert first.record.id == second.record.id
    assert len(by_intent(visit, intent)) == 1


def test_of_two_patients_after_one_time_the_second_is_told_that_it_is_taken(visit, other):
    slot = visit.patient.practice.slots[0]
    wanted = visit.portal.fetch_booking_facts(slot=slot, intent=None).slot
    offer = offer_of(other, ServiceName.BOOKING)
    visit.shell.json(f"gpcli book {slot} --another --yes")

    with pytest.raises(Refused) as refusal:
        other.portal.send_booking(wanted, offer, None, uuid4())

    assert isinstance(refusal.value, SlotTaken | Conflict)


def test_of_four_after_one_time_at_once_at_most_one_is_told_that_it_is_theirs(
    visit, place, tmp_path
):
    wanted = visit.portal.fetch_booking_facts(
        slot=visit.patient.practice.slots[0], intent=None
    ).slot
    with ExitStack() as at_the_end:
        neighbours = [
            at_the_end.enter_context(
                begin(place, tmp_path / str(number), place.somebody(visit.patient.number))
            )
            for number in range(4)
        ]
        offers = [offer_of(each, ServiceName.BOOKING) for each in neighbours]

        with ThreadPoolExecutor(len(neighbours)) as pool:
            endings = list(pool.map(tried, neighbours, offers, repeat(wanted)))

    assert endings.count("booked") <= 1
    assert set(endings) <= {"booked", "refused"}


def tried(visit, offer, slot):
    try:
        visit.portal.send_booking(slot, offer, None, uuid4())
    except (SlotTaken, Conflict):
        return "refused"
    return "booked"


def test_the_list_has_the_visit_and_what_was_booked_in_order(visit):
    booked = visit.shell.json(f"gpcli book {visit.patient.practice.slots[0]} --another --yes")["id"]

    found = visit.shell.json("gpcli appointments list")

    assert [one["id"] for one in found] == [booked, visit.patient.visit]
    assert (found[1]["status"], found[1]["reason"]) == ("booked", VISIT_REASON)
    assert found[1]["answer"] == VISIT_ANSWER
    assert found[1]["practitioner"] == visit.patient.practice.gp


def test_a_flu_time_is_found_and_booked(visit):
    slot = visit.patient.practice.flu_slot
    assert [one["id"] for one in visit.shell.json("gpcli flu")["slots"]] == [slot]

    booked = visit.shell.json("gpcli flu --first --yes")

    assert (booked["slot_id"], booked["service"]) == (slot, "flu-vaccination")
    assert len(visit.made("Appointment")) == 1


@pytest.mark.needs("Slot:search-type", "Immunization:search-type")
def test_an_earlier_flu_vaccination_is_known(visit):
    found = visit.shell.json("gpcli flu")

    day = visit.patient.at(-FLU_SHOT_DAYS_AGO, "12:00")[:10]
    assert found["last_vaccination"] == {"vaccine": FLU_SHOT, "date": day, "subpotent": False}
    assert found["this_season"] is False


def test_an_appointment_that_there_is_not_is_not_found(visit):
    with pytest.raises(NotFound):
        visit.portal.fetch_appointment("nothing")


def test_an_enquiry_has_a_requested_period_and_no_time_and_comes_first_in_the_list(visit):
    line = f"gpcli book --enquiry --from +5d --to +9d --reason '{REASON}' --another --yes"

    asked = visit.shell.json(line)

    [there] = visit.made("Appointment")
    assert (there["status"], there["comment"]) == ("proposed", REASON)
    assert "start" not in there
    assert "slot" not in there
    assert len(there["requestedPeriod"]) == len(asked["requested"]) > 0
    found = visit.shell.json("gpcli appointments list")
    assert [one["id"] for one in found] == [asked["id"], visit.patient.visit]


def test_an_e_consultation_by_phone_is_an_enquiry_with_a_subject(visit):
    line = "gpcli econsult start --via phone --subject Rash --message 'It itches.' --from +2d"

    asked = visit.shell.json(f"{line} --accept-fee any --yes")

    [there] = visit.made("Appointment")
    assert (asked["id"], there["status"]) == (there["id"], "proposed")
    assert (there["description"], there["comment"]) == ("Rash", "It itches.")


@pytest.mark.needs("Appointment:update", "Appointment:search-type")
def test_a_booking_is_cancelled_once_and_keeps_what_it_had(visit):
    visit_id = visit.patient.visit
    before = visit.read(f"Appointment/{visit_id}")

    first, second = (visit.shell.json(f"gpcli cancel {visit_id} --yes") for _ in range(2))

    after = visit.read(f"Appointment/{visit_id}")
    assert (first["changed"], second["changed"]) == (True, False)
    assert (after["status"], after["cancelationReason"]["coding"][0]["code"]) == (
        "cancelled",
        "pat",
    )
    kept = before.keys() - {"status", "meta", "participant"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.needs("Appointment:update", "Appointment:search-type")
def test_what_the_surgery_changed_meanwhile_is_kept_when_a_booking_is_cancelled(visit, place):
    booked = visit.patient.visit
    visit.portal.fetch_cancellation_facts(booked)
    place.fill([visit.read(f"Appointment/{booked}") | {"description": CHANGED}])

    cancelled = visit.portal.send_cancellation(booked, uuid4())

    after = visit.read(f"Appointment/{booked}")
    assert cancelled.changed
    assert (after["status"], after["description"]) == ("cancelled", CHANGED)


@pytest.mark.needs("Appointment:update", "Appointment:search-type")
def test_an_enquiry_is_withdrawn(visit):
    asked = visit.shell.json("gpcli book --enquiry --another --yes")["id"]

    visit.shell.json(f"gpcli cancel {asked} --yes")

    assert visit.read(f"Appointment/{asked}")["status"] == "cancelled"
    assert [one["id"] for one in visit.shell.json("gpcli appointments list")] == [
        visit.patient.visit
    ]


@pytest.mark.parametrize("command", ["appointments show", "cancel --yes"])
def test_somebody_elses_booking_is_not_there(visit, other, command):
    theirs = visit.patient.visit

    assert other.shell(f"gpcli {command} {theirs} --json").refused == (3, "not_found", "")
    assert visit.read(f"Appointment/{theirs}")["status"] == "booked"
