"""The draft of a message: written in an editor, and stored in a file unless it is sent."""

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
from gpcli.config.private_files import (
    check_private_directory,
    make_private_directory,
    save_new_file,
)
from gpcli.errors import Declined, GpcliError, InvalidUsage
from gpcli.render.sanitise import safe_line
from gpcli.render.terminal import leave_interrupts

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

INSTRUCTIONS = (
    "Write your message above, then save and leave the editor.",
    "These lines are left out. An empty message is not sent.",
)

_SCISSORS = "------------------------ >8 ------------------------"
"""What stands in the line from which on nothing belongs to the message."""

_EDITOR_PATIENCE = 2.0
"""Seconds that an editor has for saving its text when gpcli has to end."""


@dataclass
class DraftText:
    """What a person has written and not sent yet; in UTF-8, unless their editor writes another.

    `is_piped` says that a program wrote it, which may do so again. `path` is the file in which it
    is stored, `None` = in none.
    """

    content: bytes = b""
    is_piped: bool = False
    path: Path | None = None


@contextmanager
def store_unless_sent(context: AppContext, draft: DraftText, file: str | None) -> Iterator[None]:
    """Store the draft if the body ends without having sent it, and say where it is.

    It is stored before it is sent, too, so that it is there whatever ends the program. `file` is
    the file of the message, if there is one: a draft that was stored before is deleted once it is
    sent. SIGHUP, which comes when the terminal is closed, ends the body as SIGTERM does, so that
    the draft is stored then too.

    Raises: ConfigError, before the body, where the directory of drafts is not gpcli's own.
    """
    with suppress(OSError):  # one that is not there yet
        check_private_directory(get_drafts_dir(context))
    context.sending.call_before_sending(lambda: _write_draft(context, draft))
    with _terminate_on_hangup():
        try:
            yield
        except BaseException:
            if context.sending.sent_request_id is None:
                _store_draft(context, draft)
            else:
                _delete_draft(context, draft.path)
            raise
    if context.options.dry_run:
        _store_draft(context, draft)
        return
    _delete_draft(context, draft.path)
    if file is not None:
        _delete_draft(context, Path(file))


def get_drafts_dir(context: AppContext) -> Path:
    """Return the directory of stored drafts."""
    return context.state_dir / "drafts"


def _store_draft(context: AppContext, draft: DraftText) -> None:
    """Store the draft unless it is empty, and say where it is; it is empty afterwards.

    What a program wrote stays only where it may have been sent.
    """
    pending = context.sending.pending_request_id
    if draft.is_piped and pending is None:
        _delete_draft(context, draft.path)
        return
    with suppress(OSError):  # nobody may be left to listen
        if path := _write_draft(context, draft):
            context.output.notice(_format_stored_notice(path, pending), needed=True)
    draft.content, draft.path = b"", None


def _write_draft(context: AppContext, draft: DraftText) -> Path | None:
    """Write the draft to a file, unless it is in one, and return that; `None` = it is in none.

    Where it is empty, nothing is written; where it can't be written, that is a warning.
    """
    content = draft.content.strip()
    if draft.path or not content:
        return draft.path
    path = get_drafts_dir(context) / f"{context.clock():%Y-%m-%d}-{secrets.token_hex(4)}.txt"
    try:
        make_private_directory(context.state_dir, path.parent.name)
        save_new_file(path, content + b"\n", replace=False)
    except (OSError, GpcliError) as error:
        context.output.warning(f"Your text can't be kept: {error}")
        return None
    draft.path = path
    return path


def _format_stored_notice(path: Path, request_id: str | None) -> str:
    """Format where the draft is and how to send it.

    `request_id` is that of a request that may have been sent; `None` = nothing was sent.
    """
    file = f"--message-file {shlex.quote(str(path))}"
    if request_id is None:
        return f"Your text is kept: {file} sends it."
    return (
        "Your text is kept. It may have been sent: gpcli messages list shows it. "
        f"To go on with it: {file} --request-id {shlex.quote(request_id)}"
    )


def _delete_draft(context: AppContext, file: Path | None) -> None:
    """Delete `file` if it is a stored draft."""
    with suppress(OSError):
        if file and file.resolve().parent == get_drafts_dir(context).resolve():
            file.unlink()


@contextmanager
def _terminate_on_hangup() -> Iterator[None]:
    """Have SIGHUP do what SIGTERM does, unless it has a handler or is ignored, as with nohup."""
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


def run_editor(
    context: AppContext,
    command: str,
    about: Sequence[str],
    draft: DraftText,
    quote: Sequence[str] = (),
) -> None:
    """Have the person write in an editor, and put its text into `draft`, however the editor ends.

    `command` is the editor's command line. The file begins with comments, of which `about` are the
    first; they are left out of the text. So are the lines of `quote`, below a line with scissors,
    and whatever is written there.

    Raises: InvalidUsage for a command that can't be run, Declined for one that fails.
    """
    comments = [f"# {safe_line(line)}".rstrip().encode() for line in (*about, *INSTRUCTIONS)]
    shown_below = (f"# {_SCISSORS}", *map(safe_line, quote)) if quote else ()
    below = [line.rstrip().encode() for line in shown_below]
    with tempfile.TemporaryDirectory(prefix="gpcli-", dir=_find_memory_dir(context)) as place:
        file = Path(place) / "message.txt"
        file.touch(0o600)
        file.write_bytes(b"\n".join([b"", *comments, *below, b""]))
        try:
            _run_command(context, command, file)
        finally:
            lines, is_sure = _read_edited(file, comments, below)
            draft.content = b"\n".join(lines)
    if not is_sure:
        raise Declined(
            "It can't be told what of the text is yours: something is written below the line with "
            "scissors, or that line is gone. Nothing was sent.",
            hint="Write above that line; what stands below it is not sent.",
        )


def _read_edited(
    file: Path, comments: Sequence[bytes], below: Sequence[bytes]
) -> tuple[list[bytes], bool]:
    """Read the lines that the person has written, and whether they are sure to be that.

    They are without `comments`, and where there is something `below` without all that follows the
    line with scissors; where that line is gone, without those of `below`. Where the person may
    have written further down, or some of what is quoted may be left, all lines are returned.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return [], True
    shown = {*comments, *below} - {b""}
    places = (place for place, line in enumerate(lines) if _SCISSORS.encode() in line)
    end = next(places, len(lines)) if below else len(lines)
    own, rest = (
        [line for line in part if line.rstrip() not in shown] for part in (lines[:end], lines[end:])
    )
    if end < len(lines):
        is_sure = not any(map(_may_be_own, rest))
    else:
        is_sure = not (below and any(line.startswith((b">", b"# ")) for line in own))
    return (own, True) if is_sure else (lines, False)


def _may_be_own(line: bytes) -> bool:
    """Return whether a line below the scissors may be the person's: neither scissors nor quoted."""
    return bool(line.strip()) and _SCISSORS.encode() not in line and not line.startswith(b">")


def _find_memory_dir(context: AppContext) -> str | None:
    """Return a private directory in memory; `None` = the system has none for this user."""
    place = context.env.get("XDG_RUNTIME_DIR", "")
    return place if Path(place).is_absolute() and os.access(place, os.W_OK) else None


def _run_command(context: AppContext, command: str, file: Path) -> None:
    """Run the editor on `file`. Raises: InvalidUsage, Declined, as `run_editor`."""
    try:
        argv = shlex.split(command)
        stdout = None if context.output.terminal.stdout_tty else _fileno(context.stderr)
        with leave_interrupts():
            status = _run_process(context, [*argv, str(file)], stdout)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidUsage(
            f"The editor '{command}' can't be run: {why}.", hint="Set EDITOR, or --message-file."
        ) from error
    if status != 0:
        raise Declined(f"The editor ended with status {status}. Nothing was sent.")


def _run_process(context: AppContext, argv: Sequence[str], stdout: int | None) -> int:
    """Run a program and return its exit status; it is terminated if gpcli has to end."""
    with (
        _restore_terminal_on_error(_fileno(context.stdin)),
        start_program(context, argv, private=True, stdout=stdout) as process,
    ):
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_EDITOR_PATIENCE)
            process.kill()
            raise


@contextmanager
def _restore_terminal_on_error(descriptor: int | None) -> Iterator[None]:
    """Restore the terminal's modes if the body is ended by an exception."""
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


def _fileno(stream: object) -> int | None:
    """Return the file descriptor of a stream; `None` = it has none."""
    try:
        return stream.fileno()  # type: ignore[attr-defined, no-any-return]  # a stream
    except (AttributeError, io.UnsupportedOperation):
        return None
