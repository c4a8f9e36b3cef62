"""`appointments`, `cancel`."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.app_context import Session
from gpcli.care import appointments
from gpcli.care.appointments import listed, pick
from gpcli.care.offers import called
from gpcli.cli.global_options import session_of
from gpcli.cli.receipt_output import show_appointment
from gpcli.errors import Usage
from gpcli.model.appointment import Appointment
from gpcli.render.ics import calendar
from gpcli.render.views.appointment_views import APPOINTMENTS, RECEIPT, appointment_label

Id = Annotated[str | None, typer.Argument(metavar="[ID]", help="An appointment's id")]


def list_appointments(
    ctx: typer.Context,
    past: Annotated[bool, typer.Option("--past", help="Those of the past, newest first")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Past and coming")] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only what the surgery has not confirmed")
    ] = False,
) -> None:
    """List bookings and enquiries, also those made by phone."""
    session = session_of(ctx)
    if past and waiting:
        raise Usage("What is past does not wait: --past and --waiting exclude each other.")
    found = listed(session.portal, session.now(), past=past, everything=everything, waiting=waiting)
    found = _at_gp(session, found)
    if not session.output.show_list(APPOINTMENTS, found):
        session.output.notice("There are none.")
    session.check_whole()


def show(ctx: typer.Context, appointment: Id = None) -> None:
    """Show one booking or enquiry."""
    session = session_of(ctx)
    identity = _picked(session, appointment)
    session.output.show_item(APPOINTMENTS, session.portal.appointment(identity))
    session.check_whole()


def cancel(ctx: typer.Context, appointment: Id = None) -> None:
    """Cancel a booking or withdraw an enquiry."""
    session = session_of(ctx)
    if session.output.names_only(RECEIPT):
        return
    identity = _picked(session, appointment)
    intent = session.intent("cancel")
    gp = session.options.gp
    step = appointments.propose(session.portal, identity, intent, session.now, gp=gp)
    show_appointment(session, session.carry_out(step), intent)


def _picked(session: Session, appointment: str | None) -> str:
    now = session.now()
    return pick(
        session.portal, appointment, now, session.ask, lambda one: appointment_label(one, now)
    )


def _at_gp(session: Session, found: list[Appointment]) -> list[Appointment]:
    if session.options.gp is None:
        return found
    ours = {surgery.id for surgery in called(session.portal.surgeries(), session.options.gp)}
    return [one for one in found if one.surgery_id in ours]


FORMATS = ("json", "ndjson", "plain", "fields")
"""The options that choose how an answer looks, which a calendar does not leave open."""


def export(
    ctx: typer.Context,
    details: Annotated[
        bool, typer.Option("--details", help="Also say with whom, where and how")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Past and coming")] = False,
) -> None:
    """Write coming appointments as iCalendar."""
    session = session_of(ctx)
    for name in FORMATS:
        if getattr(session.options, name) not in {None, False}:
            raise Usage(
                f"The answer is a calendar (text/calendar): --{name} has no meaning here.",
                hint="gpcli appointments list answers in other formats.",
            )
    found = listed(session.portal, session.now(), past=False, everything=everything, waiting=False)
    if session.options.gp is not None:
        ours = {each.id for each in called(session.portal.surgeries(), session.options.gp)}
        found = [one for one in found if one.surgery_id in ours]
    timed = [one for one in found if one.start is not None]
    document = calendar(
        timed,
        portal=session.profile.portal,
        zone=session.zone.key,
        now=session.now(),
        details=details,
        addresses=_addresses(session) if details and timed else {},
    )
    session.output.document(document)
    if not timed:
        session.output.notice("There are none.")
    if len(timed) < len(found):
        session.output.notice(f"{len(found) - len(timed)} without a time yet left out.")
    session.check_whole()


def _addresses(session: Session) -> dict[str, str]:
    """Where the patient's GPs are, by their ids."""
    return {each.id: each.addresses[0] for each in session.portal.surgeries() if each.addresses}
