"""Which prescriptions to ask for: those named, those that run out, or one from a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gpcli.care.offers import at_gp
from gpcli.care.prescriptions import in_use
from gpcli.care.renewal_request import Counter, Line, Wanted
from gpcli.errors import InputNeeded, NotFound
from gpcli.model.prescription import FAILED, Prescription, RenewalDesk

STRICT_GROUPS = frozenset({"A", "B"})
"""Prescription groups (Volven 7421) for which a consultation is usually needed."""

LOW = "--low"
"""What stands for all that run out, in the list to pick from."""

SEE = "gpcli rx list shows the prescriptions."


def chosen(
    counter: Counter, facts: RenewalDesk, wanted: Wanted
) -> tuple[tuple[Line, ...], tuple[Prescription, ...]]:
    """What to ask for, each once, and what `--low` leaves out."""
    ids = wanted.ids
    if ids is None and not wanted.low:
        picked = _picked(counter, facts, wanted.gp)
        ids = None if picked == LOW else (picked,)
    if ids is None:
        return _low(facts, wanted.gp)
    newest = _newest(facts.prescriptions)
    lines = {line.id: line for line in (_named(each, newest) for each in ids)}
    return tuple(lines.values()), ()


def _named(identity: str, newest: Mapping[str, Prescription]) -> Line:
    there = newest.get(identity)
    if there is None:
        return Line(identity, error=NotFound(f"There is no prescription '{identity}'.", hint=SEE))
    if identity == there.id:
        return _line(there)
    renewed = f"{identity} was renewed already; this is what replaced it."
    return Line(there.id, there, warnings=(renewed, *_warnings(there)))


def _newest(prescriptions: Sequence[Prescription]) -> dict[str, Prescription]:
    """Every prescription by its id, and by the ids of those that it replaced."""
    by_former = {former: one for one in prescriptions for former in one.predecessors}
    return by_former | {str(one.id): one for one in prescriptions}


def _line(one: Prescription) -> Line:
    return Line(one.id, one, warnings=tuple(_warnings(one)))


def _warnings(one: Prescription) -> Iterator[str]:
    if one.group in STRICT_GROUPS:
        yield f"Group {one.group}: a consultation is usually needed before it is renewed."
    if one.expired:
        yield "It has expired: the surgery may want to see you first."
    if one.renewal and one.renewal.status in FAILED:
        why = f": {one.renewal.answer}" if one.renewal.answer else "."
        yield f"The surgery said no when you last asked{why}"


def _low(facts: RenewalDesk, gp: str | None) -> tuple[tuple[Line, ...], tuple[Prescription, ...]]:
    """What runs out, without what would be in vain: a script may ask for this every day."""
    low = [one for one in _candidates(facts, gp) if one.low]
    in_vain = tuple(one for one in low if _needs_a_word(one))
    return tuple(_line(one) for one in low if one not in in_vain), in_vain


def _needs_a_word(one: Prescription) -> bool:
    refused = one.renewal is not None and one.renewal.status in FAILED
    return one.group in STRICT_GROUPS or refused


def _candidates(facts: RenewalDesk, gp: str | None) -> list[Prescription]:
    ours = {surgery.id for surgery in at_gp(facts.offers, gp).surgeries}
    return [
        one for one in facts.prescriptions if in_use(one) and (gp is None or one.surgery_id in ours)
    ]


def _picked(counter: Counter, facts: RenewalDesk, gp: str | None) -> str:
    hint = f"Name prescriptions (gpcli rx list shows their ids), or {LOW}."
    if not counter.asker.allowed:
        raise InputNeeded("Which prescription?", hint=hint)
    asked = {one.id for one in facts.prescriptions if one.renewal and one.renewal.open}
    free = [one for one in _candidates(facts, gp) if one.id not in asked]
    if not free:
        raise InputNeeded("There is no prescription to choose from.", hint=hint)
    low = [line.label for line in _low(facts, gp)[0] if line.id not in asked]
    together = [(LOW, f"All that run out: {', '.join(low)}")] if len(low) > 1 else []
    choices = [*together, *((str(one.id), counter.label(one)) for one in free)]
    return counter.asker.choose("Which prescription?", choices, flag="ID")
