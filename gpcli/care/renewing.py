"""Asking the prescribers to renew prescriptions, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gpcli.care.agreement import Outcome, Proposal, Step
from gpcli.care.offers import at_gp, refusal, require, standings
from gpcli.care.portal import Portal
from gpcli.care.prescriptions import SEE
from gpcli.care.recheck import still_offered
from gpcli.care.renewal_choice import chosen
from gpcli.care.renewal_plan import (
    Rows,
    charge,
    check_note,
    plan_rows,
    rehearsed,
    row_of,
    warnings,
)
from gpcli.care.renewal_repeat import check_named_before, earlier_tries, note_told, settled
from gpcli.care.renewal_request import Counter, Line, Renewing, Wanted
from gpcli.errors import InputNeeded, Usage
from gpcli.model.desk import Written
from gpcli.model.money import Price
from gpcli.model.service import Offers, ServiceName, Standing

RENEWAL = ServiceName.PRESCRIPTION_RENEWAL


def propose(counter: Counter, wanted: Wanted) -> Step[Renewing]:
    """Decide which prescriptions to ask for, and whom.

    What is asked for already counts as done, and so does what was renewed, by its former id. A
    prescription that can't be asked for is a failed line among the others. Raises Usage for
    contradictory wishes; InputNeeded when nothing is chosen and nobody can be asked; NotFound for
    the GP; Conflict when the request id was used for something else; NotOffered and its like when
    no GP renews.
    """
    _check(wanted)
    facts = counter.portal.prescriptions.renewal_desk()
    offers, now = at_gp(facts.offers, wanted.gp), counter.clock()
    if wanted.ids is None:
        require(offers, RENEWAL, now)
    lines, left_out = chosen(counter, facts, wanted)
    earlier = earlier_tries(counter.portal, wanted)
    check_named_before(lines, wanted, earlier)
    lines = tuple(settled(line, wanted, earlier) for line in lines)
    if any(line.renewal is None for line in lines):
        require(offers, RENEWAL, now)
    rows = {row.surgery.id: row for row in standings(facts.offers, now) if row.service is RENEWAL}
    lines = tuple(_addressed(line, facts.offers, rows, wanted.gp) for line in lines)
    renewing = Renewing(lines, left_out)
    if not any(line.due for line in lines):
        return Outcome(renewing, changed=False)
    return _proposal(counter, wanted, facts.offers.prices.get(RENEWAL), rows, renewing)


def _check(wanted: Wanted) -> None:
    if wanted.low and wanted.ids is not None:
        raise Usage("Name prescriptions, or --low: only one of them.")
    if wanted.note is not None and not wanted.note.strip():
        raise Usage("--note is empty.", hint="Leave it out, or say something.")
    if not all(each.strip() for each in wanted.ids or ()):
        raise InputNeeded("A prescription's id is empty.", hint=SEE)


def _addressed(line: Line, offers: Offers, rows: Rows, gp: str | None) -> Line:
    """The line with an error where its prescriber can't be asked; raises Usage for a wrong GP."""
    one, row = line.prescription, row_of(line, rows)
    if one is None or row is None or not line.due:
        return line
    if row.surgery not in at_gp(offers, gp).surgeries:
        raise Usage(
            f"{one.id} was prescribed by {row.surgery.label}, and a renewal goes there, "
            f"not to '{gp}'.",
            hint="Leave --gp out.",
        )
    if row.status is Standing.OFFERED:
        return line
    return replace(line, error=refusal(offers, [row], RENEWAL))


def _proposal(
    counter: Counter, wanted: Wanted, price: Price | None, rows: Rows, renewing: Renewing
) -> Proposal[Renewing]:
    due = [line for line in renewing.lines if line.due]
    usable = [row for row in rows.values() if row.status is Standing.OFFERED]
    asked = [row for row in usable if row in [row_of(line, rows) for line in due]] or usable[:1]
    check_note(wanted.note, asked)
    looks = [still_offered(counter.portal, row, counter.clock) for row in asked]
    parties = counter.portal.parties
    return Proposal(
        action=f"Ask to renew {'these prescriptions' if len(due) > 1 else 'this prescription'}",
        rows=plan_rows(renewing, rows, asked, parties, wanted.note, price),
        preview=replace(renewing, lines=tuple(rehearsed(line, wanted) for line in renewing.lines)),
        send=lambda: _send(counter.portal, wanted, renewing),
        charge=charge(price, len(due), capped=wanted.capped),
        warnings=tuple(warnings(renewing)),
        still_so=lambda: _look_again(looks),
    )


def _look_again(looks: Sequence[Callable[[], None]]) -> None:
    for look in looks:
        look()


def _send(portal: Portal, wanted: Wanted, renewing: Renewing) -> Written[Renewing]:
    due = [line.prescription for line in renewing.lines if line.due and line.prescription]
    ended = portal.prescriptions.renew(due, wanted.note, wanted.intent)
    asked = {each.prescription.id: each for each in ended}
    lines = tuple(
        note_told(line.after(asked[line.prescription.id]), wanted)
        if line.due and line.prescription
        else line
        for line in renewing.lines
    )
    return Written(replace(renewing, lines=lines), any(line.changed for line in lines))
