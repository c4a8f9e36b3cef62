"""Several creates of one kind, sent together where the portal has batches; each ends by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from gpcli.errors import ConfigError, GpcliError
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, resource
from gpcli.http.client import HttpResponse
from gpcli.portal.mapping import Found, unwrap
from gpcli.portal.queries import by_identifier
from gpcli.portal.search import FhirSearch, answer_in
from gpcli.portal.write.kernel import Created, Doubt, WriteKernel
from gpcli.portal.write.outcome import bearing, create_entry, is_success, require_one, unknown

Part = tuple[UUID, Mapping[str, Any]]
"""A resource to create, and its own intent."""

Outcome = Created | GpcliError


def create_each(
    exchange: FhirSearch, kernel: WriteKernel, kind: str, parts: Sequence[Part], request: UUID
) -> list[Outcome]:
    """Create resources of one kind; what became of each, in the same order.

    `request` is what the person can repeat. Each is read back by its own identifier, as
    Errands.create does. A portal that can't recognise a repeat is asked first what it has of them:
    that is not sent again. Raises ConfigError when the journal can't be written, and what keeps
    that question from being asked.
    """
    return _Several(exchange, kernel, kind, request).create(parts)


@dataclass(frozen=True)
class _Several:
    """Creates of resources of one `kind`, on a portal's `exchange`, as parts of one `request`."""

    exchange: FhirSearch
    kernel: WriteKernel
    kind: str
    request: UUID

    @property
    def _safe(self) -> bool:
        """Whether the portal recognises what it gets again."""
        return self.kind in self.exchange.can().conditional_creates

    def create(self, parts: Sequence[Part]) -> list[Outcome]:
        there = {} if self._safe else self._known([intent for intent, _ in parts])
        new = [part for part in parts if part[0] not in there]
        together = len(new) > 1 and self.exchange.can().batch
        made = self._together(new) if together else self._singly(new)
        ended = there | {intent: one for (intent, _), one in zip(new, made, strict=True)}
        return [ended[intent] for intent, _ in parts]

    def _known(self, intents: Sequence[UUID]) -> dict[UUID, Outcome]:
        """What is not to be sent: it is there, or may still be on its way from an earlier run."""
        there = self._there(intents)
        doubts = [self._doubt(intent) for intent in intents if intent not in there]
        held = (doubt for doubt in doubts if doubt.held)
        return there | {each.intent: unknown(self.kind, self.request, each.wait) for each in held}

    def _doubt(self, intent: UUID, *, noted: bool = False) -> Doubt:
        return self.kernel.doubt(self.kind, intent, self.request, noted=noted)

    def _there(self, intents: Sequence[UUID]) -> dict[UUID, Outcome]:
        """What an earlier run with the same intents has made."""
        looks = _Looks(self.exchange, self.kind, intents)
        found = {intent: looks.at(number)[0] for number, intent in enumerate(intents)}
        made = {intent: bundle for intent, bundle in found.items() if bundle.matches}
        return {intent: _caught(partial(self._earlier, each)) for intent, each in made.items()}

    def _earlier(self, bundle: Bundle) -> Created:
        require_one(bundle, self.request, self.kind)
        return Created(bundle, Bundle(), changed=False)

    def _singly(self, parts: Sequence[Part]) -> list[Outcome]:
        create = partial(self.kernel.create, self.kind, request=self.request, looked=True)
        return [_caught(partial(create, body, intent)) for intent, body in parts]

    def _together(self, parts: Sequence[Part]) -> list[Outcome]:
        try:
            answers = _answers(self.kernel.sent(dict(parts), partial(self._send, parts)), parts)
        except ConfigError:
            raise
        except GpcliError as trouble:  # nothing was sent
            return [trouble for _ in parts]
        for (intent, _), answer in zip(parts, answers, strict=True):
            if answer and is_success(answer):
                self.kernel.end(intent, "done")
        return self._concluded([intent for intent, _ in parts], answers)

    def _concluded(
        self, intents: Sequence[UUID], answers: Sequence[HttpResponse | None]
    ) -> list[Outcome]:
        looks = _Looks(self.exchange, self.kind, intents)
        doubts = [self._doubt(each, noted=True) for each in intents]
        return [
            _caught(partial(self.kernel.conclude, answer, partial(looks.at, number), doubt))
            for number, (answer, doubt) in enumerate(zip(answers, doubts, strict=True))
        ]

    def _send(self, parts: Sequence[Part]) -> HttpResponse:
        entries = [create_entry(*part) for part in parts]
        batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        headers = {"X-Request-ID": str(self.request)}
        return self.exchange.client.send("POST", "", batch, headers=headers, retry=self._safe)


@dataclass(frozen=True)
class _Looks:
    """What the portal shows for each of some intents: one question, when it is first needed."""

    exchange: FhirSearch
    kind: str
    intents: Sequence[UUID]

    def at(self, number: int) -> tuple[Bundle, Bundle]:
        """What bears the intent at this place, and what a witness knows: there is none."""
        return bearing(unwrap(self._shown[number]), self.kind, self.intents[number]), Bundle()

    @cached_property
    def _shown(self) -> list[Found]:
        try:
            return self.exchange.ask(*(by_identifier(self.kind, each) for each in self.intents))
        except GpcliError as trouble:
            return [trouble for _ in self.intents]


def _answers(batch: HttpResponse | None, parts: Sequence[Part]) -> list[HttpResponse | None]:
    """The answer to each part; `None` where the portal doesn't say what became of it."""
    if batch is None or not is_success(batch):
        return [batch for _ in parts]
    try:
        entries = resource(batch.body).children("entry")
    except Malformed:
        entries = ()
    if len(entries) != len(parts):
        return [None for _ in parts]
    return [_answer(entry, batch) for entry in entries]


def _answer(entry: Element, batch: HttpResponse) -> HttpResponse | None:
    try:
        return answer_in(entry, batch)
    except Malformed:
        return None


def _caught(create: Callable[[], Created]) -> Outcome:
    try:
        return create()
    except GpcliError as trouble:
        return trouble
