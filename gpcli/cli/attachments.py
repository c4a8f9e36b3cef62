"""Reading the files to attach to a message: regular files only, each read once."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from mimetypes import MimeTypes
from pathlib import Path

from gpcli.care.message import MAX_TOTAL_BYTES, too_much_error
from gpcli.errors import GpcliError, InvalidUsage, NotFound
from gpcli.invisible import is_hidden
from gpcli.model.thread import AttachedFile

UNKNOWN_TYPE = "application/octet-stream"

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read_attachments(names: Sequence[str]) -> tuple[AttachedFile, ...]:
    """Read the files called `names`.

    Raises: NotFound for a file that does not exist; InvalidUsage for one that is not a regular
    file, is empty, can't be read or changes meanwhile, and where they are too big together.
    """
    files: list[AttachedFile] = []
    left = MAX_TOTAL_BYTES
    for name in names:
        files.append(read_attachment(name))
        left -= len(files[-1].content)
        if left < 0:
            raise too_much_error()
    return tuple(files)


def read_attachment(name: str) -> AttachedFile:
    """Read a file: its base name, its media type by the extension, and its bytes.

    Raises: as `read_attachments`.
    """
    if not name.strip():
        raise InvalidUsage("--attach needs a value that is not empty.")
    path = Path(name)
    if os.path.islink(path):  # noqa: PTH114  (Path's raises; for systems without O_NOFOLLOW)
        raise InvalidUsage(
            f"'{name}' is a symbolic link.", hint="Attach the file that it points to."
        )
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise _read_error(name, error) from error
    try:
        content = _read_content(name, descriptor)
    finally:
        os.close(descriptor)
    return AttachedFile(_attachment_title(path), guess_media_type(path.name), content)


def guess_media_type(name: str) -> str:
    """Return the media type of a file's extension, the same on every machine."""
    kind, packed = MimeTypes().guess_type(name, strict=False)
    return UNKNOWN_TYPE if kind is None or packed else kind


def _read_content(name: str, descriptor: int) -> bytes:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise InvalidUsage(f"'{name}' is {_describe_kind(before.st_mode)}, not a file.")
    if before.st_size > MAX_TOTAL_BYTES:
        raise InvalidUsage(f"'{name}' has {before.st_size} bytes: {MAX_TOTAL_BYTES} at most.")
    content = read_unchanged(name, descriptor, before)
    if not content:
        raise InvalidUsage(f"'{name}' is empty.")
    return content


def read_unchanged(name: str, descriptor: int, before: os.stat_result) -> bytes:
    """Read a file whose state was `before` when it was opened.

    Raises: InvalidUsage if it has changed since.
    """
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        content = file.read(before.st_size + 1)
    if len(content) != before.st_size or _file_state(os.fstat(descriptor)) != _file_state(before):
        raise InvalidUsage(
            f"'{name}' changes while it is read.", hint="Try again when it is whole."
        )
    return content


def _file_state(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _describe_kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"


def _read_error(name: str, error: OSError | ValueError) -> GpcliError:
    if isinstance(error, FileNotFoundError):
        return NotFound(f"There is no file '{name}'.")
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return InvalidUsage(
            f"'{name}' is a symbolic link.", hint="Attach the file that it points to."
        )
    if os.path.isdir(name):  # noqa: PTH112  (Path's raises; Windows opens none)
        return InvalidUsage(f"'{name}' is a directory, not a file.")
    why = getattr(error, "strerror", None) or error
    return InvalidUsage(f"'{name}' can't be read: {why}.")


def _attachment_title(path: Path) -> str:
    """Return the base name, with `_` for hidden characters and `?` for bytes that are no text."""
    name = path.name.encode(errors="replace").decode()
    return "".join("_" if is_hidden(character) else character for character in name)
