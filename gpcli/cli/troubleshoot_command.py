"""`troubleshoot`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import typer

from gpcli.app_context import AppContext
from gpcli.auth.people import choose_person
from gpcli.cli.global_options import CommandRun
from gpcli.cli.topics import MACHINE_VARIABLES, OWN_VARIABLES
from gpcli.config.offer_index import IndexedPerson
from gpcli.http.client import Bearer, HttpClient
from gpcli.model.finding import Finding
from gpcli.render.output import Output
from gpcli.render.views.tool_views import FINDINGS, format_cures
from gpcli.troubleshoot.check import run_checks
from gpcli.troubleshoot.check_context import CheckContext
from gpcli.troubleshoot.check_list import CHECKS, build_error

LEAST = 1.0
"""Seconds that the network gets even if everything before it took too long."""


def troubleshoot(ctx: typer.Context) -> None:
    """Find out what is wrong, and what to do about it."""
    run: CommandRun = ctx.obj
    run.options.diagnoses = run.options.no_input = True  # neither gpcli nor the keyring asks
    context = run.context
    if context.output.write_field_names_if_asked(FINDINGS):
        return
    findings = list(run_checks(CHECKS, _scene(context)))
    _show(findings, context.output)
    error = build_error(findings)
    if error:
        raise error


def _scene(context: AppContext) -> CheckContext:
    return CheckContext(
        context,
        choose=lambda: _person(context),
        open_client=lambda spent: _door(context, spent),
        variables=[name for name, _ in (*OWN_VARIABLES, *MACHINE_VARIABLES)],
        platform=sys.platform,
    )


def _show(findings: Sequence[Finding], output: Output) -> None:
    output.show_list(FINDINGS, findings)
    if not output.is_table or output.fields is not None:
        return
    for number, cure in enumerate(format_cures(findings)):
        if not number:
            output.show_separator()
        output.show_text(cure)


def _person(context: AppContext) -> IndexedPerson:
    """Whom the run is about, without a word of it on standard error."""
    person = choose_person(
        context.index,
        context.index_key,
        context.settings.as_,
        sends=False,
        chooser=context.ask,
        notice=lambda _: None,
    )
    context.use_person(person)
    return person


def _door(context: AppContext, spent: float) -> HttpClient:
    """The way to the portal, which ends with the time limit that began `spent` seconds ago."""
    settings = context.settings
    left = max(settings.timeout - spent, min(settings.timeout, LEAST))
    context.use_settings(replace(settings, timeout=round(left, 1) or left))
    return context.open_client(_LateBearer(context))


class _LateBearer:
    """The session's bearer, made when a token is needed: many checks need none."""

    def __init__(self, context: AppContext) -> None:
        self._session = context

    def get_token(self, client: HttpClient) -> str:
        """A token that is valid now."""
        return self._made.get_token(client)

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Another token than `stale`."""
        return self._made.renew_token(client, stale)

    @property
    def _made(self) -> Bearer:
        return self._session.bearer
