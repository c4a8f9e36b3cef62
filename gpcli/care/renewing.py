"""Asking the prescribers to renew prescriptions, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import uuid5

from gpcli.care.agreement import Charge, Outcome, Proposal, Step
from gpcli.care.offers import at_gp, refusal, require, standings
from gpcli.care.portal import Portal
from gpcli.care.recheck import still_offered
from gpcli.care.renewal_choice import SEE, chosen
from gpcli.care.renewal_request import Counter, Line, Renewing, Wanted
from gpcli.errors import Conflict, InputNeeded, Usage
from gpcli.model.desk import Written
from gpcli.model.money import Price
from gpcli.model.plan import PlanValue
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.service import Offers, Service, ServiceName, Standing

RENEWAL = ServiceName.PRESCRIPTION_RENEWAL

Rows = Mapping[str, Service]
"""Where renewal stands at each of the patient's GPs, by the GP's id."""


def propose(counter: Counter, wanted: Wanted) -> Step[Renewing]:
    """Decide which prescriptions to ask for, and whom.

    What is asked for already counts as done. A prescription that can't be asked for is a failed
    line among the others. Raises Usage for contradictory wishes; InputNeeded when nothing is
    chosen and nobody can be asked; NotFound for the GP; Conflict when the request id was used for
    something else; NotOffered and its like when no GP renews.
    """
    _check(wanted)
    facts = counter.portal.prescriptions.renewal_desk()
    offers, now = at_gp(facts.offers, wanted.gp), counter.clock()
    if wanted.ids is None:
        require(offers, RENEWAL, now)
    lines, left_out = chosen(counter, facts, wanted)
    earlier = _earlier(counter.portal, wanted)
    _check_named_before(lines, wanted, earlier)
    lines = tuple(_settled(line, wanted, earlier) for line in lines)
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


def _earlier(portal: Portal, wanted: Wanted) -> dict[str, Renewal]:
    """Requests of the past by their identifiers, where this may be a repetition."""
    if not wanted.repeated:
        return {}
    return {
        identifier: renewal
        for renewal in portal.prescriptions.renewals()
        for identifier in renewal.identifiers
    }


def _check_named_before(
    lines: Sequence[Line], wanted: Wanted, earlier: Mapping[str, Renewal]
) -> None:
    """Raise Conflict when this request id asked for a prescription that is not named now.

    What `--low` stands for may change from one day to the next.
    """
    if wanted.low:
        return
    named = {name for line in lines if line.prescription for name in _names(line.prescription)}
    for renewal in earlier.values():
        before = renewal.prescription_id or ""
        ours = uuid5(wanted.intent, before).urn in renewal.identifiers
        if ours and before not in named:
            raise _used_before(renewal)


def _names(one: Prescription) -> tuple[str, ...]:
    """The ids that a prescription goes and went by."""
    return (one.id, *one.predecessors)


def _settled(line: Line, wanted: Wanted, earlier: Mapping[str, Renewal]) -> Line:
    """The line as it is when this very request, or another open one, is there already."""
    one = line.prescription
    if one is None:
        return line
    identifiers = (uuid5(wanted.intent, name).urn for name in _names(one))
    ours = next((earlier[each] for each in identifiers if each in earlier), None)
    if ours and not _same_note(ours, wanted):
        raise _used_before(ours)
    if ours:
        return replace(line, renewal=ours, warnings=())
    if one.renewal is None or not one.renewal.open:
        return line
    unsent = wanted.note is not None and not _same_note(one.renewal, wanted)
    warnings = ("It is asked for already; your note was not sent.",) if unsent else ()
    return replace(line, renewal=one.renewal, warnings=warnings)


def _used_before(earlier: Renewal) -> Conflict:
    return Conflict(
        f"This --request-id was used for something else: {earlier.id}.",
        hint="Use a new --request-id for a new request.",
    )


def _same_note(renewal: Renewal, wanted: Wanted) -> bool:
    return (renewal.note or "").strip() == (wanted.note or "").strip()


def _addressed(line: Line, offers: Offers, rows: Rows, gp: str | None) -> Line:
    """The line with an error where its prescriber can't be asked; raises Usage for a wrong GP."""
    one, row = line.prescription, _row(line, rows)
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


def _row(line: Line, rows: Rows) -> Service | None:
    """Where renewal stands at the prescriber, if that is one of the patient's GPs."""
    surgery = line.prescription.surgery_id if line.prescription else None
    return rows.get(surgery or "")


def _proposal(
    counter: Counter, wanted: Wanted, price: Price | None, rows: Rows, renewing: Renewing
) -> Proposal[Renewing]:
    due = [line for line in renewing.lines if line.due]
    usable = [row for row in rows.values() if row.status is Standing.OFFERED]
    asked = [row for row in usable if row in [_row(line, rows) for line in due]] or usable[:1]
    _check_note(wanted.note, asked)
    looks = [still_offered(counter.portal, row, counter.clock) for row in asked]
    return Proposal(
        action=f"Ask to renew {'these prescriptions' if len(due) > 1 else 'this prescription'}",
        rows=(
            *_to_whom(due, rows),
            *(("Asked for already", line.label) for line in renewing.lines if line.renewal),
            *_from_whom(counter.portal),
            ("Note", wanted.note),
            *(("Answer", row.answer_time) for row in asked),
            ("Price", price),
        ),
        preview=replace(renewing, lines=tuple(_rehearsed(line, wanted) for line in renewing.lines)),
        send=lambda: _send(counter.portal, wanted, renewing),
        charge=_charge(price, len(due)),
        warnings=tuple(_plan_warnings(renewing)),
        still_so=lambda: _look_again(looks),
    )


def _check_note(note: str | None, asked: Sequence[Service]) -> None:
    """Raise Usage for a note that is longer than one of those asked takes."""
    limits = [row.offer.limits.text for row in asked if row.offer and row.offer.limits.text]
    most = min(limits, default=None)
    if note is not None and most is not None and len(note) > most:
        raise Usage(
            f"--note has {len(note)} characters; the surgery takes {most}.",
            hint="Make it shorter.",
        )


def _to_whom(due: Sequence[Line], rows: Rows) -> Iterator[tuple[str, PlanValue]]:
    """The prescriptions under the GP that each goes to."""
    by_gp: dict[str | None, list[Line]] = {}
    for line in due:
        row = _row(line, rows)
        prescriber = line.prescription.prescriber if line.prescription else None
        by_gp.setdefault(row.surgery.label if row else prescriber, []).append(line)
    for gp, lines in by_gp.items():
        yield "To", gp
        for line in lines:
            yield "Prescription", f"{line.label} ({line.id})"


def _from_whom(portal: Portal) -> tuple[tuple[str, PlanValue], ...]:
    parties = portal.parties
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    return (("For", parties.patient.name), ("By", by))


def _plan_warnings(renewing: Renewing) -> Iterator[str]:
    for line in renewing.lines:
        if line.error:
            yield f"{line.id} can't be asked for: {line.error.message}"
        for warning in line.warnings:
            yield f"{line.label}: {warning}"
    for one in renewing.left_out:
        yield f"Left out, since the surgery will want a word first: {one.label} ({one.id})."


def _charge(price: Price | None, count: int) -> Charge | None:
    """What sending may cost, where the portal charges for that: every request is one."""
    if price is None or not price.at_sending:
        return None
    what = "Asking for this" if count == 1 else f"Asking for {count} prescriptions"
    return Charge(what, replace(price, high=price.high * count))


def _rehearsed(line: Line, wanted: Wanted) -> Line:
    """The line as a dry run shows it: a request that has no id yet."""
    one = line.prescription
    if one is None or not line.due:
        return line
    renewal = Renewal(
        id=None,
        status="requested",
        prescription_id=one.id,
        prescription=one.label,
        asked=None,
        updated=None,
        note=wanted.note,
        answer=None,
        zone=one.zone,
    )
    return replace(line, renewal=renewal)


def _look_again(looks: Sequence[Callable[[], None]]) -> None:
    for look in looks:
        look()


def _send(portal: Portal, wanted: Wanted, renewing: Renewing) -> Written[Renewing]:
    due = [line.prescription for line in renewing.lines if line.due and line.prescription]
    ended = portal.prescriptions.renew(due, wanted.note, wanted.intent)
    asked = {each.prescription.id: each for each in ended}
    lines = tuple(
        line.after(asked[line.prescription.id]) if line.due and line.prescription else line
        for line in renewing.lines
    )
    return Written(replace(renewing, lines=lines), any(line.changed for line in lines))
