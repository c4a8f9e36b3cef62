import time as clock
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.care.slots import SlotFilters, parse_slot_filters
from gpcli.errors import InvalidUsage
from gpcli.model.appointment import Window
from tests.care.builders import NOW, OSLO, a_slot, at

TODAY = date(2026, 12, 1)
SPRING = date(2027, 3, 28)
AUTUMN = date(2027, 10, 31)


def parse_filters(now=NOW, **options):
    return parse_slot_filters(now, OSLO, **options)


def rejection_of(wrong):
    return wrong.value.message, wrong.value.hint


def test_without_filters_the_next_28_days_are_wanted():
    assert parse_filters() == SlotFilters(first=TODAY, last=date(2026, 12, 29))


def test_every_option_is_understood():
    asked = parse_filters(
        first="tomorrow",
        last="+14d",
        between="08:00-10:00",
        weekdays=("mon,Wed", "FRIDAY"),
        practitioner="berg",
        channel="audio",
        notice="2h",
    )

    assert asked == SlotFilters(
        first=date(2026, 12, 2),
        last=date(2026, 12, 15),
        between=(time(8), time(10)),
        weekdays=frozenset({0, 2, 4}),
        practitioner="berg",
        channel="phone",
        not_before=at("2026-12-01 11:00"),
    )


def test_the_28_days_count_from_a_later_first_day():
    assert parse_filters(first="2027-01-01").last == date(2027, 1, 29)


def test_the_28_days_count_from_today_when_the_first_day_is_past():
    assert parse_filters(first="2026-11-01").last == date(2026, 12, 29)


def test_today_is_the_surgerys_day_not_the_machines():
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)

    assert parse_filters(late).first == date(2026, 12, 2)


@pytest.mark.parametrize("text", ["text", "", "carrier-pigeon"])
def test_what_is_no_way_to_meet_names_the_ways(text):
    with pytest.raises(InvalidUsage) as wrong:
        parse_filters(channel=text)

    assert rejection_of(wrong) == (
        f"--via '{text}' is not a way to meet.",
        "The words are in-person, phone, video.",
    )


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_name_is_not_everybody(text):
    with pytest.raises(InvalidUsage, match="--with needs a name"):
        parse_filters(practitioner=text)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("monday", "friday", ("2026-12-07", "2026-12-11")),
        ("friday", "monday", ("2026-12-04", "2026-12-07")),
        ("tuesday", "tuesday", ("2026-12-01", "2026-12-01")),
        ("next-week", "next-week", ("2026-12-07", "2026-12-13")),
        ("next-week", "wed", ("2026-12-07", "2026-12-09")),
        ("this-week", "friday", ("2026-11-30", "2026-12-04")),
        ("neste-måned", "neste-måned", ("2027-01-01", "2027-01-31")),
        ("20.12", "5.1", ("2026-12-20", "2027-01-05")),
        ("1.12.2027", "5 dec", ("2027-12-01", "2027-12-05")),
        ("monday", "+14d", ("2026-12-07", "2026-12-15")),
        (None, "sunday", ("2026-12-01", "2026-12-06")),
        ("yesterday", "tomorrow", ("2026-11-30", "2026-12-02")),
    ],
)
def test_a_last_day_that_comes_again_is_the_first_one_from_the_first_day_on(first, last, days):
    asked = parse_filters(first=first, last=last)

    assert (str(asked.first), str(asked.last)) == days


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "1/12"}, "--from '1/12' may be 1 December or 12 January."),
        ({"last": "31.2"}, "--to '31.2' is not a day: February has at most 29 days."),
        ({"between": "8-"}, "--between '8-' is not a range of hours."),
        ({"weekdays": ("mon", "no")}, "--weekday 'no' is not a weekday."),
        ({"notice": "2"}, "--notice '2' is not a length of time."),
    ],
)
def test_what_can_not_be_read_names_its_option(options, message):
    with pytest.raises(InvalidUsage) as wrong:
        parse_filters(**options)

    assert wrong.value.message == message


@pytest.mark.parametrize(
    ("day", "hours", "begins", "ends"),
    [
        ("28.3.2027", "before 10", "2027-03-28T00:00:00+01:00", "2027-03-28T10:00:00+02:00"),
        ("28. mars 2027", "after-14", "2027-03-28T14:00:00+02:00", "2027-03-28T23:59:59+02:00"),
        ("31.10.2027", "before-10", "2027-10-31T00:00:00+02:00", "2027-10-31T10:00:00+01:00"),
        ("31 oct 2027", "evening", "2027-10-31T17:00:00+01:00", "2027-10-31T23:59:59+01:00"),
    ],
)
def test_hours_in_words_are_those_of_the_clock_on_the_days_when_it_changes(
    day, hours, begins, ends
):
    (window,) = parse_filters(first=day, last=day, between=hours).windows(OSLO)

    assert (window.start.isoformat(), window.end.isoformat()) == (begins, ends)


def test_a_first_day_after_the_last_is_refused():
    with pytest.raises(InvalidUsage) as wrong:
        parse_filters(first="2026-12-10", last="2026-12-09")

    assert rejection_of(wrong) == (
        "--from (2026-12-10) is after --to (2026-12-09).",
        "Swap them, or leave one out.",
    )


def test_a_last_day_in_the_past_names_the_option_that_was_given():
    with pytest.raises(InvalidUsage) as wrong:
        parse_filters(last="2026-11-30")

    assert rejection_of(wrong) == (
        "--to (2026-11-30) is in the past.",
        "Give an earlier --from as well.",
    )


@pytest.mark.parametrize(
    ("options", "start", "changes", "missed"),
    [
        ({}, "2026-12-03 08:20", {}, None),
        ({"first": "2026-12-04"}, "2026-12-03 23:40", {}, "--from and --to"),
        ({"last": "2026-12-03"}, "2026-12-03 23:40", {}, None),
        ({"last": "2026-12-03"}, "2026-12-04 00:00", {}, "--from and --to"),
        ({"weekdays": ("mon",)}, "2026-12-03 08:20", {}, "--weekday"),
        ({"weekdays": ("thu",)}, "2026-12-03 08:20", {}, None),
        ({"between": "08:00-10:00"}, "2026-12-03 08:00", {}, None),
        ({"between": "08:00-10:00"}, "2026-12-03 10:00", {}, "--between"),
        ({"practitioner": " BERG "}, "2026-12-03 08:20", {}, None),
        ({"practitioner": "dahl"}, "2026-12-03 08:20", {}, "--with"),
        ({"practitioner": "dahl"}, "2026-12-03 08:20", {"practitioner": None}, "--with"),
        ({"channel": "video"}, "2026-12-03 08:20", {}, "--via"),
        ({"channel": "video"}, "2026-12-03 08:20", {"channel": None}, "--via"),
        ({"notice": "2h"}, "2026-12-01 10:40", {}, "--notice"),
        ({"notice": "2h"}, "2026-12-01 11:00", {}, None),
    ],
)
def test_each_filter_keeps_what_fits_and_is_named_for_what_does_not(
    options, start, changes, missed
):
    assert parse_filters(**options).find_mismatch(a_slot(start, **changes), OSLO) == missed


def test_of_several_filters_that_miss_the_first_is_named():
    asked = parse_filters(weekdays=("mon",), between="08:00-09:00", practitioner="Dahl")

    assert asked.find_mismatch(a_slot("2026-12-03 12:00"), OSLO) == "--weekday"


def test_a_slot_in_utc_is_judged_by_the_surgerys_clock():
    utc = a_slot(datetime(2026, 12, 2, 23, 20, tzinfo=UTC))

    assert parse_filters(first="2026-12-03", between="00:00-01:00").find_mismatch(utc, OSLO) is None


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_the_machines_zone_changes_nothing(monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    clock.tzset()
    try:
        asked = parse_filters(first="today", last="today", between="08:00-10:00")
    finally:
        monkeypatch.undo()
        clock.tzset()

    assert asked.windows(OSLO) == [Window(at("2026-12-01 08:00"), at("2026-12-01 10:00"))]


@pytest.mark.parametrize(
    ("now", "two_hours_on"),
    [
        ("2027-03-28T01:30+01:00", "2027-03-28T04:30+02:00"),
        ("2027-10-31T01:30+02:00", "2027-10-31T02:30+01:00"),
    ],
)
def test_two_hours_notice_are_two_hours_on_the_days_when_the_clock_changes(now, two_hours_on):
    here = datetime.fromisoformat(now).astimezone(OSLO)

    soonest = parse_filters(here, notice="2h").not_before

    assert soonest.isoformat() == datetime.fromisoformat(two_hours_on).isoformat()


@pytest.mark.parametrize("changing", [SPRING, AUTUMN])
def test_a_day_ahead_is_the_next_day_of_the_calendar_when_the_clock_changes(changing):
    eve = datetime.combine(changing - timedelta(1), time(23, 45), OSLO)

    assert parse_filters(eve, first="+1d", last="+1d").first == changing
    assert parse_filters(eve, first="i-morgon", last="sunday").first == changing
    assert parse_filters(eve, last="sunday").last == changing
    assert parse_filters(eve, first="+2d", last="+2d").first == changing + timedelta(1)


@pytest.mark.parametrize(
    ("changing", "begins", "ends"),
    [
        (SPRING, "2027-03-28T00:00:00+01:00", "2027-03-28T23:59:59+02:00"),
        (AUTUMN, "2027-10-31T00:00:00+02:00", "2027-10-31T23:59:59+01:00"),
    ],
)
def test_a_window_over_a_day_when_the_clock_changes_has_both_offsets(changing, begins, ends):
    (window,) = SlotFilters(changing, changing).windows(OSLO)

    assert (window.start.isoformat(), window.end.isoformat()) == (begins, ends)


def test_requested_days_alone_are_one_window():
    assert parse_filters(last="+2d").windows(OSLO) == [
        Window(at("2026-12-01 00:00"), at("2026-12-03 23:59:59"))
    ]


def test_requested_hours_are_one_window_a_day():
    assert parse_filters(last="tomorrow", between="08:00-10:00").windows(OSLO) == [
        Window(at("2026-12-01 08:00"), at("2026-12-01 10:00")),
        Window(at("2026-12-02 08:00"), at("2026-12-02 10:00")),
    ]


def test_requested_weekdays_are_one_whole_day_each():
    assert parse_filters(last="+7d", weekdays=("wed", "tue")).windows(OSLO) == [
        Window(at("2026-12-01 00:00"), at("2026-12-01 23:59:59")),
        Window(at("2026-12-02 00:00"), at("2026-12-02 23:59:59")),
        Window(at("2026-12-08 00:00"), at("2026-12-08 23:59:59")),
    ]


def test_hours_to_midnight_end_within_the_day():
    (window,) = parse_filters(last="today", between="20:00-24:00").windows(OSLO)

    assert window == Window(at("2026-12-01 20:00"), at("2026-12-01 23:59:59"))


def test_a_requested_period_without_any_day_is_refused():
    with pytest.raises(InvalidUsage) as wrong:
        parse_filters(last="+2d", weekdays=("sat",)).windows(OSLO)

    assert wrong.value.message == "No day from --from to --to is one of the --weekday days."


WISHES = st.builds(
    lambda first, length, opens, hours, weekdays: SlotFilters(
        first=date(2027, 3, 20) + timedelta(first),
        last=date(2027, 3, 20) + timedelta(first + length),
        between=(time(opens), time(min(opens + hours, 23), 30)) if hours else None,
        weekdays=frozenset(weekdays) | {(date(2027, 3, 20) + timedelta(first)).weekday()},
    ),
    first=st.integers(0, 240),
    length=st.integers(0, 20),
    opens=st.integers(4, 22),
    hours=st.integers(0, 12),
    weekdays=st.sets(st.integers(0, 6)),
)


@given(asked=WISHES, minutes=st.integers(0, 30 * 24 * 4))
def test_the_windows_of_an_enquiry_cover_exactly_the_slots_that_the_filters_keep(asked, minutes):
    midnight = datetime.combine(asked.first - timedelta(3), time.min, OSLO).astimezone(UTC)
    slot = a_slot(midnight + timedelta(minutes=15 * minutes))

    windows = asked.windows(OSLO)
    utc = [(window.start.astimezone(UTC), window.end.astimezone(UTC)) for window in windows]
    inside = any(begins <= slot.start < ends for begins, ends in utc)

    assert inside == (asked.find_mismatch(slot, OSLO) is None)


def test_what_has_begun_of_a_requested_period_begins_at_the_present():
    now = at("2026-12-01 09:15").replace(second=7, microsecond=500)

    assert parse_filters(last="tomorrow").coming_windows(OSLO, now) == [
        Window(at("2026-12-01 09:15").replace(second=7), at("2026-12-02 23:59:59"))
    ]


def test_what_is_over_of_a_requested_period_is_left_out_and_what_comes_stays_whole():
    now = at("2026-12-01 10:00")

    assert parse_filters(last="tomorrow", between="08:00-10:00").coming_windows(OSLO, now) == [
        Window(at("2026-12-02 08:00"), at("2026-12-02 10:00"))
    ]


def test_the_present_of_a_requested_period_is_by_the_surgery_s_clock():
    (window,) = parse_filters(last="today").coming_windows(
        OSLO, at("2026-12-01 09:00").astimezone(UTC)
    )

    assert window.start.isoformat() == "2026-12-01T09:00:00+01:00"
