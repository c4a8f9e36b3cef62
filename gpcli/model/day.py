"""What matters today: what is new, the next visit, what waits, is unread, runs out."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpcli.model.appointment import Appointment
from gpcli.model.change import RecordChange
from gpcli.model.person import Person
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.service import ServiceName, Surgery
from gpcli.model.thread import Thread


@dataclass(frozen=True)
class Day:
    """What matters to a patient on one day.

    `next` is the next booked visit, `None` = none is booked, or that is not known. `waiting` are
    bookings and enquiries that the surgery has yet to confirm, `requests` those to renew a
    prescription that it has yet to answer, `unread` the threads with something unread,
    `running_out` the prescriptions of which little is left and no renewal is asked for; each is
    `None` where it is not known. `not_shown` are sentences on what the portal does not show of all
    this, and why; `is_whole` is whether nothing failed, so that asking again may not show more.
    `has_all_appointments` is whether no visit is kept back, as far as the portal tells.
    `changes` are what is new since somebody asked for that last, `None` where it is not known.
    `startable` are the services that some GP offers, or of which that is not told; `can_renew_low`
    is whether there is something in `running_out` that would not be asked for in vain.
    """

    changes: tuple[RecordChange, ...] | None
    patient: Person
    acting_user: Person | None
    surgeries: tuple[Surgery, ...]
    next: Appointment | None
    waiting: tuple[Appointment, ...] | None
    requests: tuple[Renewal, ...] | None
    unread: tuple[Thread, ...] | None
    running_out: tuple[Prescription, ...] | None
    not_shown: tuple[str, ...]
    is_whole: bool = field(metadata={"json": False})
    has_all_appointments: bool = field(metadata={"json": False})
    zone: str = field(metadata={"json": False})
    can_renew_low: bool = field(default=False, metadata={"json": False})
    startable: frozenset[ServiceName] = field(default=frozenset(), metadata={"json": False})
