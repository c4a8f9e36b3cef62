"""How lists are laid out for people: what stands once, days, entries, sections, blocks, zones."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpcli.render.output import Output
from gpcli.render.table import MAX_TABLE_ROWS
from gpcli.render.terminal import Terminal
from gpcli.render.view import Column, Entry, View, to_json_object
from tests.render.conftest import NOW, OSLO_WINTER, CapturedOutput

OSLO = ZoneInfo("Europe/Oslo")
NEW_YORK = ZoneInfo("America/New_York")
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Visit:
    """A row of these tests."""

    id: str
    start: datetime = datetime(2026, 11, 25, 9, 0, tzinfo=OSLO)
    zone: str = "Europe/Oslo"
    way: str = "video"
    doctor: str = "Dr. Ada Vik"
    place: str = "Solbakken"

    @property
    def end(self) -> datetime:
        """When it is over."""
        return (self.start.astimezone(UTC) + timedelta(minutes=20)).astimezone(self.start.tzinfo)


VISITS: View[Visit] = View(
    "visits",
    (
        Column("id", "ID", lambda visit: visit.id),
        Column(
            "start",
            "When",
            lambda visit: visit.start,
            lambda visit, words: words.period(visit.start, visit.end, visit.zone),
            moment=lambda visit: (visit.start, visit.zone),
            by_day=lambda visit, words: (
                words.surgery_day(visit.start, visit.zone),
                words.surgery_clock(visit.start, visit.end, visit.zone),
            ),
        ),
        Column("way", "Way", lambda visit: visit.way),
        Column("doctor", "With", lambda visit: visit.doctor, shared=True),
        Column("place", "Place", lambda visit: visit.place, shared=True, droppable=True),
    ),
    to_json_object,
)
TOLD = "Times are those of Europe/Oslo; Here is this computer's clock."


def draw(view, *rows, width=80, here=OSLO, now=NOW, fields=None, color=False):
    """What a person sees of a list."""
    shown = CapturedOutput(tty=True)
    screen = Terminal(True, True, True, width, color=color)
    Output(
        shown.out, shown.err, screen, fields=fields, now=lambda: now, machine_zone=here
    ).show_list(view, rows)
    return shown.stdout_text


def lines_of(*told, **how):
    return draw(*told, **how).splitlines()


def at(day, hour, minute=0, month=11, year=2026, **more):
    return datetime(year, month, day, hour, minute, tzinfo=OSLO, **more)


# What all rows share


def test_what_all_rows_share_stands_once_above_the_table():
    assert draw(VISITS, Visit("v1"), Visit("v2", way="phone")) == (
        "Dr. Ada Vik · Solbakken\n"
        "ID  When                     Way\n"
        "v1  Wed 25 Nov  09:00–09:20  video\n"
        "v2              09:00–09:20  phone\n"
    )


def test_of_one_row_all_that_could_be_shared_stands_above():
    assert lines_of(VISITS, Visit("v1"))[:2] == [
        "Dr. Ada Vik · Solbakken",
        "ID  When                     Way",
    ]


def test_what_differs_in_one_row_is_a_column():
    assert draw(VISITS, Visit("v1"), Visit("v2"), Visit("v3", doctor="Dr. Bo Li")) == (
        "Solbakken\n"
        "ID  When                     Way    With\n"
        "v1  Wed 25 Nov  09:00–09:20  video  Dr. Ada Vik\n"
        "v2              09:00–09:20  video  Dr. Ada Vik\n"
        "v3              09:00–09:20  video  Dr. Bo Li\n"
    )


def test_what_one_row_lacks_is_not_said_to_be_shared():
    assert draw(VISITS, Visit("v1"), Visit("v2", doctor="")) == (
        "Solbakken\n"
        "ID  When                     Way    With\n"
        "v1  Wed 25 Nov  09:00–09:20  video  Dr. Ada Vik\n"
        "v2              09:00–09:20  video\n"
    )


def test_what_no_row_has_is_nowhere():
    assert lines_of(VISITS, Visit("v1", doctor="", place=""))[0].split() == ["ID", "When", "Way"]


def test_what_all_rows_share_stands_above_blocks_as_well():
    assert draw(VISITS, Visit("v1", way="by video, in the room on the left"), width=40) == (
        "Dr. Ada Vik · Solbakken\n"
        "\n"
        "ID    v1\n"
        "When  Wed 25 Nov 09:00–09:20\n"
        "Way   by video, in the room on the left\n"
    )


def test_a_column_that_was_asked_for_stays_a_column_though_all_rows_share_it():
    assert draw(VISITS, Visit("v1"), Visit("v2"), fields=("doctor", "id")) == (
        "With         ID\nDr. Ada Vik  v1\nDr. Ada Vik  v2\n"
    )


def test_a_long_shared_line_is_broken_between_words_and_set_in():
    rows = [Visit("v1", doctor="Dr. Ada Vik, specialist in general practice", place="Sol")]
    assert lines_of(VISITS, *rows, width=40)[:3] == [
        "Dr. Ada Vik, specialist in general",
        "    practice · Sol",
        "ID  When                     Way",
    ]


# Days


def test_a_day_stands_only_where_it_begins_and_again_when_it_comes_back():
    rows = [Visit("v1", at(24, 9)), Visit("v2", at(24, 10)), Visit("v3", at(25, 9))]
    assert lines_of(VISITS, *rows, Visit("v4", at(24, 11)))[2:] == [
        "v1  tomorrow, Tue 24 Nov  09:00–09:20  video",
        "v2                        10:00–10:20  video",
        "v3  Wed 25 Nov            09:00–09:20  video",
        "v4  tomorrow, Tue 24 Nov  11:00–11:20  video",
    ]


def test_the_same_day_of_another_year_is_another_day():
    rows = [Visit("v1", at(24, 9, month=12)), Visit("v2", at(24, 9, month=12, year=2027))]
    assert lines_of(VISITS, *rows)[2:] == [
        "v1  Thu 24 Dec       09:00–09:20  video",
        "v2  Fri 24 Dec 2027  09:00–09:20  video",
    ]


def test_a_period_over_midnight_says_the_day_of_its_end():
    assert lines_of(VISITS, Visit("v1", at(25, 23, 50)))[2:] == [
        "v1  Wed 25 Nov  23:50 – Thu 26 Nov 00:10  video",
    ]


def test_chosen_fields_have_the_day_in_every_row():
    rows = [Visit("v1", at(25, 9)), Visit("v2", at(25, 10))]
    assert draw(VISITS, *rows, fields=("start",)) == (
        "When\nWed 25 Nov 09:00–09:20\nWed 25 Nov 10:00–10:20\n"
    )


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (at(28, 1, 50, 3, 2027), "Sun 28 Mar 2027  01:50 CET–03:10 CEST"),
        (at(28, 3, 0, 3, 2027), "Sun 28 Mar 2027  03:00–03:20"),
        (at(31, 2, 30, 10, 2027), "Sun 31 Oct 2027  02:30 CEST–02:50 CEST"),
        (at(31, 2, 30, 10, 2027, fold=1), "Sun 31 Oct 2027  02:30 CET–02:50 CET"),
        (at(31, 2, 50, 10, 2027), "Sun 31 Oct 2027  02:50 CEST–02:10 CET"),
        (at(31, 3, 0, 10, 2027), "Sun 31 Oct 2027  03:00–03:20"),
    ],
)
def test_on_the_days_when_clocks_change_every_time_can_be_told(start, words):
    assert lines_of(VISITS, Visit("v1", start))[2] == f"v1  {words}  video"


# Zones


def test_where_the_clock_here_is_another_one_line_says_so_and_a_column_follows():
    rows = [Visit("v1", at(25, 9)), Visit("v2", at(25, 10))]
    assert draw(VISITS, *rows, here=NEW_YORK) == (
        "Dr. Ada Vik · Solbakken\n"
        f"{TOLD}\n"
        "ID  When                     Here   Way\n"
        "v1  Wed 25 Nov  09:00–09:20  03:00  video\n"
        "v2              10:00–10:20  04:00  video\n"
    )


def test_the_day_here_is_beside_its_clock_where_it_is_another():
    rows = [Visit("v1", at(25, 3)), Visit("v2", at(25, 10))]
    assert lines_of(VISITS, *rows, here=NEW_YORK)[2:] == [
        "ID  When                     Here              Way",
        "v1  Wed 25 Nov  03:00–03:20  Tue 24 Nov 21:00  video",
        "v2              10:00–10:20  04:00             video",
    ]


@pytest.mark.parametrize("zone", ["Europe/Oslo", "Europe/Berlin"])
def test_a_zone_whose_clock_agrees_is_not_told(zone):
    assert draw(VISITS, Visit("v1", zone=zone)) == draw(VISITS, Visit("v1"))


def test_the_hour_between_here_and_there_is_that_of_each_day():
    rows = [Visit("v1", at(9, 9, 0, 3, 2027)), Visit("v2", at(16, 9, 0, 3, 2027))]
    assert [line.split()[-2] for line in lines_of(VISITS, *rows, here=NEW_YORK)[3:]] == [
        "03:00",
        "04:00",
    ]


@pytest.mark.parametrize(
    ("start", "clock", "here"),
    [
        (at(28, 1, 50, 3, 2027), "01:50 CET–03:10 CEST", "Sat 27 Mar 20:50"),
        (at(31, 2, 30, 10, 2027), "02:30 CEST–02:50 CEST", "Sat 30 Oct 20:30"),
        (at(31, 2, 30, 10, 2027, fold=1), "02:30 CET–02:50 CET", "Sat 30 Oct 21:30"),
    ],
)
def test_the_clock_here_is_right_on_the_days_when_clocks_change(start, clock, here):
    row = lines_of(VISITS, Visit("v1", start), here=NEW_YORK)[-1]
    assert row.split("  ")[2:4] == [clock, here]


def test_times_of_several_zones_have_each_its_own_beside_it():
    rows = [Visit("v1"), Visit("v2", zone="Europe/London")]
    assert draw(VISITS, *rows) == (
        "Dr. Ada Vik · Solbakken\n"
        "ID  When                                               Way\n"
        "v1  Wed 25 Nov 09:00–09:20                             video\n"
        "v2  Wed 25 Nov 08:00–08:20 Europe/London (09:00 here)  video\n"
    )


def test_times_of_several_zones_that_are_all_another_say_so_each():
    rows = [Visit("v1"), Visit("v2", zone="Europe/London")]
    assert lines_of(VISITS, *rows, here=NEW_YORK)[1:] == [
        "ID  When                                               Way",
        "v1  Wed 25 Nov 09:00–09:20 Europe/Oslo (03:00 here)    video",
        "v2  Wed 25 Nov 08:00–08:20 Europe/London (03:00 here)  video",
    ]


@pytest.mark.parametrize("here", [OSLO, NEW_YORK])
def test_of_an_unknown_zone_nothing_is_told_but_the_offset_of_each_time(here):
    there = "" if here is OSLO else " (03:00 here)"
    shared, header, row = lines_of(VISITS, Visit("v1", zone="Nowhere/Land"), here=here)
    assert (shared, header.split()) == ("Dr. Ada Vik · Solbakken", ["ID", "When", "Way"])
    assert row == f"v1  Wed 25 Nov 09:00–09:20 UTC+01:00{there}  video"


def test_blocks_and_chosen_fields_say_the_zone_with_each_time():
    said = "Wed 25 Nov 09:00–09:20 Europe/Oslo (03:00 here)"
    visit = Visit("v1", way="by video, in the room on the left")
    assert f"When  {said[:34]}\n      {said[35:]}\n" in draw(VISITS, visit, here=NEW_YORK, width=40)
    assert draw(VISITS, visit, fields=("start",), here=NEW_YORK) == f"When\n{said}\n"


# Entries


def describe(visit, words):
    return Entry(
        visit.doctor,
        visit.id,
        (((visit.way, "red"), ("", ""), (visit.place, "")), (("", ""),), (("bring it", ""),)),
    )


ENTRIES = replace(VISITS, entry=describe)


def test_an_entry_is_a_title_with_its_id_and_what_matters_below():
    assert draw(ENTRIES, Visit("v1"), Visit("v2", doctor="Dr. Bo Li", place="")) == (
        "Dr. Ada Vik  v1\n  video · Solbakken\n  bring it\nDr. Bo Li  v2\n  video\n  bring it\n"
    )


def test_the_phrases_of_an_entry_have_their_colours():
    painted = draw(ENTRIES, Visit("v1"), color=True)
    assert "\x1b[31mvideo\x1b[0m" in painted
    assert [line.rstrip() for line in STYLE.sub("", painted).splitlines()] == lines_of(
        ENTRIES, Visit("v1")
    )


def test_chosen_fields_of_entries_are_a_table():
    assert draw(ENTRIES, Visit("v1"), Visit("v2"), fields=("id", "way")) == (
        "ID  Way\nv1  video\nv2  video\n"
    )


@pytest.mark.parametrize("width", [1, 10, 20, 40])
def test_an_entry_never_cuts_an_id_and_sets_in_all_but_its_title(width):
    rows = [Visit("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", doctor="A long name of a medicine")] * 3
    lines = lines_of(ENTRIES, *rows, width=width)
    assert len([line for line in lines if not line.startswith("  ")]) == len(rows)
    assert len([line for line in lines if rows[0].id in line]) == len(rows)


def test_a_line_break_in_an_entry_makes_no_line():
    rows = [Visit("v\n1", doctor="Dr.\nAda", way="a\r\nb", place="c\td")]
    assert draw(ENTRIES, *rows) == "Dr. Ada  v 1\n  a b · c d\n  bring it\n"


# Sections

SECTIONS = replace(VISITS, section=lambda visit: visit.place)


def test_each_section_has_its_name_and_its_own_shared_line_and_columns():
    rows = [
        Visit("v1", place="Sol"),
        Visit("v2", place="Fjord", doctor="Dr. Bo Li"),
        Visit("v3", place="Sol"),
        Visit("v4", place="Fjord"),
    ]
    without_place = replace(SECTIONS, columns=SECTIONS.columns[:-1])
    assert draw(without_place, *rows) == (
        "Sol · Dr. Ada Vik\n"
        "ID  When                     Way\n"
        "v1  Wed 25 Nov  09:00–09:20  video\n"
        "v3              09:00–09:20  video\n"
        "\n"
        "Fjord\n"
        "ID  When                     Way    With\n"
        "v2  Wed 25 Nov  09:00–09:20  video  Dr. Bo Li\n"
        "v4              09:00–09:20  video  Dr. Ada Vik\n"
    )


def test_where_one_section_has_too_little_room_all_are_blocks():
    rows = [
        Visit("v1", place="Sol"),
        Visit("v2", place="Fjord", way="video in the room to the left"),
    ]
    without_place = replace(SECTIONS, columns=SECTIONS.columns[:-1])
    assert draw(without_place, *rows, width=50) == (
        "Sol · Dr. Ada Vik\n"
        "\n"
        "ID    v1\n"
        "When  Wed 25 Nov 09:00–09:20\n"
        "Way   video\n"
        "\n"
        "Fjord · Dr. Ada Vik\n"
        "\n"
        "ID    v2\n"
        "When  Wed 25 Nov 09:00–09:20\n"
        "Way   video in the room to the left\n"
    )


def test_a_spare_column_that_has_no_room_in_one_section_is_left_out_of_all():
    note = Column("note", "Note", lambda visit: visit.way * 9, droppable=True)
    spare = replace(SECTIONS, columns=(*SECTIONS.columns[:2], note))
    rows = [Visit("v1", place="Sol", way="x"), Visit("v2", place="Fjord", way="video " * 4)]
    headers = [line for line in lines_of(spare, *rows, width=70) if line.startswith("ID")]
    assert [header.split() for header in headers] == [["ID", "When"]] * 2


# Narrow terminals


def test_below_sixty_columns_rows_that_would_wrap_are_blocks_and_from_there_on_they_wrap():
    visit = Visit("v1", way="in a room on the left of the entrance")
    forms = {width: lines_of(VISITS, visit, width=width)[1] for width in (20, 59, 60, 80)}
    header = ["ID", "When", "Way"]
    assert {width: first.split() == header for width, first in forms.items()} == {
        20: False,
        59: False,
        60: True,
        80: True,
    }


def test_below_sixty_columns_what_fits_is_still_a_table():
    assert lines_of(VISITS, Visit("v1"), width=36)[1:] == [
        "ID  When                     Way",
        "v1  Wed 25 Nov  09:00–09:20  video",
    ]


@pytest.mark.parametrize("width", [40, 44, 50, 59])
def test_spare_columns_go_before_rows_become_blocks(width):
    rows = [Visit("v1"), Visit("v2", place="Fjordgløtt")]
    header = lines_of(VISITS, *rows, width=width)[1].split()
    assert header == ["ID", "When", "Way"] + ["Place"] * (width >= 46)


# Letters


@pytest.mark.parametrize(
    "name", ["診療所", "👩\u200d👩\u200d👧", "🇳🇴", "Zoe\u0308", "e\u0301" * 4, "한글", "ไทย"]
)
@pytest.mark.parametrize("count", [2, MAX_TABLE_ROWS + 2])
def test_columns_stay_aligned_whatever_the_letters(name, count):
    from wcwidth import wcswidth

    rows = [Visit(f"v{number:03}", way=name if number % 2 else "x") for number in range(count)]
    columns = tuple(each for each in VISITS.columns if each.name in {"way", "id"})
    lines = draw(replace(VISITS, columns=columns[::-1]), *rows).splitlines()
    starts = {wcswidth(line[: line.index("v")]) for line in lines[1:]}
    assert len(lines) == count + 1
    assert starts == {max(3, wcswidth(name)) + 2}


def test_a_list_of_many_rows_has_the_shared_line_days_and_the_clock_here():
    rows = [Visit(f"v{number:03}", at(25, 9)) for number in range(MAX_TABLE_ROWS + 1)]
    lines = lines_of(VISITS, *rows, here=NEW_YORK)
    assert lines[:5] == [
        "Dr. Ada Vik · Solbakken",
        TOLD,
        "ID    When                     Here   Way",
        "v000  Wed 25 Nov  09:00–09:20  03:00  video",
        "v001              09:00–09:20  03:00  video",
    ]
    assert len(lines) == MAX_TABLE_ROWS + 4


def test_many_rows_that_have_to_wrap_are_a_table_all_the_same():
    rows = [Visit(f"v{number:03}", way="a room " * 8) for number in range(MAX_TABLE_ROWS + 1)]
    lines = lines_of(VISITS, *rows, width=60)
    assert max(map(len, lines)) <= 60
    assert len([line for line in lines if line.startswith("v")]) == len(rows)


def test_an_encoding_without_dashes_has_all_the_same_lines():
    def written(encoding):
        stream = TextIOWrapper(BytesIO(), encoding=encoding, newline="\n")
        screen = Terminal(True, True, True)
        output = Output(
            stream, CapturedOutput().err, screen, now=lambda: NOW, machine_zone=OSLO_WINTER
        )
        for view in (VISITS, ENTRIES):
            output.show_list(view, [Visit("v1"), Visit("v2", place="Åsen")])
        return stream.buffer.getvalue().decode(encoding)

    plain = written("utf-8").replace("–", "-").replace(" · ", " - ").replace("Å", "\\u00c5")
    assert [line.split() for line in written("ascii").splitlines()] == [
        line.split() for line in plain.splitlines()
    ]


WORDS = st.lists(st.text("abcdefgå", min_size=1, max_size=15), min_size=1, max_size=12)
TEXTS = WORDS.map(" ".join)
ROWS = st.lists(
    st.builds(
        Visit,
        st.text("0123456789", min_size=1, max_size=12),
        st.sampled_from([at(24, 9), at(25, 3), at(25, 10), at(1, 9, 0, 1, 2027)]),
        way=TEXTS,
        doctor=TEXTS,
        place=TEXTS,
    ),
    min_size=1,
    max_size=4,
)
HEADINGS = {"ID", "When", "Way", "With", "Place", "Here", "·"}


@pytest.mark.parametrize("view", [VISITS, ENTRIES, SECTIONS], ids=["rows", "entries", "sections"])
@given(rows=ROWS, width=st.integers(20, 120), here=st.sampled_from([OSLO, NEW_YORK]))
@example(rows=[Visit("v1", way="a" * 15, doctor="b" * 15, place="c" * 15)], width=20, here=OSLO)
def test_no_width_breaks_a_word_or_goes_beyond_the_screen(view, rows, width, here):
    lines = lines_of(view, *rows, width=width, here=here)
    known = {word for line in lines_of(view, *rows, width=2000, here=here) for word in line.split()}
    for visit in rows:
        words = draw(VISITS, visit, here=here, fields=("start",), width=2000)
        known.update(words.split())
    assert {word for line in lines for word in line.split()} <= known | HEADINGS
    assert max(map(len, lines)) <= max(width, 24)


# The beginning of a list


@pytest.mark.parametrize(
    ("height", "most", "count"),
    [(10, 20, 6), (20, 20, 16), (24, 20, 20), (50, 20, 20), (3, 20, 5), (50, 3, 3), (24, None, 30)],
)
def test_the_beginning_of_a_list_is_no_more_than_the_screen_holds(height, most, count):
    shown = CapturedOutput(tty=True)
    screen = Terminal(True, True, True, height=height)
    output = Output(shown.out, shown.err, screen, now=lambda: NOW, machine_zone=OSLO)
    rows = [Visit(f"v{number}") for number in range(30)]
    written, rest = output.show_beginning(VISITS, iter(rows), most)
    assert (written, list(rest)) == (count, rows[count:])
    assert shown.stdout_text.count("\nv") == count


def test_a_beginning_that_is_all_leaves_nothing_out():
    shown = CapturedOutput(tty=True)
    assert shown.output.show_beginning(VISITS, [Visit("v1"), Visit("v2")], 20) == (2, [])


@pytest.mark.parametrize("format", ["plain", "json", "ndjson"])
def test_what_programs_read_is_never_only_the_beginning(format):
    shown = CapturedOutput(format, tty=True)
    rows = [Visit(f"v{number}") for number in range(30)]
    assert shown.output.show_beginning(VISITS, iter(rows), 20) == (30, ())
    assert [f"v{number}" in shown.stdout_text for number in range(30)] == [True] * 30


def test_where_field_names_are_asked_for_nothing_is_left_out():
    shown = CapturedOutput(tty=True, fields=())
    assert shown.output.show_beginning(VISITS, [Visit("v1")], 20) == (0, ())
    assert shown.stdout_text == "id\nstart\nway\ndoctor\nplace\n"
