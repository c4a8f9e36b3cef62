import json
from io import StringIO
from threading import Event

import pytest

from gpcli.render.output import Format
from gpcli.render.stderr import Progress, ProgressAnnouncer, Spinner
from gpcli.render.terminal import LineWriter


class Signalling(StringIO):
    """A stream that tells when something has been written to it, so that tests need not wait."""

    def __init__(self):
        super().__init__()
        self.touched = Event()

    def write(self, text):
        written = super().write(text)
        self.touched.set()
        return written


def on_screen(written):
    """The last line of a terminal to which `written` was written."""
    line = ""
    for part in written.rsplit("\n", 1)[-1].split("\r"):
        line = part + line[len(part) :]
    return line.rstrip()


@pytest.mark.parametrize("format", [Format.AUTO, Format.JSON])
def test_quiet_leaves_out_progress(make_output, format):
    shown = make_output(tty=True, patience=0, quiet=True, format=format, err=Signalling())

    with shown.output.progress("Looking for times"):
        assert not shown.err.touched.wait(0.05)


def test_what_takes_long_shows_a_mark_and_leaves_no_trace(make_output):
    shown = make_output(tty=True, patience=0, err=Signalling())
    with shown.output.progress("Looking for times"):
        assert shown.err.touched.wait(10)
        during = on_screen(shown.stderr_text)
    assert during[2:] == "Looking for times"
    assert on_screen(shown.stderr_text) == ""


@pytest.mark.parametrize("format", [Format.AUTO, Format.JSON])
def test_what_is_quick_shows_nothing(make_output, format):
    shown = make_output(tty=True, format=format)
    with shown.output.progress("Looking"):
        pass
    assert (shown.stdout_text, shown.stderr_text) == ("", "")


def test_off_a_terminal_it_is_silent(make_output):
    shown = make_output(patience=0)
    with shown.output.progress("Looking"), shown.output.progress("Reading"):
        shown.output.notice("Nothing found.")
    assert shown.stderr_text == "Nothing found.\n"


def test_with_json_it_is_said_once_and_stays(make_output):
    shown = make_output(format=Format.JSON, patience=0, err=Signalling())
    with shown.output.progress("Looking"):
        assert shown.err.touched.wait(10)
    assert [json.loads(line) for line in shown.stderr_text.splitlines()] == [
        {"progress": {"message": "Looking"}}
    ]


def test_what_is_said_meanwhile_gets_a_line_of_its_own(make_output):
    shown = make_output(tty=True, patience=0, err=Signalling())
    with shown.output.progress("Looking"):
        assert shown.err.touched.wait(10)
        shown.output.warning("Slow.")
    before, after = shown.stderr_text.split("warning: Slow.\n")
    assert on_screen(before) == on_screen(after) == ""


def test_an_error_inside_takes_the_mark_away_and_goes_on(make_output):
    shown = make_output(tty=True, patience=0, err=Signalling())

    def fail_slowly():
        with shown.output.progress("Looking"):
            assert shown.err.touched.wait(10)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail_slowly()
    assert on_screen(shown.stderr_text) == ""


class Recorder:
    """A sign that keeps what it was asked to draw."""

    def __init__(self):
        self.drawn = []
        self.seen = Event()

    def draw(self, text):
        self.drawn.append(text)
        self.seen.set()

    def erase(self):
        self.drawn.append("")

    def wait_for_next(self):
        self.seen.clear()
        assert self.seen.wait(10)
        return self.drawn[-1]


def test_an_inner_text_replaces_the_outer_while_it_lasts():
    recorder = Recorder()
    progress = Progress(recorder, patience=0)
    with progress.show("outer"):
        recorder.wait_for_next()
        with progress.show("inner"):
            recorder.wait_for_next()
            inner = recorder.wait_for_next()
        recorder.wait_for_next()
        outer = recorder.wait_for_next()
    assert (inner, outer, recorder.drawn[-1]) == ("inner", "outer", "")


def test_the_mark_turns_and_covers_what_was_there():
    stream = StringIO()
    spinner = Spinner(LineWriter(stream), 80)
    spinner.draw("Looking")
    spinner.draw("On")
    assert stream.getvalue() == "\r⠋ Looking\r         \r\r⠙ On"
    spinner.erase()
    spinner.erase()
    assert on_screen(stream.getvalue()) == ""


def test_a_long_or_hostile_text_stays_on_its_line():
    stream = StringIO()
    Spinner(LineWriter(stream), 12).draw("Ringer\n\x1b[31m診療所診療所")
    assert stream.getvalue() == "\r⠋ Ringer \\x"


def test_a_text_is_announced_once_until_it_changes():
    said = []
    announcement = ProgressAnnouncer(said.append)
    for text in ("a", "a", "b", "b", "a"):
        announcement.draw(text)
    announcement.erase()
    assert said == ["a", "b", "a"]


def test_in_words_it_is_one_line_and_again_only_after_an_answer(make_output):
    shown = make_output(tty=True, format=Format.ACCESSIBLE, patience=0, err=Signalling())
    for _ in range(2):
        with shown.output.progress("Waiting for the portal"):
            assert shown.err.touched.wait(10)
    assert shown.stderr_text == "Waiting for the portal.\n"
    shown.err.touched.clear()
    shown.output.renew_progress()
    with shown.output.progress("Waiting for the portal"):
        assert shown.err.touched.wait(10)
    assert shown.stderr_text == "Waiting for the portal.\n" * 2
