"""Threads, messages, attachments, and their receipts."""

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
    Saved,
    Thread,
    ThreadReceipt,
)
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.wording import receipt_columns

THREAD_STATUSES = {
    "preparation": "not sent",
    "in-progress": "open",
    "on-hold": "on hold",
    "completed": "closed",
    "stopped": "closed",
    "not-done": "refused",
    "entered-in-error": "entered in error",
}
"""R4 EventStatus of a thread in a patient's words; an unknown code is shown as recorded."""

STATUS_STYLES = {"in-progress": "green", "on-hold": "yellow", "not-done": "yellow"}

_SEPARATOR_LINE = re.compile(r"^\\*--(?=\r?$)", re.MULTILINE)
"""A line `--`, perhaps escaped already."""

NO_SUBJECT = "(no subject)"

ThreadLike = TypeVar("ThreadLike", bound=Thread)
MessageLike = TypeVar("MessageLike", bound=Message)
Row = TypeVar("Row")


def thread_label(thread: Thread, now: datetime) -> str:
    """Return the line for a thread in a list of choices."""
    unread = f"{thread.unread_count} unread" if thread.unread_count else None
    last = TimeFormat(now).time(thread.last, thread.zone)
    parts = (
        thread.subject or NO_SUBJECT,
        unread,
        format_thread_status(thread),
        last,
        thread.practitioner or thread.surgery,
    )
    return " · ".join(filter(None, parts))


def format_thread_status(thread: Thread) -> str:
    """Format the status of a thread."""
    return THREAD_STATUSES.get(thread.status, thread.status)


def format_size(size: int | None) -> str:
    """Format a size in bytes: `840 bytes`, `12 kB`, `3.4 MB`; empty for `None`, unknown."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def escape_separators(text: str) -> str:
    r"""Return `text` for plain lines, with a line `--`, which separates records there, as `\--`."""
    return _SEPARATOR_LINE.sub(r"\\\g<0>", text)


def _thread_columns(thread: Callable[[Row], Thread]) -> tuple[Column[Row], ...]:
    """Return the columns for rows whose thread the function `thread` returns."""
    return (
        Column("id", "ID", lambda row: thread(row).id),
        Column(
            "subject",
            "Subject",
            lambda row: thread(row).subject,
            lambda row, _: thread(row).subject or NO_SUBJECT,
        ),
        Column("kind", "Kind", lambda row: thread(row).kind, droppable=True),
        Column(
            "status",
            "Status",
            lambda row: thread(row).status,
            lambda row, _: format_thread_status(thread(row)),
            style=lambda row: STATUS_STYLES.get(thread(row).status, "dim"),
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
        Column("practitioner", "With", lambda row: thread(row).practitioner, droppable=True),
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


def _as_thread(row: ThreadLike) -> Thread:
    return row


THREADS: View[Thread] = dataclass_view(Thread, "threads", _thread_columns(_as_thread))


def _with_json_path(column: Column[Conversation]) -> Column[Conversation]:
    return replace(column, json_path=f"thread.{column.name}")


def _message_ids(conversation: Conversation) -> tuple[str, ...]:
    return tuple(str(message.id) for message in conversation.messages)


CONVERSATION: View[Conversation] = dataclass_view(
    Conversation,
    "conversation",
    (
        *map(_with_json_path, _thread_columns(lambda conversation: conversation.thread)),
        Column("thread", "Thread", lambda conversation: conversation.thread.id, for_people=False),
        Column("messages", "Message ids", _message_ids, for_people=False),
    ),
)
"""The thread of a conversation; in JSON, the thread and its messages."""

THREAD_RECEIPT: View[ThreadReceipt] = dataclass_view(
    ThreadReceipt, "thread-receipt", (*_thread_columns(_as_thread), *receipt_columns(ThreadReceipt))
)


def _attachment_ids(message: Message) -> tuple[str, ...]:
    return tuple(attachment.id for attachment in message.attachments)


def _format_attachments(message: Message, time_format: TimeFormat) -> str:
    return "\n".join(map(format_attachment, message.attachments))


def format_attachment(attachment: Attachment) -> str:
    """Format an attachment: `m-1.1  rash.jpg (image/jpeg, 12 kB)`."""
    known = ", ".join(filter(None, (attachment.content_type, format_size(attachment.size))))
    title = attachment.title or "(no name)"
    return f"{attachment.id}  {title} ({known})" if known else f"{attachment.id}  {title}"


def _sender_name(message: Message) -> str:
    return message.sender or ("you" if message.mine else "the surgery")


def _format_sender(message: Message, time_format: TimeFormat) -> str:
    return f"{_sender_name(message)} (unread)" if message.unread else _sender_name(message)


def _message_columns(
    kind: type[MessageLike], zone: str, *, shows_thread: bool
) -> tuple[Column[MessageLike], ...]:
    """Return the columns of a message; outside its thread, `shows_thread` has it shown."""
    return (
        Column("id", "ID", lambda message: message.id, for_people=False),
        Column("thread_id", "Thread", lambda message: message.thread_id, for_people=shows_thread),
        Column("sender", "From", lambda message: message.sender, _format_sender, style="bold"),
        Column(
            "sent",
            "Sent",
            lambda message: message.sent,
            lambda message, time_format: time_format.time(message.sent, zone),
        ),
        Column("mine", "Mine", lambda message: message.mine, for_people=False),
        Column("unread", "Unread", lambda message: message.unread, for_people=False),
        Column("attachments", "Attached", _attachment_ids, _format_attachments),
        Column(
            "in_response_to",
            "In response to",
            lambda message: message.in_response_to,
            for_people=False,
        ),
    )


def messages_view(zone: str) -> View[Message]:
    """Return the view of a message without its text; times are shown in its surgery's `zone`."""
    return dataclass_view(
        Message,
        "messages",
        _message_columns(Message, zone, shows_thread=False),
    )


def message_receipts_view(zone: str) -> View[MessageReceipt]:
    """Return the view of the receipts for a reply and for messages marked as read."""
    return dataclass_view(
        MessageReceipt,
        "message-receipt",
        (
            *_message_columns(MessageReceipt, zone, shows_thread=True),
            Column("status", "Status", lambda message: message.status, for_people=False),
            *receipt_columns(MessageReceipt),
        ),
    )


SAVED: View[Saved] = dataclass_view(
    Saved,
    "saved",
    (
        Column("id", "ID", lambda saved: saved.id),
        Column("path", "File", lambda saved: saved.path),
        Column("content_type", "Type", lambda saved: saved.content_type),
        Column(
            "size",
            "Size",
            lambda saved: saved.size,
            lambda saved, _: format_size(saved.size),
            right=True,
        ),
    ),
)
