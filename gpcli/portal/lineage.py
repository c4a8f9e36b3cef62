"""Which prescription replaces which: each renewal is a new one that names its predecessor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpcli.model.prescription import Prescription


def newest(prescriptions: Iterable[Prescription]) -> list[Prescription]:
    """The newest of each chain, with all its `predecessors`, the latest first.

    Each comes with the one that it replaces. Two that replace the same one are both newest. Of
    those that replace each other in a ring, which no record should say, the last issued counts.
    """
    known = {str(each.id): each for each in prescriptions}
    replaced = {before for each in known.values() for before in _before(each)}
    by_issue = sorted(known.values(), key=lambda each: each.issued or "", reverse=True)
    shown, seen = [], set[str]()
    for each in sorted(by_issue, key=lambda each: each.id in replaced):
        if each.id in seen:
            continue
        predecessors = _ancestors(each, known)
        seen |= {each.id, *predecessors}
        shown.append(replace(each, predecessors=predecessors))
    return shown


def _before(prescription: Prescription) -> set[str]:
    return set(prescription.predecessors) - {prescription.id}


def _ancestors(prescription: Prescription, known: Mapping[str, Prescription]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    current: Prescription | None = prescription
    while current:
        before = _before(current) - {prescription.id, *found}
        found |= dict.fromkeys(before)
        current = known.get(next(iter(before), ""))
    return tuple(found)
