"""All that gpcli can do, for everybody, held to the shipped schemas by jsonschema-rs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from gpcli.auth.vault import MemoryVault
from gpcli.cli.demo import open_sign_in_page
from gpcli.cli.line_parser import parse_line
from gpcli.render.json_schema import ANSWERS, find_schema, list_schema_names
from gpcli.sandbox.server import Sandbox
from tests.journeys.process import gpcli, minimal_env, start_gpcli, wait_for_end
from tests.journeys.schema_lines import READS, SERVED, WRITES, WRONG, Judge, fill, play
from tests.journeys.shell import Shell, at_once
from tests.journeys.test_outbox import cut_off, offline
from tests.journeys.test_schemas import PORTALS
from tests.journeys.world import MONDAY, World

MANY = 20
"""How many records of each kind are shown, one by one: Hans has more than a hundred."""

PEOPLE = ("ada", "bo", "cecilie", "david", "eva", "finn", "guro", "guro/emil", "hans")


@pytest.fixture(scope="module")
def judge() -> Judge:
    """One by jsonschema-rs, which checks formats too."""
    from jsonschema_rs import validator_for

    return Judge(lambda schema: validator_for(schema, validate_formats=True))


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox(clock=MONDAY, seed=1) as sandbox:
        yield sandbox


@pytest.fixture
def shell_of(started: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Shell]]:
    world = World(started, tmp_path)
    yield lambda person: replace(world.shell(*person.split("/")), sleep=at_once)
    started.reset()


@pytest.mark.parametrize("name", list_schema_names())
def test_every_schema_is_one(name):
    from jsonschema_rs import meta

    meta.validate(find_schema(name))


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize(
    "lines",
    [
        [f"{line} --json" for line in READS],
        [f"{line} --ndjson" for line in READS],
        [f"{line}{how} --json" for line in WRITES for how in ("", " --dry-run", " --yes")]
        + [f"{line} --json" for line in READS],
        [f"{line} --yes --ndjson" for line in WRITES],
        [f"{line} --json" for line in WRONG],
    ],
    ids=["reads", "reads as lines", "writes", "writes as lines", "wrong"],
)
def test_whatever_a_person_does_is_valid(shell_of, judge, tmp_path, person, lines):
    shell = shell_of(person)
    assert [each for line in lines for each in play(shell, judge, line, str(tmp_path))] == []


@pytest.mark.parametrize("person", PEOPLE)
def test_the_records_of_each_list_are_valid(shell_of, judge, person):
    shell = shell_of(person)
    shown = [
        f"{command} {row['id']} --json"
        for lister, command in (
            ("messages list", "messages show"),
            ("rx list --all", "rx show"),
            ("appointments list --all", "appointments show"),
        )
        if (ending := shell(f"gpcli {lister} --json")).code == 0
        for row in ending.json[:MANY]
    ]
    assert [each for line in shown for each in play(shell, judge, line, "")] == []


def test_two_thousand_times_are_valid(shell_of, judge):
    shell = shell_of("hans")
    assert shell("gpcli slots --to +60d --json").json[1000:]
    for format in ("--json", "--ndjson"):
        assert play(shell, judge, "slots --to +60d", "", format) == []


@pytest.mark.parametrize("format", ["--json", "--ndjson"])
@pytest.mark.parametrize("portal", PORTALS)
def test_whatever_is_done_at_a_portal_that_does_not_answer_is_valid(
    shell_of, judge, tmp_path, portal, format
):
    ada = shell_of("ada")
    lines = [*READS, *(f"{line} --yes" for line in WRITES), "slots --debug"]
    filled = [fill(ada, line, str(tmp_path)) for line in lines]
    lost = replace(ada, transport=httpx.MockTransport(PORTALS[portal]))
    assert [each for line in filled for each in play(lost, judge, line, "", format)] == []


@pytest.mark.parametrize("format", ["--json", "--ndjson"])
def test_whatever_is_done_by_nobody_is_valid(judge, tmp_path, format):
    nobody = Shell(
        {"GPCLI_CONFIG_DIR": str(tmp_path)}, lambda: MONDAY, vault=MemoryVault(), sleep=at_once
    )
    lines = [*READS, *(f"{line} --yes" for line in WRITES), "login", "logout", *SERVED]
    said = [each for line in lines for each in play(nobody, judge, line, str(tmp_path), format)]
    assert said == []


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("line", WRITES)
def test_a_write_without_an_answer_and_what_is_left_of_it_is_valid(
    shell_of, judge, tmp_path, line, arrives
):
    shell = shell_of("david" if line == "consent grant" else "ada")
    filled = f"{fill(shell, line, str(tmp_path))} --yes --json"
    said = judge.problems(filled, cut_off(shell, arrives=arrives)(f"gpcli {filled}"))
    for each in ("outbox list", "outbox show {sent}", "outbox settle", "outbox list --all"):
        said += play(offline(shell), judge, each, "", "--json")
        said += play(shell, judge, each, "", "--ndjson")
    assert said == []


def test_signing_in_and_out_is_valid(judge, tmp_path):
    env = {"GPCLI_CONFIG_DIR": str(tmp_path), "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
    with Sandbox(auto_sign_in=True) as sandbox:
        shell = Shell(env, lambda: datetime.now(UTC), vault=MemoryVault(), browse=open_sign_in_page)
        lines = (
            *(f"login {sandbox.fhir_base} --hint {hint}" for hint in ("ada", "guro")),
            f"login {sandbox.fhir_base} --no-browser --limit 1",
            f"login {sandbox.fhir_base} --device --limit 1",
            *("whoami", "whoami --all", "--as Ada whoami", "--as Ada services", "profile show"),
            *("troubleshoot", "--as Ada logout", "logout --all", "logout --all"),
        )
        said = [
            each
            for format in ("--json", "--ndjson")
            for line in lines
            for each in play(replace(shell, sleep=at_once), judge, line, "", format)
        ]
    assert said == []


def test_what_is_asked_of_a_served_portal_is_valid(judge, tmp_path):
    env = minimal_env(tmp_path)
    served = start_gpcli("sandbox", "serve", "--delay", "1h", "--json", env=env)
    try:
        address = served.stdout.readline()
        variables = gpcli("sandbox", "env", "ada", "--shell", "github", env=env).out.splitlines()
        ada = env | dict(line.split("=", 1) for line in variables)
        lines = ("contact --subject Ramp --message Hei --yes", "rx renew --low --yes", *SERVED)
        played = {f"{line} --json": gpcli(*shlex.split(line), "--json", env=ada) for line in lines}
    finally:
        served.terminate()
        ending = wait_for_end(served)
    played["sandbox serve --json"] = replace(ending, out=address + ending.out)
    assert [each for line in played for each in judge.problems(line, played[line])] == []
    assert {row["outcome"] for row in played["sandbox answer --json"].json} >= {"answered"}


def test_every_command_that_answers_is_played_here():
    played = {parse_line(line.split()).path for line in (*READS, *WRITES, *SERVED)}
    assert set(ANSWERS) - played == {"login", "logout", "sandbox serve"}
