"""`troubleshoot`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import typer

from gpcli.app_context import AppContext
from gpcli.auth.people import choose_person
from gpcli.cli.configuration_texts import MACHINE_VARIABLES, OWN_VARIABLES
from gpcli.cli.global_options import CommandRun
from gpcli.config.offer_index import IndexedPerson
from gpcli.http.client import Bearer, HttpClient
from gpcli.model.account import Finding
from gpcli.render.output import Output
from gpcli.render.views.account_views import FINDINGS, format_cures
from gpcli.troubleshoot.computer_checks import COMPUTER_CHECKS
from gpcli.troubleshoot.diagnosis import CheckContext, build_error, run_checks
from gpcli.troubleshoot.sign_in_checks import SIGN_IN_CHECKS

CHECKS = (*COMPUTER_CHECKS, *SIGN_IN_CHECKS)
"""Every check, in the order in which a command depends on them."""

MIN_SECONDS = 1.0
"""Seconds that the network gets even if the time limit has passed already."""


def troubleshoot(ctx: typer.Context) -> None:
    """Find out what is wrong, and what to do about it."""
    run: CommandRun = ctx.obj
    context = run.start_diagnosis()
    if context.output.answer_field_query(FINDINGS):
        return
    findings = list(run_checks(CHECKS, _build_check_context(context)))
    _show_findings(context.output, findings)
    error = build_error(findings)
    if error:
        raise error


def _build_check_context(context: AppContext) -> CheckContext:
    return CheckContext(
        context,
        choose_person=lambda: _choose_person(context),
        open_client=lambda spent: _open_client(context, spent),
        variables=[name for name, _ in (*OWN_VARIABLES, *MACHINE_VARIABLES)],
        platform=sys.platform,
    )


def _show_findings(output: Output, findings: Sequence[Finding]) -> None:
    """Show the findings; below a table, whose columns have no room for them, the cures."""
    output.show_list(FINDINGS, findings)
    if not output.is_for_person or output.fields is not None:
        return
    for number, cure in enumerate(format_cures(findings)):
        if not number:
            output.show_separator()
        output.show_text(cure)


def _choose_person(context: AppContext) -> IndexedPerson:
    """Choose the person of this run, without a notice about it."""
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


def _open_client(context: AppContext, spent: float) -> HttpClient:
    """Return a client of the portal, with what is left of the time limit after `spent` seconds."""
    settings = context.settings
    left = max(settings.timeout - spent, min(settings.timeout, MIN_SECONDS))
    context.use_settings(replace(settings, timeout=round(left, 1) or left))
    return context.open_client(_LazyBearer(context))


class _LazyBearer:
    """The bearer of a context, which is built when a token is needed: many checks need none."""

    def __init__(self, context: AppContext) -> None:
        self._context = context

    def get_token(self, client: HttpClient) -> str:
        """Return a token that is valid now."""
        return self._bearer.get_token(client)

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Return another token than `stale`."""
        return self._bearer.renew_token(client, stale)

    @property
    def _bearer(self) -> Bearer:
        return self._context.bearer
