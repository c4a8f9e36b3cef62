"""From a grant to who is signed in: the token request and what its answer must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpcli import errors
from gpcli.auth.discovery import SmartConfiguration
from gpcli.auth.token_response import (
    TokenResponse,
    check_available,
    parse_token_response,
    read_oauth_error,
)
from gpcli.http.client import HttpClient, HttpResponse


@dataclass(frozen=True)
class AuthRequest:
    """What to sign in for. `portal` is the FHIR base; `limit` the seconds a person may take.

    `prompt`, `acr` and `hint` go to the portal as OpenID Connect's `prompt`, `acr_values` and
    `login_hint`; `patient_hint` says whom the person acts for. `redirect_port` 0 = any.
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

    def extras(self) -> dict[str, str]:
        """The request's optional parameters."""
        named = {
            "prompt": self.prompt,
            "acr_values": self.acr,
            "login_hint": self.hint,
            "patient_hint": self.patient_hint,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class SignInResult:
    """A good sign-in. Times are Unix seconds; None = none, or not said. No token in its repr."""

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
    """Trade the grant in `form` for tokens; raises errors.SignInRefused."""
    answer = client.post_form(configuration.token_endpoint, form)
    return read_sign_in_result(client, configuration, auth_request, answer, nonce=nonce, now=now)


def read_sign_in_result(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    answer: HttpResponse,
    *,
    nonce: str | None,
    now: Callable[[], float],
) -> SignInResult:
    """Who is signed in by a token answer; raises errors.SignInRefused or errors.BadResponse."""
    check_available(answer)
    if answer.status >= 400:
        word = read_oauth_error(answer) or answer.status
        raise errors.SignInRefused(
            f"The portal did not complete the sign-in ({word}).", hint="gpcli login tries again."
        )
    tokens = parse_token_response(answer, now())
    scope = tokens.scope if tokens.scope is not None else auth_request.scopes
    claims = _claims(client, configuration, auth_request, tokens, scope, nonce, now())
    if tokens.patient is None:
        raise errors.SignInRefused(
            "The portal did not say which patient the sign-in is for.",
            hint="Choose a patient at the portal's page.",
        )
    said = claims.get("fhirUser") or tokens.fhir_user
    return SignInResult(
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
        scope=scope,
        patient=tokens.patient,
        fhir_user=said if isinstance(said, str) else f"Patient/{tokens.patient}",
    )


def _claims(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    tokens: TokenResponse,
    scope: str,
    nonce: str | None,
    now: float,
) -> dict[str, Any]:
    expected = "openid" in scope.split() or auth_request.acr is not None
    if tokens.id_token is None:
        if expected:
            raise errors.SignInRefused("The portal did not prove who signed in.")
        return {}
    checkable = "openid" in auth_request.scopes.split() and configuration.jwks_uri is not None
    if not (expected or checkable):
        return {}
    from gpcli.auth.id_token import check_id_token  # noqa: PLC0415  (joserfc is slow to import)

    return check_id_token(
        tokens.id_token,
        client=client,
        configuration=configuration,
        client_id=auth_request.client_id,
        nonce=nonce,
        acr=auth_request.acr,
        now=now,
    )
