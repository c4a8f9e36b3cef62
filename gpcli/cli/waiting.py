"""`--wait` and `--every`: asking the portal again and again until something is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import typer

from gpcli.app_context import AppContext
from gpcli.care.confirmation import Outcome
from gpcli.care.dates import parse_duration
from gpcli.care.portal_protocol import Portal
from gpcli.changes.polling import EVERY, Poller, read_elapsed
from gpcli.cli.result_output import show_appointment
from gpcli.errors import GpcliError, InvalidUsage, Partial, Rejected, SignInError
from gpcli.model.appointment import Appointment

Found = TypeVar("Found")
Record = TypeVar("Record")

Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="TIME", help="Wait for a change, at most so long: 30m, 8h, 2d"),
]
WaitForTimes = Annotated[
    str | None,
    typer.Option(
        "--wait", metavar="TIME", help="Wait for the first that fits, at most so long: 30m, 8h, 2d"
    ),
]
WaitForAnswer = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="TIME",
        help="Wait for the surgery's answer, at most so long: 30m, 8h, 2d",
    ),
]
Every = Annotated[
    str | None,
    typer.Option("--every", metavar="TIME", help="How often the portal is asked, 1m by default"),
]

LONGEST = timedelta(days=365)
"""The longest time to wait."""

_LEAST, _LEAST_IN_SANDBOX = timedelta(seconds=10), timedelta(milliseconds=100)
"""The shortest time between two questions: at a portal, and on this computer."""


@dataclass(frozen=True)
class Waiting:
    """What `--wait` and `--every` ask for: how long to wait, and how often to ask."""

    limit: timedelta
    every: timedelta


def parse_waiting(context: AppContext, wait: str | None, every: str | None) -> Waiting | None:
    """Return what the options ask for, `None` = not to wait; raise InvalidUsage."""
    if wait is None:
        if every is not None:
            raise InvalidUsage("--every says how often --wait asks: give --wait TIME as well.")
        return None
    return Waiting(_parse_length("--wait", wait), parse_every(context, every))


def parse_every(context: AppContext, every: str | None, usual: timedelta = EVERY) -> timedelta:
    """Return how often to ask, `usual` unless that is said.

    Raises: InvalidUsage for more often than is gentle.
    """
    pause = usual if every is None else _parse_length("--every", every)
    is_sandbox = context.profile.environment == "sandbox"
    least = _LEAST_IN_SANDBOX if is_sandbox else _LEAST
    if pause < least:
        raise InvalidUsage(
            f"--every {every} is too often for a portal.",
            hint=f"Write {least.total_seconds():g}s or more.",
        )
    return pause


def _parse_length(option: str, text: str) -> timedelta:
    length = parse_duration(text, option)
    if timedelta() < length <= LONGEST:
        return length
    raise InvalidUsage(f"{option} needs a time that is more than 0, and at most {LONGEST.days}d.")


def build_poller(context: AppContext, every: timedelta, limit: timedelta | None) -> Poller:
    """Return a poller that tells when the portal begins to fail, and when it answers again."""

    def tell_trouble(error: GpcliError | None) -> None:
        if error is None:
            context.output.notice("The portal answers again.")
        else:
            context.output.notice(f"{error.message} It is asked again.", needed=True)

    elapsed = context.elapsed or read_elapsed
    return Poller(every, limit, context.sleep, tell_trouble, elapsed)


def open_fresh_portal(context: AppContext) -> Portal:
    """Return the portal as if it was asked for the first time, with the whole time limit."""
    context.restart_deadlines()
    return context.open_portal(context.identity, context.client, context.bearer)


def wait_for(
    context: AppContext, waiting: Waiting, ask: Callable[[Portal], Found | None]
) -> Found | None:
    """Return what `ask` finds at the portal, `None` when the time is up.

    Raises: what waiting does not mend.
    """
    context.output.notice(f"Waiting {_word_end(context, waiting)}: Ctrl-C ends it.")
    return _poll(context, waiting, ask)


def _word_end(context: AppContext, waiting: Waiting) -> str:
    until = context.output.time_format.time(context.now() + waiting.limit, context.zone.key)
    return f"until {until}"


def _poll(
    context: AppContext, waiting: Waiting, ask: Callable[[Portal], Found | None]
) -> Found | None:
    poller = build_poller(context, waiting.every, waiting.limit)
    return poller.poll(lambda: ask(open_fresh_portal(context)))


@dataclass(frozen=True)
class Awaited(Generic[Record]):
    """A write, with its record as it was when the waiting ended.

    `ending` is what ended it before the surgery answered, `None` = it did, or nobody waited.
    """

    outcome: Outcome[Record]
    ending: BaseException | None = None

    def finish(self, request_id: str, refusal: str | None) -> None:
        """Raise what ended the waiting, or Rejected with a `refusal` by the surgery.

        It is for use once the receipt is shown, which has the same `request_id`.
        """
        ending = self.ending or (Rejected(refusal) if refusal else None)
        if isinstance(ending, GpcliError):
            ending.request_id = request_id
        if isinstance(ending, SignInError):
            ending.message = f"It was sent, but the waiting has ended: {ending.message}"
        if ending is not None:
            raise ending


def await_answer(
    context: AppContext,
    waiting: Waiting | None,
    outcome: Outcome[Record],
    is_open: Callable[[Record], bool],
    fetch: Callable[[Portal, Record], Record],
    go_on: str = "gpcli changes --wait 8h goes on waiting.",
) -> Awaited[Record]:
    """Wait until a record that was sent is no longer open, and return how it is then.

    `fetch` returns it as the portal has it now. `go_on` is the hint where the time is up.
    """
    if waiting is None or outcome.dry_run or not is_open(outcome.record):
        return Awaited(outcome)
    sent = "Sent" if outcome.changed else "It was sent before"
    end = _word_end(context, waiting)
    newest = outcome.record

    def ask(portal: Portal) -> Record | None:
        nonlocal newest
        newest = fetch(portal, newest)
        return None if is_open(newest) else newest

    ending: BaseException | None = None
    try:
        context.output.notice(
            f"{sent}. Waiting for the surgery's answer {end}: Ctrl-C ends the waiting alone."
        )
        if _poll(context, waiting, ask) is None:
            ending = Partial(
                "The surgery has not answered in the time that was waited for.", hint=go_on
            )
    except BaseException as error:  # whatever it is: what was sent is told first
        ending = error
    context.sending.note_told(newest)
    return Awaited(replace(outcome, record=newest), ending)


def show_answer(
    context: AppContext, outcome: Outcome[Appointment], intent: UUID, waiting: Waiting | None
) -> None:
    """Show the receipt of a booking or an enquiry, once the surgery has answered or time is up.

    Raises: Rejected where the surgery has declined it; what ended the waiting.
    """

    def fetch(portal: Portal, sent: Appointment) -> Appointment:
        return portal.fetch_appointment(str(sent.id))

    go_on = f"gpcli appointments show {outcome.record.id} --wait 8h goes on waiting."
    awaited = await_answer(context, waiting, outcome, lambda sent: sent.is_waiting, fetch, go_on)
    show_appointment(context, awaited.outcome, intent, is_answer=waiting is not None)
    if waiting is not None:
        is_declined = awaited.outcome.record.is_over and not outcome.dry_run
        refusal = "The surgery has declined it." if is_declined else None
        awaited.finish(context.options.request_id or str(intent), refusal)
