"""Prescriptions, what is left of them, and requests to renew them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from gpcli.model.service import Offers

PrescriptionId = NewType("PrescriptionId", str)
"""Logical id of a MedicationRequest."""

RenewalId = NewType("RenewalId", str)
"""Logical id of a request to renew (a Task)."""

OPEN = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})
"""Statuses (R4 TaskStatus) of a request that the surgery has not settled."""

WITHDRAWABLE = frozenset({"requested", "received"})
"""Statuses in which the patient can still take a request back."""

FAILED = frozenset({"rejected", "failed"})
"""Statuses that mean no."""


class Basis(StrEnum):
    """What a figure of what is left rests on."""

    PORTAL = "portal"
    DISPENSES = "dispenses"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Quantity:
    """An amount with the record's own digits and unit."""

    value: Decimal
    unit: str | None


@dataclass(frozen=True)
class Remaining:
    """What is left of a prescription: how many times it can be handed out still, and on what basis.

    `quantity` is the amount left in all, where the units of what was handed out agree.
    """

    fills: int
    basis: Basis
    quantity: Quantity | None = None


@dataclass(frozen=True)
class Renewal:
    """A request to renew one prescription. `status` is R4's TaskStatus, as written.

    `answer` is the surgery's own words. `id` is `None` only before it is sent.
    """

    id: RenewalId | None
    status: str
    prescription_id: PrescriptionId | None
    prescription: str | None
    asked: datetime | None
    updated: datetime | None
    note: str | None
    answer: str | None
    zone: str
    identifiers: tuple[str, ...] = field(default=(), metadata={"json": False})

    @property
    def open(self) -> bool:
        """Whether the surgery has still to settle it."""
        return self.status in OPEN


@dataclass(frozen=True)
class Prescription:
    """One prescription, the newest of its chain.

    `kind` is `medicine`, `consumable` or `nutrition`, `None` = not said; `group` the Norwegian
    prescription group (A, B, C, …). `valid_until` is a date as written, which may be partial.
    `remaining` `None` = unknown. `low` tells that little is left, as far as that is known.
    `renewal` is the newest request to renew it. `predecessors` are the ids that it replaced.
    """

    id: PrescriptionId
    name: str | None
    strength: str | None
    form: str | None
    dose: str | None
    kind: str | None
    group: str | None
    status: str
    prescriber: str | None
    issued: str | None
    valid_until: str | None
    expired: bool
    remaining: Remaining | None
    low: bool
    renewal: Renewal | None
    zone: str
    predecessors: tuple[str, ...] = ()
    surgery_id: str | None = field(default=None, metadata={"json": False})
    prescriber_ref: str | None = field(default=None, metadata={"json": False})

    @property
    def label(self) -> str:
        """Name and strength in one phrase."""
        return called(self.name, self.strength) or self.id


def called(name: str | None, strength: str | None) -> str | None:
    """Name and strength in one phrase; a strength that the name tells is not said twice."""
    if name and strength and f" {strength}".casefold() in f" {name}".casefold():
        return name
    return " ".join(filter(None, (name, strength))) or None


@dataclass(frozen=True)
class RenewalDesk:
    """All that renewing is decided on: every prescription, and the request to renew each.

    `renewals` are all requests, newest first, also those for what was replaced.
    """

    offers: Offers
    prescriptions: tuple[Prescription, ...]
    renewals: tuple[Renewal, ...] = ()


@dataclass(frozen=True)
class Asked:
    """How asking to renew one prescription ended: the request, or why there is none.

    `error` is one of gpcli's errors; exactly one of the two is there.
    """

    prescription: Prescription
    renewal: Renewal | None
    changed: bool
    error: Exception | None = None
