"""Creating records that refer to each other: a thread's header and its first message.

They go in one transaction where the portal has it, else one after the other. Each part has an
identifier and a journal entry of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from gpcli.errors import GpcliError, OutcomeUnknown
from gpcli.fhir.bundle import Bundle
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import (
    PriorWrite,
    WriteOutcome,
    judge_transaction,
    with_partial_write_hint,
)
from gpcli.portal.write.requests import WritePart, build_bundle_request


def create_in_transaction(
    kernel: WriteKernel, parts: Sequence[WritePart], request_id: UUID
) -> WriteOutcome:
    """Create several resources of one type in a transaction, and read them back.

    One part refers to another by `build_entry_url` of its intent. `request_id` is the
    `--request-id` with which the person can repeat the command. A portal that does not roll back
    may keep some parts of what it refused: the error's hint says so.
    Raises: OutcomeUnknown, Conflict where the portal has several records for one part, ConfigError
    for the journal, or the portal's refusal.
    """
    priors = [kernel.read_prior(part, request_id) for part in parts]
    conditional = all(prior.conditional for prior in priors)
    look = partial(kernel.look, parts[0].resource_type, [part.intent for part in parts])
    seen = kernel.look_for_earlier(priors, look)
    present = [prior for prior in priors if seen and seen.of(prior.intent).matches]
    if seen and len(present) == len(priors):
        return kernel.accept_earlier(priors, seen)
    response = None
    if not present and not any(prior.pending for prior in priors):
        request = build_bundle_request(
            "transaction",
            parts,
            request_id,
            conditional=conditional,
            retry=all(prior.wait is None for prior in priors),
        )
        response = kernel.send(request)
    verdict = judge_transaction(response, len(parts), conditional=conditional)
    return kernel.settle(priors, verdict._replace(is_new=verdict.is_new and not present), look)


def create_in_turn(
    kernel: WriteKernel,
    first: WritePart,
    then: Callable[[str], WritePart],
    request_id: UUID,
    *,
    begun: bool,
) -> WriteOutcome:
    """Create `first`, then the part that `then` builds from the reference to `first`.

    `begun` says that the portal has `first` already, from an earlier run. Where it has `first` in
    the end and lacks the other, the error's hint says so. Raises: as `WriteKernel.create`.
    """
    planned = then(first.intent.urn)  # as `first` has no id yet; its intent is what counts here
    # What the journal knows of `first` is read by `create`.
    prior = PriorWrite(first.resource_type, first.intent, request_id)
    priors = [prior, kernel.read_prior(planned, request_id)]
    journaled = not begun and not priors[1].pending
    if journaled and priors[1].known:
        seen = kernel.look(first.resource_type, [first.intent, planned.intent])
        if all(seen.of(each.intent).matches for each in priors):
            return kernel.collect(priors, seen, changed=False)
    if begun:
        seen = kernel.look(first.resource_type, [first.intent])
        header = kernel.collect([prior], seen, changed=False)
    else:
        header = _create_first(kernel, first, planned if journaled else None, request_id)
    reference = header.record.relative_reference
    part = then(reference)
    try:
        message = kernel.create(part, request_id=request_id, journaled=journaled)
    except OutcomeUnknown:
        raise
    except GpcliError as error:
        raise with_partial_write_hint(error, [reference], request_id) from error
    along = Bundle()
    for outcome in (header, message):
        along.merge(outcome.along)
    return WriteOutcome((header.record, message.record), along, Bundle(), message.changed)


def _create_first(
    kernel: WriteKernel, first: WritePart, planned: WritePart | None, request_id: UUID
) -> WriteOutcome:
    """Create `first`; `planned`, the part to follow, is recorded in the journal before it."""
    if planned:
        kernel.record_sending(planned)
    try:
        return kernel.create(first, request_id=request_id)
    except GpcliError:
        if planned:
            kernel.record_not_sent(planned.intent)
        raise
