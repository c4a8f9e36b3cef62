"""What the fixtures of gpcli's pytest plugin give: docs/pytest.md.

Tests name these types: `def test_it(gpcli_run: GpcliRun) -> None`. Each is called as its fixture.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from gpcli.errors import GpcliError, InvalidUsage

if TYPE_CHECKING:
    from gpcli.app_context import AppContext
    from gpcli.config.settings import Options
    from gpcli.sandbox.server import AccessToken, FaultRule, Sandbox
    from gpcli.sandbox.surgery.answer import AnsweredRequest
    from gpcli.scripting.portal import PatientPortal

__all__ = ["GpcliPortal", "GpcliResult", "GpcliRun", "GpcliSandbox"]

_FORMATS = frozenset({"--json", "--ndjson", "--plain"})
_PREFIX = "GPCLI_"
"""What the names of gpcli's own variables begin with."""

_MOST_DIGITS = 18
_OFFSET = "GPCLI_CLOCK_OFFSET"
_PATIENCE = 3600.0
"""Seconds before progress is shown: that a machine is busy is no news to a test."""

Returned = TypeVar("Returned")

SetVariable = Callable[[str, "str | None"], None]
"""Sets a variable of this process until the test ends; `None` = takes it away."""


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
        raise InvalidUsage(f"gpcli_seed '{seed}' is not a whole number.")
    if len(seed) > _MOST_DIGITS:
        raise InvalidUsage(f"gpcli_seed '{seed}' is too long: at most {_MOST_DIGITS} digits.")
    people = base / settings["people"] if settings["people"] else None
    clock, delay = settings["clock"] or None, settings["delay"] or "0s"
    return start_sandbox(clock, delay, people, int(seed), prefix="gpcli_")


class GpcliSandbox:
    """The portal of a test: as at the start, and with faults, time and answers as a test wants.

    `home` is where gpcli's own files are during the test. `person` is who is meant where nobody is
    named, and whom they act for; `None` = the first of the sandbox's people, for themselves.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        home: Path,
        person: tuple[str | None, str | None],
        set_variable: SetVariable,
    ) -> None:
        self._sandbox = sandbox
        self._home = home
        self._person = person
        self._set_variable = set_variable
        self._sets_offset = False
        self._unused_before = len(sandbox.unused_faults())

    def __repr__(self) -> str:
        return "gpcli_sandbox"

    @property
    def url(self) -> str:
        """The address and issuer, `http://127.0.0.1:PORT`."""
        return self._sandbox.url

    @property
    def fhir_base(self) -> str:
        """The FHIR base address, which `gpcli login` and `gpcli.connect(url=…)` take."""
        return self._sandbox.fhir_base

    def now(self) -> datetime:
        """Return the portal's time, in UTC, which is gpcli's as well."""
        return self._sandbox.now()

    def token(self, person: str | None = None, *, for_: str | None = None) -> str:
        """Return an access token, good for eight hours by the portal's clock.

        `for_` is the child for whom `person` acts.
        Raises: LookupError, which names who there is, for an unknown person.
        """
        __tracebackhide__ = True
        return self._issue_token(person, for_).access_token

    def env(self, person: str | None = None, *, for_: str | None = None) -> dict[str, str]:
        """Return the whole environment for a program that is to be `person`, as `token` takes them.

        It is this process's, with gpcli on the path, a configuration of the test's own and the
        portal's time.
        """
        from gpcli.cli.sandbox_env import build_inside_env  # noqa: PLC0415  (start-up: as above)

        __tracebackhide__ = True
        others = {name: text for name, text in os.environ.items() if not name.startswith(_PREFIX)}
        return build_inside_env(others, self._build_variables(person, for_))

    def set_env(self, person: str | None = None, *, for_: str | None = None) -> None:
        """Have `gpcli.connect()` in this process, and what it starts, be `person` for this test."""
        __tracebackhide__ = True
        variables = self._build_variables(person, for_)
        for name in [each for each in os.environ if each.startswith(_PREFIX)]:
            self._set_variable(name, variables.get(name))
        for name, text in variables.items():
            self._set_variable(name, text)
        self._sets_offset = True

    def reset(self) -> None:
        """Have everything as at the start: records, clock, delay and faults. Tokens stay good.

        What gpcli itself keeps, such as its outbox, stays too.
        """
        self._sandbox.reset()
        self._update_offset()

    def fault(self, rule: str) -> FaultRule:
        """Put a fault in force until the test ends, such as `POST Appointment: lost-reply once`.

        Raises: ValueError, which says what is wrong with the rule.
        """
        __tracebackhide__ = True
        return _call(lambda: self._sandbox.add_fault(rule))

    @property
    def faults(self) -> list[FaultRule]:
        """The faults in force, with how often a request has met each."""
        return self._sandbox.faults

    @property
    def unused_faults(self) -> list[str]:
        """The rules of this test, also those no longer in force, that no request has met."""
        return self._sandbox.unused_faults()[self._unused_before :]

    def clear_faults(self) -> None:
        """Have nothing go wrong any more."""
        self._sandbox.clear_faults()

    def advance(self, step: timedelta | str) -> datetime:
        """Move the clock of portal and gpcli by `step`, such as `1d`; return the portal's time.

        The surgery answers what is due by then.
        Raises: ValueError for a text that is no length of time, or a step off the calendar.
        """
        __tracebackhide__ = True
        now = _call(lambda: self._sandbox.advance(_read_duration(step)))
        self._update_offset()
        return now

    def set_delay(self, delay: timedelta | str) -> None:
        """Have the surgery take so long, such as `2h`, to answer what is sent from now on."""
        __tracebackhide__ = True
        _call(lambda: self._sandbox.set_delay(_read_duration(delay)))

    def answer(
        self, wanted: str | None = None, *, decline: bool = False, text: str | None = None
    ) -> list[AnsweredRequest]:
        """Let the surgery answer now what waits, or the one thing with the id `wanted`.

        `decline` has it say no; `text` are its words, `None` = its usual ones.
        Raises: LookupError if nothing of that id waits.
        """
        __tracebackhide__ = True
        return _call(lambda: self._sandbox.answer(wanted, decline=decline, text=text))

    def _issue_token(self, person: str | None, for_: str | None) -> AccessToken:
        __tracebackhide__ = True
        if person is None:
            person, default_for = self._person
            for_ = for_ or default_for
        named = person or self._sandbox.people()[0].key
        return _call(lambda: self._sandbox.issue_token(named, for_))

    def _build_variables(self, person: str | None, for_: str | None) -> dict[str, str]:
        """Return gpcli's own variables for a program outside this process, or for `connect()`."""
        from gpcli.cli.sandbox_commands import (  # noqa: PLC0415  (start-up: typer)
            build_token_variables,
        )

        __tracebackhide__ = True
        token = self._issue_token(person, for_)
        variables = build_token_variables(self.url, token, self._sandbox.people())
        return {**variables, "GPCLI_CONFIG_DIR": str(self._home), **self._word_offset()}

    def _word_offset(self) -> dict[str, str]:
        ahead = self.now() - datetime.now(UTC)
        seconds = round(ahead.total_seconds())
        return {_OFFSET: str(seconds)} if seconds else {}

    def _update_offset(self) -> None:
        if self._sets_offset:
            self._set_variable(_OFFSET, self._word_offset().get(_OFFSET))

    def _pause(self, seconds: float) -> None:
        """Have time pass at the portal instead of waiting: how gpcli sleeps in this process."""
        self._sandbox.advance(timedelta(seconds=seconds))


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
        told = f", {self.error['code']}: {self.error['message']}" if self.error else ""
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
        """Run a command in this process, where gpcli's pauses move the portal's clock instead."""
        from gpcli.cli.run import run_command_line  # noqa: PLC0415  (start-up: only who runs one)

        __tracebackhide__ = True
        line = _build_line(argv, json=json)
        inside = self._sandbox._build_variables(as_, for_) | self._basic | dict(env or {})
        stdin, stdout, stderr = (_open_stream(each) for each in (input, "", ""))
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


class GpcliPortal:
    """Opens the portal from Python: `gpcli_portal("ada")` is what `gpcli.connect()` gives.

    `stack` closes it when the test ends.
    """

    def __init__(self, sandbox: GpcliSandbox, stack: ExitStack) -> None:
        self._sandbox = sandbox
        self._stack = stack

    def __repr__(self) -> str:
        return "gpcli_portal"

    def __call__(
        self,
        person: str | None = None,
        *,
        for_: str | None = None,
        timeout: float | None = None,
    ) -> PatientPortal:
        """Return the portal of `person`, or of the child `for_` whom they act.

        It goes by the portal's clock, which its pauses move; `timeout` is in seconds, for each
        call. It can be used for eight hours by that clock.
        """
        from gpcli.scripting.connection import (  # noqa: PLC0415  (start-up: as above)
            Arguments,
            open_portal,
        )

        __tracebackhide__ = True
        variables = self._sandbox._build_variables(person, for_)
        arguments = Arguments(
            profile=None,
            as_=None,
            url=self._sandbox.fhir_base,
            token=variables["GPCLI_TOKEN"],
            patient=variables["GPCLI_PATIENT"],
            environment="sandbox",
            fhir_user=variables["GPCLI_FHIR_USER"],
            timeout=timeout,
        )
        portal = open_portal(
            arguments,
            {"GPCLI_CONFIG_DIR": variables["GPCLI_CONFIG_DIR"]},
            now=self._sandbox.now,
            sleep=self._sandbox._pause,
        )
        return self._stack.enter_context(portal)


def _build_line(argv: tuple[str, ...], *, json: bool) -> tuple[str, ...]:
    own = argv[: argv.index("--")] if "--" in argv else argv
    return ("--json", *argv) if json and _FORMATS.isdisjoint(own) else argv


def _open_stream(text: str) -> TextIOWrapper:
    """Return a stream over bytes, as a process has, which is no terminal."""
    return TextIOWrapper(BytesIO(text.encode()), encoding="utf-8", newline="")


def _read_stream(stream: TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def _read_duration(step: timedelta | str) -> timedelta:
    from gpcli.care.slots import parse_duration  # noqa: PLC0415  (start-up: as above)

    __tracebackhide__ = True
    if not isinstance(step, str):
        return step
    try:
        return parse_duration(step, "")
    except InvalidUsage:
        raise ValueError(f"'{step}' is no length of time; write 90s, 10m, 2h or 1d") from None


def _call(call: Callable[[], Returned]) -> Returned:
    """Return what a call into the sandbox returns; its error leads to the test, not to there."""
    __tracebackhide__ = True
    try:
        return call()
    except (LookupError, ValueError) as error:
        raise error.with_traceback(None) from None
