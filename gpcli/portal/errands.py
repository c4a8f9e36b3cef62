"""Writes that can't get lost: journal first, one identifier per intent, a look when in doubt.

The intent's UUID stands in the resource as `identifier`, in `If-None-Exist`, and as
`X-Request-ID` (docs/portal.md, Writes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from gpcli.errors import Conflict, GpcliError, OutcomeUnknown
from gpcli.journal import Journal, State
from gpcli.net.door import Answer
from gpcli.net.trouble import BadAnswer, LateReply, LostReply
from gpcli.portal.exchange import Exchange
from gpcli.portal.fhir.appointment import UUID_SYSTEM
from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.fhir.element import Element
from gpcli.portal.outcome import error_of
from gpcli.portal.queries import by_identifier

Found = TypeVar("Found")

_UNKNOWN = "The request went out, but no answer came: it may or may not have been done."
_UNKNOWN_HINT = (
    "Look with gpcli appointments list before trying again; "
    "repeating with the same --request-id never does it twice."
)


class Errands:
    """Creates and updates at one portal, each in the journal before it leaves."""

    def __init__(self, exchange: Exchange, journal: Journal, now: Callable[[], datetime]) -> None:
        self._exchange = exchange
        self._journal = journal
        self._now = now

    def create(self, kind: str, resource: Mapping[str, Any], intent: UUID) -> Bundle:
        """Create and read back by the intent's identifier; returns exactly what is there.

        Raises OutcomeUnknown, Conflict when the portal has several, or the portal's refusal.
        """
        headers = {
            "If-None-Exist": f"identifier={UUID_SYSTEM}|{intent.urn}",
            "X-Request-ID": str(intent),
        }
        safe = kind in self._exchange.can().conditional_creates
        answer = self._send("POST", kind, resource, intent, None, headers, retry=safe)
        if answer and 200 <= answer.status < 300:
            return self._read_back(kind, intent)
        return self._in_doubt(lambda: _tried(lambda: self.find(kind, intent)), intent, answer)

    def find(self, kind: str, intent: UUID) -> Bundle | None:
        """What an earlier write with this intent left, if anything."""
        there = self._exchange.whole(by_identifier(kind, intent))
        return there if there.matches else None

    def update(
        self,
        reference: str,
        change: Callable[[Element], dict[str, Any]],
        is_done: Callable[[Element], bool],
        intent: UUID,
    ) -> tuple[Element, bool]:
        """Read, change, put back with If-Match; returns the record and whether it changed.

        Everything that `change` does not touch goes back as it came. Raises Conflict when
        somebody else changed the record in between, OutcomeUnknown, or the portal's refusal.
        """
        record, read = self._exchange.read(reference)
        if is_done(record):
            return record, False
        headers = {"If-Match": _version(record, read), "X-Request-ID": str(intent)}
        answer = self._send("PUT", reference, change(record), intent, reference, headers)
        if answer and 200 <= answer.status < 300:
            self._end(intent, "done")
            return self._exchange.read(reference)[0], True

        def look() -> Element | None:
            there = _tried(lambda: self._exchange.read(reference)[0])
            return there if there and is_done(there) else None

        return self._in_doubt(look, intent, answer), answer is None

    def _send(
        self,
        method: str,
        path: str,
        resource: Mapping[str, Any],
        intent: UUID,
        target: str | None,
        headers: Mapping[str, str],
        *,
        retry: bool = False,
    ) -> Answer | None:
        """The answer, or `None` when the request may have arrived and none came."""
        self._journal.begin(intent, resource, target, self._stamp())
        try:
            return self._exchange.door.send(method, path, resource, headers=headers, retry=retry)
        except (LostReply, LateReply, BadAnswer) as trouble:
            if trouble.sent:
                return None
            self._end(intent, "not_sent")
            raise
        except GpcliError:
            self._end(intent, "not_sent")
            raise

    def _read_back(self, kind: str, intent: UUID) -> Bundle:
        self._end(intent, "done")
        there = self.find(kind, intent)
        if there is None or len(there.matches) != 1:
            number = len(there.matches) if there else 0
            raise Conflict(
                f"The portal took the request but shows {number} records for it.",
                hint="gpcli appointments list shows what is there.",
                request_id=str(intent),
            )
        return there

    def _in_doubt(
        self, look: Callable[[], Found | None], intent: UUID, answer: Answer | None
    ) -> Found:
        """A look: found = done; a refusal = not done; else nobody knows.

        A 409 or 412 may be the echo of our own earlier try, so it is looked into as well.
        """
        refusal = error_of(answer) if answer and _final(answer.status) else None
        there = None if refusal and answer and answer.status not in {409, 412} else look()
        if there is not None:
            self._end(intent, "done")
            return there
        self._end(intent, "refused" if refusal else "unknown")
        raise refusal or OutcomeUnknown(_UNKNOWN, hint=_UNKNOWN_HINT, request_id=str(intent))

    def _end(self, intent: UUID, state: State) -> None:
        self._journal.end(intent, state, self._stamp())

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")


def _final(status: int) -> bool:
    return status < 500 and status not in {408, 423, 424, 429}


def _tried(question: Callable[[], Found | None]) -> Found | None:
    try:
        return question()
    except GpcliError:
        return None


def _version(record: Element, read: Answer) -> str:
    """The ETag, or where a server sends none, one made of `meta.versionId` (R4 3.1.0.5)."""
    meta = record.child("meta")
    version = meta.text("versionId") if meta else None
    return read.headers.get("ETag") or f'W/"{version or ""}"'
