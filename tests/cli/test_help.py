import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from gpcli.app_context import AppContext
from gpcli.auth.machine_key import read_machine_key
from gpcli.cli.answer_table import OPTIONS, WRITES
from gpcli.cli.app import load_command
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.configuration_texts import MACHINE_VARIABLES, OWN_VARIABLES, PROFILE_KEYS
from gpcli.cli.help_commands import (
    DOCS,
    EXIT_MEANINGS,
    FILE_TOPICS,
    build_topics,
    format_command_page,
    read_topic,
)
from gpcli.cli.ready_answers import answer
from gpcli.cli.run import run_command_line
from gpcli.config.profile_keys import KEY_PARSERS
from gpcli.config.profiles import read_config
from gpcli.errors import Exit, GpcliError
from gpcli.render.json_schema import OTHER_ANSWERS, find_schema

ROOT = Path(__file__).parents[2]
NOWHERE = {"GPCLI_CONFIG_DIR": "/nonexistent"}
TOPICS = build_topics()


def kinds(kind=GpcliError):
    return [kind, *(below for direct in kind.__subclasses__() for below in kinds(direct))]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_shown_and_fits_a_terminal(topic):
    shown = answer(["help", topic], NOWHERE)

    assert shown == TOPICS[topic]
    assert max(len(written) for written in shown.splitlines()) <= 80
    assert shown.endswith("\n")
    assert "\n\n\n" not in shown


def test_the_topics_are_those_that_the_list_of_commands_names():
    shown = " ".join(answer(["help", "commands"], NOWHERE).partition("gpcli help TOPIC")[2].split())

    assert shown.startswith(", ".join(TOPICS))


def test_the_readme_names_the_topics():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [line] = [each for each in readme.splitlines() if each.startswith("`gpcli help TOPIC`")]

    assert sorted(re.findall(r"`([a-z-]+)`", line)) == list(TOPICS)


def test_the_lines_of_scripting_make_a_key_that_signs_a_machine_in(tmp_path):
    lines = TOPICS["scripting"].partition("makes a pair:\n\n")[2].partition("\n\n")[0]
    subprocess.run([sys.executable, "-c", dedent(lines)], cwd=tmp_path, check=True, timeout=60)

    public = json.loads((tmp_path / "for-the-portal.jwk").read_text(encoding="utf-8"))
    key = read_machine_key(tmp_path / "night-job.jwk")
    assert (key.algorithm, key.kid) == ("ES384", "night-job-1")
    assert public == key.key.as_dict(private=False)


def test_exit_codes_names_every_code_of_the_errors_and_every_word_for_it():
    shown = answer(["help", "exit-codes"], NOWHERE)
    words = " ".join(shown.split())

    for kind in kinds():
        assert f"  {int(kind.exit):>3}  " in shown
        assert any(f"{before}{kind.code}{after}" in words for before in "[ " for after in ",]")


def test_exit_codes_says_when_in_the_order_of_the_codes():
    assert list(EXIT_MEANINGS) == sorted(Exit)


def test_environment_names_the_variables_that_the_source_reads_and_no_others():
    sources = [path for path in (ROOT / "gpcli").rglob("*.py") if "topics" not in path.parts]
    quoted = [part for path in sources for part in path.read_text(encoding="utf-8").split('"')]
    named = {name for name, _ in (*OWN_VARIABLES, *MACHINE_VARIABLES)}

    assert {part for part in quoted if re.fullmatch("GPCLI_[A-Z_]+", part)} == named


def test_profiles_names_every_key_that_a_profile_may_have():
    assert [name for name, _ in PROFILE_KEYS] == list(KEY_PARSERS)


def test_the_file_that_profiles_shows_can_be_read(tmp_path):
    shown = answer(["help", "profiles"], NOWHERE)
    path = tmp_path / "config.toml"
    path.write_text(shown[shown.index("default_profile") : shown.index("KEYS")])

    assert read_config(path).find_profile("home").environment == "production"


def test_the_error_that_the_json_topic_shows_has_the_keys_of_a_real_one(line):
    shown = read_topic("json")
    real = json.loads(line.end("ends", "taken", "--json").err)["error"]

    for key in real:
        assert f'"{key}": ' in shown


@pytest.mark.parametrize("topic", FILE_TOPICS)
def test_the_commands_that_a_topic_shows_exist(topic):
    lines = read_topic(topic).splitlines()
    commands = [written.strip() for written in lines if written.startswith("  gpcli ")]

    for command in commands:
        words = command.partition("  ")[0].partition(" -- ")[0].split()[1:]
        assert answer([*words, "--help"], NOWHERE), command


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["help", "jsn"], "There is no help on 'jsn'; did you mean 'json'?"),
        (
            ["help", "profile", "lst"],
            "There is no help on 'profile lst'; did you mean 'profile list'?",
        ),
        (["help", "inbox"], "There is no help on 'inbox'; did you mean 'messages list'?"),
        (["help", "xyzzy"], "There is no help on 'xyzzy'."),
        (
            ["help", "json", "api"],
            "gpcli api has no JSON Schema of gpcli's: it writes what the portal sends.",
        ),
        (
            ["completion", "tcsh"],
            "There is no completion for 'tcsh'; there is for bash, zsh, fish, powershell.",
        ),
        (["completion"], "gpcli completion needs SHELL."),
    ],
)
def test_what_there_is_no_help_on_is_a_wrong_line(argv, message):
    ending = subprocess.run(
        [sys.executable, "-m", "gpcli", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ending.returncode, ending.stdout) == (2, "")
    assert ending.stderr.splitlines()[0] == f"gpcli: {message}"


@pytest.mark.parametrize("command", ["slots", "book", "flu", "appointments list"])
def test_help_json_with_a_command_prints_the_schema_of_its_answer(command, capsys):
    code = run_command_line(
        ["help", "json", *command.split()], {}, sys.stdin, sys.stdout, sys.stderr, AppContext
    )
    assert code == 0
    assert json.loads(capsys.readouterr().out) == find_schema(command)


def test_every_command_that_answers_has_a_schema():
    silent = {row.path for row in REGISTRY.commands if find_schema(row.path) is None}
    assert silent == OTHER_ANSWERS.keys()


def run_line(*argv):
    """The exit code of a line; where it says what is not a ready answer, the streams are real."""
    return run_command_line(argv, NOWHERE, sys.stdin, sys.stdout, sys.stderr, AppContext)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_help_leads_to_every_page_of_the_documentation(page, capsys):
    ready = answer(["help", page.stem], NOWHERE)
    code = 0 if ready else run_line("help", page.stem)
    assert (code, f"{DOCS}{page.name}" in (ready or capsys.readouterr().out)) == (0, True)


def test_a_page_of_the_documentation_is_named_by_its_whole_address():
    pages = [answer([*row.path.split(), "--help"], NOWHERE) for row in REGISTRY.commands]
    found = re.findall(r"\S*docs/[a-z.]+", "\n".join([*TOPICS.values(), *pages]))
    assert [each for each in found if not each.startswith(DOCS)] == []
    named = {each.removeprefix(DOCS).removesuffix(".") for each in found}
    assert named <= {each.name for each in (ROOT / "docs").iterdir()}


@pytest.mark.parametrize("group", ["", *(group.path for group in REGISTRY.groups)])
def test_a_group_lists_what_is_directly_below_it(group):
    specs = (*REGISTRY.groups, *REGISTRY.commands)
    below = {row.name for row in specs if row.path.rpartition(" ")[0] == group}
    asked = [*group.split(), "--help"] if group else ["help", "commands"]
    page = answer(asked, {**NOWHERE, "GPCLI_SHOW_ALL": "1"})
    listed = re.findall(r"^  ([a-z-]+)  +\S", page, re.MULTILINE)
    offered = answer(["__complete", *group.split(), ""], NOWHERE).splitlines()
    assert {*listed} == {line.partition("\t")[0] for line in offered} == below


@pytest.mark.parametrize(
    ("path", "flag"), [(row.path, flag) for row in REGISTRY.commands for flag in row.refuses]
)
def test_an_option_that_a_command_refuses_is_not_listed(path, flag, capsys):
    arguments = ["DELETE", "Task/t", "--yes"] if path == "api" else []
    values = {"--json": [], "--ndjson": [], "--plain": [], "--output": ["table"]}
    given = [flag, *values.get(flag, ["any"])]
    named = given if flag in values else [flag]
    code = run_line(*path.split(), *arguments, *given)
    assert (code, f"{' '.join(named)} has no meaning here" in capsys.readouterr().err) == (2, True)
    page = answer([*path.split(), "--help"], NOWHERE)
    offered = answer(["__complete", *path.split(), "--"], NOWHERE)
    assert flag not in re.findall(r"--[a-z-]+", page + offered)


@pytest.mark.parametrize(
    ("path", "usage", "term"),
    [
        ("rx renew", "gpcli rx renew [ID...] [OPTIONS]", "ID..."),
        (
            "messages save",
            "gpcli messages save [THREAD] [ATTACHMENT...] [OPTIONS]",
            "ATTACHMENT...",
        ),
        ("rx withdraw", "gpcli rx withdraw [ID] [OPTIONS]", "ID"),
        ("sandbox run", "gpcli sandbox run [OPTIONS] -- CMD…", "CMD…"),
    ],
)
def test_an_argument_is_written_as_it_is_typed(path, usage, term):
    command = load_command(REGISTRY.find_command(path))

    page = format_command_page(REGISTRY.find_command(path), command).splitlines()

    assert page[page.index("USAGE") + 1].strip() == usage
    listed = page[page.index("ARGUMENTS") + 1 : page.index("GLOBAL OPTIONS")]
    assert term in [line.split()[0] for line in listed if line]


def test_no_page_has_a_bracket_too_many():
    pages = [format_command_page(row, load_command(row)) for row in REGISTRY.commands]

    assert [
        line for page in pages for line in page.splitlines() if re.search(r"\]\.\.|\.{4}", line)
    ] == []


def test_help_json_tells_every_kind_of_line_on_stderr():
    shown = answer(["help", "json"], NOWHERE)

    assert [
        kind
        for kind in ("notice", "warning", "progress", "plan", "error")
        if f'"{kind}":' not in shown
    ] == []


def test_help_says_that_a_count_is_a_number_in_every_format():
    assert "messages list\n--count is a bare number in every format." in answer(
        ["help", "json"], NOWHERE
    )
    assert "a number in every format" in answer(["messages", "list", "--help"], NOWHERE)


def test_help_scripting_names_the_option_that_reads_stdin():
    assert "--message-file - reads stdin" in answer(["help", "scripting"], NOWHERE)


@pytest.mark.parametrize(
    "path",
    [path for path, options in OPTIONS.items() if any(flag == "--wait" for flag, *_ in options)],
)
def test_help_shows_how_to_wait_and_of_what_sends_how_that_ends(path):
    page = answer([*path.split(), "--help"], NOWHERE)
    assert page is not None
    assert re.search(rf"^  gpcli {path}.* --wait \d", page, re.M)
    assert path not in WRITES or re.search(r"--wait\b.*\b7\b.*\b8\b", " ".join(page.split()))


def test_help_of_watch_says_what_its_booking_takes():
    page = " ".join((answer(["watch", "--help"], NOWHERE) or "").split())
    assert "--another With --auto-book: even with a coming booking" in page
    assert "--replace ID" in page
    assert "--earlier-than ID" in page


def test_what_is_new_comes_first_in_a_day():
    assert re.search("^  today +What is new, ", answer(["--help"], NOWHERE) or "", re.M)
