"""The portal's grants and endpoints, as Authlib wants them written."""

import time
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant
from authlib.oidc.core.grants.code import OpenIDToken
from joserfc.jwk import ECKey

from gpcli.sandbox.smart.keys import SIGNING_ALGORITHM, signing_key
from gpcli.sandbox.smart.records import Approval, Code, IssuedToken

PUBLIC = ["none"]


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc] # Authlib ships no types
    """Authorization code (RFC 6749 section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = PUBLIC

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keep the code and its PKCE challenge."""
        payload = request.payload
        self.server.ledger.save_code(
            code, request.user, payload.redirect_uri, payload.data["code_challenge"]
        )

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        """The code, if this client got it."""
        found: Code | None = self.server.ledger.find_code(code, client.client_id)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing: saving the tokens has spent the code, and its replay must be seen."""

    def authenticate_user(self, authorization_code: Code) -> Approval:
        """What was allowed, and by whom."""
        return authorization_code.approval


class Pkce(CodeChallenge):  # type: ignore[misc] # Authlib ships no types
    """PKCE, S256 only and always (RFC 7636; SMART App Launch 2.2 section 2.0.6)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Refuse a request without a challenge and method. Raises InvalidRequestError."""
        for parameter in ("code_challenge", "code_challenge_method"):
            if not grant.request.payload.data.get(parameter):
                raise InvalidRequestError(f"Missing '{parameter}': this portal requires PKCE S256.")
        super().validate_code_challenge(grant, redirect_uri)


class Audience:
    """`aud` must name this FHIR base (SMART App Launch 2.2 section 2.0.7)."""

    def __init__(self, fhir_base: Any) -> None:
        self._fhir_base = fhir_base

    def __call__(self, grant: Any) -> None:
        """Hang the check into Authlib's validation of the request."""
        grant.register_hook("after_validate_authorization_request_payload", self.check)

    def check(self, grant: Any, redirect_uri: str) -> None:
        """Raises InvalidRequestError for another audience or none."""
        audience = grant.request.payload.data.get("aud", "")
        if audience.rstrip("/") != self._fhir_base():
            raise InvalidRequestError(f"'aud' must be the FHIR base {self._fhir_base()}.")


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc] # Authlib ships no types
    """Refresh with rotation (RFC 6749 section 6); the ledger decides when tokens are saved."""

    TOKEN_ENDPOINT_AUTH_METHODS = PUBLIC
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> IssuedToken | None:
        """The token, an older one too: its reuse must reach the ledger."""
        token: IssuedToken | None = self.server.ledger.find_token(refresh_token)
        return token

    def authenticate_user(self, refresh_token: IssuedToken) -> Approval:
        """What was allowed, and by whom."""
        return refresh_token.approval

    def revoke_old_credential(self, refresh_token: IssuedToken) -> None:
        """Nothing: saving the new tokens has spent the old one."""


class DeviceGrant(DeviceCodeGrant):  # type: ignore[misc] # Authlib ships no types
    """Device code (RFC 8628)."""

    TOKEN_ENDPOINT_AUTH_METHODS = PUBLIC

    def query_device_credential(self, device_code: str) -> Any:
        """The credential. Raises InvalidGrantError for a code that never was."""
        credential = self.server.devices.find(device_code)
        if credential is None:
            raise InvalidGrantError("Unknown 'device_code'.")
        return credential

    def query_user_grant(self, user_code: str) -> tuple[Approval | None, bool] | None:
        """What the person answered; None while there is no answer."""
        credential = self.server.devices.find_by_user_code(user_code)
        if credential.answer is None:
            return None
        return credential.approval, credential.answer == "allowed"

    def should_slow_down(self, credential: Any) -> bool:
        """Whether this poll came too soon."""
        too_soon: bool = self.server.polls.too_soon(credential.get_user_code())
        return too_soon


class DeviceAuthorization(DeviceAuthorizationEndpoint):  # type: ignore[misc] # Authlib ships no types
    """Where a client asks for a device code (RFC 8628 section 3.1)."""

    CLIENT_AUTH_METHODS = PUBLIC

    def create_endpoint_response(self, request: Any) -> Any:
        """The codes. `expires_in` and `interval` are the portal's own."""
        self.EXPIRES_IN = int(self.server.ledger.lifetimes.device.total_seconds())
        self.INTERVAL = self.server.poll_interval
        return super().create_endpoint_response(request)

    def get_verification_uri(self) -> str:
        """The page where the person types the user code."""
        return f"{self.server.issuer()}/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        """Keep the codes with what of the scope is known here. Raises InvalidScopeError."""
        allowed = self.server.known_scope(client_id, scope)
        self.server.devices.save(data["device_code"], data["user_code"], client_id, allowed)


class Revocation(RevocationEndpoint):  # type: ignore[misc] # Authlib ships no types
    """Token revocation (RFC 7009)."""

    CLIENT_AUTH_METHODS = PUBLIC

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:
        """The token, whatever the hint says."""
        token: IssuedToken | None = self.server.ledger.find_token(token_string)
        return token

    def revoke_token(self, token: IssuedToken, request: Any) -> None:
        """End the token, or with a refresh token the session."""
        self.server.ledger.revoke(request.form["token"])


class IdToken(OpenIDToken):  # type: ignore[misc] # Authlib ships no types
    """The ID token (OpenID Connect Core section 2) with SMART's `fhirUser`.

    `iat` and `exp` are by real time, whatever the portal's clock says: clients check by theirs.
    """

    def __init__(self, server: Any) -> None:
        self._server = server

    def resolve_client_private_key(self, client: Any) -> ECKey:
        """The signing key."""
        return signing_key(self._server.keys)

    def get_client_algorithm(self, client: Any) -> str:
        """ES256."""
        return SIGNING_ALGORITHM

    def get_encode_header(self, client: Any) -> dict[str, str]:
        """The header, with the key's id."""
        return {"alg": SIGNING_ALGORITHM, "kid": str(signing_key(self._server.keys).kid)}

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        """Who says so, to whom and for how long."""
        issued = int(time.time())
        return {
            "iss": self._server.issuer(),
            "aud": client.client_id,
            "iat": issued,
            "exp": issued + int(self._server.ledger.lifetimes.id_token.total_seconds()),
        }

    def get_authorization_code_claims(self, authorization_code: Code) -> dict[str, Any]:
        """Nothing more than `generate_user_info` says for every grant."""
        return {}

    def generate_user_info(self, user: Approval, scope: str) -> dict[str, Any]:
        """Who signed in, how and when."""
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
