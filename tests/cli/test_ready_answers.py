import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpcli import __version__
from gpcli.cli import answer_table, build_answers, help_commands
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.ready_answers import answer, parse_line
from tests.cli.fake_commands import REGISTRY as FAKE

ROOT = Path(__file__).parents[2]
NOWHERE = {"GPCLI_CONFIG_DIR": "/nonexistent"}

HEAVY = {
    "typer", "httpx", "rich", "keyring", "json", "re", "pathlib", "dataclasses", "tomllib",
    "enum", "datetime", "importlib.metadata", "importlib.resources",
}  # fmt: skip


def modules_of(*argv, **env):
    """The modules that Python imports for a line, and the exit code."""
    ending = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gpcli", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **NOWHERE, **env},
    )
    timed = [said for said in ending.stderr.splitlines() if said.startswith("import time:")]
    return {said.rpartition("|")[2].strip() for said in timed}, ending.returncode


@pytest.mark.parametrize(
    "argv",
    [
        ["--version"],
        [],
        ["--help"],
        ["slots", "--help"],
        ["profile"],
        ["help", "exit-codes"],
        ["completion", "bash"],
        ["__complete", "bo"],
        ["__complete", "slots", "--as", ""],
    ],
    ids=" ".join,
)
def test_ready_answers_import_nothing_heavy(argv):
    modules, code = modules_of(*argv)

    assert code == 0
    assert modules & HEAVY == set()
    assert "gpcli.cli.answer_table" in modules


def test_a_wrong_line_imports_neither_network_nor_keyring_nor_tables():
    modules, code = modules_of("slotz")

    assert code == 2
    assert "typer" in modules
    assert (
        modules & {"httpx", "keyring", "rich", "gpcli.app_context", "gpcli.cli.help_commands"}
        == set()
    )


def test_a_command_without_network_imports_neither_network_nor_keyring_nor_tables():
    modules, code = modules_of("profile", "list")

    assert code == 0
    assert "gpcli.app_context" in modules
    assert modules & {"httpx", "keyring", "rich", "filelock", "joserfc"} == set()


def test_the_table_is_what_the_command_tree_makes():
    made = build_answers.build_table_source(REGISTRY)

    assert made == build_answers.TABLE.read_text(encoding="utf-8"), (
        "run python -m gpcli.cli.build_answers"
    )


@pytest.mark.parametrize("shell", help_commands.SHELLS)
def test_the_completion_scripts_beside_the_source_are_those_that_gpcli_prints(shell):
    beside = build_answers.COMPLETIONS / help_commands.SHELLS[shell]

    assert answer(["completion", shell], NOWHERE) == beside.read_text(encoding="utf-8")


def test_the_table_of_other_commands_is_python_with_their_pages():
    made: dict = {}
    known = FAKE._replace(commands=tuple(row for row in FAKE.commands if row.path != "absent"))

    exec(build_answers.build_table_source(known), made)  # noqa: S102  (our own source)

    assert made["STARTS"] == ("slots", "book", "rx renew")
    assert made["WRITES"] == ("book", "rx renew")
    assert made["OPTIONS"]["book"] == (
        ("--message-file", (":files",), "What to tell the surgery."),
    )
    assert made["ARGUMENTS"] == {
        "profile list": (), "profile show": ((":profiles",),), "gp": (), "slots": (),
        "book": ((":slots",),), "rx renew": (), "sandbox run": ((),), "ends": ((),),
    }  # fmt: skip
    assert made["GROUPS"]["profile"] == (
        "Portals.\n\nUSAGE\n  gpcli profile COMMAND [OPTIONS]\n",
        (
            (
                "COMMANDS",
                (
                    ("profile list", "  list  List profiles"),
                    ("profile show", "  show  Show a profile"),
                ),
            ),
        ),
        "LEARN MORE\n  gpcli profile COMMAND --help  What a command takes\n",
    )
    assert made["PAGES"]["book"] == BOOK


BOOK = """\
Book a time.

The surgery may have to confirm.

Until then it is only sent.

USAGE
  gpcli book SLOT [OPTIONS]

ARGUMENTS
  SLOT  The slot's id.

OPTIONS
  --message-file PATH  What to tell the surgery.

WHEN SENDING
  --yes             Agree to the plan without being asked
  --dry-run         Show the plan and send nothing
  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'
  --request-id ID   Makes a retry the same request: done once

EXAMPLES
  # By id
  gpcli book slot-1

GLOBAL OPTIONS
  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input
  --debug (gpcli help options)
"""


def test_a_command_below_no_group_is_a_mistake_that_the_table_refuses():
    lost = FAKE._replace(groups=())

    with pytest.raises(LookupError, match="'profile' has commands but is no group"):
        build_answers.build_root_page(lost)


def test_the_version_is_the_packages():
    assert answer(["--version"], NOWHERE) == f"gpcli {__version__}\n"
    assert json.loads(answer(["--json", "--version"], NOWHERE)) == {"version": __version__}


@pytest.mark.parametrize(
    "argv",
    [
        ["slots", "--help"],
        ["--help", "slots"],
        ["slots", "-h"],
        ["--json", "slots", "--help"],
        ["--profile", "home", "slots", "--help"],
        ["--profile=home", "--help", "slots", "--yes"],
        ["slots", "--frm", "--help"],
        ["help", "slots"],
    ],
    ids=" ".join,
)
def test_help_on_a_command_is_its_page_wherever_it_is_asked(argv):
    assert answer(argv, NOWHERE) == answer_table.PAGES["slots"]


@pytest.mark.parametrize("path", list(answer_table.PAGES))
def test_every_command_has_a_page_that_fits_a_terminal(path):
    shown = answer([*path.split(), "--help"], NOWHERE)

    assert shown == answer_table.PAGES[path]
    assert f"\n  gpcli {path} " in shown
    assert max(len(written) for written in shown.splitlines()) <= 100


@pytest.mark.parametrize("path", [path for path in answer_table.GROUPS if path])
def test_a_group_alone_is_its_help(path):
    alone = answer(path.split(), NOWHERE)

    assert alone == answer([*path.split(), "--help"], NOWHERE)
    assert f"\n  gpcli {path} COMMAND [OPTIONS]\n" in alone


def test_help_on_a_group_is_its_help_unless_a_topic_has_its_name():
    assert answer(["help", "profile"], NOWHERE) == answer(["profile"], NOWHERE)
    assert answer(["help", "sandbox"], NOWHERE) == answer_table.TOPICS["sandbox"]


def test_the_root_help_names_every_command_and_group_once():
    shown = answer([], NOWHERE)

    for name in REGISTRY.list_names(""):
        assert shown.count(f"\n  {name} ") == 1
    assert shown == answer(["--json"], NOWHERE)
    assert max(len(written) for written in shown.splitlines()) <= 80


@pytest.mark.parametrize(
    "argv",
    [
        ["slotz"],
        ["slotz", "--help"],
        ["profile", "lst", "--help"],
        ["--bogus"],
        ["--profile"],
        ["slots"],
        ["slots", "--profile", "--help"],
        ["slots", "--", "--help"],
        ["help", "slotz"],
        ["help", "json", "more"],
        ["completion"],
        ["completion", "tcsh"],
        ["completion", "bash", "zsh"],
    ],
    ids=" ".join,
)
def test_what_is_not_ready_is_left_to_the_command_line(argv):
    assert answer(argv, NOWHERE) is None


def test_reading_a_line_finds_the_command_its_words_and_everybodys_options():
    line = parse_line(["--as", "Ada", "cancel", "appt-1", "--json", "--profile=x=y", "--", "--gp"])

    assert line.path == "cancel"
    assert line.words == ["appt-1", "--gp"]
    assert line.options == {"--as": "Ada", "--json": "", "--profile": "x=y"}
    assert (line.ended, line.has_unknown_command, line.has_unknown_option) == (True, False, False)
    assert line.waiting is None


def test_reading_a_line_that_stops_before_a_value_knows_which():
    line = parse_line(["slots", "--profile"])

    assert line.waiting == ("--profile", (":profiles",), "The portal to use")


def test_a_dash_alone_is_a_word():
    assert parse_line(["cancel", "-"]).words == ["-"]
