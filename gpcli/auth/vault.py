"""Where sessions are kept: the operating system's keyring, or memory for tests and the demo."""

from __future__ import annotations

from typing import Protocol

from gpcli.auth.keyring_vault import KeyringVault
from gpcli.auth.keyrings import open_keyring
from gpcli.auth.session import SignedIn

__all__ = ["KeyringVault", "MemoryVault", "SignedIn", "Vault", "open_keyring"]


class Vault(Protocol):
    """Sessions by account, one per profile and person. Raises errors.NoKeyring."""

    def load(self, account: str) -> SignedIn | None:
        """The session of `account`, None if there is none."""
        ...

    def save(self, account: str, session: SignedIn) -> None:
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
        self._items: dict[str, SignedIn] = {}

    def load(self, account: str) -> SignedIn | None:
        """The session of `account`, None if there is none."""
        return self._items.get(account)

    def save(self, account: str, session: SignedIn) -> None:
        """Keep `session`."""
        self._items[account] = session

    def delete(self, account: str) -> None:
        """Forget the session of `account`, if there is one."""
        self._items.pop(account, None)

    def probe(self) -> None:
        """Memory is always there."""
