"""A vault in files, for processes of a measurement: `python -m bench.file_vault DIR WORDS…`.

That runs gpcli with the WORDS, whose sessions are in DIR.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TextIO

from gpcli.app_context import AppContext
from gpcli.auth.client_secret import ClientSecret
from gpcli.auth.session import StoredSession, parse_item
from gpcli.cli.run import run_command_line
from gpcli.config.settings import Options


class FileVault:
    """Sessions in a directory, each in a file that is replaced as a whole."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, account: str) -> StoredSession | None:
        """Return the session of `account`, None if there is none."""
        try:
            return parse_item(self._path(account).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def save(self, account: str, session: StoredSession) -> None:
        """Store `session`."""
        descriptor, draft = tempfile.mkstemp(dir=self._directory, prefix=".draft-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(session.format_item())
        Path(draft).replace(self._path(account))

    def delete(self, account: str) -> None:
        """Delete the session of `account`, if there is one."""
        self._path(account).unlink(missing_ok=True)

    def load_secret(self, account: str) -> ClientSecret | None:
        """Return None: clients here have no secret."""
        return None

    def save_secret(self, account: str, secret: ClientSecret) -> None:
        """Raise: clients here have no secret."""
        raise NotImplementedError

    def probe(self) -> None:
        """Do nothing: files can be written."""

    def _path(self, account: str) -> Path:
        return self._directory / sha256(account.encode()).hexdigest()[:16]


def main() -> int:
    """Run gpcli with the sessions of a directory."""
    directory, *words = sys.argv[1:]

    def build_context(
        options: Options, env: Mapping[str, str], stdin: TextIO, stdout: TextIO, stderr: TextIO
    ) -> AppContext:
        vault = FileVault(Path(directory))
        return AppContext(options, env, stdin, stdout, stderr, vault=vault)

    streams = sys.stdin, sys.stdout, sys.stderr
    return run_command_line(words, dict(os.environ), *streams, build_context)


if __name__ == "__main__":
    sys.exit(main())
