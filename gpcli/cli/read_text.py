"""Reading the words of a message from a file, or from a pipe that has a name."""

from __future__ import annotations

import os
import re
import select
import stat
from pathlib import Path

from gpcli.errors import InvalidUsage, NotFound

MAX_BYTES = 512 * 1024
"""Bytes of a message beyond which it is refused unread, whatever a surgery takes."""

STDIN = "-"
"""What names standard input on the line."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What no FHIR string may hold (R4, datatypes: string)."""

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_CHUNK = 64 * 1024


def read_message_file(name: str, patience: float) -> str:
    """The text of the file called `name`, of UTF-8.

    A pipe gets `patience` seconds each time that it holds nothing. Raises NotFound for one that
    does not exist; Usage for one that can't be read, is too long or is no text.
    """
    if not name.strip():
        raise InvalidUsage("--message-file needs a value that is not empty.")
    try:
        content = _read_content(name, patience)
    except FileNotFoundError:
        raise NotFound(f"There is no file '{name}'.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidUsage(f"'{name}' can't be read: {why}.") from error
    return decode_text(content, name)


def decode_text(content: bytes, origin: str) -> str:
    """Bytes as text; `origin` is named in Usage."""
    if len(content) > MAX_BYTES:
        raise too_long_error(origin)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidUsage(f"{origin} is not text in UTF-8.") from None


def check_text(text: str, origin: str) -> str:
    """The words of a message without the space around them; `origin` is named in Usage."""
    words = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not words:
        raise InvalidUsage(f"{origin} is empty.", hint="Write what it is about.")
    if len(words.encode(errors="replace")) > MAX_BYTES:
        raise too_long_error(origin)
    unfit = _FORBIDDEN.search(words)
    if unfit or not _is_unicode(words):
        where = words[: unfit.start()].count("\n") + 1 if unfit else 1
        raise InvalidUsage(f"{origin} has a character that no message can hold, in line {where}.")
    return words


def too_long_error(origin: str) -> InvalidUsage:
    """The error for what no surgery takes."""
    return InvalidUsage(f"{origin} is too long: {MAX_BYTES} bytes at most.")


def _read_content(name: str, patience: float) -> bytes:
    descriptor = os.open(Path(name), _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return _read_pipe(name, descriptor, patience)
        if os.name != "nt":
            os.set_blocking(descriptor, True)
        return file.read(MAX_BYTES + 1)


def _read_pipe(name: str, descriptor: int, patience: float) -> bytes:
    content = b""
    while len(content) <= MAX_BYTES:
        ready, _, _ = select.select([descriptor], [], [], patience)
        if not ready:
            raise InvalidUsage(
                f"Nothing comes through the pipe '{name}'.", hint="Is anybody writing?"
            )
        part = os.read(descriptor, _CHUNK)
        if not part:
            break
        content += part
    return content


def _is_unicode(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True
