"""Joining a consultation: when the link of one by video is opened, what is known of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gpcli.care.appointments import ChoicePrompt, choose_appointment
from gpcli.care.confirmation import Asker
from gpcli.care.econsult import PHONE, VIDEO, find_written
from gpcli.care.offers import list_services
from gpcli.care.portal_protocol import Portal
from gpcli.errors import BadResponse, InputNeeded, NotFound, NotPermitted, Rejected
from gpcli.model.appointment import Appointment, Call, Joining
from gpcli.model.service import Offers

OPENS_BEFORE = timedelta(minutes=10)
"""How long before its start the link of a video consultation is opened."""

_IN_WRITING = "gpcli messages list shows those in writing."


def fetch_joining(portal: Portal, appointment_id: str, now: datetime) -> Joining:
    """Fetch how a consultation by video or phone is joined.

    Raises: NotFound; Rejected if it is over, not confirmed, neither by video nor by phone, or has
    no link yet.
    """
    try:
        appointment = portal.fetch_appointment(appointment_id)
    except NotFound:
        if thread := find_written(portal, appointment_id):
            raise _in_writing(str(thread.id), f"gpcli messages show {thread.id}") from None
        raise
    _check_under_way(appointment, now)
    if appointment.channel == PHONE:
        return Joining(appointment, None, None, _fetch_call(portal, appointment, now))
    if appointment.join_url is None:
        hint = f"gpcli appointments show {appointment.id}"
        raise Rejected(f"The surgery has given no link to {appointment.id} yet.", hint=hint)
    return Joining(appointment, appointment.join_url, _opening_time(appointment), None)


def _check_under_way(appointment: Appointment, now: datetime) -> None:
    """Raise Rejected if it is over, not confirmed, or held in a way that nobody joins."""
    hint = f"gpcli appointments show {appointment.id}"
    if appointment.status == "cancelled":
        raise Rejected(f"{appointment.id} is cancelled.", hint=hint)
    if appointment.is_over or _has_ended(appointment, now):
        raise Rejected(f"{appointment.id} is over.", hint=hint)
    if appointment.channel == "text":
        raise _in_writing(str(appointment.id), _IN_WRITING)
    if appointment.channel not in {PHONE, VIDEO, None}:
        raise Rejected(f"{appointment.id} is neither by video nor by phone.", hint=hint)
    if appointment.is_waiting:
        raise Rejected(f"The surgery has not confirmed {appointment.id} yet.", hint=hint)


def _in_writing(identity: str, hint: str) -> Rejected:
    return Rejected(f"{identity} is in writing: it is among your messages.", hint=hint)


def _has_ended(appointment: Appointment, now: datetime) -> bool:
    """Return whether its time is past; without an end, that of its length, where it is told."""
    start, minutes = appointment.start, appointment.minutes
    end = appointment.end or (start and minutes and start + timedelta(minutes=minutes))
    return bool(end and end <= now)


def _opening_time(appointment: Appointment) -> datetime | None:
    return appointment.start - OPENS_BEFORE if appointment.start else None


def _fetch_call(portal: Portal, appointment: Appointment, now: datetime) -> Call:
    """Fetch what the portal tells of a call, in one round trip."""
    try:
        offers = portal.fetch_offers()
        return Call(portal.fetch_phones(), _surgery_words(offers, appointment, now))
    except (NotFound, NotPermitted, BadResponse):  # the consultation takes place all the same
        return Call(None, ())


def _surgery_words(offers: Offers, appointment: Appointment, now: datetime) -> tuple[str, ...]:
    """Return what the surgery says of the appointment's service, in its own words, each once."""
    words = (
        service.details or service.answer_time
        for service in list_services(offers, now)
        if service.service == appointment.service
        and appointment.surgery_id in {None, service.surgery.id}
    )
    return tuple(dict.fromkeys(filter(None, words)))


def choose_to_join(
    portal: Portal,
    appointment_id: str | None,
    now: datetime,
    asker: Asker,
    label: Callable[[Appointment], str],
) -> str:
    """Return the id given, that of the only one that can be joined, or let the person choose.

    Where one video consultation alone is open now, it is that. Those by phone, which have no link,
    count only before a person. `label` words an appointment for the list.
    Raises: InputNeeded if there is none, or several and nobody can be asked.
    """
    if appointment_id is not None:
        return choose_appointment(portal, appointment_id, now, asker, label)
    found = [each for each in portal.fetch_appointments(now.date()) if not each.is_over]
    by_video = [each for each in found if _has_open_link(each, now)]
    calls = [each for each in found if _is_call(each, now)]
    open_now = [each for each in by_video if (_opening_time(each) or now) <= now]
    joinable = by_video + (calls if asker.can_ask else [])
    for candidates in (open_now, joinable):
        if len(candidates) == 1:
            return str(candidates[0].id)
    if not joinable:
        raise InputNeeded("There is no video consultation to join.", hint=_other_ways(found, calls))
    if not asker.can_ask:
        ids = ", ".join(str(each.id) for each in joinable)
        hint = f"Name one: gpcli econsult join {joinable[0].id}"
        raise InputNeeded(f"Several can be joined: {ids}.", hint=hint)
    choices = [(str(each.id), label(each)) for each in joinable]
    return asker.choose("Which consultation?", choices, flag="ID")


def _is_joinable(appointment: Appointment) -> bool:
    """Return whether it is held by video or phone, as far as is told."""
    return appointment.channel in {VIDEO, PHONE} or appointment.join_url is not None


TO_JOIN = ChoicePrompt(
    lambda appointment, now: not (appointment.is_waiting or _has_ended(appointment, now)),
    "Which consultation?",
    "There is no video consultation to join.",
    is_kind=_is_joinable,
)
"""What a name may stand for that is to be joined."""


def _has_open_link(appointment: Appointment, now: datetime) -> bool:
    """Return whether the surgery has confirmed it and given its link, and it has not ended."""
    has_link = appointment.join_url is not None and appointment.channel in {VIDEO, None}
    return has_link and not appointment.is_waiting and not _has_ended(appointment, now)


def _is_call(appointment: Appointment, now: datetime) -> bool:
    is_confirmed = not appointment.is_waiting and not _has_ended(appointment, now)
    return appointment.channel == PHONE and is_confirmed


def _other_ways(found: Sequence[Appointment], calls: Sequence[Appointment]) -> str:
    """Return a hint on what is under way and can't be joined by a link."""
    if calls:
        return f"{calls[0].id} is by phone: gpcli econsult join {calls[0].id}"
    waiting = [each for each in found if each.channel == VIDEO and each.is_waiting]
    if waiting:
        return f"The surgery has not confirmed {waiting[0].id} yet."
    return f"gpcli appointments list shows what is to come. {_IN_WRITING}"
