"""`appointments`, `cancel`: what is booked, and giving it back."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.care import cancelling
from gpcli.care.appointments import listed, pick
from gpcli.care.offers import called
from gpcli.cli.options import session_of
from gpcli.cli.receipts import show_appointment
from gpcli.errors import Usage
from gpcli.model.appointment import Appointment
from gpcli.render.views.times import APPOINTMENTS, RECEIPT, appointment_label
from gpcli.session import Session

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
    step = cancelling.propose(session.portal, identity, intent, session.now, gp=gp)
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
