"""`contact`, `messages`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from gpcli.app_context import Session
from gpcli.care import inbox
from gpcli.care import message as contacting
from gpcli.care.inbox import file_names
from gpcli.care.message import RECEPTION
from gpcli.care.slots import day
from gpcli.cli.global_options import session_of
from gpcli.cli.message_input import correspondent, draft, kept_unless_sent, letter, source_of
from gpcli.cli.message_options import (
    Attach,
    CanWait,
    Subject,
    Words,
    WordsFile,
    request_for,
    say_safety,
    show_marked,
    show_reply,
    start_thread,
)
from gpcli.config import atomic_write
from gpcli.errors import GpcliError, Partial, Usage
from gpcli.model.service import ServiceName
from gpcli.model.thread import Attachment, Conversation, ReplyDesk, Saved, Thread
from gpcli.render.views.thread_views import (
    CONVERSATION,
    SAVED,
    THREAD_RECEIPT,
    THREADS,
    message_receipts,
    messages_view,
    thread_label,
    undivided,
)


def contact(
    ctx: typer.Context,
    subject: Subject = None,
    message_file: WordsFile = None,
    message: Words = None,
    attach: Attach = None,
    can_wait: CanWait = False,
) -> None:
    """Write to the surgery's reception about administrative matters."""
    session = session_of(ctx)
    if session.output.names_only(THREAD_RECEIPT):
        return
    source = source_of(session, message, message_file, attach)
    say_safety(session, RECEPTION, can_wait=can_wait)
    with kept_unless_sent(session, source):
        writer, gp = correspondent(session), session.options.gp
        written = letter(session, subject, source, lambda: contacting.gate(writer, gp))
        request = request_for(session, ServiceName.CONTACT, "contact")
        step = contacting.propose(writer, written, request)
        start_thread(session, step, request.intent)


ThreadArgument = Annotated[str | None, typer.Argument(metavar="[THREAD]", help="A thread's id")]


def list_threads(
    ctx: typer.Context,
    unread: Annotated[
        bool, typer.Option("--unread", help="Only those with something unread")
    ] = False,
    count: Annotated[
        bool, typer.Option("--count", help="Print only how many, a number in every format")
    ] = False,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="e-consultation or administrative"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="With a message on this day or later"),
    ] = None,
    with_: Annotated[
        str | None,
        typer.Option("--with", metavar="NAME", help="Part of the doctor's or surgery's name"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most so many")
    ] = None,
) -> None:
    """List threads, those with something unread first."""
    session = session_of(ctx)
    sought = inbox.Sought(
        unread=unread,
        kind=None if kind is None else inbox.kind_called(kind),
        gp=session.options.gp,
        since=None if since is None else day(since, session.now().date(), "--from"),
        with_=inbox.checked_name(with_),
        limit=limit,
    )
    found = inbox.listed(session.portal, sought)
    if count:
        session.output.value(str(len(found)))
    elif not session.output.show_list(THREADS, found):
        session.output.notice("There are none.")
    session.check_whole()


def show(ctx: typer.Context, thread: ThreadArgument = None) -> None:
    """Show a thread with its messages; it stays unread."""
    session = session_of(ctx)
    found = session.portal.mailbox.conversation(_picked(session, thread))
    session.output.show_item(CONVERSATION, found)
    if session.output.human and session.options.fields is None:
        _show_messages(session, found)
    session.check_whole()


def reply(
    ctx: typer.Context,
    thread: ThreadArgument = None,
    message_file: WordsFile = None,
    message: Words = None,
    attach: Attach = None,
) -> None:
    """Write in a thread."""
    session = session_of(ctx)
    if session.output.names_only(message_receipts(session.zone.key)):
        return
    source = source_of(session, message, message_file, attach)
    desk = _Desk(session, thread)
    with kept_unless_sent(session, source):
        words = draft(session, source, lambda: inbox.about(desk.opened))
        step = inbox.propose_reply(correspondent(session), desk.opened, words, desk.intent)
        show_reply(session, session.carry_out(step), desk.intent)


def save(
    ctx: typer.Context,
    thread: ThreadArgument = None,
    attachments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ATTACHMENT]...", help="Attachments' ids; all without any"),
    ] = None,
    place: Annotated[
        str, typer.Option("--to", metavar="DIR", help="Where to; this directory by default")
    ] = ".",
    replace: Annotated[bool, typer.Option("--yes", help="Replace files of the same name")] = False,
) -> None:
    """Save what is attached to a thread."""
    session = session_of(ctx)
    if session.output.names_only(SAVED):
        return
    directory = atomic_write.directory(place)
    found = session.portal.mailbox.conversation(_picked(session, thread))
    wanted = inbox.attached(found, attachments or ())
    names = file_names(inbox.attached(found, ()))
    _save_each(session, {directory / names[each.id]: each for each in wanted}, replace=replace)
    session.check_whole()


def mark_read(
    ctx: typer.Context,
    threads: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Threads, or only some messages, by their ids"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is unread")] = False,
) -> None:
    """Mark all that is unread in threads, or single messages, as read."""
    session = session_of(ctx)
    if session.output.names_only(message_receipts(session.zone.key)):
        return
    if everything and threads:
        raise Usage("Name threads, or --all: only one of them.")
    intent = session.intent("messages mark-read")
    ids = _unread(session) if everything else threads or [_picked(session, None, _has_unread)]
    found = inbox.conversations_of(session.portal.mailbox, ids)
    step = inbox.propose_read(session.portal, found, intent)
    show_marked(session, session.carry_out(step), intent)


class _Desk:
    """Where a reply is decided on, opened once and only when it is needed."""

    def __init__(self, session: Session, thread: str | None) -> None:
        self._session = session
        self._thread = thread

    @cached_property
    def intent(self) -> UUID:
        return self._session.intent("messages reply")

    @cached_property
    def opened(self) -> ReplyDesk:
        lookup = self.intent if self._session.options.request_id is not None else None
        identity = _picked(self._session, self._thread, lambda one: not one.closed)
        return inbox.open_desk(self._session.portal, identity, lookup)


def _unread(session: Session) -> list[str]:
    found = inbox.listed(session.portal, inbox.Sought(unread=True, gp=session.options.gp))
    return [str(one.id) for one in found]


def _has_unread(one: Thread) -> bool:
    return one.unread_count > 0


def _picked(
    session: Session, thread: str | None, fits: Callable[[Thread], bool] = lambda _: True
) -> str:
    now = session.now()
    mailbox = session.portal.mailbox
    return inbox.pick(mailbox, thread, session.ask, lambda one: thread_label(one, now), fits)


def _show_messages(session: Session, found: Conversation) -> None:
    view = messages_view(found.thread.zone)
    for message in found.messages:
        text = message.text if session.output.tables else undivided(message.text)
        session.output.divide()
        session.output.show_item(view, message, text=text)


def _save_each(session: Session, wanted: dict[Path, Attachment], *, replace: bool) -> None:
    saved: list[Saved] = []
    failed: list[GpcliError] = []
    for path, attachment in wanted.items():
        try:
            saved.append(_save_one(session, path, attachment, replace=replace))
        except GpcliError as trouble:
            failed.append(trouble)
    if not failed or saved:
        session.output.show_list(SAVED, saved)
    if not wanted:
        session.output.notice("Nothing is attached.")
    _tell(session, failed, some=bool(saved))


def _tell(session: Session, failed: list[GpcliError], *, some: bool) -> None:
    """Name each that failed; raises Partial where `some` are saved, else the first trouble."""
    if not failed:
        return
    first, *others = failed
    for trouble in failed if some else others:
        session.output.warning(trouble.message)
    if some:
        raise Partial(f"{len(failed)} attachments are not saved.", hint=first.hint)
    raise first


def _save_one(session: Session, path: Path, attachment: Attachment, *, replace: bool) -> Saved:
    content = session.portal.mailbox.content(attachment)
    atomic_write.save(path, content, replace=replace)
    return Saved(attachment.id, str(path), attachment.content_type, len(content))
