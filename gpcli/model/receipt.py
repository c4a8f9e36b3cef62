"""Writes: the facts one is decided on, what its plan shows, its result, receipt and whereabouts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from gpcli.model.appointment import Appointment, AppointmentId, Slot, Window
from gpcli.model.person import Person
from gpcli.model.service import Consent, Offers, Price

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PlanValue = str | datetime | Window | Price | None
"""Text, or a value that the writer formats."""


Record = TypeVar("Record")


@dataclass(frozen=True)
class BookingFacts:
    """What a booking is decided on.

    `earlier` is the booking that the same intent made before, if any; `coming` are the patient's
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
    """What a cancellation is decided on; `appointment` `None` = there is none with that id."""

    offers: Offers
    appointment: Appointment | None


@dataclass(frozen=True)
class WriteResult(Generic[Record]):
    """The record that a write left at the portal; `changed` is false if it was so before.

    `here_only`: the portal did not take it, and only this machine remembers it. `remark` is a
    sentence on what the portal made of it that the person should know, `None` = nothing.
    """

    record: Record
    changed: bool
    here_only: bool = False
    remark: str | None = None


class PlanName(NamedTuple):
    """What a plan is agreed to by: its id, and until when that counts."""

    id: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """How a sending went.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    `acting_user` is `None` where nobody said who acts. `plan_id` is what `--confirm` takes until
    `plan_until`; both are `None` but for a dry run of something to send.
    """

    changed: bool
    dry_run: bool
    request_id: str
    patient: Person
    acting_user: Person | None
    plan_id: str | None = None
    plan_until: datetime | None = None

    @property
    def plan(self) -> PlanName | None:
        """What the plan of a dry run is agreed to by; `None` = there is none, or it has no id."""
        if self.plan_id is None or self.plan_until is None:
            return None
        return PlanName(self.plan_id, self.plan_until)


@dataclass(frozen=True, kw_only=True)
class AppointmentReceipt(Receipt, Appointment):
    """A booking, enquiry or cancellation after (or, in a dry run, before) sending.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    """

    @classmethod
    def of(cls, appointment: Appointment, receipt: Receipt) -> AppointmentReceipt:
        """Return the receipt for `appointment`."""
        return cls(**field_values(appointment), **field_values(receipt))


@dataclass(frozen=True)
class ReplacedAppointment:
    """The appointment in whose place another was booked, as the portal has it now.

    `changed` tells whether this sending cancelled it.
    """

    id: AppointmentId
    status: str
    changed: bool


@dataclass(frozen=True, kw_only=True)
class MoveReceipt(AppointmentReceipt):
    """A visit at its new time, with the one that it replaces; the rest as in its base class."""

    replaced: ReplacedAppointment


@dataclass(frozen=True, kw_only=True)
class ConsentReceipt(Receipt, Consent):
    """A consent given or withdrawn; the rest as in an AppointmentReceipt."""

    @classmethod
    def of(cls, consent: Consent, receipt: Receipt) -> ConsentReceipt:
        """Return the receipt for `consent`."""
        return cls(**field_values(consent), **field_values(receipt))


def field_values(record: DataclassInstance) -> dict[str, Any]:
    """Return the values of a record's fields by their names, nested records as they are."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


class OutboxState(StrEnum):
    """What is known of a request, or of one record that it makes or changes."""

    SENDING = "sending"
    """Another gpcli is at it."""

    UNKNOWN = "unknown"
    """It was, or may have been, sent, and no answer told what was done."""

    PARTLY_DONE = "partly_done"
    """Some of it is at the portal."""

    DONE = "done"

    NOT_DONE = "not_done"
    """The portal has nothing of it: it was not sent, or refused, or is not there."""


RecordKind = Literal["appointment", "consent", "message", "record", "request", "thread", "time"]
"""What a patient calls what gpcli writes; `record` is one that this release does not know."""


@dataclass(frozen=True)
class OutboxPart:
    """One record that a request makes or changes.

    `what` is its kind, such as `message`; `id` is that of a record that is changed, `None` where
    one is made.
    """

    what: RecordKind
    id: str | None
    state: OutboxState


@dataclass(frozen=True)
class OutboxRequest:
    """One request that went out.

    `request_id` repeats it (`--request-id`). `command` is the command that made it, `sent` when;
    `None` where that is not known. `patient` is the name of whom it was for, `None` where they are
    not signed in. `needs_settling` says that its state is open, or that a thing which counts only
    as a whole is done in part. `can_be_found` is false where gpcli can't ask the portal for it, so
    that a person has to look. `repeat` is the line that finishes what is not done, `None` where
    there is nothing to finish, or the line is not known any more. `own_id` is what `--request-id`
    gave, by which it is found too; `None` where it gave nothing, or the line is not known any more.
    """

    request_id: str
    command: str | None
    state: OutboxState
    sent: datetime | None
    profile: str
    patient: str | None
    needs_settling: bool
    can_be_found: bool
    parts: tuple[OutboxPart, ...]
    repeat: str | None
    own_id: str | None
