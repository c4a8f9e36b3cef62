"""Prescriptions that replace each other: the newest of each chain, and what the others add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import takewhile
from zoneinfo import ZoneInfo

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.medication import Dispense
from gpcli.fhir.supply import read_supply
from gpcli.model.prescription import Prescription


def newest_of_chains(prescriptions: Iterable[Prescription]) -> list[Prescription]:
    """Return the newest prescription of each chain, with all its `predecessors`, and all drafts.

    One that was not prescribed, or was cancelled before it took effect, replaces none.

    In the arguments, `predecessors` has at most the one that is replaced directly; in the results,
    all from the latest to the first. Two that replace the same one are both newest. Of several that
    replace each other in a ring, the last issued is newest.
    """
    everything = list(prescriptions)
    known = {str(each.id): each for each in everything if _is_in_chain(each)}
    replaced = {each for prescription in known.values() for each in _predecessors(prescription)}
    by_issue = sorted(known.values(), key=lambda each: each.issued or "", reverse=True)
    newest, seen = [], set[str]()
    for prescription in sorted(by_issue, key=lambda each: each.id in replaced):
        if prescription.id in seen:
            continue
        ancestors = _ancestors(prescription, known)
        seen |= {prescription.id, *ancestors}
        newest.append(replace(prescription, predecessors=ancestors))
    others = (each for each in everything if not _is_in_chain(each))
    return [*newest, *(replace(each, predecessors=()) for each in others)]


def _is_in_chain(prescription: Prescription) -> bool:
    return prescription.is_prescribed and prescription.status != "cancelled"


def _predecessors(prescription: Prescription) -> set[str]:
    return set(prescription.predecessors) - {prescription.id}


def _ancestors(prescription: Prescription, known: Mapping[str, Prescription]) -> tuple[str, ...]:
    ancestors: dict[str, None] = {}
    current: Prescription | None = prescription
    while current:
        replaced = _predecessors(current) - {prescription.id, *ancestors}
        ancestors |= dict.fromkeys(replaced)
        current = known.get(next(iter(replaced), ""))
    return tuple(ancestors)


def add_supplies(
    newest: Iterable[Prescription],
    everything: Iterable[Prescription],
    bundle: Bundle,
    dispenses: Sequence[Dispense] | None,
    now: datetime,
) -> list[Prescription]:
    """Return the newest prescriptions, each with how long what was fetched of it lasts.

    What was fetched on those that it replaced counts too, back to where one said to take something
    else. `everything` and `bundle` have those; `dispenses` and `now` are as in `read_supply`.
    """
    known = {str(each.id): each for each in everything if _is_in_chain(each)}
    requests = {each.json.get("id"): each for each in bundle.matches_of_type("MedicationRequest")}
    read = partial(read_supply, dispenses=dispenses, now=now)
    return [
        replace(
            each,
            supply=read(
                [requests[id] for id in _list_alike(each, known)], zone=ZoneInfo(each.zone)
            ),
        )
        for each in newest
    ]


def _list_alike(prescription: Prescription, known: Mapping[str, Prescription]) -> Iterator[str]:
    """Yield the ids of a prescription, and of those before it with the same medicine and dose."""
    yield prescription.id
    yield from takewhile(
        lambda former: former in known and _is_alike(known[former], prescription),
        prescription.predecessors,
    )


def _is_alike(former: Prescription, prescription: Prescription) -> bool:
    before, now = map(_what_to_take, (former, prescription))
    return former.name is not None and before == now


def _what_to_take(prescription: Prescription) -> tuple[object, ...]:
    return (
        *(prescription.name, prescription.strength, prescription.form, prescription.do_not_take),
        *(prescription.dose, prescription.dose_in_detail, prescription.instructions),
    )
