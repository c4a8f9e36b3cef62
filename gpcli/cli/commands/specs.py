"""The specification of commands and groups, and the registry that finds them.

Named tuples, because every command pays for making these classes, and dataclasses cost five times
as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class CommandSpec(NamedTuple):
    """One command.

    `path` is what is typed after `gpcli`; `target` is the `module:function` that runs it.
    `services` are the codes of `urn:gpcli:gp-service` that the command starts: when none of them
    is offered, the command is hidden. It is, too, when one of those that it `needs` besides is not
    offered. `writes` = it sends something, and has the options for that.
    `aliases` are words for which this command is suggested. `about` is the help after the summary,
    in paragraphs. `examples` are pairs of what an example does and its command line.
    `eval_failure` is, for a command whose output a shell evaluates, the `module:function` that
    takes the command line and returns the text for stdout when the command fails.
    `bare_values` are pairs of an option whose value may be left out, and the value that it then
    has; another value is joined to it by `=`. `refuses` are options of every command that mean
    nothing to this one: it refuses them, and neither help nor completion shows them.
    """

    path: str
    section: str
    summary: str
    target: str
    services: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    writes: bool = False
    aliases: tuple[str, ...] = ()
    about: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    eval_failure: str = ""
    bare_values: tuple[tuple[str, str], ...] = ()
    refuses: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path.rpartition(" ")[2]

    @property
    def group(self) -> str:
        """The path of the group that the command belongs to; empty at the root."""
        return self.path.rpartition(" ")[0]


class GroupSpec(NamedTuple):
    """A group of commands, such as `profile`."""

    path: str
    section: str
    summary: str
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path.rpartition(" ")[2]


class Registry(NamedTuple):
    """The commands and groups of one command line."""

    groups: tuple[GroupSpec, ...]
    commands: tuple[CommandSpec, ...]

    def find_command(self, path: str) -> CommandSpec | None:
        """Return the command at `path`; `None` = there is none."""
        return next((command for command in self.commands if command.path == path), None)

    def find_group(self, path: str) -> GroupSpec | None:
        """Return the group at `path`; `None` = there is none."""
        return next((group for group in self.groups if group.path == path), None)

    def list_names(self, path: str) -> list[str]:
        """Return the names directly below `path` (empty = the root).

        A group is in the place of its first command.
        """
        depth = len(path.split())
        below = (spec.path.split() for spec in self.commands if _is_below(spec.path, path))
        return list(dict.fromkeys(words[depth] for words in below))

    def find_mentioned(self, line: Sequence[str]) -> CommandSpec | None:
        """Return the command whose path's words are on the line in order.

        Of several it is the one with the longest path; `None` = there is none.
        """
        found = [spec for spec in self.commands if _are_in_order(spec.path.split(), line)]
        return max(found, key=lambda spec: len(spec.path.split()), default=None)

    def find_service_commands(self) -> Iterator[CommandSpec]:
        """Return the commands that start a service, and so may be hidden."""
        return (command for command in self.commands if command.services)


def _is_below(path: str, group: str) -> bool:
    return not group or path.startswith(f"{group} ")


def _are_in_order(words: Sequence[str], line: Sequence[str]) -> bool:
    """Return whether `line` has all of `words` in this order, perhaps with others between."""
    rest = iter(line)
    return all(word in rest for word in words)
