"""Which messages were read here, for portals that can't be told."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from gpcli.config.atomic_write import make_private_directory, write_private_file
from gpcli.errors import ConfigError

LOCK_TIMEOUT = 2.0
"""Seconds to wait for another process that adds a mark; then it is an error."""


@dataclass(frozen=True)
class _StoredMarks:
    """What the file holds: a key that only this machine has, and hashes made with it."""

    key: str
    read: frozenset[str]


class ReadMarks:
    """Opaque hashes of the messages that this machine knows as read, one account's.

    They are kept in the state directory and say nothing about what was read, nor whose it is. A
    broken file is an empty one, and the next mark replaces it.
    """

    def __init__(self, directory: Path, account: str) -> None:
        self._path = directory / "read-marks.json"
        self._account = account
        self._known: _StoredMarks | None = None

    def __contains__(self, message: str) -> bool:
        """Whether the message with this id is known as read."""
        self._known = self._known or self._kept()
        return self._mark(message, self._known.key) in self._known.read

    def add(self, message: str) -> None:
        """Know the message with this id as read; raises ConfigError if it can't be kept."""
        from filelock import FileLock  # noqa: PLC0415  (imports asyncio; only changes need it)

        try:
            make_private_directory(self._path.parent)
            lock = self._path.with_name(f"{self._path.name}.lock")
            with FileLock(lock, mode=0o600, timeout=LOCK_TIMEOUT):
                self._add(message)
        except OSError as trouble:
            raise ConfigError(
                f"That it was read can't be kept in {self._path}: {trouble.strerror or 'busy'}.",
                hint="Make the directory writable, or set GPCLI_CONFIG_DIR.",
            ) from trouble

    def _add(self, message: str) -> None:
        kept = self._kept()
        self._known = _StoredMarks(kept.key, kept.read | {self._mark(message, kept.key)})
        written = {"key": kept.key, "read": sorted(self._known.read)}
        if self._known != kept:
            write_private_file(self._path, json.dumps(written))

    def _kept(self) -> _StoredMarks:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            bytes.fromhex(kept["key"])
            return _StoredMarks(kept["key"], frozenset(map(str, kept["read"])))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return _StoredMarks(secrets.token_hex(32), frozenset())

    def _mark(self, message: str, key: str) -> str:
        about = f"{self._account}\0{message}".encode(errors="surrogatepass")
        return hmac.new(bytes.fromhex(key), about, hashlib.sha256).hexdigest()
