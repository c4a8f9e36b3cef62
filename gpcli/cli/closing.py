"""What a command that failed still writes to stdout, so that silence is not taken for success."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from gpcli.cli.registry import REGISTRY
from gpcli.cli.row import Registry, Row
from gpcli.fastpath.line import read_line


def closing_text(argv: Sequence[str], registry: Registry | None = None) -> str:
    """What goes to stdout after the command that `argv` is about has failed; mostly nothing.

    The line itself may be what is wrong: where none of the commands can be told to be the one
    that it reaches, it is about the one whose words stand on it.
    """
    commands = registry or REGISTRY
    row = _reached(commands, argv) or commands.meant(argv)
    if row is None or not row.closing:
        return ""
    module, _, function = row.closing.partition(":")
    text: str = getattr(importlib.import_module(module), function)(argv)
    return text


def _reached(commands: Registry, argv: Sequence[str]) -> Row | None:
    line = read_line(list(argv))
    if line.strange or line.lost:  # a value may have been taken for a command, or the reverse
        return None
    return commands.row(line.path)
