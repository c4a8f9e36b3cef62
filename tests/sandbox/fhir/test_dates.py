"""Test date spans, also on the days when the clocks change."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.dates import (
    MAX_MICROSECONDS,
    MIN_MICROSECONDS,
    Span,
    date_span,
    format_instant,
    from_microseconds,
    parse_instant,
    period_span,
    to_microseconds,
)

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "start", "width"),
    [
        ("2027", "2027-01-01T00:00:00+01:00", 365 * 24 * HOUR),
        ("2028", "2028-01-01T00:00:00+01:00", 366 * 24 * HOUR),
        ("2027-02", "2027-02-01T00:00:00+01:00", 28 * 24 * HOUR),
        ("2027-12", "2027-12-01T00:00:00+01:00", 31 * 24 * HOUR),
        ("2027-03-01", "2027-03-01T00:00:00+01:00", 24 * HOUR),
        ("2027-03-28", "2027-03-28T00:00:00+01:00", 23 * HOUR),
        ("2027-10-31", "2027-10-31T00:00:00+02:00", 25 * HOUR),
        ("2027-03-01T09:30", "2027-03-01T09:30:00+01:00", 60_000_000),
        ("2027-03-01T09:30Z", "2027-03-01T09:30:00+00:00", 60_000_000),
        ("2027-03-01T09:30:15Z", "2027-03-01T09:30:15+00:00", 1_000_000),
        ("2027-07-01T09:30:15", "2027-07-01T09:30:15+02:00", 1_000_000),
        ("2027-03-01T09:30:15.25Z", "2027-03-01T09:30:15.250+00:00", 10_000),
        ("2027-03-01T09:30:15.123456789-05:00", "2027-03-01T09:30:15.123456-05:00", 1),
    ],
)
def test_a_date_covers_as_much_as_it_leaves_open(text, start, width):
    low = to_microseconds(datetime.fromisoformat(start))

    assert date_span(text) == Span(low, low + width)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "27-03-01",
        "2027-3-1",
        "2027-13",
        "2027-02-29",
        "2027-00-10",
        "2027-01-00",
        "0000",
        "2027-03-01T",
        "2027-03-01T9:30",
        "2027-03-01T25:00",
        "2027-03-01T09:30:15+0100",
        "2027-03-01T09:30:15 01:00",
        "2027-03-01Z",
        " 2027-03-01",
        "2027-03-01\n",
        "٢٠٢٧",
    ],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        date_span(text)


def test_the_last_year_there_is_has_no_end():
    assert date_span("9999").high == MAX_MICROSECONDS


def test_an_instant_is_where_a_date_begins():
    assert parse_instant("2027-03-28") == datetime(2027, 3, 28, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({}, (MIN_MICROSECONDS, MAX_MICROSECONDS)),
        ({"start": "2027"}, (date_span("2027").low, MAX_MICROSECONDS)),
        ({"end": "2027"}, (MIN_MICROSECONDS, date_span("2027").high)),
        ({"start": "2027-03-01", "end": "2027-03-01"}, date_span("2027-03-01")),
    ],
)
def test_a_period_is_open_where_it_says_nothing(element, expected):
    assert period_span(element) == expected


@given(st.timedeltas(timedelta(days=-20_000), timedelta(days=80_000)))
def test_an_instant_written_and_read_is_the_same_to_the_millisecond(since):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since

    assert timedelta() <= moment - parse_instant(format_instant(moment)) < timedelta(milliseconds=1)
    assert from_microseconds(to_microseconds(moment)) == moment


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_days_follow_each_other_without_gap_or_overlap_and_lie_in_their_month_and_year(day):
    written = day.isoformat()
    following = (day + timedelta(days=1)).isoformat()

    assert date_span(written).high == date_span(following).low
    for wider in (written[:7], written[:4]):
        assert (
            date_span(wider).low
            <= date_span(written).low
            < date_span(written).high
            <= date_span(wider).high
        )
