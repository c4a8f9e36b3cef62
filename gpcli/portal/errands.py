"""Writes that can't get lost: journal first, one identifier per intent, a look when in doubt.

The intent's UUID stands in the resource as `identifier`, in `If-None-Exist`, and as
`X-Request-ID` (docs/portal.md, Writes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from gpcli.errors import BadResponse, Conflict, GpcliError, OutcomeUnknown, SlotTaken
from gpcli.journal import Journal, State
from gpcli.net.door import Answer
from gpcli.net.trouble import BadAnswer, LateReply, LostReply
from gpcli.portal.exchange import Exchange
from gpcli.portal.fhir.appointment import UUID_SYSTEM
from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.fhir.element import Element, Malformed
from gpcli.portal.outcome import error_of
from gpcli.portal.queries import Query, by_identifier
from gpcli.portal.reading import must, whole

Found = TypeVar("Found")

_UNKNOWN = "The request went out, but no answer came: it may or may not have been done."

_LISTS = {"Appointment": "gpcli appointments list", "Consent": "gpcli consent show"}
"""Resource type -> the command that shows what is there."""

_MAY_BE_DONE = frozenset({408, 423, 424})
"""Statuses below 500 that leave open whether a write was done."""


class Created(NamedTuple):
    """What a create left: exactly the one record, what the witness knows, and whether it is new.

    `known` is empty where the portal does not answer the witness's question.
    """

    there: Bundle
    known: Bundle
    changed: bool


class Errands:
    """Creates and updates at one portal, each in the journal before it leaves."""

    def __init__(self, exchange: Exchange, journal: Journal, now: Callable[[], datetime]) -> None:
        self._exchange = exchange
        self._journal = journal
        self._now = now

    def create(
        self, kind: str, resource: Mapping[str, Any], intent: UUID, witness: Query | None = None
    ) -> Created:
        """Create and read back by the intent's identifier, in the same round trip as `witness`.

        Raises OutcomeUnknown, Conflict when the portal has several records or none, or the
        portal's refusal.
        """
        headers = {
            "If-None-Exist": f"identifier={UUID_SYSTEM}|{intent.urn}",
            "X-Request-ID": str(intent),
        }
        safe = kind in self._exchange.can().conditional_creates
        answer = self._send("POST", kind, resource, intent, None, headers, retry=safe)

        def look() -> tuple[Bundle, Bundle] | None:
            there, known = self._look(kind, intent, witness)
            return (there, known) if there.matches else None

        if answer and _is_success(answer):
            self._end(intent, "done")
            there, known = _read_back(lambda: self._look(kind, intent, witness), intent, kind)
        else:
            there, known = self._in_doubt(look, intent, answer, kind, repeated=safe)
        if len(there.matches) != 1:
            raise Conflict(
                f"The portal took the request but shows {len(there.matches)} records for it.",
                hint=_where(kind),
                request_id=str(intent),
            )
        return Created(there, known, changed=_is_new(answer))

    def update(
        self,
        reference: str,
        change: Callable[[Element], dict[str, Any]],
        is_done: Callable[[Element], bool],
        intent: UUID,
    ) -> tuple[Element, bool]:
        """Read, change, put back with If-Match; returns the record and whether it changed.

        Everything that `change` does not touch goes back as it came. Raises Conflict when
        somebody else changed the record in between or the portal kept it as it was,
        OutcomeUnknown, or the portal's refusal.
        """
        kind = reference.partition("/")[0]
        if self._journal.target_of(intent) not in {None, reference}:
            raise Conflict(
                "This --request-id was used for something else.",
                hint="Use a new --request-id for a new request.",
            )
        record, read = self._exchange.read(reference)
        if is_done(record):
            return record, False
        headers = {**_if_match(record, read), "X-Request-ID": str(intent)}
        answer = self._send("PUT", reference, change(record), intent, reference, headers)
        if answer and _is_success(answer):
            self._end(intent, "done")
            there = _read_back(lambda: self._exchange.read(reference)[0], intent, kind)
            return _really(there, is_done, intent), True

        def look() -> Element | None:
            there = self._exchange.read(reference)[0]
            return there if is_done(there) else None

        ours = answer is None or not _is_final(answer, repeated=False)
        return self._in_doubt(look, intent, answer, kind, repeated=False), ours

    def _look(self, kind: str, intent: UUID, witness: Query | None) -> tuple[Bundle, Bundle]:
        asked = (by_identifier(kind, intent), *((witness,) if witness else ()))
        there, *known = self._exchange.ask(*asked)
        told = known[0] if known and isinstance(known[0], Bundle) else Bundle()
        return bearing(whole(there), kind, intent), told

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

    def _in_doubt(
        self,
        look: Callable[[], Found | None],
        intent: UUID,
        answer: Answer | None,
        kind: str,
        *,
        repeated: bool,
    ) -> Found:
        """A look: found = done; a refusal = not done; else nobody knows.

        A 409, a 412 or a taken slot may be the echo of our own earlier try, so it is looked into
        as well. `repeated` says that the door may have sent it more than once.
        """
        refusal = error_of(answer) if answer and _is_final(answer, repeated=repeated) else None
        there = _tried(look) if refusal is None or _may_be_echo(answer, refusal) else None
        if there is not None:
            self._end(intent, "done")
            return there
        self._end(intent, "refused" if refusal else "unknown")
        raise refusal or OutcomeUnknown(
            _UNKNOWN,
            hint=f"{_where(kind)} Or repeat it with --request-id {intent}: "
            "that never does it twice.",
            request_id=str(intent),
        )

    def _end(self, intent: UUID, state: State) -> None:
        self._journal.end(intent, state, self._stamp())

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")


def bearing(bundle: Bundle, kind: str, intent: UUID) -> Bundle:
    """Of the resources found, those that carry the intent's identifier: lenient servers send all.

    One with identifiers that can't be read is not ours.
    """
    ours = [one for one in bundle.matches if one.kind == kind and _bears(one, intent)]
    return replace(bundle, matches=ours)


def _bears(one: Element, intent: UUID) -> bool:
    try:
        return any(each.text("value") == intent.urn for each in one.children("identifier"))
    except Malformed:
        return False


def _is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _is_final(answer: Answer, *, repeated: bool) -> bool:
    """Whether the answer says for sure that nothing was done.

    A 429 does, unless an earlier try of the same request got no answer.
    """
    may_be_done = _MAY_BE_DONE | {429} if repeated else _MAY_BE_DONE
    return answer.status < 500 and answer.status not in may_be_done


def _may_be_echo(answer: Answer | None, refusal: GpcliError) -> bool:
    return isinstance(refusal, SlotTaken) or (answer is not None and answer.status in {409, 412})


def _is_new(answer: Answer | None) -> bool:
    """Whether this made the record: a 200 to the only try says that it was there before."""
    return answer is None or answer.status != 200 or answer.tries > 1


def _where(kind: str) -> str:
    return f"{_LISTS.get(kind, 'gpcli services')} shows what is there."


def _read_back(look: Callable[[], Found], intent: UUID, kind: str) -> Found:
    """What is there now; raises OutcomeUnknown, since a failure here is none of the write."""
    try:
        return look()
    except GpcliError as trouble:
        raise OutcomeUnknown(
            f"The portal took the request, but it can't be read back: {trouble.message}",
            hint=_where(kind),
            request_id=str(intent),
        ) from trouble


def _really(there: Element, is_done: Callable[[Element], bool], intent: UUID) -> Element:
    if is_done(there):
        return there
    raise Conflict(
        f"The portal took the request, but shows {there.ref} as it was.",
        hint=_where(there.kind),
        request_id=str(intent),
    )


def _tried(question: Callable[[], Found | None]) -> Found | None:
    try:
        return question()
    except GpcliError:
        return None


def _if_match(record: Element, read: Answer) -> dict[str, str]:
    """The ETag, or where a server sends none, one made of `meta.versionId` (R4 3.1.0.5).

    Nothing for a server that keeps no versions. Raises BadResponse for one that can't be sent.
    """
    meta = must(lambda: record.child("meta"))
    version = must(lambda: meta.text("versionId") if meta else None)
    etag = read.headers.get("ETag") or (f'W/"{version}"' if version else "")
    if not (etag.isascii() and etag.isprintable()):
        raise BadResponse("The portal names a version that can't be sent back; nothing was sent.")
    return {"If-Match": etag} if etag else {}
