"""Machines that sign in by themselves (SMART App Launch 2.2, "Backend Services").

An assertion is judged by real time, whatever the portal's clock says: machines make it by theirs.
"""

import json
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

from gpcli.sandbox.smart.database import Database
from gpcli.sandbox.smart.records import Approval, digest
from gpcli.sandbox.smart.scopes import recognised_for_machines

MACHINE = "my-machine"
"""The client id of the machine whose keys the portal was given."""

CLIENT_CREDENTIALS = "client_credentials"
METHOD = "private_key_jwt"
ALGORITHMS = ("ES384", "RS384")
PAIRS = {"EC", "RSA"}
LONGEST_LIFE = 300
"""Seconds from now to the end of an assertion, at most."""

LEEWAY = 30
"""Seconds by which clocks may differ."""


@dataclass(frozen=True)
class Machine(ClientMixin):  # type: ignore[misc] # Authlib ships no types
    """A confidential client that signs with one of `keys`, in the words that Authlib asks for."""

    client_id: str
    keys: KeySet

    def get_client_id(self) -> str:
        """The client's identifier."""
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What of `scope` a machine may get here; None if nothing."""
        return " ".join(recognised_for_machines(scope or "")) or None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether `method` is a signed assertion, the only way at every `endpoint`."""
        return method == METHOD

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether this client may use `grant_type` at the token endpoint."""
        return grant_type == CLIENT_CREDENTIALS


def read_machine(path: Path) -> Machine:
    """The machine whose keys are in a file, a JWK or a JWK Set, of which public parts are kept.

    Raises OSError, ValueError.
    """
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        keys = written.get("keys", [written])
        public = KeySet.import_key_set(_pairs(keys)).as_dict(private=False)
        return Machine(MACHINE, KeySet.import_key_set(public))
    except (JoseError, TypeError, KeyError, AttributeError, ValueError, RecursionError) as trouble:
        raise ValueError(f"{path} holds no JWK or JWK Set") from trouble


def _pairs(keys: list[dict[str, str]]) -> Any:
    """A JWK Set of `keys`, none of which may be a shared secret; raises ValueError."""
    if not {key["kty"] for key in keys} <= PAIRS:
        raise ValueError
    return {"keys": keys}


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc] # Authlib ships no types
    """How a machine proves who it is (RFC 7523): each assertion once, and for five minutes."""

    CLIENT_AUTH_METHOD = METHOD

    def __init__(self, server: Any, database: Database) -> None:
        super().__init__(leeway=LEEWAY)
        self._server = server
        self._database = database

    def get_audiences(self) -> list[str]:
        """The token endpoint."""
        return [f"{self._server.issuer()}/token"]

    def resolve_client_public_key(self, client: Any) -> KeySet:
        """The keys of a machine. Raises InvalidClientError for a client that has none."""
        if isinstance(client, Machine):
            return client.keys
        raise InvalidClientError(description="This client signs nothing.")

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> Mapping[str, Any]:
        """The claims of a good assertion. Raises InvalidClientError."""
        try:
            token = jwt.decode(assertion, resolve_key, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError) as refused:
            raise InvalidClientError(description="The assertion's signature is wrong.") from refused
        if "kid" not in token.header:
            raise InvalidClientError(description="The assertion names no key.")
        self.verify_claims(token.claims)
        return token.claims

    def verify_claims(self, claims: Any) -> None:
        """Check who, for whom, how long, and that it is new. Raises InvalidClientError."""
        end = claims.get("exp")
        if isinstance(end, int) and end > time.time() + LONGEST_LIFE + LEEWAY:
            raise InvalidClientError(description="The assertion is good for over five minutes.")
        super().verify_claims(claims)

    def validate_jti(self, claims: Any, jti: Any) -> bool:
        """Whether the assertion is used for the first time."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM smart_assertion WHERE ends_at < ?", (time.time(),))
            new = connection.execute(
                "INSERT OR IGNORE INTO smart_assertion VALUES (?, ?)",
                (digest(f"{claims['sub']} {jti}"), claims["exp"] + LEEWAY),
            )
        return new.rowcount == 1


class MachineGrant(ClientCredentialsGrant):  # type: ignore[misc] # Authlib ships no types
    """Client credentials (RFC 6749 section 4.4): an access token, no patient, no refresh token."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = [METHOD]

    def validate_requested_scope(self) -> None:
        """Raise InvalidScopeError if nothing that was asked for can be granted."""
        if self.client.get_allowed_scope(self.request.payload.scope) is None:
            raise InvalidScopeError

    def generate_token(self, *, scope: str | None, **_: object) -> dict[str, Any]:
        """The token response."""
        return {
            "access_token": generate_token(48),
            "token_type": "bearer",
            "expires_in": int(self.server.ledger.lifetimes.machine.total_seconds()),
            "scope": self.client.get_allowed_scope(scope),
        }

    def save_token(self, token: dict[str, Any]) -> None:
        """Keep it, as nobody's sign-in."""
        ledger = self.server.ledger
        client_id = self.client.client_id
        approval = Approval(client_id, "", "", "", token["scope"], ledger.present())
        ledger.issue_access(token["access_token"], approval, ledger.lifetimes.machine)
