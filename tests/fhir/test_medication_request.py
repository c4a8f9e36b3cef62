"""MedicationRequest: one prescription, how long it is good, what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gpcli.fhir.element import Element, Malformed
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
        remaining=Remaining(4, Basis.DISPENSES, Quantity(Decimal(400), "tablets")),
        predecessors=("rx-0",),
    )


def test_a_prescription_that_says_nothing_is_read_as_that():
    bare = {"resourceType": "MedicationRequest", "id": "rx-9", "status": "active"}
    assert prescription(bare) == a_prescription(
        "rx-9",
        name=None,
        prescriber=None,
        issued=None,
        valid_until=None,
        surgery_id=None,
        prescriber_ref=None,
    )


@pytest.mark.parametrize("status", ["active", "completed", "stopped"])
@pytest.mark.parametrize("intent", ["order", "plan", None])
def test_prescriptions_have_a_status_and_an_intent_that_were_asked_for(
    status: str, intent: str | None
):
    assert prescription(a_request(status=status, intent=intent)).status == status


@pytest.mark.parametrize(
    "other",
    [
        {"status": "draft"},
        {"status": "cancelled"},
        {"status": "entered-in-error"},
        {"intent": "proposal"},
        {"intent": "instance-order"},
    ],
)
def test_what_a_lenient_portal_sends_besides_is_left_out(other: Json):
    assert read(a_request(**other)) is None


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
        (None, "2027-12-01", False),
        (None, "2027-03-10", True),
        (None, None, False),
    ],
)
def test_little_is_left_at_one_fill_or_in_the_last_28_days(
    repeats: int | None, end: str | None, low: bool
):
    assert prescription(until(end, repeats)).low is low


@pytest.mark.parametrize(
    ("repeats", "end", "figure", "low"),
    [
        (0, "2027-12-01", None, False),
        (1, "2027-03-10", None, False),
        (None, "2027-03-10", None, False),
        (1, "2027-12-01", {"numberOfPrescriptionsIssued": 1}, False),
        (1, "2027-03-10", {"numberOfRepeatPrescriptionsIssued": 0}, False),
        (0, "2027-12-01", {"numberOfPrescriptionsIssued": 1}, True),
        (0, "2027-12-01", {"numberOfRepeatPrescriptionsIssued": 0}, True),
        (2, "2027-12-01", {"numberOfPrescriptionsIssued": 2}, True),
        (2, "2027-12-01", {"numberOfRepeatPrescriptionsIssued": 1}, True),
    ],
)
def test_what_nothing_was_handed_out_of_is_low_only_if_nothing_is_left(
    repeats: int | None, end: str, figure: Json | None, low: bool
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
        ("some day", True),
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


def test_without_knowing_what_was_handed_out_it_is_unknown_and_not_low():
    result = prescription(until("2027-12-01", 0), dispenses=None)
    assert (result.remaining, result.low) == (None, False)


@pytest.mark.parametrize(
    ("requester", "prescriber", "surgery", "reference"),
    [
        (ref("PractitionerRole/role-1"), "Ola Berg", "role-1", "PractitionerRole/role-1"),
        (ref("PractitionerRole/x", display="Eli"), "Eli", "x", "PractitionerRole/x"),
        (ref("Practitioner/lege"), "Ola Berg", "role-1", "Practitioner/lege"),
        (ref("Practitioner/other"), None, None, "Practitioner/other"),
        (ref("Organization/clinic", display="Clinic"), "Clinic", "clinic", "Organization/clinic"),
        ({"display": "Somebody"}, "Somebody", None, None),
        (None, None, None, None),
    ],
)
def test_the_prescriber_is_named_and_known_as_one_of_the_gps_where_possible(
    requester: Json | None, prescriber: str | None, surgery: str | None, reference: str | None
):
    result = prescription(a_request(requester=requester))
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
