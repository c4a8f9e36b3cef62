"""What the fake portal says, as R4 writes it: searchsets, answers to bundles, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.contract.practice import Resource, concept

ENTRY_HEADERS = {"ifNoneExist": "If-None-Exist", "ifMatch": "If-Match"}
"""What stands in a Bundle's entry for a header (R4 Bundle.entry.request)."""


@dataclass
class Answer:
    """An answer."""

    status: int
    body: Resource | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.status >= 400


def refusal(status: int, code: str, *, problem: str | None = None) -> Answer:
    """An OperationOutcome; `problem` is a reason that both sides share a word for."""
    details = {"details": concept("urn:gpcli:problem", problem)} if problem else {}
    issue = {"severity": "error", "code": code, "diagnostics": f"No: {code}", **details}
    return Answer(status, {"resourceType": "OperationOutcome", "issue": [issue]})


def searchset(
    entries: Iterable[tuple[Resource, str]], more: Resource, *, modes: bool = True
) -> Resource:
    """Found resources, each with its search mode; `more` is the Bundle's total and links."""
    shown = [
        {"resource": one, **({"search": {"mode": mode}} if modes else {})} for one, mode in entries
    ]
    return {"resourceType": "Bundle", "type": "searchset", "entry": shown, **more}


def answers(kind: str, said: Iterable[Answer]) -> Resource:
    """A Bundle that answers a batch or a transaction."""
    return {"resourceType": "Bundle", "type": kind, "entry": [*map(_entry, said)]}


def _entry(said: Answer) -> Resource:
    response: Resource = {"status": str(said.status)}
    if said.failed:
        return {"response": {**response, "outcome": said.body}}
    return {"response": response, "resource": said.body}


def resolve_references(resource: Resource, new: Mapping[str, str], *, everywhere: bool) -> Resource:
    """A resource of a transaction with the ids of what was created before it.

    `everywhere` = also where a fullUrl stands in something that is no reference.
    """
    written = json.dumps(resource)
    for url, reference in new.items():
        old, this = (url, reference) if everywhere else map(_reference, (url, reference))
        written = written.replace(old, this)
    there: Resource = json.loads(written)
    return there


def absolute(written: str, base: str) -> str:
    """JSON with every relative reference made absolute."""
    return written.replace(_REFERENCE, f"{_REFERENCE}{base}/")


def relative(written: str, base: str) -> str:
    """JSON with every reference below `base` made relative."""
    return written.replace(f"{_REFERENCE}{base}/", _REFERENCE)


_REFERENCE = '"reference": "'


def _reference(target: str) -> str:
    return f'{_REFERENCE}{target}"'
