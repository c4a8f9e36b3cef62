"""What a write is decided on, what its plan shows, and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from gpcli.model.appointment import Appointment, Slot, Window
from gpcli.model.person import Person
from gpcli.model.service import Consent, Offers, Price

PlanValue = str | datetime | Window | Price | None
"""Words, or facts that the writer puts into words."""


Record = TypeVar("Record")


@dataclass(frozen=True)
class BookingFacts:
    """All that a booking is decided on.

    `earlier` is the booking that the same intent made before, if any; `coming` are the person's
    bookings and open enquiries from today on. `slot` is `None` when none was asked for, or the
    portal has none with that id. `thread` is the id of a thread that the same intent started, where
    that was asked for.
    """

    offers: Offers
    slot: Slot | None
    coming: tuple[Appointment, ...]
    earlier: Appointment | None
    thread: str | None = None


@dataclass(frozen=True)
class CancellationFacts:
    """All that a cancellation is decided on; `appointment` `None` = the portal has none such."""

    offers: Offers
    appointment: Appointment | None


@dataclass(frozen=True)
class WriteResult(Generic[Record]):
    """What a write left at the portal; `changed` is false when it was so already.

    `here_only`: the portal did not take it, and only this machine remembers it.
    """

    record: Record
    changed: bool
    here_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """How a sending went.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    `acting_user` is `None` where nobody said who acts.
    """

    changed: bool
    dry_run: bool
    request_id: str
    patient: Person
    acting_user: Person | None


@dataclass(frozen=True, kw_only=True)
class AppointmentReceipt(Receipt, Appointment):
    """A booking, enquiry or cancellation after (or, in a dry run, before) sending.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    """

    @classmethod
    def of(cls, appointment: Appointment, receipt: Receipt) -> AppointmentReceipt:
        """The receipt for `appointment`."""
        return cls(**_values(appointment), **_values(receipt))


@dataclass(frozen=True, kw_only=True)
class ConsentReceipt(Receipt, Consent):
    """A consent given or withdrawn; the rest as in an AppointmentReceipt."""

    @classmethod
    def of(cls, consent: Consent, receipt: Receipt) -> ConsentReceipt:
        """The receipt for `consent`."""
        return cls(**_values(consent), **_values(receipt))


def _values(record: Appointment | Consent | Receipt) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
