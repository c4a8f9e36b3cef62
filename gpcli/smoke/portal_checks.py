"""Checks of the way to the portal, its description, its sign-in, and the tokens that it takes."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from gpcli.auth.discovery import (
    WELL_KNOWN,
    parse_machine_configuration,
    parse_smart_configuration,
)
from gpcli.errors import NotSignedIn, SignInError
from gpcli.http.client import HttpResponse
from gpcli.http.portal_clock import TOLERANCE, read_portal_time
from gpcli.http.tls import fetch_certificate_end
from gpcli.http.transport import find_proxy
from gpcli.http.url_policy import parse_safe_url
from gpcli.portal.capabilities import delete_cached_capabilities, parse_metadata_response
from gpcli.portal.error_mapping import error_from_response
from gpcli.smoke import contract
from gpcli.smoke.check import (
    CheckFailed,
    Doubtful,
    NotTried,
    Probe,
    SmokeCheck,
    tell_number,
)
from gpcli.smoke.excerpt import word_error

_SERVER_ERROR = 500
_MIN_CERTIFICATE_DAYS = 14
_PROTECTED = ("Patient", "Appointment", "Communication", "MedicationRequest")
"""What is asked for with tokens that must be refused, as far as the portal lists it."""

_TOKEN_ERRORS = frozenset(
    {"invalid_grant", "invalid_client", "invalid_request", "unauthorized_client"}
    | {"unsupported_grant_type", "invalid_scope"}
)
"""`error` of a token response (RFC 6749, 5.2)."""


def check_capability_statement(probe: Probe) -> str:
    """Fetch what the portal says that it can do, anew; the other checks go by it."""
    run = probe.run
    response = probe.get("metadata", token="")
    if response.status in (401, 403):
        response = probe.get("metadata")
    capabilities = parse_metadata_response(response, probe.public_client)
    delete_cached_capabilities(run.context.cache_dir, probe.public_client.base)
    probe.facts.capabilities = capabilities
    if not capabilities.lists_types:
        raise Doubtful("it lists no resource types, so everything has to be tried")
    return f"FHIR R4 with {len(capabilities.types)} resource types"


def check_tls(probe: Probe) -> str:
    """Check that the connection is encrypted, and for how long the certificate holds."""
    portal = probe.run.context.profile.portal
    url = urlsplit(portal)
    if url.scheme != "https":
        raise NotTried("the portal is on this machine and not encrypted")
    if find_proxy(parse_safe_url(portal), probe.run.context.env):
        raise NotTried("the way to the portal is through a proxy")
    context, ca_file = probe.run.context, probe.run.context.profile.ca_file
    if context.transport is not None:
        raise NotTried("the portal is not on the network")
    end = fetch_certificate_end(
        url.hostname or "",
        url.port or 443,
        env=context.env,
        ca_file=str(context.resolve_beside_config(ca_file)) if ca_file else None,
        timeout=context.settings.timeout,
    )
    days = (end - datetime.now(UTC)).days
    seen = f"the certificate is valid for {days} more days"
    if days < _MIN_CERTIFICATE_DAYS:
        raise Doubtful(seen, "certificate")
    return seen


def check_clock(probe: Probe) -> str:
    """Compare the portal's clock with this computer's."""
    response = probe.get("metadata", token="")
    portal_time = read_portal_time(response.headers)
    if portal_time is None:
        raise NotTried("the portal's answers have no Date")
    seconds = round(portal_time - probe.run.context.timestamp())
    if abs(seconds) > TOLERANCE:
        side = "ahead of" if seconds > 0 else "behind"
        raise CheckFailed(f"the portal's clock is {abs(seconds)} s {side} this computer's", "clock")
    return f"the clocks are {abs(seconds)} s apart"


def check_smart_configuration(probe: Probe) -> str:
    """Read the SMART configuration as a sign-in does."""
    portal = probe.run.context.profile.portal
    response = probe.get_public(f"{portal}/{WELL_KNOWN}")
    if response.status != 200 or not isinstance(response.body, dict):
        raise CheckFailed(f"there is no SMART configuration: status {response.status}")
    document = dict(response.body)
    if probe.run.context.settings.machine == "key_file":
        parse_machine_configuration(document, portal)
        probe.facts.sign_in = document
        return "SMART Backend Services"
    parsed = parse_smart_configuration(document, portal)
    probe.facts.sign_in = document
    return f"SMART sign-in with S256{' and OpenID Connect' if parsed.issuer else ''}"


def check_token_endpoint(probe: Probe) -> str:
    """Send a made-up refresh token: it must be refused, in the words of OAuth."""
    url = str(probe.facts.sign_in.get("token_endpoint"))
    client_id = probe.run.context.profile.client_id
    form = {
        "grant_type": "refresh_token",
        "refresh_token": secrets.token_urlsafe(24),
        "client_id": client_id,
    }
    probe.answer = response = probe.public_client.post_form(url, form)
    answered = response.body if isinstance(response.body, dict) else {}
    if response.is_success and "access_token" in answered:
        raise CheckFailed("a refresh token that was made up was taken", "security")
    word = answered.get("error")
    if response.status not in (400, 401) or word not in _TOKEN_ERRORS:
        raise CheckFailed(
            f"a made-up refresh token was answered with {response.status} and no error of OAuth"
        )
    return f"a made-up refresh token is refused: {word}"


def check_keys(probe: Probe) -> str:
    """Fetch the keys by which ID tokens are signed."""
    url = probe.facts.sign_in.get("jwks_uri")
    if not isinstance(url, str):
        raise NotTried("the portal signs no ID tokens")
    response = probe.get_public(url)
    keys = response.body.get("keys") if isinstance(response.body, dict) else None
    if response.status != 200 or not isinstance(keys, list):
        raise CheckFailed(f"no keys can be fetched: status {response.status}")
    signing = [each for each in keys if isinstance(each, dict) and each.get("use") in ("sig", None)]
    asymmetric = [each for each in signing if each.get("kty") in ("RSA", "EC", "OKP")]
    if any("d" in each or "k" in each for each in keys if isinstance(each, dict)):
        raise CheckFailed("a key that is to be secret is published", "security")
    if not asymmetric:
        raise CheckFailed("there is no key that signs ID tokens")
    return f"{tell_number(len(asymmetric), 'key')} for signatures"


def check_session(probe: Probe) -> str:
    """Use the token once: everything else depends on it."""
    if probe.run.context.settings.machine is None:
        probe.run.context.person  # noqa: B018  (raises where nobody is signed in)
    response = probe.get("Patient", (("_id", probe.patient),))
    if response.status in (401, 403):
        raise NotSignedIn(f"The portal does not take the token: status {response.status}.")
    if response.status >= _SERVER_ERROR:
        raise error_from_response(response)
    scope = probe.run.bearer.scope
    scopes = (
        "what it permits is not told" if scope is None else tell_number(len(scope.split()), "scope")
    )
    return f"the portal takes the token; {scopes}"


def check_renewal(probe: Probe) -> str:
    """Renew the token, and use the new one; the refresh token should be another one then."""
    context, client, bearer = probe.run.context, probe.client, probe.run.bearer
    if context.settings.machine is not None:
        raise NotTried("a machine has no refresh token")
    spent = context.stored_session.refresh_token
    if spent is None:
        raise NotTried("the sign-in has no refresh token")
    former = bearer.get_token(client)
    try:
        renewed = bearer.renew_token(client, former)
    except SignInError as error:
        raise CheckFailed(f"the token can't be renewed: {word_error(error)}") from None
    if renewed == former:
        raise CheckFailed("the portal gave the same access token again")
    response = probe.get("Patient", (("_id", probe.patient),), token=renewed)
    if not response.is_success:
        raise CheckFailed(f"the portal does not take the renewed token: status {response.status}")
    session = context.vault.load(context.person.account)
    if session and session.refresh_token == spent:
        raise Doubtful("a refresh token that was used is not replaced")
    return "the token was renewed, and the portal takes the new one"


def check_no_token(probe: Probe) -> str:
    """Ask for the patient's records without a token."""
    _require_refused(probe, "", "a request without a token")
    return "a request without a token is refused"


def check_wrong_token(probe: Probe) -> str:
    """Ask for the patient's records with a token that was made up."""
    _require_refused(probe, secrets.token_urlsafe(32), "a made-up token")
    return "a made-up token is refused"


def check_altered_token(probe: Probe) -> str:
    """Ask for the patient's records with the real token, altered: its signature must not fit."""
    token = probe.run.bearer.get_token(probe.client)
    for altered in _alter(token):
        _require_refused(probe, altered, "a token that was altered")
    return "a token that was altered is refused"


def check_foreign_token(probe: Probe) -> str:
    """Ask for the patient's records with a token that is for another portal."""
    token = probe.run.foreign_token()
    if token is None:
        raise NotTried("the profile's smoke.foreign_token_command names no such token")
    _require_refused(probe, token, "a token for another portal")
    return "a token for another portal is refused"


def _require_refused(probe: Probe, token: str, what: str) -> None:
    """Ask with `token` for the patient and what belongs to them: all of it must be refused.

    The status counts for the patient alone: a portal may find fault with another search first.
    """
    for resource_type in _PROTECTED:
        if resource_type != "Patient" and not probe.capabilities.can_search(resource_type):
            continue
        name = "_id" if resource_type == "Patient" else "patient"
        response = probe.get(resource_type, ((name, probe.patient),), token=token)
        if response.is_success and not _is_outcome(response):
            raise CheckFailed(f"{what} opens the patient's {resource_type}", "security")
        if response.status != 401 and resource_type == "Patient":
            raise CheckFailed(f"{what} is answered with {response.status} instead of 401")


def _is_outcome(response: HttpResponse) -> bool:
    """Return whether a response holds nothing but why something is refused."""
    body = response.body if isinstance(response.body, dict) else {}
    return body.get("resourceType") == "OperationOutcome"


def _alter(token: str) -> Sequence[str]:
    """Return altered forms of a token: a changed claim, no signature; else another last letter."""
    parts = token.split(".")
    claims = _read_claims(parts[1]) if len(parts) == 3 else None
    if claims is None:
        return [token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")]
    changed = _encode({**claims, "exp": 4_102_444_800})
    unsigned = _encode({"alg": "none", "typ": "JWT"})
    return [".".join((parts[0], changed, parts[2])), f"{unsigned}.{parts[1]}."]


def _read_claims(part: str) -> dict[str, Any] | None:
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def _encode(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


SESSION = SmokeCheck(
    "session", check_session, (contract.PATIENT,), ("sign-in",), ("capability-statement",)
)
"""The check of the token, without which nothing of the patient can be read."""

PORTAL_CHECKS = (
    SmokeCheck(
        "capability-statement",
        check_capability_statement,
        (contract.CAPABILITIES,),
        ("network",),
    ),
    SmokeCheck("tls", check_tls, (), ("network",)),
    SmokeCheck(
        "clock", check_clock, (contract.CLOCK_AND_KEYS,), ("network",), ("capability-statement",)
    ),
    SmokeCheck(
        "smart-configuration",
        check_smart_configuration,
        (contract.CONFIGURATION,),
        ("sign-in",),
        ("capability-statement",),
    ),
    SmokeCheck(
        "token-endpoint",
        check_token_endpoint,
        (contract.CONFIGURATION,),
        ("sign-in",),
        ("smart-configuration",),
    ),
    SmokeCheck(
        "keys", check_keys, (contract.CLOCK_AND_KEYS,), ("sign-in",), ("smart-configuration",)
    ),
    SESSION,
    SmokeCheck("renewal", check_renewal, (contract.REFRESH,), ("sign-in",), ("session",)),
    SmokeCheck(
        "no-token",
        check_no_token,
        (contract.THIS_PORTAL_ALONE,),
        ("access",),
        ("session",),
    ),
    SmokeCheck(
        "wrong-token",
        check_wrong_token,
        (contract.THIS_PORTAL_ALONE, contract.TOKENS_END),
        ("access",),
        ("session",),
    ),
    SmokeCheck(
        "altered-token",
        check_altered_token,
        (contract.THIS_PORTAL_ALONE,),
        ("access",),
        ("session",),
    ),
    SmokeCheck(
        "foreign-token",
        check_foreign_token,
        (contract.THIS_PORTAL_ALONE,),
        ("access",),
        ("session",),
    ),
)
"""The checks of the portal's front, in order; the names are interface."""
