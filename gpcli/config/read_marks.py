"""Which messages were read on this machine, for portals that keep no read status."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from gpcli.config.private_files import make_private_directory, write_private_file
from gpcli.errors import ConfigError

LOCK_TIMEOUT = 2.0
"""Seconds to wait for another process that is adding a mark."""


@dataclass(frozen=True)
class _StoredMarks:
    """The file's content: a key (hexadecimal) that only this machine has, and hashes made with it.

    `read` has a hash for each message that was read, by any account.
    """

    key: str
    read: frozenset[str]


class ReadMarks:
    """The messages that one account has read on this machine.

    The file in the state directory has keyed hashes only: nothing in it says what was read, nor by
    whom. A broken file counts as empty, and the next mark replaces it.
    """

    def __init__(self, directory: Path, account: str) -> None:
        self._path = directory / "read-marks.json"
        self._account = account
        self._stored: _StoredMarks | None = None

    def __contains__(self, message: str) -> bool:
        """Return whether the message with this id is marked as read."""
        self._stored = self._stored or self._read_marks()
        return self._hash(message, self._stored.key) in self._stored.read

    def add(self, message: str) -> None:
        """Mark the message with this id as read; raise ConfigError if that can't be stored."""
        from filelock import FileLock  # noqa: PLC0415  (start-up: imports asyncio)

        try:
            make_private_directory(self._path.parent)
            lock = self._path.with_name(f"{self._path.name}.lock")
            with FileLock(lock, mode=0o600, timeout=LOCK_TIMEOUT):
                self._write_mark(message)
        except OSError as error:
            raise ConfigError(
                f"That it was read can't be kept in {self._path}: {error.strerror or 'busy'}.",
                hint="Make the directory writable, or set GPCLI_CONFIG_DIR.",
            ) from error

    def _write_mark(self, message: str) -> None:
        before = self._read_marks()
        self._stored = _StoredMarks(before.key, before.read | {self._hash(message, before.key)})
        if self._stored != before:
            content = {"key": before.key, "read": sorted(self._stored.read)}
            write_private_file(self._path, json.dumps(content))

    def _read_marks(self) -> _StoredMarks:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            bytes.fromhex(content["key"])  # raises ValueError for a broken key
            return _StoredMarks(content["key"], frozenset(map(str, content["read"])))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return _StoredMarks(secrets.token_hex(32), frozenset())

    def _hash(self, message: str, key: str) -> str:
        content = f"{self._account}\0{message}".encode(errors="surrogatepass")
        return hmac.new(bytes.fromhex(key), content, hashlib.sha256).hexdigest()
