"""The sandbox as a command: one portal for one command, or a served one for many."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from gpcli.cli import sandbox_env
from gpcli.cli.run import run_command_line
from gpcli.cli.sandbox_env import prepend_program_dir
from gpcli.render.json_schema import find_schema
from tests.journeys.process import PYTHON, gpcli, minimal_env, shell, start_gpcli, wait_for_end
from tests.journeys.shell import CommandResult, Shell
from tests.journeys.world import MONDAY

pytestmark = pytest.mark.real


def test_a_command_runs_as_somebody_and_its_status_is_passed_on(tmp_path):
    line = f"{PYTHON} whoami --fields patient,environment; printf '%s' \"$GPCLI_PATIENT\"; exit 42"
    ending = gpcli(
        *("sandbox", "run", "--as", "guro", "--for", "emil", "--", "bash", "-c", line),
        env=minimal_env(tmp_path, GPCLI_PROFILE="mine", GPCLI_AS="me", GPCLI_TOKEN_COMMAND="mine"),
    )
    assert ending == CommandResult(42, "patient:\tEmil Hagen\nenvironment:\tsandbox\nemil", "")


@pytest.fixture
def people(tmp_path):
    """A file with one person, Ola, whom no GP knows: a portal that starts at once."""
    ola = {"resourceType": "Patient", "id": "ola", "name": [{"text": "Ola Vik"}]}
    path = tmp_path / "people.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": ola}]}))
    return path


def test_people_can_be_brought_from_a_file(tmp_path, people):
    line = f"{PYTHON} whoami --fields patient; {PYTHON} gp"
    ending = gpcli(
        *("sandbox", "run", "--people", str(people), "--as", "ola", "--", "bash", "-c", line),
        env=minimal_env(tmp_path),
    )
    assert ending == CommandResult(0, "Ola Vik\n", "The portal's record of you names no GP.\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("[]", "is not a FHIR Bundle"), ('{"resourceType": "Bundle"}', "no P")],
)
def test_a_file_without_people_is_named(shell_of, people, text, said):
    people.write_text(text)
    ending = shell_of("ada")(f"gpcli sandbox run --people {people} -- true --json")
    assert (ending.code, ending.out) == (2, "")
    assert f"The sandbox can't be made so: {people}" in ending.err
    assert said in ending.err


PEOPLE_FORM = """
surgeries: {elvebakken: {name: Elvebakken surgery}}
gps: {holm: {name: Dr. Nora Holm, surgery: elvebakken, services: [booking]}}
people:
  liv:
    name: Liv Berg
    about: Has a sore throat
    gps: holm
    appointments: [{when: +3d 10:00, about: Sore throat}]
"""


def test_people_can_be_written_in_a_form(tmp_path):
    file = tmp_path / "people.yaml"
    file.write_text(PEOPLE_FORM)
    line = f"{PYTHON} gp --fields gp; {PYTHON} appointments list --fields start,subject"
    clock = ("--clock", "2027-03-26T09:00:00+01:00")
    ending = gpcli(
        *("sandbox", "run", "--people", str(file), *clock, "--as", "liv", "--", "bash", "-c", line),
        env=minimal_env(tmp_path),
    )
    assert ending == CommandResult(0, "Dr. Nora Holm\n2027-03-29T10:00:00+02:00\tSore throat\n", "")


def test_who_is_not_named_is_the_first_who_can_sign_in(tmp_path):
    file = tmp_path / "people.yaml"
    file.write_text(PEOPLE_FORM + "  ola: {name: Ola Berg}\n")
    everybody = file.read_text().replace("people:\n", "people:\n  per: {name: Per, signs_in: no}\n")
    file.write_text(everybody)
    line = ("--", "bash", "-c", f"{PYTHON} whoami --fields patient")
    first = gpcli("sandbox", "run", "--people", str(file), *line, env=minimal_env(tmp_path))
    silent = gpcli(
        *("sandbox", "run", "--people", str(file), "--as", "per", *line), env=minimal_env(tmp_path)
    )
    assert first == CommandResult(0, "Liv Berg\n", "")
    assert (silent.code, silent.out) == (3, "")
    assert "'per' does not sign in; known: liv, ola" in silent.err


def test_a_form_is_looked_at_without_a_sandbox(shell_of, tmp_path):
    file = tmp_path / "people.yaml"
    file.write_text(PEOPLE_FORM)
    good = shell_of("ada")(f"gpcli sandbox people --people {file}")
    assert good == CommandResult(0, "liv\tLiv Berg\tHas a sore throat\t\n", "")
    file.write_text(PEOPLE_FORM.replace("about: Has", "abuot: Has"))
    bad = shell_of("ada")(f"gpcli sandbox people --people {file}")
    assert (bad.code, bad.out) == (2, "")
    assert f"{file}:7: unknown key 'abuot' in 'people.liv': did you mean 'about'?\n" in bad.err
    missing = shell_of("ada")("gpcli sandbox people --people /nope.yaml")
    assert (missing.code, missing.out) == (3, "")


def test_the_built_in_people_can_be_taken_as_a_file(shell_of, tmp_path):
    file = tmp_path / "people.yaml"
    shown = shell_of("ada")("gpcli sandbox people --show-file")
    file.write_text(shown.out, encoding="utf-8")
    assert (shown.code, shown.err) == (0, "")
    listed = shell_of("ada")(f"gpcli sandbox people --people {file} --fields person")
    assert listed.out.split() == ["ada", "bo", "cecilie", "david", "eva", "finn", "guro", "hans"]


@pytest.mark.parametrize("words", ["--show-file --json", "--show-file --fields person"])
def test_the_file_of_people_is_no_record(shell_of, words):
    ending = shell_of("ada")(f"gpcli sandbox people {words}")
    assert (ending.code, ending.out) == (2, "")
    assert "--show-file prints YAML" in ending.err


def test_people_are_asked_for_in_one_way(shell_of):
    ending = shell_of("ada")("gpcli sandbox people --show-file --name x")
    assert ending.code == 2
    assert "--people, --show-file and --name: give one of them." in ending.err


def test_a_command_that_a_signal_ends_is_128_and_the_signal(tmp_path, people):
    ending = gpcli(
        *("sandbox", "run", "--people", str(people), "--as", "ola"),
        *("--", "bash", "-c", "kill -TERM $$"),
        env=minimal_env(tmp_path),
    )
    assert ending == CommandResult(128 + signal.SIGTERM, "", "")


def test_the_clock_the_delay_and_the_seed_can_be_set(tmp_path):
    line = f"{PYTHON} book --first --another --yes --fields id,status,start"
    set_up = ("--clock", "2027-03-01T09:00:00+01:00", "--delay", "1h", "--seed", "7")
    endings = [
        gpcli("sandbox", "run", *set_up, "--", "bash", "-c", line, env=minimal_env(tmp_path))
        for _ in range(2)
    ]
    assert endings[0].out == endings[1].out
    assert "status:\tpending\nstart:\t2027-03-03T08:40:00+01:00\n" in endings[0].out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--as nobody -- true", 3, "no person called 'nobody'; known: ola"),
        ("--as '' -- true", 3, "no person called ''; known: ola"),
        ("--as ola --for emil -- true", 3, "gpcli sandbox people --people {people} lists them."),
        ("--as ola --for emil -- true", 3, "ola has no child called 'emil'; known: none"),
        ("--people / -- true", 2, "The sandbox can't be made so: / can't be read: Is a directory."),
        ("--as ada", 2, "gpcli sandbox run --help shows how it is used."),
        ("--clock tomorrow -- true", 2, "Write 2027-03-01T09:00:00+01:00."),
        ("--clock 2027-03-01T09:00:00 -- true", 2, "Write 2027-03-01T09:00:00+01:00."),
        ("--clock 9999-12-31T00:00:00Z -- true", 2, "from the year 1970 to 8999, not to the year"),
        ("--clock 0001-01-01T00:00:00Z -- true", 2, "from the year 1970 to 8999, not to the year"),
        ("--as ola --clock 2300-01-01T00:00:00Z -- true", 2, "more than a hundred years from now"),
        ("--delay long -- true", 2, "--delay 'long' is not a length of time."),
        ("--people /nope.json -- true", 3, "There is no file '/nope.json'."),
        ("--as ola -- /no/program", 127, "'/no/program' can't be run: No such file or directory."),
    ],
)
def test_what_cannot_be_run_is_named(shell_of, people, words, code, said):
    ending = shell_of("ada")(f"gpcli sandbox run --people {people} {words}")
    assert (ending.code, ending.out) == (code, "")
    assert ending.err.startswith("gpcli: ")
    assert said.format(people=people) in ending.err


@pytest.fixture
def commands(tmp_path):
    """Files on the PATH that are no commands, each by its name."""
    (tmp_path / "a-directory").mkdir()
    (tmp_path / "a-text").write_text("#!/bin/sh\n")
    (tmp_path / "an-orphan").write_text("#!/no/interpreter\n")
    (tmp_path / "an-orphan").chmod(0o700)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("nosuch", 127, "no_program"),
        ("{}/nosuch", 127, "no_program"),
        ("an-orphan", 127, "no_program"),
        ("a-text", 126, "not_executable"),
        ("{}/a-text", 126, "not_executable"),
        ("{}/a-text/below", 126, "not_executable"),
        ("{}/a-directory", 126, "not_executable"),
    ],
)
def test_a_command_that_can_t_be_started_ends_as_env_does(
    shell_of, people, commands, name, code, word
):
    path, name = f"{commands}{os.pathsep}{os.environ['PATH']}", name.format(commands)

    ending = shell_of("ada").with_env(PATH=path)(
        f"gpcli --json sandbox run --people {people} --as ola -- {name}"
    )

    by_env = subprocess.run(["env", name], env={"PATH": path}, capture_output=True, check=False)
    assert ending.refused == (code, word, "")
    assert (by_env.returncode, ending.error["exit"]) == (code, code)
    assert ending.error["message"].startswith(f"'{name}' can't be run: ")


@dataclass(frozen=True)
class Served:
    """A sandbox that serves, and the variables of shells beside it."""

    base: str
    env: dict[str, str]
    process: subprocess.Popen[str]

    @property
    def shell(self) -> Shell:
        """A shell in this process."""
        return Shell(self.env, lambda: MONDAY)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A portal served by another process."""
    env = minimal_env(tmp_path_factory.mktemp("home"))
    process = start_gpcli("sandbox", "serve", "--delay", "1h", env=env)
    base = process.stdout.readline().strip()
    yield Served(base, env, process)
    process.send_signal(signal.SIGTERM)
    wait_for_end(process)


def test_where_it_serves_is_known_to_its_owner_alone(beside):
    path = Path(beside.env["HOME"], "state", "sandboxes", "default.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"{json.loads(path.read_text())['url']}/fhir/R4" == beside.base


def test_env_points_a_shell_at_it(beside):
    line = f'eval "$({PYTHON} sandbox env guro --as emil)"; {PYTHON} whoami --fields patient'
    assert shell(line, beside.env) == CommandResult(0, "Emil Hagen\n", "")


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("bash", "export GPCLI_PORTAL={}"),
        ("fish", "set -gx GPCLI_PORTAL {}"),
        ("powershell", "$env:GPCLI_PORTAL = '{}'"),
        ("github", "GPCLI_PORTAL={}"),
    ],
)
def test_env_speaks_every_shell(beside, name, begins):
    lines = beside.shell(f"gpcli sandbox env ada --shell {name}").out.splitlines()
    assert lines[0] == begins.format(beside.base)
    assert len(lines) == 6


def read_github_env(text):
    """What GitHub's runner takes from $GITHUB_ENV: it refuses lines that are no NAME=VALUE."""
    pairs = [line.partition("=") for line in text.splitlines()]
    assert all(re.fullmatch(r"\w+", name) and equals for name, equals, _ in pairs)
    return {name: value for name, _, value in pairs}


def test_env_for_github_keeps_the_token_out_of_logs_and_the_mask_out_of_the_file(beside):
    ending = beside.shell("gpcli sandbox env ada --shell github")
    values = read_github_env(ending.out)
    assert ending.err == f"::add-mask::{values['GPCLI_TOKEN']}\n"
    assert values["GPCLI_PORTAL"] == beside.base


def test_env_is_an_object_in_json(beside):
    values = beside.shell.json("gpcli sandbox env guro --as emil")
    jsonschema.validate(values, find_schema("sandbox env"))
    assert list(values) == [
        *("GPCLI_PORTAL", "GPCLI_ENVIRONMENT", "GPCLI_TOKEN", "GPCLI_PATIENT", "GPCLI_FHIR_USER"),
        "GPCLI_SMOKE_OTHER_PATIENT",
    ]
    assert values["GPCLI_SMOKE_OTHER_PATIENT"] == "ada"
    inside = Shell({"GPCLI_CONFIG_DIR": beside.env["HOME"], **values}, beside.shell.now)
    assert inside("gpcli whoami --fields patient").out == "Emil Hagen\n"


def test_one_variable_of_env_is_its_value_alone(beside):
    assert beside.shell("gpcli sandbox env ada --fields GPCLI_PORTAL").out == f"{beside.base}\n"
    assert beside.shell("gpcli sandbox env ada --fields ''").out.splitlines()[1] == (
        "GPCLI_ENVIRONMENT"
    )


@pytest.mark.parametrize("option", ["--json", "--ndjson", "--fields GPCLI_PORTAL"])
def test_lines_for_a_shell_are_no_record(beside, option):
    ending = beside.shell(f"gpcli sandbox env ada --shell fish {option}")
    assert (ending.code, ending.out) == (2, FISH)


@pytest.mark.parametrize("option", ["--json", "--ndjson", "--fields GPCLI_TOKEN"])
def test_a_record_that_fails_leaves_stdout_empty(beside, option):
    assert beside.shell(f"gpcli sandbox env nobody {option}").out == ""


@pytest.mark.parametrize("name", ["bash", "fish", "powershell", "github"])
def test_env_that_fails_prints_what_makes_later_calls_fail(tmp_path, name):
    nowhere = Shell(minimal_env(tmp_path), lambda: MONDAY)
    ending = nowhere(f"gpcli sandbox env ada --shell {name}")
    assert (ending.code, ending.out.count("\n")) == (3, 1)
    assert re.fullmatch(r".*GPCLI_PORTAL[ =]+'?no-sandbox'?\n", ending.out)


def test_after_an_env_that_failed_every_command_exits_2(tmp_path):
    line = f'eval "$({PYTHON} sandbox env ada)"; {PYTHON} services; echo "status $?"'
    ending = shell(line, minimal_env(tmp_path))
    assert ending.out == "status 2\n"
    assert "gpcli: No sandbox is being served.\n" in ending.err
    assert (
        "gpcli: GPCLI_PORTAL or GPCLI_ENVIRONMENT: 'no-sandbox' is not a web address" in ending.err
    )


def test_a_person_it_does_not_know_fails_closed_too(beside):
    ending = beside.shell("gpcli sandbox env nobody")
    assert (ending.code, ending.out) == (3, "export GPCLI_PORTAL=no-sandbox\n")
    assert "gpcli sandbox people lists who there is." in ending.err


BASH = "export GPCLI_PORTAL=no-sandbox\n"
FISH = "set -gx GPCLI_PORTAL no-sandbox\n"
POWERSHELL = "$env:GPCLI_PORTAL = 'no-sandbox'\n"


@pytest.mark.parametrize(
    ("line", "closing"),
    [
        ("sandbox env", BASH),
        ("sandbox env ada bo", BASH),
        ("sandbox env ada --shell tcsh", BASH),
        ("sandbox env ada --shell", BASH),
        ("sandbox env ada --shel bash", BASH),
        ("sandbox env ada --shel fish", FISH),
        ("sandbox env --shell=fish --fields", FISH),
        ("sandbox env ada --shell PowerShell", POWERSHELL),
        ("sandbox env --shell fish --shell powershell", POWERSHELL),
        ("sandbox env fish --as", BASH),
        ("sandbox env --push fish", BASH),
        ("sandbox env ada --json --plain", ""),
        ("sandbox env ada --yes", BASH),
        ("sandbox env ada --timeout 0", BASH),
        ("--timeout never sandbox env ada --shell fish", FISH),
        ("sandbox --timeout 0 env ada", BASH),
        ("--profile sandbox env ada", BASH),
        ("sandbox --as env ada", BASH),
        ("--profil demo sandbox env ada", BASH),
        ("--profile services sandbox env ada --bogus", BASH),
        ("--timeout sandbox env services", BASH),
    ],
)
def test_a_line_that_is_wrong_fails_closed_in_the_shell_that_it_names(shell_of, line, closing):
    ending = shell_of("ada")(f"gpcli {line}")
    assert (ending.code, ending.out) == (2, closing)
    assert ending.err.startswith(("gpcli: ", '{"error"'))


@pytest.mark.parametrize(
    "line",
    [
        "sandbox people env",
        "sandbox reset --yes",
        "sandbox run --as ada --clock tomorrow -- env true",
        "sandbox advance soon",
        "sandbox",
        "env ada",
    ],
)
def test_other_commands_that_fail_leave_stdout_alone(shell_of, line):
    assert "no-sandbox" not in shell_of("ada")(f"gpcli {line}").out


def test_an_env_that_is_interrupted_fails_closed_too(tmp_path):
    def interrupted(*session_parts):
        raise KeyboardInterrupt

    out = io.StringIO()
    streams = (io.StringIO(), out, io.StringIO())
    code = run_command_line(["sandbox", "env", "ada"], minimal_env(tmp_path), *streams, interrupted)
    assert (code, out.getvalue()) == (130, BASH)


def test_an_env_whose_output_nobody_takes_says_so(tmp_path):
    ending = shell(f"{PYTHON} sandbox env ada >/dev/full", minimal_env(tmp_path))
    assert (ending.code, ending.out) == (1, "")
    assert "Standard output can't be written: No space left on device." in ending.err


@pytest.mark.parametrize("words", ["ada --shell tcsh", "ada --shel bash", "", "ada --timeout 0"])
def test_after_an_env_line_that_was_wrong_nothing_is_sent_to_the_own_portal(live, tmp_path, words):
    profile = f"{PYTHON} profile add mine {live.fhir_base} --environment sandbox >/dev/null"
    line = f'{profile}; eval "$({PYTHON} sandbox env {words} 2>/dev/null)"; {PYTHON} book --yes'
    ending = shell(line, minimal_env(tmp_path))
    assert (ending.code, ending.out) == (2, "")
    assert "'no-sandbox' is not a web address" in ending.err


def test_people_are_the_eight(beside):
    ending = beside.shell("gpcli sandbox people --fields person")
    assert ending.out.split() == ["ada", "bo", "cecilie", "david", "eva", "finn", "guro", "hans"]


def test_advance_lets_the_surgery_answer_and_reset_begins_again(beside):
    line = f"""
        set -e
        eval "$({PYTHON} sandbox env ada)"
        {PYTHON} book --first --another --yes --fields status 2>/dev/null
        {PYTHON} sandbox advance 2h >/dev/null
        {PYTHON} appointments list --fields status
        {PYTHON} sandbox reset
        {PYTHON} appointments list --fields status
    """
    ending = shell(line, beside.env)
    assert ending == CommandResult(
        0, "pending\nbooked\nbooked\nbooked\n", "Everything is as it was at the start.\n"
    )


def test_what_runs_inside_controls_the_sandbox_that_it_runs_in(tmp_path):
    line = f"""
        set -e
        {PYTHON} sandbox people --fields person | head -1
        {PYTHON} book --first --another --yes --fields status 2>/dev/null
        {PYTHON} sandbox advance 2h >/dev/null
        {PYTHON} appointments list --fields status
        eval "$({PYTHON} sandbox env bo)"
        {PYTHON} sandbox advance 1d >/dev/null
        {PYTHON} sandbox reset
        {PYTHON} whoami --fields patient
        stat -c %a "$GPCLI_CONFIG_DIR/state/sandboxes/run.json"
    """
    ending = gpcli(
        *("sandbox", "run", "--as", "ada", "--delay", "1h", "--", "bash", "-c", line),
        env=minimal_env(tmp_path),
    )
    assert (ending.code, ending.out.splitlines()) == (
        0,
        ["ada", "pending", "booked", "booked", "Bo Lindvik", "600"],
    )
    assert ending.err == "Everything is as it was at the start.\n"
    assert list(tmp_path.iterdir()) == []


def test_what_runs_inside_does_not_see_the_sandbox_that_is_served_outside(beside, people):
    line = f"{PYTHON} sandbox people --fields person"
    ending = gpcli(
        *("sandbox", "run", "--people", str(people), "--as", "ola", "--", "bash", "-c", line),
        env=beside.env,
    )
    assert ending == CommandResult(0, "ola\n", "")


def program(place, mode=0o700):
    """A directory with a file called gpcli."""
    place.mkdir()
    (place / "gpcli").touch(mode)
    return place


def test_the_first_place_with_a_gpcli_to_run_comes_first_on_the_path(tmp_path):
    empty, text = tmp_path / "empty", program(tmp_path / "text", 0o600)
    first, second = program(tmp_path / "first"), program(tmp_path / "second")
    assert prepend_program_dir("/bin", [empty, text, first, second]) == f"{first}:/bin"
    assert prepend_program_dir("", [second]) == str(second)


def test_where_no_gpcli_is_to_be_found_the_path_stays_as_it_is(tmp_path):
    (tmp_path / "dir" / "gpcli").mkdir(parents=True)
    assert prepend_program_dir("/bin", [tmp_path, tmp_path / "dir"]) == "/bin"


def test_the_package_s_own_directory_is_not_on_the_path_inside(tmp_path, people):
    ending = gpcli(
        *("sandbox", "run", "--people", str(people), "--as", "ola"),
        *("--", "sh", "-c", 'echo "$PATH"'),
        env=minimal_env(tmp_path),
    )
    assert str(Path(sandbox_env.__file__).parents[1]) not in ending.out.strip().split(":")


@pytest.mark.parametrize("step", ["soon", "''"])
def test_a_step_that_is_no_time_is_usage(shell_of, step):
    assert shell_of("ada")(f"gpcli sandbox advance {step} --json").refused == (2, "usage", "")


@pytest.mark.parametrize("command", ["reset", "advance 1d", "env ada"])
def test_controls_without_a_served_sandbox_say_how_to_serve_one(shell_of, command):
    ending = shell_of("ada")(f"gpcli sandbox {command}")
    assert ending.code == 3
    assert ending.err == (
        "gpcli: No sandbox is being served.\n  Start one with gpcli sandbox serve.\n"
    )


def test_a_port_that_is_taken_is_usage_and_names_the_option(shell_of, people):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ending = shell_of("ada")(f"gpcli sandbox serve --people {people} --port {port}")
    assert ending == CommandResult(
        2,
        "",
        f"gpcli: The sandbox can't be served: port {port} is taken (Address already in use).\n"
        "  --port N chooses another one; without it, any free one is taken.\n",
    )


def test_a_sandbox_that_is_stopped_leaves_no_trace(tmp_path, people):
    env = minimal_env(tmp_path)
    process = start_gpcli("sandbox", "serve", "--people", str(people), env=env)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    ending = wait_for_end(process)
    assert (ending.code in {0, 143}, ending.out) == (True, "")
    assert list(Path(tmp_path, "state", "sandboxes").glob("*.json")) == []
    assert gpcli("sandbox", "reset", env=env).code == 3
