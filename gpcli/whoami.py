"""Who is signed in, where, and how long gpcli works unattended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gpcli.config.index import profile_key
from gpcli.errors import Expired, Unavailable
from gpcli.model.account import SignInState
from gpcli.model.person import Person
from gpcli.model.service import ConsentLevel, highest_level
from gpcli.sign_in import works_until

if TYPE_CHECKING:
    from gpcli.auth.vault import SignedIn
    from gpcli.config.profiles import Profile
    from gpcli.config.settings import Settings
    from gpcli.session import Session


def who_is_here(session: Session) -> SignInState:
    """The person in use; asks the portal for the consent, which also proves the session.

    A portal that can't be reached leaves the consent unknown, with a warning.
    """
    parties = session.portal.parties
    settings = session.settings
    kept = None if settings.machine else session.signed_in
    return SignInState(
        patient=parties.patient,
        acting_user=parties.acting_user,
        profile=session.profile.name,
        portal=session.profile.portal,
        environment=session.profile.environment,
        consent=_consent(session),
        until=works_until(kept, session.profile.zone) if kept else None,
        renews=bool(kept.refresh_token) if kept else not settings.token,
        machine=_machine(settings),
    )


def everybody(session: Session) -> list[SignInState]:
    """Everybody signed in at any portal, as the keyring has it; the portals are not asked."""
    found = []
    for profile in session.config.profiles.values():
        for person in session.index.people(profile_key(profile.name, profile.portal)):
            kept = session.vault.load(person.account)
            if kept:
                found.append(_state(profile, kept))
    return found


def check_life(state: SignInState, least: timedelta, now: datetime) -> None:
    """Raise Expired when unattended use is known to end sooner than `least` from `now`."""
    if state.until is not None and state.until < now + least:
        raise Expired(
            f"Unattended use ends at {state.until.isoformat()}, sooner than asked for.",
            hint="gpcli login signs in anew.",
        )


def _state(profile: Profile, kept: SignedIn) -> SignInState:
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
        until=works_until(kept, profile.zone),
        renews=kept.refresh_token is not None,
    )


def _machine(settings: Settings) -> str | None:
    return settings.profile.client_id if settings.machine == "key_file" else settings.machine


def _consent(session: Session) -> ConsentLevel | None:
    try:
        return highest_level(session.portal.consents())
    except Unavailable as trouble:
        session.output.warning(f"The portal was not asked: {trouble.message}")
        return None
