"""The options of every command: a table of them, and parameters of typer that fill `Options`.

They are added to every group and command when it is loaded, so that they may be anywhere on the
line. Where one is given twice the later value counts. A command's own option of the same name takes
precedence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import typer
from typer.core import TyperOption

from gpcli.cli.value_parsers import read_decimal
from gpcli.config.settings import FORMATS, MAX_TIMEOUT, Options, check_not_empty, check_request_id
from gpcli.errors import InvalidUsage

if TYPE_CHECKING:
    from gpcli.app_context import AppContext


ContextFactory = Callable[[Options, Mapping[str, str], TextIO, TextIO, TextIO], "AppContext"]

_PREFIX = "global_"
"""What the names of the parameters for these options begin with."""


class CommandRun:
    """One run of the command line: its options, and the context, built on first use.

    `context_if_built` is the context; `None` = the command has not asked for it yet.
    """

    def __init__(self, options: Options, build_context: Callable[[Options], AppContext]) -> None:
        self.options = options
        self.build_context = build_context
        self.context_if_built: AppContext | None = None

    def start_diagnosis(self) -> AppContext:
        """Return the context for a command that diagnoses: neither gpcli nor the keyring asks."""
        self.options.diagnoses = self.options.no_input = True
        return self.context

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
    value for `Options`; it raises InvalidUsage.
    """

    flag: str
    metavar: str
    help: str
    parse: Callable[[str, str], Any] = lambda flag, value: value

    @property
    def field(self) -> str:
        """The field of `Options` for its value."""
        name = self.flag.removeprefix("--").replace("-", "_")
        return "as_" if name == "as" else name


def _parse_seconds(flag: str, value: str) -> float:
    seconds = read_decimal(value)
    if seconds is not None and 0 < seconds <= MAX_TIMEOUT:
        return seconds
    raise InvalidUsage(f"{flag} needs a number of seconds up to {MAX_TIMEOUT:g}, not '{value}'.")


def _parse_fields(flag: str, value: str) -> tuple[str, ...]:
    return tuple(name for part in value.split(",") if (name := part.strip()))


GLOBAL_OPTIONS = (
    GlobalOption("--json", "", "Answer in JSON: one array, or one object"),
    GlobalOption("--ndjson", "", "Answer in JSON, one object a line as they come"),
    GlobalOption("--plain", "", "Answer in tab-separated lines, as when piped"),
    GlobalOption("--accessible", "", "Answer in words, line by line, for a screen reader"),
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
    GlobalOption("--debug", "", "Tell each request, and where gpcli failed; no personal data"),
)
"""The options of every command."""

WRITE_OPTIONS = (
    GlobalOption("--yes", "", "Agree to the plan without being asked"),
    GlobalOption("--dry-run", "", "Show the plan and send nothing"),
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
    return [_build_parameter(option) for option in options if option.flag not in excluded]


def find_write_flags(options: Options) -> list[str]:
    """Return the flags of `WRITE_OPTIONS` that were given."""
    return [option.flag for option in WRITE_OPTIONS if getattr(options, option.field)]


def is_global(param: Any) -> bool:
    """Return whether a parameter of a command that was built is an option of every command."""
    return bool(param.name.startswith(_PREFIX))


def _build_parameter(option: GlobalOption) -> TyperOption:
    def fill(ctx: typer.Context, param: object, value: Any) -> None:
        if value is None or value is False:
            return
        run: CommandRun = ctx.obj
        parsed = option.parse(option.flag, value) if option.metavar else True
        _set_option(run.options, option, parsed)

    return TyperOption(
        param_decls=[f"{_PREFIX}{option.field}", option.flag],
        is_flag=not option.metavar,
        type=str if option.metavar else None,
        default=None if option.metavar else False,
        callback=fill,
        expose_value=False,
        metavar=option.metavar or None,
        help=option.help,
        hidden=True,
    )


def _set_option(options: Options, option: GlobalOption, value: Any) -> None:
    """Set the field of `option`; raise InvalidUsage for a second format."""
    others = [name for name in FORMATS if name != option.field and getattr(options, name)]
    if option.field in FORMATS and others:
        raise InvalidUsage(f"--{others[0]} and {option.flag} can't be used together.")
    setattr(options, option.field, value)
