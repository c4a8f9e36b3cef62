"""`rx`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from gpcli.app_context import AppContext
from gpcli.care import prescription_list, renewals
from gpcli.care.confirmation import Decision, Outcome
from gpcli.care.portal_protocol import Portal
from gpcli.care.renewal_request import (
    ERRORS_AFTER_RESULTS,
    RenewalContext,
    RenewalPlan,
    RenewalRequest,
    build_withdrawal_receipt,
    overall_error,
)
from gpcli.care.selection import act_on_meant
from gpcli.care.written_text import parse_message_text
from gpcli.cli.global_options import get_context
from gpcli.cli.listed_records import keep_listed
from gpcli.cli.noted_ids import note_id, note_ids
from gpcli.cli.read_text import STDIN
from gpcli.cli.renewal_sentences import format_next_steps
from gpcli.cli.result_output import build_receipt, format_dry_run, require_complete
from gpcli.cli.value_parsers import choice, format_choices
from gpcli.cli.waiting import Every, WaitForAnswer, Waiting, await_answer, parse_waiting
from gpcli.config import index_format
from gpcli.errors import InvalidUsage, Partial
from gpcli.model.prescription import Prescription, Renewal
from gpcli.outbox import find_own_target
from gpcli.render.views.prescription_views import PRESCRIPTION, PRESCRIPTIONS, prescription_label
from gpcli.render.views.renewal_views import (
    RENEWAL_RECEIPTS,
    REQUESTS,
    WITHDRAWALS,
    renewal_label,
    renewal_notes,
)

PRESCRIPTION_HELP = "An id, or the beginning of one; or words of the medicine's name"

Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help=f"{PRESCRIPTION_HELP}; - reads ids, one a line"),
]
RunningOut = Annotated[
    bool, typer.Option("--low", help="What runs out; not group A or B, nor what was refused")
]
Note = Annotated[
    str | None, typer.Option("--note", metavar="TEXT", help="A few words for the surgery")
]

MAX_ID_CHARS = 1024 * 1024
"""The most characters of ids on standard input."""


class ProductKind(StrEnum):
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
    kind: Annotated[
        ProductKind | None,
        typer.Option(
            "--kind",
            parser=choice(ProductKind),
            metavar=format_choices(ProductKind),
            help="Only these",
        ),
    ] = None,
) -> None:
    """List prescriptions and what is left of them."""
    context = get_context(ctx)
    if context.output.answer_field_query(PRESCRIPTIONS):
        return
    found = prescription_list.fetch_prescriptions(
        context.portal,
        context.now(),
        everything=everything,
        low=low,
        kind=kind,
        gp=context.options.gp,
    )
    context.output.show_list(PRESCRIPTIONS, found.shown)
    keep_listed(context, index_format.PRESCRIPTIONS, found.shown)
    if found.is_empty and not context.portal.flaws:
        context.output.notice("There are none.")
    for notice in _format_omissions(found):
        context.output.notice(notice, needed=True)
    require_complete(context)


def show(
    ctx: typer.Context,
    prescription: Annotated[
        str | None, typer.Argument(metavar="[ID]", help=PRESCRIPTION_HELP)
    ] = None,
) -> None:
    """Show one prescription with everything that is known of it."""
    context = get_context(ctx)
    if context.output.answer_field_query(PRESCRIPTION):
        return
    picked = prescription_list.choose_prescription(
        context.portal, prescription, context.ask, _build_labeller(context), by_name=True
    )
    context.output.show_item(PRESCRIPTION, picked)
    if prescription in picked.predecessors:
        context.output.notice(f"{prescription} was replaced by {picked.id}, which is shown.")
    require_complete(context)


def renew(
    ctx: typer.Context,
    ids: Ids = None,
    low: RunningOut = False,
    note: Note = None,
    wait: WaitForAnswer = None,
    every: Every = None,
) -> None:
    """Ask your GP to renew prescriptions."""
    context = get_context(ctx)
    waiting = parse_waiting(context, wait, every)
    if context.output.answer_field_query(RENEWAL_RECEIPTS):
        return
    request = RenewalRequest(
        intent=context.sending.intent("rx renew"),
        repeated=context.options.may_be_repeat,
        ids=_collect_ids(context, ids),
        low=low,
        note=None if note is None else parse_message_text(note, "--note"),
        gp=context.options.gp,
        named=frozenset(ids or ()) - {STDIN},
    )
    renewal_context = RenewalContext(
        context.portal,
        context.now,
        context.ask,
        _build_labeller(context),
        partial(note_ids, context),
    )
    decision = renewals.propose_renewal(renewal_context, request)
    proposed = decision.record if isinstance(decision, Outcome) else decision.preview
    for left_out in proposed.skipped:
        context.output.notice(left_out.sentence, needed=True)
    _show_renewal(context, context.sending.confirm_and_send(decision), request.intent, waiting)


def requests(
    ctx: typer.Context,
    unsettled: Annotated[
        bool, typer.Option("--open", help="Only what the surgery has not settled")
    ] = False,
) -> None:
    """List what you have asked to be renewed, and the answers."""
    context = get_context(ctx)
    if context.output.answer_field_query(REQUESTS):
        return
    renewals_found = context.portal.prescriptions.fetch_renewals()
    shown = [renewal for renewal in renewals_found if renewal.is_open or not unsettled]
    count = context.output.show_list(REQUESTS, shown)
    keep_listed(context, index_format.REQUESTS, shown)
    _show_notes(context, [f"{each.id}: {note}" for each in shown for note in renewal_notes(each)])
    require_complete(context, is_empty=not count)


def withdraw(
    ctx: typer.Context,
    request: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="A request's id, or the beginning of one; or words of the medicine's name",
        ),
    ] = None,
) -> None:
    """Take back a request that the surgery has not handled."""
    context = get_context(ctx)
    if context.output.answer_field_query(WITHDRAWALS):
        return
    intent = context.sending.intent("rx withdraw")
    decision = _act_on_request(
        context,
        request,
        lambda renewal_id: prescription_list.propose_renewal_withdrawal(
            context.portal, renewal_id, intent
        ),
    )
    _show_withdrawal(context, context.sending.confirm_and_send(decision), intent)


def _act_on_request(
    context: AppContext, text: str | None, act: Callable[[str], Decision[Renewal]]
) -> Decision[Renewal]:
    """Return what `act` gives for the id of the request that `text` stands for, or is picked."""
    portal, ask, time_format = context.portal, context.ask, context.output.time_format
    act = note_id(context, text, act)

    def label(renewal: Renewal) -> str:
        return renewal_label(renewal, time_format)

    def find(words: str) -> str | None:
        earlier = find_own_target(context, "Task")
        return earlier or prescription_list.find_renewal(portal, words, ask, label)

    if text is None or not text.strip():
        return act(prescription_list.choose_renewal(portal, text, ask, label))
    return act_on_meant(text, act, find)


def _build_labeller(context: AppContext) -> Callable[[Prescription], str]:
    """Return what words a prescription as a choice."""
    return partial(prescription_label, phrasing=context.output.phrasing)


def _show_notes(context: AppContext, notes: Sequence[str]) -> None:
    """Show below a table what it has no room for; lines and JSON have it in their fields."""
    if not (notes and context.output.is_for_person and context.output.fields is None):
        return
    for line in ("", *notes):
        context.output.show_text(line)


def _format_omissions(found: prescription_list.PrescriptionListing) -> Iterator[str]:
    """Yield what a list leaves out, and how to see it."""
    if found.inactive:
        them = "it" if found.inactive == 1 else "them"
        yield f"{found.inactive} more, in use no longer: --all shows {them}."
    if found.long_expired:
        are = _is_or_are(found.long_expired)
        yield f"{found.long_expired} that expired over 12 months ago {are} left out."
    if found.unknown_kind:
        are = _is_or_are(found.unknown_kind)
        yield f"{found.unknown_kind} whose kind is not told {are} left out."
    if found.unknown_surgery:
        are = _is_or_are(found.unknown_surgery)
        yield f"{found.unknown_surgery} whose surgery is not told {are} left out."
    if found.unknown_left:
        are = _is_or_are(found.unknown_left)
        yield f"{found.unknown_left} of which nothing tells what is left {are} left out."
    if found.proposed:
        are = _is_or_are(found.proposed)
        yield f"{found.proposed} that {are} only proposed, not prescribed, {are} left out."
    if found.in_error:
        was, are = ("was", "is") if found.in_error == 1 else ("were", "are")
        yield f"{found.in_error} that {was} entered in error {are} left out."


def _is_or_are(count: int) -> str:
    return "is" if count == 1 else "are"


def _collect_ids(context: AppContext, given: list[str] | None) -> tuple[str, ...] | None:
    """Return the given ids, with those on standard input in place of `-`; `None` = none given."""
    if not given:
        return None
    if given.count(STDIN) > 1:
        raise InvalidUsage("Standard input can be read once: - stands there twice.")
    return tuple(
        name for part in given for name in (_read_ids(context) if part == STDIN else [part])
    )


def _read_ids(context: AppContext) -> list[str]:
    """Read ids on standard input: the first field of each line that is not empty."""
    if context.output.terminal.stdin_tty:
        context.output.notice(
            "Write the ids, one a line, and end with Ctrl-D on a line of its own.", needed=True
        )
    try:
        text = context.claim_stdin().read(MAX_ID_CHARS + 1)
    except UnicodeDecodeError as error:
        raise InvalidUsage("Standard input is no text: it should hold ids, one a line.") from error
    context.restart_deadlines()
    if len(text) > MAX_ID_CHARS:
        raise InvalidUsage(f"Standard input is too long: {MAX_ID_CHARS} characters of ids at most.")
    return [name for line in text.splitlines() if (name := line.partition("\t")[0].strip())]


def _show_renewal(
    context: AppContext, outcome: Outcome[RenewalPlan], intent: UUID, waiting: Waiting | None
) -> None:
    """Show a result for each prescription, once the surgery has answered or time is up.

    Raises: the error of the whole; what ended the waiting; Rejected or Partial for what the surgery
    has refused meanwhile.
    """
    awaited = await_answer(context, waiting, outcome, _is_open, _fetch_answers)
    outcome = awaited.outcome
    items, sent = outcome.record.items, build_receipt(context, outcome, intent)
    error = overall_error(items, sent.request_id)
    if error is None or isinstance(error, ERRORS_AFTER_RESULTS):
        receipts = [item.to_receipt(context.zone.key, sent) for item in items]
        sentences = format_next_steps(outcome, context.output.time_format)
        context.output.show_receipts(RENEWAL_RECEIPTS, receipts, sentences, whole=error is not None)
    if error:
        raise error
    if waiting is not None and not outcome.dry_run:
        refused = [item.label for item in items if item.is_refused]
        if refused and len(refused) < len(items) and awaited.ending is None:
            raise Partial(f"The surgery has refused: {', '.join(refused)}.")
        awaited.finish(sent.request_id, "The surgery has refused it." if refused else None)


def _is_open(plan: RenewalPlan) -> bool:
    """Return whether the surgery has yet to answer a request."""
    return any(renewal.is_open for renewal in plan.written)


def _fetch_answers(portal: Portal, plan: RenewalPlan) -> RenewalPlan:
    """Return the plan with its requests as they are now."""
    current = {each.id: each for each in portal.prescriptions.fetch_renewals()}
    items = (
        replace(item, renewal=current.get(item.renewal.id, item.renewal)) if item.renewal else item
        for item in plan.items
    )
    return replace(plan, items=tuple(items))


def _show_withdrawal(context: AppContext, outcome: Outcome[Renewal], intent: UUID) -> None:
    """Show the receipt of a withdrawn request."""
    receipt = build_withdrawal_receipt(outcome.record, build_receipt(context, outcome, intent))
    context.output.show_receipt(WITHDRAWALS, receipt, _format_withdrawn(outcome))


def _format_withdrawn(outcome: Outcome[Renewal]) -> str:
    if outcome.dry_run:
        return format_dry_run(outcome.plan)
    name = outcome.record.prescription
    what = f": {name}" if name else ""
    return f"Withdrawn{what}." if outcome.changed else f"It was withdrawn already{what}."
