from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from gpcli.model.day_names import format_day
from gpcli.render.times import TimeFormat

OSLO = ZoneInfo("Europe/Oslo")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # 23:30 in Oslo


def said(when, zone="Europe/Oslo", now=NOW, machine_zone=OSLO):
    return TimeFormat(now, machine_zone).time(when, zone)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (datetime(2026, 11, 24, 9, 0, tzinfo=OSLO), "Tue 24 Nov 09:00"),
        (datetime(2026, 11, 24, 8, 0, tzinfo=UTC), "Tue 24 Nov 09:00"),
        (datetime(2026, 11, 20, 23, 45, tzinfo=OSLO), "today, Fri 20 Nov 23:45"),
        (datetime(2026, 11, 21, 0, 5, tzinfo=OSLO), "tomorrow, Sat 21 Nov 00:05"),
        (datetime(2026, 11, 19, 8, 0, tzinfo=OSLO), "yesterday, Thu 19 Nov 08:00"),
        (datetime(2026, 7, 3, 14, 30, tzinfo=OSLO), "Fri 3 Jul 14:30"),
    ],
)
def test_a_time_is_said_by_the_surgerys_clock_with_its_date_beside_tomorrow(when, words):
    assert said(when) == words


def test_both_clocks_are_said_where_the_machines_is_another():
    when = datetime(2026, 11, 24, 9, 0, tzinfo=OSLO)
    assert said(when, machine_zone=LONDON) == "Tue 24 Nov 09:00 Europe/Oslo (08:00 here)"


def test_the_day_here_is_said_when_it_is_another():
    when = datetime(2026, 11, 24, 3, 0, tzinfo=OSLO)
    assert said(when, machine_zone=NEW_YORK) == (
        "Tue 24 Nov 03:00 Europe/Oslo (Mon 23 Nov 21:00 here)"
    )


def test_the_offsets_of_the_day_itself_count_and_not_todays():
    week_between_the_changes = datetime(2027, 3, 16, 9, 0, tzinfo=OSLO)
    five_hours_only = said(week_between_the_changes, machine_zone=NEW_YORK)
    assert five_hours_only == "Tue 16 Mar 2027 09:00 Europe/Oslo (04:00 here)"


@pytest.mark.parametrize(
    "zone", ["Nowhere/Land", "", "../../etc/passwd", "Europe", "/etc", "a\x00b"]
)
def test_an_unknown_zone_leaves_the_times_own_offset_and_says_it(zone):
    assert said(datetime(2026, 11, 24, 9, 0, tzinfo=OSLO), zone) == "Tue 24 Nov 09:00 UTC+01:00"


def test_an_unknown_zone_elsewhere_says_the_clock_here_too():
    when = datetime(2026, 11, 24, 9, 0, tzinfo=timezone(timedelta(hours=3)))
    assert said(when, "Nowhere/Land") == "Tue 24 Nov 09:00 UTC+03:00 (07:00 here)"


@pytest.mark.parametrize(
    ("fold", "words"), [(0, "Sun 31 Oct 2027 02:30 CEST"), (1, "Sun 31 Oct 2027 02:30 CET")]
)
def test_an_hour_that_comes_twice_is_told_apart(fold, words):
    assert said(datetime(2027, 10, 31, 2, 30, tzinfo=OSLO, fold=fold)) == words


@pytest.mark.parametrize(
    "when", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]
)
def test_the_ends_of_the_calendar_are_said_too(when):
    assert str(when.year) in said(when)


def period(start, end, machine_zone=OSLO):
    return TimeFormat(NOW, machine_zone).period(start, end, "Europe/Oslo")


def test_a_period_names_its_day_once():
    start = datetime(2026, 11, 24, 9, 0, tzinfo=OSLO)
    assert period(start, start + timedelta(minutes=20)) == "Tue 24 Nov 09:00–09:20"


def test_a_period_over_midnight_names_both_days():
    start = datetime(2026, 11, 24, 23, 50, tzinfo=OSLO)
    assert period(start, start + timedelta(minutes=20)) == ("Tue 24 Nov 23:50 – Wed 25 Nov 00:10")


def test_a_period_over_the_change_of_the_clock_says_which_time_is_which():
    start = datetime(2027, 3, 28, 0, 50, tzinfo=UTC)
    assert period(start, start + timedelta(minutes=20)) == "Sun 28 Mar 2027 01:50 CET–03:10 CEST"


def test_a_period_without_length_or_end_is_a_time():
    start = datetime(2026, 11, 24, 9, 0, tzinfo=OSLO)
    assert period(start, None) == period(start, start) == "Tue 24 Nov 09:00"


def test_surroundings_word_what_is_there_and_nothing_for_nothing():
    time_format = TimeFormat(NOW, OSLO)
    when = datetime(2026, 11, 24, 9, 0, tzinfo=OSLO)
    assert (
        time_format.time(when, "Europe/Oslo"),
        time_format.period(when, when + timedelta(hours=1), "Europe/Oslo"),
    ) == ("Tue 24 Nov 09:00", "Tue 24 Nov 09:00–10:00")
    assert (
        time_format.time(None, "Europe/Oslo"),
        time_format.period(None, when, "Europe/Oslo"),
    ) == ("", "")


@pytest.mark.parametrize(
    ("recorded", "day"),
    [
        ("2026-11-24", "Tue 24 Nov"),
        ("2026-11-24T09:00:00+01:00", "Tue 24 Nov"),
        ("2026-11-24T23:30:00Z", "Wed 25 Nov"),
        ("2026-11-25T03:00:00+05:00", "Tue 24 Nov"),
    ],
)
def test_a_recorded_day_is_that_of_the_surgery(recorded, day):
    assert TimeFormat(NOW).recorded_day(recorded, "Europe/Oslo") == day


@pytest.mark.parametrize("recorded", ["", "2026", "2026-11", "soon", "2026-02-30", None])
def test_what_is_no_whole_day_stays_as_it_is(recorded):
    assert TimeFormat(NOW).recorded_day(recorded, "Europe/Oslo") == (recorded or "")


def test_a_day_is_said_in_english_whatever_the_locale(monkeypatch):
    monkeypatch.setenv("LC_ALL", "nb_NO.UTF-8")
    assert format_day(date(2027, 10, 31)) == "Sun 31 Oct 2027"


def test_the_present_is_said_by_this_computers_clock():
    assert TimeFormat(NOW, OSLO).now_here() == "Fri 23:30"
    assert TimeFormat(NOW, NEW_YORK).now_here() == "Fri 17:30"
