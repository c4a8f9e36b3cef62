"""From a method and an address to the interaction: the same for HTTP and for Bundle entries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gpcli.sandbox.fhir import interactions
from gpcli.sandbox.fhir.book_operation import book
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.interactions import NO_CONDITIONS, Answer, Conditions
from gpcli.sandbox.fhir.outcome import Problem, bad_request
from gpcli.sandbox.fhir.query import Pairs
from gpcli.sandbox.fhir.search import search


@dataclass(frozen=True)
class Call:
    """One request: method, address below the base (no slash first), query, body, conditions."""

    method: str
    path: str
    pairs: Pairs = field(default_factory=list)
    body: Resource | None = None
    conditions: Conditions = NO_CONDITIONS


def perform(desk: Desk, call: Call) -> Answer:
    """Do what the call asks; raises Problem (404 no such address, 405 not by that method)."""
    segments = call.path.split("/")
    methods = _ROUTES.get(_pattern(segments))
    if methods is None:
        raise Problem(404, "not-found", "The portal has nothing at this address.")
    if call.method not in methods:
        allowed = {"Allow": ", ".join(sorted(methods))}
        text = f"{call.method} is not possible at this address."
        raise Problem(405, "not-supported", text, headers=allowed)
    return methods[call.method](desk, call, segments)


def _pattern(segments: list[str]) -> str:
    """The kind of an address: names that begin with `_` and the number of parts decide.

    An operation's is the address itself.
    """
    if segments[-1].startswith("$"):
        return "/".join(segments)
    return "/".join(part if part.startswith("_") else "*" for part in segments if part)


def _body(call: Call) -> Resource:
    if call.body is None:
        raise bad_request("This request needs a resource as its body.", "required")
    return call.body


def _search(desk: Desk, call: Call, at: list[str]) -> Answer:
    return Answer(200, search(desk, at[0], call.pairs))


def _create(desk: Desk, call: Call, at: list[str]) -> Answer:
    return interactions.create(desk, at[0], _body(call), call.conditions)


def _read(desk: Desk, call: Call, at: list[str]) -> Answer:
    return interactions.read(desk, at[0], at[1], call.conditions)


def _vread(desk: Desk, call: Call, at: list[str]) -> Answer:
    return interactions.vread(desk, at[0], at[1], at[3])


def _update(desk: Desk, call: Call, at: list[str]) -> Answer:
    return interactions.update(desk, at[0], at[1], _body(call), call.conditions)


def _delete(desk: Desk, call: Call, at: list[str]) -> Answer:
    return interactions.delete(desk, at[0], at[1])


def _book(desk: Desk, call: Call, at: list[str]) -> Answer:
    return book(desk, _body(call))


_Interaction = Callable[[Desk, Call, list[str]], Answer]

_ROUTES: Mapping[str, Mapping[str, _Interaction]] = {
    "*": {"GET": _search, "HEAD": _search, "POST": _create},
    "*/_search": {"POST": _search},
    "Appointment/$book": {"POST": _book},
    "*/*": {"GET": _read, "HEAD": _read, "PUT": _update, "DELETE": _delete},
    "*/*/_history/*": {"GET": _vread, "HEAD": _vread},
}
