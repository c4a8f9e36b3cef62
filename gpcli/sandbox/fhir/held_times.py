"""Keep times for a patient for some minutes: what `Appointment/$hold` promises."""

from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

HOLD_FOR = timedelta(minutes=10)
"""How long a time is held."""


class _Hold(NamedTuple):
    patient: str
    until: datetime


class HeldTimes:
    """The Slots that are held, by reference; they are forgotten when the portal ends."""

    def __init__(self) -> None:
        self._holds: dict[str, _Hold] = {}
        self._lock = Lock()

    def hold(self, slot: str, patient: str, now: datetime) -> bool:
        """Hold a Slot for a patient from `now` on; return whether nobody else holds it."""
        with self._lock:
            held = self._holds.get(slot)
            if held and held.patient != patient and now < held.until:
                return False
            self._holds[slot] = _Hold(patient, now + HOLD_FOR)
            return True

    def is_held_from(self, slot: str, patient: str, now: datetime) -> bool:
        """Return whether a Slot is held for somebody else than the patient."""
        with self._lock:
            held = self._holds.get(slot)
            return held is not None and held.patient != patient and now < held.until

    def is_held(self, slot: str, now: datetime) -> bool:
        """Return whether a Slot is held for anybody."""
        with self._lock:
            held = self._holds.get(slot)
            return held is not None and now < held.until

    def release(self, slot: str) -> None:
        """End the holding of a Slot."""
        with self._lock:
            self._holds.pop(slot, None)
