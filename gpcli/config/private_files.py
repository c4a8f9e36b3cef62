"""Writing files that are complete or not there at all, for their owner alone (mode 0600).

`write_private_file` is for gpcli's own files; `save_new_file` for what a person saves where they
like.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gpcli.errors import ConfigError, Failure, InvalidUsage, NotFound

_HAS_MODES = os.name == "posix"
"""Whether files have owners and modes that say who may use them; Windows has other means."""

_OWN_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO in the file's place must not keep gpcli waiting
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private_directory(root: Path, *names: str) -> Path:
    """Make the directory `root`, and those that `names` lead to below it; return the last one.

    Each has the mode 0700; one that others could use is mended. What leads to `root` may be a
    link; `root` itself, and what is below it, may not.
    Raises: ConfigError for what is no directory of this user alone, and can't be made one; OSError.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    directory = root
    for name in ("", *names):
        directory /= name
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        _check_directory(directory)
    return directory


def open_private_file(path: Path, flags: int) -> int:
    """Open the file `path`, in a directory of gpcli's own, and return its descriptor.

    `flags` are those of `os.open`; a new file has the mode 0600. File and directory lose the
    rights that others have to them; one that their owner can't write stays so, also for root.
    Raises: ConfigError where the file or its directory is a link, another kind of file or somebody
    else's, or its mode can't be mended; OSError for all else, such as FileNotFoundError.
    """
    _check_directory(path.parent)
    try:
        descriptor = os.open(path, flags | _OWN_FLAGS, 0o600)
    except OSError:
        _check_own(path, os.lstat(path), stat.S_IFREG)
        raise
    try:
        status = os.fstat(descriptor)
        _check_own(path, status, stat.S_IFREG)
        _check_writable(path, status, flags)
        _mend_mode(path, descriptor, status)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_directory(path: Path) -> None:
    """Mend the mode of one of gpcli's own directories; raise ConfigError, FileNotFoundError."""
    status = os.lstat(path)
    _check_own(path, status, stat.S_IFDIR)
    if _HAS_MODES and status.st_mode & _OTHERS:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _OWN_FLAGS)
        try:
            _mend_mode(path, descriptor, os.fstat(descriptor))
        finally:
            os.close(descriptor)


def _check_own(path: Path, status: os.stat_result, kind: int) -> None:
    """Raise ConfigError unless `path` is of the kind `kind`, and this user's."""
    if stat.S_IFMT(status.st_mode) != kind:
        due = "directory" if kind == stat.S_IFDIR else "file"
        found = "a symbolic link" if stat.S_ISLNK(status.st_mode) else f"not a {due}"
        raise ConfigError(
            f"{path} is {found}; gpcli keeps a {due} of its own there.",
            hint="Move it away, or set GPCLI_CONFIG_DIR to another directory.",
        )
    if _HAS_MODES and status.st_uid != os.geteuid():
        raise ConfigError(
            f"{path} belongs to another user.",
            hint="Run gpcli as that user, or set GPCLI_CONFIG_DIR to a directory of your own.",
        )


def _check_writable(path: Path, status: os.stat_result, flags: int) -> None:
    """Raise PermissionError for a file that its owner made read-only, though root could write."""
    if flags & (os.O_WRONLY | os.O_RDWR) and not status.st_mode & stat.S_IWUSR:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _mend_mode(path: Path, descriptor: int, status: os.stat_result) -> None:
    """Take away the rights of others; the owner's stay. Raise ConfigError if they remain."""
    if not (_HAS_MODES and status.st_mode & _OTHERS):
        return
    with suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~_OTHERS)
    if os.fstat(descriptor).st_mode & _OTHERS:
        raise ConfigError(
            f"Others can use {path}, and its file system does not let gpcli change that.",
            hint="Set GPCLI_CONFIG_DIR to a directory on a disk that keeps permissions.",
        )


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
