"""Appointments: what they are about stands in every format, and in the list to pick from."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gpcli.model.appointment import Appointment, Window
from gpcli.render.output import Format
from gpcli.render.times import TimeFormat
from gpcli.render.views.appointment_views import APPOINTMENTS, appointment_label
from tests.render.conftest import NOW, OSLO_WINTER

START = datetime(2026, 11, 24, 9, 0, tzinfo=OSLO_WINTER)
DOCTOR = "Dr. Ingrid Haugland"
WISH = Appointment(
    id="con-1",
    status="proposed",
    start=None,
    end=None,
    zone="Europe/Oslo",
    requested=(Window(START, START + timedelta(hours=2)),),
    service="e-consultation",
    channel="phone",
    practitioner="Dr. Ingrid Haugland",
    surgery="Solbakken legesenter",
    location=None,
    reason="It creaks.",
    answer=None,
    cancel_until=None,
    created=None,
    slot_id=None,
    subject="Knee",
)


def test_at_a_terminal_the_subject_has_a_line(make_output):
    shown = make_output(tty=True)
    shown.output.show_item(APPOINTMENTS, WISH)
    lines = [line.split(maxsplit=1) for line in shown.stdout_text.splitlines()]
    assert ["Subject", "Knee"] in lines
    assert ["Reason", "It creaks."] in lines


def test_without_a_subject_there_is_no_line(make_output):
    shown = make_output(tty=True)
    shown.output.show_item(APPOINTMENTS, replace(WISH, subject=None))
    assert "Subject" not in shown.stdout_text


@pytest.mark.parametrize("subject", ["Knee", None])
def test_for_scripts_the_subject_is_a_key_and_a_column(make_output, subject):
    one = replace(WISH, subject=subject)
    answer, lines = make_output(format=Format.JSON), make_output(format=Format.PLAIN)
    answer.output.show_item(APPOINTMENTS, one)
    lines.output.show_list(APPOINTMENTS, [one])
    assert json.loads(answer.stdout_text)["subject"] == subject
    assert lines.stdout_text.rstrip("\n").split("\t")[16] == (subject or "")


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({}, "Dr. Ingrid Haugland · Knee · booked"),
        ({"subject": None, "reason": "It creaks.\nAt night."}, f"{DOCTOR} · It creaks. · booked"),
        ({"subject": None, "reason": None}, f"{DOCTOR} · booked"),
        ({"practitioner": None, "subject": None, "reason": " \n"}, "booked"),
        ({"channel": "video"}, f"video · {DOCTOR} · Knee · booked"),
        ({"service": "flu-vaccination"}, f"flu-vaccination · {DOCTOR} · Knee · booked"),
        ({"service": None, "status": "proposed"}, f"{DOCTOR} · Knee · waiting for the surgery"),
    ],
)
def test_what_tells_one_from_another_helps_to_pick_it(changes, ending):
    visit = replace(WISH, service="booking", channel="in-person", status="booked")
    label = appointment_label(replace(visit, **changes), TimeFormat(NOW))
    assert label.partition(" · ")[2] == ending


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("pat", "the patient cancelled it"),
        ("prov", "the surgery cancelled it"),
        ("Dr. Haugland is ill", "Dr. Haugland is ill"),
        ("patient", "patient"),
    ],
)
def test_why_it_was_cancelled_is_said_in_words_and_kept_as_recorded(make_output, recorded, shown):
    cancelled = replace(WISH, status="cancelled", cancelled_because=recorded)
    screen, answer = make_output(tty=True), make_output(format=Format.JSON)
    screen.output.show_item(APPOINTMENTS, cancelled)
    answer.output.show_item(APPOINTMENTS, cancelled)
    assert re.search(rf"^Cancelled because +{shown}$", screen.stdout_text, re.MULTILINE)
    assert json.loads(answer.stdout_text)["cancelled_because"] == recorded
