"""keyring's Secret Service backend, on a given bus, with or without prompts."""

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
    """The Secret Service's default collection, on the bus at `address`.

    Unless `may_ask`, a locked or missing collection is an error instead of a prompt. All methods
    of keyring's backend get their collection from its public `get_preferred_collection`, which is
    the one that is overridden.
    """

    def __init__(self, address: str, *, may_ask: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring leaves it untyped
        self._address = address
        self._may_ask = may_ask

    def get_preferred_collection(self) -> secretstorage.Collection:
        """Return the unlocked collection, whose connection the caller closes.

        Raises: KeyringLocked, also where the person dismisses the prompt.
        """
        bus = self._connect()
        try:
            return self._open_collection(bus)
        except BaseException:
            bus.close()
            raise

    def _connect(self) -> DBusConnection:
        # As secretstorage.dbus_init does, which knows only the bus in the process's environment.
        bus = open_dbus_connection(bus=self._address)
        add_match_rules(bus)
        return bus

    def _open_collection(self, bus: DBusConnection) -> secretstorage.Collection:
        if self._may_ask:
            collection = secretstorage.get_default_collection(bus)
        else:
            collection = secretstorage.Collection(bus)
        # unlock() returns whether the person dismissed its prompt.
        if collection.is_locked() and (not self._may_ask or collection.unlock()):
            raise KeyringLocked("locked")
        return collection
