"""Control a sandbox that is served on this machine, for the commands about one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, TypeVar

import typer

from gpcli.cli.served_sandboxes import ServedSandbox
from gpcli.errors import InvalidUsage, NotFound, Unreachable
from gpcli.sandbox.control import ControlClient, ControlError, ControlRefused, ControlTimeout

Returned = TypeVar("Returned")

_PEOPLE_HINT = "gpcli sandbox people lists who there is."
_PATIENCE_SECONDS = 1.0
"""How long a sandbox may take to say that it runs, before it counts as running and busy."""

Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Which sandbox; the newest one if not given"),
]


def is_serving(served: ServedSandbox) -> bool:
    """Return whether a sandbox that announced itself runs: it, or one too busy to say so."""
    client = ControlClient(served.url, served.control_token, timeout=_PATIENCE_SECONDS)
    try:
        client.fetch_people()
    except ControlTimeout:
        return True
    except ControlError:
        return False
    return True


def call_control(
    served: ServedSandbox, call: Callable[[ControlClient], Returned], hint: str = _PEOPLE_HINT
) -> Returned:
    """Return what a served sandbox answers.

    Raises: InvalidUsage if it can't do what is asked for; NotFound, with `hint`, if it has no such
    thing; Unreachable if it fails.
    """
    try:
        return call(ControlClient(served.url, served.control_token))
    except ControlRefused as refused:
        if refused.status == HTTPStatus.BAD_REQUEST:
            raise InvalidUsage(f"The sandbox says: {refused}.") from refused
        raise NotFound(f"The sandbox says: {refused}.", hint=hint) from refused
    except ControlError as error:
        raise Unreachable(
            f"The sandbox did not do it: {error}", hint="gpcli sandbox serve starts one."
        ) from error
