"""What was handed out on prescriptions, and what else a server did not send along.

Weak servers ignore `_include` and `_revinclude`; others leave out types that the sign-in may not
see. So what is missing is asked for once more, and where that fails it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from gpcli.errors import NotFound, NotPermitted, Rejected
from gpcli.portal import medication_queries as queries
from gpcli.portal.exchange import Exchange
from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.fhir.dispense import Dispense, read_dispense, told_by_portal
from gpcli.portal.fhir.element import Element, Malformed
from gpcli.portal.queries import Query
from gpcli.portal.reading import Found, Reader

_NOT_SHOWN = (NotFound, NotPermitted, Rejected)


def complete(
    found: Bundle, exchange: Exchange, reader: Reader, patient: str
) -> list[Dispense] | None:
    """Add to `found` what should have come along; returns what was handed out.

    `None` = the portal does not tell, or tells something that can't be read.
    """
    asked = list(_missing(found, patient, exchange))
    answers = exchange.ask(*asked) if asked else []
    for query, answer in zip(asked, answers, strict=True):
        _take(found, query, answer, exchange.flaws)
    there = list(found.of("MedicationDispense"))
    told = bool(there) or _was_answered("MedicationDispense", asked, answers)
    read = reader.kept(Bundle(matches=there), "MedicationDispense", read_dispense)
    return read if told and len(read) == len(there) else None


def _missing(found: Bundle, patient: str, exchange: Exchange) -> Iterator[Query]:
    requests = [each for each in found.matches if each.kind == "MedicationRequest"]
    yield from queries.medications(_unseen(requests, found))
    searches = exchange.can().searches if requests else ()
    handed_out, asked = any(found.of("MedicationDispense")), any(found.of("Task"))
    if not handed_out and "MedicationDispense" in searches and any(map(_is_counted, requests)):
        yield queries.dispenses(patient)
    if not (handed_out or asked) and "Task" in searches:
        yield queries.renewals(patient)


def _unseen(requests: Sequence[Element], found: Bundle) -> list[str]:
    """Ids of the Medications that are referred to and did not come along."""
    unseen: dict[str, None] = {}
    for request in requests:
        with suppress(Malformed):  # named when the prescription is read
            target = request.reference("medicationReference") or ""
            kind, _, identity = target.partition("/")
            if kind == "Medication" and identity and found.get(target) is None:
                unseen[identity] = None
    return list(unseen)


def _is_counted(request: Element) -> bool:
    """Whether what is left of a prescription has to be counted."""
    try:
        return request.text("status") == "active" and not told_by_portal(request)
    except Malformed:  # named when the prescription is read
        return False


def _take(found: Bundle, query: Query, answer: Found, flaws: list[str]) -> None:
    if isinstance(answer, Bundle):
        found.add(Bundle(found=answer.found))
        return
    flaw = f"{query.kind}: {answer.message}"
    if not isinstance(answer, _NOT_SHOWN) and flaw not in flaws:
        flaws.append(flaw)


def _was_answered(kind: str, asked: Sequence[Query], answers: Sequence[Found]) -> bool:
    pairs = zip(asked, answers, strict=True)
    return any(query.kind == kind and isinstance(answer, Bundle) for query, answer in pairs)
