"""Sign in, sign out, and who is signed in: what joins the sign-in, the portal and the files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gpcli import errors
from gpcli.auth.bearer import StaticBearer
from gpcli.auth.browser_sign_in import sign_in_with_browser
from gpcli.auth.device_sign_in import sign_in_with_device
from gpcli.auth.discovery import SmartConfiguration, fetch_smart_configuration, format_scopes
from gpcli.auth.people import account_id
from gpcli.auth.prompter import Prompter
from gpcli.auth.session import StoredSession, session_lock
from gpcli.auth.sign_in_flow import AuthRequest, SignInResult
from gpcli.config.offer_index import IndexedPerson, profile_key
from gpcli.config.profiles import (
    FROM_ENVIRONMENT,
    Config,
    Profile,
    build_profile,
    has_loopback_host,
    save_profile,
)
from gpcli.config.settings import Settings, check_production_allowed
from gpcli.errors import Expired, GpcliError, InvalidUsage, NotSignedIn, SignInRefused, Unavailable
from gpcli.http.client import HttpClient
from gpcli.http.network_errors import BadReply
from gpcli.model.account import SignedOut, SignInState, SignInSummary
from gpcli.model.person import Identity, Parties, Person
from gpcli.model.service import ConsentLevel, Offers, highest_level
from gpcli.portal.capabilities import delete_cached_capabilities

if TYPE_CHECKING:
    from gpcli.app_context import AppContext
    from gpcli.auth.vault import StoredSession
    from gpcli.config.profiles import Profile
    from gpcli.config.settings import Settings


def revoke_session(client: HttpClient, context: StoredSession) -> bool:
    """Revoke the session's refresh token, or its access token if it has none.

    Returns whether the portal did it. Never raises for the portal's or the network's sake:
    signing out always goes on.
    """
    if context.revocation_endpoint is None:
        return False
    refresh = context.refresh_token is not None
    form = {
        "token": context.refresh_token or context.access_token,
        "token_type_hint": "refresh_token" if refresh else "access_token",
        "client_id": context.client_id,
    }
    try:
        return client.post_form(context.revocation_endpoint, form).status == 200
    except BadReply as answered:  # only the status counts (RFC 7009, 2.2)
        return answered.status == 200
    except errors.GpcliError:
        return False


@dataclass(frozen=True)
class SignInOptions:
    """How to sign in. `limit` is the time a person has, in seconds; `port` 0 = any free one."""

    device: bool
    port: int | None
    hint: str | None
    limit: float


def select_portal(context: AppContext, url: str, environment: str | None) -> Profile:
    """Make the portal at `url` the one that `context` is about, known before or not.

    Nothing is written yet. Raises ConfigError for what is not a portal's URL, Usage for a name
    that another portal has or an `environment` that the portal's profile contradicts,
    ProductionGuard in CI.
    """
    config = context.config
    name = context.options.profile
    profile = build_profile(name or "new", url, environment or _usual_environment(url))
    if name:
        _check_name(config, name, profile.portal)
    known = _known(config, profile.portal, name, environment)
    chosen = known or replace(profile, name=name or _free_name(url, config.profiles))
    check_environment(chosen, environment)
    check_production_allowed(chosen, context.env)
    context.use_settings(
        Settings(
            chosen, None, None, None, context.options.as_, context.options.timeout or chosen.timeout
        )
    )
    return chosen


def check_environment(profile: Profile, environment: str | None) -> None:
    """Raise Usage if `environment`, where one is named, is not what `profile` says."""
    if environment in {None, profile.environment}:
        return
    raise InvalidUsage(
        f"The profile '{profile.name}' is of the environment {profile.environment}, "
        f"not {environment}.",
        hint="Leave out --environment, or name a new profile with --profile.",
    )


def sign_in(
    context: AppContext, sign_in_options: SignInOptions, prompter: Prompter
) -> tuple[SignInSummary, Offers]:
    """Sign a person in at the session's portal; tokens go to the keyring, names to the index.

    A new profile is written only when the sign-in has succeeded.
    Raises Usage where a machine signs in, NoKeyring before any page opens, SignInRefused, and
    whatever the portal raises.
    """
    _refuse_machines(context.settings)
    context.vault.probe()
    profile = context.profile
    client = context.open_client(None)
    configuration = fetch_smart_configuration(
        client, profile.portal, context.cache_dir, context.timestamp(), fresh=0
    )
    delete_cached_capabilities(context.cache_dir, profile.portal)
    auth_request = AuthRequest(
        client_id=profile.client_id,
        scopes=format_scopes(
            profile.requested_scopes, profile.scopes_version, configuration.capabilities
        ),
        portal=profile.portal,
        prompt=profile.prompt,
        acr=profile.acr,
        redirect_port=profile.redirect_port
        if sign_in_options.port is None
        else sign_in_options.port,
        hint=sign_in_options.hint,
        patient_hint=context.options.as_,
        limit=sign_in_options.limit,
    )
    now = context.timestamp
    if sign_in_options.device:
        tokens = sign_in_with_device(
            client, configuration, auth_request, prompter, now=now, sleep=context.sleep
        )
    else:
        tokens = sign_in_with_browser(client, configuration, auth_request, prompter, now=now)
    return _keep_session(context, configuration, tokens)


def _refuse_machines(settings: Settings) -> None:
    if settings.machine:
        raise InvalidUsage(
            f"There is nothing to sign in: a machine does that by itself, by {settings.machine}.",
            hint="gpcli whoami shows for whom; to sign a person in, use another profile.",
        )


def _keep_session(
    context: AppContext, configuration: SmartConfiguration, tokens: SignInResult
) -> tuple[SignInSummary, Offers]:
    identity = Identity(tokens.patient, tokens.fhir_user)
    bearer = StaticBearer(tokens.access_token, tokens.scope)
    portal = context.open_portal(identity, context.open_client(bearer), bearer)
    try:
        offers = portal.fetch_offers()
        parties = portal.fetch_parties()
    except Expired as refused:
        revoke_session(context.open_client(None), _kept(context, configuration, tokens))
        raise SignInRefused(
            "The portal does not accept the token that its own sign-in has just given.",
            hint="Only the portal can put this right: its sign-in may be for another address.",
        ) from refused
    except GpcliError:
        _keep(context, _kept(context, configuration, tokens))
        raise
    kept = _kept(context, configuration, tokens, parties)
    _keep(context, kept)
    context.use_identity(portal.identity)
    return _summary(context, kept, parties, offers), offers


def _kept(
    context: AppContext,
    configuration: SmartConfiguration,
    tokens: SignInResult,
    parties: Parties | None = None,
) -> StoredSession:
    profile = context.profile
    return StoredSession(
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
        signed_in_at=context.timestamp(),
    )


def _keep(context: AppContext, kept: StoredSession) -> None:
    try:
        _check_whom(context, kept)
        _check_name(context.config, context.profile.name, kept.portal)
        _save(context, kept)
    except (GpcliError, OSError):
        revoke_session(context.open_client(None), kept)
        raise


def _save(context: AppContext, kept: StoredSession) -> None:
    # All or nothing: a session that no profile or index leads to could never be signed out.
    profile = context.profile
    account = account_id(profile.name, profile.portal, kept.patient, kept.fhir_user)
    name = kept.patient_name or kept.patient
    person = IndexedPerson(account, kept.patient, name, context.timestamp())
    with (
        session_lock(context.lock_dir, account, context.settings.timeout),
        ExitStack() as undo,
    ):
        context.vault.save(account, kept)
        undo.callback(context.vault.delete, account)
        context.index.add_person(context.index_key, person)
        undo.callback(context.index.remove_person, context.index_key, account)
        _keep_profile(context, profile)
        undo.pop_all()


def _summary(
    context: AppContext, kept: StoredSession, parties: Parties, offers: Offers
) -> SignInSummary:
    offered = dict.fromkeys(offer.name.value for offer in offers.offers if offer.active)
    return SignInSummary(
        patient=parties.patient,
        acting_user=parties.acting_user,
        profile=context.profile.name,
        environment=context.profile.environment,
        surgeries=offers.surgeries,
        offered=tuple(offered),
        until=find_session_end(kept, context.profile.zone),
        renews=kept.refresh_token is not None,
    )


def find_session_end(kept: StoredSession, zone: str) -> datetime | None:
    """Until when no new sign-in is needed, by the clock of `zone` (an IANA name).

    `None` when the portal does not say.
    """
    end = kept.refresh_expires_at if kept.refresh_token else kept.expires_at
    return datetime.fromtimestamp(end, ZoneInfo(zone)).replace(microsecond=0) if end else None


def _check_whom(context: AppContext, kept: StoredSession) -> None:
    asked = context.options.as_
    if asked is None or _is_called(kept, asked.casefold()):
        return
    whose = f"is for {kept.patient_name}, not" if kept.patient_name else "may not be"
    raise SignInRefused(
        f"The sign-in {whose} for '{asked}'; it was not kept.",
        hint="Choose the right person at the portal's page.",
    )


def _is_called(kept: StoredSession, words: str) -> bool:
    name = kept.patient_name.casefold()
    starts = any(part.startswith(words) for part in (name, *name.split()))
    return words == kept.patient.casefold() or starts


def _check_name(config: Config, name: str, portal: str) -> None:
    there = config.profiles.get(name)
    if there is not None and there.portal != portal:
        raise InvalidUsage(
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


def _keep_profile(context: AppContext, profile: Profile) -> None:
    config = context.config
    if profile.name not in config.profiles and profile.name != FROM_ENVIRONMENT:
        save_profile(context.config_path, profile, default=config.default is None)
    context.index_profiles()


def _usual_environment(url: str) -> str:
    return "sandbox" if has_loopback_host(urlsplit(url)) else "production"


def _free_name(url: str, taken: dict[str, Profile]) -> str:
    host = (urlsplit(url).hostname or "portal").replace(":", "-")
    names = [host, *(f"{host}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def sign_out(context: AppContext, *, everyone: bool) -> list[SignedOut]:
    """End the session of the person in use, or of everybody at this portal.

    Raises NotSignedIn when there is nobody, Usage when the token is not from a sign-in.
    """
    if context.settings.token:
        raise InvalidUsage(
            "The token in GPCLI_TOKEN is not gpcli's to end.", hint="Unset GPCLI_TOKEN."
        )
    there = context.index.read_people(context.index_key)
    if context.settings.machine and not (everyone and there):
        raise InvalidUsage(
            f"A machine signs in here by {context.settings.machine}: gpcli keeps no session of "
            "its own to end.",
            hint=_PEOPLE if there else _FOR_GOOD,
        )
    people = there if everyone else [context.person]
    if not people:
        raise NotSignedIn("Nobody is signed in at this portal.")
    return [_end(context, person) for person in people]


_PEOPLE = "gpcli logout --all ends the sessions of people who signed in here before."
_FOR_GOOD = "To stop it for good, take the key or the client away at the portal."


def _end(context: AppContext, person: IndexedPerson) -> SignedOut:
    client = context.open_client(None)
    with session_lock(context.lock_dir, person.account, client.deadline.require_seconds_left()):
        kept = context.vault.load(person.account)
        revoked = revoke_session(client, kept) if kept else True
        context.vault.delete(person.account)
    context.index.remove_person(context.index_key, person.account)
    context.index.delete_hidden(context.index_key, person.patient)
    return SignedOut(context.profile.name, person.name, revoked)


def fetch_sign_in_state(context: AppContext) -> SignInState:
    """The person in use; asks the portal for the consent, which also proves the session.

    A portal that can't be reached leaves the consent unknown, with a warning.
    """
    parties = context.portal.fetch_parties()
    settings = context.settings
    kept = None if settings.machine else context.stored_session
    return SignInState(
        patient=parties.patient,
        acting_user=parties.acting_user,
        profile=context.profile.name,
        portal=context.profile.portal,
        environment=context.profile.environment,
        consent=_consent(context),
        until=find_session_end(kept, context.profile.zone) if kept else None,
        renews=bool(kept.refresh_token) if kept else not settings.token,
        machine=_machine(settings),
    )


def read_sign_in_states(context: AppContext) -> list[SignInState]:
    """Everybody signed in at any portal, as the keyring has it; the portals are not asked."""
    found = []
    for profile in context.config.profiles.values():
        for person in context.index.read_people(profile_key(profile.name, profile.portal)):
            kept = context.vault.load(person.account)
            if kept:
                found.append(_state(profile, kept))
    return found


def check_lifetime(state: SignInState, least: timedelta, now: datetime) -> None:
    """Raise Expired when unattended use is known to end sooner than `least` from `now`."""
    if state.until is not None and state.until < now + least:
        raise Expired(
            f"Unattended use ends at {state.until.isoformat()}, sooner than asked for.",
            hint="gpcli login signs in anew.",
        )


def _state(profile: Profile, kept: StoredSession) -> SignInState:
    patient = Person(kept.patient, kept.patient_name or kept.patient)
    acting_id = kept.fhir_user.rpartition("/")[2]
    acting = Person(acting_id, kept.acting_name or acting_id)
    return SignInState(
        patient=patient,
        acting_user=acting,
        profile=profile.name,
        portal=profile.portal,
        environment=profile.environment,
        consent=None,
        until=find_session_end(kept, profile.zone),
        renews=kept.refresh_token is not None,
    )


def _machine(settings: Settings) -> str | None:
    return settings.profile.client_id if settings.machine == "key_file" else settings.machine


def _consent(context: AppContext) -> ConsentLevel | None:
    try:
        return highest_level(context.portal.fetch_consents())
    except Unavailable as trouble:
        context.output.warning(f"The portal was not asked: {trouble.message}")
        return None
