"""Creating what belongs together: a thread's header and its first message.

They go in one transaction where the portal has it, else one after the other. Each part has an
identifier and a place in the journal of its own; all carry the same `X-Request-ID`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from gpcli.errors import GpcliError, OutcomeUnknown
from gpcli.fhir.bundle import Bundle
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import PriorWrite, WriteOutcome, judge_transaction, with_remains
from gpcli.portal.write.requests import WritePart, bundle_request


def create_together(
    kernel: WriteKernel, parts: Sequence[WritePart], request_id: UUID
) -> WriteOutcome:
    """Create several resources of one type in a transaction, and read them back.

    One part refers to another by `build_entry_url` of its intent. `request_id` is what the person
    can repeat. A portal that does not roll back may keep some parts of what it refused: the error
    says so.
    Raises: OutcomeUnknown, Conflict where the portal has several records for one part, or the
    portal's refusal.
    """
    priors = [kernel.read_prior(part, request_id) for part in parts]
    look = partial(kernel.look, parts[0].kind, [part.intent for part in parts])
    seen = kernel.look_for_earlier(priors, look)
    there = [prior for prior in priors if seen and seen.of(prior.intent).matches]
    if seen and len(there) == len(priors):
        return kernel.accept_earlier(priors, seen)
    response = None
    if not there and not any(prior.pending for prior in priors):
        retry = all(prior.wait is None for prior in priors)
        response = kernel.send(bundle_request("transaction", parts, request_id, retry=retry))
    verdict = judge_transaction(response, len(parts))
    return kernel.settle(priors, verdict._replace(is_new=verdict.is_new and not there), look)


def create_in_turn(
    kernel: WriteKernel,
    first: WritePart,
    then: Callable[[str], WritePart],
    request_id: UUID,
    *,
    begun: bool,
) -> WriteOutcome:
    """Create `first`, then what `then` makes of its reference; `begun` says that it is there.

    Where `first` is there and the rest is not, the error says so. Raises: as `WriteKernel.create`.
    """
    planned = then(first.intent.urn)
    priors = [
        PriorWrite(first.kind, first.intent, request_id),  # `create` reads what is known of it
        kernel.read_prior(planned, request_id),
    ]
    journaled = not begun and not priors[1].pending
    if journaled and priors[1].known:
        seen = kernel.look(first.kind, [first.intent, planned.intent])
        if all(seen.of(prior.intent).matches for prior in priors):
            return kernel.collect(priors, seen, changed=False)
    if begun:
        seen = kernel.look(first.kind, [first.intent])
        header = kernel.collect(priors[:1], seen, changed=False)
    else:
        header = _create_first(kernel, first, planned if journaled else None, request_id)
    part = then(header.record.relative_reference)
    try:
        message = kernel.create(part, request_id=request_id, journaled=journaled)
    except OutcomeUnknown:
        raise
    except GpcliError as error:
        raise with_remains(error, [header.record.relative_reference], request_id) from error
    along = Bundle()
    for outcome in (header, message):
        along.merge(outcome.along)
    return WriteOutcome((header.record, message.record), along, Bundle(), message.changed)


def _create_first(
    kernel: WriteKernel, first: WritePart, planned: WritePart | None, request_id: UUID
) -> WriteOutcome:
    """Create `first`, with what is planned to follow it in the journal already."""
    if planned:
        kernel.record_sending(planned)
    try:
        return kernel.create(first, request_id=request_id)
    except GpcliError:
        if planned:
            kernel.record_not_sent(planned.intent)
        raise
