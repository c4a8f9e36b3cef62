"""`gpcli completion SHELL`."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.errors import Usage

SHELLS = {"bash": "gpcli.bash", "zsh": "_gpcli", "fish": "gpcli.fish", "powershell": "gpcli.ps1"}
"""Shells, and the name under which the script of each is known to it."""


def completion(
    shell: Annotated[str, typer.Argument(help=f"One of {', '.join(SHELLS)}")],
) -> None:
    """Print the completion script for a shell.

    Ready answers have the script of every shell in SHELLS: this is for other shells, and raises
    Usage.
    """
    raise Usage(f"There is no completion for '{shell}'; there is for {', '.join(SHELLS)}.")
