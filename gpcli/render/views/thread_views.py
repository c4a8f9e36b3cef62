"""Threads, messages, what is attached, and what sending one left."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from gpcli.model.thread import (
    Attachment,
    Conversation,
    Message,
    MessageReceipt,
    SavedAttachment,
    Thread,
    ThreadReceipt,
)
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, record_view
from gpcli.render.views.wording import sending_columns

STATUS = {
    "preparation": "not sent",
    "in-progress": "open",
    "on-hold": "on hold",
    "completed": "closed",
    "stopped": "closed",
    "not-done": "refused",
    "entered-in-error": "entered in error",
}
"""R4 EventStatus of a thread in a patient's words; an unknown code is shown as written."""

STATUS_STYLE = {"in-progress": "green", "on-hold": "yellow", "not-done": "yellow"}

_DIVIDER = re.compile(r"^\\*--(?=\r?$)", re.MULTILINE)

NO_SUBJECT = "(no subject)"

ThreadLike = TypeVar("ThreadLike", bound=Thread)
MessageLike = TypeVar("MessageLike", bound=Message)
Row = TypeVar("Row")


def thread_label(one: Thread, now: datetime) -> str:
    """A thread as one line to pick from."""
    unread = f"{one.unread_count} unread" if one.unread_count else None
    last = TimeFormat(now).time(one.last, one.zone)
    parts = (one.subject or NO_SUBJECT, unread, status_words(one), last, _with(one))
    return " · ".join(filter(None, parts))


def status_words(one: Thread) -> str:
    """A thread's status for people."""
    return STATUS.get(one.status, one.status)


def size_words(size: int | None) -> str:
    """`840 bytes`, `12 kB`, `3.4 MB`; nothing where it is not known."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def undivided(text: str) -> str:
    r"""A text for plain lines in which no line passes for the one that divides: `--` is `\--`."""
    return _DIVIDER.sub(r"\\\g<0>", text)


def _with(one: Thread) -> str | None:
    return one.practitioner or one.surgery


def _columns(thread: Callable[[Row], Thread]) -> tuple[Column[Row], ...]:
    """The columns for rows that are, or have, a `thread`."""
    return (
        Column("id", "ID", lambda row: thread(row).id),
        Column(
            "subject",
            "Subject",
            lambda row: thread(row).subject,
            lambda row, _: thread(row).subject or NO_SUBJECT,
        ),
        Column("kind", "Kind", lambda row: thread(row).kind, spare=True),
        Column(
            "status",
            "Status",
            lambda row: thread(row).status,
            lambda row, _: status_words(thread(row)),
            style=lambda row: STATUS_STYLE.get(thread(row).status, "dim"),
        ),
        Column("closed_because", "Because", lambda row: thread(row).closed_because, in_table=False),
        Column(
            "unread_count",
            "Unread",
            lambda row: thread(row).unread_count,
            lambda row, _: str(thread(row).unread_count or ""),
            right=True,
        ),
        Column(
            "message_count",
            "Messages",
            lambda row: thread(row).message_count,
            in_table=False,
            right=True,
        ),
        *_time_columns(thread),
        Column("practitioner", "With", lambda row: thread(row).practitioner, spare=True),
        Column("surgery", "Surgery", lambda row: thread(row).surgery, in_table=False),
        Column("zone", "Zone", lambda row: thread(row).zone, for_people=False),
    )


def _time_columns(thread: Callable[[Row], Thread]) -> tuple[Column[Row], ...]:
    return (
        Column(
            "last",
            "Last",
            lambda row: thread(row).last,
            lambda row, time_format: time_format.time(thread(row).last, thread(row).zone),
        ),
        Column(
            "started",
            "Started",
            lambda row: thread(row).started,
            lambda row, time_format: time_format.time(thread(row).started, thread(row).zone),
            in_table=False,
        ),
    )


def _own(row: ThreadLike) -> Thread:
    return row


THREADS: View[Thread] = record_view(Thread, "threads", _columns(_own))


def _in_the_thread(column: Column[Conversation]) -> Column[Conversation]:
    return replace(column, inside=f"thread.{column.name}")


def _message_ids(one: Conversation) -> tuple[str, ...]:
    return tuple(str(each.id) for each in one.messages)


CONVERSATION: View[Conversation] = record_view(
    Conversation,
    "conversation",
    (
        *map(_in_the_thread, _columns(lambda one: one.thread)),
        Column("thread", "Thread", lambda one: one.thread.id, for_people=False),
        Column("messages", "Message ids", _message_ids, for_people=False),
    ),
)
"""The head of a conversation; in JSON, the whole thread and its messages."""

THREAD_RECEIPT: View[ThreadReceipt] = record_view(
    ThreadReceipt, "thread-receipt", (*_columns(_own), *sending_columns(ThreadReceipt))
)


def _attached(one: Message) -> tuple[str, ...]:
    return tuple(each.id for each in one.attachments)


def _attached_words(one: Message, time_format: TimeFormat) -> str:
    return "\n".join(map(attachment_words, one.attachments))


def attachment_words(one: Attachment) -> str:
    """`m-1.1  rash.jpg (image/jpeg, 12 kB)`."""
    known = ", ".join(filter(None, (one.content_type, size_words(one.size))))
    title = one.title or "(no name)"
    return f"{one.id}  {title} ({known})" if known else f"{one.id}  {title}"


def _sender(one: Message) -> str:
    return one.sender or ("you" if one.mine else "the surgery")


def _sender_words(one: Message, time_format: TimeFormat) -> str:
    return f"{_sender(one)} (unread)" if one.unread else _sender(one)


def _message_columns(
    kind: type[MessageLike], zone: str, *, alone: bool
) -> tuple[Column[MessageLike], ...]:
    """The columns of a message; one that stands `alone` says in which thread it is."""
    return (
        Column("id", "ID", lambda one: one.id, for_people=False),
        Column("thread_id", "Thread", lambda one: one.thread_id, for_people=alone),
        Column("sender", "From", lambda one: one.sender, _sender_words, style="bold"),
        Column(
            "sent",
            "Sent",
            lambda one: one.sent,
            lambda one, time_format: time_format.time(one.sent, zone),
        ),
        Column("mine", "Mine", lambda one: one.mine, for_people=False),
        Column("unread", "Unread", lambda one: one.unread, for_people=False),
        Column("attachments", "Attached", _attached, _attached_words),
        Column(
            "in_response_to", "In response to", lambda one: one.in_response_to, for_people=False
        ),
    )


def messages_view(zone: str) -> View[Message]:
    """The head of one message; times are worded in the `zone` of its surgery."""
    return record_view(
        Message,
        "messages",
        _message_columns(Message, zone, alone=False),
    )


def message_receipts(zone: str) -> View[MessageReceipt]:
    """What sending a reply, or marking messages as read, answers with."""
    return record_view(
        MessageReceipt,
        "message-receipt",
        (
            *_message_columns(MessageReceipt, zone, alone=True),
            Column("status", "Status", lambda one: one.status, for_people=False),
            *sending_columns(MessageReceipt),
        ),
    )


SAVED: View[SavedAttachment] = record_view(
    SavedAttachment,
    "saved",
    (
        Column("id", "ID", lambda one: one.id),
        Column("path", "File", lambda one: one.path),
        Column("content_type", "Type", lambda one: one.content_type),
        Column(
            "size", "Size", lambda one: one.size, lambda one, _: size_words(one.size), right=True
        ),
    ),
)
