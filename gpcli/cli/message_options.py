"""What commands that write to the surgery share: the flags, the safety text, the true words."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from gpcli.app_context import Session
from gpcli.care.confirmation import Outcome, Step
from gpcli.care.inbox import Marked
from gpcli.care.message import answer_time, check_can_wait, emergency_words
from gpcli.care.service_request import Request
from gpcli.cli.receipt_output import BEFORE, REHEARSED, sending
from gpcli.errors import OutcomeUnknown, Partial
from gpcli.model.service import ServiceName
from gpcli.model.thread import Conversation, Message, MessageReceipt, ThreadReceipt
from gpcli.render.views.thread_views import THREAD_RECEIPT, message_receipts

Subject = Annotated[
    str | None, typer.Option("--subject", metavar="TEXT", help="What it is about, in one line")
]
Words = Annotated[
    str | None,
    typer.Option(
        "--message", metavar="TEXT", help="The message; others on this machine may see it"
    ),
]
WordsFile = Annotated[
    str | None,
    typer.Option(
        "--message-file", metavar="FILE", help="The file with the message; - is standard input"
    ),
]
Attach = Annotated[
    list[str] | None, typer.Option("--attach", metavar="FILE", help="A file to send; repeatable")
]


HERE_ONLY = ", on this machine only: the portal takes no such note"
"""What is true of a mark that the portal did not take."""

CanWait = Annotated[
    bool, typer.Option("--can-wait", help="It can wait for an answer; --yes says so too")
]


def say_safety(session: Session, *more: str, can_wait: bool) -> None:
    """Say, before anything is sent, where emergencies belong, and what `more` there is.

    Asks the person whether it can wait, unless the line says so; raises Declined.
    """
    numbers = session.profile.emergency
    for words in (emergency_words(numbers), *more):
        session.output.notice(words)
    if not (can_wait or session.options.yes or session.options.dry_run):
        check_can_wait(session.ask, numbers)


def request_for(
    session: Session, service: ServiceName, command: str, *, another: bool = False
) -> Request:
    """What this command line asks of the service."""
    return Request(
        service=service,
        intent=session.intent(command),
        repeated=session.options.request_id is not None,
        gp=session.options.gp,
        another=another,
    )


def start_thread(session: Session, step: Step[Conversation], intent: UUID) -> None:
    """Send what starts a thread, if the person agrees, and say how it stands."""
    answer = answer_time(step)
    outcome = session.carry_out(step)
    receipt = ThreadReceipt.of(outcome.record.thread, sending(session, outcome, intent))
    session.output.show_item(THREAD_RECEIPT, receipt)
    session.output.notice(_thread_words(receipt, answer))


def show_reply(session: Session, outcome: Outcome[Message], intent: UUID) -> None:
    """The reply, and how it stands."""
    receipt = MessageReceipt.of(outcome.record, sending(session, outcome, intent))
    session.output.show_item(message_receipts(session.zone.key), receipt)
    follow = f"Follow it with gpcli messages show {receipt.thread_id}."
    session.output.notice(_unless_sent(outcome) or f"Sent. {follow}")


def show_marked(session: Session, outcome: Outcome[Marked], intent: UUID) -> None:
    """The messages that are read now; raises Partial when some are not, OutcomeUnknown included."""
    how = sending(session, outcome, intent)
    receipts = [MessageReceipt.of(each, how) for each in outcome.record.messages]
    session.output.show_list(message_receipts(session.zone.key), receipts)
    trouble = outcome.record.trouble
    if trouble is None:
        session.output.notice(_marked_words(outcome))
    if isinstance(trouble, OutcomeUnknown):
        raise trouble
    if trouble:
        raise Partial(
            f"Only {_are_marked(len(receipts))}: {trouble.message}",
            hint="Run it again for the rest.",
        )


def _thread_words(receipt: ThreadReceipt, answer: str | None) -> str:
    """What is true now: it is sent; when it is answered, only the surgery can say."""
    if receipt.dry_run:
        return REHEARSED
    follow = f"Follow it with gpcli messages show {receipt.id}."
    if receipt.closed:
        why = f": {receipt.closed_because}" if receipt.closed_because else ""
        sent = "" if receipt.changed else f"{BEFORE} "
        return f"{sent}{sentence(f'The surgery has closed it{why}')} {follow}"
    sent = "Sent; the surgery" if receipt.changed else f"{BEFORE} The surgery"
    said = f" It says: {sentence(answer)}" if answer else ""
    return (
        f"{sent} has not answered yet.{said} {follow}"
        if receipt.message_count < 2
        else (f"{sent} has answered. {follow}")
    )


def _marked_words(outcome: Outcome[Marked]) -> str:
    if outcome.dry_run:
        return REHEARSED
    count = len(outcome.record.messages)
    where = HERE_ONLY if outcome.here_only else ""
    return f"{_are_marked(count)}{where}." if count else "Nothing is unread there."


def _are_marked(count: int) -> str:
    return "1 message is marked as read" if count == 1 else f"{count} messages are marked as read"


def sentence(words: str) -> str:
    """Other people's words, with an end that keeps them off what follows."""
    ended = words.rstrip()
    return ended if ended.endswith((".", "!", "?", "…")) else f"{ended}."


def _unless_sent(outcome: Outcome[Any]) -> str | None:
    if outcome.dry_run:
        return REHEARSED
    return None if outcome.changed else BEFORE
