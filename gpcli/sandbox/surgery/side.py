"""The surgery's answers: due some time after the patient wrote, and carried out then."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gpcli.sandbox.answered import Answered, NothingWaits
from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.dates import microseconds
from gpcli.sandbox.fhir.elements import Resource, reference_to, references
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.letters import answer_message, unanswered
from gpcli.sandbox.surgery.renewal import answer_renewal
from gpcli.sandbox.surgery.reply import AS_IT_SEES_FIT, Reply
from gpcli.sandbox.surgery.visits import answer_visit

_ANSWERS: Mapping[str, Callable[[Store, Resource, datetime, Reply], Answered | None]] = {
    "Appointment": answer_visit,
    "Communication": answer_message,
    "Task": answer_renewal,
}
"""What the surgery answers; each returns None if there is nothing more to say."""


class SurgerySide:
    """The surgery's answers, `delay` after they were asked for; at once if it is zero.

    What is due is kept in the store's file and survives a restart.
    """

    def __init__(self, store: Store, clock: Clock, delay: timedelta = timedelta()) -> None:
        self.delay = delay
        self._store = store
        self._clock = clock

    def expect(self, written: Resource) -> None:
        """Note that a booking, a message or a request waits; with no delay it is answered now."""
        due = microseconds(self._clock.now() + self.delay)
        reference = reference_to(written)
        self._store.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?)", (reference, due))
        if not self.delay:
            self._answer(reference)

    def forget(self, reference: str) -> None:
        """Drop the answer to what was cancelled or deleted: `Appointment/x`."""
        self._store.execute("DELETE FROM waiting WHERE reference = ?", (reference,))

    def catch_up(self) -> int:
        """Carry out every answer that is due by the clock; returns how many."""
        present = microseconds(self._clock.now())
        return sum(self._answer(reference)[0] for reference in self._waiting(present))

    def answer(self, wanted: str | None = None, reply: Reply = AS_IT_SEES_FIT) -> list[Answered]:
        """Answer now what waits, due or not; all of it, or what `wanted` names.

        `wanted` is an id, or a reference with its type; a thread goes by its header or by any
        of its messages. What the people came with waits for nobody, until it is named here.
        Raises NothingWaits if nothing of that name does.
        """
        with self._store.transaction():
            named = self._waiting() if wanted is None else self._called_in(wanted)
            answers = [self._answer(each, reply)[1] for each in named]
        told = [each for each in answers if each is not None]
        if wanted is not None and not told:
            raise NothingWaits(wanted)
        return told

    def _waiting(self, until: int = 2**62) -> list[str]:
        sql = "SELECT reference FROM waiting WHERE due <= ? ORDER BY due, reference"
        return [row[0] for row in self._store.execute(sql, (until,))]

    def _called_in(self, wanted: str) -> list[str]:
        """What `wanted` names, made to wait; of a thread, the patient's last message."""
        type_, _, id_ = wanted.rpartition("/")
        found = [self._store.get(each, id_) for each in _ANSWERS if type_ in ("", each)]
        written = [self._last_word(each) for each in found if each]
        references_ = [reference_to(each) for each in written if each]
        for each in references_:
            self._store.execute("INSERT OR IGNORE INTO waiting VALUES (?, 0)", (each,))
        return references_

    def _last_word(self, written: Resource) -> Resource | None:
        """What is to be answered; one answer does for all that the patient wrote in a thread."""
        if written["resourceType"] != "Communication":
            return written
        message = unanswered(self._store, written)
        for thread in references(message or {}, "partOf"):
            for each in self._store.find("Communication", part_of=thread):
                self.forget(reference_to(each))
        return message

    def _answer(
        self, reference: str, reply: Reply = AS_IT_SEES_FIT
    ) -> tuple[bool, Answered | None]:
        """Give one answer, unless another request has given it meanwhile."""
        with self._store.transaction():
            sql = "DELETE FROM waiting WHERE reference = ? RETURNING 1"
            if not self._store.execute(sql, (reference,)):
                return False, None
            return True, self._decide(reference, reply)

    def _decide(self, reference: str, reply: Reply) -> Answered | None:
        type_, _, id_ = reference.partition("/")
        written = self._store.get(type_, id_)
        if written is None:
            return None
        return _ANSWERS[type_](self._store, written, self._clock.now(), reply)
