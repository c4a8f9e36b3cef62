"""The command tree: every command is imported and built only when it runs.

What typer raises about a line becomes InvalidUsage or InputNeeded here, where the command is known.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from itertools import chain, pairwise, takewhile
from typing import Any, Protocol, TextIO, runtime_checkable

import typer
from typer.core import TyperCommand, TyperGroup

from gpcli.care.written_text import is_unicode
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.commands.specs import CommandSpec, Registry
from gpcli.cli.global_options import (
    GLOBAL_OPTIONS,
    WRITE_OPTIONS,
    CommandRun,
    ContextFactory,
    build_parameters,
    find_write_flags,
    is_global,
)
from gpcli.cli.suggestions import CLOSE, find_nearest
from gpcli.config.settings import Options
from gpcli.errors import (
    GpcliError,
    InputNeeded,
    InvalidUsage,
    unexpected_error,
)

PROGRAM = "gpcli"

_DECORATION = str.maketrans("", "", "[].")
"""What surrounds an argument's name in its metavar."""

_FILES = ("FILE", "DIR")
"""The words in help for the values that name files: their bytes are what the system says."""

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


_OTHER_NAMES = {"--interval": "--every"}
"""What other programs call an option -> what it is called here."""

NO_INPUT = "--no-input"
"""The option that forbids questions, also where it is not read yet."""


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
        """Return the names of what is in the group."""
        return self.registry.list_names(self.path)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the group or command called `cmd_name`, `None` if there is none."""
        path = f"{self.path} {cmd_name}".lstrip()
        if spec := self.registry.find_command(path):
            return load_command(spec)
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
        """Find what `args` begin with, or what a person at the terminal says they meant.

        Raises: InvalidUsage, naming the nearest.
        """
        command = self.get_command(ctx, args[0])
        if command is not None:
            return args[0], command, args[1:]
        error = _unknown_command_error(self.registry, self.path, args[0])
        near = find_nearest(self.registry, self.path, args[0]) or ""
        is_below = near.startswith(f"{self.path} ".lstrip())
        can_run = near and is_below and (self.registry.find_command(near) or args[1:])
        may_ask = ctx.obj.is_at_terminal and can_run and NO_INPUT not in args
        if not may_ask or not ctx.obj.accept(error.message.partition(";")[0], near):
            raise error
        below = near.removeprefix(self.path).lstrip()
        return self.resolve_command(ctx, ctx.obj.replace_command(args, below))


class Command(TyperCommand):
    """A command, which takes nothing on the line but its options and arguments.

    Its context allows more (`allow_extra_args`), so that what is too much is refused here.
    """

    bare_values: Mapping[str, str] = {}
    """The options whose value may be left out, and what they then have."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the command's part of the line; raises InvalidUsage, InputNeeded."""
        bare, given = self.bare_values, args
        args = [f"{each}={bare[each]}" if each in bare else each for each in args]
        try:
            rest = super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise convert_usage_error(error, ctx) from None
        _check_encoding(ctx, given)
        if rest:
            excess = " ".join(rest).translate(_ESCAPES)
            raise InvalidUsage(
                f"There is more on the line than the command takes: ({excess})",
                hint=f"{self._word_detached_value(given, rest)}{_help_hint(ctx)}",
            )
        return rest

    def _word_detached_value(self, given: Sequence[str], rest: Sequence[str]) -> str:
        """Return a hint where a word that is too much stands behind an option without a value."""
        for option, word in pairwise(given):
            if option in self.bare_values and word == rest[0]:
                return f"A value of {option} is joined to it: {option}={word}. ".translate(_ESCAPES)
        return ""


def _check_encoding(ctx: Any, words: Sequence[str]) -> None:
    """Raise InvalidUsage for a word that is not UTF-8, unless it names a file or follows `--`."""
    strange = [word for word in takewhile("--".__ne__, words) if not is_unicode(word)]
    if not strange:
        return
    files = {param.name for param in ctx.command.params if param.metavar in _FILES}
    given = chain.from_iterable(
        value if isinstance(value, list | tuple) else [value]
        for name, value in ctx.params.items()
        if name in files and value is not None
    )
    names = tuple(map(str, given))
    for word in strange:
        if not word.endswith(names):
            shown = os.fsencode(word).decode(errors="backslashreplace")
            raise InvalidUsage(f"'{shown}' is not UTF-8.", hint=_help_hint(ctx))


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
        own = {flag for param in self.params if not is_global(param) for flag in param.opts}
        if wrong := [flag for flag in find_write_flags(ctx.obj.options) if flag not in own]:
            raise InvalidUsage(
                f"{wrong[0]} is for commands that send something; {ctx.command_path} does not.",
                hint=_help_hint(ctx),
            )
        return super().invoke(ctx)


@cache
def load_command(spec: CommandSpec) -> Any:
    """Import and build one command, once, with the options of every command."""
    module, _, function = spec.target.partition(":")
    callback = getattr(importlib.import_module(module), function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    kind = WritingCommand if spec.writes else ReadingCommand
    lenient = {"allow_extra_args": True}
    app.command(spec.name, cls=kind, add_help_option=False, context_settings=lenient)(callback)
    command: Any = typer.main.get_command(app)
    command.bare_values = dict(spec.bare_values)
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
    """Return the error for what typer raised about the line; `ctx` is the command's.

    typer exports the classes BadParameter and TyperException; the others that it raises are told
    apart by their public attributes.
    """
    where, hint = ctx.command_path, _help_hint(ctx)
    match error:
        case typer.BadParameter() if error.message:
            return InvalidUsage(f"{_parameter_name(error)}: {error.message}", hint=hint)
        case typer.BadParameter():  # it is missing
            return InputNeeded(f"{where} needs {_parameter_name(error)}.", hint=hint)
        case _UnknownOption():
            near = get_close_matches(error.option_name, error.possibilities or (), 1, CLOSE)
            near = [*_list_meant_options(ctx, error.option_name), *near]
            guess = f"; did you mean '{near[0]}'?" if near else "."
            return InvalidUsage(f"{where} has no option '{error.option_name}'{guess}", hint=hint)
        case _MisusedOption():
            if _is_flag(ctx, error.option_name):
                return InvalidUsage(f"{error.option_name} takes no value.", hint=hint)
            return InputNeeded(f"{error.option_name} needs a value.", hint=hint)
    return InvalidUsage(error.format_message(), hint=hint)


def _list_meant_options(ctx: Any, name: str) -> Iterator[str]:
    """Yield the option of the command by which it has what other programs call `name`."""
    meant = _OTHER_NAMES.get(name)
    for param in ctx.command.params:
        if meant is not None and meant in param.opts:
            yield meant


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
        return str(max(param.opts, key=len))
    return argument_name(param)


def argument_name(param: Any) -> str:
    """Return an argument's name: `ID` of the metavar `[ID]...`, `CMD…` of `-- CMD…`."""
    written = str(param.metavar or param.name)
    return written.translate(_DECORATION).removeprefix("-- ").upper()


def _unknown_command_error(registry: Registry, group: str, word: str) -> InvalidUsage:
    """Return the error for a word that is no command of `group`, naming the nearest."""
    near = find_nearest(registry, group, word)
    guess = f"; did you mean '{PROGRAM} {near}'?" if near else "."
    typed = f"{PROGRAM} {group} {word}" if group else f"{PROGRAM} {word}"
    return InvalidUsage(
        f"There is no command '{typed}'{guess}",
        hint=f"{PROGRAM} {group} --help shows the commands.".replace("  ", " "),
    )


def run(
    argv: Sequence[str],
    env: Mapping[str, str],
    stdin: TextIO,
    stdout: TextIO,
    stderr: TextIO,
    context_factory: ContextFactory,
    *,
    registry: Registry | None = None,
) -> int:
    """Run `argv` (without the program's name) and return the exit status.

    `context_factory` builds the context when the command first asks for it, after the whole line
    is parsed; it is closed at the end. Raises GpcliError for everything that ends badly:
    InvalidUsage and InputNeeded for the line itself; Failure, with the request id, where something
    was sent and the answer can't be written, OutcomeUnknown where it may have been sent.
    """
    command_run = CommandRun(
        Options(argv=tuple(argv)),
        lambda options: context_factory(options, env, stdin, stdout, stderr),
        is_at_terminal=all(stream.isatty() for stream in (stdin, stdout, stderr)),
    )
    tree: Any = LazyGroup(registry or REGISTRY)
    try:
        with tree.make_context(PROGRAM, list(argv), obj=command_run) as ctx:
            ctx.call_on_close(command_run.close)
            tree.invoke(ctx)
            _settle_repeat(command_run)
    except typer.Exit as ending:
        return ending.exit_code
    except GpcliError as error:
        known = _name_request(command_run, error)
        _tell_unsettled(command_run)
        raise known from known.__cause__
    except BaseException as error:
        _report_sent_request(command_run, error)
        raise
    _tell_unsettled(command_run)
    return 0


def _settle_repeat(command_run: CommandRun) -> None:
    """Have the journal know what became of a request that was repeated with success."""
    context, options = command_run.context_if_built, command_run.options
    if context is None or options.dry_run or not options.may_be_repeat:
        return
    from gpcli.outbox import settle_own  # noqa: PLC0415  (start-up: repeats)

    settle_own(context)


def _tell_unsettled(command_run: CommandRun) -> None:
    """Say that requests of before are unsettled, unless the command is about these."""
    context = command_run.context_if_built
    if context is None or command_run.options.settles:
        return
    from gpcli.outbox import count_unsettled  # noqa: PLC0415  (start-up: after the answer)

    if number := count_unsettled(context):
        what = f"{number} requests are" if number > 1 else "1 request is"
        with suppress(OSError):
            context.output.notice(
                f"{what} unsettled: gpcli outbox list shows what was sent.", unsettled=number
            )


def _name_request(command_run: CommandRun, error: GpcliError) -> GpcliError:
    context = command_run.context_if_built
    if context is None:
        return error
    from gpcli.run_errors import explain_error  # noqa: PLC0415  (start-up: only failures)

    return explain_error(context, error)


def _report_sent_request(command_run: CommandRun, error: BaseException) -> None:
    """Tell the person what was or may have been sent before `error` ended the command.

    Raises: an error that says so, in place of an OSError; Unexpected for what nobody foresaw, which
    can't become an error that means that nothing was sent.
    """
    context = command_run.context_if_built
    if context is None:
        return
    is_sent = context.sending.sent_request_id is not None
    request_id = context.sending.sent_request_id or context.sending.pending_request_id
    if request_id is None:
        return
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        from gpcli.run_errors import explain_system_error  # noqa: PLC0415  (start-up: only failures)

        raise explain_system_error(context, error) from error
    was = "was" if is_sent else "may have been"
    with suppress(OSError):
        told = f"It {was} sent, under the request id {request_id}."
        context.output.notice(told, needed=True, request_id=request_id)
    if isinstance(error, Exception) and not isinstance(error, OSError):
        raise unexpected_error(error) from error
