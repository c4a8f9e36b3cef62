"""Builders of threads and messages, and a portal in memory that has a mailbox."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from gpcli.care.message import MessageContext, NewThread
from gpcli.care.service_request import ServiceRequest
from gpcli.errors import GpcliError, NotFound
from gpcli.model.appointment import Appointment, Window
from gpcli.model.receipt import BookingFacts, WriteResult
from gpcli.model.service import Offer, Offers, ServiceName
from gpcli.model.thread import (
    AttachedFile,
    Attachment,
    Conversation,
    Draft,
    Message,
    ReplyFacts,
    Thread,
    ThreadFacts,
    ThreadKind,
)
from tests.care.builders import (
    ADA,
    BERG,
    INTENT,
    NOW,
    OSLO,
    FakePortal,
    ScriptedAsker,
    an_enquiry,
    at,
)

PHOTO = AttachedFile("rash.jpg", "image/jpeg", b"\xff\xd8 a rash")
WORDS = "It itches since Monday.\nWhat can I do?"


def a_thread(identity: str | None = "thr-1", **changes: object) -> Thread:
    blank = Thread(
        id=identity,
        kind=ThreadKind.E_CONSULTATION,
        subject="Rash",
        status="in-progress",
        closed_because=None,
        surgery=BERG.name,
        practitioner=BERG.gp,
        started=at("2026-11-29 18:00"),
        last=at("2026-11-30 10:00"),
        message_count=2,
        unread_count=1,
        zone="Europe/Oslo",
        surgery_id=BERG.id,
    )
    return replace(blank, **changes)


def a_message(identity: str | None = "msg-1", **changes: object) -> Message:
    blank = Message(
        id=identity,
        thread_id="thr-1",
        sent=at("2026-11-29 18:00"),
        sender=ADA.name,
        mine=True,
        unread=False,
        text=WORDS,
        attachments=(),
    )
    return replace(blank, **changes)


def an_answer(identity: str = "msg-2", **changes: object) -> Message:
    known = {"sender": BERG.gp, "mine": False, "unread": True, "text": "Use a cream."}
    return a_message(identity, sent=at("2026-11-30 10:00"), **{**known, **changes})


def an_attachment(enclosure: AttachedFile = PHOTO, identity: str = "msg-1.1") -> Attachment:
    size = len(enclosure.content)
    return Attachment(identity, enclosure.name, enclosure.content_type, size, enclosure.content)


def a_conversation(*messages: Message, **changes: object) -> Conversation:
    return Conversation(a_thread(**changes), messages or (a_message(), an_answer()))


def a_new_thread(text: str = WORDS, *attachments: AttachedFile, subject: str = "Rash") -> NewThread:
    return NewThread(subject, Draft(text, attachments))


def a_thread_request(
    service: ServiceName = ServiceName.E_CONSULTATION, **changes: object
) -> ServiceRequest:
    return replace(ServiceRequest(service, INTENT, repeated=False), **changes)


def a_message_context(
    portal: "MailPortal",
    asker: ScriptedAsker | None = None,
    now: object = NOW,
    *,
    tells_all: bool = False,
) -> MessageContext:
    return MessageContext(portal, asker or ScriptedAsker(), lambda: now, OSLO, tells_all=tells_all)


@dataclass
class FakeMailbox:
    """Threads in memory; `refusals` has the errors of `send_read_mark`, by message id."""

    offered: Offers
    conversations: Sequence[Conversation] = ()
    earlier: Conversation | None = None
    half: bool = False
    sent_before: Message | None = None
    refusals: dict[str, GpcliError] = field(default_factory=dict)
    under_way: Sequence[Thread] = ()
    appointment: str | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def fetch_threads(self) -> list[Thread]:
        return [conversation.thread for conversation in self.conversations]

    def fetch_conversation(self, thread: str) -> Conversation:
        found = self._find(thread)
        if found is None:
            raise NotFound(f"There is no thread '{thread}'.")
        return found

    def fetch_thread_facts(self, intent: UUID | None, kind: ThreadKind) -> ThreadFacts:
        self.calls.append(("fetch_thread_facts", intent, kind))
        return ThreadFacts(
            self.offered,
            self.earlier if intent else None,
            half=self.half,
            under_way=tuple(self.under_way),
            appointment=self.appointment if intent else None,
        )

    def fetch_reply_facts(self, thread: str, intent: UUID | None) -> ReplyFacts:
        self.calls.append(("fetch_reply_facts", thread, intent))
        before = self.sent_before if intent else None
        return ReplyFacts(self.offered, self._find(thread), before)

    def send_thread(
        self, kind: ThreadKind, offer: Offer, subject: str, draft: Draft, intent: UUID
    ) -> WriteResult[Conversation]:
        self.calls.append(("send_thread", kind, offer.id, subject, draft, intent))
        thread = a_thread("thr-9", kind=kind, subject=subject, message_count=1, unread_count=0)
        return WriteResult(Conversation(thread, (a_message("msg-9", text=draft.text),)), True)

    def send_reply(
        self, conversation: Conversation, draft: Draft, intent: UUID
    ) -> WriteResult[Message]:
        self.calls.append(("send_reply", conversation.thread.id, draft, intent))
        return WriteResult(a_message("msg-9", text=draft.text), True)

    def send_read_mark(self, message: Message, intent: UUID) -> WriteResult[Message]:
        self.calls.append(("send_read_mark", message.id, intent))
        if message.id in self.refusals:
            raise self.refusals[message.id]
        return WriteResult(replace(message, unread=False), True)

    def fetch_content(self, attachment: Attachment) -> bytes:
        assert attachment.content is not None
        return attachment.content

    def _find(self, thread: str) -> Conversation | None:
        return next(
            (conversation for conversation in self.conversations if thread in _ids(conversation)),
            None,
        )


def _ids(conversation: Conversation) -> set[str]:
    return {conversation.thread.id, *(each.id for each in conversation.messages)}


@dataclass
class MailPortal(FakePortal):
    """A portal in memory that has a mailbox, and takes e-consultations at a time.

    `begun` is the thread that every intent started, if any.
    """

    mailbox: FakeMailbox = None
    begun: str | None = None

    def __post_init__(self) -> None:
        self.mailbox = self.mailbox or FakeMailbox(self.offered)

    @property
    def sent(self) -> list[tuple[object, ...]]:
        """The calls that change something, at the portal and in the mailbox."""
        writes = {"send_thread", "send_reply", "send_read_mark"}
        return [*super().sent, *(call for call in self.mailbox.calls if call[0] in writes)]

    def fetch_booking_facts(
        self, *, slot: str | None, intent: UUID | None, threads: bool = False
    ) -> BookingFacts:
        facts = super().fetch_booking_facts(slot=slot, intent=intent)
        return replace(facts, thread=self.begun if threads and intent else None)

    def send_enquiry(
        self,
        offer: Offer,
        windows: Sequence[Window],
        reason: str | None,
        intent: UUID,
        *,
        channel: str | None = None,
        subject: str | None = None,
    ) -> WriteResult[Appointment]:
        self.calls.append(
            ("send_enquiry", offer.id, tuple(windows), reason, intent, channel, subject)
        )
        asked_for = an_enquiry(
            "con-9", requested=tuple(windows), reason=reason, service=offer.name, channel=channel
        )
        return WriteResult(asked_for, True)


def mail_portal(known: Offers, *conversations: Conversation, **changes: object) -> MailPortal:
    """A portal whose mailbox has what `changes` names of it, and the portal the rest."""
    mailbox_fields = {
        name: changes.pop(name) for name in list(changes) if name in FakeMailbox.__annotations__
    }
    return MailPortal(known, mailbox=FakeMailbox(known, conversations, **mailbox_fields), **changes)
