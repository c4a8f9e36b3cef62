"""Prescriptions: what is left, asking for renewal, and taking that back."""

from __future__ import annotations

import pytest

from tests.contract.medicines import EVERYTHING, EXPIRED, PLENTY, SILENT, USED_UP, WAITING

pytestmark = pytest.mark.needs("MedicationRequest:search-type", "Task:create", "Task:search-type")

REQUESTED = "requested"
SNOMED = "http://snomed.info/sct"


def tasks(visit):
    """The requests that gpcli made, as the portal has them."""
    return visit.made("Task")


def id_of(visit, prescribed):
    return prescribed.id(visit.patient)


def test_everything_is_listed_most_urgent_first_with_dose_and_prescriber(visit):
    found = visit.shell.json("gpcli rx list --all")

    in_order = (USED_UP, WAITING, PLENTY, SILENT, EXPIRED)
    assert [one["name"] for one in found] == [each.name for each in in_order]
    assert set(in_order) == set(EVERYTHING)
    assert {one["dose"] for one in found} == {"1 tablet daily."}
    assert {one["prescriber"] for one in found} == {visit.patient.practice.gp}


@pytest.mark.needs("MedicationDispense:search-type")
def test_what_is_left_is_counted_from_what_was_handed_out(visit):
    left = {one.id: one.remaining for one in visit.portal.prescriptions.fetch_prescriptions()}

    told = {name: (each.fills, each.basis.value) for name, each in left.items() if each}
    assert told == {
        id_of(visit, PLENTY): (3, "dispenses"),
        id_of(visit, USED_UP): (0, "dispenses"),
        id_of(visit, WAITING): (1, "dispenses"),
        id_of(visit, EXPIRED): (0, "expired"),
    }
    assert left[id_of(visit, SILENT)] is None


def test_a_request_that_waits_stands_with_its_prescription(visit):
    [waiting] = [one for one in visit.portal.prescriptions.fetch_prescriptions() if one.renewal]

    assert (waiting.id, waiting.renewal.id) == (
        id_of(visit, WAITING),
        f"renewal-{visit.patient.number}",
    )
    [listed] = visit.shell.json("gpcli rx requests")
    assert (listed["id"], listed["status"]) == (f"renewal-{visit.patient.number}", REQUESTED)


def test_renewing_makes_a_task_about_the_prescription(visit):
    prescription = id_of(visit, USED_UP)

    [asked] = visit.shell.json(f"gpcli rx renew {prescription} --note 'Going away' --yes")

    [there] = tasks(visit)
    assert (asked["id"], asked["changed"]) == (there["id"], True)
    assert (there["status"], there["intent"]) == (REQUESTED, "order")
    assert there["focus"]["reference"] == f"MedicationRequest/{prescription}"
    assert there["for"]["reference"] == f"Patient/{visit.patient.id}"
    assert there["note"][0]["text"] == "Going away"
    [coding] = there["code"]["coding"]
    assert (coding["system"], coding["code"]) == (SNOMED, "103742009")


def test_several_are_asked_for_together(visit):
    wanted = [id_of(visit, each) for each in (PLENTY, USED_UP)]

    asked = visit.shell.json(f"gpcli rx renew {' '.join(wanted)} --yes")

    assert [(one["prescription_id"], one["changed"]) for one in asked] == [
        (each, True) for each in wanted
    ]
    assert {each["focus"]["reference"] for each in tasks(visit)} == {
        f"MedicationRequest/{each}" for each in wanted
    }


def test_asking_with_one_request_id_asks_once(visit):
    line = f"gpcli rx renew {id_of(visit, USED_UP)} --yes --request-id x1"

    [first], [second] = (visit.shell.json(line) for _ in range(2))

    assert (first["changed"], second["changed"]) == (True, False)
    assert len(tasks(visit)) == 1


def test_what_is_asked_for_already_is_not_asked_for_again(visit):
    [asked] = visit.shell.json(f"gpcli rx renew {id_of(visit, WAITING)} --yes")

    assert (asked["id"], asked["changed"]) == (f"renewal-{visit.patient.number}", False)
    assert tasks(visit) == []


@pytest.mark.needs("Task:update")
def test_a_request_is_withdrawn_once(visit):
    renewal = f"renewal-{visit.patient.number}"

    first, second = (visit.shell.json(f"gpcli rx withdraw {renewal} --yes") for _ in range(2))

    assert (first["changed"], second["changed"]) == (True, False)
    assert visit.read(f"Task/{renewal}")["status"] == "cancelled"
