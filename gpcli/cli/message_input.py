"""Where the words come from: the line, a file, standard input, or an editor at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TextIO

from gpcli.app_context import AppContext
from gpcli.care.message import MessageContext, NewThread, at_most
from gpcli.cli.attachments import read_attachments
from gpcli.cli.message_drafts import DraftText, keep_draft, run_editor
from gpcli.cli.read_text import MAX_BYTES, STDIN, check_text, decode_text, read_message_file
from gpcli.errors import Declined, InputNeeded, InvalidUsage
from gpcli.model.thread import Draft

MAX_SUBJECT = 200
"""Characters of a subject."""

PATIENCE = 30.0
"""Seconds that a pipe gets to bring something, unless `--timeout` says otherwise."""


@dataclass(frozen=True)
class MessageSource:
    """What the line says of a message: its words, the file that has them, what goes along.

    `page` has what the person writes here. Raises Usage when the line gives words twice.
    """

    words: str | None
    file: str | None
    attach: Sequence[str]
    page: DraftText = field(default_factory=DraftText, compare=False)

    def __post_init__(self) -> None:
        if self.words is not None and self.file is not None:
            raise InvalidUsage("--message and --message-file can't be used together.")


def build_source(
    context: AppContext, words: str | None, file: str | None, attach: Sequence[str] | None
) -> MessageSource:
    """The source that the flags name; where it is standard input, nobody else may read that."""
    source = MessageSource(words, file, attach or ())
    if source.file == STDIN:
        context.claim_stdin()
    return source


def build_message_context(context: AppContext) -> MessageContext:
    """Who writes, in this session."""
    return MessageContext(
        context.portal,
        context.ask,
        context.now,
        context.zone,
        rehearses=context.options.dry_run,
    )


def keep_until_sent(context: AppContext, source: MessageSource) -> AbstractContextManager[None]:
    """While the body lasts, what a person writes is not lost, however it ends."""
    return keep_draft(context, source.page, source.file)


def read_new_thread(
    context: AppContext,
    subject: str | None,
    source: MessageSource,
    gate: Callable[[], int | None],
    *,
    words_needed: bool = True,
) -> NewThread:
    """The subject and the message, as given or as the person at the terminal writes them.

    `gate` gives how many characters the surgery takes (`None` = not said), or raises what stands
    in the way; it is called before anybody is made to write. Raises Usage for what no message can
    hold, InputNeeded where nobody can write, Declined for an editor left empty-handed.
    """
    about = None if subject is None else check_subject(subject)
    text = _read_given_text(context, source)
    attachments = read_attachments(source.attach)
    wanted = text is None and words_needed
    if wanted and not context.ask.allowed:
        raise _no_message_error()
    longest = gate() if (about is None or wanted) and context.ask.allowed else None
    if about is None:
        about = check_subject(context.ask.text("Subject", flag="--subject"))
    if wanted:
        text = compose_message(context, source.page, (f"Subject: {about}", at_most(longest)))
    return NewThread(about, Draft(text or "", attachments))


def read_draft(
    context: AppContext, source: MessageSource, about: Callable[[], Sequence[str]]
) -> Draft:
    """A message without a subject; `about` gives what the editor says of it, or raises what
    stands in the way. Raises as `read_new_thread`.
    """
    text = _read_given_text(context, source)
    attachments = read_attachments(source.attach)
    if text is None and not context.ask.allowed:
        raise _no_message_error()
    return Draft(
        compose_message(context, source.page, about()) if text is None else text, attachments
    )


def check_subject(subject: str) -> str:
    """A subject of one line; raises Usage."""
    line = subject.strip()
    if not line:
        raise InvalidUsage("--subject needs a value that is not empty.")
    if not line.isprintable():
        raise InvalidUsage("--subject must be one line of text.")
    if len(line) > MAX_SUBJECT:
        raise InvalidUsage(f"--subject is too long: {MAX_SUBJECT} characters at most.")
    return line


def compose_message(context: AppContext, page: DraftText, about: Iterable[str | None]) -> str:
    """What the person at the terminal writes; raises Declined when that is nothing.

    `about` are lines on what it is for. `page` has what was written, fit or not.
    """
    lines = [line for line in about if line]
    command = context.env.get("VISUAL") or context.env.get("EDITOR")
    if not command:
        for line in ("Neither VISUAL nor EDITOR names an editor: write here.", *lines):
            context.output.notice(line)
        return check_text(_read_stdin(context, page), "The message")
    run_editor(context, command, lines, page)
    context.restart_deadlines()
    if not page.content.strip():
        raise Declined("The message is empty. Nothing was sent.")
    return check_text(decode_text(page.content, "The message"), "The message")


def _no_message_error() -> InputNeeded:
    return InputNeeded(
        "A message is needed, and there is nobody to write it.",
        hint="Give --message-file FILE (- is standard input), or --message TEXT.",
    )


def _read_given_text(context: AppContext, source: MessageSource) -> str | None:
    if source.words is not None:
        return check_text(source.words, "--message")
    if source.file is None:
        return None
    if source.file == STDIN:
        return check_text(_read_stdin(context, source.page), "The message on standard input")
    return check_text(read_message_file(source.file, _pipe_patience(context)), source.file)


def _pipe_patience(context: AppContext) -> float:
    """Seconds to wait for what a pipe holds."""
    return PATIENCE if context.options.timeout is None else context.options.timeout


def _read_stdin(context: AppContext, page: DraftText) -> str:
    typed = context.output.terminal.stdin_tty
    if typed:
        context.output.notice("Write your message, and end with Ctrl-D on a line of its own.")
    stream = context.claim_stdin()
    content = _read_typed(stream, page) if typed else _read_bytes(stream, "read", MAX_BYTES + 1)
    context.restart_deadlines()
    return decode_text(content, "The message on standard input")


def _read_typed(stream: TextIO, page: DraftText) -> bytes:
    """What a person types, each line on `page` as soon as it is there."""
    page.content = b""
    while line := _read_bytes(stream, "readline", MAX_BYTES + 1 - len(page.content)):
        page.content += line
    return page.content


def _read_bytes(stream: TextIO, way: str, most: int) -> bytes:
    """Up to `most` bytes of a stream, read in one of its ways: `read`, or `readline`."""
    content: bytes | str = getattr(getattr(stream, "buffer", stream), way)(most)
    return content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
