"""Runs of gpcli in a test, and how they ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

from gpcli.testing.sandbox_handle import GpcliSandbox, require_text

if TYPE_CHECKING:
    from types import FrameType

    from gpcli.app_context import AppContext
    from gpcli.config.settings import Options

_FORMATS = frozenset({"--json", "--ndjson", "--plain", "--output"})
_PATIENCE = 3600.0
"""Seconds before progress is shown: that a machine is busy is no news to a test."""


@dataclass(frozen=True, repr=False)
class GpcliResult:
    """How a command ended; `argv` is its line, without the program's name."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str

    def __repr__(self) -> str:
        words = subprocess.list2cmdline(["gpcli", *self.argv])
        if not self._is_json:
            return f"<{words}: rc {self.rc}>"
        told = f", {self.error['code']}: {self._word_error()}" if self.error else ""
        return f"<{words}: rc {self.rc}{told}>"

    @property
    def json(self) -> Any:
        """The answer: what `--json` wrote, or a list of the objects that `--ndjson` wrote.

        Raises: AssertionError, with how the command ended, where that is no JSON.
        """
        __tracebackhide__ = True
        try:
            if "--ndjson" in self.argv:
                return [json.loads(line) for line in self.stdout.splitlines()]
            return json.loads(self.stdout)
        except ValueError:
            wrote = f"wrote no JSON, but: {self.stdout[:200]}" if self.stdout else "wrote no answer"
            raise AssertionError(f"{self!r} {wrote}") from None

    @cached_property
    def stderr_json(self) -> tuple[dict[str, Any], ...]:
        """The objects on stderr, each with its kind as the only key: `gpcli help json stderr`.

        Raises: AssertionError for a command that writes words there, since it ran without JSON.
        """
        __tracebackhide__ = True
        if not self._is_json:
            raise AssertionError(f"{self!r} ran without --json: .stderr has its words")
        lines = (line for line in self.stderr.splitlines() if line.startswith("{"))
        return tuple(json.loads(line) for line in lines)

    @property
    def error(self) -> dict[str, Any] | None:
        """The error with which the command ended: `code`, `message`, `hint` …; `None` = none."""
        __tracebackhide__ = True
        return next((each["error"] for each in reversed(self.stderr_json) if "error" in each), None)

    @property
    def error_code(self) -> str | None:
        """The word for the error, such as `slot_taken`; `None` = there is none."""
        __tracebackhide__ = True
        return self.error["code"] if self.error else None

    @property
    def notices(self) -> list[str]:
        """What the command remarked."""
        __tracebackhide__ = True
        return self._list_messages("notice")

    @property
    def warnings(self) -> list[str]:
        """What the command warned of."""
        __tracebackhide__ = True
        return self._list_messages("warning")

    def _word_error(self) -> str:
        """Return the error's message and hint, or what is to be done in a test instead of that."""
        from gpcli.cli.line_parser import parse_line  # noqa: PLC0415  (start-up: as below)

        error = self.error or {}
        hint = error["hint"]
        person = parse_line(list(self.argv)).options.get("--as")
        if person and error["code"] == "usage" and "can't act for" in error["message"]:
            hint = (
                f"Leave out --as and name the person to gpcli_run: as_={person!r}, "
                f"or for_={person!r} beside the parent's as_."
            )
        return f"{error['message']} {hint or ''}".strip()

    def _list_messages(self, kind: str) -> list[str]:
        __tracebackhide__ = True
        return [each[kind]["message"] for each in self.stderr_json if kind in each]

    @property
    def _is_json(self) -> bool:
        return not {"--json", "--ndjson"}.isdisjoint(self.argv)


class GpcliRun:
    """Runs gpcli: `gpcli_run("slots", "--limit", "3", as_="ada")`.

    `--json` is added unless the line names a format, or `json` is false. `as_` is who is signed in
    at the sandbox, `for_` the child for whom they act. `input` is on standard input. `env` are more
    variables. Nobody is ever asked, and no other configuration, keyring or variable counts.
    """

    def __init__(self, sandbox: GpcliSandbox) -> None:
        self._sandbox = sandbox

    def __repr__(self) -> str:
        return "gpcli_run"

    def __call__(
        self,
        *argv: str,
        as_: str | None = None,
        for_: str | None = None,
        input: str = "",
        env: Mapping[str, str] | None = None,
        json: bool = True,
    ) -> GpcliResult:
        """Run a command in this process, where gpcli's pauses move the portal's clock instead.

        Raises: KeyboardInterrupt for Ctrl-C, as a test without gpcli.
        """
        from gpcli.cli.run import (  # noqa: PLC0415  (start-up: only who runs one)
            run_command_line,
            write_ready_answer,
        )

        __tracebackhide__ = True
        _check_types(argv, input, env)
        line = _build_line(argv, json=json)
        inside = self._sandbox._build_variables(as_, for_) | self._basic | dict(env or {})
        stdin, stdout, stderr = (_open_stream(each) for each in (input, "", ""))
        code = write_ready_answer(line, inside, stdout)
        if code is None:
            with _pass_on_interrupt():
                code = run_command_line(line, inside, stdin, stdout, stderr, self._build_context)
        return GpcliResult(line, code, _read_stream(stdout), _read_stream(stderr))

    def subprocess(
        self,
        *argv: str,
        as_: str | None = None,
        for_: str | None = None,
        input: str = "",
        env: Mapping[str, str] | None = None,
        json: bool = True,
        timeout: float = 60,
    ) -> GpcliResult:
        """Run a command in a process of its own, with `GpcliSandbox.env`.

        Raises: subprocess.TimeoutExpired after `timeout` seconds.
        """
        __tracebackhide__ = True
        _check_types(argv, input, env)
        line = _build_line(argv, json=json)
        ended = subprocess.run(  # noqa: S603  (gpcli itself)
            [sys.executable, "-m", "gpcli", *line],
            env=self._sandbox.env(as_, for_=for_) | dict(env or {}),
            input=input,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
        return GpcliResult(line, ended.returncode, ended.stdout, ended.stderr)

    @property
    def _basic(self) -> dict[str, str]:
        """The variables that are not gpcli's own."""
        return {"HOME": str(self._sandbox._home), "PATH": os.environ.get("PATH", "")}

    def _build_context(
        self,
        options: Options,
        env: Mapping[str, str],
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
    ) -> AppContext:
        from gpcli.app_context import AppContext  # noqa: PLC0415  (start-up: as above)
        from gpcli.auth.vault import MemoryVault  # noqa: PLC0415  (start-up: as above)

        return AppContext(
            options,
            env,
            stdin,
            stdout,
            stderr,
            vault=MemoryVault(),
            browse=lambda url: False,
            sleep=self._sandbox._pause,
            patience=_PATIENCE,
        )


def _check_types(argv: tuple[str, ...], input: str, env: Mapping[str, str] | None) -> None:
    """Raise TypeError for what a test without a type checker can hand in."""
    __tracebackhide__ = True
    for word in argv:
        require_text(word, "a word of gpcli_run", "gpcli_run('slots', '--limit', '3')")
    require_text(input, "the input", "input='y'")
    if env is None:
        return
    if not isinstance(env, Mapping):
        raise TypeError(f"env is a dict, not {type(env).__name__}: env={{'X': '1'}}")
    for text in (*env, *env.values()):
        require_text(text, "what is in env", "env={'X': '1'}")


def _build_line(argv: tuple[str, ...], *, json: bool) -> tuple[str, ...]:
    from gpcli.cli.line_parser import parse_line  # noqa: PLC0415  (start-up: as above)

    return ("--json", *argv) if json and _FORMATS.isdisjoint(parse_line([*argv]).options) else argv


def _open_stream(text: str) -> TextIOWrapper:
    """Return a stream over bytes, as a process has, which is no terminal."""
    return TextIOWrapper(BytesIO(text.encode()), encoding="utf-8", newline="")


def _read_stream(stream: TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


@contextmanager
def _pass_on_interrupt() -> Iterator[None]:
    """Raise what Ctrl-C raised during the body after it, whatever the body made of it.

    For the command line it is an ending like others, with an exit code; here it is meant for the
    tests. A handler that is not Python's, and another thread than the main one, is left alone.
    """
    former = signal.getsignal(signal.SIGINT)
    if not callable(former) or threading.current_thread() is not threading.main_thread():
        yield
        return
    raised: list[KeyboardInterrupt] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        try:
            former(number, frame)
        except KeyboardInterrupt as error:
            raised.append(error)
            raise

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if raised:
        raise raised[0]
