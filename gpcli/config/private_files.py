"""Files for their owner alone (mode 0600), complete or not there at all, changed by one at a time.

Most functions are for gpcli's own files, which stand in directories of its own. `read_config_file`
and `edit_config_file` are for `config.toml`, which a person may keep where they like;
`save_new_file` is for what a person saves.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gpcli.errors import ConfigError, Failure, InvalidUsage, NotFound, TimedOut

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that is changing the same file."""

DRAFT_LIFETIME = 3600.0
"""Seconds after which a draft is one that a killed process left."""

_HAS_MODES = os.name == "posix"
"""Whether files have owners and modes that say who may use them; Windows has other means."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

_FLAGS = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO in the file's place must not keep gpcli waiting
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)

_DRAFT_NAME = re.compile(r"\.gpcli-[0-9a-f]{16}\.part")


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
        check_private_directory(directory)
    return directory


def check_private_directory(path: Path, denied: int = _OTHERS) -> None:
    """Take from others the rights `denied` to a directory that is there.

    Raises: ConfigError for what is no directory of this user, or can't be mended; OSError.
    """
    status = os.lstat(path)
    _check_own(path, status, stat.S_IFDIR)
    if _HAS_MODES and status.st_mode & denied:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _FLAGS | _NOFOLLOW)
        try:
            _mend_mode(path, descriptor, os.fstat(descriptor), denied)
        finally:
            os.close(descriptor)


def open_private_file(path: Path, flags: int) -> int:
    """Open the file `path`, in a directory of gpcli's own, and return its descriptor.

    `flags` are those of `os.open`; a new file has the mode 0600. File and directory lose the
    rights that others have to them; one that their owner can't write stays so, also for root.
    Raises: ConfigError where the file or its directory is a link, another kind of file or somebody
    else's, or its mode can't be mended; OSError for all else, such as FileNotFoundError.
    """
    check_private_directory(path.parent)
    return _open_own(path, flags, _OTHERS)


def read_private_file(path: Path) -> bytes:
    """Return the content of the file `path`; raise as `open_private_file`."""
    with os.fdopen(open_private_file(path, os.O_RDONLY), "rb") as stream:
        return stream.read()


def write_private_file(path: Path, text: str) -> None:
    """Write `text` to `path`, atomically; after a crash it holds the old text or the new.

    It is for files that are replaced without being read before; others need `edit_private_file`.
    Raises: ConfigError, OSError, as `open_private_file`.
    """
    make_private_directory(path.parent)
    _replace_file(path, text.encode(), _OTHERS)


@dataclass
class EditedFile:
    """The content of a file that is being changed; `None` = there is no file."""

    content: bytes | None


@contextmanager
def edit_private_file(path: Path, timeout: float = LOCK_TIMEOUT) -> Iterator[EditedFile]:
    """Give the content of `path`, to be changed in the body, and write it after that.

    From before it is read until it is written, no other process can change it so. Nothing is
    written where the body raises, or leaves the content as it was.
    Raises: TimedOut after `timeout` seconds, ConfigError, OSError, as `open_private_file`.
    """
    make_private_directory(path.parent)
    with _edit_file(path, timeout, _OTHERS) as edited:
        yield edited


def read_config_file(path: Path) -> bytes:
    """Return the content of a file that a person keeps where they like, and may show to others.

    It may be behind a link and belong to somebody else. If it is this user's, others lose the right
    to write it, since it names programs to run.
    Raises: ConfigError for what is no file, or whose mode can't be mended; OSError.
    """
    path = Path(os.path.realpath(path))
    descriptor = _open_own(path, os.O_RDONLY, _WRITE_BY_OTHERS, or_other_users=True)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


@contextmanager
def edit_config_file(path: Path) -> Iterator[EditedFile]:
    """Give the content of a file that a person keeps where they like, as `edit_private_file` does.

    If it is a link, it stays one, and what it points to is changed, with the lock beside that. A
    file that others may read stays so; a new one has the mode 0600, and a new directory 0700.
    Raises: as `edit_private_file`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = Path(os.path.realpath(path))
    check_private_directory(path.parent, _WRITE_BY_OTHERS)
    with _edit_file(path, LOCK_TIMEOUT, _WRITE_BY_OTHERS) as edited:
        yield edited


@contextmanager
def hold_lock(path: Path, doing: str, timeout: float) -> Iterator[None]:
    """Hold the lock that the file `path` is; the system releases that of a process that ends.

    Raises: TimedOut after `timeout` seconds, which says that another gpcli is `doing` something;
    ConfigError, OSError, as `open_private_file`.
    """
    import filelock  # noqa: PLC0415  (start-up: imports asyncio)

    os.close(_open_own(path, os.O_RDWR | os.O_CREAT, _OTHERS))
    lock = filelock.FileLock(path, timeout=timeout, mode=0o600)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise TimedOut(
            f"Another gpcli {doing} and did not finish in time: {path} is locked.",
            hint="Try again.",
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _edit_file(path: Path, timeout: float, denied: int) -> Iterator[EditedFile]:
    lock = path.with_name(f"{path.name}.lock")
    with hold_lock(lock, f"is changing {path}", timeout):
        before = _read_if_there(path, denied)
        edited = EditedFile(before)
        yield edited
        if edited.content is not None and edited.content != before:
            _replace_file(path, edited.content, denied)


def _read_if_there(path: Path, denied: int) -> bytes | None:
    try:
        descriptor = _open_own(path, os.O_RDONLY, denied)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def _open_own(path: Path, flags: int, denied: int, *, or_other_users: bool = False) -> int:
    """Open a file of this user, and take the rights `denied` to it from others."""
    try:
        descriptor = os.open(path, flags | _FLAGS | _NOFOLLOW, 0o600)
    except OSError:
        _check_own(path, os.lstat(path), stat.S_IFREG, or_other_users=or_other_users)
        raise
    try:
        status = os.fstat(descriptor)
        _check_own(path, status, stat.S_IFREG, or_other_users=or_other_users)
        if _is_own(status):
            _mend_mode(path, descriptor, status, denied)
        if flags & (os.O_WRONLY | os.O_RDWR):
            _check_writable(path, status)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_own(status: os.stat_result) -> bool:
    return not _HAS_MODES or status.st_uid == os.geteuid()


def _check_own(
    path: Path, status: os.stat_result, kind: int, *, or_other_users: bool = False
) -> None:
    """Raise ConfigError for what is not of the kind `kind`, or another user's."""
    if stat.S_IFMT(status.st_mode) != kind:
        due = "directory" if kind == stat.S_IFDIR else "file"
        found = "a symbolic link" if stat.S_ISLNK(status.st_mode) else f"not a {due}"
        raise ConfigError(
            f"{path} is {found}; gpcli keeps a {due} of its own there.",
            hint="Move it away, or set GPCLI_CONFIG_DIR to another directory.",
        )
    if not (or_other_users or _is_own(status)):
        raise ConfigError(
            f"{path} belongs to another user.",
            hint="Run gpcli as that user, or set GPCLI_CONFIG_DIR to a directory of your own.",
        )


def _check_writable(path: Path, status: os.stat_result) -> None:
    """Raise PermissionError for a file that its owner made read-only, though root could write."""
    if not status.st_mode & stat.S_IWUSR:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _mend_mode(path: Path, descriptor: int, status: os.stat_result, denied: int) -> None:
    """Take the rights `denied` from others; the owner's stay. Raise ConfigError if they remain."""
    if not (_HAS_MODES and status.st_mode & denied):
        return
    with suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~denied)
    if os.fstat(descriptor).st_mode & denied:
        raise ConfigError(
            f"Others can use {path}, and its file system does not let gpcli change that.",
            hint="Set GPCLI_CONFIG_DIR to a directory on a disk that keeps permissions.",
        )


def _replace_file(path: Path, content: bytes, denied: int) -> None:
    with _draft(path.parent, content, _find_mode(path, denied)) as draft:
        draft.replace(path)


def _find_mode(path: Path, denied: int) -> int:
    """Return the mode for what replaces `path`; raise ConfigError, PermissionError."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return 0o600
    _check_own(path, status, stat.S_IFREG)
    _check_writable(path, status)
    return status.st_mode & 0o777 & ~denied


@contextmanager
def _draft(directory: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Give a complete file with a name of its own; it is deleted if the body leaves it there."""
    sweep_drafts(directory)
    path = directory / f".gpcli-{secrets.token_hex(8)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS | _NOFOLLOW
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            if _HAS_MODES:
                os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        yield path
    finally:
        with suppress(OSError):
            path.unlink()


def sweep_drafts(directory: Path) -> None:
    """Delete the drafts in `directory` that processes left which were killed, if that is there."""
    oldest = time.time() - DRAFT_LIFETIME
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if _DRAFT_NAME.fullmatch(entry.name):
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    is_ours = stat.S_ISREG(status.st_mode) and _is_own(status)
                    if is_ours and status.st_mtime < oldest:
                        (directory / entry.name).unlink()


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
    try:
        with _draft(path.parent, content, 0o600) as draft:
            if replace:
                draft.replace(path)
            else:
                _move_to_free_name(draft, path, link)
    except FileExistsError:
        raise _name_taken_error(path, replace=replace) from None
    except OSError as error:
        raise Failure(f"'{path}' can't be written: {error.strerror}.") from error


def _move_to_free_name(draft: Path, path: Path, link: Callable[[Path, Path], None]) -> None:
    try:
        link(draft, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without hard links
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600))
        draft.replace(path)


def _is_replaceable(path: Path) -> bool:
    return path.is_file() or path.is_symlink()


def _name_taken_error(path: Path, *, replace: bool) -> InvalidUsage:
    if replace:
        return InvalidUsage(f"'{path}' is not a file that could be replaced.")
    return InvalidUsage(
        f"'{path}' is there already.", hint="--yes replaces it; --to DIR saves elsewhere."
    )


def build_cure(error: OSError) -> str:
    """Return the hint for a file of gpcli's own that could not be written."""
    is_full = error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
    cure = "Make room on the disk" if is_full else "Make the directory writable"
    return f"{cure}, or set GPCLI_CONFIG_DIR."
