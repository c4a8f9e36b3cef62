"""MedicationRequest: one prescription, how long it is good, what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.fhir.medication import Dispense
from gpcli.fhir.medication_request import read_prescription
from gpcli.model.prescription import Basis, Prescription, Quantity, Remaining
from tests.portal.builders import Json, a_bundle, a_practitioner, a_role, concept, ref
from tests.portal.medicines import (
    KINDS,
    a_dispense_request,
    a_figure,
    a_group,
    a_medication,
    a_prescription,
    a_request,
)
from tests.portal.scripted import NOW, OSLO

INCLUDED = (a_medication(), a_role(), a_practitioner())
DISPENSES = [Dispense(("MedicationRequest/rx-1",), None, completed=True)]
THREE = Remaining(3, Basis.DISPENSES)
EXPIRED = Remaining(0, Basis.EXPIRED)


def read(
    request: Json,
    included: Sequence[Json] = INCLUDED,
    dispenses: list[Dispense] | None = DISPENSES,
    now: datetime = NOW,
) -> Prescription | None:
    bundle = a_bundle(included=included)
    element = Element(request, "MedicationRequest")
    return read_prescription(element, bundle, dispenses, "Europe/Oslo", now)


def prescription(*args: Any, **kwargs: Any) -> Prescription:
    result = read(*args, **kwargs)
    assert result is not None
    return result


def until(end: str | None, repeats: int | None = 3) -> Json:
    return a_request(dispenseRequest=a_dispense_request(repeats, end))


def test_a_prescription_is_read_whole():
    quantity = {"quantity": {"value": 100, "unit": "tablets"}}
    request = a_request(
        category=[concept("any", "urn:other"), concept("medicine", KINDS)],
        dosageInstruction=[{"text": "1 tablet daily"}, {"patientInstruction": "with food"}],
        dispenseRequest=a_dispense_request(3, **quantity),
        priorPrescription=ref("MedicationRequest/rx-0"),
    )
    included = a_medication(form={"text": "Tablet"}, extension=[a_group("C")])
    assert prescription(request, (included,), []) == a_prescription(
        form="Tablet",
        dose="1 tablet daily; with food",
        kind="medicine",
        group="C",
        intent="order",
        remaining=Remaining(4, Basis.DISPENSES, Quantity(Decimal(400), "tablets")),
        predecessors=("rx-0",),
    )


def test_a_prescription_that_says_nothing_is_read_as_that():
    bare = {"resourceType": "MedicationRequest", "id": "rx-9", "status": "active"}
    assert prescription(bare | {"intent": "order"}) == a_prescription(
        "rx-9",
        intent="order",
        name=None,
        prescriber=None,
        issued=None,
        valid_until=None,
        surgery_id=None,
        prescriber_ref=None,
        low=None,
    )


STATUSES = {
    "active": (True, True),
    "on-hold": (True, True),
    "unknown": (True, True),
    "completed": (True, False),
    "stopped": (True, False),
    "cancelled": (True, False),
    "draft": (False, False),
    "entered-in-error": (False, False),
}
"""R4 medicationrequest-status: whether it was prescribed, and is still in force."""

ORDERS = ["order", "plan", "original-order", "reflex-order", "filler-order", "instance-order"]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("intent", ORDERS)
def test_every_status_of_r4_tells_whether_it_is_a_prescription_and_in_force(
    status: str, intent: str
):
    result = prescription(a_request(status=status, intent=intent))
    assert (result.status, result.intent) == (status, intent)
    assert (result.is_prescribed, result.is_current) == STATUSES[status]


def test_one_without_an_intent_is_read_and_said_to_lack_it():
    flaws: list[str] = []
    element = read_resource(a_request(intent=None), flaws)
    read_prescription(element, a_bundle(included=INCLUDED), [], "Europe/Oslo", NOW)
    assert flaws == ["MedicationRequest/rx-1: MedicationRequest.intent is missing"]


@pytest.mark.parametrize("intent", ["proposal", "option"])
def test_what_is_only_proposed_is_no_prescription_and_never_runs_out(intent: str):
    result = prescription(until("2027-03-10") | {"intent": intent})
    assert (result.is_proposed, result.is_prescribed, result.is_current) == (True, False, False)
    assert (result.remaining, result.low) == (None, False)


@pytest.mark.parametrize(
    "other", [{"status": "ended"}, {"intent": "wish"}, {"doNotPerform": "true"}, {"intent": 7}]
)
def test_what_can_not_be_told_to_be_a_prescription_is_not_read_at_all(other: Json):
    flaws: list[str] = []
    element = read_resource(a_request(**other), flaws)
    with pytest.raises(Malformed):
        read_prescription(element, a_bundle(included=INCLUDED), [], "Europe/Oslo", NOW)


def test_one_that_says_not_to_take_it_says_why_and_never_runs_out():
    request = until("2027-03-10") | {
        "doNotPerform": True,
        "statusReason": {"text": "Allergy"},
        "reasonCode": [{"coding": [{"code": "X7"}]}, {"text": "Contraindicated"}],
        "reasonReference": [
            ref("Condition/away", display="Rash"),
            ref("#c"),
            {"identifier": {"value": "1"}},
        ],
        "contained": [{"resourceType": "Condition", "id": "c", "code": {"text": "Hives"}}],
    }
    result = prescription(request)
    assert (result.do_not_take, result.status_reason) == (True, "Allergy")
    assert result.reason == "X7; Contraindicated; Rash; Hives"
    assert (result.remaining, result.low) == (None, False)
    assert prescription(a_request(doNotPerform=False)).do_not_take is False


def test_what_is_left_of_one_on_hold_is_told_and_it_never_runs_out():
    result = prescription(until("2027-03-10", 0) | {"status": "on-hold"})
    assert (result.remaining, result.low) == (Remaining(0, Basis.DISPENSES), False)


@pytest.mark.parametrize(
    ("said", "reported", "by"),
    [
        ({}, False, None),
        ({"reportedBoolean": False}, False, None),
        ({"reportedBoolean": True}, True, None),
        ({"reportedReference": ref("Patient/kari", display="Kari")}, True, "Kari"),
        ({"reportedReference": ref("Practitioner/lege")}, True, "Ola Berg"),
        ({"reportedReference": ref("Patient/away")}, True, None),
    ],
)
def test_what_is_only_reported_is_said_to_be_and_by_whom(
    said: Json, reported: bool, by: str | None
):
    result = prescription(a_request(**said))
    assert (result.reported, result.reported_by) == (reported, by)


def test_notes_and_who_entered_it_are_kept():
    request = a_request(note=[{"text": "One"}, {}, {"text": "Two"}], recorder=ref("#r"))
    request["contained"] = [a_practitioner(id="r")]
    result = prescription(request)
    assert (result.note, result.recorder) == ("One; Two", "Ola Berg")


@pytest.mark.parametrize(
    "prior",
    [
        ref("MedicationRequest/rx-0"),
        ref("https://portal.example/fhir/MedicationRequest/rx-0/_history/1"),
        {"identifier": {"system": "urn:rx", "value": "16"}},
    ],
)
def test_the_one_that_it_replaces_is_known_however_it_is_referred_to(prior: Json):
    before = a_request("rx-0", identifier=[{"system": "urn:rx", "value": "16"}])
    assert prescription(a_request(priorPrescription=prior), [before]).predecessors == ("rx-0",)


@pytest.mark.parametrize(
    "prior",
    [
        ref("#rx-0"),
        ref("urn:uuid:9d3c4b3e-31c2-4b8e-9d4e-7f2f8a7e6c11"),
        ref("Task/rx-0"),
        {"identifier": {"system": "urn:rx", "value": "99"}},
        {"display": "The one before"},
    ],
)
def test_what_is_no_prescription_of_the_portal_is_none_that_it_replaces(prior: Json):
    assert prescription(a_request(priorPrescription=prior)).predecessors == ()


@pytest.mark.parametrize(
    ("end", "now", "expired"),
    [
        ("2027-03-01", NOW, False),
        ("2027-02-28", NOW, True),
        ("2027-03", NOW, False),
        ("2027-02", NOW, True),
        ("2027", NOW, False),
        ("2026", NOW, True),
        ("2027-03-01T07:59:59+01:00", NOW, True),
        ("2027-03-01T08:00:00+01:00", NOW, False),
        ("9999-12-31", NOW, False),
        ("2027-03-28", datetime(2027, 3, 28, 23, 59, tzinfo=OSLO), False),
        ("2027-03-28", datetime(2027, 3, 29, 0, 0, tzinfo=OSLO), True),
        ("2027-10-31", datetime(2027, 10, 31, 23, 59, tzinfo=OSLO), False),
        ("2027-10-31", datetime(2027, 11, 1, 0, 0, tzinfo=OSLO), True),
    ],
)
def test_it_is_good_to_the_end_of_what_is_written_by_the_surgerys_clock(
    end: str, now: datetime, expired: bool
):
    result = prescription(until(end), now=now)
    assert (result.valid_until, result.expired) == (end, expired)


@pytest.mark.parametrize("status", ["active", "completed", "stopped"])
def test_nothing_is_left_of_an_expired_one_whatever_was_handed_out(status: str):
    request = until("2027-02-28") | {"status": status}
    request |= {"extension": [a_figure(numberOfPrescriptionsIssued=1)]}
    result = prescription(request)
    assert (result.remaining, result.low) == (EXPIRED, False)


@pytest.mark.parametrize("status", ["completed", "stopped"])
def test_of_one_that_is_over_nobody_says_what_is_left(status: str):
    result = prescription(until("2027-03-02") | {"status": status})
    assert (result.remaining, result.low) == (None, False)


@pytest.mark.parametrize(
    ("repeats", "end", "low"),
    [
        (3, "2027-12-01", False),
        (2, "2027-12-01", False),
        (1, "2027-12-01", True),
        (0, "2027-12-01", True),
        (3, "2027-03-28", True),
        (3, "2027-03-29", False),
        (3, None, False),
        (None, "2027-12-01", None),
        (None, "2027-03-10", True),
        (None, None, None),
    ],
)
def test_little_is_left_at_one_fill_or_in_the_last_28_days(
    repeats: int | None, end: str | None, low: bool | None
):
    assert prescription(until(end, repeats)).low is low


@pytest.mark.parametrize(
    ("repeats", "end", "figure", "low"),
    [
        (0, "2027-12-01", None, False),
        (1, "2027-03-10", None, False),
        (None, "2027-03-10", None, None),
        (None, "2027-12-01", None, None),
        (1, "2027-12-01", {"numberOfPrescriptionsIssued": 1}, False),
        (1, "2027-03-10", {"numberOfRepeatPrescriptionsIssued": 0}, False),
        (0, "2027-12-01", {"numberOfPrescriptionsIssued": 1}, True),
        (0, "2027-12-01", {"numberOfRepeatPrescriptionsIssued": 0}, True),
        (2, "2027-12-01", {"numberOfPrescriptionsIssued": 2}, True),
        (2, "2027-12-01", {"numberOfRepeatPrescriptionsIssued": 1}, True),
    ],
)
def test_what_nothing_was_handed_out_of_is_low_only_if_nothing_is_left(
    repeats: int | None, end: str, figure: Json | None, low: bool | None
):
    figures = [a_figure(**figure)] if figure else []
    assert prescription(until(end, repeats) | {"extension": figures}, dispenses=[]).low is low


def test_where_nobody_knows_what_was_handed_out_the_date_counts():
    assert prescription(until("2027-03-10"), dispenses=None).low is True


@pytest.mark.parametrize(
    ("issued", "low"),
    [
        ("2027-02-27", False),
        ("2027-02-20", False),
        ("2027-02-10", True),
        ("2027-02", True),
        (None, True),
    ],
)
def test_a_short_one_is_low_in_the_second_half_of_its_time(issued: str | None, low: bool):
    result = prescription(until("2027-03-14", 3) | {"authoredOn": issued})
    assert result.low is low


def test_the_begin_of_its_validity_comes_before_the_day_it_was_issued():
    request = until("2027-03-14", 3) | {"authoredOn": "2026-12-01"}
    request["dispenseRequest"]["validityPeriod"]["start"] = "2027-02-25"
    assert prescription(request).low is False


def test_what_was_handed_out_is_counted():
    assert prescription(a_request()).remaining == THREE


def test_without_knowing_what_was_handed_out_it_is_unknown_and_so_is_whether_it_runs_out():
    result = prescription(until("2027-12-01", 0), dispenses=None)
    assert (result.remaining, result.low) == (None, None)


@pytest.mark.parametrize(
    ("requester", "prescriber", "surgery", "reference"),
    [
        (ref("PractitionerRole/role-1"), "Ola Berg", "role-1", "PractitionerRole/role-1"),
        (ref("PractitionerRole/x", display="Eli"), "Eli", "x", "PractitionerRole/x"),
        (ref("Practitioner/lege"), "Ola Berg", "role-1", "Practitioner/lege"),
        (ref("Practitioner/other"), None, None, "Practitioner/other"),
        (ref("Organization/clinic", display="Clinic"), "Clinic", "clinic", "Organization/clinic"),
        ({"display": "Somebody"}, "Somebody", None, None),
        (
            {"identifier": {"system": "urn:hpr", "value": "7"}, "type": "Practitioner"},
            "Eva Dahl",
            None,
            "Practitioner/dahl",
        ),
        (ref("#own"), "Siv Moen", None, "#own"),
        (ref("#in"), "Ola Berg", None, "#in"),
        (None, None, None, None),
    ],
)
def test_the_prescriber_is_named_and_known_as_one_of_the_gps_where_possible(
    requester: Json | None, prescriber: str | None, surgery: str | None, reference: str | None
):
    dahl = {
        "resourceType": "Practitioner",
        "id": "dahl",
        "name": [{"text": "Eva Dahl"}],
        "identifier": [{"system": "urn:hpr", "value": "7"}],
    }
    contained = [a_practitioner(id="own", name=[{"text": "Siv Moen"}]), a_role(id="in")]
    request = a_request(requester=requester, contained=contained)
    result = prescription(request, (*INCLUDED, dahl))
    assert (result.prescriber, result.surgery_id, result.prescriber_ref) == (
        prescriber,
        surgery,
        reference,
    )


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ([concept("consumable", KINDS)], "consumable"),
        ([concept("something-new", KINDS)], "something-new"),
        ([concept("outpatient", "urn:other")], None),
        ([concept("", KINDS)], None),
        ([], None),
    ],
)
def test_the_kind_is_as_written_in_our_system_or_not_said(category: list[Json], kind: str | None):
    assert prescription(a_request(category=category)).kind == kind


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"status": 7},
        {"intent": []},
        {"status": "ended"},
        {"doNotPerform": "true"},
        {"authoredOn": 2026},
        {"requester": "Ola"},
        {"requester": {"reference": 7}},
        {"dosageInstruction": "daily"},
        {"dosageInstruction": [{"text": 1}]},
        {"category": "medicine"},
        {"priorPrescription": []},
        {"dispenseRequest": {"validityPeriod": "2027"}},
        {"dispenseRequest": {"validityPeriod": {"end": "soon"}}},
        {"dispenseRequest": {"validityPeriod": {"end": "2027-02-30"}}},
        {"dispenseRequest": {"validityPeriod": {"end": 2027}}},
    ],
)
def test_wrong_types_are_malformed_never_a_crash(wrong: Json):
    with pytest.raises(Malformed):
        read(a_request(**wrong))
