"""Test times that are relative to the present, also when the clocks change in Norway."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.people.relative_times import parse_clock, parse_step, parse_when

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)
BEFORE_SPRING = datetime(2027, 3, 27, 23, 30, tzinfo=ZONE)
BEFORE_AUTUMN = datetime(2027, 10, 30, 23, 30, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("now", "text", "instant"),
    [
        (MONDAY, "+10d 09:00", "2026-12-03T09:00:00+01:00"),
        (MONDAY, "+10d 9:00", "2026-12-03T09:00:00+01:00"),
        (MONDAY, "-1wd 15:20", "2026-11-20T15:20:00+01:00"),
        (MONDAY, "+6wd  08:00", "2026-12-01T08:00:00+01:00"),
        (MONDAY, "+0wd 08:00", "2026-11-23T08:00:00+01:00"),
        (MONDAY, "+2w 08:00", "2026-12-07T08:00:00+01:00"),
        (MONDAY, "+3mo 08:00", "2027-02-23T08:00:00+01:00"),
        (MONDAY, "today 14:00", "2026-11-23T14:00:00+01:00"),
        (MONDAY, "tomorrow 14:00", "2026-11-24T14:00:00+01:00"),
        (MONDAY, "yesterday 14:00", "2026-11-22T14:00:00+01:00"),
        (MONDAY, "2027-03-28 09:00", "2027-03-28T09:00:00+02:00"),
        (MONDAY, "2027-03-28T09:00", "2027-03-28T09:00:00+02:00"),
        (MONDAY, "now", "2026-11-23T10:00:00+01:00"),
        (MONDAY, "-90m", "2026-11-23T08:30:00+01:00"),
        (MONDAY, "within 24h", "2026-11-24T09:40:00+01:00"),
        (MONDAY, "-8wd evening", "2026-11-11T20:56:00+01:00"),
        (MONDAY, "-8wd daytime", "2026-11-11T12:56:00+01:00"),
        (BEFORE_SPRING, "+1d 09:00", "2027-03-28T09:00:00+02:00"),
        (BEFORE_SPRING, "+1d 02:30", "2027-03-28T03:30:00+02:00"),
        (BEFORE_SPRING, "+3h", "2027-03-28T03:30:00+02:00"),
        (BEFORE_SPRING, "-400d 12:00", "2026-02-20T12:00:00+01:00"),
        (BEFORE_AUTUMN, "+1d 02:30", "2027-10-31T02:30:00+02:00"),
        (BEFORE_AUTUMN, "+4h", "2027-10-31T02:30:00+01:00"),
        (BEFORE_AUTUMN, "+1d 09:00", "2027-10-31T09:00:00+01:00"),
    ],
)
def test_a_time_is_counted_from_the_present(now: datetime, text: str, instant: str) -> None:
    assert parse_when(text).at(now.astimezone(UTC)).isoformat() == instant


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("-400d", date(2025, 10, 19)),
        ("-7y", date(2019, 11, 23)),
        ("-9mo", date(2026, 2, 23)),
        ("1961-03-14", date(1961, 3, 14)),
        ("yesterday", date(2026, 11, 22)),
    ],
)
def test_a_day_is_counted_on_the_calendar(text: str, day: date) -> None:
    when = parse_when(text)

    assert (when.day(MONDAY), when.is_instant) == (day, False)


def test_a_year_before_a_leap_day_is_the_day_before_march() -> None:
    assert parse_when("-1y").day(datetime(2028, 2, 29, 12, tzinfo=UTC)) == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("+10 days", "is no time"),
        ("10d", "is no time"),
        ("+10d 9", "is no time"),
        ("+10d 24:00", "'24:00' is no time of day"),
        ("+10d 09:60", "'09:60' is no time of day"),
        ("2027-02-30", "is no day of the calendar"),
        ("1492-10-12", "is not between 1800 and 8999"),
        ("+99999d", "is more than 120 years away"),
        ("-121y", "is more than 120 years away"),
        ("+\N{ARABIC-INDIC DIGIT ONE}d", "is no time"),
        ("within 0h", "is no time"),
    ],
)
def test_what_is_no_time_is_told_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_when(text)


@pytest.mark.parametrize("text", ["1", "9", "25:00", "09:00:00", "09:0a"])
def test_what_is_no_time_of_day_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no time of day"):
        parse_clock(text)


def test_steps_of_one_unit_are_added_up() -> None:
    when = parse_when("-8wd 09:00").moved((7, "wd")).moved((1, "mo"))

    assert when.steps == ((-1, "wd"), (1, "mo"))
    assert when.at(MONDAY).isoformat() == "2026-12-20T09:00:00+01:00"


@given(st.sampled_from(["d", "wd", "w", "mo", "y"]), st.integers(-99, 99))
def test_a_step_is_what_was_written(unit: str, number: int) -> None:
    assert parse_step(f"{number:+}{unit}") == (number, unit)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)),  # noqa: DTZ001 - zone follows
    st.sampled_from(["+1d 02:30", "-3wd evening", "within 5h", "-90m", "+1mo 02:00"]),
)
def test_every_instant_has_the_offset_that_norway_has_then(moment: datetime, text: str) -> None:
    instant = parse_when(text).at(moment.replace(tzinfo=UTC))

    assert instant.utcoffset() == instant.astimezone(UTC).astimezone(ZONE).utcoffset()
    assert instant.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
