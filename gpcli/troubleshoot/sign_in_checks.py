"""Checks of the sign-in, its scopes, what the portal supports, and consent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from gpcli.auth.client_auth import PUBLIC, choose_method
from gpcli.auth.discovery import (
    SmartConfiguration,
    parse_machine_configuration,
    parse_smart_configuration,
)
from gpcli.auth.session import StoredSession
from gpcli.config.profiles import SCOPES, Profile
from gpcli.errors import BadResponse, Expired, NotSignedIn
from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Malformed
from gpcli.http.client import HttpResponse
from gpcli.model.account import OwnCause
from gpcli.model.service import ConsentLevel, ServiceName
from gpcli.portal import queries
from gpcli.portal.capabilities import Capabilities, permitted_services
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.mapping import RecordMapper
from gpcli.portal.portal_profile import PortalProfile
from gpcli.portal.told_services import GUIDE
from gpcli.portal.write.slot_booking import OTHER_WAY
from gpcli.troubleshoot.diagnosis import (
    Check,
    CheckContext,
    CheckResult,
    drop_error_body,
    passed,
    skipped,
    warning,
)

CREATED_TYPES = ("Appointment", "Communication", "Task")
"""The resource types that gpcli creates, with a conditional create where that is supported."""

_SCOPE_TYPES = tuple(
    scope.partition("/")[2].partition(".")[0] for scope in SCOPES.split() if "/" in scope
)
_EVERYTHING = Capabilities(
    True, _SCOPE_TYPES, _SCOPE_TYPES, _SCOPE_TYPES, _SCOPE_TYPES, transaction=True
)
"""The capabilities of a portal that can do all that gpcli uses: only scopes limit it then."""


def check_scopes(context: CheckContext) -> CheckResult:
    """Check whether the granted scopes are enough for every service."""
    granted = context.app_context.bearer.scope
    if granted is None:
        return skipped(f"nothing tells what {context.credential_source or 'the sign-in'} allows")
    missing = _format_missing_services(permitted_services(granted, _EVERYTHING))
    if missing:
        cure = _SCOPES_OF_MACHINES if context.credential_source else _SCOPES
        return warning(f"the sign-in does not allow {missing}", "not_permitted", cure)
    return passed("enough for every service")


_SCOPES = (
    "gpcli login asks for them again; leave 'scopes' out of the profile, and if the portal still "
    "does not grant them, ask the people who run it."
)
_SCOPES_OF_MACHINES = (
    "Leave 'scopes' out of the profile; if the portal still does not grant them, ask the people "
    "who run it."
)


def check_portal_support(context: CheckContext) -> CheckResult:
    """Check whether the portal supports what the services need."""
    capabilities = context.capabilities
    missing = _format_missing_services(permitted_services(None, capabilities))
    if missing:
        return warning(f"the portal can't do {missing}", OwnCause.NOT_SUPPORTED, _SUPPORT)
    way = context.profile.booking
    if way in _OFFERED and not _OFFERED[way](capabilities):
        seen = f"the profile books by {way}, which the portal does not offer"
        return warning(seen, OwnCause.NOT_SUPPORTED, OTHER_WAY)
    unconditional = [kind for kind in CREATED_TYPES if kind not in capabilities.conditional_creates]
    if unconditional:
        seen = f"the portal does not recognise a repeated {', '.join(unconditional)}"
        return warning(seen, OwnCause.NOT_SUPPORTED, _REPEATS)
    return passed("all that the services need")


_OFFERED: Mapping[str, Callable[[Capabilities], bool]] = {
    "operation": lambda capabilities: capabilities.book_operation,
    "transaction": lambda capabilities: capabilities.transaction,
}
"""Way to book -> whether the portal states that it supports it; others are not stated."""

_SUPPORT = "Use the portal's own page, or the phone, for these; gpcli gp shows the numbers."
_REPEATS = (
    "If an answer is lost gpcli does not send again but ends with exit code 10: look at what is "
    "there before you repeat a command."
)


def check_consent(context: CheckContext) -> CheckResult:
    """Check whether the patient has consented to Full Access."""
    if not context.capabilities.can_search("Consent"):
        return skipped("the portal keeps no consent")
    patient = context.app_context.identity.patient
    query = queries.consents(patient)
    bundle = read_search_bundle(context.client.get(query.resource_type, query.params))
    own_codes = GUIDE in context.capabilities.implementation_guides
    level = build_mapper(context, patient).read_consent_level(bundle, uses_levels=own_codes)
    if level is None:
        return skipped("the portal does not use levels of consent")
    if level is ConsentLevel.FULL_ACCESS:
        return passed("Full Access")
    seen = f"{level.value}: the services need Full Access"
    return warning(seen, "consent_needed", "gpcli consent grant")


def _format_missing_services(possible: Collection[ServiceName]) -> str:
    return ", ".join(name.value for name in ServiceName if name not in possible)


_SIGN_IN = "gpcli login signs in."
_OFFLINE = "permission-offline"
"""The SMART capability of sessions that can be renewed."""


def check_smart_configuration(context: CheckContext) -> CheckResult:
    """Check whether the portal's SMART configuration is one that gpcli can use."""
    if context.credential_source == "key_file":
        parse_machine_configuration(context.sign_in_document, context.profile.portal)
        return passed("SMART Backend Services: a machine can sign in with its key")
    if context.credential_source:
        return skipped(f"{context.credential_source} is used instead")
    configuration = _parse_sign_in_document(context)
    seen = f"SMART sign-in{' with OpenID Connect' if configuration.issuer else ''}, PKCE with S256"
    credentials = context.app_context.client_source.list_credentials()
    method = choose_method(credentials, configuration)
    return passed(seen if method == PUBLIC else f"{seen}; gpcli proves its client by {method}")


def check_sign_in_options(context: CheckContext) -> CheckResult:
    """Check for the optional features of the portal's sign-in."""
    if context.credential_source:
        return skipped(f"{context.credential_source} is used instead")
    features = _optional_features(_parse_sign_in_document(context))
    missing = [(name, effect) for is_there, name, effect in features if not is_there]
    if missing:
        seen = f"the portal has no {', no '.join(name for name, _ in missing)}"
        return warning(seen, OwnCause.NOT_SUPPORTED, " ".join(effect for _, effect in missing))
    return passed("device sign-in, sign-out, renewal; grace for a lost renewal is not told")


def check_session(context: CheckContext) -> CheckResult:
    """Check whether there is a session, and how long it lasts."""
    if context.credential_source:
        _ = context.app_context.identity
        if context.credential_source == "key_file":
            return _check_machine_key(context)
        return passed(
            f"{context.credential_source} stands in for a sign-in; how long it lives is not known"
        )
    person = context.person
    stored = context.app_context.vault.load(person.account)
    if stored is None:
        raise NotSignedIn("The session is gone from the keyring.", hint=_SIGN_IN)
    context.app_context.client_source.rebuild_auth(
        stored
    )  # raises for a secret or key that is gone
    return _check_lifetime(stored, context.app_context.timestamp(), context.profile)


def _check_machine_key(context: CheckContext) -> CheckResult:
    from gpcli.auth.machine_key import read_machine_key  # noqa: PLC0415  (start-up: joserfc)

    key = read_machine_key(context.app_context.resolve_beside_config(str(context.profile.key_file)))
    return passed(f"a machine signs in by itself, with a key for {key.algorithm}")


def check_access(context: CheckContext) -> CheckResult:
    """Check whether the portal returns the patient's own record."""
    patient = context.app_context.identity.patient
    query = queries.patient_with_gps(patient)
    bundle = read_search_bundle(context.client.get(query.resource_type, query.params))
    mapper = build_mapper(context, patient)
    count = len(mapper.read_surgeries(bundle, mapper.require_patient(bundle)))
    if not count:
        return warning("the record names no GP", "not_offered", _NO_GP)
    return passed(f"the record can be read; it names {count} GP{'' if count == 1 else 's'}")


_NO_GP = "Nothing can be booked or asked without a GP: choose one at the portal's own page."


def read_search_bundle(answer: HttpResponse) -> Bundle:
    """Return the Bundle of a search response.

    Raises: BadResponse, or the error that the status means, without text of the portal.
    """
    if answer.status >= 400:
        raise error_from_response(drop_error_body(answer))
    hint = "Tell the people who run the portal."
    try:
        bundle = read_bundle(answer.body)
    except Malformed:
        message = "The portal's answer to a search is no FHIR Bundle."
        raise BadResponse(message, hint=hint) from None
    if bundle.failure is not None:
        raise BadResponse("The portal answered a search with an error.", hint=hint)
    return bundle


def build_mapper(context: CheckContext, patient: str) -> RecordMapper:
    """Return what maps the portal's resources to the model."""
    profile = context.profile
    return RecordMapper(
        patient,
        PortalProfile(profile.services, profile.status_sent, profile.zone),
        [],
        set(),
        now=context.app_context.clock,
    )


def _parse_sign_in_document(context: CheckContext) -> SmartConfiguration:
    return parse_smart_configuration(context.sign_in_document, context.profile.portal)


def _optional_features(configuration: SmartConfiguration) -> tuple[tuple[object, str, str], ...]:
    """Return, for each feature, whether it is there, its name, and the effect of its lack."""
    return (
        (
            configuration.device_authorization_endpoint,
            "device sign-in",
            "gpcli login --device can't be used.",
        ),
        (
            configuration.revocation_endpoint,
            "sign-out",
            "gpcli logout forgets the session here; at the portal it ends by itself.",
        ),
        (
            _OFFLINE in configuration.capabilities,
            "renewal of sessions",
            "Sign in anew when a session ends; unattended use may be short.",
        ),
    )


def _check_lifetime(stored: StoredSession, now: float, profile: Profile) -> CheckResult:
    """Check how long a session lasts; `now` is in Unix seconds. Raises: Expired."""
    if stored.refresh_token is None:
        if stored.expires_at <= now:
            raise Expired("The sign-in has expired.", hint=_SIGN_IN)
        seen = f"ends at {_format_time(stored.expires_at)} and can't be renewed"
        cure = _UNGRANTED if profile.has_consent_prompt else _ASK_FOR_CONSENT
        return warning(seen, OwnCause.NO_REFRESH, cure)
    end = stored.refresh_expires_at
    if end is None:
        return passed("renews itself, for as long as the portal does so")
    if end <= now:
        raise Expired("The sign-in has expired.", hint=_SIGN_IN)
    return passed(f"renews itself until {_format_time(end)}")


_UNGRANTED = "For unattended use the portal must grant offline_access: only it can change this."
_ASK_FOR_CONSENT = (
    "If you did not choose that at the portal's page, add prompt = 'consent' to the profile and "
    "gpcli login again."
)


def _format_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


SIGN_IN_CHECKS = (
    Check("smart-configuration", check_smart_configuration, ("portal",)),
    Check("sign-in-options", check_sign_in_options, ("smart-configuration",)),
    Check("session", check_session, ("variables", "production-guard", "keyring")),
    Check("access", check_access, ("portal", "session")),
    Check("scopes", check_scopes, ("session",)),
    Check("portal-support", check_portal_support, ("portal",)),
    Check("consent", check_consent, ("access",)),
)
"""The checks of the portal's sign-in and of the session, in order; the names are interface."""
