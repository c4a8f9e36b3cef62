"""The stored session of one person, and its lock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path

from gpcli.config.private_files import hold_lock, make_private_directory


@dataclass(frozen=True)
class StoredSession:
    """A session: who is signed in where, and the tokens, which its repr does not show.

    `portal` is the FHIR base; `patient` is the id that the token is for; `fhir_user` is the
    reference of who acts, as the portal gave it, None where it is not known; `scope` is what was
    granted. Names are empty where the portal did not tell them at the sign-in. Times are in Unix
    seconds; `refresh_expires_at` is None where the portal doesn't say, `refresh_token` and
    `revocation_endpoint` where there is none. `client_auth` is how the client was proved.
    """

    portal: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str | None
    patient: str
    fhir_user: str | None
    patient_name: str
    acting_name: str
    scope: str
    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: float | None
    signed_in_at: float
    client_auth: str = "none"

    def format_item(self) -> str:
        """Return the keyring item: one JSON object."""
        return json.dumps(asdict(self), separators=(",", ":"))


_FIELDS = frozenset(field.name for field in fields(StoredSession))
_REQUIRED = frozenset(field.name for field in fields(StoredSession) if field.default is MISSING)


def parse_item(item: str) -> StoredSession | None:
    """Return the session in a keyring item; None if it is broken or of another version."""
    try:
        content = json.loads(item)
    except ValueError:
        return None
    if not isinstance(content, dict) or not content.keys() >= _REQUIRED:
        return None
    return StoredSession(**{name: content[name] for name in _FIELDS & content.keys()})


@contextmanager
def session_lock(lock_dir: Path, account: str, timeout: float) -> Iterator[None]:
    """Hold the lock of `account`; raise TimedOut after `timeout` seconds.

    The name of its file in `lock_dir` is a hash, which says nothing about the account.
    """
    name = hashlib.sha256(account.encode()).hexdigest()[:24]
    directory = make_private_directory(lock_dir.parent, lock_dir.name)
    with hold_lock(directory / f"{name}.lock", "is renewing this sign-in", timeout):
        yield
