"""Marking messages as read, at the portal or on this computer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from gpcli.care.confirmation import Decision, Outcome, Proposal, word_minute
from gpcli.care.inbox import thread_label
from gpcli.care.portal_protocol import Mailbox, Portal
from gpcli.care.selection import act_on_meant
from gpcli.errors import GpcliError, OutcomeUnknown, Partial
from gpcli.model.receipt import PlanValue, WriteResult
from gpcli.model.thread import Conversation, Message


@dataclass(frozen=True)
class ReadMarkResult:
    """The messages that were marked as read; `error` is why the others were not, if any.

    `subjects` are those of their threads, by the threads' ids, as far as they have one.
    """

    messages: tuple[Message, ...]
    error: GpcliError | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)

    @property
    def overall_error(self) -> GpcliError | None:
        """The error of the whole; `None` = nothing failed. An unknown outcome stays that."""
        if self.error is None or isinstance(self.error, OutcomeUnknown):
            return self.error
        marked = format_marked_count(len(self.messages))
        return Partial(f"Only {marked}: {self.error.message}", hint="Run it again for the rest.")


def format_marked_count(count: int) -> str:
    """Return `1 message is marked as read`, `2 messages are marked as read`."""
    return "1 message is marked as read" if count == 1 else f"{count} messages are marked as read"


def fetch_conversations(
    mailbox: Mailbox,
    ids: Sequence[str],
    find: Callable[[str], str | None] = lambda text: None,
    note: Callable[[str, str], None] = lambda text, thread: None,
) -> list[Conversation]:
    """Fetch each thread once: whole if its own id is given, else only the messages that are given.

    `find` returns the id of the thread that a text stands for which is no id, `None` = of none;
    `note` is told of each such text, and of the id.
    Raises: InputNeeded for an empty id; NotFound, and what `find` raises.
    """
    found: dict[str, Conversation] = {}

    def fetch(identity: str) -> str:
        found[identity] = mailbox.fetch_conversation(identity)
        return identity

    for text in dict.fromkeys(ids):
        note(text, act_on_meant(text, fetch, find))
    by_thread = {conversation.thread.id: conversation for conversation in found.values()}
    named = found.keys()
    return [_select_named(conversation, named) for conversation in by_thread.values()]


def propose_read_marks(
    portal: Portal, conversations: Sequence[Conversation], intent: UUID
) -> Decision[ReadMarkResult]:
    """Propose to mark the messages in `conversations` as read that are not known to be.

    It is sent without asking: a mark costs nothing and hides nothing. None at all is an Outcome.
    Each message has an intent of its own. Sending stops at the first message that can't be marked;
    its error is raised if it is the first of all, otherwise it is part of the result.
    """
    unread = tuple(
        message
        for conversation in conversations
        for message in conversation.messages
        if message.unread is not False
    )
    if not unread:
        return Outcome(ReadMarkResult(()), changed=False)
    threads = (conversation.thread for conversation in conversations)
    subjects = {str(thread.id): thread.subject for thread in threads if thread.subject}
    parties = portal.fetch_parties()
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    rows = (row for conversation in conversations for row in _unread_rows(conversation))
    return Proposal(
        action="Mark as read",
        rows=(*rows, ("For", parties.patient.name), ("By", by)),
        preview=ReadMarkResult(unread, subjects=subjects),
        send=lambda: _send_read_marks(portal.mailbox, unread, subjects, intent),
        asks=False,
    )


def _select_named(conversation: Conversation, named: Collection[str]) -> Conversation:
    if conversation.thread.id in named:
        return conversation
    messages = tuple(message for message in conversation.messages if message.id in named)
    return replace(conversation, messages=messages)


def _unread_rows(conversation: Conversation) -> Iterator[tuple[str, PlanValue]]:
    unread = [message for message in conversation.messages if message.unread is not False]
    if unread:
        what = "unread" if all(message.unread for message in unread) else "not known to be read"
        yield "Thread", f"{thread_label(conversation.thread)}: {len(unread)} {what}"
    for message in unread:
        yield "Message", _message_label(message, ZoneInfo(conversation.thread.zone))


def _message_label(message: Message, zone: ZoneInfo) -> str:
    label = f"{message.id} from {message.sender}" if message.sender else str(message.id)
    return f"{label}, {word_minute(message.sent.astimezone(zone))}" if message.sent else label


def _send_read_marks(
    mailbox: Mailbox, unread: Sequence[Message], subjects: Mapping[str, str], intent: UUID
) -> WriteResult[ReadMarkResult]:
    done: list[WriteResult[Message]] = []
    stopped_by: GpcliError | None = None
    for message in unread:
        try:
            done.append(mailbox.send_read_mark(message, uuid5(intent, str(message.id))))
        except GpcliError as error:
            stopped_by = error
            break
    if stopped_by and not done:
        raise stopped_by
    read = tuple(marked.record for marked in done)
    return WriteResult(
        ReadMarkResult(read, stopped_by, subjects),
        changed=any(marked.changed for marked in done),
        here_only=all(marked.here_only for marked in done),
    )
