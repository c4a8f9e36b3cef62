"""Access tokens that a command of the user prints, for machines.

The command runs without a shell and with an empty standard input; what it writes to standard error
is shown only when it fails.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO

from gpcli.config.given_token import find_token_flaw
from gpcli.errors import ConfigError, Expired, NoToken
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline

MAX_TOKEN_BYTES = 64 * 1024
"""The most bytes that are read of the command's output."""

MAX_ERROR_BYTES = 2000
"""The most bytes that are shown of what a failing command writes to standard error."""

TIMEOUT = 30.0
"""Seconds that the command may take; the deadline may end sooner."""

WITHHELD_VARIABLES = ("GPCLI_TOKEN", "GPCLI_TOKEN_COMMAND")
"""Variables that the command doesn't get; with the latter, a gpcli in it would call itself."""

_DRAIN_SECONDS = 1.0
"""Seconds to wait for the end of streams that a process left behind may hold open."""


class CommandBearer:
    """The access tokens that `command` prints; its words are split as a shell would.

    `source` is the setting that has the command, for messages; `env` has the command's variables;
    `umask` is its umask, -1 = that of this process; `timeout` is in seconds.
    Both methods raise NoToken.
    """

    def __init__(
        self,
        command: str,
        source: str,
        env: Mapping[str, str],
        *,
        umask: int = -1,
        timeout: float = TIMEOUT,
    ) -> None:
        self._source = source
        self._words = _split_command(command, source)
        self._env = {name: value for name, value in env.items() if name not in WITHHELD_VARIABLES}
        self._umask = umask
        self._timeout = timeout
        self._token: str | None = None

    @property
    def scope(self) -> None:
        """None: the scopes are not known."""

    def get_token(self, client: HttpClient) -> str:
        """Return the token; the command runs when one is first needed."""
        if self._token is None:
            self._token = self._run_for_token(client.deadline)
        return self._token

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Return what the command prints now; raise Expired if that is still `stale`."""
        self._token = self._run_for_token(client.deadline)
        if self._token != stale:
            return self._token
        raise Expired(
            f"The portal does not accept the token that {self._source} prints.",
            hint="It must print a token of this portal that has not ended.",
        )

    def _run_for_token(self, deadline: Deadline) -> str:
        timeout = min(self._timeout, deadline.require_seconds_left())
        result = self._run(timeout)
        token = result.stdout.decode(errors="replace").strip()
        if reason := _find_fault(result, token, timeout):
            raise self._error(reason, result.stderr)
        return token

    def _run(self, timeout: float) -> _CommandResult:
        try:
            process = subprocess.Popen(  # noqa: S603  (the user's own command)
                self._words,
                env=self._env,
                umask=self._umask,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no command"
            raise self._error(f"can't be run: {why}", b"") from error
        return _collect_output(process, timeout)

    def _error(self, why: str, stderr: bytes) -> NoToken:
        words = " ".join(stderr.decode(errors="replace").split())
        return NoToken(
            f"The command in {self._source} {why}.",
            hint=f"It said: {words}" if words else "Try it by itself: it must print a token.",
        )


@dataclass(frozen=True)
class _CommandResult:
    """The exit `status`, None = it did not end in time, and the start of both outputs."""

    status: int | None
    stdout: bytes
    stderr: bytes


class _StreamReader(Thread):
    """Reads a stream to its end and keeps the first `max_bytes`.

    `on_full` is called once there are so many, and again for what still comes.
    """

    def __init__(
        self, stream: IO[bytes] | None, max_bytes: int, on_full: Callable[[], None]
    ) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._max_bytes = max_bytes
        self._on_full = on_full
        self._content = b""
        self.start()

    def run(self) -> None:
        """Read until no process can write to the stream."""
        while self._stream and (piece := self._stream.read(MAX_TOKEN_BYTES)):
            self._content = (self._content + piece)[: self._max_bytes]
            if len(self._content) == self._max_bytes:
                self._on_full()

    def finish(self) -> bytes:
        """Return what was read, and close the stream unless a process can still write to it."""
        self.join(_DRAIN_SECONDS)
        if self._stream and not self.is_alive():
            self._stream.close()
        return self._content


def _collect_output(process: subprocess.Popen[bytes], timeout: float) -> _CommandResult:
    stdout = _StreamReader(process.stdout, MAX_TOKEN_BYTES + 1, lambda: _kill(process))
    stderr = _StreamReader(process.stderr, MAX_ERROR_BYTES, lambda: None)
    status = None
    try:
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(timeout)
    finally:
        if status is None:
            _kill(process)
            process.wait()
    return _CommandResult(status, stdout.finish(), stderr.finish())


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and the processes that it started."""
    if process.returncode is not None:
        return
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _find_fault(result: _CommandResult, token: str, timeout: float) -> str | None:
    """Return what is wrong with a run, as a clause without a subject; None = nothing."""
    flaw = find_token_flaw(token)
    faults = (
        (
            len(result.stdout) > MAX_TOKEN_BYTES,
            f"printed more than {MAX_TOKEN_BYTES // 1024} kB: that is no token",
        ),
        (result.status is None, f"did not end within {timeout:.3g} s"),
        (result.status != 0, f"failed (exit status {result.status})"),
        (not token, "printed nothing"),
        (flaw is not None, f"printed something that {flaw}: that is no token"),
    )
    return next((why for is_so, why in faults if is_so), None)


def _split_command(command: str, source: str) -> list[str]:
    try:
        words = shlex.split(command, posix=os.name == "posix")
    except ValueError as error:
        raise ConfigError(f"{source} is not a command: {str(error).lower()}.") from error
    if not words:
        raise ConfigError(f"{source} names no command.")
    return words
