"""Configure Authlib's authorization server with the portal's grant types, tokens and clock."""

import time
import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Request
from joserfc.jwk import KeySet

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.smart.clients import (
    CLIENTS,
    DEVICE_CODE_GRANT,
    PRIVATE_KEY_JWT,
    BackendClient,
    BackendServicesGrant,
    ClientAssertion,
    PublicClient,
)
from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.device_codes import DeviceCodeStore, PollRateLimiter, UserCodeTries
from gpcli.sandbox.smart.grant_store import Approval, GrantStore, InvalidGrant, Lifetimes, TokenPair
from gpcli.sandbox.smart.grant_types import (
    AudienceCheck,
    CodeGrant,
    DeviceAuthorization,
    DeviceGrant,
    IdToken,
    PkceS256,
    RefreshGrant,
    Revocation,
    load_signing_keys,
)
from gpcli.sandbox.smart.scopes import OFFLINE_ACCESS

_SUBJECT_NAMESPACE = uuid.UUID("6d0e2c6e-6f0b-4b58-9d5b-0a4d2b8f7c11")
"""The UUID namespace of the opaque `sub` claims."""
DEFAULT_LIFETIMES = Lifetimes()


class IssuerExtension(IssuerParameter):  # type: ignore[misc] # Authlib ships no types
    """Adds `iss` to every authorization response (RFC 9207)."""

    def __init__(self, issuer: Callable[[], str]) -> None:
        self.get_issuer = issuer

    def __call__(self, server: Any) -> None:
        """Register the hook that adds the parameter."""
        server.register_hook("after_create_authorization_response", self.add_issuer_parameter)


class SmartServer(AuthorizationServer):  # type: ignore[misc] # Authlib ships no types
    """The authorization server: answers token, revocation and device requests."""

    def __init__(
        self,
        database: SmartDatabase,
        clock: Clock,
        issuer: Callable[[], str],
        *,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        poll_interval: int = 5,
        monotonic: Callable[[], float] = time.monotonic,
        backend_client: BackendClient | None = None,
    ) -> None:
        backend_clients = {backend_client.client_id: backend_client} if backend_client else {}
        super().__init__(query_client=(CLIENTS | backend_clients).get)
        self.issuer = issuer
        self.poll_interval = poll_interval
        self._database = database
        self.grants = GrantStore(database, clock, lifetimes)
        self.device_codes = DeviceCodeStore(database, self.grants)
        self.poll_limiter = PollRateLimiter(poll_interval, monotonic)
        self.user_code_tries = UserCodeTries(lifetimes.device.total_seconds(), self.grants.now)
        self._register_extensions()

    def _register_extensions(self) -> None:
        id_token = IdToken(self)
        code_checks = [PkceS256(required=True), AudienceCheck(self.fhir_base), id_token]
        self.register_grant(CodeGrant, code_checks)
        self.register_grant(RefreshGrant, [id_token])
        self.register_grant(DeviceGrant, [id_token])
        self.register_grant(BackendServicesGrant)
        self.register_client_auth_method(PRIVATE_KEY_JWT, ClientAssertion(self, self._database))
        self.register_endpoint(Revocation)
        self.register_endpoint(DeviceAuthorization)
        self.register_extension(IssuerExtension(self.issuer))
        self.register_token_generator("default", self.generate_token_response)

    @cached_property
    def keys(self) -> KeySet:
        """The signing keys, generated on first use, since an RSA key takes time."""
        return load_signing_keys(self._database)

    def fhir_base(self) -> str:
        """Return the FHIR base address of this issuer."""
        return f"{self.issuer()}/fhir/R4"

    def subject(self, person: str) -> str:
        """Return the `sub` of a person: opaque, and always the same."""
        return str(uuid.uuid5(_SUBJECT_NAMESPACE, person))

    def grantable_scope(self, client_id: str, scope: str | None) -> str:
        """Return the part of `scope` that can be granted to a client.

        Raises:
            InvalidScopeError: Nothing of it can be granted.
        """
        client: PublicClient = self.query_client(client_id)
        allowed = client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError
        return allowed

    def create_oauth2_request(self, request: Request | dict[str, str] | None) -> OAuth2Request:
        """Convert Flask's request, or a stored authorization request, to Authlib's type."""
        if isinstance(request, dict):
            stored = OAuth2Request("GET", f"{self.issuer()}/authorize")
            stored.payload = BasicOAuth2Payload(request)
            return stored
        current: FlaskOAuth2Request = super().create_oauth2_request(request)
        return current

    def generate_token_response(
        self, *, user: Approval, scope: str, include_refresh_token: bool, **_: object
    ) -> dict[str, Any]:
        """Generate a token response, with a refresh token if the scope allows it.

        `refresh_expires_in` is in no standard; several portals use it for the lifetime of the
        refresh token in seconds.

        Source: SMART App Launch 2.2 section 2.0.10.
        """
        token = {
            "access_token": generate_token(48),
            "token_type": "Bearer",
            "expires_in": int(self.grants.lifetimes.access.total_seconds()),
            "scope": scope,
            "patient": user.patient,
            "need_patient_banner": False,
        }
        if include_refresh_token and OFFLINE_ACCESS in user.scope.split():
            token["refresh_token"] = generate_token(48)
            token["refresh_expires_in"] = self.grants.refresh_lifetime_seconds(user)
        return token

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Spend the presented credential and store the tokens, in one transaction.

        Raises:
            InvalidGrantError: The credential has been spent meanwhile, or is expired or revoked.
        """
        spend, parameter = {
            "authorization_code": (self.grants.redeem_code, "code"),
            "refresh_token": (self.grants.rotate_refresh_token, "refresh_token"),
            DEVICE_CODE_GRANT: (self.device_codes.redeem, "device_code"),
        }[request.payload.grant_type]
        tokens = TokenPair(token["access_token"], token.get("refresh_token"), token["scope"])
        try:
            spend(request.form[parameter], tokens)
        except InvalidGrant:
            raise InvalidGrantError(f"The '{parameter}' is spent, expired or revoked.") from None
