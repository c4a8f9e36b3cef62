"""Reading what a command is given: a file, a named pipe, a stream; the text of a message."""

from __future__ import annotations

import os
import select
import stat
from pathlib import Path
from typing import TextIO

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
    return decode_text(read_given_file("--message-file", name, patience, MAX_BYTES + 1), name)


def read_given_file(flag: str, name: str, patience: float, limit: int) -> bytes:
    """Read up to `limit` bytes of the file that `flag` names; the rest as `read_message_file`."""
    if not name.strip():
        raise InvalidUsage(f"{flag} needs a value that is not empty.")
    try:
        return _read_content(name, patience, limit)
    except FileNotFoundError:
        raise NotFound(f"There is no file '{name}'.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidUsage(f"'{name}' can't be read: {why}.") from error


def read_bytes(stream: TextIO, method: str, limit: int) -> bytes:
    """Read up to `limit` bytes of a stream with its method `read` or `readline`."""
    content: bytes | str = getattr(getattr(stream, "buffer", stream), method)(limit)
    return content if isinstance(content, bytes) else content.encode(errors="surrogatepass")


def decode_text(content: bytes, origin: str) -> str:
    """Decode UTF-8; raise InvalidUsage, naming `origin`, for other bytes or too many."""
    if len(content) > MAX_BYTES:
        raise too_long_error(origin)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidUsage(f"{origin} is not text in UTF-8.") from None


def _read_content(name: str, patience: float, limit: int) -> bytes:
    descriptor = os.open(Path(name), _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return _read_pipe(name, descriptor, patience, limit)
        if os.name != "nt":
            os.set_blocking(descriptor, True)
        return file.read(limit)


def _read_pipe(name: str, descriptor: int, patience: float, limit: int) -> bytes:
    content = b""
    while len(content) < limit:
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
