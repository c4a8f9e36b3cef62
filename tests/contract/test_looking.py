"""The GP, what is offered, and free times."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gpcli.care.offers import list_services
from gpcli.model.service import ServiceName
from tests.contract.practice import CHANNELS, SURGERY, ZONE
from tests.contract.visit import now

MANY = 500
"""With the usual ones, more free times than gpcli asks for in one page."""
PARTIAL = 8


def test_the_gp_has_a_name_a_surgery_and_a_telephone(visit):
    [surgery] = visit.portal.fetch_surgeries()

    assert (surgery.id, surgery.gp, surgery.name) == (
        visit.patient.practice.role,
        visit.patient.practice.gp,
        SURGERY,
    )
    assert surgery.phones == ("+47 00 12 34 80",)


def test_the_patient_has_their_name(visit):
    assert visit.portal.fetch_parties().patient.name == visit.patient.name


def test_every_service_is_offered_by_the_patients_own_gp_alone(visit):
    rows = list_services(visit.portal.fetch_offers(), now())

    assert {row.service.value: row.status for row in rows} == dict.fromkeys(CHANNELS, "offered")
    assert {row.surgery.id for row in rows} == {visit.patient.practice.role}


def test_each_service_has_its_channels(visit):
    channels = {each.name.value: set(each.channels) for each in visit.portal.fetch_offers().offers}

    assert channels == {service: set(ways) for service, ways in CHANNELS.items()}


@pytest.mark.needs("ChargeItemDefinition:search-type")
def test_a_price_has_its_invoice_fee(visit):
    price = visit.portal.fetch_offers().price_of(ServiceName.E_CONSULTATION)

    assert (price.low, price.high, price.currency, price.at_sending) == (253, 253, "NOK", True)


def free(visit, first, last):
    """Free times from the `first` day from now to the `last`."""
    today = now().astimezone(ZONE).date()
    offers = [
        each for each in visit.portal.fetch_offers().offers if each.name == ServiceName.BOOKING
    ]
    return list(visit.portal.fetch_slots(offers, today + timedelta(first), today + timedelta(last)))


def test_free_times_come_in_order_without_the_taken_one(visit):
    slots = free(visit, 0, 30)

    assert [slot.id for slot in slots] == visit.patient.practice.slots
    assert {slot.status for slot in slots} == {"free"}
    assert {slot.practitioner for slot in slots} == {visit.patient.practice.gp}


def test_free_times_are_those_of_the_days_that_were_asked_for(visit):
    slots = free(visit, 4, 5)

    assert [slot.id for slot in slots] == visit.patient.practice.slots[1:3]


def test_a_list_is_whole_or_is_said_not_to_be(visit):
    practice = visit.patient.practice
    clocks = [f"{8 + each // 60:02}:{each % 60:02}" for each in range(MANY)]
    names = [f"many-{practice.number}-{each}" for each in range(MANY)]
    times = zip(names, clocks, strict=True)
    visit.place.fill(practice.slot(name, 20, clock=clock) for name, clock in times)

    ending = visit.shell("gpcli slots --json")

    assert len(ending.json) == len(practice.slots) + MANY or ending.code == PARTIAL
