"""Consent to Full Access: granting it, and withdrawing it, which deletes what is stored."""

from __future__ import annotations

from uuid import UUID, uuid5

from gpcli.care.confirmation import Decision, Outcome, Proposal
from gpcli.care.portal_protocol import Portal
from gpcli.errors import NotPermitted
from gpcli.model.receipt import WriteResult
from gpcli.model.service import Consent, ConsentLevel, ConsentState

ABOVE_BASIC = frozenset({ConsentLevel.BASIC_PLUS, ConsentLevel.FULL_ACCESS})
"""The levels that withdrawing ends."""

WITHDRAW = "withdraw"
"""The word that has to be typed to withdraw consent."""


def propose_consent_grant(portal: Portal, intent: UUID) -> Decision[Consent]:
    """Propose to grant consent to Full Access.

    Raises: NotPermitted when acting for someone else, or where the portal does not use gpcli's
    levels, or does not let its clients record consent.
    """
    _require_own(portal)
    state = portal.fetch_consent_state()
    _require_levels(state)
    held = [consent for consent in state.consents if consent.level == ConsentLevel.FULL_ACCESS]
    if held:
        return Outcome(held[0], changed=False)
    if not state.can_grant:
        raise NotPermitted(
            "The portal does not let its clients record consent.",
            hint="Give it at the portal's own page, or ask the surgery.",
        )
    return Proposal(
        action="Consent to Full Access",
        rows=(
            ("For", portal.fetch_parties().patient.name),
            ("Means", "the portal may store and show your bookings, messages and prescriptions"),
            ("Ends", "when you withdraw it: gpcli consent withdraw"),
        ),
        preview=Consent("", ConsentLevel.FULL_ACCESS, "proposed", None),
        send=lambda: portal.send_consent_grant(intent),
    )


def propose_consent_withdrawal(portal: Portal, intent: UUID) -> Decision[Consent]:
    """Propose to withdraw every consent above basic.

    Consents of levels that gpcli does not know are left alone. Since the portal deletes data, a
    word has to be typed; `--yes` does not replace it.
    Raises: NotPermitted when acting for someone else.
    """
    _require_own(portal)
    state = portal.fetch_consent_state()
    _require_levels(state)
    held = [consent for consent in state.consents if consent.level in ABOVE_BASIC]
    if not held:
        return Outcome(Consent("", ConsentLevel.BASIC, "active", None), changed=False)
    return Proposal(
        action="Withdraw consent",
        rows=(
            ("For", portal.fetch_parties().patient.name),
            ("Consents", ", ".join(consent.level or "" for consent in held)),
        ),
        preview=held[-1],
        send=lambda: _send_withdrawals(portal, held, intent),
        warnings=("The portal deletes what it has stored for you. This can't be undone.",),
        word=WITHDRAW,
        content=tuple(("Consents", consent.id) for consent in held),
    )


def _require_levels(state: ConsentState) -> None:
    if state.level is None:
        raise NotPermitted(
            "This portal does not use gpcli's levels of consent: nothing here depends on them.",
            hint="gpcli consent show lists the consents that it has.",
        )


def _send_withdrawals(
    portal: Portal, consents: list[Consent], intent: UUID
) -> WriteResult[Consent]:
    written = [
        portal.send_consent_withdrawal(consent, uuid5(intent, consent.id)) for consent in consents
    ]
    return WriteResult(written[-1].record, any(consent.changed for consent in written))


def _require_own(portal: Portal) -> None:
    patient, other = portal.fetch_parties().patient, portal.fetch_parties().on_behalf_by
    if other:
        raise NotPermitted(
            f"Only {patient.name} can change this consent; {other.name} acts on their behalf."
        )
