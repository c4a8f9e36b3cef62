"""`profile`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.auth.client_secret import ClientSecret, secret_account
from gpcli.cli.client_options import (
    AskSecret,
    ClientId,
    Scopes,
    SecretFromStdin,
    read_client_options,
)
from gpcli.cli.global_options import get_context
from gpcli.config.listed_ids import ListedIds
from gpcli.config.offer_index import profile_key
from gpcli.config.paths import listed_path
from gpcli.config.profiles import (
    Profile,
    add_profile,
    build_profile,
    remove_profile,
    set_default_profile,
)
from gpcli.errors import Declined, InvalidUsage
from gpcli.model.account import KnownPortal
from gpcli.render.stderr import WordedPlan
from gpcli.render.views.account_views import PORTALS

Name = Annotated[str, typer.Argument(metavar="NAME", help="The profile's name")]


def list_profiles(ctx: typer.Context) -> None:
    """List the portals that this machine knows."""
    context = get_context(ctx)
    profiles = context.config.profiles
    context.output.show_list(
        PORTALS, [_build_known_portal(context, profiles[name]) for name in sorted(profiles)]
    )
    if not profiles:
        context.output.notice("There are none yet: gpcli login PORTAL-URL makes one.")


def show(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="By default the one in use")
    ] = None,
) -> None:
    """Show one profile."""
    context = get_context(ctx)
    profile = context.config.find_profile(name) if name is not None else context.profile
    context.output.show_item(PORTALS, _build_known_portal(context, profile))


def add(
    ctx: typer.Context,
    name: Name,
    portal: Annotated[str, typer.Argument(metavar="PORTAL-URL", help="The portal's FHIR base")],
    environment: Annotated[
        str, typer.Option("--environment", metavar="ENV", help="production, staging or sandbox")
    ],
    ca_file: Annotated[
        str | None, typer.Option("--ca-file", metavar="FILE", help="A certificate to trust as well")
    ] = None,
    client_id: ClientId = None,
    scopes: Scopes = None,
    client_secret: AskSecret = False,
    client_secret_stdin: SecretFromStdin = False,
) -> None:
    """Add a portal without signing in."""
    context = get_context(ctx)
    if context.output.answer_field_query(PORTALS):
        return
    context.config.check_name_free(name)
    certificates = str(Path(ca_file).expanduser().absolute()) if ca_file else None
    profile = replace(build_profile(name, portal, environment), ca_file=certificates)
    client = read_client_options(
        context, client_id, scopes, ask_secret=client_secret, from_stdin=client_secret_stdin
    )
    profile = client.apply_to(profile)
    with ExitStack() as undo:
        add_profile(context.config_path, profile)  # of two with one name, one gets no further
        undo.callback(remove_profile, context.config_path, name)
        if client.secret is not None:
            account = secret_account(profile.name, profile.portal)
            context.vault.save_secret(account, ClientSecret(profile.client_id, client.secret))
        undo.pop_all()
    context.index_profiles()
    context.output.show_item(PORTALS, _build_known_portal(context, profile))


def use(ctx: typer.Context, name: Name) -> None:
    """Make a profile the default."""
    context = get_context(ctx)
    if context.output.answer_field_query(PORTALS):
        return
    context.config.find_profile(name)
    set_default_profile(context.config_path, name)
    context.index_profiles()
    context.output.show_item(
        PORTALS, _build_known_portal(context, context.config.find_profile(name))
    )


def remove(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[
        bool, typer.Option("--yes", help="Forget it without being asked on a terminal")
    ] = False,
) -> None:
    """Forget a portal; sign out there first."""
    context = get_context(ctx)
    if context.output.answer_field_query(PORTALS):
        return
    profile = context.config.find_profile(name)
    removed = _build_known_portal(context, profile)
    if removed.people:
        people = ", ".join(removed.people)
        raise InvalidUsage(
            f"Somebody is signed in at '{name}': {people}.",
            hint=f"gpcli logout --all --profile {name}",
        )
    if context.ask.can_ask and not (yes or context.options.yes):
        _confirm_removal(context, profile)
    if profile.client_secret:
        context.vault.delete(secret_account(profile.name, profile.portal))
    remove_profile(context.config_path, name)
    context.index_profiles()
    ListedIds(Path(listed_path(context.env))).forget(profile.name)
    context.output.show_receipt(PORTALS, removed, f"'{name}' is forgotten.")


def _confirm_removal(context: AppContext, profile: Profile) -> None:
    """Show what is forgotten with a profile, and ask; raise Declined."""
    action = f"Forget the profile '{profile.name}'"
    rows = [("Portal", profile.portal), ("Environment", profile.environment)]
    if context.config.default == profile.name:
        rows.append(("Default", "yes; afterwards there is none"))
    if profile.client_secret:
        rows.append(("Client secret", "deleted from the keyring"))
    context.output.plan(WordedPlan(action, tuple(rows), profile.environment))
    if not context.ask.confirm(f"{action}?", flag="--yes"):
        raise Declined("Nothing was changed.")


def _build_known_portal(context: AppContext, profile: Profile) -> KnownPortal:
    people = context.index.read_people(profile_key(profile.name, profile.portal))
    return KnownPortal(
        profile=profile.name,
        portal=profile.portal,
        environment=profile.environment,
        default=context.config.default == profile.name,
        people=tuple(person.name for person in people),
    )
