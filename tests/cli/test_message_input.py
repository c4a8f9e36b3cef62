"""Where the words of a message come from, and what no message can hold."""

import shlex
import signal
import stat
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

from gpcli.app_context import AppContext
from gpcli.care.written_text import MAX_BYTES, MAX_SUBJECT, parse_message_text, parse_subject
from gpcli.cli.message_input import (
    MessageSource,
    build_source,
    read_draft,
    read_new_thread,
)
from gpcli.config.settings import Options
from gpcli.errors import Declined, InputNeeded, InvalidUsage, NotFound, NotOffered
from gpcli.model.thread import AttachedFile, Draft
from gpcli.render.terminal import Terminal

PIPED = Terminal(stdin_tty=False, stdout_tty=False, stderr_tty=False)
SCREEN = Terminal(stdin_tty=True, stdout_tty=True, stderr_tty=True)
BEFORE_A_PIPE = Terminal(stdin_tty=False, stdout_tty=True, stderr_tty=True)
PORTAL = {"GPCLI_PORTAL": "http://127.0.0.1:9/fhir/R4", "GPCLI_ENVIRONMENT": "sandbox"}

EDITOR = """
import pathlib, sys
page, roof = pathlib.Path(sys.argv[1]), pathlib.Path({roof!r})
modes = [format(each.stat().st_mode, "o") for each in (page, page.parent)]
(roof / "where").write_text(" ".join([str(page), *modes]))
(roof / "seen").write_bytes(page.read_bytes())
page.write_bytes({words!r} + page.read_bytes())
sys.exit({status})
"""
"""Notes what it was given to edit, and writes above it."""


@pytest.fixture
def context(tmp_path):
    def make(typed="", terminal=PIPED, device=None, **env):
        stdin = TextIOWrapper(BytesIO(typed)) if isinstance(typed, bytes) else StringIO(typed)
        known = PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)} | env
        return AppContext(
            Options(),
            known,
            stdin,
            StringIO(),
            StringIO(),
            terminal=terminal,
            terminal_device=lambda: StringIO(device),
        )

    return make


@pytest.fixture
def editor(tmp_path):
    """A command that edits: `editor(b"words")` puts the words above what is there."""

    def make(words, status=0):
        script = tmp_path / "editor.py"
        script.write_text(EDITOR.format(roof=str(tmp_path), words=words, status=status), "utf-8")
        return shlex.join([sys.executable, str(script)])

    return make


def no_limit():
    """Nothing stands in the way."""


def test_words_on_the_line_are_the_message(context):
    written = read_new_thread(context(), "Rash", MessageSource("It itches.\n", None, ()), no_limit)
    assert (written.subject, written.draft) == ("Rash", Draft("It itches."))


def test_a_file_has_the_words(context, tmp_path):
    file = tmp_path / "rash.txt"
    file.write_bytes(b"\xef\xbb\xbfFirst.\r\n\r\nSecond \xc3\xa6.\r\n")
    written = read_draft(context(), MessageSource(None, str(file), ()), tuple)
    assert written == Draft("First.\n\nSecond æ.")


@pytest.mark.parametrize("typed", ["Hei.\n", b"Hei.\n"])
def test_standard_input_has_the_words(context, typed):
    ours = context(typed)
    assert read_draft(ours, build_source(ours, None, "-", None), tuple) == Draft("Hei.")
    assert ours.stderr.getvalue() == ""


def test_files_go_along(context, tmp_path):
    photo = tmp_path / "rash.png"
    photo.write_bytes(b"png")
    written = read_draft(context(), MessageSource("See.", None, [str(photo)]), tuple)
    assert written.attachments == (AttachedFile("rash.png", "image/png", b"png"),)


def test_words_given_twice_are_refused():
    with pytest.raises(InvalidUsage, match="can't be used together"):
        MessageSource("a", "b", ())


@pytest.mark.parametrize("source", [MessageSource(None, None, ()), MessageSource(None, None, [])])
def test_without_words_and_without_a_person_the_flags_are_named(context, source):
    for compose in (
        lambda: read_draft(context(), source, tuple),
        lambda: read_new_thread(context(), "Rash", source, no_limit),
    ):
        with pytest.raises(InputNeeded) as refused:
            compose()
        assert refused.value.hint == (
            "Give --message-file FILE (- is standard input), or --message TEXT."
        )


def test_without_a_subject_and_without_a_person_the_flag_is_named(context):
    with pytest.raises(InputNeeded, match="--subject is needed"):
        read_new_thread(context(), None, MessageSource("Hei", None, ()), no_limit)


@pytest.mark.parametrize("words", ["", " \n\t\r\n ", "\ufeff "[1:]])
def test_an_empty_message_is_refused(context, words):
    with pytest.raises(InvalidUsage, match="--message is empty"):
        read_draft(context(), MessageSource(words, None, ()), tuple)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff\xfeH\x00", "is not text in UTF-8"),
        (b"caf\xe9", "is not text in UTF-8"),
        (b"one\ntwo\x00", "has a character that no message can hold, in line 2"),
        (b"\x1b[31mred", "has a character that no message can hold, in line 1"),
        (b"x" * (MAX_BYTES + 1), f"is too long: {MAX_BYTES} bytes at most"),
    ],
)
def test_what_no_message_can_hold_is_refused_from_a_file_and_from_standard_input(
    context, tmp_path, content, message
):
    file = tmp_path / "m.txt"
    file.write_bytes(content)
    piped = context(content)
    with pytest.raises(InvalidUsage, match=message):
        read_draft(context(), MessageSource(None, str(file), ()), tuple)
    with pytest.raises(InvalidUsage, match=message):
        read_draft(piped, build_source(piped, None, "-", None), tuple)


def test_a_megabyte_is_refused_without_being_read_whole(context):
    stream = BytesIO(b"x" * 1_000_000)
    ours = context()
    ours.stdin = TextIOWrapper(stream)
    with pytest.raises(InvalidUsage, match="too long"):
        read_draft(ours, build_source(ours, None, "-", None), tuple)
    assert stream.tell() == MAX_BYTES + 1


def test_letters_of_all_scripts_tabs_and_hard_spaces_stay():
    words = "prøve\tæ 診 e\u0301 \N{NO-BREAK SPACE}5\u202fmg \N{GRINNING FACE}"
    assert parse_message_text(words, "It") == words


def test_what_is_no_unicode_is_refused():
    with pytest.raises(InvalidUsage, match="no message can hold"):
        parse_message_text("a\udc80b", "It")


@pytest.mark.parametrize("name", ["missing.txt", "no/such/place"])
def test_a_file_that_is_not_there_is_not_found(context, tmp_path, name):
    with pytest.raises(NotFound, match="There is no file"):
        read_draft(context(), MessageSource(None, str(tmp_path / name), ()), tuple)


@pytest.mark.parametrize("name", ["", " ", ".", "a\0b"])
def test_what_is_no_file_is_refused(context, name):
    with pytest.raises(InvalidUsage):
        read_draft(context(), MessageSource(None, name, ()), tuple)


@pytest.mark.parametrize("subject", ["", "  ", "two\nlines", "\x1b[31m", "x" * 201, "a\u202eb"])
def test_a_subject_is_one_line_of_text(subject):
    with pytest.raises(InvalidUsage, match="--subject"):
        parse_subject(subject)


@pytest.mark.parametrize("subject", ["Rash", " Utslett på armen ", "x" * MAX_SUBJECT])
def test_a_subject_is_kept_without_the_space_around_it(subject):
    assert parse_subject(subject) == subject.strip()


def test_at_a_terminal_the_subject_is_asked_for_and_the_editor_opened(context, editor, tmp_path):
    ours = context("Rash\n", SCREEN, VISUAL=editor(b"It itches.\n\n# 1 is the worst\n"))
    written = read_new_thread(ours, None, MessageSource(None, None, ()), no_limit)
    assert (written.subject, written.draft.text) == ("Rash", "It itches.\n\n# 1 is the worst")
    assert (tmp_path / "seen").read_text("utf-8") == (
        "\n"
        "# Subject: Rash\n"
        "# Write your message above, then save and leave the editor.\n"
        "# These lines are left out. An empty message is not sent.\n"
    )


QUOTE = ("# Dr. Berg, Mon:", "> Hei\x1b[2J Ada", ">", "> # Subject")
BELOW = (
    "# ------------------------ >8 ------------------------\n"
    "# Dr. Berg, Mon:\n> Hei\\x1b[2J Ada\n>\n> # Subject\n"
)


EDITING = """import pathlib, sys
file = pathlib.Path(sys.argv[1])
page = 'Takk.\\n' + file.read_text('utf-8')
scissors = '# ------------------------ >8 ------------------------'
file.write_bytes(({change}).encode())
"""


def reply_with(context, command):
    source = MessageSource(None, None, ())
    ours = context("", SCREEN, VISUAL=command)
    return read_draft(ours, source, lambda: ("To: Dr. Berg",), lambda: QUOTE).text


def test_what_is_answered_is_quoted_below_the_scissors_and_not_sent(context, editor, tmp_path):
    assert reply_with(context, editor(b"Takk.\n> Hei\n\n# 1\n")) == "Takk.\n> Hei\n\n# 1"
    assert (tmp_path / "seen").read_text("utf-8").endswith("is not sent.\n" + BELOW)


def test_nothing_above_the_scissors_is_an_empty_message(context, editor):
    with pytest.raises(Declined) as declined:
        reply_with(context, editor(b""))
    assert declined.value.message == "The message is empty. Nothing was sent."


@pytest.mark.parametrize(
    "change",
    [
        "page.replace('\\n', '\\r\\n')",
        "page.replace('# ---', '  # ---')",
        "page.replace(scissors, '')",
        "page.replace(scissors, scissors + 'x')",
        "page.replace(scissors, '#' + scissors)",
        "page.replace(scissors, scissors + '\\n' + scissors)",
        "page.partition(scissors)[0]",
        "'Takk.'",
        "page.replace('> Hei', '> Hei, I answer below')",
    ],
)
def test_whatever_an_editor_does_to_the_quote_it_is_not_sent(context, tmp_path, change):
    script = tmp_path / "script.py"
    script.write_text(EDITING.format(change=change), "utf-8")
    assert reply_with(context, shlex.join([sys.executable, str(script)])) == "Takk."


@pytest.mark.parametrize(
    "change",
    [
        "page + 'Below.\\n'",
        "page.replace('> Hei', '> Hei\\nNo, it got worse.')",
        "page.replace(scissors, '').replace('> Hei', '> He\\ni')",
        "page.replace(scissors, '').replace('# Dr. Berg', '# Dr. B.')",
    ],
)
def test_where_a_reply_may_be_below_the_scissors_all_is_kept_and_nothing_sent(
    context, tmp_path, change
):
    script = tmp_path / "script.py"
    script.write_text(EDITING.format(change=change), "utf-8")
    with pytest.raises(Declined, match="It can't be told what of the text is yours"):
        reply_with(context, shlex.join([sys.executable, str(script)]))


def test_who_writes_is_told_how_much_the_surgery_takes(context, editor, tmp_path):
    ours = context("", SCREEN, VISUAL=editor(b"Hei"))
    read_new_thread(ours, "Rash", MessageSource(None, None, ()), lambda: 2000)
    assert "# The surgery takes 2000 characters at most.\n" in (tmp_path / "seen").read_text(
        "utf-8"
    )
    without = context("Hei.\n", SCREEN)
    read_new_thread(without, "Rash", MessageSource(None, None, ()), lambda: 1)
    assert "\nThe surgery takes 1 character at most.\n" in without.stderr.getvalue()


def test_the_page_to_write_on_is_private_and_gone_afterwards(context, editor, tmp_path):
    ours = context("", SCREEN, EDITOR=editor(b"Hei"), XDG_RUNTIME_DIR=str(tmp_path))
    read_draft(ours, MessageSource(None, None, ()), lambda: ("To: Dr. Berg",))
    page, mode, place_mode = (tmp_path / "where").read_text().split()
    assert (stat.S_IMODE(int(mode, 8)), stat.S_IMODE(int(place_mode, 8))) == (0o600, 0o700)
    assert Path(page).parents[1] == tmp_path
    assert not Path(page).parent.exists()


def test_visual_comes_before_editor(context, editor):
    ours = context("", SCREEN, VISUAL=editor(b"Hei"), EDITOR="false")
    assert read_draft(ours, MessageSource(None, None, ()), tuple) == Draft("Hei")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (b"", 0, "The message is empty. Nothing was sent."),
        (b" \n", 0, "The message is empty. Nothing was sent."),
        (b"Hei", 3, "The editor ended with status 3. Nothing was sent."),
    ],
)
def test_an_editor_left_empty_handed_or_in_trouble_sends_nothing(
    context, editor, words, status, message
):
    ours = context("", SCREEN, VISUAL=editor(words, status))
    with pytest.raises(Declined) as declined:
        read_draft(ours, MessageSource(None, None, ()), tuple)
    assert declined.value.message == message


@pytest.mark.parametrize(
    ("words", "status", "left"),
    [(b"Hei", 3, b"Hei"), (b"\xff", 0, b"\xff"), (b"a\x00b\n", 0, b"a\x00b"), (b"", 0, b"")],
)
def test_what_an_editor_left_stays_on_the_page_whatever_is_wrong_with_it(
    context, editor, words, status, left
):
    source = MessageSource(None, None, ())
    with pytest.raises((InvalidUsage, Declined)):
        read_draft(context("", SCREEN, VISUAL=editor(words, status)), source, tuple)
    assert source.draft.content.strip() == left


def test_what_a_person_types_is_told_apart_from_what_a_program_writes(context, tmp_path):
    file = tmp_path / "m.txt"
    file.write_text("Hei.")
    for typed, terminal, source, left in (
        ("Hei.\n", SCREEN, MessageSource(None, None, ()), b"Hei.\n"),
        ("Hei.\n", SCREEN, MessageSource(None, "-", ()), b"Hei.\n"),
        ("Hei.\n", PIPED, MessageSource(None, "-", ()), b"Hei.\n"),
        ("", SCREEN, MessageSource(None, str(file), ()), b""),
        ("", SCREEN, MessageSource("Hei.", None, ()), b""),
    ):
        assert read_draft(context(typed, terminal), source, tuple) == Draft("Hei.")
        is_piped = terminal is PIPED
        assert (source.draft.content, source.draft.is_piped) == (left, is_piped)


def test_ctrl_c_in_the_editor_is_the_editors(context, editor, tmp_path):
    interrupting = tmp_path / "interrupting.py"
    interrupting.write_text(
        "import os, runpy, signal, sys\n"
        "os.kill(os.getppid(), signal.SIGINT)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = editor(b"Hei").replace(sys.executable, f"{sys.executable} {interrupting}")
    before = signal.getsignal(signal.SIGINT)
    assert read_draft(
        context("", SCREEN, VISUAL=command), MessageSource(None, None, ()), tuple
    ) == Draft("Hei")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("command", ["no-such-editor-anywhere", "'unclosed"])
def test_an_editor_that_can_not_be_run_is_named(context, command):
    with pytest.raises(InvalidUsage, match="can't be run"):
        read_draft(context("", SCREEN, VISUAL=command), MessageSource(None, None, ()), tuple)


def test_what_an_editor_leaves_is_checked_like_any_other(context, editor):
    with pytest.raises(InvalidUsage, match="not text in UTF-8"):
        read_draft(
            context("", SCREEN, VISUAL=editor(b"\xff")), MessageSource(None, None, ()), tuple
        )


def test_hostile_words_of_the_portal_are_harmless_in_the_editor(context, editor, tmp_path):
    ours = context("", SCREEN, VISUAL=editor(b"Hei"))
    read_draft(ours, MessageSource(None, None, ()), lambda: ("Subject: a\x1b]52;c;x\x07\nb",))
    assert "# Subject: a\\x1b]52;c;x\\x07 b\n" in (tmp_path / "seen").read_text("utf-8")


def test_without_an_editor_the_person_writes_at_the_terminal(context):
    ours = context("Hei.\nHa det.\n", SCREEN)
    assert read_draft(ours, MessageSource(None, None, ()), tuple) == Draft("Hei.\nHa det.")
    assert ours.stderr.getvalue() == (
        "Neither VISUAL nor EDITOR names an editor: write here.\n"
        "Write your message, and end with Ctrl-D on a line of its own.\n"
    )


def test_nobody_is_made_to_write_what_can_not_be_sent(context, tmp_path):
    def gate():
        raise NotOffered("No.")

    untouched = context("Rash\n", SCREEN, VISUAL=str(tmp_path / "never-run"))
    for subject, source in (
        (None, MessageSource("Hei", None, ())),
        ("Rash", MessageSource(None, None, ())),
    ):
        with pytest.raises(NotOffered):
            read_new_thread(untouched, subject, source, gate)
    assert untouched.stderr.getvalue() == ""


def test_where_everything_is_given_nothing_is_asked_of_the_portal_first(context):
    def gate():
        raise AssertionError("asked for nothing")

    assert (
        read_new_thread(context("", SCREEN), "Rash", MessageSource("Hei", None, ()), gate).subject
        == "Rash"
    )


def test_where_words_are_not_needed_a_subject_is_enough(context):
    written = read_new_thread(
        context(), "Rash", MessageSource(None, None, ()), no_limit, text_needed=False
    )
    assert written.draft == Draft("")


def test_when_standard_input_is_the_message_questions_go_to_the_terminal_device(context):
    ours = context("The message.\n", BEFORE_A_PIPE, device="y\nRash\n")
    source = build_source(ours, None, "-", None)
    assert ours.ask.confirm("Can it wait?", flag="--can-wait")
    written = read_new_thread(ours, None, source, no_limit)
    assert (written.subject, written.draft.text) == ("Rash", "The message.")


def test_what_comes_from_elsewhere_leaves_standard_input_for_answers(context):
    ours = context("y\n", SCREEN, device="n\n")
    build_source(ours, "Hei", None, None)
    assert ours.ask.confirm("Send?", flag="--yes")


class Interrupted(BytesIO):
    """A terminal at which somebody presses Ctrl-C in the line after the last."""

    def readline(self, most=-1):
        line = super().readline(most)
        if not line:
            raise KeyboardInterrupt
        return line

    def read(self, most=-1):
        raise KeyboardInterrupt


@pytest.mark.parametrize("file", [None, "-"])
def test_the_lines_that_were_typed_before_ctrl_c_stay_on_the_page(context, file):
    ours = context("", SCREEN)
    ours.stdin = TextIOWrapper(Interrupted(b"It itches.\nSince Monday.\n"))
    source = MessageSource(None, file, ())
    with pytest.raises(KeyboardInterrupt):
        read_draft(ours, source, tuple)
    assert source.draft.content == b"It itches.\nSince Monday.\n"


@pytest.mark.parametrize(
    "typed", [b"x" * (MAX_BYTES + 1), (b"x" * 63 + b"\n") * (MAX_BYTES // 64 + 1)]
)
def test_what_is_typed_is_read_no_further_than_a_message_can_be(context, typed):
    ours = context(typed * 2, SCREEN)
    source = MessageSource(None, None, ())
    with pytest.raises(InvalidUsage, match="too long"):
        read_draft(ours, source, tuple)
    assert len(source.draft.content) == MAX_BYTES + 1
