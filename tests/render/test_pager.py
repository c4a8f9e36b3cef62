"""The pager: which program it is, what it gets, and what happens where it can't do its work."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from io import StringIO

import pytest

from gpcli.render.output import Output
from gpcli.render.pager import Pager, build_pager, find_pager
from gpcli.render.terminal import Terminal
from tests.render.conftest import NOW, OSLO_WINTER

SCREEN = Terminal(True, True, True, height=10)
LONG = "".join(f"line {number}\n" for number in range(5000))


class Screen(StringIO):
    """A terminal in memory."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("env", "argv"),
    [
        ({}, ["less"]),
        ({"PAGER": "more"}, ["more"]),
        ({"GPCLI_PAGER": "most -s"}, ["most", "-s"]),
        ({"GPCLI_PAGER": "most", "PAGER": "more"}, ["most"]),
        ({"GPCLI_PAGER": " 'my pager' -x\n"}, ["my pager", "-x"]),
        ({"GPCLI_PAGER": "", "PAGER": "more"}, None),
        ({"GPCLI_PAGER": "cat", "PAGER": "more"}, None),
        ({"GPCLI_PAGER": "  "}, None),
        ({"PAGER": ""}, None),
        ({"PAGER": "cat"}, None),
        ({"PAGER": "cat -n"}, ["cat", "-n"]),
        ({"TERM": "dumb"}, None),
        ({"TERM": "dumb", "GPCLI_PAGER": "less"}, None),
        ({"TERM": "xterm"}, ["less"]),
        ({"GPCLI_PAGER": "less 'of this"}, None),
    ],
)
def test_the_pager_is_what_the_variables_name(env, argv):
    assert find_pager(env) == argv


def test_on_windows_there_is_none_unless_one_is_named(monkeypatch):
    monkeypatch.setattr(os, "name", "nt")
    assert (find_pager({}), find_pager({"PAGER": "more"})) == (None, ["more"])


@pytest.mark.parametrize(
    ("stdout", "terminal", "env"),
    [
        (StringIO(), SCREEN, {}),
        (Screen(), Terminal(False, True, True), {}),
        (Screen(), Terminal(True, True, False), {}),
        (Screen(), SCREEN, {"CI": "true"}),
        (Screen(), SCREEN, {"GPCLI_PAGER": ""}),
    ],
)
def test_without_a_person_at_a_terminal_who_wants_one_there_is_no_pager(stdout, terminal, env):
    assert build_pager(stdout, terminal, env) is None


def run(argv, text=LONG, env=None, height=10):
    """What the pager of `argv` leaves on the screen, and why it failed, if it did."""
    screen = Screen()
    named = {**os.environ, "GPCLI_PAGER": "x", **(env or {})}
    pager = Pager(screen, Terminal(True, True, True, height=height), argv, named)
    for line in text.splitlines(keepends=True):
        assert pager.write(line) == len(line)
        pager.flush()
    assert screen.getvalue() == ""
    return pager.show(), screen.getvalue()


PAGER = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"


def piped(tmp_path, *told, **how):
    """What a pager is given."""
    file = tmp_path / "piped"
    assert run([sys.executable, "-c", PAGER, str(file)], *told, **how) == (None, "")
    return file.read_bytes()


def test_a_long_answer_goes_to_the_pager_and_not_to_the_screen(tmp_path):
    assert piped(tmp_path, LONG) == LONG.encode()


def test_letters_are_those_of_the_terminal(tmp_path):
    assert piped(tmp_path, "Øvrebø – 診\n" * 20) == ("Øvrebø – 診\n" * 20).encode()


@pytest.mark.parametrize(("lines", "is_paged"), [(0, False), (1, False), (9, False), (10, True)])
def test_what_fits_the_screen_with_the_next_prompt_is_not_piped(lines, is_paged, tmp_path):
    file = tmp_path / "piped"
    text = "a line\n" * lines
    failure, shown = run([sys.executable, "-c", PAGER, str(file)], text)
    assert (failure, shown, file.exists()) == (None, "" if is_paged else text, is_paged)


def test_a_pager_that_is_not_there_is_told_and_all_is_shown():
    assert run(["no-such-pager", "-x"]) == (
        "'no-such-pager' can't be run (No such file or directory)",
        LONG,
    )


def test_a_pager_that_may_not_be_run_is_told_and_all_is_shown(tmp_path):
    file = tmp_path / "pager"
    file.touch(mode=0o600)
    assert run([str(file)]) == (f"'{file}' can't be run (Permission denied)", LONG)


def test_that_there_is_no_less_is_no_news_where_nobody_named_a_pager():
    screen = Screen()
    pager = Pager(screen, SCREEN, ["no-such-less"], {"PATH": os.environ["PATH"]})
    pager.write(LONG)
    assert (not pager.show(), screen.getvalue()) == (True, LONG)


def test_a_pager_that_fails_is_told_and_all_is_shown():
    assert run(["false"]) == ("'false' failed (exit code 1)", LONG)


def test_a_pager_that_ends_early_has_shown_what_was_wanted(capfd):
    assert run(["head", "-1"], LONG * 50) == (None, "")
    assert capfd.readouterr().out == "line 0\n"


def test_a_pager_that_is_killed_ends_the_answer():
    assert run(["sh", "-c", "kill -9 $$"]) == (None, "")


def test_the_pager_has_the_environment_it_is_given_and_less_keeps_no_history(tmp_path):
    file = tmp_path / "variables"
    env = {"LESS": "-S", "LANG": "nb_NO.UTF-8"}
    run(["sh", "-c", f"env >'{file}'; cat >'{file}.rest'"], env=env)
    seen = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    assert {name: seen[name] for name in ("LESS", "LV", "LESSHISTFILE", "LANG")} == {
        **env,
        "LV": "-c",
        "LESSHISTFILE": "-",
    }


@pytest.mark.parametrize(("env", "options"), [({}, "FRX"), ({"LESS": ""}, "")])
def test_less_is_told_what_to_do_unless_the_person_does(env, options, tmp_path):
    file = tmp_path / "options"
    screen = Screen()
    pager = Pager(
        screen,
        SCREEN,
        ["sh", "-c", f"printf %s \"$LESS\" >'{file}'; cat >'{file}.rest'"],
        {"PATH": os.environ["PATH"], **env},
    )
    pager.write(LONG)
    assert (pager.show(), file.read_text()) == (None, options)


def test_ctrl_c_is_the_pagers_and_afterwards_gpclis_again(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    line = f"kill -2 {os.getpid()}; cat >'{tmp_path / 'rest'}'"
    assert run(["sh", "-c", line]) == (None, "")
    assert signal.getsignal(signal.SIGINT) is before


@dataclass(frozen=True)
class Paged:
    """An Output with a pager, and what came of it."""

    output: Output
    screen: Screen
    err: StringIO


def page(env, **how):
    screen, err = Screen(), StringIO()
    settings = {"now": lambda: NOW, "machine_zone": OSLO_WINTER, **how}
    named = {"PATH": os.environ["PATH"], **env}
    return Paged(Output(screen, err, SCREEN, env=named, **settings), screen, err)


def test_a_long_list_goes_to_the_pager_whole(slots_view, a_slot, tmp_path):
    file = tmp_path / "piped"
    shown = page({"GPCLI_PAGER": f"{sys.executable} -c \"{PAGER}\" '{file}'"})
    assert shown.output.show_list(slots_view, [a_slot(f"s{n:02}") for n in range(30)]) == 30
    assert (shown.screen.getvalue(), shown.err.getvalue()) == ("", "")
    assert len(file.read_text().splitlines()) == 31


def test_a_short_list_does_not(slots_view, a_slot):
    shown = page({"GPCLI_PAGER": "false"})
    shown.output.show_list(slots_view, [a_slot()])
    assert len(shown.screen.getvalue().splitlines()) == 2


def test_several_records_are_paged_together(slots_view, a_slot, tmp_path):
    file = tmp_path / "piped"
    shown = page({"GPCLI_PAGER": f"sh -c \"cat >>'{file}'; echo END >>'{file}'\""})
    with shown.output.paging():
        for number in range(4):
            shown.output.show_item(slots_view, a_slot(f"s{number}"))
            shown.output.show_separator()
    text = file.read_text()
    assert (text.count("END"), text.count("ID  "), shown.screen.getvalue()) == (1, 4, "")


def test_what_was_written_before_an_error_is_shown_before_it(slots_view, a_slot):
    shown = page({"GPCLI_PAGER": "false"})

    def show_and_fail():
        with shown.output.paging():
            shown.output.show_item(slots_view, a_slot())
            raise ConnectionError

    with pytest.raises(ConnectionError):
        show_and_fail()
    assert shown.screen.getvalue().startswith("ID  ")


def test_why_there_is_no_pager_is_a_warning_that_says_how_to_turn_it_off(slots_view, a_slot):
    shown = page({"GPCLI_PAGER": "no-such-pager"})
    shown.output.show_list(slots_view, [a_slot(f"s{n}") for n in range(30)])
    assert len(shown.screen.getvalue().splitlines()) == 31
    assert "'no-such-pager' can't be run" in shown.err.getvalue()
    assert "GPCLI_PAGER= turns it off" in " ".join(shown.err.getvalue().split())


@pytest.mark.parametrize("format", ["plain", "json", "ndjson"])
def test_what_programs_read_is_never_paged(slots_view, a_slot, format):
    shown = page({"GPCLI_PAGER": "false"}, format=format)
    assert shown.output.show_list(slots_view, [a_slot(f"s{n}") for n in range(30)]) == 30
    assert [n for n in range(30) if f"s{n}" not in shown.screen.getvalue()] == []
    assert shown.err.getvalue() == ""


def test_without_an_environment_there_is_no_pager(slots_view, a_slot):
    screen = Screen()
    output = Output(screen, StringIO(), SCREEN, machine_zone=OSLO_WINTER, env=None)
    output.show_list(slots_view, [a_slot(f"s{n}") for n in range(30)])
    assert len(screen.getvalue().splitlines()) == 31
