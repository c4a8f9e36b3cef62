"""`today`, `next`."""

from __future__ import annotations

from functools import partial

import typer

from gpcli.care.appointments import find_next_visit
from gpcli.care.today import fetch_day
from gpcli.cli.global_options import get_context
from gpcli.cli.result_output import require_complete
from gpcli.errors import NotFound, Partial
from gpcli.render.views.appointment_views import APPOINTMENTS
from gpcli.render.views.day_views import DAY


def today(ctx: typer.Context) -> None:
    """Show what is new, what comes next, waits for the surgery, is unread, runs out."""
    context = get_context(ctx)
    if context.output.answer_field_query(DAY):
        return
    from gpcli.cli.change_commands import (  # noqa: PLC0415  (start-up: `next` needs none of it)
        peek_at_changes,
    )

    day = fetch_day(
        context.portal, context.now(), context.zone.key, partial(peek_at_changes, context)
    )
    context.output.show_item(DAY, day)
    require_complete(context)
    if not day.is_whole:
        raise Partial("This is not all: the portal failed to send some of it.", hint="Try again.")


def next_visit(ctx: typer.Context) -> None:
    """Show the next visit that the surgery has confirmed."""
    context = get_context(ctx)
    if context.output.answer_field_query(APPOINTMENTS):
        return
    now = context.now()
    found = find_next_visit(context.portal.fetch_appointments(now.date()), now)
    if found is None:
        require_complete(context)
        raise NotFound("No visit is booked.", hint="gpcli appointments list shows what waits.")
    context.output.show_item(APPOINTMENTS, found)
    require_complete(context)
