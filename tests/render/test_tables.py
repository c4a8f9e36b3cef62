import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, TextIOWrapper

import pytest

from gpcli.render.output import Format
from gpcli.render.table import MAX_TABLE_ROWS
from gpcli.render.view import Column, View, to_json_object

STYLE = re.compile(r"\x1b\[[0-9;]*m")


def test_a_table_has_a_header_and_human_times(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=100)
    count = shown.output.show_list(slots_view, [a_slot(), a_slot("s2", 25, channel="video")])
    assert count == 2
    assert shown.stdout_text == (
        "ID  When                              How    With               Where\n"
        "s1  tomorrow, Tue 24 Nov 09:00–09:20         Dr. Ingrid Øvrebø  Ekebergveien 228\n"
        "s2  Wed 25 Nov 09:00–09:20            video  Dr. Ingrid Øvrebø  Ekebergveien 228\n"
    )


def test_a_narrow_table_wraps_at_words_and_never_cuts_an_id(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=72)
    shown.output.show_list(slots_view, [a_slot("slot-9b1deb4d-3b7d", channel="video")])
    assert shown.stdout_text == (
        "ID                  When           How    With            Where\n"
        "slot-9b1deb4d-3b7d  tomorrow, Tue  video  Dr. Ingrid      Ekebergveien\n"
        "                    24 Nov                Øvrebø          228\n"
        "                    09:00–09:20\n"
    )


def test_a_column_that_is_empty_in_every_row_is_left_out_of_a_table(
    make_output, slots_view, a_slot
):
    shown = make_output(tty=True, width=100)
    shown.output.show_list(slots_view, [a_slot()])
    assert shown.stdout_text.splitlines()[0].split() == ["ID", "When", "With", "Where"]


def test_an_empty_column_that_was_asked_for_stays(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=100, fields=("id", "channel"))
    shown.output.show_list(slots_view, [a_slot()])
    assert shown.stdout_text.splitlines()[0].split() == ["ID", "How"]


def test_a_view_of_blocks_is_never_a_table(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=100)
    shown.output.show_list(replace(slots_view, blocks=True), [a_slot()])
    assert shown.stdout_text.splitlines()[0] == "ID     s1"


def test_where_a_table_cannot_fit_each_row_is_a_block(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=44)
    shown.output.show_list(slots_view, [a_slot("9b1deb4d-3b7d-4bad"), a_slot("s2", 25)])
    assert shown.stdout_text == (
        "ID     9b1deb4d-3b7d-4bad\n"
        "When   tomorrow, Tue 24 Nov 09:00–09:20\n"
        "With   Dr. Ingrid Øvrebø\n"
        "Where  Ekebergveien 228\n"
        "\n"
        "ID     s2\n"
        "When   Wed 25 Nov 09:00–09:20\n"
        "With   Dr. Ingrid Øvrebø\n"
        "Where  Ekebergveien 228\n"
    )


@pytest.mark.parametrize("width", [1, 5, 20, 37, 60])
def test_no_width_loses_a_letter(make_output, slots_view, a_slot, width):
    shown = make_output(tty=True, width=width)
    shown.output.show_list(slots_view, [a_slot("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", 27)])
    assert "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d" in shown.stdout_text
    assert re.sub(r"\s", "", shown.stdout_text) == (
        "ID9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6dWhenFri27Nov09:00–09:20"
        "WithDr.IngridØvrebøWhereEkebergveien228"
    )


def test_an_empty_list_is_nothing_on_a_terminal(make_output, slots_view):
    shown = make_output(tty=True)
    assert shown.output.show_list(slots_view, iter(())) == 0
    assert (shown.stdout_text, shown.stderr_text) == ("", "")


def test_a_table_is_absent_if_its_rows_fail(make_output, slots_view, a_slot):
    def rows():
        yield a_slot()
        raise ConnectionError

    shown = make_output(tty=True)
    with pytest.raises(ConnectionError):
        shown.output.show_list(slots_view, rows())
    assert shown.stdout_text == ""


def test_fields_bring_columns_that_tables_leave_out(make_output, slots_view, a_slot):
    shown = make_output(tty=True, fields=("end", "id"))
    shown.output.show_list(slots_view, [a_slot()])
    assert shown.stdout_text == ("End               ID\nTue 24 Nov 09:20  s1\n")


def test_markup_in_a_text_is_only_text(make_output, slots_view, a_slot):
    shown = make_output(tty=True, fields=("id", "location"), color=True)
    shown.output.show_list(slots_view, [a_slot(location="5.2 [mg/dL] [/b] [red]x :smile:")])
    assert "5.2 [mg/dL] [/b] [red]x :smile:" in STYLE.sub("", shown.stdout_text)


def test_colour_is_only_where_it_is_wanted(make_output, slots_view, a_slot):
    dull = make_output(tty=True, fields=("practitioner",))
    dull.output.show_list(slots_view, [a_slot()])
    bright = make_output(tty=True, color=True, fields=("practitioner",))
    bright.output.show_list(slots_view, [a_slot()])
    assert "\x1b" not in dull.stdout_text
    assert "\x1b[32mDr. Ingrid Øvrebø" in bright.stdout_text
    unpainted = [line.rstrip() for line in STYLE.sub("", bright.stdout_text).splitlines()]
    assert unpainted == dull.stdout_text.splitlines()


def test_the_environment_of_the_process_changes_nothing(
    make_output, slots_view, a_slot, monkeypatch
):
    expected = make_output(tty=True)
    expected.output.show_list(slots_view, [a_slot()])
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "20", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    shown = make_output(tty=True)
    shown.output.show_list(slots_view, [a_slot()])
    assert shown.stdout_text == expected.stdout_text


def test_an_item_is_a_calm_block_without_what_is_not_known(make_output, slots_view, a_slot):
    shown = make_output(tty=True)
    shown.output.show_item(slots_view, a_slot(location="Ekebergveien 228\n1162 Oslo"))
    assert shown.stdout_text == (
        "ID     s1\n"
        "When   tomorrow, Tue 24 Nov 09:00–09:20\n"
        "End    Tue 24 Nov 09:20\n"
        "With   Dr. Ingrid Øvrebø\n"
        "Where  Ekebergveien 228\n"
        "       1162 Oslo\n"
    )


def test_one_field_of_an_item_is_what_a_person_reads_without_a_label(
    make_output, slots_view, a_slot
):
    shown = make_output(tty=True, width=20, fields=("start",))
    shown.output.show_item(slots_view, a_slot(), text="Hei")
    assert shown.stdout_text == "tomorrow, Tue 24 Nov 09:00–09:20\n"


def test_an_items_text_stands_below_it_wrapped_at_words(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=30)
    text = "Hei!\n\nprøvene er fine [mg/dL], vi sees til våren.\n"
    shown.output.show_item(View("one", slots_view.columns[:1], to_json_object), a_slot(), text=text)
    assert shown.stdout_text == (
        "ID  s1\n\n  Hei!\n\n  prøvene er fine [mg/dL], vi\n  sees til våren.\n"
    )


def test_no_line_of_a_text_can_pass_for_a_label(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=30)
    text = "Hei!\nID  forged\nlong enough to be wrapped and then\nID  forged too"
    shown.output.show_item(View("one", slots_view.columns[:1], to_json_object), a_slot(), text=text)
    label, gap, *lines = shown.stdout_text.splitlines()
    assert (label, gap) == ("ID  s1", "")
    assert {line[:2] for line in lines} == {"  "}


def make_slots(a_slot, count):
    return (
        a_slot(f"s{number}", fold) for number, fold in zip(range(count), [24] * count, strict=True)
    )


def test_a_long_list_is_aligned_lines_with_the_same_columns(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=80, color=True, fields=("id", "start"))
    assert shown.output.show_list(slots_view, make_slots(a_slot, 1001)) == 1001
    lines = shown.stdout_text.splitlines()
    assert (len(lines), lines[0], lines[1], lines[201], lines[1001]) == (
        1002,
        "ID     When",
        "s0     tomorrow, Tue 24 Nov 09:00–09:20",
        "s200   tomorrow, Tue 24 Nov 09:00–09:20",
        "s1000  tomorrow, Tue 24 Nov 09:00–09:20",
    )


def test_a_long_list_is_absent_if_its_rows_fail_late(make_output, slots_view, a_slot):
    shown = make_output(tty=True, fields=("id",))

    def rows():
        yield from make_slots(a_slot, 300)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        shown.output.show_list(slots_view, rows())
    assert shown.stdout_text == ""


@pytest.mark.parametrize("count", [MAX_TABLE_ROWS - 1, MAX_TABLE_ROWS, MAX_TABLE_ROWS + 1])
def test_a_list_looks_the_same_however_long_it_is(make_output, slots_view, a_slot, count):
    shown = make_output(tty=True, fields=("practitioner", "id", "channel"))
    rows = [a_slot(f"s{number:03}", channel="video") for number in range(count)]
    shown.output.show_list(slots_view, rows)
    assert shown.stdout_text.splitlines() == [
        "With               ID    How",
        *(f"Dr. Ingrid Øvrebø  s{number:03}  video" for number in range(count)),
    ]


@dataclass(frozen=True)
class Sample:
    id: str
    ok: bool
    day: date
    at: datetime
    amount: Decimal
    ways: tuple[str, ...]


SAMPLES = View(
    "samples",
    (
        Column("id", "ID", lambda s: s.id),
        Column("ok", "OK", lambda s: s.ok, style=lambda s: "green" if s.ok else "red"),
        Column("day", "Day", lambda s: s.day),
        Column("at", "At", lambda s: s.at),
        Column("amount", "Amount", lambda s: s.amount, right=True),
        Column("ways", "Ways", lambda s: s.ways),
    ),
    to_json_object,
)
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SAMPLE = Sample("a", True, date(2026, 11, 24), AT, Decimal("5.20"), ("text", "video"))


def test_values_without_words_of_their_own_get_the_usual_ones(make_output):
    shown = make_output(tty=True)
    other = Sample("b", False, date(2026, 12, 1), AT, Decimal("1200"), ())
    shown.output.show_list(SAMPLES, [SAMPLE, other])
    assert shown.stdout_text == (
        "ID  OK   Day         At                Amount  Ways\n"
        "a   yes  Tue 24 Nov  Tue 24 Nov 08:00    5.20  text, video\n"
        "b   no   Tue 1 Dec   Tue 24 Nov 08:00    1200\n"
    )


def test_a_style_may_depend_on_the_row(make_output):
    shown = make_output(tty=True, color=True, fields=("ok",))
    shown.output.show_list(SAMPLES, [SAMPLE])
    assert "\x1b[32myes" in shown.stdout_text


def test_on_an_ascii_terminal_letters_are_spelled_and_still_aligned(
    make_output, slots_view, a_slot
):
    ascii_stream = TextIOWrapper(BytesIO(), encoding="ascii", newline="\n")
    shown = make_output(tty=True, out=ascii_stream, fields=("practitioner", "start"))
    shown.output.show_list(slots_view, [a_slot()])
    assert ascii_stream.buffer.getvalue().decode() == (
        "With                         When\n"
        "Dr. Ingrid \\u00d8vreb\\u00f8  tomorrow, Tue 24 Nov 09:00-09:20\n"
    )


def test_a_forced_table_needs_no_terminal(make_output, slots_view, a_slot):
    shown = make_output(format=Format.TABLE, fields=("id",))
    shown.output.show_list(slots_view, [a_slot()])
    assert shown.stdout_text == "ID\ns1\n"


def with_droppable(view, *names):
    columns = (replace(column, droppable=column.name in names) for column in view.columns)
    return replace(view, columns=tuple(columns))


@pytest.mark.parametrize(
    ("width", "kept"),
    [
        (100, ["ID", "When", "How", "With", "Where"]),
        (80, ["ID", "When", "How", "With"]),
        (72, ["ID", "When", "With"]),
    ],
)
def test_where_a_table_is_too_wide_spare_columns_go_the_last_ones_first(
    make_output, slots_view, a_slot, width, kept
):
    shown = make_output(tty=True, width=width)
    rows = [a_slot("slot-9b1deb4d-3b7d", channel="video", location="Ekebergveien 228")]
    shown.output.show_list(with_droppable(slots_view, "channel", "location"), rows)
    assert shown.stdout_text.splitlines()[0].split() == kept


def test_where_too_few_columns_are_spare_each_row_is_a_whole_block(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=20)
    shown.output.show_list(with_droppable(slots_view, "location"), [a_slot("slot-9b1d-and-more")])
    labels = [line.split("  ")[0] for line in shown.stdout_text.splitlines() if line[:1].strip()]
    assert labels == ["ID", "When", "With", "Where"]


def test_a_spare_column_that_was_asked_for_stays(make_output, slots_view, a_slot):
    shown = make_output(tty=True, width=20, fields=("id", "location"))
    shown.output.show_list(
        with_droppable(slots_view, "location"), [a_slot("slot-9b1deb4d-3b7d-4bad")]
    )
    assert "Where" in shown.stdout_text


def test_a_column_may_stand_in_a_table_for_the_sake_of_one_row(make_output, a_slot):
    columns = (
        Column("id", "ID", lambda slot: slot.id),
        Column(
            "service", "Service", lambda slot: slot.service, in_table=lambda slot: slot.id > "s"
        ),
    )
    view = View("some", columns, to_json_object)
    without, with_it = make_output(tty=True), make_output(tty=True)
    without.output.show_list(view, [a_slot("a"), a_slot("b")])
    with_it.output.show_list(view, [a_slot("a"), a_slot("s2")])
    assert without.stdout_text == "ID\na\nb\n"
    assert with_it.stdout_text == "ID  Service\na   booking\ns2  booking\n"


def test_spare_columns_go_before_a_row_takes_a_second_line(make_output, slots_view, a_slot):
    view, rows = with_droppable(slots_view, "practitioner"), [a_slot("slot-9b1deb4d-3b7d")]
    roomy, crowded = make_output(tty=True, width=90), make_output(tty=True, width=60)
    roomy.output.show_list(view, rows)
    crowded.output.show_list(view, rows)
    assert roomy.stdout_text.splitlines()[0].split() == ["ID", "When", "With", "Where"]
    assert crowded.stdout_text == (
        "ID                  When                    Where\n"
        "slot-9b1deb4d-3b7d  tomorrow, Tue 24 Nov    Ekebergveien 228\n"
        "                    09:00–09:20\n"
    )


@pytest.mark.parametrize("name", ["👩\u200d👩\u200d👧", "🇳🇴", "診", "1\ufe0f\u20e3"])
def test_what_takes_two_columns_is_followed_by_two_columns_less_of_space(
    make_output, slots_view, a_slot, name
):
    shown = make_output(tty=True, fields=("practitioner", "id"))
    shown.output.show_list(slots_view, [a_slot(practitioner=name), a_slot(practitioner="Dr. Ada")])
    assert shown.stdout_text == f"With     ID\n{name}       s1\nDr. Ada  s1\n"


def test_long_lists_are_aligned_by_the_columns_that_a_cluster_takes(
    make_output, slots_view, a_slot
):
    family = "👩\u200d👩\u200d👧"
    rows = [a_slot(practitioner=name) for name in (family, "Ada", *["Bo"] * MAX_TABLE_ROWS)]
    shown = make_output(tty=True, fields=("practitioner", "id"))
    shown.output.show_list(slots_view, rows)
    assert shown.stdout_text.splitlines()[:3] == ["With  ID", f"{family}    s1", "Ada   s1"]
