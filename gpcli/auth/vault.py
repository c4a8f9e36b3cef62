"""Where sessions are kept: the operating system's keyring, or memory for tests and the demo."""

from __future__ import annotations

import importlib
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from gpcli.auth.keyring_vault import (
    HELP_HINT,
    ChunkedKeyring,
    KeyringBackend,
    KeyringVault,
    keyring_error,
)
from gpcli.auth.password_store import PasswordStore
from gpcli.auth.session import StoredSession

_SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105  (a class)
_PASS = "keyring_pass.PasswordStoreBackend"  # noqa: S105  (a class)

ALLOWED_BACKENDS: dict[str, tuple[str, ...]] = {
    "linux": (
        _SECRET_SERVICE,
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        _PASS,
    ),
    "darwin": ("keyring.backends.macOS.Keyring",),
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
}
"""Backend classes by `sys.platform`; the first is the platform's own."""


def open_keyring(
    env: Mapping[str, str], *, may_ask: bool, timeout: float = 5.0, platform: str = sys.platform
) -> KeyringVault:
    """The vault in this computer's keyring; raises errors.NoKeyring.

    `PYTHON_KEYRING_BACKEND` in `env` may name another allowed backend. With `may_ask` false a
    locked keyring is an error and no prompt appears (where the backend leaves that to us: Secret
    Service, `pass`). Nothing is read or written yet.
    """
    name = select_backend(env, platform)
    if name == _SECRET_SERVICE:
        return KeyringVault(_secret_service(env, may_ask=may_ask), timeout)
    store = _made(name)
    if name == _PASS:
        return KeyringVault(PasswordStore(store, may_ask=may_ask), timeout)
    return KeyringVault(ChunkedKeyring(store) if platform == "win32" else store, timeout)


def select_backend(env: Mapping[str, str], platform: str) -> str:
    """The backend class to use; raises errors.NoKeyring for one that is not allowed."""
    allowed = ALLOWED_BACKENDS.get(platform, ALLOWED_BACKENDS["linux"])
    named = env.get("PYTHON_KEYRING_BACKEND") or allowed[0]
    if named in allowed:
        return named
    raise keyring_error(
        f"PYTHON_KEYRING_BACKEND names {named}, which is not known to keep secrets safely.",
        f"Unset it, or let it name another one. {HELP_HINT}",
    )


def find_session_bus(env: Mapping[str, str]) -> str | None:
    """The address of the user's own D-Bus session, also where cron left it out, or None."""
    named = env.get("DBUS_SESSION_BUS_ADDRESS")
    if named or not hasattr(os, "getuid"):
        return named or None
    runtime = env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    bus = Path(runtime) / "bus"
    return f"unix:path={bus}" if _is_our_socket(bus) else None


def _is_our_socket(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()


def _secret_service(env: Mapping[str, str], *, may_ask: bool) -> KeyringBackend:
    address = find_session_bus(env)
    if address is None:
        raise keyring_error(
            "There is no session bus here, so the keyring can't be reached.",
            "su and sudo have none: log in as yourself, at the desktop or over SSH; or use pass. "
            f"{HELP_HINT}",
        )
    try:
        from gpcli.auth.secret_service import SecretService  # noqa: PLC0415  (Linux only, slow)
    except ImportError as trouble:
        raise keyring_error("The package secretstorage is not installed.") from trouble
    return SecretService(address, may_ask=may_ask)


def _made(name: str) -> KeyringBackend:
    module, _, cls = name.rpartition(".")
    try:
        store: KeyringBackend = getattr(importlib.import_module(module), cls)()
    except ImportError as trouble:
        raise keyring_error(
            f"The keyring backend {name} is not installed beside gpcli."
        ) from trouble
    except Exception as trouble:
        raise keyring_error(f"The keyring backend {name} does not work here.") from trouble
    return store


__all__ = ["KeyringVault", "MemoryVault", "StoredSession", "Vault", "open_keyring"]


class Vault(Protocol):
    """Sessions by account, one per profile and person. Raises errors.NoKeyring."""

    def load(self, account: str) -> StoredSession | None:
        """The session of `account`, None if there is none."""
        ...

    def save(self, account: str, session: StoredSession) -> None:
        """Keep `session`, and make sure that it was kept."""
        ...

    def delete(self, account: str) -> None:
        """Forget the session of `account`, if there is one."""
        ...

    def probe(self) -> None:
        """Make sure that the vault keeps what it is given."""
        ...


class MemoryVault:
    """A vault that ends with the process."""

    def __init__(self) -> None:
        self._items: dict[str, StoredSession] = {}

    def load(self, account: str) -> StoredSession | None:
        """The session of `account`, None if there is none."""
        return self._items.get(account)

    def save(self, account: str, session: StoredSession) -> None:
        """Keep `session`."""
        self._items[account] = session

    def delete(self, account: str) -> None:
        """Forget the session of `account`, if there is one."""
        self._items.pop(account, None)

    def probe(self) -> None:
        """Memory is always there."""
