import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.errors import InvalidUsage
from gpcli.render.output import Format, format_plain_cell
from gpcli.render.view import Column, View, to_json_object

ESCAPE = re.compile(r"\\(x..|u.{4}|U.{8}|.)")
WORDS = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def unescaped(cell):
    """What a script does with a cell; all that it needs to know is in the scripting help."""
    return ESCAPE.sub(lambda m: WORDS.get(m[1]) or chr(int(m[1][1:], 16)), cell)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a\tb\nc\\d\re", "a\\tb\\nc\\\\d\\re"),
        ("\x1b[0m\u202e", "\\x1b[0m\\u202e"),
        ("[mg/dL] [/b] æøå", "[mg/dL] [/b] æøå"),
        (None, ""),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (Decimal("5.20"), "5.20"),
        (datetime(2026, 11, 24, 8, 0, tzinfo=UTC), "2026-11-24T08:00:00Z"),
        (date(2026, 11, 24), "2026-11-24"),
        ((), ""),
        (("video", "phone"), "video,phone"),
        (("Storgata 1, Oslo", "b"), "Storgata 1\\, Oslo,b"),
    ],
)
def test_a_cell_is_written_for_a_script(value, cell):
    assert format_plain_cell(value) == cell


@given(st.text(st.characters()))
def test_every_text_comes_back_from_its_cell(text):
    assert unescaped(format_plain_cell(text)) == text


@dataclass(frozen=True)
class Note:
    id: str
    words: str


NOTES = View(
    "notes",
    (Column("id", "ID", lambda n: n.id), Column("words", "Words", lambda n: n.words)),
    to_json_object,
)


@given(notes=st.lists(st.builds(Note, st.text(st.characters()), st.text(st.characters()))))
def test_every_list_comes_back_from_its_lines(make_output, notes):
    shown = make_output(format=Format.PLAIN)
    shown.output.show_list(NOTES, notes)
    lines = shown.stdout_text.split("\n")[:-1]
    assert [Note(*map(unescaped, line.split("\t"))) for line in lines] == notes


def test_a_list_off_a_terminal_is_one_line_a_record_without_header(make_output, slots_view, a_slot):
    shown = make_output()
    assert shown.output.show_list(slots_view, [a_slot(), a_slot("s2", 25, location=None)]) == 2
    assert shown.stdout_text == (
        "s1\t2026-11-24T09:00:00+01:00\t2026-11-24T09:20:00+01:00\t\tDr. Ingrid Øvrebø\t"
        "Ekebergveien 228\n"
        "s2\t2026-11-25T09:00:00+01:00\t2026-11-25T09:20:00+01:00\t\tDr. Ingrid Øvrebø\t\n"
    )
    assert shown.stderr_text == ""


def test_plain_stays_plain_on_a_terminal(make_output, slots_view, a_slot):
    shown = make_output(
        format=Format.PLAIN, tty=True, color=True, width=20, fields=("id", "location")
    )
    shown.output.show_list(slots_view, [a_slot(location="x" * 300)])
    assert shown.stdout_text == f"s1\t{'x' * 300}\n"


def test_each_line_is_out_before_the_next_row_is_asked_for(make_output, slots_view, a_slot):
    shown = make_output(fields=("id",))
    seen = []

    def rows():
        for number in range(3):
            seen.append(shown.stdout_text)
            yield a_slot(str(number))

    shown.output.show_list(slots_view, rows())
    assert seen == ["", "0\n", "0\n1\n"]


def test_rows_before_a_failure_stay_written_as_whole_lines(make_output, slots_view, a_slot):
    shown = make_output(fields=("id",))

    def rows():
        yield a_slot()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        shown.output.show_list(slots_view, rows())
    assert shown.stdout_text == "s1\n"


def test_an_item_is_keys_and_values_then_its_text(make_output, slots_view, a_slot):
    shown = make_output()
    shown.output.show_item(slots_view, a_slot(location="a\nb"), text="Hei\n\tdu\x1b[2J\n")
    assert shown.stdout_text == (
        "id:\ts1\n"
        "start:\t2026-11-24T09:00:00+01:00\n"
        "end:\t2026-11-24T09:20:00+01:00\n"
        "channel:\t\n"
        "practitioner:\tDr. Ingrid Øvrebø\n"
        "location:\ta\\nb\n"
        "--\n"
        "Hei\n"
        "        du\\x1b[2J\n"
    )


def test_chosen_fields_of_an_item_come_without_its_text(make_output, slots_view, a_slot):
    shown = make_output(fields=("location", "id"))
    shown.output.show_item(slots_view, a_slot(), text="Hei")
    assert shown.stdout_text == "location:\tEkebergveien 228\nid:\ts1\n"


def test_one_field_of_an_item_is_its_value_alone(make_output, slots_view, a_slot):
    shown = make_output(fields=("location",))
    shown.output.show_item(slots_view, a_slot(location="a\tb"), text="Hei")
    assert shown.stdout_text == "a\\tb\n"


def test_one_field_of_an_item_that_is_not_known_is_an_empty_line(make_output, slots_view, a_slot):
    shown = make_output(fields=("channel",))
    shown.output.show_item(slots_view, a_slot())
    assert shown.stdout_text == "\n"


def test_fields_choose_and_order_the_cells(make_output, slots_view, a_slot):
    shown = make_output(fields=("location", "id"))
    shown.output.show_list(slots_view, [a_slot()])
    assert shown.stdout_text == "Ekebergveien 228\ts1\n"


def never():
    raise AssertionError("a row was read")
    yield


@pytest.mark.parametrize("format", [Format.PLAIN, Format.TABLE, Format.JSON, Format.NDJSON])
def test_an_unknown_field_is_refused_before_a_row_is_read(make_output, slots_view, format):
    shown = make_output(format=format, fields=("id", "strat"))
    with pytest.raises(
        InvalidUsage, match=r'There is no field "strat"\. Did you mean "start"\?'
    ) as refused:
        shown.output.show_list(slots_view, never())
    assert refused.value.hint.startswith("Fields: id, start, end, ")
    assert shown.stdout_text == ""


def test_a_field_like_no_other_is_refused_without_a_guess(make_output, slots_view):
    with pytest.raises(InvalidUsage, match=r'^There is no field "qqq"\.$'):
        make_output(fields=("qqq",)).output.show_list(slots_view, never())


@pytest.mark.parametrize("format", [Format.PLAIN, Format.TABLE])
def test_empty_fields_list_the_columns_without_reading_a_row(make_output, slots_view, format):
    shown = make_output(format=format, fields=())
    assert shown.output.show_list(slots_view, never()) == 0
    assert shown.stdout_text == "id\nstart\nend\nchannel\npractitioner\nlocation\n"


@pytest.mark.parametrize("format", [Format.JSON, Format.NDJSON])
def test_empty_fields_list_the_keys_with_json(make_output, slots_view, a_slot, format):
    shown = make_output(format=format, fields=())
    shown.output.show_item(slots_view, a_slot())
    assert shown.stdout_text.split() == [
        "id", "start", "end", "zone", "service", "channel", "practitioner", "surgery", "location",
        "comment", "schedule_comment", "practitioner_ref", "participants",
    ]  # fmt: skip


def test_a_reader_that_has_gone_is_the_callers_to_deal_with(make_output, slots_view, a_slot):
    class Gone:
        encoding = "utf-8"

        def write(self, text):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        make_output(out=Gone()).output.show_list(slots_view, [a_slot()])


PARTS = View(
    "parts",
    (
        Column("id", "ID", lambda slot: slot.id),
        Column("city", "City", lambda slot: slot.location, json_path="surgery.city"),
        Column("near", "Near", lambda slot: slot.location),
    ),
    to_json_object,
    keys=("id", "surgery"),
)


@pytest.mark.parametrize(
    ("format", "field", "message", "hint"),
    [
        (
            Format.JSON,
            "city",
            'This format has no field "city": there it is in surgery.city.',
            "Fields: id, surgery",
        ),
        (
            Format.NDJSON,
            "near",
            'This format has no field "near": only tables and lines have it.',
            "Fields: id, surgery",
        ),
        (
            Format.PLAIN,
            "surgery",
            'This format has no field "surgery": only JSON has it.',
            "Fields: id, city, near",
        ),
        (Format.JSON, "surgey", 'There is no field "surgey". Did you mean "surgery"?', None),
    ],
)
@pytest.mark.parametrize("show", ["show_list", "show_item", "names_only"])
def test_a_field_of_another_format_is_told_from_one_that_nobody_has(
    make_output, a_slot, show, format, field, message, hint
):
    shown = make_output(format=format, fields=("id", field))
    shows = {
        "show_list": lambda: shown.output.show_list(PARTS, [a_slot()]),
        "show_item": lambda: shown.output.show_item(PARTS, a_slot()),
        "names_only": lambda: shown.output.answer_field_query(PARTS),
    }
    with pytest.raises(InvalidUsage) as refused:
        shows[show]()
    assert refused.value.message == message
    assert refused.value.hint == hint or hint is None
    assert shown.stdout_text == ""


@pytest.mark.parametrize("format", [Format.PLAIN, Format.JSON])
def test_names_of_fields_are_all_that_is_said(make_output, slots_view, format):
    shown = make_output(format=format, fields=())
    shown.output.show_list(slots_view, [])
    shown.output.notice("There are none.")
    shown.output.warning("The clock is off.")
    assert shown.stdout_text.splitlines()[0] == "id"
    assert "There are none." not in shown.stderr_text
    assert "The clock is off." in shown.stderr_text
