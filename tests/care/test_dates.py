from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpcli.care import date_words
from gpcli.care.date_words import LANGUAGES, MIN_LETTERS, list_spellings
from gpcli.care.dates import (
    MAX_DAYS_AWAY,
    parse_day,
    parse_duration,
    parse_hours,
    parse_weekdays,
)
from gpcli.cli.build_answers import PAST_DAYS, VALUES
from gpcli.cli.help_commands import read_topic
from gpcli.config.index_format import SEVERAL
from gpcli.errors import InvalidUsage

TODAY = date(2026, 12, 2)
"""A Wednesday."""

DAY_HINT = "Write 2026-12-01, 1.12, 1 dec, monday, tomorrow, next-week or +14d (gpcli help dates)."
HOURS_HINT = "Write 8-10, 08:30-10:00, morning, after-14 or before-10 (gpcli help dates)."
WEEKDAYS_HINT = "Write mon, mon-fri, weekdays or weekend (gpcli help dates)."

DAYS = {
    "2026-12-24": "2026-12-24",
    "2026-1-4": "2026-01-04",
    "2026/12/24": "2026-12-24",
    "2026.12.24": "2026-12-24",
    "20261224": "2026-12-24",
    "3.12": "2026-12-03",
    "3.12.": "2026-12-03",
    "03.12": "2026-12-03",
    "3. 12.": "2026-12-03",
    "3.12.2027": "2027-12-03",
    "3. 12. 2027": "2027-12-03",
    "3.12.27": "2027-12-03",
    "2.12": "2026-12-02",
    "1.12": "2027-12-01",
    "29.2.2028": "2028-02-29",
    "3. des": "2026-12-03",
    "3.des": "2026-12-03",
    "3. des.": "2026-12-03",
    "3 dec": "2026-12-03",
    "3-Dec-2026": "2026-12-03",
    "3 December 2026": "2026-12-03",
    "3. desember 2026": "2026-12-03",
    "dec 3": "2026-12-03",
    "Dec 3rd, 2026": "2026-12-03",
    "1st December": "2027-12-01",
    "2nd jan": "2027-01-02",
    "11th may 27": "2027-05-11",
    "17. mai": "2027-05-17",
    "9 sept": "2027-09-09",
    "1 okt": "2027-10-01",
    "1 mars": "2027-03-01",
    "1 march": "2027-03-01",
    "28. mars 2027": "2027-03-28",
    "31.10.2027": "2027-10-31",
    "today": "2026-12-02",
    " ToDay ": "2026-12-02",
    "i dag": "2026-12-02",
    "i  dag": "2026-12-02",
    "i-dag": "2026-12-02",
    "idag": "2026-12-02",
    "tomorrow": "2026-12-03",
    "i morgen": "2026-12-03",
    "imorgen": "2026-12-03",
    "i morgon": "2026-12-03",
    "day after tomorrow": "2026-12-04",
    "i overmorgen": "2026-12-04",
    "yesterday": "2026-12-01",
    "i går": "2026-12-01",
    "i ga\u030ar": "2026-12-01",
    "i-gaar": "2026-12-01",
    "wed": "2026-12-02",
    "onsdag": "2026-12-02",
    "thursday": "2026-12-03",
    "thurs": "2026-12-03",
    "monday": "2026-12-07",
    "mon": "2026-12-07",
    "man.": "2026-12-07",
    "MANDAG": "2026-12-07",
    "måndag": "2026-12-07",
    "maandag": "2026-12-07",
    "tirs": "2026-12-08",
    "tysdag": "2026-12-08",
    "lørdag": "2026-12-05",
    "lordag": "2026-12-05",
    "laurdag": "2026-12-05",
    "søn": "2026-12-06",
    "sundag": "2026-12-06",
    "Mon 7 Dec 2026": "2026-12-07",
    "man. 7. des": "2026-12-07",
    "tirsdag 8.12": "2026-12-08",
    "Monday, December 7": "2026-12-07",
    "this week": "2026-11-30",
    "denne uka": "2026-11-30",
    "next week": "2026-12-07",
    "next-week": "2026-12-07",
    "neste uke": "2026-12-07",
    "neste veke": "2026-12-07",
    "last week": "2026-11-23",
    "forrige uke": "2026-11-23",
    "førre veke": "2026-11-23",
    "this month": "2026-12-01",
    "next month": "2027-01-01",
    "neste måned": "2027-01-01",
    "neste månad": "2027-01-01",
    "last month": "2026-11-01",
    "+0d": "2026-12-02",
    "+14d": "2026-12-16",
    "+2w": "2026-12-16",
    "-7d": "2026-11-25",
    "-1w": "2026-11-25",
    f"+{MAX_DAYS_AWAY}d": "2036-12-09",
}
"""What is written on 2 December 2026, a Wednesday -> the day it means in a search for times."""

PAST = {
    "2.12": "2026-12-02",
    "3.12": "2025-12-03",
    "24 dec": "2025-12-24",
    "1 nov": "2026-11-01",
    "3.12.2026": "2026-12-03",
    "wed": "2026-12-02",
    "thu": "2026-11-26",
    "tirsdag": "2026-12-01",
    "last-week": "2026-11-23",
    "yesterday": "2026-12-01",
    "tomorrow": "2026-12-03",
}
"""The same, where the option is about the past."""

ENDS = {
    "this week": "2026-12-06",
    "next week": "2026-12-13",
    "neste veka": "2026-12-13",
    "last week": "2026-11-29",
    "this month": "2026-12-31",
    "next month": "2027-01-31",
    "last month": "2026-11-30",
    "monday": "2026-12-07",
    "3.12": "2026-12-03",
}
"""The same, where the option is about the last day."""

NO_DAYS = {
    "31.2": "is not a day: February has at most 29 days.",
    "30 feb": "is not a day: February has at most 29 days.",
    "31.4": "is not a day: April has at most 30 days.",
    "32 jan": "is not a day: January has at most 31 days.",
    "31.4.2027": "is not a day: April 2027 has 30 days.",
    "29.2.2027": "is not a day: February 2027 has 28 days.",
    "2026-02-30": "is not a day: February 2026 has 28 days.",
    "2026-13-01": "is not a day: there is no month 13.",
    "1.13": "is not a day: there is no month 13.",
    "0.12": "is not a day: there is no day 0.",
    "1.0": "is not a day: there is no month 0.",
    "1.1.0000": "is not a day: there is no year 0.",
    "Mon 8 Dec 2026": "is not a day: 8 December 2026 is a Tuesday.",
    "mon 1.12": "is not a day: 1 December 2027 is a Wednesday.",
}
"""What is written -> why it is not a day, where more can be said than that."""

NONSENSE = [
    *("", " ", "-", ".", "+", "0", "14", "14d", "+d", "+14", "+14h", "+14m", "+ 14d", "++1d"),
    *("never", "monkey", "mo", "ma", "d", "fridays", "mon,tue", "mon-fri", "monday tuesday"),
    *("dec", "dec 2026", "december", "1 2 3", "1 foo", "foo 1", "1xx dec", "1 dec 202"),
    "1. 1. 1.",
    *("1.12.20262", "1.122026", "2026121", "2026-12", "2026-1201", "1..12", "1,12"),
    *("1:12", "1/2/3/4"),
    *("31/31", "99/99", "next", "neste", "next next week", "next foo", "week", "this friday"),
    *("\uff12026-12-01", "\uff11.12", "1.1\uff12", "+\uff11d", "১ dec", "²6.12"),
    *("2026–12–01", "2026-12-01T08:00"),
    *("mon\u200bday", "tod\u0430y", "2026-12-01\x00", "\ufeff1.12", "next week" * 50, "9" * 5000),
]  # fmt: skip


def rejection_of(read, *arguments, **options):
    with pytest.raises(InvalidUsage) as wrong:
        read(*arguments, **options)
    return wrong.value.message, wrong.value.hint


@pytest.mark.parametrize(("text", "day"), DAYS.items())
def test_a_day_may_be_written_in_many_ways(text, day):
    assert str(parse_day(text, TODAY, "--from")) == day


@pytest.mark.parametrize(("text", "day"), PAST.items())
def test_a_day_that_comes_again_is_the_last_one_where_the_past_is_asked_for(text, day):
    assert str(parse_day(text, TODAY, "--from", is_past=True)) == day


@pytest.mark.parametrize(("text", "day"), ENDS.items())
def test_of_a_week_or_a_month_the_last_day_ends_a_search(text, day):
    assert str(parse_day(text, TODAY, "--to", ends=True)) == day


def test_next_week_on_a_sunday_begins_the_day_after_and_on_a_monday_a_week_later():
    assert parse_day("next week", date(2026, 12, 6), "--from") == date(2026, 12, 7)
    assert parse_day("next week", date(2026, 12, 7), "--from") == date(2026, 12, 14)


def test_months_are_counted_over_the_end_of_a_year_and_from_its_last_day():
    assert parse_day("next month", date(2027, 1, 31), "--from") == date(2027, 2, 1)
    assert parse_day("next month", date(2028, 1, 31), "--to", ends=True) == date(2028, 2, 29)
    assert parse_day("last month", date(2027, 1, 31), "--from") == date(2026, 12, 1)


@pytest.mark.parametrize(("text", "why"), NO_DAYS.items())
def test_a_day_that_the_calendar_lacks_is_refused_with_the_reason(text, why):
    assert rejection_of(parse_day, text, TODAY, "--to") == (f"--to '{text}' {why}", DAY_HINT)


@pytest.mark.parametrize("text", NONSENSE)
def test_what_is_not_a_day_names_the_option_and_the_ways_to_write_one(text):
    message, hint = rejection_of(parse_day, text, TODAY, "--to")

    assert message.startswith(f"--to '{text[:300]}")
    assert (message.endswith("' is not a day."), len(message) <= 500) == (True, True)
    assert hint == DAY_HINT


@pytest.mark.parametrize(
    ("text", "today", "is_past", "why", "instead"),
    [
        ("29 feb", TODAY, False, "February 2027 has 28 days", "2028-02-29"),
        ("29.2", TODAY, True, "February 2026 has 28 days", "2024-02-29"),
        ("29. februar", date(2028, 3, 1), False, "February 2029 has 28 days", "2032-02-29"),
        ("feb 29", date(2097, 1, 1), False, "February 2097 has 28 days", "2104-02-29"),
    ],
)
def test_29_february_is_not_taken_for_that_of_a_later_year(text, today, is_past, why, instead):
    assert rejection_of(parse_day, text, today, "--from", is_past=is_past) == (
        f"--from '{text}' is not a day: {why}.",
        f"Write {instead} if that is meant.",
    )


@pytest.mark.parametrize(
    ("today", "is_past"),
    [(date(2028, 2, 29), False), (date(2028, 1, 1), False), (date(2027, 3, 1), False),
     (date(2028, 2, 29), True), (date(2028, 12, 1), True), (date(2029, 2, 28), True)],
)  # fmt: skip
def test_29_february_is_a_day_where_the_year_meant_has_one(today, is_past):
    assert parse_day("29 feb", today, "--from", is_past=is_past) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("1/12",
         "may be 1 December or 12 January.", "Write 1.12 or 12.1, the day before the month."),
        ("12/1",
         "may be 12 January or 1 December.", "Write 12.1 or 1.12, the day before the month."),
        ("1-12",
         "may be 1 December or 12 January.", "Write 1.12 or 12.1, the day before the month."),
        ("1/12/2026", "may be 1 December 2026 or 12 January 2026.",
         "Write 2026-12-01 or 2026-01-12."),
        ("01-12-26", "may be 1 December 2026 or 12 January 2026.",
         "Write 2026-12-01 or 2026-01-12."),
        ("25/12", "has its day and month in no certain order.",
         "Write 25.12, the day before the month."),
        ("12/25/2026", "has its day and month in no certain order.", "Write 2026-12-25."),
        ("12/12", "has its day and month in no certain order.",
         "Write 12.12, the day before the month."),
        ("29/2/2027", "is not a day.", DAY_HINT),
    ],
)  # fmt: skip
def test_a_day_of_strokes_is_refused_with_all_that_it_may_mean(text, message, hint):
    assert rejection_of(parse_day, text, TODAY, "--from") == (f"--from '{text}' {message}", hint)


@pytest.mark.parametrize(
    ("text", "coming", "later"),
    [
        ("next friday", "4 December 2026", "11 December 2026"),
        ("neste fredag", "4 December 2026", "11 December 2026"),
        ("next-wed", "9 December 2026", "16 December 2026"),
        ("neste tysdag", "8 December 2026", "15 December 2026"),
    ],
)
def test_next_friday_is_refused_with_both_days_that_it_may_mean(text, coming, later):
    message, hint = rejection_of(parse_day, text, TODAY, "--from")

    assert message == f"--from '{text}' may be {coming} or {later}."
    days = [parse_day(coming, TODAY, "--from"), parse_day(later, TODAY, "--from")]
    assert hint == f"Write {days[0]} or {days[1]}."


@pytest.mark.parametrize(
    "text", ["9999-12-31", "0001-01-01", "+9999d", "-9999w", "+3661d", "1.1.2040", "1 dec 1999"]
)
def test_a_day_more_than_ten_years_away_is_refused(text):
    message, _ = rejection_of(parse_day, text, TODAY, "--from")

    assert message == f"--from '{text}' is more than ten years away."


AROUND = st.dates(TODAY - timedelta(MAX_DAYS_AWAY), TODAY + timedelta(MAX_DAYS_AWAY))


@given(day=AROUND, is_past=st.booleans(), ends=st.booleans())
def test_a_day_as_machines_and_as_gpcli_itself_write_it_is_that_day(day, is_past, ends):
    months = LANGUAGES[0].months
    named = f"{LANGUAGES[0].weekdays[day.weekday()][:3]} {day.day} {months[day.month - 1][:3]}"
    for text in (day.isoformat(), f"{named} {day.year}", f"{day.day}.{day.month}.{day.year}"):
        assert parse_day(text, TODAY, "--from", is_past=is_past, ends=ends) == day


@given(day=AROUND, today=AROUND, is_past=st.booleans())
def test_a_day_without_its_year_is_within_one_of_today_on_the_right_side(day, today, is_past):
    if (day.month, day.day) != (2, 29):
        found = parse_day(f"{day.day}.{day.month}", today, "--from", is_past=is_past)

        assert (found.month, found.day) == (day.month, day.day)
        assert 0 <= (today - found if is_past else found - today).days <= 365


@given(text=st.text(max_size=70) | st.text("0123456789.-/+ dwmonjaefbst:–", max_size=14))
@example("Ⅻ.12")
@example("\ud800")
def test_any_text_is_read_or_refused(text):
    for read in (
        lambda: parse_day(text, TODAY, "--from"),
        lambda: parse_hours(text, "--between"),
        lambda: parse_weekdays([text], "--weekday"),
    ):
        with suppress(InvalidUsage):
            assert read()


@pytest.mark.parametrize(
    ("text", "opens", "closes"),
    [
        ("08:00-10:00", time(8), time(10)),
        ("8:00 - 9:30", time(8), time(9, 30)),
        ("8-10", time(8), time(10)),
        ("8–10", time(8), time(10)),
        ("8.30-10", time(8, 30), time(10)),
        ("8 to 10", time(8), time(10)),
        ("8 til 10.15", time(8), time(10, 15)),
        ("0-24", time(0), time.max),
        ("00:00-24:00", time(0), time.max),
        ("morning", time(6), time(12)),
        ("Formiddag", time(6), time(12)),
        ("morgon", time(6), time(12)),
        ("afternoon", time(12), time(17)),
        ("ettermiddag", time(12), time(17)),
        ("evening", time(17), time.max),
        ("kveld", time(17), time.max),
        ("after 14", time(14), time.max),
        ("after-14:30", time(14, 30), time.max),
        ("etter 14", time(14), time.max),
        ("before 10", time(0), time(10)),
        ("før 10", time(0), time(10)),
        ("for-10.30", time(0), time(10, 30)),
        ("before 24:00", time(0), time.max),
    ],
)
def test_hours_are_a_range_by_the_clock_or_a_part_of_the_day(text, opens, closes):
    assert parse_hours(text, "--between") == (opens, closes)


@pytest.mark.parametrize(
    "text",
    [
        *("", "8", "08:00", "08:00-", "-10", "-", "8-10-12", "08:00Z-10:00", "25:00-26:00", "a-b"),
        *("08:60-09:00", "24:01-25", "8-24:30", "8.3-9", "8,30-9", "830-9", "8am-10am", "\uff11-3"),
        *("after", "after 24", "after 14-16", "before 0", "before noon", "after-"),
        "etter etter",
        *("morning-evening", "night", "8 og 10", "8/10", "8-10" * 100, "8-1\u0660"),
    ],
)
def test_what_is_no_range_of_hours_is_refused(text):
    message, hint = rejection_of(parse_hours, text, "--between")

    written = text if len(text) < 100 else ""
    assert message.startswith(f"--between '{written}")
    assert (message.endswith("' is not a range of hours."), hint) == (True, HOURS_HINT)


@pytest.mark.parametrize(
    "text", ["10:00-08:00", "10-8", "08:00-08:00", "24:00-08:00", "22:00-06:00", "24-24"]
)
def test_hours_that_end_before_they_begin_are_refused(text):
    assert rejection_of(parse_hours, text, "--between") == (
        f"--between '{text}' ends before it begins.",
        HOURS_HINT,
    )


@pytest.mark.parametrize(
    ("words", "days"),
    [
        (["mon"], {0}),
        (["mon,tue", "FRIDAY"], {0, 1, 4}),
        (["mon, wed"], {0, 2}),
        (["man,tirs,ons"], {0, 1, 2}),
        (["tors.", "lør"], {3, 5}),
        (["måndag", "tysdag", "laurdag", "sundag"], {0, 1, 5, 6}),
        (["mon-fri"], {0, 1, 2, 3, 4}),
        (["man–ons"], {0, 1, 2}),
        (["man til ons"], {0, 1, 2}),
        (["fri-mon"], {4, 5, 6, 0}),
        (["tue-tue"], {1}),
        (["weekdays"], {0, 1, 2, 3, 4}),
        (["hverdager", "kvardagar"], {0, 1, 2, 3, 4}),
        (["weekend"], {5, 6}),
        (["helg,mon"], {5, 6, 0}),
        ([], set()),
    ],
)
def test_weekdays_are_names_ranges_and_sets(words, days):
    assert parse_weekdays(words, "--weekday") == days


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["monkey"], "monkey"),
        (["mo"], "mo"),
        ([""], ""),
        (["mon,"], ""),
        (["mon", "fridays"], "fridays"),
        (["mon-"], "mon-"),
        (["mon-foo"], "mon-foo"),
        (["mon-tue-wed"], "mon-tue-wed"),
        (["mon-weekend"], "mon-weekend"),
        (["mon tue"], "mon tue"),
        (["1"], "1"),
        (["mon" * 100], "mon" * 100),
    ],
)
def test_what_is_no_weekday_is_named_as_it_was_written(words, name):
    assert rejection_of(parse_weekdays, words, "--weekday") == (
        f"--weekday '{name}' is not a weekday.",
        WEEKDAYS_HINT,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("500ms", timedelta(milliseconds=500)),
        ("1.5h", timedelta(minutes=90)),
        ("99999d", timedelta(days=99_999)),
        ("10m", timedelta(minutes=10)),
        (" 2H ", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("0s", timedelta(0)),
        ("0", timedelta(0)),
    ],
)
def test_a_length_of_time_has_a_unit_unless_it_is_none(text, expected):
    assert parse_duration(text, "--notice") == expected


@pytest.mark.parametrize("text", ["100000s", "99999.999d", "123456s", f"{'9' * 400}ms"])
def test_a_length_of_time_has_a_limit_that_is_named(text):
    assert rejection_of(parse_duration, text, "--notice") == (
        f"--notice '{text}' is too long.",
        "Write at most 99999 of a unit.",
    )


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2.h", "2,5h", "2w", "2h30m"])
def test_what_is_no_length_of_time_names_the_option(text):
    assert rejection_of(parse_duration, text, "--notice") == (
        f"--notice '{text}' is not a length of time.",
        "Write 90s, 10m, 2h or 1d: one number and its unit.",
    )


def list_beginnings(names):
    return [
        (spelling[:letters], number)
        for number, words in names
        for spelling in list_spellings(words)
        for letters in range(MIN_LETTERS, len(spelling) + 1)
    ]


@pytest.mark.parametrize("names", [date_words.list_weekdays, date_words.list_months])
def test_no_beginning_of_a_name_means_two_of_them_in_any_languages(names):
    meanings = {}
    for beginning, number in list_beginnings(names()):
        meanings.setdefault(beginning, set()).add(number)

    assert {word: sorted(numbers) for word, numbers in meanings.items() if len(numbers) > 1} == {}


@pytest.mark.parametrize("field", ["days", "weeks", "months_away", "weekday_sets", "day_parts"])
def test_no_word_means_two_things_in_any_languages(field):
    meanings = {}
    for language in LANGUAGES:
        for meaning, words in getattr(language, field).items():
            for spelling in list_spellings(words):
                meanings.setdefault(spelling, set()).add(meaning)

    assert {word: found for word, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_every_language_has_every_word(language):
    assert (len(language.weekdays), len(language.months)) == (7, 12)
    for number, words in enumerate(language.weekdays):
        assert {(*parse_weekdays([word], "-"),) for word in list_spellings(words)} == {(number,)}
    for offset, words in language.days.items():
        for word in list_spellings(words):
            assert parse_day(word, TODAY, "-") == TODAY + timedelta(offset)
    for table in (language.weeks, language.months_away):
        assert list(table) == [-1, 0, 1]
    assert set(language.day_parts) == set(LANGUAGES[0].day_parts)
    assert set(language.weekday_sets) == set(LANGUAGES[0].weekday_sets)
    for words in (language.after, language.before, language.until):
        assert words
    assert parse_hours(f"{language.after.split('|')[0]} 14", "-") == (time(14), time.max)


def list_shown(title):
    """The words in the left column of a section of the topic."""
    section = read_topic("dates").partition(f"{title}\n")[2].partition("\n\n")[0]
    return [word for line in section.splitlines() for word in re.split("  +", line[2:40].strip())]


@pytest.mark.parametrize(
    ("title", "read", "number"),
    [
        ("DAYS: --from, --to", lambda word: parse_day(word, TODAY, "--from"), 34),
        ("HOURS: --between", lambda word: parse_hours(word, "--between"), 16),
        ("WEEKDAYS: --weekday", lambda word: parse_weekdays([word], "--weekday"), 11),
    ],
)
def test_every_word_that_the_topic_shows_can_be_written(title, read, number):
    shown = list_shown(title)

    assert (len(shown), all(read(word) for word in shown)) == (number, True)


@pytest.mark.parametrize("text", ["1/12", "1-12", "next-friday", "29 feb"])
def test_what_the_topic_says_is_refused_is(text):
    assert text in list_shown("REFUSED, SINCE IT MAY BE ANOTHER DAY THAN YOU THINK")
    rejection_of(parse_day, text, TODAY, "--from")


@pytest.mark.parametrize("flag", ["--from", "--to", "--between", "--weekday"])
def test_every_word_that_completion_offers_can_be_written(flag):
    reads = {
        "--between": lambda word: parse_hours(word, flag),
        "--weekday": lambda word: parse_weekdays([word], flag),
    }
    read = reads.get(flag, lambda word: parse_day(word, TODAY, flag))

    assert all(read(word) for word in VALUES[flag] if word != SEVERAL)
    assert all(parse_day(word, TODAY, "--from", is_past=True) <= TODAY for word in PAST_DAYS)
