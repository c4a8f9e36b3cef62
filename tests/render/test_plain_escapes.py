"""What `gpcli help columns` says of escapes is all that plain lines escape: its recipe undoes it.

The recipe is taken from the topic itself.
"""

import os
import re
import subprocess
import textwrap
from io import BytesIO, TextIOWrapper

import pytest

from gpcli.cli.help_commands import read_topic
from gpcli.render.output import Format, PlainFormat, format_plain_cell
from gpcli.render.terminal import LineWriter
from tests.hostile_records import RecordMaker, find_views
from tests.hostile_text import HostileTexts

TOPIC = read_topic("columns")
RECIPE = {}
[SOURCE] = re.findall(r"\n\n(    import re\n.*?\n)\n\S", TOPIC, re.DOTALL)
exec(textwrap.dedent(SOURCE), RECIPE)  # noqa: S102  (what the topic tells people to run)

HOSTILE = [
    "a\tb", "a\nb", "a\rb", "a\r\nb", "\\", "\\\\", "\\t", "\\n", "\\x1b", "\\u202e",
    "\\,", "a,b", ",", "\\,\\", "\x00", "\x1b[2J", "\x7f", "\x85", "\x9b31m", "\xad", "\u202e",
    "\u2066x\u2069", "\u200b", "\u2028", "\ufeff", "\U000e0041",
    "Øvrebø – «ja» 診療所 👩\u200d👧",
]  # fmt: skip
VIEWS = find_views()


class HardTexts(HostileTexts):
    """Also the texts above, in their turn."""

    def make(self):
        self.count += 1
        return HOSTILE[self.count % len(HOSTILE)] if self.count % 2 else super().make()


def read_back(value, cell):
    """What the recipe makes of a cell, in the shape of the value that it was written from."""
    if isinstance(value, tuple):
        return tuple(RECIPE["split"](cell))
    return RECIPE["unescape"](cell)


def build_due(value):
    """What has to come back: empty items of several values are not told."""
    if isinstance(value, tuple):
        return tuple(filter(None, value))
    return value if isinstance(value, str) else format_plain_cell(value)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@pytest.mark.parametrize("known", VIEWS, ids=lambda known: known.view.name)
def test_every_column_of_every_view_comes_back_by_the_recipe(known, encoding):
    maker = RecordMaker(HardTexts(1))
    rows = [maker.make(known.kind) for _ in range(30)]
    values = [[column.plain(row) for column in known.view.columns] for row in rows]
    stream = TextIOWrapper(BytesIO(), encoding=encoding, newline="")

    PlainFormat(LineWriter(stream), None).write_rows(known.view, rows)

    lines = stream.buffer.getvalue().decode(encoding).split("\n")[:-1]
    cells = [line.split("\t") for line in lines]
    for row, written in zip(values, cells, strict=True):
        for value, cell in zip(row, written, strict=True):
            assert read_back(value, cell) == build_due(value)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_value_comes_back_alone_and_among_several(text):
    assert read_back(text, format_plain_cell(text)) == text
    several = (text, "b,c", text)
    assert read_back(several, format_plain_cell(several)) == several


@pytest.mark.parametrize("text", HOSTILE)
def test_only_the_escapes_of_the_topic_are_made(text):
    told = re.compile(r"\\([tnr\\]|x[0-7][0-9a-f]|u[0-9a-f]{4}|U[0-9a-f]{8})")
    rest = told.sub("", format_plain_cell(text))
    assert "\\" not in rest
    assert set(rest) <= set(text)


def test_a_comma_is_escaped_only_among_several_values():
    assert format_plain_cell("a, b") == "a, b"
    assert format_plain_cell(("a, b", "c")) == "a\\, b,c"


def test_a_stream_that_lacks_letters_has_escapes_for_them(make_output, slots_view, a_slot):
    stream = TextIOWrapper(BytesIO(), encoding="ascii", newline="\n")
    shown = make_output(format=Format.PLAIN, out=stream, fields=("location",))
    shown.output.show_item(slots_view, a_slot(location="Ås – «nr. 1» 診"))
    assert stream.buffer.getvalue() == b"\\u00c5s \\u2013 \\u00abnr. 1\\u00bb \\u8a3a\n"


@pytest.mark.real
@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("text", [text for text in HOSTILE if "\0" not in text])
def test_printf_takes_back_every_escape_of_a_single_value(shell, text):
    script = 'printf %b "$1"'
    ended = subprocess.run(
        [shell, "-c", script, shell, format_plain_cell(text)],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
    )
    assert ended.stdout.decode() == text
