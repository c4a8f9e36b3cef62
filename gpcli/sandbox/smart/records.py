"""What the ledger keeps: an approval, and the code and tokens that it led to."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta


class TokenRefused(Exception):
    """The code, refresh token or device code is unknown, spent, expired or revoked."""


@dataclass(frozen=True)
class Lifetimes:
    """How long things last, by the portal's clock."""

    code: timedelta = timedelta(seconds=60)
    device: timedelta = timedelta(minutes=10)
    access: timedelta = timedelta(minutes=30)
    refresh: timedelta = timedelta(hours=8)
    session: timedelta = timedelta(days=30)
    grace: timedelta = timedelta(seconds=30)
    machine: timedelta = timedelta(minutes=5)
    id_token: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class Approval:
    """What a person allowed a client: `scope` as granted, `auth_time` in epoch seconds."""

    client_id: str
    person: str
    patient: str
    fhir_user: str
    scope: str
    auth_time: float
    nonce: str | None = None


@dataclass(frozen=True)
class Code:
    """An authorization code, in the words that Authlib asks for."""

    approval: Approval
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scopes as granted."""
        return self.approval.scope


@dataclass(frozen=True)
class IssuedToken:
    """An access or refresh token (`kind`), in the words that Authlib asks for."""

    approval: Approval
    kind: str

    def check_client(self, client: object) -> bool:
        """Whether the token was issued to `client`."""
        return getattr(client, "client_id", None) == self.approval.client_id

    def get_scope(self) -> str:
        """The scopes of the session, which a narrower refresh doesn't change."""
        return self.approval.scope


@dataclass(frozen=True)
class NewTokens:
    """Tokens about to be handed out; `scope` is that of the access token."""

    access: str
    refresh: str | None
    scope: str


def digest(secret: str) -> str:
    """The form in which codes and tokens are kept."""
    return hashlib.sha256(secret.encode()).hexdigest()
