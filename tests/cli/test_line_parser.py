"""A line is parsed as typer parses it, without typer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.cli.app import LazyGroup
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.global_options import GLOBAL_OPTIONS, CommandRun
from gpcli.cli.line_parser import parse_line
from gpcli.cli.ready_answers import answer
from gpcli.config.settings import Options
from gpcli.errors import GpcliError

NOWHERE = {"GPCLI_CONFIG_DIR": "/nonexistent"}
PATHS = ["", "rx", "slots", "messages list", "login", "api", "today", "book"]
WORDS = [
    "-q", "--quiet", "-o", "json", "plain", "-ojson", "-oplain", "-qojson", "-qo", "-o=json",
    "--output", "--output=json", "--output=", "-n", "3", "-n3", "-qn3", "-nq", "-n-3", "--limit",
    "--limit=3", "-x", "-qx", "-xq", "--as", "ada", "--as=ada", "--json", "-f", "-fa=b", "-i",
    "-iq", "-H", "-X", "-XGET", "-", "-1", "-qq", "-ø",
]  # fmt: skip


def parse_by_typer(argv):
    """The path and the options of a line, or the error that it ends with."""
    run = CommandRun(Options(), lambda options: None)
    ctx = LazyGroup(REGISTRY).make_context("gpcli", list(argv), obj=run)
    path = ""
    while isinstance(ctx.command, LazyGroup):
        rest = [*ctx._protected_args, *ctx.args]
        if not rest:
            break
        name, command, rest = ctx.command.resolve_command(ctx, rest)
        path = f"{path} {name}".lstrip()
        ctx = command.make_context(name, rest, parent=ctx)
    return path, run.options


def list_given(options):
    """The options of every command that were given, with their values where they take one."""
    found = {}
    for option in GLOBAL_OPTIONS:
        value = getattr(options, option.field, None)
        if value not in {None, False}:
            found[option.flag] = value if option.metavar else ""
    return found


@given(st.sampled_from(PATHS), st.lists(st.sampled_from(WORDS), max_size=5), st.data())
def test_a_line_means_the_same_with_and_without_typer(path, words, data):
    before = data.draw(st.integers(0, len(words))) if path else 0
    argv = [*words[:before], *path.split(), *words[before:]]
    line = parse_line(argv)

    try:
        found, options = parse_by_typer(argv)
    except GpcliError as error:
        if "has no option" in error.message:
            assert line.has_unknown_option
        if "needs a value." in error.message:
            assert line.waiting or line.has_unknown_option
        return
    assert (line.path, line.waiting, line.has_unknown_option) == (found, None, False)
    shown = {flag: value for flag, value in line.options.items() if flag != "--output"}
    assert shown == list_given(options)


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["slots", "-n3", "-ojson"], {"--output": "json", "--json": ""}),
        (["-o", "ndjson", "slots"], {"--output": "ndjson", "--ndjson": ""}),
        (["slots", "-ojson", "-oplain"], {"--output": "plain", "--plain": ""}),
        (["slots", "-qoplain"], {"--quiet": "", "--output": "plain", "--plain": ""}),
        (["slots", "--output=table"], {"--output": "table"}),
        (["api", "-q", ".id"], {}),
        (["-q", "api", "Patient/1"], {"--quiet": ""}),
    ],
    ids=" ".join,
)
def test_short_options_are_the_options_that_they_are_short_for(argv, found):
    line = parse_line(argv)

    assert (line.options, line.has_unknown_option, line.waiting) == (found, False, None)


@pytest.mark.parametrize("argv", [["-V"], ["-qV"], ["-V", "slots"], ["-o", "plain", "-V"]], ids=str)
def test_the_version_has_a_short_option(argv):
    assert answer(argv, NOWHERE) == answer(["--version"], NOWHERE)


@pytest.mark.parametrize("argv", [["-oJSON", "-V"], ["slots", "-V"], ["-nV"], ["-xV"]], ids=str)
def test_what_is_no_version_is_left_to_the_command_line(argv):
    line = parse_line(argv)

    assert line.version == (argv == ["-oJSON", "-V"])
    assert line.has_unknown_option == (argv != ["-oJSON", "-V"])


def test_help_may_be_among_other_letters():
    assert answer(["slots", "-qh"], NOWHERE) == answer(["slots", "--help"], NOWHERE)
    assert answer(["-qh"], NOWHERE) == answer(["--help"], NOWHERE)


def test_json_in_short_is_json_for_the_version():
    assert answer(["-ojson", "-V"], NOWHERE).startswith('{"version": ')
