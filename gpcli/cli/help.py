"""`gpcli help SUBJECT`, where the subject is a topic or a command."""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from gpcli.cli.registry import REGISTRY
from gpcli.cli.topics import topics
from gpcli.errors import Usage


def show_help(
    subject: Annotated[list[str] | None, typer.Argument(help="A topic or a command")] = None,
) -> None:
    """Help on a command or a topic.

    Ready answers cover every subject that there is: this is for those that there are not, and
    raises Usage, naming the nearest.
    """
    wanted = " ".join(subject or ())
    groups, rows = REGISTRY.groups, REGISTRY.rows
    known = [*topics(), *(group.path for group in groups), *(row.path for row in rows)]
    near = difflib.get_close_matches(wanted, known, n=1)
    guess = f"; did you mean '{near[0]}'?" if near else "."
    raise Usage(f"There is no help on '{wanted}'{guess}", hint="gpcli --help lists all there is.")
