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

SENT = "completed"
"""The status (R4 EventStatus) of a message that the portal has."""

WITHDRAWN = "entered-in-error"
"""The status (R4) of a message, a thread or a file that should never have been there."""

NEVER_SENT = frozenset({"preparation", "not-done"})
"""Statuses (R4 EventStatus) of a message that nobody has sent."""


class ThreadKind(StrEnum):
    """Codes of the system `urn:gpcli:thread` (docs/portal.md)."""

    E_CONSULTATION = "e-consultation"
    ADMINISTRATIVE = "administrative"


@dataclass(frozen=True)
class Attachment:
    """A file at a message. `id` is unique within its thread, and what `messages save` takes.

    `title`, `content_type`, `size` (bytes) and `created` are what the portal claims, `None` = not
    said. `content` holds what came along inline; otherwise `source` is where the rest is fetched.
    A file in a document of its own has that document's `status` (R4 DocumentReferenceStatus;
    `entered-in-error` = withdrawn) and `document_status` (R4 CompositionStatus). `relations` say
    what it does to other documents: `replaces DocumentReference/1`.
    """

    id: str
    title: str | None
    content_type: str | None
    size: int | None
    content: bytes | None = field(default=None, metadata={"json": False}, repr=False)
    source: str | None = field(default=None, metadata={"json": False})
    created: str | None = None
    status: str | None = None
    document_status: str | None = None
    relations: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the portal gives neither its bytes nor a place where they are."""
        return self.content is None and self.source is None

    @property
    def is_withdrawn(self) -> bool:
        """Whether whoever made it has said that it is wrong."""
        return WITHDRAWN in {self.status, self.document_status}


@dataclass(frozen=True)
class MessageNote:
    """A remark at a message or a thread; who made it and when (R4 dateTime) may be unknown."""

    text: str
    author: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class Message:
    """One message. `sender` is a name; `mine` tells whether the patient's side sent it.

    `unread` is true of one that came to the patient and that neither the portal nor this machine
    knows as read. Both are `None` where the portal does not tell who sent it, or to whom. `status`
    is R4's EventStatus as written, `unknown` where the portal gives none; of one that is
    `entered-in-error`, which its sender has withdrawn, neither text nor files are told. `text_from`
    has the ids of the attachments whose words `text` is; it is empty where the message has words of
    its own. `unreadable` is how many parts it has besides, which gpcli can't show. `sender_type` is
    the type of the sender's record. `sent_date` is the year, month or day where the portal tells no
    time. `about` and `medium` are in the portal's words.
    """

    id: MessageId | None
    thread_id: ThreadId | None
    sent: datetime | None
    sender: str | None
    mine: bool | None
    unread: bool | None
    text: str
    attachments: tuple[Attachment, ...]
    in_response_to: str | None = None
    status: str = SENT
    text_from: tuple[str, ...] = ()
    sender_type: str | None = None
    sent_date: str | None = None
    priority: str | None = None
    status_reason: str | None = None
    reasons: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    notes: tuple[MessageNote, ...] = ()
    known_since: datetime | None = field(default=None, metadata={"json": False}, repr=False)
    unreadable: int = 0

    @property
    def own_text(self) -> str:
        """The words that were written in the message itself, without those in its files."""
        return "" if self.text_from else self.text

    @property
    def is_withdrawn(self) -> bool:
        """Whether its sender has said that it should never have been there."""
        return self.status == WITHDRAWN

    @property
    def stands(self) -> bool:
        """Whether it was sent, as far as the portal tells, and not withdrawn."""
        return not self.is_withdrawn and self.status not in NEVER_SENT


@dataclass(frozen=True)
class Thread:
    """A thread without its messages. `kind` and `status` (R4 EventStatus) as written.

    `status` is `unknown` where the portal gives none. `last` is when the newest message was sent;
    where the portal tells no time of that, `last_date` is the year, month or day. `unread_count` is
    `None` where no message is known to be unread, and of some the portal does not tell.
    `closed_because` is the surgery's own words, where it ended or rejected the thread. `id` is
    `None` only before it is sent. At portals that know no threads a message may stand alone:
    `status` is then that of this message.
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
    unread_count: int | None
    zone: str
    surgery_id: str | None = field(default=None, metadata={"json": False})
    identifiers: tuple[str, ...] = field(default=(), metadata={"json": False})
    priority: str | None = None
    last_date: str | None = None
    surgery_reference: str | None = field(default=None, metadata={"json": False})
    is_message: bool = field(default=False, metadata={"json": False})
    known_since: datetime | None = field(default=None, metadata={"json": False}, repr=False)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be written in it.

        `completed` closes the threads of gpcli's kinds; of any other Communication it tells that it
        was sent.
        """
        is_thread = self.kind in set(ThreadKind) and not self.is_message
        return self.status in CLOSED and (is_thread or self.status != SENT)

    @property
    def is_withdrawn(self) -> bool:
        """Whether who began it has said that it should never have been there."""
        return self.status == WITHDRAWN


@dataclass(frozen=True)
class Conversation:
    """A thread and its messages, oldest first.

    `notes`, `reasons` and `about` are those of the thread itself, in the portal's words.
    """

    thread: Thread
    messages: tuple[Message, ...]
    notes: tuple[MessageNote, ...] = ()
    reasons: tuple[str, ...] = ()
    about: tuple[str, ...] = ()

    @property
    def latest_from_surgery(self) -> Message | None:
        """The newest message that the surgery sent, if there is one."""
        standing = (each for each in reversed(self.messages) if each.mine is False and each.stands)
        return next(standing, None)

    @property
    def last_to_answer(self) -> Message | None:
        """The newest message of the surgery, or where there is none, of anybody."""
        standing = (each for each in reversed(self.messages) if each.stands)
        return self.latest_from_surgery or next(standing, None)


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

    @classmethod
    def of(cls, message: Message, receipt: Receipt) -> MessageReceipt:
        """Return the receipt for `message`."""
        unsent = {} if message.id else {"status": "preparation"}
        return cls(**{**field_values(message), **field_values(receipt), **unsent})
