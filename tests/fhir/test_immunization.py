"""Which vaccinations are against influenza, and how they are named."""

from __future__ import annotations

import pytest

from gpcli.fhir.element import read_resource
from gpcli.fhir.patient import is_influenza_vaccine, read_vaccination
from gpcli.model.appointment import Vaccination
from tests.portal.builders import an_immunization, concept

ATC = "http://www.whocc.no/atc"


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
        ({}, False),
    ],
)
def test_a_flu_vaccine_is_known_by_its_atc_code_or_its_name(code: dict, flu: bool):
    assert is_influenza_vaccine(read_resource(an_immunization(code))) is flu


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


@pytest.mark.parametrize("more", [{"status": "not-done"}, {"occurrenceDateTime": None}])
def test_what_was_not_given_or_has_no_date_does_not_count(more: dict):
    assert read_vaccination(read_resource(an_immunization({}, **more))) is None
