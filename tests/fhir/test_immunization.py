"""Which vaccinations are against influenza, and how they are named."""

from __future__ import annotations

import pytest

from gpcli.fhir.element import Malformed, read_resource
from gpcli.fhir.patient import (
    is_influenza_vaccine,
    read_flu_vaccination,
    read_vaccination,
    vaccination_order,
)
from gpcli.model.appointment import Vaccination
from tests.portal.builders import an_immunization, concept

ATC = "http://www.whocc.no/atc"
CVX = "http://hl7.org/fhir/sid/cvx"


@pytest.mark.parametrize(
    ("code", "flu"),
    [
        (concept("J07BB02", ATC), True),
        (concept("J07BB03", ATC, display="Fluenz"), True),
        ({"text": "Influenza vaccine"}, True),
        ({"text": "Influensavaksine 2026/27"}, True),
        ({"coding": [{"code": "1", "display": "Seasonal flu vaccine"}]}, True),
        ({"text": "Haemophilus influenzae type b"}, False),
        (concept("J07AG01", ATC, display="Haemophilus influenzae B"), False),
        ({"text": "Parainfluenza"}, False),
        (concept("J07BN01", ATC, display="COVID-19"), False),
        (concept("150", CVX), True),
        (concept("208", CVX), False),
        (concept("150", "http://snomed.info/sct", display="Tetanus"), False),
        ({"text": "Flu shot"}, True),
        ({"text": "Tetanus"}, False),
        (concept("1181000221105", "http://snomed.info/sct"), None),
        ({}, None),
    ],
)
def test_a_flu_vaccine_is_known_by_its_code_or_its_name(code: dict, flu: bool | None):
    assert is_influenza_vaccine(read_resource(an_immunization(code))) is flu


def test_a_vaccine_that_may_be_against_flu_is_malformed_if_it_was_given():
    with pytest.raises(Malformed, match="does not name the vaccine"):
        read_flu_vaccination(read_resource(an_immunization({})))
    assert read_flu_vaccination(read_resource(an_immunization({}, status="not-done"))) is None


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (concept("J07BB02", ATC, display="Vaxigrip"), "Vaxigrip"),
        (concept("J07BB02", ATC), "J07BB02"),
        ({"coding": [{"system": ATC}]}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_vaccine_is_called_by_its_words_else_its_code(code: dict, name: str):
    assert read_vaccination(read_resource(an_immunization(code, "2026-10"))) == Vaccination(
        name, "2026-10"
    )


@pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
def test_what_was_not_given_does_not_count(status: str):
    assert read_vaccination(read_resource(an_immunization({}, status=status))) is None


def test_one_that_does_not_say_whether_it_was_given_is_malformed():
    with pytest.raises(Malformed, match="status is missing"):
        read_vaccination(read_resource(an_immunization({}, status=None)))


def test_a_date_may_be_words_and_one_that_is_missing_is_malformed():
    shot = an_immunization({"text": "Flu"}, None)
    in_words = read_resource({**shot, "occurrenceString": "last autumn"})
    assert read_vaccination(in_words) == Vaccination("Flu", "last autumn")
    with pytest.raises(Malformed, match="occurrence is missing"):
        read_vaccination(read_resource(shot))


def test_a_dose_that_was_too_weak_is_said_to_be():
    weak, strong = (
        read_vaccination(read_resource(an_immunization({}, isSubpotent=value)))
        for value in (True, False)
    )
    assert weak
    assert strong
    assert (weak.subpotent, strong.subpotent) == (True, False)
    with pytest.raises(Malformed, match="isSubpotent"):
        read_vaccination(read_resource(an_immunization({}, isSubpotent="yes"), []))


def test_dates_in_words_come_before_all_others():
    dates = ["2026-10", "last autumn", "2025-11-02"]
    shots = [Vaccination("Flu", each) for each in dates]
    in_order = [each.date for each in sorted(shots, key=vaccination_order)]
    assert in_order == ["last autumn", "2025-11-02", "2026-10"]
