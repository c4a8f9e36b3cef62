"""The pager: a long answer on a terminal is shown a screen at a time by the person's program."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from gpcli.render.prompt import can_prompt
from gpcli.render.terminal import Terminal, is_terminal, leave_interrupts

_LESS_OPTIONS = "FRX"
"""What less is told where LESS says nothing: end if all fits, pass colours on, leave the screen."""

_NO_PAGERS = ("", "cat")
_VARIABLES = ("GPCLI_PAGER", "PAGER")
"""The variables that name the pager, the one that counts most first."""


def find_pager(env: Mapping[str, str]) -> list[str] | None:
    """Return the command line of the pager that GPCLI_PAGER or PAGER names, or that of less.

    `None` = none is wanted: the variable is empty or `cat`, it is no command line, or the terminal
    is dumb.
    """
    usual = "" if os.name == "nt" else "less"
    command = next((env[name] for name in _VARIABLES if name in env), usual).strip()
    if command in _NO_PAGERS or env.get("TERM") == "dumb":
        return None
    with suppress(ValueError):  # a quotation that is not closed
        return shlex.split(command)
    return None


def build_pager(stdout: TextIO, terminal: Terminal, env: Mapping[str, str]) -> Pager | None:
    """Return the pager for the answers of a command; `None` = they are written as they are.

    Only somebody who sits at a terminal, and can be asked, has the keys to leave a pager.
    """
    can_page = is_terminal(stdout) and can_prompt(terminal, env, no_input=False)
    argv = find_pager(env) if can_page else None
    return Pager(stdout, terminal, argv, env) if argv else None


class Pager:
    """Takes the answer of a command as a stream does, and shows it when it is complete.

    What fits the screen is written to `stdout` as it is; the rest is piped to the program of
    `argv`, which has the environment `env`. Where that can't be run, or fails, all is written to
    `stdout` in the end. That there is no less is no failure where nobody named a pager.
    """

    def __init__(
        self, stdout: TextIO, terminal: Terminal, argv: Sequence[str], env: Mapping[str, str]
    ) -> None:
        self.encoding = stdout.encoding
        self._stdout = stdout
        self._height = terminal.height
        self._argv = argv
        self._is_named = any(name in env for name in _VARIABLES)
        self._env = {"LESS": _LESS_OPTIONS, "LV": "-c", "LESSHISTFILE": "-", **env}
        self._written: list[str] = []

    def write(self, text: str) -> int:
        """Take a part of the answer; return its length."""
        self._written.append(text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: the answer is shown when it is complete."""

    def show(self) -> str | None:
        """Show what was written since the last call.

        Return why the pager that was named could not; else `None`, or empty.
        """
        text = "".join(self._written)
        self._written.clear()
        if text.count("\n") < self._height:
            failure = None
        else:
            failure = self._run(text)
            if failure is None:
                return None
        self._stdout.write(text)
        self._stdout.flush()
        return failure

    def _run(self, text: str) -> str | None:
        """Pipe `text` to the pager and wait for its end.

        Return why that failed, empty where that is no news; `None` = it did not.
        """
        import subprocess  # noqa: PLC0415  (start-up: 15 ms, only long answers need it)

        with leave_interrupts():
            try:
                process = subprocess.Popen(  # noqa: S603  (the command that the person named)
                    self._argv, env=self._env, stdin=subprocess.PIPE
                )
            except OSError as error:
                return (
                    f"'{self._argv[0]}' can't be run ({error.strerror})" if self._is_named else ""
                )
            with suppress(BrokenPipeError):  # it was ended before it had read all
                process.communicate(text.encode(self.encoding, "replace"))
            code = process.wait()
        return f"'{self._argv[0]}' failed (exit code {code})" if code > 0 else None
