"""Periods: instants as written, days by the surgery's clock."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpcli.fhir.element import Element, Malformed, read_period

OSLO = ZoneInfo("Europe/Oslo")


def read(**period: str) -> tuple[str | None, str | None]:
    start, end = read_period(Element(period, "Flag.period"), OSLO)
    return start.isoformat() if start else None, end.isoformat() if end else None


def test_instants_stay_as_they_are():
    written = ("2027-03-01T08:00:00Z", "2027-03-01T17:00:00+02:00")
    assert read(start=written[0], end=written[1]) == (
        "2027-03-01T08:00:00+00:00",
        "2027-03-01T17:00:00+02:00",
    )


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2027-07-05", "2027-07-25", ("2027-07-05T00:00:00+02:00", "2027-07-25T23:59:59+02:00")),
        ("2027-03-28", "2027-03-28", ("2027-03-28T00:00:00+01:00", "2027-03-28T23:59:59+02:00")),
        ("2027-10-31", "2027-10-31", ("2027-10-31T00:00:00+02:00", "2027-10-31T23:59:59+01:00")),
        ("2027-02", "2027-02", ("2027-02-01T00:00:00+01:00", "2027-02-28T23:59:59+01:00")),
        ("2028", "2028", ("2028-01-01T00:00:00+01:00", "2028-12-31T23:59:59+01:00")),
    ],
)
def test_days_months_and_years_are_whole_ones_of_the_surgery(
    start: str, end: str, expected: tuple[str, str]
):
    assert read(start=start, end=end) == expected


def test_what_is_absent_is_open():
    assert read() == (None, None)


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59Z", "9999"])
def test_an_end_in_the_year_9999_is_an_open_one(end: str):
    assert read(end=end) == (None, None)


@pytest.mark.parametrize(
    "written", ["2027-13", "2027-02-30", "0000", "9999-01-01T00:00:00Z", "soon", "2027-03-01T08:00"]
)
def test_what_is_no_date_is_malformed_and_named(written: str):
    with pytest.raises(Malformed, match=r"^Flag\.period\.start "):
        read(start=written)


@settings(deadline=None)
@given(written=st.from_regex(r"[0-9]{1,4}(-[0-9]{1,2}(-[0-9]{1,2}(T.{0,9})?)?)?", fullmatch=True))
def test_whatever_is_written_is_understood_or_malformed(written: str):
    try:
        start, end = read(start=written, end=written)
    except Malformed:
        return
    assert start
    assert end is None or start <= end or "T" in written
