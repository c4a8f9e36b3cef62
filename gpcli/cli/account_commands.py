"""`login`, `logout`, `whoami`, `consent`."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care.consent import WITHDRAW, propose_consent_grant, propose_consent_withdrawal
from gpcli.care.dates import parse_duration
from gpcli.care.offers import SERVICE_LABELS, find_not_granted, list_services
from gpcli.changes.files import forget_account
from gpcli.cli.client_options import (
    AskSecret,
    ClientId,
    Scopes,
    SecretFromStdin,
    change_client,
    read_client_options,
)
from gpcli.cli.global_options import get_context
from gpcli.cli.listed_records import forget_listed
from gpcli.cli.result_output import require_complete, show_consent
from gpcli.cli.service_commands import note_offers, store_offers
from gpcli.cli.terminal_prompter import TerminalPrompter
from gpcli.cli.value_parsers import decimal_number, patient_id, whole_number
from gpcli.config.settings import PLAN_PREFIX, check_plan_id
from gpcli.errors import GpcliError
from gpcli.model.service import Offers
from gpcli.render.views.account_views import SIGN_INS, SIGNED_IN, SIGNED_OUT
from gpcli.render.views.service_views import CONSENT_RECEIPT, CONSENTS
from gpcli.sign_in import (
    SignInOptions,
    check_environment,
    check_lifetime,
    fetch_sign_in_state,
    read_sign_in_states,
    select_portal,
    sign_in,
)
from gpcli.sign_out import sign_out

OFFLINE_SCOPE = "offline_access"
"""The scope of a session that renews itself."""

_CONSENT_HINT = (
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
    int | None,
    typer.Option(
        "--port", parser=whole_number(0, 65535), metavar="N", help="Port for the way back"
    ),
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
    float,
    typer.Option(
        "--limit", parser=decimal_number(1), metavar="SECONDS", help="How long to wait for you"
    ),
]


PatientId = Annotated[
    str | None,
    typer.Option(
        "--patient",
        parser=patient_id(),
        metavar="ID",
        help="The patient's id, where the portal does not say whose it is",
    ),
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
    client_id: ClientId = None,
    scopes: Scopes = None,
    patient: PatientId = None,
    client_secret: AskSecret = False,
    client_secret_stdin: SecretFromStdin = False,
) -> None:
    """Sign in at your GP's portal."""
    context = get_context(ctx)
    if context.output.answer_field_query(SIGNED_IN):
        return
    if portal is not None:
        select_portal(context, portal, environment)
    else:
        check_environment(context.profile, environment)
    client = read_client_options(
        context, client_id, scopes, ask_secret=client_secret, from_stdin=client_secret_stdin
    )
    changes = change_client(context, client)
    page = None if no_browser else browser
    automatic = not no_browser and context.ask.can_ask
    prompter = TerminalPrompter(context, browser=page, automatic=automatic)
    options = SignInOptions(device, port, hint, limit, patient, client.secret)
    signed_in = sign_in(context, options, prompter)
    for sentence in changes:
        context.output.notice(sentence)
    store_offers(context, signed_in.offers)
    context.output.show_item(SIGNED_IN, signed_in.summary)
    if not signed_in.summary.renews and OFFLINE_SCOPE in signed_in.scopes.split():
        _warn_of_session_end(context)
    _note_services(context, signed_in.offers)


def _note_services(context: AppContext, offers: Offers) -> None:
    services = list_services(offers, context.now())
    note_offers(context, services, offers.surgeries)
    refused = find_not_granted(offers, services)
    if refused and not context.profile.has_own_scopes:  # else less was asked for
        labels = ", ".join(SERVICE_LABELS[name] for name in refused)
        context.output.warning(f"This sign-in does not allow all that the portal does: {labels}.")


def _warn_of_session_end(context: AppContext) -> None:
    profile = context.profile
    hint = _CONSENT_HINT.format(name=profile.name)
    if profile.has_consent_prompt:
        hint = "only the portal can change this"
    context.output.warning(
        "This session does not renew itself: unattended use ends soon, and you sign in again. "
        f"If you did not choose that at the portal's page, {hint}."
    )


def logout(
    ctx: typer.Context,
    everyone: Annotated[
        bool, typer.Option("--all", help="Everybody who is signed in at this portal")
    ] = False,
) -> None:
    """Sign out, at the portal and here."""
    context = get_context(ctx)
    if context.output.answer_field_query(SIGNED_OUT):
        return
    ended = sign_out(context, everyone=everyone)
    context.output.show_list(SIGNED_OUT, ended)
    for account in ended:
        if not account.revoked:
            context.output.warning(
                f"The portal did not confirm the end of {account.patient}'s session; "
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
    context = get_context(ctx)
    if everyone:
        if not context.output.show_list(SIGN_INS, read_sign_in_states(context)):
            context.output.notice("Nobody is signed in.")
        return
    least = parse_duration(min_life, "--min-life") if min_life is not None else None
    state = fetch_sign_in_state(context)
    if least is not None:
        check_lifetime(state, least, context.clock())
        if state.until is None and not (state.machine and state.renews):
            context.output.warning("The portal does not say how long unattended use works.")
    context.output.show_item(SIGN_INS, state)


def show(ctx: typer.Context) -> None:
    """Show what you have consented to."""
    context = get_context(ctx)
    state = context.portal.fetch_consent_state()
    context.output.show_list(CONSENTS, state.consents)
    if state.level is None:
        context.output.notice("The portal does not use levels of consent: nothing depends on them.")
    else:
        context.output.notice(f"Your level is {state.level.value}.")
    require_complete(context)


def grant(ctx: typer.Context) -> None:
    """Consent to Full Access, which the GP's services need."""
    context = get_context(ctx)
    if context.output.answer_field_query(CONSENT_RECEIPT):
        return
    intent = context.sending.intent("consent grant")
    outcome = context.sending.confirm_and_send(propose_consent_grant(context.portal, intent))
    show_consent(context, outcome, intent)
    _refresh_offers(context)


def _refresh_offers(context: AppContext) -> None:
    """Store what is offered now; where that can't be told, forget what was, and say so.

    What was sent stays done either way.
    """
    try:
        store_offers(context, context.portal.fetch_offers())
    except GpcliError as error:
        with suppress(OSError):
            context.index.delete_hidden(context.index_key, context.identity.patient)
        context.output.warning(f"What is offered now can't be told: {error.message}")


def withdraw(
    ctx: typer.Context,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm",
            metavar="WORD|ID",
            help=f"The word '{WITHDRAW}', for scripts; or the plan that --dry-run showed",
        ),
    ] = None,
) -> None:
    """Withdraw consent; the portal deletes what it keeps for you."""
    context = get_context(ctx)
    if context.output.answer_field_query(CONSENT_RECEIPT):
        return
    if confirm is not None and confirm.strip().lower().startswith(PLAN_PREFIX):
        context.options.confirm = check_plan_id("--confirm", confirm)
    intent = context.sending.intent("consent withdraw")
    outcome = context.sending.confirm_and_send(
        propose_consent_withdrawal(context.portal, intent), word=confirm
    )
    if not outcome.dry_run:
        forget_listed(context)
        forget_account(context.state_dir, context.account)
    show_consent(context, outcome, intent)
    _refresh_offers(context)
