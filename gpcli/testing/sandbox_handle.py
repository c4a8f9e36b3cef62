"""The sandbox as a test has it, and its portal from Python."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gpcli.errors import InvalidUsage

if TYPE_CHECKING:
    from gpcli.sandbox.server import AccessToken, FaultRule, Sandbox
    from gpcli.sandbox.surgery.answer import AnsweredRequest
    from gpcli.scripting.portal import PatientPortal

_PREFIX = "GPCLI_"
"""What the names of gpcli's own variables begin with."""

_OFFSET = "GPCLI_CLOCK_OFFSET"

Returned = TypeVar("Returned")

SetVariable = Callable[[str, "str | None"], None]
"""Sets a variable of this process until the test ends; `None` = takes it away."""


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
        self._is_announced = False
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
        portal's time. In it, `gpcli sandbox advance` and its like are about this sandbox.
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
        require_text(rule, "the rule of a fault", "fault('POST Appointment: lost-reply once')")
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
        if wanted is not None:
            require_text(wanted, "what is answered", "answer(booked.json['id'])")
        if text is not None:
            require_text(text, "the surgery's text", "answer(text='Please call.')")
        return _call(lambda: self._sandbox.answer(wanted, decline=decline, text=text))

    def _issue_token(self, person: str | None, for_: str | None) -> AccessToken:
        __tracebackhide__ = True
        if person is None:
            person, default_for = self._person
            for_ = for_ or default_for
        named = person or self._sandbox.people()[0].key
        for each in (named, for_ or ""):
            require_text(each, "a person", "'guro', for_='emil'")
        return _call(lambda: self._sandbox.issue_token(named, for_))

    def _build_variables(self, person: str | None, for_: str | None) -> dict[str, str]:
        """Return gpcli's own variables for a program outside this process, or for `connect()`."""
        from gpcli.cli.sandbox_commands import (  # noqa: PLC0415  (start-up: typer)
            build_token_variables,
        )

        __tracebackhide__ = True
        token = self._issue_token(person, for_)
        variables = build_token_variables(self.url, token, self._sandbox.people())
        self._announce()
        return {**variables, "GPCLI_CONFIG_DIR": str(self._home), **self._word_offset()}

    def _announce(self) -> None:
        """Have `gpcli sandbox advance` and its like find this sandbox, as in `sandbox run`."""
        from gpcli.cli.served_sandboxes import (  # noqa: PLC0415  (start-up: only who uses one)
            ServedSandbox,
            write_announcement,
        )
        from gpcli.config.paths import state_dir  # noqa: PLC0415  (start-up: as above)

        if self._is_announced:
            return
        state = Path(state_dir({"GPCLI_CONFIG_DIR": str(self._home)}))
        token, started = self._sandbox.control_token, datetime.now(UTC).timestamp()
        served = ServedSandbox("pytest", self.url, token, started, os.getpid())
        write_announcement(state, served, lambda _: False)
        self._is_announced = True

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


def require_text(given: object, what: str, example: str) -> None:
    """Raise TypeError, which says what to write, where `given` is no text."""
    __tracebackhide__ = True
    if not isinstance(given, str):
        raise TypeError(f"{what} is a str, not {type(given).__name__}: {example}")


def _read_duration(step: timedelta | str) -> timedelta:
    from gpcli.care.dates import parse_duration  # noqa: PLC0415  (start-up: as above)

    __tracebackhide__ = True
    if isinstance(step, timedelta):
        return step
    require_text(step, "a length of time", "'2h', or a timedelta")
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
