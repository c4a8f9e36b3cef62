"""The surgery's answers: due some time after the patient wrote, and carried out then."""

from datetime import datetime, timedelta

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.dates import microseconds
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.confirm import confirm
from gpcli.sandbox.surgery.enquiry import answer_enquiry


class SurgerySide:
    """The surgery's answers, `delay` after they were asked for; at once if it is zero.

    What is due is kept in the store's file and survives a restart.
    """

    def __init__(self, store: Store, clock: Clock, delay: timedelta = timedelta()) -> None:
        self.delay = delay
        self._store = store
        self._clock = clock

    def expect(self, appointment: Resource) -> None:
        """Note that a booking or an enquiry waits for an answer; with no delay it gets it now."""
        due = self._clock.now() + self.delay
        self._store.execute(
            "INSERT OR REPLACE INTO answer VALUES (?, ?)", (appointment["id"], microseconds(due))
        )
        if not self.delay:
            self._answer(appointment["id"])

    def forget(self, appointment_id: str) -> None:
        """Drop the answer to an appointment that was cancelled or deleted."""
        self._store.execute("DELETE FROM answer WHERE appointment = ?", (appointment_id,))

    def catch_up(self) -> int:
        """Carry out every answer that is due by the clock; returns how many."""
        due = self._due(self._clock.now())
        return sum(self._answer(appointment_id) for appointment_id in due)

    def _due(self, now: datetime) -> list[str]:
        sql = "SELECT appointment FROM answer WHERE due <= ? ORDER BY due, appointment"
        return [row[0] for row in self._store.execute(sql, (microseconds(now),))]

    def _answer(self, appointment_id: str) -> bool:
        """Give one answer, unless another request has given it meanwhile."""
        with self._store.transaction():
            sql = "DELETE FROM answer WHERE appointment = ? RETURNING 1"
            if not self._store.execute(sql, (appointment_id,)):
                return False
            appointment = self._store.get("Appointment", appointment_id)
            if appointment is not None:
                self._decide(appointment)
        return True

    def _decide(self, appointment: Resource) -> None:
        if appointment["status"] == "pending":
            confirm(self._store, appointment)
        if appointment["status"] == "proposed":
            answer_enquiry(self._store, appointment, self._clock.now())
