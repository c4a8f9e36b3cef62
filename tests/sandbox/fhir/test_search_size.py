"""Test the cost of searches among 2,000 slots and 300 appointments."""

from datetime import timedelta

import pytest

from tests.sandbox.fhir.portal import BASE, NOON, booking, slot

pytestmark = pytest.mark.real

ASKED = (
    "/Slot?schedule.actor=HealthcareService/booking&status=free&start=ge2027-03-01"
    "&_include=Slot:schedule&_include:iterate=Schedule:actor&_sort=start&_count=500"
)


@pytest.fixture
def big(portal):
    times = [slot(number, NOON + timedelta(hours=number)) for number in range(10, 2010)]
    visits = [booking(each) | {"id": f"a{each['id']}", "status": "booked"} for each in times[:300]]
    portal.store.put_all([*times, *visits])
    return portal


class Steps:
    """Counts how often SQLite reports that it has worked a while (every 10,000 instructions)."""

    def __init__(self):
        self.taken = 0

    def __call__(self):
        self.taken += 1
        return 0


def effort(store, ask, path):
    steps = Steps()
    connection = store._connection
    connection.set_progress_handler(steps, 10_000)
    answer = ask.read_json(path)
    connection.set_progress_handler(None, 0)
    return answer, steps.taken


def test_all_pages_of_two_thousand_times_hold_each_once(big):
    ada = big.sign_in("ada")
    seen, path, pages = [], ASKED, 0
    while path:
        bundle = ada.read_json(path)
        seen += [e["resource"]["id"] for e in bundle["entry"] if e["search"]["mode"] == "match"]
        pages += 1
        path = next((each["url"] for each in bundle["link"] if each["relation"] == "next"), "")
        path = path.removeprefix(BASE)

    assert (len(seen), len(set(seen)), pages) == (2003, 2003, 5)


def test_searching_grows_no_faster_than_the_record(portal, big):
    _, twice = effort(big.store, big.sign_in("ada"), ASKED)
    more = [slot(number, NOON + timedelta(hours=number)) for number in range(2010, 4010)]
    big.store.put_all(more)

    answer, four_times = effort(big.store, big.sign_in("ada"), ASKED)

    assert answer["total"] == 4003
    assert four_times <= 2.5 * twice


def test_reading_one_resource_costs_the_same_in_a_big_record(big):
    _, taken = effort(big.store, big.sign_in("ada"), "/Slot/s500")

    assert taken <= 1


def test_three_hundred_appointments_come_in_one_page(big):
    asked = "/Appointment?patient=ada&date=ge2027-01-01&_include=Appointment:actor&_sort=date"

    bundle = big.sign_in("ada").read_json(f"{asked}&_count=500")

    assert (bundle["total"], len(bundle["entry"])) == (300, 302)
