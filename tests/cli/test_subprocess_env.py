"""What the programs that gpcli starts get, and what they never see."""

import os
import subprocess
import sys
from io import StringIO

import pytest

from gpcli.app_context import AppContext
from gpcli.cli.message_drafts import DraftText, run_editor
from gpcli.cli.subprocess_env import start_program
from gpcli.cli.terminal_prompter import TerminalPrompter
from gpcli.config.settings import Options

NOTES = """
import os, pathlib, sys
umask = os.umask(0)
known = sorted(name for name in os.environ if name.startswith(("GPCLI_", "EDITOR_")))
pathlib.Path({seen!r}).write_text(f"{{umask:03o}} {{' '.join(known)}}")
"""
"""A program that notes its umask and which variables it knows."""


@pytest.fixture
def write_program(tmp_path):
    """A program that notes, and where."""
    script, seen = tmp_path / "notes.py", tmp_path / "seen"
    script.write_text(NOTES.format(seen=str(seen)))
    return f"{sys.executable} {script}", seen


@pytest.fixture
def context(tmp_path):
    env = {
        "GPCLI_TOKEN": "secret",
        "GPCLI_NOTIFY_TOKEN": "another secret",
        "GPCLI_CONFIG_DIR": str(tmp_path),
        "EDITOR_OPTIONS": "wide",
    }
    return AppContext(Options(), env, StringIO(), StringIO(), StringIO(), former_umask=0o022)


@pytest.fixture
def private():
    """The umask that gpcli works with."""
    former = os.umask(0o077)
    yield
    os.umask(former)


def run_program(context, command):
    with start_program(context, command.split()) as process:
        assert process.wait(60) == 0


def edit_with(context, command):
    run_editor(context, command, [], DraftText())


def open_with(context, command):
    prompter = TerminalPrompter(context, browser=command, automatic=False)
    assert prompter.open_page("https://portal.example/")


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(("way", "umask"), [(run_program, "022"), (edit_with, "077")])
def test_a_child_has_the_person_s_variables_but_no_token(context, write_program, way, umask):
    """And the person's umask, but for an editor: what it writes beside the page is private too."""
    command, seen = write_program
    way(context, command)
    assert seen.read_text() == f"{umask} EDITOR_OPTIONS GPCLI_CONFIG_DIR"


@pytest.mark.usefixtures("private")
def test_neither_does_a_browser_see_a_token(context, tmp_path):
    keeper = tmp_path / "browser"
    keeper.write_text(f'#!/bin/sh\n(umask; env) > "{tmp_path}/seen"\n')
    keeper.chmod(0o700)
    open_with(context, str(keeper))
    umask, *variables = (tmp_path / "seen").read_text().splitlines()
    assert umask == "0022"
    assert "EDITOR_OPTIONS=wide" in variables
    assert not [each for each in variables if "secret" in each or "_TOKEN" in each]


@pytest.mark.usefixtures("private")
def test_where_the_umask_was_never_changed_it_stays(context, write_program):
    command, seen = write_program
    streams = context.stdin, context.stdout, context.stderr
    run_program(AppContext(Options(), context.env, *streams), command)
    assert seen.read_text() == "077 EDITOR_OPTIONS GPCLI_CONFIG_DIR"


def test_the_streams_are_as_asked(context):
    with start_program(context, ["/bin/echo", "Hei"], stdout=subprocess.PIPE) as process:
        assert process.communicate(timeout=60) == (b"Hei\n", None)


def test_what_can_not_be_run_is_an_error_of_the_system(context):
    with pytest.raises(FileNotFoundError):
        start_program(context, ["no-such-program-anywhere"])
