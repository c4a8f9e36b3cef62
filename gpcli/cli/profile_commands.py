"""`profile`: the portals that this machine knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gpcli.app_context import Session
from gpcli.cli.global_options import session_of
from gpcli.config.offer_index import profile_key
from gpcli.config.profiles import Profile, new_profile, remove_profile, save_profile, use_profile
from gpcli.errors import Usage
from gpcli.model.account import KnownPortal
from gpcli.render.views.account_views import PORTALS

Name = Annotated[str, typer.Argument(metavar="NAME", help="The profile's name")]


def list_profiles(ctx: typer.Context) -> None:
    """List the portals that this machine knows."""
    session = session_of(ctx)
    profiles = session.config.profiles
    session.output.show_list(
        PORTALS, [_known(session, profiles[name]) for name in sorted(profiles)]
    )
    if not profiles:
        session.output.notice("There are none yet: gpcli login PORTAL-URL makes one.")


def show(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The one in use")] = None,
) -> None:
    """Show one profile."""
    session = session_of(ctx)
    profile = session.config.profile(name) if name is not None else session.profile
    session.output.show_item(PORTALS, _known(session, profile))


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
) -> None:
    """Add a portal without signing in."""
    session = session_of(ctx)
    config = session.config
    if name in config.profiles:
        raise Usage(f"There is a profile '{name}' already.", hint=f"gpcli profile show {name}")
    trusted = str(Path(ca_file).expanduser().absolute()) if ca_file else None
    profile = replace(new_profile(name, portal, environment), ca_file=trusted)
    save_profile(session.config_path, profile, default=not config.profiles)
    session.index_profiles()
    session.output.show_item(PORTALS, _known(session, profile))


def use(ctx: typer.Context, name: Name) -> None:
    """Make a profile the default."""
    session = session_of(ctx)
    session.config.profile(name)
    use_profile(session.config_path, name)
    session.index_profiles()
    session.output.show_item(PORTALS, _known(session, session.config.profile(name)))


def remove(ctx: typer.Context, name: Name) -> None:
    """Forget a portal; sign out there first."""
    session = session_of(ctx)
    removed = _known(session, session.config.profile(name))
    if removed.people:
        people = ", ".join(removed.people)
        raise Usage(
            f"Somebody is signed in at '{name}': {people}.",
            hint=f"gpcli logout --all --profile {name}",
        )
    remove_profile(session.config_path, name)
    session.index_profiles()
    session.output.show_item(PORTALS, removed)


def _known(session: Session, profile: Profile) -> KnownPortal:
    people = session.index.people(profile_key(profile.name, profile.portal))
    return KnownPortal(
        profile=profile.name,
        portal=profile.portal,
        environment=profile.environment,
        default=session.config.default == profile.name,
        people=tuple(person.name for person in people),
    )
