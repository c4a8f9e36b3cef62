"""`appointments`, `cancel`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care import appointments
from gpcli.care.appointments import fetch_appointments
from gpcli.care.confirmation import Decision
from gpcli.care.offers import find_surgeries
from gpcli.care.portal_protocol import Portal
from gpcli.cli.global_options import get_context
from gpcli.cli.listed_records import keep_listed
from gpcli.cli.meant_visits import act_on_appointment
from gpcli.cli.result_output import require_complete, show_appointment
from gpcli.cli.waiting import Every, Wait, Waiting, parse_waiting, wait_for
from gpcli.config import index_format
from gpcli.config.settings import FORMATS, word_format
from gpcli.errors import InvalidUsage, Partial
from gpcli.model.appointment import Appointment
from gpcli.render.ics import build_calendar
from gpcli.render.views.appointment_views import APPOINTMENTS, RECEIPT

Id = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID]",
        help="An id or its beginning; next, tomorrow or a day; or words of its subject, reason, "
        "service, way or of whom it is with",
    ),
]


def list_appointments(
    ctx: typer.Context,
    past: Annotated[bool, typer.Option("--past", help="Those of the past, newest first")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Past and coming")] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only what the surgery has not confirmed")
    ] = False,
) -> None:
    """List bookings and enquiries, also those made by phone."""
    context = get_context(ctx)
    if past and waiting:
        raise InvalidUsage("What is past does not wait: --past and --waiting exclude each other.")
    found = fetch_appointments(
        context.portal, context.now(), past=past, everything=everything, waiting=waiting
    )
    found = _filter_by_gp(context, found)
    shown = context.output.show_list(APPOINTMENTS, found)
    keep_listed(context, index_format.APPOINTMENTS, found, lambda each: each.status)
    require_complete(context, is_empty=not shown)


def show(
    ctx: typer.Context, appointment: Id = None, wait: Wait = None, every: Every = None
) -> None:
    """Show one booking or enquiry."""
    context = get_context(ctx)
    waiting = parse_waiting(context, wait, every)
    found = act_on_appointment(
        context, appointment, context.portal.fetch_appointment, looks_back=True
    )
    before = found
    if waiting is not None:
        found = _await_change(context, waiting, found)
    context.output.show_item(APPOINTMENTS, found)
    require_complete(context)
    if waiting is not None and found is before and not found.is_over:
        raise Partial(
            "Nothing has changed in the time that was waited for.",
            hint=f"gpcli appointments show {found.id} --wait 8h goes on waiting.",
        )


def _await_change(context: AppContext, waiting: Waiting, shown: Appointment) -> Appointment:
    """Return an appointment once it is not as it was, or when the time is up."""

    def ask(portal: Portal) -> Appointment | None:
        now = portal.fetch_appointment(str(shown.id))
        return None if replace(now, version=shown.version) == shown else now

    if shown.is_over:
        context.output.notice("It is over: there is nothing to wait for.")
        return shown
    changed = wait_for(context, waiting, ask)
    context.sending.note_told(changed or shown)
    return changed or shown


def cancel(ctx: typer.Context, appointment: Id = None) -> None:
    """Cancel a booking or withdraw an enquiry."""
    context = get_context(ctx)
    if context.output.answer_field_query(RECEIPT):
        return
    intent = context.sending.intent("cancel")

    def propose(appointment_id: str) -> Decision[Appointment]:
        return appointments.propose_cancellation(
            context.portal, appointment_id, intent, context.now, gp=context.options.gp
        )

    decision = act_on_appointment(context, appointment, propose)
    show_appointment(context, context.sending.confirm_and_send(decision), intent, decision)


def _filter_by_gp(context: AppContext, found: list[Appointment]) -> list[Appointment]:
    """Return the appointments at surgeries of the GP that `--gp` names; all without it."""
    if context.options.gp is None:
        return found
    ours = {
        surgery.id
        for surgery in find_surgeries(context.portal.fetch_surgeries(), context.options.gp)
    }
    return [appointment for appointment in found if appointment.surgery_id in ours]


def export(
    ctx: typer.Context,
    details: Annotated[
        bool, typer.Option("--details", help="Also say with whom, where and how")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Past and coming")] = False,
) -> None:
    """Write coming appointments as iCalendar."""
    context = get_context(ctx)
    for name in (*FORMATS, "fields"):
        if getattr(context.options, name) not in {None, False}:
            raise InvalidUsage(
                f"The answer is a calendar (text/calendar): {word_format(name)} has no meaning "
                "here.",
                hint="gpcli appointments list answers in other formats.",
            )
    found = fetch_appointments(
        context.portal, context.now(), past=False, everything=everything, waiting=False
    )
    found = _filter_by_gp(context, found)
    timed = [appointment for appointment in found if appointment.start is not None]
    document = build_calendar(
        timed,
        portal=context.profile.portal,
        zone=context.zone.key,
        now=context.now(),
        details=details,
        addresses=_fetch_addresses(context) if details and timed else {},
    )
    context.output.show_document(document)
    if len(timed) < len(found):
        context.output.notice(
            f"{len(found) - len(timed)} without a time yet left out.", needed=True
        )
    require_complete(context, is_empty=not timed)


def _fetch_addresses(context: AppContext) -> dict[str, str]:
    """Fetch the address of each of the patient's surgeries, by its id."""
    return {
        surgery.id: surgery.addresses[0]
        for surgery in context.portal.fetch_surgeries()
        if surgery.addresses
    }
