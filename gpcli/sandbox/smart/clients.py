"""Define the registered clients, and authenticate the confidential one."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.grant_store import Approval, token_hash
from gpcli.sandbox.smart.scopes import supported_scopes, supported_system_scopes

LOOPBACK_REDIRECT = re.compile(
    r"http://(?:127\.0\.0\.1|\[::1\])(?::(?P<port>\d{1,5}))?/callback", re.ASCII
)
DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = ("authorization_code", "refresh_token", DEVICE_CODE_GRANT)
BACKEND_CLIENT_ID = "my-machine"
"""The client id of the backend service whose keys the portal was given."""
CLIENT_CREDENTIALS = "client_credentials"
PRIVATE_KEY_JWT = "private_key_jwt"
ASSERTION_ALGORITHMS = ("ES384", "RS384")
ASYMMETRIC_KEY_TYPES = {"EC", "RSA"}
MAX_ASSERTION_SECONDS = 300
"""The longest lifetime of an assertion, in seconds from now."""
CLOCK_LEEWAY_SECONDS = 30
"""The tolerated difference between clocks, in seconds."""


@dataclass(frozen=True)
class PublicClient(ClientMixin):  # type: ignore[misc] # Authlib ships no types
    """A public client on a loopback redirect (RFC 8252 section 7.3), for Authlib."""

    client_id: str
    name: str

    def get_client_id(self) -> str:
        """Return the client's identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """Return None, since the port is known only from the request."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the supported part of `scope`; None (`invalid_scope`) if it is empty."""
        return " ".join(supported_scopes(scope or "")) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether `redirect_uri` is a loopback address with the path `/callback`."""
        match = LOOPBACK_REDIRECT.fullmatch(redirect_uri)
        return match is not None and 0 < int(match["port"] or 80) < 65536

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Return whether `method` is `none`, as at every `endpoint`."""
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        """Return whether `response_type` is `code`."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client may use `grant_type`."""
        return grant_type in GRANT_TYPES


CLIENTS = {
    client.client_id: client
    for client in (PublicClient("gpcli", "gpcli"), PublicClient("my-script", "A script of yours"))
}
"""The public clients by id; there is no dynamic registration."""


@dataclass(frozen=True)
class BackendClient(ClientMixin):  # type: ignore[misc] # Authlib ships no types
    """A confidential client that authenticates with one of `keys`, for Authlib."""

    client_id: str
    keys: KeySet

    def get_client_id(self) -> str:
        """Return the client's identifier."""
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the supported part of `scope`; None if it is empty."""
        return " ".join(supported_system_scopes(scope or "")) or None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Return whether `method` is `private_key_jwt`, as at every `endpoint`."""
        return method == PRIVATE_KEY_JWT

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client may use `grant_type`."""
        return grant_type == CLIENT_CREDENTIALS


def read_backend_client(path: Path) -> BackendClient:
    """Read a backend client's keys, a JWK or a JWK Set; only public parts are kept.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It can't be read, or holds no asymmetric keys.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        keys = content.get("keys", [content])
        public = KeySet.import_key_set(_require_asymmetric(keys)).as_dict(private=False)
        return BackendClient(BACKEND_CLIENT_ID, KeySet.import_key_set(public))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from error
    except (JoseError, TypeError, KeyError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} holds no JWK or JWK Set") from error


def _require_asymmetric(keys: list[dict[str, str]]) -> Any:
    """Return a JWK Set of `keys`; raise ValueError if one is a shared secret."""
    if not {key["kty"] for key in keys} <= ASYMMETRIC_KEY_TYPES:
        raise ValueError
    return {"keys": keys}


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc] # Authlib ships no types
    """Authenticates the backend client; each assertion can be used once, for five minutes.

    Assertions are checked against real time, since clients make them by their own clocks.

    Source: RFC 7523; SMART App Launch 2.2, Backend Services.
    """

    CLIENT_AUTH_METHOD = PRIVATE_KEY_JWT

    def __init__(self, server: Any, database: SmartDatabase) -> None:
        super().__init__(leeway=CLOCK_LEEWAY_SECONDS)
        self._server = server
        self._database = database

    def get_audiences(self) -> list[str]:
        """Return the token endpoint."""
        return [f"{self._server.issuer()}/token"]

    def resolve_client_public_key(self, client: Any) -> KeySet:
        """Return the keys of a client.

        Raises:
            InvalidClientError: The client has none.
        """
        if isinstance(client, BackendClient):
            return client.keys
        raise InvalidClientError(description="This client signs nothing.")

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> Mapping[str, Any]:
        """Verify the signature and the claims, and return the claims.

        Raises:
            InvalidClientError: One of them is invalid.
        """
        try:
            token = jwt.decode(assertion, resolve_key, algorithms=list(ASSERTION_ALGORITHMS))
        except (JoseError, ValueError) as error:
            raise InvalidClientError(description="The assertion's signature is wrong.") from error
        if "kid" not in token.header:
            raise InvalidClientError(description="The assertion names no key.")
        self.verify_claims(token.claims)
        return token.claims

    def verify_claims(self, claims: Any) -> None:
        """Verify issuer, audience, lifetime and uniqueness.

        Raises:
            InvalidClientError: One of them is invalid.
        """
        end = claims.get("exp")
        if (
            isinstance(end, int | float)
            and end > time.time() + MAX_ASSERTION_SECONDS + CLOCK_LEEWAY_SECONDS
        ):
            raise InvalidClientError(description="The assertion is good for over five minutes.")
        super().verify_claims(claims)

    def validate_jti(self, claims: Any, jti: Any) -> bool:
        """Record the assertion, and return whether it is used for the first time."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM smart_assertion WHERE ends_at < ?", (time.time(),))
            new = connection.execute(
                "INSERT OR IGNORE INTO smart_assertion VALUES (?, ?)",
                (token_hash(f"{claims['sub']} {jti}"), claims["exp"] + CLOCK_LEEWAY_SECONDS),
            )
        return new.rowcount == 1


class BackendServicesGrant(ClientCredentialsGrant):  # type: ignore[misc] # Authlib ships no types
    """Client credentials grant: an access token without patient or refresh token.

    Source: RFC 6749 section 4.4.
    """

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = [PRIVATE_KEY_JWT]

    def validate_requested_scope(self) -> None:
        """Check the requested scope.

        Raises:
            InvalidScopeError: Nothing of it can be granted.
        """
        if self.client.get_allowed_scope(self.request.payload.scope) is None:
            raise InvalidScopeError

    def generate_token(self, *, scope: str | None, **_: object) -> dict[str, Any]:
        """Generate a token response."""
        return {
            "access_token": generate_token(48),
            "token_type": "bearer",
            "expires_in": int(self.server.grants.lifetimes.backend.total_seconds()),
            "scope": self.client.get_allowed_scope(scope),
        }

    def save_token(self, token: dict[str, Any]) -> None:
        """Store the access token, with an approval that names no person."""
        grants = self.server.grants
        client_id = self.client.client_id
        approval = Approval(client_id, "", "", "", token["scope"], grants.now())
        grants.store_access_token(token["access_token"], approval, grants.lifetimes.backend)
