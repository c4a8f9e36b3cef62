"""Signing in, and who is signed in, with the portal, the keyring and the files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gpcli.auth.bearer import StaticBearer
from gpcli.auth.browser_sign_in import sign_in_with_browser
from gpcli.auth.client_auth import ClientAuth, build_client_auth
from gpcli.auth.client_secret import ClientSecret, secret_account
from gpcli.auth.device_sign_in import sign_in_with_device
from gpcli.auth.discovery import SmartConfiguration, fetch_smart_configuration
from gpcli.auth.people import account_id
from gpcli.auth.scopes import choose_scopes, has_record_scopes
from gpcli.auth.session import StoredSession, session_lock
from gpcli.auth.sign_in_flow import AuthRequest, Prompter, SignInResult
from gpcli.care.offers import list_services
from gpcli.config.index_format import FROM_ENVIRONMENT
from gpcli.config.offer_index import IndexedPerson, profile_key
from gpcli.config.profiles import (
    Profile,
    build_profile,
    remove_profile,
    save_profile,
)
from gpcli.config.settings import Settings, resolve_profile_settings
from gpcli.errors import (
    BadResponse,
    Expired,
    GpcliError,
    InvalidUsage,
    SignInRefused,
    Unavailable,
)
from gpcli.http.url_policy import read_local_reference
from gpcli.model.account import SignInState, SignInSummary
from gpcli.model.person import Identity, Parties, Person
from gpcli.model.service import ConsentLevel, Offers, ServiceName, Standing
from gpcli.portal.capabilities import delete_cached_capabilities, fetch_capabilities
from gpcli.portal.sole_patient import fetch_sole_patient
from gpcli.sign_out import revoke_session

if TYPE_CHECKING:
    from gpcli.app_context import AppContext


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
    patient: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SignedIn:
    """What a sign-in led to, what the GP offers, and the `scopes` that were asked for."""

    summary: SignInSummary
    offers: Offers
    scopes: str


def select_portal(context: AppContext, url: str, environment: str | None) -> Profile:
    """Make the portal at `url` the one that `context` is about, by its profile or a new one.

    Nothing is written yet.
    Raises: ConfigError for what is not a portal's URL, InvalidUsage for a name that another portal
    has or an `environment` that the portal's profile contradicts, ProductionGuard in CI.
    """
    config = context.config
    name = context.options.profile
    profile = build_profile(name or "new", url, environment)
    if name:
        config.check_portal(name, profile.portal)
    known = _find_profile(config.profiles, profile.portal, name, environment)
    free_name = name or _find_free_name(profile.portal, config.profiles)
    profile = known or replace(profile, name=free_name)
    check_environment(profile, environment)
    context.use_settings(resolve_profile_settings(profile, context.options, context.env))
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


def sign_in(context: AppContext, sign_in_options: SignInOptions, prompter: Prompter) -> SignedIn:
    """Sign a person in at the portal of `context`, and return who it is and what their GP offers.

    The session is stored in the keyring, the names in the offer index. A new profile is written
    only when the sign-in has succeeded.
    Raises: InvalidUsage where a machine signs in or the callback's port is taken, NoKeyring before
    a page is opened, NotPermitted where the portal lacks a way to sign in, SignInRefused, TimedOut,
    OSError where a file can't be written, and what the portal raises.
    """
    _check_person_signs_in(context.settings)
    context.vault.probe()
    profile, before = context.profile, context.config.profiles.get(context.profile.name)
    credentials = context.client_source.read_credentials(sign_in_options.secret)
    client = context.open_client(None)
    configuration = fetch_smart_configuration(
        client, profile.portal, context.cache_dir, context.timestamp(), max_age=0
    )
    delete_cached_capabilities(context.cache_dir, profile.portal)
    auth = build_client_auth(credentials, configuration, context.timestamp)
    auth_request = _build_auth_request(context, configuration, sign_in_options, auth)
    now = context.timestamp
    if sign_in_options.device:
        result = sign_in_with_device(
            client, configuration, auth_request, prompter, now=now, sleep=context.sleep
        )
    else:
        result = sign_in_with_browser(client, configuration, auth_request, prompter, now=now)
    new_session = _NewSession(context, configuration, result, auth, sign_in_options, before)
    return SignedIn(*_complete_sign_in(context, new_session), auth_request.scopes)


def _build_auth_request(
    context: AppContext,
    configuration: SmartConfiguration,
    sign_in_options: SignInOptions,
    auth: ClientAuth,
) -> AuthRequest:
    profile, port = context.profile, sign_in_options.port
    return AuthRequest(
        client_id=profile.client_id,
        scopes=choose_scopes(profile, configuration.offered_scopes, lambda: _fetch_types(context)),
        portal=profile.portal,
        prompt=profile.prompt,
        acr=profile.acr,
        redirect_port=profile.redirect_port if port is None else port,
        hint=sign_in_options.hint,
        patient_hint=sign_in_options.patient or context.options.as_,
        limit=sign_in_options.limit,
        client_auth=auth,
    )


def _fetch_types(context: AppContext) -> frozenset[str] | None:
    """Return the resource types that the portal states; None where it does not say."""
    client = context.open_client(None)
    try:
        stated = fetch_capabilities(client, context.cache_dir, context.timestamp())
    except GpcliError:
        return None
    return frozenset(stated.types) if stated.lists_types else None


def _check_person_signs_in(settings: Settings) -> None:
    if settings.machine:
        raise InvalidUsage(
            f"There is nothing to sign in: a machine does that by itself, by {settings.machine}.",
            hint="gpcli whoami shows for whom; to sign a person in, use another profile.",
        )


@dataclass(frozen=True)
class _NewSession:
    """What a sign-in gave, on its way to the keyring.

    `before` is the profile as it was when the sign-in began, None where it is new.
    """

    context: AppContext
    configuration: SmartConfiguration
    result: SignInResult
    auth: ClientAuth
    sign_in_options: SignInOptions
    before: Profile | None

    def find_identity(self) -> Identity:
        """Return whom the sign-in is for, and who acts; raise SignInRefused.

        Where the token does not name the patient it is who signed in, if that is a patient of this
        portal; else the only one that the token may read; else the one that was asked for.
        """
        result, wanted = self.result, self.sign_in_options.patient
        patient = result.patient or self._find_patient() or wanted
        if patient is None:
            raise SignInRefused(
                "The portal did not say which patient the sign-in is for.",
                hint="Choose a patient at the portal's page, or gpcli login --patient ID.",
            )
        if wanted not in {None, patient}:
            raise SignInRefused(
                f"The sign-in is for the patient '{patient}', not for '{wanted}'; it was not kept.",
                hint="Choose the right person at the portal's page.",
            )
        return Identity(patient, result.fhir_user)

    def _find_patient(self) -> str | None:
        portal = self.context.profile.portal
        user = read_local_reference(self.result.fhir_user or "", portal) or ""
        if user.startswith("Patient/"):
            return user.removeprefix("Patient/")
        bearer = StaticBearer(self.result.access_token, self.result.scope)
        return fetch_sole_patient(self.context.open_client(bearer))

    def build(self, identity: Identity, parties: Parties | None = None) -> StoredSession:
        """Return the session; without `parties` the names are not known."""
        profile, result = self.context.profile, self.result
        acting = parties.acting_user if parties else None
        is_patient = parties is not None and acting == parties.patient and identity.is_on_behalf
        return StoredSession(
            portal=profile.portal,
            client_id=profile.client_id,
            token_endpoint=self.configuration.token_endpoint,
            revocation_endpoint=self.configuration.revocation_endpoint,
            patient=identity.patient,
            fhir_user=f"Patient/{identity.patient}" if is_patient else identity.fhir_user,
            patient_name=parties.patient.name if parties else "",
            acting_name=acting.name if acting else "",
            scope=result.scope,
            access_token=result.access_token,
            expires_at=result.expires_at,
            refresh_token=result.refresh_token,
            refresh_expires_at=result.refresh_expires_at,
            signed_in_at=self.context.timestamp(),
            client_auth=self.auth.method,
        )

    def store(self, session: StoredSession) -> None:
        """Store the session, the person and the profile; revoke the session where that fails."""
        context = self.context
        try:
            _check_person(context, session)
            context.config.check_portal(context.profile.name, session.portal)
            self._write(session)
        except (GpcliError, OSError):
            self.revoke(session)
            raise

    def _write(self, session: StoredSession) -> None:
        # All or nothing: a session that no profile or index leads to could never be signed out.
        # The person comes last: the index drops people of profiles that are not in the file yet.
        context, profile = self.context, self.context.profile
        account = account_id(profile.name, profile.portal, session.patient, session.fhir_user)
        name = session.patient_name or session.patient
        with (
            session_lock(context.lock_dir, account, context.settings.timeout),
            ExitStack() as undo,
        ):
            context.vault.save(account, session)
            undo.callback(context.vault.delete, account)
            _keep_secret(context, self.sign_in_options.secret)
            known = context.config.profiles.get(profile.name)
            if profile != known and profile.name != FROM_ENVIRONMENT:
                save_profile(context.config_path, profile, self.before)
                if known is None:
                    undo.callback(remove_profile, context.config_path, profile.name)
            context.index_profiles()
            person = IndexedPerson(account, session.patient, name, context.timestamp())
            context.index.add_person(context.index_key, person)
            undo.pop_all()

    def revoke(self, session: StoredSession) -> None:
        """End the session at the portal."""
        revoke_session(self.context.open_client(None), session, self.auth)


def _complete_sign_in(
    context: AppContext, new_session: _NewSession
) -> tuple[SignInSummary, Offers]:
    result = new_session.result
    try:
        identity = new_session.find_identity()
    except SignInRefused:
        new_session.revoke(new_session.build(Identity("")))
        raise
    bearer = StaticBearer(result.access_token, result.scope)
    portal = context.open_portal(identity, context.open_client(bearer), bearer)
    try:
        offers = portal.fetch_offers()
        parties = portal.fetch_parties()
    except Expired as error:
        new_session.revoke(new_session.build(identity))
        raise SignInRefused(
            "The portal does not accept the token that its own sign-in has just given.",
            hint="Only the portal can put this right: its sign-in may be for another address.",
        ) from error
    except GpcliError:
        new_session.store(new_session.build(identity))
        raise
    session = new_session.build(identity, parties)
    new_session.store(session)
    if not has_record_scopes(session.scope):
        context.output.warning(_NO_RECORDS)
    context.use_identity(portal.identity)
    return _build_summary(context, session, parties, offers), offers


_NO_RECORDS = (
    "The portal says that it granted no access to any records. Where it needs to be asked for "
    "that, gpcli login --scopes 'SCOPE ...' does so."
)


def _keep_secret(context: AppContext, secret: str | None) -> None:
    """Keep a new secret of the client; forget the one of a client that the profile had before."""
    profile = context.profile
    known = context.config.profiles.get(profile.name)
    account = secret_account(profile.name, profile.portal)
    if secret is not None:
        context.vault.save_secret(account, ClientSecret(profile.client_id, secret))
    elif known is not None and known.client_secret and not profile.client_secret:
        context.vault.delete(account)


def _build_summary(
    context: AppContext, session: StoredSession, parties: Parties, offers: Offers
) -> SignInSummary:
    services = list_services(offers, context.now())
    usable = [each for each in services if each.status is Standing.OFFERED]
    consulting = (each for each in usable if each.service is ServiceName.E_CONSULTATION)
    return SignInSummary(
        patient=parties.patient,
        acting_user=parties.acting_user,
        profile=context.profile.name,
        environment=context.profile.environment,
        surgeries=offers.surgeries,
        offered=tuple(dict.fromkeys(each.service for each in usable)),
        until=find_session_end(session, context.profile.zone),
        renews=session.refresh_token is not None,
        channels=tuple(dict.fromkeys(way for each in consulting for way in each.channels)),
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


def _find_profile(
    profiles: dict[str, Profile], portal: str, name: str | None, environment: str | None
) -> Profile | None:
    """Return a profile of the portal, preferably of the environment; None if there is none."""
    candidates = [
        profile
        for profile in profiles.values()
        if profile.portal == portal and name in {None, profile.name}
    ]
    matching = [profile for profile in candidates if environment in {None, profile.environment}]
    return next(iter([*matching, *candidates]), None)


def _find_free_name(url: str, taken: dict[str, Profile]) -> str:
    host = (urlsplit(url).hostname or "portal").replace(":", "-")
    names = [host, *(f"{host}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


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
    """Return who is signed in at any portal, as the keyring has it; no portal is asked.

    They are in the order of the profiles, at each in that of their names.
    """
    states: list[SignInState] = []
    for profile in context.config.profiles.values():
        people = context.index.read_people(profile_key(profile.name, profile.portal))
        sessions = [context.vault.load(person.account) for person in people]
        found = [_build_state(profile, session) for session in sessions if session]
        states.extend(sorted(found, key=lambda state: (state.patient.name, str(state.acting_user))))
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
    return SignInState(
        patient=patient,
        acting_user=_read_acting_user(session),
        profile=profile.name,
        portal=profile.portal,
        environment=profile.environment,
        consent=None,
        until=find_session_end(session, profile.zone),
        renews=session.refresh_token is not None,
    )


def _read_acting_user(session: StoredSession) -> Person | None:
    """Return who acts, as the sign-in learned it; None = it did not."""
    if session.fhir_user is None or not session.acting_name:
        return None
    return Person(session.fhir_user.rpartition("/")[2], session.acting_name)


def _format_machine(settings: Settings) -> str | None:
    return settings.profile.client_id if settings.machine == "key_file" else settings.machine


def _fetch_consent(context: AppContext) -> ConsentLevel | None:
    try:
        return context.portal.fetch_consent_state().level
    except Unavailable as error:
        context.output.warning(f"The portal was not asked: {error.message}")
    except BadResponse as error:
        context.output.warning(f"What you have consented to is not known: {error.message}")
    return None
