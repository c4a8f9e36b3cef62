"""Threads, messages, attachments, and their receipts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from gpcli.model.thread import (
    SENT,
    WITHDRAWN,
    Attachment,
    Conversation,
    Message,
    MessageNote,
    MessageReceipt,
    Saved,
    Thread,
    ThreadKind,
    ThreadReceipt,
)
from gpcli.render.sanitise import safe_text
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.wording import plan_columns, receipt_columns

THREAD_STATUSES = {
    "preparation": "not sent",
    "in-progress": "open",
    "on-hold": "on hold",
    "completed": "closed",
    "stopped": "closed",
    "not-done": "refused",
    WITHDRAWN: "withdrawn",
}
"""R4 EventStatus of a thread in a patient's words; an unknown code is shown as recorded."""

MESSAGE_STATUSES = {
    "preparation": "not sent yet",
    "in-progress": "",
    "on-hold": "on hold",
    SENT: "",
    "stopped": "stopped before it was complete",
    "not-done": "never sent",
    WITHDRAWN: "withdrawn by the sender",
}
"""R4 EventStatus of a message in a patient's words, empty for what goes without saying."""

PRIORITIES = {"routine": "", "asap": "as soon as possible", "stat": "at once"}
"""R4 RequestPriority in a patient's words; another code is shown as recorded."""

SURGERY_TYPES = frozenset({"CareTeam", "Organization", "Practitioner", "PractitionerRole"})
"""Types of senders that are called the surgery where they have no name."""

STATUS_STYLES = {"in-progress": "green", "on-hold": "yellow", "not-done": "yellow"}

_SEPARATOR_LINE = re.compile(r"^\\*--(?=\r?$)", re.MULTILINE)
"""A line `--`, perhaps escaped already."""

NO_SUBJECT = "(no subject)"
NO_CONTENT = "no content that gpcli can fetch"

ThreadLike = TypeVar("ThreadLike", bound=Thread)
MessageLike = TypeVar("MessageLike", bound=Message)
Row = TypeVar("Row")


def thread_label(thread: Thread, time_format: TimeFormat) -> str:
    """Return the line for a thread in a list of choices."""
    count = "perhaps" if thread.unread_count is None else thread.unread_count
    unread = f"{count} unread" if count else None
    last = time_format.time(thread.last, thread.zone)
    parts = (
        thread.subject or NO_SUBJECT,
        unread,
        format_thread_status(thread),
        last,
        thread.practitioner or thread.surgery,
    )
    return time_format.phrasing.join(parts)


def format_thread_status(thread: Thread) -> str:
    """Format the status of a thread."""
    if thread.status == SENT and not thread.is_closed:
        return "sent"
    if thread.status == "not-done" and thread.kind not in set(ThreadKind):
        return "not done"
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
            style=lambda row: "bold" if thread(row).unread_count else "",
        ),
        Column("kind", "Kind", lambda row: thread(row).kind, droppable=True),
        Column(
            "status",
            "Status",
            lambda row: thread(row).status,
            lambda row, _: format_thread_status(thread(row)),
            style=lambda row: STATUS_STYLES.get(thread(row).status, "dim"),
            wraps=False,
        ),
        Column("closed_because", "Because", lambda row: thread(row).closed_because, in_table=False),
        Column(
            "unread_count",
            "Unread",
            lambda row: thread(row).unread_count,
            lambda row, _: _format_unread_count(thread(row).unread_count),
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
        *_surgery_columns(thread),
        Column("zone", "Zone", lambda row: thread(row).zone, for_people=False),
    )


def _format_unread_count(count: int | None) -> str:
    return "not told" if count is None else str(count or "")


def _time_columns(thread: Callable[[Row], Thread]) -> tuple[Column[Row], ...]:
    return (
        Column(
            "last",
            "Last",
            lambda row: thread(row).last,
            lambda row, time_format: (
                thread(row).last_date or time_format.time(thread(row).last, thread(row).zone)
            ),
            wraps=False,
            moment=lambda row: (thread(row).last, thread(row).zone),
        ),
        Column(
            "started",
            "Started",
            lambda row: thread(row).started,
            lambda row, time_format: time_format.time(thread(row).started, thread(row).zone),
            in_table=False,
        ),
    )


def _surgery_columns(thread: Callable[[Row], Thread]) -> tuple[Column[Row], ...]:
    return (
        Column(
            "practitioner",
            "With",
            lambda row: thread(row).practitioner,
            lambda row, _: thread(row).practitioner or thread(row).surgery or "",
            droppable=True,
            shared=True,
        ),
        Column("surgery", "Surgery", lambda row: thread(row).surgery, in_table=False),
    )


def _priority_column(priority: Callable[[Row], str | None]) -> Column[Row]:
    return Column(
        "priority",
        "Priority",
        priority,
        lambda row, _: _format_priority(priority(row)),
        in_table=lambda row: bool(_format_priority(priority(row))),
        style="yellow",
    )


def _format_priority(priority: str | None) -> str:
    return PRIORITIES.get(priority or "", priority or "")


def _format_note(note: MessageNote, zone: str, time_format: TimeFormat) -> str:
    """Format a note: `Ring us about this (Ida Nordli, Fri 20 Nov 2026)`."""
    known = ", ".join(filter(None, (note.author, time_format.recorded_day(note.time, zone))))
    return f"{note.text} ({known})" if known else note.text


def _note_column(
    notes: Callable[[Row], tuple[MessageNote, ...]], zone: Callable[[Row], str]
) -> Column[Row]:
    return Column(
        "notes",
        "Note",
        lambda row: tuple(note.text for note in notes(row)),
        lambda row, time_format: "\n".join(
            _format_note(note, zone(row), time_format) for note in notes(row)
        ),
        in_table=False,
    )


def _words_column(name: str, header: str, words: Callable[[Row], tuple[str, ...]]) -> Column[Row]:
    return Column(name, header, words, in_table=False)


def _as_thread(row: ThreadLike) -> Thread:
    return row


def _thread_fact_columns(thread: Callable[[Row], Thread]) -> tuple[Column[Row], ...]:
    return (
        _priority_column(lambda row: thread(row).priority),
        Column("last_date", "Last on", lambda row: thread(row).last_date, for_people=False),
    )


THREADS: View[Thread] = dataclass_view(
    Thread, "threads", (*_thread_columns(_as_thread), *_thread_fact_columns(_as_thread))
)


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
        *map(_with_json_path, _thread_fact_columns(lambda conversation: conversation.thread)),
        _note_column(
            lambda conversation: conversation.notes, lambda conversation: conversation.thread.zone
        ),
        _words_column("reasons", "Reason", lambda conversation: conversation.reasons),
        _words_column("about", "About", lambda conversation: conversation.about),
    ),
)
"""The thread of a conversation; in JSON, the thread and its messages."""

THREAD_RECEIPT: View[ThreadReceipt] = dataclass_view(
    ThreadReceipt,
    "thread-receipt",
    (
        *_thread_columns(_as_thread),
        *receipt_columns(ThreadReceipt),
        *_thread_fact_columns(_as_thread),
        *plan_columns(ThreadReceipt),
    ),
)


def _attachment_ids(message: Message) -> tuple[str, ...]:
    return tuple(attachment.id for attachment in message.attachments)


def format_attachment(attachment: Attachment, zone: str, time_format: TimeFormat) -> str:
    """Format an attachment: `m-1.1  rash.jpg (image/jpeg, 12 kB)`."""
    facts = (
        attachment.content_type,
        format_size(attachment.size),
        time_format.recorded_day(attachment.created, zone),
        *_document_words(attachment),
    )
    known = ", ".join(filter(None, facts))
    named = f"{attachment.id}{time_format.phrasing.gap}{attachment.title or '(no name)'}"
    return f"{named} ({known})" if known else named


def _document_words(attachment: Attachment) -> tuple[str | None, ...]:
    if attachment.is_withdrawn:
        return ("withdrawn",)
    empty = NO_CONTENT if attachment.is_empty else None
    usual = {"current", "final", SENT}
    codes = (attachment.status, attachment.document_status)
    return (*(code for code in codes if code not in usual), *attachment.relations, empty)


def message_text(message: Message) -> str:
    """Return what a message says; where it has no text, a remark on what there is instead."""
    if message.is_withdrawn:
        return "(withdrawn by the sender: its text is not shown)"
    if message.text.strip():
        return message.text
    if not (message.attachments or message.unreadable):
        return "(no text, and nothing is attached)"
    if all(attachment.is_empty for attachment in message.attachments):
        return "(something is here that gpcli can't show: ask who sent it)"
    return "(no text: what it says is in what is attached)"


MAX_QUOTED = 20_000
"""The most characters of a message that are quoted."""


def quote_message(message: Message, zone: str, time_format: TimeFormat) -> list[str]:
    """Return the lines that quote a message: who wrote it and when, and its text after `> `."""
    when = time_format.time(message.sent, zone) or message.sent_date
    text = message_text(message)
    lines = [f"> {line}".rstrip() for line in safe_text(text[:MAX_QUOTED]).splitlines()]
    if len(text) > MAX_QUOTED:
        lines.append(f"> … the rest: gpcli messages show {message.thread_id}")
    by = ", ".join(filter(None, (_sender_name(message), when)))
    return [f"# All below is left out too. {by}:", *lines]


def _sender_name(message: Message) -> str:
    if message.sender or message.mine:
        return message.sender or "you"
    if message.sender_type in SURGERY_TYPES:
        return "the surgery"
    return f"(a {message.sender_type}, not named)" if message.sender_type else "(not named)"


def _format_sender(message: Message, time_format: TimeFormat) -> str:
    known = {True: " (unread)", False: "", None: " (unread or not: not told)"}
    return f"{_sender_name(message)}{known[message.unread]}"


def _thread_id_column(subjects: Mapping[str, str] | None) -> Column[MessageLike]:
    """Return the column of a message's thread; `subjects` is as for `_message_columns`."""

    def word(message: Message, time_format: TimeFormat) -> str:
        identity = str(message.thread_id or "")
        subject = (subjects or {}).get(identity)
        return time_format.phrasing.gap.join(filter(None, (subject, identity)))

    return Column(
        "thread_id",
        "Thread",
        lambda message: message.thread_id,
        word,
        for_people=subjects is not None,
    )


def _message_columns(
    kind: type[MessageLike], zone: str, subjects: Mapping[str, str] | None = None
) -> tuple[Column[MessageLike], ...]:
    """Return the columns of a message; outside its thread that is shown, with its subject.

    `subjects` are those of threads, by their ids; `None` = the message stands in its thread.
    """
    return (
        Column("id", "ID", lambda message: message.id, for_people=False),
        _thread_id_column(subjects),
        Column("sender", "From", lambda message: message.sender, _format_sender, style="bold"),
        Column(
            "sent",
            "Sent",
            lambda message: message.sent,
            lambda message, time_format: (
                time_format.time(message.sent, zone) or message.sent_date or ""
            ),
        ),
        Column("mine", "Mine", lambda message: message.mine, for_people=False),
        Column("unread", "Unread", lambda message: message.unread, for_people=False),
        Column(
            "attachments",
            "Attached",
            _attachment_ids,
            lambda message, time_format: "\n".join(
                format_attachment(each, zone, time_format) for each in message.attachments
            ),
        ),
        Column(
            "in_response_to",
            "In response to",
            lambda message: message.in_response_to,
            for_people=False,
        ),
    )


def _status_column(*, for_people: bool) -> Column[MessageLike]:
    return Column(
        "status",
        "Status",
        lambda message: message.status,
        lambda message, _: MESSAGE_STATUSES.get(message.status, message.status),
        for_people=for_people,
        style="yellow",
    )


def _message_fact_columns(kind: type[MessageLike], zone: str) -> tuple[Column[MessageLike], ...]:
    return (
        Column("text_from", "In file", lambda message: message.text_from, in_table=False),
        Column("sender_type", "Sender", lambda message: message.sender_type, for_people=False),
        Column("sent_date", "Sent on", lambda message: message.sent_date, for_people=False),
        _priority_column(lambda message: message.priority),
        Column("status_reason", "Because", lambda message: message.status_reason, in_table=False),
        _words_column("reasons", "Reason", lambda message: message.reasons),
        _words_column("about", "About", lambda message: message.about),
        _words_column("medium", "Medium", lambda message: message.medium),
        _note_column(lambda message: message.notes, lambda _: zone),
        Column(
            "unreadable",
            "Missing",
            lambda message: message.unreadable,
            lambda message, _: _format_unreadable(message.unreadable),
            in_table=lambda message: message.unreadable > 0,
            style="yellow",
        ),
    )


def _format_unreadable(count: int) -> str:
    parts = "1 part" if count == 1 else f"{count} parts"
    return f"{parts} of it, which gpcli can't read" if count else ""


def messages_view(zone: str) -> View[Message]:
    """Return the view of a message without its text; times are shown in its surgery's `zone`."""
    return dataclass_view(
        Message,
        "messages",
        (
            *_message_columns(Message, zone),
            _status_column(for_people=True),
            *_message_fact_columns(Message, zone),
        ),
    )


def message_receipts_view(
    zone: str, subjects: Mapping[str, str] | None = None
) -> View[MessageReceipt]:
    """Return the view of the receipts for a reply and for messages marked as read.

    `subjects` are those of their threads, by the threads' ids, as far as they are known.
    """
    return dataclass_view(
        MessageReceipt,
        "message-receipt",
        (
            *_message_columns(MessageReceipt, zone, subjects or {}),
            _status_column(for_people=False),
            *receipt_columns(MessageReceipt),
            *_message_fact_columns(MessageReceipt, zone),
            *plan_columns(MessageReceipt),
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
