"""Medication: what is prescribed, wherever a portal puts it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gpcli.fhir.bundle import read_bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.medication import Medicine, read_medicine
from gpcli.fhir.quantity import read_quantity
from gpcli.model.prescription import Quantity
from tests.portal.builders import Json, a_bundle, concept, ref
from tests.portal.medicines import ATC, a_group, a_medication, a_request


def medicine(request: Json, *included: Json) -> Medicine:
    return read_medicine(Element(request, "MedicationRequest"), a_bundle(included=included))


def an_ingredient(value: Any, unit: str, per: Json | None = None, **more: Any) -> Json:
    strength: Json = {"numerator": {"value": value, "unit": unit}}
    return {"strength": strength | ({"denominator": per} if per else {}), **more}


def strength(*ingredients: Json, form: str | None = "Tablet") -> str | None:
    said = {"form": {"text": form}} if form else {}
    return medicine(a_request(), a_medication(ingredient=list(ingredients), **said)).strength


def test_a_medicine_has_a_name_a_strength_a_form_and_a_group():
    included = a_medication(
        form={"text": "Tablet"},
        ingredient=[an_ingredient(50, "µg", {"value": 1, "unit": "tablet"})],
        extension=[a_group("B")],
        code={"text": "Levothyroxine"},
    )
    assert medicine(a_request(), included) == Medicine("Levothyroxine", "50 µg", "Tablet", "B")


def test_a_medicine_contained_in_the_prescription_is_found():
    request = a_request(
        medicationReference=ref("#m"), contained=[a_medication("other"), a_medication("m")]
    )
    assert medicine(request).name == "Metformin 500 mg tablets"


def test_a_medicine_in_words_and_codes_alone_is_read_too():
    request = a_request(medicationCodeableConcept={"text": "Energy-rich drink"})
    del request["medicationReference"]
    assert medicine(request) == Medicine("Energy-rich drink", None, None, None)


@pytest.mark.parametrize(
    ("code", "reference", "name"),
    [
        ({"text": "Text", "coding": [{"display": "Display", "code": "C"}]}, "Shown", "Text"),
        ({"coding": [{"display": "Display", "code": "C"}]}, "Shown", "Display"),
        ({"coding": [{"code": "C"}]}, "Shown", "Shown"),
        ({"coding": [{"code": "C"}]}, None, "C"),
        ({}, None, None),
    ],
)
def test_a_name_is_text_else_display_else_what_the_reference_says_else_the_code(
    code: Json, reference: str | None, name: str | None
):
    target = ref("Medication/metformin", display=reference)
    assert medicine(a_request(medicationReference=target), a_medication(code=code)).name == name


def test_a_medicine_that_did_not_come_along_is_called_as_the_reference_says():
    request = a_request(medicationReference=ref("Medication/away", display="Something"))
    assert medicine(request) == Medicine("Something", None, None, None)


def test_a_form_without_words_is_its_code():
    included = a_medication(form=concept("385055001", "http://snomed.info/sct"))
    assert medicine(a_request(), included).form == "385055001"


@pytest.mark.parametrize(
    "extension",
    [
        a_group("A"),
        a_group("A", "http://helsedir.no/fhir/CodeSystem/no-kodeverk-7421"),
        {"url": "any", "valueCodeableConcept": concept("A", "urn:oid:2.16.578.1.12.4.1.1.7421")},
        {"url": "any", "valueCoding": {"system": "7421", "code": "A"}},
    ],
)
def test_a_prescription_group_is_known_by_its_code_system_wherever_it_stands(extension: Json):
    others = [{"url": "x", "valueString": "y"}, a_group("Z", ATC), a_group("", "7421")]
    assert medicine(a_request(), a_medication(extension=[*others, extension])).group == "A"


def test_a_prescription_group_may_stand_on_the_prescription_itself():
    request = a_request(extension=[a_group("C")])
    assert medicine(request, a_medication()).group == "C"


@pytest.mark.parametrize("system", ["urn:oid:1.2.17421", "7421.1", "", ATC])
def test_codes_of_other_systems_are_no_prescription_group(system: str):
    assert medicine(a_request(), a_medication(extension=[a_group("A", system)])).group is None


@pytest.mark.parametrize("status", [None, "active", "inactive"])
def test_a_medicine_that_is_in_use_or_no_longer_is_what_it_says(status: str | None):
    assert medicine(a_request(), a_medication(status=status)).name == "Metformin 500 mg tablets"


@pytest.mark.parametrize("status", ["entered-in-error", "retired", 7])
def test_a_medicine_that_is_not_to_be_trusted_is_called_as_the_request_says(status: Any):
    target = ref("Medication/metformin", display="Something")
    record = a_request(medicationReference=target)
    flaws: list[str] = []
    included = {"resource": a_medication(status=status, form={"text": "Tablet"})}
    bundle = read_bundle({"resourceType": "Bundle", "entry": [included]}, flaws)
    found = read_medicine(Element(record, "MedicationRequest"), bundle)
    assert found == Medicine("Something", None, None, None)
    assert flaws == [
        "Medication/metformin: Medication.status says that it is not to be trusted: "
        "its name is not shown"
    ]


IDENTIFIED = {"identifier": {"system": "urn:fest", "value": "M17"}}


@pytest.mark.parametrize(
    "target",
    [
        ref("Medication/metformin"),
        ref("https://portal.example/fhir/Medication/metformin"),
        IDENTIFIED,
        {"type": "Medication", **IDENTIFIED},
    ],
)
def test_a_medicine_is_found_however_it_is_referred_to(target: Json):
    included = a_medication(identifier=[IDENTIFIED["identifier"]])
    assert medicine(a_request(medicationReference=target), included).label


@pytest.mark.parametrize(
    ("target", "name"),
    [(IDENTIFIED | {"display": "Something"}, "Something"), (IDENTIFIED, "M17"), ({}, None)],
)
def test_a_medicine_that_is_not_there_is_called_as_the_reference_tells(
    target: Json, name: str | None
):
    same = [a_medication(id, identifier=[IDENTIFIED["identifier"]]) for id in ("a", "b")]
    assert medicine(a_request(medicationReference=target), *same).name == name


@pytest.mark.parametrize(
    ("numerator", "per", "written"),
    [
        ({"value": 50, "unit": "mg", "comparator": "<"}, None, "less than 50 mg"),
        ({"value": 50, "unit": "mg", "comparator": "~"}, None, None),
        ({"value": 50, "unit": "mg"}, {"value": 5, "unit": "ml", "comparator": ">"}, None),
    ],
)
def test_a_strength_with_a_comparator_is_never_taken_for_the_figure(
    numerator: Json, per: Json | None, written: str | None
):
    said = {"numerator": numerator, **({"denominator": per} if per else {})}
    assert strength({"strength": said}) == written


@pytest.mark.parametrize(
    ("per", "written"),
    [
        (None, "50 mg"),
        ({"value": 1}, "50 mg"),
        ({"value": 1, "unit": "TABLET"}, "50 mg"),
        ({"value": 1, "code": "1"}, "50 mg"),
        ({"value": 1, "unit": "ml"}, "50 mg/ml"),
        ({"value": 5, "unit": "ml"}, "50 mg/5 ml"),
        ({"unit": "ml"}, "50 mg"),
    ],
)
def test_a_strength_says_in_how_much_unless_that_is_one_of_the_thing_itself(
    per: Json | None, written: str
):
    assert strength(an_ingredient(50, "mg", per)) == written


def test_several_active_ingredients_have_a_strength_each():
    filler = an_ingredient(9, "g", isActive=False)
    both = an_ingredient(30, "mg"), an_ingredient(400, "mg", isActive=True)
    assert strength(*both, filler) == "30 mg / 400 mg"


@pytest.mark.parametrize("without", [{}, {"strength": {}}, {"strength": {"numerator": {}}}])
def test_half_a_strength_is_none(without: Json):
    assert strength(an_ingredient(30, "mg"), without) is None


@pytest.mark.parametrize(("value", "written"), [(Decimal("2.50"), "2.50"), (Decimal("5E+1"), "50")])
def test_a_strength_keeps_the_records_own_digits(value: Decimal, written: str):
    assert strength(an_ingredient(value, "mg")) == f"{written} mg"


@pytest.mark.parametrize(
    ("name", "strength_text", "label"),
    [
        ("Metformin", "500 mg", "Metformin 500 mg"),
        ("Metformin 500 MG tablets", "500 mg", "Metformin 500 MG tablets"),
        ("Warfarin 2.5 mg", "5 mg", "Warfarin 2.5 mg 5 mg"),
        ("Metformin", None, "Metformin"),
        (None, "500 mg", "500 mg"),
        (None, None, None),
    ],
)
def test_a_strength_that_the_name_tells_is_not_said_twice(
    name: str | None, strength_text: str | None, label: str | None
):
    assert Medicine(name, strength_text, None, None).label == label


@pytest.mark.parametrize(
    ("json", "quantity"),
    [
        ({"value": 3, "unit": "flasker", "code": "fl"}, Quantity(Decimal(3), "flasker")),
        ({"value": Decimal("1.0"), "code": "mg"}, Quantity(Decimal("1.0"), "mg")),
        ({"value": 0}, Quantity(Decimal(0), None)),
        ({"unit": "mg"}, None),
        ({"value": 3, "comparator": "<"}, None),
        ({"value": 3, "comparator": ">="}, None),
        (None, None),
    ],
)
def test_a_quantity_has_its_own_digits_and_a_unit_in_words(json: Any, quantity: Quantity | None):
    assert read_quantity(Element({"q": json}, "X"), "q") == quantity


@pytest.mark.parametrize(
    ("request_", "medication"),
    [
        ({"medicationReference": "Medication/metformin"}, {}),
        ({"medicationReference": {"reference": 7}}, {}),
        ({"medicationReference": ref("#m"), "contained": {}}, {}),
        ({"medicationReference": ref("#m"), "contained": [{"id": 7}]}, {}),
        ({"medicationReference": {"display": ["x"]}, "medicationCodeableConcept": {}}, {}),
        ({}, {"code": "Metformin"}),
        ({}, {"code": {"text": 7}}),
        ({}, {"form": []}),
        ({}, {"ingredient": {}}),
        ({}, {"ingredient": [{"strength": "50 mg"}]}),
        ({}, {"ingredient": [{"isActive": "true"}]}),
        ({}, {"ingredient": [{"strength": {"numerator": {"value": "50"}}}]}),
        ({}, {"extension": {}}),
        ({}, {"extension": [{"valueCoding": "A"}]}),
        ({}, {"extension": [{"extension": [7]}]}),
    ],
)
def test_wrong_types_are_malformed_never_a_crash(request_: Json, medication: Json):
    with pytest.raises(Malformed):
        medicine(a_request(**request_), a_medication(**medication))
