"""`consent`: what the portal may do for you."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.care.consenting import WITHDRAW, propose_grant, propose_withdrawal
from gpcli.cli.options import session_of
from gpcli.cli.receipts import show_consent
from gpcli.cli.registry import starts
from gpcli.model.service import highest_level
from gpcli.render.views.offered import CONSENT_RECEIPT, CONSENTS


def show(ctx: typer.Context) -> None:
    """Show what you have consented to."""
    session = session_of(ctx)
    consents = session.portal.consents()
    session.output.show_list(CONSENTS, consents)
    session.output.notice(f"Your level is {highest_level(consents).value}.")


def grant(ctx: typer.Context) -> None:
    """Consent to Full Access, which the GP's services need."""
    session = session_of(ctx)
    if session.output.names_only(CONSENT_RECEIPT):
        return
    intent = session.intent("consent grant")
    outcome = session.carry_out(propose_grant(session.portal, intent))
    show_consent(session, outcome, intent)
    session.remember(session.portal.offers(), starts())


def withdraw(
    ctx: typer.Context,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="WORD", help=f"The word '{WITHDRAW}', for scripts"),
    ] = None,
) -> None:
    """Withdraw consent; the portal deletes what it keeps for you."""
    session = session_of(ctx)
    if session.output.names_only(CONSENT_RECEIPT):
        return
    intent = session.intent("consent withdraw")
    outcome = session.carry_out(propose_withdrawal(session.portal, intent), word=confirm)
    show_consent(session, outcome, intent)
    session.remember(session.portal.offers(), starts())
