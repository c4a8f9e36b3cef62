"""Starting the person's own programs, without gpcli's secrets in their environment."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from gpcli.app_context import AppContext
from gpcli.config.variables import without_secrets


def start_program(
    context: AppContext,
    argv: Sequence[str],
    *,
    private: bool = False,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start the program of a command line, with the umask that gpcli was started with.

    With `private` it has gpcli's own umask, so that nobody else can read what it writes. The
    streams are as `subprocess.Popen` takes them.

    Raises: OSError if it can't be run.
    """
    umask = -1 if private else context.former_umask
    return subprocess.Popen(  # noqa: S603  (the command that the person named)
        argv,
        env=without_secrets(context.env),
        umask=umask,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )
