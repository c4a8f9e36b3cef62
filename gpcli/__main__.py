"""The process: ready answers first, else the whole program."""

import errno
import os
import sys

from gpcli.cli.run import (
    FAILURES,
    Terminated,
    report_failure,
    run_command_line,
    write_ready_answer,
)
from gpcli.config.variables import SECRETS

try:
    import gpcli.cli.ready_answers  # noqa: F401  (whether it is built)
except ImportError as error:
    if error.name != "gpcli.cli.answer_table":
        raise
    sys.stderr.write(f"gpcli: {error}\n")
    sys.exit(70)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn, TextIO

    from gpcli.app_context import AppContext
    from gpcli.config.settings import Options


def main() -> "NoReturn":
    """Run gpcli on the process's own line, variables and streams, and exit."""
    try:
        _open_streams()
        _require_writable(sys.stdout)
        code = write_ready_answer(sys.argv[1:], os.environ, sys.stdout)
        if code is None:
            code = _run_whole_program()
    except FAILURES as error:
        code = report_failure(error, sys.argv[1:], os.environ, (sys.stdin, sys.stdout, sys.stderr))
    _flush_or_discard(sys.stdout)
    sys.exit(code)


def _run_whole_program() -> int:
    from gpcli.cli.ready_answers import name_command  # noqa: PLC0415  (optional: see the top)

    argv = name_command(sys.argv[1:])
    former_umask = protect_process()
    env = dict(os.environ)
    for secret in SECRETS:
        os.environ.pop(secret, None)  # or whatever opens pages would inherit it

    def build_context(
        options: "Options",
        env: "Mapping[str, str]",
        stdin: "TextIO",
        stdout: "TextIO",
        stderr: "TextIO",
    ) -> "AppContext":
        from gpcli.app_context import AppContext  # noqa: PLC0415  (start-up: only some commands)

        return AppContext(options, env, stdin, stdout, stderr, former_umask=former_umask)

    return run_command_line(argv, env, sys.stdin, sys.stdout, sys.stderr, build_context)


def protect_process() -> int:
    """Make new files private, turn core dumps off, and have SIGTERM raise Terminated.

    Returns the former umask.
    """
    import signal  # noqa: PLC0415  (start-up: imports enum)

    former_umask = os.umask(0o077)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        import resource  # noqa: PLC0415  (platform: not on Windows)
    except ImportError:
        return former_umask
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    return former_umask


def _terminate(number: int, frame: object) -> "NoReturn":
    raise Terminated


def _open_streams() -> None:
    """Replace each stream that was closed when gpcli started by one on the null device.

    Nothing can be written to that for stdout: an answer must not get lost in silence.
    """
    for name, mode, access in (
        ("stdin", "r", os.O_RDONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            stream = open(os.open(os.devnull, access), mode, encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, stream)


def _require_writable(stdout: "TextIO") -> None:
    """Raise Failure where no answer could be written, before anything is asked or sent."""
    try:
        os.write(stdout.fileno(), b"")  # a closed or full one refuses that too
    except OSError as error:
        from gpcli.errors import Failure  # noqa: PLC0415  (start-up: only failures need it)

        is_closed = error.errno == errno.EBADF
        raise Failure(
            "Standard output is closed, or open only for reading."
            if is_closed
            else f"Standard output can't be written: {error.strerror}.",
            hint="Nothing was sent. >/dev/null throws an answer away.",
        ) from error


def _flush_or_discard(stream: "TextIO") -> None:
    """Flush `stream`; if nobody reads it, discard the rest, of which Python would complain."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
