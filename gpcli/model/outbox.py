"""The outbox: requests that went out from this computer, and what is known of each."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


@dataclass(frozen=True)
class OutboxPart:
    """One record that a request makes or changes.

    `what` is its kind, such as `message`; `id` is that of a record that is changed, `None` where
    one is made.
    """

    what: str
    id: str | None
    state: OutboxState


@dataclass(frozen=True)
class OutboxRequest:
    """One request that went out.

    `request_id` repeats it (`--request-id`). `command` is the command that made it, `sent` when;
    `None` where that is not known. `patient` is the name of whom it was for, `None` where they are
    not signed in. `needs_settling` says that its state is open, or that a thing which counts only
    as a whole is done in part. `repeat` is the line that finishes what is not done, `None` where
    there is nothing to finish, or the line is not known any more.
    """

    request_id: str
    command: str | None
    state: OutboxState
    sent: datetime | None
    profile: str
    patient: str | None
    needs_settling: bool
    parts: tuple[OutboxPart, ...]
    repeat: str | None
