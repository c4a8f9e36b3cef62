"""The authorization server: Authlib's, with the portal's grants, tokens and clock."""

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
from gpcli.sandbox.smart.clients import CLIENTS, DEVICE_CODE, Client
from gpcli.sandbox.smart.database import Database
from gpcli.sandbox.smart.devices import DeviceDesk, PollWatch
from gpcli.sandbox.smart.grants import (
    Audience,
    CodeGrant,
    DeviceAuthorization,
    DeviceGrant,
    IdToken,
    Pkce,
    RefreshGrant,
    Revocation,
)
from gpcli.sandbox.smart.keys import signing_keys
from gpcli.sandbox.smart.ledger import Ledger
from gpcli.sandbox.smart.machines import METHOD, Assertion, Machine, MachineGrant
from gpcli.sandbox.smart.records import Approval, Lifetimes, NewTokens, TokenRefused
from gpcli.sandbox.smart.scopes import OFFLINE

_SUBJECTS = uuid.UUID("6d0e2c6e-6f0b-4b58-9d5b-0a4d2b8f7c11")
"""Namespace of the opaque `sub` of each person."""


USUAL = Lifetimes()


class Issuer(IssuerParameter):  # type: ignore[misc] # Authlib ships no types
    """`iss` in every answer to an authorization request (RFC 9207)."""

    def __init__(self, issuer: Callable[[], str]) -> None:
        self.get_issuer = issuer

    def __call__(self, server: Any) -> None:
        """Hang the parameter into Authlib's answers."""
        server.register_hook("after_create_authorization_response", self.add_issuer_parameter)


class SmartServer(AuthorizationServer):  # type: ignore[misc] # Authlib ships no types
    """Answers token, revocation and device requests; the sign-in page uses it for codes."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        issuer: Callable[[], str],
        *,
        lifetimes: Lifetimes = USUAL,
        poll_interval: int = 5,
        monotonic: Callable[[], float] = time.monotonic,
        machine: Machine | None = None,
    ) -> None:
        machines = {machine.client_id: machine} if machine else {}
        super().__init__(query_client=(CLIENTS | machines).get)
        self.issuer = issuer
        self.poll_interval = poll_interval
        self._database = database
        self.ledger = Ledger(database, clock, lifetimes)
        self.devices = DeviceDesk(database, self.ledger)
        self.polls = PollWatch(poll_interval, monotonic)
        self._register()

    def _register(self) -> None:
        id_token = IdToken(self)
        code_checks = [Pkce(required=True), Audience(self.fhir_base), id_token]
        self.register_grant(CodeGrant, code_checks)
        self.register_grant(RefreshGrant, [id_token])
        self.register_grant(DeviceGrant, [id_token])
        self.register_grant(MachineGrant)
        self.register_client_auth_method(METHOD, Assertion(self, self._database))
        self.register_endpoint(Revocation)
        self.register_endpoint(DeviceAuthorization)
        self.register_extension(Issuer(self.issuer))
        self.register_token_generator("default", self.new_token)

    @cached_property
    def keys(self) -> KeySet:
        """The keys that sign, made when first needed: an RSA key takes its time."""
        return signing_keys(self._database)

    def fhir_base(self) -> str:
        """The FHIR base that belongs to this issuer."""
        return f"{self.issuer()}/fhir/R4"

    def subject(self, person: str) -> str:
        """The `sub` of a person: opaque, and always the same."""
        return str(uuid.uuid5(_SUBJECTS, person))

    def known_scope(self, client_id: str, scope: str | None) -> str:
        """What of `scope` may be granted to a client. Raises InvalidScopeError if nothing."""
        client: Client = self.query_client(client_id)
        allowed = client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError
        return allowed

    def create_oauth2_request(self, request: Request | dict[str, str] | None) -> OAuth2Request:
        """Flask's request in Authlib's words, or a stored authorization request."""
        if isinstance(request, dict):
            stored = OAuth2Request("GET", f"{self.issuer()}/authorize")
            stored.payload = BasicOAuth2Payload(request)
            return stored
        current: FlaskOAuth2Request = super().create_oauth2_request(request)
        return current

    def new_token(
        self, *, user: Approval, scope: str, include_refresh_token: bool, **_: object
    ) -> dict[str, Any]:
        """The token response (SMART App Launch 2.2 section 2.0.10); a refresh token if allowed.

        `refresh_expires_in`, which no standard names, is what several portals call the seconds
        for which the refresh token is good.
        """
        token = {
            "access_token": generate_token(48),
            "token_type": "Bearer",
            "expires_in": int(self.ledger.lifetimes.access.total_seconds()),
            "scope": scope,
            "patient": user.patient,
            "need_patient_banner": False,
        }
        if include_refresh_token and OFFLINE in user.scope.split():
            token["refresh_token"] = generate_token(48)
            token["refresh_expires_in"] = self.ledger.refresh_seconds(user)
        return token

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Spend what the client presented and keep the tokens, in one transaction.

        Raises InvalidGrantError if it was spent in between, too old, or revoked.
        """
        spend, parameter = {
            "authorization_code": (self.ledger.redeem, "code"),
            "refresh_token": (self.ledger.rotate, "refresh_token"),
            DEVICE_CODE: (self.devices.redeem, "device_code"),
        }[request.payload.grant_type]
        tokens = NewTokens(token["access_token"], token.get("refresh_token"), token["scope"])
        try:
            spend(request.form[parameter], tokens)
        except TokenRefused:
            raise InvalidGrantError(f"The '{parameter}' is spent, expired or revoked.") from None
