"""Threads with the surgery: which to show, replying, marking as read, what is attached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from gpcli.care.agreement import Asker, Outcome, Proposal, Step
from gpcli.care.offers import called
from gpcli.care.portal import Mailbox, Portal
from gpcli.care.safety import RECEPTION
from gpcli.care.writing import (
    Correspondent,
    check_limits,
    draft_rows,
    says_the_same,
    used_otherwise,
)
from gpcli.errors import AlreadyAnswered, GpcliError, InputNeeded, NotFound, Usage
from gpcli.model.desk import Written
from gpcli.model.plan import PlanValue
from gpcli.model.service import Limits, Offers, ServiceName
from gpcli.model.thread import (
    Attachment,
    Conversation,
    Draft,
    Message,
    MessageId,
    ReplyDesk,
    Thread,
    ThreadKind,
)

SERVICES: dict[str | None, ServiceName] = {
    ThreadKind.E_CONSULTATION: ServiceName.E_CONSULTATION,
    ThreadKind.ADMINISTRATIVE: ServiceName.CONTACT,
}
"""The service that starts each kind of thread."""

_SEE_THREADS = "gpcli messages list shows the threads."


@dataclass(frozen=True)
class Marked:
    """The messages that are read now, and what kept the rest from it, if anything did."""

    messages: tuple[Message, ...]
    trouble: GpcliError | None = None


def kind_called(word: str) -> ThreadKind:
    """The kind of thread that `--kind` names; raises Usage naming them all."""
    if word in set(ThreadKind):
        return ThreadKind(word)
    known = ", ".join(ThreadKind)
    raise Usage(f"--kind '{word}' is not a kind of thread.", hint=f"The kinds are {known}.")


def listed(
    portal: Portal, *, unread: bool, kind: ThreadKind | None, gp: str | None
) -> list[Thread]:
    """The threads, those with something unread first; `gp` keeps those with one GP's surgery."""
    found = portal.mailbox.threads()
    ours = {each.id for each in called(portal.surgeries(), gp)} if gp is not None else set()
    return [
        one
        for one in found
        if (one.unread_count or not unread)
        and kind in {None, one.kind}
        and (gp is None or one.surgery_id in ours)
    ]


def pick(mailbox: Mailbox, thread: str | None, asker: Asker, label: Callable[[Thread], str]) -> str:
    """The id given, or one picked from a list; raises InputNeeded."""
    if thread is not None and thread.strip():
        return thread
    if thread is not None or not asker.allowed:
        raise InputNeeded("A thread's id is needed.", hint=_SEE_THREADS)
    found = mailbox.threads()
    if not found:
        raise InputNeeded("There is no thread to choose from.", hint=_SEE_THREADS)
    choices = [(str(one.id), label(one)) for one in found]
    return asker.choose("Which thread?", choices, flag="THREAD")


def open_desk(portal: Portal, thread: str, lookup: UUID | None) -> ReplyDesk:
    """What a reply in `thread` is decided on; `lookup` is the intent to look for.

    Raises NotFound; AlreadyAnswered when nothing more can be written, unless it was sent before.
    """
    desk = portal.mailbox.reply_desk(thread, lookup)
    if desk.conversation is None:
        raise NotFound(f"There is no thread '{thread}'.", hint=_SEE_THREADS)
    if desk.earlier is None:
        _check_open(desk.conversation.thread)
    return desk


def about(desk: ReplyDesk) -> tuple[str, ...]:
    """What a reply is about, for who writes it."""
    thread = _conversation(desk).thread
    where = ", ".join(filter(None, (thread.practitioner, thread.surgery)))
    subject = f"Subject: {thread.subject}" if thread.subject else f"Thread: {thread.id}"
    return (f"To: {where}", subject) if where else (subject,)


def propose_reply(
    writer: Correspondent, desk: ReplyDesk, draft: Draft, intent: UUID
) -> Step[Message]:
    """Write in the thread of an open `desk`.

    Raises Usage beyond the surgery's limits; Conflict when the request id sent something else.
    """
    there = _conversation(desk)
    if desk.earlier:
        return _replied_before(desk.earlier, there.thread, draft)
    check_limits(draft, _limits(desk.offers, there.thread))
    administrative = there.thread.kind == ThreadKind.ADMINISTRATIVE
    return Proposal(
        action="Reply",
        rows=(
            *thread_rows(writer.portal, there.thread),
            *draft_rows(draft, shown=writer.asker.allowed),
        ),
        preview=_before(writer.portal, there, draft),
        send=lambda: writer.portal.mailbox.reply(there, draft, intent),
        warnings=(RECEPTION,) if administrative else (),
    )


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
    rows: list[tuple[str, PlanValue]] = [
        (
            "Thread",
            f"{_name(one.thread)}: {sum(each.unread for each in one.messages)} unread",
        )
        for one in conversations
        if any(each.unread for each in one.messages)
    ]
    parties = portal.parties
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    return Proposal(
        action="Mark as read",
        rows=(*rows, ("For", parties.patient.name), ("By", by)),
        preview=Marked(unread),
        send=lambda: _mark(portal.mailbox, unread, intent),
    )


def conversations_of(mailbox: Mailbox, threads: Sequence[str]) -> list[Conversation]:
    """Each thread once, with its messages; raises NotFound."""
    found = [mailbox.conversation(each) for each in dict.fromkeys(threads)]
    return list({one.thread.id: one for one in found}.values())


def attached(conversation: Conversation, ids: Sequence[str]) -> list[Attachment]:
    """The attachments with these ids, each once, or all; raises NotFound."""
    there = {each.id: each for one in conversation.messages for each in one.attachments}
    unknown = next((each for each in ids if each not in there), None)
    if unknown is not None:
        raise NotFound(
            f"Nothing called '{unknown}' is attached to this thread.",
            hint=f"What is attached: {', '.join(there)}." if there else "Nothing is attached.",
        )
    return [there[each] for each in dict.fromkeys(ids)] if ids else list(there.values())


def thread_rows(portal: Portal, thread: Thread) -> tuple[tuple[str, PlanValue], ...]:
    """The lines of a plan on a thread that is there already, and on whom it is about."""
    parties = portal.parties
    return (
        ("Thread", _name(thread)),
        ("To", ", ".join(filter(None, (thread.practitioner, thread.surgery)))),
        ("For", parties.patient.name),
        ("By", parties.on_behalf_by.name if parties.on_behalf_by else None),
    )


def _name(thread: Thread) -> str:
    return f"{thread.subject} ({thread.id})" if thread.subject else str(thread.id)


def _check_open(thread: Thread) -> None:
    if not thread.closed:
        return
    why = f": {thread.closed_because}" if thread.closed_because else "."
    again = "gpcli contact" if thread.kind == ThreadKind.ADMINISTRATIVE else "gpcli econsult start"
    raise AlreadyAnswered(
        f"The surgery has closed this thread{why}", hint=f"{again} begins a new one."
    )


def _conversation(desk: ReplyDesk) -> Conversation:
    assert desk.conversation is not None, "an open desk has one"  # noqa: S101
    return desk.conversation


def _replied_before(earlier: Message, thread: Thread, draft: Draft) -> Outcome[Message]:
    if says_the_same(earlier, draft) and earlier.thread_id in {None, thread.id}:
        return Outcome(earlier, changed=False)
    raise used_otherwise(f"message {earlier.id}")


def _limits(offers: Offers, thread: Thread) -> Limits:
    """What a message may hold, as the offer says that starts such threads, if it is there now."""
    service = SERVICES.get(thread.kind)
    for offer in offers.offers:
        if offer.name is service and thread.surgery_id in {None, offer.surgery.id}:
            return offer.limits
    return Limits()


def _before(portal: Portal, there: Conversation, draft: Draft) -> Message:
    parties = portal.parties
    latest = there.latest_from_surgery
    return Message(
        id=None,
        thread_id=there.thread.id,
        sent=None,
        sender=(parties.acting_user or parties.patient).name,
        mine=True,
        unread=False,
        text=draft.text,
        attachments=tuple(
            Attachment(str(number), each.name, each.content_type, len(each.content))
            for number, each in enumerate(draft.enclosures, start=1)
        ),
        in_response_to=latest.id if latest else None,
    )


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
    return Written(Marked(read, stopped), changed=any(each.changed for each in done))


def _intent_for(intent: UUID, message: MessageId | None) -> UUID:
    return uuid5(intent, str(message))
