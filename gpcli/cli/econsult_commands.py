"""`econsult`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care import econsult
from gpcli.care.confirmation import Decision
from gpcli.care.joining import TO_JOIN, choose_to_join, fetch_joining
from gpcli.care.message import NOT_IN_PERSON
from gpcli.cli.appointment_commands import Id
from gpcli.cli.booking_commands import Between, From, To, Weekday, build_search
from gpcli.cli.global_options import get_context
from gpcli.cli.meant_visits import act_on_appointment
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
from gpcli.cli.terminal_prompter import (
    Browser,
    NoBrowser,
    check_browser_options,
    is_openable,
    open_shown_link,
)
from gpcli.cli.waiting import Every, WaitForAnswer, Waiting, parse_waiting, show_answer
from gpcli.errors import BadResponse, InputNeeded, InvalidUsage
from gpcli.model.appointment import Appointment
from gpcli.model.service import Channel, Offers, Service, ServiceName
from gpcli.render.views.appointment_views import APPOINTMENTS, RECEIPT
from gpcli.render.views.channel_views import channel_label
from gpcli.render.views.joining_views import describe_joining
from gpcli.render.views.thread_views import THREAD_RECEIPT

Via = Annotated[
    str | None, typer.Option("--via", metavar="WAY", help="text, phone (or audio), video")
]
Another = Annotated[
    bool, typer.Option("--another", help="Even if one is under way, or begun with this subject")
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
    wait: WaitForAnswer = None,
    every: Every = None,
) -> None:
    """Start an e-consultation with your GP."""
    context = get_context(ctx)
    waiting = parse_waiting(context, wait, every)
    channel = None if via is None else econsult.parse_channel(via)
    if _answer_field_query(context, channel):
        return
    source = build_source(context, message, message_file, attach)
    if channel is None and not context.ask.can_ask:
        known = ", ".join(econsult.CHANNEL_LABELS)
        raise InputNeeded("--via is needed: in which way?", hint=f"One of {known}.")
    offered = _OfferedConsultations(context)
    show_safety_notice(
        context, NOT_IN_PERSON, can_wait=can_wait, check=lambda: offered.check(channel)
    )
    channel = channel or _ask_for_channel(context, offered)
    # where the channel was chosen only now, the fields must be those of its receipt
    if channel != econsult.TEXT and _answer_field_query(context, channel):
        return
    asked = (subject, source, (first, last, between, weekday), offered)
    with store_draft_unless_sent(context, source):
        if channel == econsult.TEXT:
            _start_in_writing(context, *asked, waiting, another=another)
        else:
            _start_at_a_time(context, channel, *asked, waiting, another=another)


def join(
    ctx: typer.Context,
    appointment: Id = None,
    no_browser: NoBrowser = False,
    browser: Browser = None,
) -> None:
    """Join a video consultation, or see what is told of one by phone."""
    context = get_context(ctx)
    check_browser_options(browser, no_browser=no_browser)
    now = context.now()
    joining = act_on_appointment(
        context,
        appointment,
        lambda appointment_id: fetch_joining(context.portal, appointment_id, now),
        choose=choose_to_join,
        prompt=TO_JOIN,
    )
    link = joining.link
    if link is not None and not is_openable(link, context.profile.environment):
        which = joining.appointment.id
        raise BadResponse(f"The portal's link to {which} is not one to open: {link}")
    context.output.show_item(APPOINTMENTS, joining.appointment)
    words = describe_joining(joining, context.output.time_format)
    if link is not None and (browser is not None or words is None):
        by_hand = "Open the link to join."
        open_shown_link(context, link, browser, no_browser=no_browser, by_hand=by_hand)
    elif words is not None:
        context.output.notice(words, needed=True)


def withdraw(ctx: typer.Context, appointment: Id = None) -> None:
    """Withdraw an e-consultation by phone or video."""
    context = get_context(ctx)
    if context.output.answer_field_query(RECEIPT):
        return
    intent = context.sending.intent("econsult withdraw")

    def propose(appointment_id: str) -> Decision[Appointment]:
        return econsult.propose_econsult_withdrawal(
            context.portal, appointment_id, intent, context.now
        )

    decision = act_on_appointment(
        context,
        appointment,
        propose,
        choose=econsult.choose_to_withdraw,
        prompt=econsult.TO_WITHDRAW,
    )
    show_appointment(context, context.sending.confirm_and_send(decision), intent, decision)


def _answer_field_query(context: AppContext, channel: Channel | None) -> bool:
    """Check the chosen fields of the receipt, as `Output.answer_field_query`."""
    if channel in {None, econsult.TEXT}:
        return context.output.answer_field_query(THREAD_RECEIPT)
    return context.output.answer_field_query(RECEIPT)


class _OfferedConsultations:
    """The e-consultations that the GPs offer, for what is asked; fetched once, on first use.

    Each method raises why none can be started.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context

    def check(self, channel: Channel | None) -> None:
        """Raise why none can be started by `channel`; `None` = by any."""
        if channel is None:
            self.group_by_channel()
        else:
            self.find_text_limit(channel)

    def group_by_channel(self) -> Mapping[Channel, tuple[Service, ...]]:
        """Return those that can be started, by the channels that the GPs take."""
        context = self._context
        return econsult.group_by_channel(self._offers, context.options.gp, context.now())

    def find_text_limit(self, channel: Channel) -> int | None:
        """Return the most characters of a text by `channel`; `None` = not known."""
        context = self._context
        return econsult.find_text_limit(self._offers, context.options.gp, channel, context.now())

    @cached_property
    def _offers(self) -> Offers:
        return self._context.portal.fetch_offers()


def _ask_for_channel(context: AppContext, offered: _OfferedConsultations) -> Channel:
    phrasing = context.output.phrasing
    choices = [
        (channel, channel_label(econsult.CHANNEL_MEANINGS[channel], services, phrasing))
        for channel, services in offered.group_by_channel().items()
    ]
    return econsult.parse_channel(context.ask.choose("In which way?", choices, flag="--via"))


def _start_in_writing(
    context: AppContext,
    subject: str | None,
    source: MessageSource,
    times: Times,
    offered: _OfferedConsultations,
    waiting: Waiting | None,
    *,
    another: bool,
) -> None:
    if any(times):
        raise InvalidUsage("--from, --to, --between and --weekday are for --via phone and video.")
    written = read_new_thread(
        context, subject, source, lambda: offered.find_text_limit(econsult.TEXT)
    )
    service = ServiceName.E_CONSULTATION
    request = build_request(context, service, "econsult start", another=another)
    decision = econsult.propose_written_consultation(
        build_message_context(context), written, request
    )
    send_new_thread(context, decision, request.intent, waiting)


def _start_at_a_time(
    context: AppContext,
    channel: Channel,
    subject: str | None,
    source: MessageSource,
    times: Times,
    offered: _OfferedConsultations,
    waiting: Waiting | None,
    *,
    another: bool,
) -> None:
    if source.attach:
        raise InvalidUsage(
            "--attach is for --via text.", hint="Say in the message what you could show."
        )
    search = build_search(context, *times)
    written = read_new_thread(
        context, subject, source, lambda: offered.find_text_limit(channel), text_needed=False
    )
    service = ServiceName.E_CONSULTATION
    request = build_request(context, service, "econsult start", another=another)
    decision = econsult.propose_timed_consultation(
        build_message_context(context), written, request, channel, search
    )
    show_answer(context, context.sending.confirm_and_send(decision), request.intent, waiting)
