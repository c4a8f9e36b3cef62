"""Programs that gpcli starts for a person: their surroundings, without what is gpcli's alone."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from gpcli.app_context import AppContext

SECRETS = ("GPCLI_TOKEN",)
"""Variables that no other program gets."""


def start_program(
    context: AppContext,
    words: Sequence[str],
    *,
    private: bool = False,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start the person's own program, with the umask that gpcli was started with.

    `private` keeps gpcli's own, under which nobody else can read what the program writes. The
    streams are as `subprocess.Popen` takes them. Raises OSError for what can't be run.
    """
    env = {name: value for name, value in context.env.items() if name not in SECRETS}
    umask = -1 if private else context.former_umask
    return subprocess.Popen(  # noqa: S603  (the command that the person named)
        words, env=env, umask=umask, stdin=stdin, stdout=stdout, stderr=stderr
    )
