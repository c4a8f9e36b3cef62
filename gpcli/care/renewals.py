"""Renewing prescriptions: select them, leave out what was requested before, propose the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from uuid import UUID, uuid5

from gpcli.care.confirmation import Decision, Outcome, Proposal
from gpcli.care.offers import build_refusal, filter_by_gp, list_services, require_service
from gpcli.care.plan_binding import EACH
from gpcli.care.portal_protocol import Portal
from gpcli.care.prescription_list import SEE_PRESCRIPTIONS, is_in_use
from gpcli.care.renewal_names import resolve_named
from gpcli.care.renewal_request import (
    RenewalContext,
    RenewalItem,
    RenewalPlan,
    RenewalRequest,
    ServicesByGp,
    SkippedPrescription,
    build_charge,
    check_note,
    find_service,
    plan_rows,
    plan_warnings,
    preview_item,
)
from gpcli.care.renewal_warnings import find_skip_reason, list_warnings
from gpcli.care.revalidate import build_offer_check
from gpcli.errors import (
    AlreadyAnswered,
    GpcliError,
    InputNeeded,
    InvalidUsage,
    Rejected,
    request_id_conflict,
)
from gpcli.model.prescription import IN_ERROR, Prescription, Renewal, RenewalFacts
from gpcli.model.receipt import WriteResult
from gpcli.model.service import Offers, ServiceName

LOW = "--low"
"""What stands for all that run out, in the list of ids to choose from."""

_RENEWED = "completed"
"""R4's TaskStatus for a request that led to a new prescription."""

_SERVICE = ServiceName.PRESCRIPTION_RENEWAL

_Selection = tuple[tuple[RenewalItem, ...], tuple[SkippedPrescription, ...]]
"""The items to ask for, each once, and what `--low` skips."""


def _select_items(
    context: RenewalContext, facts: RenewalFacts, request: RenewalRequest
) -> _Selection:
    """Return what `request` names or selects; ask the person if it does neither.

    Raises: InputNeeded if nothing is named and nobody can be asked.
    """
    ids, low = request.ids or (), request.low
    if request.ids is None and not low:
        chosen = _choose_ids(context, facts, request.gp)
        ids, low = tuple(identity for identity in chosen if identity != LOW), LOW in chosen
    items, skipped = _select_low(context, facts, request.gp) if low else ((), ())
    named = (_find_item(identity, facts) for identity in ids)
    return tuple({item.id: item for item in (*items, *named)}.values()), skipped


def _find_item(identity: str, facts: RenewalFacts) -> RenewalItem:
    for prescription in facts.prescriptions:
        if prescription.id == identity:
            return _build_item(prescription)
    for newer in facts.prescriptions:
        if identity in newer.predecessors:
            return _build_replaced_item(identity, newer, facts)
    return RenewalItem(identity)


def _look_up(items: Sequence[RenewalItem], portal: Portal) -> tuple[RenewalItem, ...]:
    """Return the items, with what the portal shows of those that are not among the prescriptions.

    It may have them all the same: as a draft, as one entered in error, as one that can't be read.
    """
    missing = [item.id for item in items if item.is_due and item.prescription is None]
    found = portal.prescriptions.fetch_named(missing) if missing else {}
    return tuple(
        _build_found_item(item.id, found[item.id]) if item.id in found else item for item in items
    )


def _build_found_item(identity: str, found: Prescription | GpcliError) -> RenewalItem:
    if isinstance(found, GpcliError):
        return RenewalItem(identity, error=found)
    return _build_item(found)


def _build_replaced_item(identity: str, newer: Prescription, facts: RenewalFacts) -> RenewalItem:
    """Return the item for an id that `newer` replaced; `newer` must not be renewed in its place."""
    renewals = (renewal for renewal in facts.renewals if renewal.prescription_id == identity)
    requested = next(renewals, None)
    if requested and (requested.is_open or requested.status == _RENEWED):
        warning = f"It was renewed already: {newer.id} has replaced it."
        return RenewalItem(identity, newer, renewal=requested, warnings=(warning,))
    if newer.do_not_take:
        ending = f"It was replaced by {newer.id}, an order not to take this."
        error: GpcliError = Rejected(ending, hint=f"gpcli rx show {newer.id} shows it.")
        return RenewalItem(identity, newer, error=error)
    error = AlreadyAnswered(
        f"It was replaced already, by {newer.id}.",
        hint=f"gpcli rx renew {newer.id} asks for the new one.",
    )
    return RenewalItem(identity, newer, error=error)


def _build_item(prescription: Prescription) -> RenewalItem:
    return RenewalItem(prescription.id, prescription, error=_refuse(prescription))


def _refuse(prescription: Prescription) -> Rejected | None:
    """Return why there is nothing to renew, whatever the portal would answer; `None` = there is."""
    what = next((words for applies, words in _NO_PRESCRIPTIONS if applies(prescription)), None)
    if what is None:
        return None
    return Rejected(
        f"It {what}: there is nothing to renew.",
        hint=f"gpcli rx show {prescription.id} shows it.",
    )


_NO_PRESCRIPTIONS: tuple[tuple[Callable[[Prescription], bool], str], ...] = (
    (lambda each: each.status == IN_ERROR, "was entered in error"),
    (lambda each: each.do_not_take, "is an order not to take this"),
    (lambda each: each.is_proposed, "is only proposed, not prescribed"),
)
"""What is no prescription of something to take, and what it is instead."""


def _select_low(context: RenewalContext, facts: RenewalFacts, gp: str | None) -> _Selection:
    """Return what runs out; what would be asked for in vain is skipped.

    A script may ask with `--low` every day.
    """
    candidates = _find_candidates(facts, gp)
    low = [prescription for prescription in candidates if prescription.low is not False]
    today = context.clock().date()
    reasons = {prescription.id: find_skip_reason(prescription, today) for prescription in low}
    if gp is not None:
        unknown = [
            prescription
            for prescription in _find_candidates(facts, None)
            if prescription.low is not False and prescription.surgery_id is None
        ]
        low += unknown
        reasons |= {each.id: "it does not tell which surgery prescribed it." for each in unknown}
    items = [_build_item(prescription) for prescription in low if not reasons[prescription.id]]
    skipped = [
        SkippedPrescription(prescription, why)
        for prescription in low
        if (why := reasons[prescription.id])
    ]
    return tuple(items), tuple(skipped)


def _find_candidates(facts: RenewalFacts, gp: str | None) -> list[Prescription]:
    at_gp = {surgery.id for surgery in filter_by_gp(facts.offers, gp).surgeries}
    return [
        prescription
        for prescription in facts.prescriptions
        if is_in_use(prescription) and (gp is None or prescription.surgery_id in at_gp)
    ]


def _choose_ids(context: RenewalContext, facts: RenewalFacts, gp: str | None) -> list[str]:
    hint = f"Name prescriptions (gpcli rx list shows their ids), or {LOW}."
    if not context.asker.can_ask:
        raise InputNeeded("Which prescription?", hint=hint)
    open_ids = {
        prescription.id
        for prescription in facts.prescriptions
        if prescription.renewal and prescription.renewal.is_open
    }
    candidates = _find_candidates(facts, gp)
    choosable = [prescription for prescription in candidates if prescription.id not in open_ids]
    if not choosable:
        raise InputNeeded("There is no prescription to choose from.", hint=hint)
    low = {item.id: item for item in _select_low(context, facts, gp)[0] if item.id not in open_ids}
    names = ", ".join(item.label for item in low.values())
    all_low = [(LOW, f"All that run out: {names}")] if len(low) > 1 else []
    choosable.sort(key=lambda prescription: prescription.id not in low)
    single = [(str(prescription.id), context.label(prescription)) for prescription in choosable]
    default = LOW if all_low else next(iter(low), None)
    return context.asker.choose_several(
        "Which prescriptions?", [*all_low, *single], flag="ID", default=default
    )


@dataclass(frozen=True)
class _EarlierRequests:
    """The requests of the past, newest first; those made with `intent` are from an earlier try."""

    intent: UUID
    renewals: tuple[Renewal, ...] = ()

    @cached_property
    def own(self) -> dict[str, Renewal]:
        """The requests that an earlier try with the same intent made, by prescription id."""
        return {
            renewal.prescription_id or "": renewal
            for renewal in self.renewals
            if uuid5(self.intent, renewal.prescription_id or "").urn in renewal.identifiers
        }

    @property
    def started(self) -> datetime | None:
        """When the earlier try was made; `None` = there was none, or its time is not known."""
        return min((renewal.asked for renewal in self.own.values() if renewal.asked), default=None)

    def find_open_then(self, prescription_ids: Iterable[str]) -> Renewal | None:
        """Return the request for one of these that was open at the time of the earlier try, if any.

        The earlier try made none for it, because this one was there.
        """
        started, ids = self.started, set(prescription_ids)
        if started is None:
            return None
        others = (renewal for renewal in self.renewals if renewal.prescription_id in ids)
        return next((renewal for renewal in others if _is_open_at(renewal, started)), None)


def _fetch_earlier_requests(portal: Portal, request: RenewalRequest) -> _EarlierRequests:
    """Fetch the requests of the past if this may be a repetition; else return none."""
    found = portal.prescriptions.fetch_renewals() if request.repeated else ()
    return _EarlierRequests(request.intent, tuple(each for each in found if not each.is_in_error))


def _add_own(
    items: Sequence[RenewalItem], facts: RenewalFacts, earlier: _EarlierRequests
) -> tuple[RenewalItem, ...]:
    """Return the items, and those that this request id asked for and that no longer run out."""
    named = {name for item in items if item.prescription for name in _all_ids(item.prescription)}
    return (*items, *(_find_item(name, facts) for name in earlier.own if name not in named))


def _check_same_selection(
    items: Sequence[RenewalItem], request: RenewalRequest, earlier: _EarlierRequests
) -> None:
    """Raise Conflict if this request id asked for a prescription that is not named now.

    With `--low` nothing is checked: what it selects may change from one day to the next.
    """
    if request.low:
        return
    named_ids = {
        identity for item in items if item.prescription for identity in _all_ids(item.prescription)
    }
    for prescription_id, renewal in earlier.own.items():
        if prescription_id not in named_ids:
            raise request_id_conflict(str(renewal.id))


def _apply_earlier(
    item: RenewalItem, request: RenewalRequest, earlier: _EarlierRequests
) -> RenewalItem:
    """Return the item with the request that is there already, if any: ours, or another open one.

    Raises: Conflict if this request id asked for the same with another note.
    """
    prescription = item.prescription
    if prescription is None:
        return item
    ids = (item.id, *_all_ids(prescription))
    own = next((earlier.own[candidate] for candidate in ids if candidate in earlier.own), None)
    if own and not own.has_note(request.note):
        raise request_id_conflict(str(own.id))
    if own:
        identity = own.prescription_id or item.id
        return replace(item, id=identity, renewal=own, error=None)
    if not item.is_due:
        return item
    latest = prescription.renewal
    open_now = latest if latest and latest.is_open else None
    found = earlier.find_open_then(ids) or open_now
    if found is None:
        return item
    return _warn_of_unsent_note(replace(item, renewal=found), request)


def _warn_of_unsent_note(item: RenewalItem, request: RenewalRequest) -> RenewalItem:
    """Return the item, with a warning if its request was there before and has another note."""
    if item.renewal is None or item.changed or request.note is None:
        return item
    if item.renewal.has_note(request.note):
        return item
    unsent = "It is asked for already; your note was not sent."
    return replace(item, warnings=(*item.warnings, unsent))


def _all_ids(prescription: Prescription) -> tuple[str, ...]:
    """Return the ids that a prescription has and had."""
    return (prescription.id, *prescription.predecessors)


def _is_open_at(renewal: Renewal, moment: datetime) -> bool:
    """Return whether it had been made by `moment` and, as far as is known, not been settled."""
    if renewal.asked is None or renewal.asked > moment:
        return False
    return renewal.is_open or renewal.updated is None or renewal.updated >= moment


def propose_renewal(context: RenewalContext, request: RenewalRequest) -> Decision[RenewalPlan]:
    """Propose to renew the selected prescriptions, each at its prescriber.

    What was requested or renewed already counts as done. A prescription that can't be requested is
    an item with an error: one that says not to take something, among others.
    Raises: InvalidUsage for contradictory options; InputNeeded if nothing is named and nobody can
    be asked; NotFound for the GP; Conflict if the request id was used for something else;
    NotOffered, OffForNow, ConsentNeeded or NotPermitted if no GP renews.
    """
    _check_request(request)
    facts = context.portal.prescriptions.fetch_renewal_facts()
    offers, now = filter_by_gp(facts.offers, request.gp), context.clock()
    if request.ids is None:
        require_service(offers, _SERVICE, now)
    earlier = _fetch_earlier_requests(context.portal, request)
    request = resolve_named(context, request, facts, earlier.own)
    items, skipped = _select_items(context, facts, request)
    if request.low:
        items = _add_own(items, facts, earlier)
    _check_same_selection(items, request, earlier)
    items = tuple(_apply_earlier(item, request, earlier) for item in items)
    if any(item.renewal is None for item in items):
        require_service(offers, _SERVICE, now)
    found = _look_up(items, context.portal)
    items = tuple(_apply_earlier(item, request, earlier) for item in found)
    services = {
        service.surgery.id: service
        for service in list_services(facts.offers, now)
        if service.service is _SERVICE
    }
    items = tuple(_check_prescriber(item, facts.offers, services, request.gp) for item in items)
    items = tuple(_warn(item, now.date()) for item in items)
    plan = RenewalPlan(items, skipped)
    if not any(item.is_due for item in items):
        return Outcome(plan, changed=False)
    return _build_proposal(context, request, facts.offers, services, plan)


def _check_request(request: RenewalRequest) -> None:
    if request.low and request.ids is not None:
        raise InvalidUsage("Name prescriptions, or --low: only one of them.")
    if request.note is not None and not request.note.strip():
        raise InvalidUsage("--note is empty.", hint="Leave it out, or say something.")
    if not all(identity.strip() for identity in request.ids or ()):
        raise InputNeeded("A prescription's id is empty.", hint=SEE_PRESCRIPTIONS)


def _check_prescriber(
    item: RenewalItem, offers: Offers, services: ServicesByGp, gp: str | None
) -> RenewalItem:
    """Return the item, with an error if its prescriber does not renew now.

    Raises: InvalidUsage if `gp` names another GP than the prescriber.
    """
    prescription, service = item.prescription, find_service(item, services)
    if prescription is None or service is None or not item.is_due:
        return item
    if gp is not None and service.surgery not in filter_by_gp(offers, gp).surgeries:
        raise InvalidUsage(
            f"{prescription.id} was prescribed by {service.surgery.label}, "
            f"and a renewal goes there, not to '{gp}'.",
            hint="Leave --gp out.",
        )
    if service.is_usable:
        return item
    return replace(item, error=build_refusal(offers, [service], _SERVICE))


def _warn(item: RenewalItem, today: date) -> RenewalItem:
    if item.prescription is None or not item.is_due:
        return item
    return replace(item, warnings=tuple(list_warnings(item.prescription, today)))


def _build_proposal(
    context: RenewalContext,
    request: RenewalRequest,
    offers: Offers,
    services: ServicesByGp,
    plan: RenewalPlan,
) -> Proposal[RenewalPlan]:
    due = [item for item in plan.items if item.is_due]
    usable = [service for service in services.values() if service.is_usable]
    prescribers = [find_service(item, services) for item in due]
    # Where no prescriber is known to be a GP of the patient, the plan shows one GP's terms.
    asked = [service for service in usable if service in prescribers] or usable[:1]
    price = offers.price_of(_SERVICE, *(service.surgery for service in asked))
    check_note(request.note, asked)
    offer_checks = [build_offer_check(context.portal, service, context.clock) for service in asked]
    parties, charge = context.portal.fetch_parties(), build_charge(price, len(due))
    plan = replace(plan, price=price if price and price.at_sending else None)
    return Proposal(
        action=f"Ask to renew {'these prescriptions' if len(due) > 1 else 'this prescription'}",
        rows=plan_rows(plan, services, asked, parties, request.note, price),
        preview=replace(plan, items=tuple(preview_item(item, request) for item in plan.items)),
        send=lambda: _send_renewals(context.portal, request, plan),
        charge=charge if plan.price else None,
        later_charge=charge,
        warnings=tuple(plan_warnings(plan)),
        revalidate=lambda: _run_all(offer_checks),
        content=(
            *((EACH, price) for _ in due[:1] if plan.price),
            *(("Prescription", item.id) for item in due),
            ("Note", request.note),
        ),
    )


def _run_all(checks: Sequence[Callable[[], None]]) -> None:
    for check in checks:
        check()


def _send_renewals(
    portal: Portal, request: RenewalRequest, plan: RenewalPlan
) -> WriteResult[RenewalPlan]:
    due = [item.prescription for item in plan.items if item.is_due and item.prescription]
    outcomes = portal.prescriptions.send_renewals(due, request.note, request.intent)
    outcome_of = {outcome.prescription.id: outcome for outcome in outcomes}
    items = tuple(
        _warn_of_unsent_note(item.with_outcome(outcome_of[item.prescription.id]), request)
        if item.is_due and item.prescription
        else item
        for item in plan.items
    )
    return WriteResult(replace(plan, items=items), any(item.changed for item in items))
