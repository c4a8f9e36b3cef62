import os
import pty
import termios
from io import BytesIO, StringIO, TextIOWrapper

import pytest

from gpcli.render.terminal import Terminal, detect_terminal, is_utf8


class Tty(StringIO):
    def isatty(self):
        return True


def detect(env=None, stdin=None, stdout=None, stderr=None):
    return detect_terminal(stdin or Tty(), stdout or Tty(), stderr or Tty(), env or {})


def test_three_terminals_and_nothing_said():
    assert detect() == Terminal(
        stdin_tty=True,
        stdout_tty=True,
        stderr_tty=True,
        width=80,
        color=True,
        force_color=False,
    )


def test_pipes_are_no_terminals_and_have_no_colour():
    assert detect(stdin=StringIO(), stdout=StringIO(), stderr=StringIO()) == Terminal(
        stdin_tty=False, stdout_tty=False, stderr_tty=False, width=80, color=False
    )


@pytest.mark.parametrize(
    ("env", "stdout", "stderr"),
    [
        ({}, False, True),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "0"}, False, True),
        ({"CLICOLOR_FORCE": ""}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colour_follows_the_environment(env, stdout, stderr):
    terminal = detect(env, stdout=StringIO())
    assert (terminal.has_stdout_color, terminal.has_stderr_color) == (stdout, stderr)


@pytest.mark.parametrize(
    ("columns", "width"),
    [("120", 120), ("", 80), ("0", 80), ("-5", 80), ("wide", 80), ("8²", 80), ("9" * 5000, 999999)],
)
def test_columns_is_believed_if_it_is_a_width(columns, width):
    assert detect({"COLUMNS": columns}).width == width


@pytest.mark.parametrize(
    ("lines", "height"), [("50", 50), ("", 24), ("0", 24), ("-5", 24), ("tall", 24), ("8²", 24)]
)
def test_lines_is_believed_if_it_is_a_height(lines, height):
    assert detect({"LINES": lines}).height == height


def test_the_size_is_that_of_the_terminal():
    person, program = pty.openpty()
    termios.tcsetwinsize(program, (43, 132))
    with TextIOWrapper(os.fdopen(program, "wb", buffering=0)) as stream:
        found = detect(stdout=stream), detect(stdout=StringIO(), stderr=stream)
    assert [(each.width, each.height) for each in found] == [(132, 43)] * 2
    os.close(person)


def test_a_terminal_without_a_size_is_as_large_as_usual():
    person, program = pty.openpty()
    termios.tcsetwinsize(program, (0, 0))
    with TextIOWrapper(os.fdopen(program, "wb", buffering=0)) as stream:
        terminal = detect(stdout=stream)
    assert (terminal.width, terminal.height) == (80, 24)
    os.close(person)


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("UTF8", True), ("ascii", False), ("cp1252", False)]
)
def test_the_encoding_tells_which_letters_there_are(encoding, unicode):
    assert is_utf8(TextIOWrapper(BytesIO(), encoding=encoding)) is unicode


def test_an_encoding_that_nobody_knows_is_not_trusted_with_letters():
    class Odd(StringIO):
        encoding = "klingon"

    assert is_utf8(Odd()) is False


def test_missing_and_closed_streams_are_no_terminals():
    closed = StringIO()
    closed.close()
    terminal = detect_terminal(None, closed, None, {})
    assert (terminal.stdin_tty, terminal.stdout_tty, terminal.stderr_tty, terminal.width) == (
        False,
        False,
        False,
        80,
    )
