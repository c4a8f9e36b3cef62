"""Writing files that are complete or not there at all, for their owner alone (mode 0600).

`write_private_file` is for gpcli's own files; `save_new_file` for what a person saves where they
like.
"""

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
    """Make the directory `path` (mode 0700) with its parents, and return it.

    An existing one keeps its mode.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private_file(path: Path, text: str) -> None:
    """Write `text` to `path`, atomically; after a crash it holds the old text or the new.

    Raises: OSError.
    """
    make_private_directory(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


_CREATE_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def require_directory(name: str) -> Path:
    """Return the directory `name`, which a person gave with `--to`.

    Raises: NotFound when it does not exist, InvalidUsage when it is not a directory.
    """
    if not name.strip():
        raise InvalidUsage("--to needs a value that is not empty.")
    path = Path(name)
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            return path
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.lexists(path):
            raise NotFound(f"There is no directory '{name}'.", hint="Make it first.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidUsage(f"'{name}' can't be used: {why}.") from error
    raise InvalidUsage(f"'{name}' is not a directory.")


def save_new_file(
    path: Path, content: bytes, *, replace: bool, link: Callable[[Path, Path], None] = os.link
) -> None:
    """Write `content` to the file `path`; only with `replace` in place of an existing one.

    A symbolic link at `path` is never followed. `link` makes a hard link, which fails where the
    name is taken.
    Raises: InvalidUsage when something is there, Failure when the system refuses.
    """
    if os.path.lexists(path) and not (replace and _is_replaceable(path)):
        raise _name_taken_error(path, replace=replace)
    draft = path.with_name(f".gpcli-{secrets.token_hex(8)}.part")
    try:
        _create_file(draft, content)
        if replace:
            draft.replace(path)
        else:
            _move_to_free_name(draft, path, link)
    except FileExistsError:
        raise _name_taken_error(path, replace=replace) from None
    except OSError as error:
        raise Failure(f"'{path}' can't be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _create_file(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, _CREATE_FLAGS, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _move_to_free_name(draft: Path, path: Path, link: Callable[[Path, Path], None]) -> None:
    try:
        link(draft, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError from None
        draft.replace(path)


def _is_replaceable(path: Path) -> bool:
    return path.is_file() or path.is_symlink()


def _name_taken_error(path: Path, *, replace: bool) -> InvalidUsage:
    if replace:
        return InvalidUsage(f"'{path}' is not a file that could be replaced.")
    return InvalidUsage(
        f"'{path}' is there already.", hint="--yes replaces it; --to DIR saves elsewhere."
    )
