"""Slots, appointments, enquiries and vaccinations."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from gpcli.model.service import Channel, Price, ServiceName, Surgery

SlotId = NewType("SlotId", str)
"""Logical id of a Slot, or of the proposed Appointment by which a portal offers a time."""

AppointmentId = NewType("AppointmentId", str)
"""Logical id of an Appointment."""

IN_ERROR = "entered-in-error"
OVER = frozenset({"cancelled", "fulfilled", "noshow", IN_ERROR})
"""Statuses (R4 AppointmentStatus) after which nothing more happens."""

WAITING = frozenset({"proposed", "pending", "waitlist"})
"""Statuses in which the surgery has not confirmed yet."""

CONFIRMED = ("arrived", "booked", "checked-in")
"""Statuses in which the surgery has confirmed, and the time is to come or going on."""


@dataclass(frozen=True)
class Actor:
    """Who or what a time is with: a person, a place, a service, as the portal names it.

    `reference` is `Type/id`, `None` for one that the portal names without a record of its own.
    `kind` is the type of the record, `None` = not said. `name` is `None` where the portal gives
    none. `identifier` is a system and a value.
    """

    reference: str | None
    kind: str | None
    name: str | None
    identifier: tuple[str, str] | None = None

    @property
    def written_reference(self) -> str | None:
        """The reference, else the type alone: an identifier may be an identity number."""
        return self.reference or self.kind

    @property
    def is_told(self) -> bool:
        """Whether anything tells who or what it is."""
        return bool(self.reference or self.identifier or self.name)


@dataclass(frozen=True)
class Slot:
    """A time that the surgery has published. `zone` names the surgery's time zone.

    `service` and `status` are codes as the portal writes them, `service` in its words where it is
    none of ours; `channel` is `None` where it is none of ours. `comment` is what the portal says of
    this time, `schedule_comment` of the whole schedule. `services` are those of ours that it may be
    for; empty = not told.
    `practitioner` is `None` where the portal names nobody; `practitioner_ref` is its reference to
    them (`Type/id`, the type alone where it has no record), `None` where it tells of nobody.
    `participants` are all others whom the time is with or who are needed for it, by name.
    `written_start` and `written_end` are the portal's own words for the two times, and `codings`
    its own codes for the service, for the booking to repeat. `proposal` is the id of the proposed
    Appointment by which the portal offers it, `None` where it offers it as a Slot; `has_record`
    tells that it has a Slot with this id. `surgery_ids` are the patient's GPs whose time it is.
    """

    id: SlotId
    start: datetime
    end: datetime
    zone: str
    service: str | None
    channel: Channel | None
    practitioner: str | None
    surgery: str | None
    location: str | None
    surgery_ids: frozenset[str] = field(default=frozenset(), metadata={"json": False})
    status: str = field(default="free", metadata={"json": False})
    healthcare_service: str | None = field(default=None, metadata={"json": False})
    written_start: str = field(default="", metadata={"json": False})
    written_end: str = field(default="", metadata={"json": False})
    comment: str | None = None
    schedule_comment: str | None = None
    services: tuple[str, ...] = field(default=(), metadata={"json": False})
    actors: tuple[Actor, ...] = field(default=(), metadata={"json": False})
    codings: tuple[tuple[str, str], ...] = field(default=(), metadata={"json": False})
    proposal: str | None = field(default=None, metadata={"json": False})
    has_record: bool = field(default=True, metadata={"json": False})
    practitioner_ref: str | None = None
    participants: tuple[str, ...] = ()

    @property
    def says_whose(self) -> bool:
        """Whether the portal says whose time it is, by a record of its own."""
        told = (self.healthcare_service, *(each.reference for each in self.actors))
        return bool(self.surgery_ids) or any(told)


@dataclass(frozen=True)
class Window:
    """A period: of a booking, or one that the person wishes for; both ends belong to it."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Appointment:
    """A booking or an enquiry, as the portal has it now.

    `status` is R4's AppointmentStatus, as written. An enquiry that the surgery has not answered
    has no times, only `requested` periods. `answer` is the surgery's own comment, with `(declined)`
    or `(tentative)` where it has not agreed.
    `cancel_until` is when cancelling free of charge ends, `None` when the portal does not say.
    `join_url` is where a video consultation is held, once the surgery has said so. `subject` is
    what it is about in one line, where that was given; `reason` the patient's words.
    `version` counts its changes, `None` where the portal does not number them. `minutes` is how
    long it is to take, `instructions` what the patient is to do, `reasons` why the visit takes
    place, `cancelled_because` why it was cancelled, all in the portal's words. `type` is R4's
    appointmentType in words, `participants` are all who take part besides the patient and those
    named above. `practitioner_ref` is the portal's reference to the practitioner, as in Slot.
    `deadline_unreadable`: the portal says until when it can be cancelled, unreadably.
    `id` is `None` only for one that was never sent (a dry run).
    """

    id: AppointmentId | None
    status: str
    start: datetime | None
    end: datetime | None
    zone: str
    requested: tuple[Window, ...]
    service: str | None
    channel: Channel | None
    practitioner: str | None
    surgery: str | None
    location: str | None
    reason: str | None
    answer: str | None
    cancel_until: datetime | None
    created: datetime | None
    slot_id: str | None
    join_url: str | None = None
    subject: str | None = None
    minutes: int | None = None
    type: str | None = None
    reasons: tuple[str, ...] = ()
    instructions: str | None = None
    cancelled_because: str | None = None
    participants: tuple[str, ...] = ()
    practitioner_ref: str | None = None
    surgery_id: str | None = field(default=None, metadata={"json": False})
    identifiers: tuple[str, ...] = field(default=(), metadata={"json": False})
    version: int | None = field(default=None, metadata={"json": False})
    deadline_unreadable: bool = field(default=False, metadata={"json": False})

    @property
    def is_waiting(self) -> bool:
        """Whether the surgery still has to confirm it."""
        return self.status in WAITING

    @property
    def is_confirmed(self) -> bool:
        """Whether the surgery has confirmed it, as far as the portal's status tells."""
        return self.status in CONFIRMED

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in OVER


@dataclass(frozen=True)
class Call:
    """What the portal tells of a consultation by phone.

    `phones` are the patient's numbers at the portal, the first to be called first; `None` = the
    portal does not show the patient's record. `words` are the surgery's own on such consultations:
    only they say who calls whom.
    """

    phones: tuple[str, ...] | None
    words: tuple[str, ...]


@dataclass(frozen=True)
class Joining:
    """How a consultation is joined: by its `link`, or where that is `None`, by a `call`.

    `opens` is when the link is opened at the earliest; `None` = at any time.
    """

    appointment: Appointment
    link: str | None
    opens: datetime | None
    call: Call | None


def describe_practitioner(time: Slot | Appointment) -> str | None:
    """Return with whom a time is; somebody of whom the portal has no name is `not named`."""
    return time.practitioner or ("not named" if time.practitioner_ref else None)


def describe_topic(appointment: Appointment) -> str | None:
    """Return in one line what it is about: its subject, else how its reason begins."""
    lines = (appointment.subject or appointment.reason or "").strip().splitlines()
    return lines[0] if lines else None


def name_other_service(appointment: Appointment) -> str | None:
    """Return its service, `None` for plain booking, and where none is told."""
    is_plain = appointment.service in {None, ServiceName.BOOKING}
    return None if is_plain else appointment.service


@dataclass(frozen=True)
class Vaccination:
    """One vaccination on record.

    `date` is as written: it may be partial (`2024-10`), or words where the portal has no date.
    `subpotent` tells that the dose was too weak to protect.
    """

    vaccine: str
    date: str
    subpotent: bool = False


@dataclass(frozen=True)
class FluAnswer:
    """All about flu vaccination at one GP. `price` `None` = unknown.

    `last_vaccination` is the newest on record; `this_season` whether one is of the season that
    runs now, `None` where the portal does not show them so that it can be told. `deep_link` is
    where the portal books it instead, if it does so elsewhere. `booked` is the coming appointment
    for it, `None` = there is none, or the portal does not show them.
    """

    surgery: Surgery
    eligibility: tuple[str, ...]
    price: Price | None
    last_vaccination: Vaccination | None
    this_season: bool | None
    deep_link: str | None
    slots: tuple[Slot, ...]
    booked: Appointment | None = None
