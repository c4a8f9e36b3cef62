"""`login`, `logout`, `whoami`, `consent`."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.account import (
    Way,
    adopt_portal,
    check_environment,
    check_life,
    everybody,
    sign_in,
    sign_out,
    who_is_here,
)
from gpcli.app_context import Session
from gpcli.care.consent import WITHDRAW, propose_grant, propose_withdrawal
from gpcli.care.offers import nothing_digital, standings
from gpcli.care.slots import span
from gpcli.cli.commands.registry import starts
from gpcli.cli.global_options import session_of
from gpcli.cli.receipt_output import show_consent
from gpcli.cli.service_commands import say_nothing_digital
from gpcli.cli.terminal_prompter import TerminalScreen
from gpcli.model.service import highest_level
from gpcli.render.views.account_views import SIGN_INS, SIGNED_IN, SIGNED_OUT
from gpcli.render.views.service_views import CONSENT_RECEIPT, CONSENTS

OFFLINE = "offline_access"
"""The scope of a session that renews itself."""

_CURE = (
    "add prompt = \"consent\" to the profile '{name}' (see gpcli help profiles) "
    "and gpcli login again"
)

PortalUrl = Annotated[
    str | None, typer.Argument(metavar="[PORTAL-URL]", help="The portal's FHIR base")
]
Device = Annotated[bool, typer.Option("--device", help="Sign in on another device, with a code")]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the address instead of opening it")
]
Browser = Annotated[
    str | None, typer.Option("--browser", metavar="CMD", help="The command that opens pages")
]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, metavar="N", help="Port for the way back")
]
Hint = Annotated[
    str | None, typer.Option("--hint", metavar="WHO", help="Who signs in, for the page")
]
Environment = Annotated[
    str | None,
    typer.Option(
        "--environment", metavar="ENV", help="Of a new portal: production, staging or sandbox"
    ),
]
HumanTime = Annotated[
    float, typer.Option("--limit", min=1, metavar="SECONDS", help="How long to wait for you")
]


def login(
    ctx: typer.Context,
    portal: PortalUrl = None,
    device: Device = False,
    no_browser: NoBrowser = False,
    browser: Browser = None,
    port: Port = None,
    hint: Hint = None,
    environment: Environment = None,
    limit: HumanTime = 600,
) -> None:
    """Sign in at your GP's portal."""
    session = session_of(ctx)
    if portal is not None:
        adopt_portal(session, portal, environment)
    elif environment is not None:
        check_environment(session.profile, environment)
    automatic = not no_browser and session.ask.allowed
    screen = TerminalScreen(session, browser=None if no_browser else browser, automatic=automatic)
    summary, offers = sign_in(session, Way(device, port, hint, limit), screen)
    session.remember(offers, starts())
    session.output.show_item(SIGNED_IN, summary)
    if not summary.renews and OFFLINE in session.profile.scopes.split():
        _say_it_ends(session)
    if nothing_digital(standings(offers, session.now())):
        say_nothing_digital(session, offers.surgeries)


def _say_it_ends(session: Session) -> None:
    profile = session.profile
    cure = _CURE.format(name=profile.name)
    if profile.asks_for_consent:
        cure = "only the portal can change this"
    session.output.warning(
        "This session does not renew itself: unattended use ends soon, and you sign in again. "
        f"If you did not choose that at the portal's page, {cure}."
    )


def logout(
    ctx: typer.Context,
    everyone: Annotated[
        bool, typer.Option("--all", help="Everybody who is signed in at this portal")
    ] = False,
) -> None:
    """Sign out, at the portal and here."""
    session = session_of(ctx)
    ended = sign_out(session, everyone=everyone)
    session.output.show_list(SIGNED_OUT, ended)
    for one in ended:
        if not one.revoked:
            session.output.warning(
                f"The portal did not confirm the end of {one.patient}'s session; "
                "it is forgotten here and ends there by itself."
            )


def whoami(
    ctx: typer.Context,
    everyone: Annotated[
        bool, typer.Option("--all", help="Everybody who is signed in, at any portal")
    ] = False,
    min_life: Annotated[
        str | None,
        typer.Option("--min-life", metavar="TIME", help="Fail if unattended use ends sooner: 10m"),
    ] = None,
) -> None:
    """Show who is signed in, where, and for how long."""
    session = session_of(ctx)
    if everyone:
        if not session.output.show_list(SIGN_INS, everybody(session)):
            session.output.notice("Nobody is signed in.")
        return
    least = span(min_life, "--min-life") if min_life is not None else None
    state = who_is_here(session)
    if least is not None:
        check_life(state, least, session.clock())
        if state.until is None and not (state.machine and state.renews):
            session.output.warning("The portal does not say how long unattended use works.")
    session.output.show_item(SIGN_INS, state)


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
