"""Slots, appointments, their receipts, and the flu vaccine."""

from __future__ import annotations

from typing import TypeVar

from gpcli.model.appointment import (
    Appointment,
    FluAnswer,
    Slot,
    describe_practitioner,
    describe_topic,
    name_other_service,
)
from gpcli.model.receipt import AppointmentReceipt, MoveReceipt
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.wording import (
    STATUS_STYLES,
    format_appointment_status,
    format_plain_price,
    format_price,
    plan_columns,
    receipt_columns,
)

Kind = TypeVar("Kind", bound=Appointment)


def _format_slot_time(slot: Slot, time_format: TimeFormat) -> str:
    return time_format.period(slot.start, slot.end, slot.zone)


def _split_slot_time(slot: Slot, time_format: TimeFormat) -> tuple[str, str]:
    day = time_format.surgery_day(slot.start, slot.zone)
    return day, time_format.surgery_clock(slot.start, slot.end, slot.zone)


def _format_practitioner(time: Slot | Appointment, _: TimeFormat) -> str:
    return describe_practitioner(time) or ""


def _format_participants(time: Slot | Appointment, _: TimeFormat) -> str:
    return "; ".join(time.participants)


def _has_participants(time: Slot | Appointment) -> bool:
    return bool(time.participants)


def _has_comment(slot: Slot) -> bool:
    return slot.comment is not None


SLOTS: View[Slot] = dataclass_view(
    Slot,
    "slots",
    (
        Column("id", "ID", lambda slot: slot.id),
        Column(
            "start",
            "When",
            lambda slot: slot.start,
            _format_slot_time,
            moment=lambda slot: (slot.start, slot.zone),
            by_day=_split_slot_time,
        ),
        Column("end", "End", lambda slot: slot.end, in_table=False),
        Column("zone", "Zone", lambda slot: slot.zone, in_table=False),
        Column("service", "Service", lambda slot: slot.service, in_table=False),
        Column("channel", "Way", lambda slot: slot.channel, wraps=False),
        Column(
            "practitioner",
            "With",
            lambda slot: slot.practitioner,
            _format_practitioner,
            shared=True,
        ),
        Column("surgery", "Surgery", lambda slot: slot.surgery, droppable=True, shared=True),
        Column("location", "Where", lambda slot: slot.location, in_table=False),
        Column("comment", "Note", lambda slot: slot.comment, in_table=_has_comment),
        Column(
            "schedule_comment", "On these times", lambda slot: slot.schedule_comment, in_table=False
        ),
        Column(
            "practitioner_ref", "With (ID)", lambda slot: slot.practitioner_ref, for_people=False
        ),
        Column(
            "participants",
            "Also",
            lambda slot: slot.participants,
            _format_participants,
            in_table=_has_participants,
        ),
    ),
)


def slot_label(slot: Slot, time_format: TimeFormat) -> str:
    """Return the line for a slot in a list of choices."""
    parts = (
        _format_slot_time(slot, time_format),
        _format_practitioner(slot, time_format),
        *slot.participants,
        slot.channel,
        slot.surgery,
        slot.comment,
    )
    return time_format.phrasing.join(parts)


def appointment_label(appointment: Appointment, time_format: TimeFormat) -> str:
    """Return the line for an appointment in a list of choices."""
    is_usual = appointment.channel == "in-person"
    parts = (
        format_appointment_time(appointment, time_format),
        name_other_service(appointment),
        None if is_usual else appointment.channel,
        appointment.practitioner,
        describe_topic(appointment),
        format_appointment_status(appointment.status),
    )
    return time_format.phrasing.join(parts)


def format_appointment_time(appointment: Appointment, time_format: TimeFormat) -> str:
    """Return when an appointment is, or when it was wished; empty where neither is told."""
    if appointment.start is None and appointment.requested:
        requested = time_format.period(
            appointment.requested[0].start, appointment.requested[-1].end, appointment.zone
        )
        return f"wished: {requested}"
    when = time_format.period(appointment.start, appointment.end, appointment.zone)
    is_open = appointment.start is not None and appointment.end is None
    return f"{when}, {appointment.minutes} min" if is_open and appointment.minutes else when


def _format_location(appointment: Appointment, _: TimeFormat) -> str:
    """Return where it is; empty where that is the surgery itself."""
    is_surgery = appointment.location == appointment.surgery
    return "" if is_surgery else appointment.location or ""


WAYS = {"in-person": "in person", "phone": "by phone", "video": "by video"}
"""The codes of `urn:gpcli:channel` in words; an unknown code is shown as recorded."""


def format_way(channel: str | None) -> str:
    """Format how a visit takes place; empty where that is not told."""
    return WAYS.get(channel or "", channel or "")


CANCELLATION_REASONS = {
    "pat": "the patient cancelled it",
    "pat-crs": "the patient cancelled it at a reminder",
    "pat-cpp": "the patient cancelled it on the portal",
    "pat-dec": "the patient has died",
    "pat-fb": "the patient felt better",
    "pat-lt": "the patient had no way to get there",
    "pat-mt": "the patient's membership has ended",
    "pat-mv": "the patient has moved",
    "pat-preg": "of a pregnancy",
    "pat-swl": "the patient got a time from the waiting list",
    "pat-ucp": "the patient was not content, or has changed provider",
    "prov": "the surgery cancelled it",
    "prov-pers": "the surgery cancelled it for personal reasons",
    "prov-dch": "the patient was discharged",
    "prov-edu": "the surgery cancelled it for a course or a meeting",
    "prov-hosp": "of a stay in hospital",
    "prov-labs": "laboratory results were out of the acceptable range",
    "prov-mri": "of the answers to the MRI screening form",
    "prov-onc": "the plan of the cancer treatment has changed",
    "maint": "of equipment under maintenance or repair",
    "meds-inc": "the preparation or the medicines were not complete",
    "other": "of something else",
    "oth-cms": "the therapy was not authorised",
    "oth-err": "of an error",
    "oth-fin": "of money",
    "oth-iv": "of a problem with the drip",
    "oth-int": "no interpreter was available",
    "oth-mu": "the preparation, the medicines or results were not available",
    "oth-room": "of a room or equipment under maintenance",
    "oth-oerr": "it was scheduled by mistake",
    "oth-swie": "of an error with a walk-in",
    "oth-weath": "of the weather",
}
"""The codes of R4's appointment-cancellation-reason in words; all else is shown as recorded."""


def _format_cancelled_because(appointment: Appointment, _: TimeFormat) -> str:
    because = appointment.cancelled_because or ""
    return CANCELLATION_REASONS.get(because, because)


def _format_cancel_until(appointment: Appointment, time_format: TimeFormat) -> str:
    if appointment.is_over:
        return ""
    until = time_format.time(appointment.cancel_until, appointment.zone)
    is_late = appointment.cancel_until is not None and appointment.cancel_until < time_format.now
    return f"{until}, which is over" if is_late else until


def _format_status(appointment: Appointment, time_format: TimeFormat) -> str:
    return format_appointment_status(appointment.status) if appointment.id else "not sent"


def _find_style(appointment: Appointment) -> str:
    return STATUS_STYLES.get(appointment.status, "") if appointment.id else ""


def _appointment_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """Return the columns of an appointment, for records of `kind`."""
    return (
        Column("id", "ID", lambda appointment: appointment.id),
        Column(
            "start",
            "When",
            lambda appointment: appointment.start,
            format_appointment_time,
            wraps=False,
            moment=lambda appointment: (appointment.start, appointment.zone),
        ),
        Column("end", "End", lambda appointment: appointment.end, for_people=False),
        Column(
            "status",
            "Status",
            lambda appointment: appointment.status,
            _format_status,
            style=_find_style,
            wraps=False,
        ),
        Column(
            "service",
            "Service",
            lambda appointment: appointment.service,
            in_table=lambda appointment: name_other_service(appointment) is not None,
        ),
        *_place_columns(kind),
        Column(
            "location",
            "Where",
            lambda appointment: appointment.location,
            _format_location,
            in_table=False,
        ),
        Column("reason", "Reason", lambda appointment: appointment.reason, in_table=False),
        Column("answer", "Answer", lambda appointment: appointment.answer, in_table=False),
        *_record_columns(kind),
        *_word_columns(kind),
    )


def _record_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """Return the columns on cancelling, the link, the slot and the making of an appointment."""
    return (
        Column(
            "cancel_until",
            "Free to cancel until",
            lambda appointment: appointment.cancel_until,
            _format_cancel_until,
            in_table=False,
        ),
        Column("join_url", "Join at", lambda appointment: appointment.join_url, in_table=False),
        Column("slot_id", "Slot", lambda appointment: appointment.slot_id, in_table=False),
        Column(
            "created",
            "Made",
            lambda appointment: appointment.created,
            lambda appointment, time_format: time_format.time(
                appointment.created, appointment.zone
            ),
            in_table=False,
        ),
    )


def _place_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """Return the columns on how, with whom and at which surgery an appointment is."""
    return (
        Column("channel", "Way", lambda appointment: appointment.channel, wraps=False),
        Column(
            "practitioner",
            "With",
            lambda each: each.practitioner,
            _format_practitioner,
            shared=True,
        ),
        Column(
            "surgery",
            "Surgery",
            lambda appointment: appointment.surgery,
            droppable=True,
            shared=True,
        ),
    )


def _word_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """Return the last columns of an appointment: what the portal says of it besides."""
    return (
        Column("zone", "Zone", lambda appointment: appointment.zone, for_people=False),
        Column("subject", "Subject", lambda each: each.subject, wraps=False, droppable=True),
        Column("minutes", "Minutes", lambda appointment: appointment.minutes, for_people=False),
        Column("type", "Type", lambda appointment: appointment.type, in_table=False),
        Column(
            "reasons",
            "Because of",
            lambda appointment: appointment.reasons,
            lambda appointment, _: "; ".join(appointment.reasons),
            in_table=False,
        ),
        Column(
            "instructions",
            "Before you come",
            lambda appointment: appointment.instructions,
            in_table=False,
        ),
        Column(
            "cancelled_because",
            "Cancelled because",
            lambda appointment: appointment.cancelled_because,
            _format_cancelled_because,
            in_table=False,
        ),
        Column(
            "participants",
            "Also",
            lambda appointment: appointment.participants,
            _format_participants,
            in_table=_has_participants,
        ),
        Column(
            "practitioner_ref", "With (ID)", lambda each: each.practitioner_ref, for_people=False
        ),
    )


APPOINTMENTS: View[Appointment] = dataclass_view(
    Appointment,
    "appointments",
    _appointment_columns(Appointment),
)

RECEIPT: View[AppointmentReceipt] = dataclass_view(
    AppointmentReceipt,
    "appointment-receipt",
    (
        *_appointment_columns(AppointmentReceipt),
        *receipt_columns(AppointmentReceipt),
        *plan_columns(AppointmentReceipt),
    ),
)


MOVE_RECEIPT: View[MoveReceipt] = dataclass_view(
    MoveReceipt,
    "move-receipt",
    (
        *_appointment_columns(MoveReceipt),
        *receipt_columns(MoveReceipt),
        Column(
            "replaced",
            "Instead of",
            lambda receipt: receipt.replaced.id,
            lambda receipt, _: (
                f"{receipt.replaced.id}, {format_appointment_status(receipt.replaced.status)}"
            ),
        ),
        *plan_columns(MoveReceipt),
    ),
)


def _format_last_vaccination(answer: FluAnswer) -> str | None:
    last = answer.last_vaccination
    if last is None:
        return None
    return f"{last.date} {last.vaccine}{' (the dose was too weak)' if last.subpotent else ''}"


def _format_no_vaccination(answer: FluAnswer) -> str:
    return "none that gpcli can read" if answer.this_season is None else "none on record"


def _format_booked(booked: Appointment | None, time_format: TimeFormat) -> str:
    if booked is None:
        return ""
    status = format_appointment_status(booked.status)
    return f"{format_appointment_time(booked, time_format)} ({booked.id}), {status}"


FLU: View[FluAnswer] = dataclass_view(
    FluAnswer,
    "flu",
    (
        Column("gp", "GP", lambda answer: answer.surgery.label, json_path="surgery"),
        Column(
            "eligibility",
            "For whom",
            lambda answer: answer.eligibility,
            lambda answer, _: "\n".join(answer.eligibility),
        ),
        Column(
            "price",
            "Price",
            lambda answer: format_plain_price(answer.price),
            lambda answer, time_format: format_price(answer.price, time_format.phrasing),
        ),
        Column(
            "last_vaccination",
            "Last vaccination",
            _format_last_vaccination,
            lambda answer, _: _format_last_vaccination(answer) or _format_no_vaccination(answer),
        ),
        Column("this_season", "Had it this season", lambda answer: answer.this_season),
        Column("deep_link", "Booked at", lambda answer: answer.deep_link),
        Column(
            "booked",
            "Your booking",
            lambda answer: answer.booked.id if answer.booked else None,
            lambda answer, time_format: _format_booked(answer.booked, time_format),
        ),
    ),
)
