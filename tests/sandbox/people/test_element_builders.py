"""Test working days, times of day and ids."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.people.element_builders import (
    local_datetime,
    local_day,
    nth_working_day,
    pseudo_random,
    short_id,
    times_between,
    working_days,
)
from gpcli.sandbox.people.relative_times import last_start_within

FRIDAY_NIGHT = datetime(2027, 3, 26, 22, 30, tzinfo=UTC)


def test_the_day_is_that_of_the_surgeries() -> None:
    assert local_day(datetime(2027, 3, 26, 23, 30, tzinfo=UTC)) == date(2027, 3, 27)


@pytest.mark.parametrize(
    ("number", "day"),
    [(1, date(2027, 3, 29)), (5, date(2027, 4, 2)), (6, date(2027, 4, 5)), (-1, date(2027, 3, 25))],
)
def test_working_days_leave_out_weekends(number: int, day: date) -> None:
    assert nth_working_day(local_day(FRIDAY_NIGHT), number) == day


@pytest.mark.parametrize(
    ("day", "offset"),
    [
        (date(2027, 3, 27), timedelta(hours=1)),
        (date(2027, 3, 28), timedelta(hours=2)),
        (date(2027, 10, 30), timedelta(hours=2)),
        (date(2027, 10, 31), timedelta(hours=1)),
    ],
)
def test_a_time_of_day_has_the_offset_of_its_day(day: date, offset: timedelta) -> None:
    assert local_datetime(day, "09:20").utcoffset() == offset


def test_times_are_given_until_before_the_last_one() -> None:
    times = [f"{time:%H:%M}" for time in times_between(date(2027, 3, 28), "08:00", "09:00")]

    assert times == ["08:00", "08:20", "08:40"]


def test_a_short_id_is_always_the_same_and_different_for_other_content() -> None:
    assert short_id("s", "a", "b") == short_id("s", "a", "b")
    assert len({short_id("s", "a", "b"), short_id("s", "ab"), short_id("s", "b", "a")}) == 3


@given(st.text(), st.text())
def test_a_share_is_between_nothing_and_all(one: str, other: str) -> None:
    assert 0 <= pseudo_random(one, other) < 1


@given(st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)))  # noqa: DTZ001 - zone follows
def test_there_is_always_a_visit_that_is_close_and_in_opening_hours(moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)

    start = last_start_within(now, timedelta(hours=24))

    assert timedelta(hours=6) < start - now < timedelta(hours=24)
    assert 8 <= start.astimezone(ZONE).hour < 15


@given(st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)), st.integers(1, 1200))  # noqa: DTZ001 - zone follows
def test_a_far_working_day_is_the_one_that_counting_gives(moment: datetime, number: int) -> None:
    now = moment.replace(tzinfo=UTC)

    counted = [
        next(islice(working_days(local_day(now), direction), number - 1, None))
        for direction in (1, -1)
    ]

    assert [nth_working_day(local_day(now), each) for each in (number, -number)] == counted
