"""Consent to Full Access: granting it, and withdrawing it with all that this deletes."""

from __future__ import annotations

from uuid import UUID, uuid5

from gpcli.care.agreement import Asker, Outcome, Proposal, Step
from gpcli.care.portal import Portal
from gpcli.errors import ConfirmationNeeded, Declined, NotPermitted
from gpcli.model.desk import Written
from gpcli.model.service import Consent, ConsentLevel

ABOVE_BASIC = frozenset({ConsentLevel.BASIC_PLUS, ConsentLevel.FULL_ACCESS})
"""The levels that withdrawing ends."""

WITHDRAW = "withdraw"
"""The word that has to be typed."""


def propose_grant(portal: Portal, intent: UUID) -> Step[Consent]:
    """Consent to Full Access; raises NotPermitted when acting for someone else."""
    _own(portal)
    there = [each for each in portal.consents() if each.level == ConsentLevel.FULL_ACCESS]
    if there:
        return Outcome(there[0], changed=False)
    return Proposal(
        action="Consent to Full Access",
        rows=(
            ("For", portal.parties.patient.name),
            ("Means", "the portal may store and show your bookings, messages and prescriptions"),
            ("Ends", "when you withdraw it: gpcli consent withdraw"),
        ),
        preview=Consent("", ConsentLevel.FULL_ACCESS, "proposed", None),
        send=lambda: portal.grant_consent(intent),
    )


def propose_withdrawal(portal: Portal, intent: UUID) -> Step[Consent]:
    """Withdraw every consent above basic; raises NotPermitted when acting for someone else.

    Consents of levels that gpcli does not know are somebody else's business and stay.
    """
    _own(portal)
    there = [each for each in portal.consents() if each.level in ABOVE_BASIC]
    if not there:
        return Outcome(Consent("", ConsentLevel.BASIC, "active", None), changed=False)
    return Proposal(
        action="Withdraw consent",
        rows=(
            ("For", portal.parties.patient.name),
            ("Consents", ", ".join(each.level for each in there)),
        ),
        preview=there[-1],
        send=lambda: _withdraw(portal, there, intent),
        warnings=("The portal deletes what it has stored for you. This can't be undone.",),
    )


def require_word(step: Step[Consent], dry_run: bool, confirm: str | None, asker: Asker) -> None:
    """Withdrawing deletes data: the word itself is needed, `--yes` does not replace it.

    Raises Declined for another word; ConfirmationNeeded when it is missing, InputNeeded when it is
    empty, and nobody can be asked.
    """
    if dry_run or isinstance(step, Outcome):
        return
    if confirm is None and not asker.allowed:
        raise ConfirmationNeeded(
            "Withdrawing deletes what the portal keeps for you; it was not confirmed.",
            hint=f"Confirm with --confirm {WITHDRAW}.",
        )
    word = confirm or asker.text(
        f"This deletes what the portal keeps for you. Type '{WITHDRAW}' to go on", flag="--confirm"
    )
    if word != WITHDRAW:
        raise Declined(f"That was not '{WITHDRAW}'. Nothing was sent.")


def _withdraw(portal: Portal, consents: list[Consent], intent: UUID) -> Written[Consent]:
    written = [portal.withdraw_consent(each, uuid5(intent, each.id)) for each in consents]
    return Written(written[-1].record, any(each.changed for each in written))


def _own(portal: Portal) -> None:
    parties = portal.parties
    if parties.on_behalf:
        raise NotPermitted(
            f"Only {parties.patient.name} can change this consent; "
            f"{parties.acting_user.name} acts on their behalf.",
        )
