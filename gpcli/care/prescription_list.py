"""Prescriptions: list them, choose one, and propose to withdraw a request to renew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gpcli.care.confirmation import Asker, Decision, Outcome, Proposal
from gpcli.care.offers import find_surgeries
from gpcli.care.portal_protocol import Portal
from gpcli.care.selection import Naming, choose_fitting, find_fitting
from gpcli.errors import AlreadyAnswered, GpcliError, InputNeeded, NotFound
from gpcli.model.prescription import IN_ERROR, WITHDRAWABLE, Prescription, Renewal
from gpcli.model.service import Surgery

WITHDRAWN = "cancelled"
"""R4's TaskStatus for a request that was taken back."""

_TAKEN_UP = frozenset({"accepted", "in-progress", "ready", "completed", "rejected", "failed"})
"""Values of TaskStatus that tell that the surgery has worked on a request."""

SEE_PRESCRIPTIONS = "gpcli rx list shows the prescriptions."

_MANY_FILLS, _MANY_DAYS = 1_000, 10_000
"""Where unknown numbers of fills and of days are sorted: after every usual one."""

_SEE_REQUESTS = "gpcli rx requests lists them."


@dataclass(frozen=True)
class PrescriptionListing:
    """Prescriptions to show, and the numbers of those left out.

    `inactive` are no longer in use; only `--all` shows them. `long_expired` expired over 12 months
    ago; nothing shows them. `unknown_kind` have no kind on record, where one kind is wanted.
    `proposed` are only proposed or drafted, `in_error` were entered in error: neither are
    prescriptions, and nothing but their id shows them. `unknown_surgery` do not tell the surgery
    that prescribed them, where those of one GP are wanted. `unknown_left` do not tell whether
    little is left, where only such are wanted.
    """

    shown: tuple[Prescription, ...]
    inactive: int = 0
    long_expired: int = 0
    unknown_kind: int = 0
    proposed: int = 0
    in_error: int = 0
    unknown_surgery: int = 0
    unknown_left: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there are none, and none of which it is unknown."""
        return not (self.shown or self.unknown_kind or self.unknown_surgery or self.unknown_left)


def fetch_prescriptions(
    portal: Portal,
    now: datetime,
    *,
    everything: bool = False,
    low: bool = False,
    kind: str | None = None,
    gp: str | None = None,
) -> PrescriptionListing:
    """Fetch the prescriptions in force, most urgent first; with `everything` of 12 months.

    Those that say not to take something are in force as well, and so are those on hold.

    `low` keeps those of which little is left, `kind` those of one kind, `gp` those of the GP named.
    Raises: NotFound if no GP has that name.
    """
    surgeries = find_surgeries(portal.fetch_surgeries(), gp) if gp is not None else None
    prescriptions = portal.prescriptions.fetch_prescriptions()
    everywhere = [each for each in prescriptions if each.low or not low]
    vague = [each for each in prescriptions if low and each.low is None]
    found = [each for each in everywhere if _is_at(each, surgeries)]
    elsewhere = [each for each in everywhere if surgeries is not None and each.surgery_id is None]
    matching = [each for each in found if each.is_prescribed]
    of_kind = [each for each in matching if kind in {None, each.kind}]
    recent = [each for each in of_kind if not _is_long_expired(each, now.date())]
    shown = [each for each in recent if everything or each.is_current]
    of_unknown_kind = [each for each in matching if kind and each.kind is None]
    return PrescriptionListing(
        tuple(sorted(shown, key=urgency)),
        inactive=len(recent) - len(shown),
        long_expired=len(of_kind) - len(recent) if everything else 0,
        unknown_kind=sum(everything or each.is_current for each in of_unknown_kind),
        proposed=sum(each.is_proposed and each.status != IN_ERROR for each in found),
        in_error=sum(each.status == IN_ERROR for each in found),
        unknown_surgery=sum(
            (each.is_prescribed if everything else each.is_current) and kind in {None, each.kind}
            for each in elsewhere
        ),
        unknown_left=sum(_is_at(each, surgeries) and kind in {None, each.kind} for each in vague),
    )


def choose_prescription(
    portal: Portal,
    prescription_id: str | None,
    asker: Asker,
    label: Callable[[Prescription], str],
    *,
    by_name: bool = False,
) -> Prescription:
    """Return the prescription with this id, or the one that replaced it; `None` = ask for one.

    With `by_name` the id may be the beginning of one, or words of the medicine's name.
    Raises: NotFound; BadResponse if it can't be read; InputNeeded if nobody can be asked.
    """
    if prescription_id is None and not asker.can_ask:
        raise InputNeeded("A prescription's id is needed.", hint=SEE_PRESCRIPTIONS)
    prescriptions = portal.prescriptions.fetch_prescriptions()
    if prescription_id is None:
        choices = [(str(each.id), label(each)) for each in prescriptions if each.is_current]
        if not choices:
            raise InputNeeded("There is no prescription to choose from.", hint=SEE_PRESCRIPTIONS)
        prescription_id = asker.choose("Which prescription?", choices, flag="ID")
    by_former = {
        former: prescription
        for prescription in prescriptions
        for former in prescription.predecessors
    }
    known = by_former | {str(prescription.id): prescription for prescription in prescriptions}
    if prescription_id in known:
        return known[prescription_id]
    if by_name and (meant := list_meant(portal, prescriptions, prescription_id, label)):
        several = len(meant) > 1
        naming = name_prescriptions(label)
        chosen = choose_fitting(prescription_id, meant, naming, asker) if several else meant[0].id
        return next(each for each in meant if each.id == chosen)
    found = portal.prescriptions.fetch_named([prescription_id])[prescription_id]
    if isinstance(found, GpcliError):
        raise found
    return found


def name_prescriptions(label: Callable[[Prescription], str]) -> Naming[Prescription]:
    """Return how prescriptions are named: by medicine and strength."""
    return Naming("prescriptions", lambda each: (each.label,), label)


def list_meant(
    portal: Portal,
    prescriptions: Sequence[Prescription],
    text: str,
    label: Callable[[Prescription], str],
) -> list[Prescription]:
    """Return which of `prescriptions` a text may stand for that is none of their ids.

    Those in use come before those that are in force, and these before the others. Where one that
    is not among them has the text as its id, it stands for none of them.
    """
    rules: tuple[Callable[[Prescription], bool], ...] = (
        is_in_use,
        lambda each: each.is_current,
        lambda each: True,
    )
    tiers: list[list[Prescription]] = [[] for _ in rules]
    for each in prescriptions:
        tiers[next(rank for rank, rule in enumerate(rules) if rule(each))].append(each)
    found = find_fitting(text, tiers, name_prescriptions(label))
    begins = any(str(each.id).startswith(text) for each in found)
    is_known = begins and not isinstance(portal.prescriptions.fetch_named([text])[text], NotFound)
    return [] if is_known else found


def find_renewal(
    portal: Portal, text: str, asker: Asker, label: Callable[[Renewal], str]
) -> str | None:
    """Return the id of the request that a text stands for: by its beginning, or the medicine.

    `None` = nothing fits. Of those that can't be withdrawn any more it is the newest.
    Raises: InputNeeded where several can be withdrawn, and nobody can be asked.
    """
    renewals = portal.prescriptions.fetch_renewals()
    open_now = [each for each in renewals if each.status in WITHDRAWABLE]
    settled = [each for each in renewals if each.status not in WITHDRAWABLE]
    naming = Naming[Renewal]("requests", lambda each: (each.prescription,), label)
    found = find_fitting(text, (open_now, settled), naming)
    if len(found) > 1 and found[0].status in WITHDRAWABLE:
        return choose_fitting(text, found, naming, asker)
    return str(found[0].id) if found else None


def is_in_use(prescription: Prescription) -> bool:
    """Return whether it can still be dispensed, as far as its status and date tell."""
    is_active = prescription.status == "active" and prescription.is_current
    return is_active and not prescription.do_not_take


def choose_renewal(
    portal: Portal, renewal_id: str | None, asker: Asker, label: Callable[[Renewal], str]
) -> str:
    """Return the id given, or let the person choose a request that can be withdrawn.

    Raises: InputNeeded if nobody can be asked, or there is nothing to choose from.
    """
    if renewal_id is not None and renewal_id.strip():
        return renewal_id
    if renewal_id is not None or not asker.can_ask:
        raise InputNeeded("A request's id is needed.", hint=_SEE_REQUESTS)
    found = [
        renewal
        for renewal in portal.prescriptions.fetch_renewals()
        if renewal.status in WITHDRAWABLE
    ]
    if not found:
        raise InputNeeded("There is no request that can be taken back.", hint=_SEE_REQUESTS)
    choices = [(str(renewal.id), label(renewal)) for renewal in found]
    return asker.choose("Which request?", choices, flag="ID")


def propose_renewal_withdrawal(portal: Portal, renewal_id: str, intent: UUID) -> Decision[Renewal]:
    """Propose to withdraw a request to renew; one that was withdrawn already is an Outcome.

    It does not depend on what the GP offers now.
    Raises: NotFound; AlreadyAnswered if the surgery has begun to work on it, or it is no request.
    """
    renewal = portal.prescriptions.fetch_renewal(renewal_id)
    if renewal.status == WITHDRAWN:
        return Outcome(renewal, changed=False)
    if renewal.is_in_error:
        raise AlreadyAnswered(
            f"{renewal_id} was entered in error: there is no request to take back.",
            hint=_SEE_REQUESTS,
        )
    if renewal.status not in WITHDRAWABLE:
        raise AlreadyAnswered(
            f"The surgery has taken {renewal_id} up: it is {renewal.status}."
            if renewal.status in _TAKEN_UP
            else f"{renewal_id} can't be taken back: its status is {renewal.status}.",
            hint="gpcli rx requests shows the answers.",
        )
    parties = portal.fetch_parties()
    return Proposal(
        action="Withdraw this request",
        rows=(
            ("Request", renewal.id),
            ("Prescription", renewal.prescription),
            ("Asked", renewal.asked),
            ("Note", renewal.note),
            ("For", parties.patient.name),
            ("By", parties.on_behalf_by.name if parties.on_behalf_by else None),
        ),
        preview=renewal,
        send=lambda: portal.prescriptions.send_withdrawal(renewal_id, intent),
    )


def urgency(prescription: Prescription) -> tuple[int, int, int, str]:
    """Return what to sort by: what not to take, what runs out, what is used up, the rest.

    What runs out and is asked for comes after what is not.

    What is in force no longer comes last. Within a rank, what lasts the fewest days comes first,
    then what has the fewest fills.
    """
    is_asked_for = prescription.renewal is not None and prescription.renewal.is_open
    if not prescription.is_current:
        rank = 5
    elif prescription.do_not_take:
        rank = 0
    elif prescription.low:
        rank = 2 if is_asked_for else 1
    else:
        rank = 3 if _is_used_up(prescription) else 4
    fills = prescription.remaining.fills if prescription.remaining else _MANY_FILLS
    days = prescription.supply.days if prescription.supply else _MANY_DAYS * (fills > 0)
    return rank, days, fills, prescription.label.casefold()


def _is_used_up(prescription: Prescription) -> bool:
    """Return whether what was fetched of it lasts until today at most, as far as that is told."""
    return prescription.supply is not None and prescription.supply.days == 0


def _is_at(prescription: Prescription, surgeries: tuple[Surgery, ...] | None) -> bool:
    return surgeries is None or prescription.surgery_id in {surgery.id for surgery in surgeries}


def _is_long_expired(prescription: Prescription, today: date) -> bool:
    """Return whether it expired over 12 months ago; a partial date counts to its end."""
    if not prescription.expired or prescription.valid_until is None:
        return False
    until = prescription.valid_until[:10]
    return until < _year_before(today).isoformat()[: len(until)]


def _year_before(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap_day else day.day)
