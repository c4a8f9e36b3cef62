"""A shell in this process: plays command lines as the program would, and tells how they ended."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import httpx

from gpcli.app_context import AppContext
from gpcli.auth.vault import Vault
from gpcli.cli.run import run_command_line
from gpcli.cli.sandbox_env import build_variables
from gpcli.config.settings import Options
from gpcli.render.terminal import Terminal
from gpcli.sandbox.server import Sandbox

PIPED = Terminal(stdin_tty=False, stdout_tty=False, stderr_tty=False)
AN_HOUR = 3600.0
SCREEN = Terminal(stdin_tty=True, stdout_tty=True, stderr_tty=True, width=200)


_PLAN = re.compile(r" --confirm plan-[a-z2-9]{12} in place of --dry-run [^.]+, until \d\d:\d\d\.")
"""What a dry run says of its plan's id."""


def without_plan(text: str) -> str:
    """What a dry run says, without its plan's id, which is another each time."""
    return _PLAN.sub("", text)


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: exit status, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer of `--json`."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of plain lines."""
        return [line.split("\t") for line in self.out.splitlines()]

    @property
    def stderr_json(self) -> list[dict[str, Any]]:
        """What `--json` says on standard error."""
        return [json.loads(line) for line in self.err.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """The error that `--json` said last."""
        return self.stderr_json[-1]["error"]

    @property
    def refused(self) -> tuple[int, str, str]:
        """Exit code, error word and standard output of a refusal under `--json`."""
        return self.code, self.error["code"], self.out


def forbidden(seconds: float) -> None:
    """How tests sleep."""
    raise AssertionError(f"a test would sleep for {seconds} s")


def at_once(seconds: float) -> None:
    """How tests wait before a request is tried again: not at all."""


@dataclass(frozen=True)
class Shell:
    """One person's shell: `shell("gpcli slots --limit 1")`.

    `env` are its variables, `now` its clock. `typing` is what the person types, for `terminal`
    tells whether there is one to type at. A command that waits is given a `sleep` to do it with;
    `stderr` can be read meanwhile. `stdout` may be one that takes nothing. `transport` leads to a
    portal that is not on the network. `elapsed` is what waiting is measured by.
    """

    env: Mapping[str, str]
    now: Callable[[], datetime]
    vault: Vault | None = None
    browse: Callable[[str], bool] | None = None
    terminal: Terminal = PIPED
    typing: str | TextIO = ""
    stderr: io.StringIO | None = None
    stdout: io.StringIO | None = None
    sleep: Callable[[float], None] = forbidden
    elapsed: Callable[[], float] | None = None
    transport: httpx.BaseTransport | None = None

    def __call__(self, line: str | Sequence[str]) -> CommandResult:
        """Play one line that begins with `gpcli`."""
        words = shlex.split(line) if isinstance(line, str) else list(line)
        assert words[0] == "gpcli"
        stdin = io.StringIO(self.typing) if isinstance(self.typing, str) else self.typing
        stdout, stderr = self.stdout or io.StringIO(), self.stderr or io.StringIO()
        code = run_command_line(words[1:], self.env, stdin, stdout, stderr, self._session)
        return CommandResult(code, stdout.getvalue(), stderr.getvalue())

    def json(self, line: str) -> Any:
        """The JSON answer of a line that succeeds."""
        ending = self(f"{line} --json")
        assert ending.code == 0, ending
        return ending.json

    def with_env(self, **changes: str) -> Shell:
        """The same shell with more variables."""
        return replace(self, env={**self.env, **changes})

    def without(self, *names: str) -> Shell:
        """The same shell without some variables."""
        return replace(self, env={name: self.env[name] for name in self.env if name not in names})

    def at_a_screen(self, typing: str | TextIO = "") -> Shell:
        """The same shell with a person before a terminal who types `typing`."""
        return replace(self, terminal=SCREEN, typing=typing)

    def at(self, now: Callable[[], datetime]) -> Shell:
        """The same shell by another clock."""
        return replace(self, now=now)

    def _session(self, options: Options, env: Mapping[str, str], *streams: Any) -> AppContext:
        return AppContext(
            options,
            env,
            *streams,
            now=self.now,
            vault=self.vault,
            browse=self.browse,
            terminal=self.terminal,
            sleep=self.sleep,
            elapsed=self.elapsed,
            transport=self.transport,
            patience=AN_HOUR,  # that a machine is busy is no news to a test
        )


def shell_for(
    sandbox: Sandbox,
    config: Path,
    person: str,
    now: Callable[[], datetime],
    acting_for: str | None = None,
) -> Shell:
    """A shell with a token for `person` among its variables, and an empty configuration."""
    token = sandbox.issue_token(person, acting_for)
    values = build_variables(sandbox.fhir_base, token.access_token, token.patient, token.fhir_user)
    return Shell({**values, "GPCLI_CONFIG_DIR": str(config)}, now)
