"""The sandboxes that are served on this machine: each announces itself in a file of its own.

The files are in `sandboxes/` in the state directory, `NAME.json` for each. A sandbox that was
killed leaves its file: readers ignore it, and the next sandbox that is served deletes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from gpcli.config.paths import SANDBOXES
from gpcli.config.private_files import (
    LOCK_TIMEOUT,
    check_private_directory,
    hold_lock,
    make_private_directory,
    read_private_file,
    write_private_file,
)
from gpcli.errors import Conflict, InvalidUsage, NotFound

SUFFIX = ".json"
DEFAULT_NAME = "default"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class ServedSandbox(NamedTuple):
    """A sandbox that is served. `started` is in Unix seconds, `pid` the process that serves it."""

    name: str
    url: str
    control_token: str
    started: float
    pid: int


IsServing = Callable[[ServedSandbox], bool]
"""Whether a sandbox that announced itself still runs."""


def check_name(name: str | None) -> None:
    """Raise InvalidUsage for what can't be the name of a sandbox; `None` is none."""
    if name is not None and not _NAME.fullmatch(name):
        raise InvalidUsage(
            f"'{name}' can't be the name of a sandbox.",
            hint="It has letters, digits, '-', '_' and '.', at most 64 of them.",
        )


@contextmanager
def announce(
    state: Path, sandbox: ServedSandbox, is_serving: IsServing, *, is_named: bool = True
) -> Iterator[ServedSandbox]:
    """Announce `sandbox` while the body runs, and give it with the name that it got.

    Raises: as `write_announcement`.
    """
    announced = write_announcement(state, sandbox, is_serving, is_named=is_named)
    try:
        yield announced
    finally:
        if _read(state, announced.name) == announced:
            _build_path(state, announced.name).unlink(missing_ok=True)


def write_announcement(
    state: Path, sandbox: ServedSandbox, is_serving: IsServing, *, is_named: bool = True
) -> ServedSandbox:
    """Write the file of `sandbox` and delete those of dead ones; return it with its name.

    Unless a person chose its name (`is_named`), it gets the next free one: `default-2`.
    Raises: Conflict where one of that name is served; TimedOut, ConfigError, OSError, as
    `hold_lock`.
    """
    directory = make_private_directory(state, SANDBOXES)
    with hold_lock(directory / "lock", "is starting a sandbox", LOCK_TIMEOUT):
        taken = _sweep_dead(state, is_serving)
        if is_named and sandbox.name in taken:
            raise Conflict(
                f"A sandbox called '{sandbox.name}' is being served.",
                hint="Choose another --name, or end that one; gpcli sandbox list shows it.",
            )
        free = next(name for name in _list_candidates(sandbox.name) if name not in taken)
        announced = sandbox._replace(name=free)
        write_private_file(_build_path(state, free), json.dumps(announced._asdict()))
    return announced


def list_served(state: Path, is_serving: IsServing) -> list[ServedSandbox]:
    """Return the sandboxes that a state directory announces and that run, the newest first.

    Raises: ConfigError for a file or directory that is not gpcli's own.
    """
    return list(filter(is_serving, _list_announced(state)))


def find_served(state: Path, name: str | None, is_serving: IsServing) -> ServedSandbox:
    """Return the sandbox called `name`; `None` = the newest one that runs.

    Raises: NotFound if there is none, InvalidUsage, ConfigError.
    """
    check_name(name)
    wanted = [each for each in _list_announced(state) if name in {None, each.name}]
    found = next(filter(is_serving, wanted), None)
    if found is not None:
        return found
    if name is None:
        raise NotFound("No sandbox is being served.", hint="Start one with gpcli sandbox serve.")
    raise NotFound(
        f"No sandbox called '{name}' is being served.",
        hint="gpcli sandbox list shows those that are.",
    )


def _list_announced(state: Path) -> list[ServedSandbox]:
    """Return all that announced themselves, also those that are dead, the newest first."""
    directory = state / SANDBOXES
    try:
        check_private_directory(directory)
    except FileNotFoundError:
        return []
    names = (path.name.removesuffix(SUFFIX) for path in directory.glob(f"*{SUFFIX}"))
    found = [_read(state, name) for name in names if _NAME.fullmatch(name)]
    announced = [sandbox for sandbox in found if sandbox is not None]
    return sorted(announced, key=lambda each: (each.started, each.name), reverse=True)


def _sweep_dead(state: Path, is_serving: IsServing) -> set[str]:
    """Delete the files of those that do not run, and return the names of the others."""
    announced = _list_announced(state)
    running = {sandbox.name for sandbox in announced if is_serving(sandbox)}
    for sandbox in announced:
        if sandbox.name not in running:
            _build_path(state, sandbox.name).unlink(missing_ok=True)
    return running


def _list_candidates(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def _build_path(state: Path, name: str) -> Path:
    return state / SANDBOXES / f"{name}{SUFFIX}"


def _read(state: Path, name: str) -> ServedSandbox | None:
    """Return the sandbox of that name; `None` = its file is gone, or says nothing of the kind."""
    try:
        sandbox = ServedSandbox(**json.loads(read_private_file(_build_path(state, name))))
    except (OSError, ValueError, TypeError):
        return None
    return sandbox if sandbox.name == name and isinstance(sandbox.started, float) else None
