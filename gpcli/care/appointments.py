"""Which bookings to show, and picking one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gpcli.care.agreement import Asker
from gpcli.care.portal import Portal
from gpcli.errors import InputNeeded
from gpcli.model.appointment import Appointment


def listed(
    portal: Portal, now: datetime, *, past: bool, everything: bool, waiting: bool
) -> list[Appointment]:
    """What is to come and what waits; or the past, newest first; or all in order of time."""
    found = portal.appointments(None if past or everything else now.date())
    if waiting:
        found = [one for one in found if one.waiting]
    if past:
        return [one for one in reversed(found) if _begun(one, now)]
    return found if everything else [one for one in found if not _ended(one, now)]


@dataclass(frozen=True)
class Picking:
    """What can be picked from a list, the question, and what to say when there is none."""

    fits: Callable[[Appointment, datetime], bool]
    question: str
    none: str


def pick(
    portal: Portal,
    appointment: str | None,
    now: datetime,
    asker: Asker,
    label: Callable[[Appointment], str],
    picking: Picking | None = None,
) -> str:
    """The id given, or one picked from a list; of what is to come, unless `picking` says else.

    Raises InputNeeded.
    """
    picking = picking or COMING
    if appointment is not None and appointment.strip():
        return appointment
    hint = "gpcli appointments list shows the ids."
    if appointment is not None or not asker.allowed:
        raise InputNeeded("An appointment's id is needed.", hint=hint)
    found = portal.appointments(now.date())
    fitting = [one for one in found if not one.over and picking.fits(one, now)]
    if not fitting:
        raise InputNeeded(picking.none, hint=hint)
    choices = [(str(one.id), label(one)) for one in fitting]
    return asker.choose(picking.question, choices, flag="ID")


def _begun(one: Appointment, now: datetime) -> bool:
    return one.start is not None and one.start <= now


def _ended(one: Appointment, now: datetime) -> bool:
    return one.end is not None and one.end <= now


COMING = Picking(
    lambda one, now: not _ended(one, now),
    "Which appointment?",
    "There is no coming appointment to choose from.",
)
