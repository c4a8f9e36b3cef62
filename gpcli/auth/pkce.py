"""What proves that an answer belongs to this sign-in: state, nonce, PKCE (RFC 7636, S256)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Proof:
    """The secrets of one sign-in; `challenge` is what the portal sees of `verifier`."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """BASE64URL(SHA256(verifier)), unpadded."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def new_proof() -> Proof:
    """Fresh secrets of 256 bits and more."""
    return Proof(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64))
