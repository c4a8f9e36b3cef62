"""The command tree: every command is imported and built only when it runs.

What typer raises about a line becomes InvalidUsage or InputNeeded here, where the command is known.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import typer
from typer.core import TyperCommand, TyperGroup

from gpcli.cli.commands.specs import CommandSpec, GroupSpec, Registry
from gpcli.cli.global_options import (
    GLOBAL_OPTIONS,
    WRITE_OPTIONS,
    build_parameters,
    find_write_flags,
)
from gpcli.errors import GpcliError, InputNeeded, InvalidUsage

PROGRAM = "gpcli"

_DECORATION = str.maketrans("", "", "[].")
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class LazyGroup(TyperGroup):
    """The group at `path` (empty: the root) of a registry."""

    def __init__(self, registry: Registry, path: str = "") -> None:
        super().__init__(
            name=path.rpartition(" ")[2] or PROGRAM,
            params=build_parameters((*GLOBAL_OPTIONS, *WRITE_OPTIONS)),
            add_help_option=False,
            invoke_without_command=True,
            rich_markup_mode=None,
        )
        self.registry = registry
        self.path = path

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of what is in the group."""
        return self.registry.list_names(self.path)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The group or command called `cmd_name`, `None` if there is none."""
        path = f"{self.path} {cmd_name}".lstrip()
        if row := self.registry.find_command(path):
            return load(row)
        if self.registry.find_group(path):
            return LazyGroup(self.registry, path)
        return None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the line up to the next command; raises InvalidUsage, InputNeeded."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise convert_usage_error(error, ctx) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the line names; raises InvalidUsage if it names none."""
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is None:
            raise InvalidUsage("Missing command.", hint=_help_hint(ctx))
        return result

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find what `args` begin with; raises InvalidUsage, naming the nearest."""
        command = self.get_command(ctx, args[0])
        if command is None:
            raise unknown_command(self.registry, self.path, args[0])
        return args[0], command, args[1:]


class Command(TyperCommand):
    """A command, which takes nothing on the line but its options and arguments.

    Its context allows more (`allow_extra_args`), so that what is too much is refused here.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the command's part of the line; raises InvalidUsage, InputNeeded."""
        try:
            rest = super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise convert_usage_error(error, ctx) from None
        if rest:
            excess = " ".join(rest).translate(_ESCAPES)
            raise InvalidUsage(
                f"There is more on the line than the command takes: ({excess})",
                hint=_help_hint(ctx),
            )
        return rest


class WritingCommand(Command):
    """A command that sends something."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, with `Options.sends` set."""
        ctx.obj.options.sends = True
        return super().invoke(ctx)


class ReadingCommand(Command):
    """A command that sends nothing: the options for sending mean nothing to it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; raises InvalidUsage if the line had an option for sending."""
        if wrong := find_write_flags(ctx.obj.options):
            raise InvalidUsage(
                f"{wrong[0]} is for commands that send something; {ctx.command_path} does not.",
                hint=_help_hint(ctx),
            )
        return super().invoke(ctx)


def load(row: CommandSpec) -> Any:
    """Import and build one command, with the options of every command."""
    module, _, function = row.target.partition(":")
    callback = getattr(importlib.import_module(module), function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    kind = WritingCommand if row.writes else ReadingCommand
    lenient = {"allow_extra_args": True}
    app.command(row.name, cls=kind, add_help_option=False, context_settings=lenient)(callback)
    command: Any = typer.main.get_command(app)
    own = [flag for param in command.params for flag in param.opts]
    command.params += build_parameters((*GLOBAL_OPTIONS, *WRITE_OPTIONS), own=own)
    return command


@runtime_checkable
class _MisusedOption(Protocol):
    """What typer raises for an option that lacks its value, or has one and is a flag."""

    option_name: str


@runtime_checkable
class _UnknownOption(Protocol):
    """What typer raises for an option that the command doesn't have."""

    option_name: str
    possibilities: Sequence[str] | None


def convert_usage_error(error: typer.TyperException, ctx: Any) -> GpcliError:
    """Return what typer says of the line of the command `ctx`, as an error of ours.

    typer exports the classes BadParameter and TyperException; of the others that it raises, the
    attributes are public.
    """
    where, hint = ctx.command_path, _help_hint(ctx)
    match error:
        case typer.BadParameter() if error.message:
            return InvalidUsage(f"{_parameter_name(error)}: {error.message}", hint=hint)
        case typer.BadParameter():  # it is missing
            return InputNeeded(f"{where} needs {_parameter_name(error)}.", hint=hint)
        case _UnknownOption():
            guess = f"; did you mean '{error.possibilities[0]}'?" if error.possibilities else "."
            return InvalidUsage(f"{where} has no option '{error.option_name}'{guess}", hint=hint)
        case _MisusedOption():
            if _is_flag(ctx, error.option_name):
                return InvalidUsage(f"{error.option_name} takes no value.", hint=hint)
            return InputNeeded(f"{error.option_name} needs a value.", hint=hint)
    return InvalidUsage(error.format_message(), hint=hint)


def _help_hint(ctx: Any) -> str:
    return f"{ctx.command_path} --help shows how it is used."


def _is_flag(ctx: Any, name: str) -> bool:
    return any(
        param.is_flag
        for param in ctx.command.params
        if name in (*param.opts, *param.secondary_opts)
    )


def _parameter_name(error: typer.BadParameter) -> str:
    param: Any = error.param
    if param.param_type_name == "option":
        return str(param.opts[-1])
    return argument_name(param)


def argument_name(param: Any) -> str:
    """What an argument is called: `ID` of the metavar `[ID]...`, `CMD…` of `-- CMD…`."""
    written = str(param.metavar or param.name)
    return written.translate(_DECORATION).removeprefix("-- ").upper()


def unknown_command(registry: Registry, group: str, word: str) -> InvalidUsage:
    """The error for a word that is no command of `group`, naming the nearest."""
    names = _names(registry, group)
    near = difflib.get_close_matches(word.lower(), names, n=1)
    guess = f"; did you mean '{PROGRAM} {names[near[0]]}'?" if near else "."
    typed = f"{PROGRAM} {group} {word}" if group else f"{PROGRAM} {word}"
    return InvalidUsage(
        f"There is no command '{typed}'{guess}",
        hint=f"{PROGRAM} {group} --help shows the commands.".replace("  ", " "),
    )


def _names(registry: Registry, group: str) -> dict[str, str]:
    """What a person may have meant -> the path to suggest; the group's own names come first."""
    rows: tuple[CommandSpec | GroupSpec, ...] = (*registry.groups, *registry.commands)
    inside = {row.path.rpartition(" ")[2]: row.path for row in rows if _in(row.path, group)}
    aliases = {alias: row.path for row in rows for alias in row.aliases}
    elsewhere = {row.name: row.path for row in registry.commands}
    return {**elsewhere, **aliases, **inside}


def _in(path: str, group: str) -> bool:
    return path.rpartition(" ")[0] == group
