"""Builders of prescriptions and renewals, and a portal in memory that has them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID, uuid5

from gpcli.care.renewal_request import RenewalContext, RenewalRequest
from gpcli.errors import GpcliError, InputNeeded, NotFound
from gpcli.model.prescription import (
    Basis,
    Prescription,
    Quantity,
    Remaining,
    Renewal,
    RenewalFacts,
    RenewalOutcome,
)
from gpcli.model.receipt import WriteResult
from gpcli.model.service import ServiceName
from tests.care.builders import BERG, INTENT, NOW, FakePortal, ScriptedAsker, an_offer, at, offers

RENEWAL = ServiceName.PRESCRIPTION_RENEWAL
ASKED_AT = at("2026-11-30 10:00")
RENEWING_OFFERED = offers(an_offer(RENEWAL))


def remaining(
    fills: int = 3, basis: Basis = Basis.DISPENSES, amount: str | None = None
) -> Remaining:
    return Remaining(fills, basis, Quantity(Decimal(amount), "tablets") if amount else None)


def a_prescription(identity: str = "rx-1", **changes: object) -> Prescription:
    blank = Prescription(
        id=identity,
        name="Metformin",
        strength="500 mg",
        form="Tablet",
        dose="1 tablet daily.",
        kind="medicine",
        group="C",
        status="active",
        prescriber="Kari Berg",
        issued="2026-06-01",
        valid_until="2027-06-01",
        expired=False,
        remaining=remaining(),
        low=False,
        renewal=None,
        zone="Europe/Oslo",
        surgery_id=BERG.id,
        prescriber_ref=f"PractitionerRole/{BERG.id}",
    )
    return replace(blank, **changes)


def a_low_one(identity: str = "rx-1", **changes: object) -> Prescription:
    return a_prescription(identity, **{"remaining": remaining(0), "low": True, **changes})


def a_renewal(identity: str | None = "task-1", of: str = "rx-1", **changes: object) -> Renewal:
    blank = Renewal(
        id=identity,
        status="requested",
        prescription_id=of,
        prescription="Metformin 500 mg",
        asked=ASKED_AT,
        updated=ASKED_AT,
        note=None,
        answer=None,
        zone="Europe/Oslo",
    )
    return replace(blank, **changes)


def with_intent(renewal: Renewal) -> Renewal:
    """Return the renewal as a request with INTENT makes it."""
    part = uuid5(INTENT, str(renewal.prescription_id))
    return replace(renewal, identifiers=(part.urn,))


@dataclass
class FakePrescriptions:
    """Prescriptions in memory; `refuses` has the error of requesting one, by its id.

    `unlisted` has what is there besides, or why it can't be shown.
    """

    portal: "PrescriptionPortal"
    prescriptions: Sequence[Prescription]
    renewals: Sequence[Renewal] = ()
    refuses: dict[str, Exception] = field(default_factory=dict)
    unlisted: dict[str, Prescription | GpcliError] = field(default_factory=dict)

    def fetch_prescriptions(self) -> list[Prescription]:
        self.portal.calls.append(("fetch_prescriptions",))
        return list(self.prescriptions)

    def fetch_named(self, ids: Sequence[str]) -> dict[str, Prescription | GpcliError]:
        self.portal.calls.append(("fetch_named", *ids))
        absent = {each: NotFound(f"There is no prescription '{each}'.") for each in ids}
        return absent | {each: self.unlisted[each] for each in ids if each in self.unlisted}

    def fetch_renewals(self) -> list[Renewal]:
        self.portal.calls.append(("fetch_renewals",))
        return list(self.renewals)

    def fetch_renewal(self, renewal: str) -> Renewal:
        for each in self.renewals:
            if each.id == renewal:
                return each
        raise NotFound(f"There is no request '{renewal}'.")

    def fetch_renewal_facts(self) -> RenewalFacts:
        self.portal.calls.append(("fetch_renewal_facts",))
        return RenewalFacts(self.portal.offered, tuple(self.prescriptions), tuple(self.renewals))

    def send_renewals(
        self, prescriptions: Sequence[Prescription], note: str | None, intent: UUID
    ) -> list[RenewalOutcome]:
        self.portal.calls.append(
            ("send_renewals", tuple(each.id for each in prescriptions), note, intent)
        )
        return [self._ended(each, note) for each in prescriptions]

    def send_withdrawal(self, renewal: str, intent: UUID) -> WriteResult[Renewal]:
        self.portal.calls.append(("send_withdrawal", renewal, intent))
        return WriteResult(replace(self.fetch_renewal(renewal), status="cancelled"), True)

    def _ended(self, prescription: Prescription, note: str | None) -> RenewalOutcome:
        if prescription.id in self.refuses:
            return RenewalOutcome(
                prescription, None, changed=False, error=self.refuses[prescription.id]
            )
        made = a_renewal(
            f"task-{prescription.id}", prescription.id, prescription=prescription.label, note=note
        )
        return RenewalOutcome(prescription, made, changed=True)


class PrescriptionPortal(FakePortal):
    """A portal in memory with prescriptions."""

    prescriptions: FakePrescriptions

    @property
    def sent(self) -> list[tuple[object, ...]]:
        return [call for call in self.calls if call[0] in {"send_renewals", "send_withdrawal"}]


class ScriptedChooser(ScriptedAsker):
    """A ScriptedAsker whose answers may be lists."""

    def choose_several(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        *,
        flag: str,
        default: str | None = None,
    ) -> list[str]:
        return self._answer(InputNeeded, question, flag, tuple(choices), *filter(None, [default]))


def prescription_portal(
    *prescriptions: Prescription, known=RENEWING_OFFERED, renewals=(), refuses=None, **changes
) -> PrescriptionPortal:
    portal = PrescriptionPortal(known, **changes)
    portal.prescriptions = FakePrescriptions(portal, prescriptions, renewals, refuses or {})
    return portal


def a_renewal_request(*ids: str, **changes: object) -> RenewalRequest:
    """Return a request to renew `ids`, with `changes`."""
    return replace(RenewalRequest(INTENT, repeated=False, ids=ids or None), **changes)


def a_renewal_context(
    portal: PrescriptionPortal, asker: ScriptedChooser | None = None
) -> RenewalContext:
    return RenewalContext(
        portal,
        lambda: NOW,
        asker or ScriptedChooser(),
        lambda prescription: f"label of {prescription.id}",
    )
