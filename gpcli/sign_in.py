"""Signing in, signing out, and who is signed in, with the portal, the keyring and the files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gpcli.auth.bearer import StaticBearer
from gpcli.auth.browser_sign_in import sign_in_with_browser
from gpcli.auth.device_sign_in import sign_in_with_device
from gpcli.auth.discovery import SmartConfiguration, fetch_smart_configuration, format_scopes
from gpcli.auth.people import account_id
from gpcli.auth.session import StoredSession, session_lock
from gpcli.auth.sign_in_flow import AuthRequest, Prompter, SignInResult
from gpcli.config.index_format import FROM_ENVIRONMENT
from gpcli.config.offer_index import IndexedPerson, profile_key
from gpcli.config.profiles import (
    Config,
    Profile,
    build_profile,
    has_loopback_host,
    save_profile,
)
from gpcli.config.settings import Settings, check_production_allowed
from gpcli.errors import Expired, GpcliError, InvalidUsage, NotSignedIn, SignInRefused, Unavailable
from gpcli.http.client import HttpClient
from gpcli.http.network_errors import UnusableResponse
from gpcli.model.account import SignedOut, SignInState, SignInSummary
from gpcli.model.person import Identity, Parties, Person
from gpcli.model.service import ConsentLevel, Offers, highest_level
from gpcli.portal.capabilities import delete_cached_capabilities

if TYPE_CHECKING:
    from gpcli.app_context import AppContext


def revoke_session(client: HttpClient, session: StoredSession) -> bool:
    """Revoke the session's refresh token, or its access token if it has none.

    Return whether the portal did it. Errors of the portal or the network are not raised, since
    signing out continues in any case.
    """
    if session.revocation_endpoint is None:
        return False
    form = {
        "token": session.refresh_token or session.access_token,
        "token_type_hint": "access_token" if session.refresh_token is None else "refresh_token",
        "client_id": session.client_id,
    }
    try:
        return client.post_form(session.revocation_endpoint, form).status == 200
    except UnusableResponse as error:  # only the status counts (RFC 7009, 2.2)
        return error.status == 200
    except GpcliError:
        return False


@dataclass(frozen=True)
class SignInOptions:
    """How to sign in.

    `device` is for a sign-in on another device; `port` is that of the browser's callback, 0 = any
    free one, `None` = the profile's; `hint` tells the portal who signs in (OpenID Connect's
    `login_hint`), `None` = it asks; `limit` is the time that the person has, in seconds.
    """

    device: bool
    port: int | None
    hint: str | None
    limit: float


def select_portal(context: AppContext, url: str, environment: str | None) -> Profile:
    """Make the portal at `url` the one that `context` is about, by its profile or a new one.

    Nothing is written yet.
    Raises: ConfigError for what is not a portal's URL, InvalidUsage for a name that another portal
    has or an `environment` that the portal's profile contradicts, ProductionGuard in CI.
    """
    config = context.config
    name = context.options.profile
    profile = build_profile(name or "new", url, environment or _default_environment(url))
    if name:
        _check_name(config, name, profile.portal)
    known = _find_profile(config, profile.portal, name, environment)
    profile = known or replace(profile, name=name or _find_free_name(url, config.profiles))
    check_environment(profile, environment)
    check_production_allowed(profile, context.env)
    timeout = context.options.timeout or profile.timeout
    context.use_settings(Settings(profile, None, None, None, context.options.as_, timeout))
    return profile


def check_environment(profile: Profile, environment: str | None) -> None:
    """Raise InvalidUsage if `environment` is given and not the profile's."""
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
    """Sign a person in at the portal of `context`, and return who it is and what their GP offers.

    The session is stored in the keyring, the names in the offer index. A new profile is written
    only when the sign-in has succeeded.
    Raises: InvalidUsage where a machine signs in or the callback's port is taken, NoKeyring before
    a page is opened, NotPermitted where the portal lacks a way to sign in, SignInRefused, TimedOut,
    OSError where a file can't be written, and what the portal raises.
    """
    _check_person_signs_in(context.settings)
    context.vault.probe()
    profile = context.profile
    client = context.open_client(None)
    configuration = fetch_smart_configuration(
        client, profile.portal, context.cache_dir, context.timestamp(), max_age=0
    )
    delete_cached_capabilities(context.cache_dir, profile.portal)
    auth_request = _build_auth_request(context, configuration, sign_in_options)
    now = context.timestamp
    if sign_in_options.device:
        result = sign_in_with_device(
            client, configuration, auth_request, prompter, now=now, sleep=context.sleep
        )
    else:
        result = sign_in_with_browser(client, configuration, auth_request, prompter, now=now)
    return _complete_sign_in(context, configuration, result)


def _build_auth_request(
    context: AppContext, configuration: SmartConfiguration, sign_in_options: SignInOptions
) -> AuthRequest:
    profile, port = context.profile, sign_in_options.port
    return AuthRequest(
        client_id=profile.client_id,
        scopes=format_scopes(
            profile.requested_scopes, profile.scopes_version, configuration.capabilities
        ),
        portal=profile.portal,
        prompt=profile.prompt,
        acr=profile.acr,
        redirect_port=profile.redirect_port if port is None else port,
        hint=sign_in_options.hint,
        patient_hint=context.options.as_,
        limit=sign_in_options.limit,
    )


def _check_person_signs_in(settings: Settings) -> None:
    if settings.machine:
        raise InvalidUsage(
            f"There is nothing to sign in: a machine does that by itself, by {settings.machine}.",
            hint="gpcli whoami shows for whom; to sign a person in, use another profile.",
        )


def _complete_sign_in(
    context: AppContext, configuration: SmartConfiguration, result: SignInResult
) -> tuple[SignInSummary, Offers]:
    identity = Identity(result.patient, result.fhir_user)
    bearer = StaticBearer(result.access_token, result.scope)
    portal = context.open_portal(identity, context.open_client(bearer), bearer)
    try:
        offers = portal.fetch_offers()
        parties = portal.fetch_parties()
    except Expired as error:
        revoke_session(context.open_client(None), _build_session(context, configuration, result))
        raise SignInRefused(
            "The portal does not accept the token that its own sign-in has just given.",
            hint="Only the portal can put this right: its sign-in may be for another address.",
        ) from error
    except GpcliError:
        _store_session(context, _build_session(context, configuration, result))
        raise
    session = _build_session(context, configuration, result, parties)
    _store_session(context, session)
    context.use_identity(portal.identity)
    return _build_summary(context, session, parties, offers), offers


def _build_session(
    context: AppContext,
    configuration: SmartConfiguration,
    result: SignInResult,
    parties: Parties | None = None,
) -> StoredSession:
    profile = context.profile
    return StoredSession(
        portal=profile.portal,
        client_id=profile.client_id,
        token_endpoint=configuration.token_endpoint,
        revocation_endpoint=configuration.revocation_endpoint,
        patient=result.patient,
        fhir_user=result.fhir_user,
        patient_name=parties.patient.name if parties else "",
        acting_name=(parties.acting_user or parties.patient).name if parties else "",
        scope=result.scope,
        access_token=result.access_token,
        expires_at=result.expires_at,
        refresh_token=result.refresh_token,
        refresh_expires_at=result.refresh_expires_at,
        signed_in_at=context.timestamp(),
    )


def _store_session(context: AppContext, session: StoredSession) -> None:
    """Store the session, the person and the profile; revoke the session where that fails."""
    try:
        _check_person(context, session)
        _check_name(context.config, context.profile.name, session.portal)
        _write_session(context, session)
    except (GpcliError, OSError):
        revoke_session(context.open_client(None), session)
        raise


def _write_session(context: AppContext, session: StoredSession) -> None:
    # All or nothing: a session that no profile or index leads to could never be signed out.
    profile = context.profile
    account = account_id(profile.name, profile.portal, session.patient, session.fhir_user)
    name = session.patient_name or session.patient
    person = IndexedPerson(account, session.patient, name, context.timestamp())
    with (
        session_lock(context.lock_dir, account, context.settings.timeout),
        ExitStack() as undo,
    ):
        context.vault.save(account, session)
        undo.callback(context.vault.delete, account)
        context.index.add_person(context.index_key, person)
        undo.callback(context.index.remove_person, context.index_key, account)
        _write_profile(context, profile)
        undo.pop_all()


def _build_summary(
    context: AppContext, session: StoredSession, parties: Parties, offers: Offers
) -> SignInSummary:
    offered = dict.fromkeys(offer.name.value for offer in offers.offers if offer.active)
    return SignInSummary(
        patient=parties.patient,
        acting_user=parties.acting_user,
        profile=context.profile.name,
        environment=context.profile.environment,
        surgeries=offers.surgeries,
        offered=tuple(offered),
        until=find_session_end(session, context.profile.zone),
        renews=session.refresh_token is not None,
    )


def find_session_end(session: StoredSession, zone: str) -> datetime | None:
    """Return until when no new sign-in is needed, in `zone` (an IANA name).

    `None` = the portal does not say.
    """
    end = session.refresh_expires_at if session.refresh_token else session.expires_at
    return datetime.fromtimestamp(end, ZoneInfo(zone)).replace(microsecond=0) if end else None


def _check_person(context: AppContext, session: StoredSession) -> None:
    wanted = context.options.as_
    if wanted is None or _is_called(session, wanted.casefold()):
        return
    whose = f"is for {session.patient_name}, not" if session.patient_name else "may not be"
    raise SignInRefused(
        f"The sign-in {whose} for '{wanted}'; it was not kept.",
        hint="Choose the right person at the portal's page.",
    )


def _is_called(session: StoredSession, words: str) -> bool:
    name = session.patient_name.casefold()
    is_start_of_name = any(part.startswith(words) for part in (name, *name.split()))
    return words == session.patient.casefold() or is_start_of_name


def _check_name(config: Config, name: str, portal: str) -> None:
    profile = config.profiles.get(name)
    if profile is not None and profile.portal != portal:
        raise InvalidUsage(
            f"The profile '{name}' is for another portal.", hint="Choose another --profile."
        )


def _find_profile(
    config: Config, portal: str, name: str | None, environment: str | None
) -> Profile | None:
    """Return a profile of the portal, preferably of the environment; None if there is none."""
    candidates = [
        profile
        for profile in config.profiles.values()
        if profile.portal == portal and name in {None, profile.name}
    ]
    matching = [profile for profile in candidates if environment in {None, profile.environment}]
    return next(iter([*matching, *candidates]), None)


def _write_profile(context: AppContext, profile: Profile) -> None:
    config = context.config
    if profile.name not in config.profiles and profile.name != FROM_ENVIRONMENT:
        save_profile(context.config_path, profile, default=config.default is None)
    context.index_profiles()


def _default_environment(url: str) -> str:
    return "sandbox" if has_loopback_host(urlsplit(url)) else "production"


def _find_free_name(url: str, taken: dict[str, Profile]) -> str:
    host = (urlsplit(url).hostname or "portal").replace(":", "-")
    names = [host, *(f"{host}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def sign_out(context: AppContext, *, everyone: bool) -> list[SignedOut]:
    """End the session of the person in use, or with `everyone` all of them at this portal.

    Raises: NotSignedIn when there is nobody, InvalidUsage when the token is not from a sign-in or
    a machine signs in, TimedOut when another process holds the session, NoKeyring, OSError, and
    what choosing the person in use raises.
    """
    if context.settings.token:
        raise InvalidUsage(
            "The token in GPCLI_TOKEN is not gpcli's to end.", hint="Unset GPCLI_TOKEN."
        )
    signed_in = context.index.read_people(context.index_key)
    if context.settings.machine and not (everyone and signed_in):
        raise InvalidUsage(
            f"A machine signs in here by {context.settings.machine}: gpcli keeps no session of "
            "its own to end.",
            hint=_OTHER_PEOPLE_HINT if signed_in else _END_MACHINE_HINT,
        )
    people = signed_in if everyone else [context.person]
    if not people:
        raise NotSignedIn("Nobody is signed in at this portal.")
    return [_end_session(context, person) for person in people]


_OTHER_PEOPLE_HINT = "gpcli logout --all ends the sessions of people who signed in here before."
_END_MACHINE_HINT = "To stop it for good, take the key or the client away at the portal."


def _end_session(context: AppContext, person: IndexedPerson) -> SignedOut:
    client = context.open_client(None)
    with session_lock(context.lock_dir, person.account, client.deadline.require_seconds_left()):
        session = context.vault.load(person.account)
        revoked = revoke_session(client, session) if session else True
        context.vault.delete(person.account)
    context.index.remove_person(context.index_key, person.account)
    context.index.delete_hidden(context.index_key, person.patient)
    return SignedOut(context.profile.name, person.name, revoked)


def fetch_sign_in_state(context: AppContext) -> SignInState:
    """Fetch the person in use and their consent from the portal, which also tests the session.

    Where only the consent can't be fetched, it is `None`, with a warning.
    """
    parties = context.portal.fetch_parties()
    settings = context.settings
    session = None if settings.machine else context.stored_session
    return SignInState(
        patient=parties.patient,
        acting_user=parties.acting_user,
        profile=context.profile.name,
        portal=context.profile.portal,
        environment=context.profile.environment,
        consent=_fetch_consent(context),
        until=find_session_end(session, context.profile.zone) if session else None,
        renews=bool(session.refresh_token) if session else not settings.token,
        machine=_format_machine(settings),
    )


def read_sign_in_states(context: AppContext) -> list[SignInState]:
    """Return who is signed in at any portal, as the keyring has it; no portal is asked."""
    states = []
    for profile in context.config.profiles.values():
        for person in context.index.read_people(profile_key(profile.name, profile.portal)):
            session = context.vault.load(person.account)
            if session:
                states.append(_build_state(profile, session))
    return states


def check_lifetime(state: SignInState, least: timedelta, now: datetime) -> None:
    """Raise Expired when the session is known to end sooner than `least` from `now`."""
    if state.until is not None and state.until < now + least:
        raise Expired(
            f"Unattended use ends at {state.until.isoformat()}, sooner than asked for.",
            hint="gpcli login signs in anew.",
        )


def _build_state(profile: Profile, session: StoredSession) -> SignInState:
    patient = Person(session.patient, session.patient_name or session.patient)
    acting_id = session.fhir_user.rpartition("/")[2]
    acting = Person(acting_id, session.acting_name or acting_id)
    return SignInState(
        patient=patient,
        acting_user=acting,
        profile=profile.name,
        portal=profile.portal,
        environment=profile.environment,
        consent=None,
        until=find_session_end(session, profile.zone),
        renews=session.refresh_token is not None,
    )


def _format_machine(settings: Settings) -> str | None:
    return settings.profile.client_id if settings.machine == "key_file" else settings.machine


def _fetch_consent(context: AppContext) -> ConsentLevel | None:
    try:
        return highest_level(context.portal.fetch_consents())
    except Unavailable as error:
        context.output.warning(f"The portal was not asked: {error.message}")
        return None
