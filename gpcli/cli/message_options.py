"""What commands that write to the surgery share: flags, the safety notice, the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

import typer

from gpcli.app_context import AppContext
from gpcli.care.confirmation import Decision, Outcome
from gpcli.care.message import check_can_wait, emergency_notice, find_answer_time
from gpcli.care.portal_protocol import Portal
from gpcli.care.read_status import ReadMarkResult, format_marked_count
from gpcli.care.service_request import ServiceRequest
from gpcli.cli.result_output import REPEATED_NOTICE, build_receipt, end_sentence, format_dry_run
from gpcli.cli.waiting import Waiting, await_answer
from gpcli.model.service import ServiceName
from gpcli.model.thread import Conversation, Message, MessageReceipt, ThreadReceipt
from gpcli.render.views.thread_views import THREAD_RECEIPT, message_receipts_view

Subject = Annotated[
    str | None, typer.Option("--subject", metavar="TEXT", help="What it is about, in one line")
]
MessageText = Annotated[
    str | None,
    typer.Option(
        "--message", metavar="TEXT", help="The message; others on this machine may see it"
    ),
]
MessageFile = Annotated[
    str | None,
    typer.Option(
        "--message-file", metavar="FILE", help="The file with the message; - is standard input"
    ),
]
Attach = Annotated[
    list[str] | None, typer.Option("--attach", metavar="FILE", help="A file to send; repeatable")
]
CanWait = Annotated[
    bool, typer.Option("--can-wait", help="It can wait for an answer; --yes says so too")
]

ON_THIS_MACHINE_ONLY = ", on this machine only: the portal takes no such note"
"""The addition for a mark that the portal does not store."""


def show_safety_notice(
    context: AppContext, *more: str, can_wait: bool, check: Callable[[], object]
) -> None:
    """Show whom to call in an emergency, and `more`, before anything is sent.

    Unless the command line says so, the person is asked whether it can wait; before that, `check`
    raises why nothing can be sent. What `--request-id` names may be sent already: it is not called.

    Raises: Declined if it can't wait.
    """
    numbers = context.profile.emergency
    for text in (emergency_notice(numbers), *more):
        context.output.notice(text, needed=True)
    options = context.options
    if not (can_wait or options.yes or options.dry_run):
        if context.ask.can_ask and not context.options.may_be_repeat:
            check()
        check_can_wait(context.ask, numbers)


def build_request(
    context: AppContext, service: ServiceName, command: str, *, another: bool = False
) -> ServiceRequest:
    """Return the request that this command line makes of a service."""
    return ServiceRequest(
        service=service,
        intent=context.sending.intent(command),
        repeated=context.options.may_be_repeat,
        gp=context.options.gp,
        another=another,
    )


def send_new_thread(
    context: AppContext,
    decision: Decision[Conversation],
    intent: UUID,
    waiting: Waiting | None = None,
) -> None:
    """Send a message that starts a thread, if the person agrees, and show the result.

    With `waiting`, that is once the surgery has answered or time is up.
    Raises: Rejected where the surgery has closed it without an answer; what ended the waiting.
    """
    answer_time = find_answer_time(decision)
    outcome = context.sending.confirm_and_send(decision)
    awaited = await_answer(context, waiting, outcome, _is_unanswered, _fetch_conversation)
    outcome = awaited.outcome
    receipt = ThreadReceipt.of(outcome.record.thread, build_receipt(context, outcome, intent))
    sentence = _format_thread_notice(receipt, outcome.record.messages, answer_time)
    context.output.show_receipt(THREAD_RECEIPT, receipt, sentence)
    if waiting is not None and not outcome.dry_run:
        is_refused = outcome.record.thread.is_closed and not _list_answers(outcome.record.messages)
        refusal = "The surgery has closed it without an answer." if is_refused else None
        awaited.finish(receipt.request_id, refusal)


def _fetch_conversation(portal: Portal, sent: Conversation) -> Conversation:
    return portal.mailbox.fetch_conversation(str(sent.thread.id))


def _is_unanswered(conversation: Conversation) -> bool:
    return not (conversation.thread.is_closed or _list_answers(conversation.messages))


def _list_answers(messages: Sequence[Message]) -> list[Message]:
    """Return the messages that a person at the surgery has sent, as far as the portal tells."""
    standing = (each for each in messages if each.stands)
    return [each for each in standing if each.mine is False and each.sender_type != "Device"]


def show_reply(context: AppContext, outcome: Outcome[Message], intent: UUID) -> None:
    """Show the receipt of a reply."""
    receipt = MessageReceipt.of(outcome.record, build_receipt(context, outcome, intent))
    follow = f"Follow it with gpcli messages show {receipt.thread_id}."
    sentence = _format_unsent(outcome) or f"Sent. {follow}"
    context.output.show_receipt(message_receipts_view(context.zone.key), receipt, sentence)


def show_read_mark_result(
    context: AppContext, outcome: Outcome[ReadMarkResult], intent: UUID
) -> None:
    """Show the messages that are marked as read.

    Raises: for an error that kept others from being marked, OutcomeUnknown if it is that, otherwise
    Partial.
    """
    sent = build_receipt(context, outcome, intent)
    receipts = [MessageReceipt.of(message, sent) for message in outcome.record.messages]
    view = message_receipts_view(context.zone.key, outcome.record.subjects)
    context.output.show_list(view, receipts)
    if error := outcome.record.overall_error:
        raise error
    context.output.notice(_format_read_notice(outcome))


def _format_thread_notice(
    receipt: ThreadReceipt, messages: Sequence[Message], answer_time: str | None
) -> str:
    """Format what has happened to a new thread; `answer_time` is what the surgery says of that.

    A message may be an answer only where the portal tells that a person has sent it.
    """
    if receipt.dry_run:
        return format_dry_run(receipt.plan)
    follow = f"Follow it with gpcli messages show {receipt.id}."
    if receipt.is_closed:
        why = f": {receipt.closed_because}" if receipt.closed_because else ""
        sent = "" if receipt.changed else f"{REPEATED_NOTICE} "
        return f"{sent}{end_sentence(f'The surgery has closed it{why}')} {follow}"
    answer_text = f" It says: {end_sentence(answer_time)}" if answer_time else ""
    others = [each for each in messages if each.stands and not each.mine]
    if any(each.mine is None or each.sender_type == "Device" for each in others):
        return f"{'Sent.' if receipt.changed else REPEATED_NOTICE} {follow}"
    sent = "Sent; the surgery" if receipt.changed else f"{REPEATED_NOTICE} The surgery"
    if others:
        return f"{sent} has answered. {follow}"
    return f"{sent} has not answered yet.{answer_text} {follow}"


def _format_read_notice(outcome: Outcome[ReadMarkResult]) -> str:
    if outcome.dry_run:
        return format_dry_run(outcome.plan)
    count = len(outcome.record.messages)
    where = ON_THIS_MACHINE_ONLY if outcome.here_only else ""
    return f"{format_marked_count(count)}{where}." if count else "Nothing is unread there."


def _format_unsent(outcome: Outcome[Any]) -> str | None:
    """Format why nothing was sent now; `None` = it was sent."""
    if outcome.dry_run:
        return format_dry_run(outcome.plan)
    return None if outcome.changed else REPEATED_NOTICE
