"""What is wrong with a line is said in our words, whichever part of typer finds it."""

import io
import json
import re
from pathlib import Path

import pytest

from gpcli.cli.app import load_command
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.run import run_command_line

KINDS = "'medicine', 'consumable', 'nutrition'"

REFUSING = [
    spec for spec in REGISTRY.commands if spec.path not in {"help", "profile add", "sandbox run"}
]
"""All but those that answer without a command, ask first for what is missing, or pass words on."""

WRONG_LINES = [
    ("--profil", "usage", "gpcli has no option '--profil'; did you mean '--profile'?"),
    ("--bogus", "usage", "gpcli has no option '--bogus'."),
    ("-x", "usage", "gpcli has no option '-x'."),
    ("gp --jsn", "usage", "gpcli gp has no option '--jsn'; did you mean '--json'?"),
    ("gp -xy=3", "usage", "gpcli gp has no option '-x'."),
    (
        "watch --interval 5m",
        "usage",
        "gpcli watch has no option '--interval'; did you mean '--every'?",
    ),
    ("gp --interval 5m", "usage", "gpcli gp has no option '--interval'."),
    ("rx list --kin=a", "usage", "gpcli rx list has no option '--kin'; did you mean '--kind'?"),
    ("--profile", "input_needed", "--profile needs a value."),
    ("gp --as", "input_needed", "--as needs a value."),
    ("login --limit", "input_needed", "--limit needs a value."),
    ("login --device=yes", "usage", "--device takes no value."),
    ("--no-input=1 gp", "usage", "--no-input takes no value."),
    ("profile show a b", "usage", "There is more on the line than the command takes: (b)"),
    ("gp a b", "usage", "There is more on the line than the command takes: (a b)"),
    ("gp \x1b[2J", "usage", "There is more on the line than the command takes: (\\x1b[2J)"),
    ("profile add", "input_needed", "gpcli profile add needs NAME."),
    ("profile add home", "input_needed", "gpcli profile add needs PORTAL-URL."),
    ("profile add home https://p", "input_needed", "gpcli profile add needs --environment."),
    ("sandbox run", "input_needed", "gpcli sandbox run needs CMD…."),
    ("login --port few", "usage", "--port: 'few' is not a whole number."),
    ("login --port 1.5", "usage", "--port: '1.5' is not a whole number."),
    ("login --port -1", "usage", "--port: -1 is not in the range 0 to 65535."),
    ("login --port 65536", "usage", "--port: 65536 is not in the range 0 to 65535."),
    ("slots --limit 0", "usage", "--limit: 0 is too little: at least 1."),
    ("login --limit soon", "usage", "--limit: 'soon' is not a number."),
    ("login --limit 0.5", "usage", "--limit: 0.5 is too little: at least 1."),
    ("sandbox serve --seed a", "usage", "--seed: 'a' is not a whole number."),
    ("rx list --kind pill", "usage", f"--kind: 'pill' is not one of {KINDS}."),
    (
        "sandbox serve --booking fax",
        "usage",
        "--booking: 'fax' is not one of 'post', 'operation', 'transaction'.",
    ),
    ("slotz", "usage", "There is no command 'gpcli slotz'; did you mean 'gpcli slots'?"),
    ("xyzzy", "usage", "There is no command 'gpcli xyzzy'."),
    (
        "profile lst",
        "usage",
        "There is no command 'gpcli profile lst'; did you mean 'gpcli profile list'?",
    ),
    ("--yes", "usage", "Missing command."),
    ("rx --low", "usage", "gpcli rx has no option '--low'."),
    ("profile", "usage", "Missing command."),
]  # fmt: skip


def run(argv):
    """The exit code, stdout and stderr of a line that must fail before it is about a portal."""
    streams = [io.StringIO() for _ in range(3)]
    code = run_command_line(argv, {}, *streams, None)
    return code, streams[1].getvalue(), streams[2].getvalue()


@pytest.mark.parametrize(("line", "word", "message"), WRONG_LINES)
def test_a_wrong_line_is_told_with_the_way_to_its_help(line, word, message):
    code, out, err = run(line.split(" "))

    said, hint = err.splitlines()
    assert (code, out) == (2, "")
    assert said == f"gpcli: {message}"
    assert hint.startswith("  gpcli ")
    assert hint.endswith((" --help shows how it is used.", " --help shows the commands."))


@pytest.mark.parametrize(("line", "word", "message"), WRONG_LINES)
def test_a_wrong_line_with_json_is_one_object(line, word, message):
    code, out, err = run(["--json", *line.split(" ")])

    error = json.loads(err)["error"]
    assert (code, out) == (2, "")
    assert (error["code"], error["message"], error["exit"]) == (word, message, 2)


@pytest.mark.parametrize("row", REGISTRY.commands, ids=lambda row: row.path)
def test_every_type_of_a_parameter_refuses_in_our_words_or_takes_all(row):
    """`parse` is that of `value_parsers`; texts, paths and flags take whatever comes."""
    names = {parameter.type.name for parameter in load_command(row).params}

    assert names <= {"parse", "str", "path", "boolean"}


def test_nothing_private_of_typer_is_imported():
    private = re.compile(r"(from|import) typer\S*\._|from typer\S* import .*\b_")
    sources = Path(__file__).parents[2].joinpath("gpcli").rglob("*.py")

    assert [path.name for path in sources if private.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("spec", REFUSING, ids=lambda spec: spec.path)
def test_a_value_that_is_not_utf_8_is_refused_by_every_command(spec):
    for words in (["\udcff"], ["x", "--as", "\udcff"], ["x", "--profile=\udcff"]):
        code, _, told = run([*spec.path.split(), *words])
        assert code == 2
        assert "\\xff" in told
