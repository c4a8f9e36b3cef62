"""Items in pieces, for Windows: its credential manager keeps 2,560 bytes (1,280 characters) each.

A new generation of pieces is written first and the pointer to it last, so that whatever happens
in between, the old item or the new one is there.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

from gpcli.auth.keyring_vault import Store

PIECE = 1280
"""The most characters in one item."""


class ChunkedStore:
    """A store whose items may be longer than those of the `store` behind it."""

    def __init__(
        self, store: Store, new_generation: Callable[[], str] = lambda: secrets.token_hex(4)
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
        count = -(-len(password) // PIECE) or 1
        for number, name in enumerate(_names(username, generation, count)):
            piece = password[number * PIECE : (number + 1) * PIECE]
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
