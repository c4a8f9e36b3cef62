"""`econsult`: consulting the GP in writing, by phone or by video."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.app_context import Session
from gpcli.care import econsult
from gpcli.care import econsult as joining
from gpcli.care.slots import Search, wanted
from gpcli.cli.appointment_commands import Id
from gpcli.cli.booking_commands import Between, From, To, Weekday
from gpcli.cli.global_options import session_of
from gpcli.cli.message_input import Source, correspondent, kept_unless_sent, letter, source_of
from gpcli.cli.message_options import (
    Attach,
    CanWait,
    Subject,
    Words,
    WordsFile,
    request_for,
    say_safety,
    start_thread,
)
from gpcli.cli.receipt_output import show_appointment
from gpcli.cli.terminal_prompter import TerminalScreen, may_open
from gpcli.errors import BadResponse, InputNeeded, Usage
from gpcli.model.service import ServiceName
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
    message_file: WordsFile = None,
    message: Words = None,
    attach: Attach = None,
    can_wait: CanWait = False,
    another: Another = False,
    first: From = None,
    last: To = None,
    between: Between = None,
    weekday: Weekday = None,
) -> None:
    """Start an e-consultation with your GP."""
    session = session_of(ctx)
    way = None if via is None else econsult.way_called(via)
    in_writing = way in {None, econsult.TEXT}
    output = session.output
    if output.names_only(THREAD_RECEIPT) if in_writing else output.names_only(RECEIPT):
        return
    source = source_of(session, message, message_file, attach)
    if way is None and not session.ask.allowed:
        raise InputNeeded(
            "--via is needed: in which way?", hint=f"One of {', '.join(econsult.WAYS)}."
        )
    say_safety(session, can_wait=can_wait)
    way = way or _asked_way(session)
    # The fields may not fit what was chosen only now.
    if way != econsult.TEXT and output.names_only(RECEIPT):
        return
    times = (first, last, between, weekday)
    with kept_unless_sent(session, source):
        if way == econsult.TEXT:
            _write(session, subject, source, times, another=another)
        else:
            _ask_for_a_time(session, subject, source, times, way, another=another)


def join(
    ctx: typer.Context,
    appointment: Id = None,
    no_browser: NoBrowser = False,
    browser: Browser = None,
) -> None:
    """Join a video consultation that the surgery has confirmed."""
    session = session_of(ctx)
    if no_browser and browser is not None:
        raise Usage("--browser and --no-browser can't be used together.")
    now = session.now()
    identity = joining.pick_to_join(
        session.portal, appointment, now, session.ask, lambda one: appointment_label(one, now)
    )
    there, link = joining.to_join(session.portal, identity)
    if not may_open(link, session.profile.environment):
        raise BadResponse(f"The portal's link to {there.id} is not one to open: {link}")
    session.output.show_item(APPOINTMENTS, there)
    by_itself = session.ask.allowed and session.output.tables
    if browser is not None or (by_itself and not no_browser):
        _open(session, link, browser)


def withdraw(ctx: typer.Context, appointment: Id = None) -> None:
    """Withdraw an e-consultation by phone or video."""
    session = session_of(ctx)
    if session.output.names_only(RECEIPT):
        return
    now = session.now()
    identity = joining.pick_to_withdraw(
        session.portal, appointment, now, session.ask, lambda one: appointment_label(one, now)
    )
    intent = session.intent("econsult withdraw")
    step = joining.propose_withdrawal(session.portal, identity, intent, session.now)
    show_appointment(session, session.carry_out(step), intent)


def _open(session: Session, link: str, browser: str | None) -> None:
    """Open the link, and say no more than is known: a command may still fail to show it."""
    screen = TerminalScreen(session, browser=browser, automatic=True)
    opened = screen.open_page(link)
    if browser is None:
        session.output.notice("Opened in your browser." if opened else "Open the link to join.")
    elif opened:
        session.output.notice(f"The link was given to '{browser}'.")
    else:
        session.output.warning(f"'{browser}' failed. Open the link to join.")


def _asked_way(session: Session) -> str:
    ways = econsult.ways(session.portal.offers(), session.options.gp, session.now())
    choices = [(way, econsult.WAYS[way]) for way in ways]
    return session.ask.choose("In which way?", choices, flag="--via")


def _write(
    session: Session, subject: str | None, source: Source, times: Times, *, another: bool
) -> None:
    if any(times):
        raise Usage("--from, --to, --between and --weekday are for --via phone and video.")
    written = letter(session, subject, source, lambda: _gate(session, econsult.TEXT))
    service = ServiceName.E_CONSULTATION
    request = request_for(session, service, "econsult start", another=another)
    step = econsult.in_writing(correspondent(session), written, request)
    start_thread(session, step, request.intent)


def _ask_for_a_time(
    session: Session,
    subject: str | None,
    source: Source,
    times: Times,
    way: str,
    *,
    another: bool,
) -> None:
    if source.attach:
        raise Usage("--attach is for --via text.", hint="Say in the message what you could show.")
    search = _search(session, times)
    written = letter(session, subject, source, lambda: _gate(session, way), words_needed=False)
    service = ServiceName.E_CONSULTATION
    request = request_for(session, service, "econsult start", another=another)
    step = econsult.at_a_time(correspondent(session), written, request, way, search)
    show_appointment(session, session.carry_out(step), request.intent)


def _gate(session: Session, way: str) -> int | None:
    return econsult.check_way(session.portal.offers(), session.options.gp, way, session.now())


def _search(session: Session, times: Times) -> Search:
    first, last, between, weekdays = times
    now = session.now()
    wish = wanted(
        now, session.zone, first=first, last=last, between=between, weekdays=weekdays or ()
    )
    return Search(wish, session.zone, now)
