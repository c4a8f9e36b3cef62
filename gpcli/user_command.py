"""Running a command of the person's: without a shell, for a limited time, with all it starts."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO

MAX_ERROR_BYTES = 2000
"""The most bytes that are kept of what a command writes to standard error."""

_PIECE = 64 * 1024
"""The most bytes that are read at once."""

_DRAIN_SECONDS = 1.0
"""Seconds to wait for the end of streams that a process left behind may hold open."""


class InvalidCommand(ValueError):
    """The text is no command. The message is a clause without a subject."""


class NotRun(Exception):
    """The command can't be run. The message is a clause without a subject."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: its exit `status`, negative for a signal, None = not within `timeout`.

    `stdout` is the start of its standard output, `stderr` a part of what it wrote to standard
    error. `timeout` is in seconds.
    """

    status: int | None
    stdout: bytes
    stderr: bytes
    timeout: float

    @property
    def failure(self) -> str | None:
        """How it failed, as a clause without a subject; None = it has not."""
        if self.status is None:
            return f"did not end within {self.timeout:.3g} s"
        if self.status < 0:
            return f"was ended by {_name_signal(-self.status)}"
        return f"failed (exit status {self.status})" if self.status else None

    @property
    def said(self) -> str:
        """What is kept of its standard error, in one line, as it wrote it."""
        return " ".join(self.stderr.decode(errors="replace").split())


def split_command(command: str) -> list[str]:
    """Return the words of a command as a shell would split them; raise InvalidCommand."""
    try:
        words = shlex.split(command, posix=os.name == "posix")
    except ValueError as error:
        raise InvalidCommand(f"is not a command: {str(error).lower()}") from error
    if not words:
        raise InvalidCommand("names no command")
    return words


def run_command(
    words: Sequence[str],
    env: Mapping[str, str],
    *,
    timeout: float,
    umask: int = -1,
    stdin: bytes = b"",
    max_output: int = 0,
    keeps_last: bool = False,
) -> CommandResult:
    """Run a command with the variables `env`, `stdin` on its standard input, and no terminal.

    After `timeout` seconds it is killed with all that it has started (on Windows without that), and
    so it is once it has written `max_output` bytes to standard output; 0 = that is discarded.
    `keeps_last`: of standard error the end is kept, else the start. `umask` is its umask, -1 = that
    of this process. It need not read its standard input.

    Raises: NotRun.
    """
    process = _start(words, env, umask, has_input=bool(stdin), has_output=bool(max_output))
    try:
        writer = _StreamWriter(process.stdin, stdin)
        stdout = _StreamReader(process.stdout, max_output, on_full=lambda: _kill(process))
        stderr = _StreamReader(process.stderr, MAX_ERROR_BYTES, keeps_last=keeps_last)
        status = _wait(process, timeout)
    except BaseException:  # such as Ctrl-C, which does not reach the command's own session
        _kill(process)
        process.wait()
        raise
    writer.join(_DRAIN_SECONDS)
    return CommandResult(status, stdout.finish(), stderr.finish(), timeout)


def _start(
    words: Sequence[str],
    env: Mapping[str, str],
    umask: int,
    *,
    has_input: bool,
    has_output: bool,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603  (the user's own command)
            words,
            env=dict(env),
            umask=umask,
            bufsize=0,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE if has_output else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no command"
        raise NotRun(f"can't be run: {why}") from error


class _StreamWriter(Thread):
    """Writes to a stream as far as anybody reads it, and closes it."""

    def __init__(self, stream: IO[bytes] | None, content: bytes) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._content = memoryview(content)
        self.start()

    def run(self) -> None:
        """Write until nothing is left, or nobody reads."""
        if self._stream is None:
            return
        with suppress(OSError), self._stream as stream:
            while self._content:
                self._content = self._content[stream.write(self._content) :]


class _StreamReader(Thread):
    """Reads a stream to its end and keeps `max_bytes` of it: the first, or the last.

    `on_full` is called once there are so many, and again for what still comes.
    """

    def __init__(
        self,
        stream: IO[bytes] | None,
        max_bytes: int,
        *,
        keeps_last: bool = False,
        on_full: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._kept = slice(-max_bytes, None) if keeps_last else slice(max_bytes)
        self._max_bytes = max_bytes
        self._on_full = on_full
        self._content = b""
        self.start()

    def run(self) -> None:
        """Read until no process can write to the stream, and close it."""
        if self._stream is None:
            return
        with self._stream as stream:
            while piece := stream.read(_PIECE):
                self._content = (self._content + piece)[self._kept]
                if len(self._content) == self._max_bytes:
                    self._on_full()

    def finish(self) -> bytes:
        """Return what was read, though a process left behind may still write to the stream."""
        self.join(_DRAIN_SECONDS)
        return self._content


def _wait(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    """Return the exit status; None = it was killed because it did not end in time."""
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()
        return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and the processes that it started."""
    if process.returncode is not None:
        return
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
