import json
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.errors import InvalidUsage
from gpcli.render.json_output import JsonTextEncoder
from gpcli.render.output import Format
from gpcli.render.terminal import LineWriter
from gpcli.render.view import View


def over(encoding):
    return TextIOWrapper(BytesIO(), encoding=encoding, newline="\n")


def the_bytes(stream):
    stream.flush()
    return stream.buffer.getvalue()


def test_a_list_is_one_array_a_record_a_line(make_output, slots_view, a_slot):
    shown = make_output(format=Format.JSON, fields=("id", "practitioner"))
    assert shown.output.show_list(slots_view, [a_slot(), a_slot("s2")]) == 2
    assert shown.stdout_text == (
        "[\n"
        '{"id": "s1", "practitioner": "Dr. Ingrid Øvrebø"},\n'
        '{"id": "s2", "practitioner": "Dr. Ingrid Øvrebø"}\n'
        "]\n"
    )


def test_a_list_on_a_terminal_is_indented(make_output, slots_view, a_slot):
    shown = make_output(format=Format.JSON, tty=True, fields=("id",))
    shown.output.show_list(slots_view, [a_slot(), a_slot("s2")])
    assert shown.stdout_text == json.dumps([{"id": "s1"}, {"id": "s2"}], indent=2) + "\n"


def test_all_keys_are_there_without_fields(make_output, slots_view, a_slot):
    shown = make_output(format=Format.JSON)
    shown.output.show_item(slots_view, a_slot(), text="is in the record")
    assert json.loads(shown.stdout_text) == slots_view.record(a_slot())
    assert tuple(json.loads(shown.stdout_text)) == slots_view.keys


def test_one_field_of_an_item_stays_an_object(make_output, slots_view, a_slot):
    shown = make_output(format=Format.JSON, fields=("location",))
    shown.output.show_item(slots_view, a_slot())
    assert shown.stdout_text == '{"location": "Ekebergveien 228"}\n'


def test_an_empty_list_is_an_empty_array(make_output, slots_view):
    shown = make_output(format=Format.JSON)
    assert shown.output.show_list(slots_view, []) == 0
    assert shown.stdout_text == "[]\n"


def test_an_array_is_complete_or_absent(make_output, slots_view, a_slot):
    def rows():
        yield a_slot()
        raise ConnectionError

    shown = make_output(format=Format.JSON)
    with pytest.raises(ConnectionError):
        shown.output.show_list(slots_view, rows())
    assert shown.stdout_text == ""


def test_ndjson_is_an_object_a_line_written_as_it_comes(make_output, slots_view, a_slot):
    shown = make_output(format=Format.NDJSON, tty=True, fields=("id",))

    def rows():
        yield a_slot()
        yield a_slot(shown.stdout_text.strip())

    assert shown.output.show_list(slots_view, rows()) == 2
    assert [json.loads(line) for line in shown.stdout_text.splitlines()] == [
        {"id": "s1"},
        {"id": '{"id": "s1"}'},
    ]


def test_without_declared_keys_a_field_is_judged_by_the_first_record(
    make_output, slots_view, a_slot
):
    undeclared = View("slots", slots_view.columns, slots_view.record)
    shown = make_output(format=Format.NDJSON, fields=("zone", "nowhere"))
    with pytest.raises(InvalidUsage, match='no field "nowhere"'):
        shown.output.show_list(undeclared, [a_slot()])
    assert shown.stdout_text == ""


def test_a_key_that_is_no_column_can_be_chosen(make_output, slots_view, a_slot):
    shown = make_output(format=Format.NDJSON, fields=("zone",))
    shown.output.show_item(slots_view, a_slot())
    assert shown.stdout_text == '{"zone": "Europe/Oslo"}\n'


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", '"Øvrebø \\u009b"\n'), ("ascii", '"\\u00d8vreb\\u00f8 \\u009b"\n'),
     ("latin-1", '"\\u00d8vreb\\u00f8 \\u009b"\n')],
)  # fmt: skip
def test_json_is_utf8_or_escaped_whatever_the_stream(encoding, expected):
    stream = over(encoding)
    writer = LineWriter(stream)
    writer.write_line(JsonTextEncoder(writer).encode("Øvrebø \x9b"))
    assert the_bytes(stream) == expected.encode()


@given(st.text(st.characters()), st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_every_text_comes_back_from_json_and_nothing_raw_is_written(text, encoding):
    stream = over(encoding)
    writer = LineWriter(stream)
    writer.write_line(JsonTextEncoder(writer, indent=2).encode({"text": text}))
    written = the_bytes(stream).decode()
    assert json.loads(written) == json.loads(json.dumps({"text": text}))
    assert not any(c in written for c in "\x1b\x7f\x9b\u202e\u2028\u200b\U000e0041")


def test_a_number_that_json_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="not JSON compliant"):
        JsonTextEncoder(LineWriter(StringIO())).encode(float("nan"))
