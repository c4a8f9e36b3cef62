"""Marking as read: what is unread, which of it is meant, and each once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from gpcli.care.agreement import Outcome, Proposal, Step
from gpcli.care.messages import thread_name
from gpcli.care.portal import Mailbox, Portal
from gpcli.errors import GpcliError
from gpcli.model.desk import Written
from gpcli.model.plan import PlanValue
from gpcli.model.thread import Conversation, Message, MessageId


@dataclass(frozen=True)
class Marked:
    """The messages that are read now, and what kept the rest from it, if anything did."""

    messages: tuple[Message, ...]
    trouble: GpcliError | None = None


def conversations_of(mailbox: Mailbox, ids: Sequence[str]) -> list[Conversation]:
    """Each thread once: whole where its own id is named, else with the messages that are named.

    Raises NotFound.
    """
    found = [mailbox.conversation(each) for each in dict.fromkeys(ids)]
    once = {one.thread.id: one for one in found}
    return [_only(one, set(ids)) for one in once.values()]


def propose_read(
    portal: Portal, conversations: Sequence[Conversation], intent: UUID
) -> Step[Marked]:
    """Mark what is unread in `conversations` as read; nothing unread counts as done.

    Each message has an intent of its own. Sending stops at the first that can't be marked, and
    raises what is wrong where it is the first of all.
    """
    unread = tuple(each for one in conversations for each in one.messages if each.unread)
    if not unread:
        return Outcome(Marked(()), changed=False)
    parties = portal.parties
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    rows = (row for one in conversations for row in _unread_rows(one))
    return Proposal(
        action="Mark as read",
        rows=(*rows, ("For", parties.patient.name), ("By", by)),
        preview=Marked(unread),
        send=lambda: _mark(portal.mailbox, unread, intent),
    )


def _only(one: Conversation, named: Collection[str]) -> Conversation:
    if one.thread.id in named:
        return one
    return replace(one, messages=tuple(each for each in one.messages if each.id in named))


def _unread_rows(one: Conversation) -> Iterator[tuple[str, PlanValue]]:
    """The lines of a plan on what is unread in a thread."""
    unread = [each for each in one.messages if each.unread]
    if unread:
        yield "Thread", f"{thread_name(one.thread)}: {len(unread)} unread"
    for each in unread:
        yield "Message", _message_words(each, ZoneInfo(one.thread.zone))


def _message_words(one: Message, zone: ZoneInfo) -> str:
    words = f"{one.id} from {one.sender or 'the surgery'}"
    return f"{words}, {one.sent.astimezone(zone):%a %d %b %Y %H:%M}" if one.sent else words


def _mark(mailbox: Mailbox, unread: Sequence[Message], intent: UUID) -> Written[Marked]:
    done: list[Written[Message]] = []
    stopped: GpcliError | None = None
    for message in unread:
        try:
            done.append(mailbox.mark_read(message, _intent_for(intent, message.id)))
        except GpcliError as trouble:
            stopped = trouble
            break
    if stopped and not done:
        raise stopped
    read = tuple(each.record for each in done)
    return Written(
        Marked(read, stopped),
        changed=any(each.changed for each in done),
        here_only=all(each.here_only for each in done),
    )


def _intent_for(intent: UUID, message: MessageId | None) -> UUID:
    return uuid5(intent, str(message))
