"""The text of a message: from the line, a file, standard input, or an editor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TextIO

from gpcli.app_context import AppContext
from gpcli.care.message import MessageContext, NewThread, describe_text_limit
from gpcli.care.written_text import MAX_BYTES, parse_message_text, parse_subject
from gpcli.cli.attachments import read_attachments
from gpcli.cli.message_drafts import DraftText, run_editor, store_unless_sent
from gpcli.cli.read_text import STDIN, decode_text, read_bytes, read_message_file
from gpcli.errors import Declined, InputNeeded, InvalidUsage
from gpcli.model.thread import Draft

PATIENCE = 30.0
"""Seconds to wait for data of a pipe, unless `--timeout` says otherwise."""


@dataclass(frozen=True)
class MessageSource:
    """The source of a message: its text, or the file that has it, and the files to attach.

    `draft` is what the person writes in the editor or here.

    Raises: InvalidUsage if both a text and a file are given.
    """

    message: str | None
    file: str | None
    attach: Sequence[str]
    draft: DraftText = field(default_factory=DraftText, compare=False)

    def __post_init__(self) -> None:
        if self.message is not None and self.file is not None:
            raise InvalidUsage("--message and --message-file can't be used together.")


def build_source(
    context: AppContext, message: str | None, file: str | None, attach: Sequence[str] | None
) -> MessageSource:
    """Return the source that the flags name; standard input is claimed where it is that."""
    source = MessageSource(message, file, attach or ())
    if source.file == STDIN:
        context.claim_stdin()
    return source


def build_message_context(context: AppContext) -> MessageContext:
    """Return what writing a message needs of the context."""
    return MessageContext(
        context.portal,
        context.ask,
        context.now,
        context.zone,
        tells_all=context.options.dry_run or context.options.confirm is not None,
    )


def store_draft_unless_sent(
    context: AppContext, source: MessageSource
) -> AbstractContextManager[None]:
    """Store the draft of `source` if the body ends without having sent it."""
    return store_unless_sent(context, source.draft, source.file)


def read_new_thread(
    context: AppContext,
    subject: str | None,
    source: MessageSource,
    fetch_text_limit: Callable[[], int | None],
    *,
    text_needed: bool = True,
) -> NewThread:
    """Read the subject and the message of a new thread, or have the person write them.

    `fetch_text_limit` returns the most characters that the surgery accepts (`None` = not known), or
    raises why nothing can be sent; it is called before the person is asked to write. With
    `text_needed` false the message may be empty.

    Raises: InvalidUsage for text that no message can have, InputNeeded where nobody can write,
    Declined for an empty message from the editor.
    """
    parsed_subject = None if subject is None else parse_subject(subject)
    text = _read_given_text(context, source)
    attachments = read_attachments(source.attach)
    must_write = text is None and text_needed
    if must_write and not context.ask.can_ask:
        raise _no_message_error()
    must_ask = parsed_subject is None or must_write
    limit = fetch_text_limit() if must_ask and context.ask.can_ask else None
    if parsed_subject is None:
        parsed_subject = parse_subject(context.ask.ask_text("Subject", flag="--subject"))
    if must_write:
        comments = (f"Subject: {parsed_subject}", describe_text_limit(limit))
        text = compose_message(context, source.draft, comments)
    return NewThread(parsed_subject, Draft(text or "", attachments))


def read_draft(
    context: AppContext,
    source: MessageSource,
    about: Callable[[], Sequence[str]],
    quote: Callable[[], Sequence[str]] = tuple,
) -> Draft:
    """Read a message without a subject, or have the person write it.

    `about` returns the comments for the editor, or raises why nothing can be sent. `quote` returns
    the lines of what is answered, for the editor too.

    Raises: as `read_new_thread`.
    """
    text = _read_given_text(context, source)
    attachments = read_attachments(source.attach)
    if text is None and not context.ask.can_ask:
        raise _no_message_error()
    if text is None:
        text = compose_message(context, source.draft, about(), quote)
    return Draft(text, attachments)


def compose_message(
    context: AppContext,
    draft: DraftText,
    about: Iterable[str | None],
    quote: Callable[[], Sequence[str]] = tuple,
) -> str:
    """Have the person write a message, in an editor or on standard input.

    `about` are comments on what it is for, `quote` returns lines to show below them. The text is in
    `draft` too, even if it is not valid.

    Raises: Declined for an empty text from the editor, InvalidUsage for one that is not valid.
    """
    lines = [line for line in about if line]
    command = context.env.get("VISUAL") or context.env.get("EDITOR")
    if not command:
        for line in ("Neither VISUAL nor EDITOR names an editor: write here.", *lines):
            context.output.notice(line, needed=True)
        return parse_message_text(_read_stdin(context, draft), "The message")
    run_editor(context, command, lines, draft, quote())
    context.restart_deadlines()
    if not draft.content.strip():
        raise Declined("The message is empty. Nothing was sent.")
    return parse_message_text(decode_text(draft.content, "The message"), "The message")


def _no_message_error() -> InputNeeded:
    return InputNeeded(
        "A message is needed, and there is nobody to write it.",
        hint="Give --message-file FILE (- is standard input), or --message TEXT.",
    )


def _read_given_text(context: AppContext, source: MessageSource) -> str | None:
    """Read the text that the line gives or names; `None` = it does neither."""
    if source.message is not None:
        return parse_message_text(source.message, "--message")
    if source.file is None:
        return None
    if source.file == STDIN:
        return parse_message_text(
            _read_stdin(context, source.draft), "The message on standard input"
        )
    timeout = context.options.timeout
    patience = PATIENCE if timeout is None else timeout
    return parse_message_text(read_message_file(source.file, patience), source.file)


def _read_stdin(context: AppContext, draft: DraftText) -> str:
    is_typed = context.output.terminal.stdin_tty
    if is_typed:
        context.output.notice(
            "Write your message, and end with Ctrl-D on a line of its own.", needed=True
        )
    stream = context.claim_stdin()
    if is_typed:
        _read_typed(stream, draft)
    else:
        draft.content, draft.is_piped = read_bytes(stream, "read", MAX_BYTES + 1), True
    context.restart_deadlines()
    return decode_text(draft.content, "The message on standard input")


def _read_typed(stream: TextIO, draft: DraftText) -> None:
    """Read what a person types, adding each line to `draft` as it comes."""
    draft.content = b""
    while line := read_bytes(stream, "readline", MAX_BYTES + 1 - len(draft.content)):
        draft.content += line
