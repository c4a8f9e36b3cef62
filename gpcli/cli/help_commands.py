"""`completion`, `help`."""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.global_options import get_context
from gpcli.cli.topics import build_topics
from gpcli.errors import InvalidUsage
from gpcli.render.json_schema import find_command_schema

SHELLS = {"bash": "gpcli.bash", "zsh": "_gpcli", "fish": "gpcli.fish", "powershell": "gpcli.ps1"}
"""Shells, and the file name of the completion script of each."""


def completion(
    shell: Annotated[str, typer.Argument(help=f"One of {', '.join(SHELLS)}")],
) -> None:
    """Print the completion script for a shell.

    Ready answers have the script of every shell in SHELLS: this is for other shells, and raises
    Usage.
    """
    raise InvalidUsage(f"There is no completion for '{shell}'; there is for {', '.join(SHELLS)}.")


def show_help(
    ctx: typer.Context,
    subject: Annotated[list[str] | None, typer.Argument(help="A topic or a command")] = None,
) -> None:
    """Help on a command or a topic.

    Ready answers cover topics and commands: this is for `help json COMMAND`, the schema of a
    command's answer, and for subjects that there are not: it raises Usage, naming the nearest.
    """
    wanted = " ".join(subject or ())
    topic, _, command = wanted.partition(" ")
    schema = find_command_schema(command) if topic == "json" else None
    if schema:
        get_context(ctx).output.show_json(schema)
        return
    groups, commands = REGISTRY.groups, REGISTRY.commands
    known = [*build_topics(), *(group.path for group in groups), *(spec.path for spec in commands)]
    near = difflib.get_close_matches(wanted, known, n=1)
    guess = f"; did you mean '{near[0]}'?" if near else "."
    raise InvalidUsage(
        f"There is no help on '{wanted}'{guess}", hint="gpcli --help lists all there is."
    )
