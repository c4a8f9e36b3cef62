"""What matters today, each with the command for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gpcli.model.appointment import Appointment
from gpcli.model.day import Day
from gpcli.model.service import ServiceName
from gpcli.render.phrasing import Phrasing
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.appointment_views import format_appointment_time, format_way
from gpcli.render.views.change_views import change_line
from gpcli.render.views.renewal_views import format_renewal_status
from gpcli.render.views.thread_views import NO_SUBJECT
from gpcli.render.views.wording import acting_name, format_acting_user

MOST_LINES = 4
"""The most lines of one kind: all of a day is on one screen."""


def _format_gps(day: Day, time_format: TimeFormat) -> str:
    phone = "phone " if time_format.phrasing.in_words else ""
    lines = (
        line
        for surgery in day.surgeries
        for line in (surgery.label, *(f"{phone}{each}" for each in surgery.phones))
    )
    return "\n".join(lines) or "none on record"


def _format_changes(day: Day, time_format: TimeFormat) -> str:
    lines = [change_line(each, time_format) for each in day.changes or ()]
    return _with_command(lines, ("more with", "gpcli changes"), time_format.phrasing)


def _format_visit(appointment: Appointment, time_format: TimeFormat) -> str:
    when = format_appointment_time(appointment, time_format)
    how = format_way(appointment.channel)
    return ", ".join(filter(None, (when, how, appointment.practitioner)))


def _format_next(day: Day, time_format: TimeFormat) -> str:
    if day.next is None:
        if not day.has_all_appointments:
            return ""
        return _with_command(["none booked"], _find_booking(day), time_format.phrasing)
    visit = _format_visit(day.next, time_format)
    return _with_command([visit], ("more with", "gpcli next"), time_format.phrasing)


def _find_booking(day: Day) -> tuple[str, str] | None:
    """Return the command for a visit, with the words for it; `None` = no GP offers one."""
    if ServiceName.BOOKING in day.startable:
        return "book with", "gpcli book"
    is_asked_for = ServiceName.BOOKING_ENQUIRY in day.startable
    return ("ask for one with", "gpcli book --enquiry") if is_asked_for else None


def _find_next_start(day: Day) -> datetime | None:
    return day.next.start if day.next else None


def _find_next_id(day: Day) -> str | None:
    return day.next.id if day.next else None


def _list_waiting(day: Day) -> tuple[str, ...]:
    visits = (each.id for each in day.waiting or ())
    return tuple(map(str, (*visits, *(each.id for each in day.requests or ()))))


def _format_waiting(day: Day, time_format: TimeFormat) -> str:
    visits = [_format_visit(each, time_format) for each in day.waiting or ()]
    renewals = [
        f"{each.prescription or each.id}: renewal {format_renewal_status(each)}"
        for each in day.requests or ()
    ]
    lines = (
        _with_command(
            visits, ("more with", "gpcli appointments list --waiting"), time_format.phrasing
        ),
        _with_command(renewals, ("more with", "gpcli rx requests --open"), time_format.phrasing),
    )
    return "\n".join(filter(None, lines))


def _format_unread(day: Day, time_format: TimeFormat) -> str:
    subjects = [each.subject or NO_SUBJECT for each in day.unread or ()]
    return _with_command(subjects, ("read with", "gpcli messages show"), time_format.phrasing)


def _format_running_out(day: Day, time_format: TimeFormat) -> str:
    lines = [f"{each.label}: {each.left_to_fetch}" for each in day.running_out or ()]
    is_renewed = ServiceName.PRESCRIPTION_RENEWAL in day.startable
    command = ("more with", "gpcli rx list --low")
    if is_renewed and day.can_renew_low:
        command = ("renew with", "gpcli rx renew --low")
    return _with_command(lines, command, time_format.phrasing)


def _with_command(lines: Iterable[str], command: tuple[str, str] | None, phrasing: Phrasing) -> str:
    """Return the first lines, how many more there are, and the command for them, indented.

    `command` is the words for it, and the command; `None` = there is none. Nothing without lines.
    """
    told = list(lines)
    if not told:
        return ""
    more = [phrasing.word_more(len(told) - MOST_LINES)] if len(told) > MOST_LINES else []
    if command:
        more.append(" ".join(command) if phrasing.in_words else f"  {command[1]}")
    return "\n".join([*told[:MOST_LINES], *more])


DAY: View[Day] = dataclass_view(
    Day,
    "today",
    (
        Column(
            "changes",
            "New",
            lambda day: tuple(change.id for change in day.changes or ()),
            _format_changes,
            style="bold green",
        ),
        Column("patient", "For", lambda day: day.patient.name, style="bold"),
        Column("acting_user", "By", acting_name, format_acting_user),
        Column(
            "gp",
            "GP",
            lambda day: tuple(surgery.label for surgery in day.surgeries),
            _format_gps,
            json_path="surgeries",
        ),
        Column(
            "phones",
            "Phone",
            lambda day: tuple(phone for surgery in day.surgeries for phone in surgery.phones),
            for_people=False,
            json_path="surgeries",
        ),
        Column("next", "Next visit", _find_next_start, _format_next),
        Column("next_id", "Its ID", _find_next_id, for_people=False),
        Column("waiting", "Waiting", _list_waiting, _format_waiting, style="yellow"),
        Column(
            "unread",
            "Unread",
            lambda day: tuple(str(thread.id) for thread in day.unread or ()),
            _format_unread,
            style="bold",
        ),
        Column(
            "running_out",
            "Runs out",
            lambda day: tuple(str(each.id) for each in day.running_out or ()),
            _format_running_out,
            style="yellow",
        ),
        Column(
            "not_shown",
            "Not shown",
            lambda day: day.not_shown,
            lambda day, _: "\n".join(day.not_shown),
        ),
    ),
)
