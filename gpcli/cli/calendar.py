"""`appointments export`: coming appointments for a calendar."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.care.appointments import listed
from gpcli.care.offers import called
from gpcli.cli.options import session_of
from gpcli.errors import Usage
from gpcli.render.ics import calendar
from gpcli.session import Session

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
