"""Prescriptions, what remains of them, requests to renew them, and their receipts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from gpcli.model.receipt import Receipt, field_values
from gpcli.model.service import Offers, format_decimal

PrescriptionId = NewType("PrescriptionId", str)
"""Logical id of a MedicationRequest."""

RenewalId = NewType("RenewalId", str)
"""Logical id of a request to renew (a Task)."""

OPEN = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})
"""Statuses (R4 TaskStatus) of a request that the surgery has not settled."""

WITHDRAWABLE = frozenset({"requested", "received"})
"""Statuses in which the patient can still take a request back."""

REFUSED = frozenset({"rejected", "failed"})
"""Statuses of a request that the surgery refused, or that failed."""

IN_ERROR = "entered-in-error"
"""The status (R4) of a record that should never have been made."""

PROPOSED_INTENTS = frozenset({"proposal", "option"})
"""Intents (R4 medicationRequest-intent) of what somebody suggests, and nobody has prescribed."""

_CURRENT = frozenset({"active", "on-hold", "unknown"})
"""Statuses of a prescription that is not known to be over."""


class Basis(StrEnum):
    """What a figure of what is left rests on."""

    PORTAL = "portal"
    DISPENSES = "dispenses"
    EXPIRED = "expired"


class SupplyBasis(StrEnum):
    """What the days that something lasts rest on."""

    DAYS_SUPPLY = "days_supply"
    DOSE = "dose"


@dataclass(frozen=True)
class Quantity:
    """An amount with the record's own digits and unit."""

    value: Decimal
    unit: str | None

    @property
    def text(self) -> str:
        """Value and unit in one phrase."""
        return " ".join(filter(None, (format_decimal(self.value), self.unit)))


@dataclass(frozen=True)
class Remaining:
    """What is left of a prescription: how many times it can be handed out still, and on what basis.

    `quantity` is the amount left in all, where the units of what was handed out agree.
    """

    fills: int
    basis: Basis
    quantity: Quantity | None = None

    @property
    def times(self) -> str:
        """How many times in words: `3 more times`, `once more`, `nothing left`."""
        if self.fills <= 0:
            return "nothing left"
        return "once more" if self.fills == 1 else f"{self.fills} more times"


@dataclass(frozen=True)
class Supply:
    """How long what was handed out lasts, if it is taken as prescribed.

    `until` is the last day that it covers, in the surgery's zone; `days` are those from today to
    then, 0 where that is today or over. `handed_over` is the day of the last fill. `basis` is
    DAYS_SUPPLY where every fill that counts tells its days itself, else DOSE.
    """

    until: date
    days: int
    basis: SupplyBasis
    handed_over: date


@dataclass(frozen=True)
class Renewal:
    """A request to renew one prescription. `status` is R4's TaskStatus, as written.

    `answer` is the surgery's own words. `id` is `None` only before it is sent. `business_status` is
    how far the surgery says that it has come; `notes` are those of everybody, oldest first.
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
    business_status: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the surgery still has to settle it."""
        return self.status in OPEN

    @property
    def is_in_error(self) -> bool:
        """Whether it was entered in error: nobody asked."""
        return self.status == IN_ERROR

    def has_note(self, note: str | None) -> bool:
        """Return whether it was asked for with `note`; with `None`, whether without any.

        A portal may not keep who wrote a note.
        """
        if note is None:
            return not (self.note or "").strip()
        return note.strip() in {each.strip() for each in (self.note or "", *self.notes)}


@dataclass(frozen=True)
class Prescription:
    """One prescription, the newest of its chain.

    `kind` is `medicine`, `consumable` or `nutrition`, `None` = not said; `group` the Norwegian
    prescription group (A, B, C, …). `valid_until` is a date as written, which may be partial.
    `remaining` `None` = unknown. `low` tells whether little is left; `None` = nothing tells it.
    `renewal` is the newest request to renew it. `predecessors` are the ids that it replaced.

    With `do_not_take` it says that the medicine must not be taken. `status` and `intent` are R4's,
    as written. `dose` is the portal's words, else its structured dosage in words; `dose_in_detail`
    is the structured dosage of one that has words too; `instructions` is what else to heed.
    `reported` tells that it is only on record as told by somebody (`reported_by`), not as
    prescribed. `recorder` is who entered it. `supply` is how long what was fetched of it lasts;
    `None` = nothing tells it.
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
    low: bool | None
    renewal: Renewal | None
    zone: str
    predecessors: tuple[str, ...] = ()
    surgery_id: str | None = field(default=None, metadata={"json": False})
    prescriber_ref: str | None = field(default=None, metadata={"json": False})
    do_not_take: bool = False
    intent: str | None = None
    status_reason: str | None = None
    reason: str | None = None
    instructions: str | None = None
    dose_in_detail: str | None = None
    note: str | None = None
    reported: bool = False
    reported_by: str | None = None
    recorder: str | None = None
    supply: Supply | None = None

    @property
    def is_prescribed(self) -> bool:
        """Whether it was prescribed: neither only proposed or drafted, nor entered in error."""
        return not (self.is_proposed or self.status == IN_ERROR)

    @property
    def is_proposed(self) -> bool:
        """Whether it is only proposed or drafted."""
        return self.intent in PROPOSED_INTENTS or self.status == "draft"

    @property
    def is_current(self) -> bool:
        """Whether it still says what to take or not to take, as far as that is known."""
        return self.is_prescribed and self.status in _CURRENT and not self.expired

    @property
    def label(self) -> str:
        """Name and strength in one phrase."""
        return format_medicine(self.name, self.strength) or self.id

    @property
    def left_to_fetch(self) -> str:
        """How often it can be fetched still, as a phrase, in the record's own units.

        Empty for what has expired, and where it is no longer in force and nothing tells it.
        """
        remaining = self.remaining
        if remaining is None:
            return "not known how much is left" if self.is_current else ""
        if remaining.basis is Basis.EXPIRED:
            return ""
        if remaining.fills <= 0:
            return f"{remaining.times} to fetch"
        amount = f" ({remaining.quantity.text})" if remaining.quantity else ""
        return f"can be fetched {remaining.times}{amount}"


def format_medicine(name: str | None, strength: str | None) -> str | None:
    """Return name and strength in one phrase; a strength that the name includes is not repeated."""
    if name and strength and f" {strength}".casefold() in f" {name}".casefold():
        return name
    return " ".join(filter(None, (name, strength))) or None


@dataclass(frozen=True)
class RenewalFacts:
    """What renewing is decided on: every prescription, and the request to renew each.

    `renewals` are all requests, newest first, also those for prescriptions that were replaced.
    """

    offers: Offers
    prescriptions: tuple[Prescription, ...]
    renewals: tuple[Renewal, ...] = ()


@dataclass(frozen=True)
class RenewalOutcome:
    """The outcome of requesting one renewal: the request, or why there is none.

    `error` is one of gpcli's errors; exactly one of the two is set.
    """

    prescription: Prescription
    renewal: Renewal | None
    changed: bool
    error: Exception | None = None


@dataclass(frozen=True)
class WhyNot:
    """Why one prescription could not be asked for, in the words of gpcli's errors."""

    code: str
    message: str
    hint: str | None


@dataclass(frozen=True, kw_only=True)
class RenewalResult:
    """How asking to renew one prescription ended.

    `prescription_id` is what was asked for; of one that was replaced, it stays the former's.
    `prescription` is its name and strength. `id`, `status` (R4 TaskStatus, as written), `asked` and
    `answer` are the request's; they are `None` where there is no request. `warning` is what the
    person should know of this prescription. Exactly one of `error` and `status` is there.
    """

    prescription_id: str
    prescription: str | None
    id: RenewalId | None
    status: str | None
    asked: datetime | None
    answer: str | None
    warning: str | None
    error: WhyNot | None
    zone: str


@dataclass(frozen=True, kw_only=True)
class RenewalReceipt(Receipt, RenewalResult):
    """A request to renew after (or, in a dry run, before) sending or taking it back.

    `request_id` is the whole command's: repeated with it, each prescription is asked for once.
    """

    @classmethod
    def of(cls, result: RenewalResult, receipt: Receipt) -> RenewalReceipt:
        """Return the receipt for `result`."""
        return cls(**field_values(result), **field_values(receipt))
