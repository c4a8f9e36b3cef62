"""Notifications of a desktop over D-Bus. Source: Desktop Notifications Specification 1.2."""

from __future__ import annotations

import time
from html import escape
from typing import Any

from jeepney import (  # type: ignore[import-untyped]  # ships no types
    DBusAddress,
    DBusErrorResponse,
    Message,
    new_method_call,
)
from jeepney.bus import get_connectable_addresses  # type: ignore[import-untyped]  # as above
from jeepney.io.blocking import DBusConnection, prep_socket  # type: ignore[import-untyped]
from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped]  # as above

from gpcli.changes.telling import TellingFailed

_SERVICE = DBusAddress(
    "/org/freedesktop/Notifications",
    bus_name="org.freedesktop.Notifications",
    interface="org.freedesktop.Notifications",
)
_NO_SERVICE = frozenset(
    f"org.freedesktop.DBus.Error.{name}"
    for name in ("ServiceUnknown", "NameHasNoOwner", "Spawn.ServiceNotFound")
)
"""Errors of a bus on which nobody shows notifications."""

_AS_THE_DESKTOP_HAS_IT = -1
"""How long a notification stays."""


def notify_over_bus(address: str, title: str, text: str, patience: float) -> None:
    """Show a notification over the bus at `address` within `patience` seconds.

    Raises: TellingFailed.
    """
    try:
        _notify(address, title, text, time.monotonic() + patience)
    except DBusErrorResponse as error:
        raise TellingFailed(_explain_refusal(error.name)) from error
    except TimeoutError as error:
        raise TellingFailed(f"The desktop did not answer within {patience:.3g} s.") from error
    except Exception as error:  # jeepney raises errors of any kind for what is no bus
        raise TellingFailed(
            "The session bus can't be reached: does DBUS_SESSION_BUS_ADDRESS name it rightly?"
        ) from error


def _notify(address: str, title: str, text: str, end: float) -> None:
    place = next(get_connectable_addresses(address))
    sock = prep_socket(place, timeout=max(end - time.monotonic(), 0.0))
    with sock, _TimedBus(sock, end) as bus:
        [capabilities] = bus.call(new_method_call(_SERVICE, "GetCapabilities"))
        shown = escape(text, quote=False) if "body-markup" in capabilities else text
        values: tuple[object, ...] = (title, 0, "", title, shown, [], {}, _AS_THE_DESKTOP_HAS_IT)
        bus.call(new_method_call(_SERVICE, "Notify", "susssasa{sv}i", values))


class _TimedBus(DBusConnection):  # type: ignore[misc]  # it ships no types
    """A connection that is used until `end`, in monotonic seconds."""

    def __init__(self, sock: Any, end: float) -> None:
        self._end = end
        super().__init__(sock)  # it says Hello, without a time limit of its own

    def send_and_get_reply(self, message: Message, *, timeout: float | None = None) -> Message:
        """Return the reply to a call; raise TimeoutError at the end, whatever `timeout` says."""
        del timeout
        return super().send_and_get_reply(message, timeout=max(self._end - time.monotonic(), 0.0))

    def call(self, message: Message) -> tuple[Any, ...]:
        """Return what a method returns; raise DBusErrorResponse, TimeoutError or OSError."""
        values: tuple[Any, ...] = unwrap_msg(self.send_and_get_reply(message))
        return values


def _explain_refusal(name: str) -> str:
    if name in _NO_SERVICE:
        return "Nothing on this desktop shows notifications: start its notification service."
    return f"The desktop refused the notification ({name})."
