"""`rx`: prescriptions, what is left of them, and having them renewed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from gpcli.care import prescriptions as care
from gpcli.care import renewing
from gpcli.care.agreement import Outcome
from gpcli.care.renewal_request import Counter, Line, Renewing, Wanted
from gpcli.care.renewal_results import SHOWN_BESIDE, verdict
from gpcli.cli.composing import STDIN, checked_text
from gpcli.cli.options import session_of
from gpcli.cli.receipts import ALREADY, REHEARSED, sending
from gpcli.errors import Usage
from gpcli.model.prescription import Renewal
from gpcli.model.receipt import Sending
from gpcli.model.renewal_receipt import RenewalReceipt
from gpcli.render.times import Surroundings
from gpcli.render.views.medicines import (
    PRESCRIPTIONS,
    RENEWAL_RECEIPTS,
    REQUESTS,
    prescription_label,
    renewal_label,
)
from gpcli.session import Session


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
    found = care.listed(
        session.portal,
        session.now(),
        everything=everything,
        low=low,
        kind=kind,
        gp=session.options.gp,
    )
    if not session.output.show_list(PRESCRIPTIONS, found.shown):
        session.output.notice("There are none.")
    if found.more:
        session.output.notice(f"{found.more} more, in use no longer: --all shows them.")
    if found.older:
        session.output.notice(f"{found.older} that expired over 12 months ago are left out.")
    session.check_whole()


def renew(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Prescriptions; - reads ids, one a line"),
    ] = None,
    low: Annotated[
        bool, typer.Option("--low", help="What runs out, but nothing of group A or B")
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
    )
    counter = Counter(session.portal, session.now, session.ask, prescription_label)
    outcome = session.carry_out(renewing.propose(counter, wanted))
    _show_renewal(session, outcome, wanted.intent)


def requests(
    ctx: typer.Context,
    unsettled: Annotated[
        bool, typer.Option("--open", help="Only what the surgery has not settled")
    ] = False,
) -> None:
    """List what you have asked to be renewed, and the answers."""
    session = session_of(ctx)
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
    if session.output.names_only(RENEWAL_RECEIPTS):
        return
    around = Surroundings(session.now())
    identity = care.pick_request(
        session.portal, request, session.ask, lambda one: renewal_label(one, around)
    )
    intent = session.intent("rx withdraw")
    outcome = session.carry_out(care.propose_withdrawal(session.portal, identity, intent))
    _show_withdrawal(session, outcome, intent)


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
    try:
        lines = session.take_stdin().read().splitlines()
    except UnicodeDecodeError as trouble:
        raise Usage("Standard input is no text: it should hold ids, one a line.") from trouble
    return [name for line in lines if (name := line.partition("\t")[0].strip())]


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
    """What is true now: asked for is not renewed."""
    lines, left_out = outcome.record.lines, outcome.record.left_out
    if not lines and left_out:
        names = ", ".join(one.label for one in left_out)
        return [f"Nothing was sent: what runs out needs a word with the surgery first: {names}."]
    if not lines:
        return ["There is nothing to ask for."]
    if outcome.dry_run:
        return [REHEARSED]
    sent = [line.renewal for line in lines if line.changed and line.renewal]
    waiting = sum(one.open for one in sent)
    counted = (
        (waiting, "asked for. The surgery has yet to answer: gpcli rx requests shows it."),
        (len(sent) - waiting, "answered at once."),
        (_before(lines), "asked for before: nothing was sent for those."),
    )
    return [f"{count} {words}" for count, words in counted if count]


def _before(lines: Sequence[Line]) -> int:
    return sum(line.renewal is not None and not line.changed for line in lines)


def _show_withdrawal(session: Session, outcome: Outcome[Renewal], intent: UUID) -> None:
    """The request, taken back."""
    there = outcome.record
    line = Line(str(there.prescription_id or ""), renewal=there, changed=outcome.changed)
    receipt = _receipt(line, there.zone, sending(session, outcome, intent))
    session.output.show_item(RENEWAL_RECEIPTS, receipt)
    session.output.notice(_withdrawn_words(outcome))


def _withdrawn_words(outcome: Outcome[Renewal]) -> str:
    if outcome.dry_run:
        return REHEARSED
    return "It is withdrawn." if outcome.changed else f"{ALREADY} It is withdrawn."
