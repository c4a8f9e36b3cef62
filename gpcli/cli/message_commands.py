"""`contact`, `messages`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from gpcli.app_context import AppContext
from gpcli.care import follow_up, inbox, read_status
from gpcli.care.dates import parse_day
from gpcli.care.message import RECEPTION, fetch_text_limit, propose_contact
from gpcli.care.selection import act_on_meant
from gpcli.care.thread_names import ThreadFinder
from gpcli.cli.global_options import CommandRun, get_context
from gpcli.cli.listed_records import keep_listed
from gpcli.cli.message_input import (
    build_message_context,
    build_source,
    read_draft,
    read_new_thread,
    store_draft_unless_sent,
)
from gpcli.cli.message_options import (
    Attach,
    CanWait,
    MessageFile,
    MessageText,
    Subject,
    build_request,
    send_new_thread,
    show_read_mark_result,
    show_reply,
    show_safety_notice,
)
from gpcli.cli.noted_ids import note_id, note_ids
from gpcli.cli.result_output import require_complete
from gpcli.cli.value_parsers import whole_number
from gpcli.config import index_format, private_files
from gpcli.errors import GpcliError, InvalidUsage, Partial
from gpcli.model.service import ServiceName
from gpcli.model.thread import Attachment, Conversation, ReplyFacts, Saved, Thread
from gpcli.render.views.thread_views import (
    CONVERSATION,
    SAVED,
    THREAD_RECEIPT,
    THREADS,
    escape_separators,
    message_receipts_view,
    message_text,
    messages_view,
    quote_message,
    thread_label,
)

Result = TypeVar("Result")


def contact(
    ctx: typer.Context,
    subject: Subject = None,
    message_file: MessageFile = None,
    message: MessageText = None,
    attach: Attach = None,
    can_wait: CanWait = False,
) -> None:
    """Write to the surgery's reception about administrative matters."""
    context = get_context(ctx)
    if context.output.answer_field_query(THREAD_RECEIPT):
        return
    source = build_source(context, message, message_file, attach)
    fetch_limit = cache(
        lambda: fetch_text_limit(build_message_context(context), context.options.gp)
    )
    show_safety_notice(context, RECEPTION, can_wait=can_wait, check=fetch_limit)
    with store_draft_unless_sent(context, source):
        written = read_new_thread(context, subject, source, fetch_limit)
        request = build_request(context, ServiceName.CONTACT, "contact")
        decision = propose_contact(build_message_context(context), written, request)
        send_new_thread(context, decision, request.intent)


ThreadArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[THREAD]", help="An id, or the beginning of one; or words of the subject"
    ),
]
ThreadLimit = Annotated[
    int | None,
    typer.Option("-n", "--limit", parser=whole_number(1), metavar="N", help="At most so many"),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DAY",
        help="With a message on this day or later: 2026-12-01, monday, last-week, -7d",
    ),
]


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
    since: Since = None,
    with_: Annotated[
        str | None,
        typer.Option("--with", metavar="NAME", help="Part of the doctor's or surgery's name"),
    ] = None,
    limit: ThreadLimit = None,
) -> None:
    """List threads, those with something unread first."""
    context = get_context(ctx)
    filters = inbox.ThreadFilters(
        unread=unread,
        kind=None if kind is None else inbox.parse_thread_kind(kind),
        gp=context.options.gp,
        since=None
        if since is None
        else parse_day(since, context.now().date(), "--from", is_past=True),
        correspondent=inbox.check_name_filter(with_),
        limit=limit,
    )
    found = inbox.find_threads(context.portal, filters)
    if count:
        context.output.show_value(str(len(found.threads)))
    else:
        context.output.show_list(THREADS, found.threads)
        keep_listed(context, index_format.THREADS, found.threads, _word_unread)
    if found.undecided:
        context.output.notice(inbox.describe_undecided(found.undecided), needed=True)
    require_complete(context, is_empty=not (count or found.threads or found.undecided))


def show(ctx: typer.Context, thread: ThreadArgument = None) -> None:
    """Show a thread with its messages; it stays unread.

    A person at a terminal is asked what to do with it.
    """
    context = get_context(ctx)
    found = _act_on_thread(context, thread, context.portal.mailbox.fetch_conversation)
    with context.output.paging():
        context.output.show_item(CONVERSATION, found)
        if context.output.is_text and context.options.fields is None:
            _show_messages(context, found)
    if unplaced := inbox.describe_unplaced(found):
        context.output.notice(unplaced, needed=True)
    require_complete(context)
    is_read = context.output.is_read_by_person and context.options.fields is None
    if is_read and context.ask.can_ask:
        _follow_up(ctx, found)


def reply(
    ctx: typer.Context,
    thread: ThreadArgument = None,
    message_file: MessageFile = None,
    message: MessageText = None,
    attach: Attach = None,
) -> None:
    """Write in a thread."""
    context = get_context(ctx)
    if context.output.answer_field_query(message_receipts_view(context.zone.key)):
        return
    source = build_source(context, message, message_file, attach)
    reply_context = _ReplyContext(context, thread)
    with store_draft_unless_sent(context, source):
        message_draft = read_draft(
            context,
            source,
            lambda: inbox.describe_reply(reply_context.facts),
            lambda: _quote_answered(context, reply_context.facts),
        )
        decision = inbox.propose_reply(
            build_message_context(context),
            reply_context.facts,
            message_draft,
            reply_context.intent,
        )
        show_reply(context, context.sending.confirm_and_send(decision), reply_context.intent)


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
    context = get_context(ctx)
    if context.output.answer_field_query(SAVED):
        return
    directory = private_files.require_directory(place)
    found = _act_on_thread(context, thread, context.portal.mailbox.fetch_conversation)
    wanted = inbox.select_attachments(found, attachments or ())
    names = inbox.build_file_names(inbox.select_attachments(found, ()))
    for attachment in inbox.withdrawn_attachments(found):
        context.output.notice(f"{attachment.id} was withdrawn and is not saved.", needed=True)
    _save_attachments(
        context, directory, {names[each.id]: each for each in wanted}, replace=replace
    )
    require_complete(context)


def mark_read(
    ctx: typer.Context,
    threads: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Threads, as for messages show; or some messages, by their ids"
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is unread")] = False,
) -> None:
    """Mark all that is unread in threads, or single messages, as read, without asking."""
    context = get_context(ctx)
    if context.output.answer_field_query(message_receipts_view(context.zone.key)):
        return
    if everything and threads:
        raise InvalidUsage("Name threads, or --all: only one of them.")
    intent = context.sending.intent("messages mark-read")
    mailbox = context.portal.mailbox
    if everything:
        found = read_status.fetch_conversations(mailbox, _fetch_unread_ids(context))
    elif threads:
        finder = _build_finder(context, _may_have_unread)
        found = read_status.fetch_conversations(
            mailbox, threads, finder.find, lambda text, thread: note_ids(context, text, [thread])
        )
    else:
        found = [_act_on_thread(context, None, mailbox.fetch_conversation, _may_have_unread)]
    decision = read_status.propose_read_marks(context.portal, found, intent)
    show_read_mark_result(context, context.sending.confirm_and_send(decision), intent)


class _ReplyContext:
    """The intent and the facts of a reply, each built on first use."""

    def __init__(self, context: AppContext, thread: str | None) -> None:
        self._context = context
        self._thread = thread

    @cached_property
    def intent(self) -> UUID:
        return self._context.sending.intent("messages reply")

    @cached_property
    def facts(self) -> ReplyFacts:
        lookup = self.intent if self._context.options.may_be_repeat else None
        return _act_on_thread(
            self._context,
            self._thread,
            lambda thread_id: inbox.fetch_reply_facts(self._context.portal, thread_id, lookup),
            lambda candidate: not candidate.is_closed,
        )


def _quote_answered(context: AppContext, facts: ReplyFacts) -> list[str]:
    """Return the lines that quote the message that a reply answers, if there is one."""
    conversation = facts.conversation
    answered = conversation.last_to_answer if conversation else None
    if conversation is None or answered is None:
        return []
    return quote_message(answered, conversation.thread.zone, context.output.time_format)


def _fetch_unread_ids(context: AppContext) -> list[str]:
    found = inbox.find_threads(context.portal, inbox.ThreadFilters(gp=context.options.gp))
    if undecided := tuple(filter(_may_have_unread, found.undecided)):
        context.output.notice(inbox.describe_undecided(undecided), needed=True)
    return [str(thread.id) for thread in found.threads if _may_have_unread(thread)]


def _word_unread(thread: Thread) -> str:
    return "unread" if thread.unread_count else ""


def _may_have_unread(thread: Thread) -> bool:
    return thread.unread_count != 0


def _follow_up(ctx: typer.Context, found: Conversation) -> None:
    """Ask what to do with a thread, and do that: what its own command does."""
    run: CommandRun = ctx.obj
    thread, keys = str(found.thread.id), follow_up.list_follow_ups(found)
    question = f"{', '.join(keys.values()).capitalize()}?"
    key = run.context.ask.choose_key(question, keys, default=follow_up.QUIT) if keys else None
    if key == follow_up.REPLY:
        run.start_sending("messages", "reply", thread)
        reply(ctx, thread)
    elif key == follow_up.MARK_READ:
        run.start_sending("messages", "mark-read", thread)
        mark_read(ctx, [thread])
    elif key == follow_up.SAVE:
        save(ctx, thread, place=".", replace=False)


def _act_on_thread(
    context: AppContext,
    thread: str | None,
    act: Callable[[str], Result],
    fits: Callable[[Thread], bool] = lambda _: True,
) -> Result:
    """Return what `act` gives for the id of the thread that `thread` stands for.

    `None` = the person picks one of those that fit.
    """
    act = note_id(context, thread, act)
    if thread is None or not thread.strip():
        mailbox, label = context.portal.mailbox, _build_label(context)
        return act(inbox.choose_thread(mailbox, thread, context.ask, label, fits))
    return act_on_meant(thread, act, _build_finder(context, fits).find)


def _build_finder(context: AppContext, fits: Callable[[Thread], bool]) -> ThreadFinder:
    return ThreadFinder(context.portal.mailbox, context.ask, _build_label(context), fits)


def _build_label(context: AppContext) -> Callable[[Thread], str]:
    """Return what words a thread as a choice."""
    return partial(thread_label, time_format=context.output.time_format)


def _show_messages(context: AppContext, found: Conversation) -> None:
    view = messages_view(found.thread.zone)
    for message in found.messages:
        text = message_text(message)
        text = text if context.output.is_for_person else escape_separators(text)
        context.output.show_separator()
        context.output.show_item(view, message, text=text)


def _save_attachments(
    context: AppContext, directory: Path, wanted: dict[str, Attachment], *, replace: bool
) -> None:
    """Save attachments in `directory`, each as the file of its name.

    Those that are saved are shown also at a terminal, where no plan has named them.
    Raises: what `_report_failures` raises.
    """
    saved: list[Saved] = []
    failed: list[GpcliError] = []
    for name, attachment in wanted.items():
        try:
            saved.append(_save_attachment(context, directory / name, attachment, replace=replace))
        except GpcliError as error:
            failed.append(error)
    if not failed or saved:
        count = "1 file" if len(saved) == 1 else f"{len(saved)} files"
        where = f"{count} saved in {directory.absolute()}."
        sentence = where if saved else "Nothing is attached."
        context.output.show_receipts(SAVED, saved, [sentence], whole=True)
    _report_failures(context, failed, has_saved=bool(saved))


def _report_failures(context: AppContext, failed: list[GpcliError], *, has_saved: bool) -> None:
    """Report the errors of attachments that are not saved.

    Raises: Partial if others are saved (`has_saved`), otherwise the first error.
    """
    if not failed:
        return
    first, *others = failed
    for error in failed if has_saved else others:
        context.output.warning(error.message)
    if has_saved:
        raise Partial(f"{len(failed)} attachments are not saved.", hint=first.hint)
    raise first


def _save_attachment(
    context: AppContext, path: Path, attachment: Attachment, *, replace: bool
) -> Saved:
    content = context.portal.mailbox.fetch_content(attachment)
    private_files.save_new_file(path, content, replace=replace)
    return Saved(attachment.id, str(path), attachment.content_type, len(content))
