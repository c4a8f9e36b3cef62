"""`outbox`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from gpcli import outbox
from gpcli.app_context import AppContext
from gpcli.cli.global_options import CommandRun
from gpcli.errors import GpcliError, InvalidUsage, OutcomeUnknown
from gpcli.model.receipt import OutboxRequest, OutboxState
from gpcli.render.views.account_views import OUTBOX, OUTBOX_PARTS


def _get_context(ctx: typer.Context) -> AppContext:
    """Return the context of a command that is about the outbox itself."""
    run: CommandRun = ctx.obj
    run.options.settles = True
    return run.context


RequestId = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID]", help="A request id, your own or the outbox's, or how that begins"
    ),
]


def list_requests(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is settled, oldest first")
    ] = False,
) -> None:
    """List requests whose outcome is not known, or that are done in part."""
    context = _get_context(ctx)
    found = outbox.read_outbox(context)
    shown = [each for each in found if everything or _is_unsettled(each)]
    context.output.show_list(OUTBOX, shown)
    if not shown:
        context.output.notice("There are none.")
    elif any(each.needs_settling for each in shown):
        context.output.notice("gpcli outbox settle asks the portal what became of them.")


def show(
    ctx: typer.Context,
    request: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A request id, your own or the outbox's, or how that begins"
        ),
    ],
) -> None:
    """Show one request: what it makes or changes, and the line that finishes it."""
    context = _get_context(ctx)
    found = outbox.find_request(context, outbox.read_outbox(context), request)
    context.output.show_item(OUTBOX, found)
    if context.output.is_text and context.options.fields is None:
        context.output.show_separator()
        context.output.show_list(OUTBOX_PARTS, found.parts)
    _note_rest(context, [found])


def settle(
    ctx: typer.Context,
    request: RequestId = None,
    done: Annotated[bool, typer.Option("--done", help="Say that it was done")] = False,
    not_done: Annotated[bool, typer.Option("--not-done", help="Say that it was not done")] = False,
) -> None:
    """Find out what became of requests; what may still come stays unknown (exit 10)."""
    context = _get_context(ctx)
    if done and not_done:
        raise InvalidUsage("--done and --not-done can't be used together.")
    if (done or not_done) and request is None:
        raise InvalidUsage("--done and --not-done need the ID of a request.")
    if context.output.answer_field_query(OUTBOX):
        return
    before = outbox.read_outbox(context)
    chosen = [each for each in before if each.needs_settling]
    if request is not None:
        chosen = [outbox.find_request(context, before, request)]
    failures: list[GpcliError] = []
    if done or not_done:
        outbox.mark(context, chosen[0], is_done=done)
    else:
        with ExitStack() as opened:
            failures = outbox.settle(context, chosen, partial(_open_sign_in, ctx.obj, opened))
    _show_settled(context, {each.request_id for each in chosen}, failures)


def _open_sign_in(run: CommandRun, opened: ExitStack, profile: str, account: str) -> AppContext:
    """Return the context of another sign-in on this computer, which `opened` closes."""
    options = replace(run.options, profile=profile, as_=account)
    return opened.enter_context(closing(run.build_context(options)))


def _show_settled(context: AppContext, chosen: set[str], failures: list[GpcliError]) -> None:
    """Show what is known of requests now; raise OutcomeUnknown if that is not all."""
    after = [each for each in outbox.read_outbox(context) if each.request_id in chosen]
    context.output.show_list(OUTBOX, after)
    if not after:
        context.output.notice("There are none.")
    _note_rest(context, [each for each in after if each.state is not OutboxState.UNKNOWN])
    unknown = [each for each in after if each.state is OutboxState.UNKNOWN]
    if not unknown:
        return
    why = " ".join(dict.fromkeys(each.message for each in failures))
    if not why:
        end = outbox.find_latest_end(context, [each.request_id for each in unknown])
        until = f" until {end:%H:%M}" if end else ""
        why = f"{_word_absence(unknown)}, and the portal may still be doing it{until}."
    hints = " ".join(dict.fromkeys(each.hint for each in failures if each.hint))
    again = "gpcli outbox settle looks again; with an ID and --done or --not-done you tell it."
    what = f"{len(unknown)} requests are" if len(unknown) > 1 else "1 request is"
    raise OutcomeUnknown(
        f"{what} still unknown. {why}",
        hint=f"{hints} {again}".strip(),
        request_id=_name(unknown[0]) if len(unknown) == 1 else None,
    )


def _word_absence(unknown: list[OutboxRequest]) -> str:
    """Say what of requests is not at the portal, beside what is done."""
    done = [part.what for each in unknown for part in each.parts if part.state is OutboxState.DONE]
    if not done:
        return "It is not there" if len(unknown) == 1 else "They are not there"
    return f"Done so far: {', '.join(done)}. The rest is not there"


def _note_rest(context: AppContext, requests: list[OutboxRequest]) -> None:
    """Write the lines that finish what is not done."""
    for each in requests:
        if each.state in {OutboxState.DONE, OutboxState.SENDING}:
            continue
        if each.state is OutboxState.UNKNOWN and not each.can_be_found:
            context.output.notice(
                "gpcli can't ask the portal for it: look there, then gpcli outbox settle "
                f"{_name(each)} with --done or --not-done."
            )
        elif each.repeat:
            context.output.notice(f"To finish it: {each.repeat}")
        elif each.command:
            context.output.notice(
                f"To finish it: the same gpcli {each.command} with --request-id {_name(each)}"
            )


def _name(request: OutboxRequest) -> str:
    """Return the id by which whoever sent a request knows it."""
    return request.own_id or request.request_id


def _is_unsettled(request: OutboxRequest) -> bool:
    return request.needs_settling or request.state is OutboxState.SENDING
