"""What a decision is made on, read in one go, and what a write left."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from gpcli.model.appointment import Appointment, Slot
from gpcli.model.service import Offers

Record = TypeVar("Record")


@dataclass(frozen=True)
class BookingDesk:
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
class CancellingDesk:
    """All that a cancellation is decided on; `appointment` `None` = the portal has none such."""

    offers: Offers
    appointment: Appointment | None


@dataclass(frozen=True)
class Written(Generic[Record]):
    """What a write left at the portal; `changed` is false when it was so already.

    `here_only`: the portal did not take it, and only this machine remembers it.
    """

    record: Record
    changed: bool
    here_only: bool = False
