"""What is new at the portal: changes that the surgery made, and where a watch stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

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
    digest: str = field(default="", metadata={"json": False}, repr=False)
