"""The number of changes to a booking, for calendars that have an older one."""

from __future__ import annotations

import pytest

from gpcli.fhir.element import Malformed
from gpcli.fhir.scheduling import read_appointment
from tests.portal.builders import a_bundle, an_appointment


def version(**elements):
    bundle = a_bundle(an_appointment("visit-1", **elements))
    return read_appointment(bundle.matches[0], bundle, {}, {}, "Europe/Oslo").version


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0", 0),
        ("12", 12),
        ("012", 12),
        ("999999999", 999999999),
        ("1000000000", None),
        ("MTY4", None),
        ("-1", None),
        ("1.5", None),
        ("\u0661", None),
        ("\u00b2", None),
    ],
)
def test_a_version_counts_only_where_it_is_a_number(written, number):
    assert version(meta={"versionId": written}) == number


@pytest.mark.parametrize("elements", [{}, {"meta": {}}, {"meta": {"lastUpdated": "2027"}}])
def test_a_server_that_numbers_nothing_leaves_it_unknown(elements):
    assert version(**elements) is None


@pytest.mark.parametrize("meta", ["1", ["1"], {"versionId": 1}])
def test_a_version_of_another_type_is_malformed(meta):
    with pytest.raises(Malformed):
        version(meta=meta)
