"""`econsult`."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care import econsult
from gpcli.cli.appointment_commands import Id
from gpcli.cli.booking_commands import Between, From, To, Weekday, build_search
from gpcli.cli.global_options import get_context
from gpcli.cli.message_input import (
    MessageSource,
    build_message_context,
    build_source,
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
    show_safety_notice,
)
from gpcli.cli.result_output import show_appointment
from gpcli.cli.terminal_prompter import TerminalPrompter, is_openable
from gpcli.errors import BadResponse, InputNeeded, InvalidUsage
from gpcli.model.service import Channel, ServiceName
from gpcli.render.views.appointment_views import APPOINTMENTS, RECEIPT, appointment_label
from gpcli.render.views.thread_views import THREAD_RECEIPT

Via = Annotated[
    str | None, typer.Option("--via", metavar="WAY", help="text, phone (or audio), video")
]
Another = Annotated[
    bool, typer.Option("--another", help="Even if one is under way, or begun with this subject")
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only print the link")]
Browser = Annotated[
    str | None, typer.Option("--browser", metavar="CMD", help="The command that opens the link")
]

Times = tuple[str | None, str | None, str | None, list[str] | None]
"""`--from`, `--to`, `--between`, `--weekday`."""


def start(
    ctx: typer.Context,
    via: Via = None,
    subject: Subject = None,
    message_file: MessageFile = None,
    message: MessageText = None,
    attach: Attach = None,
    can_wait: CanWait = False,
    another: Another = False,
    first: From = None,
    last: To = None,
    between: Between = None,
    weekday: Weekday = None,
) -> None:
    """Start an e-consultation with your GP."""
    context = get_context(ctx)
    channel = None if via is None else econsult.parse_channel(via)
    in_writing = channel in {None, econsult.TEXT}
    output = context.output
    if in_writing and output.answer_field_query(THREAD_RECEIPT):
        return
    if not in_writing and output.answer_field_query(RECEIPT):
        return
    source = build_source(context, message, message_file, attach)
    if channel is None and not context.ask.can_ask:
        raise InputNeeded(
            "--via is needed: in which way?", hint=f"One of {', '.join(econsult.CHANNEL_LABELS)}."
        )
    show_safety_notice(context, can_wait=can_wait)
    channel = channel or _ask_for_channel(context)
    # where the channel was chosen only now, the fields must be those of its receipt
    if channel != econsult.TEXT and output.answer_field_query(RECEIPT):
        return
    times = (first, last, between, weekday)
    with store_draft_unless_sent(context, source):
        if channel == econsult.TEXT:
            _start_in_writing(context, subject, source, times, another=another)
        else:
            _start_at_a_time(context, subject, source, times, channel, another=another)


def join(
    ctx: typer.Context,
    appointment: Id = None,
    no_browser: NoBrowser = False,
    browser: Browser = None,
) -> None:
    """Join a video consultation that the surgery has confirmed."""
    context = get_context(ctx)
    if no_browser and browser is not None:
        raise InvalidUsage("--browser and --no-browser can't be used together.")
    time_format = context.output.time_format
    appointment_id = econsult.choose_to_join(
        context.portal,
        appointment,
        context.now(),
        context.ask,
        lambda candidate: appointment_label(candidate, time_format),
    )
    consultation, link = econsult.fetch_join_link(context.portal, appointment_id)
    if not is_openable(link, context.profile.environment):
        raise BadResponse(f"The portal's link to {consultation.id} is not one to open: {link}")
    context.output.show_item(APPOINTMENTS, consultation)
    opens_itself = context.ask.can_ask and context.output.is_for_person and not no_browser
    if browser is not None or opens_itself:
        _open_link(context, link, browser)


def withdraw(ctx: typer.Context, appointment: Id = None) -> None:
    """Withdraw an e-consultation by phone or video."""
    context = get_context(ctx)
    if context.output.answer_field_query(RECEIPT):
        return
    time_format = context.output.time_format
    appointment_id = econsult.choose_to_withdraw(
        context.portal,
        appointment,
        context.now(),
        context.ask,
        lambda candidate: appointment_label(candidate, time_format),
    )
    intent = context.intent("econsult withdraw")
    decision = econsult.propose_econsult_withdrawal(
        context.portal, appointment_id, intent, context.now
    )
    show_appointment(context, context.confirm_and_send(decision), intent)


def _open_link(context: AppContext, link: str, browser: str | None) -> None:
    """Open the link, and report only what is known: a command may still fail to show it."""
    prompter = TerminalPrompter(context, browser=browser, automatic=True)
    opened = prompter.open_page(link)
    if browser is None:
        context.output.notice("Opened in your browser." if opened else "Open the link to join.")
    elif opened:
        context.output.notice(f"The link was given to '{browser}'.")
    else:
        context.output.warning(f"'{browser}' failed. Open the link to join.")


def _ask_for_channel(context: AppContext) -> Channel:
    channels = econsult.find_channels(
        context.portal.fetch_offers(), context.options.gp, context.now()
    )
    choices = [(channel, econsult.CHANNEL_LABELS[channel]) for channel in channels]
    return econsult.parse_channel(context.ask.choose("In which way?", choices, flag="--via"))


def _start_in_writing(
    context: AppContext, subject: str | None, source: MessageSource, times: Times, *, another: bool
) -> None:
    if any(times):
        raise InvalidUsage("--from, --to, --between and --weekday are for --via phone and video.")
    written = read_new_thread(
        context, subject, source, lambda: _fetch_text_limit(context, econsult.TEXT)
    )
    service = ServiceName.E_CONSULTATION
    request = build_request(context, service, "econsult start", another=another)
    decision = econsult.propose_written_consultation(
        build_message_context(context), written, request
    )
    send_new_thread(context, decision, request.intent)


def _start_at_a_time(
    context: AppContext,
    subject: str | None,
    source: MessageSource,
    times: Times,
    channel: Channel,
    *,
    another: bool,
) -> None:
    if source.attach:
        raise InvalidUsage(
            "--attach is for --via text.", hint="Say in the message what you could show."
        )
    search = build_search(context, *times)
    written = read_new_thread(
        context, subject, source, lambda: _fetch_text_limit(context, channel), text_needed=False
    )
    service = ServiceName.E_CONSULTATION
    request = build_request(context, service, "econsult start", another=another)
    decision = econsult.propose_timed_consultation(
        build_message_context(context), written, request, channel, search
    )
    show_appointment(context, context.confirm_and_send(decision), request.intent)


def _fetch_text_limit(context: AppContext, channel: Channel) -> int | None:
    """Fetch the most characters of a text (`None` = not known), or raise why none can be sent."""
    return econsult.find_text_limit(
        context.portal.fetch_offers(), context.options.gp, channel, context.now()
    )
