"""Which bookings to show, and picking one of them."""

from __future__ import annotations

from collections.abc import Callable
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


def pick(
    portal: Portal,
    appointment: str | None,
    now: datetime,
    asker: Asker,
    label: Callable[[Appointment], str],
) -> str:
    """The id given, or one picked from a list of what is to come; raises InputNeeded."""
    if appointment is not None and appointment.strip():
        return appointment
    hint = "gpcli appointments list shows the ids."
    if appointment is not None or not asker.allowed:
        raise InputNeeded("An appointment's id is needed.", hint=hint)
    found = portal.appointments(now.date())
    coming = [one for one in found if not one.over and not _ended(one, now)]
    if not coming:
        raise InputNeeded("There is no coming appointment to choose from.", hint=hint)
    choices = [(str(one.id), label(one)) for one in coming]
    return asker.choose("Which appointment?", choices, flag="ID")


def _begun(one: Appointment, now: datetime) -> bool:
    return one.start is not None and one.start <= now


def _ended(one: Appointment, now: datetime) -> bool:
    return one.end is not None and one.end <= now
