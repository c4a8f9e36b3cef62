"""The secret of a client at a portal, as the keyring has it; it is nowhere else."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field

from gpcli.errors import InvalidUsage

MAX_LENGTH = 4096
"""The most characters of a secret."""

_VISIBLE = re.compile(r"[\x20-\x7e]+")  # RFC 6749, appendix A.2


@dataclass(frozen=True)
class ClientSecret:
    """The secret of the client `client_id`; its repr does not show it."""

    client_id: str
    secret: str = field(repr=False)

    def format_item(self) -> str:
        """Return the keyring item: one JSON object."""
        return json.dumps(asdict(self), separators=(",", ":"))


def parse_secret_item(item: str) -> ClientSecret | None:
    """Return the secret in a keyring item; None if it is broken or no secret."""
    try:
        content = json.loads(item)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.keys() != {"client_id", "secret"}:
        return None
    texts = content["client_id"], content["secret"]
    return ClientSecret(*texts) if all(isinstance(text, str) for text in texts) else None


def secret_account(profile: str, portal: str) -> str:
    """Return the id in the keyring of the secret of a profile: a hash.

    A profile that is pointed at another portal has none there.
    """
    content = "\0".join(("client", profile, portal))
    return f"client-{hashlib.sha256(content.encode()).hexdigest()[:20]}"


def parse_secret(text: str) -> str:
    """Return the secret in a line that was typed or piped; raise InvalidUsage."""
    secret = text.removesuffix("\n").removesuffix("\r")
    if secret.strip() and len(secret) <= MAX_LENGTH and _VISIBLE.fullmatch(secret):
        return secret
    raise InvalidUsage(
        "This is no client secret: it must be one line of printable ASCII characters.",
        hint="Give the secret alone, as the portal gave it to you.",
    )
