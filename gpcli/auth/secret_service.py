"""keyring's Secret Service backend, told which bus to use and whether a prompt may appear."""

from __future__ import annotations

import secretstorage
from jeepney.io.blocking import (  # type: ignore[import-untyped]  # ships no types
    DBusConnection,
    open_dbus_connection,
)
from keyring.backends.SecretService import Keyring
from keyring.errors import KeyringLocked
from secretstorage.util import add_match_rules


class SecretService(Keyring):
    """The default collection at the bus `address`.

    Unless `may_ask`, a locked or missing collection raises instead of opening a prompt.
    """

    def __init__(self, address: str, *, may_ask: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring leaves it untyped
        self._address = address
        self._may_ask = may_ask

    def get_preferred_collection(self) -> secretstorage.Collection:
        """The collection, unlocked; its connection is the caller's to close."""
        bus = self._connected()
        try:
            return self._unlocked(bus)
        except BaseException:
            bus.close()
            raise

    def _connected(self) -> DBusConnection:
        bus = open_dbus_connection(bus=self._address)
        add_match_rules(bus)
        return bus

    def _unlocked(self, bus: DBusConnection) -> secretstorage.Collection:
        if self._may_ask:
            collection = secretstorage.get_default_collection(bus)
        else:
            collection = secretstorage.Collection(bus)
        if collection.is_locked() and (not self._may_ask or collection.unlock()):
            raise KeyringLocked("locked")
        return collection
