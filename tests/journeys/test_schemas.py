"""Every JSON answer is as its schema says, and every error as the exit codes say.

tests/real/test_every_schema.py tries the same with every line for every person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import jsonschema
import pytest

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.help_commands import format_exit_codes
from gpcli.cli.line_parser import parse_line
from gpcli.errors import Exit, GpcliError
from gpcli.render.json_schema import ANSWERS, OTHER_ANSWERS
from tests.journeys.schema_lines import READS, SERVED, WRITES, WRONG, Judge, play
from tests.journeys.shell import CommandResult, at_once

SIGN_IN = ("login", "logout", "sandbox serve")
"""The commands that no line of the lists plays: they have a test of their own."""

OF_OTHERS = {
    "bo": ("book --enquiry --yes", "messages list", "services"),
    "cecilie": ("services", "gp", "flu"),
    "david": ("consent show", "consent grant --yes", "rx list"),
    "eva": ("services", "gp", "whoami"),
    "finn": ("services", "gp", "econsult join a-ft4m6n2w --no-browser"),
    "guro": ("flu --first --yes", "messages mark-read --all --yes"),
    "hans": ("appointments list --all", "rx renew --low --dry-run"),
}
"""Of who is not Ada, what she has not."""


@pytest.fixture(scope="module")
def judge():
    """One by jsonschema; dates are checked, times where its optional packages are there."""
    checker = jsonschema.FormatChecker()
    return Judge(lambda schema: jsonschema.Draft202012Validator(schema, format_checker=checker))


def test_every_command_has_a_schema_and_a_line_or_no_answer_in_json():
    commands = {spec.path for spec in REGISTRY.commands}
    played = {parse_line(line.split()).path for line in (*READS, *WRITES, *SERVED)}
    assert (set(ANSWERS) | set(OTHER_ANSWERS), set(ANSWERS) & set(OTHER_ANSWERS)) == (
        commands,
        set(),
    )
    assert set(ANSWERS) - played == set(SIGN_IN)


@pytest.mark.real
@pytest.mark.parametrize(
    "lines",
    [
        [f"{line} --json" for line in READS],
        [f"{line} --ndjson" for line in READS],
        [f"{line} --yes --json" for line in WRITES],
    ],
    ids=["read", "read as lines", "sent"],
)
def test_what_ada_reads_and_sends_is_valid(world, judge, lines):
    ada, home = world.shell("ada"), str(world.home)
    assert [each for line in lines for each in play(ada, judge, line, home)] == []


@pytest.mark.real
@pytest.mark.parametrize("options", ["--json", "--json --dry-run"])
def test_what_ada_has_not_agreed_to_is_valid(world, judge, options):
    ada, home = world.shell("ada"), str(world.home)
    assert [each for line in WRITES for each in play(ada, judge, line, home, options)] == []


def test_a_wrong_line_says_so_in_valid_json(world, judge):
    ada, home = replace(world.shell("ada"), sleep=at_once), str(world.home)
    assert [each for line in WRONG for each in play(ada, judge, line, home, "--json")] == []


@pytest.mark.parametrize("person", OF_OTHERS)
def test_what_others_have_is_valid(world, judge, person):
    shell, home = world.shell(person), str(world.home)
    lines = OF_OTHERS[person]
    assert [each for line in lines for each in play(shell, judge, line, home, "--json")] == []


def _refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


PORTALS = {
    "down": _refuse,
    "broken": lambda request: httpx.Response(500, text="<h1>Oops</h1>"),
    "another": lambda request: httpx.Response(200, text="<h1>Hi</h1>"),
    "busy": lambda request: httpx.Response(429, headers={"Retry-After": "7"}),
    "closed": lambda request: httpx.Response(401),
}


@pytest.mark.parametrize("portal", PORTALS)
def test_a_portal_that_does_not_answer_is_told_in_valid_json(world, judge, portal):
    transport = httpx.MockTransport(PORTALS[portal])
    ada = replace(world.shell("ada"), sleep=at_once, transport=transport)
    lines = (
        "slots",
        "book s-1 --yes",
        "troubleshoot",
        "rx renew rx-1 --yes",
        "slots --debug",
        "smoke",
    )
    assert [each for line in lines for each in play(ada, judge, line, "", "--json")] == []


def test_who_is_not_signed_in_is_told_so_in_valid_json(shell, judge):
    lines = (
        "slots",
        "whoami",
        "whoami --all",
        "logout",
        "consent grant --yes",
        "troubleshoot",
        "smoke",
    )
    assert [each for line in lines for each in play(shell, judge, line, "", "--json")] == []


def test_signing_in_and_out_is_valid(shell, live, judge):
    lines = (
        f"login {live.fhir_base} --hint ada",
        f"login {live.fhir_base} --hint bo --no-browser --limit 1",
        "whoami --all",
        "logout --all",
    )
    said = [each for line in lines for each in play(shell, judge, line, "", "--json")]
    assert said == []


@pytest.mark.parametrize(
    ("line", "ending", "wrong"),
    [
        ("slots --json", CommandResult(0, "", ""), "succeeds without an answer"),
        ("slots --json", CommandResult(0, "[", ""), "no JSON"),
        ("slots --json", CommandResult(0, "{}", ""), "is not of type 'array'"),
        ("slots --ndjson", CommandResult(0, "[]\n", ""), "under any of the given schemas"),
        ("slots --json", CommandResult(0, "[]", "Warning: x"), "no JSON"),
        ("slots --json", CommandResult(0, "[]", '{"notice": {}}'), "under any of"),
        ("slots --json", CommandResult(3, "", ""), "it ends with 3"),
    ],
)
def test_a_judge_finds_what_is_wrong(judge, line, ending, wrong):
    [problem, *_] = judge.problems(line, ending)
    assert wrong in problem


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
    ids = ["request_id", "trace_id"]
    keys = ["code", "exit", "message", "hint", *ids, "retry_after", "http_status"]
    assert [*ending.error] == keys
    assert ending.error["exit"] == ending.code
    assert ending.error["code"] in documented()[ending.code]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("slotz", "gpcli slots"),
        ("boook", "gpcli book"),
        ("appointment", "gpcli appointments list"),
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
