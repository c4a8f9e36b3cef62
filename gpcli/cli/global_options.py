"""The options of every command: a table of them, and parameters of typer that fill `Options`.

They are added to every group and command when it is loaded, so that they may be anywhere on the
line. Where one is given twice the later value counts. A command's own option of the same name takes
precedence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import typer
from typer.core import TyperOption

from gpcli.cli.value_parsers import read_decimal
from gpcli.config.settings import (
    FORMATS,
    MAX_TIMEOUT,
    Options,
    check_not_empty,
    check_plan_id,
    check_request_id,
    word_format,
)
from gpcli.errors import InvalidUsage

if TYPE_CHECKING:
    from gpcli.app_context import AppContext


ContextFactory = Callable[[Options, Mapping[str, str], TextIO, TextIO, TextIO], "AppContext"]

_PREFIX = "global_"
"""What the names of the parameters for these options begin with."""


class CommandRun:
    """One run of the command line: its options, and the context, built on first use.

    `context_if_built` is the context; `None` = the command has not asked for it yet. `format_flag`
    is the option that has asked for a format; empty = none has. `is_at_terminal` is whether a
    person may sit there, before it is known whether they may be asked.
    """

    format_flag = ""

    def __init__(
        self,
        options: Options,
        build_context: Callable[[Options], AppContext],
        *,
        is_at_terminal: bool = False,
    ) -> None:
        self.is_at_terminal = is_at_terminal
        self.options = options
        self.build_context = build_context
        self.context_if_built: AppContext | None = None

    def start_diagnosis(self) -> AppContext:
        """Return the context for a command that diagnoses: neither gpcli nor the keyring asks."""
        self.options.diagnoses = self.options.no_input = True
        return self.context

    def accept(self, problem: str, command: str) -> bool:
        """Return whether a person at the terminal wants `command` run, told of a `problem`."""
        context = self.build_context(self.options)  # its own: the rest of the line is not read yet
        with closing(context):
            return context.ask.accept(f"{problem}. Run 'gpcli {command}'?")

    def replace_command(self, args: Sequence[str], command: str) -> list[str]:
        """Return `args`, the rest of the line, with `command` for their first word."""
        rest = [*command.split(), *args[1:]]
        options = self.options
        options.argv = (*options.argv[: len(options.argv) - len(args)], *rest)
        return rest

    def start_sending(self, *words: str) -> None:
        """Go on as the command `words`, which sends something, with the options of this line.

        What repeats the run is then that command's line.
        """
        options = self.options
        given = (
            (option.flag, *([f"{value}"] if option.metavar else []))
            for option in GLOBAL_OPTIONS
            if option.field not in {*FORMATS, "fields"}
            and (value := getattr(options, option.field, None)) not in {None, False}
        )
        options.argv = (*words, *(word for each in given for word in each))
        options.sends = True

    @property
    def context(self) -> AppContext:
        """The context of this run."""
        if self.context_if_built is None:
            self.context_if_built = self.build_context(self.options)
        return self.context_if_built

    def close(self) -> None:
        """Close the context, if it was built."""
        if self.context_if_built is not None:
            self.context_if_built.close()


def get_context(ctx: typer.Context) -> AppContext:
    """Return the context of the command that runs."""
    run: CommandRun = ctx.obj
    return run.context


class GlobalOption(NamedTuple):
    """One option of every command.

    `metavar` is empty for a flag. `parse` takes the flag and the value of the line, and returns the
    value for `Options`; it raises InvalidUsage. `short` is its short name, empty = it has none.
    """

    flag: str
    metavar: str
    help: str
    parse: Callable[[str, str], Any] = lambda flag, value: value
    short: str = ""

    @property
    def field(self) -> str:
        """The field of `Options` for its value."""
        name = self.flag.removeprefix("--").replace("-", "_")
        return "as_" if name == "as" else name

    @property
    def names(self) -> str:
        """How help writes it: `-o, --output FORMAT`."""
        return f"{self.short}, {self.flag} {self.metavar}".strip(", ")


def _parse_seconds(flag: str, value: str) -> float:
    seconds = read_decimal(value)
    if seconds is not None and 0 < seconds <= MAX_TIMEOUT:
        return seconds
    raise InvalidUsage(f"{flag} needs a number of seconds up to {MAX_TIMEOUT:g}, not '{value}'.")


def _parse_fields(flag: str, value: str) -> tuple[str, ...]:
    return tuple(name for part in value.split(",") if (name := part.strip()))


def _parse_format(flag: str, value: str) -> str:
    if value in FORMATS:
        return value
    words = ", ".join(f"'{name}'" for name in FORMATS)
    raise InvalidUsage(f"{flag}: '{value}' is not one of {words}.")


GLOBAL_OPTIONS = (
    GlobalOption("--json", "", "Answer in JSON: one array, or one object"),
    GlobalOption("--ndjson", "", "Answer in JSON, one object a line as they come"),
    GlobalOption("--plain", "", "Answer in tab-separated lines, as when piped"),
    GlobalOption("--accessible", "", "Answer in words, line by line, for a screen reader"),
    GlobalOption(
        "--output",
        "FORMAT",
        "json, ndjson or plain, as the options above, or table",
        _parse_format,
        short="-o",
    ),
    GlobalOption(
        "--fields", "NAMES", "Only these columns, comma-separated; '' lists them", _parse_fields
    ),
    GlobalOption("--profile", "NAME", "The portal to use", check_not_empty),
    GlobalOption("--as", "WHO", "The signed-in person to act as: a name or an id", check_not_empty),
    GlobalOption("--gp", "NAME", "The GP, for those who have several", check_not_empty),
    GlobalOption(
        "--timeout", "SECONDS", "Limit for the network work, 30 by default", _parse_seconds
    ),
    GlobalOption("--no-input", "", "Never ask; fail where a question would be needed"),
    GlobalOption(
        "--quiet", "", "No notices and no progress; warnings, plans and errors stay", short="-q"
    ),
    GlobalOption("--debug", "", "Tell each request, and where gpcli failed; no personal data"),
)
"""The options of every command."""

WRITE_OPTIONS = (
    GlobalOption("--yes", "", "Agree to the plan without being asked"),
    GlobalOption("--dry-run", "", "Show the plan and send nothing"),
    GlobalOption(
        "--confirm", "ID", "Send exactly what --dry-run showed, within the hour", check_plan_id
    ),
    GlobalOption(
        "--accept-fee", "MAX", "Agree to a charge up to MAX, or to 'any'", check_not_empty
    ),
    GlobalOption(
        "--request-id", "ID", "Makes a retry the same request: done once", check_request_id
    ),
)
"""The options of commands that send something to the portal."""


def build_parameters(
    options: Iterable[GlobalOption], *, own: Iterable[str] = ()
) -> list[TyperOption]:
    """Return the parameters of typer for `options`, without the flags in `own`."""
    excluded = set(own)
    return [_build_parameter(option, excluded) for option in options if option.flag not in excluded]


def find_write_flags(options: Options) -> list[str]:
    """Return the flags of `WRITE_OPTIONS` that were given."""
    return [option.flag for option in WRITE_OPTIONS if getattr(options, option.field)]


def is_global(param: Any) -> bool:
    """Return whether a parameter of a command that was built is an option of every command."""
    return bool(param.name.startswith(_PREFIX))


def _build_parameter(option: GlobalOption, excluded: Collection[str]) -> TyperOption:
    short = [option.short] if option.short and option.short not in excluded else []

    def fill(ctx: typer.Context, param: object, value: Any) -> None:
        if value is None or value is False:
            return
        run: CommandRun = ctx.obj
        parsed = option.parse(option.flag, value) if option.metavar else True
        _set_option(run, option, parsed)

    return TyperOption(
        param_decls=[f"{_PREFIX}{option.field}", *short, option.flag],
        is_flag=not option.metavar,
        type=str if option.metavar else None,
        default=None if option.metavar else False,
        callback=fill,
        expose_value=False,
        metavar=option.metavar or None,
        help=option.help,
        hidden=True,
    )


def _set_option(run: CommandRun, option: GlobalOption, value: Any) -> None:
    if option.field in FORMATS:
        _set_format(run, option, option.field)
    elif option.flag == "--output":
        _set_format(run, option, value)
    else:
        setattr(run.options, option.field, value)


def _set_format(run: CommandRun, option: GlobalOption, name: str) -> None:
    """Choose a format; raise InvalidUsage where another option has chosen a different one."""
    options = run.options
    former = next((each for each in FORMATS if getattr(options, each)), None)
    if former and former != name and run.format_flag != option.flag:
        raise InvalidUsage(f"{word_format(former)} and {word_format(name)} can't be used together.")
    run.format_flag = option.flag
    for each in FORMATS:
        setattr(options, each, each == name)
