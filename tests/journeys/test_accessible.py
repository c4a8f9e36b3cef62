"""What a person who has gpcli read to them gets: words, line by line, from every command."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import replace

import pexpect
import pytest

from gpcli.cli.command_views import VIEWS
from gpcli.cli.line_parser import parse_line
from gpcli.cli.served_sandboxes import ServedSandbox, announce
from gpcli.errors import Exit
from tests.journeys.process import minimal_env
from tests.journeys.schema_lines import READS, SERVED, WRITES, WRONG, fill
from tests.journeys.shell import SCREEN, CommandResult, at_once
from tests.journeys.test_schemas import OF_OTHERS

COLOURED = replace(SCREEN, width=40, color=True)
"""A terminal that tempts to columns, colour, wrapping and a pager."""

MORE = ("today", "next", "rx show {prescription}", "sandbox people", "profile list")

DOCUMENTS = {"api", "appointments export", "completion", "demo", "help", "sandbox env"}
"""Commands whose answer is a document of another kind than records."""

UNSAYABLE = re.compile(
    "[\N{EN DASH}\N{EM DASH}\N{MIDDLE DOT}\N{BULLET}\N{HORIZONTAL ELLIPSIS}\N{MULTIPLICATION SIGN}"
    "\u2190-\u21ff\u2500-\u259f\u25a0-\u25ff\u2800-\u28ff\x00-\x08\x0b-\x1f\x7f\t|]|  "
)
"""What a screen reader skips, spells out, or reads across columns."""

SPOKEN = re.compile(r"([A-Z][\w' ()-]*: .*\S|ms: \d+|\d+ [A-Za-z -]+\.|)")
"""A line with a label, one that counts a list, and what is between records."""


def listen(shell, line, typing=""):
    """Play a line for somebody to whom it is read; what is piped is said in words by the option."""
    spoken = replace(shell.at_a_screen(typing), terminal=COLOURED, sleep=at_once)
    return spoken.with_env(FORCE_COLOR="1", PAGER="less")(f"gpcli --accessible {line}")


def prepare(shell, line, home):
    """The line with ids of what there is, which is made first where Ada has none."""
    if "{video}" in line or "{sent}" in line:
        sent = "econsult start --via video --subject Knee --message Hei --another --yes"
        assert shell(f"gpcli {sent} --accept-fee any").code == 0
    if line.startswith(("profile show", "profile use", "profile remove")):
        shell(f"gpcli {next(each for each in READS if each.startswith('profile add'))}")
    return fill(shell, line, home)


def find_faults(line, ending):
    """What no screen reader should be given, in words; a message's own text is not looked at."""
    name = parse_line(shlex.split(line.replace("{", "").replace("}", ""))).path
    answer = without_texts(ending.out)
    said = [*ending.err.splitlines(), *(() if name in DOCUMENTS else answer)]
    faults = [f"{line}: {each!r}" for each in said if UNSAYABLE.search(each)]
    has_records = name in {*VIEWS} - DOCUMENTS and "--count" not in line
    if not has_records or ending.code not in (Exit.OK, Exit.PARTIAL):
        return faults
    if line in WRITES or "--yes" in line:  # whose receipt is a sentence
        answer = [each for each in answer if not re.fullmatch(r"[A-Z0-9].*[.?]", each)]
    return faults + [f"{line}: no label: {each!r}" for each in answer if not SPOKEN.fullmatch(each)]


def without_texts(out):
    """The lines of an answer without the texts of messages."""
    lines, kept = out.splitlines(), []
    while lines:
        line = lines.pop(0)
        if told := re.fullmatch(r"Text, (\d+) lines:", line):
            del lines[: int(told[1])]
        elif not line.startswith("Text: "):
            kept.append(line)
    return kept


def test_every_command_that_answers_with_records_is_walked():
    walked = {parse_line(line.split()).path for line in (*READS, *MORE, *WRITES, *SERVED)}
    assert set(VIEWS) - walked == {"login", "logout"}


@pytest.mark.parametrize("line", [*READS, *MORE])
def test_whatever_ada_reads_is_words_with_labels(world, line):
    ada = world.shell("ada")
    ending = listen(ada, prepare(ada, line, str(world.home)))

    assert ending.out or ending.err
    assert find_faults(line, ending) == []


@pytest.mark.parametrize("options", ["--yes", "--dry-run", ""])
@pytest.mark.parametrize("line", WRITES)
def test_whatever_ada_sends_is_words_with_labels(world, line, options):
    ada = world.shell("ada")
    ending = listen(ada, f"{prepare(ada, line, str(world.home))} {options}", "y\n" * 4)

    assert ending.out or ending.err
    assert find_faults(line, ending) == []


@pytest.mark.parametrize("person", OF_OTHERS)
def test_what_others_have_not_is_said_in_words(world, person):
    shell = world.shell(person)
    lines = [fill(shell, line, str(world.home)) for line in OF_OTHERS[person]]
    assert [each for line in lines for each in find_faults(line, listen(shell, line))] == []


def test_a_wrong_line_is_told_in_words(world):
    ada = world.shell("ada")
    lines = [fill(ada, line, str(world.home)) for line in WRONG if line not in SERVED]
    endings = {line: listen(ada, line) for line in lines}

    assert [each for line in lines for each in find_faults(line, endings[line])] == []
    told = [line for line, ending in endings.items() if ending.code != Exit.OK]
    assert [line for line in told if "Error: " not in endings[line].err] == []


def test_what_is_asked_of_a_served_portal_is_words_with_labels(world):
    ada, sandbox = world.shell("ada"), world.sandbox
    served = ServedSandbox("here", sandbox.url, sandbox.control_token, 1.0, os.getpid())
    with announce(world.home / "state", served, lambda _: True):
        assert ada("gpcli book --first --another --yes").code == 0
        endings = {line: listen(ada, line) for line in SERVED}

    assert {ending.code for ending in endings.values()} == {0}
    assert [each for line in SERVED for each in find_faults(line, endings[line])] == []


def test_signing_in_and_out_is_told_in_words(shell, live):
    lines = (f"login {live.fhir_base} --hint ada", "whoami --all", "logout --all")
    endings = {line: listen(shell, line) for line in lines}

    assert {ending.code for ending in endings.values()} == {0}
    assert [each for line in lines for each in find_faults(line, endings[line])] == []


def test_a_list_is_a_count_and_a_record_after_the_other(world):
    ending = listen(world.shell("ada"), "rx list --low")
    count, *records = ending.out.rstrip("\n").split("\n\n")

    assert count == f"{len(records)} prescriptions."
    assert {record.splitlines()[0].partition(" ")[0] for record in records} == {"Name:"}
    assert {record.splitlines()[-1][:7] for record in records} == {"ID: rx-"}


def test_a_question_is_one_line_with_all_choices(world):
    ending = listen(world.shell("ada"), "messages reply --message Hei --dry-run", "1\n")
    [asked] = [line for line in ending.err.splitlines() if line.startswith("Which thread?")]

    assert ending.code == 0
    assert re.match(r"Which thread\? \(.*\) 1: Rash on my forearm, 1 unread, .*\. 2: Mole", asked)
    assert "Answer with a number, or q to quit: Plan: " in asked  # a person has typed Enter there


def test_who_answers_q_has_chosen_nothing(world):
    ending = listen(world.shell("ada"), "messages show", "q\n")

    assert (ending.code, ending.out) == (9, "")
    assert ending.err.endswith("Error: Nothing was chosen.\n")


def test_the_text_of_a_message_is_as_it_was_written(world):
    text = "Hello \N{EN DASH} two\n\nID: t-1 \N{MIDDLE DOT} x  y"
    ada = world.shell("ada")
    thread = ada.json("gpcli messages list")[0]["id"]
    assert ada(["gpcli", "messages", "reply", thread, "--message", text, "--yes"]).code == 0

    answer = listen(ada, f"messages show {thread}").out
    assert (
        f"\nText, 3 lines:\n{text.strip()}\n" in answer or f"\nText, 3 lines:\n{text}\n" in answer
    )


@pytest.mark.parametrize(
    ("line", "env", "is_spoken_to"),
    [
        ("services", {}, False),
        ("services --accessible", {}, True),
        ("services", {"GPCLI_ACCESSIBLE": "1"}, True),
        ("services", {"GPCLI_ACCESSIBLE": "0"}, False),
        ("services --accessible", {"GPCLI_ACCESSIBLE": "0"}, True),
    ],
)
def test_at_a_terminal_the_option_goes_before_the_variable(world, line, env, is_spoken_to):
    ending = world.shell("ada").at_a_screen().with_env(**env)(f"gpcli {line}")

    assert (ending.code, ending.out.startswith("7 services.\n")) == (0, is_spoken_to)


@pytest.mark.parametrize(
    ("written", "env", "is_spoken_to"),
    [
        ("accessible = true", {}, True),
        ("accessible = false", {}, False),
        ("accessible = true", {"GPCLI_ACCESSIBLE": "false"}, False),
        ("accessible = false", {"GPCLI_ACCESSIBLE": "true"}, True),
    ],
)
def test_at_a_terminal_the_variable_goes_before_the_profile(
    ada, tmp_path, written, env, is_spoken_to
):
    config = tmp_path / "config.toml"
    config.write_text(config.read_text("utf-8") + f"{written}\n", "utf-8")
    ending = ada.at_a_screen().with_env(**env)("gpcli services")

    assert (ending.code, ending.out.startswith("7 services.\n")) == (0, is_spoken_to)


@pytest.mark.parametrize("env", [{}, {"GPCLI_ACCESSIBLE": "1"}])
def test_a_script_gets_the_same_lines_whatever_the_variable_says(world, env):
    ada = world.shell("ada")
    told, usual = ada.with_env(**env)("gpcli slots"), ada("gpcli slots --plain")

    assert told == usual


@pytest.mark.parametrize("format", ["--json", "--ndjson", "--plain"])
def test_with_the_option_another_format_stays_as_it_is(world, format):
    ada = world.shell("ada")

    assert ada(f"gpcli slots --accessible {format}") == ada(f"gpcli slots {format}")


def test_a_piped_answer_is_words_where_the_option_says_so(world):
    ada = world.shell("ada")

    assert ada("gpcli gp --accessible").out == listen(ada, "gp").out


def test_a_profile_that_is_wrong_is_said_in_the_usual_words(ada, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(config.read_text("utf-8") + "accessible = 'yes'\n", "utf-8")
    ending = ada.at_a_screen()("gpcli services")

    assert (ending.code, ending.out) == (2, "")
    assert ".accessible: must be true or false" in ending.err


@pytest.mark.real
@pytest.mark.skipif(os.name == "nt", reason="pexpect has no terminals there")
def test_at_a_real_terminal_nothing_is_coloured_wrapped_or_drawn(tmp_path):
    gpcli = [sys.executable, "-m", "gpcli"]
    argv = [*gpcli[1:], "sandbox", "run", "--as", "ada", "--", *gpcli, "gp"]
    env = {**minimal_env(tmp_path), "COLUMNS": "30", "GPCLI_ACCESSIBLE": "1", "TERM": "xterm"}
    child = pexpect.spawn(gpcli[0], argv, env=env, dimensions=(24, 30), encoding="utf-8")
    child.expect(pexpect.EOF, timeout=30)
    said = child.before.replace("\r\n", "\n")

    assert said.startswith("1 GP.\n\nGP: Dr. Ingrid Haugland\n")
    assert "Open: mon to fri 08:00 to 15:30\n" in said
    assert find_faults("gp", CommandResult(0, said, "")) == []
