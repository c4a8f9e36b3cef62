"""Services, GPs and consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gpcli.model.day_names import format_day
from gpcli.model.receipt import ConsentReceipt
from gpcli.model.service import Absence, Consent, OpeningHours, Service, Standing, Surgery
from gpcli.render.phrasing import MARKS, Phrasing
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.wording import (
    format_plain_price,
    format_price,
    plan_columns,
    receipt_columns,
)

_STANDING_TEXTS = {
    Standing.OFFERED: "yes",
    Standing.NOT_OFFERED: "no",
    Standing.OFF_FOR_NOW: "off for now",
    Standing.CONSENT_NEEDED: "needs consent",
    Standing.NOT_PERMITTED: "not permitted",
    Standing.NOT_TOLD: "not told",
}
_USABLE = frozenset({Standing.OFFERED, Standing.NOT_TOLD})
_STYLES = {Standing.OFFERED: "green", Standing.NOT_OFFERED: "dim"}


def _format_standing(row: Service, time_format: TimeFormat) -> str:
    """Format whether it is offered, with the days of what is off for now."""
    text = _STANDING_TEXTS[row.status]
    if row.status is not Standing.OFF_FOR_NOW or not (row.off_from or row.off_until):
        return text
    if row.off_from and row.off_from > time_format.now:
        return f"off from {time_format.day(row.off_from)}"
    return f"off until {time_format.day(row.off_until)}" if row.off_until else text


def _format_command(row: Service, time_format: TimeFormat) -> str:
    """Format the command of what can be used, or the one that makes it so."""
    if row.status is Standing.CONSENT_NEEDED:
        return "gpcli consent grant"
    return row.command or "" if row.status in _USABLE else ""


def _format_price_cell(row: Service, time_format: TimeFormat) -> str:
    if row.status is Standing.NOT_OFFERED:
        return ""
    return format_price(row.price, time_format.phrasing)


def _format_rates(row: Service, time_format: TimeFormat) -> str:
    if row.price is None or row.status is Standing.NOT_OFFERED:
        return ""
    return "\n".join(row.price.worded_rates)


def _format_reason(row: Service, time_format: TimeFormat) -> str:
    """Format the reason; empty where the status says enough."""
    says_enough = {Standing.NOT_OFFERED, Standing.NOT_TOLD}
    return "" if row.status in says_enough else row.reason or ""


_SERVICE_COLUMNS: tuple[Column[Service], ...] = (
    Column("service", "Service", lambda row: row.service.value),
    Column(
        "status",
        "Offered",
        lambda row: row.status.value,
        _format_standing,
        style=lambda row: _STYLES.get(row.status, "yellow"),
        wraps=False,
    ),
    Column("gp", "GP", lambda row: row.surgery.gp or row.surgery.name, json_path="surgery"),
    Column(
        "price",
        "Price",
        lambda row: format_plain_price(row.price),
        _format_price_cell,
        wraps=False,
    ),
    Column("answer_time", "Answer", lambda row: row.answer_time),
    Column(
        "command",
        "Command",
        lambda row: row.command,
        _format_command,
        wraps=False,
        droppable=True,
    ),
    Column("reason", "Why not", lambda row: row.reason, _format_reason),
    Column("off_from", "Off from", lambda row: row.off_from),
    Column("off_until", "Off until", lambda row: row.off_until),
    Column("channels", "Ways", lambda row: row.channels),
)

_IN_TABLE = frozenset({"service", "status", "price", "command"})
"""The columns of a list; those of one service are all."""


def services_view(*, several_gps: bool, whole: bool = False) -> View[Service]:
    """Return the view of services, in a table for each GP where there are several.

    With `whole`, each is a block with all that is known of it.
    """
    return dataclass_view(
        Service,
        "services",
        tuple(
            replace(column, in_table=whole or column.name in _IN_TABLE)
            for column in (*_SERVICE_COLUMNS, *_SERVICE_TEXTS)
        ),
        blocks=whole,
        section=(lambda row: row.surgery.label) if several_gps else None,
        section_header="GP",
    )


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


_UNREADABLE = "(unreadable)"
"""Stands for a part of opening hours that the portal says in a way that can't be read."""


def format_opening_hours(line: OpeningHours, phrasing: Phrasing = MARKS) -> str:
    """Format opening hours, `mon–fri 08:00–15:00`; three or more days in a row are a range.

    Of times, only those are there that the portal says: `from 08:00`, `until 15:00`, `all day`.
    What can't be read is said to be so: `mon (unreadable)–15:00`.
    """
    days = ", ".join(line.days)
    if _are_consecutive(line.days):
        days = phrasing.range(line.days[0], line.days[-1])
    place = f"({line.place})" if line.place else ""
    days = days or (f"days {_UNREADABLE}" if "days" in line.unreadable else "")
    return " ".join(filter(None, (days, _format_times(line, phrasing), place)))


def _format_times(line: OpeningHours, phrasing: Phrasing) -> str:
    if line.all_day:
        return "all day"
    opens = line.opens or (_UNREADABLE if "opens" in line.unreadable else None)
    closes = line.closes or (_UNREADABLE if "closes" in line.unreadable else None)
    if opens and closes:
        return phrasing.range(opens, closes)
    if opens:
        return f"from {opens}"
    return f"until {closes}" if closes else _UNREADABLE if "all_day" in line.unreadable else ""


def format_absences(
    absences: tuple[Absence, ...], now: date | None = None, phrasing: Phrasing = MARKS
) -> tuple[str, ...]:
    """Format absences: `Sun 5 Jul 2027–Sun 25 Jul 2027 (Holidays)`, without the year of `now`."""
    return tuple(_format_absence(absence, now, phrasing) for absence in absences)


def _list_absences(row: Service | Surgery, time_format: TimeFormat) -> str:
    return "\n".join(format_absences(row.absences, time_format.now, time_format.phrasing))


def _format_absence(absence: Absence, now: date | None, phrasing: Phrasing) -> str:
    start, end = (
        format_day(each.date(), now) if each else "" for each in (absence.start, absence.end)
    )
    if start and end:
        when = start if start == end else phrasing.range(start, end)
    else:
        when = f"from {start}" if start else f"until {end}"
    return f"{when} ({absence.reason})" if absence.reason else when


def _are_consecutive(days: tuple[str, ...]) -> bool:
    """Return whether these are three or more days in a row, in the order of `WEEK`."""
    return len(days) > 2 and "".join(days) in "".join(WEEK)


def _format_lines(hours: tuple[OpeningHours, ...], phrasing: Phrasing = MARKS) -> tuple[str, ...]:
    return tuple(format_opening_hours(line, phrasing) for line in hours)


def _join_hours(hours: tuple[OpeningHours, ...], time_format: TimeFormat) -> str:
    return ", ".join(_format_lines(hours, time_format.phrasing))


_SERVICE_TEXTS: tuple[Column[Service], ...] = (
    Column("service_name", "Called", lambda row: row.service_name),
    Column("details", "Details", lambda row: row.details),
    Column(
        "hours",
        "Can be used",
        lambda row: _format_lines(row.hours),
        lambda row, time_format: _join_hours(row.hours, time_format),
    ),
    Column(
        "exceptions",
        "Exceptions",
        lambda row: row.exceptions,
        lambda row, _: "\n".join(row.exceptions),
    ),
    Column("absences", "Away", lambda row: format_absences(row.absences), _list_absences),
    Column("phones", "Phone", lambda row: row.phones),
    Column(
        "rates",
        "Rates",
        lambda row: row.price.worded_rates if row.price else (),
        _format_rates,
        json_path="price.rates",
    ),
)
"""What else the portal says of a service."""


SURGERIES: View[Surgery] = dataclass_view(
    Surgery,
    "gp",
    (
        Column("id", "ID", lambda surgery: surgery.id, in_table=False),
        Column("gp", "GP", lambda surgery: surgery.gp),
        Column("name", "Surgery", lambda surgery: surgery.name),
        Column("phones", "Phone", lambda surgery: surgery.phones),
        Column("addresses", "Address", lambda surgery: surgery.addresses),
        Column(
            "hours",
            "Open",
            lambda surgery: _format_lines(surgery.hours),
            lambda surgery, time_format: _join_hours(surgery.hours, time_format),
        ),
        Column("websites", "Website", lambda surgery: surgery.websites),
        Column("emails", "E-mail", lambda surgery: surgery.emails),
        Column(
            "gp_hours",
            "GP's hours",
            lambda surgery: _format_lines(surgery.gp_hours),
            lambda surgery, time_format: _join_hours(surgery.gp_hours, time_format),
        ),
        Column(
            "exceptions",
            "Exceptions",
            lambda surgery: surgery.exceptions,
            lambda surgery, _: "\n".join(surgery.exceptions),
        ),
        Column("absences", "Away", lambda row: format_absences(row.absences), _list_absences),
        Column("other_contacts", "Other", lambda surgery: surgery.other_contacts),
        Column(
            "remarks",
            "Note",
            lambda surgery: surgery.remarks,
            lambda surgery, _: "\n".join(surgery.remarks),
        ),
        Column("current", "Current", lambda surgery: surgery.current, for_people=False),
    ),
    blocks=True,
)

CONSENTS: View[Consent] = dataclass_view(
    Consent,
    "consents",
    (
        Column("id", "ID", lambda consent: consent.id),
        Column("level", "Level", lambda consent: consent.level),
        Column("status", "Status", lambda consent: consent.status),
        Column(
            "since",
            "Since",
            lambda consent: consent.since,
            lambda consent, time_format: time_format.recorded_day(consent.since, ""),
        ),
    ),
)

CONSENT_RECEIPT: View[ConsentReceipt] = dataclass_view(
    ConsentReceipt,
    "consent-receipt",
    (
        Column("id", "ID", lambda receipt: receipt.id),
        Column("level", "Level", lambda receipt: receipt.level),
        Column("status", "Status", lambda receipt: receipt.status),
        Column("since", "Since", lambda receipt: receipt.since, in_table=False),
        *receipt_columns(ConsentReceipt),
        *plan_columns(ConsentReceipt),
    ),
)
