"""Implement the grant types, token endpoints and ID tokens as Authlib expects them."""

import json
import time
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant
from authlib.oidc.core.grants.code import OpenIDToken
from joserfc.jwk import ECKey, KeySet, import_key

from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.grant_store import Approval, AuthorizationCode, IssuedToken

SIGNING_ALGORITHM = "ES256"
NO_CLIENT_AUTHENTICATION = ["none"]


def load_signing_keys(database: SmartDatabase) -> KeySet:
    """Return the portal's private keys, generated and stored on first use.

    One signs ID tokens. The other signs nothing: it makes clients choose by `kid` and `alg`.
    """
    with database.transaction() as connection:
        rows = connection.execute("SELECT jwk FROM smart_key ORDER BY rowid").fetchall()
        if rows:
            return KeySet([import_key(json.loads(row["jwk"])) for row in rows])
        keys = _generate_keys()
        for key in keys.keys:
            connection.execute(
                "INSERT INTO smart_key VALUES (?, ?)",
                (key.kid, json.dumps(key.as_dict(private=True))),
            )
    return keys


def _generate_keys() -> KeySet:
    signing = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    beside = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)
    return KeySet([signing, beside])


def signing_key(keys: KeySet) -> ECKey:
    """Return the key of a set that signs ID tokens."""
    return next(key for key in keys.keys if isinstance(key, ECKey) and key.alg == SIGNING_ALGORITHM)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc] # Authlib ships no types
    """Authorization code grant (RFC 6749 section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = NO_CLIENT_AUTHENTICATION

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Store the code and its PKCE challenge."""
        payload = request.payload
        self.server.grants.store_code(
            code, request.user, payload.redirect_uri, payload.data["code_challenge"]
        )

    def query_authorization_code(self, code: str, client: Any) -> AuthorizationCode | None:
        """Return the code if it was issued to this client."""
        found: AuthorizationCode | None = self.server.grants.find_code(code, client.client_id)
        return found

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Do nothing: storing the tokens spends the code, whose reuse must be detected."""

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Approval:
        """Return the approval behind the code."""
        return authorization_code.approval


class PkceS256(CodeChallenge):  # type: ignore[misc] # Authlib ships no types
    """Requires PKCE with S256 (RFC 7636; SMART App Launch 2.2 section 2.0.6)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Require a challenge and its method.

        Raises:
            InvalidRequestError: One of them is missing.
        """
        for parameter in ("code_challenge", "code_challenge_method"):
            if not grant.request.payload.data.get(parameter):
                raise InvalidRequestError(f"Missing '{parameter}': this portal requires PKCE S256.")
        super().validate_code_challenge(grant, redirect_uri)


class AudienceCheck:
    """Requires `aud` to name this FHIR base (SMART App Launch 2.2 section 2.0.7)."""

    def __init__(self, fhir_base: Any) -> None:
        self._fhir_base = fhir_base

    def __call__(self, grant: Any) -> None:
        """Register the check in Authlib's validation of the request."""
        grant.register_hook("after_validate_authorization_request_payload", self.check)

    def check(self, grant: Any, redirect_uri: str) -> None:
        """Check the audience.

        Raises:
            InvalidRequestError: It is missing or another one.
        """
        audience = grant.request.payload.data.get("aud", "")
        if audience.rstrip("/") != self._fhir_base():
            raise InvalidRequestError(f"'aud' must be the FHIR base {self._fhir_base()}.")


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc] # Authlib ships no types
    """Refresh token grant with rotation (RFC 6749 section 6)."""

    TOKEN_ENDPOINT_AUTH_METHODS = NO_CLIENT_AUTHENTICATION
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> IssuedToken | None:
        """Return the token, even if spent, so that its reuse is detected when it is stored."""
        token: IssuedToken | None = self.server.grants.find_token(refresh_token)
        return token

    def authenticate_user(self, refresh_token: IssuedToken) -> Approval:
        """Return the approval behind the token."""
        return refresh_token.approval

    def revoke_old_credential(self, refresh_token: IssuedToken) -> None:
        """Do nothing: storing the new tokens spends the old one."""


class DeviceGrant(DeviceCodeGrant):  # type: ignore[misc] # Authlib ships no types
    """Device code grant (RFC 8628)."""

    TOKEN_ENDPOINT_AUTH_METHODS = NO_CLIENT_AUTHENTICATION

    def query_device_credential(self, device_code: str) -> Any:
        """Return the credential.

        Raises:
            InvalidGrantError: The code is unknown.
        """
        credential = self.server.device_codes.find(device_code)
        if credential is None:
            raise InvalidGrantError("Unknown 'device_code'.")
        return credential

    def query_user_grant(self, user_code: str) -> tuple[Approval | None, bool] | None:
        """Return the person's decision; None before it is made."""
        credential = self.server.device_codes.find_by_user_code(user_code)
        if credential.answer is None:
            return None
        return credential.approval, credential.answer == "allowed"

    def should_slow_down(self, credential: Any) -> bool:
        """Return whether this poll came too early."""
        too_soon: bool = self.server.poll_limiter.record_poll(credential.get_user_code())
        return too_soon


class DeviceAuthorization(DeviceAuthorizationEndpoint):  # type: ignore[misc] # Authlib ships no types
    """Device authorization endpoint (RFC 8628 section 3.1)."""

    CLIENT_AUTH_METHODS = NO_CLIENT_AUTHENTICATION

    def create_endpoint_response(self, request: Any) -> Any:
        """Return the codes, with the portal's `expires_in` and `interval`."""
        self.EXPIRES_IN = int(self.server.grants.lifetimes.device.total_seconds())
        self.INTERVAL = self.server.poll_interval
        return super().create_endpoint_response(request)

    def get_verification_uri(self) -> str:
        """Return the page where the person types the user code."""
        return f"{self.server.issuer()}/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        """Store the codes with the supported part of the scope.

        Raises:
            InvalidScopeError: Nothing of it is supported.
        """
        allowed = self.server.grantable_scope(client_id, scope)
        self.server.device_codes.store(data["device_code"], data["user_code"], client_id, allowed)


class Revocation(RevocationEndpoint):  # type: ignore[misc] # Authlib ships no types
    """Token revocation endpoint (RFC 7009)."""

    CLIENT_AUTH_METHODS = NO_CLIENT_AUTHENTICATION

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:
        """Return the token, whatever the hint says."""
        token: IssuedToken | None = self.server.grants.find_token(token_string)
        return token

    def revoke_token(self, token: IssuedToken, request: Any) -> None:
        """Revoke an access token, or with a refresh token the session."""
        self.server.grants.revoke_token(request.form["token"])


class IdToken(OpenIDToken):  # type: ignore[misc] # Authlib ships no types
    """ID tokens with SMART's `fhirUser` (OpenID Connect Core section 2).

    `iat` and `exp` are in real time, since clients check them by their own clocks.
    """

    def __init__(self, server: Any) -> None:
        self._server = server

    def resolve_client_private_key(self, client: Any) -> ECKey:
        """Return the signing key."""
        return signing_key(self._server.keys)

    def get_client_algorithm(self, client: Any) -> str:
        """Return `ES256`."""
        return SIGNING_ALGORITHM

    def get_encode_header(self, client: Any) -> dict[str, str]:
        """Return the header with the key's id."""
        return {"alg": SIGNING_ALGORITHM, "kid": str(signing_key(self._server.keys).kid)}

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        """Return issuer, audience and lifetime."""
        issued = int(time.time())
        return {
            "iss": self._server.issuer(),
            "aud": client.client_id,
            "iat": issued,
            "exp": issued + int(self._server.grants.lifetimes.id_token.total_seconds()),
        }

    def get_authorization_code_claims(
        self, authorization_code: AuthorizationCode
    ) -> dict[str, Any]:
        """Return nothing more than `generate_user_info` gives for every grant."""
        return {}

    def generate_user_info(self, user: Approval, scope: str) -> dict[str, Any]:
        """Return the claims about the person and the sign-in."""
        claims = {
            "sub": self._server.subject(user.person),
            "auth_time": int(user.auth_time),
            "acr": "idporten-loa-high",
        }
        if user.nonce:
            claims["nonce"] = user.nonce
        if "fhirUser" in scope.split():
            claims["fhirUser"] = f"{self._server.fhir_base()}/{user.fhir_user}"
        return claims
