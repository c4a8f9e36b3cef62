"""How a patient's records are now, as far as a change of it by the surgery is news."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    absences = Absences()
    with portal.fetched_changes_ahead(offers=offers):
        found = portal.fetch_offers() if offers else None
        coming = absences.fetch("appointments", lambda: portal.fetch_appointments(now.date()))
        conversations = absences.fetch("messages", portal.mailbox.fetch_conversations)
        return replace(read_snapshot(portal, coming, conversations, absences), offers=found)


def read_snapshot(
    portal: Portal,
    coming: Sequence[Appointment] | None,
    conversations: Sequence[Conversation] | None,
    absences: Absences,
) -> Snapshot:
    """Return the snapshot of these records, and of the requests to renew that were fetched ahead.

    `None` = they are absent; `absences` tell why, and get those of the requests to renew.
    Raises: SignInError; an error of `absences` where no records came at all.
    """
    renewals = absences.fetch("requests to renew", portal.prescriptions.fetch_renewals)
    came: set[str] = set()
    sights: list[Sight] = []
    if coming is not None:
        came.add("appointment")
        sights += map(see_appointment, coming)
    if conversations is not None:
        came |= {"message", "thread"}
        sights += _see_conversations(conversations)
    if renewals is not None:
        came.add("renewal")
        sights += map(see_renewal, renewals)
    if not came:
        raise next(iter(absences.errors.values()))
    is_broken = portal.flaws or not portal.has_all_appointments
    return Snapshot(
        tuple(sights),
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
