"""Access tokens that a command of the user prints, for machines.

The command runs without a shell and with an empty standard input; what it writes to standard error
is shown only when it fails.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpcli.config.given_token import find_token_flaw
from gpcli.config.variables import SECRETS
from gpcli.errors import ConfigError, Expired, NoToken
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.user_command import (
    CommandResult,
    InvalidCommand,
    NotRun,
    run_command,
    split_command,
)

MAX_TOKEN_BYTES = 64 * 1024
"""The most bytes that are read of the command's output."""

TIMEOUT = 30.0
"""Seconds that the command may take; the deadline may end sooner."""

WITHHELD_VARIABLES = (*SECRETS, "GPCLI_TOKEN_COMMAND")
"""Variables that the command doesn't get; with the latter, a gpcli in it would call itself."""


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
        try:
            self._words = split_command(command)
        except InvalidCommand as why:
            raise ConfigError(f"{source} {why}.") from why
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
        try:
            result = run_command(
                self._words,
                self._env,
                timeout=timeout,
                umask=self._umask,
                max_output=MAX_TOKEN_BYTES + 1,
            )
        except NotRun as why:
            raise self._error(str(why)) from why
        token = result.stdout.decode(errors="replace").strip()
        if reason := _find_fault(result, token):
            raise self._error(reason, result.said)
        return token

    def _error(self, why: str, said: str = "") -> NoToken:
        return NoToken(
            f"The command in {self._source} {why}.",
            hint=f"It said: {said}" if said else "Try it by itself: it must print a token.",
        )


def _find_fault(result: CommandResult, token: str) -> str | None:
    """Return what is wrong with a run, as a clause without a subject; None = nothing."""
    flaw = find_token_flaw(token)
    faults = (
        (
            len(result.stdout) > MAX_TOKEN_BYTES,
            f"printed more than {MAX_TOKEN_BYTES // 1024} kB: that is no token",
        ),
        (result.failure is not None, result.failure),
        (not token, "printed nothing"),
        (flaw is not None, f"printed something that {flaw}: that is no token"),
    )
    return next((why for is_so, why in faults if is_so), None)
