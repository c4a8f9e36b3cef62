"""Every JSON answer is as its schema says, and every error as the exit codes say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import jsonschema
import pytest

from gpcli.cli.help_commands import format_exit_codes
from gpcli.errors import Exit, GpcliError
from tests.journeys.shell import Shell
from tests.journeys.world import MONDAY

LINES = [
    ("ada", "whoami", "whoami"),
    ("ada", "services", "services"),
    ("finn", "services", "services"),
    ("eva", "services", "services"),
    ("cecilie", "services", "services"),
    ("finn", "gp", "gp"),
    ("eva", "gp", "gp"),
    ("ada", "slots", "slots --limit 5"),
    ("ada", "slots", "slots --weekday sun"),
    ("ada", "flu", "flu"),
    ("guro", "flu", "flu --weekday sun"),
    ("guro", "flu", "flu --first --yes"),
    ("ada", "book", "book --first --another --yes --reason Cough"),
    ("ada", "book", "book --first --another --dry-run"),
    ("bo", "book", "book --enquiry --yes"),
    ("ada", "cancel", "cancel a-2xwr5jqm --yes --accept-fee any"),
    ("ada", "appointments list", "appointments list --all"),
    ("hans", "appointments list", "appointments list --all"),
    ("ada", "appointments show", "appointments show a-2xwr5jqm"),
    ("ada", "consent show", "consent show"),
    ("david", "consent grant", "consent grant --yes"),
    ("ada", "consent withdraw", "consent withdraw --dry-run"),
    ("ada", "profile list", "profile list"),
]


def schema(shell: Shell, command: str):
    ending = shell(f"gpcli help json {command}")
    assert ending.code == 0, ending
    return json.loads(ending.out)


@pytest.mark.parametrize(("person", "command", "line"), LINES)
def test_an_answer_is_valid_and_has_every_key(shell_of, person, command, line):
    shell = shell_of(person)
    promised = schema(shell, command)
    jsonschema.validate(shell.json(f"gpcli {line}"), promised)
    objects = promised.get("anyOf", [promised.get("items", promised)])
    assert [set(one["required"]) for one in objects] == [set(one["properties"]) for one in objects]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("profile list", "profile list"),
        ("profile show", "profile show"),
        ("profile use", "profile use staging"),
        ("profile remove", "profile remove staging"),
        ("whoami", "whoami --all"),
        ("sandbox people", "sandbox people"),
    ],
)
def test_what_needs_no_portal_is_valid_too(tmp_path, command, line):
    shell = Shell({"GPCLI_CONFIG_DIR": str(tmp_path)}, lambda: MONDAY)
    shell("gpcli profile add staging https://staging.example/fhir --environment staging")
    answer = shell.json(f"gpcli {line}")
    promised = schema(shell, command)
    one = isinstance(answer, list) and promised.get("type") != "array"
    for each in answer if one else [answer]:
        jsonschema.validate(each, promised)


def test_ndjson_lines_are_the_items_of_the_array(shell_of):
    shell = shell_of("ada")
    item = schema(shell, "slots")
    lines = shell("gpcli slots --limit 5 --ndjson").out.splitlines()
    assert len(lines) == 5
    jsonschema.validate([json.loads(line) for line in lines], item)


def errors(kind: type[GpcliError] = GpcliError) -> Iterator[type[GpcliError]]:
    if "code" in vars(kind):
        yield kind
    for below in kind.__subclasses__():
        yield from errors(below)


def documented() -> dict[int, list[str]]:
    """Exit code -> the words beside it in `gpcli help exit-codes`."""
    text = format_exit_codes()
    entries = re.split(r"^ +(?=\d+ )", text, flags=re.MULTILINE)[1:]
    found = {}
    for entry in entries:
        number, _, words = entry.partition(" ")
        brackets = re.search(r"\[([^\]]*)\]", words)
        found[int(number)] = re.split(r",\s+", brackets[1]) if brackets else []
    return found


def test_the_documented_exit_codes_are_those_that_errors_have():
    words = {int(code): set(listed) for code, listed in documented().items()}
    real: dict[int, set[str]] = {code: set() for code in words}
    for kind in errors():
        real.setdefault(int(kind.exit), set()).add(kind.code)
    assert words == real


def test_every_exit_code_but_those_of_other_releases_is_documented():
    assert set(documented()) == {int(code) for code in Exit}


@pytest.mark.parametrize(
    "line",
    ["slotz", "slots --bogus", "slots --from never", "appointments show nope", "book s-1 --yes"],
)
def test_an_error_in_json_has_every_key(shell_of, line):
    ending = shell_of("ada")(f"gpcli {line} --json")
    assert ending.out == ""
    keys = ["code", "exit", "message", "hint", "request_id", "trace_id", "retry_after"]
    assert [*ending.error] == keys
    assert ending.error["exit"] == ending.code
    assert ending.error["code"] in documented()[ending.code]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("slotz", "gpcli slots"),
        ("boook", "gpcli book"),
        ("appointment", "gpcli appointments"),
        ("reserve", "gpcli book"),
        ("consent grnat", "gpcli consent grant"),
        ("list", "gpcli appointments list"),
    ],
)
def test_an_unknown_command_names_the_nearest(shell_of, typed, meant):
    ending = shell_of("ada")(f"gpcli {typed}")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err.splitlines()[0] == (
        f"gpcli: There is no command 'gpcli {typed}'; did you mean '{meant}'?"
    )


def test_an_empty_command_is_no_command(shell_of):
    ending = shell_of("ada")(["gpcli", "", "--json"])
    assert ending.refused == (2, "usage", "")
