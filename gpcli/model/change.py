"""What is new at the portal: changes that the surgery made, and where a watch stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from gpcli.model.appointment import Appointment, Slot

RecordKind = Literal["appointment", "message", "renewal", "thread"]
"""What a patient calls a record of which changes are told."""


class ChangeWord(StrEnum):
    """What has become of a record."""

    NEW = "new"
    """An appointment or a message that was not there before."""

    CONFIRMED = "confirmed"
    MOVED = "moved"
    DECLINED = "declined"
    """An appointment that was asked for, and that the surgery does not give."""

    CANCELLED = "cancelled"
    ANSWERED = "answered"
    """The surgery has written something to a request, which stands as it stood."""

    GRANTED = "granted"
    REFUSED = "refused"
    CLOSED = "closed"
    """A thread in which nothing more can be written."""

    WITHDRAWN = "withdrawn"
    """A message whose sender has taken it back."""

    CHANGED = "changed"
    """Anything else that is not as it was."""

    GONE = "gone"
    """The portal does not show the record any more."""


@dataclass(frozen=True)
class ChangeState:
    """How a record was, or is. `status` is R4's, as written.

    The times are an appointment's; `None` also where they are not known: what was told before is
    kept without them, and few portals keep earlier versions.
    """

    status: str | None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class RecordChange:
    """One change of one record, since it was last told.

    `thread_id` is the thread of a message. `title` is what the record is about in one line,
    `sender` with or by whom it is, `answer` the surgery's own words, `None` = none is told.
    `before` is `None` for a record that is new, `after` for one that is gone. `seen` is when gpcli
    saw it.
    `again`: it may have been told before, since gpcli was stopped between telling and noting it.
    """

    kind: RecordKind
    change: ChangeWord
    id: str
    thread_id: str | None
    title: str | None
    sender: str | None
    answer: str | None
    before: ChangeState | None
    after: ChangeState | None
    seen: datetime
    zone: str
    again: bool = False


SOMETHING_NEW = "Something new at your GP's."
"""What is told of changes where nothing of them is to be told."""


@dataclass(frozen=True)
class BookedTime:
    """A time that a watch has booked, or asked for; the rest is as in WatchEvent."""

    appointment: Appointment
    replaced: Appointment | None = None
    fee: str | None = None


TIMES_FIT = "A time that fits is free at your GP's."
"""What is told of free times where nothing of them is to be told."""


BOOKED = "A time that fits is booked at your GP's."
REQUESTED = "A time that fits was asked for at your GP's, who has yet to confirm it."
"""What is told of a booking where nothing of it is to be told."""


class WatchWord(StrEnum):
    """What a watch tells."""

    CHANGES = "changes"
    """The surgery has changed something."""

    TIMES = "times"
    """Free times fit the wish."""

    REQUESTED = "requested"
    """A time that fits was asked for; the surgery has yet to confirm it."""

    BOOKED = "booked"
    """A time that fits is booked."""

    SIGNED_OUT = "signed_out"
    """The sign-in has ended, and the watch with it."""

    ENDED = "ended"
    """The watch has ended, since its wish can't be met any more."""


@dataclass(frozen=True)
class WatchEvent:
    """What a watch tells at once.

    `message` is a sentence that tells nothing of the record. `count` is how many changes or times
    it is about. `watch` is the name of the watch. `again`: some of it may have been told before,
    since gpcli was stopped between telling and noting it, or the answer to telling it was lost.
    The rest are details: `replaced` is the visit that was given up for `appointment`, `fee` what
    that costs in words;
    `None` = none, or nothing.
    """

    event: WatchWord
    message: str
    count: int
    watch: str
    again: bool = False
    patient: str | None = None
    changes: tuple[RecordChange, ...] | None = None
    times: tuple[Slot, ...] | None = None
    appointment: Appointment | None = None
    replaced: Appointment | None = None
    fee: str | None = None

    @property
    def without_details(self) -> WatchEvent:
        """The same for somebody who is told that there is something new, and not what."""
        return WatchEvent(self.event, self.message, self.count, self.watch, self.again)

    @property
    def details(self) -> tuple[RecordChange | Slot | Appointment, ...]:
        """The records that it is about, as far as they are told."""
        booked = (self.appointment,) if self.appointment else ()
        return (*(self.changes or ()), *(self.times or ()), *booked)


class WatchState(StrEnum):
    """Whether a watch is at work."""

    RUNNING = "running"
    STALE = "stale"
    """Its process is there, and has given no sign of life for long."""

    STOPPED = "stopped"
    """It does not run: it was ended, or it is not known why."""

    SIGNED_OUT = "signed_out"
    """It has ended with the sign-in."""

    DONE = "done"
    """It has booked what it was to book."""

    ENDED = "ended"
    """Its wish can't be met any more."""


@dataclass(frozen=True)
class WatchStatus:
    """Where a watch stands.

    `name` is its name. `since` is when it was started last, `heartbeat` when it was alive last,
    `last_success` when the portal answered it last, `None` = never. `until` is when its sign-in
    ends, `None` = not known. `every` is the number of seconds between two questions. `told` is how
    much it has told since it was first started, `not_told` what it gave up telling. `trouble` is
    why it is failing, `None` = it is not.
    """

    name: str
    state: WatchState
    since: datetime
    heartbeat: datetime
    last_success: datetime | None
    until: datetime | None
    every: float
    told: int
    not_told: int
    trouble: str | None
