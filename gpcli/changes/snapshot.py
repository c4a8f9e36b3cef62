"""How a patient's records are now, as far as a change of it by the surgery is news."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gpcli.care.absences import Absences
from gpcli.care.portal_protocol import Portal
from gpcli.changes.store import Key, SeenRecord
from gpcli.model.appointment import Appointment, describe_topic
from gpcli.model.change import ChangeState, RecordKind
from gpcli.model.prescription import Renewal
from gpcli.model.service import Offers
from gpcli.model.thread import Conversation, Message, Thread

Facets = Mapping[str, tuple[str | None, ...]]
"""Name of a part of what a record says -> its values; `None` = not told."""

STATUS_CODES = frozenset(
    {
        *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"),
        *("entered-in-error", "checked-in", "waitlist"),
        *("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "unknown"),
        *("draft", "requested", "received", "accepted", "rejected", "ready", "failed"),
    }
)
"""R4's AppointmentStatus, EventStatus and TaskStatus: words that tell nothing of a person."""

_PARTS: Mapping[RecordKind, str] = {
    "appointment": "appointments",
    "message": "messages",
    "renewal": "requests to renew",
}
"""Kind of record -> what is not shown where the portal does not show them."""


@dataclass(frozen=True)
class Sight:
    """One record as it is now, with what of it is told.

    `facets` are the parts of what it says whose change is news. `is_own` is false for what the
    surgery has made, `None` = not told by whom. `is_over` is whether nothing more will happen.
    The rest is as in RecordChange.
    """

    kind: RecordKind
    id: str
    status: str
    state: ChangeState
    zone: str
    facets: Facets = field(default_factory=dict)
    version: int | None = None
    is_own: bool | None = None
    is_over: bool = False
    thread_id: str | None = None
    title: str | None = None
    sender: str | None = None
    answer: str | None = None
    identifiers: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Kind and id."""
        return self.kind, self.id

    def to_seen(self, hash_values: Callable[..., str]) -> SeenRecord:
        """Return what is kept of it, made with `hash_values` (as `ChangeStore.hash`)."""
        facets = {name: hash_values(*values) for name, values in self.facets.items()}
        status = self.status if self.status in STATUS_CODES else None
        if status is None:
            facets["status"] = hash_values(self.status)
        return SeenRecord(status, self.version, facets)


@dataclass(frozen=True)
class Snapshot:
    """All records of the kinds that `came`.

    `whole` are those of which none was kept back, as far as is told.

    `not_shown` are sentences on kinds that the portal does not show, and why. `is_whole` is false
    where something failed, so that asking again may show more. `offers` are those of the GPs, where
    they were asked for.
    """

    sights: tuple[Sight, ...]
    came: frozenset[str]
    whole: frozenset[str]
    not_shown: tuple[str, ...] = ()
    is_whole: bool = True
    offers: Offers | None = None


def fetch_snapshot(portal: Portal, now: datetime, *, offers: bool = False) -> Snapshot:
    """Fetch how all records are, in one round trip; with `offers` what the GPs offer as well.

    What the portal does not show, or fails to, costs that kind alone.
    Raises: SignInError; the error of every kind where none could be fetched.
    """
    with portal.fetched_changes_ahead(offers=offers):
        found = portal.fetch_offers() if offers else None
        return replace(read_snapshot(portal, now), offers=found)


def read_snapshot(portal: Portal, now: datetime) -> Snapshot:
    """Return the snapshot of what was fetched ahead; raise as `fetch_snapshot`."""
    readers: Mapping[RecordKind, Callable[[], list[Sight]]] = {
        "appointment": lambda: [*map(see_appointment, portal.fetch_appointments(now.date()))],
        "message": lambda: [*_see_conversations(portal.mailbox.fetch_conversations())],
        "renewal": lambda: [*map(see_renewal, portal.prescriptions.fetch_renewals())],
    }
    absences = Absences()
    found = {kind: absences.fetch(_PARTS[kind], read) for kind, read in readers.items()}
    came = {kind for kind, sights in found.items() if sights is not None}
    if not came:
        raise next(iter(absences.errors.values()))
    if "message" in came:
        came.add("thread")
    is_broken = portal.flaws or not portal.has_all_appointments
    return Snapshot(
        tuple(sight for sights in found.values() for sight in sights or ()),
        frozenset(came),
        frozenset() if is_broken else frozenset(came),
        absences.sentences,
        absences.is_whole,
    )


def see_appointment(appointment: Appointment) -> Sight:
    """Return what of an appointment is told."""
    start, end = appointment.start, appointment.end
    because = appointment.cancelled_because
    return Sight(
        "appointment",
        str(appointment.id),
        appointment.status,
        ChangeState(appointment.status, start, end),
        appointment.zone,
        {
            "time": (_stamp(start), _stamp(end)),
            "with": (appointment.practitioner_ref or appointment.practitioner,),
            "where": (appointment.location,),
            "way": (appointment.channel,),
            "link": (appointment.join_url,),
            "answer": (appointment.answer, because, appointment.instructions),
        },
        appointment.version,
        is_over=appointment.is_over,
        title=describe_topic(appointment) or appointment.service,
        sender=appointment.practitioner or appointment.surgery,
        answer=appointment.answer or because,
        identifiers=appointment.identifiers,
    )


def see_renewal(renewal: Renewal) -> Sight:
    """Return what of a request to renew is told."""
    return Sight(
        "renewal",
        str(renewal.id),
        renewal.status,
        ChangeState(renewal.status),
        renewal.zone,
        {"answer": (renewal.answer, renewal.business_status)},
        is_own=True,
        is_over=not renewal.is_open,
        title=renewal.prescription,
        answer=renewal.answer or renewal.business_status,
        identifiers=renewal.identifiers,
    )


def see_message(message: Message, thread: Thread) -> Sight:
    """Return what of a message is told."""
    return Sight(
        "message",
        str(message.id),
        message.status,
        ChangeState(message.status),
        thread.zone,
        is_own=message.mine,
        is_over=not message.stands,
        thread_id=str(thread.id),
        title=thread.subject,
        sender=message.sender,
    )


def see_thread(thread: Thread) -> Sight:
    """Return what of a thread itself is told: whether one can still write in it."""
    return Sight(
        "thread",
        str(thread.id),
        thread.status,
        ChangeState(thread.status),
        thread.zone,
        is_over=thread.is_closed,
        thread_id=str(thread.id),
        title=thread.subject,
        sender=thread.practitioner or thread.surgery,
        answer=thread.closed_because,
    )


def _see_conversations(conversations: Iterable[Conversation]) -> Iterator[Sight]:
    for each in conversations:
        if not each.thread.is_message:
            yield see_thread(each.thread)
        yield from (see_message(message, each.thread) for message in each.messages)


def _stamp(time: datetime | None) -> str | None:
    """Return a time as one text, whatever zone it was written in."""
    return None if time is None else f"{time.timestamp():.0f}"
