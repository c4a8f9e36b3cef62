"""What all ways to sign in share: how to ask the person, the request, the token response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gpcli.auth.discovery import SmartConfiguration
from gpcli.auth.token_response import (
    TokenResponse,
    check_available,
    parse_token_response,
    read_oauth_error,
)
from gpcli.errors import SignInRefused
from gpcli.http.client import HttpClient, HttpResponse


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
    whom the person acts for. `redirect_port` 0 is any free one.
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

    `fhir_user` is the reference of who signed in, the patient's where the portal doesn't say. Times
    are in Unix seconds; None = there is none, or the portal doesn't say.
    """

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: float | None
    scope: str
    patient: str
    fhir_user: str


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

    Raises: SignInRefused, BadResponse, and what HttpClient raises.
    """
    response = client.post_form(configuration.token_endpoint, form)
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
    Raises: SignInRefused, BadResponse, and what HttpClient raises.
    """
    check_available(response)
    if response.status >= 400:
        word = read_oauth_error(response) or response.status
        raise SignInRefused(
            f"The portal did not complete the sign-in ({word}).", hint="gpcli login tries again."
        )
    tokens = parse_token_response(response, now())
    scope = tokens.scope if tokens.scope is not None else auth_request.scopes
    claims = _read_claims(client, configuration, auth_request, tokens, scope, nonce, now())
    if tokens.patient is None:
        raise SignInRefused(
            "The portal did not say which patient the sign-in is for.",
            hint="Choose a patient at the portal's page.",
        )
    fhir_user = claims.get("fhirUser") or tokens.fhir_user
    return SignInResult(
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
        scope=scope,
        patient=tokens.patient,
        fhir_user=fhir_user if isinstance(fhir_user, str) else f"Patient/{tokens.patient}",
    )


def _read_claims(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    tokens: TokenResponse,
    scope: str,
    nonce: str | None,
    now: float,
) -> dict[str, Any]:
    """Return the claims of the ID token once checked; empty where it is neither there nor needed.

    One that can't be checked, because nobody asked for it or there are no keys, counts as absent.
    """
    is_required = "openid" in scope.split() or auth_request.acr is not None
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
    )
