"""What a command is: one row, a group of rows, and the registry that finds them.

Named tuples, because every command pays for making these classes, and dataclasses cost five times
as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class CommandSpec(NamedTuple):
    """One command.

    `path` is what is typed after `gpcli`; `target` is `module:function`.
    `services` are the codes of `urn:gpcli:gp-service` that the command starts: when none of them
    is offered, the command is hidden. `writes` adds the options of commands that send something.
    `aliases` are words that people may try instead; they only lead to a suggestion. `about` is
    what the help says after the summary, in paragraphs. `examples` are pairs of what it does and
    what is typed. `closing` is, for a command whose output a shell evaluates, the
    `module:function` that makes of the line what goes to stdout when the command fails.
    """

    path: str
    section: str
    summary: str
    target: str
    services: tuple[str, ...] = ()
    writes: bool = False
    aliases: tuple[str, ...] = ()
    about: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    closing: str = ""

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path.rpartition(" ")[2]

    @property
    def group(self) -> str:
        """The path of the group that the command belongs to; empty at the root."""
        return self.path.rpartition(" ")[0]


class GroupSpec(NamedTuple):
    """A noun with commands of its own, such as `profile`."""

    path: str
    section: str
    summary: str
    aliases: tuple[str, ...] = ()


class Registry(NamedTuple):
    """The rows and groups that make up one command line."""

    groups: tuple[GroupSpec, ...]
    rows: tuple[CommandSpec, ...]

    def row(self, path: str) -> CommandSpec | None:
        """The command at `path`, if there is one."""
        return next((row for row in self.rows if row.path == path), None)

    def group(self, path: str) -> GroupSpec | None:
        """The group at `path`, if there is one."""
        return next((group for group in self.groups if group.path == path), None)

    def children(self, path: str) -> list[str]:
        """The names directly below `path` (empty: the root), groups where their first row is."""
        depth = len(path.split())
        inside = (row.path.split() for row in self.rows if _below(row.path, path))
        return list(dict.fromkeys(words[depth] for words in inside))

    def meant(self, line: Sequence[str]) -> CommandSpec | None:
        """The command whose path's words stand on the line in order; the longest of several."""
        found = [row for row in self.rows if _in_order(row.path.split(), line)]
        return max(found, key=lambda row: len(row.path.split()), default=None)

    def starting(self) -> Iterator[CommandSpec]:
        """The commands that start a service, and so may be hidden."""
        return (row for row in self.rows if row.services)


def _below(path: str, group: str) -> bool:
    return not group or path.startswith(f"{group} ")


def _in_order(words: Sequence[str], line: Sequence[str]) -> bool:
    rest = iter(line)
    return all(word in rest for word in words)
