"""Whatever the portal writes, through everything that a person sees: nothing raw, no crash."""

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gpcli.errors import Rejected
from gpcli.render.output import Format
from gpcli.render.prompt import Prompt
from gpcli.render.stderr import WordedPlan
from gpcli.render.view import Column, View

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
