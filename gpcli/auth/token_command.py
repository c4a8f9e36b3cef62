"""A command of the person's own that prints an access token, for machines.

It runs without a shell and without anything to type on; what it says on standard error is passed
on only when it fails.
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

from gpcli import errors
from gpcli.auth.token_response import is_valid_token
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline

MAX_TOKEN_BYTES = 64 * 1024
"""The most bytes that are read of a token."""

MAX_ERROR_BYTES = 2000
"""The most bytes that are passed on of what a failing command says."""

TIMEOUT = 30.0
"""Seconds that the command has at most; the command line's own limit may be shorter."""

WITHHELD_VARIABLES = ("GPCLI_TOKEN", "GPCLI_TOKEN_COMMAND")
"""Variables that the command doesn't get; with the latter, a gpcli in it would never end."""

_LINGERING = 1.0
"""Seconds to wait for the end of streams that a program left behind may hold open."""


class CommandBearer:
    """The tokens that `command` prints, its words split as a shell would.

    `source` is what names the command, for messages; `env` are its variables; `umask` is the one
    that it gets, -1 = ours. Both methods raise errors.NoToken.
    """

    def __init__(
        self,
        command: str,
        source: str,
        env: Mapping[str, str],
        *,
        umask: int = -1,
        patience: float = TIMEOUT,
    ) -> None:
        self._source = source
        self._words = _words(command, source)
        self._env = {name: value for name, value in env.items() if name not in WITHHELD_VARIABLES}
        self._umask = umask
        self._patience = patience
        self._token: str | None = None

    @property
    def scope(self) -> None:
        """Not known."""

    def get_token(self, client: HttpClient) -> str:
        """The token; the command runs when one is first needed."""
        if self._token is None:
            self._token = self._printed(client.deadline)
        return self._token

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """What the command prints now; raises errors.Expired if that is `stale` still."""
        self._token = self._printed(client.deadline)
        if self._token != stale:
            return self._token
        raise errors.Expired(
            f"The portal does not accept the token that {self._source} prints.",
            hint="It must print a token of this portal that has not ended.",
        )

    def _printed(self, deadline: Deadline) -> str:
        patience = min(self._patience, deadline.require_seconds_left())
        ran = self._ran(patience)
        token = ran.printed.rstrip(b"\r\n").decode(errors="replace")
        if wrong := _fault(ran, token, patience):
            raise self._failed(wrong, ran.said)
        return token

    def _ran(self, patience: float) -> _Ran:
        try:
            process = subprocess.Popen(  # noqa: S603  (the person's own command)
                self._words,
                env=self._env,
                umask=self._umask,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as trouble:
            why = getattr(trouble, "strerror", None) or "it is no command"
            raise self._failed(f"can't be run: {why}", b"") from trouble
        return _listen(process, patience)

    def _failed(self, why: str, said: bytes) -> errors.NoToken:
        words = " ".join(said.decode(errors="replace").split())
        return errors.NoToken(
            f"The command in {self._source} {why}.",
            hint=f"It said: {words}" if words else "Try it by itself: it must print a token.",
        )


@dataclass(frozen=True)
class _Ran:
    """How a run ended: exit `status`, None = not in time; what came on its two streams."""

    status: int | None
    printed: bytes
    said: bytes


class _Listener(Thread):
    """Reads a stream to its end and keeps the first `most` bytes; `full` is called at those."""

    def __init__(self, stream: IO[bytes] | None, most: int, full: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._most = most
        self._full = full
        self._heard = b""
        self.start()

    def run(self) -> None:
        """Read until nobody can write any more."""
        while self._stream and (piece := os.read(self._stream.fileno(), MAX_TOKEN_BYTES)):
            self._heard = (self._heard + piece)[: self._most]
            if len(self._heard) == self._most:
                self._full()

    def heard(self) -> bytes:
        """What was read; the stream is closed unless another program still writes to it."""
        self.join(_LINGERING)
        if self._stream and not self.is_alive():
            self._stream.close()
        return self._heard


def _listen(process: subprocess.Popen[bytes], patience: float) -> _Ran:
    out = _Listener(process.stdout, MAX_TOKEN_BYTES + 1, lambda: _kill(process))
    err = _Listener(process.stderr, MAX_ERROR_BYTES, lambda: None)
    status = None
    try:
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(patience)
    finally:
        if status is None:
            _kill(process)
            process.wait()
    return _Ran(status, out.heard(), err.heard())


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it started."""
    if process.returncode is not None:
        return
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _fault(ran: _Ran, token: str, patience: float) -> str | None:
    faults = (
        (
            len(ran.printed) > MAX_TOKEN_BYTES,
            f"printed more than {MAX_TOKEN_BYTES // 1024} kB: that is no token",
        ),
        (ran.status is None, f"did not end within {patience:.3g} s"),
        (ran.status != 0, f"failed (exit status {ran.status})"),
        (not token.strip(), "printed nothing"),
        (not is_valid_token(token), "printed something that is not a token on one line"),
    )
    return next((why for wrong, why in faults if wrong), None)


def _words(command: str, source: str) -> list[str]:
    try:
        words = shlex.split(command, posix=os.name == "posix")
    except ValueError as trouble:
        raise errors.ConfigError(f"{source} is not a command: {str(trouble).lower()}.") from trouble
    if not words:
        raise errors.ConfigError(f"{source} names no command.")
    return words
