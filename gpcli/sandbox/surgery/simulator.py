"""Answer what patients send, after a delay, as a surgery would."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.dates import MAX_MICROSECONDS, to_microseconds
from gpcli.sandbox.fhir.elements import Resource, reference_to, references_at
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.answer import (
    DEFAULT_OPTIONS,
    AnsweredRequest,
    AnswerOptions,
    NothingPending,
)
from gpcli.sandbox.surgery.appointment_answers import answer_appointment
from gpcli.sandbox.surgery.message_answers import answer_message, read_unanswered_message
from gpcli.sandbox.surgery.renewal_answers import answer_renewal

SMOKE_SYSTEM = "urn:gpcli:smoke"
"""The system of the identifiers by which the records of smoke tests are known."""

_ANSWERERS: Mapping[
    str, Callable[[Store, Resource, datetime, AnswerOptions], AnsweredRequest | None]
] = {
    "Appointment": answer_appointment,
    "Communication": answer_message,
    "Task": answer_renewal,
}
"""The functions that answer each type; they return None if there is nothing to answer."""


class SurgerySimulator:
    """The surgery, which answers requests after `delay`; immediately if that is zero.

    Pending requests are stored with the resources and survive a restart.
    """

    def __init__(self, store: Store, clock: Clock, delay: timedelta = timedelta()) -> None:
        self.delay = delay
        self._store = store
        self._clock = clock

    def enqueue(self, request: Resource) -> None:
        """Queue a booking, message or request for an answer; without delay, answer it now.

        What a smoke test made is left alone, as staff would: the test takes it back itself.
        """
        if any(each.get("system") == SMOKE_SYSTEM for each in request.get("identifier", ())):
            return
        due = to_microseconds(self._clock.now() + self.delay)
        reference = reference_to(request)
        self._store.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?)", (reference, due))
        if not self.delay:
            self._answer_one(reference)

    def cancel(self, reference: str) -> None:
        """Drop the pending answer to `reference`, which was cancelled or deleted."""
        self._store.execute("DELETE FROM waiting WHERE reference = ?", (reference,))

    def answer_due(self) -> int:
        """Give every answer that is due by the clock, and return their number."""
        now = to_microseconds(self._clock.now())
        return sum(self._answer_one(reference)[0] for reference in self._read_pending(now))

    def answer(
        self, reference_or_id: str | None = None, options: AnswerOptions = DEFAULT_OPTIONS
    ) -> list[AnsweredRequest]:
        """Answer pending requests now: all of them, or what `reference_or_id` names.

        A thread is named by its header or by any of its messages. Requests of the built-in
        population are pending only when they are named here.

        Raises:
            NothingPending: Nothing with that name is pending.
        """
        with self._store.transaction():
            if reference_or_id is None:
                pending = self._read_pending()
            else:
                pending = self._enqueue_named(reference_or_id)
            answers = [self._answer_one(each, options)[1] for each in pending]
        given = [each for each in answers if each is not None]
        if reference_or_id is not None and not given:
            raise NothingPending(reference_or_id)
        return given

    def _read_pending(self, until: int = MAX_MICROSECONDS) -> list[str]:
        """Return the references of what is due, up to `until` (microseconds since 1970)."""
        sql = "SELECT reference FROM waiting WHERE due <= ? ORDER BY due, reference"
        return [row[0] for row in self._store.execute(sql, (until,))]

    def _enqueue_named(self, reference_or_id: str) -> list[str]:
        """Queue what is named, and return its references; of a thread, the last message."""
        type_, _, id_ = reference_or_id.rpartition("/")
        found = [self._store.get(each, id_) for each in _ANSWERERS if type_ in ("", each)]
        requests = [self._select_request(each) for each in found if each]
        references = [reference_to(each) for each in requests if each]
        for each in references:
            self._store.execute("INSERT OR IGNORE INTO waiting VALUES (?, 0)", (each,))
        return references

    def _select_request(self, request: Resource) -> Resource | None:
        """Return what to answer: of a thread its last message, None if the surgery wrote that.

        One answer covers all messages of a thread, so nothing else of it stays pending.
        """
        if request["resourceType"] != "Communication":
            return request
        message = read_unanswered_message(self._store, request)
        for thread in references_at(message or {}, "partOf"):
            for each in self._store.find("Communication", part_of=thread):
                self.cancel(reference_to(each))
        return message

    def _answer_one(
        self, reference: str, options: AnswerOptions = DEFAULT_OPTIONS
    ) -> tuple[bool, AnsweredRequest | None]:
        """Give one answer, unless another thread has given it meanwhile.

        Returns whether it was still to be given, and what was answered: None if nothing was.
        """
        with self._store.transaction():
            sql = "DELETE FROM waiting WHERE reference = ? RETURNING 1"
            if not self._store.execute(sql, (reference,)):
                return False, None
            return True, self._decide_answer(reference, options)

    def _decide_answer(self, reference: str, options: AnswerOptions) -> AnsweredRequest | None:
        type_, _, id_ = reference.partition("/")
        request = self._store.get(type_, id_)
        if request is None:
            return None
        return _ANSWERERS[type_](self._store, request, self._clock.now(), options)
