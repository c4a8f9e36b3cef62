"""One run of a command line: it ends in an exit code, and an error in words on stderr as well.

This is the one place that turns an error into words and an exit code. It imports little, because
it is imported for ready answers too. It imports `ready_answers` only inside functions, because in a
checkout the commands, and this module with them, are imported to build the ready answers.
"""

import sys
from io import TextIOWrapper

from gpcli.config.index_format import is_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import TextIO

    from gpcli.cli.commands.specs import CommandSpec, Registry
    from gpcli.cli.global_options import ContextFactory
    from gpcli.errors import GpcliError
    from gpcli.render.output import Output

    Streams = tuple[TextIO, TextIO, TextIO]

INTERRUPTED, CLOSED_PIPE, TERMINATED = 130, 141, 143
"""Exit codes, as in `errors.Exit`, which ready answers do not import."""


class Terminated(BaseException):
    """SIGTERM came; as an exception, so that what is open is closed on the way out."""


SILENT_ENDINGS: dict[type[BaseException], int] = {
    KeyboardInterrupt: INTERRUPTED,
    BrokenPipeError: CLOSED_PIPE,
    Terminated: TERMINATED,
}
"""Endings that need no words, and their exit codes."""

FAILURES: tuple[type[BaseException], ...] = (*SILENT_ENDINGS, Exception)
"""What ends in an exit code; all else, such as SystemExit, is left to the interpreter."""


def write_ready_answer(
    argv: "Sequence[str]", env: "Mapping[str, str]", stdout: "TextIO"
) -> int | None:
    """Write the ready answer to `argv` (without the program's name) and return exit code 0.

    `None` = there is none: the line has to be run.
    """
    from gpcli.cli.ready_answers import answer, has_color  # noqa: PLC0415  (optional: see the top)

    is_terminal = stdout.isatty()
    color = has_color(env, is_terminal=is_terminal)
    text = answer(list(argv), env, is_terminal=is_terminal, has_color=color)
    if text is None:
        return None
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(errors="replace")
    stdout.write(text)
    stdout.flush()
    return 0


def run_command_line(
    argv: "Sequence[str]",
    env: "Mapping[str, str]",
    stdin: "TextIO",
    stdout: "TextIO",
    stderr: "TextIO",
    context_factory: "ContextFactory",
    *,
    registry: "Registry | None" = None,
) -> int:
    """Run `argv` (without the program's name), report a failure, and return the exit code.

    `registry` has the commands; `None` = those of this release.
    """
    try:
        from gpcli.cli.app import run  # noqa: PLC0415  (start-up: typer costs five interpreters)

        code = run(argv, env, stdin, stdout, stderr, context_factory, registry=registry)
        stdout.flush()
    except FAILURES as error:
        return report_failure(error, argv, env, (stdin, stdout, stderr), registry)
    return code


def report_failure(
    error: BaseException,
    argv: "Sequence[str]",
    env: "Mapping[str, str]",
    streams: "Streams",
    registry: "Registry | None" = None,
) -> int:
    """Write what `error` means for the person on stderr, and return the exit code."""
    from gpcli.cli.line_parser import parse_line  # noqa: PLC0415  (optional: see the top)

    _write_eval_failure(argv, streams[1], registry)
    if type(error) in SILENT_ENDINGS:
        return SILENT_ENDINGS[type(error)]
    options = parse_line(list(argv)).options
    known = as_gpcli_error(error)
    output = _open_output(env, streams, options, is_json=_asks_for_json(argv, options, known))
    try:
        if "--debug" in options or is_set(env.get("GPCLI_DEBUG")):
            _write_places(error, output)
        output.error(known)
    except OSError:
        return int(known.exit)  # nobody listens on stderr; the exit code still says it
    return int(known.exit)


def _write_eval_failure(
    argv: "Sequence[str]", stdout: "TextIO", registry: "Registry | None"
) -> None:
    """Keep a shell that evaluates the output of the command from taking silence for success."""
    text = _build_eval_failure(argv, registry)
    if not text:
        return
    try:
        stdout.write(text)
        stdout.flush()
    except OSError:
        return  # nobody evaluates it


def _build_eval_failure(argv: "Sequence[str]", registry: "Registry | None") -> str:
    """Return the text for stdout after the command has failed; empty for most commands.

    Where the line can't be parsed, its command is the one whose words are on it.
    """
    import importlib  # noqa: PLC0415  (start-up: only failures need it)

    from gpcli.cli.commands.registry import REGISTRY  # noqa: PLC0415  (start-up: only failures)

    commands = registry or REGISTRY
    command = _find_parsed_command(commands, argv) or commands.find_mentioned(argv)
    if command is None or not command.eval_failure:
        return ""
    module, _, function = command.eval_failure.partition(":")
    text: str = getattr(importlib.import_module(module), function)(argv)
    return text


def _find_parsed_command(commands: "Registry", argv: "Sequence[str]") -> "CommandSpec | None":
    """Return the command that the line names; `None` = there is none, or that is not certain."""
    from gpcli.cli.line_parser import parse_line  # noqa: PLC0415  (optional: see the top)

    line = parse_line(list(argv))
    if line.has_unknown_option or line.has_unknown_command:
        return None  # a value may have been taken for a command, or the reverse
    return commands.find_command(line.path)


def _asks_for_json(
    argv: "Sequence[str]", options: "Mapping[str, str]", error: "GpcliError"
) -> bool:
    """Return whether errors are to be JSON.

    On a wrong line also where `--json` was taken for the value of an option that had none.
    """
    from gpcli.errors import InvalidUsage  # noqa: PLC0415  (start-up: only failures need it)

    words = argv[: argv.index("--")] if "--" in argv else argv
    given = {*options, *words} if isinstance(error, InvalidUsage) else {*options}
    return not given.isdisjoint({"--json", "--ndjson"})


def _open_output(
    env: "Mapping[str, str]", streams: "Streams", options: "Mapping[str, str]", *, is_json: bool
) -> "Output":
    from pathlib import Path  # noqa: PLC0415  (start-up: only failures)

    from gpcli.config.paths import config_dir  # noqa: PLC0415  (start-up: only failures)
    from gpcli.config.profiles import read_config  # noqa: PLC0415  (start-up: as above)
    from gpcli.config.settings import Options, is_accessible  # noqa: PLC0415  (start-up: as above)
    from gpcli.render.output import Format, Output  # noqa: PLC0415  (start-up: only failures)
    from gpcli.render.terminal import detect_terminal  # noqa: PLC0415  (start-up: as above)

    _, stdout, stderr = streams
    asked = Options(accessible="--accessible" in options, profile=options.get("--profile"))
    return Output(
        stdout,
        stderr,
        detect_terminal(*streams, env),
        format=Format.JSON if is_json else asked.format,
        accessible=is_accessible(
            asked, env, lambda: read_config(Path(config_dir(env)) / "config.toml")
        ),
    )


def as_gpcli_error(error: BaseException) -> "GpcliError":
    """Return the error that tells a person what another one means."""
    from gpcli.errors import (  # noqa: PLC0415  (start-up: only failures need it)
        GpcliError,
        system_error,
        unexpected_error,
    )

    if isinstance(error, GpcliError):
        return error
    if isinstance(error, OSError) and error.strerror:
        return system_error(error)
    from gpcli.installation.requirements import (  # noqa: PLC0415  (start-up: only unforeseen ones)
        find_requirement_error,
    )

    extra = "sandbox" if "gpcli.sandbox" in sys.modules else ""
    return find_requirement_error(extra) or unexpected_error(error)


def _write_places(error: BaseException, output: "Output") -> None:
    """Write where `error` and what caused it were raised, without values or source."""
    for cause in _iterate_causes(error):
        places = " > ".join(_format_places(cause.__traceback__))
        output.notice(f"{type(cause).__name__} at {places}", whole=True)


def _iterate_causes(error: BaseException | None) -> "Iterator[BaseException]":
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _format_places(traceback: "TracebackType | None") -> "Iterator[str]":
    while traceback is not None:
        frame = traceback.tb_frame
        module = frame.f_globals.get("__name__", "?")
        yield f"{module}:{frame.f_code.co_name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
