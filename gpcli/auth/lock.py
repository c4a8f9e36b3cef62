"""One process at a time changes a session: refresh, sign-in and sign-out take the same lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpcli.config.files import private_dir
from gpcli.errors import TimedOut


@contextmanager
def session_lock(lock_dir: Path, account: str, timeout: float) -> Iterator[None]:
    """Hold the lock of `account`; raises TimedOut after `timeout` seconds.

    Its file in `lock_dir` is named by a hash, so that listing the directory tells nothing.
    """
    import filelock  # noqa: PLC0415  (only what changes a session needs it)

    name = hashlib.sha256(account.encode()).hexdigest()[:24]
    lock = filelock.FileLock(private_dir(lock_dir) / f"{name}.lock", timeout=timeout, mode=0o600)
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
