import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.render.sanitise import (
    escape_hidden,
    is_harmless,
    json_escape_hidden,
    safe_line,
    safe_text,
)

ANY_TEXT = st.text(st.characters())  # lone surrogates too
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def looks_raw(character):
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in BIDI
        or character in "\u200b\u200c\u200e\u200f\u061c\ufeff\u2060\xad"
        or 0xE0000 <= ord(character) <= 0xE0FFF
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31mrød\x1b[0m", "\\x1b[31mrød\\x1b[0m"),
        (
            "\x1b]8;;https://x.test\x07her\x1b]8;;\x07",
            "\\x1b]8;;https://x.test\\x07her\\x1b]8;;\\x07",
        ),
        ("\x9b2J", "\\u009b2J"),
        ("\x7f", "\\x7f"),
        ("abc\rxyz", "abc\\x0dxyz"),
        ("kveld\u202enegrom", "kveld\\u202enegrom"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud83d", "\\ud83d"),
        ("\u3164", "\\u3164"),
        ("one\ttwo\nthree\r\nfour", "one two three four"),
    ],
)
def test_what_could_harm_a_terminal_is_shown_as_an_escape(text, line):
    assert safe_line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        "Ærlig talt, Øystein Ålesund",
        "cafe\u0301 z\u0335",
        "Đặng Thị Hà · 12\u00a0000 kr – “ja”",
        "מרפאה عيادة 診療所",
        "👩\u200d👧 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 👋🏽 🇳🇴",
        "[mg/dL] [/b] \\x1b",
        "",
    ],
)
def test_letters_accents_emoji_and_brackets_stay_as_they_are(text):
    assert (safe_line(text), safe_text(text), escape_hidden(text)) == (text, text, text)


def test_a_joiner_between_letters_hides_nothing_from_the_reader():
    assert safe_line("pay\u200dpal") == "pay\\u200dpal"


def test_text_keeps_its_lines_and_its_columns():
    assert safe_text("a\tb\r\n\x1bc\n\nd\re") == "a       b\n\\x1bc\n\nd\\x0de"


@given(ANY_TEXT)
def test_no_line_has_anything_raw_left(text):
    assert not any(map(looks_raw, safe_line(text)))


@given(ANY_TEXT)
def test_text_has_nothing_raw_left_but_its_line_breaks(text):
    assert not any(map(looks_raw, safe_text(text).replace("\n", "")))


@given(ANY_TEXT)
def test_every_sanitised_text_can_be_written_as_utf8(text):
    assert safe_text(text).encode().decode() == safe_text(text)


@given(ANY_TEXT)
def test_what_is_harmless_is_left_alone_and_sanitising_twice_changes_nothing(text):
    once = safe_line(text)
    assert safe_line(once) == once
    assert escape_hidden(text) == text or not is_harmless(text)


@given(ANY_TEXT)
def test_json_escapes_keep_the_value(text):
    document = json_escape_hidden(json.dumps(text, ensure_ascii=False))
    assert json.loads(document) == json.loads(json.dumps(text))
    assert not any(map(looks_raw, document))
