"""`slots`, `book`, `flu`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated
from uuid import UUID

import typer

from gpcli.app_context import AppContext
from gpcli.care import booking
from gpcli.care.confirmation import Decision, Outcome
from gpcli.care.move import TO_MOVE, Move, choose_to_move, propose_move
from gpcli.care.portal_protocol import Portal
from gpcli.care.service_request import BookingChoice, BookingContext, ServiceRequest
from gpcli.care.slots import SlotSearch, fetch_slots, parse_slot_filters
from gpcli.cli.global_options import get_context
from gpcli.cli.listed_records import collect_first, keep_listed
from gpcli.cli.meant_visits import act_on_appointment, act_on_slot
from gpcli.cli.result_output import (
    REPEATED_NOTICE,
    build_receipt,
    format_dry_run,
    format_late_fee,
    require_complete,
    show_appointment,
)
from gpcli.cli.value_parsers import whole_number
from gpcli.cli.waiting import (
    Every,
    WaitForAnswer,
    WaitForTimes,
    Waiting,
    parse_waiting,
    show_answer,
    wait_for,
)
from gpcli.config import index_format
from gpcli.errors import InvalidUsage, NoSlot
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.day_names import format_day
from gpcli.model.receipt import MoveReceipt
from gpcli.model.service import ServiceName
from gpcli.render.times import TimeFormat
from gpcli.render.views.appointment_views import (
    FLU,
    MOVE_RECEIPT,
    RECEIPT,
    SLOTS,
    appointment_label,
    format_appointment_time,
    slot_label,
)

SLOT_HELP = "A free time's id, or the beginning of one"

SHOWN_SLOTS = 20
"""Free times that `slots` shows on a terminal unless `--all` or `--limit` says otherwise."""

From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="DAY", help="First day: 2026-12-01, 1.12, monday, next-week, +7d"
    ),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Last day, inclusive; 28 days by default")
]
Between = Annotated[
    str | None,
    typer.Option(
        "--between",
        metavar="HOURS",
        help="8-10, 08:30-10:00, after-14; morning is 6-12, afternoon 12-17, evening 17-24",
    ),
]
Weekday = Annotated[
    list[str] | None,
    typer.Option("--weekday", metavar="DAYS", help="mon,wed, mon-fri, weekdays; repeatable"),
]
With = Annotated[
    str | None, typer.Option("--with", metavar="NAME", help="Part of the doctor's or nurse's name")
]
Via = Annotated[
    str | None, typer.Option("--via", metavar="WAY", help="in-person, phone (or audio), video")
]
Notice = Annotated[
    str, typer.Option("--notice", metavar="TIME", help="--first takes nothing that starts sooner")
]
Limit = Annotated[
    int | None,
    typer.Option(
        "-n",
        "--limit",
        parser=whole_number(1),
        metavar="N",
        help="At most so many times",
    ),
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="What it is about, for the surgery")
]
First = Annotated[bool, typer.Option("--first", help="Take the first time that fits")]
Another = Annotated[bool, typer.Option("--another", help="Even with a coming booking for the same")]
Replace = Annotated[
    str | None,
    typer.Option(
        "--replace", metavar="ID", help="Cancel this appointment (as for move) once it is booked"
    ),
]


SearchOptions = tuple[str | None, str | None, str | None, list[str] | None, str | None, str | None]
"""`--from`, `--to`, `--between`, `--weekday`, `--with`, `--via`."""

FLU_SLOTS = 10
"""Free times that bare `flu` shows unless `--limit` says otherwise."""


def slots(
    ctx: typer.Context,
    first: From = None,
    last: To = None,
    between: Between = None,
    weekday: Weekday = None,
    practitioner: With = None,
    via: Via = None,
    limit: Limit = None,
    everything: Annotated[
        bool, typer.Option("--all", help=f"On a terminal, also those after the first {SHOWN_SLOTS}")
    ] = False,
    wait: WaitForTimes = None,
    every: Every = None,
) -> None:
    """List free times."""
    context = get_context(ctx)
    waiting = parse_waiting(context, wait, every)
    options = (first, last, between, weekday, practitioner, via)
    search = build_search(context, *options)
    free = fetch_slots(
        context.portal, ServiceName.BOOKING, search, gp=context.options.gp, limit=limit
    )
    if waiting is not None:
        free, search = _await_slots(context, waiting, free, search, options, limit)
    most = None if everything or limit else SHOWN_SLOTS
    seen: list[Slot] = []
    shown, more = context.output.show_beginning(SLOTS, collect_first(free, seen), most)
    keep_listed(context, index_format.SLOTS, seen[:shown])
    if search.started and not shown:
        if waiting is not None and context.output.fields != ():
            raise NoSlot(search.explain_none(complete=not context.portal.flaws))
        _explain_none(context, search)
    if more:
        last = format_day(more[-1].start.astimezone(context.zone), context.now())
        rest = context.output.phrasing.word_more(len(more))
        rest = f"{rest} until {last}: --all, --weekday, --between"
        context.output.notice(rest, needed=True)
    require_complete(context)


def _await_slots(
    context: AppContext,
    waiting: Waiting,
    free: Iterator[Slot],
    search: SlotSearch,
    options: SearchOptions,
    limit: int | None,
) -> tuple[Iterator[Slot], SlotSearch]:
    """Wait for free times that fit; return them, and the search that has found them."""
    if found := list(free):
        return iter(found), search

    def ask(portal: Portal) -> tuple[list[Slot], SlotSearch] | None:
        search = build_search(context, *options)
        gp, service = context.options.gp, ServiceName.BOOKING
        slots = list(fetch_slots(portal, service, search, gp=gp, limit=limit))
        return (slots, search) if slots else None

    slots, search = wait_for(context, waiting, ask) or ([], search)
    return iter(slots), search


def book(
    ctx: typer.Context,
    slot: Annotated[str | None, typer.Argument(metavar="[SLOT]", help=SLOT_HELP)] = None,
    take_first: First = False,
    enquiry: Annotated[
        bool, typer.Option("--enquiry", help="Ask the surgery for a time within the filters")
    ] = False,
    reason: Reason = None,
    another: Another = False,
    replaces: Replace = None,
    first: From = None,
    last: To = None,
    between: Between = None,
    weekday: Weekday = None,
    practitioner: With = None,
    via: Via = None,
    notice: Notice = "2h",
    wait: WaitForAnswer = None,
    every: Every = None,
) -> None:
    """Book a time, or ask the surgery for one."""
    context = get_context(ctx)
    output = context.output
    moves = replaces is not None
    if output.answer_field_query(MOVE_RECEIPT) if moves else output.answer_field_query(RECEIPT):
        return
    soonest = notice if take_first else None
    waiting = parse_waiting(context, wait, every)
    search = build_search(context, first, last, between, weekday, practitioner, via, soonest)
    name = "move" if moves else "book"  # with one request id each way finishes the other
    request = _build_request(context, ServiceName.BOOKING, name, reason, another)
    asks_reason = not (context.options.yes or context.options.dry_run)
    choice = BookingChoice(slot, take_first, enquiry, asks_reason)
    if replaces is not None:
        _check_not_waiting(waiting)
        _send_move(context, search, request, choice, replaces, flag="--replace")
        return
    decision = _propose_booking(context, search, request, choice)
    show_answer(context, context.sending.confirm_and_send(decision), request.intent, waiting)


def _check_not_waiting(waiting: Waiting | None) -> None:
    """Raise InvalidUsage for --wait with a move, which has two things to wait for."""
    if waiting is not None:
        hint = "gpcli changes --wait 8h waits."
        raise InvalidUsage("--wait and --replace exclude each other.", hint=hint)


def move(
    ctx: typer.Context,
    appointment: Annotated[
        str | None,
        typer.Argument(
            metavar="[APPOINTMENT]",
            help="The visit's id or its beginning; next, tomorrow or a day; or words of its "
            "subject, reason, service, way or of whom it is with",
        ),
    ] = None,
    slot: Annotated[str | None, typer.Argument(metavar="[SLOT]", help=SLOT_HELP)] = None,
    take_first: First = False,
    reason: Reason = None,
    another: Another = False,
    first: From = None,
    last: To = None,
    between: Between = None,
    weekday: Weekday = None,
    practitioner: With = None,
    via: Via = None,
    notice: Notice = "2h",
) -> None:
    """Move a visit to another time."""
    context = get_context(ctx)
    if context.output.answer_field_query(MOVE_RECEIPT):
        return
    soonest = notice if take_first else None
    search = build_search(context, first, last, between, weekday, practitioner, via, soonest)
    request = _build_request(context, ServiceName.BOOKING, "move", reason, another)
    _send_move(context, search, request, BookingChoice(slot, take_first), appointment)


def _send_move(
    context: AppContext,
    search: SlotSearch,
    request: ServiceRequest,
    choice: BookingChoice,
    appointment: str | None,
    flag: str | None = None,
) -> None:
    booking_context = _build_booking_context(context, search)

    def propose(appointment_id: str) -> Decision[Move]:
        return act_on_slot(
            context,
            choice.slot,
            lambda slot: propose_move(
                booking_context, request, _take(choice, slot), appointment_id, context.now
            ),
            request.service,
            search,
        )

    decision = act_on_appointment(
        context, appointment, propose, choose=choose_to_move, prompt=TO_MOVE, flag=flag
    )
    _show_move(context, context.sending.confirm_and_send(decision), request.intent, decision)


def _show_move(
    context: AppContext, outcome: Outcome[Move], intent: UUID, decision: Decision[Move]
) -> None:
    """Show the receipt of a move, and what happens next; `decision` is what was agreed to.

    Raises: Partial or OutcomeUnknown where the old appointment stands, or may stand, all the same.
    """
    move, receipt = outcome.record, build_receipt(context, outcome, intent)
    shown = move.to_receipt(receipt)
    error = move.find_error(receipt.request_id)
    if error is None:
        sentence = _format_move_step(shown, context.output.time_format)
        if shown.replaced.changed:
            sentence += format_late_fee(decision, context.output.phrasing)
        context.output.show_receipt(MOVE_RECEIPT, shown, sentence)
    else:
        context.output.show_item(MOVE_RECEIPT, shown)
    for remark in context.portal.remarks:
        context.output.warning(remark)
    if error is not None:
        raise error


def _format_move_step(receipt: MoveReceipt, time_format: TimeFormat) -> str:
    """Format the sentence on what has become of both times."""
    if receipt.dry_run:
        return format_dry_run(receipt.plan)
    before, old = "" if receipt.changed else f"{REPEATED_NOTICE} ", receipt.replaced.id
    if receipt.replaced.status == "cancelled":
        when = format_appointment_time(receipt, time_format)
        new = f"{when} ({receipt.id})" if when else f"{receipt.id}"
        return f"{before}Moved: {new} is {receipt.status}, {old} is cancelled."
    finish = f"gpcli move {old} {receipt.slot_id or ''}".rstrip()
    return (
        f"{before}The surgery has not confirmed the new time ({receipt.id}) yet, and {old} stays "
        f"until it has. Then {finish} --request-id {receipt.request_id} cancels {old}."
    )


def flu(
    ctx: typer.Context,
    slot: Annotated[str | None, typer.Argument(metavar="[SLOT]", help=SLOT_HELP)] = None,
    take_first: First = False,
    reason: Reason = None,
    another: Another = False,
    first: From = None,
    last: To = None,
    between: Between = None,
    weekday: Weekday = None,
    practitioner: With = None,
    limit: Limit = None,
    notice: Notice = "2h",
) -> None:
    """Show who may have the flu vaccine, its price and free times; or book one."""
    context = get_context(ctx)
    books = slot is not None or take_first
    output = context.output
    if output.answer_field_query(RECEIPT) if books else output.answer_field_query(FLU):
        return
    soonest = notice if take_first else None
    search = build_search(context, first, last, between, weekday, practitioner, None, soonest)
    if not books and context.options.confirm is not None:
        raise InvalidUsage("--confirm books, and the line names no time: give it, or --first.")
    if not books:
        _show_flu(context, search, limit or FLU_SLOTS)
        return
    request = _build_request(context, ServiceName.FLU_VACCINATION, "flu", reason, another)
    decision = _propose_booking(context, search, request, BookingChoice(slot, take_first))
    show_appointment(context, context.sending.confirm_and_send(decision), request.intent)


def _propose_booking(
    context: AppContext, search: SlotSearch, request: ServiceRequest, choice: BookingChoice
) -> Decision[Appointment]:
    """Propose a booking; a slot may be named by the beginning of its id."""
    booking_context = _build_booking_context(context, search)

    def propose(slot: str | None) -> Decision[Appointment]:
        return booking.propose_booking(booking_context, request, _take(choice, slot))

    return act_on_slot(context, choice.slot, propose, request.service, search)


def _take(choice: BookingChoice, slot: str | None) -> BookingChoice:
    return replace(choice, slot=slot, by_beginning=True)


def _show_flu(context: AppContext, search: SlotSearch, limit: int) -> None:
    answer = booking.fetch_flu_answer(
        context.portal, search, context.options.gp, context.ask, limit
    )
    with context.output.paging():
        context.output.show_item(FLU, answer)
        if context.output.is_text and context.options.fields is None:
            context.output.show_separator()
            context.output.show_list(SLOTS, answer.slots)
    keep_listed(context, index_format.SLOTS, answer.slots)
    if not answer.slots:
        _explain_none(context, search)
    elif context.output.is_read_by_person and answer.booked is None:
        context.output.notice("gpcli flu ID books one of these, gpcli flu --first the earliest.")
    require_complete(context)


def _explain_none(context: AppContext, search: SlotSearch) -> None:
    reason = search.explain_none(complete=not context.portal.flaws)
    context.output.notice(f"{reason} {search.otherwise}".strip())


def build_search(
    context: AppContext,
    first: str | None,
    last: str | None,
    between: str | None,
    weekday: list[str] | None,
    practitioner: str | None = None,
    via: str | None = None,
    notice: str | None = None,
) -> SlotSearch:
    """Return the search for slots that the options of these names describe; `None` = not given."""
    now = context.now()
    filters = parse_slot_filters(
        now,
        context.zone,
        first=first,
        last=last,
        between=between,
        weekdays=weekday or (),
        practitioner=practitioner,
        channel=via,
        notice=notice,
    )
    return SlotSearch(filters, context.zone, now)


def _build_request(
    context: AppContext, service: ServiceName, command: str, reason: str | None, another: bool
) -> ServiceRequest:
    return ServiceRequest(
        service=service,
        intent=context.sending.intent(command),
        repeated=context.options.may_be_repeat,
        reason=reason,
        gp=context.options.gp,
        another=another,
    )


def _build_booking_context(context: AppContext, search: SlotSearch) -> BookingContext:
    time_format = context.output.time_format
    return BookingContext(
        context.portal,
        search,
        context.ask,
        lambda slot: slot_label(slot, time_format),
        lambda coming: appointment_label(coming, time_format),
        asks_another=not context.options.yes,
    )
