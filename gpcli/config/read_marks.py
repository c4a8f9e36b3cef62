"""Which messages were read on this machine, for portals that keep no read status."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from gpcli.config.private_files import build_cure, edit_private_file, read_private_file
from gpcli.errors import ConfigError

KEY_BYTES = 32
"""The length of the key of the hashes."""


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
    whom. A broken file, such as one without a whole key, counts as empty, and the next mark
    replaces it.
    """

    def __init__(self, directory: Path, account: str) -> None:
        self._path = directory / "read-marks.json"
        self._account = account
        self._stored: _StoredMarks | None = None

    def __contains__(self, message: str) -> bool:
        """Return whether the message with this id is marked as read; raise ConfigError.

        That is for a file that is not gpcli's own; one that can't be read has no marks.
        """
        self._stored = self._stored or self._read_marks()
        return self._hash(message, self._stored.key) in self._stored.read

    def add(self, message: str) -> None:
        """Mark the message with this id as read.

        Raises: ConfigError if that can't be stored, TimedOut if another process has the file.
        """
        try:
            with edit_private_file(self._path) as file:
                before = _parse_marks(file.content)
                mark = self._hash(message, before.key)
                self._stored = _StoredMarks(before.key, before.read | {mark})
                if self._stored != before:
                    file.content = _format_marks(self._stored)
        except OSError as error:
            raise ConfigError(
                f"That it was read can't be kept in {self._path}: {error.strerror}.",
                hint=build_cure(error),
            ) from error

    def _read_marks(self) -> _StoredMarks:
        try:
            return _parse_marks(read_private_file(self._path))
        except OSError:
            return _parse_marks(None)

    def _hash(self, message: str, key: str) -> str:
        content = f"{self._account}\0{message}".encode(errors="surrogatepass")
        return hmac.new(bytes.fromhex(key), content, hashlib.sha256).hexdigest()


def _parse_marks(text: bytes | None) -> _StoredMarks:
    try:
        content = json.loads(text or b"")
        if len(bytes.fromhex(content["key"])) == KEY_BYTES:
            return _StoredMarks(content["key"], frozenset(map(str, content["read"])))
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    return _StoredMarks(secrets.token_hex(KEY_BYTES), frozenset())


def _format_marks(marks: _StoredMarks) -> bytes:
    return json.dumps({"key": marks.key, "read": sorted(marks.read)}).encode()
