"""Where sessions and secrets are: the operating system's keyring, or memory for tests and demo."""

from __future__ import annotations

import importlib
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from gpcli.auth.client_secret import ClientSecret
from gpcli.auth.keyring_vault import (
    HELP_HINT,
    ChunkedKeyring,
    KeyringBackend,
    KeyringVault,
    PasswordStore,
    keyring_error,
)
from gpcli.auth.session import StoredSession
from gpcli.errors import NoKeyring

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
"""Backend classes by `sys.platform`; the first is the default."""


def open_keyring(
    env: Mapping[str, str], *, may_ask: bool, timeout: float = 5.0, platform: str = sys.platform
) -> KeyringVault:
    """Return the vault in this computer's keyring, of which nothing is read or written yet.

    `PYTHON_KEYRING_BACKEND` in `env` may name another allowed backend. Without `may_ask`, a locked
    keyring is an error instead of a prompt, where the backend permits that: Secret Service, `pass`.
    `timeout` is in seconds, for each call of the keyring.
    Raises: NoKeyring.
    """
    name = select_backend(env, platform)
    if name == _SECRET_SERVICE:
        return KeyringVault(_open_secret_service(env, may_ask=may_ask), timeout)
    backend = _create_backend(name)
    if name == _PASS:
        return KeyringVault(PasswordStore(backend, may_ask=may_ask), timeout)
    return KeyringVault(ChunkedKeyring(backend) if platform == "win32" else backend, timeout)


def select_backend(env: Mapping[str, str], platform: str) -> str:
    """Return the backend class to use; raise NoKeyring for one that is not allowed."""
    allowed = ALLOWED_BACKENDS.get(platform, ALLOWED_BACKENDS["linux"])
    name = env.get("PYTHON_KEYRING_BACKEND") or allowed[0]
    if name in allowed:
        return name
    raise keyring_error(
        f"PYTHON_KEYRING_BACKEND names {name}, which is not known to keep secrets safely.",
        f"Unset it, or let it name another one. {HELP_HINT}",
    )


def find_session_bus(env: Mapping[str, str]) -> str | None:
    """Return the address of the user's own D-Bus session bus, None if there is none.

    It is found without DBUS_SESSION_BUS_ADDRESS too, which is not set in cron jobs.
    """
    address = env.get("DBUS_SESSION_BUS_ADDRESS")
    if address or not hasattr(os, "getuid"):
        return address or None
    runtime = env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    bus = Path(runtime) / "bus"
    return f"unix:path={bus}" if _is_our_socket(bus) else None


def _is_our_socket(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(status.st_mode) and status.st_uid == os.getuid()


def _open_secret_service(env: Mapping[str, str], *, may_ask: bool) -> KeyringBackend:
    address = find_session_bus(env)
    if address is None:
        raise keyring_error(
            "There is no session bus here, so the keyring can't be reached.",
            "su and sudo have none: log in as yourself, at the desktop or over SSH; or use pass. "
            f"{HELP_HINT}",
        )
    try:
        from gpcli.auth.secret_service import SecretService  # noqa: PLC0415  (platform: Linux)
    except ImportError as error:
        raise _missing_package_error(
            "The package secretstorage is not installed.", "secretstorage"
        ) from error
    return SecretService(address, may_ask=may_ask)


def _create_backend(name: str) -> KeyringBackend:
    module, _, cls = name.rpartition(".")
    try:
        backend: KeyringBackend = getattr(importlib.import_module(module), cls)()
    except ImportError as error:
        message = f"The keyring backend {name} is not installed beside gpcli."
        if name != _PASS:
            raise keyring_error(message) from error
        raise _missing_package_error(message, "keyring-pass") from error
    except Exception as error:
        raise keyring_error(f"The keyring backend {name} does not work here.") from error
    return backend


def _missing_package_error(message: str, package: str) -> NoKeyring:
    from gpcli.installation.install_line import (  # noqa: PLC0415  (start-up: only failures)
        word_install_hint,
    )

    return keyring_error(message, word_install_hint(package=package))


class Vault(Protocol):
    """A store of sessions by account, one per profile and person, and of clients' secrets.

    Every method raises NoKeyring.
    """

    def load(self, account: str) -> StoredSession | None:
        """Return the session of `account`, None if there is none."""
        ...

    def save(self, account: str, session: StoredSession) -> None:
        """Store `session`, and check that it is stored."""
        ...

    def delete(self, account: str) -> None:
        """Delete the session or the secret of `account`, if there is one."""
        ...

    def load_secret(self, account: str) -> ClientSecret | None:
        """Return the client's secret under `account`, None if there is none."""
        ...

    def save_secret(self, account: str, secret: ClientSecret) -> None:
        """Store `secret`, and check that it is stored."""
        ...

    def probe(self) -> None:
        """Check that the vault stores what it is given."""
        ...


class MemoryVault:
    """A vault in memory, for tests and the demo."""

    def __init__(self) -> None:
        self._items: dict[str, StoredSession] = {}
        self._secrets: dict[str, ClientSecret] = {}

    def load(self, account: str) -> StoredSession | None:
        """Return the session of `account`, None if there is none."""
        return self._items.get(account)

    def save(self, account: str, session: StoredSession) -> None:
        """Store `session`."""
        self._items[account] = session

    def delete(self, account: str) -> None:
        """Delete the session or the secret of `account`, if there is one."""
        self._items.pop(account, None)
        self._secrets.pop(account, None)

    def load_secret(self, account: str) -> ClientSecret | None:
        """Return the client's secret under `account`, None if there is none."""
        return self._secrets.get(account)

    def save_secret(self, account: str, secret: ClientSecret) -> None:
        """Store `secret`."""
        self._secrets[account] = secret

    def probe(self) -> None:
        """Do nothing: memory can always be used."""
