"""Threads of messages with the surgery, attachments, and the receipts of what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from gpcli.model.receipt import Receipt, field_values
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
    def is_closed(self) -> bool:
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
        return next((message for message in reversed(self.messages) if not message.mine), None)


@dataclass(frozen=True)
class AttachedFile:
    """A file to send with a message: base name, media type, bytes."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Draft:
    """The text and the files that a person wants to send."""

    text: str
    attachments: tuple[AttachedFile, ...] = ()


def is_same_text(one: str | None, other: str | None) -> bool:
    """Return whether two texts differ in spacing only, which a portal may tidy up."""
    return (one or "").split() == (other or "").split()


@dataclass(frozen=True)
class Saved:
    """An attachment that was saved to `path`; `size` in bytes."""

    id: str
    path: str
    content_type: str | None
    size: int


@dataclass(frozen=True)
class ThreadFacts:
    """What starting a thread is decided on.

    `earlier` is the thread that the same intent started before, if any; `half` tells that its first
    message never arrived. For an e-consultation, `under_way` are the threads that the surgery has
    not closed, without messages, and `appointment` is the id of a consultation by phone or video
    that the same intent asked for.
    """

    offers: Offers
    earlier: Conversation | None
    half: bool = False
    under_way: tuple[Thread, ...] = ()
    appointment: str | None = None


@dataclass(frozen=True)
class ReplyFacts:
    """What a reply is decided on; `conversation` `None` = the portal has none with that id.

    `earlier` is the message that the same intent sent before, if any.
    """

    offers: Offers
    conversation: Conversation | None
    earlier: Message | None


SENT = "completed"
"""The status (R4 EventStatus) of a message that the portal has."""


@dataclass(frozen=True, kw_only=True)
class ThreadReceipt(Receipt, Thread):
    """A thread after (or, in a dry run, before) it was started.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    """

    @classmethod
    def of(cls, thread: Thread, receipt: Receipt) -> ThreadReceipt:
        """Return the receipt for `thread`."""
        return cls(**field_values(thread), **field_values(receipt))


@dataclass(frozen=True, kw_only=True)
class MessageReceipt(Receipt, Message):
    """A reply, or a message that was marked as read; the rest as in a ThreadReceipt.

    `status` is R4's EventStatus: `completed` once the portal has it, `preparation` in a dry run.
    """

    status: str

    @classmethod
    def of(cls, message: Message, receipt: Receipt) -> MessageReceipt:
        """Return the receipt for `message`."""
        status = SENT if message.id else "preparation"
        return cls(**field_values(message), **field_values(receipt), status=status)
