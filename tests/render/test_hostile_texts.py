"""Whatever the portal writes, through everything that a person sees: nothing raw, no crash."""

from io import BytesIO, StringIO, TextIOWrapper
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gpcli.errors import Rejected
from gpcli.render.output import Format, Output
from gpcli.render.prompt import Prompt
from gpcli.render.stderr import WordedPlan
from gpcli.render.terminal import Terminal
from gpcli.render.view import Column, Entry, View
from tests.hostile_records import NOW, RecordMaker, find_labels, find_views
from tests.hostile_text import PAINT, HostileTexts, find_raw_controls

RAW = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)]} - {"\n"}
RAW |= set(
    "\u200b\u200e\u200f\u061c\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
RAW |= {chr(code) for code in range(0xE0000, 0xE0080)}
ANY_TEXT = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from(sorted(RAW) + list("[]/\\b\t\n:æ診e\u0301\u200d👩"))
)


def forbidden(format):
    """What must not come out: a plain line has tabs of its own."""
    return RAW - {"\t"} if format is Format.PLAIN else RAW


def everything(make_output, text, **surroundings):
    shown = make_output(**surroundings)
    view = View(
        text or "view",
        (
            Column("id", "ID", lambda row: row),
            Column("words", text or "Words", lambda row: row, lambda row, time_format: row),
            Column("many", "Many", lambda row: (row, row), right=True),
        ),
        lambda row: {"id": row, text: row},
    )
    shown.output.show_list(view, [text, "b"])
    shown.output.show_item(view, text, text=text)
    shown.output.show_value(text)
    shown.output.notice(text, url=text)
    shown.output.warning(text)
    shown.output.plan(WordedPlan(text, ((text, text),), text, (text,)))
    shown.output.error(Rejected(text, hint=text, request_id=text, trace_id=text))
    return shown.out, shown.err


@pytest.mark.parametrize("format", list(Format))
@given(text=ANY_TEXT)
@example(text="[/b][red]5 [mg/dL]")
@example(text="\x1b]52;c;Zm9v\x07\r\n\u202e\ud800")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_raw_comes_out(make_output, format, text):
    out, err = everything(make_output, text, format=format, tty=True, width=40)
    assert forbidden(format).isdisjoint(out.getvalue() + err.getvalue())


@pytest.mark.parametrize("format", [Format.TABLE, Format.PLAIN, Format.JSON])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@given(text=ANY_TEXT)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_stream_takes_it(make_output, format, encoding, text):
    streams = {
        name: TextIOWrapper(BytesIO(), encoding=encoding, newline="\n") for name in ("out", "err")
    }
    out, _ = everything(make_output, text, format=format, **streams)
    assert forbidden(format).isdisjoint(out.buffer.getvalue().decode(encoding))


@given(text=ANY_TEXT)
def test_questions_are_clean_too(text):
    err = StringIO()
    ask = Prompt(StringIO("y\nwords\n1\n"), err, allowed=True)
    ask.confirm(text, flag="--yes")
    ask.ask_text(text, flag="--message")
    ask.choose(text, [(text, text)], flag="SLOT")
    assert RAW.isdisjoint(err.getvalue())


VIEWS = find_views()
LABELS = find_labels()
ZONES = [ZoneInfo("Europe/Oslo"), ZoneInfo("Asia/Kathmandu")]


def draw(view, rows, width, here=ZONES[0], encoding="utf-8", items=2):
    """What a terminal with colours gets of a list, and of its first `items` records alone."""
    stream = TextIOWrapper(BytesIO(), encoding=encoding, newline="\n")
    screen = Terminal(True, True, True, width, color=True)
    output = Output(stream, StringIO(), screen, now=lambda: NOW, machine_zone=here)
    output.show_list(view, rows)
    for row in rows[:items]:
        output.show_item(view, row)
    return PAINT.sub("", stream.buffer.getvalue().decode(encoding))


@pytest.mark.parametrize("width", [1, 40, 80])
@pytest.mark.parametrize("known", VIEWS, ids=lambda known: known.view.name)
def test_no_view_lets_a_control_through_at_any_width(known, width):
    maker = RecordMaker(HostileTexts(width, surrogates=True))
    rows = [maker.make(known.kind) for _ in range(6)]
    for there in (rows, rows[:1], [rows[0]] * 3):  # all differ, all share everything
        for here in ZONES:
            assert find_raw_controls(draw(known.view, there, width, here)) == []


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("known", VIEWS, ids=lambda known: known.view.name)
def test_every_view_can_be_written_in_every_encoding(known, encoding):
    maker = RecordMaker(HostileTexts(3, surrogates=True))
    rows = [maker.make(known.kind) for _ in range(6)]
    for there in (rows, rows[:1]):
        assert find_raw_controls(draw(known.view, there, 80, encoding=encoding)) == []


def test_the_views_that_are_walked_have_every_kind_of_layout():
    columns = [column for known in VIEWS for column in known.view.columns]
    assert {
        "entry": any(known.view.entry for known in VIEWS),
        "section": any(known.view.section for known in VIEWS),
        "blocks": any(known.view.blocks for known in VIEWS),
        "by_day": any(column.by_day for column in columns),
        "moment": any(column.moment for column in columns),
        "shared": any(column.shared for column in columns),
    } == dict.fromkeys(("entry", "section", "blocks", "by_day", "moment", "shared"), True)


def hostile_view(text, **layout):
    """A view whose every part is `text`: what is shared, the day, the section, the zone."""
    return View(
        "view",
        (
            Column("id", "ID", lambda row: row),
            Column(
                "start",
                "When",
                lambda row: row,
                lambda row, time_format: time_format.time(NOW, text),
                moment=lambda row: (NOW, text),
                by_day=lambda row, time_format: (text, text),
            ),
            Column("place", text or "Place", lambda row: text, shared=True),
        ),
        lambda row: {"id": row},
        **layout,
    )


@given(text=ANY_TEXT, width=st.sampled_from([1, 30, 59, 60, 200]))
@example(text="a\r\nID  forged\x1b[2J", width=60)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_part_of_a_layout_lets_a_control_through(text, width):
    entry = Entry(text, text, (((text, "red"), (text, "")), ((text, "bold red"),)))
    for layout in (
        {},
        {"blocks": True},
        {"section": lambda row: text + row},
        {"entry": lambda row, time_format: entry},
    ):
        for here in ZONES:
            drawn = draw(hostile_view(text, **layout), ["a", "b"], width, here)
            assert RAW.isdisjoint(drawn)


@given(texts=st.lists(ANY_TEXT.filter(str.strip), min_size=1, max_size=4))
@example(texts=["Real\nForged  rx-9", "Real\r\n\r\nForged"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_in_an_entry_passes_for_another_entry(texts):
    view = hostile_view("x", entry=lambda row, time_format: Entry(f"> {row}", row, (((row, ""),),)))
    lines = draw(view, texts, 5000, items=0).removesuffix("\n").split("\n")
    assert [line[:2] for line in lines if line[:2] != "  "] == ["> "] * len(texts)


@pytest.mark.parametrize("known", LABELS, ids=lambda known: known.function.__name__)
def test_a_record_in_words_is_one_harmless_choice(known):
    maker = RecordMaker(HostileTexts(5, surrogates=True))
    for _ in range(40):
        said = known.function(*map(maker.make, known.arguments))
        texts = [said or ""] if isinstance(said, str | None) else [*said]
        choices = [(f"id{place}", text) for place, text in enumerate([*texts[:3], "one", "other"])]
        err = StringIO()
        ask = Prompt(StringIO("1\n"), err, allowed=True)
        assert ask.choose("Which?", choices, flag="ID") == "id0"
        assert find_raw_controls(err.getvalue()) == []
        assert err.getvalue().count("\n") == len(choices) + 1
