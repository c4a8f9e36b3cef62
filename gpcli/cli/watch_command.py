"""`watch`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care.confirmation import parse_cap
from gpcli.care.portal_protocol import Portal
from gpcli.care.slots import SlotSearch
from gpcli.changes.reading import Reading
from gpcli.changes.store import ChangeStore
from gpcli.changes.telling import Sink, Teller
from gpcli.changes.watcher import Watcher, find_statuses, hold_watch, is_watch_running
from gpcli.changes.wishes import TimesWish
from gpcli.cli.auto_booking import AutoBooker, WishAgreement
from gpcli.cli.booking_commands import (
    Between,
    From,
    SearchOptions,
    To,
    Via,
    Weekday,
    With,
    build_search,
)
from gpcli.cli.change_commands import build_reader, open_change_store
from gpcli.cli.global_options import get_context, is_global
from gpcli.cli.meant_visits import act_on_appointment
from gpcli.cli.waiting import build_poller, open_fresh_portal, parse_every
from gpcli.cli.watch_sinks import (
    Desktop,
    Details,
    Exec,
    Ntfy,
    Webhook,
    answer_field_query,
    build_sinks,
    check_fields_of_times,
)
from gpcli.errors import Exit, InvalidUsage
from gpcli.model.change import WatchState
from gpcli.render.views.change_views import WATCHES
from gpcli.sign_in import find_session_end

STATUS = "status"
"""The word that shows where the watches stand."""

_OF_STATUS = {"what", "name", "exit_code"}
"""The parameters that it takes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

USUAL = timedelta(minutes=5)
"""How often a watch asks the portal unless somebody says otherwise."""

What = Annotated[
    str | None, typer.Argument(metavar="[status]", help="Show where your watches stand")
]
WatchEvery = Annotated[
    str | None,
    typer.Option("--every", metavar="TIME", help="How often the portal is asked, 5m by default"),
]
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Its name, where you have several")
]
Once = Annotated[
    bool, typer.Option("--once", help="Ask the portal once, tell what is new, and end")
]
Times = Annotated[
    bool, typer.Option("--times", help="Free times as well; each filter below asks for them, too")
]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="With status: exit with 3 where none runs")
]
NoticeBefore = Annotated[
    str, typer.Option("--notice", metavar="TIME", help="No time that starts sooner")
]
EarlierThan = Annotated[
    str | None,
    typer.Option("--earlier-than", metavar="ID", help="Only times before this visit of yours"),
]
AutoBook = Annotated[
    bool, typer.Option("--auto-book", help="Book the first time that fits, tell it, and end")
]
Replaces = Annotated[
    str | None,
    typer.Option("--replace", metavar="ID", help="With --auto-book: cancel this visit then"),
]
Another = Annotated[
    bool,
    typer.Option("--another", help="With --auto-book: even with a coming booking for the same"),
]
AcceptFee = Annotated[
    str | None,
    typer.Option(
        "--accept-fee", metavar="MAX", help="With --auto-book: what that may cost at most, or any"
    ),
]

Filters = tuple[*SearchOptions, str]
"""The options of a search, and `--notice`."""


Booking = tuple[bool, str | None, str | None, bool]
"""`--auto-book`, `--replace`, `--accept-fee`, `--another`."""


@dataclass(frozen=True)
class WishOptions:
    """The free times that a person wishes for.

    `digest` tells it from other wishes. `earlier_than` is the visit that they are to be earlier
    than, `replaces` that which is cancelled for them (ids), `None` = none. What is `agreed` is
    booked, `None` = the times are only told.
    """

    filters: Filters
    digest: str
    earlier_than: str | None
    replaces: str | None
    agreed: WishAgreement | None


def watch(
    ctx: typer.Context,
    what: What = None,
    every: WatchEvery = None,
    exec_: Exec = None,
    desktop: Desktop = False,
    ntfy: Ntfy = None,
    webhook: Webhook = None,
    details: Details = False,
    name: Name = None,
    once: Once = False,
    times: Times = False,
    first: From = None,
    last: To = None,
    between: Between = None,
    weekday: Weekday = None,
    practitioner: With = None,
    via: Via = None,
    notice: NoticeBefore = "2h",
    earlier_than: EarlierThan = None,
    auto_book: AutoBook = False,
    replaces: Replaces = None,
    accept_fee: AcceptFee = None,
    another: Another = False,
    exit_code: ExitCode = False,
) -> None:
    """Tell what is new, as long as it runs."""
    context = get_context(ctx)
    if what is not None or exit_code:
        _show_statuses(ctx, what, name, needs_one=exit_code)
        return
    pause = _parse_pause(context, every, once=once)
    sinks = build_sinks(
        context, exec_=exec_, desktop=desktop, ntfy=ntfy, webhook=webhook, details=details
    )
    filters = (first, last, between, weekday, practitioner, via, notice)
    booking = (auto_book, replaces, accept_fee, another)
    if not answer_field_query(context.output, sinks):
        wish = _read_wish(context, filters, earlier_than, booking, is_asked=times)
        _watch(context, _check_name(name), pause, sinks, wish, once=once)


def _watch(
    context: AppContext,
    name: str,
    every: timedelta,
    sinks: Sequence[Sink],
    options: WishOptions | None,
    *,
    once: bool,
) -> None:
    """Be the watch `name` until it ends."""
    if options is not None:
        check_fields_of_times(context.output, sinks)
    with (
        hold_watch(context.state_dir, context.account, name),
        closing(open_change_store(context)) as store,
    ):
        if options is not None and _is_met(context, store, name, options):
            return
        reader = build_reader(context, store, f"watch {name}", offers=options is not None)
        teller = Teller(
            store, reader, sinks, name, _find_patient(context, sinks), context.output.warning
        )
        shared = (name, store, reader.name, teller)
        wish = None if options is None else _build_wish(context, options, *shared)
        until = _find_end(context)
        watcher = Watcher(
            name,
            store,
            reader,
            teller,
            build_poller(context, every, None),
            lambda: open_fresh_portal(context),
            context.now,
            until=until,
            wish=wish,
            on_answer=_AnswerNotices(context, is_silent=once),
        )
        if not once:
            _tell_start(context, every, until)
        watcher.run(once=once)


def _parse_pause(context: AppContext, every: str | None, *, once: bool) -> timedelta:
    """Return how often to ask; raise InvalidUsage, as `parse_every`."""
    if once and every is not None:
        raise InvalidUsage("--every and --once exclude each other: --once asks but once.")
    return parse_every(context, every, USUAL)


def _check_name(name: str | None) -> str:
    """Return the name of the watch, `default` unless it was given; raise InvalidUsage."""
    if name is None:
        return "default"
    if _NAME.fullmatch(name):
        return name
    raise InvalidUsage(
        f"--name '{name}' is no name for a watch.", hint="Write a-z, 0-9 and -, at most 32."
    )


def _find_patient(context: AppContext, sinks: Sequence[Sink]) -> str | None:
    """Return the patient's name where some sink tells it; the portal may be asked."""
    if not any(sink.has_details for sink in sinks):
        return None
    return context.identity.patient_name or context.portal.fetch_parties().patient.name


def _read_wish(
    context: AppContext,
    filters: Filters,
    earlier_than: str | None,
    booking: Booking,
    *,
    is_asked: bool,
) -> WishOptions | None:
    """Return the wish for free times that the options describe, `None` = they describe none.

    Raises: InvalidUsage for what does not go together, as AppointmentFinder for a visit, and as
    `build_search` for a filter.
    """
    auto_book, replaces, accept_fee, another = booking
    _check_booking(booking, earlier_than)
    if not (is_asked or auto_book or earlier_than is not None or any(filters[:-1])):
        return None
    build_search(context, *filters)
    if auto_book:
        parse_cap(accept_fee)
        context.options.sends = context.options.no_input = True
    digest = hashlib.sha256(json.dumps([filters, earlier_than, booking]).encode()).hexdigest()[:16]
    return WishOptions(
        filters,
        digest,
        _find_visit(context, earlier_than, "--earlier-than"),
        _find_visit(context, replaces, "--replace"),
        WishAgreement(accept_fee, another) if auto_book else None,
    )


def _check_booking(booking: Booking, earlier_than: str | None) -> None:
    """Raise InvalidUsage for options of a booking that do not go together."""
    auto_book, replaces, _, another = booking
    if not auto_book and any(booking):
        raise InvalidUsage(
            "--replace, --accept-fee and --another are for --auto-book.", hint="Add --auto-book."
        )
    if replaces is not None and another:
        raise InvalidUsage("--replace and --another exclude each other: leave one out.")
    if auto_book and earlier_than is not None and replaces is None and not another:
        raise InvalidUsage(
            f"There is a visit already, '{earlier_than}': what is to become of it?",
            hint=f"Add --replace {earlier_than}, or --another to have both.",
        )


def _find_visit(context: AppContext, text: str | None, flag: str) -> str | None:
    """Return the id of the visit that an option names; raise as AppointmentFinder."""
    if text is None:
        return None

    def check(visit: str) -> str:
        return str(context.portal.fetch_appointment(visit).id)

    return act_on_appointment(context, text, check, flag=flag)


def _is_met(context: AppContext, store: ChangeStore, name: str, options: WishOptions) -> bool:
    """Return whether this watch has booked for this wish already; forget what it has for others.

    A booking that is under way is gone on with, whatever the wish is now.
    """
    booking = store.read_booking(name)
    if booking is None or not booking.is_done:
        return False
    if booking.wish != options.digest:
        store.write_booking(name, None)
        return False
    context.output.notice(
        "This wish is met: the time was booked. gpcli appointments list shows it; a watch with "
        "another --name has the same wish anew.",
        needed=True,
    )
    return True


def _build_wish(
    context: AppContext,
    options: WishOptions,
    name: str,
    store: ChangeStore,
    cursor: str,
    teller: Teller,
) -> TimesWish:
    def search() -> SlotSearch:
        return build_search(context, *options.filters)

    booker = None
    if options.agreed is not None:
        booker = AutoBooker(context, name, options.agreed, search, teller, store, cursor)
    return TimesWish(
        name,
        options.digest,
        store,
        cursor,
        teller,
        search,
        gp=context.options.gp,
        visit=options.earlier_than,
        replaces=options.replaces,
        booker=booker,
    )


def _find_end(context: AppContext) -> datetime | None:
    """Return when the sign-in ends that the watch lives by; `None` = not known."""
    if context.settings.machine:
        return None
    return find_session_end(context.stored_session, context.profile.zone)


def _tell_start(context: AppContext, every: timedelta, until: datetime | None) -> None:
    when = context.output.time_format.time(until, context.zone.key)
    if when:
        end = f"The sign-in lets it run until {when}."
    else:
        end = "Until when the sign-in lets it run is not known."
    pause = f"{every.total_seconds() / 60:g} min"
    context.output.notice(f"Watching, every {pause}. {end} Ctrl-C ends it.")


class _AnswerNotices:
    """Says what is missing from the portal's answers: each sentence once, as long as it is so.

    `is_silent`: it does not say that the first answer is no news.
    """

    def __init__(self, context: AppContext, *, is_silent: bool) -> None:
        self._context = context
        self._is_silent = is_silent
        self._said: frozenset[str] = frozenset()

    def __call__(self, portal: Portal, reading: Reading) -> None:
        """Say what is missing now and was not said of the answer before."""
        output = self._context.output
        missing = [
            *(f"Not shown: {sentence}" for sentence in reading.snapshot.not_shown),
            *(f"Left out: {flaw}" for flaw in portal.flaws),
        ]
        if reading.is_first and not self._is_silent:
            output.notice("From now on what is new is told.", needed=True)
        output.warnings([each for each in missing if each not in self._said])
        self._said = frozenset(missing)


def _check_status_line(ctx: typer.Context, what: str | None) -> None:
    """Raise InvalidUsage unless the line asks for `status`, and for no option of a watch."""
    if what is None:
        raise InvalidUsage(f"--exit-code is for gpcli watch {STATUS}.")
    if what != STATUS:
        raise InvalidUsage(
            f"'{what}' means nothing to gpcli watch.", hint=f"gpcli watch {STATUS}, or no word."
        )
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        is_given = source is not None and source.name == "COMMANDLINE"
        if is_given and not is_global(param) and param.name not in _OF_STATUS:
            raise InvalidUsage(
                f"gpcli watch {STATUS} takes --name and --exit-code alone.",
                hint=f"Leave out {param.opts[0]}.",
            )


def _show_statuses(
    ctx: typer.Context, what: str | None, name: str | None, *, needs_one: bool
) -> None:
    """Show where the watches of this person stand, or the one called `name`.

    Exits with 3 where none runs and one has to. Raises: InvalidUsage.
    """
    _check_status_line(ctx, what)
    context = get_context(ctx)
    if context.output.answer_field_query(WATCHES):
        return
    state, account = context.state_dir, context.account
    with closing(open_change_store(context)) as store:
        statuses = find_statuses(
            store,
            lambda name: is_watch_running(state, account, name),
            context.zone,
            context.now(),
            None if name is None else _check_name(name),
        )
    context.output.show_list(WATCHES, statuses)
    if not statuses:
        called = "" if name is None else f" called '{name}'"
        context.output.notice(f"There is none{called}: gpcli watch starts one.")
    if needs_one and not any(each.state is WatchState.RUNNING for each in statuses):
        raise typer.Exit(int(Exit.NOT_FOUND))
