"""Writing in the person's own editor, on a private page that is gone afterwards."""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gpcli.cli.children import start
from gpcli.cli.drafts import Page
from gpcli.errors import Declined, Usage
from gpcli.render.sanitise import safe_line
from gpcli.session import Session

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

REMARKS = (
    "Write your message above, then save and leave the editor.",
    "These lines are left out. An empty message is not sent.",
)

_PATIENCE = 2.0
"""Seconds that an editor gets to save what it holds when gpcli has to end."""


def edit(session: Session, command: str, about: Sequence[str], page: Page) -> None:
    """Have the person write; `page` holds what the editor left, whatever ended it.

    The remarks that it began with, `about` among them, are left out. Raises Usage for a command
    that can't be run, Declined for one that ends badly.
    """
    remarks = [f"# {safe_line(line)}".rstrip().encode() for line in (*about, *REMARKS)]
    with tempfile.TemporaryDirectory(prefix="gpcli-", dir=_private_place(session)) as place:
        file = Path(place) / "message.txt"
        file.touch(0o600)
        file.write_bytes(b"\n".join([b"", *remarks, b""]))
        try:
            _run(session, command, file)
        finally:
            page.content = _left_in(file, remarks)


def _left_in(file: Path, remarks: Sequence[bytes]) -> bytes:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return b""
    return b"\n".join(line for line in lines if line.rstrip() not in remarks)


def _private_place(session: Session) -> str | None:
    """Memory rather than a disk, where the system has such a place for this user."""
    place = session.env.get("XDG_RUNTIME_DIR", "")
    return place if Path(place).is_absolute() and os.access(place, os.W_OK) else None


def _run(session: Session, command: str, file: Path) -> None:
    try:
        words = shlex.split(command)
        stdout = None if session.output.terminal.stdout_tty else _fileno(session.stderr)
        with _ctrl_c_for_the_editor():
            status = _status(session, [*words, str(file)], stdout)
    except (OSError, ValueError) as trouble:
        why = getattr(trouble, "strerror", None) or trouble
        raise Usage(
            f"The editor '{command}' can't be run: {why}.", hint="Set EDITOR, or --message-file."
        ) from trouble
    if status != 0:
        raise Declined(f"The editor ended with status {status}. Nothing was sent.")


def _status(session: Session, words: Sequence[str], stdout: int | None) -> int:
    """How the editor ended; it is asked to end where gpcli has to."""
    with (
        _terminal_as_it_was(_fileno(session.stdin)),
        start(session, words, private=True, stdout=stdout) as process,
    ):
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()
            raise


@contextmanager
def _terminal_as_it_was(descriptor: int | None) -> Iterator[None]:
    """Undo what an editor did to the terminal, where it had no time to do so."""
    if termios is None or descriptor is None or not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        yield
    except BaseException:
        with suppress(termios.error):  # nobody may be there any more
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
        raise


@contextmanager
def _ctrl_c_for_the_editor() -> Iterator[None]:
    """Ctrl-C reaches both programs: while the editor runs it means something to that one."""
    try:
        former = signal.signal(signal.SIGINT, lambda number, frame: None)
    except ValueError:  # only the main thread may
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _fileno(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined, no-any-return]  # a stream
    except (AttributeError, io.UnsupportedOperation):
        return None
