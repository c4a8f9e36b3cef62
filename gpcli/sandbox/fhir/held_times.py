"""Keep times for a patient for some minutes: what `Appointment/$hold` promises."""

from datetime import datetime, timedelta

from gpcli.sandbox.fhir.dates import to_microseconds
from gpcli.sandbox.store import Store

HOLD_FOR = timedelta(minutes=10)
"""How long a time is held."""


def find_holder(store: Store, slot: str, now: datetime) -> str | None:
    """Return the id of the patient for whom a Slot is held at `now`; None if it is not held."""
    sql = "SELECT patient FROM held WHERE slot = ? AND until > ?"
    found = store.execute(sql, (slot, to_microseconds(now)))
    return str(found[0][0]) if found else None


def hold_slot(store: Store, slot: str, patient: str, now: datetime) -> bool:
    """Hold a Slot for a patient from `now` on; return whether nobody else holds it."""
    with store.transaction():
        if find_holder(store, slot, now) not in {None, patient}:
            return False
        until = to_microseconds(now + HOLD_FOR)
        store.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", (slot, patient, until))
        return True


def release_slot(store: Store, slot: str) -> None:
    """End the holding of a Slot."""
    store.execute("DELETE FROM held WHERE slot = ?", (slot,))
