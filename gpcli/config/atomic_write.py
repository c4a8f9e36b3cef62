"""Write files whole or not at all, readable by their owner only."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gpcli.errors import Failure, InvalidUsage, NotFound


def make_private_directory(path: Path) -> Path:
    """Make `path` (mode 0700) with its parents, and return it; one that is there stays as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private_file(path: Path, text: str) -> None:
    """Replace `path` (mode 0600) atomically; after a crash it holds the old text or the new."""
    make_private_directory(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


_NEW = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def require_directory(name: str) -> Path:
    """Where to save; raises NotFound when it is not there, Usage when it can't be one."""
    if not name.strip():
        raise InvalidUsage("--to needs a value that is not empty.")
    place = Path(name)
    try:
        if stat.S_ISDIR(place.stat().st_mode):
            return place
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.lexists(place):
            raise NotFound(f"There is no directory '{name}'.", hint="Make it first.") from None
    except (OSError, ValueError) as trouble:
        why = getattr(trouble, "strerror", None) or trouble
        raise InvalidUsage(f"'{name}' can't be used: {why}.") from trouble
    raise InvalidUsage(f"'{name}' is not a directory.")


def save_new_file(
    path: Path, content: bytes, *, replace: bool, link: Callable[[Path, Path], None] = os.link
) -> None:
    """Write a file of mode 0600; with `replace`, in place of one that is there.

    `link` gives a file a second name, unless that is taken, where the file system can. Never
    follows a link at `path`. Raises Usage when something is there, Failure when the system refuses.
    """
    if os.path.lexists(path) and not (replace and _can_be_replaced(path)):
        raise _taken(path, replace=replace)
    part = path.with_name(f".gpcli-{secrets.token_hex(8)}.part")
    try:
        _write_new(part, content)
        if replace:
            part.replace(path)
        else:
            _put(part, path, link)
    except FileExistsError:
        raise _taken(path, replace=replace) from None
    except OSError as trouble:
        raise Failure(f"'{path}' can't be written: {trouble.strerror}.") from trouble
    finally:
        with suppress(OSError):
            part.unlink()


def _write_new(part: Path, content: bytes) -> None:
    with os.fdopen(os.open(part, _NEW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _put(part: Path, path: Path, link: Callable[[Path, Path], None]) -> None:
    try:
        link(part, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError from None
        part.replace(path)


def _can_be_replaced(path: Path) -> bool:
    return path.is_file() or path.is_symlink()


def _taken(path: Path, *, replace: bool) -> InvalidUsage:
    if replace:
        return InvalidUsage(f"'{path}' is not a file that could be replaced.")
    return InvalidUsage(
        f"'{path}' is there already.", hint="--yes replaces it; --to DIR saves elsewhere."
    )
