"""Creating what belongs together: a thread's header and its first message.

In one transaction where the portal has it, else one after the other. Each part has an identifier
and a place in the journal of its own; all carry the same `X-Request-ID`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from gpcli.errors import GpcliError, OutcomeUnknown
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, resource
from gpcli.http.client import HttpResponse
from gpcli.journal import State
from gpcli.portal.error_mapping import error_of
from gpcli.portal.mapping import unwrap
from gpcli.portal.queries import by_identifier
from gpcli.portal.search import FhirSearch, answer_in
from gpcli.portal.write.kernel import Doubt, WriteKernel
from gpcli.portal.write.outcome import (
    bearing,
    create_entry,
    entry_url,
    is_success,
    read_back,
    refusal_in,
    require_one,
    require_recognised,
    tried,
    unknown,
)


class Part(NamedTuple):
    """A resource and the intent whose identifier it carries."""

    intent: UUID
    resource: Mapping[str, Any]


class Made(NamedTuple):
    """What was created: each part in order, all that came along, and whether any is new."""

    parts: tuple[Element, ...]
    along: Bundle
    changed: bool


def create_together(
    exchange: FhirSearch, kernel: WriteKernel, parts: Sequence[Part], request: UUID
) -> Made:
    """Create several resources of one type in a transaction, and read them back.

    One part refers to another by `entry_url` of its intent. What the journal knows of is looked for
    first where the portal would not recognise it. Raises OutcomeUnknown, Conflict when the portal
    has several records for one part, or the portal's refusal. A portal that does not roll back may
    keep some parts of what it refused: the error says so.
    """
    kind = str(parts[0].resource["resourceType"])
    doubts = [kernel.doubt(kind, part.intent, request) for part in parts]
    look = partial(_look, exchange, kind, [part.intent for part in parts])
    held = any(doubt.held for doubt in doubts)
    if not held and any(doubt.known for doubt in doubts):
        held = any(found.matches for found in look())
    answer = None if held else _send(exchange, kernel, parts, request)
    if _all_done(answer, len(parts)):
        _note(kernel, parts, "done")
        there = read_back(look, request, kind)
        for part, found, entry in zip(parts, there, _entries(answer), strict=True):
            require_recognised(found, entry, part.intent, request)
    else:
        there = tried(look) or [Bundle() for _ in parts]
        refusal = refusal_in(answer) or _refusal_inside(answer)
        _settle(kernel, doubts, there, refusal)
    again = answer is not None and answer.repeated
    changed = {each.status for each in _entries(answer)} != {200} or again
    return _made(there, request, kind, changed=changed and not held)


def create_in_turn(
    exchange: FhirSearch,
    kernel: WriteKernel,
    first: Part,
    then: Callable[[str], Part],
    request: UUID,
    *,
    begun: bool,
) -> Made:
    """Create `first`, then what `then` makes of its reference; `begun` says that it is there.

    What the journal knows of is looked for first where the portal would not recognise it. Raises
    what `WriteKernel.create` raises. Where `first` is there and the rest is not, the error says so.
    """
    kind = str(first.resource["resourceType"])
    planned = then(first.intent.urn)
    doubt = kernel.doubt(kind, planned.intent, request)
    noted = not begun and not doubt.held
    if noted and doubt.known:
        there = _look(exchange, kind, [first.intent, planned.intent])
        if all(found.matches for found in there):
            return _made(there, request, kind, changed=False)
    if begun:
        (header,) = _look(exchange, kind, [first.intent])
        require_one(header, request, kind)
    else:
        header = _header(kernel, first, planned if noted else None, request)
    reference = header.matches[0].ref
    part = then(reference)
    try:
        created = kernel.create(kind, part.resource, part.intent, request=request, noted=noted)
    except OutcomeUnknown:
        raise
    except GpcliError as trouble:
        raise _with_remains(trouble, [reference], request) from trouble
    return _made([header, created.there], request, kind, changed=created.changed)


def _header(kernel: WriteKernel, first: Part, planned: Part | None, request: UUID) -> Bundle:
    """`first`, created while the journal knows already of what is `planned` to follow it."""
    if planned:
        kernel.begin(planned.intent, planned.resource, None)
    kind = str(first.resource["resourceType"])
    try:
        return kernel.create(kind, first.resource, first.intent, request=request).there
    except GpcliError:
        if planned:
            kernel.take_back(planned.intent)
        raise


def _send(
    exchange: FhirSearch, kernel: WriteKernel, parts: Sequence[Part], request: UUID
) -> HttpResponse | None:
    safe = parts[0].resource["resourceType"] in exchange.can().conditional_creates
    body = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"fullUrl": entry_url(part.intent), **create_entry(*part)} for part in parts],
    }
    headers = {"X-Request-ID": str(request)}
    return kernel.sent(
        {part.intent: part.resource for part in parts},
        lambda: exchange.client.send("POST", "", body, headers=headers, retry=safe),
    )


def _look(exchange: FhirSearch, kind: str, intents: Sequence[UUID]) -> list[Bundle]:
    found = exchange.ask(*(by_identifier(kind, intent) for intent in intents))
    return [
        bearing(unwrap(each), kind, intent) for each, intent in zip(found, intents, strict=True)
    ]


def _settle(
    kernel: WriteKernel,
    doubts: Sequence[Doubt],
    there: Sequence[Bundle],
    refusal: GpcliError | None,
) -> None:
    """Note how each part ended; raise the refusal, or OutcomeUnknown, if one is not there."""
    present = [doubt for doubt, found in zip(doubts, there, strict=True) if found.matches]
    absent = [doubt for doubt in doubts if doubt not in present]
    _note(kernel, present, "done")
    if not any(doubt.held for doubt in doubts):
        _note(kernel, absent, "refused" if refusal else "unknown")
    if not absent:
        return
    if refusal is None:
        raise _longest(doubts)
    remains = [found.matches[0].ref for found in there if found.matches]
    raise _with_remains(refusal, remains, absent[0].request) if remains else refusal


def _longest(doubts: Sequence[Doubt]) -> OutcomeUnknown:
    """The error that names the longest wait of those whose write is on its way."""
    sent = [doubt for doubt in doubts if doubt.held] or doubts
    one = max(sent, key=lambda doubt: doubt.wait or timedelta())
    return unknown(one.kind, one.request, one.wait)


def _note(kernel: WriteKernel, parts: Sequence[Part | Doubt], state: State) -> None:
    for part in parts:
        kernel.end(part.intent, state)


def _made(there: Sequence[Bundle], request: UUID, kind: str, *, changed: bool) -> Made:
    along = Bundle()
    for each in there:
        require_one(each, request, kind)
        along.add(each)
    return Made(tuple(each.matches[0] for each in there), along, changed)


def _with_remains(trouble: GpcliError, remains: Sequence[str], request: UUID) -> GpcliError:
    left = ", ".join(each.partition("/")[2] for each in remains)
    going_on = f"Only the beginning is at the portal ({left}), without your words. "
    trouble.hint = f"{going_on}The same command with --request-id {request} goes on with it."
    return trouble


def _all_done(answer: HttpResponse | None, parts: int) -> bool:
    """Whether the answer says of each part that it was done."""
    entries = _entries(answer)
    return len(entries) == parts and all(map(is_success, entries))


def _refusal_inside(answer: HttpResponse | None) -> GpcliError | None:
    """The first refusal among the entries of a portal that takes a transaction for a batch."""
    refused = (each for each in _entries(answer) if refusal_in(each))
    return next(map(error_of, refused), None)


def _entries(answer: HttpResponse | None) -> list[HttpResponse]:
    if answer is None or not is_success(answer):
        return []
    try:
        return [answer_in(entry, answer) for entry in resource(answer.body).children("entry")]
    except Malformed:
        return []
