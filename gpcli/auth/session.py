"""One person's sign-in: as it is kept, and the lock that guards it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from gpcli.config.atomic_write import make_private_directory
from gpcli.errors import TimedOut


@dataclass(frozen=True)
class StoredSession:
    """A session: who is signed in where, and the tokens. Its repr shows no token.

    `portal` is the FHIR base; `patient` the id that the token is for; `fhir_user` the reference of
    whoever acts, as the portal gave it; names are empty where the portal did not tell them at the
    sign-in; `scope` is what was granted. Times are Unix seconds;
    `refresh_expires_at` is None where the portal doesn't say, `refresh_token` where there is none.
    """

    portal: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str | None
    patient: str
    fhir_user: str
    patient_name: str
    acting_name: str
    scope: str
    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(repr=False)
    refresh_expires_at: float | None
    signed_in_at: float

    def format_item(self) -> str:
        """The keyring's item: one JSON object."""
        return json.dumps(asdict(self), separators=(",", ":"))


_FIELDS = frozenset(each.name for each in fields(StoredSession))


def parse_item(item: str) -> StoredSession | None:
    """The session in a keyring item; None if another version of gpcli wrote it or it is broken."""
    try:
        found = json.loads(item)
    except ValueError:
        return None
    if not isinstance(found, dict) or not found.keys() >= _FIELDS:
        return None
    return StoredSession(**{name: found[name] for name in _FIELDS})


@contextmanager
def session_lock(lock_dir: Path, account: str, timeout: float) -> Iterator[None]:
    """Hold the lock of `account`; raises TimedOut after `timeout` seconds.

    Its file in `lock_dir` is named by a hash, so that listing the directory tells nothing.
    """
    import filelock  # noqa: PLC0415  (only what changes a session needs it)

    name = hashlib.sha256(account.encode()).hexdigest()[:24]
    lock = filelock.FileLock(
        make_private_directory(lock_dir) / f"{name}.lock", timeout=timeout, mode=0o600
    )
    try:
        lock.acquire()
    except filelock.Timeout:
        raise TimedOut(
            "Another gpcli is renewing this sign-in and did not finish in time.",
            hint="Try again.",
        ) from None
    try:
        yield
    finally:
        lock.release()
