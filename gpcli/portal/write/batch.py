"""Several creates of one type, in one batch where the portal takes it; each has its outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from uuid import UUID

from gpcli.errors import ConfigError, GpcliError
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import HttpResponse
from gpcli.portal.search import read_entry_response
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import (
    PriorWrite,
    Seen,
    WriteOutcome,
    judge,
    require_one,
    unknown_outcome,
)
from gpcli.portal.write.requests import WritePart, build_bundle_request

PartOutcome = WriteOutcome | GpcliError


def create_each(
    kernel: WriteKernel, parts: Sequence[WritePart], request_id: UUID
) -> list[PartOutcome]:
    """Create resources of one type; return what became of each, in the same order.

    `request_id` is the `--request-id` with which the person can repeat the command. Each record is
    read back by its own identifier. At a portal that does not recognise a repeated request, the
    records that it has already are looked up first, and are not sent again.
    Raises: ConfigError where the journal can't be read or written, or the error of that look-up.
    """
    retry = (
        parts[0].resource_type in kernel.search.fetch_capabilities().conditional_creates
        if parts
        else True
    )
    outcomes = {} if retry else _find_earlier(kernel, parts, request_id)
    new = [part for part in parts if part.intent not in outcomes]
    if len(new) > 1 and kernel.search.fetch_capabilities().batch:
        sent = _create_in_batch(kernel, new, request_id, retry=retry)
    else:
        create = partial(kernel.create, request_id=request_id, looked=True)
        sent = [_catch(partial(create, part)) for part in new]
    outcomes |= {part.intent: outcome for part, outcome in zip(new, sent, strict=True)}
    return [outcomes[part.intent] for part in parts]


def _find_earlier(
    kernel: WriteKernel, parts: Sequence[WritePart], request_id: UUID
) -> dict[UUID, PartOutcome]:
    """Return the outcomes, by intent, of parts that the portal has or that may be on their way."""
    seen = kernel.look(parts[0].resource_type, [part.intent for part in parts])
    shown = [(part, seen.of(part.intent)) for part in parts]
    present = {
        part.intent: _catch(partial(_accept_existing, bundle, request_id, part.resource_type))
        for part, bundle in shown
        if bundle.matches
    }
    absent = [part for part, bundle in shown if not bundle.matches]
    priors = [kernel.read_prior(part, request_id) for part in absent]
    pending = {each.intent: unknown_outcome([each]) for each in priors if each.pending}
    return present | pending


def _create_in_batch(
    kernel: WriteKernel, parts: Sequence[WritePart], request_id: UUID, *, retry: bool
) -> list[PartOutcome]:
    can = kernel.search.fetch_capabilities()
    conditional = can.can_create_conditionally(parts[0].resource_type)
    request = build_bundle_request("batch", parts, request_id, conditional=conditional, retry=retry)
    try:
        batch = kernel.send(request)
    except ConfigError:
        raise
    except GpcliError as error:  # nothing was sent
        return [error for _ in parts]
    responses = _read_responses(batch, len(parts))
    for part, response in zip(parts, responses, strict=True):
        if response and response.is_success:
            kernel.record_state(part.intent, "done")
    priors = [kernel.read_prior(part, request_id, journaled=True) for part in parts]
    verdicts = [judge(response, conditional=conditional) for response in responses]
    pairs = list(zip(priors, verdicts, strict=True))
    unclear = [each for each, verdict in pairs if not verdict.is_done and not verdict.refusal]
    look = _look_for_all(kernel, priors, unclear)
    return [
        _catch(partial(kernel.settle, [prior], verdict, look, looked=True))
        for prior, verdict in pairs
    ]


def _look_for_all(
    kernel: WriteKernel, priors: Sequence[PriorWrite], unclear: Sequence[PriorWrite]
) -> Callable[[], Seen]:
    """Return a `look` for all parts that asks the portal when it is first called, and only then.

    It waits for the `unclear` parts. It never raises: where the portal can't be asked, every part
    has that error.
    """
    resource_type, intents = priors[0].resource_type, [prior.intent for prior in priors]
    look_again = partial(kernel.look, resource_type, intents)

    @cache
    def look() -> Seen:
        try:
            return kernel.look_until_found(look_again, priors, awaited=unclear)
        except GpcliError as error:
            return Seen(dict.fromkeys(intents, error), Bundle())

    return look


def _read_responses(batch: HttpResponse | None, parts: int) -> list[HttpResponse | None]:
    """Return the response to each part; `None` where it can't be told from the batch's."""
    if batch is None or not batch.is_success:
        return [batch] * parts
    try:
        entries = read_resource(batch.body).children("entry")
    except Malformed:
        entries = ()
    if len(entries) != parts:
        return [None] * parts
    return [_read_entry(entry, batch) for entry in entries]


def _read_entry(entry: Element, batch: HttpResponse) -> HttpResponse | None:
    try:
        return read_entry_response(entry, batch)
    except Malformed:
        return None


def _accept_existing(bundle: Bundle, request_id: UUID, resource_type: str) -> WriteOutcome:
    record = require_one(bundle, request_id, resource_type)
    return WriteOutcome((record,), bundle, Bundle(), changed=False)


def _catch(write: Callable[[], WriteOutcome]) -> PartOutcome:
    try:
        return write()
    except GpcliError as error:
        return error
