"""The one way to write: note it in the journal, send it, look where in doubt, settle.

A create, a batch, a transaction, `$book` and an update are data for it (`requests`); what a
response says is judged in `outcome`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from gpcli.errors import GpcliError, request_id_conflict
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.http.client import HttpResponse
from gpcli.http.network_errors import BadReply, LateReply, LostReply
from gpcli.journal import Journal, JournalEntry, State
from gpcli.portal.mapping import require
from gpcli.portal.queries import Query, by_identifier
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.outcome import (
    Judgement,
    NotChanged,
    PriorWrite,
    Seen,
    WriteOutcome,
    is_final,
    judge,
    matches,
    read_back,
    require_one,
    require_recognisable,
    try_ask,
    unknown_outcome,
    where_to_look,
    with_identifier,
    with_remains,
)
from gpcli.portal.write.requests import (
    WritePart,
    WriteRequest,
    build_if_match,
    create_request,
    update_request,
)

_PRECONDITION_FAILED = 412

LATE = timedelta(minutes=10)
"""How long a write may take to be done whose response was lost: a portal may be late."""


class WriteKernel:
    """Writes at one portal, each in the journal before it leaves; `now` gives the present."""

    def __init__(self, search: FhirSearch, journal: Journal, now: Callable[[], datetime]) -> None:
        self.search = search
        self._journal = journal
        self._now = now

    def create(
        self,
        part: WritePart,
        extra_query: Query | None = None,
        *,
        request_id: UUID | None = None,
        journaled: bool = False,
        looked: bool = False,
        read: Callable[[HttpResponse], HttpResponse] = lambda response: response,
    ) -> WriteOutcome:
        """Create a record once and read it back by its identifier.

        `extra_query` is asked in the round trip that reads it back. `request_id` is what the person
        can repeat, where this is only a part of it. `journaled` says that this run has begun it in
        the journal already; `looked`, that the caller has asked what the portal has of it. `read`
        gives the response as it is to be judged.
        Raises: OutcomeUnknown, Conflict where the portal has several records or none, ConfigError
        where the journal can't be written, or the portal's refusal.
        """
        prior = self.read_prior(part, request_id or part.intent, journaled=journaled)
        extra = [extra_query] if extra_query else []
        look = partial(self.look, part.kind, [part.intent], *extra)
        seen = None if looked else self.look_for_earlier([prior], look)
        if seen and seen.of(part.intent).matches:
            return self.accept_earlier([prior], seen)
        response = None
        if not prior.pending:
            request = create_request(part, retry=prior.wait is None)
            response = self.send(request, journaled=journaled)
        return self.settle([prior], judge(read(response) if response else None), look)

    def update(
        self,
        reference: str,
        change: Callable[[Element], dict[str, Any]],
        is_done: Callable[[Element], bool],
        intent: UUID,
        *,
        fresh: Element | None = None,
    ) -> WriteOutcome:
        """Read a record, change it, and put it back with If-Match.

        Everything that `change` does not touch goes back as it came. `fresh` is the record as it
        was read just now, whole and with its version: it spares reading it again.
        Raises: Conflict where somebody else changed the record in between, NotChanged where the
        portal kept it as it was, OutcomeUnknown, BadResponse for a record that can't be understood,
        or the portal's refusal.
        """
        if self._journal.find_target(intent) not in {None, reference}:
            raise request_id_conflict()
        record, etag = (fresh, None) if fresh else self._fetch(reference)
        if require(partial(is_done, record)):
            return WriteOutcome((record,), Bundle(), Bundle(), changed=False)
        part = WritePart(intent, change(record), reference)
        response = self.send(update_request(part, build_if_match(record, etag)))
        if fresh and response and response.status == _PRECONDITION_FAILED:
            self.record_state(intent, "refused")
            return self.update(reference, change, is_done, intent)
        return self._settle_update(response, reference, is_done, intent)

    def read_prior(
        self,
        part: WritePart,
        request_id: UUID,
        *,
        journaled: bool = False,
        conditional: bool = True,
    ) -> PriorWrite:
        """Return what the journal knows of a create before it is sent.

        `conditional` says that it is sent with If-None-Exist. Raises: ConfigError where the journal
        can't be read.
        """
        kind, intent = part.kind, part.intent
        if conditional and kind in self.search.fetch_capabilities().conditional_creates:
            return PriorWrite(kind, intent, request_id)
        entry = None if journaled else self._journal.find_entry(intent)
        rest = self._time_left(entry)
        return PriorWrite(
            kind, intent, request_id, rest or LATE, rest is not None, entry is not None
        )

    def _time_left(self, entry: JournalEntry | None) -> timedelta | None:
        """Return how long an earlier run's request may still be on its way; `None` = no longer."""
        if entry is None or entry.state not in {"sending", "unknown"}:
            return None
        try:
            since = self._now() - datetime.fromisoformat(entry.at)
        except (TypeError, ValueError):  # no time that gpcli wrote
            return None
        return LATE - since if abs(since) < LATE else None

    def look(self, kind: str, intents: Sequence[UUID], *extra: Query) -> Seen:
        """Ask, in one round trip, what the portal has for some intents, and `extra` besides."""
        results = self.search.fetch_many(*(by_identifier(kind, each) for each in intents), *extra)
        found = {
            intent: with_identifier(result, kind, intent) if isinstance(result, Bundle) else result
            for intent, result in zip(intents, results, strict=False)
        }
        others = Bundle()
        for result in results[len(intents) :]:
            others.merge(result if isinstance(result, Bundle) else Bundle())
        return Seen(found, others)

    def look_for_earlier(
        self, priors: Sequence[PriorWrite], look: Callable[[], Seen]
    ) -> Seen | None:
        """Return what the portal shows of what an earlier run has begun; `None` = it wasn't asked.

        It is asked where the journal knows of a part, and no request may still be on its way.
        """
        asks = any(prior.known for prior in priors) and not any(each.pending for each in priors)
        return look() if asks else None

    def accept_earlier(self, priors: Sequence[PriorWrite], seen: Seen) -> WriteOutcome:
        """Return what an earlier run has made of all parts; raises Conflict unless it is one each.

        The journal notes them as done.
        """
        outcome = self.collect(priors, seen, changed=False)
        for prior in priors:
            self.record_state(prior.intent, "done")
        return outcome

    def send(self, request: WriteRequest, *, journaled: bool = False) -> HttpResponse | None:
        """Note each part in the journal, and send; `journaled` = they are noted.

        `None` = the request may have arrived, and no answer came. How each part ended is still to
        be noted, unless the request was not sent: then that is noted, and the reason is raised.
        """
        begun = list(request.parts) if journaled else []
        try:
            for part in () if journaled else request.parts:
                self.record_sending(part)
                begun.append(part)
            return self.search.client.send(
                request.method,
                request.path,
                request.body,
                headers=request.headers,
                retry=request.retry,
            )
        except GpcliError as error:
            if isinstance(error, LostReply | LateReply | BadReply) and error.sent:
                return None
            for part in begun:
                self.record_not_sent(part.intent)
            raise

    def settle(
        self, priors: Sequence[PriorWrite], verdict: Judgement, look: Callable[[], Seen]
    ) -> WriteOutcome:
        """Note how each part ended, and return what is there.

        Raises: the refusal, or OutcomeUnknown, where a part is not there; Conflict where the portal
        shows several records of one.
        """
        first = priors[0]
        if not verdict.is_done:
            seen = self._find_out(priors, verdict, look)
        else:
            for prior in priors:
                self.record_state(prior.intent, "done")
            seen = read_back(partial(_look_at_all, look, priors), first.request_id, first.kind)
            for prior, response in zip(priors, verdict.responses, strict=True):
                require_recognisable(seen.of(prior.intent), response, prior)
        pending = any(prior.pending for prior in priors)
        return self.collect(priors, seen, changed=verdict.is_new and not pending)

    def _find_out(
        self, priors: Sequence[PriorWrite], verdict: Judgement, look: Callable[[], Seen]
    ) -> Seen:
        """Look what the portal has: found = done; not found = the refusal, or nobody knows.

        A refusal that may be the echo of an earlier try is looked into as well.
        """
        asks = verdict.refusal is None or verdict.is_echo
        seen = try_ask(partial(_look_at_all, look, priors)) if asks else None
        there = [prior for prior in priors if seen and seen.of(prior.intent).matches]
        absent = [prior for prior in priors if prior not in there]
        for prior in there:
            self.record_state(prior.intent, "done")
        if not any(prior.pending for prior in priors):
            for prior in absent:
                self.record_state(prior.intent, "refused" if verdict.refusal else "unknown")
        if seen and not absent:
            return seen
        if verdict.refusal is None:
            raise unknown_outcome(priors)
        references = (
            [seen.of(each.intent).matches[0].relative_reference for each in there] if seen else []
        )
        if references:
            raise with_remains(verdict.refusal, references, absent[0].request_id)
        raise verdict.refusal

    def collect(self, priors: Sequence[PriorWrite], seen: Seen, *, changed: bool) -> WriteOutcome:
        """Return the one record of each part; raises Conflict where there is none, or several."""
        along, records = Bundle(), []
        for prior in priors:
            bundle = seen.of(prior.intent)
            records.append(require_one(bundle, prior.request_id, prior.kind))
            along.merge(bundle)
        return WriteOutcome(tuple(records), along, seen.extra, changed)

    def _settle_update(
        self,
        response: HttpResponse | None,
        reference: str,
        is_done: Callable[[Element], bool],
        intent: UUID,
    ) -> WriteOutcome:
        """Return the record after a PUT, and whether it was this PUT that changed it."""
        kind, verdict = reference.partition("/")[0], judge(response)
        latest: list[Element] = []

        def look() -> Seen:
            latest[:] = [self._fetch(reference)[0]]
            done = [record for record in latest if matches(record, is_done)]
            return Seen({intent: Bundle(matches=done)}, Bundle())

        if verdict.is_done:
            self.record_state(intent, "done")
            seen = read_back(look, intent, kind)
            if not seen.of(intent).matches:
                self.record_state(intent, "refused")
                shown = latest[0].relative_reference
                raise NotChanged(
                    f"The portal took the request, but shows {shown} as it was.",
                    hint=where_to_look(kind),
                    request_id=str(intent),
                )
            return WriteOutcome((latest[0],), Bundle(), Bundle(), changed=True)
        self._find_out([PriorWrite(kind, intent, intent)], verdict, look)
        changed = response is None or not is_final(response)
        return WriteOutcome((latest[0],), Bundle(), Bundle(), changed)

    def _fetch(self, reference: str) -> tuple[Element, str | None]:
        record, response = self.search.fetch_resource(reference)
        return record, response.headers.get("ETag")

    def record_sending(self, part: WritePart) -> None:
        """Note a part in the journal before it leaves; raises ConfigError."""
        self._journal.record_sending(part.intent, part.resource, part.target, self._timestamp())

    def record_state(self, intent: UUID, state: State) -> None:
        """Note in the journal how a write ended."""
        self._journal.record_state(intent, state, self._timestamp())

    def record_not_sent(self, intent: UUID) -> None:
        """Note in the journal that what was begun did not leave."""
        self._journal.record_not_sent(intent, self._timestamp())

    def _timestamp(self) -> str:
        return self._now().isoformat(timespec="seconds")


def _look_at_all(look: Callable[[], Seen], priors: Sequence[PriorWrite]) -> Seen:
    """Return what `look` finds; raises the error of any part's query."""
    seen = look()
    for prior in priors:
        seen.of(prior.intent)
    return seen
