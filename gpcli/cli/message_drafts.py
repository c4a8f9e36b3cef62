"""What a person writes: in their editor or here, kept until it is sent."""

from __future__ import annotations

import io
import os
import secrets
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gpcli.app_context import AppContext
from gpcli.cli.subprocess_env import start_program
from gpcli.config.atomic_write import save_new_file
from gpcli.errors import Declined, GpcliError, InvalidUsage
from gpcli.render.sanitise import safe_line


@dataclass
class DraftText:
    """What a person has written here and has not sent yet, in UTF-8 unless their editor differs."""

    content: bytes = b""


@contextmanager
def keep_draft(context: AppContext, page: DraftText, file: str | None) -> Iterator[None]:
    """Keep what is on `page` unless the body sends it, and say where.

    A draft that was kept before, and that is the `file` of the message now, is deleted once it is
    sent. That the terminal is closed ends the body as SIGTERM does, so that this works then too.
    """
    with _terminate_on_hangup():
        try:
            yield
        except BaseException:
            if context.sent_request_id is None:
                _store_draft(context, page)
            raise
    if context.options.dry_run:
        _store_draft(context, page)
    elif file is not None:
        _delete_draft(context, Path(file))


def get_drafts_dir(context: AppContext) -> Path:
    """Where drafts are kept."""
    return context.state_dir / "drafts"


def _store_draft(context: AppContext, page: DraftText) -> None:
    content, page.content = page.content.strip(), b""
    if not content:
        return
    path = get_drafts_dir(context) / f"{context.clock():%Y-%m-%d}-{secrets.token_hex(4)}.txt"
    with suppress(OSError):  # nobody may be left to listen
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            save_new_file(path, content + b"\n", replace=False)
        except (OSError, GpcliError) as error:
            context.output.warning(f"Your text can't be kept: {error}")
        else:
            context.output.notice(_format_stored_notice(path, context.pending_request_id))


def _format_stored_notice(path: Path, request_id: str | None) -> str:
    """Where the text is, and how to go on; `request_id` is of what may have been sent."""
    file = f"--message-file {shlex.quote(str(path))}"
    if request_id is None:
        return f"Your text is kept: {file} sends it."
    return (
        "Your text is kept. It may have been sent: gpcli messages list shows it. "
        f"To go on with it: {file} --request-id {shlex.quote(request_id)}"
    )


def _delete_draft(context: AppContext, file: Path) -> None:
    with suppress(OSError):
        if file.resolve().parent == get_drafts_dir(context).resolve():
            file.unlink()


@contextmanager
def _terminate_on_hangup() -> Iterator[None]:
    """SIGHUP does what SIGTERM does, unless somebody has seen to it, such as nohup."""
    number = getattr(signal, "SIGHUP", None)
    ending = signal.getsignal(signal.SIGTERM)
    if number is None or signal.getsignal(number) is not signal.SIG_DFL or not callable(ending):
        yield
        return
    try:
        signal.signal(number, ending)
    except ValueError:  # only the main thread may
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)


try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

INSTRUCTIONS = (
    "Write your message above, then save and leave the editor.",
    "These lines are left out. An empty message is not sent.",
)

_PATIENCE = 2.0
"""Seconds that an editor gets to save what it holds when gpcli has to end."""


def run_editor(context: AppContext, command: str, about: Sequence[str], page: DraftText) -> None:
    """Have the person write; `page` holds what the editor left, whatever ended it.

    The remarks that it began with, `about` among them, are left out. Raises Usage for a command
    that can't be run, Declined for one that ends badly.
    """
    remarks = [f"# {safe_line(line)}".rstrip().encode() for line in (*about, *INSTRUCTIONS)]
    with tempfile.TemporaryDirectory(prefix="gpcli-", dir=_find_memory_dir(context)) as place:
        file = Path(place) / "message.txt"
        file.touch(0o600)
        file.write_bytes(b"\n".join([b"", *remarks, b""]))
        try:
            _run_command(context, command, file)
        finally:
            page.content = _read_edited(file, remarks)


def _read_edited(file: Path, remarks: Sequence[bytes]) -> bytes:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return b""
    return b"\n".join(line for line in lines if line.rstrip() not in remarks)


def _find_memory_dir(context: AppContext) -> str | None:
    """Memory rather than a disk, where the system has such a place for this user."""
    place = context.env.get("XDG_RUNTIME_DIR", "")
    return place if Path(place).is_absolute() and os.access(place, os.W_OK) else None


def _run_command(context: AppContext, command: str, file: Path) -> None:
    try:
        words = shlex.split(command)
        stdout = None if context.output.terminal.stdout_tty else _fileno(context.stderr)
        with _ignore_interrupts():
            status = _run_process(context, [*words, str(file)], stdout)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidUsage(
            f"The editor '{command}' can't be run: {why}.", hint="Set EDITOR, or --message-file."
        ) from error
    if status != 0:
        raise Declined(f"The editor ended with status {status}. Nothing was sent.")


def _run_process(context: AppContext, words: Sequence[str], stdout: int | None) -> int:
    """How the editor ended; it is asked to end where gpcli has to."""
    with (
        _restore_terminal_on_error(_fileno(context.stdin)),
        start_program(context, words, private=True, stdout=stdout) as process,
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
def _restore_terminal_on_error(descriptor: int | None) -> Iterator[None]:
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
def _ignore_interrupts() -> Iterator[None]:
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
