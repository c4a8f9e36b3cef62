"""What is left of a prescription: the portal's figure, or what was handed out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.medication import (
    Dispense,
    has_stated_remaining,
    read_dispense,
    read_expiry,
    read_remaining,
)
from gpcli.model.prescription import Basis, Quantity, Remaining
from tests.portal.builders import Json, ref
from tests.portal.medicines import FIGURE, a_dispense, a_dispense_request, a_figure, a_request


def remaining(request: Json, *dispenses: Json, shown: bool = True) -> Remaining | None:
    completed = [read_dispense(Element(each, "MedicationDispense")) for each in dispenses]
    return read_remaining(Element(request, "MedicationRequest"), completed if shown else None)


def capsules(value: Any, unit: str = "capsules") -> Json:
    return {"quantity": {"value": value, "unit": unit}}


def left(fills: int, quantity: Quantity | None = None) -> Remaining:
    return Remaining(fills, Basis.DISPENSES, quantity)


def with_repeats(repeats: Any = 3, **more: Any) -> Json:
    return a_request(dispenseRequest=a_dispense_request(repeats, **more))


def test_a_completed_dispense_is_handed_out_on_its_prescriptions():
    also = [ref("MedicationRequest/rx-1"), ref("https://portal.example/fhir/MedicationRequest/b")]
    dispense = a_dispense(authorizingPrescription=also, **capsules(98))
    assert read_dispense(Element(dispense, "MedicationDispense")) == Dispense(
        ("MedicationRequest/rx-1", "MedicationRequest/b"), Quantity(Decimal(98), "capsules"), True
    )


NOT_HANDED_OUT = [
    *("preparation", "in-progress", "cancelled", "on-hold", "entered-in-error"),
    *("stopped", "declined"),
]


@pytest.mark.parametrize("status", NOT_HANDED_OUT)
def test_what_was_not_really_handed_out_does_not_count(status: str):
    assert remaining(with_repeats(3), a_dispense(status=status)) == left(4)


def test_of_what_nobody_knows_whether_it_was_handed_out_nobody_knows_what_is_left():
    unknown = a_dispense("d-2", status="unknown")
    assert remaining(with_repeats(3), a_dispense(), unknown) is None
    others = a_dispense("d-2", "rx-2", status="unknown")
    assert remaining(with_repeats(3), a_dispense(), others) == left(3)


def test_a_status_that_r4_does_not_have_can_not_be_read():
    with pytest.raises(Malformed):
        read_dispense(Element(a_dispense(status="given"), "MedicationDispense"))


def test_a_dispense_may_name_its_prescription_by_an_identifier():
    named = {"identifier": {"system": "urn:rx", "value": "17"}}
    request = with_repeats(3) | {"identifier": [{"system": "urn:rx", "value": "17"}]}
    dispense = a_dispense(authorizingPrescription=[named])
    assert (remaining(request, dispense), remaining(with_repeats(3), dispense)) == (
        left(3),
        left(4),
    )


@pytest.mark.parametrize("comparator", ["<", "<=", ">=", ">"])
def test_an_amount_that_is_not_exact_is_not_counted_with(comparator: str):
    request = with_repeats(3, **capsules(100))
    dispense = a_dispense(quantity=capsules(90)["quantity"] | {"comparator": comparator})
    assert remaining(request, dispense) == left(3)


@pytest.mark.parametrize(("count", "fills"), [(0, 4), (1, 3), (3, 1), (4, 0), (9, 0)])
def test_repeats_and_the_first_time_less_what_was_handed_out_is_left(count: int, fills: int):
    dispenses = [a_dispense(f"d-{number}") for number in range(count)]
    assert remaining(with_repeats(3), *dispenses, a_dispense(of="other")) == left(fills)


def test_no_repeats_means_once():
    assert remaining(with_repeats(0)) == left(1)


def test_without_repeats_nobody_knows():
    assert remaining(with_repeats(None), a_dispense()) is None


def test_a_portal_that_does_not_tell_what_was_handed_out_leaves_it_unknown():
    assert remaining(with_repeats(3), shown=False) is None


def test_a_prescription_that_says_nothing_leaves_it_unknown():
    request = a_request()
    del request["dispenseRequest"]
    assert remaining(request, a_dispense()) is None


def test_amounts_in_one_unit_are_left_as_well():
    request = with_repeats(2, **capsules(100))
    dispense = a_dispense(**capsules(Decimal("98.5")))
    amount = Quantity(Decimal("201.5"), "capsules")
    assert remaining(request, dispense) == left(2, amount)


def test_what_nothing_was_taken_of_is_all_there():
    amount = Quantity(Decimal(300), "capsules")
    assert remaining(with_repeats(2, **capsules(100))) == left(3, amount)


def test_more_than_there_was_leaves_nothing():
    amount = Quantity(Decimal(0), "capsules")
    dispense = a_dispense(**capsules(500))
    assert remaining(with_repeats(1, **capsules(100)), dispense) == left(1, amount)


@pytest.mark.parametrize("quantity", [capsules(100, "boxes"), capsules(100, ""), {}])
def test_amounts_in_several_units_can_not_be_told_but_fills_can(quantity: Json):
    dispenses = a_dispense("a", **capsules(100)), a_dispense("b", **quantity)
    assert remaining(with_repeats(2, **capsules(100)), *dispenses) == left(1)


def test_a_first_fill_of_its_own_size_leaves_the_amount_unknown():
    request = with_repeats(2, **capsules(100), initialFill={"quantity": {"value": 20}})
    assert remaining(request) == left(3)


@pytest.mark.parametrize(
    ("name", "fills"),
    [("numberOfPrescriptionsIssued", 4), ("numberOfRepeatPrescriptionsIssued", 3)],
)
def test_the_portals_own_figure_beats_all_counting(name: str, fills: int):
    figure = a_figure(**{name: 2}, numberOfRepeatPrescriptionsAllowed=5)
    request = with_repeats(9) | {"extension": [figure]}
    assert remaining(request, a_dispense()) == Remaining(fills, Basis.PORTAL)
    assert has_stated_remaining(Element(request, "MedicationRequest"))


def test_what_the_figure_does_not_say_is_taken_from_the_prescription():
    request = with_repeats(4) | {"extension": [a_figure(numberOfPrescriptionsIssued=1)]}
    assert remaining(request, shown=False) == Remaining(4, Basis.PORTAL)


def test_more_issued_than_allowed_is_nothing_left():
    request = with_repeats(1) | {"extension": [a_figure(numberOfPrescriptionsIssued=7)]}
    assert remaining(request) == Remaining(0, Basis.PORTAL)


@pytest.mark.parametrize("value", ["valueUnsignedInt", "valuePositiveInt", "valueInteger"])
def test_a_figure_may_be_any_whole_number(value: str):
    inner = [{"url": "numberOfPrescriptionsIssued", value: 1}]
    request = with_repeats(3) | {"extension": [{"url": FIGURE, "extension": inner}]}
    assert remaining(request) == Remaining(3, Basis.PORTAL)


@pytest.mark.parametrize(
    "extension",
    [
        a_figure(),
        a_figure(numberOfRepeatPrescriptionsAllowed=6),
        {"url": FIGURE},
        {"url": "urn:other", "extension": [{"url": "numberOfPrescriptionsIssued"}]},
    ],
)
def test_half_a_figure_is_none_and_what_was_handed_out_is_counted(extension: Json):
    request = with_repeats(3) | {"extension": [extension]}
    assert remaining(request, a_dispense()) == left(3)
    assert not has_stated_remaining(Element(request, "MedicationRequest"))


def test_it_expires_when_its_validity_ends():
    period = read_expiry(Element(with_repeats(end="2027-06"), "MedicationRequest"))
    assert period
    assert period.json == {"end": "2027-06"}


@pytest.mark.parametrize("name", ["valueDateTime", "valueDate"])
def test_it_expires_when_the_portals_authorisation_does_where_nothing_else_is_said(name: str):
    others = [{"url": "numberOfPrescriptionsIssued"}, {"url": "other", name: "2026-01-01"}]
    inner = [*others, {"url": "authorisationExpiryDate", name: "2027-05-01"}]
    request = with_repeats(end=None) | {"extension": [{"url": FIGURE, "extension": inner}]}
    period = read_expiry(Element(request, "MedicationRequest"))
    assert period
    assert period.json == {"end": "2027-05-01"}


def test_without_an_end_it_does_not_expire():
    assert read_expiry(Element(with_repeats(end=None), "MedicationRequest")) is None


@pytest.mark.parametrize("repeats", ["3", -1, Decimal("1.5"), 2**31, Decimal("1e300"), True, [3]])
def test_a_count_that_is_none_is_malformed(repeats: Any):
    with pytest.raises(Malformed):
        remaining(with_repeats(repeats))


@pytest.mark.parametrize(
    "request_",
    [
        {"dispenseRequest": []},
        {"dispenseRequest": {"numberOfRepeatsAllowed": 1, "quantity": 7}},
        {"dispenseRequest": {"numberOfRepeatsAllowed": 1, "quantity": {"value": "7"}}},
        {"extension": "none"},
        {"extension": [{"url": 7}]},
        {"extension": [a_figure(numberOfPrescriptionsIssued="2")]},
        {"extension": [{"url": FIGURE, "extension": 7}]},
    ],
)
def test_wrong_types_in_a_prescription_are_malformed(request_: Json):
    with pytest.raises(Malformed):
        remaining(a_request(**request_))


@pytest.mark.parametrize(
    "dispense",
    [
        {"status": None},
        {"status": 7},
        {"quantity": "98"},
        {"authorizingPrescription": {}},
        {"authorizingPrescription": [{"reference": 7}]},
    ],
)
def test_wrong_types_in_what_was_handed_out_are_malformed(dispense: Json):
    with pytest.raises(Malformed):
        remaining(with_repeats(), a_dispense(**dispense))
