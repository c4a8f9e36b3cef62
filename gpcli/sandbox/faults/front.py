"""The layer in front of the portal that applies the fault rules to each request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected
from werkzeug.wrappers import Response

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.faults.answer_effects import (
    PART_EFFECTS,
    RESPONSE_EFFECTS,
    ConnectionLost,
    PartCase,
    change_part,
)
from gpcli.sandbox.faults.book import ActiveRule, FaultBook
from gpcli.sandbox.faults.exchange import Answer, Exchange, Target, read_exchange
from gpcli.sandbox.faults.request_effects import REQUEST_EFFECTS, Case
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

_CONTROL = "/control"


class _Unsaved(Exception):
    """What was done is to be undone."""


@dataclass(frozen=True)
class _LateRequest:
    due: datetime
    environ: dict[str, Any]


class FaultFront:
    """A WSGI application: the portal, with the faults of the rules in `book`.

    Without rules, requests and answers pass untouched, as those of the control interface always do.
    """

    def __init__(
        self,
        portal: "WSGIApplication",
        book: FaultBook,
        store: Store,
        smart: SmartServer,
        clock: Clock,
    ) -> None:
        self.store = store
        self.smart = smart
        self._portal = portal
        self._book = book
        self._clock = clock
        self._stopping = Event()
        self._late: list[_LateRequest] = []
        self._late_lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request.

        Raises:
            ClientDisconnected: The connection is to be closed without a further word.
        """
        if environ["PATH_INFO"].startswith(f"{_CONTROL}/"):
            return self._portal(environ, start_response)
        self.do_due()
        rules = self._book.active
        if not rules:
            return self._portal(environ, start_response)
        try:
            response = self._answer(read_exchange(environ, self.smart.fhir_base()), rules)
        except ConnectionLost:
            raise ClientDisconnected from None
        return _closing_when_lost(response(environ, start_response))

    def pause(self, length: timedelta) -> None:
        """Wait.

        Raises:
            ConnectionLost: The portal stops.
        """
        if self._stopping.wait(length.total_seconds()):
            raise ConnectionLost

    def stop(self) -> None:
        """End every pause; what is to be done later is never done."""
        self._stopping.set()
        self.forget_late()

    def forget_late(self) -> None:
        """Forget what is to be done later."""
        with self._late_lock:
            self._late.clear()

    def do_later(self, exchange: Exchange, delay: timedelta) -> None:
        """Carry out a request when the portal's clock is `delay` further, and not sooner."""
        with self._late_lock:
            self._late.append(_LateRequest(self._clock.now() + delay, exchange.build_environ()))

    def do_due(self) -> None:
        """Carry out what is due by now, in the order in which it came."""
        with self._late_lock:
            now = self._clock.now()
            due = [each for each in self._late if each.due <= now]
            self._late = [each for each in self._late if each.due > now]
            for each in due:
                self._pass_on(each.environ)

    def _answer(self, exchange: Exchange, rules: list[ActiveRule]) -> Response:
        patient = self._find_patient(exchange)
        matching = [
            (rule, targets) for rule in rules if (targets := _matched_targets(rule, exchange))
        ]
        for rule, targets in matching:
            self._act_on_request(rule, targets, exchange)
        if exchange.is_lost:
            raise ConnectionLost
        if exchange.answer is not None:
            return exchange.answer
        answer = Answer(self._perform(exchange), exchange)
        for rule, targets in matching:
            self._act_on_parts(rule, targets, answer, patient)
        response = answer.build_response()
        for rule, _ in matching:
            effect = RESPONSE_EFFECTS.get(rule.spec.kind.name)
            if effect is not None and rule.draw():
                response = effect(self, rule.spec, response)
        return response

    def _find_patient(self, exchange: Exchange) -> str:
        """Return the id of the patient whose token this is; empty if it is nobody's."""
        rights = self.smart.grants.find_access_rights(exchange.bearer_token)
        return "" if rights is None else rights.patient

    def _act_on_request(self, rule: ActiveRule, targets: list[Target], exchange: Exchange) -> None:
        effect = REQUEST_EFFECTS.get(rule.spec.kind.name)
        if effect is None:
            return
        for target in targets:
            if exchange.is_over:
                return
            deed = effect(Case(self, exchange, target, rule.spec))
            if deed is not None and rule.draw():
                deed()

    def _act_on_parts(
        self, rule: ActiveRule, targets: list[Target], answer: Answer, patient: str
    ) -> None:
        if rule.spec.kind.name not in PART_EFFECTS:
            return
        for target in targets:
            changed = change_part(PartCase(self, target, rule.spec, patient), answer.part(target))
            if changed is not None and rule.draw():
                answer.put_part(target, changed)

    def _perform(self, exchange: Exchange) -> Response:
        """Have the portal carry out the request; undo it if nothing is to be saved."""
        environ = exchange.build_environ()
        if not exchange.is_unsaved:
            return self._pass_on(environ)
        try:
            with self.store.transaction():
                response = self._pass_on(environ)
                raise _Unsaved
        except _Unsaved:
            return response

    def _pass_on(self, environ: dict[str, Any]) -> Response:
        return Response.from_app(self._portal, environ, buffered=True)


def _matched_targets(rule: ActiveRule, exchange: Exchange) -> list[Target]:
    """Return the targets that the rule matches: of a fault of the whole request the first one.

    A rule for a Bundle and for its entries, by a wildcard, is for the entries.
    """
    found = [
        target
        for target in exchange.targets
        if rule.spec.matches(target.method, target.path) and target.is_acted_on(rule.spec.kind.on)
    ]
    if rule.spec.kind.is_whole:
        return found[:1]
    return [target for target in found if target.position is not None] or found


def _closing_when_lost(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a body; close the connection where it is to be lost."""
    try:
        yield from pieces
    except ConnectionLost:
        raise ClientDisconnected from None
