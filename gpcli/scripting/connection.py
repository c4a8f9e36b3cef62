"""Opening the portal for a script: by a profile, by variables, or by arguments alone."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO

from gpcli.app_context import AppContext
from gpcli.config.settings import MAX_TIMEOUT, Options, check_not_empty
from gpcli.errors import InvalidUsage
from gpcli.model.account import Environment
from gpcli.render.terminal import NO_TERMINAL
from gpcli.scripting.calls import VARIABLES, Session, check_types
from gpcli.scripting.portal import PatientPortal

_NOT_BESIDE_URL = frozenset({"GPCLI_PROFILE", "GPCLI_AS", "GPCLI_TOKEN_COMMAND", *VARIABLES})
"""The variables that do not count where a portal is named by arguments."""


@dataclass(frozen=True)
class Arguments:
    """What `gpcli.connect` was given; `None` = it was not.

    Raises: TypeError; InvalidUsage for what is empty, or does not go together.
    """

    profile: str | None
    as_: str | None
    url: str | None
    token: str | None
    patient: str | None
    environment: Environment | None
    fhir_user: str | None
    timeout: float | None

    def __post_init__(self) -> None:
        check_types(type(self), **vars(self))
        given = {name: value for name, value in vars(self).items() if value is not None}
        for name, value in given.items():
            if isinstance(value, str):
                check_not_empty(name, value)
        if self.timeout is not None and not 0 < self.timeout <= MAX_TIMEOUT:
            raise InvalidUsage(f"timeout needs a number of seconds up to {MAX_TIMEOUT:g}.")
        if self.url is None:
            self._check_without_url(given)
        else:
            self._check_with_url(given)

    def _check_without_url(self, given: dict[str, object]) -> None:
        for name in ("token", "environment", "fhir_user"):
            if name in given:
                raise InvalidUsage(
                    f"{name} is given without url: for which portal is it?",
                    hint="Give url, token and patient; or none of them, and a profile.",
                )

    def _check_with_url(self, given: dict[str, object]) -> None:
        for name in ("profile", "as_"):
            if name in given:
                raise InvalidUsage(
                    f"url and {name} are both given.", hint="A portal has a profile or a url."
                )
        for name, why in (("token", "that lets it in"), ("patient", "whom it is about, by id")):
            if name not in given:
                raise InvalidUsage(f"url needs {name} as well: {why}.")


@contextmanager
def open_portal(
    arguments: Arguments,
    env: Mapping[str, str] = os.environ,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[PatientPortal]:
    """Open the portal, and close it when the body ends.

    Raises: NotSignedIn and NoKeyring without a sign-in; ConfigError; InputNeeded where several
    people are signed in and none is named, or a machine has no patient; InvalidUsage where a person
    signs in and a patient is given; ProductionGuard.
    """
    options = Options(
        profile=arguments.profile,
        as_=arguments.as_,
        timeout=arguments.timeout,
        no_input=True,
        sends=True,
    )
    streams = StringIO(), StringIO(), sys.stderr
    variables = _build_env(arguments, env)
    context = AppContext(options, variables, *streams, terminal=NO_TERMINAL, now=now, sleep=sleep)
    session = Session(context, has_url=arguments.url is not None)
    with closing(session):
        with session.use():
            if arguments.patient and not context.settings.machine:
                raise InvalidUsage(
                    "patient is for a machine, and a person signs in here.",
                    hint="as_ names one of those who are signed in.",
                )
            context.identity  # noqa: B018  (raises where nobody is signed in)
        yield PatientPortal(session)


def _build_env(arguments: Arguments, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `env`, with those that arguments stand for in their place."""
    values = {variable: getattr(arguments, name) for variable, name in VARIABLES.items()}
    hidden = _NOT_BESIDE_URL if arguments.url else frozenset()
    kept = {name: value for name, value in env.items() if name not in hidden}
    return kept | {name: value for name, value in values.items() if value is not None}
