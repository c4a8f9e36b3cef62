"""Ask the prescribers to renew prescriptions, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from uuid import UUID, uuid5

from gpcli.care.confirmation import Decision, Outcome, Proposal
from gpcli.care.offers import filter_by_gp, build_refusal, require_service, list_services
from gpcli.care.portal_protocol import Portal
from gpcli.care.prescription_list import SEE_PRESCRIPTIONS, is_in_use, no_such_prescription
from gpcli.care.renewal_request import (
    RenewalContext,
    RenewalItem,
    RenewalPlan,
    RenewalRequest,
    ServicesByGp,
    SkippedPrescription,
    build_charge,
    check_note,
    plan_rows,
    preview_item,
    find_service,
    plan_warnings,
)
from gpcli.care.revalidate import build_offer_check
from gpcli.care.service_request import request_id_conflict
from gpcli.errors import AlreadyAnswered, InputNeeded, InvalidUsage
from gpcli.model.prescription import REFUSED, Prescription, Renewal, RenewalFacts
from gpcli.model.receipt import WriteResult
from gpcli.model.service import Offers, Price, ServiceName, Standing

STRICT_GROUPS = frozenset({"A", "B"})
"""Prescription groups (Volven 7421) for which a consultation is usually needed."""

LOW = "--low"
"""What stands for all that run out, in the list to pick from."""

_JUST_RENEWED = timedelta(days=7)
"""For so long `--low` leaves alone what was renewed, whatever is left of it."""

_RENEWED = frozenset({"completed"})

Selection = tuple[tuple[RenewalItem, ...], tuple[SkippedPrescription, ...]]
"""What to ask for, each once, and what `--low` leaves out."""


def select_items(counter: RenewalContext, facts: RenewalFacts, wanted: RenewalRequest) -> Selection:
    """What to ask for; raises InputNeeded when nothing is chosen and nobody can be asked."""
    ids, low = wanted.ids or (), wanted.low
    if wanted.ids is None and not low:
        picked = _choose_ids(counter, facts, wanted.gp)
        ids, low = tuple(each for each in picked if each != LOW), LOW in picked
    lines, left_out = _select_low(counter, facts, wanted.gp) if low else ((), ())
    named = (_find_item(each, facts) for each in ids)
    return tuple({line.id: line for line in (*lines, *named)}.values()), left_out


def _find_item(identity: str, facts: RenewalFacts) -> RenewalItem:
    for one in facts.prescriptions:
        if one.id == identity:
            return _build_item(one)
    for newer in facts.prescriptions:
        if identity in newer.predecessors:
            return _build_replaced_item(identity, newer, facts)
    return RenewalItem(identity, error=no_such_prescription(identity))


def _build_replaced_item(identity: str, newer: Prescription, facts: RenewalFacts) -> RenewalItem:
    """One that is not the newest: asking for it again must not renew what replaced it."""
    asked = next((each for each in facts.renewals if each.prescription_id == identity), None)
    if asked and (asked.open or asked.status in _RENEWED):
        warning = f"It was renewed already: {newer.id} has replaced it."
        return RenewalItem(identity, newer, renewal=asked, warnings=(warning,))
    error = AlreadyAnswered(
        f"It was replaced already, by {newer.id}.",
        hint=f"gpcli rx renew {newer.id} asks for the new one.",
    )
    return RenewalItem(identity, newer, error=error)


def _build_item(one: Prescription) -> RenewalItem:
    return RenewalItem(one.id, one, warnings=tuple(_item_warnings(one)))


def _item_warnings(one: Prescription) -> Iterator[str]:
    if one.group in STRICT_GROUPS:
        yield f"Group {one.group}: a consultation is usually needed before it is renewed."
    if one.expired:
        yield "It has expired: portals usually refuse that, and a new one needs an appointment."
    if one.status == "stopped":
        yield "It was stopped: portals usually refuse to renew that."
    if _was_refused(one):
        yield f"The surgery refused it when you last asked{_answer_ending(one)}"


def _was_refused(one: Prescription) -> bool:
    return one.renewal is not None and one.renewal.status in REFUSED


def _answer_ending(one: Prescription) -> str:
    answer = one.renewal.answer if one.renewal else None
    return f": {answer}" if answer else "."


def _select_low(counter: RenewalContext, facts: RenewalFacts, gp: str | None) -> Selection:
    """What runs out, without what would be in vain: a script may ask for this every day."""
    low = [one for one in _find_candidates(facts, gp) if one.low]
    today = counter.clock().date()
    reasons = {one.id: _skip_reason(one, today) for one in low}
    left_out = (SkippedPrescription(one, why) for one in low if (why := reasons[one.id]))
    return tuple(_build_item(one) for one in low if not reasons[one.id]), tuple(left_out)


def _skip_reason(one: Prescription, today: date) -> str | None:
    """Why asking for it is in vain, as far as can be told."""
    if one.renewal and one.renewal.open:
        return None
    if _was_refused(one):
        return f"the surgery refused it when you last asked{_answer_ending(one)}"
    if one.group in STRICT_GROUPS:
        return f"group {one.group}, for which a consultation is usually needed first."
    if one.predecessors and _is_just_issued(one, today):
        return "it was renewed less than a week ago."
    return None


def _is_just_issued(one: Prescription, today: date) -> bool:
    with suppress(ValueError):
        return today - date.fromisoformat((one.issued or "")[:10]) < _JUST_RENEWED
    return False


def _find_candidates(facts: RenewalFacts, gp: str | None) -> list[Prescription]:
    ours = {surgery.id for surgery in filter_by_gp(facts.offers, gp).surgeries}
    return [
        one for one in facts.prescriptions if is_in_use(one) and (gp is None or one.surgery_id in ours)
    ]


def _choose_ids(counter: RenewalContext, facts: RenewalFacts, gp: str | None) -> list[str]:
    hint = f"Name prescriptions (gpcli rx list shows their ids), or {LOW}."
    if not counter.asker.allowed:
        raise InputNeeded("Which prescription?", hint=hint)
    asked = {one.id for one in facts.prescriptions if one.renewal and one.renewal.open}
    free = [one for one in _find_candidates(facts, gp) if one.id not in asked]
    if not free:
        raise InputNeeded("There is no prescription to choose from.", hint=hint)
    low = [line.label for line in _select_low(counter, facts, gp)[0] if line.id not in asked]
    together = [(LOW, f"All that run out: {', '.join(low)}")] if len(low) > 1 else []
    choices = [*together, *((str(one.id), counter.label(one)) for one in free)]
    return counter.asker.choose_several("Which prescriptions?", choices, flag="ID")


@dataclass(frozen=True)
class EarlierRequests:
    """The requests of the past, newest first, as seen by a try with `intent`."""

    intent: UUID
    renewals: tuple[Renewal, ...] = ()

    @cached_property
    def ours(self) -> dict[str, Renewal]:
        """Those that an earlier try with the same intent made, by their prescription."""
        return {
            renewal.prescription_id or "": renewal
            for renewal in self.renewals
            if uuid5(self.intent, renewal.prescription_id or "").urn in renewal.identifiers
        }

    @property
    def begun(self) -> datetime | None:
        """When that try was, if there was one and it says so."""
        return min((each.asked for each in self.ours.values() if each.asked), default=None)

    def open_then(self, names: Iterable[str]) -> Renewal | None:
        """The request of another intent that kept that try from asking for one of `names`."""
        begun, ids = self.begun, set(names)
        others = (each for each in self.renewals if each.prescription_id in ids)
        return next((each for each in others if begun and _was_open(each, begun)), None)


def fetch_earlier_requests(portal: Portal, wanted: RenewalRequest) -> EarlierRequests:
    """The requests of the past, where this may be a repetition; else none."""
    found = portal.prescriptions.fetch_renewals() if wanted.repeated else ()
    return EarlierRequests(wanted.intent, tuple(found))


def check_same_selection(
    lines: Sequence[RenewalItem], wanted: RenewalRequest, earlier: EarlierRequests
) -> None:
    """Raise Conflict when this request id asked for a prescription that is not named now.

    What `--low` stands for may change from one day to the next.
    """
    if wanted.low:
        return
    named = {name for line in lines if line.prescription for name in _all_ids(line.prescription)}
    for before, renewal in earlier.ours.items():
        if before not in named:
            raise request_id_conflict(str(renewal.id))


def apply_earlier(line: RenewalItem, wanted: RenewalRequest, earlier: EarlierRequests) -> RenewalItem:
    """The line as it is when this very request, or another open one, is there already.

    Raises Conflict when this request id asked for the same with another note.
    """
    one = line.prescription
    if one is None:
        return line
    names = (line.id, *_all_ids(one))
    ours = next((earlier.ours[name] for name in names if name in earlier.ours), None)
    if ours and not _has_same_note(ours, wanted):
        raise request_id_conflict(str(ours.id))
    if ours:
        identity = ours.prescription_id or line.id
        return replace(line, id=identity, renewal=ours, error=None, warnings=())
    if not line.due:
        return line
    open_now = one.renewal if one.renewal and one.renewal.open else None
    there = earlier.open_then(names) or open_now
    if there is None:
        return line
    return warn_of_unsent_note(replace(line, renewal=there, warnings=()), wanted)


def warn_of_unsent_note(line: RenewalItem, wanted: RenewalRequest) -> RenewalItem:
    """The line with a warning where what was there already bears another note."""
    if line.renewal is None or line.changed or wanted.note is None:
        return line
    if _has_same_note(line.renewal, wanted):
        return line
    unsent = "It is asked for already; your note was not sent."
    return replace(line, warnings=(*line.warnings, unsent))


def _all_ids(one: Prescription) -> tuple[str, ...]:
    """The ids that a prescription goes and went by."""
    return (one.id, *one.predecessors)


def _was_open(renewal: Renewal, moment: datetime) -> bool:
    """Whether it was asked for by then and, as far as is known, not settled."""
    if renewal.asked is None or renewal.asked > moment:
        return False
    return renewal.open or renewal.updated is None or renewal.updated >= moment


def _has_same_note(renewal: Renewal, wanted: RenewalRequest) -> bool:
    return (renewal.note or "").strip() == (wanted.note or "").strip()


RENEWAL = ServiceName.PRESCRIPTION_RENEWAL


def propose_renewal(counter: RenewalContext, wanted: RenewalRequest) -> Decision[RenewalPlan]:
    """Decide which prescriptions to ask for, and whom.

    What is asked for already counts as done, and so does what was renewed, by its former id. A
    prescription that can't be asked for is a failed line among the others. Raises Usage for
    contradictory wishes; InputNeeded when nothing is chosen and nobody can be asked; NotFound for
    the GP; Conflict when the request id was used for something else; NotOffered and its like when
    no GP renews.
    """
    _check_request(wanted)
    facts = counter.portal.prescriptions.fetch_renewal_facts()
    offers, now = filter_by_gp(facts.offers, wanted.gp), counter.clock()
    if wanted.ids is None:
        require_service(offers, RENEWAL, now)
    lines, left_out = select_items(counter, facts, wanted)
    earlier = fetch_earlier_requests(counter.portal, wanted)
    check_same_selection(lines, wanted, earlier)
    lines = tuple(apply_earlier(line, wanted, earlier) for line in lines)
    if any(line.renewal is None for line in lines):
        require_service(offers, RENEWAL, now)
    rows = {row.surgery.id: row for row in list_services(facts.offers, now) if row.service is RENEWAL}
    lines = tuple(_check_prescriber(line, facts.offers, rows, wanted.gp) for line in lines)
    renewing = RenewalPlan(lines, left_out)
    if not any(line.due for line in lines):
        return Outcome(renewing, changed=False)
    return _build_proposal(counter, wanted, facts.offers.prices.get(RENEWAL), rows, renewing)


def _check_request(wanted: RenewalRequest) -> None:
    if wanted.low and wanted.ids is not None:
        raise InvalidUsage("Name prescriptions, or --low: only one of them.")
    if wanted.note is not None and not wanted.note.strip():
        raise InvalidUsage("--note is empty.", hint="Leave it out, or say something.")
    if not all(each.strip() for each in wanted.ids or ()):
        raise InputNeeded("A prescription's id is empty.", hint=SEE_PRESCRIPTIONS)


def _check_prescriber(line: RenewalItem, offers: Offers, rows: ServicesByGp, gp: str | None) -> RenewalItem:
    """The line with an error where its prescriber can't be asked; raises Usage for a wrong GP."""
    one, row = line.prescription, find_service(line, rows)
    if one is None or row is None or not line.due:
        return line
    if row.surgery not in filter_by_gp(offers, gp).surgeries:
        raise InvalidUsage(
            f"{one.id} was prescribed by {row.surgery.label}, and a renewal goes there, "
            f"not to '{gp}'.",
            hint="Leave --gp out.",
        )
    if row.status is Standing.OFFERED:
        return line
    return replace(line, error=build_refusal(offers, [row], RENEWAL))


def _build_proposal(
    counter: RenewalContext,
    wanted: RenewalRequest,
    price: Price | None,
    rows: ServicesByGp,
    renewing: RenewalPlan,
) -> Proposal[RenewalPlan]:
    due = [line for line in renewing.lines if line.due]
    usable = [row for row in rows.values() if row.status is Standing.OFFERED]
    asked = [row for row in usable if row in [find_service(line, rows) for line in due]] or usable[:1]
    check_note(wanted.note, asked)
    looks = [build_offer_check(counter.portal, row, counter.clock) for row in asked]
    parties = counter.portal.fetch_parties()
    return Proposal(
        action=f"Ask to renew {'these prescriptions' if len(due) > 1 else 'this prescription'}",
        rows=plan_rows(renewing, rows, asked, parties, wanted.note, price),
        preview=replace(renewing, lines=tuple(preview_item(line, wanted) for line in renewing.lines)),
        send=lambda: _send_renewals(counter.portal, wanted, renewing),
        charge=build_charge(price, len(due), capped=wanted.capped),
        warnings=tuple(plan_warnings(renewing)),
        still_so=lambda: _run_all(looks),
    )


def _run_all(looks: Sequence[Callable[[], None]]) -> None:
    for look in looks:
        look()


def _send_renewals(
    portal: Portal, wanted: RenewalRequest, renewing: RenewalPlan
) -> WriteResult[RenewalPlan]:
    due = [line.prescription for line in renewing.lines if line.due and line.prescription]
    ended = portal.prescriptions.send_renewals(due, wanted.note, wanted.intent)
    asked = {each.prescription.id: each for each in ended}
    lines = tuple(
        warn_of_unsent_note(line.after(asked[line.prescription.id]), wanted)
        if line.due and line.prescription
        else line
        for line in renewing.lines
    )
    return WriteResult(replace(renewing, lines=lines), any(line.changed for line in lines))
