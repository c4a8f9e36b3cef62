"""What all ways to sign in share: how to ask the person, the request, the token response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gpcli.auth.client_auth import ClientAuth
from gpcli.auth.discovery import OPENID_CAPABILITY, SmartConfiguration
from gpcli.auth.oauth_errors import AuthAttempt, check_no_error
from gpcli.auth.token_response import TokenResponse, parse_token_response
from gpcli.errors import SignInRefused
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.http.portal_clock import read_portal_time
from gpcli.http.url_policy import read_local_reference


class Prompter(Protocol):
    """Shows a sign-in to the person, and reads what they paste."""

    def open_browser(self, url: str) -> bool:
        """Open `url` in the browser; return False if that can't be done."""
        ...

    def show_url(self, url: str, port: int, host: str) -> None:
        """Show `url`, and how to reach `port` of `host` on this machine from another one."""
        ...

    def read_pasted(self) -> Callable[[], str | None] | None:
        """Return a function that polls for a pasted URL, or None if nobody can paste.

        The function never blocks, and returns None as long as there is nothing.
        """
        ...

    def show_device(self, verification_uri: str, user_code: str, complete: str | None) -> None:
        """Show the page and the code to type there; `complete` is a URL that includes the code."""
        ...

    def say(self, text: str) -> None:
        """Show one sentence while the sign-in goes on."""
        ...


@dataclass(frozen=True)
class AuthRequest:
    """The authorization request of a sign-in.

    `portal` is the FHIR base; `limit` is the time that the person has, in seconds. `prompt`, `acr`
    and `hint` are OpenID Connect's `prompt`, `acr_values` and `login_hint`; `patient_hint` says
    whom the person acts for. `redirect_port` 0 is any free one. `client_auth` proves the client,
    None = by nothing.
    """

    client_id: str
    scopes: str
    portal: str
    prompt: str | None = None
    acr: str | None = None
    redirect_port: int = 0
    hint: str | None = None
    patient_hint: str | None = None
    limit: float = 600.0
    client_auth: ClientAuth | None = None

    @property
    def auth(self) -> ClientAuth:
        """How the client is proved."""
        return self.client_auth or ClientAuth(self.client_id)

    def build_attempt(self, failure: str, redirect_uri: str | None = None) -> AuthAttempt:
        """Return what was asked, for an error of the portal; `failure` says what failed."""
        auth = self.auth
        return AuthAttempt(
            failure,
            self.client_id,
            auth.method,
            self.scopes,
            self.portal,
            redirect_uri,
            secrets=auth.secrets,
            assertion_time=auth.assertion_time,
        )

    def optional_parameters(self) -> dict[str, str]:
        """Return the request's optional parameters, those that are set."""
        parameters = {
            "prompt": self.prompt,
            "acr_values": self.acr,
            "login_hint": self.hint,
            "patient_hint": self.patient_hint,
        }
        return {name: value for name, value in parameters.items() if value}


@dataclass(frozen=True)
class SignInResult:
    """A successful sign-in; its repr shows no token.

    `fhir_user` is the reference of who signed in, to a record of this portal. Times are in Unix
    seconds. None = there is none, or the portal doesn't say.
    """

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: float | None
    scope: str
    patient: str | None
    fhir_user: str | None


def exchange_grant(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    form: Mapping[str, str],
    *,
    nonce: str | None,
    now: Callable[[], float],
) -> SignInResult:
    """Send the grant in `form` to the token endpoint, and return who is signed in.

    Raises: as `read_sign_in_result`.
    """
    endpoint = configuration.token_endpoint
    response = auth_request.auth.post(client, endpoint, form, endpoint)
    redirect_uri = form.get("redirect_uri")
    check_no_error(response, auth_request.build_attempt(_INCOMPLETE, redirect_uri))
    return read_sign_in_result(client, configuration, auth_request, response, nonce=nonce, now=now)


def read_sign_in_result(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    response: HttpResponse,
    *,
    nonce: str | None,
    now: Callable[[], float],
) -> SignInResult:
    """Return who is signed in by a token response; the portal's keys may be fetched to check it.

    `nonce` is None where the flow has none; `now` gives Unix seconds.
    Raises: SignInRefused; PortalError or RateLimited where later may work; BadResponse, and what
    HttpClient raises.
    """
    check_no_error(response, auth_request.build_attempt(_INCOMPLETE))
    tokens = parse_token_response(response, now(), auth_request.portal)
    scope = tokens.scope if tokens.scope is not None else auth_request.scopes
    portal_time = read_portal_time(response.headers)
    claims = _read_claims(
        client, configuration, auth_request, tokens, nonce=nonce, now=now(), portal_time=portal_time
    )
    return SignInResult(
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
        scope=scope,
        patient=tokens.patient,
        fhir_user=_find_local_user(claims.get("fhirUser") or tokens.fhir_user, auth_request.portal),
    )


_INCOMPLETE = "The portal did not complete the sign-in"


def _find_local_user(fhir_user: object, portal: str) -> str | None:
    """Return `fhir_user` if it is a record of this portal: elsewhere the same id is another's."""
    if isinstance(fhir_user, str) and read_local_reference(fhir_user, portal) is not None:
        return fhir_user
    return None


def _read_claims(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    tokens: TokenResponse,
    *,
    nonce: str | None,
    now: float,
    portal_time: float | None,
) -> dict[str, Any]:
    """Return the claims of the ID token once checked; empty where it is neither there nor needed.

    One that can't be checked, because nobody asked for it or there are no keys, counts as absent.
    """
    is_required = _is_proof_required(configuration, auth_request, tokens.scope)
    if tokens.id_token is None:
        if is_required:
            raise SignInRefused("The portal did not prove who signed in.")
        return {}
    is_checkable = "openid" in auth_request.scopes.split() and configuration.jwks_uri is not None
    if not (is_required or is_checkable):
        return {}
    from gpcli.auth.id_token import check_id_token  # noqa: PLC0415  (start-up: joserfc)

    return check_id_token(
        tokens.id_token,
        client=client,
        configuration=configuration,
        client_id=auth_request.client_id,
        nonce=nonce,
        acr=auth_request.acr,
        now=now,
        portal_time=portal_time,
    )


def _is_proof_required(
    configuration: SmartConfiguration, auth_request: AuthRequest, granted: str | None
) -> bool:
    """Return whether the portal has to prove who signed in, with an ID token.

    It has to where a level is insisted on, where it granted `openid`, or, if it does not say what
    it granted, where it was asked for that and has it.
    """
    if auth_request.acr is not None:
        return True
    if granted is not None:
        return "openid" in granted.split()
    is_asked = "openid" in auth_request.scopes.split()
    return is_asked and OPENID_CAPABILITY in configuration.capabilities
