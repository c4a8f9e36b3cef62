"""`rx`: prescriptions, what is left of them, and having them renewed."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from gpcli.app_context import Session
from gpcli.care import prescription_list, renewals
from gpcli.care.confirmation import Outcome
from gpcli.care.renewal_request import (
    SHOWN_BESIDE,
    Line,
    RenewalContext,
    Renewing,
    Wanted,
    result_words,
    verdict,
)
from gpcli.cli.global_options import session_of
from gpcli.cli.read_text import STDIN, checked_text
from gpcli.cli.receipt_output import REHEARSED, sending
from gpcli.errors import Usage
from gpcli.model.prescription import FAILED, Renewal, RenewalReceipt
from gpcli.model.receipt import Sending
from gpcli.render.times import Surroundings
from gpcli.render.views.prescription_views import (
    PRESCRIPTION,
    PRESCRIPTIONS,
    RENEWAL_RECEIPTS,
    REQUESTS,
    WITHDRAWALS,
    prescription_label,
    renewal_label,
)

MOST_IDS = 1024 * 1024
"""Characters of ids on standard input beyond which they are refused unread."""


class Kind(StrEnum):
    """What can be prescribed."""

    MEDICINE = "medicine"
    CONSUMABLE = "consumable"
    NUTRITION = "nutrition"


def list_prescriptions(
    ctx: typer.Context,
    low: Annotated[bool, typer.Option("--low", help="Only what runs out")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those in use no longer, of the last 12 months")
    ] = False,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only these")] = None,
) -> None:
    """List prescriptions and what is left of them."""
    session = session_of(ctx)
    if session.output.names_only(PRESCRIPTIONS):
        return
    found = prescription_list.listed(
        session.portal,
        session.now(),
        everything=everything,
        low=low,
        kind=kind,
        gp=session.options.gp,
    )
    if not session.output.show_list(PRESCRIPTIONS, found.shown):
        session.output.notice("There are none.")
    for words in _not_shown(found):
        session.output.notice(words)
    session.check_whole()


def show(
    ctx: typer.Context,
    prescription: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A prescription's id")
    ] = None,
) -> None:
    """Show one prescription with everything that is known of it."""
    session = session_of(ctx)
    if session.output.names_only(PRESCRIPTION):
        return
    one = prescription_list.pick(session.portal, prescription, session.ask, prescription_label)
    session.output.show_item(PRESCRIPTION, one)
    if prescription not in {None, one.id}:
        session.output.notice(f"{prescription} was replaced by {one.id}, which is shown.")
    session.check_whole()


def renew(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Prescriptions; - reads ids, one a line"),
    ] = None,
    low: Annotated[
        bool, typer.Option("--low", help="What runs out; not group A or B, nor what was refused")
    ] = False,
    note: Annotated[
        str | None, typer.Option("--note", metavar="TEXT", help="A few words for the surgery")
    ] = None,
) -> None:
    """Ask your GP to renew prescriptions."""
    session = session_of(ctx)
    if session.output.names_only(RENEWAL_RECEIPTS):
        return
    wanted = Wanted(
        intent=session.intent("rx renew"),
        repeated=session.options.request_id is not None,
        ids=_ids(session, ids),
        low=low,
        note=None if note is None else checked_text(note, "--note"),
        gp=session.options.gp,
        capped=session.options.accept_fee is not None,
    )
    counter = RenewalContext(session.portal, session.now, session.ask, prescription_label)
    step = renewals.propose(counter, wanted)
    proposed = step.record if isinstance(step, Outcome) else step.preview
    for left_out in proposed.left_out:
        session.output.notice(left_out.words)
    _show_renewal(session, session.carry_out(step), wanted.intent)


def requests(
    ctx: typer.Context,
    unsettled: Annotated[
        bool, typer.Option("--open", help="Only what the surgery has not settled")
    ] = False,
) -> None:
    """List what you have asked to be renewed, and the answers."""
    session = session_of(ctx)
    if session.output.names_only(REQUESTS):
        return
    found = [one for one in session.portal.prescriptions.renewals() if one.open or not unsettled]
    if not session.output.show_list(REQUESTS, found):
        session.output.notice("There are none.")
    session.check_whole()


def withdraw(
    ctx: typer.Context,
    request: Annotated[str | None, typer.Argument(metavar="[ID]", help="A request's id")] = None,
) -> None:
    """Take back a request that the surgery has not handled."""
    session = session_of(ctx)
    if session.output.names_only(WITHDRAWALS):
        return
    around = Surroundings(session.now())
    identity = prescription_list.pick_request(
        session.portal, request, session.ask, lambda one: renewal_label(one, around)
    )
    intent = session.intent("rx withdraw")
    outcome = session.carry_out(
        prescription_list.propose_withdrawal(session.portal, identity, intent)
    )
    _show_withdrawal(session, outcome, intent)


def _not_shown(found: prescription_list.Listing) -> Iterator[str]:
    """What is left out of a list, and how to see it."""
    if found.more:
        them = "it" if found.more == 1 else "them"
        yield f"{found.more} more, in use no longer: --all shows {them}."
    if found.older:
        yield f"{found.older} that expired over 12 months ago {_are(found.older)} left out."
    if found.unsaid:
        yield f"{found.unsaid} whose kind is not told {_are(found.unsaid)} left out."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _ids(session: Session, given: list[str] | None) -> tuple[str, ...] | None:
    """The ids named, with those on standard input in the place of `-`; `None` = none named."""
    if not given:
        return None
    if given.count(STDIN) > 1:
        raise Usage("Standard input can be read once: - stands there twice.")
    return tuple(
        name for each in given for name in (_read_ids(session) if each == STDIN else [each])
    )


def _read_ids(session: Session) -> list[str]:
    """The first field of each line that is not empty."""
    if session.output.terminal.stdin_tty:
        session.output.notice(
            "Write the ids, one a line, and end with Ctrl-D on a line of its own."
        )
    try:
        text = session.take_stdin().read(MOST_IDS + 1)
    except UnicodeDecodeError as trouble:
        raise Usage("Standard input is no text: it should hold ids, one a line.") from trouble
    session.person_answered()
    if len(text) > MOST_IDS:
        raise Usage(f"Standard input is too long: {MOST_IDS} characters of ids at most.")
    return [name for line in text.splitlines() if (name := line.partition("\t")[0].strip())]


def _show_renewal(session: Session, outcome: Outcome[Renewing], intent: UUID) -> None:
    """One result for each prescription, and what they come to."""
    lines, sent = outcome.record.lines, sending(session, outcome, intent)
    trouble = verdict(lines, sent.request_id)
    if trouble is None or isinstance(trouble, SHOWN_BESIDE):
        receipts = [_receipt(line, session.zone.key, sent) for line in lines]
        session.output.show_list(RENEWAL_RECEIPTS, receipts)
        for words in _next_words(outcome):
            session.output.notice(words)
    if trouble:
        raise trouble


def _receipt(line: Line, zone: str, sent: Sending) -> RenewalReceipt:
    return RenewalReceipt.of(line.result(zone), replace(sent, changed=line.changed))


def _next_words(outcome: Outcome[Renewing]) -> list[str]:
    """What is true now: asked for is not renewed, and answered may be refused."""
    lines = [line for line in outcome.record.lines if line.renewal]
    if not outcome.record.lines:
        return [f"There is nothing {'else ' if outcome.record.left_out else ''}to ask for."]
    if outcome.dry_run:
        return [REHEARSED]
    new_first = sorted(lines, key=lambda line: not line.changed)
    tally = Tally(map(result_words, new_first))
    return [_counted(words, count, lines) for words, count in tally.items()]


def _counted(words: str, count: int, lines: Sequence[Line]) -> str:
    """How many ended so, and what more there is to know of those."""
    those = [line for line in lines if result_words(line) == words]
    if not those[0].changed:
        return f"{count} {words}: nothing was sent for {'it' if count == 1 else 'them'} now."
    if any(line.renewal and line.renewal.open for line in those):
        follow = "The surgery has yet to answer: gpcli rx requests shows it."
        return f"{count} {words}. {follow}"
    if all(line.renewal and line.renewal.status in FAILED for line in those):
        return f"{count} {words}: {' '.join(map(_answered, those))}"
    return f"{count} {words}."


def _answered(line: Line) -> str:
    """What the surgery said of one, as a sentence of its own."""
    answer = line.renewal.answer if line.renewal else None
    return f"{line.label} ({line.id}): {answer}" if answer else f"{line.label} ({line.id})."


def _show_withdrawal(session: Session, outcome: Outcome[Renewal], intent: UUID) -> None:
    """The request, taken back."""
    there = outcome.record
    line = Line(str(there.prescription_id or ""), renewal=there, changed=outcome.changed)
    receipt = _receipt(line, there.zone, sending(session, outcome, intent))
    session.output.show_item(WITHDRAWALS, receipt)
    session.output.notice(_withdrawn_words(outcome))


def _withdrawn_words(outcome: Outcome[Renewal]) -> str:
    if outcome.dry_run:
        return REHEARSED
    return "It is withdrawn." if outcome.changed else "It was withdrawn already."
