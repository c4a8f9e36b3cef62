"""Bodies of the portal's answers: as they came for a program, harmless for a terminal."""

from __future__ import annotations

import io
import json

import pytest

from gpcli.render.output import Format, Output
from gpcli.render.terminal import Terminal
from tests.hostile_text import HostileTexts, find_raw_controls
from tests.render.conftest import CapturedOutput

ODD = '{ "n" : 1.50,\r\n "t":"Å" }\n'
HOSTILE = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\x9b31m\u202etxet\u2066\U000e0041\x7f"


def written(body: bytes, *, is_json: bool, format: Format = Format.AUTO) -> bytes:
    """What goes into a pipe."""
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii", newline="\r\n")
    piped = Terminal(stdin_tty=False, stdout_tty=False, stderr_tty=False)
    Output(stdout, io.StringIO(), piped, format=format).show_body(body, is_json=is_json)
    return raw.getvalue()


@pytest.mark.parametrize("body", [ODD.encode(), b"", b"\x00\xff%PDF\r\n", HOSTILE.encode()])
@pytest.mark.parametrize("format", [Format.AUTO, Format.JSON])
@pytest.mark.parametrize("is_json", [True, False])
def test_into_a_pipe_goes_what_came_whatever_the_encoding(body, format, is_json):
    assert written(body, is_json=is_json, format=format) == body


def test_with_ndjson_it_is_one_line():
    assert (
        written(ODD.encode(), is_json=True, format=Format.NDJSON) == '{"n":1.50,"t":"Å"}\n'.encode()
    )


def test_what_is_no_json_stays_so_with_ndjson():
    assert written(b"<a>\n</a>", is_json=False, format=Format.NDJSON) == b"<a>\n</a>"


def test_on_a_terminal_json_is_laid_out():
    screen = CapturedOutput(tty=True)
    screen.output.show_body(ODD.encode(), is_json=True)
    assert screen.stdout_text == '{\n  "n": 1.50,\n  "t": "Å"\n}\n'


def test_other_text_gets_its_line_end_on_a_terminal():
    screen = CapturedOutput(tty=True)
    screen.output.show_body(b"<a>\n\t</a>", is_json=False)
    assert screen.stdout_text == "<a>\n        </a>\n"


@pytest.mark.parametrize("format", [Format.AUTO, Format.JSON, Format.NDJSON])
def test_json_keeps_its_value_on_a_terminal_and_cannot_control_it(format):
    texts = HostileTexts(seed=7)
    value = [{texts.make(): [texts.make()]} for _ in range(500)]
    screen = CapturedOutput(format, tty=True)
    screen.output.show_body(json.dumps(value, ensure_ascii=False).encode(), is_json=True)
    assert find_raw_controls(screen.stdout_text) == []
    assert json.loads(screen.stdout_text) == value


def test_other_text_cannot_control_a_terminal():
    texts = HostileTexts(seed=7)
    body = "".join(texts.make() for _ in range(500)).replace("\0", "")
    screen = CapturedOutput(tty=True)
    screen.output.show_body(body.encode(), is_json=False)
    assert find_raw_controls(screen.stdout_text) == []
    assert len(screen.stdout_text) > len(body) // 2


@pytest.mark.parametrize("body", [b"\x89PNG\xff", b"a\x00b"])
def test_what_is_no_text_is_not_for_a_terminal(body):
    screen = CapturedOutput(tty=True)
    screen.output.show_body(body, is_json=False)
    assert screen.stdout_text == ""
    assert "write them to a file with > FILE" in screen.stderr_text


@pytest.mark.parametrize("tty", [True, False])
def test_a_header_is_one_harmless_line(tty):
    captured = CapturedOutput(tty=tty)
    captured.output.show_head(200, "OK", [("ETag", 'W/"1"'), ("X-Evil", "a\x1b[2J\r\nX-B: c")])
    assert captured.stdout_text == ('HTTP/1.1 200 OK\nETag: W/"1"\nX-Evil: a\\x1b[2J X-B: c\n\n')


def test_a_status_without_a_phrase_stands_alone():
    captured = CapturedOutput()
    captured.output.show_head(599, "", [])
    assert captured.stdout_text == "HTTP/1.1 599\n\n"
