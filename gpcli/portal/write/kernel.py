"""The one way to write: journal each part, send, look at what the portal has, settle.

A create, a batch, a transaction, `$book` and an update are data for it (`requests`); what a
response says is judged in `outcome`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from gpcli.errors import (
    Failure,
    GpcliError,
    NotFound,
    NotPermitted,
    SignInError,
    Unavailable,
    request_id_conflict,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.http.client import HttpResponse
from gpcli.http.network_errors import RequestError
from gpcli.http.send import TRACE_ID
from gpcli.journal import LATE, Journal, JournalEntry, State
from gpcli.portal.capabilities import OTHER_WAY_HINT
from gpcli.portal.mapping import SearchResult, require
from gpcli.portal.queries import Query, by_identifier
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.outcome import (
    Judgement,
    NotChanged,
    PriorWrite,
    Seen,
    WriteOutcome,
    build_list_hint,
    created_reference,
    fetch_or_none,
    has_taken_effect,
    is_certain_refusal,
    judge,
    read_back,
    require_one,
    require_recognisable,
    unknown_outcome,
    with_identifier,
    with_partial_write_hint,
)
from gpcli.portal.write.requests import (
    WritePart,
    WriteRequest,
    build_create_request,
    build_if_match,
    build_patch_request,
    build_update_request,
    find_effect,
)

_PRECONDITION_FAILED = 412

_MAX_LOOKS = 6
"""How often the portal is asked for what may have been written."""

_SEND_SHARE, _LOOK_SHARE = 2 / 3, 1 / 2
"""The shares of the time that is left for sending and for each look: another look is to fit in."""


class WriteKernel:
    """Writes at one portal, each in the journal before it leaves; `now` returns the aware time."""

    def __init__(self, search: FhirSearch, journal: Journal, now: Callable[[], datetime]) -> None:
        self.search = search
        self._journal = journal
        self._now = now
        self._trace_id: str | None = None

    def create(
        self,
        part: WritePart,
        extra_queries: Sequence[Query] = (),
        *,
        request_id: UUID | None = None,
        journaled: bool = False,
        looked: bool = False,
        read: Callable[[HttpResponse], HttpResponse] = lambda response: response,
    ) -> WriteOutcome:
        """Create a record once and read it back by its identifier.

        `extra_queries` go along with the query that reads it back; their results are `extra` of the
        outcome. `request_id` is the `--request-id` with which the person can repeat the command;
        `None` means the part's intent. `journaled` says that this run has recorded the part
        already; `looked`, that the caller has asked the portal for an earlier run's record. `read`
        turns the response into the one to judge.
        Raises: OutcomeUnknown, Conflict where the portal has several records or none, ConfigError
        where the journal can't be read or written, or the portal's refusal.
        """
        prior = self.read_prior(part, request_id or part.intent, journaled=journaled)
        look = partial(self.look, part.resource_type, [part.intent], *extra_queries)
        seen = None if looked else self.look_for_earlier([prior], look)
        if seen and seen.of(part.intent).matches:
            return self.accept_earlier([prior], seen)
        response = None
        if not prior.pending:
            request = build_create_request(
                part, conditional=prior.conditional, retry=prior.wait is None
            )
            response = self.send(request, journaled=journaled)
        verdict = judge(read(response) if response else None, conditional=prior.conditional)
        return self.settle([prior], verdict, look)

    def update(
        self,
        reference: str,
        change: Callable[[Element], dict[str, Any]],
        is_done: Callable[[Element], bool],
        intent: UUID,
        *,
        fresh: Element | None = None,
        build: Callable[[WritePart, Mapping[str, str]], WriteRequest] | None = None,
        read: Callable[[HttpResponse], HttpResponse] = lambda response: response,
    ) -> WriteOutcome:
        """Read a record, change it, and put it back with If-Match, or patch it.

        It is patched where the portal lists `patch` for the type and not `update`.

        Where `is_done` says of the record as read that it has the change, nothing is sent. `fresh`
        is the record where the caller has just read it, whole and with its version; `None` means
        that it is read here. `is_done` may raise Malformed, `change` must not. `build` makes the
        request of the part and the condition, `None` = a PUT or PATCH; `read` turns its response
        into the one to judge.
        Raises: NotPermitted where the portal can do neither, Conflict where somebody else changed
        the record in between, NotChanged where the portal kept it as it was, OutcomeUnknown,
        BadResponse for a record that can't be read, ConfigError for the journal, or the portal's
        refusal.
        """
        if self._journal.find_target(intent) not in {None, reference}:
            raise request_id_conflict()
        record, etag = (fresh.strictly(), None) if fresh else self._fetch(reference)
        if require(partial(is_done, record)):
            return WriteOutcome((record,), Bundle(), Bundle(), changed=False)
        changed = change(record)
        part = WritePart(intent, changed, reference, find_effect(record.json, changed) or None)
        prepare = build or partial(self._build_change, record)
        response = self.send(prepare(part, build_if_match(record, etag)))
        response = read(response) if response else None
        is_stale = response is not None and response.status == _PRECONDITION_FAILED
        if fresh and response and is_stale and not response.repeated:
            self.record_state(intent, "refused")
            return self.update(reference, change, is_done, intent, build=build, read=read)
        return self._settle_update(response, reference, is_done, intent)

    def _build_change(
        self, record: Element, part: WritePart, condition: Mapping[str, str]
    ) -> WriteRequest:
        """Return the PUT or the PATCH of a part; raise NotPermitted where neither is listed."""
        can = self.search.fetch_capabilities()
        if can.can_update(part.resource_type):
            return build_update_request(part, condition)
        if part.resource_type in can.patches:
            return build_patch_request(part, record.json, condition)
        raise NotPermitted(
            f"The portal does not let anyone change a {part.resource_type}: its description lists "
            "neither update nor patch for it. Nothing was sent.",
            hint=OTHER_WAY_HINT,
        )

    def read_prior(
        self,
        part: WritePart,
        request_id: UUID,
        *,
        journaled: bool = False,
        conditional: bool = True,
    ) -> PriorWrite:
        """Return what the journal knows of a create before it is sent.

        `journaled` says that this run has recorded it already, so that what the journal has is not
        an earlier run's. `conditional` says that it goes out in a way that can carry
        If-None-Exist; the portal's own description then tells whether it does.
        Raises: ConfigError where the journal can't be read.
        """
        resource_type, intent = part.resource_type, part.intent
        can = self.search.fetch_capabilities()
        if conditional and resource_type in can.conditional_creates:
            return PriorWrite(resource_type, intent, request_id, conditional=True)
        entry = None if journaled else self._journal.find_entry(intent)
        time_left = entry.time_left(self._now()) if entry else None
        return PriorWrite(
            resource_type,
            intent,
            request_id,
            conditional=conditional and can.can_create_conditionally(resource_type),
            wait=time_left or LATE,
            pending=time_left is not None,
            known=entry is not None,
        )

    def look(self, resource_type: str, intents: Sequence[UUID], *extra: Query) -> Seen:
        """Fetch what the portal has for some intents, and the results of `extra`, in one batch."""
        results = self.search.fetch_many(
            *(by_identifier(resource_type, each) for each in intents), *extra
        )
        found = {
            intent: with_identifier(result, resource_type, intent)
            if isinstance(result, Bundle)
            else result
            for intent, result in zip(intents, results, strict=False)
        }
        others = Bundle()
        for result in results[len(intents) :]:
            others.merge(result if isinstance(result, Bundle) else Bundle())
        return Seen(found, others)

    def look_for_earlier(
        self, priors: Sequence[PriorWrite], look: Callable[[], Seen]
    ) -> Seen | None:
        """Return what the portal has of an earlier run's parts; `None` if it wasn't asked.

        It is asked where the journal knows of a part and no earlier request is pending.
        """
        asks = any(prior.known for prior in priors) and not any(each.pending for each in priors)
        return look() if asks else None

    def accept_earlier(self, priors: Sequence[PriorWrite], seen: Seen) -> WriteOutcome:
        """Return the records that an earlier run made for all parts, and record each part as done.

        Raises: Conflict unless `seen` has one record for each part.
        """
        outcome = self.collect(priors, seen, changed=False)
        for prior in priors:
            self.record_state(prior.intent, "done")
        return outcome

    def send(self, request: WriteRequest, *, journaled: bool = False) -> HttpResponse | None:
        """Record each part in the journal, unless they are there (`journaled`), and send them.

        Returns the response; `None` if none came and the request may have arrived. How each part
        ended is for the caller to record. Where the request was not sent, that is recorded here.
        Raises: ConfigError where the journal can't be written, or the reason why nothing was sent.
        """
        self._trace_id = request.headers[TRACE_ID]
        begun = list(request.parts) if journaled else []
        try:
            for part in () if journaled else request.parts:
                self.record_sending(part)
                begun.append(part)
            with self.search.client.deadline.narrowed(_SEND_SHARE):
                return self.search.client.send(
                    request.method,
                    request.path,
                    request.body,
                    headers=request.headers,
                    retry=request.retry,
                )
        except GpcliError as error:
            if isinstance(error, RequestError) and error.sent:
                return None
            for part in begun:
                self.record_not_sent(part.intent)
            raise

    def settle(
        self,
        priors: Sequence[PriorWrite],
        verdict: Judgement,
        look: Callable[[], Seen],
        *,
        looked: bool = False,
    ) -> WriteOutcome:
        """Record how each part ended, and return the records that the portal has.

        `look` fetches these, with all parts' intents; `looked` says that it has been waited for
        them already.
        Raises: the refusal or OutcomeUnknown where the portal lacks a part's record, Conflict where
        it shows several, or none of what it took.
        """
        first = priors[0]
        if not verdict.is_done:
            seen = self._look_and_record(priors, verdict, look, looked=looked)
        else:
            for prior in priors:
                self.record_state(prior.intent, "done")
            seen = read_back(
                partial(self._look_or_read, look, priors, verdict.responses),
                first.request_id,
                first.resource_type,
            )
            for prior, response in zip(priors, verdict.responses, strict=True):
                require_recognisable(seen.of(prior.intent), response, prior)
        pending = any(prior.pending for prior in priors)
        return self.collect(priors, seen, changed=verdict.is_new and not pending)

    def look_until_found(
        self,
        look: Callable[[], Seen],
        priors: Sequence[PriorWrite],
        *,
        awaited: Sequence[PriorWrite],
        max_looks: int = _MAX_LOOKS,
    ) -> Seen:
        """Return what `look` finds, which is called again while it fails for want of an answer.

        It is, too, while a record of the `awaited` parts is not there: a portal may be slow to
        write. Before each time it waits, longer and longer, as long as the time limit allows it.
        Raises: the error of the last look.
        """
        for looks in count(1):
            with self.search.client.deadline.narrowed(_LOOK_SHARE):
                seen = _catch(look)
            if looks == max_looks or not _may_come(seen, priors, awaited):
                break
            if not self.search.client.wait_to_try_again(looks):
                break
        if isinstance(seen, GpcliError):
            raise seen
        return seen

    def _look_or_read(
        self,
        look: Callable[[], Seen],
        priors: Sequence[PriorWrite],
        responses: Sequence[HttpResponse],
    ) -> Seen:
        """Return what `look` finds after a success for every part.

        Where the portal has no search that would find them, or permits none, the records that the
        responses name are read. Raises: the error of any part's query, or of reading.
        """
        try:
            find = partial(self.look_until_found, look, priors, awaited=())
            return _look_or_raise(find, priors)
        except (NotFound, NotPermitted):
            pairs = zip(priors, map(created_reference, responses), strict=True)
            named = {prior.intent: reference for prior, reference in pairs if reference}
            if len(named) < len(priors):
                raise
        found: dict[UUID, SearchResult] = {}
        for intent, reference in named.items():
            record = self.search.fetch_resource(reference)[0]
            found[intent] = Bundle(matches=[record], resources={reference: record})
        return Seen(found, Bundle())

    def _look_and_record(
        self,
        priors: Sequence[PriorWrite],
        verdict: Judgement,
        look: Callable[[], Seen],
        *,
        looked: bool = False,
    ) -> Seen:
        """Look at what the portal has after a response that is no success, and record it.

        A part whose record is there is done; else it is refused, or unknown where the verdict has
        no refusal. After a refusal the portal is asked only where that may be the echo of an
        earlier try.
        Raises: the refusal or OutcomeUnknown where a part's record is not there.
        """
        asks = verdict.refusal is None or verdict.is_echo
        find = partial(
            self.look_until_found,
            look,
            priors,
            awaited=() if verdict.refusal else priors,
            max_looks=1 if looked else _MAX_LOOKS,
        )
        seen = fetch_or_none(partial(_look_or_raise, find, priors)) if asks else None
        present = [prior for prior in priors if seen and seen.of(prior.intent).matches]
        absent = [prior for prior in priors if prior not in present]
        for prior in present:
            self.record_state(prior.intent, "done")
        if not any(prior.pending for prior in priors):
            for prior in absent:
                self.record_state(prior.intent, "refused" if verdict.refusal else "unknown")
        if seen and not absent:
            return seen
        if verdict.refusal is None:
            raise unknown_outcome(priors, self._trace_id, verdict.retry_after)
        if seen and present:
            records = [seen.of(prior.intent).matches[0] for prior in present]
            references = [record.relative_reference for record in records]
            raise with_partial_write_hint(verdict.refusal, references, absent[0].request_id)
        raise verdict.refusal

    def collect(self, priors: Sequence[PriorWrite], seen: Seen, *, changed: bool) -> WriteOutcome:
        """Return the one record of each part; raises as `require_one`."""
        along, records = Bundle(), []
        for prior in priors:
            bundle = seen.of(prior.intent)
            records.append(require_one(bundle, prior.request_id, prior.resource_type))
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
        resource_type, verdict = reference.partition("/")[0], judge(response)
        latest: list[Element] = []

        def look() -> Seen:
            latest[:] = [self._fetch(reference)[0]]
            done = [record for record in latest if has_taken_effect(record, is_done)]
            return Seen({intent: Bundle(matches=done)}, Bundle())

        if verdict.is_done:
            self.record_state(intent, "done")
            prior = PriorWrite(resource_type, intent, intent)
            find = partial(self.look_until_found, look, [prior], awaited=())
            seen = read_back(find, intent, resource_type)
            if not seen.of(intent).matches:
                self.record_state(intent, "refused")
                shown = latest[0].relative_reference
                raise NotChanged(
                    f"The portal took the request, but shows {shown} as it was.",
                    hint=build_list_hint(resource_type),
                    request_id=str(intent),
                )
            return WriteOutcome((latest[0],), Bundle(), Bundle(), changed=True)
        self._look_and_record([PriorWrite(resource_type, intent, intent)], verdict, look)
        changed = response is None or not is_certain_refusal(response)
        return WriteOutcome((latest[0],), Bundle(), Bundle(), changed)

    def _fetch(self, reference: str) -> tuple[Element, str | None]:
        record, response = self.search.fetch_resource(reference)
        return record.strictly(), response.headers.get("ETag")

    def find_entry(self, intent: UUID) -> JournalEntry | None:
        """Return what the journal has of a write, `None` = nothing; raise ConfigError."""
        return self._journal.find_entry(intent)

    def record_sending(self, part: WritePart) -> None:
        """Record a part in the journal before it leaves; raise ConfigError."""
        self._journal.record_sending(
            part.intent,
            part.resource_type,
            self._timestamp(),
            target=part.target,
            effect=part.effect,
            whole=part.whole,
            time_limit=max(0.0, self.search.client.deadline.seconds_left()),
        )

    def record_state(self, intent: UUID, state: State, *, target: str | None = None) -> None:
        """Record in the journal how a write ended; `target` as in `Journal.record_state`."""
        self._journal.record_state(intent, state, self._timestamp(), target=target)

    def record_not_sent(self, intent: UUID, *, alone: bool = False) -> None:
        """Record in the journal that a write that was recorded as sending did not leave.

        `alone` is as in `Journal.record_not_sent`.
        """
        self._journal.record_not_sent(intent, self._timestamp(), alone=alone)

    def record_alone(self, intent: UUID) -> None:
        """Record that no write counts only together with this one; see `Journal`."""
        self._journal.record_alone(intent)

    def _timestamp(self) -> str:
        return self._now().isoformat(timespec="seconds")


def _catch(look: Callable[[], Seen]) -> Seen | GpcliError:
    """Return what `look` finds, or its error; raise SignInError, which no waiting helps."""
    try:
        return look()
    except SignInError:
        raise
    except GpcliError as error:
        return error


def _may_come(
    seen: Seen | GpcliError, priors: Sequence[PriorWrite], awaited: Sequence[PriorWrite]
) -> bool:
    """Return whether another look may find more: this one failed, or a record is not there yet."""
    found = seen.found if isinstance(seen, Seen) else {}
    results = [(prior, found.get(prior.intent, seen)) for prior in priors]
    return any(
        prior in awaited and not each.matches
        if isinstance(each, Bundle)
        else isinstance(each, Unavailable | Failure)
        for prior, each in results
    )


def _look_or_raise(look: Callable[[], Seen], priors: Sequence[PriorWrite]) -> Seen:
    """Return what `look` finds; raise the error of any part's query."""
    seen = look()
    for prior in priors:
        seen.of(prior.intent)
    return seen
