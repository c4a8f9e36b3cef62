"""Slots, appointments, and what sending one left."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from gpcli.model.appointment import Appointment, FluAnswer, Slot
from gpcli.model.receipt import AppointmentReceipt
from gpcli.model.service import ServiceName
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, record_view
from gpcli.render.views.wording import (
    STATUS_STYLE,
    price_cell,
    price_words,
    sending_columns,
    status_words,
)

Kind = TypeVar("Kind", bound=Appointment)


def _slot_time(slot: Slot, time_format: TimeFormat) -> str:
    return time_format.period(slot.start, slot.end, slot.zone)


SLOTS: View[Slot] = record_view(
    Slot,
    "slots",
    (
        Column("id", "ID", lambda slot: slot.id),
        Column("start", "When", lambda slot: slot.start, _slot_time),
        Column("end", "End", lambda slot: slot.end, in_table=False),
        Column("zone", "Zone", lambda slot: slot.zone, in_table=False),
        Column("service", "Service", lambda slot: slot.service, in_table=False),
        Column("channel", "Way", lambda slot: slot.channel),
        Column("practitioner", "With", lambda slot: slot.practitioner),
        Column("surgery", "Surgery", lambda slot: slot.surgery, spare=True),
        Column("location", "Where", lambda slot: slot.location, in_table=False),
    ),
)


def slot_label(slot: Slot, now: datetime) -> str:
    """A slot as one line to pick from."""
    parts = (_slot_time(slot, TimeFormat(now)), slot.practitioner, slot.channel, slot.surgery)
    return " · ".join(filter(None, parts))


def appointment_label(one: Appointment, now: datetime) -> str:
    """An appointment as one line to pick from."""
    about = (one.practitioner, one.subject, status_words(one.status))
    parts = (_when(one, TimeFormat(now)), *about)
    return " · ".join(filter(None, parts))


def _when(one: Appointment, time_format: TimeFormat) -> str:
    if one.start is None and one.requested:
        wished = time_format.period(one.requested[0].start, one.requested[-1].end, one.zone)
        return f"wished: {wished}"
    return time_format.period(one.start, one.end, one.zone)


def _until(one: Appointment, time_format: TimeFormat) -> str:
    return time_format.time(one.cancel_until, one.zone) if not one.over else ""


def _status(one: Appointment, time_format: TimeFormat) -> str:
    return status_words(one.status) if one.id else "not sent"


def _not_plain(one: Appointment) -> bool:
    """Whether the list has to tell that it is not seeing the GP at a booked time."""
    return one.service not in {None, ServiceName.BOOKING}


def _columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    return (
        Column("id", "ID", lambda one: one.id),
        Column("start", "When", lambda one: one.start, _when),
        Column("end", "End", lambda one: one.end, for_people=False),
        Column(
            "status",
            "Status",
            lambda one: one.status,
            _status,
            style=lambda one: STATUS_STYLE.get(one.status, "") if one.id else "",
        ),
        Column("service", "Service", lambda one: one.service, in_table=_not_plain),
        Column("channel", "Way", lambda one: one.channel),
        Column("practitioner", "With", lambda one: one.practitioner),
        Column("surgery", "Surgery", lambda one: one.surgery, spare=True),
        Column("location", "Where", lambda one: one.location, in_table=False),
        Column("reason", "Reason", lambda one: one.reason, in_table=False),
        Column("answer", "Answer", lambda one: one.answer, in_table=False),
        Column(
            "cancel_until", "Cancel until", lambda one: one.cancel_until, _until, in_table=False
        ),
        Column("join_url", "Join at", lambda one: one.join_url, in_table=False),
        Column("slot_id", "Slot", lambda one: one.slot_id, in_table=False),
        Column("created", "Made", lambda one: one.created, in_table=False),
        Column("zone", "Zone", lambda one: one.zone, for_people=False),
        Column("subject", "Subject", lambda one: one.subject, in_table=False),
    )


APPOINTMENTS: View[Appointment] = record_view(
    Appointment,
    "appointments",
    _columns(Appointment),
)

RECEIPT: View[AppointmentReceipt] = record_view(
    AppointmentReceipt,
    "appointment-receipt",
    (
        *_columns(AppointmentReceipt),
        *sending_columns(AppointmentReceipt),
    ),
)


def _last(one: FluAnswer) -> str | None:
    last = one.last_vaccination
    return f"{last.date} {last.vaccine}" if last else None


FLU: View[FluAnswer] = record_view(
    FluAnswer,
    "flu",
    (
        Column("gp", "GP", lambda one: one.surgery.label, inside="surgery"),
        Column(
            "eligibility",
            "For whom",
            lambda one: one.eligibility,
            lambda one, _: "\n".join(one.eligibility),
        ),
        Column(
            "price",
            "Price",
            lambda one: price_cell(one.price),
            lambda one, _: price_words(one.price),
        ),
        Column(
            "last_vaccination",
            "Last vaccination",
            _last,
            lambda one, _: _last(one) or "none on record",
        ),
        Column("this_season", "Had it this season", lambda one: one.this_season),
        Column("deep_link", "Booked at", lambda one: one.deep_link),
    ),
)
