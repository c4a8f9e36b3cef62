"""Threads of messages with the surgery, and what is attached to them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from gpcli.model.service import Offers

ThreadId = NewType("ThreadId", str)
"""Logical id of a thread's header."""

MessageId = NewType("MessageId", str)
"""Logical id of one message."""

CLOSED = frozenset({"completed", "stopped", "not-done", "entered-in-error"})
"""Statuses (R4 EventStatus) of a thread in which nothing more can be written."""


class ThreadKind(StrEnum):
    """Codes of the system `urn:gpcli:thread` (docs/portal.md)."""

    E_CONSULTATION = "e-consultation"
    ADMINISTRATIVE = "administrative"


@dataclass(frozen=True)
class Attachment:
    """A file at a message. `id` is unique within its thread, and what `messages save` takes.

    `title`, `content_type` and `size` (bytes) are what the portal claims, `None` = not said.
    `content` holds what came along inline; otherwise `source` is where the rest is fetched.
    """

    id: str
    title: str | None
    content_type: str | None
    size: int | None
    content: bytes | None = field(default=None, metadata={"json": False}, repr=False)
    source: str | None = field(default=None, metadata={"json": False})


@dataclass(frozen=True)
class Message:
    """One message. `sender` is a name; `mine` tells whether it went to the surgery.

    `unread` is true of one to the patient that neither the portal nor this machine knows as read.
    """

    id: MessageId | None
    thread_id: ThreadId | None
    sent: datetime | None
    sender: str | None
    mine: bool
    unread: bool
    text: str
    attachments: tuple[Attachment, ...]
    in_response_to: str | None = None


@dataclass(frozen=True)
class Thread:
    """A thread without its messages. `kind` and `status` (R4 EventStatus) as written.

    `last` is when the newest message was sent. `closed_because` is the surgery's own words, where
    it ended or rejected the thread. `id` is `None` only before it is sent.
    """

    id: ThreadId | None
    kind: str | None
    subject: str | None
    status: str
    closed_because: str | None
    surgery: str | None
    practitioner: str | None
    started: datetime | None
    last: datetime | None
    message_count: int
    unread_count: int
    zone: str
    surgery_id: str | None = field(default=None, metadata={"json": False})
    identifiers: tuple[str, ...] = field(default=(), metadata={"json": False})

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written in it."""
        return self.status in CLOSED


@dataclass(frozen=True)
class Conversation:
    """A thread and its messages, oldest first."""

    thread: Thread
    messages: tuple[Message, ...]

    @property
    def latest_from_surgery(self) -> Message | None:
        """The newest message that the surgery sent, if there is one."""
        return next((one for one in reversed(self.messages) if not one.mine), None)


@dataclass(frozen=True)
class Enclosure:
    """A file that goes along with a message: base name, media type, bytes."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Draft:
    """What a person wants to send: the words, and the files."""

    text: str
    enclosures: tuple[Enclosure, ...] = ()


def same_words(one: str | None, other: str | None) -> bool:
    """Whether two texts differ in nothing but their spacing, which a portal may tidy up."""
    return (one or "").split() == (other or "").split()


@dataclass(frozen=True)
class Saved:
    """An attachment that was saved to `path`; `size` in bytes."""

    id: str
    path: str
    content_type: str | None
    size: int


@dataclass(frozen=True)
class WritingDesk:
    """All that starting a thread is decided on.

    `earlier` is the thread that the same intent started before, if any; `half` tells that its
    first message never arrived. Before an e-consultation, `under_way` are those in writing that
    the surgery has not closed, without their messages, and `appointment` is the id of one by phone
    or video that the same intent asked for.
    """

    offers: Offers
    earlier: Conversation | None
    half: bool = False
    under_way: tuple[Thread, ...] = ()
    appointment: str | None = None


@dataclass(frozen=True)
class ReplyDesk:
    """All that a reply is decided on; `conversation` `None` = the portal has none such.

    `earlier` is the message that the same intent sent before, if any.
    """

    offers: Offers
    conversation: Conversation | None
    earlier: Message | None
