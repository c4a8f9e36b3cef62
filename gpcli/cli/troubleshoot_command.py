"""`troubleshoot`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import typer

from gpcli.app_context import Session
from gpcli.auth.people import choose_person
from gpcli.cli.global_options import Run
from gpcli.cli.topics import MACHINE_VARIABLES, OWN_VARIABLES
from gpcli.config.offer_index import IndexedPerson
from gpcli.http.client import Bearer, Door
from gpcli.model.finding import Finding
from gpcli.render.output import Output
from gpcli.render.views.tool_views import FINDINGS, cures
from gpcli.troubleshoot.check import run_checks
from gpcli.troubleshoot.check_context import Scene
from gpcli.troubleshoot.check_list import CHECKS, failure

LEAST = 1.0
"""Seconds that the network gets even if everything before it took too long."""


def troubleshoot(ctx: typer.Context) -> None:
    """Find out what is wrong, and what to do about it."""
    run: Run = ctx.obj
    run.options.diagnoses = run.options.no_input = True  # neither gpcli nor the keyring asks
    session = run.session
    if session.output.names_only(FINDINGS):
        return
    findings = list(run_checks(CHECKS, _scene(session)))
    _show(findings, session.output)
    trouble = failure(findings)
    if trouble:
        raise trouble


def _scene(session: Session) -> Scene:
    return Scene(
        session,
        choose=lambda: _person(session),
        open_door=lambda spent: _door(session, spent),
        variables=[name for name, _ in (*OWN_VARIABLES, *MACHINE_VARIABLES)],
        platform=sys.platform,
    )


def _show(findings: Sequence[Finding], output: Output) -> None:
    output.show_list(FINDINGS, findings)
    if not output.tables or output.fields is not None:
        return
    for number, cure in enumerate(cures(findings)):
        if not number:
            output.divide()
        output.words(cure)


def _person(session: Session) -> IndexedPerson:
    """Whom the run is about, without a word of it on standard error."""
    session.person = choose_person(
        session.index,
        session.index_key,
        session.settings.as_,
        sends=False,
        chooser=session.ask,
        notice=lambda _: None,
    )
    return session.person


def _door(session: Session, spent: float) -> Door:
    """The way to the portal, which ends with the time limit that began `spent` seconds ago."""
    settings = session.settings
    left = max(settings.timeout - spent, min(settings.timeout, LEAST))
    session.settings = replace(settings, timeout=round(left, 1) or left)
    return session.door_with(_LateBearer(session))


class _LateBearer:
    """The session's bearer, made when a token is needed: many checks need none."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def token(self, door: Door) -> str:
        """A token that is valid now."""
        return self._made.token(door)

    def renew(self, door: Door, stale: str) -> str:
        """Another token than `stale`."""
        return self._made.renew(door, stale)

    @property
    def _made(self) -> Bearer:
        return self._session.bearer
