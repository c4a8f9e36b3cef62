"""The way in: ready answers first, then the command line; errors become words and exit codes."""

import os
import sys
from io import TextIOWrapper

from gpcli.cli.ready_answers import answer, read_line
from gpcli.config.index_format import is_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any, NoReturn, TextIO

    from gpcli.app_context import AppContext
    from gpcli.cli.commands.specs import Registry
    from gpcli.cli.global_options import SessionFactory
    from gpcli.config.options import Options
    from gpcli.errors import GpcliError
    from gpcli.render.output import Output

INTERRUPTED, CLOSED_PIPE, TERMINATED = 130, 141, 143


class Terminated(BaseException):
    """SIGTERM came: what is open is closed on the way out."""


QUIET: dict[type[BaseException], int] = {
    KeyboardInterrupt: INTERRUPTED,
    BrokenPipeError: CLOSED_PIPE,
    Terminated: TERMINATED,
}
"""Endings that need no words, and their exit codes."""

BAD_ENDINGS: tuple[type[BaseException], ...] = (*QUIET, Exception)


def main() -> "NoReturn":
    """Run gpcli on the process's own line, variables and streams, and exit."""
    try:
        _open_streams()
        code = _ready_answer()
        code = _whole_program() if code is None else code
    except BAD_ENDINGS as trouble:
        code = _fail(trouble, sys.argv[1:], os.environ, (sys.stdin, sys.stdout, sys.stderr))
    _settle(sys.stdout)
    sys.exit(code)


def command_line(
    argv: "Sequence[str]",
    env: "Mapping[str, str]",
    stdin: "TextIO",
    stdout: "TextIO",
    stderr: "TextIO",
    context_factory: "SessionFactory",
    *,
    registry: "Registry | None" = None,
) -> int:
    """Run `argv` (without the program's name); say what went wrong, and return the exit code.

    `registry` are the commands that there are, those of this release if not given.
    """
    try:
        from gpcli.cli.app import run  # noqa: PLC0415  (typer costs five times a bare interpreter)

        code = run(argv, env, stdin, stdout, stderr, context_factory, registry=registry)
        stdout.flush()
    except BAD_ENDINGS as trouble:
        return _fail(trouble, argv, env, (stdin, stdout, stderr), registry)
    return code


def _ready_answer() -> int | None:
    text = answer(sys.argv[1:], os.environ)
    if text is None:
        return None
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(text)
    sys.stdout.flush()
    return 0


def _whole_program() -> int:
    former_umask = shut_the_doors()
    env = dict(os.environ)
    os.environ.pop("GPCLI_TOKEN", None)  # or whatever opens pages would inherit it

    def make_context(
        options: "Options",
        env: "Mapping[str, str]",
        stdin: "TextIO",
        stdout: "TextIO",
        stderr: "TextIO",
    ) -> "AppContext":
        from gpcli.app_context import AppContext  # noqa: PLC0415  (start-up: only some commands)

        return AppContext(options, env, stdin, stdout, stderr, former_umask=former_umask)

    return command_line(sys.argv[1:], env, sys.stdin, sys.stdout, sys.stderr, make_context)


def shut_the_doors() -> int:
    """Files for their owner only, no memory dumps, an orderly end on SIGTERM.

    Returns the umask that was.
    """
    import signal  # noqa: PLC0415  (imports enum)

    former_umask = os.umask(0o077)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        import resource  # noqa: PLC0415  (not on Windows)
    except ImportError:
        return former_umask
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    return former_umask


def _terminate(number: int, frame: object) -> "NoReturn":
    raise Terminated


def _open_streams() -> None:
    """Stand-ins for streams that were closed when gpcli started."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _settle(stream: "TextIO") -> None:
    """Write out what `stream` holds; if nobody takes it, Python must not complain about it too."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(
    trouble: BaseException,
    argv: "Sequence[str]",
    env: "Mapping[str, str]",
    streams: "tuple[TextIO, TextIO, TextIO]",
    registry: "Registry | None" = None,
) -> int:
    _close(argv, streams[1], registry)
    if type(trouble) in QUIET:
        return QUIET[type(trouble)]
    return _say(trouble, argv, env, streams)


def _close(argv: "Sequence[str]", stdout: "TextIO", registry: "Registry | None") -> None:
    from gpcli.cli.commands.registry import closing_text  # noqa: PLC0415  (only failures)

    text = closing_text(argv, registry)
    if not text:
        return
    try:
        stdout.write(text)
        stdout.flush()
    except OSError:
        return  # nobody evaluates it


def _say(
    trouble: BaseException,
    argv: "Sequence[str]",
    env: "Mapping[str, str]",
    streams: "tuple[TextIO, TextIO, TextIO]",
) -> int:
    options = read_line(list(argv)).options
    error = _as_ours(trouble)
    output = _output(options, env, streams)
    try:
        if "--debug" in options or is_set(env.get("GPCLI_DEBUG")):
            _say_where(trouble, output)
        output.error(error)
    except OSError:
        return int(error.exit)  # nobody listens on stderr; the exit code still says it
    return int(error.exit)


def _output(
    options: "Mapping[str, str]",
    env: "Mapping[str, str]",
    streams: "tuple[TextIO, TextIO, TextIO]",
) -> "Output":
    from gpcli.render.output import Format, Output, detect_terminal  # noqa: PLC0415  (only errors)

    json = options.keys() & {"--json", "--ndjson"}
    _, stdout, stderr = streams
    chosen = Format.JSON if json else Format.AUTO
    return Output(stdout, stderr, detect_terminal(*streams, env), format=chosen)


def _as_ours(trouble: BaseException) -> "GpcliError":
    from gpcli.errors import Failure, GpcliError, Unexpected  # noqa: PLC0415  (only errors)

    if isinstance(trouble, GpcliError):
        return trouble
    if isinstance(trouble, OSError) and trouble.strerror:
        place = f"{trouble.filename}: " if trouble.filename else ""
        return Failure(f"The system refused: {place}{trouble.strerror}.")
    return Unexpected(
        f"gpcli failed in a way that nobody foresaw ({type(trouble).__name__}).",
        hint="GPCLI_DEBUG=1 shows where. Nothing from your record is in it.",
    )


def _say_where(trouble: BaseException, output: "Output") -> None:
    for one in _chain(trouble):
        places = " > ".join(_places(one.__traceback__))
        output.notice(f"{type(one).__name__} at {places}")


def _chain(trouble: BaseException | None) -> "Iterator[BaseException]":
    while trouble is not None:
        yield trouble
        trouble = trouble.__cause__ or trouble.__context__


def _places(traceback: "TracebackType | None") -> "Iterator[str]":
    while traceback is not None:
        frame = traceback.tb_frame
        module = frame.f_globals.get("__name__", "?")
        yield f"{module}:{frame.f_code.co_name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next


if __name__ == "__main__":
    main()
