"""A command that prints an access token: run when one is needed, once more when it is refused."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gpcli.cli.sandbox_env import build_variables
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell
from tests.journeys.world import World

TELLER = """\
import json, pathlib, sys
here = pathlib.Path(__file__).parent
told = here / "told.json"
runs = json.loads(told.read_text()) if told.exists() else []
runs.append({"words": sys.argv[1:]})
told.write_text(json.dumps(runs))
lines = (here / "tokens.txt").read_text().splitlines()
print(lines[min(len(runs), len(lines)) - 1])
"""


class Teller:
    """A command that prints `tokens`, one a run and the last one ever after."""

    def __init__(self, home: Path, *tokens: str) -> None:
        self._home = home
        (home / "teller.py").write_text(TELLER, encoding="utf-8")
        (home / "tokens.txt").write_text("\n".join(tokens), encoding="utf-8")
        self.command = f"'{sys.executable}' '{home / 'teller.py'}' 'for gpcli'"

    @property
    def runs(self) -> list[dict]:
        told = self._home / "told.json"
        return json.loads(told.read_text()) if told.exists() else []


@pytest.fixture
def shell_running(world: World, tmp_path: Path) -> Callable[[str], Shell]:
    """`shell_running("pass gp/token")`: Ada's shell with GPCLI_TOKEN_COMMAND instead of a token."""

    def build(command: str) -> Shell:
        values = build_variables(world.sandbox.fhir_base, "", "ada", "Patient/ada")
        del values["GPCLI_TOKEN"]
        env = {**values, "GPCLI_CONFIG_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
        return Shell({**env, "GPCLI_TOKEN_COMMAND": command}, world.now)

    return build


def good(sandbox: Sandbox) -> str:
    return sandbox.issue_token("ada").access_token


def test_the_token_that_a_command_prints_is_used(shell_running, world, tmp_path):
    teller = Teller(tmp_path, good(world.sandbox))
    assert shell_running(teller.command).json("gpcli gp")[0]["id"] == "gp-haugland"
    [run] = teller.runs
    assert run["words"] == ["for gpcli"]


def test_a_profile_can_name_the_command(shell_running, world, tmp_path):
    teller = Teller(tmp_path, good(world.sandbox))
    (tmp_path / "config.toml").write_text(
        f'[profiles.night]\nportal = "{world.sandbox.fhir_base}"\nenvironment = "sandbox"\n'
        f"token_command = {json.dumps(teller.command)}\n",
        encoding="utf-8",
    )
    shell = shell_running("unused").without("GPCLI_PORTAL", "GPCLI_TOKEN_COMMAND")
    seen = shell.json("gpcli whoami")
    assert (seen["machine"], seen["renews"]) == ("token_command", True)
    assert seen["patient"] == {"id": "ada", "name": "Ada Solberg"}
    assert seen["acting_user"] == {"id": "ada", "name": "Ada Solberg"}
    assert (
        shell("gpcli logout --json")
        .error["message"]
        .startswith("A machine signs in here by token_command:")
    )


def test_a_command_of_the_variables_is_not_for_the_portal_of_a_flag(shell_running, world, tmp_path):
    teller = Teller(tmp_path, good(world.sandbox))
    shell = shell_running(teller.command)
    shell(f"gpcli profile add other {world.sandbox.fhir_base} --environment sandbox")
    assert shell("gpcli gp --profile other --json").refused == (4, "not_signed_in", "")
    assert teller.runs == []


def test_a_refused_token_makes_it_run_once_more(shell_running, world, tmp_path):
    teller = Teller(tmp_path, "an-old-one", good(world.sandbox))
    assert shell_running(teller.command)("gpcli services").code == 0
    assert len(teller.runs) == 2


def test_a_refused_token_that_it_prints_again_is_the_end(shell_running, tmp_path):
    teller = Teller(tmp_path, "an-old-one")
    ending = shell_running(teller.command)("gpcli services --json")
    assert ending.refused == (4, "expired", "")
    assert ending.error["message"] == (
        "The portal does not accept the token that GPCLI_TOKEN_COMMAND prints."
    )
    assert len(teller.runs) == 2


def test_another_refused_token_is_the_end_too(shell_running, tmp_path):
    teller = Teller(tmp_path, "an-old-one", "another-old-one")
    ending = shell_running(teller.command)("gpcli services --json")
    assert ending.refused == (4, "expired", "")
    assert ending.error["message"].startswith("The portal does not accept this sign-in.")
    assert ending.error["hint"] == (
        "Its command must print a token of this portal that has not ended."
    )
    assert len(teller.runs) == 2


def test_a_command_runs_for_what_needs_a_token_alone(shell_running, tmp_path):
    teller = Teller(tmp_path, "unused")
    shell_running(teller.command)("gpcli profile list")
    assert teller.runs == []


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit('no\\x1b[31m luck')", "failed (exit status 1)"),
        ("", "printed nothing"),
        ("print('two\\nlines')", "printed something that has several lines: that is no token"),
    ],
)
def test_a_command_that_gives_no_token_says_why(shell_running, script, why):
    ending = shell_running(f'"{sys.executable}" -c "{script}"')("gpcli gp --json")
    assert ending.refused == (4, "no_token", "")
    assert ending.error["message"] == f"The command in GPCLI_TOKEN_COMMAND {why}."


def test_what_a_failing_command_said_is_shown_without_what_a_terminal_would_obey(shell_running):
    script = "import sys; sys.exit('no\\x1b[31m luck')"
    ending = shell_running(f'"{sys.executable}" -c "{script}"')("gpcli gp")
    assert (ending.code, "\x1b" in ending.err) == (4, False)
    assert "It said: no" in ending.err


def test_a_token_and_a_command_at_once_are_refused(shell_running):
    ending = shell_running("true").with_env(GPCLI_TOKEN="x")("gpcli gp --json")
    assert ending.refused == (2, "config", "")
    assert ending.error["message"] == "GPCLI_TOKEN and GPCLI_TOKEN_COMMAND are both set."


def test_a_command_without_a_portal_is_refused(shell_running):
    ending = shell_running("true").without("GPCLI_PORTAL")("gpcli gp --json")
    assert ending.refused == (2, "config", "")


def test_a_key_and_a_command_at_once_are_refused(shell_running, tmp_path):
    (tmp_path / "config.toml").write_text(
        '[profiles.night]\nportal = "http://127.0.0.1:9/fhir"\nenvironment = "sandbox"\n'
        'token_command = "true"\nkey_file = "k.jwk"\n',
        encoding="utf-8",
    )
    shell = shell_running("x").without("GPCLI_PORTAL", "GPCLI_TOKEN_COMMAND")
    ending = shell("gpcli gp --json")
    assert ending.refused == (2, "config", "")
    assert "both token_command and key_file" in ending.error["message"]
