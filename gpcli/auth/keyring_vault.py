"""Sessions in a keyring that may be locked, absent, forgetful or waiting for somebody."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol, TypeVar

from gpcli.auth.session import StoredSession, parse_item
from gpcli.errors import NoKeyring

SERVICE = "gpcli"
"""The service name of every item in the keyring."""

HELP_HINT = "gpcli help keyring says more; on machines without people set GPCLI_TOKEN."
"""The end of every hint about keyrings."""

KEYRING_HINT = (
    "Unlock your keyring, or install one (on Linux GNOME Keyring, KWallet or pass), and try "
    f"again. {HELP_HINT}"
)

_CANARY = "gpcli-probe-"

Answer = TypeVar("Answer")


class KeyringBackend(Protocol):
    """What a keyring backend does; the interface of `keyring.backend.KeyringBackend`."""

    def get_password(self, service: str, username: str) -> str | None:
        """The item, None if there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the item."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Delete the item."""
        ...


class KeyringVault:
    """Sessions in the keyring behind `store`; each call to it ends within `timeout` seconds."""

    def __init__(self, store: KeyringBackend, timeout: float = 5.0) -> None:
        self._store = store
        self._timeout = timeout

    def load(self, account: str) -> StoredSession | None:
        """The session of `account`, None if there is none that this version can read."""
        item = self._get(account)
        return None if item is None else parse_item(item)

    def save(self, account: str, session: StoredSession) -> None:
        """Write, read back, compare."""
        item = session.format_item()
        self._put(account, item)
        self._check_kept(account, item)

    def delete(self, account: str) -> None:
        """Delete the item of `account`, if there is one."""
        if self._get(account) is not None:
            self._drop(account)

    def probe(self) -> None:
        """Write, read and delete an item of no meaning, which no other process asks for."""
        canary, item = _CANARY + secrets.token_hex(8), secrets.token_hex(8)
        self._put(canary, item)
        try:
            self._check_kept(canary, item)
        except NoKeyring:
            with suppress(NoKeyring):  # perhaps it can't be read; that it goes matters more
                self._drop(canary)
            raise
        self._drop(canary)

    def _get(self, account: str) -> str | None:
        return self._within_time(lambda: self._store.get_password(SERVICE, account))

    def _put(self, account: str, item: str) -> None:
        self._within_time(lambda: self._store.set_password(SERVICE, account, item))

    def _drop(self, account: str) -> None:
        self._within_time(lambda: self._store.delete_password(SERVICE, account))

    def _check_kept(self, account: str, item: str) -> None:
        if self._get(account) != item:
            raise keyring_error("The keyring did not keep what it was given.")

    def _within_time(self, call: Callable[[], Answer]) -> Answer:
        # A keyring may wait for a prompt that nobody sees; its thread is left behind then.
        answer: Future[Answer] = Future()

        def ask() -> None:
            try:
                answer.set_result(call())
            except Exception as trouble:
                answer.set_exception(trouble)

        threading.Thread(target=ask, name="gpcli-keyring", daemon=True).start()
        try:
            return answer.result(self._timeout)
        except TimeoutError:
            raise keyring_error(
                f"The keyring did not answer within {self._timeout:g} s; "
                "perhaps it waits for somebody to unlock it.",
                f"Answer its window, or unlock it and try again. {HELP_HINT}",
            ) from None
        except Exception as trouble:
            raise _refused(trouble) from trouble


def keyring_error(message: str, hint: str = KEYRING_HINT) -> NoKeyring:
    """The error for a keyring that can't be used, with the ways out."""
    return NoKeyring(message, hint=hint)


_UNLOCK = f"Unlock it, at the desktop or over SSH, and try again. {HELP_HINT}"
_REASONS = {
    "KeyringLocked": ("The keyring is locked.", _UNLOCK),
    "LockedException": ("The keyring is locked.", _UNLOCK),
    "PromptDismissedException": ("The keyring is locked, and was not unlocked.", _UNLOCK),
    "SecretServiceNotAvailableException": (
        "There is no keyring service on this computer.",
        f"Install GNOME Keyring, KWallet or pass. {HELP_HINT}",
    ),
    "ItemNotFoundException": (
        "There is no keyring on this computer yet.",
        f"Log in at the desktop once, which makes one; or make one over SSH. {HELP_HINT}",
    ),
}


def _refused(trouble: Exception) -> NoKeyring:
    if isinstance(trouble, NoKeyring):
        return trouble
    kind = type(trouble).__name__
    return keyring_error(*_REASONS.get(kind, (f"The keyring does not work here ({kind}).",)))


MAX_CHUNK_LENGTH = 1280
"""The most characters in one item."""


class ChunkedKeyring:
    """A store whose items may be longer than those of the `store` behind it."""

    def __init__(
        self,
        store: KeyringBackend,
        new_generation: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self._store = store
        self._new_generation = new_generation

    def get_password(self, service: str, username: str) -> str | None:
        """The whole item; None if there is none or a piece is missing."""
        pieces = [
            self._store.get_password(service, name) for name in self._pieces(service, username)
        ]
        if not pieces or None in pieces:
            return None
        return "".join(piece for piece in pieces if piece is not None)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the new pieces, then the pointer, then delete the old pieces."""
        old = self._pieces(service, username)
        generation = self._new_generation()
        count = -(-len(password) // MAX_CHUNK_LENGTH) or 1
        for number, name in enumerate(_names(username, generation, count)):
            piece = password[number * MAX_CHUNK_LENGTH : (number + 1) * MAX_CHUNK_LENGTH]
            self._store.set_password(service, name, piece)
        pointer = json.dumps({"generation": generation, "pieces": count})
        self._store.set_password(service, username, pointer)
        self._drop(service, old)

    def delete_password(self, service: str, username: str) -> None:
        """Delete the pointer, then the pieces."""
        old = self._pieces(service, username)
        self._store.delete_password(service, username)
        self._drop(service, old)

    def _pieces(self, service: str, username: str) -> list[str]:
        pointer = self._store.get_password(service, username)
        if pointer is None:
            return []
        try:
            found = json.loads(pointer)
            return _names(username, str(found["generation"]), int(found["pieces"]))
        except (ValueError, TypeError, KeyError):
            return []

    def _drop(self, service: str, names: list[str]) -> None:
        for name in names:
            if self._store.get_password(service, name) is not None:
                self._store.delete_password(service, name)


def _names(username: str, generation: str, count: int) -> list[str]:
    return [f"{username}#{generation}.{number}" for number in range(count)]
