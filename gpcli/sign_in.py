"""Signing in: the steps from a URL to a session in the keyring."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gpcli.auth.bearer import StaticBearer
from gpcli.auth.device import sign_in_with_device
from gpcli.auth.discovery import SmartConfiguration, discover
from gpcli.auth.grant import TokenSet, Wish
from gpcli.auth.lock import session_lock
from gpcli.auth.people import account_id
from gpcli.auth.revoke import revoke
from gpcli.auth.scopes import asked_scopes
from gpcli.auth.screen import Screen
from gpcli.auth.sign_in import sign_in_with_browser
from gpcli.auth.vault import SignedIn
from gpcli.config.index import IndexedPerson
from gpcli.config.keys import is_loopback
from gpcli.config.profiles import FROM_ENVIRONMENT, Config, Profile, new_profile, save_profile
from gpcli.config.settings import Settings, guard_production
from gpcli.errors import Expired, GpcliError, SignInRefused, Usage
from gpcli.model.account import SignInSummary
from gpcli.model.person import Identity, Parties
from gpcli.model.service import Offers
from gpcli.portal.capabilities import forget

if TYPE_CHECKING:
    from gpcli.session import Session


@dataclass(frozen=True)
class Way:
    """How to sign in. `limit` is the time a person has, in seconds; `port` 0 = any free one."""

    device: bool
    port: int | None
    hint: str | None
    limit: float


def adopt_portal(session: Session, url: str, environment: str | None) -> Profile:
    """Make the portal at `url` the one that `session` is about, known before or not.

    Nothing is written yet. Raises ConfigTrouble for what is not a portal's URL, Usage for a name
    that another portal has or an `environment` that the portal's profile contradicts,
    ProductionGuard in CI.
    """
    config = session.config
    name = session.options.profile
    profile = new_profile(name or "new", url, environment or _usual_environment(url))
    if name:
        _check_name(config, name, profile.portal)
    known = _known(config, profile.portal, name, environment)
    chosen = known or replace(profile, name=name or _free_name(url, config.profiles))
    check_environment(chosen, environment)
    guard_production(chosen, session.env)
    session.settings = Settings(
        chosen, None, None, None, session.options.as_, session.options.timeout or chosen.timeout
    )
    return chosen


def check_environment(profile: Profile, environment: str | None) -> None:
    """Raise Usage if `environment`, where one is named, is not what `profile` says."""
    if environment in {None, profile.environment}:
        return
    raise Usage(
        f"The profile '{profile.name}' is of the environment {profile.environment}, "
        f"not {environment}.",
        hint="Leave out --environment, or name a new profile with --profile.",
    )


def sign_in(session: Session, way: Way, screen: Screen) -> tuple[SignInSummary, Offers]:
    """Sign a person in at the session's portal; tokens go to the keyring, names to the index.

    A new profile is written only when the sign-in has succeeded.
    Raises Usage where a machine signs in, NoKeyring before any page opens, SignInRefused, and
    whatever the portal raises.
    """
    _refuse_machines(session.settings)
    session.vault.probe()
    profile = session.profile
    door = session.door_with(None)
    configuration = discover(door, profile.portal, session.cache_dir, session.timestamp(), fresh=0)
    forget(session.cache_dir, profile.portal)
    wish = Wish(
        client_id=profile.client_id,
        scopes=asked_scopes(
            profile.scopes_wanted, profile.scopes_version, configuration.capabilities
        ),
        portal=profile.portal,
        prompt=profile.prompt,
        acr=profile.acr,
        redirect_port=profile.redirect_port if way.port is None else way.port,
        hint=way.hint,
        patient_hint=session.options.as_,
        limit=way.limit,
    )
    now = session.timestamp
    if way.device:
        tokens = sign_in_with_device(
            door, configuration, wish, screen, now=now, sleep=session.sleep
        )
    else:
        tokens = sign_in_with_browser(door, configuration, wish, screen, now=now)
    return _keep_session(session, configuration, tokens)


def _refuse_machines(settings: Settings) -> None:
    if settings.machine:
        raise Usage(
            f"There is nothing to sign in: a machine does that by itself, by {settings.machine}.",
            hint="gpcli whoami shows for whom; to sign a person in, use another profile.",
        )


def _keep_session(
    session: Session, configuration: SmartConfiguration, tokens: TokenSet
) -> tuple[SignInSummary, Offers]:
    identity = Identity(tokens.patient, tokens.fhir_user)
    bearer = StaticBearer(tokens.access_token, tokens.scope)
    portal = session.portal_for(identity, session.door_with(bearer), bearer)
    try:
        offers = portal.offers()
        parties = portal.parties
    except Expired as refused:
        revoke(session.door_with(None), _kept(session, configuration, tokens))
        raise SignInRefused(
            "The portal does not accept the token that its own sign-in has just given.",
            hint="Only the portal can put this right: its sign-in may be for another address.",
        ) from refused
    except GpcliError:
        _keep(session, _kept(session, configuration, tokens))
        raise
    kept = _kept(session, configuration, tokens, parties)
    _keep(session, kept)
    session.identity = portal.identity
    return _summary(session, kept, parties, offers), offers


def _kept(
    session: Session,
    configuration: SmartConfiguration,
    tokens: TokenSet,
    parties: Parties | None = None,
) -> SignedIn:
    profile = session.profile
    return SignedIn(
        portal=profile.portal,
        client_id=profile.client_id,
        token_endpoint=configuration.token_endpoint,
        revocation_endpoint=configuration.revocation_endpoint,
        patient=tokens.patient,
        fhir_user=tokens.fhir_user,
        patient_name=parties.patient.name if parties else "",
        acting_name=(parties.acting_user or parties.patient).name if parties else "",
        scope=tokens.scope,
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
        signed_in_at=session.timestamp(),
    )


def _keep(session: Session, kept: SignedIn) -> None:
    try:
        _check_whom(session, kept)
        _check_name(session.config, session.profile.name, kept.portal)
        _save(session, kept)
    except (GpcliError, OSError):
        revoke(session.door_with(None), kept)
        raise


def _save(session: Session, kept: SignedIn) -> None:
    # All or nothing: a session that no profile or index leads to could never be signed out.
    profile = session.profile
    account = account_id(profile.name, profile.portal, kept.patient, kept.fhir_user)
    name = kept.patient_name or kept.patient
    person = IndexedPerson(account, kept.patient, name, session.timestamp())
    with (
        session_lock(session.lock_dir, account, session.settings.timeout),
        ExitStack() as undo,
    ):
        session.vault.save(account, kept)
        undo.callback(session.vault.delete, account)
        session.index.add_person(session.index_key, person)
        undo.callback(session.index.remove_person, session.index_key, account)
        _keep_profile(session, profile)
        undo.pop_all()


def _summary(session: Session, kept: SignedIn, parties: Parties, offers: Offers) -> SignInSummary:
    offered = dict.fromkeys(offer.name.value for offer in offers.offers if offer.active)
    return SignInSummary(
        patient=parties.patient,
        acting_user=parties.acting_user,
        profile=session.profile.name,
        environment=session.profile.environment,
        surgeries=offers.surgeries,
        offered=tuple(offered),
        until=works_until(kept, session.profile.zone),
        renews=kept.refresh_token is not None,
    )


def works_until(kept: SignedIn, zone: str) -> datetime | None:
    """Until when no new sign-in is needed, by the clock of `zone` (an IANA name).

    `None` when the portal does not say.
    """
    end = kept.refresh_expires_at if kept.refresh_token else kept.expires_at
    return datetime.fromtimestamp(end, ZoneInfo(zone)).replace(microsecond=0) if end else None


def _check_whom(session: Session, kept: SignedIn) -> None:
    asked = session.options.as_
    if asked is None or _is_called(kept, asked.casefold()):
        return
    whose = f"is for {kept.patient_name}, not" if kept.patient_name else "may not be"
    raise SignInRefused(
        f"The sign-in {whose} for '{asked}'; it was not kept.",
        hint="Choose the right person at the portal's page.",
    )


def _is_called(kept: SignedIn, words: str) -> bool:
    name = kept.patient_name.casefold()
    starts = any(part.startswith(words) for part in (name, *name.split()))
    return words == kept.patient.casefold() or starts


def _check_name(config: Config, name: str, portal: str) -> None:
    there = config.profiles.get(name)
    if there is not None and there.portal != portal:
        raise Usage(
            f"The profile '{name}' is for another portal.", hint="Choose another --profile."
        )


def _known(
    config: Config, portal: str, name: str | None, environment: str | None
) -> Profile | None:
    known = [
        each
        for each in config.profiles.values()
        if each.portal == portal and name in {None, each.name}
    ]
    fitting = [each for each in known if environment in {None, each.environment}]
    return next(iter([*fitting, *known]), None)


def _keep_profile(session: Session, profile: Profile) -> None:
    config = session.config
    if profile.name not in config.profiles and profile.name != FROM_ENVIRONMENT:
        save_profile(session.config_path, profile, default=config.default is None)
    session.index_profiles()


def _usual_environment(url: str) -> str:
    return "sandbox" if is_loopback(urlsplit(url)) else "production"


def _free_name(url: str, taken: dict[str, Profile]) -> str:
    host = (urlsplit(url).hostname or "portal").replace(":", "-")
    names = [host, *(f"{host}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
