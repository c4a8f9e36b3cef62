"""The page of recipes for scripts: what it shows is what the real programs do.

`apt-get install cron jq make`. A fence under a file's name is that file; a console fence is lines
typed into a shell, each with what it prints, `...` for what differs from day to day.
"""

from __future__ import annotations

import doctest
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from gpcli.sandbox.server import Sandbox
from tests.journeys.process import ROOT, as_person, minimal_env, shell, start_gpcli, wait_for_end
from tests.journeys.shell import CommandResult
from tests.real.flow import at_the, sign_in

PAGE = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
FENCE = re.compile(r"(?:^`([^`\n]+)`\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.REPORT_NDIFF


@dataclass(frozen=True)
class Recipe:
    """One section: its files, by path, and its consoles, each as lines typed and their output."""

    files: dict[str, str] = field(default_factory=dict)
    consoles: list[list[tuple[str, str]]] = field(default_factory=list)


def read_recipe(section: str) -> Recipe:
    recipe = Recipe()
    for name, language, text in FENCE.findall(section):
        if name:
            recipe.files[name] = text
        elif language == "console":
            typed = re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", text, re.MULTILINE)
            recipe.consoles.append(typed)
    return recipe


def read_recipes(page: str) -> dict[str, Recipe]:
    """The sections of a page, by their titles."""
    sections = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return {title: read_recipe(section) for title, section in sections}


RECIPES = read_recipes(PAGE)


TRIAL = read_recipe(PAGE.split("\n## ")[0])
"""How three of the recipes are tried."""


@dataclass(frozen=True)
class Place:
    """A home with a recipe's files in it."""

    recipe: Recipe
    env: dict[str, str]

    @property
    def home(self) -> Path:
        return Path(self.env["HOME"])

    def run(self, line: str, **more: str) -> CommandResult:
        return shell(line, {**self.env, **more})

    def play(self, number: int) -> None:
        """Type a console's lines; what comes is what the page shows, but for signs of progress."""
        for line, expected in self.recipe.consoles[number]:
            lines = self.run(f"exec 2>&1; {line}").out.splitlines(keepends=True)
            shown = "".join(each for each in lines if not each.startswith('{"progress"'))
            assert doctest.OutputChecker().check_output(expected, shown, FLAGS), (line, shown)


def lay_out(recipe: Recipe, env: dict[str, str]) -> Place:
    write_files(recipe, Path(env["HOME"]))
    return Place(recipe, env)


def write_files(recipe: Recipe, home: Path) -> None:
    for name, text in recipe.files.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o700 if text.startswith("#!") else 0o600)


@pytest.fixture(scope="module")
def key() -> ECKey:
    return ECKey.generate_key("P-384", {"kid": "night"}, private=True)


@pytest.fixture(scope="module")
def started(key, tmp_path_factory) -> Iterator[Sandbox]:
    known = tmp_path_factory.mktemp("keys") / "public.jwk"
    known.write_text(json.dumps(key.as_dict(private=False)), encoding="utf-8")
    with Sandbox(machine=known, auto_sign_in=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started) -> Iterator[Sandbox]:
    yield started
    started.clear_faults()
    started.reset()


@pytest.fixture
def place(sandbox, tmp_path) -> Callable[..., Place]:
    """`place("A nightly check")`: a recipe's files at the home of Ada, who has a token."""
    return lambda title, person="ada": lay_out(RECIPES[title], as_person(sandbox, tmp_path, person))


@pytest.fixture
def machine(sandbox, tmp_path, key) -> Callable[[str], Place]:
    """The same for a machine with a key and the page's profile: no keyring, and no bus."""

    def build(title: str) -> Place:
        env = minimal_env(tmp_path, GPCLI_PROFILE="night")
        del env["GPCLI_CONFIG_DIR"]
        laid = lay_out(RECIPES[title], env)
        ours = {
            "https://portal.example/fhir/R4": sandbox.fhir_base,
            '"production"': '"sandbox"',
            '"night-job"': '"my-machine"',
        }
        config = RECIPES["From cron"].files[".config/gpcli/config.toml"]
        assert [each for each in ours if each not in config] == []
        for theirs, own in ours.items():
            config = config.replace(theirs, own)
        directory = tmp_path / ".config" / "gpcli"
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in {
            "config.toml": config,
            "night-job.jwk": json.dumps(key.as_dict(private=True)),
        }.items():
            (directory / name).write_text(text, encoding="utf-8")
            (directory / name).chmod(0o600)
        return laid

    return build


@pytest.fixture
def nowhere() -> str:
    """The address of a portal that is down."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}/fhir/R4"


def bookings(place: Place, **more: str) -> int:
    """How many of a recipe's bookings there are."""
    listed = place.run("gpcli appointments list --json", **more).json
    return [each["reason"] for each in listed].count("Check-up")


def test_the_table_names_the_recipes_and_leads_to_them():
    table = re.findall(r"^\| \[([^]]+)\]\(#([^)]+)\) \|", PAGE, re.MULTILINE)
    assert [title for title, _ in table] == list(RECIPES)
    anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in RECIPES]
    assert [anchor for _, anchor in table] == anchors


def test_no_fence_is_left_out():
    read = sum(len(each.files) + len(each.consoles) for each in (TRIAL, *RECIPES.values()))
    assert read + PAGE.count("```sh\ngpcli sandbox run") == len(
        re.findall(r"^```\w+$", PAGE, re.MULTILINE)
    )


def test_no_line_of_a_recipe_has_a_token_as_an_argument():
    files = "".join(text for each in RECIPES.values() for text in each.files.values())
    assert "$GPCLI_TOKEN" not in files


# How to try three of them


def play_in_one_shell(console: list[tuple[str, str]], env: dict[str, str]) -> None:
    ran = shell("exec 2>&1\n" + "".join(line for line, _ in console), env)
    expected = "".join(output for _, output in console)
    assert doctest.OutputChecker().check_output(expected, ran.out, FLAGS), ran.out


@contextmanager
def serving(env: dict[str, str]) -> Iterator[None]:
    """What the page serves in one shell."""
    [words] = re.findall(r"`gpcli (sandbox serve [^`]+)`", PAGE.split("\n## ")[0])
    process = start_gpcli(*words.split(), env=env)
    try:
        assert "Serving until Ctrl-C." in process.stderr.readline()
        yield
    finally:
        process.terminate()
        wait_for_end(process)


def test_xargs_and_cron_are_tried_at_a_portal_that_is_served(tmp_path):
    env = minimal_env(tmp_path)
    for each in (TRIAL, RECIPES["Several at a time, with xargs"], RECIPES["From cron"]):
        write_files(each, tmp_path)
    (tmp_path / ".config/gpcli/config.toml").unlink()

    with serving(env):
        play_in_one_shell(TRIAL.consoles[0], env)


def test_the_loop_is_tried_at_a_portal_that_is_served(desktop):
    """Its sign-ins go through a browser, which stands in for the person's here."""
    desktop.start_keyring()
    laid = lay_out(RECIPES["A loop over people"], at_the(desktop))
    typed = TRIAL.consoles[1]
    hints = [re.fullmatch(r'gpcli login "\$portal" --hint (\w+)\n', line) for line, _ in typed]

    with serving(laid.env):
        portal = laid.run(f"{typed[0][0].strip()}; echo $portal").out.strip()
        signed_in = [sign_in(laid.env, portal, person=hint[1]).code for hint in hints if hint]
        play_in_one_shell(typed[-1:], laid.env)

    assert signed_in == [0, 0]


# A nightly check


@pytest.fixture
def nightly(place) -> Place:
    return place("A nightly check")


def last_report(nightly: Place) -> Path:
    return nightly.home / ".local/state/gpcli-nightly/last.json"


def test_the_nightly_check_tells_what_is_new(nightly, sandbox):
    first = nightly.run("./nightly.sh")
    sandbox.add_fault("GET Slot: lost-entry")
    nightly.play(0)
    same = nightly.run("./nightly.sh")
    assert (first.code, first.out) == (0, "")
    assert (same.code, same.out) == (11, "")
    assert last_report(nightly).with_name("smoke.xml").read_text().startswith("<?xml")


def test_a_night_without_a_portal_keeps_the_last_report(nightly, nowhere):
    nightly.run("./nightly.sh")
    kept = last_report(nightly).read_bytes()
    down = nightly.run("./nightly.sh", GPCLI_PORTAL=nowhere)
    assert down.refused == (6, "unreachable", "")
    assert last_report(nightly).read_bytes() == kept


# A gate before a deployment


@pytest.fixture
def gate(place) -> Place:
    return place("A gate before a deployment")


def test_the_gate_lets_a_good_portal_through(gate):
    gate.play(0)


def test_the_gate_blocks_a_portal_that_loses_identifiers(gate, sandbox):
    [rule] = re.findall(r"`gpcli sandbox run --fault '([^']+)' -- \./gate\.sh`", PAGE)
    sandbox.add_fault(rule)
    gate.play(1)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({"GPCLI_TOKEN": "not-a-token"}, 4, "gate: closed, nobody is signed in: gpcli login\n"),
        ({"GPCLI_ENVIRONMENT": "production"}, 5, "gate: closed, not checked (exit code 5)\n"),
    ],
)
def test_the_gate_says_why_it_is_closed(gate, more, code, said):
    shut = gate.run("./gate.sh && echo Deploying", **more)
    assert (shut.code, shut.out) == (code, "")
    assert shut.err.startswith(said)


def test_the_gate_waits_for_a_portal_and_stays_closed(gate, nowhere):
    shut = gate.run("./gate.sh && echo Deploying", GPCLI_PORTAL=nowhere, GATE_WAIT="1s")
    assert (shut.code, shut.out) == (6, "")
    assert shut.err == "gate: closed, the portal does not answer\n"


# A loop over people


@pytest.fixture
def family(desktop, sandbox) -> Place:
    """Ada and Guro are signed in, in a real keyring."""
    desktop.start_keyring()
    env = at_the(desktop)
    for person in ("ada", "guro"):
        assert sign_in(env, sandbox.fhir_base, person=person).code == 0
    return lay_out(RECIPES["A loop over people"], env)


def test_the_loop_asks_for_everybody(family):
    family.play(0)


def test_the_loop_goes_on_after_a_session_that_is_over(family, sandbox):
    sandbox.add_fault("GET Communication: revoked-session once")
    ran = family.run("./unread.sh")
    assert ran.code == 4
    assert ran.out == "Ada Solberg: not known (exit code 4)\nGuro Hagen: 1 unread\n"


def test_the_loop_ends_where_nobody_is_signed_in(desktop):
    desktop.start_keyring()
    ran = lay_out(RECIPES["A loop over people"], at_the(desktop)).run("./unread.sh")
    assert (ran.code, ran.out) == (4, "")


# Several at a time


@pytest.fixture
def several(sandbox, tmp_path) -> Place:
    """A profile whose command prints the token of the patient who is asked for."""
    env = minimal_env(tmp_path, GPCLI_PROFILE="night")
    laid = lay_out(RECIPES["Several at a time, with xargs"], env)
    for people in (("ada",), ("bo",), ("guro",), ("guro", "emil")):
        token = sandbox.issue_token(*people)
        (tmp_path / f"token-{token.patient}").write_text(token.access_token)
    command = tmp_path / "token.sh"
    command.write_text('#!/bin/sh\ncat "$HOME/token-$GPCLI_PATIENT"\n')
    command.chmod(0o700)
    (tmp_path / "config.toml").write_text(
        f'[profiles.night]\nportal = "{sandbox.fhir_base}"\nenvironment = "sandbox"\n'
        f'token_command = "{command}"\n'
    )
    return laid


def test_several_patients_are_booked_for_at_once_and_each_once(several):
    several.play(0)
    again = several.run("xargs -n 1 -P 4 ./check-up.sh <patients.txt")
    assert (again.code, again.err) == (0, "")
    assert bookings(several, GPCLI_PATIENT="emil") == 1
    assert bookings(several, GPCLI_PATIENT="guro") == 1


def test_a_lost_answer_is_repeated_and_books_once(several, sandbox):
    sandbox.add_fault("POST Appointment: lost-reply once")
    ran = several.run("./check-up.sh guro")
    assert (ran.code, ran.err) == (0, "")
    assert bookings(several, GPCLI_PATIENT="guro") == 1


def test_xargs_tells_that_one_of_them_failed(several):
    (several.home / "patients.txt").write_text("bo\nguro\n")
    ran = several.run("xargs -n 1 -P 4 ./check-up.sh <patients.txt")
    assert ran.code != 0
    assert ran.out.startswith("guro: booked")
    assert ran.err.startswith("bo: ")


def test_an_empty_list_books_for_nobody(several):
    ran = several.run("xargs -n 1 -P 4 ./check-up.sh </dev/null")
    assert (ran.out, "which patient?" in ran.err) == ("", True)


# cron


def run_as_cron_does(home: Path) -> CommandResult:
    """The command of the crontab's line, with cron's few variables and those of the crontab."""
    table = (home / "crontab").read_text()
    variables = dict(re.findall(r"^([A-Z_]+)=(.*)$", table, re.MULTILINE))
    [command] = re.findall(r"^[\d*][\d*/,-]*(?:\s+[\d*/,-]+){4}\s+(.*)$", table, re.MULTILINE)
    assert "%" not in command
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"HOME": str(home), "LOGNAME": "ada", "SHELL": "/bin/sh", **variables},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cron(machine) -> Place:
    laid = machine("From cron")
    table = laid.home / "crontab"
    table.write_text(table.read_text().replace("/home/ada", str(laid.home)).replace("4711", "ada"))
    program = laid.home / ".local" / "bin" / "gpcli"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m gpcli "$@"\n')
    program.chmod(0o700)
    return laid


def test_cron_takes_the_table(cron):
    assert cron.run("crontab -n crontab").code == 0


def test_cron_renews_what_runs_out_and_is_silent(cron):
    first, again = run_as_cron_does(cron.home), run_as_cron_does(cron.home)
    assert [first, again] == [CommandResult(0, "", "")] * 2
    listed = cron.run("gpcli rx list --low --json", GPCLI_PATIENT="ada").json
    assert "not asked for" not in [
        each["renewal"]["status"] if each["renewal"] else "not asked for"
        for each in listed
        if each["group"] == "C"
    ]


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("* *: 503", 6, "The portal can't be reached; nothing was asked for."),
        ("POST Task: status=500", 10, "No answer came."),
        ("GET MedicationRequest: refuse", 5, "Renewing failed (exit code 5):"),
    ],
)
def test_cron_sends_a_mail_when_it_goes_wrong(cron, sandbox, fault, code, said):
    sandbox.add_fault(fault)
    ran = run_as_cron_does(cron.home)
    assert (ran.code, ran.out.startswith(said)) == (code, True), ran


# make


@pytest.fixture
def made(place) -> Place:
    return place("A Makefile")


def test_make_keeps_the_calendar(made):
    made.play(0)


def test_make_keeps_the_old_calendar_when_the_portal_is_down(made, nowhere):
    (made.home / "gp.ics").write_text("yesterday's")
    ran = made.run("make gp.ics", GPCLI_PORTAL=nowhere)
    assert (ran.code, "Error 6" in ran.err) == (2, True)
    assert [each.name for each in made.home.glob("gp.ics*")] == ["gp.ics"]
    assert (made.home / "gp.ics").read_text() == "yesterday's"


@pytest.mark.parametrize(("line", "code"), [("gpcli whoami >seen", 0), ("exit 3", 2)])
def test_make_runs_ones_own_test_against_a_portal_of_its_own(made, line, code):
    (made.home / "my-test.sh").write_text(f"#!/bin/sh\n{line}\n")
    (made.home / "my-test.sh").chmod(0o700)
    assert made.run("make check", PYTHONPATH=str(ROOT)).code == code


# CI


def run_workflow(laid: Place, **secrets: str) -> dict[str, CommandResult]:
    """The steps after the install, as GitHub's runner starts them, up to one that fails."""
    [text] = laid.recipe.files.values()
    written = re.findall(r"^      (GPCLI_\w+): (.*)$", text, re.MULTILINE)
    known = laid.env | secrets
    env = {
        name: re.sub(r"\$\{\{ \w+\.(\w+) \}\}", lambda found: known[found[1]], word)
        for name, word in written
    }
    steps = re.findall(r"^      - name: (.*)\n        run: (.*)$", text, re.MULTILINE)
    ran: dict[str, CommandResult] = {}
    runner = minimal_env(laid.home, CI="true", GITHUB_STEP_SUMMARY=str(laid.home / "summary.md"))
    for name, line in steps[1:]:
        ran[name] = shell(f"set -e; {line}", {**runner, **env})
        if ran[name].code:
            break
    return ran


@pytest.fixture
def ci(place) -> Place:
    return place("CI without a keyring")


def test_ci_tries_a_staging_portal_without_a_keyring(ci):
    ran = run_workflow(ci)
    assert {name: one.code for name, one in ran.items()} == {"The sign-in": 0, "The contract": 0}
    assert "checks" in (ci.home / "summary.md").read_text()
    said = "".join(one.out + one.err for one in ran.values())
    assert ci.env["GPCLI_TOKEN"] not in said


def test_ci_fails_where_the_portal_breaks_its_contract(ci, sandbox):
    sandbox.add_fault("POST Appointment: lost-identifier")
    assert [one.code for one in run_workflow(ci).values()] == [0, 11]


@pytest.mark.parametrize(("token", "code"), [("", 2), ("not-a-token", 4)])
def test_ci_stops_at_a_secret_that_is_missing_or_over(ci, token, code):
    assert [one.code for one in run_workflow(ci, GPCLI_TOKEN=token).values()] == [code]


def test_ci_stops_at_a_portal_that_is_down(ci, nowhere):
    assert [one.code for one in run_workflow(ci, GPCLI_PORTAL=nowhere).values()] == [6]


# jq


@pytest.fixture
def lines(place) -> Place:
    return place("NDJSON into jq")


def test_jq_takes_each_line(lines):
    lines.play(0)
    ran = lines.run("./run-out.sh")
    assert ran.code == 0
    assert ["Amlodipine", "0"] in [row[1:] for row in ran.rows]


def test_a_pipe_into_jq_keeps_the_exit_code(lines, nowhere):
    ran = lines.run("./run-out.sh", GPCLI_PORTAL=nowhere)
    assert (ran.code, ran.out) == (6, "")


# Python


@pytest.fixture
def program(place) -> Place:
    return place("Python with connect()")


def test_the_program_books_once(program):
    program.play(0)


def test_the_program_goes_on_after_a_lost_answer(program, sandbox):
    sandbox.add_fault("POST Appointment: lost-reply once")
    ran = program.run("python morning.py")
    assert (ran.code, ran.err) == (0, "")
    assert bookings(program) == 1


def test_the_program_ends_as_the_command_line_does(program, nowhere):
    ran = program.run("python morning.py", GPCLI_PORTAL=nowhere)
    assert (ran.code, ran.out) == (6, "")


# pytest


def test_the_plugins_test_passes(place):
    laid = place("A test with the plugin")
    script = laid.home / "check-up.sh"
    script.write_text(RECIPES["Several at a time, with xargs"].files["check-up.sh"])
    script.chmod(0o700)
    # The plugin of this checkout, also where an older gpcli is installed.
    only = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p gpcli.pytest_plugin"}
    Place(laid.recipe, {**laid.env, **only}).play(0)
