"""`services`, `gp`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care.offers import (
    describe_limits,
    filter_by_gp,
    find_hidden_commands,
    find_surgeries,
    has_no_online_service,
    list_services,
    parse_service,
    require_service,
)
from gpcli.cli.commands.registry import command_needs, command_services
from gpcli.cli.global_options import get_context
from gpcli.cli.result_output import require_complete
from gpcli.errors import GpcliError
from gpcli.model.service import Offers, Service, ServiceName, Standing, Surgery
from gpcli.render.views.service_views import SURGERIES, services_view

OneService = Annotated[
    str | None,
    typer.Argument(
        metavar="[SERVICE]",
        help="Only this one, with all that is known; exit 5 if it can't be used: "
        + ", ".join(ServiceName),
    ),
]


def services(ctx: typer.Context, service: OneService = None) -> None:
    """List what your GPs offer online, what they do not, and why."""
    context = get_context(ctx)
    offers = context.portal.fetch_offers()
    store_offers(context, offers)
    ours = filter_by_gp(offers, context.options.gp)
    named = parse_service(service) if service is not None else None
    rows = [row for row in list_services(ours, context.now()) if named in {None, row.service}]
    if named:
        require_service(ours, named, context.now())
    view = services_view(several_gps=len(ours.surgeries) > 1, whole=named is not None)
    context.output.show_list(view, rows)
    if named is None:
        if rows and context.output.is_for_person:
            context.output.show_separator()
        note_offers(context, rows, ours.surgeries)
    else:
        note_ended(context, ours.surgeries)
    require_complete(context)


OFFERS_KEPT = 24 * 3600
"""Seconds for which help and completion rely on stored offers."""


def store_offers(context: AppContext, offers: Offers) -> None:
    """Write into the offer index what is not offered, and the GPs' names; warn if that fails."""
    hidden = find_hidden_commands(offers, context.now(), command_services(), command_needs())
    until = context.timestamp() + OFFERS_KEPT
    gps = dict.fromkeys(surgery.gp for surgery in offers.surgeries if surgery.gp)
    try:
        context.index.write_hidden(context.index_key, context.identity.patient, hidden, until, gps)
    except (OSError, GpcliError) as error:
        why = error.message if isinstance(error, GpcliError) else f"{error.strerror}."
        context.output.warning(f"What is offered can't be kept for help: {why}")


def gp(ctx: typer.Context) -> None:
    """Show your GPs: names, addresses, phones, opening hours."""
    context = get_context(ctx)
    surgeries = find_surgeries(context.portal.fetch_surgeries(), context.options.gp)
    context.output.show_list(SURGERIES, surgeries)
    if not surgeries:
        context.output.notice(NO_GP_NOTICE)
    require_complete(context)


NOT_TOLD_NOTICE = (
    "The portal does not say which services its GPs offer: what is not told can be tried."
)
NO_GP_NOTICE = "The portal's record of you names no GP."
NO_ONLINE_NOTICE = "Your GP offers no online services. This is how to reach the surgery:"


def note_offers(
    context: AppContext, rows: Sequence[Service], surgeries: tuple[Surgery, ...]
) -> None:
    """Say where the portal does not tell what its GPs offer, or that they offer nothing online.

    GPs who are not current are said first. A person at a terminal, and whoever has nothing online,
    is told what can't be used now and how to reach the surgeries. `rows` are all services of all
    GPs.
    """
    note_ended(context, surgeries)
    if any(row.status is Standing.NOT_TOLD for row in rows):
        context.output.notice(NOT_TOLD_NOTICE)
    has_none = has_no_online_service(rows)
    if has_none:
        context.output.notice(NO_ONLINE_NOTICE if surgeries else NO_GP_NOTICE)
    if not (has_none or context.output.is_for_person):
        return
    for sentence in describe_limits(rows):
        context.output.notice(sentence)
    show_contacts(context, surgeries)


def note_ended(context: AppContext, surgeries: Sequence[Surgery]) -> None:
    """Say what the portal says of GPs who are not current."""
    for surgery in surgeries:
        for remark in () if surgery.current else surgery.remarks:
            context.output.notice(remark)


def show_contacts(context: AppContext, surgeries: tuple[Surgery, ...]) -> None:
    """Show how to reach each surgery, a line each."""
    for surgery in surgeries:
        contact = [surgery.label, *surgery.phones, *surgery.addresses, *surgery.websites]
        context.output.notice(context.output.phrasing.join(contact))
