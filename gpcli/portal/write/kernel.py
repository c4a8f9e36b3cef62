"""Writes that can't get lost: journal first, one identifier per intent, a look when in doubt.

The intent's UUID stands in the resource as `identifier`, in `If-None-Exist`, and as
`X-Request-ID` (docs/portal.md, Writes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from gpcli.errors import GpcliError
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.http.client import HttpResponse
from gpcli.http.network_errors import BadReply, LateReply, LostReply
from gpcli.journal import Entry, Journal, State
from gpcli.portal.mapping import require, unwrap
from gpcli.portal.queries import Query, by_identifier
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.outcome import (
    bearing,
    if_match,
    is_final,
    is_new,
    is_success,
    may_be_echo,
    only_once,
    read_back,
    really,
    refusal_in,
    require_one,
    require_recognised,
    seems,
    tried,
    unknown,
    used_otherwise,
)

Found = TypeVar("Found")

_PRECONDITION_FAILED = 412

LATE = timedelta(minutes=10)
"""How long a write may take to be done whose answer was lost: a portal may be late."""


class Created(NamedTuple):
    """What a create left: exactly the one record, what the witness knows, and whether it is new.

    `known` is empty where the portal does not answer the witness's question.
    """

    there: Bundle
    known: Bundle
    changed: bool


class Doubt(NamedTuple):
    """A write of a resource of one kind of which nobody knows yet what became.

    `request` is what the person can repeat; `wait` is how long that only looks, `None` where the
    portal recognises what it gets again. `known` says that an earlier run has begun it, too, and
    `held` that this one has not sent it, since that may still be on its way.
    """

    kind: str
    intent: UUID
    request: UUID
    wait: timedelta | None = None
    held: bool = False
    known: bool = False


class WriteKernel:
    """Creates and updates at one portal, each in the journal before it leaves."""

    def __init__(self, exchange: FhirSearch, journal: Journal, now: Callable[[], datetime]) -> None:
        self._exchange = exchange
        self._journal = journal
        self._now = now

    def create(
        self,
        kind: str,
        resource: Mapping[str, Any],
        intent: UUID,
        witness: Query | None = None,
        *,
        request: UUID | None = None,
        noted: bool = False,
        looked: bool = False,
        through: Callable[[HttpResponse], HttpResponse] | None = None,
    ) -> Created:
        """Create and read back by the intent's identifier, in the same round trip as `witness`.

        `request` is what the person can repeat, where this is only a part of it; `noted` says that
        the journal has it already, as begun by this run; `through` makes of the answer what it is
        taken for. Where the portal would not recognise it, what the journal knows of is looked for
        first, unless the caller has `looked`, and only looked for when an earlier run sent it a
        short while ago. Raises OutcomeUnknown, Conflict when the portal has several records or
        none, or the portal's refusal.
        """
        doubt = self.doubt(kind, intent, request or intent, noted=noted)
        look = partial(self._look, kind, intent, witness)
        if doubt.held:
            return self.conclude(None, look, doubt)
        if doubt.known and not looked and (there := look())[0].matches:
            require_one(there[0], doubt.request, kind)
            self.end(intent, "done")
            return Created(*there, changed=False)
        headers = {"If-None-Exist": only_once(intent), "X-Request-ID": str(intent)}
        client, safe = self._exchange.client, doubt.wait is None
        answer = self.sent(
            {intent: resource},
            lambda: client.send("POST", kind, resource, headers=headers, retry=safe),
            noted=noted,
        )
        return self.conclude(through(answer) if answer and through else answer, look, doubt)

    def doubt(
        self,
        kind: str,
        intent: UUID,
        request: UUID,
        *,
        noted: bool = False,
        conditional: bool = True,
    ) -> Doubt:
        """What there would be to say if a create of this `kind` got no answer; `noted` as above.

        `conditional` says that it is sent with If-None-Exist. Raises ConfigError when the journal
        can't be read.
        """
        if conditional and kind in self._exchange.can().conditional_creates:
            return Doubt(kind, intent, request)
        entry = None if noted else self._journal.entry(intent)
        left = self._left(entry)
        return Doubt(kind, intent, request, left or LATE, left is not None, entry is not None)

    def _left(self, entry: Entry | None) -> timedelta | None:
        """How much longer what an earlier run sent may still be on its way; `None` = no longer."""
        if entry is None or entry.state not in {"sending", "unknown"}:
            return None
        try:
            since = self._now() - datetime.fromisoformat(entry.at)
        except (TypeError, ValueError):  # no time that gpcli wrote
            return None
        return LATE - since if abs(since) < LATE else None

    def conclude(
        self, answer: HttpResponse | None, look: Callable[[], tuple[Bundle, Bundle]], doubt: Doubt
    ) -> Created:
        """What a create left, by its answer (`None` = it may have arrived, and none came).

        `look` gives what bears the intent's identifier, and what a witness knows. Raises what
        `create` raises.
        """

        def found() -> tuple[Bundle, Bundle] | None:
            there, known = look()
            return (there, known) if there.matches else None

        if answer and is_success(answer):
            self.end(doubt.intent, "done")
            there, known = read_back(look, doubt.request, doubt.kind)
            require_recognised(there, answer, doubt.intent, doubt.request)
        else:
            there, known = self._in_doubt(found, answer, doubt)
        require_one(there, doubt.request, doubt.kind)
        return Created(there, known, changed=not doubt.held and is_new(answer))

    def update(
        self,
        reference: str,
        change: Callable[[Element], dict[str, Any]],
        is_done: Callable[[Element], bool],
        intent: UUID,
        *,
        known: Element | None = None,
    ) -> tuple[Element, bool]:
        """Read, change, put back with If-Match; returns the record and whether it changed.

        Everything that `change` does not touch goes back as it came. `known` is the record as it
        was read just now, whole and with its version: it spares reading it again. Raises
        Conflict when somebody else changed the record in between or the portal kept it as it was,
        OutcomeUnknown, BadResponse for a record that can't be understood, or the portal's refusal.
        """
        if self._journal.target_of(intent) not in {None, reference}:
            raise used_otherwise()
        record, etag = (known, None) if known else self._read(reference)
        if require(partial(is_done, record)):
            return record, False
        headers = {**if_match(record, etag), "X-Request-ID": str(intent)}
        changed = change(record)
        answer = self.sent(
            {intent: changed},
            lambda: self._exchange.client.send("PUT", reference, changed, headers=headers),
            target=reference,
        )
        if known and answer and answer.status == _PRECONDITION_FAILED:
            self.end(intent, "refused")
            return self.update(reference, change, is_done, intent)
        return self._changed(answer, reference, is_done, intent)

    def _changed(
        self,
        answer: HttpResponse | None,
        reference: str,
        is_done: Callable[[Element], bool],
        intent: UUID,
    ) -> tuple[Element, bool]:
        """The record after a PUT, by its answer, and whether it was this PUT that changed it."""
        kind = reference.partition("/")[0]
        if answer and is_success(answer):
            self.end(intent, "done")
            there = read_back(lambda: self._read(reference)[0], intent, kind)
            if not seems(there, is_done):
                self.end(intent, "refused")
            return really(there, is_done, intent), True

        def look() -> Element | None:
            there = self._read(reference)[0]
            return there if seems(there, is_done) else None

        ours = answer is None or not is_final(answer)
        return self._in_doubt(look, answer, Doubt(kind, intent, intent)), ours

    def _read(self, reference: str) -> tuple[Element, str | None]:
        record, answer = self._exchange.read(reference)
        return record, answer.headers.get("ETag")

    def _look(self, kind: str, intent: UUID, witness: Query | None) -> tuple[Bundle, Bundle]:
        asked = (by_identifier(kind, intent), *((witness,) if witness else ()))
        there, *known = self._exchange.ask(*asked)
        told = known[0] if known and isinstance(known[0], Bundle) else Bundle()
        return bearing(unwrap(there), kind, intent), told

    def sent(
        self,
        parts: Mapping[UUID, Mapping[str, Any]],
        send: Callable[[], HttpResponse],
        target: str | None = None,
        *,
        noted: bool = False,
    ) -> HttpResponse | None:
        """Send what holds these `parts`, resources by their intents, each in the journal first.

        `noted` says that they are in it. `None` when the request may have arrived and no answer
        came. How each part ended is still to be noted, unless the request was not sent: then that
        is noted, and why is raised.
        """
        begun = list(parts) if noted else []
        try:
            for intent in () if noted else parts:
                self.begin(intent, parts[intent], target)
                begun.append(intent)
            return send()
        except GpcliError as trouble:
            if isinstance(trouble, LostReply | LateReply | BadReply) and trouble.sent:
                return None
            for intent in begun:
                self.take_back(intent)
            raise

    def _in_doubt(
        self, look: Callable[[], Found | None], answer: HttpResponse | None, doubt: Doubt
    ) -> Found:
        """A look: found = done; a refusal = not done; else nobody knows.

        A 409, a 412 or a taken slot may be the echo of an earlier run's try, so it is looked into
        as well.
        """
        refusal = refusal_in(answer)
        there = tried(look) if refusal is None or may_be_echo(answer, refusal) else None
        if there is not None:
            self.end(doubt.intent, "done")
            return there
        if not doubt.held:
            self.end(doubt.intent, "refused" if refusal else "unknown")
        raise refusal or unknown(doubt.kind, doubt.request, doubt.wait)

    def begin(self, intent: UUID, resource: Mapping[str, Any], target: str | None) -> None:
        """Note a write in the journal before it leaves; raises ConfigError."""
        self._journal.begin(intent, resource, target, self._stamp())

    def end(self, intent: UUID, state: State) -> None:
        """Note in the journal how a write ended."""
        self._journal.end(intent, state, self._stamp())

    def take_back(self, intent: UUID) -> None:
        """Note in the journal that what was begun did not leave."""
        self._journal.take_back(intent, self._stamp())

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")
