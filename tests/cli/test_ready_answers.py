import itertools
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gpcli import __version__
from gpcli.cli import answer_table, build_answers, help_commands
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.line_parser import parse_line
from gpcli.cli.ready_answers import answer, has_color, name_command
from gpcli.config.offer_index import IndexedPerson, OfferIndex
from gpcli.config.profiles import Config
from gpcli.render.terminal import detect_terminal
from tests.cli.fake_commands import REGISTRY as FAKE

ROOT = Path(__file__).parents[2]
PORTAL = "https://portal.example/fhir"
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
  --confirm ID      Send exactly what --dry-run showed, within the hour
  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'
  --request-id ID   Makes a retry the same request: done once

EXAMPLES
  # By id
  gpcli book slot-1

GLOBAL OPTIONS
  --json --ndjson --plain --accessible --output --fields --profile --as --gp
  --timeout --no-input --quiet --debug (gpcli help options)
"""


def test_a_command_below_no_group_is_a_mistake_that_the_table_refuses():
    lost = FAKE._replace(groups=())

    with pytest.raises(LookupError, match="'profile' has commands but is no group"):
        build_answers.build_command_list(lost)


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


def test_the_list_of_commands_names_every_command_and_group_once_with_its_summary():
    shown = answer(["help", "commands"], NOWHERE)
    specs = [row for row in (*REGISTRY.groups, *REGISTRY.commands) if " " not in row.path]

    lines = [re.split("  +", line.strip()) for line in shown.splitlines()]
    assert [line for line in lines if line in [[row.path, row.summary] for row in specs]] == [
        [row.path, row.summary]
        for name in REGISTRY.list_names("")
        for row in specs
        if row.path == name
    ]
    assert max(len(written) for written in shown.splitlines()) <= 80


def test_the_help_of_the_root_tells_what_is_about_care_and_names_all_else():
    shown = answer([], NOWHERE)
    told, _, named = shown.partition("\nACCOUNT")

    assert shown == answer(["--json"], NOWHERE) == answer(["help"], NOWHERE)
    names = re.findall("^  ([a-z]+) ", told, re.MULTILINE)
    names += [name for line in named.splitlines()[:2] for name in line.split("  ")[-1].split(", ")]
    assert sorted(names) == sorted(REGISTRY.list_names(""))


ALL_HIDDEN = [row.path for row in REGISTRY.find_service_commands()]


@pytest.mark.parametrize(
    "hidden",
    [
        among
        for number in range(len(ALL_HIDDEN) + 1)
        for among in itertools.combinations(ALL_HIDDEN, number)
    ],
    ids=lambda among: "+".join(among) or "nothing",
)
def test_the_help_of_the_root_fits_a_screen_whatever_is_hidden(hidden, tmp_path):
    index = OfferIndex(tmp_path / "state" / "index")
    index.write_hidden(
        f"environment:{PORTAL}", "p", dict.fromkeys(hidden, "No."), time.time() + 3600
    )
    env = {"GPCLI_CONFIG_DIR": str(tmp_path), "GPCLI_PORTAL": PORTAL, "GPCLI_PATIENT": "p"}

    lines = answer(["--help"], env).splitlines()

    assert len(lines) <= 23
    assert max(map(len, lines)) <= 79
    assert "\n\n" not in "\n".join(lines[-3:])
    assert (lines[-1] == f"{len(hidden)} not offered by your GP: gpcli services") == bool(hidden)


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


BEGINNING = """\
Your GP's online services, from the command line.
gpcli login PORTAL-URL signs in; gpcli --help lists the commands.
gpcli demo shows all of it without a portal.
"""


@pytest.fixture
def env(tmp_path):
    """A machine that knows two portals, at one of which Ada is signed in."""
    index = OfferIndex(tmp_path / "state" / "index")
    index.write_profiles(lambda: Config(dict.fromkeys(["home", "work"]), "home"))
    index.add_person("home", IndexedPerson("acc-1", "pat-ada", "Ada Nordmann", 1.0))
    return {"GPCLI_CONFIG_DIR": str(tmp_path)}


BARE = [[], ["--json"], ["--as", "ada"], ["--profile=home", "--debug"], ["--"], ["--timeout", "3"]]


@pytest.mark.parametrize("argv", BARE, ids=str)
def test_without_a_command_a_terminal_shows_the_day_where_somebody_is_signed_in(env, argv):
    assert answer(argv, env, is_terminal=True) is None
    assert name_command(argv) == [*argv, "today"]


@pytest.mark.parametrize("argv", BARE, ids=str)
def test_without_a_command_a_terminal_shows_how_to_begin_where_nobody_is_signed_in(argv):
    assert answer(argv, NOWHERE, is_terminal=True) == BEGINNING.replace(
        " PORTAL-URL", "" if "--profile=home" in argv else " PORTAL-URL"
    )


@pytest.mark.parametrize("argv", BARE, ids=str)
def test_without_a_command_and_a_terminal_it_is_the_help(env, argv):
    assert answer(argv, env) == answer(["--help"], env) == answer(argv, NOWHERE)


@pytest.mark.parametrize(
    ("argv", "more", "expected"),
    [
        (["--profile", "work"], {}, "gpcli login signs in;"),
        ([], {"GPCLI_PROFILE": "work"}, "gpcli login signs in;"),
        ([], {"GPCLI_PORTAL": PORTAL}, None),
        ([], {"GPCLI_TOKEN": "secret"}, None),
        ([], {"GPCLI_TOKEN_COMMAND": "pass gp"}, None),
        (["--profile", "work"], {"GPCLI_PATIENT": "p"}, None),
        (["--profile", "work"], {"GPCLI_PATIENT": " "}, "gpcli login signs in;"),
    ],
)
def test_who_is_signed_in_is_told_by_the_portal_in_use(env, argv, more, expected):
    shown = answer(argv, {**env, **more}, is_terminal=True)

    assert shown is expected or shown.splitlines()[1].startswith(expected)


def test_somebody_is_signed_in_where_it_is_open_which_portal_is_meant(env, tmp_path):
    index = OfferIndex(tmp_path / "state" / "index")
    index.write_profiles(lambda: Config(dict.fromkeys(["home", "work"]), None))

    assert answer([], env, is_terminal=True) is None


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["help"],
        ["-h"],
        ["--version"],
        ["profile"],
        ["slots", "--help"],
        ["help", "json"],
    ],
    ids=" ".join,
)
def test_what_is_asked_for_is_the_same_on_a_terminal(env, argv):
    assert answer(argv, env, is_terminal=True) == answer(argv, env)
    assert name_command(argv) == argv


@pytest.mark.parametrize("argv", [["--bogus"], ["--profile"], ["slotz"], ["slots"]], ids=" ".join)
def test_a_line_that_is_wrong_or_has_a_command_stands_for_itself(env, argv):
    assert answer(argv, env, is_terminal=True) is None
    assert name_command(argv) == argv


def bold(text):
    """The lines of a text that have an escape sequence."""
    return [line for line in text.splitlines() if "\x1b" in line]


def test_headings_of_help_are_bold_in_colour():
    screen = answer([], NOWHERE, has_color=True)
    page = answer(["slots", "--help"], NOWHERE, has_color=True)

    assert bold(screen)[0] == "\x1b[1mCARE\x1b[0m"
    assert bold(screen)[1].startswith("\x1b[1mACCOUNT\x1b[0m  login, ")
    assert len(bold(screen)) == 3
    assert bold(page) == [
        f"\x1b[1m{title}\x1b[0m" for title in ("USAGE", "OPTIONS", "EXAMPLES", "GLOBAL OPTIONS")
    ]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["profile"],
        ["help", "commands"],
        *(["help", topic] for topic in answer_table.TOPICS),
        *([*path.split(), "--help"] for path in answer_table.PAGES),
    ],
    ids=" ".join,
)
def test_bold_headings_change_nothing_else_and_no_heading_is_missed(argv):
    plain, shown = answer(argv, NOWHERE), answer(argv, NOWHERE, has_color=True)

    assert shown.replace("\x1b[1m", "").replace("\x1b[0m", "") == plain
    headings = re.findall(r"(?:^|\n\n)([A-Z]{2}[^\n]*)(?=\n  )", plain)
    assert {line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in bold(shown)} >= {
        *headings
    }
    assert all(line.startswith("\x1b[1m") for line in bold(shown))


@pytest.mark.parametrize("argv", [["completion", "bash"], ["--version"], ["__complete", ""]])
def test_what_programs_read_has_no_colour(argv):
    assert answer(argv, NOWHERE, has_color=True) == answer(argv, NOWHERE)


class Stream:
    """A stream that is a terminal, or is none."""

    def __init__(self, is_terminal):
        self.isatty = lambda: is_terminal
        self.fileno = lambda: -1


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize(
    "env",
    [
        dict(zip(("NO_COLOR", "TERM", "FORCE_COLOR", "CLICOLOR_FORCE"), values, strict=True))
        for values in itertools.product(["", "1"], ["xterm", "dumb"], ["", "0", "1"], ["", "1"])
    ],
    ids=str,
)
def test_help_has_colour_where_answers_have(env, is_terminal):
    stream = Stream(is_terminal)

    found = has_color(env, is_terminal=is_terminal)

    assert found == detect_terminal(stream, stream, stream, env).has_stdout_color
