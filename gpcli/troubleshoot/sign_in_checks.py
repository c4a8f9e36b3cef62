"""Checks of the sign-in: how the portal does it, who is signed in, whether the portal agrees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from gpcli.auth.discovery import SmartConfiguration, read_configuration, read_machine_configuration
from gpcli.auth.vault import StoredSession
from gpcli.config.profiles import SCOPES, Profile
from gpcli.errors import BadResponse, Expired, NotSignedIn
from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Malformed
from gpcli.http.client import HttpResponse
from gpcli.model.service import ConsentLevel, ServiceName, highest_level
from gpcli.portal import queries
from gpcli.portal.capabilities import Capabilities, permitted
from gpcli.portal.error_mapping import error_of
from gpcli.portal.mapping import PortalProfile, RecordMapper
from gpcli.portal.write.slot_booking import OTHER_WAY
from gpcli.troubleshoot.check import CheckResult, doubtful, fine, not_checked
from gpcli.troubleshoot.check_context import CheckContext, wordless

SENT = ("Appointment", "Communication", "Task")
"""What gpcli creates, and wants to create once only."""

_TYPES = tuple(
    scope.partition("/")[2].partition(".")[0] for scope in SCOPES.split() if "/" in scope
)
_EVERYTHING = Capabilities(True, _TYPES, _TYPES, _TYPES, _TYPES, transaction=True)


def scopes(context: CheckContext) -> CheckResult:
    """Whether the sign-in granted what the services need."""
    granted = context.around.bearer.scope
    if granted is None:
        return not_checked(f"nothing tells what {context.unattended or 'the sign-in'} allows")
    lost = _lost(permitted(granted, _EVERYTHING))
    if lost:
        cure = _SCOPES_OF_MACHINES if context.unattended else _SCOPES
        return doubtful(f"the sign-in does not allow {lost}", "not_permitted", cure)
    return fine("enough for every service")


_SCOPES = (
    "gpcli login asks for them again; leave 'scopes' out of the profile, and if the portal still "
    "does not grant them, ask the people who run it."
)
_SCOPES_OF_MACHINES = (
    "Leave 'scopes' out of the profile; if the portal still does not grant them, ask the people "
    "who run it."
)


def portal_support(context: CheckContext) -> CheckResult:
    """Whether the portal can do what the services need."""
    can = context.capabilities
    lost = _lost(permitted(None, can))
    if lost:
        return doubtful(f"the portal can't do {lost}", NOT_SUPPORTED, _SUPPORT)
    way = context.profile.booking
    if way in _OFFERED and not _OFFERED[way](can):
        seen = f"the profile books by {way}, which the portal does not offer"
        return doubtful(seen, NOT_SUPPORTED, OTHER_WAY)
    unsure = [kind for kind in SENT if kind not in can.conditional_creates]
    if unsure:
        seen = f"the portal does not recognise a repeated {', '.join(unsure)}"
        return doubtful(seen, NOT_SUPPORTED, _REPEATS)
    return fine("all that the services need")


_OFFERED: Mapping[str, Callable[[Capabilities], bool]] = {
    "operation": lambda can: can.book_operation,
    "transaction": lambda can: can.transaction,
}
"""The ways to book that a portal says it has."""

_SUPPORT = "Use the portal's own page, or the phone, for these; gpcli gp shows the numbers."
_REPEATS = (
    "If an answer is lost gpcli does not send again but ends with exit code 10: look at what is "
    "there before you repeat a command."
)


def consent(context: CheckContext) -> CheckResult:
    """Whether the patient has consented to Full Access."""
    if "Consent" not in context.capabilities.searches:
        return not_checked("the portal keeps no consent")
    patient = context.around.identity.patient
    query = queries.consents(patient)
    bundle = bundle_of(context.client.get(query.kind, query.params))
    level = highest_level(reader_for(context, patient).consents(bundle))
    if level is ConsentLevel.FULL_ACCESS:
        return fine("Full Access")
    seen = f"{level.value}: the services need Full Access"
    return doubtful(seen, "consent_needed", "gpcli consent grant")


def _lost(there: Collection[ServiceName]) -> str:
    return ", ".join(name.value for name in ServiceName if name not in there)


NOT_SUPPORTED = "not_supported"
NO_REFRESH = "no_refresh"

_SIGN_IN = "gpcli login signs in."
_OFFLINE = "permission-offline"


def smart_configuration(context: CheckContext) -> CheckResult:
    """Whether the portal describes a sign-in that gpcli can use."""
    if context.unattended == "key_file":
        read_machine_configuration(context.sign_in_document, context.profile.portal)
        return fine("SMART Backend Services: a machine can sign in with its key")
    if context.unattended:
        return not_checked(f"{context.unattended} is used instead")
    found = _configuration(context)
    return fine(f"SMART sign-in{' with OpenID Connect' if found.issuer else ''}, PKCE with S256")


def sign_in_options(context: CheckContext) -> CheckResult:
    """What the portal's sign-in could do besides."""
    if context.unattended:
        return not_checked(f"{context.unattended} is used instead")
    found = _configuration(context)
    lacks = [(what, effect) for there, what, effect in _options(found) if not there]
    if lacks:
        seen = f"the portal has no {', no '.join(what for what, _ in lacks)}"
        return doubtful(seen, NOT_SUPPORTED, " ".join(effect for _, effect in lacks))
    return fine("device sign-in, sign-out, renewal; grace for a lost renewal is not told")


def session(context: CheckContext) -> CheckResult:
    """Who is signed in here, and for how long."""
    if context.unattended:
        _ = context.around.identity
        if context.unattended == "key_file":
            return _key(context)
        return fine(f"{context.unattended} stands in for a sign-in; how long it lives is not known")
    person = context.person
    kept = context.around.vault.load(person.account)
    if kept is None:
        raise NotSignedIn("The session is gone from the keyring.", hint=_SIGN_IN)
    return _life(kept, context.around.timestamp(), context.profile)


def _key(context: CheckContext) -> CheckResult:
    from gpcli.auth.machine_key import read_machine_key  # noqa: PLC0415  (joserfc is slow)

    key = read_machine_key(context.around.beside_config(str(context.profile.key_file)))
    return fine(f"a machine signs in by itself, with a key for {key.algorithm}")


def access(context: CheckContext) -> CheckResult:
    """Whether the portal accepts the session, and shows the patient's own record."""
    patient = context.around.identity.patient
    query = queries.gps(patient)
    bundle = bundle_of(context.client.get(query.kind, query.params))
    count = len(reader_for(context, patient).surgeries(bundle))
    if not count:
        return doubtful("the record names no GP", "not_offered", _NO_GP)
    return fine(f"the record can be read; it names {count} GP{'' if count == 1 else 's'}")


_NO_GP = "Nothing can be booked or asked without a GP: choose one at the portal's own page."


def bundle_of(answer: HttpResponse) -> Bundle:
    """The list in a good answer; raises what any other means, without the portal's own words."""
    if answer.status >= 400:
        raise error_of(wordless(answer))
    try:
        return read_bundle(answer.body)
    except Malformed:
        raise BadResponse(
            "The portal's answer to a search is no FHIR Bundle.",
            hint="Tell the people who run the portal.",
        ) from None


def reader_for(context: CheckContext, patient: str) -> RecordMapper:
    """What reads the portal's lists."""
    profile = context.profile
    return RecordMapper(
        patient, PortalProfile(profile.services, profile.status_sent, profile.zone), []
    )


def _configuration(context: CheckContext) -> SmartConfiguration:
    return read_configuration(context.sign_in_document, context.profile.portal)


def _options(found: SmartConfiguration) -> tuple[tuple[object, str, str], ...]:
    """Whether it is there, what it is, and what its lack means."""
    return (
        (
            found.device_authorization_endpoint,
            "device sign-in",
            "gpcli login --device can't be used.",
        ),
        (
            found.revocation_endpoint,
            "sign-out",
            "gpcli logout forgets the session here; at the portal it ends by itself.",
        ),
        (
            _OFFLINE in found.capabilities,
            "renewal of sessions",
            "Sign in anew when a session ends; unattended use may be short.",
        ),
    )


def _life(kept: StoredSession, now: float, profile: Profile) -> CheckResult:
    if kept.refresh_token is None:
        if kept.expires_at <= now:
            raise Expired("The sign-in has expired.", hint=_SIGN_IN)
        seen = f"ends at {_time(kept.expires_at)} and can't be renewed"
        cure = _UNGRANTED if profile.asks_for_consent else _ASK_FOR_CONSENT
        return doubtful(seen, NO_REFRESH, cure)
    end = kept.refresh_expires_at
    if end is None:
        return fine("renews itself, for as long as the portal does so")
    if end <= now:
        raise Expired("The sign-in has expired.", hint=_SIGN_IN)
    return fine(f"renews itself until {_time(end)}")


_UNGRANTED = "For unattended use the portal must grant offline_access: only it can change this."
_ASK_FOR_CONSENT = (
    "If you did not choose that at the portal's page, add prompt = 'consent' to the profile and "
    "gpcli login again."
)


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
