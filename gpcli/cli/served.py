"""How other programs find a sandbox: variables for a shell, and `sandbox.json` in the state dir."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from gpcli.config.files import write_private
from gpcli.errors import NotFound

FILE = "sandbox.json"
_NOT_FOR_CHILDREN = ("GPCLI_PROFILE", "GPCLI_AS", "GPCLI_FHIR_USER", "GPCLI_CLOCK_OFFSET")


class Shell(StrEnum):
    """Whose exports to print; `github` is the form of `$GITHUB_ENV`."""

    BASH = "bash"
    FISH = "fish"
    POWERSHELL = "powershell"
    GITHUB = "github"


class Served(NamedTuple):
    """A running `sandbox serve`."""

    url: str
    control_token: str


def variables(portal: str, token: str, patient: str, fhir_user: str) -> dict[str, str]:
    """What makes gpcli talk to a sandbox as somebody, without config or keyring."""
    return {
        "GPCLI_PORTAL": portal,
        "GPCLI_ENVIRONMENT": "sandbox",
        "GPCLI_TOKEN": token,
        "GPCLI_PATIENT": patient,
        "GPCLI_FHIR_USER": fhir_user,
    }


def exports(shell: Shell, values: Mapping[str, str]) -> list[str]:
    """Lines that set `values` in a shell."""
    return [_EXPORT[shell].format(name, _quoted(shell, value)) for name, value in values.items()]


def closing_line(shell: Shell) -> str:
    """A line that makes every later gpcli fail with exit 2, so that `eval` fails closed.

    The value is no URL but is not empty: PowerShell takes an empty one for unsetting.
    """
    return exports(shell, {"GPCLI_PORTAL": "no-sandbox"})[0]


def run_inside(
    command: Sequence[str], env: Mapping[str, str], values: Mapping[str, str], *, umask: int
) -> int:
    """Run `command` with `values`, its own empty configuration, and this gpcli on its path.

    Returns its status, 128 + n when signal n ended it; raises NotFound when there is no such
    program.
    """
    with tempfile.TemporaryDirectory(prefix="gpcli-") as roof:
        inside = {name: text for name, text in env.items() if name not in _NOT_FOR_CHILDREN}
        inside |= {**values, "GPCLI_CONFIG_DIR": roof, "PATH": _path(env)}
        try:
            status = subprocess.run(command, env=inside, umask=umask, check=False).returncode  # noqa: S603  (the user's own)
        except OSError as trouble:
            raise NotFound(f"'{command[0]}' can't be run: {trouble.strerror}.") from trouble
    return status if status >= 0 else 128 - status


@contextmanager
def announced(state_dir: Path, served: Served) -> Iterator[None]:
    """Keep `sandbox.json` while the sandbox serves."""
    path = state_dir / FILE
    write_private(path, json.dumps(served._asdict()))
    try:
        yield
    finally:
        if _read(path) == served:
            path.unlink()


def find_served(state_dir: Path) -> Served:
    """The sandbox that serves now; raises NotFound."""
    served = _read(state_dir / FILE)
    if served is None:
        raise NotFound("No sandbox is being served.", hint="Start one with gpcli sandbox serve.")
    return served


_EXPORT = {
    Shell.BASH: "export {}={}",
    Shell.FISH: "set -gx {} {}",
    Shell.POWERSHELL: "$env:{} = {}",
    Shell.GITHUB: "{}={}",
}


def _quoted(shell: Shell, value: str) -> str:
    if shell is Shell.GITHUB:
        return value
    if shell is Shell.POWERSHELL:  # what stands unquoted there is a command
        return "'{}'".format(value.replace("'", "''"))
    return shlex.quote(value)


def _path(env: Mapping[str, str]) -> str:
    ours = str(Path(sys.argv[0]).resolve().parent)
    return os.pathsep.join(filter(None, (ours, env.get("PATH"))))


def _read(path: Path) -> Served | None:
    try:
        return Served(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
