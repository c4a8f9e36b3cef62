"""Which prescriptions to ask for: those named, those that run out, or some from a list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

from gpcli.care.offers import at_gp
from gpcli.care.prescriptions import in_use, no_such
from gpcli.care.renewal_request import Counter, LeftOut, Line, Wanted
from gpcli.errors import AlreadyAnswered, InputNeeded
from gpcli.model.prescription import FAILED, Prescription, RenewalDesk

STRICT_GROUPS = frozenset({"A", "B"})
"""Prescription groups (Volven 7421) for which a consultation is usually needed."""

LOW = "--low"
"""What stands for all that run out, in the list to pick from."""

_JUST_RENEWED = timedelta(days=7)
"""For so long `--low` leaves alone what was renewed, whatever is left of it."""

_RENEWED = frozenset({"completed"})

Chosen = tuple[tuple[Line, ...], tuple[LeftOut, ...]]
"""What to ask for, each once, and what `--low` leaves out."""


def chosen(counter: Counter, facts: RenewalDesk, wanted: Wanted) -> Chosen:
    """What to ask for; raises InputNeeded when nothing is chosen and nobody can be asked."""
    ids, low = wanted.ids or (), wanted.low
    if wanted.ids is None and not low:
        picked = _picked(counter, facts, wanted.gp)
        ids, low = tuple(each for each in picked if each != LOW), LOW in picked
    lines, left_out = _low(counter, facts, wanted.gp) if low else ((), ())
    named = (_named(each, facts) for each in ids)
    return tuple({line.id: line for line in (*lines, *named)}.values()), left_out


def _named(identity: str, facts: RenewalDesk) -> Line:
    for one in facts.prescriptions:
        if one.id == identity:
            return _line(one)
    for newer in facts.prescriptions:
        if identity in newer.predecessors:
            return _replaced(identity, newer, facts)
    return Line(identity, error=no_such(identity))


def _replaced(identity: str, newer: Prescription, facts: RenewalDesk) -> Line:
    """One that is not the newest: asking for it again must not renew what replaced it."""
    asked = next((each for each in facts.renewals if each.prescription_id == identity), None)
    if asked and (asked.open or asked.status in _RENEWED):
        warning = f"It was renewed already: {newer.id} has replaced it."
        return Line(identity, newer, renewal=asked, warnings=(warning,))
    error = AlreadyAnswered(
        f"It was replaced already, by {newer.id}.",
        hint=f"gpcli rx renew {newer.id} asks for the new one.",
    )
    return Line(identity, newer, error=error)


def _line(one: Prescription) -> Line:
    return Line(one.id, one, warnings=tuple(_warnings(one)))


def _warnings(one: Prescription) -> Iterator[str]:
    if one.group in STRICT_GROUPS:
        yield f"Group {one.group}: a consultation is usually needed before it is renewed."
    if one.expired:
        yield "It has expired: portals usually refuse that, and a new one needs an appointment."
    if one.status == "stopped":
        yield "It was stopped: portals usually refuse to renew that."
    if _is_refused(one):
        yield f"The surgery refused it when you last asked{_answer(one)}"


def _is_refused(one: Prescription) -> bool:
    return one.renewal is not None and one.renewal.status in FAILED


def _answer(one: Prescription) -> str:
    answer = one.renewal.answer if one.renewal else None
    return f": {answer}" if answer else "."


def _low(counter: Counter, facts: RenewalDesk, gp: str | None) -> Chosen:
    """What runs out, without what would be in vain: a script may ask for this every day."""
    low = [one for one in _candidates(facts, gp) if one.low]
    today = counter.clock().date()
    reasons = {one.id: _in_vain(one, today) for one in low}
    left_out = (LeftOut(one, why) for one in low if (why := reasons[one.id]))
    return tuple(_line(one) for one in low if not reasons[one.id]), tuple(left_out)


def _in_vain(one: Prescription, today: date) -> str | None:
    """Why asking for it is in vain, as far as can be told."""
    if one.renewal and one.renewal.open:
        return None
    if _is_refused(one):
        return f"the surgery refused it when you last asked{_answer(one)}"
    if one.group in STRICT_GROUPS:
        return f"group {one.group}, for which a consultation is usually needed first."
    if one.predecessors and _is_just_issued(one, today):
        return "it was renewed less than a week ago."
    return None


def _is_just_issued(one: Prescription, today: date) -> bool:
    with suppress(ValueError):
        return today - date.fromisoformat((one.issued or "")[:10]) < _JUST_RENEWED
    return False


def _candidates(facts: RenewalDesk, gp: str | None) -> list[Prescription]:
    ours = {surgery.id for surgery in at_gp(facts.offers, gp).surgeries}
    return [
        one for one in facts.prescriptions if in_use(one) and (gp is None or one.surgery_id in ours)
    ]


def _picked(counter: Counter, facts: RenewalDesk, gp: str | None) -> list[str]:
    hint = f"Name prescriptions (gpcli rx list shows their ids), or {LOW}."
    if not counter.asker.allowed:
        raise InputNeeded("Which prescription?", hint=hint)
    asked = {one.id for one in facts.prescriptions if one.renewal and one.renewal.open}
    free = [one for one in _candidates(facts, gp) if one.id not in asked]
    if not free:
        raise InputNeeded("There is no prescription to choose from.", hint=hint)
    low = [line.label for line in _low(counter, facts, gp)[0] if line.id not in asked]
    together = [(LOW, f"All that run out: {', '.join(low)}")] if len(low) > 1 else []
    choices = [*together, *((str(one.id), counter.label(one)) for one in free)]
    return counter.asker.choose_several("Which prescriptions?", choices, flag="ID")
