"""Where what was told of an account's records is kept, for who does not read it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

DIRECTORY = "changes"
"""The directory of the files, a file for each account, in that of the state."""


def find_path(state: Path, account: str) -> Path:
    """Return the path of the file of an account in the state directory `state`."""
    return state / DIRECTORY / f"{account}.sqlite3"


def forget_account(state: Path, account: str) -> None:
    """Delete the file of an account, with what SQLite keeps beside it, where that is possible.

    It is not while a watch has it open, on Windows.
    """
    path = find_path(state, account)
    for end in ("", "-wal", "-shm", ".broken"):
        with suppress(OSError):
            path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
