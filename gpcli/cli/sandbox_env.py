"""Access to a running sandbox: variables for a shell, and for a command that runs against it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from gpcli.cli.served_sandboxes import ServedSandbox, announce
from gpcli.config.paths import state_dir
from gpcli.errors import ConfigError, NoProgram, NotExecutable

PROGRAM = "gpcli"
_LEFT_OUT_VARIABLES = (
    "GPCLI_PROFILE",
    "GPCLI_AS",
    "GPCLI_FHIR_USER",
    "GPCLI_CLOCK_OFFSET",
    "GPCLI_TOKEN_COMMAND",
    "GPCLI_SMOKE_OTHER_PATIENT",
)
"""Variables that a command in a sandbox must not inherit."""


class Shell(StrEnum):
    """The shell to write exports for; `github` is the format of `$GITHUB_ENV`."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"
    GITHUB = "github"


class BookingWay(StrEnum):
    """How slots of a sandbox are booked. Source: docs/portal.md, Booking."""

    POST = "post"
    OPERATION = "operation"
    TRANSACTION = "transaction"


_SHELL_OPTION = re.compile(rf"(?<!\S)-+sh\w*[ =]({'|'.join(Shell)})(?!\S)", re.IGNORECASE)
"""`--shell SHELL` on a line, also misspelt."""

_RECORD_OPTION = re.compile(r"(?<!\S)--(json|ndjson|fields)(?![\w-])")
"""An option with which the variables are a record, which no shell evaluates."""


@contextmanager
def require_extra(who: str) -> Iterator[None]:
    """Raise ConfigError, naming `who`, if the body, which imports the sandbox, lacks a package."""
    try:
        yield
    except ImportError as missing:
        from gpcli.installation.install_line import (  # noqa: PLC0415  (start-up: only failures)
            word_install_hint,
        )
        from gpcli.installation.requirements import (  # noqa: PLC0415  (start-up: as above)
            find_requirement_error,
        )

        raise find_requirement_error("sandbox") or ConfigError(
            f"The {who} needs packages that are not installed ({missing.name}).",
            hint=word_install_hint(extra="sandbox"),
        ) from missing


def build_variables(
    portal: str, token: str, patient: str, fhir_user: str, other_patient: str | None = None
) -> dict[str, str]:
    """Return the variables with which gpcli uses a sandbox, without configuration or keyring."""
    values = {
        "GPCLI_PORTAL": portal,
        "GPCLI_ENVIRONMENT": "sandbox",
        "GPCLI_TOKEN": token,
        "GPCLI_PATIENT": patient,
        "GPCLI_FHIR_USER": fhir_user,
    }
    return {**values, "GPCLI_SMOKE_OTHER_PATIENT": other_patient} if other_patient else values


def format_exports(shell: Shell, values: Mapping[str, str]) -> list[str]:
    """Format the lines that set `values` in a shell."""
    return [
        _EXPORT_FORMATS[shell].format(name, _quote(shell, value)) for name, value in values.items()
    ]


def format_mask(token: str) -> str:
    """Format the command by which GitHub's runner keeps `token` out of its logs.

    The runner obeys it on either stream of a step; in `$GITHUB_ENV` it would be an error.
    Source: actions/runner, ScriptHandler and OutputManager; docs.github.com, "Workflow commands".
    """
    return f"::add-mask::{token}"


def format_eval_failure(argv: Sequence[str]) -> str:
    """Format an export after which every gpcli fails with exit 2, so that `eval` fails closed.

    It is for the shell that `argv` names, or for bash; empty where no shell is to evaluate the
    output. `argv` may be a line that can't be parsed: `--shel`, no value, an unknown shell.
    """
    line = " ".join(argv)
    named = _SHELL_OPTION.findall(line)
    if not named and _RECORD_OPTION.search(line):
        return ""
    shell = Shell((named or [Shell.BASH])[-1].lower())
    # no URL, but not empty: in PowerShell that would unset the variable
    return f"{format_exports(shell, {'GPCLI_PORTAL': 'no-sandbox'})[0]}\n"


def run_in_sandbox(
    command: Sequence[str],
    env: Mapping[str, str],
    values: Mapping[str, str],
    served: ServedSandbox,
    *,
    umask: int,
) -> int:
    """Run `command` with `values`, a configuration of its own, and this gpcli on its path.

    The configuration is empty but for the announcement of `served`, with which the command can
    control the sandbox that it runs in. Returns the exit status; 128 + n where signal n ended the
    command.

    Raises: NoProgram if there is no such program, NotExecutable if it can't be run.
    """
    inside = build_inside_env(env, values)
    with tempfile.TemporaryDirectory(prefix="gpcli-") as config_dir:
        inside["GPCLI_CONFIG_DIR"] = config_dir
        with announce(Path(state_dir(inside)), served, lambda _: False):
            status = _run_command(command, inside, umask)
    return status if status >= 0 else 128 - status


def build_inside_env(env: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a program in a sandbox, with this gpcli on its path."""
    inside = {name: text for name, text in env.items() if name not in _LEFT_OUT_VARIABLES}
    return {**inside, **values, "PATH": prepend_program_dir(env.get("PATH", ""), _program_dirs())}


def prepend_program_dir(path: str, places: Iterable[Path]) -> str:
    """Return `path` after the first of `places` that has a gpcli to run, if one has."""
    found = (str(place) for place in places if shutil.which(PROGRAM, path=str(place)))
    return os.pathsep.join(filter(None, (next(found, ""), path)))


_EXPORT_FORMATS = {
    Shell.BASH: "export {}={}",
    Shell.ZSH: "export {}={}",
    Shell.FISH: "set -gx {} {}",
    Shell.POWERSHELL: "$env:{} = {}",
    Shell.GITHUB: "{}={}",
}


def _quote(shell: Shell, value: str) -> str:
    if shell is Shell.GITHUB:
        return value
    if shell is Shell.POWERSHELL:  # what stands unquoted there is a command
        return "'{}'".format(value.replace("'", "''"))
    return shlex.quote(value)


def _run_command(command: Sequence[str], env: Mapping[str, str], umask: int) -> int:
    try:
        return subprocess.run(command, env=env, umask=umask, check=False).returncode  # noqa: S603  (the user's own)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError) or not command[0]
        kind = NoProgram if is_missing else NotExecutable
        raise kind(f"'{command[0]}' can't be run: {error.strerror}.") from error


def _program_dirs() -> tuple[Path, Path]:
    """Return the directories that may have this gpcli: Python's scripts, and that of argv[0]."""
    return Path(sysconfig.get_path("scripts")), Path(sys.argv[0]).resolve().parent
