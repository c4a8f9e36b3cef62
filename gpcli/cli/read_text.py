"""Reading the text of a message from a file or a named pipe."""

from __future__ import annotations

import os
import select
import stat
from pathlib import Path

from gpcli.care.written_text import MAX_BYTES, too_long_error
from gpcli.errors import InvalidUsage, NotFound

STDIN = "-"
"""The file name on the command line that means standard input."""

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_CHUNK = 64 * 1024


def read_message_file(name: str, patience: float) -> str:
    """Read the file called `name`, which is text in UTF-8.

    `patience` is the seconds to wait, each time, for data of a named pipe.

    Raises: NotFound for a file that does not exist; InvalidUsage for one that can't be read, is
    too long or is not text.
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
    """Decode UTF-8; raise InvalidUsage, naming `origin`, for other bytes or too many."""
    if len(content) > MAX_BYTES:
        raise too_long_error(origin)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidUsage(f"{origin} is not text in UTF-8.") from None


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
