"""Which prescriptions to show, and taking back a request to renew one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gpcli.care.confirmation import Asker, Decision, Outcome, Proposal
from gpcli.care.offers import find_surgeries
from gpcli.care.portal_protocol import Portal
from gpcli.errors import AlreadyAnswered, InputNeeded, NotFound
from gpcli.model.prescription import WITHDRAWABLE, Prescription, Renewal
from gpcli.model.service import Surgery

WITHDRAWN = "cancelled"
"""R4's TaskStatus for a request that was taken back."""

SEE_PRESCRIPTIONS = "gpcli rx list shows the prescriptions."

_SEE_REQUESTS = "gpcli rx requests lists them."


@dataclass(frozen=True)
class PrescriptionListing:
    """Prescriptions to show.

    `more` are those in use no longer, which only `--all` shows; `older` are those that expired
    over 12 months ago, which nothing shows. `unsaid` are those that would be shown if their kind
    were told to be the wanted one.
    """

    shown: tuple[Prescription, ...]
    more: int = 0
    older: int = 0
    unsaid: int = 0


def fetch_prescriptions(
    portal: Portal,
    now: datetime,
    *,
    everything: bool = False,
    low: bool = False,
    kind: str | None = None,
    gp: str | None = None,
) -> PrescriptionListing:
    """Prescriptions in use; with `everything` also those of the last 12 months that are not.

    `gp` leaves those of the GP so named. Raises NotFound when no GP has that name.
    """
    surgeries = find_surgeries(portal.fetch_surgeries(), gp) if gp is not None else None
    wanted = [
        one
        for one in portal.prescriptions.fetch_prescriptions()
        if (not low or one.low) and _is_at(one, surgeries)
    ]
    found = [one for one in wanted if kind in {None, one.kind}]
    kept = [one for one in found if not _is_long_expired(one, now.date())]
    shown = kept if everything else [one for one in kept if is_in_use(one)]
    kindless = [one for one in wanted if kind and one.kind is None]
    return PrescriptionListing(
        tuple(shown),
        more=len(kept) - len(shown),
        older=len(found) - len(kept) if everything else 0,
        unsaid=sum(everything or is_in_use(one) for one in kindless),
    )


def choose_prescription(
    portal: Portal, prescription: str | None, asker: Asker, label: Callable[[Prescription], str]
) -> Prescription:
    """The prescription with this id, or what has replaced it; without an id, one from a list.

    Raises NotFound, and InputNeeded where nobody can be asked.
    """
    if prescription is None and not asker.allowed:
        raise InputNeeded("A prescription's id is needed.", hint=SEE_PRESCRIPTIONS)
    there = portal.prescriptions.fetch_prescriptions()
    if prescription is None:
        choices = [(str(one.id), label(one)) for one in there if is_in_use(one)]
        if not choices:
            raise InputNeeded("There is no prescription to choose from.", hint=SEE_PRESCRIPTIONS)
        prescription = asker.choose("Which prescription?", choices, flag="ID")
    by_former = {former: one for one in there for former in one.predecessors}
    found = (by_former | {str(one.id): one for one in there}).get(prescription)
    if found is None:
        raise no_such_prescription(prescription)
    return found


def no_such_prescription(prescription: str) -> NotFound:
    """The error for an id that none of the patient's prescriptions has or had."""
    return NotFound(f"There is no prescription '{prescription}'.", hint=SEE_PRESCRIPTIONS)


def is_in_use(one: Prescription) -> bool:
    """Whether something can still be fetched on it, as far as its status and date tell."""
    return one.status == "active" and not one.expired


def choose_renewal(
    portal: Portal, renewal: str | None, asker: Asker, label: Callable[[Renewal], str]
) -> str:
    """The id given, or one picked from those that can be taken back; raises InputNeeded."""
    if renewal is not None and renewal.strip():
        return renewal
    if renewal is not None or not asker.allowed:
        raise InputNeeded("A request's id is needed.", hint=_SEE_REQUESTS)
    found = [one for one in portal.prescriptions.fetch_renewals() if one.status in WITHDRAWABLE]
    if not found:
        raise InputNeeded("There is no request that can be taken back.", hint=_SEE_REQUESTS)
    choices = [(str(one.id), label(one)) for one in found]
    return asker.choose("Which request?", choices, flag="ID")


def propose_renewal_withdrawal(portal: Portal, renewal: str, intent: UUID) -> Decision[Renewal]:
    """Take a request to renew back; one that was taken back counts as done.

    Never gated by what the GP offers now. Raises NotFound; AlreadyAnswered when the surgery has
    taken it up.
    """
    there = portal.prescriptions.fetch_renewal(renewal)
    if there.status == WITHDRAWN:
        return Outcome(there, changed=False)
    if there.status not in WITHDRAWABLE:
        raise AlreadyAnswered(
            f"The surgery has taken {renewal} up: it is {there.status}.",
            hint="gpcli rx requests shows the answers.",
        )
    parties = portal.fetch_parties()
    return Proposal(
        action="Withdraw this request",
        rows=(
            ("Request", there.id),
            ("Prescription", there.prescription),
            ("Asked", there.asked),
            ("Note", there.note),
            ("For", parties.patient.name),
            ("By", parties.on_behalf_by.name if parties.on_behalf_by else None),
        ),
        preview=there,
        send=lambda: portal.prescriptions.send_withdrawal(renewal, intent),
    )


def _is_at(one: Prescription, surgeries: tuple[Surgery, ...] | None) -> bool:
    return surgeries is None or one.surgery_id in {each.id for each in surgeries}


def _is_long_expired(one: Prescription, today: date) -> bool:
    """Whether it expired over 12 months ago; a partial date counts to its end."""
    if not one.expired or one.valid_until is None:
        return False
    until = one.valid_until[:10]
    return until < _year_before(today).isoformat()[: len(until)]


def _year_before(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap_day else day.day)
