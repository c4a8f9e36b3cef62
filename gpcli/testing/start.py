"""The start of the sandbox that the tests of one process share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gpcli.errors import GpcliError, InvalidUsage, system_error

if TYPE_CHECKING:
    from gpcli.sandbox.server import Sandbox


_MOST_DIGITS = 18


class CannotStart(Exception):
    """The sandbox can't be started; the words say why, and what to do."""


@contextmanager
def start_from_settings(settings: Mapping[str, str], base: Path) -> Iterator[Sandbox]:
    """Run a sandbox as the options of pytest's configuration say; empty = as by default.

    `settings` are `clock`, `delay`, `people` and `seed`; `base` is where paths are relative to.
    Raises: CannotStart without the extra, for wrong settings, and where sockets are blocked.
    """
    with ExitStack() as stack:
        try:
            sandbox = stack.enter_context(_start(settings, base))
        except GpcliError as error:
            raise CannotStart("\n".join(filter(None, (error.message, error.hint)))) from error
        except OSError as error:
            raise CannotStart(system_error(error).message) from error
        except RuntimeError as error:
            if type(error).__name__ != "SocketBlockedError":
                raise
            raise CannotStart(
                "pytest-socket keeps the sandbox from being served on 127.0.0.1.\n"
                "Run pytest with --allow-hosts=127.0.0.1."
            ) from error
        yield sandbox


def _start(settings: Mapping[str, str], base: Path) -> AbstractContextManager[Sandbox]:
    from gpcli.cli.sandbox_commands import start_sandbox  # noqa: PLC0415  (start-up: typer)

    seed = settings["seed"] or "1"
    if not (seed.isascii() and seed.isdigit()):
        raise InvalidUsage(f"gpcli_seed '{seed}' is not a whole number of 0 or more.")
    if len(seed) > _MOST_DIGITS:
        raise InvalidUsage(f"gpcli_seed '{seed}' is too long: at most {_MOST_DIGITS} digits.")
    people = base / settings["people"] if settings["people"] else None
    clock, delay = settings["clock"] or None, settings["delay"] or "0s"
    return start_sandbox(clock, delay, people, int(seed), prefix="gpcli_")
